# SPDX-License-Identifier: Apache-2.0
"""Who has asked, and says by TLS and TCP that no more comes, still gets what was asked."""
import pathlib
import socket
import ssl
import time

import pytest

from frames import DATA, PREFACE, SETTINGS, headers, posted, request, settings, widen
from secure import STATIC, files, trusting
from waypost import FRA, Waypost, network, sites


@pytest.fixture(scope="module")
def server(world, ours, origins):
    """A node that all stories ask."""
    config = network()
    sites(config)[STATIC]["tls"] = files(ours.certify(STATIC, name="half"))
    waypost = Waypost(world, config, name="half")
    yield waypost
    waypost.stop()


@pytest.fixture(scope="module")
def largest(pages):
    """A page of more than any buffer of ours, and its path."""
    found = max((p for p in pathlib.Path(pages).rglob("*.html")), key=lambda p: p.stat().st_size)
    return f"/{found.relative_to(pages)}", found.read_bytes()


def hear_all(ours, said, pause, protocol):
    """What is answered, to the end, to who says that and at once the end (RFC 8446 §6.1)."""
    context = trusting(ours)
    context.set_alpn_protocols([protocol])
    came, goes, heard = ssl.MemoryBIO(), ssl.MemoryBIO(), b""
    tls = context.wrap_bio(came, goes, server_hostname=STATIC)
    with socket.create_connection((FRA, 443), timeout=20) as sock:
        for step in (tls.do_handshake, lambda: tls.write(said), tls.unwrap):
            while True:
                try:
                    step()
                    break
                except ssl.SSLWantReadError:
                    if step == tls.unwrap:
                        break
                    sock.sendall(goes.read())
                    came.write(sock.recv(65536))
        sock.sendall(goes.read())
        sock.shutdown(socket.SHUT_WR)
        time.sleep(pause)
        while got := sock.recv(65536):
            came.write(got)
            try:
                while more := tls.read(65536):
                    heard += more
            except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
                pass
    return heard


def body_of(heard, stream):
    """The DATA of one stream."""
    body = b""
    while heard:
        end = 9 + int.from_bytes(heard[:3], "big")
        if heard[3] == DATA and int.from_bytes(heard[5:9], "big") == stream:
            body += heard[9:end]
        heard = heard[end:]
    return body


@pytest.mark.parametrize("pause", [0, 1])
def test_http2(server, ours, largest, pages, pause):
    path, body = largest
    said = (PREFACE + settings((4, 2 ** 31 - 1)) + widen(2 ** 30) +
            headers(1, request(path=path)) + headers(3, request(path="/sqlite.css")))
    heard = hear_all(ours, said, pause, "h2")
    assert body_of(heard, 1) == body
    assert body_of(heard, 3) == (pages / "sqlite.css").read_bytes()


@pytest.mark.parametrize("pause", [0, 1])
def test_http1(server, ours, largest, pause):
    path, body = largest
    said = f"GET {path} HTTP/1.1\r\nHost: {STATIC}\r\n\r\n".encode()
    assert hear_all(ours, said, pause, "http/1.1").endswith(b"\r\n\r\n" + body)


def test_a_body_that_can_not_come_any_more_is_not_waited_for(server, ours):
    heard = hear_all(ours, PREFACE + settings() + posted(), 0, "h2")
    assert not body_of(heard, 1)
    assert hear_all(ours, PREFACE[:10], 0, "h2")[3] == SETTINGS

# SPDX-License-Identifier: Apache-2.0
"""Origins that lie, stall, flood or hang up: their own visitors get an error that can be told from
an answer, nothing wrong is kept, and nobody else notices."""
import os
import time

import pytest

from raw import Connection, ask
from scripted import Scripted
from waypost import FRA, Waypost, network

EVIL, GOOD = "evil.test", "good.test"
CACHED = "Cache-Control: max-age=600\r\n"


def flood(conversation, start, again, most=64 << 20):
    """Sends `start`, then `again` until the other side hangs up; fails when it takes it all."""
    conversation.send(start)
    sent = 0
    piece = again * (65536 // len(again))
    while sent < most:
        conversation.send(piece)  # raises when hung up on
        sent += len(piece)
    flooded.append(conversation.path)


flooded = []


def length(count, body):
    """An answer that announces `count` bytes and sends these."""
    return f"HTTP/1.1 200 OK\r\n{CACHED}Content-Length: {count}\r\n\r\n" + body


def chunks(data):
    """A chunked answer with this for a body."""
    return f"HTTP/1.1 200 OK\r\n{CACHED}Transfer-Encoding: chunked\r\n\r\n" + data


# Heads that mean nothing: the visitor gets 502.
HEADS = {
    "/greeting": "220 smtp.evil.test ESMTP\r\n\r\n",
    "/binary": "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n",
    "/nothing": "\r\n\r\n",
    "/status-word": "HTTP/1.1 okay\r\n\r\n",
    "/status-huge": "HTTP/1.1 99999 okay\r\nContent-Length: 0\r\n\r\n",
    "/version": "HTTP/7.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "/two-lengths": "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "/negative": "HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabc",
    "/overflow": "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\nabc",
    "/nul": "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 3\r\n\r\nabc",
    "/blank-colon": "HTTP/1.1 200 OK\r\nContent-Length : 3\r\n\r\nabc",
    "/unknown-coding": "HTTP/1.1 200 OK\r\nTransfer-Encoding: lzma\r\n\r\nabc",
    "/half-a-head": "HTTP/1.1 200 OK\r\nContent-Le",
}

# Bodies that break off or go wrong: the visitor can tell that it is not all.
BODIES = {
    "/short": length(1000, "x" * 500),
    "/bad-size": chunks("5\r\nhello\r\nzz\r\nworld\r\n0\r\n\r\n"),
    "/no-end": chunks("5\r\nhello\r\n"),
    "/wrong-end": chunks("5\r\nhelloXX5\r\nworld\r\n0\r\n\r\n"),
    "/size-overflow": chunks("5\r\nhello\r\nfffffffffffffffff\r\n"),
    "/size-huge": chunks("5\r\nhello\r\n7fffffffffffffff\r\nx"),
}


def script(conversation):
    """All the ways to be a bad origin, by path."""
    path = conversation.path
    if path in HEADS or path in BODIES:
        conversation.send((HEADS.get(path) or BODIES[path]).encode("latin-1"))
        conversation.close()
    elif path == "/endless-head":
        flood(conversation, "HTTP/1.1 200 OK\r\n", b"X-More: of the same\r\n")
    elif path == "/endless-line":
        flood(conversation, "HTTP/1.1 200 OK\r\nX: ", b"x")
    elif path == "/endless-interim":
        flood(conversation, "", b"HTTP/1.1 100 Continue\r\n\r\n")
    elif path == "/endless-trailer":
        flood(conversation, chunks("5\r\nhello\r\n0\r\n"), b"X-More: of the same\r\n")
    elif path == "/endless-extension":
        flood(conversation, chunks("5;"), b"x")
    elif path == "/reset":
        conversation.send(length(1000, "x" * 500))
        conversation.reset()
    elif path == "/reset-at-once":
        conversation.reset()
    elif path == "/silent":
        time.sleep(20)
    elif path == "/more-than-said":
        conversation.send(length(5, "hello") + length(7, "another"))
    else:
        conversation.answer(f"well {path}", Cache_Control="max-age=600")


@pytest.fixture(scope="module")
def evil(world):
    """The hostile origin."""
    origin = Scripted(world, "203.0.113.66", script)
    yield origin
    origin.stop()


@pytest.fixture(scope="module")
def good(world):
    """Another customer's decent origin."""
    origin = Scripted(world, "203.0.113.65",
                      lambda c: c.answer("decent", Cache_Control="no-store"))
    yield origin
    origin.stop()


@pytest.fixture(scope="module")
def served(world, evil, good):
    """Both customers on one network."""
    config = network()
    config["customers"] = {
        name: {"origins": {"one": {"address": f"{origin.address}:80"}},
               "sites": {host: {"deliver": ["one"]}}}
        for name, host, origin in (("evil", EVIL, evil), ("good", GOOD, good))}
    waypost = Waypost(world, config)
    yield waypost
    waypost.stop()


def others_are_fine(served):
    """Both customers' other content is served, at once."""
    served.process.must_run()
    started = time.monotonic()
    assert ask(FRA, "/fine", GOOD).body == b"decent"
    assert ask(FRA, "/fine", EVIL).body == b"well /fine"
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("path", HEADS)
def test_senseless_heads_become_bad_gateway(served, evil, path):
    reply = ask(FRA, path, EVIL)
    assert reply.status in (502, 504)
    count = evil.count(path)
    ask(FRA, path, EVIL)
    assert evil.count(path) > count  # nothing was kept
    others_are_fine(served)


@pytest.mark.parametrize("path", [*BODIES, "/reset"])
def test_broken_bodies_are_told_from_whole_ones_and_not_kept(served, evil, path):
    for _ in range(2):
        count = evil.count(path)
        with Connection(FRA) as connection:
            connection.send(f"GET {path} HTTP/1.1\r\nHost: {EVIL}\r\n\r\n")
            try:
                reply = connection.reply()
            except (AssertionError, ConnectionResetError):
                reply = None  # cut short, as the visitor must see
            assert reply is None or reply.status in (502, 504)
        assert evil.count(path) > count
    others_are_fine(served)


@pytest.mark.parametrize("path", ["/endless-head", "/endless-line", "/endless-interim",
                                  "/endless-trailer", "/endless-extension"])
def test_endless_answers_are_cut_off(served, path):
    memory = served.memory_bytes()
    with Connection(FRA, seconds=20) as connection:
        connection.send(f"GET {path} HTTP/1.1\r\nHost: {EVIL}\r\n\r\n")
        try:
            reply = connection.reply()
        except (AssertionError, ConnectionResetError):
            reply = None
        assert reply is None or reply.status in (502, 504)
    assert path not in flooded
    assert served.memory_bytes() - memory < 16 << 20
    others_are_fine(served)


def test_a_reset_before_any_answer_is_bad_gateway(served):
    assert ask(FRA, "/reset-at-once", EVIL).status in (502, 504)
    others_are_fine(served)


def test_bytes_after_an_answer_are_nobodys_answer(served):
    for n in range(20):
        reply = ask(FRA, "/more-than-said", EVIL, "GET", "Cache-Control: no-cache")
        assert reply.status == 502 or reply.body == b"hello"
        assert ask(FRA, f"/next{n}", EVIL).body == f"well /next{n}".encode()


def test_a_silent_origin_holds_up_nobody_else(served):
    waiting = [Connection(FRA) for _ in range(100)]
    for n, connection in enumerate(waiting):
        path = "/silent" if n % 2 else f"/silent?{n}"
        connection.send(f"GET {path} HTTP/1.1\r\nHost: {EVIL}\r\n\r\n")
    others_are_fine(served)
    for connection in waiting:
        connection.sock.close()
    others_are_fine(served)


def test_descriptors_are_given_back(served, evil):
    folder = f"/proc/{served.process.child.pid}/fd"

    def storm():
        for path in [*HEADS, *BODIES, "/reset", "/reset-at-once"]:
            with Connection(FRA) as connection:
                connection.send(f"GET {path} HTTP/1.1\r\nHost: {EVIL}\r\n\r\n")
                try:
                    connection.reply()
                except (AssertionError, ConnectionResetError):
                    pass
        time.sleep(0.3)
        return len(os.listdir(folder))

    storm()
    before = storm()
    for _ in range(4):
        after = storm()
    assert after <= before + 4

# SPDX-License-Identifier: Apache-2.0
"""What was delivered, by site: what clients received is what is counted, to the byte."""
import re
import socket
import ssl
import subprocess
import time

import pytest

import frames
from origin import embedded_in
from secure import files, trusting
from waypost import FRA, PATIENCE, ZONE, network
from world import wait_until

ACME, BROOK, PAGE_SITE = "static.acme.test", "static.brook.test", "www.acme.test"
PAGE = "/atomiccommit.html"
OUTCOMES = ("hit", "stale", "miss", "revalidated", "collapsed", "pass", "refused", "error",
            "redirected")
SOCKETS_HOLD = 8 << 20  # what may be on its way to somebody who reads no more


@pytest.fixture
def counted(serve, origins, ours):
    """Two customers whose sites have the same origins."""
    config = network()
    acme = config["customers"]["acme"]
    config["customers"]["brook"] = {
        "origins": acme["origins"],
        "sites": {BROOK: {"deliver": ["ams", "nyc"], "fill": "ordered", "ttl": "2s"}}}
    config["tls"] = {"default": files(ours.certify(ACME, BROOK))}
    return serve(config)


@pytest.fixture(scope="module")
def picture(pages):
    """One that the page shows: its path and length."""
    path = max(embedded_in(pages, PAGE, ACME), key=lambda p: (pages / p[1:]).stat().st_size)
    return path, (pages / path[1:]).stat().st_size


@pytest.fixture(scope="module")
def large(pages):
    """A file that takes a while."""
    (pages / "large.bin").write_bytes(bytes(range(256)) * (128 << 10))
    return "/large.bin", 32 << 20


def total(waypost, name, site, **labels):
    """A total of the site, or of all with None. One node of the process tells of all of them."""
    labels |= {"site": site} if site else {}
    return int(waypost.metric(f"site_{name}_total", "fra1", **labels))


def sent(waypost, site=None):
    """Bytes of its answers."""
    return total(waypost, "sent_bytes", site)


def must_be(waypost, wanted, what, site=None):
    """The last of it may be counted a moment after it was heard."""
    try:
        wait_until(lambda: sent(waypost, site) == wanted, what, 5 * PATIENCE)
    except AssertionError:
        assert sent(waypost, site) == wanted, what


def opened(ours, is_secure, host=ACME, protocol="http/1.1"):
    """A connection, by HTTP or HTTPS."""
    sock = socket.create_connection((FRA, 443 if is_secure else 80), timeout=20)
    if not is_secure:
        return sock
    context = trusting(ours)
    context.set_alpn_protocols([protocol])
    return context.wrap_socket(sock, server_hostname=host)


def all_of(sock):
    """What is heard until the other side ends."""
    heard = b""
    while more := sock.recv(1 << 16):
        heard += more
    return heard


def asked_for(host, path, *fields, method="GET", body=""):
    """A request as text."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *fields]
    return "\r\n".join(lines) + "\r\n\r\n" + body


def all_kinds(host, path):
    """Requests of all kinds of answers, the last of which ends the connection."""
    return [asked_for(host, path), asked_for(host, path), asked_for(host, path, method="HEAD"),
            asked_for(host, path, "Range: bytes=5-1004"),
            asked_for(host, path, "Range: bytes=999999999-"),
            asked_for(host, path, "If-None-Match: *"), asked_for(host, "/no-such-thing"),
            asked_for(host, "/language"), asked_for(host, "/dynamic"),
            asked_for(host, "/dynamic", "Content-Length: 3", method="POST", body="abc"),
            asked_for(host, path, method="TRACE"), asked_for(host, "*", method="OPTIONS"),
            asked_for(host, path, "Expect: 100-continue", "Content-Length: 0"),
            asked_for(host, path, "Connection: close")]


@pytest.mark.parametrize("is_secure", [False, True])
@pytest.mark.parametrize("is_pipelined", [False, True])
def test_answers_of_all_kinds_count_as_received(counted, ours, picture, is_secure, is_pipelined):
    heard = {}
    for host in (ACME, BROOK):
        with opened(ours, is_secure, host) as sock:
            requests = all_kinds(host, picture[0])
            for text in ["".join(requests)] if is_pipelined else requests:
                sock.sendall(text.encode())
                time.sleep(0 if is_pipelined else 0.05)
            heard[host] = len(all_of(sock))

    for host in heard:
        assert heard[host] > 4 * picture[1]
        must_be(counted, heard[host], host, host)
        assert sum(total(counted, "requests", host, outcome=o) for o in OUTCOMES) == 14
        assert sum(total(counted, "requests", host, outcome=o) for o in ("hit", "collapsed")) >= 6
        assert total(counted, "requests", host, outcome="refused") == 2
        assert total(counted, "filled_bytes", host) >= picture[1]
    must_be(counted, sum(heard.values()), "nobody else's")


def frames_in(heard):
    """(kind, stream, octets) of each frame."""
    while heard:
        length = 9 + int.from_bytes(heard[:3], "big")
        yield heard[3], int.from_bytes(heard[5:9], "big"), length
        heard = heard[length:]


def test_http2_counts_the_frames_of_its_streams(counted, ours, picture):
    hosts = {stream: ACME if stream % 4 == 1 else BROOK for stream in range(1, 80, 2)}
    bytes_of, ended, heard = dict.fromkeys((ACME, BROOK), 0), 0, b""
    with opened(ours, True, ACME, "h2") as sock:
        sock.sendall(frames.PREFACE + frames.settings((4, 1 << 20)) + frames.widen(1 << 30))
        for stream, host in hosts.items():
            sock.sendall(frames.headers(stream, frames.request(
                path=picture[0] if stream % 3 else "/dynamic", authority=host,
                method="HEAD" if stream % 5 == 0 else "GET")))
        while ended < len(hosts):
            heard += sock.recv(1 << 16)
            ended = flags_of_ends(heard)

    for kind, stream, length in frames_in(heard):
        if kind in (frames.HEADERS, frames.DATA):
            bytes_of[hosts[stream]] += length
    for host, wanted in bytes_of.items():
        must_be(counted, wanted, host, host)
        assert sum(total(counted, "requests", host, outcome=o) for o in OUTCOMES) == 20
    assert sum(bytes_of.values()) < len(heard)  # SETTINGS and the like are nobody's


def flags_of_ends(heard):
    """How many streams have ended, as far as whole frames were heard."""
    ended = 0
    while len(heard) >= 9 and len(heard) >= (
            length := 9 + int.from_bytes(heard[:3], "big")):
        ended += heard[3] in (frames.HEADERS, frames.DATA) and heard[4] & frames.END_STREAM
        heard = heard[length:]
    return ended


def curl_words(ours, host, *options):
    """By whatever curl speaks."""
    return ["curl", "-s", "--cacert", str(ours.file), "--resolve", f"{host}:443:{FRA}",
            "--resolve", f"{host}:80:{FRA}", "-o", "/dev/null", *options]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_curl_downloaded_is_counted(counted, ours, large, scheme):
    heard = 0
    for options in ([], ["-I"], ["-r", "100-1000099"], ["-H", "Accept-Encoding: gzip"]):
        said = subprocess.run(
            curl_words(ours, ACME, "--http1.1", "-w", "%{size_header} %{size_download}",
                       *options, f"{scheme}://{ACME}{large[0]}"),
            capture_output=True, text=True, timeout=60, check=True).stdout
        heard += sum(map(int, said.split()))
    must_be(counted, heard, ACME, ACME)
    assert total(counted, "filled_bytes", ACME) == large[1]


@pytest.mark.parametrize("options", [["http"], ["https", "--http1.1"], ["https", "--http2"]])
def test_who_breaks_off_is_counted_what_left(counted, ours, large, options):
    """It was not more than was received and what lies in sockets, nor less."""
    scheme, *options = options
    words = curl_words(ours, ACME, "--limit-rate", "4M", *options, f"{scheme}://{ACME}{large[0]}")
    curls = [subprocess.Popen(words) for _ in range(3)]
    wait_until(lambda: sent(counted, ACME) > 3 << 20, "some of it went")
    time.sleep(0.5)
    for one in curls:
        one.kill()
        one.wait()
    wait_until(lambda: counted.metric("http_connections_total") ==
               counted.metric("http_connections_closed_total"), "connections are closed")
    time.sleep(0.2)
    left = sent(counted, ACME)

    assert 3 << 20 < left < 3 * large[1]
    time.sleep(0.5)
    assert sent(counted, ACME) == left  # nothing is counted later
    assert sum(total(counted, "requests", ACME, outcome=o) for o in OUTCOMES) == 3


@pytest.mark.parametrize("is_secure", [False, True])
def test_a_slow_reader_who_leaves_is_counted_little_more_than_was_read(
        counted, ours, large, is_secure):
    heard = 0
    with opened(ours, is_secure) as sock:
        sock.sendall(asked_for(ACME, large[0]).encode())
        while heard < 1 << 20:
            heard += len(sock.recv(1 << 14))
            time.sleep(0.002)
    wait_until(lambda: counted.metric("http_connections_total") ==
               counted.metric("http_connections_closed_total"), "the connection is closed")
    assert heard <= sent(counted, ACME) <= heard + SOCKETS_HOLD


def h2load(*words):
    """What it received: bytes in all, of heads, and of bodies; and how many requests that were."""
    said = subprocess.run(["h2load", "-t", "1", *words], capture_output=True, text=True,
                          timeout=60, check=True).stdout
    row = re.search(r"traffic: \S+ \((\d+)\) total, \S+ \((\d+)\) headers.*\((\d+)\) data", said)
    done = re.search(r"(\d+) succeeded", said)
    assert row and done, said
    return [int(n) for n in (*row.groups(), done[1])]


def test_loads_are_counted_to_the_byte(counted, ours, picture):
    """By two workers: 2000 answers by HTTP/1.1 and as many by HTTP/2."""
    hosts = "/etc/hosts"
    with open(hosts, encoding="ascii") as file:
        before = file.read()
    own = counted.folder / "hosts"
    own.write_text(before + f"{FRA} {ACME}\n")
    subprocess.run(["mount", "--bind", str(own), hosts], check=True)
    try:
        received, _, _, done = h2load("--h1", "-n", "2000", "-c", "20", f"http://{ACME}/language")
        assert done == 2000
        must_be(counted, received, ACME, ACME)
        _, heads, bodies, done = h2load("-n", "2000", "-c", "20", "-m", "10",
                                        f"https://{ACME}/language")
    finally:
        subprocess.run(["umount", hosts], check=True)
    assert done == 2000
    must_be(counted, received + heads + bodies + 2000 * 2 * 9, ACME, ACME)  # a frame each
    assert total(counted, "requests", ACME) == 4000


def test_probes_and_strangers_are_nobodys(counted, ours):
    wait_until(lambda: counted.metric("delivery_probes_total") > 3, "nodes are probed", 20)
    with opened(ours, False) as sock:
        sock.sendall((asked_for("nobody.test", "/") +
                      asked_for(ACME, "/.well-known/waypost/probe", "Connection: close")).encode())
        assert b"421" in all_of(sock)
    assert sent(counted) == 0
    assert total(counted, "requests", None) == 0
    assert counted.metric("http_sent_bytes_total") > 0


def dig(*words):
    """Addresses that were given out."""
    said = subprocess.run(words, capture_output=True, text=True, timeout=20, check=True).stdout
    return [row for row in said.split("\n") if re.fullmatch(r"[0-9.]+", row)]


def test_dns_counts_answers_and_addresses_by_site(counted):
    at = f"@{FRA}"
    wanted = {ACME: [0, 0], PAGE_SITE: [0, 0], BROOK: [0, 0]}
    asked = [(ACME, ["dig", at, "+short", ACME]),
             (ACME, ["dig", at, "+short", "+tcp", f"{ACME}.{ZONE}"]),
             (PAGE_SITE, ["dig", at, "+short", "+subnet=198.51.100.0/24", PAGE_SITE]),
             (PAGE_SITE, ["kdig", at, "+short", "+subnet=203.0.113.0/24", PAGE_SITE]),
             (PAGE_SITE, ["kdig", at, "+short", "+tcp", "-t", "ANY", PAGE_SITE]),
             (BROOK, ["kdig", at, "+short", BROOK])]
    for site, words in asked * 5:
        addresses = dig(*words)
        assert addresses
        wanted[site][0] += 1
        wanted[site][1] += len(addresses)
    for words in ([ACME, "MX"], ["nobody.acme.test"], [ACME, "AAAA"], [f"fra1.node.{ZONE}"]):
        subprocess.run(["dig", at, "+short", *words], check=True, capture_output=True)

    for site, (answers, addresses) in wanted.items():
        assert total(counted, "dns_answers", site) == answers
        assert total(counted, "dns_addresses", site) == addresses
    assert sent(counted) == 0


def test_totals_stay_over_a_reload(counted, ours, picture):
    def visit():
        with opened(ours, False) as sock:
            sock.sendall(asked_for(ACME, picture[0], "Connection: close").encode())
            return len(all_of(sock))

    heard = visit()
    config = {**counted.config}
    config["customers"]["acme"]["sites"]["new.acme.test"] = {"deliver": ["ams"]}
    counted.reload(config)
    wait_until(lambda: "reload_done" in counted.process.output(), "it is in use")
    heard += visit()
    must_be(counted, heard, ACME, ACME)

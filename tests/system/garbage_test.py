# SPDX-License-Identifier: Apache-2.0
"""Garbage at the doors: mutated questions and requests end nothing and cost nobody anything."""
import random
import select
import socket

import dns.edns
import dns.message
import dns.query
import pytest

from raw import ask
from waypost import FRA, IS_NIGHT, Waypost, network

COUNT = 100_000 if IS_NIGHT else 5_000
STATIC = "static.acme.test"

HEADS = [
    f"GET /sqlite.css HTTP/1.1\r\nHost: {STATIC}\r\nAccept-Encoding: gzip\r\n\r\n",
    f"GET /dynamic?a HTTP/1.1\r\nHost: {STATIC}\r\nIf-None-Match: \"x\"\r\nRange: bytes=1-2\r\n\r\n",
    f"POST /dynamic HTTP/1.1\r\nHost: {STATIC}\r\nTransfer-Encoding: chunked\r\n\r\n"
    "5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n",
    f"POST /dynamic HTTP/1.1\r\nHost: {STATIC}\r\nContent-Length: 5\r\nExpect: 100-continue\r\n"
    "\r\nhello",
    f"HEAD http://{STATIC}/language HTTP/1.1\r\nHost: {STATIC}\r\nConnection: close, x\r\n"
    "Cache-Control: max-age=0, no-cache=\"a\"\r\n\r\n",
]

SPICE = [b"\r\n", b"\n", b"\0", b": ", b" ", b"\t", b",", b";", b"%", b"..", b"\xff", b"-1", b"0x",
         b"99999999999999999999", b"chunked", b"\xc0\x0c", b"\x3f", b"\0\x29", b"\0\x08"]


@pytest.fixture(scope="module")
def served(world, origins):
    """One network for all of these stories."""
    waypost = Waypost(world, network())
    yield waypost
    waypost.stop()


def mutated(chance, data):
    """The bytes with one to four changes."""
    data = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        kind = chance.randrange(6)
        if kind == 0 and at < len(data):
            data[at] = chance.randrange(256)
        elif kind == 1:
            del data[at:at + chance.randint(1, 8)]
        elif kind == 2:
            data[at:at] = chance.choice(SPICE)
        elif kind == 3 and at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        elif kind == 4:
            data[at:at] = data[at:at + chance.randint(1, 60)]
        else:
            del data[at:]
    return bytes(data)


def questions():
    """Well-formed questions to start from."""
    made = [dns.message.make_query(name, kind, **more).to_wire()
            for name in ("www.acme.test", STATIC, "a.b.c.cdn.waypost.test", "nobody.test")
            for kind in ("A", "SOA", "ANY", "HTTPS")
            for more in ({}, {"use_edns": 0, "options": [dns.edns.ECSOption("198.51.100.0", 24),
                                                         dns.edns.GenericOption(10, b"8 octets")]})]
    return made


def test_mutated_questions(served):
    chance = random.Random(1)
    seeds = questions()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        for n in range(COUNT):
            sock.sendto(mutated(chance, chance.choice(seeds)), (FRA, 53))
            if n % 64 == 0:
                while select.select([sock], [], [], 0.002)[0]:
                    reply = sock.recv(65535)
                    assert len(reply) >= 12 and reply[2] & 0x80
        served.process.must_run()
    assert len(dns.query.udp(dns.message.make_query(STATIC, "A"), FRA, timeout=3).answer) == 1


def test_mutated_questions_by_tcp(served):
    chance = random.Random(2)
    seeds = questions()
    for _ in range(COUNT // 50):
        with socket.create_connection((FRA, 53), timeout=5) as sock:
            for _ in range(10):
                wire = mutated(chance, chance.choice(seeds))
                claim = len(wire) if chance.random() < 0.8 else chance.randrange(65536)
                try:
                    sock.sendall(claim.to_bytes(2, "big") + wire)
                except OSError:
                    break
    served.process.must_run()
    assert len(dns.query.tcp(dns.message.make_query(STATIC, "A"), FRA, timeout=3).answer) == 1


def test_mutated_requests(served):
    chance = random.Random(3)
    for _ in range(COUNT // 4):
        with socket.create_connection((FRA, 80), timeout=5) as sock:
            data = b"".join(mutated(chance, chance.choice(HEADS).encode())
                            for _ in range(chance.randint(1, 8)))
            try:
                sock.sendall(data)
                if chance.random() < 0.3:
                    sock.shutdown(socket.SHUT_WR)
                if select.select([sock], [], [], 0.003)[0]:
                    reply = sock.recv(65536)
                    assert not reply or reply.startswith(b"HTTP/1.1 ")
            except OSError:
                pass
    served.process.must_run()
    assert ask(FRA, "/sqlite.css", STATIC).status == 200

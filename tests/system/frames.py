# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 by hand, for what no decent client sends: frames as bytes, and what is heard for them."""
import contextlib
import socket
import time

import hpack
from h2.errors import ErrorCodes

from secure import STATIC, Secure

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
(DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE,
 CONTINUATION) = range(10)
PRIORITY_UPDATE, UNKNOWN = 0x10, 0x4d
ACK = END_STREAM = 1
END_HEADERS, PADDED, HAS_PRIORITY = 4, 8, 32
PROBE = "/.well-known/waypost/probe"  # what a node answers by itself


def number(value, size=4):
    """As the protocol writes it."""
    return value.to_bytes(size, "big")


def frame(kind, flags=0, stream=0, payload=b""):
    """Whatever is asked for, whether that may be or not."""
    return number(len(payload), 3) + bytes([kind, flags]) + number(stream) + payload


def text(value):
    """RFC 7541 §5.2, without Huffman's code; shorter than 127."""
    value = value if isinstance(value, bytes) else value.encode()
    assert len(value) < 127
    return bytes([len(value)]) + value


def literal(name, value, first=0):
    """RFC 7541 §6.2: a field that stands for itself."""
    return bytes([first]) + text(name) + text(value)


def block(*fields):
    """A field block in which nothing refers to a table."""
    return b"".join(literal(name, value) for name, value in fields)


def request(*more, method="GET", path=PROBE, **pseudo):
    """The fields of a request; a pseudo-field that is None is left out."""
    first = {"method": method, "scheme": "https", "path": path, "authority": STATIC, **pseudo}
    return block(*((f":{name}", value) for name, value in first.items() if value is not None),
                 *more)


def headers(stream=1, fields=None, flags=END_HEADERS | END_STREAM):
    """A request in one frame."""
    return frame(HEADERS, flags, stream, request() if fields is None else fields)


def posted(stream=1, *more, flags=END_HEADERS):
    """The head of a request whose body follows."""
    return headers(stream, request(*more, method="POST", path="/dynamic"), flags)


def data(payload=b"", stream=1, flags=END_STREAM):
    """A part of a body, by default the last."""
    return frame(DATA, flags, stream, payload)


def continuation(fields=b"", stream=1, flags=END_HEADERS):
    """More of a field block, by default the last."""
    return frame(CONTINUATION, flags, stream, fields)


def reset(stream=1, code=ErrorCodes.CANCEL):
    """RST_STREAM"""
    return frame(RST_STREAM, 0, stream, number(code))


def widen(by, stream=0):
    """WINDOW_UPDATE"""
    return frame(WINDOW_UPDATE, 0, stream, number(by))


def settings(*pairs):
    """SETTINGS"""
    return frame(SETTINGS, 0, 0, b"".join(number(i, 2) + number(value) for i, value in pairs))


def ping(payload=b"whatever", flags=0, stream=0):
    """PING"""
    return frame(PING, flags, stream, payload)


def priority(on=0, weight=15, stream=1):
    """PRIORITY, as RFC 7540 had it"""
    return frame(PRIORITY, 0, stream, number(on) + bytes([weight]))


class Visit(Secure):
    """A connection that has agreed on HTTP/2, and what came of it."""

    def __init__(self, context, first=settings(), preface=PREFACE):
        context.set_alpn_protocols(["h2"])
        super().__init__(context)
        self.decoder = hpack.Decoder()
        self.statuses, self.bodies, self.ended, self.resets = {}, {}, set(), {}
        self.pings, self.acks, self.settings, self.goaway = [], 0, None, None
        self.is_over = False
        self.say(preface + first)

    def say(self, octets):
        """It may be that nobody listens any more; what is heard will tell."""
        with contextlib.suppress(OSError):
            self.sock.sendall(octets)

    def until(self, is_so, seconds=5):
        """Listens until that is so; false: it never was, or the other side hung up before."""
        end = time.monotonic() + seconds
        while not is_so(self) and not self.is_over and time.monotonic() < end:
            self._hear()
        return is_so(self)

    def _hear(self):
        self.sock.settimeout(0.5)
        try:
            got = self.sock.recv(65536)
        except socket.timeout:
            return
        except OSError:
            got = b""
        self.is_over = not got
        self.data += got
        while len(self.data) >= 9:
            length = int.from_bytes(self.data[:3], "big")
            if len(self.data) < 9 + length:
                break
            head, payload = self.data[:9], self.data[9:9 + length]
            self.data = self.data[9 + length:]
            self._frame(head[3], head[4], int.from_bytes(head[5:], "big"), payload)

    def _frame(self, kind, flags, stream, payload):
        if kind == HEADERS:
            fields = dict(self.decoder.decode(payload))
            self.statuses[stream] = int(fields[":status"])
        elif kind == DATA:
            self.bodies[stream] = self.bodies.get(stream, b"") + payload
        elif kind == RST_STREAM:
            self.resets[stream] = ErrorCodes(int.from_bytes(payload, "big"))
        elif kind == PING and flags & ACK:
            self.pings.append(payload)
        elif kind == SETTINGS and flags & ACK:
            self.acks += 1
        elif kind == SETTINGS:
            self.settings = payload
            self.say(frame(SETTINGS, ACK))
        elif kind == GOAWAY and self.goaway is None:
            self.goaway = ErrorCodes(int.from_bytes(payload[4:8], "big"))
        if kind in (HEADERS, DATA) and flags & END_STREAM:
            self.ended.add(stream)

    def is_alive(self):
        """The connection still serves: it answers a PING."""
        self.say(ping(b"alive???"))
        return self.until(lambda self: b"alive???" in self.pings) and self.goaway is None

    def __repr__(self):
        return (f"goaway {self.goaway!r}, resets {self.resets}, statuses {self.statuses}, "
                f"ended {self.ended}, over {self.is_over}")

# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 line by line: RFC 9113, 7541 and 9218, a row for each thing they ask of a server."""
import pytest
from h2.errors import ErrorCodes
from h2.settings import SettingCodes

from frames import (ACK, END_HEADERS, END_STREAM, GOAWAY, HAS_PRIORITY, PADDED, PING, PREFACE,
                    PRIORITY, PRIORITY_UPDATE, PROBE, PUSH_PROMISE, RST_STREAM, SETTINGS, UNKNOWN,
                    WINDOW_UPDATE, Visit, block, continuation, data, frame, headers, literal,
                    number, ping, posted, priority, request, reset, settings, text, widen)
from secure import STATIC, files, trusting
from waypost import Waypost, network, sites

PROTOCOL, FLOW, CLOSED, SIZE, COMPRESSION, REFUSED = (
    ErrorCodes.PROTOCOL_ERROR, ErrorCodes.FLOW_CONTROL_ERROR, ErrorCodes.STREAM_CLOSED,
    ErrorCodes.FRAME_SIZE_ERROR, ErrorCodes.COMPRESSION_ERROR, ErrorCodes.REFUSED_STREAM)
WINDOW, FRAME_MAX = SettingCodes.INITIAL_WINDOW_SIZE, SettingCodes.MAX_FRAME_SIZE
OPEN = END_HEADERS  # of a HEADERS frame behind which the stream stays open


@pytest.fixture(scope="module")
def server(world, ours, origins):
    """A node that all rows ask, each on a connection of its own."""
    config = network()
    sites(config)[STATIC]["tls"] = files(ours.certify(STATIC, name="law"))
    waypost = Waypost(world, config, name="law")
    yield waypost
    waypost.stop()


class Wait:
    """Between frames: until a stream's answer has come."""

    def __init__(self, stream=1):
        self.stream = stream


def ends(code):
    """The connection ends and says why."""
    def check(visit):
        visit.until(lambda v: v.goaway is not None)
        assert visit.goaway == code, visit
        assert visit.until(lambda v: v.is_over), visit
    return check


def resets(code, stream=1):
    """The stream ends and says why; the connection goes on."""
    def check(visit):
        visit.until(lambda v: stream in v.resets or v.goaway is not None)
        assert visit.resets.get(stream) == code, visit
        assert visit.is_alive(), visit
    return check


def answers(status=200, stream=1):
    """The stream is answered, and the connection goes on."""
    def check(visit):
        visit.until(lambda v: stream in v.ended or v.goaway is not None)
        assert visit.statuses.get(stream) == status and stream in visit.ended, visit
        assert visit.is_alive(), visit
    return check


def answers_last(visit):
    """The stream is answered, and the connection ends in order."""
    assert visit.until(lambda v: v.is_over) and visit.statuses == {1: 200}, visit
    assert visit.ended == {1} and not visit.resets, visit


def goes_on(visit):
    """Nothing came of it."""
    assert visit.is_alive(), visit
    assert not visit.resets, visit


def hangs_up(visit):
    """There is nobody to say more to."""
    assert visit.until(lambda v: v.is_over) and not visit.statuses, visit


def hears(stream, length):
    """So much of an answer comes, and no more of it."""
    def check(visit):
        visit.until(lambda v: len(v.bodies.get(stream, b"")) >= length)
        assert visit.is_alive() and len(visit.bodies.get(stream, b"")) == length, visit
    return check


PAGE = request(path="/sqlite.css")  # a body of some KiB
BAD_TABLE = b"\xff\xff\x07"  # an index that nothing is at
SELF = number(1) + b"\x0f"   # a priority that depends on its own stream

STARTING = [
    ("3.4", "the preface, SETTINGS, a request", headers(), answers()),
    ("3.4", "SETTINGS are acknowledged", settings(), lambda v: v.until(lambda v: v.acks == 2)),
    ("3.4", "not a preface", (b"INVALID CONNECTION PREFACE\r\n\r\n",), hangs_up),
    ("3.4", "the preface, then not SETTINGS", (PREFACE + headers(),), ends(PROTOCOL)),
    ("4.1", "a frame of a kind that nobody knows", frame(UNKNOWN, 0, 0, b"?") + headers(),
     answers()),
    ("4.1", "flags that PING has not", ping(flags=0x16), goes_on),
    ("4.1", "a reserved bit that is set", frame(PING, 0, 1 << 31, b"whatever"), goes_on),
    ("4.2", "DATA of the largest size", posted() + data(bytes(2 ** 14)), answers()),
    ("4.2", "DATA beyond the largest size", posted() + data(bytes(2 ** 14 + 1)), ends(SIZE)),
    ("4.2", "HEADERS beyond the largest size", headers(fields=bytes(2 ** 14 + 1)), ends(SIZE)),
    ("4.3", "a field block that is none", headers(fields=b"\x40"), ends(COMPRESSION)),
    ("4.3", "PRIORITY within a field block",
     headers(fields=b"", flags=END_STREAM) + priority() + continuation(request()), ends(PROTOCOL)),
    ("4.3", "HEADERS of another stream within a field block",
     headers(fields=b"", flags=END_STREAM) + headers(3), ends(PROTOCOL)),
]

STATES = [
    ("5.1", "idle: DATA", data(), ends(PROTOCOL)),
    ("5.1", "idle: RST_STREAM", reset(), ends(PROTOCOL)),
    ("5.1", "idle: WINDOW_UPDATE", widen(1, 1), ends(PROTOCOL)),
    ("5.1", "idle: CONTINUATION", continuation(request()), ends(PROTOCOL)),
    ("5.1", "idle: PRIORITY", priority() + headers(3), answers(stream=3)),
    ("5.1", "half closed: DATA", headers() + data(b"x"), ends(CLOSED)),
    ("5.1", "half closed: HEADERS", headers() + headers(), ends(CLOSED)),
    ("5.1", "half closed: CONTINUATION", headers() + continuation(), ends(PROTOCOL)),
    ("5.1", "half closed: WINDOW_UPDATE", headers() + widen(1, 1), answers()),
    ("5.1", "half closed: PRIORITY", headers() + priority(), answers()),
    ("5.1", "half closed: RST_STREAM", headers() + reset(), goes_on),
    ("5.1", "reset: DATA", posted() + reset() + data(b"x"), goes_on),
    ("5.1", "reset: HEADERS", posted() + reset() + headers(), goes_on),
    ("5.1", "reset: CONTINUATION", posted() + reset() + continuation(), ends(PROTOCOL)),
    ("5.1", "closed: DATA", (headers(), Wait(), data(b"x")), goes_on),
    ("5.1", "closed: HEADERS", (headers(), Wait(), headers()), goes_on),
    ("5.1", "closed: CONTINUATION", (headers(), Wait(), continuation()), ends(PROTOCOL)),
    ("5.1", "closed: PRIORITY", (headers(), Wait(), priority()), goes_on),
    ("5.1", "closed: WINDOW_UPDATE", (headers(), Wait(), widen(1, 1)), goes_on),
    ("5.1", "closed: RST_STREAM", (headers(), Wait(), reset()), goes_on),
    ("5.1.1", "a stream of the server's", headers(2), ends(PROTOCOL)),
    ("5.1.1", "a stream that was left out", (headers(5), Wait(5), headers(3)), goes_on),
    ("5.1.2", "more streams than may be",
     b"".join(posted(2 * i + 1) for i in range(101)), resets(REFUSED, 201)),
    ("5.3.1", "HEADERS that depend on themselves",
     headers(fields=SELF + request(), flags=END_HEADERS | END_STREAM | HAS_PRIORITY),
     ends(PROTOCOL)),
    ("5.3.1", "PRIORITY that depends on itself", priority(on=1) + headers(), answers()),
    ("5.4.1", "after GOAWAY the connection is closed", frame(PING, 0, 0, b"short"), ends(SIZE)),
    ("5.5", "an unknown frame within a field block",
     headers(fields=b"", flags=END_STREAM) + frame(UNKNOWN) + continuation(request()),
     ends(PROTOCOL)),
    ("5.5", "an unknown frame on a stream", headers() + frame(UNKNOWN, 0xff, 1, b"x"), answers()),
    ("5.5", "an unknown frame beyond the largest size", frame(UNKNOWN, 0, 0, bytes(2 ** 14 + 1)),
     ends(SIZE)),
]

FRAMES = [
    ("6.1", "DATA", posted() + data(b"x"), answers()),
    ("6.1", "DATA in several frames", posted() + data(b"x", flags=0) * 9 + data(), answers()),
    ("6.1", "DATA with padding", posted() + data(b"\x03x\0\0\0", flags=END_STREAM | PADDED),
     answers()),
    ("6.1", "DATA on no stream", data(stream=0), ends(PROTOCOL)),
    ("6.1", "DATA padded beyond its end", posted() + data(b"\x06x\0\0\0", flags=PADDED),
     ends(PROTOCOL)),
    ("6.1", "DATA too short for its padding", posted() + data(b"", flags=PADDED), ends(PROTOCOL)),
    ("6.2", "HEADERS with padding",
     headers(fields=b"\x02" + request() + b"\0\0", flags=END_HEADERS | END_STREAM | PADDED),
     answers()),
    ("6.2", "HEADERS with a priority", headers(
        fields=number(0) + b"\x0f" + request(), flags=END_HEADERS | END_STREAM | HAS_PRIORITY),
     answers()),
    ("6.2", "HEADERS on no stream", headers(0), ends(PROTOCOL)),
    ("6.2", "HEADERS padded beyond their end",
     headers(fields=b"\xff" + request()[:99], flags=END_HEADERS | END_STREAM | PADDED),
     ends(PROTOCOL)),
    ("6.2", "HEADERS too short for their priority",
     headers(fields=b"\0\0", flags=END_HEADERS | END_STREAM | HAS_PRIORITY), ends(SIZE)),
    ("6.3", "PRIORITY with each weight", priority(weight=0) + priority(weight=255) + headers(),
     answers()),
    ("6.3", "PRIORITY on no stream", priority(stream=0), ends(PROTOCOL)),
    ("6.3", "PRIORITY of another length", headers() + frame(PRIORITY, 0, 1, b"1234"),
     ends(SIZE)),
    ("6.4", "RST_STREAM on no stream", reset(0), ends(PROTOCOL)),
    ("6.4", "RST_STREAM of another length", headers() + frame(RST_STREAM, 0, 1, b"123"),
     ends(SIZE)),
    ("6.5", "an ACK with something in it", frame(SETTINGS, ACK, 0, b"123456"), ends(SIZE)),
    ("6.5", "an ACK of nothing", frame(SETTINGS, ACK) * 3, ends(PROTOCOL)),
    ("6.5", "SETTINGS on a stream", frame(SETTINGS, 0, 1), ends(PROTOCOL)),
    ("6.5", "SETTINGS of another length", frame(SETTINGS, 0, 0, b"12345"), ends(SIZE)),
    ("6.5.2", "ENABLE_PUSH neither 0 nor 1", settings((2, 2)), ends(PROTOCOL)),
    ("6.5.2", "INITIAL_WINDOW_SIZE beyond its limit", settings((WINDOW, 2 ** 31)), ends(FLOW)),
    ("6.5.2", "MAX_FRAME_SIZE below its limit", settings((FRAME_MAX, 2 ** 14 - 1)),
     ends(PROTOCOL)),
    ("6.5.2", "MAX_FRAME_SIZE beyond its limit", settings((FRAME_MAX, 2 ** 24)), ends(PROTOCOL)),
    ("6.5.2", "a setting that nobody knows", settings((0xff, 1)) + headers(), answers()),
    ("6.5.3", "the last of equal settings holds",
     settings((WINDOW, 100), (WINDOW, 7)) + headers(fields=PAGE), hears(1, 7)),
    ("6.6", "PUSH_PROMISE", frame(PUSH_PROMISE, END_HEADERS, 1, number(2) + request()),
     ends(PROTOCOL)),
    ("6.7", "PING", ping(), lambda v: v.until(lambda v: v.pings == [b"whatever"])),
    ("6.7", "the answer to a PING", ping(flags=ACK), goes_on),
    ("6.7", "PING on a stream", ping(stream=1), ends(PROTOCOL)),
    ("6.7", "PING of another length", ping(b"123456"), ends(SIZE)),
    ("6.8", "GOAWAY", frame(GOAWAY, 0, 0, bytes(8)), hangs_up),
    ("6.8", "GOAWAY within a request", headers() + frame(GOAWAY, 0, 0, bytes(8)), answers_last),
    ("6.8", "GOAWAY on a stream", frame(GOAWAY, 0, 1, bytes(8)), ends(PROTOCOL)),
    ("6.8", "GOAWAY too short", frame(GOAWAY, 0, 0, bytes(7)), ends(SIZE)),
    ("6.9", "WINDOW_UPDATE by nothing", widen(0), ends(PROTOCOL)),
    ("6.9", "WINDOW_UPDATE by nothing on a stream", posted() + widen(0, 1), ends(PROTOCOL)),
    ("6.9", "WINDOW_UPDATE of another length", frame(WINDOW_UPDATE, 0, 0, b"123"), ends(SIZE)),
    ("6.9.1", "a window is not overrun", settings((WINDOW, 1)) + headers(fields=PAGE),
     hears(1, 1)),
    ("6.9.1", "a window too wide", widen(2 ** 31 - 1) + widen(1), ends(FLOW)),
    ("6.9.1", "a stream's window too wide", posted() + widen(2 ** 31 - 1, 1), resets(FLOW)),
    ("6.9.2", "a window that opens by SETTINGS",
     (settings((WINDOW, 0)) + headers(fields=PAGE), settings((WINDOW, 1))), hears(1, 1)),
    ("6.9.2", "a window below zero opens in its time",
     (settings((WINDOW, 3)) + headers(fields=PAGE), Wait(0), settings((WINDOW, 2)) + widen(2, 1)),
     hears(1, 4)),
    ("6.9.2", "SETTINGS that make a window too wide",
     posted() + widen(1, 1) + settings((WINDOW, 2 ** 31 - 1)), resets(FLOW)),
    ("6.10", "a field block in three frames", headers(fields=request()[:30], flags=END_STREAM) +
     continuation(request()[30:50], flags=0) + continuation(request()[50:]), answers()),
    ("6.10", "CONTINUATION, then another frame", headers(fields=request()[:30], flags=END_STREAM)
     + continuation(request()[30:], flags=0) + ping(), ends(PROTOCOL)),
    ("6.10", "CONTINUATION of another stream", headers(fields=request()[:30], flags=END_STREAM)
     + continuation(request()[30:], 3), ends(PROTOCOL)),
    ("6.10", "CONTINUATION on no stream", headers(fields=request()[:30], flags=END_STREAM)
     + continuation(request()[30:], 0), ends(PROTOCOL)),
    ("6.10", "CONTINUATION behind HEADERS that have ended", posted() + continuation(),
     ends(PROTOCOL)),
    ("6.10", "CONTINUATION behind one that has ended",
     headers(fields=request()[:30], flags=0) + continuation(request()[30:]) + continuation(),
     ends(PROTOCOL)),
    ("6.10", "CONTINUATION behind DATA", posted() + data(b"x", flags=0) + continuation(),
     ends(PROTOCOL)),
    ("7", "GOAWAY for a reason that nobody knows",
     frame(GOAWAY, 0, 0, number(0) + number(0xff)), hangs_up),
    ("7", "RST_STREAM for a reason that nobody knows", posted() + reset(code=0xff), goes_on),
]


def asks(*more, **pseudo):
    """A whole request."""
    return headers(fields=request(*more, **pseudo))


MESSAGES = [
    ("8.1", "GET", asks(path="/sqlite.css"), answers()),
    ("8.1", "HEAD", asks(method="HEAD"), answers()),
    ("8.1", "POST with trailers", posted() + data(b"x", flags=0)
     + headers(fields=block(("x-sum", "1"))), answers()),
    ("8.1", "HEADERS in the midst of a body", posted() + headers(fields=block(("x", "1")),
                                                                  flags=OPEN), resets(PROTOCOL)),
    ("8.1", "trailers without a body", posted() + headers(fields=block(("x-sum", "1"))),
     answers()),
    ("8.1", "a pseudo-field in trailers",
     posted() + headers(fields=block((":method", "GET"))), resets(PROTOCOL)),
    ("8.2.1", "a name in capitals", asks(("X-Test", "ok")), resets(PROTOCOL)),
    ("8.2.1", "a name with a space", asks(("x test", "ok")), answers(400)),
    ("8.2.1", "a name that is empty", asks(("", "ok")), answers(400)),
    ("8.2.1", "a value with a line end", asks(("x-test", "a\r\nb: c")), answers(400)),
    ("8.2.1", "a value with a zero", asks(("x-test", b"a\0b")), answers(400)),
    ("8.2.2", "connection", asks(("connection", "keep-alive")), resets(PROTOCOL)),
    ("8.2.2", "keep-alive", asks(("keep-alive", "1")), resets(PROTOCOL)),
    ("8.2.2", "proxy-connection", asks(("proxy-connection", "close")), resets(PROTOCOL)),
    ("8.2.2", "transfer-encoding", asks(("transfer-encoding", "chunked")), resets(PROTOCOL)),
    ("8.2.2", "upgrade", asks(("upgrade", "websocket")), resets(PROTOCOL)),
    ("8.2.2", "te: trailers", asks(("te", "trailers")), answers()),
    ("8.2.2", "te: anything else", asks(("te", "trailers, deflate;q=0.5")), resets(PROTOCOL)),
    ("8.2.3", "a cookie in crumbs", asks(("cookie", "a=1"), ("cookie", "b=2")), answers()),
    ("8.3", "a pseudo-field that nobody knows", asks((":test", "ok")), resets(PROTOCOL)),
    ("8.3", "a pseudo-field of answers", asks((":status", "200")), resets(PROTOCOL)),
    ("8.3", "a pseudo-field behind a field",
     headers(fields=block(("x", "1")) + request()), resets(PROTOCOL)),
    ("8.3.1", "no :method", asks(method=None), resets(PROTOCOL)),
    ("8.3.1", "no :scheme", asks(scheme=None), resets(PROTOCOL)),
    ("8.3.1", "no :path", asks(path=None), resets(PROTOCOL)),
    ("8.3.1", "an empty :path", asks(path=""), resets(PROTOCOL)),
    ("8.3.1", "a :path without a slash", asks(path="index.html"), resets(PROTOCOL)),
    ("8.3.1", "two :method", asks((":method", "GET")), resets(PROTOCOL)),
    ("8.3.1", "two :scheme", asks((":scheme", "https")), resets(PROTOCOL)),
    ("8.3.1", "two :path", asks((":path", "/")), resets(PROTOCOL)),
    ("8.3.1", "two :authority", asks((":authority", STATIC)), resets(PROTOCOL)),
    ("8.3.1", "host instead of :authority", asks(("host", STATIC), authority=None), answers()),
    ("8.3.1", "neither host nor :authority", asks(authority=None), resets(PROTOCOL)),
    ("8.3.1", "host that is not :authority", asks(("host", "other.test")), answers(400)),
    ("8.5", "CONNECT", asks(method="CONNECT", scheme=None, path=None), answers(501)),
    ("8.5", "CONNECT with a :path", asks(method="CONNECT"), resets(PROTOCOL)),
    ("8.1.1", "content-length, and less DATA", posted(1, ("content-length", "2")) + data(b"x"),
     resets(PROTOCOL)),
    ("8.1.1", "content-length, and more DATA", posted(1, ("content-length", "1"))
     + data(b"x", flags=0) + data(b"x"), resets(PROTOCOL)),
    ("8.1.1", "content-length, and no DATA", asks(("content-length", "1")), resets(PROTOCOL)),
    ("8.1.1", "content-length twice", asks(("content-length", "0"), ("content-length", "0")),
     resets(PROTOCOL)),
    ("8.1.1", "content-length that is none", asks(("content-length", "-1")), resets(PROTOCOL)),
    ("8.1.1", "content-length, and as much DATA", posted(1, ("content-length", "2")) + data(b"xy"),
     answers()),
]

HUFFMAN = b"\x00\x01x"  # a field with this name, and a value in Huffman's code:

PACKING = [
    ("2.3.3", "an index that nothing is at", headers(fields=request() + BAD_TABLE),
     ends(COMPRESSION)),
    ("2.3.3", "a name's index that nothing is at",
     headers(fields=request() + b"\x7f\x20" + text("x")), ends(COMPRESSION)),
    ("4.2", "a new size of the table behind a field", headers(fields=request() + b"\x20"),
     ends(COMPRESSION)),
    ("4.2", "a new size of the table first", headers(fields=b"\x20" + request()), answers()),
    ("5.1", "a number that has no end", headers(fields=request() + b"\xff" * 12),
     ends(COMPRESSION)),
    ("5.2", "a string that is longer than its block", headers(fields=request() + b"\x00\x01x\x7e"),
     ends(COMPRESSION)),
    ("5.2", "Huffman's code", headers(fields=request() + HUFFMAN + b"\x81\x1f"), answers()),
    ("5.2", "Huffman's code padded by a byte",
     headers(fields=request() + HUFFMAN + b"\x82\x1f\xff"), ends(COMPRESSION)),
    ("5.2", "Huffman's code padded with zeros", headers(fields=request() + HUFFMAN + b"\x81\x18"),
     ends(COMPRESSION)),
    ("5.2", "Huffman's code with its end in it",
     headers(fields=request() + HUFFMAN + b"\x84\xff\xff\xff\xff"), ends(COMPRESSION)),
    ("6.1", "an indexed field", headers(fields=b"\x82\x87" + block(
        (":path", PROBE), (":authority", STATIC))), answers()),
    ("6.1", "the index 0", headers(fields=request() + b"\x80"), ends(COMPRESSION)),
    ("6.2.1", "a field that is kept, and asked for",
     headers(fields=request() + literal("x-test", "1", 0x40) + b"\xbe"), answers()),
    ("6.2.3", "a field that is never kept",
     headers(fields=request() + literal("x-test", "1", 0x10)), answers()),
    ("6.3", "a table beyond its limit", headers(fields=b"\x3f\xe2\x1f" + request()),
     ends(COMPRESSION)),
    ("6.3", "a table that was emptied knows no field",
     headers(fields=literal(":method", "GET", 0x40)[:0] + b"\x20" + request() + b"\xbe"),
     ends(COMPRESSION)),
]


def urgency(value, stream=1, on=0):
    """PRIORITY_UPDATE"""
    return frame(PRIORITY_UPDATE, 0, on, number(stream) + value)


PRIORITIES = [
    ("2.1", "NO_RFC7540_PRIORITIES", (PREFACE + settings((9, 1)) + headers(),), answers()),
    ("2.1", "NO_RFC7540_PRIORITIES that comes too late", settings((9, 1)), ends(PROTOCOL)),
    ("2.1", "NO_RFC7540_PRIORITIES neither 0 nor 1", settings((9, 2)), ends(PROTOCOL)),
    ("4", "Priority", asks(("priority", "u=0, i")), answers()),
    ("4", "Priority that says nothing", asks(("priority", "u=9, ,;")), answers()),
    ("7.1", "PRIORITY_UPDATE", posted() + urgency(b"u=0, i") + data(), answers()),
    ("7.1", "PRIORITY_UPDATE before its stream", urgency(b"u=0") + headers(), answers()),
    ("7.1", "PRIORITY_UPDATE that says nothing", urgency(b"\0\xff") + headers(), goes_on),
    ("7.1", "PRIORITY_UPDATE on a stream", headers() + urgency(b"u=0", on=1), ends(PROTOCOL)),
    ("7.1", "PRIORITY_UPDATE for no stream", urgency(b"u=0", 0), ends(PROTOCOL)),
    ("7.1", "PRIORITY_UPDATE too short", frame(PRIORITY_UPDATE, 0, 0, b"123"), ends(SIZE)),
]

ROWS = [(f"{name} {section}: {what}", said, expected)
        for name, rows in (("9113", STARTING + STATES + FRAMES + MESSAGES), ("7541", PACKING),
                           ("9218", PRIORITIES))
        for section, what, said, expected in rows]


def visited(ours, said):
    """A connection on which that was said: bytes, or several of them with waits between."""
    if isinstance(said, tuple) and len(said) == 1:  # from the first byte on
        return Visit(trusting(ours), b"", said[0])
    visit = Visit(trusting(ours))
    for step in said if isinstance(said, tuple) else (said,):
        if isinstance(step, bytes):
            visit.say(step)
        elif step.stream:
            assert visit.until(lambda v, s=step.stream: s in v.ended), visit
        else:
            assert visit.is_alive(), visit
    return visit


@pytest.mark.parametrize("said, expected", [row[1:] for row in ROWS], ids=[r[0] for r in ROWS])
def test_line(server, ours, said, expected):
    with visited(ours, said) as visit:
        result = expected(visit)
        assert result is None or result, visit


def test_a_head_that_is_malformed_is_counted(server, ours):
    before = server.metric("http_bad_requests_total", "fra1")
    bad = [asks(("X-Test", "1")), asks(("connection", "close")), asks(method=None), asks(path=""),
           asks((":path", "/")), asks(("content-length", "1")),
           posted(1, ("content-length", "2")) + data(b"x"),
           posted(1, ("content-length", "1")) + data(b"xy")]
    for i, said in enumerate(bad):
        with visited(ours, said) as visit:
            assert visit.until(lambda v: v.resets.get(1) == PROTOCOL), visit
        assert server.metric("http_bad_requests_total", "fra1") == before + i + 1


def test_all_connections_are_over(server):
    opened = server.metric("http_connections_total", "fra1")
    assert opened > len(ROWS)
    assert server.metric("http_requests_total", "fra1") > 50

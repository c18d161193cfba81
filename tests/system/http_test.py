# SPDX-License-Identifier: Apache-2.0
"""What a pop says to HTTP clients, from well-behaved browsers to those that want to break in."""
import socket
import time

import pytest

from raw import Connection, ask
from waypost import FRA, ZONE, Waypost, network

STATIC = "static.acme.test"
STYLE = "/sqlite.css"


@pytest.fixture(scope="module")
def served(world, origins):
    """One network for all of these stories."""
    waypost = Waypost(world, network())
    yield waypost
    waypost.stop()


def get(target, *fields, method="GET", host=STATIC):
    """One request to the pop in Frankfurt."""
    return ask(FRA, target, host, method, *fields)


def request(target, *fields, method="GET", host=STATIC):
    """The bytes of a request."""
    return "\r\n".join([f"{method} {target} HTTP/1.1", f"Host: {host}", *fields]) + "\r\n\r\n"


def test_first_request_is_fetched_and_the_next_is_a_hit(served, origins):
    first, second = get("/images/sqlite370_banner.gif"), get("/images/sqlite370_banner.gif")
    assert first.status == second.status == 200 and first.body == second.body
    assert first.cache() == ("fra1", "uri-miss") and second.cache() == ("fra1", "hit")
    assert len(origins["ams"].requests("/images/sqlite370_banner.gif")) == 1
    assert second.headers["x-origin"] == "ams"
    assert "date" in second.headers and "last-modified" in second.headers


def test_one_connection_serves_many_requests(served):
    with Connection(FRA) as connection:
        for _ in range(50):
            connection.send(request(STYLE))
            assert connection.reply().status == 200


def test_pipelined_requests_are_answered_in_order(served, pages):
    names = [f"/images/ac/commit-{i}.gif" for i in range(9)] * 8
    with Connection(FRA) as connection:
        connection.send("".join(request(name) for name in names))
        for name in names:
            reply = connection.reply()
            assert reply.status == 200 and reply.body == (pages / name[1:]).read_bytes()


def test_answers_of_a_slow_reader_are_his_own(served, pages):
    """What the socket does not take yet lies where nobody else's answer comes to lie."""
    names = [f"/images/ac/commit-{i}.gif" for i in range(9)] * 5
    for turn in range(3):
        asked = [f"{name}?turn={turn}" for name in names]
        with Connection(FRA) as connection:
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
            connection.send("".join(request(name) for name in asked))
            for name in names:
                reply = connection.reply()
                assert reply.status == 200 and reply.body == (pages / name[1:]).read_bytes(), name


def test_head_tells_what_get_would(served):
    whole = get(STYLE)
    head = get(STYLE, method="HEAD")
    assert head.status == 200 and head.body == b""
    assert int(head.headers["content-length"]) == len(whole.body)
    with Connection(FRA) as connection:
        connection.send(request(STYLE, method="HEAD") + request(STYLE))
        assert connection.reply("HEAD").status == 200
        assert connection.reply().body == whole.body


def test_what_the_client_has_is_not_sent_again(served, origins):
    whole = get(STYLE)
    count = len(origins["ams"].requests(STYLE))
    by_tag = get(STYLE, f"If-None-Match: {whole.headers['etag']}")
    by_date = get(STYLE, f"If-Modified-Since: {whole.headers['last-modified']}")
    other = get(STYLE, 'If-None-Match: "other"')
    assert (by_tag.status, by_date.status, other.status) == (304, 304, 200)
    assert by_tag.headers["etag"] == whole.headers["etag"]
    assert len(origins["ams"].requests(STYLE)) == count


def test_a_part_is_cut_from_the_stored_whole(served, pages):
    data = (pages / "images/sqlite370_banner.gif").read_bytes()
    get("/images/sqlite370_banner.gif")
    part = get("/images/sqlite370_banner.gif", "Range: bytes=10-19")
    tail = get("/images/sqlite370_banner.gif", "Range: bytes=-5")
    beyond = get("/images/sqlite370_banner.gif", "Range: bytes=9999999-")
    assert part.status == 206 and part.body == data[10:20]
    assert part.headers["content-range"] == f"bytes 10-19/{len(data)}"
    assert tail.status == 206 and tail.body == data[-5:]
    assert beyond.status == 416 and beyond.headers["content-range"] == f"bytes */{len(data)}"


def test_variants_are_kept_apart(served, origins):
    for _ in range(2):
        for language in ("de", "en", "fr"):
            reply = get("/language", f"Accept-Language: {language}")
            assert reply.body == f"language={language}\n".encode()
    assert len(origins["ams"].requests("/language")) == 3


def test_age_tells_how_long_it_has_been_here(served):
    get("/images/ac/commit-1.gif")
    time.sleep(2.1)
    assert 2 <= int(get("/images/ac/commit-1.gif").headers["age"]) <= 5


def test_stale_objects_are_revalidated_not_fetched_again(served, origins):
    path = "/short/sqlite.css"
    whole = get(path)
    assert get(path).cache()[1] == "hit"
    time.sleep(2.2)
    again = get(path)
    assert again.status == 200 and again.body == whole.body
    assert again.cache()[1] == "stale"
    assert [(r.status, r.etag) for r in origins["ams"].requests(path)] == [
        ("200", ""), ("304", whole.headers["etag"])]
    assert get(path).cache()[1] == "hit"


def test_what_must_not_be_stored_is_not(served, origins):
    first, second = get("/never/sqlite.css"), get("/never/sqlite.css")
    assert first.status == second.status == 200
    assert len(origins["ams"].requests("/never/sqlite.css")) == 2


def test_queries_name_objects_of_their_own(served, origins):
    for query in ("?a=1", "?a=2", "?a=1", ""):
        assert get(STYLE + query).status == 200
    assert len(origins["ams"].requests(STYLE + "?a=1")) == 1
    assert len(origins["ams"].requests(STYLE + "?a=2")) == 1


def test_posts_pass_through(served, origins):
    for _ in range(2):
        reply = get("/dynamic?x", "Content-Length: 0", method="POST")
        assert reply.body == b"ams POST x\n"
    assert len(origins["ams"].requests("/dynamic?x")) == 2


def test_the_way_is_told_to_both_sides(served, origins):
    path = "/dynamic?via"
    reply = get(path)
    assert "1.1 fra1" in reply.headers.get("via", "")
    assert "1.1 fra1" in origins["ams"].requests(path)[0].via


def test_a_request_that_was_here_before_is_turned_away(served, origins):
    # RFC 8586: our own name in CDN-Loop means that the origin leads back to us.
    reply = get("/dynamic?loop", f"CDN-Loop: other-cdn, {ZONE}; hop=1")
    assert reply.status == 508
    assert not origins["ams"].requests("/dynamic?loop")
    assert get("/dynamic?other", "CDN-Loop: other-cdn").status == 200


def test_unknown_hosts_are_not_served(served, origins):
    count = len(origins["ams"].requests())
    for host in ("nobody.test", "www.acme.test.evil.test", "", "static.acme.test.evil"):
        reply = get(STYLE, host=host)
        assert reply.status in (400, 404, 421)
    assert len(origins["ams"].requests()) == count


def test_host_is_read_without_case_port_or_last_dot(served):
    for host in ("STATIC.Acme.Test", "static.acme.test:80", "static.acme.test."):
        assert get(STYLE, host=host).status == 200


def test_own_probe_path_is_answered_by_the_node(served, origins):
    count = len(origins["ams"].requests())
    assert get("/.well-known/waypost/probe").status == 200
    assert len(origins["ams"].requests()) == count


def test_close_is_obeyed(served):
    for rows in (f"GET {STYLE} HTTP/1.1\r\nHost: {STATIC}\r\nConnection: close\r\n\r\n",
                 f"GET {STYLE} HTTP/1.0\r\nHost: {STATIC}\r\n\r\n"):
        with Connection(FRA) as connection:
            connection.send(rows)
            assert connection.reply().status == 200
            assert connection.is_closed()


HOST = f"Host: {STATIC}\r\n"


@pytest.mark.parametrize("head, statuses", [
    (f"GET {STYLE} HTTP/1.1\r\n\r\n", {400}),
    (f"GET {STYLE} HTTP/1.1\r\n{HOST}{HOST}\r\n", {400}),
    (f"GET {STYLE} HTTP/1.1\r\n{HOST}X : y\r\n\r\n", {400}),
    (f"GET {STYLE} HTTP/1.1\r\n{HOST}X: a\r\n b\r\n\r\n", {400}),
    (f"GET {STYLE} HTTP/1.1\r\n{HOST}X: a\0b\r\n\r\n", {400}),
    (f"GET {STYLE} HTTP/1.1\r\n{HOST}Content-Length: 1\r\nContent-Length: 2\r\n\r\n", {400}),
    (f"POST {STYLE} HTTP/1.1\r\n{HOST}Content-Length: -1\r\n\r\n", {400}),
    (f"POST {STYLE} HTTP/1.1\r\n{HOST}Content-Length: 99999999999999999999\r\n\r\n", {400, 413}),
    (f"POST {STYLE} HTTP/1.1\r\n{HOST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
     "0\r\n\r\n", {400}),
    (f"POST {STYLE} HTTP/1.1\r\n{HOST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", {400, 501}),
    (f"POST {STYLE} HTTP/1.0\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400}),
    (f"GET  {STYLE} HTTP/1.1\r\n{HOST}\r\n", {400}),
    (f"GET {STYLE}\r\n{HOST}\r\n", {400}),
    (f"GET {STYLE} HTTP/1.1 \r\n{HOST}\r\n", {400}),
    (f"GET sqlite.css HTTP/1.1\r\n{HOST}\r\n", {400}),
    (f"GET {STYLE} HTTP/3.0\r\n{HOST}\r\n", {400, 505}),
    (f"GET {STYLE} HTTP/1.1\n{HOST}\n\n", {400}),
    (f"G\x01T {STYLE} HTTP/1.1\r\n{HOST}\r\n", {400, 501}),
    (f"CONNECT {STATIC}:80 HTTP/1.1\r\n{HOST}\r\n", {400, 405, 501}),
    (f"GET /{'a' * 9000} HTTP/1.1\r\n{HOST}\r\n", {414}),
    (f"GET {STYLE} HTTP/1.1\r\n{HOST}X: {'a' * 40000}\r\n\r\n", {431}),
    (f"GET {STYLE} HTTP/1.1\r\n{HOST}" + "X: a\r\n" * 200 + "\r\n", {431}),
    ("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + "\0" * 60, {400}),
    ("\r\n\r\n\r\n\r\nnonsense\r\n\r\n", {400})],
    ids=["nohost", "twohosts", "blankcolon", "fold", "nul", "twolengths", "negative", "huge",
         "lengthandchunks", "coding", "oldchunks", "twoblanks", "noversion", "tail", "relative",
         "version", "barelf", "method", "connect", "longtarget", "longfield", "manyfields", "tls",
         "nonsense"])
def test_what_is_wrong_is_refused_and_the_connection_ends(served, origins, head, statuses):
    count = len(origins["ams"].requests())
    with Connection(FRA) as connection:
        connection.send(head)
        reply = connection.reply()
        assert reply is not None and reply.status in statuses
        assert connection.is_closed()
    assert len(origins["ams"].requests()) == count


def test_a_smuggled_request_is_never_answered(served, origins):
    inner = f"GET /dynamic?smuggled HTTP/1.1\r\n{HOST}\r\n"
    for rows in (f"Content-Length: {len(inner)}\r\nTransfer-Encoding: chunked\r\n",
                 "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
                 f"Content-Length: 0\r\nContent-Length: {len(inner)}\r\n",
                 "Transfer-Encoding: \x0bchunked\r\n"):
        with Connection(FRA) as connection:
            connection.send(f"POST /dynamic HTTP/1.1\r\n{HOST}{rows}\r\n0\r\n\r\n{inner}")
            reply = connection.reply()
            assert reply.status in (400, 501)
            assert connection.is_closed()
    assert not origins["ams"].requests("/dynamic?smuggled")


def test_dot_segments_lead_nowhere_else(served, origins):
    assert get("/images/../sqlite.css").status == 200
    for target in ("/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd"):
        assert get(target).status in (400, 404)
    assert all(".." not in r.path for r in origins["ams"].requests())


def test_a_slow_client_costs_others_nothing(served):
    slow = [Connection(FRA) for _ in range(20)]
    for connection in slow:
        connection.send(f"GET {STYLE} HT")
    started = time.monotonic()
    for _ in range(20):
        assert get(STYLE).status == 200
    assert time.monotonic() - started < 2
    for connection in slow:
        connection.send(f"TP/1.1\r\n{HOST}\r\n")
        assert connection.reply().status == 200
        connection.sock.close()


def test_counters_tell_hits_from_misses(served):
    def outcomes():
        return {outcome: served.metric("delivery_requests_total", "fra1", outcome=outcome)
                for outcome in ("hit", "miss", "pass")}

    get(STYLE)
    before = outcomes()
    for n in range(10):
        get(STYLE)
        get(f"{STYLE}?count={n}")
        get("/dynamic", "Content-Length: 0", method="POST")
    assert {k: v - before[k] for k, v in outcomes().items()} == {"hit": 10, "miss": 10, "pass": 10}

# SPDX-License-Identifier: Apache-2.0
"""Where a pop gets what it does not have, and what it does when nobody has it."""
import concurrent.futures
import itertools
import threading
import time

import pytest

from raw import Connection, ask
from scripted import Scripted, trickle
from waypost import FRA, NYC, network, sites

STATIC = "static.acme.test"
numbers = itertools.count(1)


@pytest.fixture
def pair(world):
    """Two scripted origins with addresses of their own; each says who it is."""
    number = next(numbers)
    made = {}

    def origin(name, script=None):
        def tell(conversation):
            conversation.answer(f"{name} {conversation.path}", Cache_Control="max-age=600")

        address = f"203.0.113.{100 + 2 * number + (name == 'nyc')}"
        made[name] = Scripted(world, address, script or tell)
        return made[name]

    yield origin
    for one in made.values():
        if not one.ending:
            one.stop()


def config_of(ams, nyc, **site):
    """The usual network with these two as origins, and changes to the delivered site."""
    config = network()
    for name, origin in (("ams", ams), ("nyc", nyc)):
        config["customers"]["acme"]["origins"][name]["address"] = f"{origin.address}:80"
    sites(config)[STATIC].update(site)
    return config


def get(target, *fields, node=FRA, method="GET"):
    """One request to a pop."""
    return ask(node, target, STATIC, method, *fields)


def test_ordered_fill_takes_the_first_and_the_next_when_it_is_down(serve, pair):
    ams, nyc = pair("ams"), pair("nyc")
    serve(config_of(ams, nyc, fill="ordered"))
    assert get("/one").body == b"ams /one"
    ams.stop()
    assert get("/two").body == b"nyc /two"
    assert get("/one").body == b"ams /one"  # what is resident needs nobody
    assert nyc.paths == ["/two"]


def test_pinned_fill_asks_that_origin_and_no_other(serve, pair):
    ams, nyc = pair("ams"), pair("nyc")
    serve(config_of(ams, nyc, fill="pinned", pinned="nyc"))
    for n in range(5):
        assert get(f"/{n}").body == f"nyc /{n}".encode()
    nyc.stop()
    assert get("/more").status in (502, 503, 504)
    assert not ams.paths


def test_a_missing_object_is_asked_of_the_next_origin_where_the_site_says_so(serve, pair):
    def has_not(conversation):
        conversation.answer("not here", status="404 Not Found")

    ams, nyc = pair("ams", has_not), pair("nyc")
    serve(config_of(ams, nyc, fill="ordered", missing="next"))
    reply = get("/rare")
    assert (reply.status, reply.body) == (200, b"nyc /rare")
    assert ams.paths == nyc.paths == ["/rare"]
    assert get("/rare").cache() == ("fra1", "hit")


def test_a_missing_object_is_missing_where_the_site_does_not_say_so(serve, pair):
    def has_not(conversation):
        conversation.answer("not here", status="404 Not Found")

    ams, nyc = pair("ams", has_not), pair("nyc")
    serve(config_of(ams, nyc, fill="ordered"))
    assert get("/rare").status == 404
    assert not nyc.paths


def test_an_object_that_no_origin_has_is_missing(serve, pair):
    def has_not(conversation):
        conversation.answer("not here", status="404 Not Found")

    ams, nyc = pair("ams", has_not), pair("nyc", has_not)
    serve(config_of(ams, nyc, missing="next"))
    reply = get("/rare")
    assert (reply.status, reply.body) == (404, b"not here")


def test_stale_objects_stand_in_while_all_origins_are_down(serve, pair):
    def short(conversation):
        conversation.answer(f"life {conversation.path}", Cache_Control="max-age=1")

    ams, nyc = pair("ams", short), pair("nyc", short)
    serve(config_of(ams, nyc, stale_if_error="1h"))
    assert get("/page").status == 200
    ams.stop()
    nyc.stop()
    time.sleep(2.2)
    reply = get("/page")
    assert (reply.status, reply.body) == (200, b"life /page")
    assert int(reply.headers["age"]) >= 2
    started = time.monotonic()
    assert get("/never-seen").status in (502, 503, 504)
    assert time.monotonic() - started < 3


def test_an_origin_that_forbids_it_is_never_stood_in_for(serve, pair):
    def strict(conversation):
        conversation.answer("strict", Cache_Control="max-age=1, must-revalidate")

    ams, nyc = pair("ams", strict), pair("nyc", strict)
    serve(config_of(ams, nyc, stale_if_error="1h"))
    assert get("/page").status == 200
    ams.stop()
    nyc.stop()
    time.sleep(2.2)
    assert get("/page").status in (502, 503, 504)


def test_errors_of_an_origin_are_covered_by_a_stale_object(serve, pair):
    broken = threading.Event()

    def script(conversation):
        if broken.is_set():
            conversation.answer("broken", status="500 Internal Server Error")
        else:
            conversation.answer("well", Cache_Control="max-age=1")

    ams, nyc = pair("ams", script), pair("nyc", script)
    serve(config_of(ams, nyc, stale_if_error="1h"))
    assert get("/page").body == b"well"
    broken.set()
    time.sleep(2.2)
    assert get("/page").body == b"well"
    broken.clear()
    assert get("/page").body == b"well"


def test_each_pop_fills_for_itself(serve, pair):
    ams, nyc = pair("ams"), pair("nyc")
    serve(config_of(ams, nyc))
    assert get("/one", node=FRA).cache() == ("fra1", "uri-miss")
    assert get("/one", node=NYC).cache() == ("nyc1", "uri-miss")
    assert get("/one", node=FRA).cache() == ("fra1", "hit")
    assert ams.count("/one") == 2


def test_one_fetch_serves_all_who_wait(serve, pair):
    def slow(conversation):
        time.sleep(0.5)
        body = conversation.path.encode() * 1000
        conversation.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n"
                          "Cache-Control: max-age=600\r\n\r\n")
        trickle(conversation, body, 0.05, 1000)

    ams, nyc = pair("ams", slow), pair("nyc", slow)
    serve(config_of(ams, nyc))
    with concurrent.futures.ThreadPoolExecutor(60) as pool:
        replies = list(pool.map(lambda _: get("/big"), range(60)))
    assert all(r.status == 200 and r.body == b"/big" * 1000 for r in replies)
    assert ams.count("/big") + nyc.count("/big") == 1


def test_who_waits_reads_while_it_arrives(serve, pair):
    def slow(conversation):
        conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n"
                          "Cache-Control: max-age=600\r\n\r\nabc")
        time.sleep(1.5)
        conversation.send("def")

    ams, nyc = pair("ams", slow), pair("nyc", slow)
    serve(config_of(ams, nyc))
    readers = [Connection(FRA) for _ in range(4)]
    started = time.monotonic()
    for reader in readers:
        reader.send(f"GET /slow HTTP/1.1\r\nHost: {STATIC}\r\n\r\n")
    for reader in readers:
        while not reader.data.endswith(b"abc"):
            assert reader._more()
    assert time.monotonic() - started < 1.2
    for reader in readers:
        assert reader.reply().body == b"abcdef"
        reader.sock.close()
    assert ams.count("/slow") == 1


def test_a_fetch_goes_on_when_its_first_client_leaves(serve, pair):
    def slow(conversation):
        conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n"
                          "Cache-Control: max-age=600\r\n\r\nabc")
        time.sleep(1)
        conversation.send("def")

    ams, nyc = pair("ams", slow), pair("nyc", slow)
    serve(config_of(ams, nyc))
    first, second = Connection(FRA), Connection(FRA)
    first.send(f"GET /slow HTTP/1.1\r\nHost: {STATIC}\r\n\r\n")
    while not first.data.endswith(b"abc"):
        assert first._more()
    second.send(f"GET /slow HTTP/1.1\r\nHost: {STATIC}\r\n\r\n")
    time.sleep(0.1)
    first.sock.close()
    assert second.reply().body == b"abcdef"
    second.sock.close()
    assert ams.count("/slow") == 1


def test_those_who_waited_for_something_private_do_not_queue(serve, pair):
    def private(conversation):
        time.sleep(0.3)
        conversation.answer("yours", Cache_Control="private", Set_Cookie="id=1")

    ams, nyc = pair("ams", private), pair("nyc", private)
    serve(config_of(ams, nyc))
    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        replies = list(pool.map(lambda _: get("/mine"), range(20)))
    assert all(r.body == b"yours" for r in replies)
    assert time.monotonic() - started < 3  # one after another would take six
    assert ams.count("/mine") == 20


def test_bodies_of_requests_reach_the_origin_whole(serve, pair):
    received = []

    def script(conversation):
        received.append(conversation.body())
        conversation.answer(str(len(received[-1])))

    ams, nyc = pair("ams", script), pair("nyc", script)
    serve(config_of(ams, nyc))
    body = bytes(range(256)) * 4096
    with Connection(FRA) as connection:
        connection.send(f"POST /upload HTTP/1.1\r\nHost: {STATIC}\r\n"
                        f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n")
        connection.send(body)
        assert connection.reply().body == str(len(body)).encode()
        connection.send(f"POST /upload HTTP/1.1\r\nHost: {STATIC}\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n")
        connection.send(b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (
            body[at:at + 5000] for at in range(0, len(body), 5000))) + b"0\r\n\r\n")
        assert connection.reply().body == str(len(body)).encode()
    assert received == [body, body]


def test_a_write_makes_the_stored_copy_go(serve, pair):
    ams, nyc = pair("ams"), pair("nyc")
    serve(config_of(ams, nyc))
    get("/thing")
    assert get("/thing").cache()[1] == "hit"
    get("/thing", "Content-Length: 0", method="POST")
    assert get("/thing").cache()[1] != "hit"


def test_chunked_bodies_are_kept_whole(serve, pair):
    pieces = [b"%d," % n * 50 for n in range(200)]

    def chunked(conversation):
        conversation.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
                          "Cache-Control: max-age=600\r\n\r\n")
        for piece in pieces:
            conversation.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        conversation.send("0\r\n\r\n")

    ams, nyc = pair("ams", chunked), pair("nyc", chunked)
    serve(config_of(ams, nyc))
    first, second = get("/counted"), get("/counted")
    assert first.body == second.body == b"".join(pieces)
    assert second.cache()[1] == "hit" and ams.count("/counted") == 1


def test_close_delimited_bodies_are_kept_whole(serve, pair):
    def until_close(conversation):
        conversation.send("HTTP/1.0 200 OK\r\nCache-Control: max-age=600\r\n\r\n" + "x" * 100000)
        conversation.close()

    ams, nyc = pair("ams", until_close), pair("nyc", until_close)
    serve(config_of(ams, nyc))
    first, second = get("/old"), get("/old")
    assert first.body == second.body == b"x" * 100000
    assert second.cache()[1] == "hit" and ams.count("/old") == 1


def test_stopping_amid_fetches_is_orderly(serve, pair):
    def silent(conversation):
        if conversation.path.startswith("/head"):
            conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n"
                              "Cache-Control: max-age=600\r\n\r\nabc")
        time.sleep(20)

    ams, nyc = pair("ams", silent), pair("nyc", silent)
    waypost = serve(config_of(ams, nyc))
    waiting = [Connection(node) for node in (FRA, NYC) for _ in range(12)]
    for n, connection in enumerate(waiting):
        path = ("/head", "/silent", f"/own{n}")[n % 3]
        connection.send(f"GET {path} HTTP/1.1\r\nHost: {STATIC}\r\n\r\n")
    time.sleep(0.5)
    assert waypost.stop() < 8
    for connection in waiting:
        connection.sock.close()


def test_an_answer_under_way_is_whole_although_its_node_is_stopped(serve, pair):
    """The rest of it comes from the origin two seconds after the signal."""
    stopped = threading.Event()

    def halting(conversation):
        conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n"
                          "Cache-Control: max-age=600\r\n\r\nfirst")
        stopped.wait(5)
        time.sleep(2)
        conversation.send("other")

    ams, nyc = pair("ams", halting), pair("nyc", halting)
    waypost = serve(config_of(ams, nyc))

    def visit():
        with Connection(FRA) as connection:
            connection.send(f"GET /halting HTTP/1.1\r\nHost: {STATIC}\r\n\r\n")
            return connection.reply()

    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        answer = threads.submit(visit)
        time.sleep(0.5)
        stopped.set()
        assert 1.5 < waypost.stop() < 5, "as long as that takes, and no longer"
        assert answer.result().body == b"firstother"

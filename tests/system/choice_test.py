# SPDX-License-Identifier: Apache-2.0
"""Which of a site's web servers a pop asks for what it does not have."""
import collections
import concurrent.futures
import itertools
import threading
import time

import pytest

from origin import SLOW_TO_ANSWER, SLOW_TO_DELIVER, Origin
from raw import ask
from waypost import AMS_ORIGIN, FRA, NYC, NYC_ORIGIN, network, sites
from world import wait_until

STATIC = "static.acme.test"
VISITORS = 8
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def documents(world):
    """A small file and a large one; with a query behind its name each is many objects."""
    root = world.place("documents")
    (root / "small").write_bytes(b"s" * 1000)
    (root / "large").write_bytes(b"l" * 40000)
    return root


@pytest.fixture
def pair(world, documents):
    """The customer's two web servers, each with its limits."""
    made = []

    def make(ams="", nyc=""):
        number = next(numbers)
        for name, address, limits in (("ams", AMS_ORIGIN, ams), ("nyc", NYC_ORIGIN, nyc)):
            made.append(Origin(world, f"{name}{number}", address, documents, limits))
        return made

    yield make
    for origin in made:
        origin.stop()


def config_of(**site):
    """The usual network; of the delivered site, what the story is about."""
    config = network()
    sites(config)[STATIC] = {"deliver": ["ams", "nyc"], **site}
    return config


def get(path, node=FRA):
    """One object of a pop, whole."""
    reply = ask(node, path, STATIC)
    assert reply.status == 200, (path, reply.status, reply.headers)
    assert len(reply.body) == (1000 if path.startswith("/small") else 40000), path
    return reply


def get_all(paths, node=FRA):
    """Several visitors ask for them, each for the next one."""
    with concurrent.futures.ThreadPoolExecutor(VISITORS) as pool:
        return list(pool.map(lambda path: get(path, node), paths))


def objects(name, count):
    """Paths that nobody has asked for yet."""
    return [f"/{name}?{next(numbers)}" for _ in range(count)]


@pytest.mark.parametrize("name,count,limit",
                         [("small", 400, SLOW_TO_ANSWER), ("large", 100, SLOW_TO_DELIVER)],
                         ids=["answers", "delivers"])
def test_most_fills_go_to_the_quick_web_server(serve, pair, name, count, limit):
    quick, slow = pair(nyc=limit)
    serve(config_of())
    get_all(objects(name, count))
    asked = len(slow.requests())
    assert len(quick.requests()) + asked == count
    assert 0 < asked < count / 4


def test_equal_web_servers_share_the_fills(serve, pair):
    servers = pair()
    serve(config_of(fill="least-loaded"))
    get_all(objects("small", 400))
    assert all(len(server.requests()) > 80 for server in servers)


def test_a_web_server_that_ends_under_load_costs_no_visitor_anything(serve, pair):
    quick, slow = pair(nyc=SLOW_TO_ANSWER)
    serve(config_of())
    over = threading.Event()

    def visit():
        count = 0
        while not over.is_set():
            for path in objects("small", 5):
                get(path)
                count += 1
        return count

    with concurrent.futures.ThreadPoolExecutor(VISITORS) as pool:
        visits = [pool.submit(visit) for _ in range(VISITORS)]
        try:
            time.sleep(1)
            quick.stop()
            time.sleep(1.5)
            before = len(slow.requests())
            quick.start()
            quick.forget()
            wait_until(lambda: len(quick.requests()) > 100, "it is asked again")
        finally:
            over.set()
    assert before > 0
    assert all(visit.result() > 0 for visit in visits)  # or what went wrong


def test_with_hash_all_pops_ask_the_same_web_server_for_an_object(serve, pair):
    servers = pair()
    serve(config_of(fill="hash"))
    paths = objects("small", 100)

    def owners():
        return [collections.Counter(r.path for r in server.requests()) for server in servers]

    get_all(paths, FRA)
    get_all(paths, NYC)
    first, second = owners()
    assert not first.keys() & second.keys()
    assert set(first.values()) == set(second.values()) == {2}
    assert 25 < len(first) < 75


def test_with_hash_the_objects_of_one_that_is_down_come_from_the_other(serve, pair):
    ams, nyc = pair()
    serve(config_of(fill="hash"))
    ams.stop()
    get_all(objects("small", 50))
    assert len(nyc.requests()) == 50
    ams.start()
    wait_until(lambda: get_all(objects("small", 5)) and ams.requests(), "it has its objects back")


def test_a_reserve_is_asked_only_while_the_others_are_down(serve, pair):
    ams, nyc = pair(ams=SLOW_TO_ANSWER)
    serve(config_of(deliver=["ams"], reserve=["nyc"]))
    get_all(objects("small", 20))
    assert (len(ams.requests()), len(nyc.requests())) == (20, 0)
    ams.stop()
    get_all(objects("small", 20))
    assert len(nyc.requests()) == 20
    ams.start()
    ams.forget()
    wait_until(lambda: get_all(objects("small", 1)) and ams.requests(), "the other is asked again")
    nyc.forget()
    get_all(objects("small", 20))
    assert not nyc.requests()

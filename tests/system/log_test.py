# SPDX-License-Identifier: Apache-2.0
"""Four nodes on four machines follow one log: no order is lost, and none is obeyed twice, whoever is
away, dies or comes back meanwhile."""
import concurrent.futures
import http.client
import random
import re
import time

import pytest

from nodes import ADDRESSES, STATIC
from visitor import curl
from waypost import IS_NIGHT, PATIENCE
from world import wait_until

ALL = set(ADDRESSES)
PAGE = "/sqlite.css"
SEEDS = range(20 if IS_NIGHT else 2)


@pytest.fixture(autouse=True)
def whole(nodes):
    """Each story begins with all at the end of the log, and nothing drained."""
    nodes.wait_until_all_hear()
    nodes.wait_until_obeyed(newest(nodes))


def is_hit(node):
    """Whether the page comes out of that node's store, and the origin was not asked."""
    return curl(PAGE, ADDRESSES[node]).cache()[1] == "hit"


def fill(nodes):
    """The page lies in all stores."""
    for node in nodes.of:
        wait_until(lambda n=node: is_hit(n), f"{node} has it stored", 5)


def test_a_purge_is_obeyed_by_all_before_the_command_ends(nodes):
    fill(nodes)
    out = nodes.ask("nyc1", "purge", f"http://{STATIC}{PAGE}")
    assert len(re.findall(r"^\w+1\s+\w+\s+after \d+ ms$", out, re.M)) == len(ALL), out
    assert not [node for node in ALL if is_hit(node)]


def test_who_is_away_serves_what_it_has_and_obeys_when_it_is_back(nodes):
    fill(nodes)
    nodes.machines["sin1"].lose(nodes.bus.address)
    wait_until(lambda: nodes.place("sin1")[1], "sin1 knows that it is away", 10 * PATIENCE)
    out = nodes.ask("fra1", "purge", f"http://{STATIC}{PAGE}")
    assert re.search(r"^sin1\s+sin\s+not heard since \S+: applies it when back$", out, re.M), out
    assert is_hit("sin1")
    nodes.ask("fra1", "drain", "pop", "nyc")
    nodes.machines["sin1"].find(nodes.bus.address)
    number = nodes.place("fra1")[0]
    nodes.wait_until_obeyed(number)
    assert not is_hit("sin1")
    assert nodes.of["sin1"].metric("orders_gaps_total") == 0
    nodes.wait_until_answered(ALL - {"nyc1"})
    nodes.ask("sin1", "undrain", "pop", "nyc")
    nodes.wait_until_answered(ALL)


class Orders:
    """A hundred orders, given to several nodes at once, each again until it is known to be taken."""

    def __init__(self, nodes, chance, givers, count=100):
        self.nodes, self.givers = nodes, givers
        self.ids = [f"{chance.getrandbits(128):032x}" for _ in range(count)]
        self.given = 0

    def give(self, at):
        """One of them."""
        what = {"url": f"http://{STATIC}/page/{at}"} if at % 4 else {"origin": "acme/nyc"}
        verb = "purge" if at % 4 else "drain" if at % 8 else "undrain"
        end = time.monotonic() + 30 * PATIENCE
        for turn in range(10000):
            giver = self.givers[(at + turn) % len(self.givers)]
            try:
                status, said = self.nodes.order(giver, verb, id=self.ids[at], **what)
            except (OSError, http.client.HTTPException):  # it is being killed
                status, said = 503, None
            if status == 200:
                self.given += 1
                return
            assert status in (503, 504) and time.monotonic() < end, said
            time.sleep(0.05)

    def give_all(self, meanwhile):
        """All of them; `meanwhile` is told how many are given, and does its harm."""
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            work = [pool.submit(self.give, at) for at in range(len(self.ids))]
            meanwhile(lambda: self.given)
            for one in work:
                one.result()

    def must_be_obeyed_once(self):
        """All nodes tell the same orders in the same turn, ours among them once each."""
        told = {node: [(o["number"], o["id"]) for o in self.nodes.orders(node)["orders"]]
                for node in ALL}
        assert len(set(map(tuple, told.values()))) == 1
        numbers, ids = zip(*told["fra1"])
        assert numbers == tuple(range(len(numbers), 0, -1))
        assert sorted(set(ids) & set(self.ids)) == sorted(self.ids)
        assert len(set(ids)) == len(ids)
        assert {tuple(d["name"] for d in self.nodes.status(n)["drains"]) for n in ALL} \
            in ({()}, {("acme/nyc",)})
        for node, waypost in self.nodes.of.items():
            for result in ("repeated", "unknown", "refused"):
                assert waypost.metric("orders_total", result=result) == 0, (node, result)
            assert waypost.metric("orders_gaps_total") == 0


def newest(nodes):
    """Of all."""
    return max(nodes.place(node)[0] for node in ALL)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_node_that_is_killed_amid_a_hundred_orders_obeys_each_once(nodes, seed):
    chance = random.Random(seed)
    victim, *givers = chance.sample(sorted(ALL), len(ALL))
    waypost, limit = nodes.of[victim], chance.randrange(10, 90)
    orders, before = Orders(nodes, chance, givers), newest(nodes)

    def kill(given):
        wait_until(lambda: given() >= limit, "so many are given", 60 * PATIENCE)
        waypost.process.kill()
        waypost.start()

    orders.give_all(kill)
    nodes.wait_until_obeyed(before + 100)
    orders.must_be_obeyed_once()
    applied = waypost.metric("orders_total", result="applied")
    print(f"\nseed {seed}: {victim} killed after {limit}: {applied:.0f} orders since its start")
    assert applied <= 100


@pytest.mark.parametrize("seed", SEEDS)
def test_who_gives_orders_and_the_bus_may_be_killed_and_each_is_obeyed_once(nodes, seed):
    chance = random.Random(100 + seed)
    victim, *_ = givers = chance.sample(sorted(ALL), len(ALL))
    limits = sorted(chance.sample(range(10, 90), 2))
    orders, before = Orders(nodes, chance, givers), newest(nodes)

    def kill(given):
        wait_until(lambda: given() >= limits[0], "so many are given", 60 * PATIENCE)
        nodes.of[victim].process.kill()
        nodes.of[victim].start()
        wait_until(lambda: given() >= limits[1], "so many are given", 60 * PATIENCE)
        nodes.nats.kill()
        time.sleep(chance.uniform(0, 1))
        nodes.nats.start()

    orders.give_all(kill)
    nodes.wait_until_obeyed(before + 100, seconds=20 * PATIENCE)
    orders.must_be_obeyed_once()

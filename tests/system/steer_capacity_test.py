# SPDX-License-Identifier: Apache-2.0
"""A pop that is full: new clients go elsewhere, come back afterwards, and nobody is sent to and
fro."""
import collections
import time

import pytest

from asking import Customers, answers
from load import Crowd
from raw import ask
from waypost import FRA, IS_NIGHT, NYC, network, sites
from world import wait_until

STATIC = "static.acme.test"
CAPACITY = 2_000_000  # bits a second of the pop that fills
LEAVE_S, RETURN_S = 35, 90  # the pace is slow against the TTL, so that it settles
FULL_S, CALM_S = (60, 45) if IS_NIGHT else (10, 5)  # two epochs at least that change nothing back


@pytest.fixture
def stored(world, origins):
    """An object that both pops have: its path."""
    (origins["ams"].root / "movie.bin").write_bytes(bytes(50_000))
    return "/movie.bin"


def changes(seen):
    """By client, how often its answer changed."""
    count = collections.Counter()
    for earlier, later in zip(seen, seen[1:]):
        count.update(client for client in later if later[client] != earlier[client])
    return count


def test_clients_leave_a_full_pop_and_return_once_without_flapping(
        serve, world, resolvers, origins, stored):
    config = network()
    config["pops"]["fra"]["nodes"]["fra1"]["capacity"] = "2 Mbit/s"
    # Answers are to follow the load of the link alone, not of the machine that runs the stories.
    weigh = {"response": 0, "errors": 0}
    sites(config)[STATIC] = {"deliver": ["ams"], "ttl": "2s", "weigh": weigh}
    serve(config)
    customers = Customers(world, resolvers(), 8)
    for node in (FRA, NYC):
        assert ask(node, stored, STATIC).status == 200
        wait_until(lambda at=node: set(answers(STATIC, at).values()) == {FRA, NYC},
                   "both pops are in use", 30)
    home = answers(STATIC)
    at_fra = [client for client in home if home[client] == FRA]
    seen = {FRA: [home], NYC: [answers(STATIC, NYC)]}

    def watch(seconds, enough=lambda: False):
        end = time.monotonic() + seconds
        while time.monotonic() < end and not enough():
            for node, rows in seen.items():
                rows.append(answers(STATIC, node))
            time.sleep(1)

    def have_left():
        return sum(seen[FRA][-1][client] == FRA for client in at_fra) <= len(at_fra) / 2

    crowd = Crowd(FRA, stored, 1.6 * CAPACITY)
    watch(LEAVE_S, have_left)
    watch(FULL_S)
    crowd.leave()
    assert have_left(), seen[FRA][-1]
    assert NYC in customers.places(STATIC)
    watch(RETURN_S, lambda: seen[FRA][-1] == seen[NYC][-1] == home)
    watch(CALM_S)
    assert seen[FRA][-1] == home and seen[NYC][-1] == home
    for node, rows in seen.items():
        count = changes(rows)
        assert all(count[client] <= 2 for client in home), (node, count)
        assert not any(count[client] for client in home if home[client] == NYC), (node, count)
    customers.wait_for_places(STATIC, {FRA, NYC}, 10)

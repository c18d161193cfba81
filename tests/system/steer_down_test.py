# SPDX-License-Identifier: Apache-2.0
"""When all goes down, step by step: what is fit, what is over its capacity, the reserve, and at
last all as if all were up; or no address, where a site wants that."""
import itertools

import pytest

from asking import CLIENTS, answers, dig, places, wait_for_places
from origin import Origin
from waypost import AMS_ORIGIN, FRA, NYC, NYC_ORIGIN, PATIENCE, network
from world import wait_until

WWW = "www.acme.test"
SPARE = "198.51.100.99"
ALL = [AMS_ORIGIN, NYC_ORIGIN, SPARE]
numbers = itertools.count(1)


@pytest.fixture
def servers(world):
    """Three web servers, which serve what their folders say of their load; by address."""
    made = {}
    for address in ALL:
        root = world.place(f"root-{next(numbers)}")
        made[address] = Origin(world, f"{next(numbers)}", address, root)
        tell(made[address], 0.3)
    yield made
    for origin in made.values():
        if origin.process.is_running():
            origin.stop()


def tell(origin, share):
    """The web server says from here on how much of its capacity is in use."""
    fresh = origin.root / "load.new"
    fresh.write_text(f"application_utilization={share}\n")
    fresh.rename(origin.root / "load")


def config_of(**site):
    """Two origins and a reserve."""
    config = network()
    acme = config["customers"]["acme"]
    acme["origins"]["spare"] = {"address": f"{SPARE}:80"}
    probe = {"http": "/health", "load": "/load", "every": "200ms", "rise": 2, "fall": 2}
    acme["sites"] = {WWW: {"steer": ["ams", "nyc"], "reserve": ["spare"], "ttl": "1s",
                           "probe": probe, "weigh": {"response": 0}, **site}}
    return config


def reasons(waypost, reason):
    """How many answers had this reason."""
    return waypost.metric("dns_steered_total", "fra1", reason=reason)


def counted(waypost, reason):
    """Whether all answers to all clients have this reason now."""
    before = reasons(waypost, reason)
    answers(WWW)
    return reasons(waypost, reason) - before == len(CLIENTS)


def test_answers_fall_back_step_by_step_and_never_to_nothing(serve, servers):
    waypost = serve(config_of())
    for node in (FRA, NYC):
        wait_for_places(WWW, {AMS_ORIGIN, NYC_ORIGIN}, 20 * PATIENCE, node)

    servers[NYC_ORIGIN].kill()
    for node in (FRA, NYC):
        wait_for_places(WWW, {AMS_ORIGIN}, 10 * PATIENCE, node)

    tell(servers[AMS_ORIGIN], 1.5)  # the last one fit is full: still before the reserve
    wait_until(lambda: reasons(waypost, "over_capacity") > 0 or not places(WWW),
               "it is over its capacity", 60 * PATIENCE)
    assert places(WWW) == {AMS_ORIGIN} and reasons(waypost, "reserve") == 0

    servers[AMS_ORIGIN].kill()
    for node in (FRA, NYC):
        wait_for_places(WWW, {SPARE}, 10 * PATIENCE, node)
    assert counted(waypost, "reserve")

    servers[SPARE].kill()
    wait_until(lambda: counted(waypost, "all_down"), "nothing is fit", 10 * PATIENCE)
    assert places(WWW) and places(WWW) <= set(ALL)
    told = dig(WWW)
    assert (told.status, len(told.addresses)) == ("NOERROR", 1)

    servers[NYC_ORIGIN].start()
    for node in (FRA, NYC):
        wait_for_places(WWW, {NYC_ORIGIN}, 10 * PATIENCE, node)
    assert dig(WWW, NYC).addresses == [NYC_ORIGIN]


def test_a_site_may_want_no_address_when_all_is_down(serve, servers, resolvers):
    waypost = serve(config_of(all_down="nodata"))
    wait_for_places(WWW, {AMS_ORIGIN, NYC_ORIGIN}, 20 * PATIENCE)
    for address in ALL:
        assert dig(WWW).addresses
        servers[address].kill()
    for node in (FRA, NYC):
        wait_until(lambda at=node: not dig(WWW, at).addresses, "no address", 10 * PATIENCE)
        assert dig(WWW, node).status == "NOERROR"
    assert reasons(waypost, "nothing") > 0
    resolver = resolvers()
    told = dig(WWW, resolver.address)
    assert (told.status, told.addresses) == ("NOERROR", [])

    servers[SPARE].start()
    for node in (FRA, NYC):
        wait_until(lambda at=node: dig(WWW, at).addresses == [SPARE], "the reserve",
                   10 * PATIENCE)

# SPDX-License-Identifier: Apache-2.0
"""A customer's origins die, fall silent, become slow and recover: answers follow them."""
import copy
import itertools
import time

import dns.exception
import dns.message
import dns.query
import pytest

from asking import CLIENTS, Customers, address_for, answers, dig, places, wait_for_places
from origin import Origin, slow_probe
from waypost import AMS_ORIGIN, FRA, NYC, NYC_ORIGIN, PATIENCE, network, sites
from world import wait_until

WWW = "www.acme.test"
ELSEWHERE = {"one": "198.51.100.71", "two": "203.0.113.91"}  # of another customer
BOTH = {AMS_ORIGIN, NYC_ORIGIN}
EVERY_MS, RISE, FALL = 200, 5, 4
PROBE = {"http": "/probe", "every": f"{EVERY_MS}ms", "timeout": "800ms", "rise": RISE,
         "fall": FALL}
numbers = itertools.count(1)


def config_of(**site):
    """The usual network, whose page is measured by HTTP."""
    config = network()
    config["customers"]["acme"]["sites"] = {
        WWW: {"steer": ["ams", "nyc"], "ttl": "1s", "probe": PROBE, **site}}
    return config


@pytest.fixture
def make_origins(world):
    """Web servers of this story alone, by address."""
    made = {}

    def make(*these, runs=True):
        for address in these:
            made[address] = Origin(world, f"{next(numbers)}", address, world.folder,
                                   slow_probe(0))
            if not runs:
                made[address].stop()
        return made

    yield make
    for origin in made.values():
        if origin.process.is_running():
            origin.kill()


@pytest.fixture
def pair(make_origins):
    """The customer's two web servers, by address."""
    return make_origins(AMS_ORIGIN, NYC_ORIGIN)


@pytest.fixture
def customers(world, resolvers):
    """Those who ask by a resolver."""
    return Customers(world, resolvers(), 8)


def other_of(address):
    """The other of the two."""
    return (BOTH - {address}).pop()


@pytest.mark.parametrize("harm,mend,most_s", [
    ("kill", "start", EVERY_MS / 1000 + FALL * 0.1),
    ("freeze", "thaw", EVERY_MS / 1000 + 2 * FALL * 0.1 + 0.8)], ids=["killed", "silent"])
def test_a_dead_origin_is_in_no_answer_until_enough_probes_succeed(
        serve, pair, customers, harm, mend, most_s):
    serve(config_of())
    wait_for_places(WWW, BOTH, 20 * PATIENCE)
    chosen = dig(WWW).addresses[0]
    client = next(c for c in CLIENTS if address_for(c, WWW) == chosen)

    getattr(pair[chosen], harm)()
    began = time.monotonic()
    wait_until(lambda: address_for(client, WWW) != chosen, "the next answer names the other", 15)
    took_s = time.monotonic() - began
    print(f"\n{harm}: out of the answers after {took_s:.2f} s")
    wait_for_places(WWW, {other_of(chosen)}, 3, FRA)
    wait_for_places(WWW, {other_of(chosen)}, 3, NYC)
    assert took_s < (most_s + 0.5) * PATIENCE
    assert dig(WWW).addresses == [other_of(chosen)]
    time.sleep(1.1)  # what the resolver holds
    assert customers.places(WWW) == {other_of(chosen)}

    asked, began = pair[chosen].lines("/probe"), time.monotonic()
    getattr(pair[chosen], mend)()
    wait_until(lambda: address_for(client, WWW) == chosen, "it is back", 15 * PATIENCE)
    # Of a silent one a probe is under way, and each interval is up to a tenth shorter.
    assert time.monotonic() - began > (RISE - 2) * EVERY_MS / 1000 * 0.9
    assert pair[chosen].lines("/probe") - asked >= RISE
    customers.wait_for_places(WWW, BOTH, 15)


def test_answers_leave_a_slow_origin_and_return_when_it_is_quick_again(serve, pair, customers):
    serve(config_of())
    wait_for_places(WWW, BOTH, 20 * PATIENCE)
    before = answers(WWW)

    pair[AMS_ORIGIN].change(slow_probe(0.08))
    wait_for_places(WWW, {NYC_ORIGIN}, 25 * PATIENCE)
    wait_for_places(WWW, {NYC_ORIGIN}, 10 * PATIENCE, NYC)
    time.sleep(1.1)
    assert customers.places(WWW) == {NYC_ORIGIN}

    pair[AMS_ORIGIN].change(slow_probe(0))
    wait_until(lambda: answers(WWW) == before, "each client has its origin again", 40 * PATIENCE)
    assert answers(WWW, NYC) == before
    customers.wait_for_places(WWW, BOTH, 15)


def test_what_befalls_one_customer_changes_no_answer_of_another(serve, make_origins):
    config = config_of()
    config["customers"]["other"] = {
        "origins": {name: {"address": f"{address}:80"} for name, address in ELSEWHERE.items()},
        "sites": {
            "share.other.test": {"steer": ["one", "two"], "policy": "weighted", "ttl": "1s",
                                 "weights": {"one": 3, "two": 1}, "probe": PROBE},
            "list.other.test": {"steer": ["two", "one"], "policy": "ordered", "ttl": "1s",
                                "probe": PROBE}}}
    origins = make_origins(AMS_ORIGIN, NYC_ORIGIN, *ELSEWHERE.values())
    waypost = serve(config)
    names = [(name, node) for name in sites(config, "other") for node in (FRA, NYC)]
    before = {name: answers(*name) for name in names}
    assert set(before["share.other.test", FRA].values()) == set(ELSEWHERE.values())
    assert set(before["list.other.test", FRA].values()) == {ELSEWHERE["two"]}

    def look():
        for name in names:
            assert answers(*name) == before[name], name

    def until(wanted):
        wait_until(lambda: look() or places(WWW) == wanted, f"answers lead to {wanted}",
                   30 * PATIENCE)

    def is_desperate():
        assert places(WWW) | places(WWW, NYC) <= BOTH
        return all(waypost.metric("dns_steered_total", node, reason="all_down") for node in waypost.admins)

    until(BOTH)
    origins[AMS_ORIGIN].change(slow_probe(0.08))
    until({NYC_ORIGIN})
    origins[NYC_ORIGIN].kill()
    until({AMS_ORIGIN})
    origins[AMS_ORIGIN].kill()
    wait_until(lambda: look() or is_desperate(), "nothing is fit", 10 * PATIENCE)
    for address in BOTH:
        origins[address].start()
    origins[ELSEWHERE["two"]].kill()
    wait_for_places("list.other.test", {ELSEWHERE["one"]}, 10 * PATIENCE)


def test_the_very_first_answer_knows_a_dead_origin(serve, make_origins, world):
    make_origins(AMS_ORIGIN, runs=False)
    make_origins(NYC_ORIGIN)
    first = []

    def ask():
        while not first:
            try:
                first.append(dns.query.udp(dns.message.make_query(WWW, "A"), FRA, timeout=0.05))
            except (dns.exception.Timeout, OSError):
                time.sleep(0.002)

    with world.meanwhile(ask):
        serve(config_of(policy="ordered"))
    assert [str(rr) for rr in first[0].answer[0]] == [NYC_ORIGIN]


def test_an_origin_that_leaves_the_configuration_is_probed_no_more(serve, pair):
    config = config_of()
    waypost = serve(config)
    asked = {address: pair[address].lines("/probe") for address in BOTH}
    wait_until(lambda: all(pair[a].lines("/probe") > asked[a] + 3 for a in BOTH), "it is probed")

    without = copy.deepcopy(config)
    sites(without)[WWW]["steer"] = ["nyc"]
    waypost.reload(without)
    wait_until(lambda: places(WWW) == {NYC_ORIGIN}, "the reload is in force")
    time.sleep(0.5)  # a probe that was under way
    asked = {address: pair[address].lines("/probe") for address in BOTH}
    time.sleep(2)
    assert pair[AMS_ORIGIN].lines("/probe") == asked[AMS_ORIGIN]
    assert pair[NYC_ORIGIN].lines("/probe") > asked[NYC_ORIGIN] + 3

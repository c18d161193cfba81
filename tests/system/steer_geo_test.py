# SPDX-License-Identifier: Apache-2.0
"""Geography: clients are led to what is near them, and a broken file of places changes nothing."""
import ipaddress

import pytest

from asking import Customers, dig
from mmdb import mmdb_write
from waypost import (AMS_ORIGIN, FRA, NYC, NYC_ORIGIN, ZONE, Waypost, network, run_waypost, sites)
from world import wait_until

WWW, STATIC = "www.acme.test", "static.acme.test"
EUROPE, AMERICA = "193.0.0.0/16", "199.0.128.0/17"  # where our maker of files puts them
PLACES = {EUROPE: ("DE", 52.52, 13.40), AMERICA: ("US", 42.36, -71.06),
          "198.18.200.0/24": ("NL", 52.09, 5.12), "198.18.201.0/24": ("US", 40.44, -79.99)}
MOVED = {EUROPE: PLACES[AMERICA], AMERICA: PLACES[EUROPE]}
NEAR = {EUROPE: {WWW: AMS_ORIGIN, STATIC: FRA}, AMERICA: {WWW: NYC_ORIGIN, STATIC: NYC}}


@pytest.fixture(scope="module")
def served(world, origins):
    """Balanced sites of both kinds, and a file of places."""
    path = world.folder / "places.mmdb"
    mmdb_write(path, PLACES)
    config = network(geo=str(path))
    sites(config)[WWW] = {"steer": ["nyc", "ams"], "ttl": "1s"}
    sites(config)[STATIC]["ttl"] = "1s"
    waypost = Waypost(world, config)
    yield waypost
    waypost.stop()


def networks_in(prefix, count=5):
    """Some networks of 24 bits within a prefix, its first and last among them."""
    within = list(ipaddress.ip_network(prefix).subnets(new_prefix=24))
    return [str(within[i * (len(within) - 1) // (count - 1)]) for i in range(count)]


@pytest.mark.parametrize("prefix", [EUROPE, AMERICA], ids=["europe", "america"])
@pytest.mark.parametrize("name", [WWW, STATIC, f"{WWW}.{ZONE}"], ids=["origin", "pop", "zone"])
def test_clients_get_what_is_near_them_and_the_scope_is_their_places(served, prefix, name):
    wanted = NEAR[prefix][name.removesuffix(f".{ZONE}")]
    for node in (FRA, NYC):
        for client in networks_in(prefix):
            told = dig(name, node, client)
            assert (told.status, told.addresses) == ("NOERROR", [wanted]), (node, client)
            assert told.scope == ipaddress.ip_network(prefix).prefixlen


def test_a_resolver_hands_the_near_one_to_each_client(served, world, resolvers):
    customers = Customers(world, resolvers(), 2)
    for name, near in ((WWW, [AMS_ORIGIN, NYC_ORIGIN]), (STATIC, [FRA, NYC])):
        assert [dig(name, customers.resolver.address, source=source).addresses[0]
                for source in customers.sources] == near


def test_clients_of_no_known_place_are_answered_too(served):
    for name in (WWW, STATIC):
        told = dig(name, FRA, "203.0.113.0/24")
        assert told.status == "NOERROR" and len(told.addresses) == 1


@pytest.mark.parametrize("harm", ["cut", "noise", "empty", "gone"])
def test_a_wrong_file_of_places_is_refused_with_its_reason_and_the_old_stays(served, world, harm):
    good = world.folder / "places.mmdb"
    wrong = world.folder / f"{harm}.mmdb"
    if harm != "gone":
        wrong.write_bytes({"cut": good.read_bytes()[:-200], "noise": bytes(range(256)) * 64,
                           "empty": b""}[harm])
    served.write({**served.config, "geo": str(wrong)})
    status, _, said = run_waypost("reload", "-c", served.path)
    assert status == 1 and wrong.name in said, said
    for prefix in (EUROPE, AMERICA):
        assert dig(WWW, FRA, networks_in(prefix)[0]).addresses == [NEAR[prefix][WWW]]
    served.write({**served.config, "geo": str(good)})
    status, _, said = run_waypost("reload", "-c", served.path)
    assert status == 0, said


def test_a_new_file_of_places_is_in_force_after_a_reload(served, world):
    mmdb_write(world.folder / "places.mmdb", MOVED)
    served.reload()
    wait_until(lambda: dig(WWW, FRA, networks_in(EUROPE)[0]).addresses == [NYC_ORIGIN],
               "it is led elsewhere", 10)
    assert dig(STATIC, FRA, networks_in(AMERICA)[0]).addresses == [FRA]

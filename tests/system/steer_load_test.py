# SPDX-License-Identifier: Apache-2.0
"""Load that is measured and weighed: CPU of origins, FTP of pops. Sites that weigh it follow it,
sites on the same machines that do not weigh it stay."""
import itertools

import pytest

from asking import Customers, answers, wait_for_places
from ftp import FtpServer
from load import HEAVY, LoadTeller, heavy_in, work
from origin import Origin
from waypost import AMS_ORIGIN, FRA, NYC, NYC_ORIGIN, PATIENCE, network
from world import wait_until

OFF = {"response": 0, "errors": 0}  # what a busy machine of tests does to sites by itself
numbers = itertools.count(1)


@pytest.fixture
def pair(world):
    """The customer's web servers, each with its teller: (origin, teller) by address."""
    made = {}
    for address in (AMS_ORIGIN, NYC_ORIGIN):
        root = world.place(f"root-{next(numbers)}")
        heavy_in(root)
        origin = Origin(world, f"{next(numbers)}", address, root, HEAVY)
        made[address] = origin, LoadTeller(origin)
    yield made
    for origin, teller in made.values():
        teller.stop()
        origin.stop()


@pytest.fixture
def customers(world, resolvers):
    """Those who ask by a resolver."""
    return Customers(world, resolvers(), 8)


def test_a_site_that_weighs_cpu_leaves_the_busy_origin_and_others_stay(serve, pair, customers):
    config = network()
    probe = {"tcp": "yes", "load": "/load", "every": "250ms"}
    config["customers"]["acme"]["sites"] = {
        "cpu.acme.test": {"steer": ["ams", "nyc"], "ttl": "1s", "probe": probe,
                          "weigh": {"cpu": 2, **OFF}},
        "www.acme.test": {"steer": ["ams", "nyc"], "ttl": "1s", "probe": probe, "weigh": OFF}}
    serve(config)
    both = {AMS_ORIGIN, NYC_ORIGIN}
    for name in ("cpu.acme.test", "www.acme.test"):
        wait_for_places(name, both, 30 * PATIENCE)
    before = answers("www.acme.test")

    load = work(AMS_ORIGIN)
    try:
        wait_until(lambda: pair[AMS_ORIGIN][1].share > 0.1, "it is busy", 20)
        for node in (FRA, NYC):
            wait_for_places("cpu.acme.test", {NYC_ORIGIN}, 45 * PATIENCE, node)
        customers.wait_for_places("cpu.acme.test", {NYC_ORIGIN}, 10)
        assert answers("www.acme.test") == before == answers("www.acme.test", NYC)
        customers.wait_for_places("www.acme.test", both, 5)
    finally:
        load.kill()
        load.wait()
    for node in (FRA, NYC):
        wait_for_places("cpu.acme.test", both, 90 * PATIENCE, node)


def test_a_site_that_weighs_ftp_leaves_the_pop_whose_ftp_is_slow_and_others_stay(
        serve, world, origins, customers):
    servers = {address: FtpServer(world, address) for address in (FRA, NYC)}
    config = network()
    for pop, address in (("fra", FRA), ("nyc", NYC)):
        config["pops"][pop]["probe"] = {"ftp": f"{address}:21", "path": servers[address].path,
                                        "every": "500ms"}
    config["customers"]["acme"]["sites"] = {
        "ftp.acme.test": {"deliver": ["ams", "nyc"], "ttl": "1s", "weigh": {"ftp": 1, **OFF}},
        "static.acme.test": {"deliver": ["ams", "nyc"], "ttl": "1s", "weigh": OFF}}
    serve(config)
    both = {FRA, NYC}
    for name in ("ftp.acme.test", "static.acme.test"):
        wait_for_places(name, both, 30 * PATIENCE)
    before = answers("static.acme.test")
    wait_until(lambda: all(server.downloads() > 12 for server in servers.values()),
               "it is known how quick they are", 30 * PATIENCE)

    servers[FRA].limit(0.3)
    for node in (FRA, NYC):
        wait_for_places("ftp.acme.test", {NYC}, 30 * PATIENCE, node)
    customers.wait_for_places("ftp.acme.test", {NYC}, 10)
    assert answers("static.acme.test") == before == answers("static.acme.test", NYC)

    servers[FRA].limit(0)
    for node in (FRA, NYC):
        wait_for_places("ftp.acme.test", both, 60 * PATIENCE, node)
    customers.wait_for_places("ftp.acme.test", both, 10)

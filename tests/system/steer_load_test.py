# SPDX-License-Identifier: Apache-2.0
"""Load that is measured and weighed: CPU of origins, FTP of pops. Sites that weigh it follow it,
sites on the same machines that do not weigh it stay."""
import itertools

import pytest

from asking import Customers, answers, wait_for_places
from ftp import FtpServer
from load import HEAVY, Busy, LoadTeller, heavy_in
from origin import Origin
from waypost import AMS_ORIGIN, FRA, NYC, NYC_ORIGIN, PATIENCE, network
from world import wait_until

CPU, FTP, WWW, STATIC = "cpu.acme.test", "ftp.acme.test", "www.acme.test", "static.acme.test"
BOTH_ORIGINS, BOTH_POPS = {AMS_ORIGIN, NYC_ORIGIN}, {FRA, NYC}
OFF = {"response": 0, "errors": 0}  # what a busy machine of tests does to sites by itself
numbers = itertools.count(1)


@pytest.fixture
def pair(world):
    """The agents at the customer's web servers, by address."""
    made = {}
    for address in (AMS_ORIGIN, NYC_ORIGIN):
        root = world.place(f"root-{next(numbers)}")
        heavy_in(root)
        origin = Origin(world, f"{next(numbers)}", address, root, HEAVY)
        made[address] = LoadTeller(origin)
    yield made
    for teller in made.values():
        teller.stop()
        teller.origin.stop()


@pytest.fixture
def customers(world, resolvers):
    """Those who ask by a resolver."""
    return Customers(world, resolvers(), 8)


def config_of(servers):
    """Of two sites that origins serve one weighs their CPU, of two that pops serve one their FTP."""
    config = network()
    for pop, address in (("fra", FRA), ("nyc", NYC)):
        config["pops"][pop]["probe"] = {"ftp": f"{address}:21", "path": servers[address].path,
                                        "every": "500ms"}
    page = {"steer": ["ams", "nyc"], "ttl": "1s",
            "probe": {"tcp": "yes", "load": "/load", "every": "250ms"}}
    static = {"deliver": ["ams", "nyc"], "ttl": "1s"}
    config["customers"]["acme"]["sites"] = {
        CPU: {**page, "weigh": {"cpu": 5, **OFF}}, WWW: {**page, "weigh": OFF},
        # Sticky: on a busy machine FTP servers differ by more than another policy overlooks.
        FTP: {**static, "policy": "sticky", "weigh": {"ftp": 1, **OFF}},
        STATIC: {**static, "weigh": OFF}}
    return config


def wait_for_all(name, wanted, seconds):
    """Until both name servers lead to these."""
    for node in (FRA, NYC):
        wait_for_places(name, wanted, seconds, node)


def test_sites_that_weigh_a_load_leave_who_has_it_come_back_and_others_stay(
        serve, world, pair, customers):
    """Of two origins one is busy and then the other, of two pops' FTP servers one becomes slow for a
    while: each matters to one site, and nobody else minds."""
    servers = {address: FtpServer(world, address) for address in BOTH_POPS}
    serve(config_of(servers))
    for name, both in ((CPU, BOTH_ORIGINS), (WWW, BOTH_ORIGINS), (FTP, BOTH_POPS),
                       (STATIC, BOTH_POPS)):
        wait_for_places(name, both, 30 * PATIENCE)
    before = answers(WWW), answers(STATIC)
    wait_until(lambda: all(server.downloads() > 12 for server in servers.values()),
               "it is known how quick they are", 30 * PATIENCE)

    for busy, idle, ftp_s, ftp_places in ((AMS_ORIGIN, NYC_ORIGIN, 0.3, {NYC}),
                                          (NYC_ORIGIN, AMS_ORIGIN, 0, BOTH_POPS)):
        servers[FRA].limit(ftp_s)
        load = Busy(pair[busy])
        try:
            wait_for_all(CPU, {idle}, 45 * PATIENCE)
            wait_for_all(FTP, ftp_places, 60 * PATIENCE)
            customers.wait_for_places(CPU, {idle}, 10)
            customers.wait_for_places(FTP, ftp_places, 10)
            for node in (FRA, NYC):  # of these latency counts, which a busy machine may bend
                wait_until(lambda at=node: (answers(WWW, at), answers(STATIC, at)) == before,
                           f"others stay where they were, by {node}", 20 * PATIENCE)
        finally:
            load.end()

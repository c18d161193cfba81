# SPDX-License-Identifier: Apache-2.0
"""Load that is measured and weighed: CPU of origins, FTP of pops. Sites that weigh it follow it,
sites on the same machines that do not weigh it stay."""
import itertools
import os
import pathlib
import subprocess
import threading
import time

import pytest

from asking import Customers, answers, wait_for_places
from ftp import FtpServer
from origin import Origin
from waypost import AMS_ORIGIN, FRA, NYC, NYC_ORIGIN, PATIENCE, network
from world import wait_until

HEAVY = "location = /heavy { gzip on; gzip_comp_level 9; gzip_types *; try_files /heavy =404; }"
OFF = {"response": 0, "errors": 0}  # what a busy machine of tests does to sites by itself
numbers = itertools.count(1)


class LoadTeller:
    """
    Tells beside a web server how busy it is, as a customer's own agent would: CPU time of the
    server's processes from /proc, as a share of two cores, in a file that the server serves.
    """

    def __init__(self, origin):
        self.origin, self.ending = origin, threading.Event()
        self.share = None
        self.thread = threading.Thread(target=self._tell, daemon=True)
        self.thread.start()
        wait_until(lambda: self.share is not None, "it tells")

    def _spent_s(self):
        ticks = 0
        for pid in [self.origin.process.child.pid, *self.origin.workers()]:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def _tell(self):
        spent, at = self._spent_s(), time.monotonic()
        while not self.ending.wait(0.5):
            spent_now, now = self._spent_s(), time.monotonic()
            self.share = (spent_now - spent) / (now - at) / 2
            spent, at = spent_now, now
            fresh = self.origin.root / "load.new"
            fresh.write_text(f"cpu_utilization={self.share:.3f}\n")
            fresh.rename(self.origin.root / "load")

    def stop(self):
        """It tells no more."""
        self.ending.set()
        self.thread.join(10)


@pytest.fixture
def pair(world):
    """The customer's web servers, each with its teller: (origin, teller) by address."""
    made = {}
    for address in (AMS_ORIGIN, NYC_ORIGIN):
        root = world.place(f"root-{next(numbers)}")
        (root / "heavy").write_bytes(os.urandom(100_000).hex().encode())
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


def work(address):
    """Visitors who make a web server compress, over and over."""
    return subprocess.Popen(
        ["wrk", "-t1", "-c4", "-d120s", "-H", "Accept-Encoding: gzip",
         f"http://{address}:8080/heavy"], stdout=subprocess.DEVNULL)


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

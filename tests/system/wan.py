# SPDX-License-Identifier: Apache-2.0
"""
A whole network for whoever asks of all of it at once: three pops, each a process with two workers
on a machine of its own, lines that take as long as real ones, a bus, books, two customers, their web
servers, two providers' resolvers and people at home.

Where people live is in a file of places; a subnet that is not in it is of nobody known.
"""
import concurrent.futures
import json
import shutil

from books import Here
from far import FarMachine
from ftp import FtpServer
from load import HEAVY, LoadTeller, heavy_in
from machines import connect
from mmdb import mmdb_write
from nats import Nats
from origin import PAGES, SLOW_TO_ANSWER, Origin
from resolver import Resolver
from visitor import Visitor
from waypost import (AMS_ORIGIN, FRA, NYC, NYC_ORIGIN, PATIENCE, ZONE, Waypost, network,
                     run_waypost)
from world import wait_until

SIN, BUS = "192.0.2.30", "198.18.0.5"
POPS = {"fra1": FRA, "nyc1": NYC, "sin1": SIN}
ONE_WAY_MS = {"fra1": 1, "nyc1": 20, "sin1": 45}  # from where web servers and people's lines meet
PLACES = {"fra": ("Frankfurt, DE", [50.11, 8.68]), "nyc": ("New York, US", [40.71, -74.01]),
          "sin": ("Singapore, SG", [1.35, 103.82])}
# Visitors by number, in 198.18.NUMBER.0/24; those beyond are of no known place.
HOMES = {1: ("DE", 52.52, 13.40), 2: ("US", 42.36, -71.06), 3: ("ID", -6.2, 106.8),
         4: ("DE", 48.14, 11.58), 5: ("US", 41.88, -87.63)}
OCEAN = "198.51.0.0/18"  # clients between two pops, a little nearer to fra
BETWEEN = ("GL", 53.3, -35.0)
THEIRS = "203.0.113.77"
QUICK, SLOW = "198.51.100.51", "198.51.100.52"
BUSY = {"left": "198.51.100.31", "right": "198.51.100.32"}
NEAR, FAR = "192.0.2.41", "192.0.2.42"
CAPACITY = 8_000_000  # bits a second of each pop
OFF = {"response": 0, "errors": 0}  # what a busy machine of tests does to sites by itself
HEALTH = {"http": "/health", "every": "500ms"}
AGENT = {"http": "/health", "load": "/load", "every": "250ms"}
PLANS = {"fast": {"currency": "EUR", "per_gb": 1000, "per_million_requests": 1_000_000}}
WWW, STATIC, APP = "www.acme.test", "static.acme.test", "app.acme.test"
PAGE, SHOP, SHARED = "/atomiccommit.html", "/shop.html", "/shared.html"
PICTURE = "/images/shared.gif"


def config_of(places, state):
    """Sites for all that one may want of them."""
    config = network(bus=f"nats://{BUS}:4222", geo=str(places), state=str(state), plans=PLANS,
                     accounts={"node": "fra1"})
    config["pops"] = {node[:3]: {
        "place": PLACES[node[:3]][0], "location": PLACES[node[:3]][1],
        "nodes": {node: {"address": [address], "capacity": "8 Mbit/s"}},
        "cache": {"memory": "64 MiB"},
        "probe": {"ftp": f"{address}:21", "path": f"{places.parent}/ftp-{address}/root/probe.bin",
                  "every": "500ms"}} for node, address in POPS.items()}
    acme = config["customers"]["acme"]
    for name, address in {"quick": QUICK, "slow": SLOW, "near": NEAR, "far": FAR, **BUSY}.items():
        acme["origins"][name] = {"address": f"{address}:80"}
    pops = {"deliver": ["ams", "nyc"], "fill": "ordered", "ttl": "1s"}
    only = {"latency": 0, **OFF}
    acme["sites"] = {
        "www.acme.test": {"steer": ["nyc", "ams"], "policy": "strict", "ttl": "1s",
                          "probe": HEALTH, "weigh": OFF},
        "static.acme.test": {**pops, "weigh": OFF},
        "app.acme.test": {"steer": ["ams", "nyc"], "policy": "weighted", "ttl": "1s",
                          "probe": HEALTH},
        "cpu.acme.test": {"steer": list(BUSY), "policy": "strict", "ttl": "1s", "probe": AGENT,
                          "weigh": {**only, "cpu": 1}},
        "memory.acme.test": {"steer": list(BUSY), "policy": "strict", "ttl": "1s",
                             "probe": AGENT, "weigh": {**only, "memory": 1}},
        "far.acme.test": {"steer": ["far", "near"], "policy": "strict", "ttl": "1s",
                          "probe": {**HEALTH, "every": "250ms"}, "weigh": OFF},
        "pinned.acme.test": {**pops, "fill": "pinned", "pinned": "nyc", "weigh": OFF},
        "least.acme.test": {**pops, "deliver": ["slow", "quick"], "fill": "least-loaded",
                            "weigh": OFF},
        "rare.acme.test": {**pops, "deliver": ["quick", "nyc"], "missing": "next", "weigh": OFF},
        "best.acme.test": {**pops, "policy": "strict", "weigh": {"response": 4, "errors": 0}},
        "ftp.acme.test": {**pops, "policy": "strict", "weigh": {**only, "ftp": 1}},
        "both.acme.test": {**pops, "weigh": OFF},
        "strict.acme.test": {**pops, "policy": "strict", "weigh": OFF}}
    theirs = {"theirs": {"address": f"{THEIRS}:80", "location": [48.85, 2.35]},
              "second": {"address": f"{QUICK}:80", "location": [1.35, 103.82]}}
    config["customers"]["other"] = {
        "origins": theirs,
        "sites": {"www.other.test": {"steer": ["second", "theirs"], "ttl": "1s", "probe": HEALTH,
                                     "policy": "strict", "weigh": OFF},
                  "cdn.other.test": {"deliver": ["theirs"], "ttl": "1s", "weigh": OFF}}}
    config["customers"]["payer"] = {
        "plan": "fast", "origins": {"theirs": theirs["theirs"]},
        "sites": {"cdn.payer.test": {"deliver": ["theirs"], "ttl": "1s", "weigh": OFF}}}
    return config


def site_of(folder):
    """The customer's site as its owner has it: nothing in it names a cache yet, but for two pages."""
    root = folder / "site"
    shutil.copytree(PAGES, root)
    (root / SHOP[1:]).write_text(
        f'<h1>shop</h1><img src="http://{STATIC}{PICTURE}" alt=""><iframe '
        f'src="http://{APP}/dynamic?basket"></iframe>')
    (root / SHARED[1:]).write_text(
        f'<h1>shared</h1><img src="http://{STATIC}.{ZONE}{PICTURE}" alt="">')
    (root / "movie.bin").write_bytes(bytes(50_000))
    return root


class Wan:
    """All of it; `of`: the processes by node; `rewritten`: what `waypost rewrite` told."""

    def __init__(self, world):
        connect(world)
        self.world, self.resolvers, self.visitors = world, [], {}
        places = world.folder / "places.mmdb"
        mmdb_write(places, {**{f"198.18.{number}.0/24": home for number, home in HOMES.items()},
                            OCEAN: BETWEEN})
        self.config = config_of(places, world.place("state"))
        self.machines = {node: FarMachine(world, node, address, ONE_WAY_MS[node])
                         for node, address in POPS.items()}
        self.far = {"near": FarMachine(world, "near", NEAR, 4), "far": FarMachine(world, "far", FAR, 30)}
        self.nats = Nats(world, Here(world, "bus", BUS))
        self.ftp = {node: FtpServer(world, POPS[node], self.machines[node]) for node in POPS}
        self.origins, self.tellers = {}, {}
        with concurrent.futures.ThreadPoolExecutor() as pool:
            processes = pool.map(self._start, POPS)
            self._customers(site_of(world.place("owner")))
            self.of = dict(zip(POPS, processes))
        self.resolver = self.provider()

    def _customers(self, root):
        """Their web servers."""
        path = self.world.folder / "waypost.yaml"
        path.write_text(json.dumps(self.config))
        status, out, err = run_waypost("rewrite", root, "--site", STATIC, "--scheme", "http", "-c",
                                       path, "--json", seconds=60)
        assert status == 0, err
        self.rewritten, self.root = json.loads(out), root
        bare = self.world.place("bare")
        (bare / "small").write_bytes(b"s" * 1000)
        for name, address, where, more in (
                ("ams", AMS_ORIGIN, root, ""), ("nyc", NYC_ORIGIN, root, ""),
                ("theirs", THEIRS, root, ""), ("quick", QUICK, bare, ""),
                ("slow", SLOW, bare, SLOW_TO_ANSWER)):
            self.origins[name] = Origin(self.world, name, address, where, more)
        for name, machine in self.far.items():
            self.origins[name] = Origin(self.world, name, machine.address, bare, machine=machine)
        for name, address in BUSY.items():
            where = self.world.place(f"root-{name}")
            heavy_in(where)
            self.origins[name] = Origin(self.world, name, address, where, HEAVY)
            self.tellers[name] = LoadTeller(self.origins[name])

    def _start(self, node):
        return Waypost(self.world, self.config, node, node=node, machine=self.machines[node])

    def stop(self):
        """All of it, in good order."""
        for teller in self.tellers.values():
            teller.stop()
        for waypost in self.of.values():
            waypost.stop()

    def provider(self, *servers):
        """A resolver of one, which knows these name servers; all, unless told."""
        self.resolvers.append(Resolver(
            self.world, f"192.0.2.{101 + len(self.resolvers)}",
            ["acme.test", "other.test", "payer.test", ZONE], servers or POPS.values()))
        return self.resolvers[-1]

    def at(self, number, resolver=None):
        """Who lives there; of those whom nobody knows yet, with that resolver."""
        if number not in self.visitors:
            self.visitors[number] = Visitor(self.world, number, resolver or self.resolver)
        return self.visitors[number]

    def leads(self, number, name, wanted, seconds=40):
        """Waits until this visitor's resolver finds that address and no other."""
        visitor, seen = self.at(number), []

        def is_so():
            seen.append(visitor.resolve(name))
            return seen[-1] == [wanted]

        wait_until(is_so, lambda: f"{name} leads to {seen[-1]} and not to {wanted}: " +
                   self.ask("sin1", "why", name, "--client", visitor.address), seconds * PATIENCE)

    def ask(self, node, *words):
        """A command for that node, which must succeed; what it printed."""
        status, out, err = run_waypost(*words, "-c", self.of[node].path, "--node", node)
        assert status == 0, f"{words} at {node}: {err or out}"
        return out

    def json(self, node, path):
        """What the API of a node tells."""
        text = self.of[node].admin_text(f"/api/v1/{path}")
        assert text is not None, path
        return json.loads(text)

# SPDX-License-Identifier: Apache-2.0
"""Four pops of one node each: processes and machines of their own, on one bridge and NATS."""
import concurrent.futures
import json
import time

from asking import CLIENTS, address_for, places, wait_for_places
from machines import Machine, connect
from nats import Nats
from waypost import PATIENCE, Waypost, network, run_waypost
from world import wait_until

WWW, STATIC = "www.acme.test", "static.acme.test"
DOWN_S = 2 * PATIENCE  # the most until a node that is silent is in no answer
POLL_S = 0.02
ADDRESSES = {"fra1": "192.0.2.10", "nyc1": "192.0.2.20", "sin1": "192.0.2.30", "syd1": "192.0.2.40"}
BUS = "198.18.0.5"


def config_of(servers=(BUS,), **changes):
    """The usual customer, with four pops that all suit all clients alike."""
    config = network(bus="nats://" + ",".join(f"{at}:4222" for at in servers), **changes)
    config["pops"] = {node[:3]: {"nodes": {node: {"address": [address]}},
                                 "cache": {"memory": "64 MiB"}}
                      for node, address in ADDRESSES.items()}
    sites = config["customers"]["acme"]["sites"]
    sites[WWW] = {"steer": ["ams", "nyc"], "policy": "weighted", "ttl": "1s"}
    sites[STATIC] = {"deliver": ["ams", "nyc"], "fill": "ordered", "ttl": "1s"}
    return config


class Nodes:
    """The machines and what runs on them, by node; that of the bus as well."""

    def __init__(self, world, servers=(BUS,), starts=True, begins=True, more="", **changes):
        connect(world)
        self.world = world
        self.config = config_of(servers, state=str(world.place("state")), **changes)
        self.machines = {node: Machine(world, node, at) for node, at in ADDRESSES.items()}
        self.servers = [Nats(world, Machine(world, f"nats{at[-1]}", at), starts=starts,
                             peers=servers if len(servers) > 1 else (), more=more)
                        for at in servers]
        self.nats, self.bus = self.servers[0], self.servers[0].machine
        self.of = {}
        if begins:
            self.begin()

    def begin(self):
        """Starts all nodes at once."""
        with concurrent.futures.ThreadPoolExecutor() as pool:
            for node, waypost in zip(ADDRESSES, pool.map(self._start, ADDRESSES)):
                self.of[node] = waypost

    def _start(self, node):
        return Waypost(self.world, self.config, node, node=node, machine=self.machines[node])

    def others(self, node):
        """All but that one."""
        return [other for other in self.of if other != node]

    def stop(self):
        """All of them, in good order; then the bus."""
        for waypost in self.of.values():
            waypost.stop()
        for server in self.servers:
            if server.process and server.process.is_running():
                server.kill()

    def ask(self, node, *words):
        """A command for that node, which must succeed; what it printed."""
        status, out, err = run_waypost(*words, "-c", self.of[node].path, "--node", node)
        assert status == 0, f"{words} at {node}: {err or out}"
        return out

    def status(self, node):
        """What `waypost status --json` tells there."""
        return json.loads(self.ask(node, "status", "--json"))

    def order(self, at, verb, **what):
        """Gives an order at a node: status and JSON."""
        status, text = self.of[at].socket_ask(at, "POST", f"/api/v1/{verb}", json.dumps(what))
        return status, json.loads(text)

    def purge_page(self):
        """Gives an order at fra1; its number, or None where it is not taken."""
        status, said = self.order("fra1", "purge", url=f"http://{STATIC}/sqlite.css")
        assert status in (200, 503, 504), said
        return said["order"]["number"] if status == 200 else None

    def orders(self, node):
        """What it tells of the newest thousand orders, and how far it is."""
        return json.loads(self.of[node].admin_text("/api/v1/orders?limit=1000"))

    def place(self, node):
        """How far it is: the number of its newest order on disk, and whether there may be more."""
        told = json.loads(self.of[node].admin_text("/api/v1/orders?limit=1"))
        return told["newest"], told["behind"]

    def wait_until_obeyed(self, number, nodes=None, seconds=10 * PATIENCE):
        """Until these nodes (all) have all orders up to that one on disk, and know of no more."""
        for node in nodes or self.of:
            wait_until(lambda n=node: self.place(n) == (number, False),
                       f"{node} has order {number}", seconds)

    def said(self, node, words):
        """How often that is in its log."""
        return self.of[node].process.output().count(words)

    def heard(self, node, result="taken"):
        """Heartbeats of others, by what became of them."""
        return self.of[node].metric("steer_heartbeats_total", result=result)

    def wait_until_all_hear(self, seconds=10 * PATIENCE):
        """Until each node has every other for present."""
        wait_until(lambda: all(w.metric("steer_peers_present") == len(self.of) - 1
                               for w in self.of.values()), "all nodes hear each other", seconds)

    def wait_until_answered(self, nodes, by=None, seconds=20 * PATIENCE):
        """Until these nodes, and no others, are in the answers of all name servers named."""
        wanted = {ADDRESSES[node] for node in nodes}
        for server in by or self.of:
            wait_for_places(STATIC, wanted, seconds, ADDRESSES[server])

    def leads(self, client, server):
        """The node that this one's name server leads a client to."""
        address = address_for(client, STATIC, ADDRESSES[server])
        return next(node for node, at in ADDRESSES.items() if at == address)

    def client_of(self, node, server):
        """A client whom this name server leads to the node. There may be none for an epoch, as on a
        busy machine one pop looks much slower than the others."""
        return wait_until(lambda: next((client for client in CLIENTS
                                        if self.leads(client, server) == node), None),
                          f"{server} leads somebody to {node}", 30 * PATIENCE)

    def watch(self, node, harm):
        """Does the harm, and returns how long the node then was in answers of the others."""
        pending = {server: self.client_of(node, server) for server in self.others(node)}
        began = due = time.monotonic()
        harm()
        while pending:
            pending = {server: client for server, client in pending.items()
                       if self.leads(client, server) == node}
            took_s = time.monotonic() - began
            assert took_s < 30, f"{node} is in the answers of {list(pending)} still"
            due += POLL_S
            time.sleep(max(0, due - time.monotonic()))
        assert not [server for server in self.others(node)
                    if ADDRESSES[node] in places(STATIC, ADDRESSES[server])]
        return took_s

    def facts(self, node):
        """When the node's map was planned, and what it then knew from all nodes."""
        told = json.loads(self.of[node].admin_text("/api/v1/map"))
        return told["map"]["epoch"], {(fact["check"], fact["kind"]): (fact["all"]["value"],
                                                                      fact["all"]["sources"])
                                      for fact in told["facts"] if "all" in fact}

    def plan_the_same(self, since):
        """Whether all nodes planned after that time (UTC), and alike where all plan alike."""
        maps = [json.loads(w.admin_text("/api/v1/map"))["map"] for w in self.of.values()]
        return len({(told["epoch"], told["shared"]) for told in maps}) == 1 \
            and maps[0]["epoch"] > since

    def know_the_same(self):
        """Whether the newest maps are of one moment, and of the same knowledge of all nodes."""
        (epoch, facts), *others = [self.facts(node) for node in self.of]
        return facts and all(other == (epoch, facts) for other in others)

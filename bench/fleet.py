# SPDX-License-Identifier: Apache-2.0
"""Many nodes for a measurement: each a process and a pop of its own, joined by a real nats-server.
They have addresses of their own on one machine; the stories' helpers start them (tests/system)."""
import concurrent.futures
import json
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOST = "static.acme.test"
BUS = "127.0.0.1"
CLIENTS = [f"198.51.{i}.0" for i in range(1, 129)]  # networks of 24 bits
CHOICES = 8  # targets that a map lists for a client's place, of all that are alike
POLL_S = 0.02


def go_inside(waypost):
    """Runs this program again with a network, processes and mounts of its own."""
    os.environ.update(WAYPOST_WORLD="1", WAYPOST=str(waypost.resolve()))
    words = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    words += [] if os.getuid() == 0 else ["--map-root-user"]
    os.execvp(words[0], [*words, sys.executable, *sys.argv])


def use_stories():
    """Makes the helpers of tests/system known."""
    sys.path.insert(0, str(ROOT / "tests" / "system"))


def share(values, part):
    """The value below which so large a part of all lies."""
    return sorted(values)[min(int(len(values) * part), len(values) - 1)]


class Here:
    """The machine that programs run on: this one."""

    name, address = "bus", BUS

    @staticmethod
    def words(*words):
        """A command line as it is."""
        return list(words)


def network_of(addresses, state):
    """Pops of one node each, which suit all clients alike."""
    from waypost import network
    config = network(bus=f"nats://{BUS}:4222", state=str(state))
    config["pops"] = {
        f"p{i}": {"nodes": {node: {"address": [address], "ports": {"admin": 8700 + i}}},
                  "cache": {"memory": "16 MiB"}}
        for i, (node, address) in enumerate(addresses.items())}
    config["customers"]["acme"]["sites"] = {
        HOST: {"deliver": ["ams", "nyc"], "fill": "ordered", "ttl": "1s"}}
    return config


class Fleet:
    """So many nodes, and what is between them; `name` tells one from the next."""

    def __init__(self, world, count, name, nats):
        self.world, self.name, self.nats = world, name, nats
        self.addresses = {f"n{i}": f"192.0.2.{i + 10}" for i in range(count)}
        self.config = network_of(self.addresses, world.place(f"{name}-state"))
        self.of = {}
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for waypost in pool.map(self._start, self.addresses):
                self.of[waypost.name.removeprefix(f"{name}-")] = waypost
        self.wait_until(lambda: all(self.hears(node) == count - 1 for node in self.of))

    def _start(self, node):
        from waypost import Waypost
        return Waypost(self.world, self.config, f"{self.name}-{node}", workers=1, node=node)

    @staticmethod
    def wait_until(claim, seconds=60, pause_s=POLL_S):
        """Waits for the claim to hold."""
        end = time.monotonic() + seconds
        while not claim():
            if time.monotonic() > end:
                sys.exit(f"not within {seconds} s")
            time.sleep(pause_s)

    def hears(self, node):
        """How many others it has for present."""
        return self.of[node].metric("steer_peers_present")

    def leads(self, client, server):
        """The address that a node's name server leads a client to."""
        from asking import address_for
        return address_for(client, HOST, self.addresses[server])

    def led_to(self, server):
        """For each address that this name server leads clients to, one of them."""
        return {self.leads(client, server): client for client in CLIENTS}

    def wait_until_answered(self):
        """Until every name server leads clients to as many nodes as it ever would."""
        for server in self.of:
            self.wait_until(lambda s=server: len(self.led_to(s)) == min(len(self.of), CHOICES))

    def clients_of(self, node, servers):
        """For each of these name servers that leads somebody to the node, a client that it does."""
        led_to = {server: self.led_to(server) for server in servers}
        return {server: clients[self.addresses[node]] for server, clients in led_to.items()
                if self.addresses[node] in clients}

    def watch(self, pending, done):
        """Asks name servers for their clients until `done` holds of every answer; how long."""
        began = due = time.monotonic()
        while pending:
            pending = {server: client for server, client in pending.items()
                       if not done(self.leads(client, server))}
            took_s = time.monotonic() - began
            if took_s > 60:
                sys.exit(f"not within 60 s: {pending}")
            due += POLL_S
            time.sleep(max(0, due - time.monotonic()))
        return took_s

    def purge(self, node, path):
        """Gives an order to a node; its number, once it is in the log."""
        status, text = self.of[node].socket_ask(node, "POST", "/api/v1/purge",
                                                json.dumps({"url": f"http://{HOST}{path}"}))
        if status != 200:
            sys.exit(f"purge at {node}: {status} {text}")
        return json.loads(text)["order"]["number"]

    def has_all_receipts(self, node, number):
        """Whether the node knows that all have the order. It is in the log before it comes back."""
        status, text = self.of[node].socket_ask(node, "GET", f"/api/v1/orders/{number}")
        if status == 404:
            return False
        order = json.loads(text)["order"]
        return order["applied"] == order["nodes"]

    def end(self):
        """Ends all nodes at once."""
        for waypost in self.of.values():
            if waypost.process.is_running():
                waypost.process.child.kill()
        for waypost in self.of.values():
            waypost.process.child.wait()

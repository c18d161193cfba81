# SPDX-License-Identifier: Apache-2.0
"""The program under test: its configuration, its process, what it says of itself."""
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

import way
from world import listens, wait_until

BINARY = os.environ.get("WAYPOST") or str(
    pathlib.Path(__file__).resolve().parents[2] / "build" / "waypost")
IS_SANITIZED = os.environ.get("WAYPOST_SANITIZED") == "1"
PATIENCE = 3 if IS_SANITIZED else 1  # by what waits are multiplied
IS_NIGHT = os.environ.get("WAYPOST_NIGHT") == "1"
ZONE = "cdn.waypost.test"
FRA, NYC = "192.0.2.10", "192.0.2.20"
AMS_ORIGIN, NYC_ORIGIN = "198.51.100.7", "203.0.113.9"


def network(**changes):
    """
    Two pops, and one customer with two origins, a page that is steered and static content that is
    delivered. The stories change what they are about.
    """
    config = {
        "network": "story",
        "zone": ZONE,
        "nameservers": [f"ns1.{ZONE}", f"ns2.{ZONE}"],
        "contact": "hostmaster@waypost.test",
        "pops": {
            "fra": {"place": "Frankfurt, DE", "location": [50.11, 8.68],
                    "nodes": {"fra1": {"address": [FRA], "ports": {"admin": 8653}}},
                    "cache": {"memory": "64 MiB"}},
            "nyc": {"place": "New York, US", "location": [40.71, -74.01],
                    "nodes": {"nyc1": {"address": [NYC], "ports": {"admin": 8654}}},
                    "cache": {"memory": "64 MiB"}},
        },
        "customers": {
            "acme": {
                "origins": {
                    "ams": {"address": f"{AMS_ORIGIN}:80", "location": [52.37, 4.90]},
                    "nyc": {"address": f"{NYC_ORIGIN}:80", "location": [40.71, -74.01]},
                },
                "sites": {
                    "www.acme.test": {"steer": ["ams", "nyc"], "policy": "weighted", "ttl": "2s"},
                    "static.acme.test": {"deliver": ["ams", "nyc"], "fill": "ordered",
                                         "ttl": "2s"},
                },
            },
        },
    }
    return {**config, **changes}


def sites(config, customer="acme"):
    """The sites of a customer, to be changed in place."""
    return config["customers"][customer]["sites"]


def run_waypost(*words, seconds=20):
    """Runs a command of the program to its end: (exit status, stdout, stderr)."""
    done = subprocess.run([BINARY, *map(str, words)], capture_output=True, text=True,
                          timeout=seconds * PATIENCE, check=False)
    return done.returncode, done.stdout, done.stderr


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket: the admin side of a node on a machine whose loopback is not ours."""

    def __init__(self, path):
        super().__init__("localhost", timeout=5)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


class Waypost:
    """
    All nodes of a network in one process, or the one that is named; two workers. `machine`: what it
    runs on (machines.py), if not on the world's own. `under`: words of a command that starts it.
    """

    def __init__(self, world, config, name="waypost", workers=2, env=None, node=None,
                 machine=None, under=()):
        self.world, self.name, self.config, self.env = world, name, config, env
        self.machine, self.under = machine, under
        self.folder = world.place(name)
        self.path = self.folder / "waypost.yaml"
        self.words = ["run", "-c", self.path, "--workers", workers]
        self.words += ["--node", node] if node else ["--all-nodes"]
        nodes = {node_name: settings for pop in config["pops"].values()
                 for node_name, settings in pop["nodes"].items() if node in (None, node_name)}
        self.addresses = [address for settings in nodes.values()
                          for address in settings["address"]]
        for address in [] if machine else self.addresses:
            world.address(address)
        self.admins = {node_name: settings.get("ports", {}).get("admin", 8653)
                       for node_name, settings in nodes.items()}
        self.process = None
        self.write(config)
        self.start()

    def write(self, config):
        """Writes the configuration (JSON is YAML too); the state folder lies beside it."""
        self.config = way.certified({"state": str(self.folder / "state"), **config})
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps(self.config, indent=2))
        fresh.rename(self.path)

    def start(self):
        """Starts it and waits until every node serves."""
        words = [*self.under, BINARY, *self.words]
        if self.machine:
            words = self.machine.words(*words)
        self.process = self.world.start(self.name, words, self.folder, env=self.env)
        wait_until(lambda: self.process.must_run() and all(
            listens(a, 80) and listens(a, 53) for a in self.addresses), "all nodes listen")
        wait_until(lambda: self.process.must_run() and all(
            self.admin_text("/healthz", node) is not None for node in self.admins), "healthy")

    def admin_text(self, path, node=None):
        """What the admin side of a node (the first) says; None when it does not answer 200."""
        node = node or next(iter(self.admins))
        port = self.admins[node]
        if self.machine:
            return self._socket_text(path, node)
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as reply:
                return reply.read().decode()
        except (urllib.error.URLError, OSError):
            return None

    def _socket_text(self, path, node):
        try:
            status, text = self.socket_ask(node, "GET", path)
            return text if status == 200 else None
        except (OSError, http.client.HTTPException):
            return None

    def socket_ask(self, node, method, path, body=None):
        """What a node's admin side says over its Unix socket: status and body."""
        connection = UnixConnection(pathlib.Path(self.config["state"]) / node / "admin.sock")
        try:
            connection.request(method, path, body)
            reply = connection.getresponse()
            return reply.status, reply.read().decode()
        finally:
            connection.close()

    def metric(self, name, node=None, **labels):
        """The sum of all rows of a metric that carry these labels; node None: of all nodes."""
        total = 0.0
        for one in [node] if node else self.admins:
            text = self.admin_text("/metrics", one)
            assert text is not None, "no /metrics"
            for row in text.splitlines():
                found = re.match(rf"waypost_{name}(?:{{(.*)}})? (\S+)$", row)
                if found and all(f'{k}="{v}"' in (found[1] or "") for k, v in labels.items()):
                    total += float(found[2])
        return total

    def reload(self, config=None):
        """Takes a configuration into use, by SIGHUP."""
        if config is not None:
            self.write(config)
        self.process.send(signal.SIGHUP)

    def memory_bytes(self):
        """Resident memory."""
        status = pathlib.Path(f"/proc/{self.process.child.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024

    def stop(self, number=signal.SIGTERM):
        """Stops it in an orderly way: it must still run, end by itself, and without complaint."""
        self.process.must_run()
        started = time.monotonic()
        status = self.process.stop(number)
        output = self.process.output()
        assert status == 0, f"exit status {status}: {output[-4000:]}"
        assert "Sanitizer" not in output and "runtime error" not in output, output[-4000:]
        return time.monotonic() - started

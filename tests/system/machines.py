# SPDX-License-Identifier: Apache-2.0
"""
Machines of their own: each has a network namespace and one address, and all hang on one bridge. The
world itself is on that bridge too: it is where web servers stand and where clients ask from, and
the way to visitors.
"""
import pathlib

from world import run

BRIDGE, GATE = "wan", "198.18.0.1"
NEIGHBOURS = ["192.0.2.0/24", "198.18.0.0/24"]  # nodes, and servers of the bus


class Machine:
    """One computer. Programs run on it by the words that `words` returns."""

    count = 0

    def __init__(self, world, name, address):
        self.name, self.address, self.space = name, address, f"machine-{name}"
        Machine.count += 1
        self.line = f"line{Machine.count}"
        run("ip", "netns", "add", self.space)
        world.at_end("ip", "netns", "delete", self.space)
        self._connect()

    def _connect(self):
        """Its line to the bridge."""
        run("ip", "link", "add", self.line, "type", "veth", "peer", "name", "eth0", "netns",
            self.space)
        run("ip", "link", "set", self.line, "master", BRIDGE, "up")
        run("ip", "route", "replace", f"{self.address}/32", "dev", BRIDGE)
        for words in (["link", "set", "lo", "up"], ["link", "set", "eth0", "up"],
                      ["address", "add", f"{self.address}/32", "dev", "eth0"],
                      *(["route", "add", net, "dev", "eth0"] for net in NEIGHBOURS),
                      ["route", "add", "default", "via", GATE]):
            run("ip", "-n", self.space, *words)

    def words(self, *words):
        """A command line that runs `words` here, as the process that is started."""
        return ["nsenter", f"--net=/run/netns/{self.space}", *words]

    def cut(self):
        """Pulls the plug: nothing goes in or out any more, and nobody is told."""
        run("ip", "link", "set", self.line, "down")

    def mend(self):
        """Puts it back."""
        run("ip", "link", "set", self.line, "up")

    def lose(self, address):
        """What goes from here to that address vanishes from now on."""
        run("ip", "-n", self.space, "route", "add", "blackhole", f"{address}/32")

    def find(self, address):
        """It does so no more."""
        run("ip", "-n", self.space, "route", "delete", "blackhole", f"{address}/32")


def connect(world):
    """Makes the bridge that machines hang on; once a world."""
    run("ip", "link", "add", BRIDGE, "type", "bridge")
    run("ip", "link", "set", BRIDGE, "up")
    run("ip", "address", "add", f"{GATE}/32", "dev", BRIDGE)
    world.at_end("ip", "link", "delete", BRIDGE)
    pathlib.Path("/proc/sys/net/ipv4/ip_forward").write_text("1")

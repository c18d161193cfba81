# SPDX-License-Identifier: Apache-2.0
"""
Lines that take their time. The kernel that stories run on may have no network emulation, so a line
is two TUN devices, one here and one on the far machine, and a process of its own that carries each
packet from one to the other after a while. Nothing of that is known to what talks over it: round
trips are measured as on a real line.
"""
import collections
import contextlib
import fcntl
import os
import pathlib
import select
import struct
import subprocess
import sys
import time

from machines import GATE, Machine
from world import run, wait_until

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
PACKET_MAX, HELD_MAX = 2048, 4096  # bytes; packets under way, more are lost as on any line


class FarMachine(Machine):
    """A machine behind such a line; `one_way_ms` may be changed while things run."""

    def __init__(self, world, name, address, one_way_ms=0.0):
        self.world, self.one_way_ms = world, one_way_ms
        self.setting = world.folder / f"line-{name}"
        super().__init__(world, name, address)

    def _connect(self):
        self.take(self.one_way_ms)
        here, there = self.line, f"far{self.line}"
        self.world.start(here, [sys.executable, __file__, here, there, self.setting])
        for device in (here, there):
            wait_until(lambda d=device: self._has(d), f"device {device}", 10)
        run("ip", "link", "set", there, "netns", self.space)
        run("ip", "-n", self.space, "link", "set", there, "name", "eth0")
        run("ip", "link", "set", here, "up")
        run("ip", "route", "replace", f"{self.address}/32", "dev", here)
        for words in (["link", "set", "lo", "up"], ["link", "set", "eth0", "up"],
                      ["address", "add", f"{self.address}/32", "dev", "eth0"],
                      ["route", "add", f"{GATE}/32", "dev", "eth0"],
                      ["route", "add", "default", "dev", "eth0"]):
            run("ip", "-n", self.space, *words)

    def mend(self):
        super().mend()
        run("ip", "route", "replace", f"{self.address}/32", "dev", self.line)

    @staticmethod
    def _has(device):
        return subprocess.run(["ip", "link", "show", device], capture_output=True,
                              check=False).returncode == 0

    def take(self, one_way_ms):
        """How long a packet takes each way, from now on."""
        self.one_way_ms = one_way_ms
        fresh = self.setting.with_suffix(".new")
        fresh.write_text(str(one_way_ms))
        fresh.rename(self.setting)


def tun_open(name):
    """A TUN device, which is there as long as the descriptor."""
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


class Way:
    """One direction: packets with the time when they are due at the other end."""

    def __init__(self, source, target):
        self.source, self.target, self.held = source, target, collections.deque()

    def take_in(self, due):
        """All that waits at this end."""
        try:
            while len(self.held) < HELD_MAX:
                self.held.append((due, os.read(self.source, PACKET_MAX)))
        except OSError:
            pass  # no more for now, or the device is down

    def hand_out(self, now):
        """What is due by now."""
        while self.held and self.held[0][0] <= now:
            try:
                os.write(self.target, self.held.popleft()[1])
            except OSError:
                pass  # the device is down: it is lost


def carry(here, there, setting):
    """Until the process is ended."""
    with contextlib.suppress(PermissionError):
        os.nice(-15)  # a line does not become longer because machines are busy
    ends = [tun_open(here), tun_open(there)]
    ways = [Way(*ends), Way(*reversed(ends))]
    delay_s, looked = 0.0, 0.0
    while True:
        now = time.monotonic()
        if now - looked > 0.2:
            delay_s, looked = float(setting.read_text()) / 1000, now
        for way in ways:
            way.hand_out(now)
        due = min((way.held[0][0] for way in ways if way.held), default=now + 0.5)
        ready, _, _ = select.select(ends, [], [], max(0.0, due - time.monotonic()))
        due = time.monotonic() + delay_s
        for way in ways:
            if way.source in ready:
                way.take_in(due)


if __name__ == "__main__":
    carry(sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]))

# SPDX-License-Identifier: Apache-2.0
"""Load that is really there: visitors who keep a server busy, a program that needs memory, a machine
that hardly gets to run; and an agent that tells what its web server uses."""
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

from raw import ask
from world import wait_until

HEAVY = "location = /heavy { gzip on; gzip_comp_level 9; gzip_types *; try_files /heavy =404; }"
MEMORY_BYTES = 1 << 30  # of a web server's machine, as its agent sees it


def heavy_in(root):
    """What a web server with HEAVY compresses, in its folder."""
    (root / "heavy").write_bytes(os.urandom(100_000).hex().encode())


class LoadTeller:
    """
    Tells beside a web server how busy it is, as a customer's own agent would: CPU time of the
    server's processes from /proc, as a share of two cores, and their memory, in a file that the
    server serves. `burden`: other processes there, which count too.
    """

    def __init__(self, origin):
        self.origin, self.ending = origin, threading.Event()
        self.burden = []
        self.share = self.memory = None
        self.thread = threading.Thread(target=self._tell, daemon=True)
        self.thread.start()
        wait_until(lambda: self.share is not None, "it tells")

    def _pids(self):
        return [self.origin.process.child.pid, *self.origin.workers(),
                *(child.pid for child in self.burden)]

    def _spent_s(self):
        ticks = 0
        for pid in self._pids():
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def _held(self):
        pages = sum(int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
                    for pid in self._pids())
        return pages * os.sysconf("SC_PAGE_SIZE") / MEMORY_BYTES

    def _tell(self):
        spent, at = self._spent_s(), time.monotonic()
        while not self.ending.wait(0.5):
            spent_now, now = self._spent_s(), time.monotonic()
            self.share = max(0.0, spent_now - spent) / (now - at) / 2
            self.memory = self._held()
            spent, at = spent_now, now
            fresh = self.origin.root / "load.new"
            fresh.write_text(f"cpu_utilization={min(self.share, 1):.3f}, "
                             f"mem_utilization={min(self.memory, 1):.3f}\n")
            fresh.rename(self.origin.root / "load")

    def release(self, *children):
        """Ends these, of which it no longer tells."""
        self.burden = [child for child in self.burden if child not in children]
        time.sleep(0.1)  # what it is reading just now is to be there
        for child in children:
            child.kill()
            child.wait()

    def stop(self):
        """It tells no more."""
        self.ending.set()
        self.thread.join(10)


def work(address, connections):
    """Visitors who make a web server compress, over and over."""
    return subprocess.Popen(
        ["wrk", "-t1", f"-c{connections}", "-d120s", "-H", "Accept-Encoding: gzip",
         f"http://{address}:8080/heavy"], stdout=subprocess.DEVNULL)


def burn():
    """A program that computes without end."""
    return subprocess.Popen([sys.executable, "-c", "while True: pass"])


def hold(size):
    """A program that holds so many bytes of memory."""
    return subprocess.Popen([sys.executable, "-c", "import sys, time\n"
                             "held = b'x' * int(sys.argv[1])\ntime.sleep(600)", str(size)])


class Busy:
    """Visitors who keep a web server busy, with what computes beside it; the agent there tells."""

    def __init__(self, teller):
        burners = [burn(), burn()]
        self.teller = teller
        teller.burden.extend(burners)
        self.children = [work(teller.origin.address, 1), *burners]

    def end(self):
        """They go home."""
        self.teller.release(*self.children)


class Crowd:
    """Visitors who keep fetching a stored object from one pop, so many bits a second together."""

    def __init__(self, address, path, bits_per_s, host="static.acme.test"):
        self.address, self.path, self.bits_per_s = address, path, bits_per_s
        self.host = host
        self.ending, self.bytes = threading.Event(), 0
        self.thread = threading.Thread(target=self._fetch, daemon=True)
        self.thread.start()

    def _fetch(self):
        began = time.monotonic()
        while not self.ending.is_set():
            reply = ask(self.address, self.path, self.host)
            assert reply.cache()[1] == "hit", reply.headers
            self.bytes += len(reply.body)
            due = began + self.bytes * 8 / self.bits_per_s
            self.ending.wait(max(0, due - time.monotonic()))

    def leave(self):
        """It goes home; bits a second were as promised."""
        assert self.thread.is_alive(), "not all of it was served"
        self.ending.set()
        self.thread.join(20)


class Starved:
    """A program that gets to run only now and then, as on a machine that has far too much to do."""

    def __init__(self, process, rests_s=0.3, runs_s=0.03):
        self.process, self.rests_s, self.runs_s = process, rests_s, runs_s
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self._starve, daemon=True)
        self.thread.start()

    def _starve(self):
        while not self.ending.is_set():
            self.process.send(signal.SIGSTOP)
            time.sleep(self.rests_s)
            self.process.send(signal.SIGCONT)
            time.sleep(self.runs_s)

    def end(self):
        """It runs freely again."""
        self.ending.set()
        self.thread.join(10)

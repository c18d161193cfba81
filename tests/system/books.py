# SPDX-License-Identifier: Apache-2.0
"""
Two nodes whose books are to survive: fra1 keeps the accounts, nyc1 settles with it over a real
NATS; each is a process with a state folder of its own. Visitors write down every byte that they
get, and what they are still owed when somebody hangs up on them.
"""
import collections
import concurrent.futures
import dataclasses
import hashlib
import os
import pathlib
import random
import re
import shutil
import socket
import sqlite3
import threading
import time

from nats import Nats
from scripted import Scripted
from waypost import BINARY, FRA, NYC, Waypost, network, run_waypost
from world import run, wait_until

BUS, ORIGIN = "198.18.0.5", "203.0.113.50"
NODES = {"fra1": FRA, "nyc1": NYC}
SITES = {"shop.acme.test": "acme", "static.acme.test": "acme", "www.brook.test": "brook"}
SIZES = [0, 700, 9_000, 120_000, 1_500_000]
REQUESTS = ["hit", "stale", "miss", "revalidated", "collapsed", "pass", "refused", "error",
            "redirected"]
HEAD_MAX = 1000  # of an answer; also of one of our own, with its body
SEND_MAX = 256 << 10  # what a worker gives the kernel at once
WORKERS = 2
FAILPOINT = os.environ.get("WAYPOST_FAILPOINT") or str(
    pathlib.Path(BINARY).parent / "tests" / "system" / "libfailpoint.so")
# A sanitizer's library, where it is one, is to be loaded before all others.
PRELOADED = ":".join([*re.findall(r"=> (\S+/lib[at]san\.so\S*)", run("ldd", BINARY)), FAILPOINT])
KINDS = [*REQUESTS, "sent_bytes", "filled_bytes", "dns_answers", "dns_addresses"]


class Here:
    """This machine, as something runs on it that could run on another."""

    def __init__(self, world, name, address):
        self.name, self.address = name, world.address(address)

    def words(self, *words):
        """Those that run it."""
        return list(words)


def config_of(state, **changes):
    """Two pops, two customers, three sites, and plans whose lines all count."""
    config = network(bus=f"nats://{BUS}:4222", accounts={"node": "fra1"}, state=str(state),
                     **changes)
    config["plans"] = {
        "standard": {"currency": "EUR", "monthly": 50, "per_gb": 2, "per_million_requests": 600},
        "fast": {"currency": "USD", "per_mbit": 100, "per_million_requests": 1}}
    sites = {"deliver": ["web"], "ttl": "1s"}
    config["customers"] = {
        customer: {"plan": plan, "origins": {"web": {"address": f"{ORIGIN}:80",
                                                     "location": [50.1, 8.7]}},
                   "sites": {site: sites for site, of in SITES.items() if of == customer}}
        for customer, plan in {"acme": "standard", "brook": "fast"}.items()}
    return config


def origin(world):
    """Pages of any size: /SIZE/NAME. Some may be kept, some must not."""
    def tell(conversation):
        size = int(conversation.path.split("/")[1])
        kept = "max-age=600" if "/kept" in conversation.path else "no-store"
        conversation.answer(b"x" * size, Cache_Control=kept)

    return Scripted(world, ORIGIN, tell)


@dataclasses.dataclass
class Account:
    """What visitors know of a site."""
    received: int = 0  # bytes
    owed: int = 0  # at the most: of answers that were cut off
    asked: int = 0
    answered: int = 0


class Visitors:
    """Some of them, who ask all nodes for pages of all sites until they are to stop."""

    def __init__(self, count, seed, nodes=None):
        self.of = collections.defaultdict(Account)
        self.nodes = list(nodes or NODES.values())
        self.lock, self.ending, self.wrong = threading.Lock(), threading.Event(), []
        self.cut = 0  # connections that ended with answers owed
        self.threads = [threading.Thread(target=self._run, args=(random.Random(seed * 100 + i),),
                                         daemon=True) for i in range(count)]
        for thread in self.threads:
            thread.start()

    def end(self):
        """Everybody finishes what they are at."""
        self.ending.set()
        for thread in self.threads:
            thread.join(30)
            assert not thread.is_alive(), "a visitor hangs"
        assert not self.wrong, self.wrong[0]

    def received(self):
        """Bytes of each site in connections that have ended."""
        with self.lock:
            return {site: one.received for site, one in self.of.items()}

    def _run(self, chance):
        while not self.ending.is_set():
            try:
                self._visit(chance, chance.choice(self.nodes), chance.choice(list(SITES)))
            except ConnectionError:
                time.sleep(0.02)  # the node is down
            except Exception as wrong:  # pylint: disable=broad-except
                self.wrong.append(repr(wrong))
                raise

    def _visit(self, chance, address, site):
        visit = Visit(address, site)
        try:
            for _ in range(chance.randrange(1, 30)):
                sizes = [chance.choice(SIZES) for _ in range(chance.choice([1, 1, 1, 3]))]
                names = ["kept", "kept", f"kept{chance.randrange(50)}", "passed"]
                visit.ask([(size, chance.choice(names)) for size in sizes])
                visit.answers()
                if self.ending.is_set():
                    break
        finally:
            visit.close()
            with self.lock:
                total, one = self.of[site], visit.account
                total.received += one.received
                total.owed += one.owed
                total.asked += one.asked
                total.answered += one.answered
                self.cut += one.owed > 0


class Visit:
    """One connection, for one site."""

    def __init__(self, address, site):
        self.sock = socket.create_connection((address, 80), timeout=20)
        self.site, self.data, self.owed = site, bytearray(), collections.deque()
        self.account = Account()
        self.got = 0  # of the answer that is under way

    @staticmethod
    def try_begin(address, site):
        """None where nobody listens."""
        try:
            return Visit(address, site)
        except ConnectionError:
            return None

    def ask(self, pages):
        """Asks for all of these at once: (size, name)."""
        words = "".join(f"GET /{size}/{name} HTTP/1.1\r\nHost: {self.site}\r\n\r\n"
                        for size, name in pages)
        self.owed.extend(size + HEAD_MAX for size, _ in pages)
        self.account.asked += len(pages)
        self.sock.sendall(words.encode())

    def _more(self):
        more = self.sock.recv(1 << 18)
        if not more:
            raise ConnectionResetError
        self.account.received += len(more)
        self.got += len(more)
        self.data += more

    def answers(self):
        """Reads all that was asked for."""
        while self.owed:
            while (end := self.data.find(b"\r\n\r\n")) < 0:
                self._more()
            head = self.data[:end].decode("latin-1").lower()
            assert head.startswith("http/1.1 "), head
            length = next(int(row.split(":")[1]) for row in head.split("\r\n")
                          if row.startswith("content-length:"))
            while len(self.data) < end + 4 + length:
                self._more()
            self.owed.popleft()
            self.account.answered += 1
            del self.data[:end + 4 + length]
            self.got = len(self.data)

    def close(self):
        """What was asked for and did not come may have left all the same."""
        self.account.owed = max(0, sum(self.owed) - self.got)
        self.sock.close()


class Books:
    """What the ledger says, and whether it can be so."""

    def __init__(self, path):
        # Whoever may write would put the log into the file at the end, behind the node's back.
        base = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
        try:
            self.entries = base.execute(
                f"SELECT node, sequence, customer, site, pop, begin_ms, end_ms, bytes, "
                f"{', '.join(KINDS)} FROM entries ORDER BY node, sequence").fetchall()
            self.nodes = {node: (sequence, key) for node, sequence, key in
                          base.execute("SELECT node, sequence, hash FROM nodes")}
            self.whole = base.execute("PRAGMA integrity_check").fetchone()[0]
            self.sums = base.execute(f"SELECT site, sum(sent_bytes), sum({'+'.join(REQUESTS)}) "
                                     "FROM sums GROUP BY site").fetchall()
        finally:
            base.close()

    def must_be_whole(self):
        """Each chain has all its numbers and each entry the hash of the one before; and the sums
        are those of the entries."""
        assert self.whole == "ok"
        at = collections.defaultdict(lambda: (0, bytes(32), 0))
        for node, sequence, customer, _, _, begin, end, data, *_ in self.entries:
            last, key, ended = at[node]
            assert sequence == last + 1, f"{node}: {sequence} after {last}"
            assert data[40:72] == key, f"{node}: {sequence} is not of this chain"
            assert ended <= begin <= end, (node, sequence, ended, begin)
            at[node] = sequence, hashlib.sha256(data).digest(), begin
        assert {n: p[:2] for n, p in at.items()} == {n: p for n, p in self.nodes.items() if p[0]}
        for site, sent, requests in self.sums:
            assert (sent, requests) == (self.of(site, "sent_bytes"), self.of(site, *REQUESTS))

    def of(self, site, *kinds, node=None):
        """The sum of these kinds."""
        columns = [8 + KINDS.index(kind) for kind in kinds]
        return sum(entry[column] for entry in self.entries for column in columns
                   if entry[3] == site and node in (None, entry[0]))

    def account(self):
        """As Office.visit has it."""
        told = {(site, node): [self.of(site, "sent_bytes", node=node),
                                      self.of(site, *REQUESTS, node=node)]
                for site in SITES for node in NODES}
        return {key: value for key, value in told.items() if value != [0, 0]}


    def is_one_of(self, before, after, more):
        """Whether each row is that of before or after, and more; and all that is more is there."""
        told = self.account()
        return more and all(
            told.get(key) in [[a + b for a, b in zip(base.get(key, [0, 0]), more[key])]
                              for base in (before, after)] for key in more)


class Office:
    """The two nodes and their bus."""

    def __init__(self, world, **changes):
        self.world, self.changes = world, changes
        self.nats = Nats(world, Here(world, f"nats{len(list(world.folder.iterdir()))}", BUS))
        self.kills = 0
        with concurrent.futures.ThreadPoolExecutor() as pool:
            self.of = dict(zip(NODES, pool.map(self._begin, NODES)))

    def _begin(self, node):
        name = f"{node}-{self.nats.machine.name}"
        config = config_of(self.world.place(f"state-{name}"), **self.changes)
        return Waypost(self.world, config, name, workers=WORKERS, node=node)

    def ask(self, *words):
        """A command for the node that keeps the accounts, which must succeed; what it printed."""
        status, out, err = run_waypost(*words, "-c", self.of["fra1"].path, "--node", "fra1")
        assert status == 0 and not err, err
        return out

    def run(self, node, env=None):
        """Starts a node that may die soon: nobody waits for it."""
        one = self.of[node]
        one.process = self.world.start(one.name, [BINARY, *one.words], one.folder, env=env)
        return one.process

    def visit(self, node, account, times=1):
        """A few pages of each site, of which all comes and all is counted by a node that was just
        started; what the ledger will say is added to the account: (site, node) to [bytes,
        requests]."""
        received = 0
        for site in SITES:
            visit = wait_until(lambda s=site: Visit.try_begin(NODES[node], s), "it listens")
            for size in times * (700, 9_000):
                visit.ask([(size, "kept"), (size, "passed")])
                visit.answers()
            visit.close()
            total = account.setdefault((site, node), [0, 0])
            total[0] += visit.account.received
            total[1] += visit.account.answered
            received += visit.account.received
        # An answer may be here before whoever sent it has counted it.
        wait_until(lambda: self.of[node].metric("site_sent_bytes_total", node) == received,
                   f"{received} bytes are counted")

    def state(self, node):
        """Its folder."""
        return pathlib.Path(self.of[node].config["state"])

    def ledger(self):
        """The file."""
        return self.state("fra1") / "fra1" / "ledger.db"

    def kill(self, *names):
        """All of them at once: nodes, or `nats`."""
        processes = [self.nats.process if name == "nats" else self.of[name].process
                     for name in names]
        for process in processes:
            process.child.kill()
        for process in processes:
            process.child.wait()
        self.kills += sum(name != "nats" for name in names)

    def start(self, *names):
        """Again; how long it took until they served."""
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(lambda name: (self.nats if name == "nats" else self.of[name]).start(),
                          names))
        return time.monotonic() - began

    def behind(self, node):
        """How many entries on its disk are not settled; None: it knows more than is on disk."""
        return self.of[node].metric("usage_unsettled_entries", node)

    def is_settled(self):
        """Whether what is on the nodes' disks is in the ledger."""
        return all(self.behind(node) == 0 for node in NODES)

    def settle(self, seconds=30):
        """Ends both nodes in good order, so that all is on disk, and starts them again; what is in
        the ledger when all is settled, and how long that took from the start on."""
        for node in NODES:
            self.of[node].stop()
        began = time.monotonic()
        self.start(*NODES)
        wait_until(self.is_settled, "all is settled", seconds)
        return self.books(), time.monotonic() - began

    def wait_for(self, account, seconds=20):
        """Until the ledger says just that."""
        wait_until(lambda: Books(self.ledger()).account() == account,
                   lambda: f"the ledger says {account}, not {self.books().account()}", seconds)
        self.books()

    def books(self):
        """What the ledger says now; which must hold."""
        books = Books(self.ledger())
        books.must_be_whole()
        return books

    def stop(self):
        """All, in good order; where a story failed, anyhow."""
        try:
            for node, one in self.of.items():
                if one.process.is_running():
                    wait_until(lambda o=one, n=node: o.admin_text("/healthz", n), f"{node} serves")
                    one.stop()
        finally:
            for one in [self.nats, *self.of.values()]:
                if one.process.is_running():
                    one.process.kill()


def compare(visitors, books, kills):
    """
    Nobody pays for what was not sent, and all that was is paid for, but for what was under way at
    a kill: at most what clients were owed on one side, and one send of each worker on the other.
    """
    told = {}
    for site, one in visitors.of.items():
        sent, requests = books.of(site, "sent_bytes"), books.of(site, *REQUESTS)
        told[site] = {**dataclasses.asdict(one), "booked": sent, "requests": requests}
        assert one.received - kills * WORKERS * SEND_MAX <= sent, (site, told[site])
        assert sent <= one.received + one.owed, (site, told[site])
        assert one.answered <= requests <= one.asked, (site, told[site])
    return told


class Fate:
    """What becomes of a node's disk: failpoint.c. The environment of its next process, and the
    shadow, which has what a power cut would leave."""

    def __init__(self, office, node, has_shadow=False):
        self.state, self.folder = office.state(node), office.world.place(
            f"fate-{len(list(office.world.folder.iterdir()))}")
        self.log, self.shadow = self.folder / "points", self.folder / "shadow"
        self.clock = self.folder / "clock"  # seconds that the node's is wrong by
        self.env = {"LD_PRELOAD": PRELOADED, "FAILPOINT_CLOCK": str(self.clock),
                    "FAILPOINT_UNDER": f"{self.state}:/dev/shm/waypost"}
        if has_shadow:
            self.env["FAILPOINT_SHADOW"] = str(self.shadow)
            self.believe()

    def at(self, point, how, count=1):
        """The environment in which that happens there."""
        self.log.unlink(missing_ok=True)
        return {**self.env, "FAILPOINT_AT": str(point), "FAILPOINT_HOW": str(how),
                "FAILPOINT_COUNT": str(count), "FAILPOINT_LOG": str(self.log)}

    def points(self):
        """Those that the last process came by."""
        return self.log.read_text().splitlines() if self.log.exists() else []

    def believe(self):
        """All that is there now is on disk."""
        shutil.rmtree(self.shadow, ignore_errors=True)
        self.shadow.mkdir()
        names = {}
        for row in run("find", self.state, "-exec", "stat", "-c", "%F|%i-%W|%w|%n", "{}",
                       "+").splitlines():
            kind, identity, born, path = row.split("|")
            names[path] = f"{identity}.{born[20:29]}"
            if kind == "directory":
                (self.shadow / f"folder-{names[path]}").write_text(f"{path}\n")
            elif kind.startswith("regular"):
                shutil.copy(path, self.shadow / f"file-{names[path]}")
        for path, identity in names.items():
            parent = self.shadow / f"folder-{names.get(os.path.dirname(path))}"
            if parent.exists():
                with parent.open("a") as listing:
                    listing.write(f"{identity} {os.path.basename(path)}\n")

    def cut_power(self):
        """The state folder is what a power cut leaves: names and bytes as they were synced last.
        What nodes keep in memory is gone, if they do not run."""
        shutil.rmtree(self.state)
        self.state.mkdir()
        for listing in self.shadow.glob("folder-*"):
            if listing.suffix != ".new" and listing.read_text().splitlines()[0] == str(self.state):
                self._restore(listing, self.state)
        shutil.rmtree(self.shadow)
        self.believe()

    def _restore(self, listing, place):
        for row in listing.read_text().splitlines()[1:]:
            identity, name = row.split(" ", 1)
            if (self.shadow / f"folder-{identity}").exists():
                (place / name).mkdir()
                self._restore(self.shadow / f"folder-{identity}", place / name)
            elif (self.shadow / f"file-{identity}").exists():
                shutil.copy(self.shadow / f"file-{identity}", place / name)
            elif name.endswith((".entries", ".db", "-wal", ".new")):
                (place / name).touch()  # its name was synced, and nothing that is in it


def forget_memory(node):
    """What /dev/shm has of that node, which is dead."""
    for totals in pathlib.Path("/dev/shm").glob(f"waypost-*-{node}.usage*"):
        totals.unlink()

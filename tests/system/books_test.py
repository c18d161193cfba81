# SPDX-License-Identifier: Apache-2.0
"""The books survive: whatever dies, and whenever, each byte that visitors got is in the ledger, and
in it once. Nodes, the one that keeps the accounts among them, and the bus are killed; a disk fails
at each single call; power goes; files are broken; clocks jump."""
import contextlib
import errno
import itertools
import os
import random
import subprocess
import time

import pytest

import books
from books import NODES, Books, Fate, Office, Visitors, compare, forget_memory
from waypost import IS_NIGHT, PATIENCE, run_waypost
from world import run, wait_until

KILLS = int(os.environ.get("WAYPOST_KILLS") or (200 if IS_NIGHT else 10))
SEED = int(os.environ.get("WAYPOST_SEED") or random.SystemRandom().randrange(1 << 32))


@pytest.fixture(scope="module", autouse=True)
def memory_of_ours():
    """What nodes leave there is seen by nobody else."""
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/dev/shm"], check=True)


@pytest.fixture(scope="module")
def origin(world):
    """Of both customers."""
    return books.origin(world)


@pytest.fixture
def office(world, origin):  # pylint: disable=unused-argument
    """A fresh one each, with empty books."""
    one = Office(world)
    yield one
    one.stop()


def test_kills_at_random_moments_cost_no_more_than_was_under_way(office):
    chance, slowest = random.Random(SEED), 0
    visitors = Visitors(6, SEED)
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.05, 0.8))
        names = chance.choice([["fra1"], ["nyc1"], ["fra1", "nyc1"], ["nats"], ["nyc1", "nats"]])
        office.kill(*names)
        time.sleep(chance.choice([0, chance.uniform(0, 0.5)]))
        slowest = max(slowest, office.start(*reversed(names)))
    visitors.end()
    told, took_s = office.settle(60 * PATIENCE)
    print(f"\nseed {SEED}: {KILLS} kills, {office.kills} of nodes, {visitors.cut} connections cut; "
          f"all serve after {slowest:.2f} s at the most, all is settled after {took_s:.2f} s")
    for site, facts in compare(visitors, told, office.kills).items():
        print(site, facts)


def test_an_invoice_is_the_same_to_the_byte_whatever_died_since(office):
    account = {}
    for node in NODES:
        office.visit(node, account)
        office.kill(node)
        office.start(node)
    office.wait_for(account)
    paths = {customer: office.world.folder / f"{customer}.json" for customer in ("acme", "brook")}
    for customer, path in paths.items():
        office.ask("invoice", customer, "--format", "json", "--output", path)
    for names in (["fra1"], ["nats"], ["fra1", "nyc1"]):
        office.kill(*names)
        office.start(*names)
    for customer, path in paths.items():
        assert office.ask("invoice", customer, "--format", "json") == path.read_text()
        assert "byte for byte" in office.ask("invoice", "--verify", path)


def test_nodes_that_are_stopped_under_load_book_every_byte(office):
    visitors = Visitors(6, SEED)
    for node in 2 * list(NODES):
        time.sleep(0.5)
        office.of[node].stop()
        office.start(node)
    visitors.end()
    compare(visitors, office.settle(60 * PATIENCE)[0], 0)


def failpoints(office, node, how, account, **more):
    """
    Rounds, in each of which the node has something to settle that it counted before it was killed,
    and starts with a disk on which that happens at a later point, until there is none so far;
    points are those of a start and of all that is settled then. Yields the process and the node's
    fate; the account grows by what the ledger is to say.
    """
    office.kill(node)
    chance, point, fate = random.Random(SEED), 0, Fate(office, node, **more)
    office.run(node, fate.env)
    while True:
        point += 1 if IS_NIGHT else chance.randrange(5, 16)
        office.visit(node, account)
        office.kill(node)
        process = office.run(node, fate.at(point, how))
        wait_until(lambda p=process: not p.is_running() or
                   office.of[node].admin_text("/healthz", node) and
                   Books(office.ledger()).account() == account,
                   lambda: f"it dies, or the ledger says {account}, not {office.books().account()}",
                   30 * PATIENCE)
        yield process, fate
        if len(fate.points()) < point:
            break
    print(f"\nseed {SEED}: {node}, {how}: {len(fate.points())} points, the last at "
          f"{fate.points()[-1]}")
    office.kill(node)
    office.start(node)


def test_a_death_at_any_call_to_the_disk_costs_nothing_and_doubles_nothing(office):
    account = {}
    for node, how in itertools.product(NODES, ("before", "half", "after")):
        for process, _ in failpoints(office, node, how, account):
            if process.is_running():
                office.kill(node)
            office.run(node)
            office.wait_for(account)


def test_a_call_to_the_disk_that_fails_costs_nothing(office):
    account = {}
    for node in NODES:
        for process, fate in failpoints(office, node, errno.EIO, account):
            if not process.is_running():
                assert process.child.returncode == 1, (fate.points()[-1], process.output()[-2000:])
                office.run(node)
                office.wait_for(account)


def test_a_disk_that_is_full_where_the_accounts_are_kept_is_said_and_nothing_is_lost(office):
    fate, account = Fate(office, "fra1"), {}
    office.visit("fra1", account)
    office.kill("fra1")
    process = office.run("fra1", fate.at(3, errno.ENOSPC, 0))
    wait_until(lambda: "ledger_fails node=fra1" in process.output() and
               "cannot_write node=fra1" in process.output(),
               lambda: f"it is said: {process.output()} {fate.points()}")
    office.visit("fra1", account)  # visitors are served
    office.kill("fra1")
    office.run("fra1")
    office.wait_for(account)


@pytest.mark.parametrize("node", NODES)
def test_a_power_cut_at_any_call_to_the_disk_takes_nothing_that_was_settled(office, node):
    known, account = {}, {}
    for process, fate in failpoints(office, node, "before", account, has_shadow=True):
        if process.is_running():
            office.kill(node)
        fate.cut_power()
        forget_memory(node)
        office.run(node, fate.env)
        # What was counted last is there wholly or not at all, for each site; not to be mistaken for
        # what comes now, which is twice as much.
        office.visit(node, fresh := {}, times=2)
        office.kill(node)
        office.run(node, fate.env)
        wait_until(lambda n=known, f=fresh: Books(office.ledger()).is_one_of(n, account, f),
                   lambda: f"{known}, or {account}, is what {office.books().account()} was",
                   90 * PATIENCE)
        known = office.books().account()
        account.clear()
        account.update({key: list(value) for key, value in known.items()})


@pytest.mark.skipif(not IS_NIGHT, reason="it takes intervals of their full length")
def test_a_power_cut_costs_ten_seconds_at_most(office):
    fates = {node: Fate(office, node, has_shadow=True) for node in NODES}
    for node, fate in fates.items():
        office.kill(node)
        fate.believe()
        office.of[node].env = fate.env
    office.start(*NODES)
    visitors, tracks, end = Visitors(3, SEED), [], time.monotonic() + random.uniform(12, 16)
    while time.monotonic() < end:
        tracks.append((time.monotonic(), visitors.received()))
        time.sleep(0.2)
    office.kill(*NODES)
    cut_at = time.monotonic()
    visitors.end()
    for node, fate in fates.items():
        fate.cut_power()
        forget_memory(node)
    office.start(*NODES)
    office.settle(60 * PATIENCE)
    told = office.books()
    old = [seen for at, seen in tracks if at <= cut_at - 10 - 2 * PATIENCE]
    for site, received in (old[-1] if old else {}).items():
        assert told.of(site, "sent_bytes") >= received
    sent = sum(one.received for one in visitors.of.values())
    booked = sum(told.of(site, "sent_bytes") for site in books.SITES)
    print(f"\na power cut cost {sent - booked} of {sent} bytes")


@contextlib.contextmanager
def journal_on(office, node):
    """A file system of its own for the node's journal, which is not running."""
    folder = office.state(node) / node / "usage"
    folder.mkdir(exist_ok=True)
    run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder)
    for name in folder.glob("*"):
        name.unlink()
    try:
        yield folder
    finally:
        office.kill(node)
        run("umount", folder)


@pytest.mark.parametrize("trouble", ["full", "read-only"])
def test_a_journal_that_cannot_be_written_is_said_and_nothing_is_lost(office, trouble):
    account, waypost = {}, office.of["nyc1"]
    office.kill("nyc1")
    with journal_on(office, "nyc1") as folder:
        office.start("nyc1")
        office.visit("nyc1", account)
        office.kill("nyc1")
        if trouble == "full":
            with contextlib.suppress(OSError), open(folder / "filler", "wb") as filler:
                filler.write(bytes(1 << 20))
        else:
            run("mount", "-o", "remount,ro", folder)
        office.start("nyc1")
        wait_until(lambda: waypost.metric("usage_journal_failing", "nyc1") == 1, "it is said")
        assert "cannot_write node=nyc1" in waypost.process.output()
        office.visit("nyc1", account)  # visitors are served
        assert Books(office.ledger()).account() == {}
        if trouble == "full":
            (folder / "filler").unlink()
        else:
            run("mount", "-o", "remount,rw", folder)
        wait_until(lambda: waypost.metric("usage_journal_failing", "nyc1") == 0, "it can again")
        office.kill("nyc1")
        office.start("nyc1")
        office.wait_for(account)


@pytest.mark.parametrize("at", [0, 4096] if IS_NIGHT else [0])
def test_a_ledger_that_is_broken_is_said_and_a_backup_takes_its_place(office, at):
    account, ledger = {}, office.ledger()
    office.visit("fra1", account)
    office.kill("fra1")
    office.start("fra1")
    office.wait_for(account)
    office.of["fra1"].stop()  # which leaves a file and no log
    genuine = ledger.read_bytes()
    ledger.write_bytes(genuine[:at] + os.urandom(4096) + genuine[at + 4096:])
    office.start("fra1")
    office.visit("nyc1", account)
    office.kill("nyc1")
    office.start("nyc1")
    waypost = office.of["fra1"]
    wait_until(lambda: waypost.metric("ledger_failing", "fra1") == 1, "it is said")
    assert "ledger_fails node=fra1" in waypost.process.output()
    assert "until then nothing is settled" in waypost.process.output()
    office.kill("fra1")
    for name in ("ledger.db-wal", "ledger.db-shm"):
        ledger.with_name(name).unlink(missing_ok=True)
    ledger.write_bytes(genuine)
    office.start("fra1")
    office.wait_for(account)


def newest_segment(office, node):
    """The one that was written last."""
    return max((office.state(node) / node / "usage").glob("*.entries"))


def unsettled(office, account):
    """nyc1 is dead, and has entries on disk that nobody else knows of."""
    office.kill("nats")
    for _ in range(2):
        office.visit("nyc1", account)
        office.kill("nyc1")
        office.start("nyc1")
        wait_until(lambda: office.behind("nyc1") >= 3, "they are on disk")
    office.kill("nyc1")
    return newest_segment(office, "nyc1")


def test_a_journal_with_a_torn_end_loses_nothing(office):
    segment = unsettled(office, account := {})
    with segment.open("ab") as end:
        end.write(segment.read_bytes()[8:70])
    office.start("nats", "nyc1")
    office.wait_for(account)
    assert "torn_end node=nyc1" in office.of["nyc1"].process.output()


@pytest.mark.skipif(not IS_NIGHT, reason="who was refused rests for long")
def test_a_journal_that_is_broken_in_the_middle_is_said_and_doubles_nothing(office):
    newest = unsettled(office, account := {})
    segment = sorted(newest.parent.glob("*.entries"))[-2]
    data = bytearray(segment.read_bytes())
    data[200] ^= 1
    segment.write_bytes(data)
    office.start("nats", "nyc1")
    assert "torn_end node=nyc1" in office.of["nyc1"].process.output()
    office.visit("nyc1", account)
    office.kill("nyc1")
    office.start("nyc1")
    wait_until(lambda: office.behind("nyc1") == 0 and
               Books(office.ledger()).entries, "all is settled", 60 * PATIENCE)
    assert "chained_anew node=nyc1" in office.of["nyc1"].process.output()
    for key, (sent, requests) in office.books().account().items():
        assert sent <= account[key][0] and requests <= account[key][1]


def test_clocks_that_jump_both_ways_cost_nothing(office):
    fate, account, waypost = Fate(office, "nyc1"), {}, office.of["nyc1"]
    for seconds in (0, 3600, -7200, 0):
        office.visit("nyc1", account)
        office.kill("nyc1")
        fate.clock.write_text(str(seconds))
        office.run("nyc1", fate.env)
        # Peers do not hear whose clock is wrong, so entries may have to wait.
        wait_until(lambda: waypost.admin_text("/healthz", "nyc1") and
                   waypost.metric("usage_journal_entries_total", "nyc1") == 3, "they are on disk")
    office.wait_for(account, 60)

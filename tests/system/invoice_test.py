# SPDX-License-Identifier: Apache-2.0
"""Usage and invoices as an operator reads them: what visitors got is settled, priced as by hand,
proved by the ledger, and put right by a correction."""
import collections
import contextlib
import csv
import decimal
import io
import itertools
import json
import os
import re
import signal
import sqlite3
import subprocess
import time

import pytest

from scripted import Scripted
from waypost import FRA, NYC, PATIENCE, Waypost, network, run_waypost
from world import wait_until

STATIC, GLOBEX = "static.acme.test", "static.globex.test"
NODES = {"fra": FRA, "nyc": NYC}
CENT = decimal.Decimal("0.01")
TICK_S = 10  # intervals end at its multiples
SETTLED_S = 2.5 * TICK_S * PATIENCE
numbers = itertools.count(1)

PLANS = {
    "standard": {"currency": "EUR", "per_gb": 1000, "per_million_requests": 1000000},
    "dearer": {"currency": "EUR", "per_gb": 3000, "per_million_requests": 3000000},
    "grouped": {"currency": "USD", "per_gb": 1000, "per_million_requests": 500000,
                "groups": {"over": {"pops": ["nyc"], "per_gb": 2000}}},
}


def config_of(origin, state, plan="standard", **changes):
    """Two customers with a site each, and accounts at fra1."""
    config = network(accounts={"node": "fra1"}, plans=PLANS, state=str(state), **changes)
    config["customers"] = {
        name: {"plan": of, "origins": {"one": {"address": f"{origin.address}:80"}},
               "sites": {host: {"deliver": ["one"]}}}
        for name, of, host in (("acme", plan, STATIC), ("globex", "grouped", GLOBEX))}
    return config


@pytest.fixture(scope="module")
def origin(world):
    """Answers /N with N bytes, to be stored."""
    one = Scripted(world, "203.0.113.99", lambda c: c.answer(
        b"x" * int(c.path[1:]), Cache_Control="max-age=600"))
    yield one
    one.stop()


@pytest.fixture(scope="module")
def state(world):
    """A state folder that outlives a process."""
    return world.place("state")


@pytest.fixture(scope="module")
def waypost(world, origin, state):
    """Both pops in one process."""
    return Waypost(world, config_of(origin, state))


class Received:
    """What visitors got: answers and bytes, by host and pop."""

    def __init__(self):
        self.count = collections.Counter()
        self.size = collections.Counter()

    def fetch(self, host, pop, size, times=1):
        """As curl sees it, heads and bodies."""
        for _ in range(times):
            said = subprocess.run(
                ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{size_header} "
                 "%{size_download}", "--resolve", f"{host}:80:{NODES[pop]}",
                 f"http://{host}/{size}"],
                capture_output=True, text=True, timeout=20, check=True).stdout.split()
            assert said[0] == "200" and int(said[2]) == size, said
            self.count[host, pop] += 1
            self.size[host, pop] += int(said[1]) + int(said[2])


@pytest.fixture(scope="module")
def received(waypost):
    """What was fetched for both customers at both pops, all of it settled."""
    got = Received()
    for size, times in ((30000, 3), (123457, 2)):
        for host, pop in itertools.product((STATIC, GLOBEX), NODES):
            got.fetch(host, pop, size, times)
    got.fetch(STATIC, "nyc", 1000000)
    wait_until(lambda: settled(waypost) == sum(got.count.values()), "all is settled", SETTLED_S)
    return got


def must(waypost, *words):
    """A command that does what it is told; what it prints."""
    status, out, err = run_waypost(*words, "-c", waypost.path)
    assert status == 0 and not err, err
    return out


def refused(waypost, *words):
    """A command that fails; what it says on stderr."""
    status, out, err = run_waypost(*words, "-c", waypost.path)
    assert status == 1 and not out, (status, out)
    return err


def usage(waypost, *words):
    """The JSON of it."""
    return json.loads(must(waypost, "usage", *words, "--json"))


def settled(waypost, *words):
    """How many requests are in the ledger."""
    return usage(waypost, *words)["total"]["requests"]


def invoice(waypost, customer="acme"):
    """The JSON of this month's."""
    return json.loads(must(waypost, "invoice", customer, "--format", "json"))


def total(waypost, customer="acme"):
    """What it comes to."""
    (one,) = invoice(waypost, customer)["totals"]
    return decimal.Decimal(one["amount"])


def fee(size, per_gb):
    """Of so many bytes, rounded as an invoice rounds each line."""
    exact = decimal.Decimal(size) * per_gb / 10**9
    return exact.quantize(CENT, decimal.ROUND_HALF_UP)


def post(path, body, port=8653):
    """What curl gets from the API: status and JSON."""
    done = subprocess.run(["curl", "-s", "-w", "\n%{http_code}", "--data-binary", body,
                           f"http://127.0.0.1:{port}/api/v1/{path}"],
                          capture_output=True, text=True, timeout=20, check=True)
    said, status = done.stdout.rsplit("\n", 1)
    return int(status), json.loads(said)


def by(rows, key):
    """Requests and bytes by that key."""
    return {row[key]: (row["requests"], row["sent_bytes"]) for row in rows}


def test_usage_is_what_visitors_received_to_the_byte(waypost, received):
    assert by(usage(waypost, "--site", STATIC)["usage"], "pop") == {
        pop: (received.count[STATIC, pop], received.size[STATIC, pop]) for pop in NODES}
    assert by(usage(waypost, "globex")["usage"], "site") == {
        GLOBEX: tuple(sum(what[GLOBEX, pop] for pop in NODES)
                      for what in (received.count, received.size))}
    customers = usage(waypost)["usage"]
    assert [row["customer"] for row in customers] == ["acme", "globex"]
    # Each pop fetched each size once; what came later was stored.
    assert [row["miss"] for row in customers] == [5, 4]


def test_usage_is_a_table_for_people_and_csv_for_programs(waypost, received):
    count = sum(received.count[STATIC, pop] for pop in NODES)
    out = must(waypost, "usage", "acme")
    assert re.search(r"^SITE +REQUESTS +TRAFFIC +HITS", out, re.M), out
    assert re.search(rf"^{STATIC} +{count} +\d\.\d\d MB +\d+ % .* 100 %  ━{{16}}$", out, re.M), out
    assert "all" in must(waypost, "usage", "--by", "pop").split()
    (row,) = csv.DictReader(io.StringIO(must(waypost, "usage", "acme", "--by", "month", "--csv")))
    assert (row["customer"], int(row["requests"])) == ("acme", count)


def test_an_invoice_equals_what_is_computed_by_hand(waypost, received):
    count = {host: sum(received.count[host, pop] for pop in NODES) for host in (STATIC, GLOBEX)}
    sent = received.size
    acme = fee(sent[STATIC, "fra"] + sent[STATIC, "nyc"], 1000) + count[STATIC]
    globex = (fee(sent[GLOBEX, "fra"], 1000) + fee(sent[GLOBEX, "nyc"], 2000) +
              decimal.Decimal(count[GLOBEX]) / 2)
    assert (total(waypost), total(waypost, "globex")) == (acme, globex)
    out = must(waypost, "invoice", "acme", "--month", time.strftime("%Y-%m", time.gmtime()))
    assert f"Total EUR {acme}\n" in out and "node fra1, entries 1 to " in out
    assert out.endswith("The month is not over: this is of what is settled so far.\n")
    rows = csv.DictReader(io.StringIO(must(waypost, "invoice", "globex", "--format", "csv")))
    assert sum(decimal.Decimal(row["amount"]) for row in rows) == globex
    out = must(waypost, "invoice")
    assert re.search(rf"^acme +standard +EUR {acme} ", out, re.M), out
    assert re.search(rf"^globex +grouped +USD {globex} ", out, re.M), out


def test_the_ledger_proves_an_invoice_and_names_a_changed_byte(waypost, received, world):
    path = world.folder / "acme.json"
    assert must(waypost, "invoice", "acme", "--format", "json", "--output", path) == ""
    assert "byte for byte" in must(waypost, "invoice", "--verify", path)
    genuine = path.read_text()
    path.write_text(genuine.replace('"amount": "', '"amount": "1', 1))
    status, out, err = run_waypost("invoice", "--verify", path, "-c", waypost.path)
    assert status == 1 and "not what the ledger says" in out and not err
    path.write_text(genuine + " ")
    status, out, _ = run_waypost("invoice", "--verify", path, "-c", waypost.path)
    assert status == 1 and "not in the same bytes" in out
    path.write_text("{}")
    assert "--format json" in refused(waypost, "invoice", "--verify", path)
    status, said = post("invoices/verify", genuine)
    assert (status, said["verified"]) == (200, True)


def test_an_invoice_takes_no_place_but_that_of_a_file(waypost, received, world):
    target, link = world.folder / "target.txt", world.folder / "link"  # as /dev/stdout is one
    link.symlink_to(target)
    assert must(waypost, "invoice", "acme", "--output", link) == ""
    assert link.is_symlink() and "Total EUR" in target.read_text()
    pipe = world.folder / "pipe"  # as /dev/null is no file
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True) as reader:
        assert must(waypost, "invoice", "acme", "--output", pipe) == ""
        assert pipe.is_fifo() and "Total EUR" in reader.stdout.read()


def test_names_months_and_words_that_are_wrong_are_told_with_a_mend(waypost, received):
    assert "did you mean acme?" in refused(waypost, "invoice", "acne")
    assert "did you mean globex?" in refused(waypost, "usage", "globes")
    assert f"did you mean {STATIC}?" in refused(waypost, "usage", "--site", "statik.acme.test")
    assert "did you mean nyc?" in refused(waypost, "usage", "--pop", "nyk")
    assert "such as 2026-11" in refused(waypost, "invoice", "acme", "--month", "2026-13")
    assert "such as 2026-11" in refused(waypost, "usage", "--month", "november")
    assert "five minutes" in refused(waypost, "usage", "--from", "2026-11-01T10:03Z")
    assert run_waypost("usage", "--by")[0] == run_waypost("invoice", "a", "b")[0] == 2
    assert run_waypost("correct", "acme")[0] == 2
    assert "nothing has been settled" in must(waypost, "usage", "--month", "2020-02")


def correct(waypost, *words):
    """Takes back hits at fra, for a reason."""
    return ["correct", "acme", "--site", STATIC, "--month", time.strftime("%Y-%m", time.gmtime()),
            *words]


def test_a_copy_of_the_ledger_is_audited(waypost, received, state, world):
    """Taken while the node runs, as the manual says; then somebody makes it dearer."""
    copy = world.folder / "copy.db"
    with contextlib.closing(sqlite3.connect(state / "fra1" / "ledger.db")) as ledger:
        with contextlib.closing(sqlite3.connect(copy)) as other:
            ledger.backup(other)
    status, out, err = run_waypost("usage", "--audit", copy)
    assert status == 0 and "is whole" in out, err
    with contextlib.closing(sqlite3.connect(copy)) as other, other:
        other.execute("UPDATE sums SET sent_bytes = sent_bytes + 1 WHERE site = ?", (STATIC,))
    status, out, err = run_waypost("usage", "--audit", copy)
    assert status == 1 and f"the sums of {STATIC} at" in err, out
    gone = world.folder / "gone.db"
    status, out, err = run_waypost("usage", "--audit", gone)
    assert status == 1 and "gone.db" in err and not gone.exists()
    assert run_waypost("usage", "acme", "--audit", copy)[0] == 2


def test_a_correction_is_an_entry_and_an_older_invoice_is_no_longer_true(waypost, received, world):
    path = world.folder / "before.json"
    before = total(waypost)
    must(waypost, "invoice", "acme", "--format", "json", "--output", path)
    hits = correct(waypost, "--kind", "hit", "--reason", "our own tests")
    assert "say at which of them" in refused(waypost, *hits, "--take-back", "1")
    assert "more than" in refused(waypost, *hits, "--pop", "fra", "--take-back", "1000")
    assert "is no amount of" in run_waypost(*hits, "--pop", "fra", "--take-back", "x")[2]
    out = must(waypost, *hits, "--pop", "fra", "--take-back", "2")
    assert "entry 1 of fra1/corrections" in out
    assert total(waypost) == before - 2
    assert "entry 1 of fra1/corrections" in refused(waypost, *hits, "--pop", "fra",
                                                    "--take-back", "2")
    sent = correct(waypost, "--kind", "sent_bytes", "--reason", "an attack")
    must(waypost, *sent, "--pop", "nyc", "--take-back", "1 MB")
    size = received.size[STATIC, "fra"] + received.size[STATIC, "nyc"] - 10**6
    assert total(waypost) == fee(size, 1000) + sum(
        received.count[STATIC, pop] for pop in NODES) - 2
    status, out, _ = run_waypost("invoice", "--verify", path, "-c", waypost.path)
    assert status == 1 and "fra1/corrections" in out, out
    received.count[STATIC, "fra"] -= 2
    received.size[STATIC, "nyc"] -= 10**6


def test_a_plan_that_changes_by_a_reload_is_a_part_of_its_own(waypost, received, origin, state):
    before = total(waypost)
    waypost.reload(config_of(origin, state, plan="dearer"))
    wait_until(lambda: invoice(waypost)["plans"][-1]["plan"] == "dearer", "it is the plan now", 10)
    # What an interval holds is of the plan that held when it began.
    time.sleep(TICK_S - time.time() % TICK_S + 1)
    got = Received()
    got.fetch(STATIC, "fra", 123457, 4)
    count = settled(waypost)
    wait_until(lambda: settled(waypost) == count + 4, "the rest is settled", SETTLED_S)
    assert total(waypost) == before + fee(got.size[STATIC, "fra"], 3000) + 3 * 4
    assert "Plan dearer in EUR" in must(waypost, "invoice", "acme")


def test_books_survive_a_kill_and_other_nodes_know_who_keeps_them(waypost, received, world, origin,
                                                                  state):
    before = must(waypost, "invoice", "acme", "--format", "json")
    waypost.process.send(signal.SIGKILL)
    waypost.process.child.wait()
    config = config_of(origin, state, plan="dearer")
    fra, nyc = (Waypost(world, config, node, node=node) for node in ("fra1", "nyc1"))
    try:
        assert must(fra, "invoice", "acme", "--format", "json") == before
        # nyc1 is asked, says who keeps them, and that one is near.
        assert must(nyc, "invoice", "acme", "--format", "json", "--node", "nyc1") == before
        said = json.loads(nyc.socket_ask("nyc1", "GET", "/api/v1/usage")[1])
        assert (said["error"]["code"], said["node"]) == ("accounts", "fra1")
        fra.stop()
        assert "fra1/admin.sock" in refused(nyc, "usage", "--node", "nyc1")
    finally:
        nyc.stop()

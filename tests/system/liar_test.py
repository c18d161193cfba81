# SPDX-License-Identifier: Apache-2.0
"""Somebody on the bus who is no node, or says what is not so: counted, and it changes nothing."""
import struct
import time

import pytest

from nats import Client
from nodes import ADDRESSES, BUS
from waypost import PATIENCE
from world import wait_until

ALL = set(ADDRESSES)
NETWORK = "waypost.story"
# As in src/wire: mark, observer, boot, sequence, at_ms; then what only a heartbeat has.
HEAD = struct.Struct(">4sQQQQ")
REPORT = struct.Struct(">QBqqII")
DIGEST_HEAD, HEALTH = HEAD.size + 4, 9


@pytest.fixture(autouse=True)
def unmoved(nodes):
    """Whatever is said, all nodes hear each other and answer for all."""
    nodes.wait_until_all_hear()
    nodes.wait_until_answered(ALL)
    yield
    nodes.wait_until_all_hear(2 * PATIENCE)
    nodes.wait_until_answered(ALL, seconds=1)
    for waypost in nodes.of.values():
        waypost.process.must_run()


@pytest.fixture
def liar():
    """Hears and says what it wants."""
    client = Client(BUS, f"{NETWORK}.>")
    yield client
    client.settle()
    client.close()


def overheard(liar, lane, node):
    """The next message of that lane and node."""
    def find():
        liar.settle()
        return next((payload for subject, payload in liar.heard[::-1]
                     if subject == f"{NETWORK}.{lane}.{node}"), None)

    liar.heard.clear()
    return wait_until(find, f"{lane} of {node}", 12)


def counts(nodes, lane, result, node):
    """What a node counted of a lane."""
    return nodes.of[node].metric(f"steer_{lane}_total", result=result)


def say_and_count(nodes, liar, say, lane, result, nodes_that_count):
    """Says it, and waits until each of these nodes has counted it as that."""
    before = {node: counts(nodes, lane, result, node) for node in nodes_that_count}
    say()
    liar.settle()
    for node in nodes_that_count:
        wait_until(lambda n=node: counts(nodes, lane, result, n) > before[n],
                   f"{node} counts {lane} that are {result}", 5 * PATIENCE)


LANES = {"heartbeats": "heartbeats", "digests": "reports"}


@pytest.mark.parametrize("lane", LANES)
def test_what_is_no_message_is_counted(nodes, liar, lane):
    whole = overheard(liar, LANES[lane], "nyc1")
    for broken in (b"", b"\0", whole[:-1], whole + b"\0", b"wpx\1" + whole[4:],
                   whole[:3] + b"\xff" + whole[4:], b"\xff" * 200000):
        say_and_count(nodes, liar, lambda b=broken: liar.say(f"{NETWORK}.{LANES[lane]}.nyc1", b),
                      lane, "malformed", nodes.others("nyc1"))


@pytest.mark.parametrize("lane", LANES)
def test_who_is_not_in_the_release_or_speaks_for_another_is_counted(nodes, liar, lane):
    told = overheard(liar, LANES[lane], "nyc1")
    say_and_count(nodes, liar, lambda: liar.say(f"{NETWORK}.{LANES[lane]}.oslo1", told),
                  lane, "unknown", ALL)
    say_and_count(nodes, liar, lambda: liar.say(f"{NETWORK}.{LANES[lane]}.sin1", told),
                  lane, "impostor", nodes.others("sin1"))


@pytest.mark.parametrize("lane", LANES)
def test_what_was_said_before_is_counted_when_it_is_said_again(nodes, liar, lane):
    told = overheard(liar, LANES[lane], "nyc1")
    say_and_count(nodes, liar,
                  lambda: [liar.say(f"{NETWORK}.{LANES[lane]}.nyc1", told) for _ in range(100)],
                  lane, "replayed", nodes.others("nyc1"))


@pytest.mark.parametrize("lane", LANES)
def test_what_is_of_tomorrow_is_counted(nodes, liar, lane):
    told = overheard(liar, LANES[lane], "nyc1")
    mark, observer, boot, sequence, at_ms = HEAD.unpack_from(told)
    tomorrow = HEAD.pack(mark, observer, boot, sequence + 1, at_ms + 86400000) + told[HEAD.size:]
    say_and_count(nodes, liar, lambda: liar.say(f"{NETWORK}.{LANES[lane]}.nyc1", tomorrow),
                  lane, "future", nodes.others("nyc1"))


def test_strange_lanes_and_questions_for_maps_disturb_nobody(nodes, liar):
    dropped = {node: nodes.of[node].metric("bus_dropped_total", reason="malformed") for node in ALL}
    for subject in ("nothing.nyc1", "heartbeats.%6Eyc1", "heartbeats.a.b", "heartbeats." + "a" * 300):
        liar.say(f"{NETWORK}.{subject}", b"hello")
    for payload in (b"", b"wpm", b"\xff" * 1000):
        for node in (*ALL, "oslo1"):
            liar.say(f"{NETWORK}.maps.{node}", payload)
    liar.settle()
    for node in ALL:
        wait_until(lambda n=node: nodes.of[n].metric("bus_dropped_total", reason="malformed")
                   > dropped[n], f"{node} counts them", 5 * PATIENCE)


def test_what_is_no_order_in_the_log_is_passed_over_by_all(nodes, liar):
    before = nodes.place("fra1")[0]
    for payload in (b"", b"purge everything", b"\xff" * 10000):
        liar.say(f"{NETWORK}.orders", payload)
    liar.settle()
    nodes.wait_until_obeyed(before + 3)
    for node in ALL:
        assert nodes.of[node].metric("orders_total", result="unknown") >= 3
    status, said = nodes.order("fra1", "drain", node="nyc1")
    assert status == 200 and said["order"]["number"] == before + 4
    nodes.ask("sin1", "undrain", "node", "nyc1")


def told_down(digest):
    """The same digest, but newer, and all that it says of health is that it is down."""
    mark, observer, boot, sequence, at_ms = HEAD.unpack_from(digest)
    reports = b""
    for at in range(DIGEST_HEAD, len(digest), REPORT.size):
        check, kind, value, *rest = REPORT.unpack_from(digest, at)
        reports += REPORT.pack(check, kind, 0 if kind == HEALTH else value, *rest)
    return HEAD.pack(mark, observer, boot, sequence + 1, at_ms + 1) + \
        digest[HEAD.size:DIGEST_HEAD] + reports


def test_one_who_takes_everybody_for_down_is_one_voice_of_four(nodes, liar):
    def whole():
        """A digest of all that nyc1 knows."""
        told = overheard(liar, "reports", "nyc1")
        return told if sum(1 for at in range(DIGEST_HEAD, len(told), REPORT.size)
                           if told[at + 8] == HEALTH) >= len(ALL) else None

    lie = told_down(wait_until(whole, "nyc1 tells all", 25))
    before = {node: counts(nodes, "digests", "taken", node) for node in nodes.others("nyc1")}
    liar.say(f"{NETWORK}.reports.nyc1", lie)
    liar.settle()
    seen, end = set(), time.monotonic() + 2
    while time.monotonic() < end:
        nodes.wait_until_answered(ALL, by=nodes.others("nyc1"), seconds=0)
        seen |= {c["counted"]["groups_down"] for c in nodes.status("fra1")["checks"]}
    assert seen == {0, 1}  # it was taken for nyc1's word
    for node in nodes.others("nyc1"):
        assert counts(nodes, "digests", "taken", node) > before[node]

# SPDX-License-Identifier: Apache-2.0
"""Probe targets that lie: what they do is bounded, named as what it is, and disturbs nobody."""
import json
import time

import pytest

from asking import dig
from scripted import Scripted, trickle
from waypost import FRA, IS_SANITIZED, NYC, PATIENCE, Waypost, network, run_waypost
from world import wait_until

LIAR, HONEST = "203.0.113.66", "203.0.113.65"
sent = {}  # by path: the most that one probe took


def endless(conversation, head):
    """Sends for as long as the other side takes it, 64 MiB at most."""
    conversation.send(head)
    count = 0
    try:
        while count < 64 << 20:
            conversation.send(b"x" * 65536)
            count += 65536
    finally:
        sent[conversation.path] = max(count, sent.get(conversation.path, 0))


def script(conversation):
    """All the ways to lie, by path."""
    path = conversation.path
    if path == "/loop":
        conversation.answer(status="302 Found", Location=f"http://{LIAR}/loop")
    elif path == "/elsewhere":
        conversation.answer(status="301 Moved", Location=f"http://{HONEST}/followed")
    elif path == "/endless":
        endless(conversation, "HTTP/1.1 200 OK\r\n\r\n")
    elif path == "/endless-head":
        endless(conversation, "HTTP/1.1 200 OK\r\nX: ")
    elif path == "/drip":
        conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        trickle(conversation, b"x" * 100, 0.1)
    elif path == "/never":
        time.sleep(5)
    elif path == "/short":
        conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort")
        conversation.close()
    elif path == "/greeting":
        conversation.send("220 smtp.liar.test ESMTP\r\n\r\n")
        conversation.close()
    elif path == "/reset":
        conversation.reset()
    elif path == "/empty":
        conversation.answer("maintenance")
    else:
        conversation.answer("well")


# Path, what more its probe asks for, what is to be said of it, and how to people.
LIES = {
    "loop": ({}, "status", "answered 302"),
    "elsewhere": ({}, "status", "answered 301"),
    "endless": ({"match": "well"}, "too_long", "the answer is too long"),
    "endless-head": ({}, "protocol", "not what the protocol allows"),
    "drip": ({}, "timeout", "timeout"),
    "never": ({}, "timeout", "timeout"),
    "short": ({}, "protocol", "not what the protocol allows"),
    "greeting": ({}, "protocol", "not what the protocol allows"),
    "reset": ({}, "unreachable", "unreachable"),
    "empty": ({"match": "well"}, "mismatch", "the answer lacks what must be in it"),
}


@pytest.fixture(scope="module")
def liar(world):
    """The web server that lies."""
    server = Scripted(world, LIAR, script)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def honest(world):
    """One that does not."""
    server = Scripted(world, HONEST, lambda c: c.answer("well"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def served(world, liar, honest):
    """A site for each lie: the liar first, the honest one second."""
    config = network()
    config["customers"]["acme"] = {
        "origins": {"liar": {"address": f"{LIAR}:80"}, "honest": {"address": f"{HONEST}:80"}},
        "sites": {
            f"{lie}.acme.test": {
                "steer": ["liar", "honest"], "policy": "ordered", "ttl": "1s",
                "probe": {"http": f"/{lie}", "every": "300ms", "timeout": "500ms", "fall": 2,
                          **more}}
            for lie, (more, _, _) in LIES.items()}}
    waypost = Waypost(world, config)
    yield waypost
    waypost.stop()


def told_of(served, name, target):
    """What /api/v1/why tells of the checks of a target."""
    why = json.loads(served.admin_text(f"/api/v1/why?name={name}"))
    found, = [t for t in why["targets"] if t["name"] == target]
    return [check for member in found["members"] for check in member["checks"]]


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_named_as_what_it_is(served, lie):
    name, (_, outcome, words) = f"{lie}.acme.test", LIES[lie]
    check, = wait_until(lambda: [c for c in told_of(served, name, "liar")
                                 if c.get("verdict") == "down"], f"{lie} is down", 10 * PATIENCE)
    assert check["outcome"] == outcome
    status, text, _ = run_waypost("why", name, "-c", served.path)
    assert status == 0
    row, = [row for row in text.splitlines() if row.startswith("liar ") and "probe" not in row]
    assert "down since" in row and words in row, text


def test_no_lie_makes_a_probe_read_more_than_its_limit(served):
    wait_until(lambda: {"/endless", "/endless-head"} <= sent.keys(), "both were tried", 10)
    # What the kernels' buffers between the two hold was sent, but not read.
    assert max(sent.values()) < 16 << 20
    assert served.memory_bytes() < (2000 if IS_SANITIZED else 200) << 20


def test_a_redirect_is_not_followed(served, liar, honest):
    began, wait_s = liar.count("/loop"), 3
    time.sleep(wait_s)
    most = 2 * (wait_s / 0.27 + 2)  # two nodes, each with an interval up to a tenth shorter
    assert 0 < liar.count("/loop") - began <= most
    assert honest.count("/followed") == 0


def test_answers_name_the_honest_one_and_others_are_measured_as_ever(served, honest):
    began = honest.count("/never")
    for lie in LIES:
        for node in (FRA, NYC):
            assert dig(f"{lie}.acme.test", node).addresses == [HONEST], lie
    check, = told_of(served, "never.acme.test", "honest")
    assert check["verdict"] == "up"
    wait_until(lambda: honest.count("/never") > began + 4, "it is probed", 5 * PATIENCE)

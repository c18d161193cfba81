# SPDX-License-Identifier: Apache-2.0
"""Four nodes on four machines: nodes end, in good order and in bad, at random moments."""
import random
import signal
import time

import pytest

import way
from nodes import ADDRESSES, DOWN_S, STATIC
from waypost import IS_NIGHT
from world import listens, wait_until

ALL = set(ADDRESSES)
SEEDS = range(20) if IS_NIGHT else (0, 7)  # each node once: who fails again is out for longer


@pytest.fixture(autouse=True)
def whole(nodes):
    """Each story begins with all in the answers of all."""
    nodes.wait_until_all_hear()
    nodes.wait_until_answered(ALL)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_node_that_dies_or_hangs_is_soon_in_no_answer(nodes, seed):
    chance = random.Random(seed)
    dying, hanging = chance.sample(sorted(ALL), 2)
    waypost = nodes.of[dying]
    time.sleep(chance.uniform(0, 2))
    out_s = nodes.watch(dying, waypost.process.child.kill)
    print(f"\nseed {seed}: {dying} killed: out of all answers after {out_s:.2f} s")
    assert out_s < DOWN_S
    waypost.process.child.wait()
    waypost.start()
    nodes.wait_until_answered(ALL)

    time.sleep(chance.uniform(0, 1))
    out_s = nodes.watch(hanging, lambda: nodes.of[hanging].process.send(signal.SIGSTOP))
    print(f"seed {seed}: {hanging} silent: out of all answers after {out_s:.2f} s")
    assert out_s < DOWN_S
    nodes.of[hanging].process.send(signal.SIGCONT)


def test_a_visitor_of_a_node_that_hangs_is_soon_served_by_another(nodes, visitors, resolvers):
    visitor, url = visitors(resolvers()), way.url(STATIC, "/sqlite.css")
    status, address = visitor.tries(url, 10)
    assert status == "200"
    node = next(node for node, at in ADDRESSES.items() if at == address)
    began = time.monotonic()
    nodes.of[node].process.send(signal.SIGSTOP)
    status, other = wait_until(lambda: (told := visitor.tries(url, 1))[0] and told, "an answer", 20)
    took_s = time.monotonic() - began
    nodes.of[node].process.send(signal.SIGCONT)
    print(f"\na visitor of {node} is served by {other} after {took_s:.2f} s")
    assert status == "200" and other != address
    assert took_s < DOWN_S + 3  # the answer's lifetime, and a try that was in vain


def test_a_node_that_is_stopped_is_in_no_answer_before_it_refuses_anybody(nodes):
    waypost, others = nodes.of["nyc1"], nodes.others("nyc1")
    clients = {server: nodes.client_of("nyc1", server) for server in others}
    waypost.process.send(signal.SIGTERM)
    while any(nodes.leads(clients[server], server) == "nyc1" for server in others):
        assert listens(ADDRESSES["nyc1"], 80)
    wait_until(lambda: not waypost.process.is_running(), "it ends")
    assert waypost.process.child.returncode == 0
    waypost.start()

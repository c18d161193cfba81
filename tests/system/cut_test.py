# SPDX-License-Identifier: Apache-2.0
"""Four nodes on four machines: the bus is cut and comes back, and nodes are cut off."""
import time

import pytest

from asking import wait_for_places
from nodes import ADDRESSES, DOWN_S, WWW
from visitor import curl
from waypost import AMS_ORIGIN, NYC_ORIGIN, PATIENCE
from world import wait_until

ALL = set(ADDRESSES)


@pytest.fixture(autouse=True)
def whole(nodes):
    """Each story begins with all in the answers of all."""
    nodes.wait_until_all_hear()
    nodes.wait_until_answered(ALL)


def test_all_serve_and_steer_without_the_bus_and_say_once_that_it_is_gone(nodes):
    before = {node: nodes.said(node, "bus lost") for node in ALL}
    nodes.nats.kill()
    for node in ALL:
        wait_until(lambda n=node: nodes.said(n, "bus lost") > before[n], f"{node} says so", 5)
    time.sleep(3)  # longer than anything needs to be found out
    nodes.wait_until_answered(ALL, seconds=1)
    for node, address in ADDRESSES.items():
        assert curl("/sqlite.css", address).status == 200
        assert nodes.of[node].metric("steer_suspect") == 1
    nodes.nats.start()
    nodes.wait_until_all_hear()
    for node in ALL:
        assert nodes.said(node, "bus lost") == nodes.said(node, "bus back") == before[node] + 1


def test_all_have_the_same_map_again_within_ten_seconds_after_the_bus_is_back(nodes):
    both = {AMS_ORIGIN, NYC_ORIGIN}
    wait_for_places(WWW, both, 20 * PATIENCE, ADDRESSES["fra1"])
    nodes.nats.kill()
    nodes.machines["fra1"].lose(AMS_ORIGIN)  # which the three others reach
    took_s = wait_for_places(WWW, {NYC_ORIGIN}, 10 * PATIENCE, ADDRESSES["fra1"])
    print(f"\nwithout the bus: its own word alone counted after {took_s:.2f} s")
    for other in nodes.others("fra1"):
        wait_for_places(WWW, both, 1, ADDRESSES[other])

    nodes.nats.start()
    began, since = time.monotonic(), time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    wait_for_places(WWW, both, 10 * PATIENCE, ADDRESSES["fra1"])  # most reach it
    voted_s = time.monotonic() - began
    wait_until(lambda: nodes.plan_the_same(since), "all have the same map", 10 * PATIENCE)
    planned_s = time.monotonic() - began
    # To the last digit, for which no digest may come late on a busy machine.
    wait_until(nodes.know_the_same, "all know the same", 30 * PATIENCE)
    print(f"bus back: all words counted after {voted_s:.2f} s, the same map after {planned_s:.2f} s,"
          f" the same knowledge after {time.monotonic() - began:.2f} s")
    assert planned_s < 10 * PATIENCE
    nodes.machines["fra1"].find(AMS_ORIGIN)


def test_a_node_that_lost_the_bus_alone_stays_in_all_answers(nodes):
    node, others = "fra1", nodes.others("fra1")
    machine = nodes.machines[node]
    missed = {other: nodes.of[other].metric("steer_peers_missed_total") for other in others}
    machine.lose(nodes.bus.address)
    for other in others:
        wait_until(lambda o=other: nodes.of[o].metric("steer_peers_missed_total") == missed[o] + 1,
                   f"{other} misses it", 5 * PATIENCE)
    end = time.monotonic() + 3
    while time.monotonic() < end:
        nodes.wait_until_answered(ALL, seconds=0)
    assert nodes.of[node].metric("steer_suspect") == 1
    machine.find(nodes.bus.address)
    nodes.wait_until_all_hear()
    assert nodes.of[node].metric("steer_suspect") == 0


def test_a_node_that_is_cut_off_is_soon_in_no_answer_and_comes_back_later_each_time(nodes):
    machine, backs = nodes.machines["sin1"], []
    for _ in range(2):
        out_s = nodes.watch("sin1", machine.cut)
        mended = time.monotonic()
        machine.mend()
        nodes.wait_until_answered(ALL)
        backs.append(time.monotonic() - mended)
        print(f"\ncut off: out of all answers after {out_s:.2f} s, back after {backs[-1]:.2f} s")
        assert out_s < DOWN_S
    assert backs[1] > backs[0] + 2  # twice as many good probes

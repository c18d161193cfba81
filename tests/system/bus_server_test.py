# SPDX-License-Identifier: Apache-2.0
"""Four nodes on four machines, and a server of the bus that is absent, has no log, is full or hangs:
nodes serve and steer all the same, and say what is amiss to who gives orders."""
import time

import pytest

from nodes import ADDRESSES, STATIC, Nodes
from visitor import curl
from waypost import PATIENCE
from world import run, wait_until

ALL = set(ADDRESSES)
PAGE = {"url": f"http://{STATIC}/sqlite.css"}
STORE_BYTES = 4 << 20


@pytest.fixture(scope="module")
def nodes(world, origins):
    """All there, but no server; ended in good order after the last story."""
    four = Nodes(world, starts=False)
    (four.nats.folder / "store").mkdir()
    run("mount", "-t", "tmpfs", "-o", f"size={STORE_BYTES}", "tmpfs", four.nats.folder / "store")
    world.at_end("umount", four.nats.folder / "store")
    yield four
    four.stop()


def all_serve(nodes):
    """Whether every node answers for all of them, and delivers."""
    nodes.wait_until_answered(ALL, seconds=1)
    return all(curl("/sqlite.css", at).status == 200 for at in ADDRESSES.values())


def refusal(nodes):
    """Why an order cannot be given, and how long it took to say so."""
    began = time.monotonic()
    status, said = nodes.order("fra1", "purge", **PAGE)
    assert status in (503, 504), said
    return " ".join(map(str, said["error"].values())), time.monotonic() - began


def test_nodes_start_and_serve_without_a_server(nodes):
    nodes.wait_until_answered(ALL)
    assert all_serve(nodes)
    message, took_s = refusal(nodes)
    assert "the log of orders cannot be reached" in message
    assert took_s < 3 * PATIENCE


def test_a_server_without_a_log_carries_what_nodes_measure_and_refuses_orders(nodes):
    nodes.nats.write(None)
    nodes.nats.start()
    nodes.wait_until_all_hear()
    wait_until(lambda: "with -js" in refusal(nodes)[0], "it is said that there is no log", 5)
    print(f"\nno log: {refusal(nodes)[0]}")
    assert all_serve(nodes)


def test_the_log_begins_when_the_server_comes_with_one(nodes):
    nodes.nats.kill()
    nodes.nats.write("max_file: 100MB")
    nodes.nats.start()
    number = wait_until(nodes.purge_page, "an order is taken", 10 * PATIENCE)
    nodes.wait_until_obeyed(number)


def all_hear_for(nodes, seconds):
    """Whether nobody is missed by anybody, all that time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if any(w.metric("steer_peers_present") != len(ALL) - 1 for w in nodes.of.values()):
            return False
        time.sleep(0.1)
    return True


def test_a_full_server_refuses_orders_and_takes_them_when_there_is_room(nodes):
    nodes.wait_until_all_hear()
    lost = [nodes.said(node, "bus lost") for node in ALL]
    filler = nodes.nats.folder / "store" / "filler"
    try:
        filler.write_bytes(bytes(2 * STORE_BYTES))
    except OSError:
        pass  # that is the purpose
    given = 0
    while number := nodes.purge_page():
        given = number
        assert given < 1000
    message, took_s = refusal(nodes)
    print(f"\nfull after order {given}: {message} ({took_s:.2f} s)")
    assert took_s < 3 * PATIENCE
    assert all_hear_for(nodes, seconds=10)
    assert [nodes.said(node, "bus lost") for node in ALL] == lost
    assert all_serve(nodes)
    filler.unlink()
    nodes.nats.kill()
    nodes.nats.start()
    number = wait_until(nodes.purge_page, "an order is taken", 10 * PATIENCE)
    assert number > given
    nodes.wait_until_obeyed(number)


def test_a_server_that_hangs_is_left_and_found_again(nodes):
    nodes.wait_until_all_hear()
    nodes.nats.freeze()
    message, took_s = refusal(nodes)
    print(f"\nhangs: {message} ({took_s:.2f} s)")
    assert took_s < 3 * PATIENCE
    for node in ALL:
        wait_until(lambda n=node: nodes.said(n, "bus lost") == nodes.said(n, "bus back") + 1,
                   f"{node} says so", 10 * PATIENCE)
    assert all_serve(nodes)
    nodes.nats.thaw()
    nodes.wait_until_all_hear()
    number = wait_until(nodes.purge_page, "an order is taken", 10 * PATIENCE)
    nodes.wait_until_obeyed(number)
    assert all_serve(nodes)

# SPDX-License-Identifier: Apache-2.0
"""Four nodes on four machines, and a bus of three servers, as one has it who wants orders to go on
when one of them is lost."""
import concurrent.futures
import time

import pytest

from nats import Client
from nodes import ADDRESSES, STATIC, Nodes
from waypost import PATIENCE
from world import wait_until

ALL = set(ADDRESSES)
SERVERS = ("198.18.0.5", "198.18.0.6", "198.18.0.7")
STREAM = "waypost_story_orders"
# What the manual grants to nodes, and nothing else.
RIGHTS = f"""authorization {{ users: [
  {{ user: operator, password: secret }}
  {{ user: node, password: hidden, permissions: {{
    publish: [ "waypost.story.>", "$JS.API.STREAM.INFO.{STREAM}", "$JS.API.STREAM.CREATE.{STREAM}",
               "$JS.API.CONSUMER.CREATE.{STREAM}", "$JS.API.CONSUMER.DELETE.{STREAM}.>",
               "$JS.FC.{STREAM}.>" ]
    subscribe: [ "waypost.story.>", "_INBOX.>" ] }} }} ] }}
"""
OPERATOR = {"user": "operator", "pass": "secret"}
NODE = {"user": "node", "password": "hidden"}


def make_stream():
    """As the manual says: the log on all three."""
    client = Client(SERVERS[0], **OPERATOR)
    wait_until(lambda: "config" in client.ask(
        f"$JS.API.STREAM.CREATE.{STREAM}", name=STREAM, subjects=["waypost.story.orders"],
        storage="file", num_replicas=len(SERVERS), discard="old", max_msgs=100000,
        duplicate_window=120 * 10**9), "the servers make the stream", 30 * PATIENCE)
    client.close()


@pytest.fixture(scope="module")
def nodes(world, origins):
    """The servers first, then the log, then the nodes; ended in good order."""
    four = Nodes(world, SERVERS, begins=False, more=RIGHTS, bus_access=NODE)
    make_stream()
    four.begin()
    four.wait_until_all_hear()
    yield four
    four.stop()


def give(nodes):
    """Gives an order until it is taken and obeyed; how long the former took."""
    began = time.monotonic()
    number = wait_until(nodes.purge_page, "an order is taken", 30 * PATIENCE)
    took_s = time.monotonic() - began
    nodes.wait_until_obeyed(number, seconds=20 * PATIENCE)
    for waypost in nodes.of.values():
        assert waypost.metric("orders_gaps_total") == 0
    return took_s


def leader(nodes):
    """The server that numbers orders."""
    client = Client(SERVERS[0], **OPERATOR)
    told = wait_until(lambda: client.ask(f"$JS.API.STREAM.INFO.{STREAM}").get("cluster", {}).get(
        "leader"), "the log has a leader", 10 * PATIENCE)
    client.close()
    return next(server for server in nodes.servers if server.machine.name == told)


def test_orders_go_on_when_the_server_that_numbers_them_is_lost(nodes):
    give(nodes)
    lost = leader(nodes)
    lost.kill()
    print(f"\nleader killed: an order is taken after {give(nodes):.2f} s")
    nodes.wait_until_all_hear()
    nodes.wait_until_answered(ALL, seconds=1)
    lost.start()


def test_who_was_away_catches_up_and_needs_no_more_than_its_rights(nodes):
    before, count, givers = nodes.place("fra1")[0], 200, nodes.others("syd1")

    def order(at):
        prefix = f"http://{STATIC}/{'x' * 7000}{at}"
        while nodes.order(givers[at % len(givers)], "purge", prefix=prefix)[0] != 200:
            pass

    nodes.of["syd1"].stop()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(order, range(count)))
    nodes.of["syd1"].start()
    began = time.monotonic()
    nodes.wait_until_obeyed(before + count, ["syd1"])
    print(f"\n{count} orders caught up with after {time.monotonic() - began:.2f} s")
    for server in nodes.servers:
        assert "Violation" not in server.process.output()  # of what nodes may do, in all they did


def test_nodes_hear_each_other_over_the_last_server_and_orders_wait_for_a_second(nodes):
    nodes.wait_until_all_hear()
    # One was stopped a moment ago: its failures fade, and until then it is dearer than the others.
    nodes.wait_until_answered(ALL, seconds=90 * PATIENCE)
    give(nodes)
    for server in nodes.servers[:2]:
        server.kill()
    wait_until(lambda: not nodes.purge_page(), "no majority, no orders", 10)
    nodes.wait_until_all_hear()
    nodes.wait_until_answered(ALL, seconds=1)
    nodes.servers[0].start()
    print(f"\ntwo again: an order is taken after {give(nodes):.2f} s")
    nodes.wait_until_all_hear()
    nodes.servers[1].start()

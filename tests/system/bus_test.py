# SPDX-License-Identifier: Apache-2.0
"""Nodes tell each other what they measure: within one process, and over NATS; and without it."""
import pytest

from asking import dig, wait_for_places
from origin import Origin, slow_probe
from waypost import AMS_ORIGIN, FRA, NYC, NYC_ORIGIN, PATIENCE, Waypost, network
from world import listens, wait_until

WWW = "www.acme.test"
BOTH = {AMS_ORIGIN, NYC_ORIGIN}
BUS = ("127.0.0.1", 4222)


def config_of(**more):
    """The usual network, whose page is measured by HTTP."""
    config = network(**more)
    config["customers"]["acme"]["sites"] = {
        WWW: {"steer": ["ams", "nyc"], "ttl": "1s", "probe": {"http": "/probe", "every": "1s"}}}
    return config


def heard(waypost, node):
    """Digests of others that a node took into its view."""
    return waypost.metric("steer_digests_total", node, result="taken")


def wait_for_more(waypost, node, seconds):
    """Waits until the node hears others."""
    before = heard(waypost, node)
    wait_until(lambda: heard(waypost, node) > before + 1, f"{node} hears others", seconds)


@pytest.fixture(scope="module", autouse=True)
def origins(world):
    """The customer's two web servers."""
    return [Origin(world, f"origin{i}", at, world.folder, slow_probe(0))
            for i, at in enumerate((AMS_ORIGIN, NYC_ORIGIN))]


@pytest.fixture
def nats(world):
    """Starts the server that carries the bus; the way to do it again."""
    def start():
        process = world.start("nats", ["nats-server", "-a", BUS[0], "-p", BUS[1]])
        wait_until(lambda: listens(*BUS), "NATS listens")
        return process
    return start


def test_nodes_of_one_process_hear_each_other(world):
    waypost = Waypost(world, config_of(), "one")
    for node in ("fra1", "nyc1"):
        wait_for_more(waypost, node, 5 * PATIENCE)
        assert waypost.metric("steer_reports_foreign_total", node) == 0
    waypost.stop()
    assert "bus lost" not in waypost.process.output()


def test_nodes_of_two_machines_hear_each_other_and_serve_when_they_cannot(world, nats):
    server = nats()
    config = config_of(bus=f"nats://{BUS[0]}:{BUS[1]}")
    nodes = {node: Waypost(world, config, node, node=node) for node in ("fra1", "nyc1")}
    for node, waypost in nodes.items():
        wait_for_more(waypost, node, 5 * PATIENCE)

    server.kill()
    for node, waypost in nodes.items():
        wait_until(lambda w=waypost: "bus lost" in w.process.output(), f"{node} says so", 5)
    before = {node: heard(waypost, node) for node, waypost in nodes.items()}
    for at in (FRA, NYC):
        wait_for_places(WWW, BOTH, 20 * PATIENCE, at)
        assert set(dig(WWW, at).addresses) <= BOTH
    assert {node: heard(waypost, node) for node, waypost in nodes.items()} == before

    nats()
    for node, waypost in nodes.items():
        wait_for_more(waypost, node, 10 * PATIENCE)
    for waypost in nodes.values():
        waypost.stop()
        assert waypost.process.output().count("bus lost") == 1
        assert waypost.process.output().count("bus back") == 1


def test_another_bus_is_taken_into_use_at_the_next_start(world):
    waypost = Waypost(world, config_of(), "other")
    waypost.reload(config_of(bus=f"nats://{BUS[0]}:{BUS[1]}"))
    wait_until(lambda: "needs_restart setting=bus" in waypost.process.output(), "it is said")
    wait_for_more(waypost, "fra1", 5 * PATIENCE)
    waypost.stop()

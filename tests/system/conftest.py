# SPDX-License-Identifier: Apache-2.0
"""What stories share. Whatever a story starts ends with it."""
import itertools
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from authority import Authority
from nodes import Nodes
from origin import Origin, site_copy
from resolver import Resolver
from secure import SHOP, STATIC, files
from visitor import Visitor
from waypost import AMS_ORIGIN, FRA, NYC, NYC_ORIGIN, ZONE, Waypost, network, sites
from world import World

numbers = itertools.count(1)


@pytest.fixture(scope="session", autouse=True)
def private_run():
    """A /run of our own, for the names of network namespaces, and a /dev/shm, where killed nodes
    leave their totals."""
    for place in ("/run", "/dev/shm"):
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", place], check=True)


@pytest.fixture(scope="session")
def pages(private_run):
    """The customer's site, made once: its pages embed pictures from STATIC."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="waypost-pages-"))
    yield site_copy(folder, STATIC)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def world(private_run):
    """One world a file; stories that break things make their own parts in it."""
    a_world = World()
    yield a_world
    a_world.end()


@pytest.fixture(scope="module")
def origins(world, pages):
    """The customer's two web servers, by name."""
    return {"ams": Origin(world, "ams", AMS_ORIGIN, pages),
            "nyc": Origin(world, "nyc", NYC_ORIGIN, pages)}


@pytest.fixture(scope="module")
def nodes(world, origins):
    """Four of them, on machines and a bus of their own; ended in good order after the last story."""
    four = Nodes(world)
    yield four
    four.stop()


@pytest.fixture
def serve(world):
    """Starts waypost with a configuration; at the story's end it must stop in good order."""
    started = []

    def start(config, **more):
        name = f"waypost-{len(list(world.folder.iterdir()))}"
        started.append(Waypost(world, config, name=name, **more))
        return started[-1]

    yield start
    for one in reversed(started):
        if one.process.child.returncode != 0:
            one.stop()


@pytest.fixture(scope="module")
def ours(world):
    """An authority that the stories' visitors trust."""
    return Authority(world.place("ours"), "ours")


@pytest.fixture
def secured(ours):
    """The usual network, with a certificate for each of two sites."""
    config = network()
    sites(config)[SHOP] = {"deliver": ["ams"]}
    for host in (STATIC, SHOP):
        sites(config)[host]["tls"] = files(ours.certify(host, name=f"{host}-{next(numbers)}"))
    return config


@pytest.fixture(scope="module")
def visitors(world):
    """Makes visitors; each has a subnet of its own."""
    count = 0

    def make(resolver=None):
        nonlocal count
        count += 1
        return Visitor(world, count, resolver)

    return make


@pytest.fixture(scope="module")
def resolvers(world):
    """Makes resolvers that know our two name servers."""
    count = 0

    def make(**more):
        nonlocal count
        count += 1
        return Resolver(world, f"192.0.2.{100 + count}", ["acme.test", "other.test", ZONE],
                        [FRA, NYC], **more)

    return make

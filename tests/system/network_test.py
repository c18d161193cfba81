# SPDX-License-Identifier: Apache-2.0
"""The manual's network of three servers, followed to the letter: three machines, each with a node and
a server of the bus, and one of the servers is lost."""
import pathlib

import pytest

import machines
from bare import Debian, package_of
from manual import follow
from site_of import web_server

FILES = ("etc/nats-server.conf", "etc/waypost/waypost.yaml")
ADDRESSES = {"fra1": "192.0.2.10", "nyc1": "192.0.2.20", "sin1": "192.0.2.30"}


@pytest.fixture(scope="module")
def three(world, tmp_path_factory):
    """With the package, and nothing else."""
    machines.connect(world)
    web_server(world, world.address("198.51.100.7"), {"logo.svg": "<svg/>"})
    package = package_of(tmp_path_factory.mktemp("package"))
    found = {}
    for name, address in ADDRESSES.items():
        machine = machines.Machine(world, name, address)
        found[name] = Debian(world, f"system-{name}", pathlib.Path("/"), machine.words())
        found[name].install(package)
    yield found
    for debian in found.values():
        debian.shell("systemctl stop waypost; systemctl stop nats-server")


def test_the_page_leads_to_a_network_of_three(three):
    def at(name):
        def shell(script):
            for path in FILES:  # what scp brings
                first, here = three["fra1"].root / path, three[name].root / path
                if path.split("/")[-1] in script and name != "fra1":
                    here.write_bytes(first.read_bytes())
                    here.chmod(0o640)
            return three[name].shell(script)
        return shell

    follow("network.md", {name: at(name) for name in three}, patience_s=40)

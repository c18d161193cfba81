# SPDX-License-Identifier: Apache-2.0
"""The manual's network of two machines, followed to the letter: each is a system of its own, with a
network of its own, and both have what the page says that they have."""
import pathlib
import re

import pytest

import machines
from bare import Debian, package_of
from manual import PAGES, follow
from metrics_page import families
from site_of import web_server

CONFIG = "/etc/waypost/waypost.yaml"
ADDRESSES = {"fra1": "192.0.2.10", "nyc1": "192.0.2.20"}


@pytest.fixture(scope="module")
def two(world, tmp_path_factory):
    """fra1 as the first site left it, nyc1 with the package alone."""
    machines.connect(world)
    web_server(world, world.address("198.51.100.7"), {"logo.svg": "<svg/>"})
    package = package_of(tmp_path_factory.mktemp("package"))
    found = {}
    for name, address in ADDRESSES.items():
        machine = machines.Machine(world, name, address)
        found[name] = Debian(world, f"system-{name}", pathlib.Path("/"), machine.words())
        found[name].install(package)
    found["fra1"].write(CONFIG, (PAGES.parents[1] / "packaging" / "waypost.yaml").read_text(), 0o640)
    found["fra1"].must(f"chgrp waypost {CONFIG}; systemctl start waypost")
    yield found
    for debian in found.values():
        debian.shell("systemctl stop waypost")


def test_the_page_leads_to_a_network_of_two(two):
    def at(name):
        def shell(script):
            if name == "nyc1" and not (two[name].root / CONFIG[1:]).exists():  # what scp does
                two[name].write(CONFIG, (two["fra1"].root / CONFIG[1:]).read_text(), 0o640)
            return two[name].shell(script)
        return shell

    follow("two-machines.md", {name: at(name) for name in two})


def test_the_page_of_metrics_has_all_that_a_node_shows_and_nothing_else(two):
    two["fra1"].must("curl -sf -H 'Host: static.acme.example' http://192.0.2.10/logo.svg?a-new-one")
    shown = families(two["fra1"].must("curl -s http://127.0.0.1:8653/metrics"))
    page = (PAGES / "reference" / "metrics.md").read_text()
    written = {name: (kind, meaning) for name, kind, meaning in
               re.findall(r"^\| `(\S+)` \| (\w+) \| .* \| (.*) \|$", page, re.MULTILINE)}
    assert len(shown) > 100
    assert {name: written.get(name) for name in shown} == \
        {name: (kind, meaning) for name, (kind, _, meaning) in shown.items()}, \
        "mend: tests/system/metrics_page.py"
    assert set(written) - set(shown) == set(), "no node shows these any more"

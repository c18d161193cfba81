# SPDX-License-Identifier: Apache-2.0
"""Each trouble that the manual names is made, and what the page says to run prints what it says."""
import contextlib
import pathlib
import socket
import time

import pytest

from bare import Debian, package_of
from manual import PAGES, missing, sections, steps
from site_of import web_server
from world import run

PAGE = "troubleshooting.md"
NODE, ORIGIN = "192.0.2.10", "198.51.100.7"
CONFIG = "/etc/waypost/waypost.yaml"


@pytest.fixture(scope="module")
def machine(world, tmp_path_factory):
    """With the package and the first site, which is up."""
    debian = Debian(world, "here", pathlib.Path("/"))
    debian.install(package_of(tmp_path_factory.mktemp("package")))
    debian.write(CONFIG, (PAGES.parents[1] / "packaging" / "waypost.yaml").read_text(), 0o640)
    debian.must(f"chgrp waypost {CONFIG}")
    for address in (NODE, ORIGIN):
        world.address(address)
    debian.folder = web_server(world, ORIGIN, {"logo.svg": "<svg/>", "private/one.html": "one"},
                               more=["Cache-Control: no-store"])
    debian.must("systemctl start waypost")
    yield debian
    debian.shell("systemctl stop waypost")


@contextlib.contextmanager
def stopped(machine):
    """While it does not run."""
    machine.must("systemctl stop waypost")
    yield
    machine.must("systemctl start waypost")


@contextlib.contextmanager
def without_the_address(machine):
    """Its address is on another machine."""
    with stopped(machine):
        run("ip", "address", "delete", f"{NODE}/32", "dev", "lo")
        yield
        run("ip", "address", "add", f"{NODE}/32", "dev", "lo")


@contextlib.contextmanager
def with_a_port_taken(machine):
    """Somebody else listens at 80."""
    with stopped(machine), socket.create_server((NODE, 80)):
        yield


@contextlib.contextmanager
def with_a_bad_file(machine):
    """Two slips of the pen."""
    machine.must(f"cp -p {CONFIG} keep; sed -i 's/deliver:/delivr:/; s/ttl: 20s/ttl: 20/' {CONFIG}")
    yield
    machine.must(f"cp -p keep {CONFIG}")


@contextlib.contextmanager
def with_the_origin_down(machine):
    """Its web server ended."""
    server = [p for p in machine.world.running if p.name == "web-server"][-1]
    server.kill()
    time.sleep(3)
    yield
    machine.folder = web_server(machine.world, ORIGIN, {}, folder=machine.folder,
                                more=["Cache-Control: no-store"])


@contextlib.contextmanager
def with_a_line_more(machine, line):
    """The file says more, from a start on."""
    machine.must(f"cp -p {CONFIG} keep; echo '{line}' >>{CONFIG}; systemctl restart waypost")
    yield
    machine.must(f"cp -p keep {CONFIG}; systemctl restart waypost")


def with_the_bus_away(machine):
    """Nobody listens where its server should be."""
    return with_a_line_more(machine, f"bus: nats://{NODE}:4222")


def with_too_many_connections(machine):
    """More than the unit has descriptors for."""
    return with_a_line_more(machine, "limits: {connections: 1000000}")


@contextlib.contextmanager
def as_it_is(machine):
    """Nothing more."""
    yield


MAKERS = {
    "It does not start: no address of this machine": without_the_address,
    "It does not start: a port is taken": with_a_port_taken,
    "It does not start, or the reload is refused: the file": with_a_bad_file,
    "An edit has no effect": with_a_bad_file,
    "Commands find no node": stopped,
    "dig says REFUSED": as_it_is,
    "Visitors get 421": as_it_is,
    "Nothing is kept": as_it_is,
    "A visitor sees what is old": as_it_is,
    "Visitors get 502": with_the_origin_down,
    "An answer leads to who is down": with_the_origin_down,
    "Orders are refused": with_the_bus_away,
    "HTTPS is not served": as_it_is,
    "It runs out of descriptors": with_too_many_connections,
}
TROUBLES = {heading: steps(PAGE, text) for heading, text in sections(PAGE).items()}


def test_every_trouble_is_made_here():
    assert all(TROUBLES.values())
    assert set(TROUBLES) == set(MAKERS)


@pytest.mark.parametrize("heading", MAKERS)
def test_what_is_run_prints_what_the_page_says(machine, heading):
    with MAKERS[heading](machine):
        for _, script, lines in TROUBLES[heading]:
            assert lines, script
            output = ""
            for command in script.splitlines():
                output += machine.shell(f"timeout 10 {command}")[1]
            assert missing(lines, output) is None, f"{missing(lines, output)}\nis not in:\n{output}"

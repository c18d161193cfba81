# SPDX-License-Identifier: Apache-2.0
"""
The package on a machine: what is in it, its unit, its man pages; then the manual's pages from install
to the first site, followed to the letter; and away with it. The machine is this one, below a layer
that forgets; by night also a bare Debian 12, fetched once, whose packages come from the network.
"""
import os
import pathlib
import re
import subprocess
import tempfile

import pytest

from bare import Debian, package_of
from manual import PAGES, follow
from site_of import web_server
from waypost import BINARY, IS_NIGHT
from world import run

TREE = pathlib.Path(__file__).resolve().parents[2]
BARE = pathlib.Path(os.environ.get("WAYPOST_BARE", "/var/tmp/waypost-bare-debian12"))
NODE, ORIGIN = "192.0.2.10", "198.51.100.7"
# What apt and dpkg keep for themselves.
THEIRS = re.compile(r"/root/waypost_.*\.deb|/var/(cache|log)/apt/|/var/lib/apt/")


def outside():
    """Words that run a command in the network that tests/system/run left."""
    return ["nsenter", f"--net=/proc/{os.getpid()}/fd/9"]


def bare():
    """The folder of a bare Debian, made at the first time."""
    if not (BARE / "done").exists():
        run("rm", "-rf", BARE)
        made = subprocess.run([*outside(), "debootstrap", "--variant=minbase", "bookworm", str(BARE)],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        assert made.returncode == 0, made.stdout
        (BARE / "done").touch()
    return BARE


@pytest.fixture(scope="module")
def package():
    """The package of this build."""
    with tempfile.TemporaryDirectory() as folder:
        yield package_of(folder)


@pytest.fixture(scope="module", params=["here", "bare"] if IS_NIGHT else ["here"])
def machine(request, world, package):
    """A machine with the package in root's home, that has the first site's address."""
    below = bare() if request.param == "bare" else pathlib.Path("/")
    debian = Debian(world, request.param, below)
    debian.is_bare = request.param == "bare"
    run("cp", package, debian.root / "root")
    for address in (NODE, ORIGIN):
        world.address(address)
    if request.param == "here":  # without a network: nothing to ask for what is new
        web_server(world, ORIGIN, {"logo.svg": "<svg/>", "private/one.html": "one"})
        debian.must("rm -rf /etc/apt/sources.list*")
    yield debian
    debian.shell("systemctl stop waypost")


def test_the_package_holds_what_the_manual_says(package):
    held = run("dpkg-deb", "--contents", package)
    table = (PAGES / "install.md").read_text().split("What there is now:")[1].split("\n\n")[1]
    promised = [p for p in re.findall(r"^\| `(/usr[^`]+)`", table, re.MULTILINE)]
    assert len(promised) >= 4
    for path in promised:
        assert f" .{path}" in held, path
    for page in PAGES.rglob("*.md"):
        assert f"doc/waypost/manual/{page.relative_to(PAGES)}\n" in held


def test_the_example_is_the_first_site(package):
    page = (PAGES / "first-site.md").read_text()
    example = (TREE / "packaging" / "waypost.yaml").read_text()
    assert "".join(line for line in example.splitlines(True) if line[0] != "#") in page


def test_the_page_of_commands_is_what_the_program_prints():
    page = (PAGES / "reference" / "commands.md").read_text()
    assert page == run(BINARY, "help", "--markdown"), \
        "mend: build/waypost help --markdown > docs/manual/reference/commands.md"


def test_it_installs_by_the_manual(machine):
    times = follow("install.md", {None: lambda script: machine.shell(
        script, outside() if machine.is_bare else ())})
    machine.times += times
    machine.stand_in_for_systemd()
    assert machine.runs() == []
    assert machine.must("stat -c '%U %G %a' /etc/waypost /var/lib/waypost").split("\n")[:2] == \
        ["root waypost 2750", "waypost waypost 700"]


def test_the_unit_and_the_man_pages_are_without_fault(machine):
    if machine.is_bare:
        return  # has neither systemd nor man; the other machine has both
    assert machine.must("/usr/bin/systemd-analyze verify --man=no waypost.service") == ""
    said = machine.must("/usr/bin/systemd-analyze security --offline=true waypost.service || true")
    exposure = float(re.search(r"Overall exposure level for waypost.service: ([0-9.]+)", said)[1])
    print(f"\nexposure {exposure}")
    assert exposure <= 2.0
    for page in ("man1/waypost.1.gz", "man5/waypost.yaml.5.gz"):
        assert machine.must(f"man --warnings -l /usr/share/man/{page} 2>&1 >/dev/null") == ""
    said = " ".join(machine.must("man -l /usr/share/man/man1/waypost.1.gz | cat").split())
    assert "waypost rewrite DIR --site HOST" in said and "--dry-run" in said


def test_the_first_site_is_served_by_the_manual(machine):
    machine.times += follow("first-site.md", {None: machine.shell})
    waits = sum(t[0] for t in machine.times)
    keys = sum(t[1] for t in machine.times)
    print(f"\n{'bare Debian' if machine.is_bare else 'this machine'}, install.md and first-site.md: "
          f"{len(machine.times)} steps, {waits:.1f} s of waiting, {keys} characters")
    for seconds, _, first in machine.times:
        print(f"  {seconds:6.1f} s  {first[:90]}")


def test_a_rule_of_the_cache_is_tried_by_the_manual(machine):
    follow("cache.md", {None: machine.shell})


def test_it_runs_as_the_unit_says(machine):
    [pid] = machine.runs()
    status = dict(line.split(":\t", 1) for line in
                  pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    user = machine.must("id -u waypost").strip()
    assert set(status["Uid"].split()) == {user}
    for which in ("CapEff", "CapBnd", "CapAmb"):
        assert int(status[which], 16) == 1 << 10 | 1 << 13  # NET_BIND_SERVICE, NET_RAW
    assert machine.must("stat -c %U /dev/shm/waypost-*.usage").split() == ["waypost"]


def test_an_upgrade_leaves_it_running(machine):
    before = machine.runs()
    machine.must("dpkg -i waypost_*.deb")
    assert machine.runs() == before != []


def test_a_file_that_is_wrong_is_not_started_and_said(machine):
    machine.must("systemctl stop waypost; cp -p /etc/waypost/waypost.yaml keep; "
                 "sed -i s/deliver/delivr/ /etc/waypost/waypost.yaml")
    status, said = machine.shell("systemctl start waypost")
    assert status != 0 and "deliver" in said
    machine.must("cp -p keep /etc/waypost/waypost.yaml; rm keep; systemctl start waypost")


def test_removed_it_runs_no_more_and_purged_it_was_never_there(machine):
    assert len(machine.runs()) == 1
    machine.must("apt-get remove -y waypost")
    assert machine.runs() == []
    assert (machine.root / "etc/waypost/waypost.yaml").exists()
    assert (machine.root / "var/lib/waypost/fra1").is_dir()
    machine.must("apt-get purge -y waypost; rm -f /usr/local/bin/systemctl /usr/local/bin/journalctl")
    ours = {path for path in machine.written() if "waypost" in path and not THEIRS.search(path)}
    assert ours == set()
    assert "waypost" not in machine.must("cat /etc/passwd /etc/group")

# SPDX-License-Identifier: Apache-2.0
"""The demo, as somebody meets it who wants to see what this is: as one process, and over NATS."""
import contextlib
import pathlib
import re
import signal
import subprocess
import time

import pytest

from waypost import BINARY, run_waypost
from world import listens, wait_until

STATE = pathlib.Path("/tmp/waypost-demo")


def last_word(command, said):
    """What the only command with these words in it said last."""
    found = [text for line, text in said.items() if command in line]
    assert len(found) == 1, command
    return found[0].split()[-1]


def fleet():
    """The command lines of what runs for a demo."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(path.read_text().replace("\0", " "))
    return [line for line in found if str(STATE) in line]


def take_tour(demo, folder):
    """Tries every command that the demo tells people to try; what each said."""
    commands = re.findall(r"^    ((?:for|dig|curl|kill|\S*waypost) .*)$", demo.output(), re.M)
    said = {}
    for command in commands:
        for _ in range(2):
            done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=20,
                                  cwd=folder, check=False)
            if "not what the ledger says" not in done.stdout + done.stderr:
                break  # else the month went on between its two commands
        assert done.returncode == 0 and done.stdout, f"{command}: {done.stderr}"
        said[command] = done.stdout
    return said


@pytest.mark.parametrize("words", [[], ["--nats"]], ids=["one-process", "nats"])
def test_demo_starts_and_its_tour_works(world, words):
    """Every command that the demo tells people to try is tried; nothing is left."""
    started = time.monotonic()
    demo = world.start(f"demo{len(words)}", [BINARY, "demo", *words])
    wait_until(lambda: demo.must_run() and "Ctrl-C" in demo.output(), "the tour is printed", 15)
    assert time.monotonic() - started < 10
    time.sleep(1)
    said = take_tour(demo, world.folder)
    assert len(said) >= 14, demo.output()
    pops = next(text for line, text in said.items() if "static.acme.example; done" in line)
    assert pops.split() == ["127.0.0.11", "127.0.0.12", "127.0.0.13"]
    assert last_word("/demo/slow", said) == "127.0.0.22"
    assert last_word("/demo/stop", said) == "127.0.0.21"
    purged = next(text for line, text in said.items() if " purge " in line)
    assert re.findall(r"^(\w+) .*after \d+ ms$", purged, re.M) == ["fra1", "nyc1", "sin1"]
    assert last_word(" drain ", said) != "127.0.0.11"
    assert last_word(" undrain ", said) == "127.0.0.11"
    if words:
        dead_pop, dead_server = (text.split() for line, text in said.items() if "kill" in line)
        assert dead_pop and dead_pop != ["127.0.0.12"]
        assert dead_server == ["127.0.0.21"]  # the other is still stopped
    assert demo.stop(signal.SIGINT) == 0, demo.output()
    assert not STATE.exists()
    assert not fleet()


def test_pops_of_the_demo_end_with_it_when_it_is_killed(world):
    demo = world.start("killed", [BINARY, "demo", "--nats"])
    wait_until(lambda: demo.must_run() and "Ctrl-C" in demo.output(), "the tour is printed", 15)
    assert len(fleet()) == 4
    demo.stop(signal.SIGKILL)
    wait_until(lambda: not fleet(), "all end", 5)


def test_without_nats_server_it_says_what_to_do():
    hidden = 'mount -t tmpfs none /usr/sbin && exec "$0" demo --nats'  # where it lies in Debian
    done = subprocess.run(["unshare", "--mount", "sh", "-c", hidden, BINARY], capture_output=True,
                          text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "apt-get install nats-server" in done.stderr, done.stderr
    assert not STATE.exists()


def test_another_program_in_the_servers_place_is_not_taken_for_it(world):
    other = world.start("other", ["nats-server", "-a", "127.0.0.10", "-p", "4223"])
    wait_until(lambda: listens("127.0.0.10", 4223), "it listens")
    status, out, complaint = run_waypost("demo", "--nats")
    assert (status, out) == (1, "")
    assert "another program listens at 127.0.0.10:4223" in complaint, complaint
    other.stop()

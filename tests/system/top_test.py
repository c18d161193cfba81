# SPDX-License-Identifier: Apache-2.0
"""`waypost top`, as somebody has it open while things happen: on a terminal (a pty) that is read
back, and as plain text where there is none."""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time

import pytest

from visitor import curl
from waypost import BINARY, PATIENCE, network, run_waypost, sites
from world import wait_until

WIDTH, HEIGHT = 110, 40
ENTERED, LEFT = b"\x1b[?1049h", b"\x1b[?1049l"


class Screen:
    """A terminal of that size with `waypost top` on it."""

    def __init__(self, *words):
        self.ours, theirs = pty.openpty()
        self.resize(WIDTH, HEIGHT)
        self.before = termios.tcgetattr(theirs)
        self.child = subprocess.Popen(
            [BINARY, "top", *map(str, words)], stdin=theirs, stdout=theirs, stderr=theirs,
            env={**os.environ, "TERM": "xterm"}, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self.theirs = theirs
        self.seen = b""

    def resize(self, width, height):
        """Somebody pulls at the window's corner."""
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def press(self, keys):
        """Keys as the terminal sends them."""
        os.write(self.ours, keys)

    def read(self):
        """Takes what was drawn meanwhile."""
        while select.select([self.ours], [], [], 0.02)[0]:
            try:
                self.seen += os.read(self.ours, 65536)
            except OSError:
                return

    def lines(self, colors=False):
        """The newest frame that is there whole, line by line."""
        self.read()
        frames = [f for f in self.seen.split(b"\x1b[H")[1:] if f.endswith(b"\x1b[0m\x1b[K")]
        if not frames:
            return []
        text = frames[-1].decode().replace("\x1b[K", "").replace("\r", "")
        return (text if colors else re.sub(r"\x1b\[\d*m", "", text)).split("\n")

    def shows(self, pattern, seconds=10, colors=False):
        """Waits until a line matches; the match."""
        def found():
            return next((m for line in self.lines(colors) if (m := re.search(pattern, line))), None)
        return wait_until(found, lambda: f"{pattern} in {self.lines()}", seconds * PATIENCE)

    def end(self):
        """Waits for its end; the exit status. The terminal must be as it was."""
        status = self.child.wait(10 * PATIENCE)
        self.read()
        assert self.seen.rindex(LEFT) > self.seen.rindex(ENTERED)
        assert self.seen.rindex(b"\x1b[?25h") > self.seen.rindex(b"\x1b[?25l")
        assert termios.tcgetattr(self.theirs) == self.before
        return status

    def close(self):
        """Whatever happened."""
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        os.close(self.ours)
        os.close(self.theirs)


@pytest.fixture
def screens():
    """Makes them; all end with the story."""
    made = []

    def make(*words):
        made.append(Screen(*words))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def busy():
    """Somebody who asks for the same picture again and again."""
    ending = threading.Event()

    def ask():
        while not ending.is_set():
            try:
                curl("/images/sqlite370_banner.gif")
            except (subprocess.SubprocessError, IndexError, ValueError):
                time.sleep(0.1)  # no node is there just now

    thread = threading.Thread(target=ask)
    yield thread.start
    ending.set()
    if thread.ident:
        thread.join()


def test_a_terminal_shows_what_happens_while_it_happens(serve, origins, screens, busy):
    config = network()
    sites(config)["static.acme.test"]["probe"] = {"http": "/health", "every": "500ms"}
    waypost = serve(config)
    screen = screens("-c", waypost.path)

    screen.shows(r"^story: 2 of 2 pops up, 2 of 2 nodes")
    screen.shows(r"^up +fra +fra1 ")
    busy()
    # Figures as they are: more than nothing, mostly hits, and no more than there can be.
    found = screen.shows(r"^up +fra +fra1 +([1-9][\d.,]*) +(\d\d|100) % +([\d.]+ [KM]iB) ")
    assert float(found[1].replace(",", "")) < 10000
    screen.shows(r"^static.acme.test +acme +[1-9][\d.]* +\d+ % ")
    assert screen.lines()[-1].startswith(" q leave  s sort: requests")

    origins["nyc"].stop()
    screen.shows(r"\x1b\[31mdown +acme/nyc ", colors=True)  # red, and above the one that is up
    rows = [line.split()[0] for line in screen.lines() if "acme/" in line and ":80" in line]
    assert rows == ["down", "up"]
    screen.shows(r"^\d\d:\d\d:\d\dZ +origin acme/nyc .*down")
    origins["nyc"].start()
    screen.shows(r"^up +acme/nyc ")

    screen.press(b"q")
    assert screen.end() == 0


def test_a_large_network_is_not_asked_for_with_each_figure(serve, screens):
    waypost, pages = serve(network()), 0

    def told(name):
        nonlocal pages
        pages += 1
        return waypost.metric(name, "fra1")

    screen = screens("-c", waypost.path)
    screen.shows("^story:")
    asked, events = told("admin_requests_total"), told("admin_live_events_total")
    pages = 0
    wait_until(lambda: told("admin_live_events_total") >= events + 8, "8 more figures",
               20 * PATIENCE)
    asked = told("admin_requests_total") - asked - pages
    assert 8 <= asked <= 13, "8 times what changed, and 2 or 3 times the network"
    screen.press(b"q")
    assert screen.end() == 0


def test_keys_sort_scroll_and_explain(serve, screens):
    waypost = serve(network())
    screen = screens("-c", waypost.path)
    screen.shows("sort: requests")
    for word in ("bytes", "DNS", "CPU", "name", "requests"):
        screen.press(b"s")
        screen.shows(f"sort: {word}")
    screen.press(b"?")
    screen.shows("sort nodes and sites by the next figure")
    screen.press(b"?")
    first = screen.shows("^story: .*")[0]

    screen.resize(50, 8)
    wait_until(lambda: len(screen.lines()) == 8, "a screen of 8 lines")
    assert max(map(len, screen.lines())) <= 50 and screen.lines()[0] == first[:50][:len(first)]
    screen.press(b"\x1b[B")
    wait_until(lambda: "requests/s" in screen.lines()[0], "scrolled by a line")
    screen.press(b"\x1b[6~")
    wait_until(lambda: "requests/s" not in screen.lines()[0], "scrolled by a screen")
    screen.press(b"\x1b[5~\x1b[A")
    wait_until(lambda: screen.lines()[0].startswith("story:"), "scrolled back")
    screen.press(b"\x03")
    assert screen.end() == 0


def test_a_signal_gives_the_terminal_back(serve, screens):
    waypost = serve(network())
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        screen = screens("-c", waypost.path)
        screen.shows("^story:")
        screen.child.send_signal(number)
        assert screen.end() == 0
    # One that is stopped gives it back until it goes on.
    screen = screens("-c", waypost.path)
    screen.shows("^story:")
    screen.child.send_signal(signal.SIGTSTP)
    wait_until(lambda: screen.read() or LEFT in screen.seen, "the terminal is given back")
    assert termios.tcgetattr(screen.theirs) == screen.before
    screen.seen = b""
    screen.child.send_signal(signal.SIGCONT)
    screen.shows("^story:")
    screen.press(b"q")
    assert screen.end() == 0


def test_a_node_that_is_started_again_comes_back(serve, screens):
    waypost = serve(network())
    screen = screens("-c", waypost.path)
    screen.shows("^story:")
    waypost.process.stop()
    screen.shows("asking again")
    assert any(line.startswith("story:") for line in screen.lines())  # the last that was known
    waypost.start()
    wait_until(lambda: "asking again" not in screen.lines()[-1], "it has answered", 20 * PATIENCE)
    screen.press(b"q")
    assert screen.end() == 0


def test_without_a_terminal_it_is_a_table_or_json(serve):
    waypost = serve(network())
    for words in ((), ("--once",)):
        status, out, err = run_waypost("top", "-c", waypost.path, *words)
        assert status == 0 and err == ""
        assert "\x1b" not in out
        for word in ("story: 2 of 2 pops", "fra1", "nyc1", "static.acme.test", "acme/ams"):
            assert word in out
    status, out, _ = run_waypost("top", "-c", waypost.path, "--json")
    told = json.loads(out)
    assert status == 0 and {n["node"] for n in told["live"]["nodes"]} == {"fra1", "nyc1"}
    assert told["network"]["network"] == "story" and told["changes"]["changes"]


def test_where_no_node_runs_it_says_what_to_do(world):
    path = world.folder / "none.yaml"
    path.write_text(json.dumps({"state": str(world.folder / "none"), **network()}))
    status, out, err = run_waypost("top", "-c", path)
    assert status == 1 and out == "" and "waypost run" in err
    assert run_waypost("top", "--what")[0] == 2

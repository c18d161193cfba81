# SPDX-License-Identifier: Apache-2.0
"""Clients that take connections and time and give nothing for them: slowhttptest in each of its
kinds, and by hand. Whoever means it is served at once meanwhile, and memory stays bounded."""
import contextlib
import os
import pathlib
import re
import socket
import subprocess
import time

import pytest

import way
from raw import Connection, ask
from scripted import Scripted
from waypost import FRA, IS_SANITIZED, network, sites
from world import run, wait_until

SITE = "slow.acme.test"
SMALL, LARGE = b"small", bytes(1 << 20)
VISITOR, ATTACKER = "192.0.2.200", "192.0.2.66"
COUNT, SECONDS = 800, 8 if way.IS_SECURE else 12
# Its handshakes are done on this machine, which has few processors, beside those of visitors.
LONGEST_S = 2 if way.IS_SECURE else 1
# Through a window of a kilobyte a handshake takes seconds, so few come as far as a body in time.
LEAST_CUT = 0 if way.IS_SECURE else COUNT / 4
NAMES = f"127.0.0.1 localhost\n{FRA} {SITE}\n"


def script(conversation):
    """Takes every body, and has a small and a large thing to give."""
    with contextlib.suppress(AssertionError):  # cut short, as slow ones are
        conversation.body()
    conversation.answer(LARGE if conversation.path == "/large" else SMALL,
                        Cache_Control="max-age=600")


@pytest.fixture(scope="module")
def origin(world):
    """The site's web server; slowhttptest finds the node that is before it by the hosts file."""
    hosts = world.place("names") / "hosts"
    hosts.write_text(NAMES)
    run("mount", "--bind", hosts, "/etc/hosts")
    for address in (VISITOR, ATTACKER):
        world.address(address)
    started = Scripted(world, "203.0.113.80", script)
    yield started
    started.stop()


@pytest.fixture
def served(serve, origin):
    """A node with these limits, whose store has what will be asked for."""
    def start(under=(), **limits):
        config = network(limits=limits)
        config["customers"]["acme"]["origins"]["slow"] = {"address": f"{origin.address}:80"}
        sites(config)[SITE] = {"deliver": ["slow"]}
        waypost = serve(config, under=under)
        assert ask(FRA, "/", SITE).body == SMALL
        assert ask(FRA, "/large", SITE).body == LARGE
        return waypost

    return start


def visit():
    """A visitor of another address asks on a new connection; how long that took."""
    began = time.monotonic()
    done = subprocess.run(["curl", "-sS", "--interface", VISITOR, "--max-time", "10",
                           *way.curl_words(), way.url(SITE, "/")], capture_output=True,
                          check=False)
    assert done.stdout == SMALL, done.stderr
    return time.monotonic() - began


KINDS = {
    "headers": ("-H", "-i", 1, "-x", 20),
    "body": ("-B", "-i", 1, "-s", 100000, "-x", 10),
    "range": ("-R", "-a", 5, "-b", 3000, "-t", "GET"),
    "read": ("-X", "-w", 512, "-y", 1024, "-n", 2, "-z", 32, "-k", 3),
}


def busy_seconds(waypost):
    """The processor's time that it has taken so far."""
    with open(f"/proc/{waypost.process.child.pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def attack(waypost, words, path):
    """Lets slowhttptest have its way; the longest visit meanwhile, and how much memory grew."""
    before, busy = waypost.memory_bytes(), busy_seconds(waypost)
    command = ["slowhttptest", *words, "-c", COUNT, "-r", 400, "-l", SECONDS, "-p", 3,
               "-u", way.url(SITE, path)]
    environment = {**os.environ, "TERM": "dumb"}
    longest, most = 0, 0
    with subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, env=environment) as child:
        time.sleep(0.5)
        while child.poll() is None:
            longest = max(longest, visit())
            most = max(most, waypost.memory_bytes() - before)
            time.sleep(0.1)
        said = child.stdout.read().decode(errors="replace")
    print(f"\n{words[0]}: longest visit {longest * 1000:.0f} ms, memory grew by {most >> 10} KiB, "
          f"{busy_seconds(waypost) - busy:.1f} s of CPU, "
          f"{last_state(said)}")
    return longest, most


def last_state(said):
    """What slowhttptest found at its end."""
    plain = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", said)
    return ", ".join(" ".join(found) for found in
                     re.findall(r"(connected|error|closed|service available): *(\w+)", plain)[-4:])


@pytest.mark.parametrize("kind", KINDS)
def test_others_are_served_at_once(served, kind):
    waypost = served(head="3s", stall="4s")
    longest, most = attack(waypost, KINDS[kind], "/large" if kind in ("range", "read") else "/")
    assert longest < LONGEST_S or IS_SANITIZED
    assert most < COUNT * (64 << 10) or IS_SANITIZED
    cut = {what: waypost.metric("http_timeouts_total", "fra1", what=what)
           for what in ("head", "body")}
    expected = {"headers": "head", "body": "body", "read": "body"}.get(kind)
    assert expected is None or cut[expected] > LEAST_CUT, cut
    wait_until(lambda: waypost.metric("http_connections_total", "fra1") -
               waypost.metric("http_connections_closed_total", "fra1") < 10, "all are gone", 15)


def test_heads_that_drip_in_keep_nobody_out_when_all_connections_are_taken(served):
    waypost = served(connections=200, per_client=1000)
    longest, _ = attack(waypost, KINDS["headers"], "/")
    assert longest < LONGEST_S or IS_SANITIZED
    assert waypost.metric("http_connections_evicted_total", "fra1") > 0


def test_visitors_come_in_when_the_connections_granted_are_more_than_the_descriptors(served):
    """It starts under a low soft limit of open files, and a hard one that it may not raise."""
    waypost = served(["prlimit", "--nofile=64:400", "setpriv", "--bounding-set=-sys_resource"])
    limits = re.search(r"Max open files +(\d+) +(\d+)",
                       pathlib.Path(f"/proc/{waypost.process.child.pid}/limits").read_text())
    assert limits.groups() == ("400", "400")
    assert "few_descriptors limit=400" in waypost.process.output()
    with contextlib.ExitStack() as held:
        for _ in range(500):
            held.enter_context(Connection(FRA))
        assert max(visit() for _ in range(20)) < 1 or IS_SANITIZED
    assert waypost.metric("http_connections_evicted_total", "fra1") > 0
    assert waypost.metric("loop_accept_limited_total", "fra1") == 0


def connect_from(address):
    """A connection from this address; None when it is hung up on before a word is said."""
    sock = socket.create_connection((FRA, way.PORT), timeout=5, source_address=(address, 0))
    sock.settimeout(0.1)
    try:
        assert sock.recv(1) == b""
    except socket.timeout:
        return sock
    except ConnectionResetError:
        pass
    sock.close()
    return None


def test_one_client_gets_so_many_connections(served):
    waypost = served(per_client=20)
    kept = [sock for sock in (connect_from(ATTACKER) for _ in range(60)) if sock]
    assert 20 <= len(kept) <= 2 * (10 + 2 + 4)  # two workers: half each, a quarter more, and four
    refused = waypost.metric("http_connections_turned_away_total", "fra1", limit="client")
    assert refused == 60 - len(kept)
    assert visit() < 1
    for sock in kept:
        sock.close()
    wait_until(lambda: connect_from(ATTACKER), "there is room again")


def test_limits_are_changed_by_a_reload(served):
    waypost = served()
    kept = [connect_from(ATTACKER) for _ in range(8)]
    assert all(kept)
    config = {**waypost.config, "limits": {"per_client": 1}}
    waypost.reload(config)
    wait_until(lambda: [connect_from(ATTACKER) for _ in range(12)].count(None) > 0, "it holds")
    for sock in kept:  # who is there may stay
        sock.settimeout(5)
        sock = way.greeted(sock)
        sock.sendall(f"GET / HTTP/1.1\r\nHost: {SITE}\r\n\r\n".encode())
        assert sock.recv(20).startswith(b"HTTP/1.1 200")


def test_who_reads_is_told_from_who_does_not(served):
    waypost = served(stall="2s")
    # Far slower than the kernel's buffer would tell: it asks for more when a third of it is read.
    with Connection(FRA) as slow:
        slow.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 14)
        slow.send(f"GET /large HTTP/1.1\r\nHost: {SITE}\r\n\r\n" * 6)
        for _ in range(60):
            assert slow.sock.recv(4096)
            time.sleep(0.1)
    assert waypost.metric("http_timeouts_total", "fra1", what="body") == 0
    with Connection(FRA) as stopped:
        stopped.send(f"GET /large HTTP/1.1\r\nHost: {SITE}\r\n\r\n" * 6)
        wait_until(lambda: waypost.metric("http_timeouts_total", "fra1", what="body") == 1, "cut")

# SPDX-License-Identifier: Apache-2.0
"""Access logs: each request is one line, what it says was sent is what was sent, and neither full
disks nor programs that die keep a visitor waiting."""
import collections
import datetime
import json
import os
import re
import signal
import socket
import subprocess
import time

import pytest

import way
from raw import Connection, ask
from waypost import FRA, network, sites
from world import run, wait_until

STATIC, SHOP = "static.acme.test", "shop.acme.test"
PAGE = "/sqlite.css"
COMBINED = re.compile(
    r'(\S+) - - \[(\d\d/[A-Z][a-z][a-z]/\d{4}:\d\d:\d\d:\d\d \+0000)\] '
    r'"(\S+) (\S+) (HTTP/[12]\.[01])" (\d{3}) (\d+) "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"')
KEYS = ["time", "site", "pop", "node", "client", "method", "path", "protocol", "tls", "status",
        "sent_bytes", "duration", "cache", "referer", "agent"]
MADE = "access_log_lines_total"


@pytest.fixture
def config():
    """One node, so that nobody else asks it for anything, and two sites of a customer."""
    one = network()
    del one["pops"]["nyc"]
    sites(one)[SHOP] = {"deliver": ["ams"]}
    return one


def logged(config, folder, **more):
    """The configuration with a log in the folder, and where that is."""
    path = folder / "access.log"
    config["customers"]["acme"]["access_log"] = {"file": str(path), **more}
    return path


def lines(path):
    """Those of a file that are there in whole."""
    return path.read_bytes().split(b"\n")[:-1] if path.exists() else []


def wait_for(path, count):
    """The lines of a file, as soon as there are so many."""
    wait_until(lambda: len(lines(path)) >= count, f"{count} lines in {path}")
    assert len(lines(path)) == count
    return lines(path)


def objects(found):
    """What lines of JSON say."""
    said = [json.loads(line) for line in found]
    assert all(list(one) == KEYS for one in said)
    return said


def curl(path, *options, host=STATIC, seconds=20):
    """Asks once; returns the bytes that came, heads and body."""
    done = subprocess.run(
        ["curl", "-s", "-o", "/dev/null", "-w", "%{size_header} %{size_download}", "--resolve",
         f"{host}:{way.PORT}:{FRA}", *way.curl_words(), *options, way.url(host, path)],
        capture_output=True, text=True, timeout=seconds, check=False)
    return sum(map(int, done.stdout.split()))


def counted(waypost, site):
    """Requests for a site and bytes that were sent for it, as they are billed."""
    return tuple(int(waypost.metric(name, site=site))
                 for name in ("site_requests_total", "site_sent_bytes_total"))


def test_a_line_says_what_was_asked_and_what_came_of_it(serve, config, world, origins):
    path = logged(config, world.place("json"), format="json")
    waypost = serve(config)
    sizes = [curl(PAGE, "--http1.1", "-A", 'a "b" \\c'), curl(PAGE, "--http1.1", "-e", "http://é/"),
             curl(PAGE, "--http1.1", "-r", "0-9", host=SHOP), curl("/dynamic?x=1", "--http1.1"),
             curl("/none", "--http1.1")]
    head = ask(FRA, PAGE, STATIC, "HEAD")
    # Each worker's lines are in their turn; those of two stand as they are written, and two that
    # follow at once may be of the same millisecond.
    said = sorted(objects(wait_for(path, 6)), key=lambda one: (one["method"] == "HEAD", one["time"]))
    assert [one["sent_bytes"] for one in said[:5]] == sizes
    assert [(one["site"], one["path"], one["status"], one["cache"]) for one in said] == [
        (STATIC, PAGE, 200, "miss"), (STATIC, PAGE, 200, "hit"), (SHOP, PAGE, 206, "miss"),
        (STATIC, "/dynamic?x=1", 200, "pass"), (STATIC, "/none", 404, "miss"),
        (STATIC, PAGE, 200, "hit")]
    assert head.status == 200 and [said[0]["method"], said[5]["method"]] == ["GET", "HEAD"]
    assert said[0]["agent"] == 'a "b" \\c' and said[1]["referer"] == "http://é/"
    assert {(one["pop"], one["node"], one["protocol"]) for one in said} == {
        ("fra", "fra1", "HTTP/1.1")}
    assert {one["tls"] for one in said} == ({"TLSv1.3"} if way.IS_SECURE else {None})
    now = datetime.datetime.now(datetime.timezone.utc)
    for one in said:
        began = datetime.datetime.fromisoformat(one["time"].replace("Z", "+00:00"))
        assert abs((now - began).total_seconds()) < 60 and 0 <= one["duration"] < 30
    assert waypost.metric(MADE) == 6


def test_what_strangers_write_stays_within_its_field(serve, config, world, origins):
    path = logged(config, world.place("escapes"))
    serve(config)
    with Connection(FRA) as connection:
        for field in (b'x" 200 1 "-" "y', b"\\", b"\xff\xc3\xa9", b"tab\there"):
            connection.send(b"GET " + PAGE.encode() + b" HTTP/1.1\r\nHost: " + STATIC.encode() +
                            b"\r\nUser-Agent: " + field + b"\r\n\r\n")
            connection.reply()
    found = [COMBINED.fullmatch(line.decode("ascii")) for line in wait_for(path, 4)]
    assert [one[9] for one in found] == [
        r'x\" 200 1 \"-\" \"y', r"\\", r"\xff\xc3\xa9", r"tab\there"]


def test_who_leaves_early_is_written_down_with_what_was_sent(serve, config, world, origins, pages):
    path = logged(config, world.place("early"), format="json")
    (pages / "large").write_bytes(os.urandom(30 << 20))
    waypost = serve(config)
    curl("/large", "--http1.1")
    before = counted(waypost, STATIC)
    with socket.socket() as slow: # reads a little, and then hangs up
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        slow.connect((FRA, 80))
        slow.sendall(f"GET /large HTTP/1.1\r\nHost: {STATIC}\r\n\r\n".encode())
        time.sleep(0.3)
        slow.recv(100000)
    said = objects(wait_for(path, 2))
    assert said[0]["sent_bytes"] > 30 << 20
    assert 100000 < said[1]["sent_bytes"] < 20 << 20
    after = counted(waypost, STATIC)
    assert before == (1, said[0]["sent_bytes"])
    assert after == (2, said[0]["sent_bytes"] + said[1]["sent_bytes"])


def test_books_and_log_agree_under_load_and_files_that_move(serve, config, world, origins):
    folder = world.place("load")
    path = logged(config, folder, format="json")
    waypost = serve(config)
    visits = [subprocess.Popen(
        ["wrk", "-t1", "-c16", "-d30s", "-H", f"Host: {host}", f"http://{FRA}{PAGE}"],
        stdout=subprocess.DEVNULL) for host in (STATIC, SHOP)]
    for number in range(10):  # as logrotate does
        time.sleep(0.4)
        wait_until(lambda: lines(path), "lines to move")
        path.rename(folder / f"access.log.{number}")
        waypost.process.send(signal.SIGUSR1)
        wait_until(path.exists, "a new file")
    for one in visits: # in the middle of many answers
        one.kill()
        one.wait()
    wait_until(lambda: waypost.metric("http_connections_total") ==
               waypost.metric("http_connections_closed_total"), "all have left")
    billed = {site: counted(waypost, site) for site in (STATIC, SHOP)}
    requests = sum(of_site[0] for of_site in billed.values())
    files = [folder / f"access.log.{number}" for number in range(10)] + [path]
    wait_until(lambda: sum(len(lines(file)) for file in files) >= requests, "all lines")
    said, bytes_said = collections.Counter(), collections.Counter()
    for file in files:
        for one in objects(lines(file)):
            said[one["site"]] += 1
            bytes_said[one["site"]] += one["sent_bytes"]
    assert waypost.metric("access_log_dropped_total") == 0
    assert {site: (said[site], bytes_said[site]) for site in said} == billed
    assert min(said.values()) > 1000 and sum(bytes_said.values()) > 1 << 24
    assert all(len(lines(file)) > 0 for file in files[:10])


def test_http2_is_written_down_stream_by_stream(serve, secured, world, origins):
    del secured["pops"]["nyc"]
    path = logged(secured, world.place("h2"), format="json")
    serve(secured)
    said = run("h2load", "-n", "2000", "-c", "4", "-m", "20", f"--connect-to={FRA}:443",
               f"https://{STATIC}{PAGE}")
    assert "2000 succeeded" in said
    total = int(re.search(r"traffic: \S+ \((\d+)\) total", said)[1])
    found = objects(wait_for(path, 2000))
    assert {(one["protocol"], one["tls"]) for one in found} == {("HTTP/2.0", "TLSv1.3")}
    # To each of four connections a few frames belong that are no stream's.
    assert 0 < total - sum(one["sent_bytes"] for one in found) < 4 * 200


def test_logs_of_a_reload_are_begun_and_left_whole(serve, config, world, origins):
    folder = world.place("reload")
    waypost = serve(config)
    curl(PAGE, "--http1.1")
    assert waypost.metric(MADE) == 0
    path = logged(config, folder)
    waypost.reload(config)
    wait_until(lambda: curl(PAGE, "--http1.1") and waypost.metric(MADE) > 0, "the log is in use")
    del config["customers"]["acme"]["access_log"]
    waypost.reload(config)

    def is_left():
        made = waypost.metric(MADE)
        curl(PAGE, "--http1.1")
        return waypost.metric(MADE) == made

    wait_until(is_left, "the log is left")
    wait_until(lambda: len(lines(path)) == waypost.metric(MADE), "all lines")
    assert all(COMBINED.fullmatch(line.decode()) for line in lines(path))


def test_a_program_that_dies_is_started_again_and_holds_nobody_up(serve, config, world, origins):
    folder = world.place("program")
    program = folder / "reader"
    program.write_text(f"#!/bin/sh\necho $$ > {folder}/pid\nexec cat >> {folder}/out\n")
    program.chmod(0o755)
    config["customers"]["acme"]["access_log"] = {"pipe": f"exec {program}"}
    waypost = serve(config)
    curl(PAGE, "--http1.1")
    wait_for(folder / "out", 1)
    os.kill(int((folder / "pid").read_text()), signal.SIGKILL)
    for _ in range(20):
        assert ask(FRA, PAGE, STATIC).status == 200
    wait_until(lambda: waypost.metric("access_log_programs_total") == 2, "it runs again")
    wait_until(lambda: waypost.metric("access_log_bytes_total") > 0 and
               len(lines(folder / "out")) >= 20, "what was said meanwhile")
    assert len(lines(folder / "out")) <= 21
    assert "not_written pipe=" in waypost.process.output()
    assert "killed by signal 9" in waypost.process.output()


def test_a_program_that_reads_nothing_holds_nobody_up(serve, config, world, origins):
    config["customers"]["acme"]["access_log"] = {"pipe": "exec sleep 1000", "format": "json"}
    waypost = serve(config)
    run("wrk", "-t1", "-c16", "-d3s", "-H", f"Host: {STATIC}", f"http://{FRA}{PAGE}")
    wait_until(lambda: waypost.metric("access_log_dropped_total", at="place") > 0, "lines dropped")
    assert ask(FRA, PAGE, STATIC).status == 200
    assert waypost.metric("access_log_dropped_total", at="ring") == 0
    assert "too_slow pipe=" in waypost.process.output()


def test_a_full_disk_is_told_and_visitors_are_served(serve, config, world, origins):
    folder = world.place("full")
    run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder))
    path = logged(config, folder)
    waypost = serve(config)
    ballast = folder / "ballast"
    ballast.write_bytes(bytes(48 << 10))
    for _ in range(400):
        assert ask(FRA, PAGE, STATIC).status == 200
    wait_until(lambda: waypost.metric("access_log_failures_total") > 0, "the disk is full")
    assert re.search(r"not_written file=.*No space left", waypost.process.output())
    ballast.unlink()
    wait_for(path, 400) # held till there was room
    assert "written_again" in waypost.process.output()
    assert all(COMBINED.fullmatch(line.decode()) for line in lines(path))


def test_goaccess_reads_the_combined_form(serve, config, world, origins):
    folder = world.place("goaccess")
    path = logged(config, folder)
    serve(config)
    for _ in range(3):
        curl(PAGE, "--http1.1", "-A", 'Mozilla/5.0 "x"')
    curl("/none", "--http1.1")
    wait_for(path, 4)
    report = folder / "report.json"
    run("goaccess", str(path), "--log-format=COMBINED", "--no-global-config", "-o", str(report))
    general = json.loads(report.read_text())["general"]
    assert general["total_requests"] == general["valid_requests"] == 4
    assert general["failed_requests"] == 0
    assert general["bandwidth"] == sum(int(COMBINED.fullmatch(line.decode())[7])
                                       for line in lines(path))

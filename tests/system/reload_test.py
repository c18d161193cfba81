# SPDX-License-Identifier: Apache-2.0
"""Changing the configuration while the world looks on: no request fails, no question is lost."""
import copy
import re
import subprocess
import threading
import time

import dns.message
import dns.query

import way
from raw import Connection, ask
from scripted import Scripted, trickle
from waypost import AMS_ORIGIN, FRA, NYC_ORIGIN, network, sites
from world import wait_until

STATIC, WWW = "static.acme.test", "www.acme.test"
RELOADS = 100
# By HTTPS on four connections of HTTP/2 with as many requests at a time.
LOAD = ["h2load", "-D12", "-t1", "-c4", "-m4", f"--connect-to={FRA}:443",
        way.url(STATIC, "/sqlite.css")] if way.IS_SECURE else [
            "wrk", "-t1", "-c16", "-d12s", "--timeout", "5s", "-H", f"Host: {STATIC}",
            f"http://{FRA}/sqlite.css"]


class Asker(threading.Thread):
    """Asks over and over; remembers what had no answer or a wrong one."""

    def __init__(self):
        super().__init__(daemon=True)
        self.asked, self.failed, self.ending = 0, [], False

    def run(self):
        while not self.ending:
            query = dns.message.make_query((STATIC, WWW)[self.asked % 2], "A")
            try:
                reply = dns.query.udp(query, FRA, timeout=2)
                if len(reply.answer) != 1:
                    self.failed.append(str(reply))
            except Exception as error:  # pylint: disable=broad-except
                self.failed.append(repr(error))
            self.asked += 1


def steered_to():
    """Where the page's name leads."""
    reply = dns.query.udp(dns.message.make_query(WWW, "A"), FRA, timeout=3)
    return str(reply.answer[0][0])


def test_a_hundred_reloads_under_load_lose_nothing(serve, origins):
    config = network()
    waypost = serve(config)
    assert ask(FRA, "/sqlite.css", STATIC).status == 200
    kept = Connection(FRA, seconds=30)
    asker = Asker()
    load = subprocess.Popen(LOAD, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    asker.start()
    for n in range(RELOADS):
        changed = copy.deepcopy(config)
        sites(changed)[WWW]["ttl"] = f"{n + 1}s"
        waypost.reload(changed)
        time.sleep(0.1)
    output = load.communicate(timeout=60)[0]
    asker.ending = True
    asker.join(10)

    assert not asker.failed and asker.asked > 500, asker.failed[:3]
    assert "Socket errors" not in output and "Non-2xx" not in output, output
    assert not way.IS_SECURE or "0 failed, 0 errored, 0 timeout" in output, output
    assert int(re.search(r"(\d+) (?:requests in|succeeded)", output)[1]) > 1000, output
    kept.send(f"GET /sqlite.css HTTP/1.1\r\nHost: {STATIC}\r\n\r\n")
    assert kept.reply().cache() == ("fra1", "hit")  # opened before, and what is stored stayed
    kept.sock.close()
    wait_until(lambda: dns.query.udp(dns.message.make_query(WWW, "A"), FRA,
                                     timeout=3).answer[0].ttl == RELOADS, "the last release rules")


def test_a_reload_changes_where_a_name_leads(serve, origins):
    config = network()
    sites(config)[WWW] = {"steer": ["ams"]}
    waypost = serve(config)
    assert steered_to() == AMS_ORIGIN
    sites(config)[WWW] = {"steer": ["nyc"]}
    waypost.reload(config)
    wait_until(lambda: steered_to() == NYC_ORIGIN, "the answer moves", 3)


def test_a_reload_adds_and_removes_sites(serve, origins):
    config = network()
    waypost = serve(config)
    assert ask(FRA, "/sqlite.css", "new.acme.test").status in (404, 421)
    sites(config)["new.acme.test"] = {"deliver": ["ams"]}
    waypost.reload(config)
    wait_until(lambda: ask(FRA, "/sqlite.css", "new.acme.test").status == 200, "a new site", 3)
    del sites(config)["new.acme.test"]
    waypost.reload(config)
    wait_until(lambda: ask(FRA, "/sqlite.css", "new.acme.test").status in (404, 421), "gone", 3)


def test_a_wrong_configuration_changes_nothing_and_says_why(serve, origins):
    config = network()
    sites(config)[WWW] = {"steer": ["ams"]}
    waypost = serve(config)
    wrong = copy.deepcopy(config)
    sites(wrong)[WWW] = {"steer": ["nowhere"]}
    waypost.reload(wrong)
    wait_until(lambda: "nowhere" in waypost.process.output(), "the reason in the log", 3)
    assert steered_to() == AMS_ORIGIN
    waypost.write(config)
    waypost.reload(config)
    time.sleep(0.3)
    assert steered_to() == AMS_ORIGIN


def test_answers_in_the_making_are_finished(serve, world, origins):
    """A request that began under the old release is served to its end."""
    def slow(conversation):
        conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n")
        trickle(conversation, b"x" * 3000, 0.05, 100)

    origin = Scripted(world, "203.0.113.88", slow)
    config = network()
    config["customers"]["acme"]["origins"]["slow"] = {"address": f"{origin.address}:80"}
    sites(config)["slow.acme.test"] = {"deliver": ["slow"]}
    waypost = serve(config)
    with Connection(FRA) as connection:
        connection.send("GET /x HTTP/1.1\r\nHost: slow.acme.test\r\n\r\n")
        time.sleep(0.2)
        del sites(config)["slow.acme.test"]
        del config["customers"]["acme"]["origins"]["slow"]
        waypost.reload(config)
        assert connection.reply().body == b"x" * 3000
    origin.stop()


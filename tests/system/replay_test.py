# SPDX-License-Identifier: Apache-2.0
"""What was answered is answered again later, with all its reasons, whatever happened since."""
import collections
import copy
import datetime
import http.client
import itertools
import json
import random
import re
import signal
import time
import urllib.parse

import dns.edns
import dns.message
import dns.query
import pytest

from origin import Origin, slow_probe
from waypost import AMS_ORIGIN, FRA, NYC, NYC_ORIGIN, PATIENCE, network, run_waypost, sites
from world import wait_until

QUESTIONS = 1000
LIVE_EACH = 10  # of so many, one is explained on the spot too
PROBE = {"http": "/probe", "every": "200ms", "timeout": "800ms"}
NODES = {"fra1": FRA, "nyc1": NYC}
NAMES = ["even.acme.test", "shares.acme.test", "loyal.acme.test", "list.acme.test",
         "best.acme.test", "static.acme.test"]
numbers = itertools.count(1)
Asked = collections.namedtuple("Asked", "begin end node name client address live")


def config_of():
    """Two pops, two origins, and a site of each policy."""
    config = network()
    sites(config).clear()
    sites(config).update({
        "even.acme.test": {"steer": ["ams", "nyc"], "policy": "balanced", "ttl": "1s",
                           "weigh": {"response": 2}, "probe": PROBE},
        "shares.acme.test": {"steer": ["ams", "nyc"], "policy": "weighted", "ttl": "1s",
                             "weights": {"ams": 3, "nyc": 1}, "probe": PROBE},
        "loyal.acme.test": {"steer": ["ams", "nyc"], "policy": "sticky", "ttl": "1s",
                            "probe": PROBE},
        "list.acme.test": {"steer": ["ams", "nyc"], "policy": "ordered", "ttl": "1s",
                           "probe": PROBE},
        "best.acme.test": {"steer": ["nyc", "ams"], "policy": "strict", "ttl": "1s",
                           "probe": PROBE},
        "static.acme.test": {"deliver": ["ams", "nyc"], "ttl": "1s"}})
    return config


def utc(seconds):
    """As RFC 3339 has it, with microseconds."""
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Why:
    """Asks nodes for reasons, each over one connection."""

    def __init__(self, waypost):
        self.links = {node: http.client.HTTPConnection("127.0.0.1", port, timeout=10)
                      for node, port in waypost.admins.items()}

    def ask(self, node, **words):
        """Status and JSON."""
        link = self.links[node]
        link.request("GET", "/api/v1/why?" + urllib.parse.urlencode({"node": node, **words}))
        reply = link.getresponse()
        return reply.status, json.loads(reply.read())

    def replay(self, asked, at):
        """The whole answer of then."""
        status, said = self.ask(asked.node, name=asked.name, client=asked.client, at=utc(at))
        assert status == 200, (asked, utc(at), said)
        return said


def reasons(said):
    """What of an explanation does not change by being looked at later: all but ages, and the
    checks as they are now."""
    def kept(value):
        if isinstance(value, list):
            return [kept(item) for item in value]
        if not isinstance(value, dict):
            return value
        return {key: kept(item) for key, item in value.items()
                if key not in ("now", "at", "release", "age_s", "checks")}
    return kept(said)


def total(waypost, name, **labels):
    """The sum of all rows of a metric that carry these labels, as the process tells it once."""
    rows = re.findall(rf"^waypost_{name}{{(.*)}} (\S+)$", waypost.admin_text("/metrics"), re.M)
    return sum(float(value) for row, value in rows
               if all(f'{key}="{label}"' in row for key, label in labels.items()))


def address_of(said):
    """That a replayed answer gives out."""
    return said["answers"][0]["addresses"][0]


def ask(rng, why, number):
    """One question by UDP, on behalf of some client's network."""
    node, name = rng.choice(list(NODES)), rng.choice(NAMES)
    client = f"198.51.{rng.randrange(1, 250)}.7"
    query = dns.message.make_query(name, "A", use_edns=0,
                                   options=[dns.edns.ECSOption(client, 32)])
    begin = time.time()
    reply = dns.query.udp(query, NODES[node], timeout=3)
    live = None
    if number % LIVE_EACH == 0:
        status, live = why.ask(node, name=name, client=client)
        assert status == 200
    end = time.time()
    return Asked(begin, end, node, name, client, str(reply.answer[0][0]), live)


def check(why, asked):
    """Whether it is answered again as it was; and whether it was given right at a change, where
    either side of it is right."""
    said = why.replay(asked, asked.begin)
    is_so = address_of(said) == asked.address
    if asked.live:
        is_so = is_so and reasons(said) == reasons(asked.live)
    if is_so:
        return said, False
    later = why.replay(asked, asked.end)
    found = {address_of(said), address_of(later)}
    assert reasons(said) != reasons(later), f"{asked}: answered again with {found}"
    assert asked.address in found, f"{asked}: answered again with {found}"
    assert asked.live is None or reasons(asked.live) in (reasons(said), reasons(later)), asked
    return later, True


@pytest.fixture
def pair(world):
    """The customer's two web servers, by address."""
    made = {address: Origin(world, f"replay{next(numbers)}", address, world.folder,
                            slow_probe(0))
            for address in (AMS_ORIGIN, NYC_ORIGIN)}
    yield made
    for origin in made.values():
        if origin.process.is_running():
            origin.kill()


def troubles(waypost, config, pair):
    """What happens meanwhile, step by step."""
    changed = copy.deepcopy(config)
    sites(changed)["shares.acme.test"]["weights"] = {"ams": 1, "nyc": 5}
    sites(changed)["list.acme.test"]["steer"] = ["nyc", "ams"]
    del sites(changed)["best.acme.test"]

    def order(verb, *what):
        status, out, err = run_waypost(verb, *what, "--no-wait", "-c", waypost.path)
        assert status == 0, err or out

    return [lambda: pair[NYC_ORIGIN].change(slow_probe(0.06)),
            pair[AMS_ORIGIN].kill,
            lambda: order("drain", "pop", "fra"),
            lambda: pair[NYC_ORIGIN].change(slow_probe(0)),
            pair[AMS_ORIGIN].start,
            lambda: order("undrain", "pop", "fra"),
            lambda: order("drain", "origin", "acme/nyc"),
            lambda: waypost.reload(changed),
            lambda: order("undrain", "origin", "acme/nyc"),
            pair[NYC_ORIGIN].kill]


def live(waypost, config, pair):
    """A thousand questions, while one thing after the other happens."""
    rng, why, all_asked = random.Random(7), Why(waypost), []
    names = list(NAMES)
    steps = troubles(waypost, config, pair)
    each = QUESTIONS // (len(steps) + 1)
    for number in range(QUESTIONS):
        if number > 0 and number % each == 0 and steps:
            if len(steps) == 3:  # the reload takes a site away
                NAMES.remove("best.acme.test")
            steps.pop(0)()
        all_asked.append(ask(rng, why, number))
        time.sleep(0.008)
    NAMES[:] = names
    return all_asked


def check_all(waypost, all_asked):
    """Answers all of it again; the reasons, releases and maps that it saw."""
    why, edges, seen = Why(waypost), 0, collections.defaultdict(set)
    for asked in sorted(all_asked):
        said, is_edge = check(why, asked)
        edges += is_edge
        seen["reasons"].add(said["answers"][0]["reason"])
        seen["releases"].add(said["release"])
        seen["maps"].add(said["map"]["hash"])
    assert edges <= QUESTIONS // 50, f"{edges} answers were given at a change"
    return seen


def test_a_thousand_answers_are_replayed_as_they_were(serve, pair):
    config = config_of()
    waypost = serve(config)
    why = Why(waypost)
    wait_until(lambda: why.ask("fra1", name=NAMES[0])[1].get("map", {}).get("observers", 0) > 0,
               "it is measured", 20 * PATIENCE)
    begin = time.time()
    all_asked = live(waypost, config, pair)

    check_all(waypost, all_asked[::10])
    time.sleep(1.5)  # what was not written down is not known
    killed = time.time()
    waypost.process.kill()
    time.sleep(1)
    waypost.start()
    seen = check_all(waypost, all_asked)
    assert {"best", "drawn", "next"} <= seen["reasons"], seen
    # The first release outlives an epoch, so that it alone has more than one map.
    assert len(seen["releases"]) == 2 and len(seen["maps"]) > 2, f"hardly anything happened: {seen}"

    why = Why(waypost)
    status, said = why.ask("nyc1", name=NAMES[0], at=utc(killed + 0.5))
    assert (status, said["error"]["code"]) == (404, "gap"), said
    status, said = why.ask("nyc1", name=NAMES[0], at=utc(begin - 3600))
    assert (status, said["error"]["code"]) == (404, "past"), said
    gone = next(asked for asked in all_asked if asked.name == "best.acme.test")
    status, out, err = run_waypost("why", gone.name, "--client", gone.client, "--at",
                                   utc(gone.end), "--node", gone.node, "-c", waypost.path)
    assert status == 0, err
    assert "As it was at" in out and "best.acme.test for" in out
    status, out, err = run_waypost("why", NAMES[0], "--at", "-1s", "-c", waypost.path)
    assert status == 0 and "As it was at" in out, err


def test_what_was_given_out_is_counted_by_target_and_reason(serve, pair):
    waypost = serve(config_of())
    rng, why, wanted = random.Random(1), Why(waypost), collections.Counter()
    wait_until(lambda: why.ask("fra1", name=NAMES[0])[1].get("map"), "there is a map", 20)
    for number in range(1, 200):
        asked = ask(rng, why, number)
        wanted[asked.node, asked.name] += 1

    rows = json.loads(waypost.admin_text("/api/v1/answers?limit=10000"))["answers"]
    counted = collections.Counter()
    for row in rows:
        counted[row["node"], row["site"]] += row["addresses"]
        assert row["addresses"] == total(waypost, "addresses_given_total", **{
            key: row[key] for key in ("node", "site", "target", "reason")})
    assert counted == wanted
    for (node, name), addresses in wanted.items():
        assert addresses == total(waypost, "site_dns_addresses_total", node=node, site=name)
    place, paged = "", []
    while place is not None:
        page = json.loads(waypost.admin_text(f"/api/v1/answers?limit=3{place}"))
        paged += page["answers"]
        place = f"&after={page['after']}" if "after" in page else None
    assert paged == rows


def test_a_disk_that_takes_nothing_stops_no_answer_and_is_said(serve, pair, world):
    config = config_of()
    state = world.place("broken-state")
    (state / "fra1").mkdir()
    (state / "fra1" / "past").write_text("in the way\n")
    waypost = serve({**config, "state": str(state)})
    rng, why = random.Random(2), Why(waypost)
    for number in range(1, 20):
        assert ask(rng, why, number).address
    wait_until(lambda: total(waypost, "history_write_errors_total", node="fra1") > 0,
               "it is counted", 10)
    assert total(waypost, "history_written_bytes_total", node="nyc1") > 0
    said = re.findall(r"history cannot_write.*", waypost.process.output())
    assert len(said) == 1 and "mend=" in said[0], said
    status, said = why.ask("fra1", name=NAMES[0], at="-0s")
    assert status == 404 and said["error"]["mend"], said

    (state / "fra1" / "past").unlink()
    wait_until(lambda: why.ask("fra1", name=NAMES[0], at="-0s")[0] == 200, "it is mended", 20)
    assert "can_write_again" in waypost.process.output()
    waypost.stop(signal.SIGTERM)

# SPDX-License-Identifier: Apache-2.0
"""
What waypost must do, line by line, on one network (wan.py): three pops on machines of their own with
two workers each, lines with delays, real web servers, FTP servers, resolvers, browsers. Each story
quotes its requirement and names the command that a client gives; names are found by the resolver
that stands in the client's /etc/resolv.conf, and by nothing else.
"""
import decimal
import json
import pathlib
import re
import signal
import subprocess
import time

import pytest

from asking import CLIENTS, answers, dig, wait_for_places
from load import Busy, Crowd, Starved, hold
from visitor import reply_parse
from waypost import AMS_ORIGIN, BINARY, FRA, NYC, NYC_ORIGIN, PATIENCE, ZONE
from wan import (APP, BUSY, CAPACITY, FAR, NEAR, ONE_WAY_MS, PAGE, PICTURE, POPS, QUICK, SHARED,
                 SHOP, SIN, STATIC, THEIRS, WWW, Wan)
from world import run, wait_until

ORIGINS = {AMS_ORIGIN: "ams", NYC_ORIGIN: "nyc"}
NODES = {address: node for node, address in POPS.items()}
HERE = pathlib.Path(__file__).resolve().parents[2]
CENT = decimal.Decimal("0.01")
PROTOTYPE = r"^(?:\[\[nodiscard\]\]\s+)?[a-z][\w *]*?\b(\w+)\([^;{]*\);"


@pytest.fixture(scope="module")
def wan(world):
    """All of it."""
    everything = Wan(world)
    yield everything
    everything.stop()


@pytest.fixture(scope="module")
def visit(wan):
    """Somebody in Berlin has opened the page in Chromium: replies by URL, and who it was."""
    visitor = wan.at(1)
    return visitor.browse(f"http://{WWW}{PAGE}"), visitor


def statics(replies):
    """Those of the static site, by path."""
    start = f"http://{STATIC}"
    return {url[len(start):]: reply for url, reply in replies.items() if url.startswith(start)}


def counted(wan, name, **labels):
    """A metric by node."""
    return {node: waypost.metric(name, node, **labels) for node, waypost in wan.of.items()}


def reports(wan, node):
    """What a node holds: the value by (check, kind, observer)."""
    return {(r["check"], r["kind"], r["observer"]): r["value"]
            for r in wan.json(node, "view?limit=5000")["reports"]}


def terms(wan, name, node="fra1"):
    """By target, what a node weighs for a site, and what it asks of that."""
    return {t["name"]: t for t in wan.json(node, f"why?name={name}")["targets"]}


def test_r01_a_page_on_an_origin_is_delivered_and_embeds_static_content(wan, visit):
    """R1: "A page on an origin is delivered to the user; it embeds a URL for static (cacheable)
    content." The owner's folder is moved by `waypost rewrite DIR --site static.acme.test`; the
    client: `chromium http://www.acme.test/atomiccommit.html`."""
    replies, _ = visit
    page = replies[f"http://{WWW}{PAGE}"]
    moved = {file["file"]: file["changes"] for file in wan.rewritten["files"]}[PAGE[1:]]

    assert page.status == 200 and page.headers["x-origin"] in ORIGINS.values()
    assert "cache-status" not in page.headers
    assert len(moved) >= 25 and all(f"http://{STATIC}/" in change["to"] for change in moved)
    embedded = {re.search(rf"http://{STATIC}(/[^\s\"'#?]+)", change["to"])[1] for change in moved}
    assert embedded <= set(statics(replies))
    assert all(reply.status == 200 for reply in replies.values())
    assert not [url for url in replies if url.startswith(f"http://{WWW}/images")]


def test_r02_a_page_embeds_a_second_url_for_dynamic_content_of_several_origins(wan):
    """R2: "The page may embed a second URL for dynamic content, which several origins serve." The
    client: `chromium http://www.acme.test/shop.html`, then `curl http://app.acme.test/dynamic?who`
    from six homes."""
    replies = wan.at(1).browse(f"http://{WWW}{SHOP}")
    dynamic = replies[f"http://{APP}/dynamic?basket"]
    assert dynamic.status == 200 and dynamic.headers["x-origin"] in ORIGINS.values()
    assert "cache-status" not in dynamic.headers
    assert replies[f"http://{STATIC}{PICTURE}"].cache()[0] in POPS

    found = [wan.at(number).curl(f"http://{APP}/dynamic?who") for number in (1, 2, 3, 20, 21, 22)]
    for reply in found:
        assert reply.body == f"{ORIGINS[reply.peer]} GET who\n".encode()
    assert {reply.peer for reply in found} == set(ORIGINS)


def test_r03_several_caches_serve_the_cacheable_content(wan):
    """R3: "Several web caches inside the POP network serve the cacheable content." The clients, in
    Berlin, Boston and Jakarta: `curl http://static.acme.test/images/qp/tab.gif`, twice."""
    url = f"http://{STATIC}/images/qp/tab.gif"
    body = (wan.root / "images/qp/tab.gif").read_bytes()
    first = [wan.at(number).curl(url) for number in (1, 2, 3)]
    again = [wan.at(number).curl(url) for number in (1, 2, 3)]
    assert [reply.peer for reply in first] == [FRA, NYC, SIN]
    assert [reply.cache() for reply in again] == [(node, "hit") for node in POPS]
    assert {reply.body for reply in first + again} == {body}


def test_r04_one_service_has_many_customers_who_do_not_meet(wan):
    """R4: "A service operates the caches; the owner of the site is its customer. Many customers at
    once." The client: `curl` of the same path at http://static.acme.test and at
    http://cdn.other.test."""
    path, before = "/images/qp/idx1.gif", requests_by_site(wan)
    sites = {STATIC: "ams", "cdn.other.test": "theirs"}
    for host, origin in sites.items():
        wan.origins[origin].forget()
        reply = wan.at(1).curl(f"http://{host}{path}")
        assert (reply.status, reply.peer) == (200, FRA)
        assert reply.headers["x-origin"] == origin
        assert reply.cache() == ("fra1", "uri-miss")  # what one has stored is not another's
        assert [r.host for r in wan.origins[origin].requests(path)] == [host]
    after = requests_by_site(wan)
    assert {host: after[host] - before[host] for host in sites} == dict.fromkeys(sites, 1)
    customers = {c["customer"]: c for c in wan.json("fra1", "network")["customers"]}
    assert set(customers) == {"acme", "other", "payer"}


def requests_by_site(wan):
    """What fra1 has counted."""
    return {host: wan.of["fra1"].metric("site_requests_total", "fra1", site=host)
            for host in (STATIC, "cdn.other.test")}


def test_r05_the_customer_pays_a_fee_for_using_the_caches(wan):
    """R5: "The customer pays a fee for using the caches." The clients, in Berlin and Boston:
    `curl -i http://cdn.payer.test/images/...`; the operator: `waypost invoice payer --format
    json`."""
    assert billed(wan) == (0, 0, 0)
    received, count = 0, 0
    for number in (1, 2, 1):
        for path in ("/images/qp/idx2.gif", "/images/qp/orquery.gif", "/movie.bin"):
            done = subprocess.run(
                wan.at(number).words("curl", "-s", "-i", f"http://cdn.payer.test{path}"),
                capture_output=True, timeout=20, check=True)
            assert reply_parse(done.stdout, "").status == 200
            received, count = received + len(done.stdout), count + 1
    wait_until(lambda: billed(wan)[1] >= count, lambda: f"settled: {billed(wan)}", 30 * PATIENCE)
    sent, requests, amount = billed(wan)
    assert (requests, sent) == (count, received)
    traffic = (decimal.Decimal(sent) * 1000 / 10**9).quantize(CENT, decimal.ROUND_HALF_UP)
    assert amount == traffic + requests and traffic > 0


def billed(wan):
    """Of payer: bytes and requests that are settled, and what this month comes to."""
    total = json.loads(wan.ask("fra1", "usage", "payer", "--json"))["total"]
    invoice = json.loads(wan.ask("fra1", "invoice", "payer", "--format", "json"))
    return total["sent_bytes"], total["requests"], sum(
        decimal.Decimal(one["amount"]) for one in invoice["totals"])


def test_r06_service_metrics_of_the_caches_are_determined(wan):
    """R6: "Service metrics of the caches are determined." The operator: `curl
    http://localhost/api/v1/view` at a node's admin socket, held against what the machine says."""
    kinds = {"latency", "response", "excess", "errors", "cpu", "memory", "load", "rate"}
    before = cpu_ticks()

    def known():
        held = reports(wan, "nyc1")
        return all((f"node {node} http", kind, observer) in held
                   for node in POPS for kind in kinds for observer in POPS) and held

    held = wait_until(known, "each node knows all of each cache", 20 * PATIENCE)
    assert all(abs(held[f"node {node} http", "memory", observer] - memory_in_use()) < 0.1
               for node in POPS for observer in POPS)
    wait_until(lambda: are_as_busy_as_this(reports(wan, "nyc1"), before),
               lambda: f"as busy as {cpu_in_use(before)}", 30 * PATIENCE)
    wait_until(lambda: are_as_far_as_they_are(reports(wan, "nyc1")),
               lambda: f"latencies as they are: {ways(reports(wan, 'nyc1'))}", 30 * PATIENCE)


def ways(held):
    """How long the way between two nodes is, there and back, and what was measured of it."""
    return {(observer, node): (2 * (ONE_WAY_MS[node] + ONE_WAY_MS[observer]) * (node != observer),
                               held[f"node {node} http", "latency", observer] / 1000)
            for node in POPS for observer in POPS}


def are_as_far_as_they_are(held):
    """Whether what was measured is the way, and little more."""
    return all(way_ms <= ms < way_ms + 20 for way_ms, ms in ways(held).values())


def cpu_ticks():
    """This machine's so far: busy, and idle."""
    ticks = [int(word) for word in pathlib.Path("/proc/stat").read_text().split()[1:9]]
    idle = ticks[3] + ticks[4]
    return sum(ticks) - idle, idle


def cpu_in_use(before):
    """The share of this machine's since then."""
    busy, idle = (now - then for now, then in zip(cpu_ticks(), before))
    return busy / max(busy + idle, 1)


def are_as_busy_as_this(held, before):
    """Whether what each tells of each is this machine's use of its processors, more or less."""
    shares = [held[f"node {node} http", "cpu", observer] for node in POPS for observer in POPS]
    return all(0 < share and abs(share - cpu_in_use(before)) < 0.25 for share in shares)


def memory_in_use():
    """The share of this machine's."""
    rows = dict(re.findall(r"(\w+):\s+(\d+)", pathlib.Path("/proc/meminfo").read_text()))
    return 1 - int(rows["MemAvailable"]) / int(rows["MemTotal"])


def test_r07_the_cache_whose_metrics_suit_a_request_best_is_chosen(wan):
    """R7: "For each request the cache whose metrics suit it best is chosen." The clients, in Berlin,
    Boston and Jakarta: `curl http://best.acme.test/images/shared.gif`; then the machine of the
    first one's cache has so much else to do that it answers late."""
    url, homes = f"http://best.acme.test{PICTURE}", {1: FRA, 2: NYC, 3: SIN}
    for number, pop in homes.items():
        wan.leads(number, "best.acme.test", pop)
        assert wan.at(number).curl(url).peer == pop

    starved = Starved(wan.of["fra1"].process)
    try:
        wan.leads(1, "best.acme.test", NYC)
        assert wan.at(1).curl(url).cache()[0] == "nyc1"
        assert wan.at(3).curl(url).peer == SIN
    finally:
        starved.end()
    wan.leads(1, "best.acme.test", FRA, 60)


def test_r08_the_static_request_goes_to_that_cache_which_answers(wan, visit):
    """R8: "The static request goes to that cache, which answers the user." The client: `getent
    ahostsv4 static.acme.test`, then `curl http://static.acme.test/...`; and the pictures of the
    page in Chromium."""
    for path in ("/images/qp/tab.gif", "/sqlite.css"):
        for number in (1, 2, 3):
            chosen, = wan.at(number).resolve(STATIC)
            reply = wan.at(number).curl(f"http://{STATIC}{path}")
            assert (reply.status, reply.peer) == (200, chosen)
            assert reply.cache()[0] == NODES[chosen]
            assert reply.body == (wan.root / path[1:]).read_bytes()
    assert len(statics(visit[0])) >= 25
    assert {reply.cache()[0] for reply in statics(visit[0]).values()} == {"fra1"}


class Burden:
    """Visitors who keep one of the customer's web servers busy, with what computes beside it, and a
    program that holds memory; each at the one that was chosen by that very thing before."""

    def __init__(self, wan):
        self.wan = wan
        by_address = {address: name for name, address in BUSY.items()}
        for teller in wan.tellers.values():
            wait_until(lambda t=teller: t.memory is not None, "its agent tells")
        self.busy, self.held = (by_address[wan.at(1).resolve(f"{kind}.acme.test")[0]]
                                for kind in ("cpu", "memory"))
        self.holder = hold(500 << 20)
        wan.tellers[self.held].burden.append(self.holder)
        self.load = Busy(wan.tellers[self.busy])

    @staticmethod
    def other(name):
        """The other of the two."""
        return next(one for one in BUSY if one != name)

    def move(self):
        """The visitors go to the other one."""
        self.load.end()
        self.busy = self.other(self.busy)
        self.load = Busy(self.wan.tellers[self.busy])

    def end(self):
        """It is all over."""
        self.wan.tellers[self.held].release(self.holder)
        self.load.end()


@pytest.fixture(scope="module")
def burden(wan):
    """Of the two web servers that tell of their load, one has much."""
    one = Burden(wan)
    yield one
    one.end()


def test_r09_traffic_loads_of_the_origins_are_determined_by_a_probe(wan, burden):
    """R9: "Traffic loads of the customer's origins are determined by a probe." Clients: `wrk
    http://ORIGIN:8080/heavy`, which the origin compresses, and its own computing; the operator:
    `curl http://localhost/api/v1/view`."""
    busy = burden.busy

    def told():
        held = reports(wan, "sin1")
        return [max((value for (check, kind, who), value in held.items() if who == observer and
                     kind == "cpu" and check.startswith(f"origin acme/{name} load ")), default=0)
                for name in (busy, burden.other(busy)) for observer in POPS]

    def is_seen():
        shares = told()
        return min(shares[:3]) > 0.02 and min(shares[:3]) > 3 * max(shares[3:])

    wait_until(is_seen, lambda: f"{busy} is busy: {told()}, {wan.tellers[busy].share}",
               30 * PATIENCE)


def test_r10_dns_picks_the_least_loaded_origin_and_the_page_request_goes_there(wan, burden):
    """R10: "A DNS server picks the best suited (by policy: the least loaded) origin; the page
    request goes there." The clients: `curl http://cpu.acme.test/health` while the origin that was
    chosen first is kept busy, and then while the other one is."""
    for turn in range(2):
        idle = BUSY[burden.other(burden.busy)]
        for number in (1, 2, 20):
            wan.leads(number, "cpu.acme.test", idle)
            reply = wan.at(number).curl("http://cpu.acme.test/health")
            assert (reply.status, reply.peer) == (200, idle)
        for server in POPS.values():
            wait_until(lambda at=server, to=idle: dig("cpu.acme.test", at).addresses == [to],
                       f"{server} picks it too", 10)
        if turn == 0:
            burden.move()


def test_r11_loads_include_the_latency_between_probe_and_origin(wan):
    """R11: "Those loads include the latency between probe and origin." The client: `curl
    http://far.acme.test/health`, with one origin 8 ms away and one 60; then the line of the nearer
    one takes 240 ms."""
    wan.leads(20, "far.acme.test", NEAR)
    for node in POPS:
        found = {name: t["terms"]["latency"]["measured_ms"]
                 for name, t in terms(wan, "far.acme.test", node).items()}
        assert found["near"] + 30 < found["far"]
    wan.far["near"].take(120)
    try:
        wan.leads(20, "far.acme.test", FAR, 60)
        assert wan.at(20).curl("http://far.acme.test/health").peer == FAR
    finally:
        wan.far["near"].take(4)


def test_r12_origin_loads_are_measured_at_set_intervals(wan):
    """R12: "Origin loads are measured at set intervals." Clients are the probes of three nodes,
    `GET /health` each 250 ms at one origin and each 500 ms at another, counted in nginx's logs."""
    watched = {"near": 0.25, "theirs": 0.5}

    def asked():
        return {name: wan.origins[name].lines("/health") for name in watched}

    before, began = asked(), time.monotonic()
    time.sleep(4)
    after, passed_s = asked(), time.monotonic() - began
    for name, interval in watched.items():
        each_s = len(POPS) * passed_s / (after[name] - before[name])
        assert 0.8 * interval < each_s < 1.6 * interval, name
    told = {t["members"][0]["checks"][0]["every_ms"]
            for t in terms(wan, "far.acme.test").values()}
    assert told == {250}


def test_r13_a_probe_measures_the_caches(wan):
    """R13: "A probe measures the caches." Each node probes all: one falls silent, which the probes
    of both others find, and its own are the only ones that do not say; `curl
    http://localhost/metrics` shows it."""
    def up():
        return {node: wan.of[node].metric("check_up", node, check="node sin1 http")
                for node in ("fra1", "nyc1")}

    assert set(up().values()) == {1}
    wan.of["sin1"].process.send(signal.SIGSTOP)
    try:
        wait_until(lambda: set(up().values()) == {0}, lambda: f"{up()}", 10 * PATIENCE)
    finally:
        wan.of["sin1"].process.send(signal.SIGCONT)
    wait_until(lambda: set(up().values()) == {1}, lambda: f"{up()}", 30 * PATIENCE)


def test_r14_a_dns_server_picks_the_cache(wan):
    """R14: "A DNS server picks the cache." The client: `getent ahostsv4 static.acme.test`, before,
    while and after the operator has said `waypost drain pop fra`."""
    wan.leads(1, STATIC, FRA)
    for server in POPS.values():
        assert dig(STATIC, server, "198.18.1.0/24").addresses == [FRA]
    wan.ask("nyc1", "drain", "pop", "fra")
    try:
        wan.leads(1, STATIC, NYC, 10)
        assert wan.at(1).curl(f"http://{STATIC}{PICTURE}").cache()[0] == "nyc1"
        for server in POPS.values():
            wait_until(lambda at=server: dig(STATIC, at, "198.18.1.0/24").addresses == [NYC],
                       f"{server} leads there too", 10 * PATIENCE)
    finally:
        wan.ask("nyc1", "undrain", "pop", "fra")
    wan.leads(1, STATIC, FRA, 10)


def test_r15_metrics_come_from_http_ftp_cpu_and_memory(wan, burden):
    """R15: "Metrics come from: HTTP response time, FTP response time, CPU load, memory load." The
    clients: `curl` of http://ftp.acme.test (its pop's vsftpd becomes slow), of
    http://cpu.acme.test and http://memory.acme.test (one origin works, one holds memory); R7 has
    HTTP."""
    chosen = NODES[wait_until(lambda: wan.at(20).resolve("ftp.acme.test"), "an answer")[0]]
    wait_until(lambda: wan.ftp[chosen].downloads() > 12, "it is known how quick it is", 30)
    wan.ftp[chosen].limit(1.0)
    try:
        wan.leads(20, "memory.acme.test", BUSY[burden.other(burden.held)])
        wan.leads(20, "cpu.acme.test", BUSY[burden.other(burden.busy)])
        wait_until(lambda: wan.at(20).resolve("ftp.acme.test") != [POPS[chosen]],
                   f"{chosen} with its slow FTP is left", 40 * PATIENCE)
        wait_until(lambda: terms(wan, "ftp.acme.test")[chosen[:3]]["terms"]["ftp"]
                   ["measured_ms"] > 100, "its FTP is known to be slow", 20 * PATIENCE)
    finally:
        wan.ftp[chosen].limit(0)
    held = terms(wan, "memory.acme.test")[burden.held]["terms"]["memory"]["measured_share"]
    assert abs(held - wan.tellers[burden.held].memory) < 0.15 and held > 0.3
    assert terms(wan, "best.acme.test")["nyc"]["terms"]["response"]["sources"] == len(POPS)


def test_r16_cache_metrics_are_measured_at_set_intervals(wan):
    """R16: "Cache metrics are measured at set intervals." Clients are the probes of three nodes:
    HTTP each second, FTP each 500 ms, counted by what answers them."""
    probers = {node: POPS[node] for node in ("fra1", "nyc1")}  # to sin1 the file takes a second

    def fetched():
        return {node: wan.ftp["fra1"].downloads(address) for node, address in probers.items()}

    before, began = fetched(), time.monotonic()
    stamps = set()
    while time.monotonic() < began + 5:
        check, = terms(wan, STATIC)["nyc"]["members"][0]["checks"]
        stamps.add(check["outcome_at"])
        time.sleep(0.2)
    after, passed_s = fetched(), time.monotonic() - began
    for node in probers:
        assert 0.8 * 0.5 < passed_s / (after[node] - before[node]) < 1.6 * 0.5, node
    assert check["every_ms"] == 1000 and 4 <= len(stamps) <= 7, stamps


def test_r17_the_cache_checks_whether_the_object_is_resident(wan):
    """R17: "The cache checks whether the object is resident." The client: `curl
    http://static.acme.test/images/vfs1.gif`, again and again, by connections that both workers
    take."""
    path = "/images/vfs1.gif"
    for origin in ("ams", "nyc"):
        wan.origins[origin].forget()
    found = [wan.at(1).curl(f"http://{STATIC}{path}").cache() for _ in range(8)]
    assert found == [("fra1", "uri-miss")] + [("fra1", "hit")] * 7
    assert sum(len(wan.origins[origin].requests(path)) for origin in ("ams", "nyc")) == 1


def test_r18_an_origin_that_has_the_object_is_determined(wan):
    """R18: "If not, an origin that has it is determined." The client: `curl
    http://rare.acme.test/images/shared.gif`, which the first origin has not."""
    wan.origins["quick"].forget()
    wan.origins["nyc"].forget()
    reply = wan.at(1).curl(f"http://rare.acme.test{PICTURE}")
    assert (reply.status, reply.headers["x-origin"]) == (200, "nyc")
    assert reply.body == (wan.root / PICTURE[1:]).read_bytes()
    asked = [[(r.path, r.status) for r in wan.origins[origin].requests(PICTURE)]
             for origin in ("quick", "nyc")]
    assert asked == [[(PICTURE, "404")], [(PICTURE, "200")]]


def test_r19_the_cache_fetches_it_there_and_stores_it(wan):
    """R19: "The cache fetches it there and stores it." The client: `curl
    http://cdn.other.test/images/qp/rowidlu.gif`; then the origin is down, and once more."""
    url = "http://cdn.other.test/images/qp/rowidlu.gif"
    first = wan.at(2).curl(url)
    assert first.headers["x-origin"] == "theirs" and first.cache() == ("nyc1", "uri-miss")
    wan.origins["theirs"].stop()
    try:
        again = wan.at(2).curl(url)
        assert (again.body, again.cache()) == (first.body, ("nyc1", "hit"))
        assert wan.at(2).curl("http://cdn.other.test/images/qp/none.gif").status >= 500
    finally:
        wan.origins["theirs"].start()


def test_r20_that_origin_may_be_predetermined(wan):
    """R20: "That origin may be predetermined (pinned)." The clients, in Berlin and Boston: `curl` of
    eight objects of http://pinned.acme.test, whose first origin it is not."""
    wan.origins["ams"].forget()
    paths = [f"{PICTURE}?{n}" for n in range(8)]
    for number in (1, 2):
        for path in paths:
            reply = wan.at(number).curl(f"http://pinned.acme.test{path}")
            assert (reply.status, reply.headers["x-origin"]) == (200, "nyc")
    assert "pinned.acme.test" not in {r.host for r in wan.origins["ams"].requests()}


def test_r21_or_it_is_the_least_loaded_origin(wan):
    """R21: "Or it is the least loaded of the customer's origins." The client: `curl --parallel
    'http://least.acme.test/small?[1-200]'`, with an origin that gets later and later as it is
    asked more than ten times a second."""
    for origin in ("quick", "slow"):
        wan.origins[origin].forget()
    run(*wan.at(1).words("curl", "-sSf", "--parallel", "--parallel-max", "8", "--max-time", "25",
                         "-o", "/dev/null", "http://least.acme.test/small?[1-200]"))
    asked = {origin: len([r for r in wan.origins[origin].requests()
                          if r.host == "least.acme.test"]) for origin in ("quick", "slow")}
    assert sum(asked.values()) == 200
    assert 0 < asked["slow"] < asked["quick"] / 3


def test_r22_the_network_has_more_than_one_dns_server(wan):
    """R22: "The network has more than one DNS server." The clients: `getent ahostsv4
    www.acme.test` and `curl http://www.acme.test/...`, with one of them, then another, silent."""
    visitor = wan.at(23)
    for node in ("fra1", "nyc1"):
        before = counted(wan, "dns_queries_total")
        wan.of[node].process.send(signal.SIGSTOP)
        try:
            time.sleep(2.1)  # what the resolver holds: a second, and what it rounds
            page = visitor.curl(f"http://{WWW}{PAGE}")
            assert page.status == 200 and page.headers["x-origin"] == ORIGINS[page.peer]
            alive = [one for one in POPS if one != node]
            assert any(wan.of[one].metric("dns_queries_total", one) > before[one]
                       for one in alive)
        finally:
            wan.of[node].process.send(signal.SIGCONT)
    for server in POPS.values():
        said = run("dig", "+norecurse", f"@{server}", ZONE, "NS")
        assert "flags: qr aa" in said
        assert re.findall(r"IN\s+NS\s+(\S+)\.$", said, re.M) == [f"ns1.{ZONE}", f"ns2.{ZONE}"]
    for number, pop in ((1, FRA), (2, NYC)):
        wan.leads(number, STATIC, pop)


def test_r23_each_function_is_a_module_of_its_own(wan):
    """R23: "Each function is a module of its own in the program." The reader: `tools/check_layers.py`
    and `nm -C waypost`; and each module tells of itself at `curl http://localhost/metrics`."""
    run("python3", HERE / "tools/check_layers.py", HERE)
    symbols = set(re.findall(r" T (\w+)$", run("nm", "--defined-only", BINARY), re.M))
    modules = ("dns", "probe", "cache", "origin", "steer", "meter", "delivery", "bus", "http")
    functions = {folder: {word for header in (HERE / "src" / folder).glob("*.h")
                          for word in re.findall(PROTOTYPE, code_of(header), re.M)} & symbols
                 for folder in modules}
    for folder in modules:
        assert len(functions[folder]) >= 5, folder
        for elsewhere in modules:
            assert folder == elsewhere or not functions[folder] & functions[elsewhere]
    page = wan.of["fra1"].admin_text("/metrics")
    for name in ("dns", "probe", "store", "origin", "steer", "site", "http"):
        assert re.search(rf"^waypost_{name}_\w+", page, re.M), name


def code_of(header):
    """What a header declares, without its comments."""
    return re.sub(r"/\*.*?\*/|//[^\n]*", "", header.read_text(), flags=re.S)


def test_r24_the_pop_network_shares_a_hostname(wan):
    """R24: "The POP network shares a hostname: page and static addresses may both contain it." The
    client: `chromium http://www.acme.test.cdn.waypost.test/shared.html`, whose picture is of
    http://static.acme.test.cdn.waypost.test."""
    replies = wan.at(2).browse(f"http://{WWW}.{ZONE}{SHARED}")
    page = replies[f"http://{WWW}.{ZONE}{SHARED}"]
    picture = replies[f"http://{STATIC}.{ZONE}{PICTURE}"]
    assert page.status == 200 and page.headers["x-origin"] == "nyc"
    assert "cache-status" not in page.headers
    assert picture.status == 200 and picture.cache()[0] == "nyc1"
    assert wan.at(2).resolve(f"{WWW}.{ZONE}") == [NYC_ORIGIN]
    assert wan.at(2).resolve(f"{STATIC}.{ZONE}") == wan.at(2).resolve(STATIC) == [NYC]


def test_r25_the_chosen_origins_address_is_determined_and_given_out(wan):
    """R25: "The chosen origin's IP address is determined and given out." The clients, in Berlin and
    Boston: `dig www.acme.test`, `curl http://www.acme.test/...`; the operator: `waypost why
    www.acme.test --client IP`."""
    for number, (name, address) in {1: ("ams", AMS_ORIGIN), 2: ("nyc", NYC_ORIGIN)}.items():
        visitor = wan.at(number)
        said = run(*visitor.words("dig", "+short", WWW, "A"))
        why = json.loads(wan.ask("sin1", "why", WWW, "--client", visitor.address, "--json"))
        assert said.split() == [address]
        assert (why["answers"][0]["target"], why["answers"][0]["addresses"]) == (name, [address])
        wan.origins[name].forget()
        reply = visitor.curl(f"http://{WWW}{PAGE}?r25")
        assert (reply.peer, reply.headers["x-origin"]) == (address, name)
        assert len(wan.origins[name].requests(f"{PAGE}?r25")) == 1


def test_r26_first_the_page_then_the_static_content(wan):
    """R26: "Two phases: page first, static content afterwards." The client: `chromium
    http://www.acme.test/atomiccommit.html`; its resolver's log has both questions in that order,
    and each leads elsewhere."""
    resolver = wan.provider()
    visitor = wan.at(24, resolver)
    replies = visitor.browse(f"http://{WWW}{PAGE}")
    asked = [name for _, name, kind in resolver.questions() if kind == "A"]
    assert asked.index(WWW) < asked.index(STATIC)
    assert list(replies).index(f"http://{WWW}{PAGE}") < min(
        at for at, url in enumerate(replies) if url.startswith(f"http://{STATIC}/"))
    assert "cache-status" not in replies[f"http://{WWW}{PAGE}"].headers
    assert {reply.cache()[0] for reply in statics(replies).values()} <= set(POPS)
    assert len(statics(replies)) >= 25


def test_r28_requests_reach_the_system_as_questions_of_the_users_resolver(wan):
    """R28: "Requests reach the system as questions from the user's resolver." The client: `curl
    http://www.acme.test/...`; its resolver's log has the question and whose it is, ours is asked by
    the resolver, and without it nothing is found."""
    resolver = wan.provider(SIN)
    visitor = wan.at(25, resolver)
    before = wan.of["sin1"].metric("dns_queries_total", "sin1")
    assert visitor.curl(f"http://{WWW}{PAGE}").status == 200
    assert (visitor.address, WWW, "A") in resolver.questions()
    assert ("A", "NOERROR") in resolver.replies(WWW)
    assert wan.of["sin1"].metric("dns_queries_total", "sin1") > before
    resolver.process.stop()
    assert visitor.curl(f"http://{WWW}{PAGE}", fails=True) == 6  # could not resolve host


def test_r29_other_names_with_their_own_origins_and_users_are_handled_likewise(wan):
    """R29: "Other domain names, each with its own set of origins and users, are handled likewise."
    The clients, in Berlin and Jakarta: `curl http://www.other.test/small`, `curl
    http://cdn.other.test/images/shared.gif`."""
    wan.leads(1, "www.other.test", THEIRS)
    wan.leads(3, "www.other.test", QUICK)
    wan.origins["theirs"].forget()
    wan.origins["quick"].forget()
    assert wan.at(1).curl(f"http://www.other.test{PAGE}?r29").headers["x-origin"] == "theirs"
    assert wan.at(3).curl("http://www.other.test/small?r29").headers["x-origin"] == "quick"
    assert [r.host for r in wan.origins["theirs"].requests(f"{PAGE}?r29")] == ["www.other.test"]
    assert [r.host for r in wan.origins["quick"].requests("/small?r29")] == ["www.other.test"]
    for number, node in ((1, "fra1"), (3, "sin1")):
        reply = wan.at(number).curl(f"http://cdn.other.test{PICTURE}")
        assert reply.headers["x-origin"] == "theirs" and reply.cache()[0] == node
        assert wan.at(number).resolve(WWW)[0] in ORIGINS


def test_r30_one_cache_name_serves_users_behind_different_resolvers(wan):
    """R30: "One cache name serves users behind different resolvers." The clients, in Munich and
    Chicago, each of a provider of their own: `curl http://static.acme.test/sqlite.css`."""
    resolvers = [wan.provider(), wan.provider()]
    users = [wan.at(4, resolvers[0]), wan.at(5, resolvers[1])]
    found = [user.curl(f"http://{STATIC}/sqlite.css") for user in users]
    assert [reply.status for reply in found] == [200, 200]
    assert {reply.body for reply in found} == {(wan.root / "sqlite.css").read_bytes()}
    assert [reply.cache()[0] for reply in found] == ["fra1", "nyc1"]
    for resolver, user in zip(resolvers, users):
        assert {client for client, *_ in resolver.questions(STATIC)} == {user.address}


def test_r32_pops_with_the_same_facts_choose_the_same_origin_for_a_page(wan):
    """R32: "For the page name, two POPs that hold the same facts choose the same origin." The
    clients, of 32 subnets and of no place: `dig www.acme.test` at each name server. Each has
    measured otherwise by itself; what all hold is the same."""
    clients = [*CLIENTS[:16], *(f"203.0.{n}.0" for n in range(12)), "198.18.1.0", "198.18.2.0"]
    names = (WWW, APP, "far.acme.test")

    def shared():
        return {wan.json(node, "map")["map"]["shared"] for node in POPS}

    wait_until(lambda: all(t["terms"]["latency"]["sources"] == len(POPS) for node in POPS
                           for t in terms(wan, WWW, node).values()), "all know of all", 30 * PATIENCE)

    def measured():
        held = reports(wan, "fra1")
        return [held["origin acme/near http far.acme.test/health", "latency", node]
                for node in POPS]

    wait_until(lambda: measured() == sorted(measured()), lambda: f"ways: {measured()}",
               30 * PATIENCE)
    wait_until(lambda: len(shared()) == 1, lambda: f"maps: {shared()}", 30 * PATIENCE)
    for name in names:
        fra, nyc, sin = (answers(name, server, tuple(clients)) for server in POPS.values())
        assert fra == nyc == sin, name
    assert set(answers(APP, FRA, tuple(clients)).values()) == set(ORIGINS)


def test_r33_either_pops_answer_is_valid_for_either_resolver(wan):
    """R33: "Either POP's answer is valid for either resolver." The clients of two providers: `curl
    http://www.acme.test/...` and `curl http://static.acme.test/sqlite.css`, with each resolver led
    by each pop."""
    resolvers = [wan.provider(FRA), wan.provider(NYC)]
    users = [wan.at(40 + n, resolver) for n, resolver in enumerate(resolvers)]
    for turn, servers in enumerate(((FRA, NYC), (NYC, FRA))):
        for resolver, user, server in zip(resolvers, users, servers):
            if turn:
                resolver.know(server)
            page = user.curl(f"http://{WWW}{PAGE}")
            style = user.curl(f"http://{STATIC}/sqlite.css")
            assert page.status == 200 and page.headers["x-origin"] == ORIGINS[page.peer]
            assert style.body == (wan.root / "sqlite.css").read_bytes()
            assert (style.peer, style.cache()[0]) == (server, NODES[server])


def test_r34_pops_share_the_cache_name_measure_each_other_and_hold_all_measurements(wan):
    """R34: "All POPs share the cache name; each measures itself against the others, and each also
    holds the others' measurements." The client: `dig static.acme.test` at each; the operator: `curl
    http://localhost/api/v1/view` at each."""
    def held():
        return {node: reports(wan, node) for node in POPS}

    wait_until(lambda: all((f"node {node} http", "latency", observer) in known
                           for known in held().values() for node in POPS for observer in POPS),
               "all hold all", 20 * PATIENCE)
    for node, address in POPS.items():
        assert dig(STATIC, address).addresses == [address]
        wait_until(lambda at=node: are_as_far_as_they_are(reports(wan, at)),
                   lambda at=node: f"{at} holds the ways: {ways(reports(wan, at))}", 30 * PATIENCE)


def test_r35_where_the_user_is_decides_which_cache_two_users_of_a_name_get(wan):
    """R35: "For a cache name the choice depends on where the user is, so two users of one name may
    be sent to different caches." The clients, in Berlin, Boston and Jakarta, all behind one
    resolver: `chromium http://www.acme.test/shop.html` and `curl
    http://static.acme.test/images/shared.gif`."""
    found = {number: wan.at(number).curl(f"http://{STATIC}{PICTURE}") for number in (1, 2, 3)}
    assert {number: (reply.status, reply.peer) for number, reply in found.items()} == {
        1: (200, FRA), 2: (200, NYC), 3: (200, SIN)}
    assert {reply.body for reply in found.values()} == {(wan.root / PICTURE[1:]).read_bytes()}
    picture = wan.at(3).browse(f"http://{WWW}{SHOP}")[f"http://{STATIC}{PICTURE}"]
    assert picture.cache()[0] == "sin1"
    asking = {client for client, *_ in wan.resolver.questions(STATIC)}
    assert {wan.at(number).address for number in (1, 2, 3)} <= asking


# Behind others, which would not wait for what it cuts.
def test_r31_pops_answer_for_the_same_names_each_deciding_for_itself(wan):
    """R31: "At least two POPs answer for the same names, each deciding for itself." The clients, of
    no known place: `curl http://static.acme.test/sqlite.css` by resolvers that know one pop each,
    while the bus between the pops is dead."""
    wan.nats.kill()
    try:
        for node, address in POPS.items():
            resolver = wan.provider(address)
            user = wan.at(30 + list(POPS).index(node), resolver)
            before = counted(wan, "dns_queries_total")
            for name, wanted in ((STATIC, [address]), (WWW, None)):
                found = user.resolve(name)
                assert found == wanted or found[0] in ORIGINS, (node, name)
            assert user.curl(f"http://{STATIC}/sqlite.css").cache()[0] == node
            after = counted(wan, "dns_queries_total")
            assert [one for one in POPS if after[one] > before[one]] == [node]
    finally:
        wan.nats.start()


# After all others, which would not wait until its crowds are forgotten.
def test_r27_load_counts_as_well_as_latency_and_who_is_lower_in_both_wins(wan):
    """R27: "POP load counts as well as latency. When one POP is lower in both than all the rest it
    must win." The clients: `getent ahostsv4 strict.acme.test` in Berlin, and `dig both.acme.test`
    for 32 subnets in the ocean, where fra is nearer than nyc by so little that they count as alike;
    crowds fetch from the other two, then from fra, as much as their lines carry."""
    for address in POPS.values():
        run("curl", "-sf", "-o", "/dev/null", "-H", f"Host: {STATIC}", f"http://{address}/movie.bin")
    crowds = [Crowd(address, "/movie.bin", 0.4 * CAPACITY) for address in (NYC, SIN)]
    try:
        def loads():
            return {pop: t["load"] for pop, t in terms(wan, "both.acme.test").items()}

        wait_until(lambda: min(loads()["nyc"], loads()["sin"]) > loads()["fra"] + 0.05,
                   lambda: f"fra is the least loaded: {loads()}", 60 * PATIENCE)
        for server in POPS.values():
            wait_for_places("both.acme.test", {FRA}, 60 * PATIENCE, server)
        wan.leads(1, "strict.acme.test", FRA)
    finally:
        for crowd in crowds:
            crowd.leave()
    crowd = Crowd(FRA, "/movie.bin", 1.5 * CAPACITY)
    try:
        wan.leads(1, "strict.acme.test", NYC)
        assert wan.at(1).curl(f"http://strict.acme.test{PICTURE}").cache()[0] == "nyc1"
        # Nearer, but fuller: not lower in both.
        wait_until(lambda: NYC in answers("both.acme.test").values(), "nyc is used", 40 * PATIENCE)
    finally:
        crowd.leave()

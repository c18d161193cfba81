# SPDX-License-Identifier: Apache-2.0
"""Orders as an operator gives them: purge, drain and undrain, by command and by the API; what
visitors and resolvers see of them, and what a restart forgets of them: nothing."""
import itertools
import json
import re
import signal
import subprocess

import pytest

from asking import dig, places, wait_for_places
from scripted import Scripted
from visitor import curl
from waypost import AMS_ORIGIN, FRA, NYC, NYC_ORIGIN, ZONE, network, run_waypost, sites
from world import wait_until

STATIC, WWW, OTHER = "static.acme.test", "www.acme.test", "other.acme.test"
numbers = itertools.count(1)


class Library:
    """An origin whose pages are counted: each answer says which one of its path it is."""

    def __init__(self, world):
        self.is_changed = True  # what it has is another version each time
        self.revalidated = 0
        self.server = Scripted(world, f"203.0.113.{100 + next(numbers)}", self.tell)

    def tell(self, conversation):
        """Gzip for those who take it; tags by the first word of the path."""
        path, fields = conversation.path, conversation.fields
        if not self.is_changed and fields.get("if-none-match") == '"same"':
            self.revalidated += 1
            conversation.answer(status="304 Not Modified", ETag='"same"',
                                Cache_Control="max-age=600")
            return
        coding = "gzip" if "gzip" in fields.get("accept-encoding", "") else "identity"
        tag = path.split("/")[1]
        conversation.answer(f"{path} {coding} {self.server.count(path)}",
                            Cache_Control="max-age=600, stale-if-error=600", ETag='"same"',
                            Vary="Accept-Encoding", Surrogate_Key=f"all tag-{tag}")


@pytest.fixture
def library(world):
    """One origin that both names lead to."""
    one = Library(world)
    yield one
    if not one.server.ending:
        one.server.stop()


@pytest.fixture
def waypost(serve, library):
    """Two pops in one process, which deliver two sites of that origin."""
    config = network()
    config["customers"]["acme"]["origins"]["ams"]["address"] = f"{library.server.address}:80"
    sites(config)[STATIC] = {"deliver": ["ams"], "ttl": "1s"}
    sites(config)[OTHER] = {"deliver": ["ams"], "ttl": "1s"}
    return serve(config)


def body(*words, **more):
    """Of such an answer."""
    return curl(*words, **more).body.decode()


def must(waypost, *words):
    """A command that does what it is told; what it prints."""
    status, out, err = run_waypost(*words, "-c", waypost.path)
    assert status == 0 and not err, err
    return out


def post(waypost, path, text, *more):
    """What curl gets from the API of fra1: status and JSON."""
    url = f"http://127.0.0.1:{waypost.admins['fra1']}/api/v1/{path}"
    done = subprocess.run(["curl", "-s", "-w", "\n%{http_code}", "-d", text, *more, url],
                          capture_output=True, text=True, timeout=20, check=True)
    said, status = done.stdout.rsplit("\n", 1)
    return int(status), json.loads(said)


def test_a_url_is_purged_with_its_variants_at_every_pop(waypost):
    for node in (FRA, NYC):
        assert curl("/a/1", node).status == curl("/a/1", node, coding="gzip").status == 200
        curl("/a/1?v=2", node)
        assert curl("/a/1", node).cache()[1] == curl("/a/1", node, coding="gzip").cache()[1] \
            == curl("/a/1?v=2", node).cache()[1] == "hit"
    out = must(waypost, "purge", f"https://{STATIC}/a/./1")
    assert re.search(rf"^order 1: purge url {STATIC}/a/1, given at \S+ by root$", out, re.M), out
    for node in ("fra1", "nyc1"):
        assert re.search(rf"^{node}\s+\w+\s+after \d+ ms$", out, re.M), out
    for node in (FRA, NYC):
        assert curl("/a/1", node).cache()[1] != "hit"
        assert curl("/a/1", node, coding="gzip").cache()[1] != "hit"
        assert curl("/a/1?v=2", node).cache()[1] == "hit"
        assert curl("/a/1", node).cache()[1] == "hit"


def test_prefix_tag_and_site_purge_what_they_name_and_no_more(waypost):
    pages = ["/a/1", "/a/2", "/b/1"]

    def hits():
        """Which pages are answered from the store, in both sites; afterwards all are stored."""
        return {host: [p for p in pages if curl(p, host=host).cache()[1] == "hit"]
                for host in (STATIC, OTHER)}

    hits()
    assert hits() == {STATIC: pages, OTHER: pages}
    must(waypost, "purge", "--prefix", f"http://{STATIC}/a/*")
    assert hits() == {STATIC: ["/b/1"], OTHER: pages}
    must(waypost, "purge", "--site", STATIC, "--tag", "tag-b")
    assert hits() == {STATIC: ["/a/1", "/a/2"], OTHER: pages}
    must(waypost, "purge", "--tag", "all", "--site", f"{OTHER}.{ZONE}")
    assert hits() == {STATIC: pages, OTHER: []}
    must(waypost, "purge", "--site", STATIC)
    assert hits() == {STATIC: [], OTHER: pages}
    assert hits() == {STATIC: pages, OTHER: pages}


def test_many_urls_are_purged_by_one_command(waypost):
    pages = [f"/many/{i}" for i in range(5)]
    for page in pages:
        curl(page)
    out = must(waypost, "purge", *(f"http://{STATIC}{page}" for page in pages))
    assert len(re.findall(r"^order \d+: purge url", out, re.M)) == 5
    assert out.count("NODE ") == 1  # nodes apply them in turn
    assert not [page for page in pages if curl(page).cache()[1] == "hit"]


def test_a_soft_purge_asks_again_and_stands_in_and_a_hard_one_does_not(waypost, library):
    for page in ("/soft/1", "/hard/1"):
        curl(page)
    library.is_changed = False
    must(waypost, "purge", "--soft", f"http://{STATIC}/soft/1")
    must(waypost, "purge", f"http://{STATIC}/hard/1")
    assert body("/soft/1") == "/soft/1 identity 1" and library.revalidated == 1
    assert body("/hard/1") == "/hard/1 identity 2"  # nothing was there to be asked about
    must(waypost, "purge", "--soft", f"http://{STATIC}/soft/1")
    must(waypost, "purge", f"http://{STATIC}/hard/1")
    library.server.stop()
    assert body("/soft/1") == "/soft/1 identity 1"
    assert curl("/hard/1").status in (502, 503, 504)


def test_orders_are_listed_and_told_one_by_one(waypost):
    assert must(waypost, "orders") == "no order has been given yet\n"
    must(waypost, "drain", "node", "nyc1")
    must(waypost, "purge", "--site", STATIC, "--soft")
    must(waypost, "undrain", "node", "nyc1")
    out = must(waypost, "orders")
    rows = re.findall(r"^\s+(\d+)\s+\S+\s+root\s+(\S.*\S)\s+2 of 2$", out, re.M)
    assert rows == [("3", "undrain node nyc1"), ("2", f"soft purge site {STATIC}"),
                    ("1", "drain node nyc1")]
    assert len(re.findall("2 of 2", must(waypost, "orders", "--limit", "2"))) == 2
    assert "soft purge site" in must(waypost, "orders", "2")
    told = json.loads(must(waypost, "orders", "2", "--json"))
    assert told["order"]["number"] == 2 and told["order"]["soft"] is True
    assert {r["node"]: r["applied"] for r in told["receipts"]} == {"fra1": True, "nyc1": True}
    status, _, err = run_waypost("orders", "4", "-c", waypost.path)
    assert status == 1 and "no order of that number" in err


def test_what_cannot_be_ordered_is_told_with_the_mend_and_changes_nothing(waypost):
    curl("/safe/1")
    for words, code, mend in (
            (("purge", "http://statik.acme.test/"), 1, f"did you mean {STATIC}?"),
            (("purge", f"{STATIC}/a"), 1, "write all of it"),
            (("purge", f"http://{STATIC}/a#b"), 1, "leave out"),
            (("purge", f"http://{WWW}/"), 1, "steered"),
            (("purge", "--tag", "all"), 2, "usage: waypost purge"),
            (("purge", "--prefix", f"http://{STATIC}/", f"http://{STATIC}/"), 2, "usage"),
            (("purge",), 2, "usage: waypost purge"),
            (("drain", "pop", "frb"), 1, "did you mean fra?"),
            (("drain", "node", "nyc2"), 1, "did you mean nyc1?"),
            (("drain", "origin", "ams"), 1, "did you mean acme/ams?"),
            (("drain", "fra"), 2, "usage: waypost drain"),
            (("drain", "city", "fra"), 2, "usage: waypost drain"),
            (("undrain", "pop", "fra", "--soft"), 2, "usage: waypost undrain"),
            (("orders", "x"), 2, "usage: waypost orders")):
        status, out, err = run_waypost(*words, "-c", waypost.path)
        assert (status, out) == (code, "") and mend in err, (words, err)
    assert curl("/safe/1").cache()[1] == "hit"
    assert must(waypost, "orders") == "no order has been given yet\n"


def test_the_api_takes_orders_and_refuses_what_is_none(waypost):
    status, said = post(waypost, "purge", json.dumps({"tag": "all", "site": STATIC}))
    assert status == 200 and said["order"]["kind"] == "purge tag" and said["order"]["number"] == 1
    assert said["order"]["by"] == "loopback"
    same = json.dumps({"pop": "nyc", "id": "%032x" % 7})
    assert [post(waypost, "drain", same)[0] for _ in range(2)] == [200, 200]
    wait_until(lambda: json.loads(waypost.admin_text("/api/v1/status"))["drains"], "it is drained")
    drains = json.loads(waypost.admin_text("/api/v1/status"))["drains"]
    assert [(d["what"], d["name"], d["by"]) for d in drains] == [("pop", "nyc", "loopback")]
    for path, text, code in (("purge", "", 400), ("purge", "[]", 400), ("drain", '{"pop": 1}', 400),
                             ("drain", '{"pop": "sin"}', 404), ("drain", " " * 20000, 413),
                             ("purge", '{"site": "%s", "now": true}' % STATIC, 400)):
        status, said = post(waypost, path, text)
        assert status == code and set(said["error"]) == {"code", "message", "mend"}, said
    assert post(waypost, "drain", '{"pop": "fra"}', "-H", "Origin: http://evil.test")[0] == 403


def leads_to(name, wanted):
    """Whether clients are led to these addresses and to no others, by both name servers."""
    return all(places(name, server) == wanted for server in (FRA, NYC))


def drained(waypost):
    """What a status says is drained, by whom."""
    return {(d["what"], d["name"], d["by"])
            for d in json.loads(must(waypost, "status", "--json"))["drains"]}


def test_a_drained_pop_is_out_of_the_answers_until_it_is_taken_back(waypost):
    wait_until(lambda: leads_to(STATIC, {FRA, NYC}), "both pops are found to be up")
    must(waypost, "drain", "pop", "fra")
    assert leads_to(STATIC, {NYC}) and dig(STATIC).addresses == [NYC]
    assert "drained" in must(waypost, "why", STATIC)
    assert re.search(r"^pop fra\s+\S+\s+root\s+1$", must(waypost, "status"), re.M)
    assert body("/a/1", FRA) == "/a/1 identity 1"  # it serves whoever comes
    must(waypost, "undrain", "pop", "fra")
    assert leads_to(STATIC, {FRA, NYC})
    assert "DRAINED" not in must(waypost, "status")


def test_with_all_pops_drained_answers_lead_to_them_nevertheless(waypost):
    for pop in ("fra", "nyc"):
        must(waypost, "drain", "pop", pop)
    assert leads_to(STATIC, {FRA, NYC})


def test_a_drained_origin_gets_no_new_visitors(serve, origins):
    waypost = serve(network())
    wait_for_places(WWW, {AMS_ORIGIN, NYC_ORIGIN}, 5)
    must(waypost, "drain", "origin", "acme/ams")
    assert places(WWW) == {NYC_ORIGIN}
    origins["ams"].forget()
    reply = curl("/sqlite.css")
    assert reply.status == 200 and reply.headers["x-origin"] == "nyc"
    assert not origins["ams"].requests("/sqlite.css")
    must(waypost, "undrain", "origin", "acme/ams")
    assert places(WWW) == {AMS_ORIGIN, NYC_ORIGIN}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_drains_outlive_the_process(waypost, number):
    must(waypost, "drain", "pop", "fra")
    must(waypost, "drain", "origin", "acme/nyc")
    must(waypost, "drain", "node", "nyc1")
    must(waypost, "undrain", "node", "nyc1")
    before = drained(waypost)
    assert before == {("pop", "fra", "root"), ("origin", "acme/nyc", "root")}
    if number == signal.SIGTERM:
        waypost.stop()
    else:
        waypost.process.kill()
    waypost.start()
    assert drained(waypost) == before
    wait_until(lambda: leads_to(STATIC, {NYC}), "fra is drained still")
    out = must(waypost, "orders")
    assert len(re.findall(r"^\s+[1-4]\s", out, re.M)) == 4, out
    must(waypost, "undrain", "pop", "fra")
    # Its first map stands on a measurement of each pop: one may look much slower for a while.
    wait_until(lambda: leads_to(STATIC, {FRA, NYC}), "both are in the answers", 30)


def test_a_purge_while_no_node_runs_says_what_to_do(waypost):
    waypost.stop()
    status, _, err = run_waypost("purge", "--site", STATIC, "-c", waypost.path)
    assert status == 1 and "waypost run" in err

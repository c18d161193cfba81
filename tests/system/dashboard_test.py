# SPDX-License-Identifier: Apache-2.0
"""The dashboard in a browser: what is to be seen and done there, by whom, and that nothing of it
comes from or goes to anybody else. The browser plays its part in dashboard.mjs; here is what it
must have seen."""
import json
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import urllib.parse

import pytest

from authority import key_mark
from secure import STATIC, curl, files
from waypost import FRA, NYC, NYC_ORIGIN, Waypost, network, run_waypost
from world import run

HERE = pathlib.Path(__file__).resolve().parent
WWW, OTHER = "www.acme.test", "static.globex.test"
STRANGER = "http://198.51.100.200"
CLIENT = "198.51.100.77"
PICTURE = "/images/sw.gif"
BASE = "http://127.0.0.1:8653"
AFAR = f"https://{FRA}:8653"
WRONG = "wpt_" + 64 * "0"
PLACES = ["", "sites", f"site/{WWW}?client={CLIENT}", f"site/{STATIC}", "books", "books/acme", "orders",
          "nodes", "changes"]


def play(waypost, acts, mark):
    """What the browser saw of these scenes; `waypost` is done to what they ask for."""
    with subprocess.Popen(["node", HERE / "dashboard.mjs", BASE, mark, json.dumps(acts)],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as browser:
        try:
            for line in browser.stdout:
                said = json.loads(line)
                if "ask" not in said:
                    return said
                {"freeze": lambda: waypost.process.send(signal.SIGSTOP),
                 "thaw": lambda: waypost.process.send(signal.SIGCONT),
                 "stop": waypost.stop, "start": waypost.start}[said["ask"]]()
                print("done", file=browser.stdin, flush=True)
        finally:
            browser.kill()
    raise AssertionError("the browser ended without a word")


def of(seen, scene):
    """One scene, which must have come to its end."""
    assert "error" not in seen[scene], seen[scene]["error"]
    return seen[scene]


def mint(name, *words):
    """A token as the program makes it."""
    code, out, err = run_waypost("token", name, *words, "--json")
    assert code == 0, err
    return json.loads(out)


@pytest.fixture(scope="module")
def tokens():
    return {"acme": mint("anna", "--customer", "acme", "--role", "manager"),
            "globex": mint("gert", "--customer", "globex")}


@pytest.fixture(scope="module")
def admin_pair(ours):
    """A certificate for the address of the first node, where who comes from afar asks."""
    pair = ours.certify("admin.acme.test", name="admin")
    names = ours.folder / "admin.names"
    names.write_text(f"subjectAltName=IP:{FRA}\n")
    run("openssl", "x509", "-req", "-in", ours.folder / "admin.csr", "-CA", ours.file, "-CAkey",
        ours.key, "-days", "2", "-extfile", names, "-out", pair[0])
    return pair


def config_of(tokens, admin_pair):
    """Two customers, both with a plan and a token."""
    config = network(accounts={"node": "fra1"}, admin={"tls": files(admin_pair)})
    config["plans"] = {"standard": {"currency": "EUR", "monthly": 50, "per_gb": 200,
                                    "per_million_requests": 6000}}
    config["customers"]["globex"] = {
        "origins": {"web": {"address": f"{NYC_ORIGIN}:80", "location": [35.68, 139.69]}},
        "sites": {OTHER: {"deliver": ["web"], "ttl": "2s"}}}
    for name, customer in config["customers"].items():
        customer["plan"] = "standard"
        customer["tokens"] = {tokens[name]["name"]: {
            "role": tokens[name]["role"], "hash": tokens[name]["hash"]}}
    return config


def keep_coming(world):
    """Visitors at both nodes, for what is stored and for what is not, until the world ends."""
    for node in (FRA, NYC):
        for name, urls in (("hits", f"http://{STATIC}/images/se.gif#[1-99999]"),
                           ("misses", f"http://{STATIC}/index.html?[1-99999]")):
            world.start(f"visitors-{name}-{node}", [
                "curl", "-s", "-o", "/dev/null", "--rate", "6/s", "--resolve",
                f"{STATIC}:80:{node}", urls])
    world.start("visitors-bursts", ["sh", "-c", (  # or the figures would be the same at each look
        f"while sleep 2.3; do curl -s -o /dev/null --resolve {STATIC}:80:{FRA} "
        f"'http://{STATIC}/images/se.gif#[1-20]'; done")])


def outcome(ours, path, node=FRA):
    """What became of a request: "hit", or the reason to fetch."""
    return curl(ours, path, node=node, scheme="http").cache()[1]


@pytest.fixture(scope="module")
def waypost(world, origins, tokens, admin_pair):
    """With visitors, some of whom asked the DNS before."""
    running = Waypost(world, config_of(tokens, admin_pair))
    keep_coming(world)
    for name in (WWW, STATIC):
        for number in range(8):
            run("dig", f"@{FRA}", "+short", f"+subnet=198.51.{number}.0/24", name)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def seen(waypost, ours, tokens, admin_pair):
    """What the browser saw; "after_purge": what then became of a request."""
    assert outcome(ours, PICTURE) in ("uri-miss", "hit")
    assert outcome(ours, PICTURE) == "hit"
    # What needs all to be well comes before what changes it.
    side_by_side = [
        [("overview", {}), ("purge", {"url": f"http://{STATIC}{PICTURE}"}), ("drain", {"pop": "nyc"})],
        [("keyboard", {}), ("nodes", {}), ("site", {"host": WWW, "client": CLIENT}),
         ("unknown", {"host": "gone.acme.test"}), ("policy", {"stranger": STRANGER})],
        [("token", {"afar": AFAR, "wrong": WRONG, "right": tokens["acme"]["token"],
                    "customer": STATIC, "stranger": OTHER})],
        [("books", {"customer": "acme", "sites": [STATIC, WWW]}), ("looks", {"places": PLACES})]]
    acts = [[[("paint", {})]], side_by_side, [[("revival", {"host": STATIC})]]]
    played = play(waypost, acts, key_mark(admin_pair[0]))
    print({name: one["took_ms"] for name, one in played.items() if "took_ms" in one})
    return {**played, "after_purge": outcome(ours, PICTURE)}


def test_the_page_is_embedded(waypost):
    page = waypost.admin_text("/")
    assert "/assets/app.js" in page, "npm ran not before the build: see tools/setup"


def test_the_map_shows_pops_and_origins_and_how_they_do(seen):
    overview = of(seen, "overview")
    assert sorted(place.split(",")[0] for place in overview["places"]) == [
        "origin acme/ams", "origin acme/nyc", "origin globex/web", "pop fra", "pop nyc"]
    assert all(", up" in place for place in overview["places"]), overview["places"]
    assert len(set(overview["shapes"])) >= 4, "up, drained, down and unknown differ without colour"


def test_live_figures_move(seen):
    overview = of(seen, "overview")
    assert len(overview["shown"]) >= 3 and any(float(v) > 1 for v in overview["shown"] if v != "–")
    assert int(overview["hits"].removesuffix("%")) > 10
    assert overview["sparks"] >= 6
    assert len(overview["cards"]) == 2
    for card, name in zip(overview["cards"], ("fra", "nyc")):
        assert re.match(rf"{name} .*up .*\d ?req/s .*Hit ratio .*Latency [\d.]+ ms .*(Load|CPU) \d+%",
                        card), card
    assert any("node nyc1" in what for what in overview["news"]), overview["news"]


def test_the_page_says_when_the_node_is_gone_and_goes_on_when_it_is_back(seen):
    revival = of(seen, "revival")
    assert "gives no answer" in revival["first"]
    assert revival["states"] == ["Live", "Reconnecting", "Live", "Reconnecting", "Live"]
    assert len(revival["thawed"]) > 1 and len(revival["revived"]) > 1


def test_it_is_small_and_there_at_once(seen):
    paint = of(seen, "paint")
    median = statistics.median(paint["paint_ms"])
    print(f"{paint['bytes']} bytes, first paint after {median:.0f} ms")
    assert paint["bytes"] < 100_000
    assert median < 10_000


def test_a_site_says_where_its_answers_point_and_why(seen, waypost):
    site = of(seen, "site")
    assert {bar.split("\n")[0] for bar in site["bars"]} <= {"ams", "nyc"}
    assert {row["target"] for row in site["answers"]} == {share.split("\n")[0] for share in site["shares"]}
    assert all(re.search(r"\d+%$", share) for share in site["shares"])
    answer = site["why"]["answers"][0]
    name, address = answer["target"], answer["addresses"][0]
    because = {"drawn": "it is drawn by weight", "best": "it is the only one that is up"}
    assert site["verdict"] == f"{name} {address} because {because[answer['reason']]}"
    assert urllib.parse.quote(CLIENT) in site["address"], "it can be sent to others"
    then = json.loads(waypost.admin_text(
        f"/api/v1/why?name={WWW}&client={CLIENT}&at={site['asked_at']}Z"))
    assert site["past"].startswith(f"{then['answers'][0]['target']} ")
    assert "is not kept" in site["refusal"] and "history" in site["refusal"]
    assert "There is no site of that name" in of(seen, "unknown")["said"]


def test_a_purge_is_confirmed_and_gets_its_receipts(seen):
    purge = of(seen, "purge")
    assert PICTURE in purge["question"] and "2 nodes" in purge["question"]
    assert purge["before"] == 0, "what was not confirmed was not ordered"
    assert "All done: 2 receipts of 2 nodes" in purge["said"]
    assert {re.search(r"(fra1|nyc1)", r)[0] for r in purge["receipts"]} == {"fra1", "nyc1"}
    assert all(re.search(r"after \d+ ms", r) for r in purge["receipts"])
    assert seen["after_purge"] != "hit"


def test_a_pop_is_drained_and_taken_back_with_confirmation(seen, waypost):
    drain = of(seen, "drain")
    assert "Drain pop nyc?" in drain["question"]
    assert drain["mark"] == 1
    orders = json.loads(waypost.admin_text("/api/v1/orders"))["orders"]
    assert [o["kind"] for o in orders] == ["undrain pop", "drain pop", "purge url"]
    assert all(o["applied"] == o["nodes"] == 2 for o in orders)
    assert any("drain pop nyc" in line for line in drain["log"])


def test_books_show_usage_and_an_invoice_with_its_lines(seen):
    books = of(seen, "books")
    total = books["invoice"]["totals"][0]
    assert f"{total['amount']} {total['currency']}" in books["paper"]
    for line in books["invoice"]["lines"]:
        assert re.search(rf"{line['line']}.* standard .*{line['amount']} EUR", books["paper"]), line
    assert books["plots"] == 2
    assert books["sites"] == [STATIC, WWW]
    assert books["days"] and re.match(r"\d{4}-\d\d-\d\d\s+\d", books["days"][0])


def test_nodes_origins_and_changes_are_listed(seen):
    nodes = of(seen, "nodes")
    assert [row.split()[0] for row in nodes["nodes"]] == ["fra1", "nyc1"]
    assert [row.split()[0] for row in nodes["origins"]] == ["acme/ams", "acme/nyc", "globex/web"]
    assert any("release" in row and "is in use" in row for row in nodes["changes"])


def test_the_keyboard_alone_leads_to_every_page(seen):
    keyboard = of(seen, "keyboard")
    assert keyboard["way"][0]["text"] == "Skip to the content"
    assert keyboard["skipped"]["is"] == "H1"
    names = [step["text"] for step in keyboard["way"]]
    assert names[-1] == "Orders" and {"Overview", "Sites", "Books"} <= set(names)
    assert all(step["seen"] for step in keyboard["way"][1:] if step["is"] == "A"), keyboard["way"]
    assert keyboard["arrived"] == {**keyboard["arrived"], "is": "H1", "text": "Orders"}


def test_every_page_can_be_read_at_three_sizes_in_both_themes(seen):
    assert of(seen, "looks")["found"] == []


def test_nothing_comes_from_or_goes_to_anybody_else(seen):
    hosts = {urllib.parse.urlsplit(url).netloc for url in seen["requests"]}
    # What the policy scene tried itself was asked for, and stopped.
    assert hosts <= {urllib.parse.urlsplit(url).netloc for url in (BASE, AFAR, STRANGER)}
    assert seen["complaints"] == []


def test_the_policy_keeps_out_what_is_not_the_pages_own(seen):
    policy = of(seen, "policy")
    assert not policy["ran"] and not policy["fetched"]
    assert {"script-src-elem", "img-src", "style-src-elem", "connect-src"} <= set(policy["list"])
    assert policy["headers"]["content-security-policy"].startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in policy["headers"]["content-security-policy"]
    assert policy["headers"]["referrer-policy"] == "no-referrer"
    assert policy["headers"]["x-content-type-options"] == "nosniff"


def test_a_token_from_afar_shows_what_is_its_owners_alone(seen, tokens):
    right = tokens["acme"]["token"]
    token = of(seen, "token")
    assert "A token says who asks" in token["first"] and "acme" not in token["first"]
    assert token["refusal"] == "This node does not know that token."
    assert token["refusal"] not in token["first"]
    assert "globex" not in token["said"] and STATIC in token["said"]
    *elsewhere, session = token["stored"]
    assert right in session and not any(right in text for text in elsewhere)
    assert right not in token["left"][0] and STATIC not in token["left"][1]
    assert not any(right in url for url in seen["requests"])


def test_without_npm_the_program_is_built_with_a_page_that_says_so(world):
    folder = shutil.copytree(HERE.parents[1] / "dashboard", world.folder / "dashboard",
                             ignore=shutil.ignore_patterns("node_modules"))
    out = world.folder / "pages.c"
    run("/usr/bin/python3", folder / "embed.py", world.folder / "made", out, f"{out}.d")
    numbers = re.search(r"plain_0\[\] = \{([^}]*)\}", out.read_text())[1]
    page = bytes(int(number) for number in numbers.split(",")).decode()
    assert "The dashboard is not in this build" in page and "tools/setup build" in page
    assert "<script" not in page and out.read_text().count("static const") == 2

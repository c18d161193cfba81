# SPDX-License-Identifier: Apache-2.0
"""The visit: somebody opens a customer's page. DNS names an origin for the page, and a pop for
what the page embeds; the pop fetches it once and has it from then on."""
import subprocess

import pytest

import way
from origin import Origin, embedded_in
from waypost import AMS_ORIGIN, FRA, NYC, NYC_ORIGIN, ZONE, network

PAGE = "/atomiccommit.html"
STATIC = "static.acme.test"
ORIGINS = {AMS_ORIGIN: "ams", NYC_ORIGIN: "nyc"}
NODES = {FRA: "fra1", NYC: "nyc1"}


@pytest.fixture(autouse=True)
def fresh_logs(origins):
    """Each story counts its own requests."""
    for origin in origins.values():
        origin.forget()


def asked(origins, path=None):
    """All requests that reached any origin."""
    return [r for origin in origins.values() for r in origin.requests(path)]


def test_page_comes_from_the_origin_that_dns_named(serve, origins, resolvers, visitors):
    waypost = serve(network())
    resolver = resolvers()
    visitor = visitors(resolver)

    page = visitor.curl(way.url("www.acme.test", PAGE))

    assert page.status == 200
    assert page.peer in ORIGINS
    assert page.headers["x-origin"] == ORIGINS[page.peer]
    assert visitor.resolve("www.acme.test") == [page.peer]
    assert ("A", "NOERROR") in resolver.replies("www.acme.test")
    assert waypost.metric("dns_queries_total") > 0
    assert [r.host for r in origins[ORIGINS[page.peer]].requests(PAGE)] == ["www.acme.test"]


def test_pictures_come_from_the_pop_and_reach_an_origin_once(serve, origins, pages, resolvers,
                                                             visitors):
    serve(network())
    visitor = visitors(resolvers())
    embedded = embedded_in(pages, PAGE, STATIC)
    assert len(embedded) >= 25

    first = [visitor.curl(way.url(STATIC, path)) for path in embedded]
    second = [visitor.curl(way.url(STATIC, path)) for path in embedded]

    for path, reply in zip(embedded, first):
        assert reply.status == 200, path
        assert reply.body == (pages / path[1:]).read_bytes()
        assert reply.peer in NODES
    # Whichever pop DNS named, and it may name another one later: each fetches each object once.
    assert len({(r.peer, path) for r, path in zip(first + second, embedded + embedded)}) == \
        len(asked(origins))
    assert {r.host for r in asked(origins)} == {STATIC}
    for reply in second:
        node, outcome = reply.cache()
        assert node == NODES[reply.peer]
        assert outcome == "hit" or reply.peer != first[second.index(reply)].peer


def test_browser_shows_the_page_and_its_second_visit_is_all_hits(serve, origins, pages, resolvers,
                                                                  visitors):
    config = network()
    config["customers"]["acme"]["sites"][STATIC]["ttl"] = "1h"
    config["customers"]["acme"]["sites"]["www.acme.test"]["ttl"] = "1h"
    serve(config)
    resolver = resolvers()
    visitor = visitors(resolver)
    embedded = {way.url(STATIC, path) for path in embedded_in(pages, PAGE, STATIC)}

    first = visitor.browse(way.url("www.acme.test", PAGE))
    fills = len([r for r in asked(origins) if r.host == STATIC])
    second = visitor.browse(way.url("www.acme.test", PAGE))

    for visit in (first, second):
        assert embedded <= set(visit)
        assert all(visit[url].status == 200 for url in embedded)
        assert visit[way.url("www.acme.test", PAGE)].headers["x-origin"] in ORIGINS.values()
    assert fills == len(embedded)
    assert [second[url].cache()[1] for url in embedded] == ["hit"] * len(embedded)
    assert len([r for r in asked(origins) if r.host == STATIC]) == fills
    # Page first, static content afterwards, each led by a question of its own.
    names = [q[1] for q in resolver.questions() if q[2] == "A"]
    assert names.index("www.acme.test") < names.index(STATIC)


def test_both_names_may_be_shared_names_of_the_network(serve, origins, resolvers, visitors):
    serve(network())
    visitor = visitors(resolvers())

    page = visitor.curl(way.url(f"www.acme.test.{ZONE}", PAGE))
    style = visitor.curl(way.url(f"{STATIC}.{ZONE}", "/sqlite.css"))
    again = visitor.curl(way.url(STATIC, "/sqlite.css"), "--connect-to", f"::{style.peer}:")

    assert page.headers["x-origin"] == ORIGINS[page.peer]
    assert style.status == 200 and style.peer in NODES
    # One object under both of its site's names.
    assert again.cache() == (NODES[style.peer], "hit")
    assert {r.host for r in asked(origins, "/sqlite.css")} == {STATIC}


def test_dynamic_content_passes_through_every_time(serve, origins, resolvers, visitors):
    serve(network())
    visitor = visitors(resolvers())

    replies = [visitor.curl(way.url(STATIC, f"/dynamic?n={n % 2}")) for n in range(4)]

    assert [r.status for r in replies] == [200] * 4
    assert [r.body for r in replies] == [b"ams GET n=%d\n" % (n % 2) for n in range(4)]
    assert len(asked(origins)) == 4


def test_dynamic_content_may_have_a_steered_name_of_its_own(serve, origins, resolvers, visitors):
    config = network()
    config["customers"]["acme"]["sites"]["app.acme.test"] = {
        "steer": ["ams", "nyc"], "policy": "weighted", "ttl": "2s"}
    serve(config)
    seen = set()
    for visitor in [visitors(resolvers()) for _ in range(6)]:
        reply = visitor.curl(way.url("app.acme.test", "/dynamic?who"))
        assert reply.body == f"{ORIGINS[reply.peer]} GET who\n".encode()
        seen.add(reply.peer)
    assert seen == set(ORIGINS)  # six subnets; who gets which is fixed


def test_either_name_server_gives_the_same_origin_to_the_same_visitor(serve, origins, resolvers,
                                                                      visitors):
    serve(network())
    crowd = [visitors() for _ in range(12)]

    chosen = []
    for visitor in crowd:
        answers = {server: tuple(_dig(visitor, server, "www.acme.test")) for server in (FRA, NYC)}
        assert answers[FRA] == answers[NYC]
        assert len(answers[FRA]) == 1
        chosen.append(answers[FRA][0])
    # Weighted evenly over twelve subnets: 1 in 2,048 that all draw the same, and it is fixed.
    assert set(chosen) == set(ORIGINS)


def _dig(visitor, server, name):
    done = subprocess.run(visitor.words("dig", "+short", f"@{server}", name), capture_output=True,
                          text=True, timeout=20, check=True)
    return done.stdout.split()


def test_another_customers_names_lead_to_their_own_servers(serve, world, origins, pages, resolvers,
                                                           visitors):
    theirs = Origin(world, "theirs", "203.0.113.77", pages)
    config = network()
    config["customers"]["other"] = {
        "origins": {"only": {"address": f"{theirs.address}:8080"}},
        "sites": {"www.other.test": {"steer": ["only"]},
                  "cdn.other.test": {"deliver": ["only"]}},
    }
    serve(config)
    visitor = visitors(resolvers())

    page = visitor.curl(way.url("www.other.test", "/index.html"))
    ours = visitor.curl(way.url(STATIC, "/sqlite.css"))
    other = visitor.curl(way.url("cdn.other.test", "/sqlite.css"))

    assert page.peer == theirs.address
    assert other.headers["x-origin"] == "theirs" and ours.headers["x-origin"] == "ams"
    assert [r.host for r in theirs.requests("/sqlite.css")] == ["cdn.other.test"]
    assert [r.host for r in asked(origins, "/sqlite.css")] == [STATIC]

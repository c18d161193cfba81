# SPDX-License-Identifier: Apache-2.0
"""Origins that are asked over TLS: real nginx, certificates made for the story."""
import itertools
import pathlib

import pytest

from authority import Authority
from origin import Origin
from raw import ask
from waypost import FRA, network, run_waypost, sites
from world import wait_until

STATIC = "static.acme.test"
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def authorities(world):
    """Ours, and one that nobody has heard of."""
    folder = world.place("authorities")
    return Authority(folder, "ours"), Authority(folder, "strangers")


@pytest.fixture
def secure(world, pages, authorities):
    """Starts an origin that proves these names, by whom they are vouched for, in this order."""
    started = []

    def start(by, host):
        certificate, key = by.certify(host)
        number = next(numbers)
        address = f"198.51.100.{50 + number}"
        directives = (f"listen {address}:443 ssl; ssl_certificate {certificate};"
                      f"ssl_certificate_key {key};")
        started.append(Origin(world, f"secure{number}", address, pages, directives))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def config_of(origin, **trust):
    """The usual network, whose delivered site has this origin alone."""
    config = network()
    config["customers"]["acme"]["origins"]["safe"] = {
        "address": f"{origin.address}:443", "tls": "yes", **trust}
    sites(config)[STATIC] = {"deliver": ["safe"]}
    return config


def largest_page(pages):
    """A file of several hundred records, and its path."""
    found = max((p for p in pathlib.Path(pages).rglob("*.html")), key=lambda p: p.stat().st_size)
    assert found.stat().st_size > 300_000
    return f"/{found.relative_to(pages)}", found.read_bytes()


def test_fills_ask_over_tls_and_check_the_name(serve, secure, authorities, pages):
    ours, _ = authorities
    origin = secure(ours, STATIC)
    serve(config_of(origin, ca=str(ours.file)))
    path, body = largest_page(pages)
    reply = ask(FRA, path, STATIC)
    assert (reply.status, reply.body) == (200, body)
    assert ask(FRA, "/sqlite.css", STATIC).cache() == ("fra1", "uri-miss")
    assert ask(FRA, "/sqlite.css", STATIC).cache() == ("fra1", "hit")
    assert ask(FRA, "/dynamic?x=1", STATIC, "POST").status == 200
    assert [r.host for r in origin.requests("/sqlite.css")] == [STATIC]


def test_an_origin_may_prove_a_name_of_its_own(serve, secure, authorities):
    ours, _ = authorities
    origin = secure(ours, "backend.acme.test")
    serve(config_of(origin, ca=str(ours.file), host="backend.acme.test"))
    assert ask(FRA, "/sqlite.css", STATIC).status == 200
    assert [r.host for r in origin.requests("/sqlite.css")] == ["backend.acme.test"]


def test_an_origin_that_nobody_trusted_vouches_for_is_not_believed(serve, secure, authorities):
    ours, strangers = authorities
    origin = secure(strangers, STATIC)
    waypost = serve(config_of(origin, ca=str(ours.file)))
    assert ask(FRA, "/sqlite.css", STATIC).status == 502
    assert ask(FRA, "/dynamic", STATIC, "POST").status == 502
    assert not origin.requests()
    for event in ("fill_failed", "pass_failed"):
        wait_until(lambda event=event: any(
            event in line and f'why="certificate of {STATIC}: unable to get local issuer' in line
            for line in waypost.process.output().splitlines()), "the reason in the log", 3)
    _, out, _ = run_waypost("status", "-c", waypost.path)
    assert "certificate is from an unknown authority" in out


def test_a_certificate_for_another_name_is_not_believed(serve, secure, authorities):
    ours, _ = authorities
    waypost = serve(config_of(secure(ours, "other.acme.test"), ca=str(ours.file)))
    assert ask(FRA, "/sqlite.css", STATIC).status == 502
    wait_until(lambda: f"certificate of {STATIC}: hostname mismatch" in waypost.process.output(),
               "the reason in the log", 3)


def test_a_file_of_authorities_that_cannot_be_read_stops_a_reload(serve, secure, authorities):
    ours, _ = authorities
    origin = secure(ours, STATIC)
    waypost = serve(config_of(origin, ca=str(ours.file)))
    assert ask(FRA, "/sqlite.css", STATIC).status == 200
    waypost.reload(config_of(origin, ca="/nowhere/ca.pem"))
    wait_until(lambda: "origin acme/safe: the certificates in /nowhere/ca.pem cannot be used: "
               "No such file or directory" in waypost.process.output(), "the reason", 3)
    assert ask(FRA, "/sqlite.css?fresh", STATIC).status == 200  # as before
    waypost.write(config_of(origin, ca=str(ours.file)))

# SPDX-License-Identifier: Apache-2.0
"""A browser opens a customer's page by HTTPS: the page from the origin that DNS names, what it
embeds from a pop by HTTP/2. The browser asks its provider's resolver, which asks our servers."""
import shutil

import pytest

from authority import key_mark
from origin import Origin, embedded_in
from secure import STATIC, files
from waypost import network, sites

PAGE, WWW = "/atomiccommit.html", "www.acme.test"


@pytest.fixture(scope="module")
def shop(world, ours, pages):
    """
    A network whose page and pictures are to be had by HTTPS alone, its origins, and the browser's
    option that has it trust both certificates and no other.
    """
    root = shutil.copytree(pages, world.place("secure") / "site")
    page = root / PAGE[1:]
    page.write_text(page.read_text().replace(f"http://{STATIC}/", f"https://{STATIC}/"))
    own, edge = ours.certify(WWW), ours.certify(STATIC)
    config = network()
    origins = {name: Origin(
        world, f"secure-{name}", origin["address"].split(":")[0], root,
        f"listen {origin['address'].split(':')[0]}:443 ssl; ssl_certificate {own[0]};"
        f"ssl_certificate_key {own[1]};")
        for name, origin in config["customers"]["acme"]["origins"].items()}
    for site in (WWW, STATIC):
        sites(config)[site]["ttl"] = "1h"
    sites(config)[STATIC].update(tls=files(edge), https="only", hsts="1h")
    marks = f"{key_mark(own[0])},{key_mark(edge[0])}"
    return config, origins, f"--ignore-certificate-errors-spki-list={marks}"


def test_a_browser_fetches_what_a_page_embeds_by_http2_and_again_from_the_cache(
        serve, shop, pages, resolvers, visitors):
    config, origins, trust = shop
    waypost = serve(config)
    resolver = resolvers()
    visitor = visitors(resolver)
    embedded = {f"https://{STATIC}{path}" for path in embedded_in(pages, PAGE, STATIC)}
    names = {origin.name for origin in origins.values()}
    assert len(embedded) >= 25

    for fetched in ("miss", "hit"):  # each time with a profile that has seen nothing
        visit = visitor.browse(f"https://{WWW}{PAGE}", trust)
        assert visit[f"https://{WWW}{PAGE}"].headers["x-origin"] in names
        assert embedded <= set(visit)
        for url in embedded:
            assert visit[url].status == 200, url
            assert visit[url].headers["strict-transport-security"] == "max-age=3600"
            assert (visit[url].cache()[1] == "hit") == (fetched == "hit"), url
        assert embedded <= set(visitor.asked_by_http2())
    fills = [r for origin in origins.values() for r in origin.requests() if r.host == STATIC]
    assert {f"https://{STATIC}{r.path}" for r in fills} >= embedded
    assert {(STATIC, "A"), (WWW, "A")} <= {q[1:] for q in resolver.questions()}
    assert waypost.metric("tls_http2_total") < 2 * len(embedded)  # they share connections


def test_a_browser_without_trust_in_our_certificate_shows_no_page(serve, shop, resolvers, visitors):
    waypost = serve(shop[0])
    visitor = visitors(resolvers())
    with pytest.raises(AssertionError, match="ERR_CERT_AUTHORITY_INVALID"):
        visitor.browse(f"https://{STATIC}/sqlite.css")
    assert waypost.metric("tls_failed_total", reason="refused") >= 1
    assert waypost.metric("delivery_requests_total") == 0

# SPDX-License-Identifier: Apache-2.0
"""Visitors who come by HTTPS, and the certificates that they are shown."""
import concurrent.futures
import copy
import itertools
import json
import pathlib
import re
import socket
import ssl
import subprocess
import time
import urllib.request

import pytest

from origin import Origin
from raw import Connection, ask
from secure import SHOP, STATIC, Secure, curl, files, trusting
from waypost import FRA, NYC, ZONE, run_waypost, sites
from world import listens, run, wait_until

numbers = itertools.count(1)


def subject(host, node=FRA):
    """Whom the certificate that is shown for a name is for; None: there was no handshake."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection((node, 443), timeout=5) as plain:
            with context.wrap_socket(plain, server_hostname=host) as sock:
                shown = ssl.DER_cert_to_PEM_cert(sock.getpeercert(True))
    except ssl.SSLError:
        return None
    return re.search(r"DNS:(\S+)", run("openssl", "x509", "-noout", "-ext", "subjectAltName",
                                       input=shown))[1]


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_a_site_is_delivered_by_https_as_by_http(serve, secured, ours, origins, pages, version):
    serve(secured)
    first = curl(ours, "/sqlite.css", version)
    again = curl(ours, "/sqlite.css", version)
    assert first.status == again.status == 200
    assert again.cache() == ("fra1", "hit") and first.body == again.body
    assert first.body == (pages / "sqlite.css").read_bytes()
    plain = ask(FRA, "/sqlite.css", STATIC)
    assert plain.cache() == ("fra1", "hit") and plain.body == first.body
    part = curl(ours, "/sqlite.css", version, "-r", "0-9")
    assert part.status == 206 and part.body == first.body[:10]
    same = curl(ours, "/sqlite.css", version, "-H", f"If-None-Match: {first.headers['etag']}")
    assert same.status == 304 and same.body == b""
    assert curl(ours, "/sqlite.css", version, "-I").headers["content-length"] == str(
        len(first.body))
    assert curl(ours, "/nowhere", version).status == 404
    passed = curl(ours, "/dynamic?a=1", version, "-d", "body")
    assert passed.status == 200 and passed.body.split()[1:] == [b"POST", b"a=1"]


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_large_pages_come_whole(serve, secured, ours, origins, pages, version):
    serve(secured)
    largest = max(pathlib.Path(pages).rglob("*.html"), key=lambda p: p.stat().st_size)
    path = f"/{largest.relative_to(pages)}"
    for _ in range(2):
        assert curl(ours, path, version).body == largest.read_bytes()


def test_the_version_of_http_is_agreed_on_in_the_handshake(serve, secured, ours, origins):
    waypost = serve(secured)
    for offered, agreed in ((["h2", "http/1.1"], "h2"), (["http/1.1"], "http/1.1"), ([], None)):
        context = trusting(ours)
        context.set_alpn_protocols(offered)
        with Secure(context) as visitor:
            assert visitor.sock.selected_alpn_protocol() == agreed
    context.set_alpn_protocols(["spdy/1"])
    with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
        Secure(context)
    wait_until(lambda: waypost.metric("tls_failed_total", "fra1", reason="alpn") == 1,
               "it is counted", 3)


def test_each_name_is_shown_its_own_certificate(serve, secured, ours):
    serve(secured)
    assert subject(STATIC) == STATIC and subject(SHOP) == SHOP
    assert subject("unknown.test") is None  # and no default
    secured["tls"] = {"default": files(ours.certify("*.acme.test", name="any"))}
    other = serve({**secured, "pops": other_pops()})
    assert subject("unknown.test", "192.0.2.30") == "*.acme.test"
    assert subject(SHOP, "192.0.2.30") == SHOP
    other.stop()


def other_pops():
    """A pop of another network on this machine."""
    return {"ams": {"nodes": {"ams1": {"address": ["192.0.2.30"], "ports": {"admin": 8655}}}}}


def test_plain_visitors_are_sent_to_https_where_the_site_says_so(serve, secured, ours, origins):
    sites(secured)[SHOP]["https"] = "only"
    waypost = serve(secured)
    sent = ask(FRA, "/a/b.css?c=%20d", SHOP)
    assert (sent.status, sent.headers["location"]) == (301, f"https://{SHOP}/a/b.css?c=%20d")
    assert ask(FRA, "/x", SHOP, "HEAD").status == 301
    posted = ask(FRA, "/x", f"{SHOP}:80", "POST", "Content-Length: 0")
    assert (posted.status, posted.headers["location"]) == (308, f"https://{SHOP}/x")
    assert ask(FRA, "/sqlite.css", STATIC).status == 200
    followed = curl(ours, "/sqlite.css", "-L", host=SHOP, scheme="http")
    assert followed.status == 301 and b"HTTP/2 200" in followed.body  # both answers are shown
    assert waypost.metric("delivery_requests_total", "fra1", outcome="redirected") == 4
    assert ask(FRA, "/.well-known/waypost/probe", SHOP).status == 200  # nodes are measured by HTTP


def test_browsers_are_told_to_come_by_https_alone_and_only_by_https(serve, secured, ours, origins):
    sites(secured)[STATIC].update(hsts="365d")
    sites(secured)[SHOP].update(hsts="1d", hsts_subdomains="yes")
    serve(secured)
    field = "strict-transport-security"
    for path in ("/sqlite.css", "/sqlite.css", "/nowhere", "/dynamic"):
        assert curl(ours, path).headers[field] == "max-age=31536000"
        assert field not in ask(FRA, path, STATIC).headers
    assert curl(ours, "/", host=SHOP).headers[field] == "max-age=86400; includeSubDomains"


def test_one_word_on_https_reaches_browsers_and_the_sites_own_goes_first(
        serve, secured, ours, world, pages):
    field = "Strict-Transport-Security"
    origin = Origin(world, f"strict{next(numbers)}", "198.51.100.92", pages,
                    f"add_header {field} max-age=7 always;"
                    f"location /passed {{ add_header {field} max-age=7; return 200 x; }}")
    secured["customers"]["acme"]["origins"]["strict"] = {"address": f"{origin.address}:80"}
    for host in (STATIC, SHOP):
        sites(secured)[host].update(deliver=["strict"], paths={"/passed": {"cache": "no"}})
    sites(secured)[STATIC].update(hsts="365d")
    serve(secured)
    for path in ("/sqlite.css", "/sqlite.css", "/passed"):
        for version in ("--http1.1", "--http2"):
            assert curl(ours, path, version).headers[field.lower()] == "max-age=31536000"
            assert curl(ours, path, version, host=SHOP).headers[field.lower()] == "max-age=7"
        for host in (STATIC, SHOP):
            assert field.lower() not in ask(FRA, path, host).headers
    etag = curl(ours, "/sqlite.css", host=SHOP).headers["etag"]
    same = curl(ours, "/sqlite.css", "-H", f"If-None-Match: {etag}", host=SHOP)
    assert same.status == 304 and same.headers.get(field.lower()) == "max-age=7"
    origin.stop()


def test_origins_are_told_how_the_visitor_came(serve, secured, ours, world):
    origin = Origin(world, f"telling{next(numbers)}", "198.51.100.90", "/usr/share/doc/sqlite3",
                    "location /told { return 200 $http_x_forwarded_proto; }")
    secured["customers"]["acme"]["origins"]["telling"] = {"address": f"{origin.address}:80"}
    sites(secured)[SHOP].update(deliver=["telling"], paths={"/told": {"cache": "no"}})
    serve(secured)
    assert curl(ours, "/told", host=SHOP).body == b"https"
    assert ask(FRA, "/told", SHOP).body == b"http"
    origin.stop()


def test_who_speaks_plain_http_to_the_port_is_told_so(serve, secured):
    waypost = serve(secured)
    with Connection(FRA, 443) as connection:
        connection.send(f"GET / HTTP/1.1\r\nHost: {STATIC}\r\n\r\n")
        reply = connection.reply()
        assert reply.status == 400 and b"https://" in reply.body
        assert connection.is_closed()
    assert waypost.metric("tls_failed_total", "fra1", reason="plain") == 1


def test_old_versions_are_refused(serve, secured, ours):
    waypost = serve(secured)

    def greets(version):
        done = subprocess.run(
            ["openssl", "s_client", "-connect", f"{FRA}:443", "-servername", STATIC, "-cipher",
             "ALL:@SECLEVEL=0", version], input=b"", capture_output=True, timeout=20, check=False)
        return done.returncode == 0

    assert greets("-tls1_3") and greets("-tls1_2")
    assert not greets("-tls1_1")
    secured["tls"] = {"min_version": "1.3"}
    waypost.reload(secured)
    wait_until(lambda: not greets("-tls1_2"), "the new release is in use", 5)
    assert greets("-tls1_3")


def load(context, until, answers):
    """Asks, on old and on new connections, until it is told to stop; every answer counts."""
    while not until():
        with Secure(context) as visitor:
            for _ in range(5):
                reply = visitor.get("/sqlite.css")
                answers.append(reply.status if reply else None)


def test_a_renewed_certificate_is_picked_up_and_no_request_is_lost(
        serve, secured, ours, origins, world):
    renewed = ours.certify(STATIC, name="renewed")
    sites(secured)[STATIC]["tls"] = files(renewed)
    waypost = serve(secured)
    context = trusting(ours)
    stop, answers = [], []
    with concurrent.futures.ThreadPoolExecutor() as pool:
        crowd = [pool.submit(load, context, lambda: stop, answers) for _ in range(4)]
        with Secure(context) as old:
            before = old.serial()
            assert old.get("/sqlite.css").status == 200
            for _ in range(3):
                ours.certify(STATIC, name="renewed")
                waypost.reload()
                time.sleep(0.5)

            def now():
                with Secure(trusting(ours)) as new:
                    return new.serial()

            wait_until(lambda: now() != before, "the new one is shown", 5)
            assert old.get("/sqlite.css").status == 200  # goes on with what it was shown
            assert old.serial() == before
        stop.append(True)
        for one in crowd:
            one.result(30)
    assert len(answers) > 100 and set(answers) == {200}


def test_a_session_is_resumed_after_a_reload(serve, secured, ours):
    waypost = serve(secured)
    ticket = ours.folder / "session"

    def visit(*options):
        return run("openssl", "s_client", "-connect", f"{FRA}:443", "-servername", STATIC,
                   "-tls1_2", *options, stdin=subprocess.DEVNULL)

    assert "New, TLSv1.2" in visit("-sess_out", ticket)
    waypost.reload()
    wait_until(lambda: "reload_done" in waypost.process.output(), "the reload", 5)
    assert "Reused, TLSv1.2" in visit("-sess_in", ticket)
    assert waypost.metric("tls_resumed_total", "fra1") == 1


def test_an_expired_certificate_is_warned_of_and_takes_no_other_site_down(
        serve, secured, ours, origins):
    sites(secured)[SHOP]["tls"] = files(ours.certify(SHOP, days=-1, name="expired"))
    sites(secured)[STATIC]["tls"] = files(ours.certify(STATIC, days=5, name="soon"))
    waypost = serve(secured)
    assert curl(ours, "/sqlite.css").status == 200
    assert curl(ours, "/sqlite.css", host=SHOP) is None
    assert curl(ours, "/sqlite.css", "-k", host=SHOP).status == 200
    code, out, _ = run_waypost("check", "-c", waypost.path)
    assert code == 0
    assert re.search(rf"{SHOP}  \S*expired.pem  -\d+ days left  warning: .*expired.pem.*\d{{4}}-",
                     out)
    assert re.search(rf"{STATIC}  \S*soon.pem  [45] days left  warning: .*soon.pem.*\d{{4}}-", out)
    assert f"certificate name={SHOP}" in waypost.process.output()
    _, shown, _ = run_waypost("status", "-c", waypost.path)
    assert re.search(rf"{re.escape(SHOP)} +\S*expired", shown)
    assert f'certificate_expiry_seconds{{name="{SHOP}",' in waypost.admin_text("/metrics")


def test_a_certificate_for_another_site_is_warned_of(serve, secured, ours, world):
    sites(secured)[SHOP]["tls"] = files(ours.certify("other.test", name="other"))
    path = world.place(f"check{next(numbers)}") / "waypost.yaml"
    path.write_text(json.dumps(secured))
    code, out, _ = run_waypost("check", "-c", path)
    assert code == 0 and re.search(rf"{SHOP}  \S*other.pem  .*warning: .*other.pem.*{SHOP}", out)


def test_what_cannot_be_used_refuses_the_reload_and_names_site_and_file(
        serve, secured, ours, origins):
    waypost = serve(secured)
    wrong = copy.deepcopy(secured)
    sites(wrong)[SHOP]["tls"]["key"] = sites(wrong)[STATIC]["tls"]["key"]
    sites(wrong)[STATIC]["tls"]["cert"] = "/nowhere/cert.pem"
    waypost.write(wrong)
    for command in ("reload", "check"):
        code, _, err = run_waypost(command, "-c", waypost.path)
        assert code == 1
        assert re.search(rf"waypost.yaml:\d+:\d+: certificate of {SHOP}: .*{SHOP}", err), err
        assert re.search(rf"waypost.yaml:\d+:\d+: certificate of {STATIC}: .*/nowhere/cert.pem",
                         err), err
    assert curl(ours, "/sqlite.css").status == 200
    assert curl(ours, "/sqlite.css", host=SHOP).status == 200
    code, _, err = run_waypost("run", "-c", waypost.path, "--node", "nyc1")
    assert code == 1 and "/nowhere/cert.pem" in err
    waypost.write(secured)


def test_without_a_certificate_the_port_is_closed_until_there_is_one(serve, secured, ours, origins):
    bare = copy.deepcopy(secured)
    for host in (STATIC, SHOP):
        del sites(bare)[host]["tls"]
    waypost = serve(bare)
    assert not listens(FRA, 443)
    code, out, _ = run_waypost("check", "-c", waypost.path)
    assert code == 0 and "https closed (no certificate)" in out
    for words in (out, run_waypost("status", "-c", waypost.path)[1]):
        assert f"\n{STATIC}: no certificate: HTTPS not served\n" in words
    waypost.reload(secured)
    wait_until(lambda: listens(FRA, 443) and listens(NYC, 443), "the port opens", 5)
    assert "HTTPS not served" not in run_waypost("status", "-c", waypost.path)[1]
    assert curl(ours, "/sqlite.css").status == 200
    waypost.reload(bare)
    wait_until(lambda: not listens(FRA, 443), "and closes", 5)
    assert ask(FRA, "/sqlite.css", STATIC).status == 200


def test_operators_ask_from_afar_with_a_token(serve, secured, ours, origins):
    token = ours.folder / "token"
    token.write_text("0123456789abcdef0123456789abcdef\n")
    pair = ours.certify("admin.acme.test", name="admin")
    names = ours.folder / "admin.names"
    names.write_text(f"subjectAltName=DNS:admin.acme.test,IP:{FRA}\n")
    run("openssl", "x509", "-req", "-in", ours.folder / "admin.csr", "-CA", ours.file, "-CAkey",
        ours.key, "-days", "2", "-extfile", names, "-out", pair[0])
    secured["admin"] = {"tls": files(pair), "token": str(token)}
    waypost = serve(secured)
    url = f"https://{FRA}:8653"
    afar = ("--url", url, "--ca", ours.file, "--token", token)
    assert re.search(r"fra1 +fra", run_waypost("status", *afar)[1])
    assert "loopback" not in run_waypost("status", *afar)[1]
    assert re.search(r"up +fra +fra1", run_waypost("top", "--once", *afar)[1])
    code, out, _ = run_waypost("purge", f"http://{STATIC}/sqlite.css", *afar)
    assert code == 0 and "by token" in out
    context = trusting(ours)

    def metrics(shown):
        request = urllib.request.Request(f"{url}/metrics", headers=shown)
        with urllib.request.urlopen(request, timeout=5, context=context) as reply:
            return reply.read().decode()

    assert "waypost_uptime" in metrics(
        {"Authorization": "Bearer 0123456789abcdef0123456789abcdef"})
    for shown in ({}, {"Authorization": "Bearer 0123456789abcdef0123456789abcdeX"}):
        with pytest.raises(urllib.error.HTTPError) as refused:
            metrics(shown)
        assert refused.value.code == 401
        assert refused.value.headers["www-authenticate"].startswith("Bearer")
    stale = ours.folder / "stale"
    stale.write_text("another-token-altogether")
    code, _, err = run_waypost("status", "--url", url, "--ca", ours.file, "--token", stale)
    assert code == 1 and "token" in err
    assert run_waypost("top", "--url", url, "--ca", ours.file, "--token", stale)[0] == 1
    code, _, err = run_waypost("status", "--url", url, "--token", token)
    assert code == 1 and "unknown authority" in err
    token.write_text("fedcba9876543210fedcba9876543210\n")
    waypost.reload()
    wait_until(lambda: run_waypost("status", *afar)[0] == 0, "the new token holds", 5)
    with Connection(FRA, 8653) as plain:
        plain.send("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        reply = plain.reply()
        assert reply.status == 400 and b"https://" in reply.body
    for asked in range(40):
        code, _, err = run_waypost("status", "--url", url, "--ca", ours.file, "--token", stale)
        if "too many wrong tokens" in err:
            break
    assert code == 1 and 5 <= asked < 30  # ten in all, and what time brings back
    assert waypost.metric("admin_throttled_total", "fra1") == 1


def test_origins_that_ask_who_we_are_are_shown_a_certificate(serve, secured, ours, world, pages):
    shown = ours.certify("edge.acme.test", name="edge")
    certificate, key = ours.certify("backend.acme.test", name="backend")
    origin = Origin(world, f"asking{next(numbers)}", "198.51.100.91", pages,
                    f"listen 198.51.100.91:443 ssl; ssl_certificate {certificate};"
                    f"ssl_certificate_key {key}; ssl_client_certificate {ours.file};"
                    "ssl_verify_client on;")
    settings = {"address": f"{origin.address}:443", "tls": "yes", "ca": str(ours.file),
                "host": "backend.acme.test"}
    secured["customers"]["acme"]["origins"]["asking"] = {**settings, **files(shown)}
    sites(secured)[SHOP]["deliver"] = ["asking"]
    waypost = serve(secured)
    assert curl(ours, "/sqlite.css", host=SHOP).status == 200
    secured["customers"]["acme"]["origins"]["asking"] = settings
    waypost.reload(secured)
    wait_until(lambda: curl(ours, f"/sqlite.css?{next(numbers)}", host=SHOP).status == 400,
               "without it nginx refuses", 5)
    origin.stop()


def test_the_shared_name_of_a_site_is_served_with_what_certificate_has_it(
        serve, secured, ours, origins):
    name = f"{STATIC}.{ZONE}"
    secured["tls"] = {"default": files(ours.certify(name, name="shared"))}
    waypost = serve(secured)
    assert curl(ours, "/sqlite.css", host=name).status == 200
    wide = ours.certify(f"*.{name.partition('.')[2]}", name="wide")
    waypost.reload({**secured, "tls": {"certificates": {"wide": files(wide)}}})
    wait_until(lambda: subject(name) == f"*.{name.partition('.')[2]}", "the other is shown", 5)
    assert curl(ours, "/sqlite.css", host=name).status == 200
    assert subject(STATIC) == STATIC and subject("unknown.test") is None
    _, out, _ = run_waypost("check", "-c", waypost.path)
    assert re.search(r"certificates.wide  \S*wide.pem  \d+ days left", out)


def test_of_two_kinds_of_keys_the_visitor_is_shown_the_one_it_can_verify(serve, secured, ours):
    rsa = ours.certify(STATIC, name="rsa", key_of=("-newkey", "rsa:2048", "-nodes"))
    secured["tls"] = {"certificates": {"old": files(rsa)}}
    serve(secured)

    def shown(algorithms, *options):
        words = run("openssl", "s_client", "-connect", f"{FRA}:443", "-servername", STATIC,
                    "-sigalgs", algorithms, "-CAfile", ours.file, *options,
                    stdin=subprocess.DEVNULL)
        assert "Verify return code: 0 (ok)" in words
        return re.search(r"Peer signature type: (\S+)", words)[1]

    for version in ("-tls1_2", "-tls1_3"):
        assert shown("ECDSA+SHA256:RSA-PSS+SHA256", version) == "ECDSA"
        assert shown("RSA-PSS+SHA256:ECDSA+SHA256", version) == "ECDSA"
        assert shown("RSA-PSS+SHA256:RSA+SHA256", version) in ("RSA", "RSA-PSS")

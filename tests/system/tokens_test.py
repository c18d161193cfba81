# SPDX-License-Identifier: Apache-2.0
"""Two customers and two operators with tokens, and a node that is asked by HTTPS: every call with
every token, and what nobody may learn of somebody else."""
import http.client
import itertools
import json
import re
import subprocess

import pytest

from secure import files, trusting
from waypost import FRA, NYC_ORIGIN, ZONE, network, run_waypost
from world import run, wait_until

WWW, STATIC, OTHER = "www.acme.test", "static.acme.test", "static.globex.test"
PORT = 8653
# Nobody's names, as far from those of acme as globex's are.
OTHER_GONE, ORIGIN_GONE = "static.globey.test", "globey/web"

PEOPLE = ("nobody", "guesser", "acme viewer", "acme manager", "globex manager",
          "operators' viewer", "operator")
places = itertools.count(1)


def mint(name, *words):
    """A token as the program makes it."""
    code, out, err = run_waypost("token", name, *words, "--json")
    assert code == 0, err
    return json.loads(out)


def lines(*tokens):
    """As the configuration has them; the text of the token is not among it."""
    return {t["name"]: {"role": t["role"], "hash": t["hash"]} for t in tokens}


class People:
    """Who asks, by curl or on a connection of their own."""

    def __init__(self, ours, minted):
        self.ours = ours
        self.tokens = {"nobody": None, "guesser": "wpt_" + 64 * "0",
                       **{who: one["token"] for who, one in minted.items()}}

    def ask(self, who, method, path, body=None):
        """Status and body. Whoever guesses comes from another address each time, as guesses from one
        are soon not listened to."""
        words = ["curl", "-s", "--max-time", "20", "--cacert", self.ours.file, "-X", method,
                 "-w", "\n%{http_code}", f"https://{FRA}:{PORT}{path}"]
        if self.tokens[who]:
            words += ["-H", f"Authorization: Bearer {self.tokens[who]}"]
        if body is not None:
            words += ["--data-binary", body if isinstance(body, str) else json.dumps(body)]
        if who == "guesser":
            words += ["--interface", f"127.0.1.{next(places)}"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=True)
        text, _, status = done.stdout.rpartition("\n")
        return int(status), text

    def json(self, who, path):
        status, text = self.ask(who, "GET", path)
        assert status == 200, text
        return json.loads(text)

    def connection(self):
        return http.client.HTTPSConnection(FRA, PORT, timeout=10, context=trusting(self.ours))

    def fields(self, who):
        return {"Authorization": f"Bearer {self.tokens[who]}"}


@pytest.fixture(scope="module")
def minted():
    return {"acme viewer": mint("look", "--customer", "acme"),
            "acme manager": mint("deploy", "--customer", "acme", "--role", "manager"),
            "globex manager": mint("deploy", "--customer", "globex", "--role", "manager"),
            "operators' viewer": mint("screen"),
            "operator": mint("anna", "--role", "operator")}


def config_of(ours, minted, without=()):
    """Two customers of one network; the admin port has a certificate for the node's address."""
    left = {who: one for who, one in minted.items() if who not in without}
    config = network()
    pair = ours.certify("admin.acme.test", name="admin")
    names = ours.folder / "admin.names"
    names.write_text(f"subjectAltName=IP:{FRA}\n")
    run("openssl", "x509", "-req", "-in", ours.folder / "admin.csr", "-CA", ours.file, "-CAkey",
        ours.key, "-days", "2", "-extfile", names, "-out", pair[0])
    config["accounts"] = {"node": "fra1"}
    config["plans"] = {"standard": {"currency": "EUR", "monthly": 5, "per_gb": 1}}
    config["customers"]["acme"]["plan"] = "standard"
    config["admin"] = {"tls": files(pair), "tokens": lines(
        *(left[who] for who in ("operators' viewer", "operator") if who in left))}
    config["customers"]["acme"]["tokens"] = lines(
        *(left[who] for who in ("acme viewer", "acme manager") if who in left))
    config["customers"]["globex"] = {
        "plan": "standard",
        "origins": {"web": {"address": f"{NYC_ORIGIN}:80"}},
        "sites": {OTHER: {"deliver": ["web"], "ttl": "2s"}},
        "tokens": lines(*(left[who] for who in ("globex manager",) if who in left))}
    return config


@pytest.fixture
def waypost(serve, ours, minted, origins):
    return serve(config_of(ours, minted))


@pytest.fixture
def people(waypost, ours, minted):
    return People(ours, minted)


SEE = (401, 401, 200, 200, 200, 200, 200)
OURS = (401, 401, 403, 403, 403, 200, 200)  # of operators, who may look
COMMAND = (401, 401, 403, 403, 403, 403, 200)  # of operators, who may change
SEE_ACME = (401, 401, 200, 200, 404, 200, 200)
SEE_GLOBEX = (401, 401, 404, 404, 200, 200, 200)
CHANGE_ACME = (401, 401, 403, 200, 404, 403, 200)
CHANGE_GLOBEX = (401, 401, 403, 404, 200, 403, 200)
GONE = (401, 401, 404, 404, 404, 404, 404)
CHANGE_GONE = (401, 401, 403, 404, 404, 403, 404)
WRONG = (401, 401, 400, 400, 400, 400, 400)
CHANGE_WRONG = (401, 401, 403, 400, 400, 403, 400)
METHOD = (401, 401, 405, 405, 405, 405, 405)

CALLS = [
    ("GET", "/healthz", None, SEE),
    ("GET", "/metrics", None, OURS),
    ("GET", "/api/v1/status", None, SEE),
    ("GET", f"/api/v1/why?name={WWW}", None, SEE_ACME),
    ("GET", f"/api/v1/why?name={WWW}.{ZONE}.&client=203.0.113.9", None, SEE_ACME),
    ("GET", f"/api/v1/why?name={OTHER}", None, SEE_GLOBEX),
    ("GET", f"/api/v1/why?name={OTHER.upper()}&node=fra1", None, SEE_GLOBEX),
    ("GET", f"/api/v1/why?name={OTHER}&node=gone", None, GONE),
    ("GET", f"/api/v1/why?name={OTHER_GONE}", None, GONE),
    ("GET", "/api/v1/why", None, WRONG),
    ("GET", f"/api/v1/why?name={WWW}&client=x", None, WRONG),
    ("GET", f"/api/v1/why?name={WWW}&at=2001-01-01T00:00:00Z", None, GONE),
    ("GET", f"/api/v1/why?name={OTHER}&at=soon", None, (401, 401, 404, 404, 400, 400, 400)),
    ("GET", "/api/v1/network", None, SEE),
    ("GET", "/api/v1/network?limit=1", None, WRONG),
    ("GET", "/api/v1/changes", None, SEE),
    ("GET", "/api/v1/changes?limit=1", None, SEE),
    ("GET", "/api/v1/answers", None, SEE),
    ("GET", f"/api/v1/answers?site={STATIC}", None, SEE_ACME),
    ("GET", f"/api/v1/answers?site={OTHER}", None, SEE_GLOBEX),
    ("GET", f"/api/v1/answers?site={OTHER_GONE}", None, GONE),
    ("GET", "/api/v1/live?every=0", None, WRONG),
    ("GET", "/api/v1/openapi.json", None, SEE),
    ("GET", "/api/v1/view", None, OURS),
    ("GET", "/api/v1/view?limit=1", None, OURS),
    ("GET", "/api/v1/view?node=fra1&limit=1&after=0000000000000000-0-0000000000000000", None,
     OURS[:5] + (None, None)),
    ("GET", "/api/v1/view?limit=x", None, OURS[:5] + (400, 400)),
    ("GET", "/api/v1/map", None, OURS),
    ("GET", "/api/v1/map?node=gone", None, OURS[:5] + (404, 404)),
    ("GET", "/api/v1/orders", None, SEE),
    ("GET", "/api/v1/orders?limit=1000", None, SEE),
    ("GET", "/api/v1/orders?limit=0", None, WRONG),
    ("GET", "/api/v1/orders/123456", None, GONE),
    ("POST", "/api/v1/reload", None, COMMAND),
    ("POST", "/api/v1/purge", {"url": f"http://{STATIC}/a"}, CHANGE_ACME),
    ("POST", "/api/v1/purge", {"url": f"https://{OTHER}:8443/a?b"}, CHANGE_GLOBEX),
    ("POST", "/api/v1/purge", {"url": f"http://{OTHER}.{ZONE}/a"}, CHANGE_GLOBEX),
    ("POST", "/api/v1/purge", {"prefix": f"http://{STATIC}/a*"}, CHANGE_ACME),
    ("POST", "/api/v1/purge", {"prefix": f"http://{OTHER}/a*"}, CHANGE_GLOBEX),
    ("POST", "/api/v1/purge", {"tag": "x", "site": STATIC}, CHANGE_ACME),
    ("POST", "/api/v1/purge", {"tag": "x", "site": OTHER}, CHANGE_GLOBEX),
    ("POST", "/api/v1/purge", {"tag": "x"}, CHANGE_WRONG),
    ("POST", "/api/v1/purge", {"site": STATIC, "soft": True}, CHANGE_ACME),
    ("POST", "/api/v1/purge", {"site": OTHER}, CHANGE_GLOBEX),
    ("POST", "/api/v1/purge", {"site": OTHER_GONE}, CHANGE_GONE),
    ("POST", "/api/v1/purge", {"site": STATIC, "url": f"http://{OTHER}/"}, CHANGE_WRONG),
    ("POST", "/api/v1/purge", "[" * 1000, CHANGE_WRONG),
    ("POST", "/api/v1/drain", {"pop": "nyc"}, COMMAND),
    ("POST", "/api/v1/undrain", {"pop": "nyc"}, COMMAND),
    ("POST", "/api/v1/drain", {"pop": "gone"}, COMMAND[:6] + (404,)),
    ("POST", "/api/v1/drain", {"node": "nyc1"}, COMMAND),
    ("POST", "/api/v1/undrain", {"node": "nyc1"}, COMMAND),
    ("POST", "/api/v1/drain", {"origin": "acme/nyc"}, CHANGE_ACME),
    ("POST", "/api/v1/undrain", {"origin": "acme/nyc"}, CHANGE_ACME),
    ("POST", "/api/v1/drain", {"origin": "globex/web"}, CHANGE_GLOBEX),
    ("POST", "/api/v1/undrain", {"origin": "globex/web"}, CHANGE_GLOBEX),
    ("POST", "/api/v1/drain", {"origin": ORIGIN_GONE}, CHANGE_GONE),
    ("GET", "/api/v1/usage", None, SEE),
    ("GET", "/api/v1/usage?customer=acme", None, SEE_ACME),
    ("GET", "/api/v1/usage?customer=globex", None, SEE_GLOBEX),
    ("GET", "/api/v1/usage?customer=globey", None, GONE),
    ("GET", f"/api/v1/usage?site={STATIC}&by=day", None, SEE_ACME),
    ("GET", f"/api/v1/usage?site={OTHER}&by=customer", None, SEE_GLOBEX),
    ("GET", f"/api/v1/usage?customer=acme&site={OTHER}", None, (401, 401, 404, 404, 404, 422, 422)),
    ("GET", f"/api/v1/usage?site={OTHER_GONE}", None, GONE),
    ("GET", "/api/v1/usage?by=x", None, WRONG),
    ("GET", "/api/v1/invoices", None, OURS),
    ("GET", "/api/v1/invoices/acme", None, SEE_ACME),
    ("GET", "/api/v1/invoices/globex?month=2026-01", None, SEE_GLOBEX),
    ("GET", "/api/v1/invoices/globey", None, GONE),
    ("POST", "/api/v1/invoices/verify", "{}", WRONG),
    ("POST", "/api/v1/corrections", {"customer": "acme"}, COMMAND[:6] + (400,)),
    ("GET", "/api/v1/gone", None, GONE),
    ("GET", "/", None, (200,) * 7), # the dashboard, which asks for the token itself
    ("GET", "/api/v1/purge", None, METHOD),
    ("POST", "/api/v1/status", "{}", METHOD),
    ("DELETE", "/api/v1/orders", None, METHOD),
]


def test_every_call_with_every_token(people):
    wrong = []
    for method, path, body, expected in CALLS:
        for who, status in zip(PEOPLE, expected):
            got, text = people.ask(who, method, path, body)
            if status is not None and got != status:
                wrong.append(f"{who}: {method} {path} {body}: {got} and not {status}: {text}")
            if got >= 400 and path.startswith("/api/"):
                error = json.loads(text)["error"]
                assert error["code"] and error["message"] and error["mend"]
    assert not wrong, "\n".join(wrong)


def test_no_call_is_left_out(people):
    paths = people.json("operator", "/api/v1/openapi.json")["paths"]
    asked = {(method.lower(), path.partition("?")[0]) for method, path, _, _ in CALLS}
    assert [(method, path) for path, methods in paths.items() for method in methods
            if not any(method == one and re.fullmatch(re.sub(r"{\w+}", "[^/]+", path), other)
                       for one, other in asked)] == []


def first_event(people, who):
    """The data of the first live event."""
    connection = people.connection()
    connection.request("GET", "/api/v1/live", headers=people.fields(who))
    reply = connection.getresponse()
    assert reply.status == 200
    while True:
        line = reply.readline().decode()
        assert line, "the stream has ended"
        if line.startswith("data: "):
            connection.close()
            return line


def test_a_customer_is_told_nothing_of_another(people):
    """With orders and drains of all in force, no answer has a name of the other."""
    for name in (WWW, STATIC, OTHER):
        run("dig", "+short", f"@{FRA}", f"{name}.{ZONE}")
    for who, origin, site in (("acme manager", "acme/nyc", STATIC),
                              ("globex manager", "globex/web", OTHER)):
        assert people.ask(who, "POST", "/api/v1/drain", {"origin": origin})[0] == 200
        assert people.ask(who, "POST", "/api/v1/purge", {"site": site})[0] == 200
    assert people.ask("operator", "POST", "/api/v1/drain", {"pop": "nyc"})[0] == 200
    for who, own, other in (("acme viewer", "acme", "globex"), ("globex manager", "globex", "acme")):
        for path in ("/api/v1/status", "/api/v1/orders", "/api/v1/orders?limit=1", "/api/v1/usage",
                     f"/api/v1/invoices/{own}", "/api/v1/network", "/api/v1/changes",
                     "/api/v1/answers", "/api/v1/status?limit=1"):
            text = people.ask(who, "GET", path)[1]
            assert other not in text and "anna" not in text, path
            assert own in text or path == "/api/v1/usage", path
        live = first_event(people, who)
        assert own in live and other not in live and "fra1" not in live
        status = people.json(who, "/api/v1/status")
        assert status["customer"] == own
        assert {s["customer"] for s in status["sites"]} == {own}
        assert not status["nodes"] and not status["peers"]
        assert all(c["target"].startswith(f"origin {own}/") for c in status["checks"])
        assert [d["name"].split("/")[0] for d in status["drains"]] == [own]
        orders = people.json(who, "/api/v1/orders")["orders"]
        assert len(orders) == 2 and all(o["by"].startswith(f"{own}/") for o in orders)
    every = people.json("operator", "/api/v1/orders")["orders"]
    assert [o["by"] for o in every] == ["token anna", "globex/deploy", "globex/deploy",
                                        "acme/deploy", "acme/deploy"]
    for order in every:  # by number: as if it were not there
        owner = order["by"].split("/")[0]
        for who in ("acme viewer", "globex manager"):
            code, text = people.ask(who, "GET", f"/api/v1/orders/{order['number']}")
            gone = people.ask(who, "GET", "/api/v1/orders/999")
            assert (code == 200) == (who.split()[0] == owner)
            assert code == 200 or (code, text) == gone


def test_a_customer_proves_its_own_invoice(people):
    """A viewer's token is enough, since nothing is changed; another's is not there."""
    for who, own, other in (("acme viewer", "acme", "globex"),
                            ("globex manager", "globex", "acme")):
        invoice = people.ask(who, "GET", f"/api/v1/invoices/{own}")[1]
        status, text = people.ask(who, "POST", "/api/v1/invoices/verify", invoice)
        assert status == 200 and json.loads(text)["verified"] is True, text
        theirs = people.ask("operators' viewer", "GET", f"/api/v1/invoices/{other}")[1]
        status, text = people.ask(who, "POST", "/api/v1/invoices/verify", theirs)
        nobodys = theirs.replace(f'"customer": "{other}"', '"customer": "nobody"')
        assert (status, text.replace(other, "nobody")) == people.ask(
            who, "POST", "/api/v1/invoices/verify", nobodys)
        assert status == 404
        status, text = people.ask("operators' viewer", "POST", "/api/v1/invoices/verify", theirs)
        assert status == 200 and json.loads(text)["verified"] is True, text


def test_a_newest_order_of_another_does_not_hide_ones_own(people):
    assert people.ask("acme manager", "POST", "/api/v1/purge", {"site": STATIC})[0] == 200
    for _ in range(3):
        assert people.ask("globex manager", "POST", "/api/v1/purge", {"site": OTHER})[0] == 200
    assert [o["site"] for o in people.json("acme viewer", "/api/v1/orders?limit=1")["orders"]] == [
        STATIC]


def test_what_is_anothers_is_answered_as_what_is_not_there(people):
    """Byte for byte but for the name, so that nobody can find out who else is a customer."""
    def same(method, path, body, name, gone):
        fill = lambda text, word: text and text.replace("NAME", word)
        there = people.ask("acme manager", method, fill(path, name), fill(body, name))
        nowhere = people.ask("acme manager", method, fill(path, gone), fill(body, gone))
        assert there[0] == nowhere[0] == 404
        assert there[1].replace(name, gone) == nowhere[1]

    same("GET", "/api/v1/why?name=NAME", None, OTHER, OTHER_GONE)
    same("GET", "/api/v1/why?name=NAME&node=gone", None, OTHER, OTHER_GONE)
    same("GET", "/api/v1/why?name=NAME&at=-1s", None, OTHER, OTHER_GONE)
    same("GET", "/api/v1/answers?site=NAME", None, OTHER, OTHER_GONE)
    same("GET", "/api/v1/usage?site=NAME", None, OTHER, OTHER_GONE)
    same("GET", "/api/v1/usage?customer=NAME", None, "globex", "globey")
    same("GET", f"/api/v1/usage?customer=NAME&site={STATIC}", None, "globex", "globey")
    same("GET", "/api/v1/invoices/NAME", None, "globex", "globey")
    for body in ('{"site": "NAME"}', '{"url": "http://NAME/"}', '{"prefix": "http://NAME/a"}',
                 '{"tag": "x", "site": "NAME"}'):
        same("POST", "/api/v1/purge", body, OTHER, OTHER_GONE)
    assert people.ask("globex manager", "POST", "/api/v1/drain", {"origin": "globex/web"})[0] == 200
    for verb in ("drain", "undrain"):
        same("POST", f"/api/v1/{verb}", '{"origin": "NAME"}', "globex/web", ORIGIN_GONE)
        same("POST", f"/api/v1/{verb}", '{"origin": "NAME"}', "globex/wep", "globey/wep")


def test_a_token_taken_out_is_closed_on_open_connections_too(waypost, people, ours, minted):
    gone, stays = people.connection(), people.connection()
    path = "/api/v1/status"
    for connection, who in ((gone, "acme manager"), (stays, "globex manager")):
        connection.request("GET", path, headers=people.fields(who))
        reply = connection.getresponse()
        assert reply.status == 200 and reply.read()
    late = people.connection()  # its body is under way meanwhile
    body = json.dumps({"site": STATIC}).encode()
    late.putrequest("POST", "/api/v1/purge")
    for name, value in {**people.fields("acme manager"), "Content-Length": len(body)}.items():
        late.putheader(name, value)
    late.endheaders(body[:5])
    sockets = gone.sock, stays.sock
    waypost.reload(config_of(ours, minted, without=("acme manager",)))
    wait_until(lambda: people.ask("acme manager", "GET", path)[0] == 401, "it is revoked", 5)
    gone.request("GET", path, headers=people.fields("acme manager"))
    assert gone.getresponse().status == 401
    stays.request("GET", path, headers=people.fields("globex manager"))
    assert stays.getresponse().status == 200
    assert (gone.sock or sockets[0], stays.sock) == sockets
    late.send(body[5:])
    assert late.getresponse().status == 401
    assert not people.json("globex manager", "/api/v1/orders")["newest"]  # nothing was ordered
    assert people.ask("acme viewer", "GET", path)[0] == 200


def test_a_role_that_was_taken_down_changes_nothing_any_more(waypost, people, ours, minted):
    order = ("POST", "/api/v1/purge", {"site": STATIC})
    assert people.ask("acme manager", *order)[0] == 200
    config = config_of(ours, minted)
    config["customers"]["acme"]["tokens"]["deploy"]["role"] = "viewer"
    waypost.reload(config)
    wait_until(lambda: people.ask("acme manager", *order)[0] == 403, "a viewer from now on", 5)


def test_tools_of_customers_can_be_tried_on_the_machine(waypost, people, ours, minted):
    """Here a token is not needed; but one that is shown counts."""
    files_of = {}
    for who in ("acme manager", "operator", "guesser"):
        files_of[who] = ours.folder / f"token-{who.replace(' ', '-')}"
        files_of[who].write_text(people.tokens[who] + "\n")
    at = ("-c", waypost.path)
    assert "globex" in run_waypost("status", *at)[1]
    code, out, _ = run_waypost("status", *at, "--token", files_of["acme manager"])
    assert code == 0 and STATIC in out and "globex" not in out
    code, _, err = run_waypost("why", OTHER, *at, "--token", files_of["acme manager"])
    assert code == 1 and "there is no site" in err
    assert run_waypost("why", OTHER, *at, "--token", files_of["operator"])[0] == 0
    code, _, err = run_waypost("drain", "pop", "nyc", *at, "--token", files_of["acme manager"])
    assert code == 1 and "operators alone" in err
    code, _, err = run_waypost("reload", *at, "--token", files_of["acme manager"])
    assert code == 1 and "operators alone" in err
    code, out, _ = run_waypost("purge", "--site", STATIC, *at, "--token", files_of["acme manager"])
    assert code == 0 and "by acme/deploy" in out
    for _ in range(20):  # nothing can be guessed here, so nobody is made to wait
        code, _, err = run_waypost("status", *at, "--token", files_of["guesser"])
        assert code == 1 and "show the token" in err
    assert run_waypost("status", *at)[0] == 0


def test_two_fields_show_no_token(people):
    done = subprocess.run(
        ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", people.ours.file,
         "-H", f"Authorization: Bearer {people.tokens['acme manager']}",
         "-H", f"Authorization: Bearer {people.tokens['operator']}",
         f"https://{FRA}:{PORT}/api/v1/status"],
        capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout in ("400", "401")


def test_no_token_and_no_hash_is_where_it_could_be_read(waypost, people, minted):
    for who in ("acme manager", "operator", "guesser"):
        people.ask(who, "GET", "/api/v1/status")
    code, out, err = run_waypost("check", "-c", waypost.path)
    assert code == 0 and "token deploy  manager" in out
    told = [waypost.path.read_text().replace("sha256:", ""), out, err,
            waypost.process.output(), people.ask("operator", "GET", "/metrics")[1],
            people.ask("operator", "GET", "/api/v1/status")[1]]
    for one in minted.values():
        assert not any(one["token"] in text for text in told)
        assert not any(one["hash"] in text for text in told)


def test_a_token_is_made_once_and_comes_with_the_lines_that_let_it_in():
    code, out, err = run_waypost("token", "ci", "--customer", "acme", "--role", "manager")
    assert code == 0 and not err
    again = run_waypost("token", "ci", "--customer", "acme", "--role", "manager")[1]
    assert again != out  # drawn anew
    for line in ("customers:", "  acme:", "    tokens:", "      ci:", "        role: manager"):
        assert f"\n{line}\n" in out
    for words, said in ((("ci", "--role", "manager"), "viewer or operator"),
                        (("ci", "--customer", "acme", "--role", "operator"), "viewer or manager"),
                        (("a b",), "is no name"), (("ci", "--customer", ""), "is no name"),
                        ((), "usage:"), (("a", "b"), "usage:")):
        code, out, err = run_waypost("token", *words)
        assert code == 2 and said in err and not out

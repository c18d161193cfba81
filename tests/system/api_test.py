# SPDX-License-Identifier: Apache-2.0
"""The admin API against its own document: each call answers as it says, and what is asked wrongly
is refused with a code and a mend and changes nothing. Calls are taken from the document, so that
new ones are covered without a line here."""
import copy
import http.client
import itertools
import json
import pathlib
import re
import socket
import sqlite3
import time
import urllib.parse

import jsonschema
import pytest

from scripted import Scripted
from waypost import FRA, PATIENCE, Waypost, network
from world import run, wait_until

WWW, STATIC = "www.acme.test", "static.acme.test"
PORT = 8653
MANUAL = pathlib.Path(__file__).resolve().parents[2] / "docs/manual"
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
JSON = "application/json"
HUGE = 5 << 20  # beyond what any body may have
LONG = 300  # of names that are too long wherever they are put

# What a good call needs beyond the document: names that there are. Of what is not here a call is
# made with what its schemas ask for alone.
QUERIES = {"/api/v1/why": {"name": WWW, "client": "203.0.113.9"}}
PARTS = {"number": "1", "customer": "acme"}
BODIES = {"/api/v1/purge": {"url": f"http://{STATIC}/a", "soft": True},
          "/api/v1/drain": {"pop": "nyc"},
          "/api/v1/undrain": {"pop": "nyc"}}


STREAM = "text/event-stream"


class Answer:
    """What came back, read whole; but of what has no end, the head."""

    def __init__(self, reply):
        self.status, self.fields = reply.status, reply.headers
        self.is_endless = reply.status == 200 and self.fields["Content-Type"] == STREAM
        self.body = b"" if self.is_endless else reply.read()

    def json(self):
        return json.loads(self.body)


def codes_of_the_manual():
    """The second column of the table of refusals; those of tokens have a table of their own."""
    text = "".join((MANUAL / name).read_text() for name in ("api.md", "customers.md"))
    return {code for row in re.findall(r"^\| [45][^|]*\|([^|]*)\|", text, re.M)
            for code in re.findall(r"`(\w+)`", row)}


def names_of_fields(document):
    """All that a refusal may be about: fields of queries, members of bodies."""
    bodies = [one for name, one in document["components"]["schemas"].items()
              if name.endswith("_body")]
    return {name for one in bodies for name in one["properties"]} | {
        one["name"] for methods in document["paths"].values() for operation in methods.values()
        for one in operation["parameters"]}


class Api:
    """Asks one node over its loopback port, on one connection as far as that lasts."""

    def __init__(self):
        self.connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=20)
        self.document = {"paths": {}}
        answer = self.ask("GET", "/api/v1/openapi.json")
        assert answer.status == 200
        self.document = answer.json()
        self.codes = codes_of_the_manual() | names_of_fields(self.document)

    def ask(self, method, path, body=None, **fields):
        """The answer; a field's name has _ for -."""
        named = {name.replace("_", "-"): value for name, value in fields.items()}
        for attempt in range(2):
            try:
                self.send(method, path, body, named)
                answer = Answer(self.connection.getresponse())
                if answer.is_endless:
                    self.connection.close()
                self.must_be_documented(method, path, answer)
                return answer
            except (http.client.RemoteDisconnected, ConnectionError):
                self.connection.close()  # it was closed meanwhile, as after a refused body
                assert attempt == 0, (method, path)

    def must_be_documented(self, method, path, answer):
        """Of a call that there is no status comes that the document does not have."""
        asked = path.partition("?")[0]
        for known, methods in self.document["paths"].items():
            operation = methods.get({"HEAD": "get"}.get(method, method.lower()))
            if operation and re.fullmatch(re.sub(r"{\w+}", "[^/]+", known), asked):
                assert str(answer.status) in operation["responses"], (method, path, answer.status)

    def send(self, method, path, body, fields):
        """All of it, or what is taken: a body that is too large is answered before its end."""
        try:
            self.connection.request(method, path, body, fields)
        except BrokenPipeError:
            assert body and len(body) > 1 << 20

    def calls(self):
        """Each operation: path, method, what the document says."""
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                yield path, method.upper(), operation

    def schema(self, one):
        """A schema of the document, with the others at hand."""
        return {**one, "components": self.document["components"]}


def strict(document):
    """The document with every object closed: members that it does not name are forbidden."""
    closed = copy.deepcopy(document)
    for one in closed["components"]["schemas"].values():
        if "properties" in one:
            one["additionalProperties"] = False
    return closed


def member_of(operation, place):
    return [one for one in operation["parameters"] if one["in"] == place]


def filled(path):
    """The path with its parts."""
    return re.sub(r"{(\w+)}", lambda part: PARTS[part[1]], path)


def good_query(path, operation):
    """A query that has all that it must."""
    given = dict(QUERIES.get(path, {}))
    for one in member_of(operation, "query"):
        if one["required"] and one["name"] not in given:
            given[one["name"]] = "x" * one["schema"].get("minLength", 1)
    return given


def target(path, query):
    """As it stands in a request; pairs may repeat a name."""
    return filled(path) + ("?" + urllib.parse.urlencode(query) if query else "")


@pytest.fixture(scope="module")
def origin(world):
    one = Scripted(world, "203.0.113.99", lambda c: c.answer(
        b"x" * 100, Cache_Control="max-age=600"))
    yield one
    one.stop()


@pytest.fixture(scope="module")
def waypost(world, origin):
    """Two pops in one process, which keeps accounts; something was delivered."""
    config = network(accounts={"node": "fra1"},
                     plans={"standard": {"currency": "EUR", "monthly": 5, "per_gb": 1}})
    config["customers"]["acme"]["plan"] = "standard"
    for one in config["customers"]["acme"]["origins"].values():
        one["address"] = f"{origin.address}:80"
    started = Waypost(world, config)
    for _ in range(3):
        run("curl", "-sf", "-o", "/dev/null", "--resolve", f"{STATIC}:80:{FRA}",
            f"http://{STATIC}/a")
    run("dig", "+short", f"@{FRA}", WWW)
    yield started
    started.stop()


@pytest.fixture(scope="module")
def api(waypost):
    return Api()


def state_of(waypost, api):
    """What calls may change: release, orders, drains, corrections."""
    status = api.ask("GET", "/api/v1/status").json()
    orders = api.ask("GET", "/api/v1/orders").json()
    with sqlite3.connect(f"file:{waypost.folder}/state/fra1/ledger.db?mode=ro", uri=True) as db:
        corrections = db.execute(
            "SELECT count(*) FROM entries WHERE node LIKE '%/corrections'").fetchone()
    return (status["release"], status["drains"], status["sites"], orders["newest"],
            [one["id"] for one in orders["orders"]], corrections)


@pytest.fixture
def unchanged(waypost, api):
    """Nothing is other than before when the story ends; and it went on serving."""
    before = state_of(waypost, api)
    yield
    assert state_of(waypost, api) == before
    waypost.process.must_run()


def must_refuse(api, wrong, what, answer, allowed=range(400, 500)):
    """Notes an answer that is no refusal with a code and a mend."""
    said = f"{what}: {answer.status} {answer.body[:300]}"
    if answer.status not in allowed:
        wrong.append(said)
        return
    try:
        jsonschema.validate(answer.json(), api.schema({"$ref": "#/components/schemas/error"}))
        error = answer.json()["error"]
        assert error["message"] and error["mend"]
        assert error["code"] in api.codes, "the manual does not have this code"
    except (AssertionError, ValueError, jsonschema.ValidationError) as fault:
        wrong.append(f"{said} ({fault})")


def test_the_document_is_sound(api):
    document = api.document
    assert document["openapi"].startswith("3.1.")
    seen = set()
    for name, schema in document["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object", name
    for path, method, operation in api.calls():
        assert operation["operationId"] not in seen
        seen.add(operation["operationId"])
        assert operation["summary"] and "200" in operation["responses"], (path, method)
        assert {one["name"] for one in member_of(operation, "path")} == set(
            re.findall(r"{(\w+)}", path))
        for one in operation["parameters"]:
            jsonschema.Draft202012Validator.check_schema(one["schema"])
    assert len(seen) >= 20


def body_of(api, path, operation):
    """A body for a good call; None where none is taken."""
    if "requestBody" not in operation:
        return None
    if path == "/api/v1/invoices/verify":
        return api.ask("GET", "/api/v1/invoices/acme").body
    return json.dumps(BODIES[path]) if path in BODIES else None


def first_event(path):
    """Head and data of the first event of a stream."""
    with socket.create_connection(("127.0.0.1", PORT), timeout=10) as link:
        link.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        came = b""
        while b"\ndata: " not in came or not came.endswith(b"\n\n"):
            piece = link.recv(65536)
            assert piece, came
            came += piece
    head, _, body = came.decode().partition("\r\n\r\n")
    event = re.search(r"event: (\w+)\ndata: (.*)\n\n", body)
    assert event[1] == "live"
    return head, event[2]


def test_each_call_answers_as_documented(api):
    """Status, media type and every member; what the document does not name must not be there."""
    closed = strict(api.document)
    answered = set()
    # Orders first, so that there is one to be asked for; what is corrected has a story of its own.
    calls = sorted(api.calls(), key=lambda call: call[1] != "POST" or call[0].endswith("verify"))
    for path, method, operation in calls:
        body = body_of(api, path, operation)
        if "requestBody" in operation and body is None:
            continue
        good = operation["responses"]["200"]
        (media, content), = good["content"].items()
        asked = target(path, good_query(path, operation))
        if media == STREAM:
            head, text = first_event(asked)
            assert head.startswith("HTTP/1.1 200 ") and f"Content-Type: {media}" in head
            said = json.loads(text)
        else:
            answer = api.ask(method, asked, body)
            assert answer.status == 200, (path, answer.body)
            assert answer.fields["Content-Type"] == media
            said = answer.json()
        jsonschema.validate(said, {**content["schema"], "components": closed["components"]},
                            format_checker=jsonschema.draft202012_format_checker)
        answered.add(path)
    assert len(answered) >= 19


def test_what_has_not_changed_is_not_told_again(api):
    """Where a tag is documented there is one, and with it the answer is 304 while nothing changes."""
    kept = 0
    for path, method, operation in api.calls():
        if "304" not in operation["responses"]:
            continue
        asked = target(path, good_query(path, operation))
        for _ in range(5):  # some tell the time
            first = api.ask(method, asked)
            tag = first.fields["ETag"]
            assert re.fullmatch(r'"[0-9a-f]{16}"', tag), path
            assert first.fields["Cache-Control"] == "private, no-cache"
            again = api.ask(method, asked, If_None_Match=f'"other", {tag}')
            if again.status == 304:
                assert again.body == b"" and again.fields["ETag"] == tag
                kept += 1
                break
            assert again.status == 200 and again.fields["ETag"] != tag
        head = api.ask("HEAD", asked)
        assert head.status == 200 and head.body == b"" and int(head.fields["Content-Length"]) > 2
    assert kept >= 8


def test_other_methods_are_told_which_there_are(api, unchanged):
    wrong = []
    for path, methods in api.document["paths"].items():
        allowed = {"GET, HEAD" if method == "get" else "POST" for method in methods}
        for method in METHODS:
            if method.lower() in methods:
                continue
            answer = api.ask(method, filled(path), "{}" if method in ("POST", "PUT") else None)
            must_refuse(api, wrong, f"{method} {path}", answer, (405,))
            if answer.fields.get("Allow") != ", ".join(sorted(allowed)):
                wrong.append(f"{method} {path}: Allow: {answer.fields.get('Allow')}")
    assert not wrong, "\n".join(wrong)


def bad_values(schema):
    """Values that a field must not have, by its schema."""
    if schema["type"] == "integer":
        return ["x", "", "-1", "1.5", "0x10", " 1", "1e3", str(schema["minimum"] - 1),
                str(schema["maximum"] + 1), "9" * 40]
    bad = ["a\0b", "a\nb", "x" * (schema.get("maxLength", 255) + 1), "x" * 8000]
    if schema.get("minLength", 0) > 0:
        bad.append("")
    if "enum" in schema:
        bad += ["", "x", schema["enum"][0] + " ", schema["enum"][0].upper()]
    if "anyOf" in schema:  # addresses
        bad += ["", "x", "1.2.3", "1.2.3.4.5", "300.0.0.1", "1:2", "192.0.2.1/24"]
    if "pattern" in schema:
        bad += [one for one in ("x", "2026-13", "2026-00", "2026-2", "zz" * 17)
                if not re.search(schema["pattern"], one)]
    return bad


def test_wrong_queries_are_refused(api, unchanged):
    """Fields that are missing, wrong, too large, not known, given twice."""
    wrong, tried = [], 0
    for path, method, operation in api.calls():
        good = good_query(path, operation)
        body = json.dumps(BODIES.get(path, {})) if "requestBody" in operation else None
        tries = [{**good, "foreign": "1"}, {**good, "": "1"}, {**good, "x" * 8000: "1"}]
        tries += [[*good.items(), ("LIMIT", "1")]]
        for one in member_of(operation, "query"):
            name = one["name"]
            tries += [{**good, name: value} for value in bad_values(one["schema"])]
            tries += [[*good.items(), (name, "1"), (name, "1")]]
            if one["required"]:
                tries += [{key: value for key, value in good.items() if key != name}]
        for query in tries:
            asked = target(path, query)
            must_refuse(api, wrong, f"{method} {asked[:200]}", api.ask(method, asked, body))
            tried += 1
    assert not wrong, "\n".join(wrong)
    assert tried > 200


def test_wrong_parts_of_paths_are_refused(api, unchanged):
    wrong = []
    for path, method, operation in api.calls():
        for one in member_of(operation, "path"):
            for bad in (bad_values(one["schema"])
                        + ["", "..", "a/b", "%00", "%", "*", "x" * LONG, "acme/", "acme/../acme"]):
                asked = path.replace("{" + one["name"] + "}", urllib.parse.quote(bad, safe="/%*"))
                must_refuse(api, wrong, f"{method} {asked[:200]}", api.ask(method, asked))
    for path in ("/api/", "/api/v1", "/api/v1/", "/api/v2/status", "/api/v1/statuss",
                 "/api/v1/status/", "/api/v1//status"):
        must_refuse(api, wrong, path, api.ask("GET", path), (404,))
    assert not wrong, "\n".join(wrong)


def values_of_other_types(schema):
    """Of each JSON type that a member's schema does not have."""
    values = {"string": "x", "integer": 7, "number": 1.5, "boolean": True, "array": [],
              "object": {}, "null": None}
    fits = {schema.get("type"), "integer" if schema.get("type") == "number" else None}
    return [value for kind, value in values.items() if kind not in fits]


def bad_members(schema, good):
    """A good body with one thing wrong."""
    yield {**good, "foreign": 1}
    yield {**good, "": ""}
    for name, member in schema["properties"].items():
        for value in values_of_other_types(member):
            yield {**good, name: value}
        if member.get("type") == "string":
            # An empty name is what nothing has; what may be left out may be said empty.
            yield {**good, name: "x" * 20000}
            yield {**good, name: "a\0b"}
            yield {**good, name: "a\nb"}
        if member.get("type") == "integer":
            yield {**good, name: -1}
            yield {**good, name: 10 ** 30}
        if name in schema.get("required", ()):
            yield {key: value for key, value in good.items() if key != name}


BROKEN = [b"", b" ", b"{", b"}", b"{}", b"[]", b"null", b"true", b"7", b'"x"', b"{}{}", b"{'a': 1}",
          b'{"a": 1,}', b"\x00", b"\xff\xfe{\x00}\x00", b'{"pop": "\xff"}', b'{"pop": "\\ud800"}',
          b'{"url": NaN}', b"<a/>", b"a=b", b"[" * 100000, b'{"a":' * 20000,
          b'{"pop": "nyc", "pop": "fra"}', b'{"site": "%s", "site": "%s"}' % (
              STATIC.encode(), STATIC.encode()), b"{}" + b" " * HUGE, b"x" * HUGE]

CORRECTION = {"customer": "acme", "site": STATIC, "kind": "hit", "take_back": 1, "reason": "story"}


def test_wrong_bodies_are_refused(api, unchanged):
    """JSON that is broken, of another kind, too large, of another media type; members that are
    missing, wrong, too long, not known; a body where none is taken."""
    wrong, tried = [], 0
    for path, method, operation in api.calls():
        asked = target(path, good_query(path, operation))
        if "requestBody" not in operation:
            if method == "POST":
                for body in (b"{}", b"x" * 70000):
                    must_refuse(api, wrong, f"{method} {path} with a body",
                                api.ask(method, asked, body))
            continue
        name = operation["requestBody"]["content"][JSON]["schema"]["$ref"].rpartition("/")[2]
        schema = api.document["components"]["schemas"][name]
        good = {"invoice": {}, "correction_body": CORRECTION}.get(name, BODIES.get(path, {}))
        bodies = BROKEN + [json.dumps(one).encode() for one in bad_members(schema, good)]
        for body in bodies:
            must_refuse(api, wrong, f"{method} {path} {body[:80]}", api.ask(method, asked, body))
            tried += 1
        must_refuse(api, wrong, f"{path} without a body", api.ask(method, asked))
        for media in ("text/plain", "text/xml", "application/jsonx", "multipart/form-data", "x"):
            must_refuse(api, wrong, f"{path} as {media}",
                        api.ask(method, asked, json.dumps(good), Content_Type=media), (415,))
    assert not wrong, "\n".join(wrong)
    assert tried > 100


def test_names_that_there_are_not_are_refused_with_what_was_meant(api, unchanged):
    for method, path, body, meant in (
            ("GET", "/api/v1/why?name=ww.acme.test", None, WWW),
            ("GET", "/api/v1/why?name=www.acme.test&node=fra2", None, "fra1"),
            ("GET", "/api/v1/answers?site=ww.acme.test", None, WWW),
            ("GET", "/api/v1/usage?customer=acm", None, "acme"),
            ("GET", "/api/v1/invoices/acm", None, "acme"),
            ("POST", "/api/v1/drain", {"pop": "nyx"}, "nyc"),
            ("POST", "/api/v1/drain", {"node": "nyc2"}, "nyc1"),
            ("POST", "/api/v1/drain", {"origin": "acme/amz"}, "acme/ams"),
            ("POST", "/api/v1/purge", {"site": "statik.acme.test"}, STATIC)):
        answer = api.ask(method, path, body and json.dumps(body))
        assert answer.status == 404, (path, answer.body)
        assert f"did you mean {meant}?" in answer.json()["error"]["mend"]


def test_what_is_cut_off_changes_nothing(api, unchanged):
    """Requests whose body never comes whole."""
    for path, method, operation in api.calls():
        if "requestBody" not in operation:
            continue
        body = json.dumps(BODIES.get(path, CORRECTION)).encode()
        with socket.create_connection(("127.0.0.1", PORT), timeout=10) as link:
            link.sendall(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
                         f"{len(body) + 1}\r\n\r\n".encode() + body)
            link.settimeout(0.2)
            with pytest.raises(TimeoutError):
                link.recv(1)


def pages(api, path, rows, limit):
    """All rows of a list, read so many at a time."""
    after, found = None, []
    for _ in itertools.repeat(None, 1000):
        asked = f"{path}?limit={limit}" + (f"&after={after}" if after else "")
        said = api.ask("GET", asked).json()
        assert len(said[rows]) <= limit
        found += said[rows]
        after = said.get("after")
        if after is None:
            return found
        assert len(said[rows]) == limit
    raise AssertionError(f"{path} has no end")


def must_meet(api, path, rows, key):
    """A list is the same read at once and page by page."""
    whole = pages(api, path, rows, 500)
    for limit in (1, 3):
        paged = pages(api, path, rows, limit)
        if key is None:
            assert len(paged) == len(whole) > 0, path
        else:
            assert [one[key] for one in paged] == [one[key] for one in whole] != [], path


def test_lists_are_the_same_however_they_are_paged(api):
    for number in range(7):
        answer = api.ask("POST", "/api/v1/purge",
                         json.dumps({"tag": f"t{number}", "site": STATIC}))
        assert answer.status == 200
    for path, rows, key in (("/api/v1/orders", "orders", "number"),
                            ("/api/v1/changes", "changes", "number"),
                            ("/api/v1/answers", "answers", None),
                            ("/api/v1/view", "reports", "check_id")):
        must_meet(api, path, rows, key)


def test_what_was_done_is_told_as_a_change(waypost, api):
    """Orders, drains, reloads good and bad, and an origin that goes and comes."""
    before = api.ask("GET", "/api/v1/changes?limit=1").json()["changes"][0]["number"]
    assert api.ask("POST", "/api/v1/drain", json.dumps({"pop": "nyc"})).status == 200
    wait_until(lambda: [one["state"] for one in
                        api.ask("GET", "/api/v1/network").json()["pops"]] == ["up", "drained"],
               "the pop is drained")
    assert api.ask("POST", "/api/v1/undrain", json.dumps({"pop": "nyc"})).status == 200
    assert api.ask("POST", "/api/v1/reload").status == 200
    good = waypost.path.read_text()
    waypost.path.write_text(good.replace('"weighted"', '"wieghted"'))
    refused = api.ask("POST", "/api/v1/reload")
    waypost.path.write_text(good)
    assert refused.status == 422 and refused.json()["errors"][0]["line"] > 0
    changes = [one for one in pages(api, "/api/v1/changes", "changes", 100)
               if one["number"] > before]
    assert [(one["kind"], one["what"].split()[0]) for one in reversed(changes)] == [
        ("order", "drain"), ("order", "undrain"), ("release", "release"), ("release", "release")]
    assert changes[0]["what"] == "release refused" and "policy" in changes[0]["text"]
    assert changes[3]["what"] == "drain pop nyc" and changes[3]["by"] == "loopback"


def events(link, seconds):
    """The data of all events that a watcher is told within that time."""
    ends, came = time.monotonic() + seconds, b""
    while time.monotonic() < ends:
        link.settimeout(max(ends - time.monotonic(), 0.01))
        try:
            came += link.recv(65536)
        except TimeoutError:
            break
    return [json.loads(one) for one in re.findall(r"\ndata: (.*)\n\n", came.decode())]


def test_live_figures_are_what_visitors_do(api):
    """Rates of sites and nodes add up to what was asked for while somebody watched."""
    with socket.create_connection(("127.0.0.1", PORT), timeout=10) as link:
        link.sendall(b"GET /api/v1/live HTTP/1.0\r\nHost: localhost\r\n\r\n")
        run("curl", "-sf", "-o", "/dev/null", "--resolve", f"{STATIC}:80:{FRA}",
            f"http://{STATIC}/a?[1-40]")
        told = events(link, 3.3)
    assert 2 <= len(told) <= 4
    served = sum(site["requests_per_s"] for one in told for site in one["sites"]
                 if site["site"] == STATIC)
    by_nodes = sum(node["requests_per_s"] for one in told for node in one["nodes"])
    assert 30 <= served <= 50 and 30 <= by_nodes <= 50, (served, by_nodes)
    assert {node["node"] for node in told[0]["nodes"]} == {"fra1", "nyc1"}


def test_the_manual_speaks_of_calls_that_there_are(api):
    manual = (MANUAL / "api.md").read_text()
    there = [re.compile(re.sub(r"{\w+}", r"[^/]+", path) + "$") for path in api.document["paths"]]
    named = set(re.findall(r"/api/v1/[\w/.-]+", manual))
    assert len(named) > 10
    assert [path for path in named if not any(one.match(path.rstrip(".")) for one in there)] == []


def test_the_accounts_answer_as_documented(api):
    """Of what was delivered when the stories began, which is in the ledger by now or soon."""
    wait_until(lambda: api.ask("GET", "/api/v1/usage?customer=acme").json()["total"]["hit"] > 0,
               "usage is settled", seconds=25 * PATIENCE)
    must_meet(api, "/api/v1/usage", "usage", None)
    must_meet(api, "/api/v1/invoices", "invoices", "customer")
    answer = api.ask("POST", "/api/v1/corrections", json.dumps({**CORRECTION, "pop": "fra"}))
    assert answer.status == 200, answer.body
    jsonschema.validate(answer.json(), {"$ref": "#/components/schemas/corrected",
                                        "components": strict(api.document)["components"]})
    for path in ("/api/v1/usage", "/api/v1/usage?by=hour", "/api/v1/usage?by=pop",
                 f"/api/v1/usage?site={STATIC}", "/api/v1/invoices", "/api/v1/invoices/acme",
                 "/api/v1/answers"):
        schema = strict(api.document)["paths"]
        operation = schema[path.partition("?")[0].replace("acme", "{customer}")]["get"]
        said = api.ask("GET", path)
        assert said.status == 200
        jsonschema.validate(said.json(), {
            **operation["responses"]["200"]["content"][JSON]["schema"],
            "components": strict(api.document)["components"]})

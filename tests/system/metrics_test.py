# SPDX-License-Identifier: Apache-2.0
"""What Prometheus reads, and the Grafana dashboard made of it: no panel asks for what is not there."""
import json
import pathlib
import re

import pytest

from raw import ask
from secure import STATIC, files
from waypost import FRA, PATIENCE, Waypost, network, run_waypost, sites
from world import run, wait_until

DASHBOARD = pathlib.Path(__file__).resolve().parents[2] / "docs/grafana/waypost.json"
WWW = "www.acme.test"


def series(text):
    """The labels of each row of a page, by name; each row once and each name described."""
    found, rows, described = {}, set(), set(re.findall(r"^# HELP (\w+) \S", text, re.M))
    assert described == set(re.findall(r"^# TYPE (\w+) (?:counter|gauge)$", text, re.M))
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        row, _, value = line.rpartition(" ")
        name, _, labels = row.partition("{")
        assert row not in rows and name in described, line
        float(value)
        rows.add(row)
        found.setdefault(name, []).append(
            dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels.rstrip("}"))))
    return found


@pytest.fixture(scope="module")
def page(world, origins, ours):
    """A page of a process with two pops, accounts and a certificate, when a map of it was made."""
    config = network(accounts={"node": "fra1"})
    sites(config)[STATIC]["tls"] = files(ours.certify(STATIC, name="metrics"))
    sites(config)[WWW]["probe"] = {"tcp": "yes", "load": "/load", "every": "1s"}
    for pop in config["pops"].values():
        for node in pop["nodes"].values():
            node["capacity"] = "1 Gbit/s"
    for origin in origins.values():
        (origin.root / "load").write_text("application_utilization=0.25\n")
    waypost = Waypost(world, config)
    ask(FRA, "/sqlite.css", STATIC)
    run("dig", "+short", f"@{FRA}", WWW)
    for verb in ("drain", "undrain"):
        assert run_waypost(verb, "origin", "acme/nyc", "-c", waypost.path)[0] == 0
    late = [f"waypost_{name}" for name in (  # what is known when it was measured, and planned with
        "origin_latency_seconds", "origin_load_ratio", "pop_load_ratio", "node_cpu_ratio",
        "certificate_expiry_seconds", "addresses_given_total")]
    wait_until(lambda: all(one in waypost.admin_text("/metrics") for one in late),
               "all is measured", 15 * PATIENCE)
    yield series(waypost.admin_text("/metrics"))
    waypost.stop()


def selectors(expression):
    """Each metric of an expression with the labels that are asked of it."""
    for name, labels in re.findall(r"(waypost_\w+)(?:{([^}]*)})?", expression):
        yield name, re.findall(r"(\w+)(?:=~|!=|!~|=)", labels)


def queries():
    """Panel, expression and legend of each query."""
    board = json.loads(DASHBOARD.read_text())
    for panel in board["panels"]:
        for one in panel.get("targets", ()):
            yield panel["title"], one["expr"], one["legendFormat"]
    for one in board["templating"]["list"]:
        if one["type"] == "query":
            yield one["name"], one["definition"].replace(
                ", ", "{", 1).replace("label_values(", "").replace(")", '=""}'), ""
    for one in board["annotations"]["list"]:
        yield one["name"], one["expr"], ""


def test_the_dashboard_asks_for_what_there_is(page):
    """Names, the labels that select, those that sum up, and those in legends."""
    wrong, asked = [], set()
    for title, expression, legend in queries():
        shown = re.findall(r"{{(\w+)}}", legend)
        summed = re.search(r"by \(([^)]*)\)", expression)
        for name, labels in selectors(expression):
            asked.add(name)
            if name not in page:
                wrong.append(f"{title}: there is no {name}")
                continue
            needed = set(labels) | set(re.split(r",\s*", summed[1]) if summed else shown)
            if not any(needed <= set(row) for row in page[name]):
                wrong.append(f"{title}: {name} has not {sorted(needed)}")
        if summed and not set(shown) <= set(re.split(r",\s*", summed[1])):
            wrong.append(f"{title}: the legend shows what is summed up")
    assert not wrong, "\n".join(wrong)
    assert len(asked) > 40


def test_panels_do_not_lie_on_each_other():
    board = json.loads(DASHBOARD.read_text())
    taken, ids = set(), [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    for panel in board["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"])
                 for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells


def test_what_the_status_knows_the_metrics_know(page):
    """Each pop, origin and node has its figures, as the first node sees them."""
    for name in ("pop_up", "pop_latency_seconds", "pop_drained"):
        assert {row["pop"] for row in page[f"waypost_{name}"]} == {"fra", "nyc"}
    for name in ("origin_up", "origin_latency_seconds", "origin_requests_total"):
        assert {(row["customer"], row["origin"]) for row in page[f"waypost_{name}"]} == {
            ("acme", "ams"), ("acme", "nyc")}
    for name in ("steer_map_age_seconds", "http_connections_open", "node_memory_ratio"):
        assert {row["node"] for row in page[f"waypost_{name}"]} == {"fra1", "nyc1"}
    assert re.fullmatch("[0-9a-f]{16}", page["waypost_release_info"][0]["release"])


def test_what_operators_cost_is_told_beside_what_visitors_do(page):
    """The admin face and the control thread have names of their own, so that sums stay right."""
    for name in ("admin_http_connections_total", "admin_http_timeouts_total",
                 "control_loop_turns_total", "control_loop_stream_bytes_total"):
        assert not any("node" in row for row in page[f"waypost_{name}"]), name
    assert all("node" in row for row in page["waypost_http_connections_total"])

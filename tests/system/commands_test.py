# SPDX-License-Identifier: Apache-2.0
"""The program at the command line, as somebody meets it who has just installed it."""
import copy
import json
import re
import signal
import socket

import dns.edns
import dns.message
import dns.query

from raw import ask
from waypost import BINARY, FRA, ZONE, Waypost, network, run_waypost, sites
from world import wait_until


def written(world, config, name):
    """The configuration as a file."""
    path = world.folder / name
    path.write_text(json.dumps({"state": str(world.folder / f"{name}.state"), **config}, indent=2))
    return path


def test_version_and_help_are_there():
    status, out, _ = run_waypost("version")
    assert status == 0 and re.search(r"\d+\.\d+", out)
    status, out, _ = run_waypost("help")
    assert status == 0
    for command in ("run", "check", "status", "demo", "reload", "schema"):
        assert command in out


def test_an_unknown_command_is_told_the_nearest(world):
    status, _, err = run_waypost("chekc")
    assert status != 0 and "check" in err


def test_check_shows_what_would_be_served(world):
    status, out, err = run_waypost("check", "-c", written(world, network(), "good.yaml"))
    assert status == 0, err
    for word in ("fra", "nyc1", "192.0.2.10", "acme", "www.acme.test", "static.acme.test"):
        assert word in out


def test_check_lists_all_errors_at_once_with_their_places(world):
    config = network()
    sites(config)["www.acme.test"]["polcy"] = "weighted"
    sites(config)["static.acme.test"]["deliver"] = ["asm"]
    config["customers"]["acme"]["origins"]["ams"]["address"] = "198.51.100.7:port"
    path = written(world, config, "bad.yaml")
    status, _, err = run_waypost("check", "-c", path)
    assert status != 0
    places = re.findall(rf"{re.escape(str(path))}:(\d+):(\d+): (.*)", err)
    assert len(places) >= 3
    lines = path.read_text().splitlines()
    for word, mend in (("polcy", "policy"), ("asm", "ams"), ("198.51.100.7:port", "")):
        assert any(word in lines[int(line) - 1] and mend in text for line, _, text in places), err


def test_run_refuses_a_wrong_configuration(world):
    config = network()
    sites(config)["www.acme.test"]["ttl"] = "soon"
    path = written(world, config, "wrong.yaml")
    status, _, err = run_waypost("run", "-c", path, "--all-nodes")
    assert status != 0 and f"{path}:" in err and "soon" in err


def test_run_names_the_address_that_is_taken(world):
    config = copy.deepcopy(network())
    config["pops"] = {"fra": {"nodes": {"fra1": {"address": [world.address("192.0.2.99")]}}}}
    with socket.create_server(("192.0.2.99", 80)):
        status, _, err = run_waypost("run", "-c", written(world, config, "taken.yaml"),
                                     "--node", "fra1")
    assert status != 0 and "192.0.2.99:80" in err


def test_a_disk_for_the_cache_is_said_not_to_be_used_yet(world, serve):
    config = network()
    config["pops"]["fra"]["cache"] = {"disk": "/nowhere", "disk_size": "1 GiB"}
    status, out, _ = run_waypost("check", "-c", written(world, config, "disk.yaml"))
    assert status == 0 and "not used yet" in out
    said = re.findall("not_used .*", serve(config).process.output())
    assert len(said) == 1 and "node=fra1 setting=cache.disk mend=" in said[0], said


def test_run_starts_the_node_named_and_no_other(world, origins):
    waypost_config = network()
    path = written(world, waypost_config, "one.yaml")
    world.address(FRA)
    process = world.start("one", [BINARY, "run", "-c", path, "--node", "fra1", "--workers", "2"])
    wait_until(lambda: process.must_run() and _serves(FRA), "fra1 serves")
    assert not _serves(world.address("192.0.2.20"))
    assert process.stop() == 0


def _serves(address):
    try:
        return ask(address, "/sqlite.css", "static.acme.test").status == 200
    except OSError:
        return False


def test_status_tells_of_a_running_node(world, origins, serve):
    waypost = serve(network())
    for _ in range(3):
        assert ask(FRA, "/sqlite.css", "static.acme.test").status == 200
    status, out, err = run_waypost("status", "-c", waypost.path)
    assert status == 0, err
    assert "fra1" in out and "static.acme.test" in out
    status, out, err = run_waypost("status", "-c", waypost.path, "--json")
    assert status == 0, err
    assert isinstance(json.loads(out), (dict, list))
    assert json.loads(waypost.admin_text("/api/v1/status", "fra1"))


def test_why_explains_the_answer_of_a_node(serve, origins):
    waypost = serve(network())
    given = set()
    for client in (f"203.0.{i}.77" for i in range(8)):
        query = dns.message.make_query(f"www.acme.test.{ZONE}", "A")
        query.use_edns(options=[dns.edns.ECSOption(client, 24)])
        reply = dns.query.udp(query, FRA, timeout=3)
        address = reply.answer[-1][0].address
        status, out, err = run_waypost("why", f"WWW.acme.test.{ZONE}.", "--client", client,
                                       "-c", waypost.path, "--node", "fra1")
        assert status == 0, err
        assert f" {address}, since it is drawn by weight" in out, out
        given.add(address)
    assert len(given) == 2
    status, out, err = run_waypost("why", "www.acme.test", "-c", waypost.path, "--json")
    assert status == 0, err
    assert json.loads(out)["name"] == "www.acme.test"


def test_status_shows_the_view_of_a_node(serve, origins):
    waypost = serve(network())

    def view():
        status, out, err = run_waypost("status", "--view", "nyc1", "-c", waypost.path)
        assert status == 0, err
        return out

    wait_until(lambda: "LATENCY" in view(), "nyc1 has measured")
    assert "nyc1 (itself)" in view() and "origin acme/ams" in view()
    status, out, err = run_waypost("status", "--view", "nyc1", "-c", waypost.path, "--json")
    assert status == 0, err
    held = json.loads(out)
    assert held["node"] == "nyc1" and held["reports_held"] == len(held["reports"])
    first = json.loads(waypost.admin_text("/api/v1/view?node=nyc1&limit=1"))
    then = json.loads(waypost.admin_text(f"/api/v1/view?node=nyc1&after={first['after']}"))
    assert first["reports"][0]["check_id"] == held["reports"][0]["check_id"]
    assert len(then["reports"]) == then["reports_held"] - 1


def test_status_compares_two_nodes(serve, origins):
    waypost = serve(network())

    def compared():
        status, out, err = run_waypost("status", "--compare", "fra1", "nyc1", "-c", waypost.path)
        assert status == 0, err
        return out

    wait_until(lambda: "All" in compared(), "both have measured")
    assert "fra1: map " in compared() and "nyc1: map " in compared()
    assert re.search("Nothing follows|What follows", compared())
    status, out, err = run_waypost("status", "--compare", "fra1", "nyc1", "-c", waypost.path,
                                   "--json")
    assert status == 0, err
    assert [told["node"] for told in json.loads(out)] == ["fra1", "nyc1"]


def test_a_node_that_cannot_be_asked_is_told_with_the_mend(world, serve, origins):
    waypost = serve(network())
    for words, mend in ((("--view", "nyc"), "did you mean nyc1?"),
                        (("--compare", "fra1", "fra"), "did you mean fra1?"),
                        (("--compare", "fra1"), "usage: waypost status"),
                        (("--view", "fra1", "--node", "nyc1"), "usage: waypost status")):
        status, out, err = run_waypost("status", *words, "-c", waypost.path)
        assert status != 0 and mend in err and not out, err
    idle = written(world, network(), "idle.yaml")
    status, _, err = run_waypost("status", "--compare", "fra1", "nyc1", "-c", idle)
    assert status != 0 and "fra1 does not run on this machine" in err
    assert "ssh -N -L" in err and "192.0.2.10" in err


def test_status_and_metrics_tell_what_checks_found(serve, origins):
    waypost = serve(network())

    def verdicts():
        checks = json.loads(waypost.admin_text("/api/v1/status"))["checks"]
        return {(c["node"], c["target"]): c["verdict"] for c in checks}
    wait_until(lambda: verdicts().get(("nyc1", "node fra1")) == "up" and
               set(verdicts().values()) == {"up"}, "all is found to be up", 5)
    wait_until(lambda: "waypost_check_latency_seconds{" in waypost.admin_text("/metrics"),
               "what was measured is told", 12)
    assert waypost.metric("check_up", "fra1") == len(verdicts())
    assert "origin acme/ams" in run_waypost("status", "-c", waypost.path)[1]


def test_why_says_what_it_cannot_explain(serve, origins):
    waypost = serve(network())
    status, _, err = run_waypost("why", "ww.acme.test", "-c", waypost.path)
    assert status == 1 and "www.acme.test" in err
    for words in ([], ["a", "b"], ["a", "--client", "192.0.2"]):
        status, _, err = run_waypost("why", *words, "-c", waypost.path)
        assert status == 2 and "NAME" in err


def test_metrics_are_in_good_form(serve, origins):
    waypost = serve(network())
    text = waypost.admin_text("/metrics")
    typed, sampled = {}, set()
    for row in text.splitlines():
        if row.startswith("# TYPE "):
            _, _, name, kind = row.split(" ")
            assert name not in typed
            typed[name] = kind
        elif row and not row.startswith("#"):
            found = re.fullmatch(r'([a-z_0-9]+)(\{(?:[a-z_]+="(?:[^"\\]|\\.)*",?)*\})? (\S+)', row)
            assert found, row
            assert found[1].startswith("waypost_") and found[1] in typed, row
            assert (found[1], found[2]) not in sampled, row
            sampled.add((found[1], found[2]))
            float(found[3])
            assert typed[found[1]] != "counter" or found[1].endswith("_total"), row
    assert len(sampled) > 20


def test_status_without_a_node_says_what_to_do(world):
    status, _, err = run_waypost("status", "-c", written(world, network(), "nobody.yaml"))
    assert status != 0 and "waypost run" in err


def test_schema_is_json(world):
    status, out, _ = run_waypost("schema")
    assert status == 0
    schema = json.loads(out)
    assert "pops" in schema["properties"] and "customers" in schema["properties"]


def test_reload_command_takes_a_new_configuration(serve, origins):
    config = network()
    waypost = serve(config)
    sites(config)["new.acme.test"] = {"deliver": ["ams"]}
    waypost.write(config)
    status, _, err = run_waypost("reload", "-c", waypost.path)
    assert status == 0, err
    wait_until(lambda: ask(FRA, "/sqlite.css", "new.acme.test").status == 200, "served", 3)
    sites(config)["new.acme.test"] = {"deliver": ["nobody"]}
    waypost.write(config)
    status, _, err = run_waypost("reload", "-c", waypost.path)
    assert status != 0 and "nobody" in err


def test_a_broken_configuration_never_asks_another_network(world, serve, origins):
    waypost = serve(network())
    config = {**network(), "state": str(world.folder / "elsewhere")}
    config["pops"] = {"fra": 7}
    path = world.folder / "broken.yaml"
    path.write_text(json.dumps(config))
    status, out, err = run_waypost("reload", "-c", path)
    assert status != 0 and not out and f"{path}:" in err and "--socket" in err
    assert "reload_" not in waypost.process.output()


def test_control_c_ends_it_at_once_and_in_order(world, origins):
    for number in (signal.SIGINT, signal.SIGTERM):
        waypost = Waypost(world, network(), name=f"stops-{number}")
        assert waypost.stop(number) < 3

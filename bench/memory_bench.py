# SPDX-License-Identifier: Apache-2.0
"""Memory: of a cached small object, of an idle connection, of a name in DNS.

Each figure is a difference within one process or between two that differ in nothing else, divided
by the number of things. It counts all processes of a server and the files it keeps in RAM; it does
not count what the kernel keeps for a connection, which is alike for all.
"""

import json
import subprocess
import tempfile
import time
from pathlib import Path

import dns_bench
import machine
import tls_bench
from http_bench import Origin, check_body
from report import Measure
from rounds import Stage, Workload, Wrong

OBJECTS = 200000
OBJECT_BYTES = 128
CONNECTIONS = 9000
SECURE_CONNECTIONS = 5000
NAMES = 10000
BYTES = Measure("bytes", "bytes", 0)

WORKLOADS = [
    Workload("object-128", f"memory of each of {OBJECTS} cached objects of {OBJECT_BYTES} bytes",
             "memory", ("-u", f"/m/{OBJECT_BYTES}/", "-U", 0, "-n", OBJECTS, "-e", OBJECT_BYTES),
             (BYTES,)),
    Workload("idle-connection", f"memory of each of {CONNECTIONS} idle connections", "idle",
             ("-u", "/o/1024", "-i", "-c", CONNECTIONS), (BYTES,)),
    Workload("idle-tls", f"memory of each of {SECURE_CONNECTIONS} idle connections by TLS 1.3",
             "idle-tls", ("-t", SECURE_CONNECTIONS), (BYTES,)),
    Workload("idle-h2", f"memory of each of {SECURE_CONNECTIONS} idle connections by HTTP/2",
             "idle-tls", ("-2", SECURE_CONNECTIONS), (BYTES,)),
    Workload("dns-name", f"memory of each of {NAMES} names with an address", "dns", (), (BYTES,)),
]


def settled(server):
    """Memory once it has stopped changing, or after two seconds."""
    before, now = -1, server.memory_bytes()
    for _ in range(10):
        if before == now:
            break
        time.sleep(0.2)
        before, now = now, server.memory_bytes()
    return now


class Held:
    """A crowd (load/crowd.c) that is there; a context manager. Nobody may be sent away."""

    def __init__(self, command):
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, preexec_fn=machine.pinned(machine.LOAD_CORE))
        self.told = {}

    def __enter__(self):
        if self.process.stdout.readline().strip() != "here":
            self.process.wait()
            raise Wrong("did not serve all connections")
        return self

    def __exit__(self, kind, *_):
        out, _ = self.process.communicate()
        self.told = json.loads(out or '{"lost": -1}')
        if kind is None and self.told["lost"] != 0:
            raise Wrong(f"lost {self.told['lost']} connections")


def of_object(bench, workload, server):
    check_body(server, f"/o/{OBJECT_BYTES}", OBJECT_BYTES)
    bench.load("http_load", server, ["-u", f"/o/{OBJECT_BYTES}", "-n", 1000], timed=False)
    before = settled(server)
    bench.load("http_load", server, workload.load, timed=False)
    return (settled(server) - before) / OBJECTS


def of_connection(bench, workload, server):
    check_body(server, "/o/1024", 1024)
    bench.load("http_load", server, ["-u", "/o/1024", "-n", 1000], timed=False)
    before = settled(server)
    command = [str(part) for part in (bench.tools / "http_load", "-p", server.place.port,
                                      *workload.load)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          preexec_fn=machine.pinned(machine.LOAD_CORE)) as load:
        if load.stdout.readline().strip() != "idle":
            raise Wrong(f"did not answer on {CONNECTIONS} connections")
        after = settled(server)
        load.communicate()
    if load.returncode != 0:
        raise Wrong("lost connections")
    return (after - before) / CONNECTIONS


def of_crowd(bench, workload, server):
    """Of connections that had one answer each; not of them is what the first of all costs."""
    tls_bench.check_body(server, 1024)
    command = [bench.tools / "crowd", "-p", server.place.port, "-s", server.place.https_port,
               "-u", "/o/1024"]
    with Held([*command, workload.load[0], 100]):
        pass
    before = settled(server)
    with Held([*command, *workload.load]):
        after = settled(server)
    return (after - before) / SECURE_CONNECTIONS


def of_name(bench, kind):
    """Two fresh servers, one with a single name and one with all."""
    sizes = []
    for names in (1, NAMES):
        with Stage(bench, [kind], names=names) as stage:
            if not stage.servers:
                raise Wrong("did not start")
            server = stage.servers[0]
            dns_bench.check_names(server, names)
            sizes.append(settled(server))
    return (sizes[1] - sizes[0]) / (NAMES - 1)


def certificate_for(workload, directory):
    directory.chmod(0o755)  # some give up root
    return tls_bench.certify(directory) if workload.service == "idle-tls" else None


MEASURES = {"memory": of_object, "idle": of_connection, "idle-tls": of_crowd}


def fresh(bench, kind, workload, measure):
    """A figure of a server that has done nothing before."""
    with tempfile.TemporaryDirectory(prefix="waypost-bench.", dir="/dev/shm") as scratch, \
            Origin(bench, Path(scratch)) as origin, \
            Stage(bench, [kind], origin_port=origin.port, documents=origin.documents,
                  certificate=certificate_for(workload, Path(scratch))) as stage:
        if not stage.servers:
            raise Wrong("did not start")
        return measure(bench, workload, stage.servers[0])


def take(bench, kind, workload):
    if workload.service == "dns":
        return of_name(bench, kind)
    return fresh(bench, kind, workload, MEASURES[workload.service])


def run(bench, kinds, chosen):
    for workload in chosen:
        for kind in kinds:
            if workload.service not in kind.serves:
                continue
            for turn in range(min(bench.rounds, 3)):  # memory hardly varies
                try:
                    figure = take(bench, kind, workload)
                except Wrong as wrong:
                    bench.results.withdraw(workload.name, kind.name, str(wrong))
                    break
                bench.results.add(workload.name, kind.name, turn, {"bytes": figure},
                                  workload.measures)
                print(f"  {workload.name:16} {kind.name:12} {figure:.0f} bytes", flush=True)

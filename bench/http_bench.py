# SPDX-License-Identifier: Apache-2.0
"""HTTP workloads: hits of all sizes, connections, misses."""

import http.client
import random
import subprocess
import tempfile
import time
from pathlib import Path

import machine
from rounds import Stage, Workload, Wrong, slices

SIZES = {"1k": 1024, "16k": 16384, "256k": 262144}
BODY = bytes(range(ord("a"), ord("z") + 1))


def body(size):
    """What the origin sends; its period fits no block size, so a wrong offset shows."""
    return (BODY * (size // len(BODY) + 1))[:size]


def ask(port, path):
    """One request; the body, of a 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"Host": "bench.test"})
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise Wrong(f"GET {path}: {error!r}") from None
    finally:
        connection.close()
    if answer.status != 200:
        raise Wrong(f"GET {path}: status {answer.status}")
    return content


def check_body(server, path, size):
    for _ in range(3):
        if ask(server.place.port, path) != body(size):
            raise Wrong(f"GET {path}: not the body the origin sent")


def requests_at_origin(server):
    """Once it stands still: fetches go on for a while after the load that caused them has ended."""
    counts = [-1, int(ask(server.place.origin_port, "/count"))]
    while counts[-1] != counts[-2]:
        time.sleep(0.05)
        counts.append(int(ask(server.place.origin_port, "/count")))
    return counts[-1]


def hit(name, size, connections, *more, meaning="kept-alive connections"):
    arguments = ("-u", f"/o/{size}", "-e", size, "-c", connections, *more)
    return Workload(name, f"hits of {size} bytes, {connections} {meaning}", "hit", arguments)


# The misses come last, as they fill the caches.
WORKLOADS = [
    *(hit(f"hit-{name}-{connections}", size, connections)
      for name, size in SIZES.items() for connections in (64, 1000)),
    hit("hit-browser", 1024, 64, "-B", meaning="kept-alive connections, heads as browsers send"),
    hit("hit-new", 1024, 64, "-k", meaning="at a time, a connection for each request"),
    *(Workload(f"miss-{name}", f"every URL new, {SIZES[name]} bytes, 64 kept-alive connections",
               "miss", ("-u", f"/m/{SIZES[name]}/", "-e", SIZES[name], "-c", 64))
      for name in ("1k", "16k")),
]


def measure_hits(bench, workload, server):
    """A cache that asks the origin again is not compared on hits."""
    path, size = workload.load[1], workload.load[3]
    check_body(server, path, size)
    before = requests_at_origin(server)
    sample = bench.load("http_load", server, workload.load)
    asked = requests_at_origin(server) - before
    if asked > sample["answers"] / 1000:
        raise Wrong(f"asked the origin {asked} times for what it had")
    return sample


def measure_misses(bench, workload, server):
    """Numbers start at random, so that no round asks for what another stored."""
    size = workload.load[3]
    first = random.randrange(10**15)
    check_body(server, f"/m/{size}/{first - 1}", size)
    before = requests_at_origin(server)
    sample = bench.load("http_load", server, workload.load, ("-U", first))
    asked = requests_at_origin(server) - before
    if asked < sample["answers"]:
        raise Wrong(f"asked the origin {asked} times for {sample['answers']} new URLs")
    return sample


class Origin:
    """The origin and, for servers of files, the same bodies as files; a context manager."""

    def __init__(self, bench, directory):
        self.port = machine.free_port()
        self.documents = directory / "documents"
        (self.documents / "o").mkdir(parents=True)
        for size in SIZES.values():
            (self.documents / "o" / str(size)).write_bytes(body(size))
        self.process = subprocess.Popen([bench.tools / "http_origin", str(self.port)],
                                        preexec_fn=machine.pinned(machine.LOAD_CORE))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def run(bench, kinds, chosen):
    with tempfile.TemporaryDirectory(prefix="waypost-bench.", dir="/dev/shm") as scratch, \
            Origin(bench, Path(scratch)) as origin, \
            Stage(bench, kinds, origin_port=origin.port, documents=origin.documents) as stage:
        def take(workload, server):
            if workload.service == "hit":
                return measure_hits(bench, workload, server)
            return measure_misses(bench, workload, server)
        slices(bench, chosen, stage.servers, take)

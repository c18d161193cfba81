# SPDX-License-Identifier: Apache-2.0
"""The cache at work: how often it asks the origin when it cannot hold everything.

Requests follow a law of popularity (Zipf), the same sequence for every server, over far more bytes
than the cache may hold. The first half of the requests fills it, the second half is counted.

nginx is not compared: it looks at its limit every ten seconds, and by then held seven times as much.
"""

import tempfile
from pathlib import Path

from http_bench import Origin, check_body, requests_at_origin
from report import Measure
from rounds import Stage, Workload, Wrong

OBJECTS = 30000
OBJECT_BYTES = 8192
MEMORY_MIB = 32
REQUESTS = 80000
MISSES = Measure("misses", "misses per 1,000", 1)
MEMORY = Measure("mib", "MiB taken", 0, is_compared=False)

WORKLOADS = [
    Workload("zipf-8k", f"{OBJECTS} objects of {OBJECT_BYTES} bytes by popularity, "
             f"{MEMORY_MIB} MiB for the cache", "limit",
             ("-u", f"/m/{OBJECT_BYTES}/", "-Z", OBJECTS, "-n", REQUESTS, "-e", OBJECT_BYTES),
             (MISSES, MEMORY)),
]


def misses(bench, workload, server):
    check_body(server, f"/m/{OBJECT_BYTES}/0", OBJECT_BYTES)
    empty = server.memory_bytes()
    bench.load("http_load", server, workload.load, ("-S", 1), timed=False)
    before = requests_at_origin(server)
    sample = bench.load("http_load", server, workload.load, ("-S", 2), timed=False)
    asked = requests_at_origin(server) - before
    taken = (server.memory_bytes() - empty) / 2**20
    return {"misses": 1000 * asked / sample["answers"], "mib": taken, "p99_us": sample["p99_us"]}


def run(bench, kinds, chosen):
    for workload in chosen:
        for kind in (kind for kind in kinds if workload.service in kind.serves):
            with tempfile.TemporaryDirectory(prefix="waypost-bench.", dir="/dev/shm") as scratch, \
                    Origin(bench, Path(scratch)) as origin, \
                    Stage(bench, [kind], origin_port=origin.port, documents=origin.documents,
                          memory_mib=MEMORY_MIB) as stage:
                try:
                    if not stage.servers:
                        raise Wrong("did not start")
                    sample = misses(bench, workload, stage.servers[0])
                except Wrong as wrong:
                    bench.results.leave_out(workload.name, kind.name, str(wrong))
                    continue
                bench.results.add(workload.name, kind.name, 0, sample, workload.measures)
                print(f"  {workload.name:16} {kind.name:12} {sample['misses']:.1f} misses per 1,000,"
                      f" {sample['mib']:.0f} MiB", flush=True)

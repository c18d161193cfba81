# SPDX-License-Identifier: Apache-2.0
"""Ten thousand at once: what a crowd that holds connections costs, and whether others notice it.

A node with two workers answers requests that are due at a steady rate, whatever it does (an open
loop; the latency counts from when a request was due), first alone and then while ten thousand
connections keep still and a thousand readers take a large body at a few KiB a second. Server, load
and crowd share two cores, so latencies are those of a busy machine.
"""

import contextlib
import os
import tempfile
from pathlib import Path

import http_bench
import machine
import tls_bench
from memory_bench import Held, settled
from report import Measure
from rounds import Stage, Workload, Wrong

RATE, CONNECTIONS, SECONDS = 10000, 200, 30
PLAIN, TLS, HTTP_2, SLOW = 5000, 2500, 2500, 1000
BODY, SLOW_BYTES = 1 << 20, 4096
ROUNDS_MAX = 2
KEPT = 0.99  # of the rate; below, the machine is not able to

MEASURES = (
    Measure("rate", "answers/s", 0, smaller_is_better=False, is_compared=False),
    Measure("p50_us", "p50 µs", 0), Measure("p99_us", "p99 µs", 0),
    Measure("p999_us", "p99.9 µs", 0), Measure("mib", "MiB of the server", 1),
)
EACH = Measure("bytes", "bytes", 0)
ASKS = ("-u", "/o/1024", "-e", 1024, "-c", CONNECTIONS)

ALONE = Workload("crowd-none", f"{RATE} requests of 1 KiB a second on {CONNECTIONS} connections",
                 "crowd", ASKS, MEASURES)
AMONG = Workload("crowd-held", f"the same among {PLAIN} idle connections, {TLS} by TLS, {HTTP_2} by "
                 f"HTTP/2, and {SLOW} readers of {BODY >> 10} KiB by TLS, {SLOW_BYTES} bytes a "
                 "second", "crowd", ASKS, MEASURES)
WEIGHED = [
    (Workload("crowd-plain", "memory of each of those that are idle", "crowd", (), (EACH,)),
     "-i", PLAIN),
    (Workload("crowd-tls", "the same by TLS", "crowd", (), (EACH,)), "-t", TLS),
    (Workload("crowd-h2", "the same by HTTP/2", "crowd", (), (EACH,)), "-2", HTTP_2),
    (Workload("crowd-slow", "of each slow reader", "crowd", (), (EACH,)), "-z", SLOW),
]
WORKLOADS = [ALONE, AMONG, *(workload for workload, *_ in WEIGHED)]


def spread_out(server):
    """Two workers want two cores."""
    for pid in server.pids():
        for task in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(task.name), {machine.SERVER_CORE, machine.LOAD_CORE})


def crowd_of(bench, server, *options):
    return Held([bench.tools / "crowd", "-p", server.place.port, "-s", server.place.https_port,
                 "-u", "/o/1024", "-l", f"/o/{BODY}", "-b", SLOW_BYTES, *options])


def at_rate(bench, server, rate):
    kept = bench.seconds, bench.warm_up
    bench.seconds, bench.warm_up = max(bench.seconds, SECONDS), 2
    try:
        sample = bench.load("http_load", server, ASKS, ("-r", rate))
    finally:
        bench.seconds, bench.warm_up = kept
    return {**sample, "wanted": rate, "mib": settled(server) / 2**20}


def able(bench, server):
    """The rate that the machine keeps up with the load alone: the whole, or half of it, and a
    sample at that."""
    for rate in (RATE, RATE // 2):
        sample = at_rate(bench, server, rate)
        if sample["rate"] >= rate * KEPT:
            return rate, sample
        print(f"  this machine makes {sample['rate']:.0f} of {rate} answers/s", flush=True)
    raise Wrong(f"{sample['rate']:.0f} of {rate} answers/s")


def told(bench, workload, server, turn, sample):
    bench.results.add(workload.name, server.name, turn, sample, workload.measures)
    print(f"  round {turn + 1}  {workload.name:12} {server.name:10} " + ", ".join(
        f"{sample[m.key]:.{m.digits}f} {m.title}" for m in workload.measures), flush=True)


def one_round(bench, server, turn):
    tls_bench.check_body(server, 1024)
    http_bench.check_body(server, f"/o/{BODY}", BODY)
    with crowd_of(bench, server, "-t", 1, "-2", 1):  # what the first of all costs is not theirs
        rate, sample = able(bench, server)
    told(bench, ALONE, server, turn, sample)
    before = settled(server)
    with contextlib.ExitStack() as held:
        for workload, option, count in WEIGHED:
            crowd = held.enter_context(crowd_of(bench, server, option, count))
            after = settled(server)
            told(bench, workload, server, turn, {"bytes": (after - before) / count})
            before = after
        sample = at_rate(bench, server, rate)
        if sample["rate"] < rate * KEPT:
            print(f"  among the crowd it makes {sample['rate']:.0f} of {rate} answers/s")
        told(bench, AMONG, server, turn, sample)
    print(f"  nobody was lost; the slowest reader took {crowd.told['taken_least'] >> 10} KiB",
          flush=True)


def run(bench, kinds, chosen):
    if not chosen:
        return
    for kind in kinds:
        for turn in range(min(bench.rounds, ROUNDS_MAX)):
            with tempfile.TemporaryDirectory(prefix="waypost-bench.", dir="/dev/shm") as scratch, \
                    http_bench.Origin(bench, Path(scratch)) as origin:
                Path(scratch).chmod(0o755)
                with Stage(bench, [kind], origin_port=origin.port, documents=origin.documents,
                           certificate=tls_bench.certify(Path(scratch))) as stage:
                    try:
                        for server in stage.servers:
                            spread_out(server)
                            one_round(bench, server, turn)
                    except Wrong as wrong:
                        bench.results.withdraw(AMONG.name, kind.name, str(wrong))

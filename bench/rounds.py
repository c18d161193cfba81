# SPDX-License-Identifier: Apache-2.0
"""How a group of workloads is measured: all servers up, one loaded at a time, in turn.

Idle servers cost nothing, and short slices that go round all of them cancel the slow drift of a
shared machine. Every other round goes round the other way. A server is measured on a workload only
after a check that it serves it right, and its figures are withdrawn if it fails later on.
"""

import json
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import machine
import report
from servers import Place, Server

LOAD_SECONDS_MAX = 120  # of one slice, whatever happens


@dataclass(frozen=True)
class Workload:
    """One kind of question, asked by the load generator with `load` as arguments."""
    name: str
    meaning: str
    service: str  # what a server must offer, of those in Kind.serves
    load: tuple
    measures: tuple = (report.CPU, report.RATE)
    base: str = ""  # a workload that the same program is compared with, in each round


class Wrong(Exception):
    """What a server got wrong."""


@dataclass
class Bench:
    """What all groups share."""
    tools: Path
    results: report.Results
    rounds: int
    seconds: float
    warm_up: float
    commands: list = field(default_factory=list)  # of the load generators, as given

    def load(self, generator, server, arguments, more=(), timed=True):
        """Runs a load generator on a server; gives the sample. `more` differs each time."""
        command = [str(self.tools / generator), "-p", str(server.place.port),
                   "-s", server.pids_text(), *map(str, arguments), *map(str, more)]
        if timed:
            warm = "-w" if generator == "http_load" else "-W"
            command += ["-t", str(self.seconds), warm, str(self.warm_up)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=LOAD_SECONDS_MAX,
                                  preexec_fn=machine.pinned(machine.LOAD_CORE))
        except subprocess.TimeoutExpired:
            raise Wrong(f"not done after {LOAD_SECONDS_MAX} seconds") from None
        line = " ".join([generator, *map(str, arguments)])
        if line not in self.commands:
            self.commands.append(line)
        if done.returncode != 0:
            raise Wrong(done.stderr.strip() or "the load generator failed")
        sample = json.loads(done.stdout)
        if sample["answers"] == 0:
            raise Wrong("no answers")
        if sample["errors"] or sample["bad"]:
            raise Wrong(f"{sample['errors']} errors and {sample['bad']} wrong answers "
                        f"beside {sample['answers']} answers")
        sample["cpu_us"] = sample["server_cpu_us"] / sample["answers"]
        sample["rate"] = sample["answers"] / sample["seconds"]
        sample["core_use"] = sample["server_cpu_us"] / sample["seconds"] / 1e6
        return sample


class Stage:
    """Servers that run side by side, in one directory in RAM; a context manager."""

    def __init__(self, bench, kinds, **place):
        self.bench, self.kinds, self.place = bench, kinds, place
        self.servers = []

    def __enter__(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="waypost-bench.", dir="/dev/shm")
        self.directory = Path(self.scratch.name)
        self.directory.chmod(0o755)
        try:
            for kind in self.kinds:
                self.start(kind)
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self, kind):
        place = Place(self.directory / kind.name, machine.free_port(),
                      spare_ports=[machine.free_port() for _ in range(3)], **self.place)
        try:
            server = Server(kind, place)
        except OSError as error:
            self.bench.results.leave_out("all", kind.name, str(error))
            return
        if server.await_start():
            self.servers.append(server)
        else:
            self.bench.results.leave_out(
                "all", kind.name, f"did not start: {server.last_words()}")
            server.stop()

    def __exit__(self, *_):
        for server in self.servers:
            server.stop()
        self.scratch.cleanup()


def slices(bench, workloads, servers, take):
    """All rounds. `take(workload, server)` gives a sample or raises Wrong."""
    failed = set()
    for turn in range(bench.rounds):
        for workload in workloads:
            for server in servers if turn % 2 == 0 else reversed(servers):
                pair = (workload.name, server.name)
                if workload.service not in server.kind.serves or pair in failed:
                    continue
                try:
                    sample = take(workload, server)
                except Wrong as wrong:
                    failed.add(pair)
                    bench.results.withdraw(*pair, str(wrong))
                    continue
                bench.results.add(*pair, turn, sample, workload.measures)
                bench.results.bases[workload.name] = workload.base
                told = ", ".join(f"{sample[m.key]:.{m.digits}f} {m.title}"
                                 for m in workload.measures)
                print(f"  round {turn + 1}  {workload.name:16} {server.name:12} {told}", flush=True)

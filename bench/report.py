# SPDX-License-Identifier: Apache-2.0
"""Figures of all rounds, and what is told of them: medians, spread, ratios.

The ratio is taken round by round, each figure against that of the best peer in the same round, and
its median is told: a machine that is slow for a while is slow for both. The best peer is the one
with the best median.
"""

import json
from collections import defaultdict
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Measure:
    """What is compared: a key of each sample."""
    key: str
    title: str
    digits: int
    smaller_is_better: bool = True
    is_compared: bool = True  # else it only stands beside


CPU = Measure("cpu_us", "CPU µs", 2)
RATE = Measure("rate", "answers/s", 0, smaller_is_better=False)


class Results:
    """Samples by workload and server, in the order they came."""

    def __init__(self, candidate):
        self.candidate = candidate
        self.samples = defaultdict(lambda: defaultdict(dict))  # workload, server, round
        self.left_out = []
        self.measures = {}
        self.bases = {}

    def add(self, workload, server, turn, sample, measures):
        self.samples[workload][server][turn] = sample
        self.measures[workload] = measures

    def leave_out(self, workload, server, why):
        """Tells of a server that is not compared, once for each reason."""
        line = f"{server} on {workload}: {why}"
        if line not in self.left_out:
            self.left_out.append(line)
            print(f"  left out: {line}", flush=True)

    def withdraw(self, workload, server, why):
        """Takes back all figures of a server that did not serve a workload right."""
        self.samples[workload].pop(server, None)
        if not self.samples[workload]:
            del self.samples[workload]
        self.leave_out(workload, server, why)

    def values(self, workload, server, measure):
        return [sample[measure.key] for sample in self.samples[workload][server].values()]

    def best_peer(self, workload, measure):
        own = (self.candidate, f"{self.candidate}-500k")  # itself, configured otherwise
        peers = [name for name in self.samples[workload] if name not in own]
        choose = min if measure.smaller_is_better else max
        return choose(peers, key=lambda name: median(self.values(workload, name, measure)),
                      default=None)

    def ratio(self, workload, measure):
        """The best peer, and the candidate's ratios to it by round; nothing without either."""
        peer = self.best_peer(workload, measure)
        if peer is None or self.candidate not in self.samples[workload]:
            return None, []
        ours, theirs = (self.samples[workload][name] for name in (self.candidate, peer))
        return peer, [ours[turn][measure.key] / theirs[turn][measure.key]
                      for turn in ours if turn in theirs and theirs[turn][measure.key] > 0]


def spread(values, digits):
    return f"{median(values):.{digits}f} ({min(values):.{digits}f}..{max(values):.{digits}f})"


def figures_table(results):
    """Rows: workload, server, medians with spread of its measures, then what helps to judge them."""
    rows = [["workload", "server", "figure", "second", "use of core", "p99 µs"]]
    for workload, servers in results.samples.items():
        measures = results.measures[workload]
        for server in servers:
            cells = [f"{spread(results.values(workload, server, m), m.digits)} {m.title}"
                     for m in measures]
            samples = list(servers[server].values())
            rows.append([workload, server, *cells, *[""] * (2 - len(cells)), *(
                f"{median(s[key] for s in samples):.{digits}f}" if key in samples[0] else ""
                for key, digits in (("core_use", 2), ("p99_us", 0)))])
    return rows


def ratio_table(results):
    rows = [["workload", "figure", "best peer, or base", "ratio"]]
    for workload in results.samples:
        for measure in results.measures[workload]:
            peer, ratios = results.ratio(workload, measure)
            if ratios and measure.is_compared:
                better = "below" if measure.smaller_is_better else "above"
                rows.append([workload, f"{measure.title} ({better} 1 is better)", peer,
                             spread(ratios, 2)])
    return rows + base_rows(results)


def base_rows(results):
    """Of each program, what one workload costs it against another."""
    rows = []
    for workload, base in results.bases.items():
        for server, samples in results.samples[workload].items() if base else ():
            bases = results.samples[base].get(server, {})
            ratios = [sample[CPU.key] / bases[turn][CPU.key]
                      for turn, sample in samples.items() if turn in bases]
            if ratios:
                rows.append([workload, f"{CPU.title} of {server}", base, spread(ratios, 3)])
    return rows


def plain(rows):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
                     for row in rows)


def markdown(rows):
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    return "\n".join(lines)


def write(path, results, facts):
    """The report, and beside it every sample as JSON. `facts`: title to lines."""
    parts = ["# Side by side\n"]
    ratios = ratio_table(results)
    if len(ratios) > 1:
        parts += ["## Ratios: median (least..most) over rounds\n", markdown(ratios), ""]
    parts += ["## Figures: median (least..most) over rounds\n", markdown(figures_table(results)), ""]
    for title, lines in {"Left out": results.left_out, **facts}.items():
        if lines:
            parts += [f"## {title}\n", *(f"- {line}" for line in lines), ""]
    path.write_text("\n".join(parts))
    path.with_suffix(".json").write_text(json.dumps(results.samples, indent=1))

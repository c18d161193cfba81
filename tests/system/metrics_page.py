#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The manual's page of metrics, out of what a node shows at /metrics:

    curl -s http://127.0.0.1:8653/metrics | tests/system/metrics_page.py > docs/manual/reference/metrics.md
"""
import re
import sys

HEAD = """\
# Metrics

<!-- Printed by tests/system/metrics_page.py from /metrics; a test holds it current. -->

`http://127.0.0.1:8653/metrics` of each node, in the text format of Prometheus. Names that end in `_total` only
grow, until a restart. All have the label `node` where a process has several; `admin_http` counts who asks the
admin face, and `control_loop` its thread, apart from the visitors' own.

| name | kind | labels | meaning |
|---|---|---|---|
"""


def families(text):
    """name to (kind, labels, meaning) of all that is shown."""
    helps = dict(re.findall(r"^# HELP (\S+) (.*)$", text, re.MULTILINE))
    kinds = dict(re.findall(r"^# TYPE (\S+) (.*)$", text, re.MULTILINE))
    labels = {name: {} for name in helps}
    for sample, inside in re.findall(r"^([a-z_0-9]+)\{(.*)\} \S+$", text, re.MULTILINE):
        name = sample if sample in helps else re.sub(r"_(bucket|sum|count)$", "", sample)
        labels[name].update(dict.fromkeys(re.findall(r'(\w+)="', inside)))
    return {name: (kinds[name], list(labels[name]), helps[name]) for name in helps}


def row(name, kind, labels, meaning):
    """Its line in the page."""
    words = ", ".join(f"`{label}`" for label in labels)
    return f"| `{name}` | {kind} | {words} | {meaning} |\n"


if __name__ == "__main__":
    shown = families(sys.stdin.read())
    sys.stdout.write(HEAD + "".join(row(name, *shown[name]) for name in sorted(shown)))

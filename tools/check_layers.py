#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Refuses an include that points up or sideways: src/LAYERS names who stands on whom.

Also holds third-party headers behind their one folder, and *_priv.h within its own.
"""
import pathlib
import re
import sys

HOME = {"openssl": "tls", "nghttp2": "http", "nats": "bus", "sqlite3": "db", "libpq-fe": "db",
        "yaml": "conf", "jansson": "admin", "maxminddb": "steer", "xxhash": "base"}

root = pathlib.Path(sys.argv[1]) / "src"
layer = {}
for line in (root / "LAYERS").read_text().splitlines():
    number, *folders = line.split()
    layer.update({folder: int(number) for folder in folders})


def wrong_with(here, line):
    """What is wrong with this line of a file in the folder `here`; empty when nothing is."""
    if third := re.match(r"#include <([\w-]+)[./]", line):
        home = HOME.get(third[1], here)
        return "" if home == here else f"<{third[1]}> belongs to {home}"
    found = re.match(r'#include "(?:(\w+)/)?(\w+)\.h"', line)
    if not found:
        return f"not understood: {line}" if line.startswith("#include \"") else ""
    there, name = found[1] or "", found[2]
    if not there:
        return f"write the folder: {line}"
    if there not in layer:
        return f"{there} is not in LAYERS"
    if there != here and layer[there] >= layer[here]:
        return f"{here} may not use {there}"
    return f"{name}.h is private to {there}" if there != here and name.endswith("_priv") else ""


wrong = 0
for path in sorted(root.rglob("*.[ch]")):
    folder = path.relative_to(root).parts[0]
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if bad := wrong_with(folder, line):
            print(f"{path.relative_to(root.parent)}:{number}: {bad}")
            wrong += 1
sys.exit(wrong > 0)

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Closes a test run with one line, `N passed, N failed`, out of Meson's log.

    count_results.py STATUS testlog.json

STATUS is what the run exited with. A test that was skipped did not show what it promises, and
counts as failed; so does a run that failed without any test to blame (it did not build).
"""
import json
import pathlib
import sys

status, log = int(sys.argv[1]), pathlib.Path(sys.argv[2])
results = []
if log.exists():
    results = [json.loads(line)["result"] for line in log.read_text().splitlines() if line]
passed = results.count("OK")
failed = len(results) - passed
if (status != 0 or not results) and failed == 0:
    failed = 1
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)

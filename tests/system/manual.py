# SPDX-License-Identifier: Apache-2.0
"""
The manual, followed to the letter. A block marked `sh` is for a shell, `sh NAME` for the shell of the
machine of that name. A block marked `text` behind it is what it prints: each of its lines is in the
output, in that order, where `...` stands for anything.
"""
import pathlib
import re
import time

PAGES = pathlib.Path(__file__).resolve().parents[2] / "docs" / "manual"
BLOCK = re.compile(r"^```(\w+)?(?: (\w+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def sections(page):
    """The text below each heading of a page."""
    parts = (PAGES / page).read_text().split("\n## ")[1:]
    return dict(part.split("\n", 1) for part in parts)


def steps(page, text=None):
    """(machine or None, script, lines that it prints) of each block for a shell, of a page or of a
    section of it."""
    found = []
    for language, machine, block in BLOCK.findall(text or (PAGES / page).read_text()):
        if language == "sh":
            found.append((machine or None, block, []))
        elif language == "text":
            assert found, f"{page}: what prints this? {block}"
            found[-1][2].extend(block.splitlines())
    return found


def missing(lines, output):
    """The first of the lines that is not in the output behind those before it."""
    rest = iter(output.splitlines())
    for line in lines:
        pattern = ".*".join(re.escape(part.strip()) for part in line.split("..."))
        if not any(re.fullmatch(pattern, printed.strip()) for printed in rest):
            return line
    return None


def follow(page, shells, patience_s=20):
    """
    Does what the page says: `shells` has a function for each machine, script to (status, output). A
    step whose output is not yet what the page shows is repeated, as a reader would, where it changes
    nothing. Prints and returns (seconds, keystrokes, first line) of each step.
    """
    times = []
    for machine, script, lines in steps(page):
        began = time.monotonic()
        while True:
            status, output = shells[machine](script)
            late = time.monotonic() - began > patience_s
            said = f"{page}: {script}printed (status {status}):\n{output}"
            if status == 0 and missing(lines, output) is None:
                break
            assert lines and not late, f"{said}\nnot there: {missing(lines, output)}"
            time.sleep(0.5)
        times.append((time.monotonic() - began, len(script), script.splitlines()[0]))
    print(f"\n{page}: {len(times)} steps, {sum(t[0] for t in times):.1f} s of waiting, "
          f"{sum(t[1] for t in times)} characters")
    for seconds, _, first in times:
        print(f"  {seconds:6.1f} s  {first[:90]}")
    return times

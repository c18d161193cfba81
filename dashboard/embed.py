#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
Makes the dashboard's files a part of the program: has esbuild bundle them, and writes them as
tables of C (src/admin/pages.h), plain and gzip'd.

    dashboard/embed.py FOLDER OUT.c OUT.c.d

FOLDER is for what esbuild makes; OUT.c.d tells ninja what all this was made from. Where npm never
ran here, one page says so instead: the program does not need it.
"""
import gzip
import hashlib
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
MODULES = HERE / "node_modules"
# What npm writes last; dashboard/package-lock.json is what it was told to install.
INSTALLED = MODULES / ".package-lock.json"
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
MISSING = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>waypost: the dashboard is not in this build</title>
<main>
<h1>The dashboard is not in this build</h1>
<p>It is made with npm packages, which were not there when this program was built. All else works:
the commands (<code>waypost help</code>), <a href="/api/v1/status">the API</a> and
<a href="/metrics">the metrics</a>.</p>
<p>To have it, where the program's source is, with a network and as root:</p>
<pre>tools/setup build    # installs nodejs and npm where they are missing, then the packages
make</pre>
</main>
</html>
"""


def bundle(folder):
    """What esbuild makes of the sources: {path on the wire: bytes}."""
    shutil.rmtree(folder, ignore_errors=True)
    done = subprocess.run(["node", str(HERE / "build.mjs"), str(folder)], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        print(done.stdout, end="")
        sys.exit("dashboard: esbuild failed; where packages are missing, run tools/setup build")
    return {"/" if p.name == "index.html" else f"/assets/{p.name}": p.read_bytes()
            for p in sorted(folder.iterdir())}


def array(name, data):
    """A table of bytes, as C takes it."""
    rows = (",".join(map(str, data[at:at + 32])) for at in range(0, len(data), 32))
    return f"static const unsigned char {name}[] = {{\n" + ",\n".join(rows) + "\n};\n"


def source(files):
    """The C file."""
    parts, rows = ['#include "admin/pages.h"\n'], []
    for number, (path, data) in enumerate(files.items()):
        packed = gzip.compress(data, 9, mtime=0)
        media = TYPES[pathlib.Path(path).suffix or ".html"]
        tag = hashlib.sha256(data).hexdigest()[:16]
        parts += [array(f"plain_{number}", data), array(f"gzip_{number}", packed)]
        rows.append(f'    {{ {{ "{path}", {len(path)} }}, {{ "{media}", {len(media)} }},\n'
                    f'        {{ "{tag}", {len(tag)} }},\n'
                    f'        {{ (const char *)plain_{number}, sizeof plain_{number} }},\n'
                    f'        {{ (const char *)gzip_{number}, sizeof gzip_{number} }} }},\n')
    return "\n".join([*parts, "const struct page pages[] = {\n" + "".join(rows) + "};\n",
                      "const size_t page_count = sizeof pages / sizeof pages[0];\n"])


def main():
    """Writes OUT.c where it changes, and OUT.c.d."""
    folder, out, depends = (pathlib.Path(word) for word in sys.argv[1:])
    has_npm = INSTALLED.exists() and shutil.which("node") is not None
    text = source(bundle(folder) if has_npm else {"/": MISSING.encode()})
    if not out.exists() or out.read_text() != text:
        out.write_text(text)
    # While npm did not run, its mark is a file that is missing, so that ninja asks again each time.
    made_from = [HERE / "embed.py", HERE / "build.mjs", HERE / "index.html", INSTALLED,
                 *sorted(p for p in (HERE / "src").iterdir() if p.is_file()), HERE / "src"]
    depends.write_text(f"{sys.argv[2]}: " + " ".join(map(str, made_from)) + "\n")


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""A customer's web server of a few lines, where a story needs no more of one."""
import os
import sys
import time

from world import listens, wait_until

SERVER = """\
import http.server, sys
class Handler(http.server.SimpleHTTPRequestHandler):
    def end_headers(self):
        if self.path.startswith("/private"):
            for line in sys.argv[2:]:
                self.send_header(*line.split(": ", 1))
        super().end_headers()
http.server.ThreadingHTTPServer((sys.argv[1], 80), Handler).serve_forever()
"""


def web_server(world, address, files, folder=None, more=()):
    """Serves the files, name to text, at port 80 of the address; `more`: fields of answers below
    /private. Returns their folder."""
    folder = folder or world.place(f"web-{address}")
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
        os.utime(folder / name, (0, time.time() - 86400))  # old enough to be fresh for a while
    server = world.start("web-server", [sys.executable, "-c", SERVER, address, *more], folder)
    wait_until(lambda: server.must_run() and listens(address, 80), "the web server listens")
    return folder

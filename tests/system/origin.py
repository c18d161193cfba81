# SPDX-License-Identifier: Apache-2.0
"""A customer's own web server: a real nginx over a real web site, and its access log."""
import collections
import os
import pathlib
import re
import shutil
import signal
import urllib.request

import way
from world import listens, run, wait_until

PAGES = "/usr/share/doc/sqlite3"
# Whom DNS leads to origins for.
NAMES = ("*.acme.test", "*.other.test", "www.acme.test.cdn.waypost.test")
EMBEDDED = re.compile(r'(src|href)="([^":#?]+\.(?:gif|png|jpe?g|svg|css|js|ico))"', re.IGNORECASE)

CONF = """\
daemon off; user root; worker_processes 1; pid {folder}/pid; error_log stderr;
load_module /usr/lib/nginx/modules/ngx_http_echo_module.so;
events {{ worker_connections 4096; }}
http {{
  include /etc/nginx/mime.types;
  log_format story escape=none '$host $request_method $request_uri $status $http_if_none_match $http_via';
  access_log {folder}/access story;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  limit_req_zone $server_addr zone=slow:64k rate=10r/s;
  server {{
    {more}
    listen {address}:80; listen {address}:8080;
    root {root};
    add_header X-Origin {name} always;
    location / {{ expires 1h; }}
    location ~ \\.html$ {{ add_header X-Origin {name} always; add_header Cache-Control no-cache; }}
    location /short/ {{ alias {root}/; add_header X-Origin {name} always;
                        add_header Cache-Control max-age=1; }}
    location /must/ {{ alias {root}/; add_header X-Origin {name} always;
                       add_header Cache-Control "max-age=1, must-revalidate"; }}
    location /never/ {{ alias {root}/; add_header X-Origin {name} always;
                        add_header Cache-Control no-store; }}
    location /dynamic {{ default_type text/plain; add_header Cache-Control no-store;
                         add_header X-Origin {name} always;
                         return 200 "{name} $request_method $args\\n"; }}
    location /language {{ default_type text/plain; add_header Cache-Control max-age=600;
                          add_header Vary Accept-Language; add_header X-Origin {name} always;
                          return 200 "language=$http_accept_language\\n"; }}
    location /health {{ default_type text/plain; return 200 "well\\n"; }}
  }}
}}
"""


Request = collections.namedtuple("Request", "host method path status etag via")


def site_copy(folder, static_host):
    """
    A copy of the site whose pages embed pictures and styles from `static_host`, as its owner would
    have them after signing up for delivery. Returns the folder.
    """
    root = folder / "site"
    shutil.copytree(PAGES, root)
    for page in root.rglob("*.html"):
        base = "/" + str(page.parent.relative_to(root)).replace(".", "") + "/"
        base = base.replace("//", "/")

        def absolute(found, base=base):
            path = found[2] if found[2].startswith("/") else base + found[2]
            return f'{found[1]}="{way.url(static_host, path)}"'

        text = page.read_text(errors="surrogateescape")
        changed = EMBEDDED.sub(absolute, text)
        if changed != text:
            page.write_text(changed, errors="surrogateescape")
    return root


def embedded_in(root, page, static_host):
    """The paths that a page of the copy embeds from `static_host`: there are some."""
    text = (root / page.lstrip("/")).read_text(errors="replace")
    start = rf"(?:{way.SCHEME}:)?//{re.escape(static_host)}"
    paths = sorted(set(re.findall(rf'(?:src|href)="{start}(/[^"]+)"', text)))
    assert paths, f"{page} embeds nothing of {static_host}"
    return paths


SLOW_TO_ANSWER = "limit_req zone=slow burst=1000;"  # beyond 10 requests/s, later and later
SLOW_TO_DELIVER = "limit_rate 20k;"  # each body, in bytes/s


def slow_probe(seconds):
    """Makes /probe, and nothing else, answer so late."""
    return ("location = /probe { default_type text/plain; "
            f"echo_sleep {seconds}; echo well; }}")


class Origin:
    """One nginx at one address, port 80 and 8080; `more`: directives of its server; `machine`: what it
    runs on, if not on the world's own."""

    def __init__(self, world, name, address, root, more="", machine=None):
        self.world, self.name, self.address = world, name, address
        self.root, self.machine = root, machine
        if machine is None:
            world.address(address)
        self.folder = world.place(f"origin-{name}")
        self.log_path = self.folder / "access"
        self.process = None
        self._write(more)
        self.start()

    def _write(self, more):
        (self.folder / "conf").write_text(CONF.format(
            folder=self.folder, address=self.address, name=self.name, root=self.root,
            more=more + way.origin_lines(self.address, *NAMES)))

    def start(self):
        """Starts it, or starts it again."""
        words = ["/usr/sbin/nginx", "-c", self.folder / "conf", "-p", self.folder, "-e", "stderr"]
        run(*(self.machine.words(*words) if self.machine else words), "-t")
        words = self.machine.words(*words) if self.machine else words
        self.process = self.world.start(f"nginx-{self.name}", words, self.folder)
        wait_until(lambda: self.process.must_run() and listens(self.address, 80),
                   f"origin {self.name} listens")

    def stop(self):
        """From here on connections are refused."""
        self.process.stop()

    def change(self, more):
        """Has other lines of its own from here on; no connection is lost."""
        old = self.workers()
        self._write(more)
        self.process.send(signal.SIGHUP)
        wait_until(lambda: set(self.workers()) - set(old), f"origin {self.name} has reloaded")

    def workers(self):
        """Process ids of those that answer."""
        pid = self.process.child.pid
        return [int(word) for word in
                pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def signal_all(self, number):
        """To the master first, which would replace its workers."""
        workers = self.workers()
        self.process.send(number)
        for pid in workers:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass  # an old one, gone by itself

    def kill(self):
        """Ends it as a power cut would."""
        self.signal_all(signal.SIGKILL)
        self.process.child.wait()

    def freeze(self):
        """It says nothing any more; the kernel still takes connections."""
        self.signal_all(signal.SIGSTOP)

    def thaw(self):
        """It goes on."""
        self.signal_all(signal.SIGCONT)

    def lines(self, path):
        """How often a path was asked for, as far as is logged: probes as well."""
        return sum(line.split(" ")[2:3] == [path]
                   for line in self.log_path.read_text().splitlines())

    def requests(self, path=None):
        """What it was asked for so far, oldest first; of one path, if given."""
        self._settle()
        if not self.log_path.exists():
            return []
        rows = [Request(*line.split(" ", 5)) for line in self.log_path.read_text().splitlines()]
        return [r for r in rows if r.path != "/health" and path in (None, r.path)]

    def _settle(self):
        """
        nginx logs a request after its answer has left. Its one worker takes one thing at a time,
        so once it has answered us, all that it answered before is in the log.
        """
        if self.process.is_running():
            urllib.request.urlopen(f"http://{self.address}/health", timeout=5).close()

    def forget(self):
        """Empties the log."""
        self._settle()
        self.log_path.write_text("")

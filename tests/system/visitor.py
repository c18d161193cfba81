# SPDX-License-Identifier: Apache-2.0
"""Somebody at home: an address of their own, a resolver from their provider, curl and a browser."""
import dataclasses
import json
import os
import re
import subprocess

import way
from waypost import FRA
from world import run

CHROMIUM = ("/usr/bin/chromium", "--headless", "--no-sandbox", "--disable-gpu",
            "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-extensions", "--disable-sync",
            "--disable-features=OptimizationHints,MediaRouter,HttpsUpgrades")


@dataclasses.dataclass
class Reply:
    """An HTTP answer as the visitor saw it; header names in lower case, repeated ones joined."""
    status: int
    headers: dict
    body: bytes
    peer: str

    def cache(self):
        """(node, outcome) out of Cache-Status (RFC 9211), outcome "hit" or the reason to fetch."""
        row = self.headers.get("cache-status", "")
        node, _, rest = row.partition(";")
        outcome = "hit" if re.search(r"(^|;)\s*hit\b", rest) else (
            re.search(r"fwd=([\w-]+)", rest) or [None, "none"])[1]
        return node.strip().strip('"'), outcome


def reply_parse(raw, peer):
    """Out of what curl -i prints; of several heads the last counts."""
    while True:
        head, _, body = raw.partition(b"\r\n\r\n")
        if not body.startswith(b"HTTP/") or b" 1" not in head[8:10]:
            break
        raw = body
    first, *rows = head.decode("latin-1").split("\r\n")
    headers = {}
    for row in rows:
        name, _, value = row.partition(":")
        name = name.lower()
        headers[name] = headers[name] + ", " + value.strip() if name in headers else value.strip()
    return Reply(int(first.split()[1]), headers, body, peer)


def curl(path, node=FRA, host="static.acme.test", coding=None):
    """What a visitor with curl gets of a site at a node, by its address."""
    words = ["curl", "-s", "-i", "--max-time", "10", "--resolve", f"{host}:{way.PORT}:{node}",
             *way.curl_words()]
    words += ["-H", f"Accept-Encoding: {coding}"] if coding else []
    done = subprocess.run([*words, way.url(host, path)], capture_output=True, timeout=20,
                          check=True)
    return reply_parse(done.stdout, node)


class Visitor:
    """A network namespace behind a link of its own, 198.18.NUMBER.2, with a resolv.conf."""

    def __init__(self, world, number, resolver=None):
        self.folder = world.place(f"visitor-{number}")
        self.address = f"198.18.{number}.2"
        self.space = f"visitor{number}"
        gate = f"198.18.{number}.1"
        run("ip", "netns", "add", self.space)
        world.at_end("ip", "netns", "delete", self.space)
        run("ip", "link", "add", f"gate{number}", "type", "veth", "peer", "name", "eth0", "netns",
            self.space)
        run("ip", "address", "add", f"{gate}/24", "dev", f"gate{number}")
        run("ip", "link", "set", f"gate{number}", "up")
        # Nobody here has IPv6. An address that the kernel makes by itself is usable a second or two
        # later: news for a browser, which then gives up all it is fetching by HTTP/2.
        for words in (["link", "set", "lo", "up"], ["link", "set", "eth0", "addrgenmode", "none"],
                      ["link", "set", "eth0", "up"],
                      ["address", "add", f"{self.address}/24", "dev", "eth0"],
                      ["route", "add", "default", "via", gate]):
            run("ip", "-n", self.space, *words)
        self.resolv = self.folder / "resolv.conf"
        self.resolv.write_text(f"nameserver {resolver.address if resolver else gate}\n"
                               "options timeout:2 attempts:3\n")

    def words(self, *words):
        """A command line that runs `words` at this visitor's place."""
        return ["nsenter", f"--net=/run/netns/{self.space}", "unshare", "--mount", "sh", "-c",
                f'mount --bind {self.resolv} /etc/resolv.conf && exec "$@"', "sh",
                *[str(w) for w in words]]

    def curl(self, url, *options, fails=False):
        """Fetches; the reply, or with `fails` curl's exit status, which then must not be 0."""
        done = subprocess.run(
            self.words("curl", "-sS", "-i", "--max-time", "15", "-w", "%{stderr}%{remote_ip}",
                       *way.curl_words(), *options, url), capture_output=True, timeout=30, check=False)
        if fails:
            assert done.returncode != 0
            return done.returncode
        assert done.returncode == 0, f"curl {url}: {done.stderr.decode()}"
        return reply_parse(done.stdout, done.stderr.decode().split()[-1])

    def tries(self, url, seconds):
        """The status that curl is answered with within that time, from where it says; else None."""
        done = subprocess.run(
            self.words("curl", "-s", "-o", "/dev/null", "--max-time", str(seconds), "-w",
                       "%{http_code} %{remote_ip}", *way.curl_words(), url),
            capture_output=True, text=True, timeout=30, check=False)
        return tuple(done.stdout.split()) if done.returncode == 0 else (None, None)

    def resolve(self, name):
        """The IPv4 addresses that the C library finds, as any program would."""
        done = subprocess.run(self.words("getent", "ahostsv4", name), capture_output=True,
                              text=True, timeout=30, check=False)
        return sorted({line.split()[0] for line in done.stdout.splitlines()})

    def browse(self, url, *options, fresh=True):
        """
        Opens a page in Chromium and waits until all of it is there. Returns the replies by URL,
        pictures and styles included. `fresh`: with a profile that has seen nothing yet.
        `options`: more of Chromium's.
        """
        profile = self.folder / "profile"
        log = self.folder / "net.json"
        if fresh:
            subprocess.run(["rm", "-rf", str(profile)], check=True)
        done = subprocess.run(
            self.words(*CHROMIUM, f"--user-data-dir={profile}", f"--log-net-log={log}", *options,
                       *way.browser_words(),
                       "--window-size=1200,6000", f"--screenshot={self.folder}/page.png", url),
            capture_output=True, text=True, timeout=90, check=False,
            env={**os.environ, "HOME": str(self.folder)})
        assert done.returncode == 0 and (self.folder / "page.png").exists(), done.stderr
        return browsed(json.loads(log.read_text()))

    def asked_by_http2(self):
        """The URLs that the last page opened asked for by HTTP/2, each as often as it did."""
        log = json.loads((self.folder / "net.json").read_text())
        sent = log["constants"]["logEventTypes"]["HTTP2_SESSION_SEND_HEADERS"]
        heads = [dict(row.split(": ", 1) for row in event["params"]["headers"])
                 for event in log["events"] if event["type"] == sent]
        return [f"{head[':scheme']}://{head[':authority']}{head[':path']}" for head in heads]


def browsed(log):
    """Replies by URL out of Chromium's network log; bodies are not in it."""
    names = {number: name for name, number in log["constants"]["logEventTypes"].items()}
    urls, peers, replies = {}, {}, {}
    for event in log["events"]:
        source, params = event["source"]["id"], event.get("params", {})
        kind = names[event["type"]]
        if kind == "URL_REQUEST_START_JOB" and "url" in params:
            urls[source] = params["url"]
        elif "address" in params or "endpoint" in params:
            peers[source] = params.get("address") or params.get("endpoint")
        elif kind == "HTTP_TRANSACTION_READ_RESPONSE_HEADERS" and source in urls:
            head = "\r\n".join(params["headers"]) + "\r\n\r\n"
            replies[urls[source]] = reply_parse(head.encode("latin-1"), "")
    return replies

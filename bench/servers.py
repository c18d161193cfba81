# SPDX-License-Identifier: Apache-2.0
"""Servers under test: waypost, its peers, and a candidate given by a command line.

A server is a command that runs in the foreground, made from a template in conf/ where it needs a
configuration. Each is given what its makers advise for speed, one worker, and the same memory.
"""

import os
import signal
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

import machine

MEMORY_MIB = 2048  # for cached objects, of each


@dataclass
class Place:
    """Where a server runs: its directory in RAM, its port, and what it serves."""
    directory: Path
    port: int
    origin_port: int = 0
    documents: Path = Path("/nonexistent")
    names: int = 0
    memory_mib: int = MEMORY_MIB
    spare_ports: list = field(default_factory=list)
    certificate: Path = None  # with its key, for HTTPS; without it there is none

    @property
    def https_port(self):
        return self.spare_ports[0]

    def tls(self, lines):
        """The lines of a configuration that turn HTTPS on, when there is a certificate."""
        if self.certificate is None:
            return ""
        return Template(lines).substitute(port=self.https_port, file=self.certificate)

    def fill(self, template, target, **more):
        """Writes a configuration from conf/TEMPLATE and gives its path."""
        text = Template((machine.HERE / "conf" / template).read_text())
        path = self.directory / target
        path.write_text(text.substitute(
            dir=self.directory, port=self.port, origin=self.origin_port,
            documents=self.documents, memory=self.memory_mib, **more))
        return path


@dataclass
class Kind:
    """A program that can be started: how, what it says its version is, what it serves."""
    name: str
    command: object  # of a Place, gives the command as a list
    version: tuple
    # hit, miss: answers what it holds, fetches what it does not; memory: of objects can be told;
    # idle, idle-tls: of connections too; crowd: it stands one; limit: keeps to its memory; tls: HTTPS; dns: static names;
    # steered: others
    serves: frozenset

    def describe(self):
        lines = machine.command_output(*self.version).splitlines() if self.version else []
        return lines[0] if lines else "as given"


class Server:
    """A started server."""

    def __init__(self, kind, place):
        self.kind, self.place = kind, place
        self.name = kind.name
        place.directory.mkdir(parents=True)
        place.directory.chmod(0o777)  # some give up root
        self.command = [str(part) for part in kind.command(place)]
        self.log = place.directory.parent / f"{self.name}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                preexec_fn=machine.pinned(machine.SERVER_CORE), start_new_session=True)

    def is_listening(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.place.port)) == 0

    def await_start(self, seconds=20):
        """False when it ended or never listened; its log says why."""
        machine.wait_until(lambda: self.process.poll() is not None or self.is_listening(), seconds)
        return self.process.poll() is None and self.is_listening()

    def last_words(self):
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it says nothing"

    def pids(self):
        return machine.process_tree(self.process.pid)

    def pids_text(self):
        return ",".join(map(str, self.pids()))

    def memory_bytes(self):
        return machine.memory_bytes(self.pids(), self.place.directory)

    def stop(self):
        """Asks it to end, then makes it and its children end."""
        tree = self.pids() if self.process.poll() is None else []
        self.process.terminate()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pid in tree[1:]:
            try:
                command = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                if int(command[3]) == self.process.pid:  # still of the session we began
                    os.kill(pid, signal.SIGKILL)
            except (OSError, IndexError):
                continue


NGINX_TLS = """
        listen 127.0.0.1:$port ssl http2 reuseport backlog=8192;
        ssl_certificate $file;
        ssl_certificate_key $file;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_session_cache shared:tls:16m;
        http2_max_requests 1000000000;"""
H2O_TLS = """
listen:
  host: 127.0.0.1
  port: $port
  ssl: {certificate-file: "$file", key-file: "$file"}"""
HAPROXY_TLS = """
    bind 127.0.0.1:$port backlog 8192 ssl crt $file alpn h2,http/1.1"""


def nginx(sendfile):
    """Measured here: sendfile (with nopush) is twice as fast from 256 KiB on, and a fifth slower
    for 1 KiB and for misses; so both stand as peers, and the better one counts."""
    return lambda place: ["nginx", "-p", place.directory, "-c",
                          place.fill("nginx.conf", "nginx.conf", sendfile=sendfile, tls=place.tls(NGINX_TLS))]


def h2o_files(place):
    handler = f'file.dir: "{place.documents}"'
    return ["h2o", "-c", place.fill("h2o.conf", "h2o.conf", handler=handler,
                                    tls=place.tls(H2O_TLS))]


def h2o_proxy(place):
    handler = f"proxy.reverse.url: http://127.0.0.1:{place.origin_port}/"
    return ["h2o", "-c", place.fill("h2o.conf", "h2o.conf", handler=handler, tls="")]


def haproxy(place):
    return ["haproxy", "-db", "-f",
            place.fill("haproxy.cfg", "haproxy.cfg", tls=place.tls(HAPROXY_TLS))]


def varnish(place):
    """Its log in shared memory, which it writes with each request, is masked down to nothing."""
    settings = {
        "thread_pools": 1, "thread_pool_reserve": 0, "thread_pool_min": 200,
        "thread_pool_max": 4000, "thread_pool_timeout": 600, "listen_depth": 8192,
        "timeout_idle": 600,
        "vsl_mask": ",".join(f"-{tag}" for tag in (
            "Begin End Link Debug SessOpen SessClose ReqStart ReqMethod ReqURL ReqProtocol "
            "ReqHeader ReqUnset ReqAcct RespProtocol RespStatus RespReason RespHeader RespUnset "
            "VCL_call VCL_return Timestamp Hit HitMiss").split()),
    }
    command = ["varnishd", "-F", "-n", place.directory / "work", "-j", "none", "-T", "none",
               "-a", f"127.0.0.1:{place.port}", "-s", f"malloc,{place.memory_mib}M",
               "-f", place.fill("varnish.vcl", "varnish.vcl")]
    for name, value in settings.items():
        command += ["-p", f"{name}={value}"]
    return command


HTTP_KINDS = [
    Kind("nginx", nginx("on"), ("nginx", "-v"),
         frozenset({"hit", "miss", "memory", "idle", "idle-tls", "tls"})),
    Kind("nginx-copy", nginx("off"), ("nginx", "-v"), frozenset({"hit", "miss", "tls"})),
    Kind("h2o", h2o_files, ("h2o", "--version"), frozenset({"hit", "idle", "idle-tls", "tls"})),
    Kind("h2o-proxy", h2o_proxy, ("h2o", "--version"), frozenset({"miss"})),
    # haproxy touches all memory of its cache at the start, so an object of it cannot be weighed
    Kind("haproxy", haproxy, ("haproxy", "-v"), frozenset({"hit", "miss", "idle", "idle-tls", "limit", "tls"})),
    Kind("varnish", varnish, ("varnishd", "-V"),
         frozenset({"hit", "miss", "memory", "idle", "limit"})),
]

# SPDX-License-Identifier: Apache-2.0
"""The server that carries the bus: a real nats-server; and its protocol by hand, for liars."""
import json
import signal
import socket
import time

from world import wait_until

PORT, ROUTE_PORT = 4222, 6222


class Nats:
    """A server with a log (JetStream) unless that is not wanted, on a machine of its own."""

    def __init__(self, world, machine, jetstream="max_file: 100MB", starts=True, peers=(), more=""):
        self.peers = peers  # addresses of all servers of a cluster, its own too
        self.more = more  # of its configuration
        self.world, self.machine, self.address = world, machine, machine.address
        self.folder = world.place(f"nats-{machine.name}")
        self.process = None
        self.write(jetstream)
        if starts:
            self.start()

    def write(self, jetstream):
        """How it is from the next start on; None: without a log."""
        log = f'jetstream {{ store_dir: "{self.folder}/store"\n{jetstream} }}\n' if jetstream else ""
        if self.peers:
            routes = ", ".join(f"nats://{peer}:{ROUTE_PORT}" for peer in self.peers)
            log += (f"server_name: {self.machine.name}\ncluster {{ name: bus, "
                    f"listen: {self.address}:{ROUTE_PORT}, routes: [{routes}] }}\n")
        (self.folder / "conf").write_text(f"listen: {self.address}:{PORT}\n{log}{self.more}")

    def start(self):
        """Starts it, or starts it again with what it has on disk."""
        words = self.machine.words("nats-server", "-c", str(self.folder / "conf"))
        self.process = self.world.start(f"nats-{self.machine.name}", words, self.folder)
        wait_until(lambda: self.process.must_run() and self.is_up(), "NATS listens")

    def is_up(self):
        """Whether somebody here is told who it is."""
        try:
            with socket.create_connection((self.address, PORT), timeout=1) as sock:
                return sock.recv(4) == b"INFO"
        except OSError:
            return False

    def kill(self):
        """Ends it as a power cut would."""
        self.process.kill()

    def freeze(self):
        """It says nothing any more; the kernel still takes what comes."""
        self.process.send(signal.SIGSTOP)

    def thaw(self):
        """It goes on."""
        self.process.send(signal.SIGCONT)


class Client:
    """Somebody who speaks NATS and is no node: hears all, and says what it wants."""

    def __init__(self, address, hears=None, **signs_in):
        self.sock = socket.create_connection((address, PORT), timeout=5)
        self.data = b""
        self.heard = []  # (subject, payload; of an order with headers before it)
        self._line()
        about = {"verbose": False, "headers": True, **signs_in}
        self.sock.sendall(b"CONNECT " + json.dumps(about).encode() + b"\r\n")
        if hears:
            self.sock.sendall(f"SUB {hears} 1\r\n".encode())
        self.settle()

    def _more(self):
        more = self.sock.recv(1 << 16)
        assert more, "NATS hung up"
        self.data += more

    def _line(self):
        while b"\r\n" not in self.data:
            self._more()
        line, self.data = self.data.split(b"\r\n", 1)
        return line.decode()

    def _message(self, line):
        subject, size = line.split()[1], int(line.split()[-1])
        while len(self.data) < size + 2:
            self._more()
        self.heard.append((subject, self.data[:size]))
        self.data = self.data[size + 2:]

    def say(self, subject, payload, reply=""):
        """Publishes."""
        self.sock.sendall(f"PUB {subject} {reply} {len(payload)}\r\n".encode() + payload
                          + b"\r\n")

    def ask(self, subject, **what):
        """A question to the server's own API, and its answer; {} without one."""
        self.sock.sendall(b"SUB answers 2\r\n")
        self.heard.clear()
        self.say(subject, json.dumps(what).encode(), "answers")
        end = time.monotonic() + 3
        while time.monotonic() < end:
            self.settle()
            for at, payload in self.heard:
                if at == "answers" and payload:
                    return json.loads(payload)
            time.sleep(0.05)
        return {}

    def settle(self):
        """Returns when the server has taken all that was said; reads what came meanwhile."""
        self.sock.sendall(b"PING\r\n")
        while True:
            line = self._line()
            if line.startswith(("MSG", "HMSG")):
                self._message(line)
            elif line == "PING":
                self.sock.sendall(b"PONG\r\n")
            elif line == "PONG":
                return
            else:
                assert not line.startswith("-ERR"), line

    def close(self):
        """Leaves."""
        self.sock.close()

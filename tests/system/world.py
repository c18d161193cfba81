# SPDX-License-Identifier: Apache-2.0
"""The world that a story plays in: a network with nothing in it, and processes that end with it.

tests/system/run has put us into namespaces of our own, so addresses are what the story wants them
to be: documentation addresses for pops and origins, all on this machine.
"""
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time


def run(*words, **more):
    """Runs a command that must succeed; what it printed."""
    done = subprocess.run([str(w) for w in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=60, check=False, **more)
    assert done.returncode == 0, f"{' '.join(map(str, words))}: {done.stdout}"
    return done.stdout


def wait_until(claim, what, seconds=10.0):
    """Waits for the claim to hold and returns what it returned; fails after `seconds`, with words or
    what a function then says."""
    end = time.monotonic() + seconds
    while True:
        if found := claim():
            return found
        assert time.monotonic() < end, \
            f"not within {seconds} s: {what() if callable(what) else what}"
        time.sleep(0.02)


def listens(address, port):
    """Whether a TCP connection is taken."""
    try:
        with socket.create_connection((address, port), timeout=1):
            return True
    except OSError:
        return False


class Process:
    """A program that runs in the background, with all it says in a file."""

    def __init__(self, name, words, folder, env=None):
        self.name = name
        self.output_path = folder / f"{name}.output"
        with open(self.output_path, "ab") as output:
            self.child = subprocess.Popen([str(w) for w in words], stdin=subprocess.DEVNULL,
                                          stdout=output, stderr=output, cwd=folder,
                                          env={**os.environ, **(env or {})})

    def output(self):
        """All it has said."""
        return self.output_path.read_text(errors="replace")

    def is_running(self):
        """False once it has ended, for whatever reason."""
        return self.child.poll() is None

    def must_run(self):
        """Fails, with what it said, when it has ended."""
        assert self.is_running(), f"{self.name} ended ({self.child.returncode}): {self.output()}"
        return True

    def send(self, number):
        """Sends a signal."""
        self.child.send_signal(number)

    def kill(self):
        """Ends it as a power cut would."""
        self.child.kill()
        self.child.wait()

    def stop(self, number=signal.SIGTERM, seconds=10):
        """Ends it, by force where the signal does not; its exit status."""
        if self.is_running():
            self.child.send_signal(number)
            try:
                self.child.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"{self.name} did not stop: {self.output()}") from None
        return self.child.returncode


class World:
    """Addresses, a folder, and what runs."""

    def __init__(self):
        assert os.environ.get("WAYPOST_WORLD"), "start the stories by tests/system/run"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="waypost-"))
        self.running = []
        self.endings = []
        run("ip", "link", "set", "lo", "up")

    def address(self, ip):
        """Makes the address one of this machine's; returns it."""
        subprocess.run(["ip", "address", "replace", f"{ip}/{128 if ':' in ip else 32}",
                        "dev", "lo"], check=True)
        return ip

    def place(self, name):
        """A new folder for something of that name."""
        folder = self.folder / name
        folder.mkdir()
        return folder

    def start(self, name, words, folder=None, **more):
        """Starts a program that ends, at the latest, with the world."""
        process = Process(name, words, folder or self.folder, **more)
        self.running.append(process)
        return process

    @contextlib.contextmanager
    def meanwhile(self, do):
        """Something that is done in a thread of its own; what follows waits for its end."""
        thread = threading.Thread(target=do, daemon=True)
        thread.start()
        yield thread
        thread.join(30)
        assert not thread.is_alive(), "no end of it"

    def at_end(self, *words):
        """A command for the end of the world."""
        self.endings.append(words)

    def end(self):
        """Ends all that runs, the youngest first, and removes the folder."""
        for process in reversed(self.running):
            if process.is_running():
                process.kill()
        for words in self.endings:
            run(*words)
        shutil.rmtree(self.folder, ignore_errors=True)

# SPDX-License-Identifier: Apache-2.0
"""The machine under the bench: what it is, its cores, processes and memory, and a network apart.

Everything is measured on one machine, the server on one core and the load on another, inside a
network namespace of its own, so that nothing leaves the machine and its settings stay as they are.
"""

import os
import platform
import resource
import socket
import subprocess
import sys
import time
from pathlib import Path

SERVER_CORE = 0
LOAD_CORE = 1
HERE = Path(__file__).resolve().parent
INSIDE = "WAYPOST_BENCH_INSIDE"  # set in the copy of this program that runs in the namespace

CFLAGS = ["-std=gnu2x", "-D_GNU_SOURCE", "-O2", "-march=native", "-Wall", "-Wextra", "-Werror",
          "-Wconversion", "-Wshadow", "-Wstrict-prototypes", "-Wmissing-prototypes", "-Wvla"]
SETTINGS = {  # of the namespace alone; the first of several that is allowed
    "ipv4/tcp_congestion_control": ("cubic", "reno"),  # no pacing, as bbr does, on loopback
    "ipv4/ip_local_port_range": ("10000 65000",),
    "core/somaxconn": ("16384",),
}


class Trouble(Exception):
    """What is wrong, for people; ends the bench."""


def command_output(*command):
    """What a command prints on either channel; empty when it cannot be run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout + done.stderr).strip()


def describe():
    """Lines on processor, kernel and distribution, for the report."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = platform.freedesktop_os_release().get("PRETTY_NAME", "unknown system")
    busy = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    return [
        f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB",
        f"{system}, Linux {platform.release()}, {command_output('cc', '--version').splitlines()[0]}",
        f"server on core {SERVER_CORE}, load (and origin) on core {LOAD_CORE}, loopback; "
        f"load average at the start {busy}",
    ]


def is_apart():
    """In a network namespace of our own."""
    return INSIDE in os.environ


def enter_namespace():
    """Runs this program again in a network namespace of its own, when it may; else stays."""
    if os.environ.get(INSIDE) or os.geteuid() != 0:
        return
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.argv])


def prepare():
    """Checks the cores, raises limits, and sets up the namespace if we are in one."""
    if len(os.sched_getaffinity(0)) < 2:
        raise Trouble("two cores are needed: one for the server, one for the load")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 65536), most))
    if not is_apart():
        return
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for name, values in SETTINGS.items():
        if not any(set_kernel(name, value) for value in values):
            print(f"bench: net/{name} stays as it is", file=sys.stderr)


def set_kernel(name, value):
    try:
        Path("/proc/sys/net", name).write_text(value)
    except OSError:
        return False
    return True


def build(directory):
    """Compiles the load generators; gives the directory they are in."""
    tools = directory / "load"
    tools.mkdir(parents=True, exist_ok=True)
    shared = [HERE / "load" / name for name in ("cpu.c", "latency.c")]
    for name in ("http_load", "http_origin", "dns_load", "crowd"):
        sources = [HERE / "load" / f"{name}.c", *shared]
        target = tools / name
        newest = max(path.stat().st_mtime for path in (HERE / "load").iterdir())
        if not target.exists() or target.stat().st_mtime < newest:
            subprocess.run(["cc", *CFLAGS, "-o", target, *sources, "-lm",
                            *(["-lssl", "-lcrypto"] if name == "crowd" else [])], check=True)
    return tools


def geography(prefixes):
    """A file of MaxMind's format with so many prefixes in random places; gives its path."""
    build_directory = HERE.parent / "build"
    path = build_directory / "bench" / f"{prefixes}.mmdb"
    if not path.exists():
        tool = "bench/geo/geo-prefixes"
        subprocess.run(["ninja", "-C", build_directory, tool], check=True,
                       stdout=subprocess.DEVNULL)
        path.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([build_directory / tool, "write", str(prefixes), path], check=True)
    return path


def pinned(core, nice=-10):
    """For Popen's preexec_fn: one core, and ahead of other work on the machine where allowed."""
    def apply():
        os.sched_setaffinity(0, {core})
        try:
            os.setpriority(os.PRIO_PROCESS, 0, nice)
            # Where the kernel shares out time by sessions, niceness counts only within one.
            Path("/proc/self/autogroup").write_text(str(nice))
        except OSError:
            pass
    return apply


def free_port():
    """A port that nothing has on TCP or UDP."""
    for _ in range(100):
        with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagram:
            stream.bind(("127.0.0.1", 0))
            try:
                datagram.bind(stream.getsockname())
            except OSError:
                continue
            return stream.getsockname()[1]
    raise Trouble("no free port")


def process_tree(pid):
    """A process and all that descend from it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            for child in task.read_text().split():
                found += process_tree(int(child))
        except OSError:
            continue  # the thread has just ended
    return found


def memory_bytes(pids, directory):
    """Memory of processes, shared pages counted once, with the files they keep in RAM."""
    total = 0
    for pid in pids:
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in rollup.splitlines()
                     if line.startswith("Pss:"))
    for folder, _, names in os.walk(directory):
        for name in names:
            try:
                total += os.lstat(os.path.join(folder, name)).st_blocks * 512
            except OSError:
                continue
    return total


def wait_until(holds, seconds, pause=0.05):
    """Asks again and again; false when it never held."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
    return True

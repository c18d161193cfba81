# SPDX-License-Identifier: Apache-2.0
"""HTTPS workloads: handshakes, hits by HTTP/1.1 and by HTTP/2. h2load and openssl are the load.

All servers show one certificate (P-256) and are offered one suite (AES-128-GCM), so that none is
faster by a choice. Connections are few and kept, so that handshakes do not count among hits.
"""

import http.client
import re
import ssl
import subprocess
import tempfile
import time
from pathlib import Path

import http_bench
import machine
from rounds import LOAD_SECONDS_MAX, Stage, Workload, Wrong, slices

HOST = "bench.test"
SUITE, SUITE_1_2 = "TLS_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"


def hit(name, size, a_second, *options, meaning):
    return Workload(name, f"hits of {size} bytes by TLS 1.3, {meaning}", "tls",
                    ("h2load", size, a_second, *options))


WORKLOADS = [
    hit("tls-1k", 1024, 100000, "--h1", "-c", "64", meaning="HTTP/1.1, 64 kept-alive connections"),
    hit("tls-256k", 262144, 4000, "--h1", "-c", "16",
        meaning="HTTP/1.1, 16 kept-alive connections"),
    hit("h2-1k", 1024, 100000, "-c", "10", "-m", "10",
        meaning="HTTP/2, 10 connections of 10 streams"),
    Workload("tls-full", "handshakes of TLS 1.3, one after the other, P-256", "tls",
             ("s_time", "-new", "-tls1_3", "-ciphersuites", SUITE)),
    Workload("tls-resumed", "handshakes of TLS 1.2 by a ticket, one after the other", "tls",
             ("s_time", "-reuse", "-tls1_2", "-cipher", SUITE_1_2)),
]


def certify(directory):
    """A certificate with its key, in one file as all servers can read it."""
    target = directory / "bench.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", f"/CN={HOST}",
                    "-addext", f"subjectAltName=DNS:{HOST},IP:127.0.0.1",
                    "-keyout", target, "-out", directory / "cert"],
                   check=True, capture_output=True)
    with open(target, "ab") as file:
        file.write((directory / "cert").read_bytes())
    target.chmod(0o644)  # some give up root
    return target


def check_body(server, size):
    """Asks as the load will, of a server that is to be who it says."""
    trust = ssl.create_default_context(cafile=server.place.certificate)
    connection = http.client.HTTPSConnection("127.0.0.1", server.place.https_port, timeout=10,
                                             context=trust)
    try:
        connection.request("GET", f"/o/{size}", headers={"Host": HOST})
        answer = connection.getresponse()
        if answer.status != 200 or answer.read() != http_bench.body(size):
            raise Wrong(f"GET /o/{size}: status {answer.status}, or not the body the origin sent")
    except (OSError, http.client.HTTPException) as error:
        raise Wrong(f"GET /o/{size}: {error!r}") from None
    finally:
        connection.close()


def cpu_ns(server):
    """Of all its processes, by the kernel's clocks of processes (clock_getcpuclockid(3))."""
    return sum(time.clock_gettime_ns(~pid << 3 | 2) for pid in server.pids())


def run_load(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LOAD_SECONDS_MAX,
                              preexec_fn=machine.pinned(machine.LOAD_CORE))
    except subprocess.TimeoutExpired:
        raise Wrong(f"not done after {LOAD_SECONDS_MAX} seconds") from None
    except OSError as error:
        raise Wrong(str(error)) from None
    if done.returncode != 0:
        raise Wrong(done.stderr.strip() or "the load generator failed")
    return done.stdout


def found(pattern, text):
    match = re.search(pattern, text)
    if not match:
        raise Wrong(f"the load generator does not say {pattern}")
    return int(match[1])


def load_hits(server, count, size, options):
    """Answers, every one a 200 of the right length."""
    told = run_load(["h2load", "-n", str(count), *options, f"--tls13-ciphers={SUITE}",
                     "--connect-to", f"127.0.0.1:{server.place.https_port}",
                     f"https://{HOST}/o/{size}"])
    if found(r"(\d+) 2xx", told) != count or found(r"\((\d+)\) data", told) != count * size:
        raise Wrong(f"not {count} answers of {size} bytes")
    return count


def load_handshakes(server, seconds, options):
    told = run_load(["openssl", "s_time", "-connect", f"127.0.0.1:{server.place.https_port}",
                     "-time", str(seconds), *options])
    if "-reuse" in options:
        told = told.rpartition("Now timing")[2]  # after the one handshake that gave the ticket
        marks = {mark for line in re.findall(r"^[rt*]+$", told, re.MULTILINE) for mark in line}
        if marks != {"r"}:
            raise Wrong("it does not resume")
    return found(r"(\d+) connections in \d+ real seconds", told)


def measure(bench, workload, server):
    generator, *arguments = workload.load
    check_body(server, arguments[0] if generator == "h2load" else 1024)
    if generator == "h2load":
        size, a_second, *options = arguments
        load_hits(server, int(a_second * bench.warm_up) + 100, size, options)
    at, used = time.monotonic(), cpu_ns(server)
    if generator == "h2load":
        answers = load_hits(server, int(a_second * bench.seconds) + 100, size, options)
    else:
        answers = load_handshakes(server, max(1, round(bench.seconds)), arguments)
    used, seconds = cpu_ns(server) - used, time.monotonic() - at
    line = " ".join(map(str, workload.load))
    if line not in bench.commands:
        bench.commands.append(line)
    return {"answers": answers, "seconds": seconds, "server_cpu_us": used / 1000,
            "cpu_us": used / 1000 / answers, "rate": answers / seconds,
            "core_use": used / 1e9 / seconds}


def run(bench, kinds, chosen):
    with tempfile.TemporaryDirectory(prefix="waypost-bench.", dir="/dev/shm") as scratch, \
            http_bench.Origin(bench, Path(scratch)) as origin:
        Path(scratch).chmod(0o755)
        with Stage(bench, kinds, origin_port=origin.port, documents=origin.documents,
                   certificate=certify(Path(scratch))) as stage:
            slices(bench, chosen, stage.servers,
                   lambda workload, server: measure(bench, workload, server))

# SPDX-License-Identifier: Apache-2.0
"""DNS workloads: static names, names that do not exist, steered names, TCP; and what each policy
costs waypost against a name of one address."""

import contextlib
import socket
import struct
import subprocess

import machine
from dns_servers import TARGETS, WWW, ZONE, address_of
from rounds import Stage, Workload, Wrong, slices
from waypost import CLASSES

NAMES = 10000
NUMBERED = f"h%.acme.example.{ZONE}"
NXDOMAIN = 3
UDP = ("-c", 16, "-w", 16)
NEAR, SPREAD = f"near.acme.example.{ZONE}", f"spread.acme.example.{ZONE}"

WORKLOADS = [
    Workload("udp-one", "UDP, always the same name", "dns", ("-n", f"www.acme.example.{ZONE}", *UDP)),
    Workload("udp-10k", f"UDP, {NAMES} names at random", "dns", ("-n", NUMBERED, "-N", NAMES, *UDP)),
    Workload("udp-nx", "UDP, names that do not exist, all different", "dns",
             ("-n", f"x%.acme.example.{ZONE}", "-N", 10**7, "-R", NXDOMAIN, "-A", 0, *UDP)),
    Workload("near", "UDP, by the client's subnet (ECS), a random /24 in each question", "steered",
             ("-n", NEAR, "-e", *UDP)),
    Workload("spread", "UDP, by weights, a random /24 (ECS) in each question", "steered",
             ("-n", SPREAD, "-e", *UDP)),
    Workload("tcp-16", "TCP, 16 connections with 16 questions open on each", "dns",
             ("-m", "tcp", "-n", NUMBERED, "-N", NAMES, *UDP)),
    Workload("tcp-each", "TCP, a connection for each question, 32 at a time", "dns",
             ("-m", "tcp-each", "-n", NUMBERED, "-N", NAMES, "-c", 32)),
]


def policy(name, asked, meaning, base="plain", count=1):
    return Workload(name, f"{meaning}; a random /24 (ECS) in each question", "policies",
                    ("-n", f"{asked}.{ZONE}", "-N", count, "-e", *UDP), base=base)


POLICIES = [
    policy("plain", "here.pop", "the address of a pop", ""),
    policy("ordered", "ordered.acme.example", "a site of three origins, in order"),
    policy("weighted", "spread.acme.example", "a site of three origins, by weights"),
    policy("balanced", "near.acme.example", "a site of three origins, by geography"),
    policy("strict", "strict.acme.example", "a site of three origins, the best alone"),
    policy("plain-many", "h%.acme.example", f"{NAMES} names of one address, at random", "", NAMES),
    policy("balanced-many", "c%.acme.example", f"{CLASSES} sites of three origins, by geography, "
           "each with a plan of its own, at random", "plain-many", CLASSES),
]


def question(name, subnet=None):
    """A query for A; with the /24 `subnet`, three octets, as client subnet."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    query = struct.pack("!6H", 0x1234, 0, 1, 0, 0, 1 if subnet else 0) + labels + b"\0\0\1\0\1"
    if subnet:
        option = struct.pack("!HHHBB", 8, 7, 1, 24, 0) + bytes(subnet)
        query += b"\0" + struct.pack("!HHIH", 41, 1232, 0, len(option)) + option
    return query


def skip_name(answer, at):
    while answer[at]:
        if answer[at] >= 0xC0:
            return at + 2
        at += 1 + answer[at]
    return at + 1


def read_answer(answer):
    """The code, the addresses of the answer section, and the client subnet's scope or None."""
    _, flags, _, count, authority, additional = struct.unpack_from("!6H", answer)
    at = skip_name(answer, 12) + 4
    addresses, scope = [], None
    for record in range(count + authority + additional):
        at = skip_name(answer, at)
        kind, _, _, length = struct.unpack_from("!HHIH", answer, at)
        data = answer[at + 10:at + 10 + length]
        at += 10 + length
        if record < count and kind == 1:
            addresses.append(socket.inet_ntoa(data))
        if kind == 41:
            while len(data) >= 4:
                option, size = struct.unpack_from("!HH", data)
                if option == 8:
                    scope = data[7]
                data = data[4 + size:]
    return flags & 15, addresses, scope


def ask(server, name, subnet=None, stream=False):
    query = question(name, subnet)
    kind = socket.SOCK_STREAM if stream else socket.SOCK_DGRAM
    try:
        with socket.socket(type=kind) as peer:
            peer.settimeout(2)
            peer.connect(("127.0.0.1", server.place.port))
            peer.sendall(struct.pack("!H", len(query)) + query if stream else query)
            answer = peer.recv(4096)
            return read_answer(answer[2:] if stream else answer)
    except (OSError, IndexError, struct.error) as error:
        raise Wrong(f"{name}: {error!r}") from None


def expect(found, wanted, of):
    if found != wanted:
        raise Wrong(f"{of}: {found}, expected {wanted}")


def check_names(server, names, stream=False):
    """The static names, and one that does not exist."""
    expect(ask(server, f"www.acme.example.{ZONE}", stream=stream)[:2], (0, [WWW]), "www")
    for number in {0, names // 2, names - 1}:
        expect(ask(server, f"h{number:07d}.acme.example.{ZONE}", stream=stream)[:2],
               (0, [address_of(number)]), f"name {number}")
    expect(ask(server, f"x0000007.acme.example.{ZONE}", stream=stream)[:2], (NXDOMAIN, []),
           "a name that does not exist")


def check_steered(server, name, depends_on_client):
    """All targets are used; where the client decides, the scope says so, and twice asked is once
    decided."""
    seen = set()
    for number in range(200):
        subnet = (20 + number, number, 7)
        code, addresses, scope = ask(server, name, subnet)
        expect((code, len(addresses)), (0, 1), name)
        if scope is None or (depends_on_client and scope == 0):
            raise Wrong(f"{name}: scope {scope} of client subnet")
        if depends_on_client:
            expect(ask(server, name, subnet)[1], addresses, f"{name} asked again")
        seen.update(addresses)
    expect(sorted(seen), sorted(ip for ip, _ in TARGETS.values()), f"{name}, targets used")


def check(workload, server):
    if workload.service == "steered":
        check_steered(server, NEAR if workload.name == "near" else SPREAD, workload.name == "near")
    elif workload.service == "policies":
        expect(ask(server, workload.load[1].replace("%", "0000000"), (20, 1, 7))[0], 0, workload.name)
    else:
        check_names(server, NAMES, stream=workload.name.startswith("tcp"))


@contextlib.contextmanager
def origin(bench):
    """Answers probes at all addresses that names have; gives its port."""
    port = machine.free_port()
    everywhere = "0.0.0.0" if machine.is_apart() else "127.0.0.1"
    process = subprocess.Popen([bench.tools / "http_origin", str(port), everywhere],
                               preexec_fn=machine.pinned(machine.LOAD_CORE))
    try:
        yield port
    finally:
        process.terminate()
        process.wait()


def run(bench, kinds, chosen):
    checked = set()
    with origin(bench) as port, Stage(bench, kinds, names=NAMES, origin_port=port) as stage:
        def take(workload, server):
            if (workload.name, server.name) not in checked:
                check(workload, server)
                checked.add((workload.name, server.name))
            sample = bench.load("dns_load", server, workload.load)
            if sample["lost"] > sample["answers"] / 100:  # a stall of the machine loses a few
                raise Wrong(f"lost {sample['lost']} questions beside {sample['answers']} answers")
            return sample
        slices(bench, chosen, stage.servers, take)

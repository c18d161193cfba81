# SPDX-License-Identifier: Apache-2.0
"""DNS peers, and the names that all DNS servers under test serve.

waypost makes its names from sites, HOST.ZONE, so the peers are given the same names in a zone file.
gdnsd steers as well: by the client's network with its geoip plugin, given a table of networks in
place of a geography file, and at random by weights with its weighted plugin.
"""

from servers import Kind

ZONE = "cdn.bench.test"
TARGETS = {"a": ("127.0.0.31", 10), "b": ("127.0.0.32", 20), "c": ("127.0.0.33", 70)}
WWW = "127.0.0.30"
ADDRESSES = 250  # the numbered names share these


def address_of(number):
    return f"127.0.1.{number % ADDRESSES + 1}"


def write_zone(path, names, *more):
    """A master file: a site for each number, one more, and what else is given."""
    lines = [
        f"$ORIGIN {ZONE}.", "$TTL 60",
        "@ SOA ns1 hostmaster.bench.test. 1 3600 600 86400 60", "@ NS ns1", "ns1 A 127.0.0.1",
        f"www.acme.example A {WWW}",
        *(f"h{number:07d}.acme.example A {address_of(number)}" for number in range(names)), *more,
    ]
    path.write_text("\n".join(lines) + "\n")


def nsd(place):
    write_zone(place.directory / "zone", place.names)
    return ["nsd", "-d", "-c", place.fill("nsd.conf", "nsd.conf", zone=ZONE)]


def write_networks(path):
    """Each /16 of unicast space to one of three targets; no two beside each other are alike."""
    names = list(TARGETS)
    path.write_text("".join(
        f"{first}.{second}.0.0/16 => [ {', '.join(names[(first + second + i) % 3] for i in range(3))} ]\n"
        for first in range(1, 224) for second in range(256)))


def gdnsd(place):
    (place.directory / "zones").mkdir()
    (place.directory / "geoip").mkdir()
    write_networks(place.directory / "geoip" / "networks")
    write_zone(place.directory / "zones" / ZONE, place.names,
               "near.acme.example 60 DYNA geoip!near", "spread.acme.example 60 DYNA weighted!spread")
    config = place.fill(
        "gdnsd.conf", "config",
        weighted=", ".join(f"{name} => [{ip}, {weight}]" for name, (ip, weight) in TARGETS.items()),
        datacenters=", ".join(TARGETS),
        addresses=", ".join(f"{name} => {ip}" for name, (ip, _) in TARGETS.items()))
    return ["gdnsd", "-c", config.parent, "start"]


KINDS = [
    Kind("gdnsd", gdnsd, ("gdnsd", "version"), frozenset({"dns", "steered"})),
    Kind("nsd", nsd, ("nsd", "-v"), frozenset({"dns"})),
]

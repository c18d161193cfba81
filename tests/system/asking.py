# SPDX-License-Identifier: Apache-2.0
"""Somebody who asks: by dig at a name server, or at a resolver from a client's own address."""
import collections
import re
import subprocess
import time

import dns.edns
import dns.exception
import dns.message
import dns.query

from waypost import FRA
from world import wait_until

Dug = collections.namedtuple("Dug", "status addresses ttl scope")

CLIENTS = [f"198.51.{i}.0" for i in range(1, 33)]  # networks of 24 bits


def dig(name, server=FRA, subnet=None, source=None):
    """
    What dig is told: status, addresses, TTL of the first, and bits of the subnet that counted.
    `subnet`: on whose behalf, as 198.51.100.0/24; `source`: the address to ask from.
    """
    words = ["dig", "+tries=1", "+time=3", f"@{server}", name, "A"]
    words += [f"+subnet={subnet}"] if subnet else []
    words += ["-b", source] if source else []
    said = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False).stdout
    rows = re.findall(r"^\S+\s+(\d+)\s+IN\s+A\s+(\S+)$", said, re.MULTILINE)
    status = re.search(r"status: (\w+)", said)
    scope = re.search(r"CLIENT-SUBNET: \S+/\d+/(\d+)", said)
    return Dug(status[1] if status else "SILENCE", [row[1] for row in rows],
               int(rows[0][0]) if rows else None, int(scope[1]) if scope else None)


def address_for(client, name, server=FRA):
    """The one address that a name server gives to a client's network; quicker than dig."""
    query = dns.message.make_query(name, "A", use_edns=0, options=[dns.edns.ECSOption(client, 24)])
    reply = dns.query.udp(query, server, timeout=3)
    assert len(reply.answer) == 1 and len(reply.answer[0]) == 1, reply
    return str(reply.answer[0][0])


def answers(name, server=FRA, clients=tuple(CLIENTS)):
    """Who is led where: the address by client."""
    return {client: address_for(client, name, server) for client in clients}


def places(name, server=FRA):
    """All addresses that clients are led to."""
    return set(answers(name, server).values())


def wait_for_places(name, wanted, seconds, server=FRA):
    """Waits until clients are led to these addresses and to no others; how long that took."""
    started = time.monotonic()
    seen = []

    def is_so():
        seen.append(places(name, server))
        return seen[-1] == wanted

    try:
        wait_until(is_so, f"{name} leads to {wanted}", seconds)
    except AssertionError as error:
        raise AssertionError(f"{error}; it leads to {seen[-1]}") from None
    return time.monotonic() - started


class Customers:
    """Clients of a provider's resolver, each in a network of its own."""

    def __init__(self, world, resolver, count=16):
        self.resolver = resolver
        self.sources = [world.address(f"198.18.{200 + i}.9") for i in range(count)]

    def places(self, name):
        """All addresses that they are led to."""
        return {address for source in self.sources
                for address in dig(name, self.resolver.address, source=source).addresses}

    def wait_for_places(self, name, wanted, seconds):
        """Waits until they are led to these addresses and to no others."""
        wait_until(lambda: self.places(name) == wanted,
                   f"the resolver's clients are led to {wanted}", seconds)

# SPDX-License-Identifier: Apache-2.0
"""What is compared with the peers: waypost, as one node with one worker, or any other command."""

import machine
from dns_servers import ADDRESSES, TARGETS, WWW, ZONE, address_of, write_zone
from servers import Kind

CLASSES = 100  # of sites that are planned for each by itself
PREFIXES, PREFIXES_MANY = 1000, 500000  # in the geography


TLS = 'tls: {default: {cert: "$file", key: "$file"}}'


def network(place, dns, http):
    """The part that both share; ports as given."""
    https, admin = place.spare_ports[:2]
    return f"""network: bench
zone: {ZONE}
nameservers: [ns1.{ZONE}]
contact: hostmaster@bench.test
bus: local
state: "{place.directory}/state"
limits: {{per_client: 1000000, idle: 600s}} # all load comes from one address
{place.tls(TLS)}
pops:
  here:
    nodes:
      node1:
        address: [127.0.0.1]
        ports: {{dns: {dns}, http: {http}, https: {https}, admin: {admin}}}
    cache: {{memory: {place.memory_mib} MiB}}
customers:
  acme:
"""


def http_network(place):
    return network(place, place.spare_ports[2], place.port) + f"""    origins:
      only: {{address: "127.0.0.1:{place.origin_port}"}}
    sites:
      bench.test: {{deliver: [only]}}
"""


PLACES = ("40, -100", "35, 0", "20, 120")  # of the targets, far apart


def dns_sites(place):
    """Steered sites are probed and planned for meanwhile. The others are measured but once, at the
    start, as no peer measures anything."""
    weights = ", ".join(f"{name}: {weight}" for name, (_, weight) in TARGETS.items())
    steered = {
        "near": "policy: balanced", "spread": f"policy: weighted, weights: {{{weights}}}",
        "ordered": "policy: ordered", "strict": "policy: strict",
        # Each is weighed in its own way, so that it has a plan of its own.
        **{f"c{number:07d}": f"policy: balanced, weigh: {{errors: {number + 2}}}"
           for number in range(CLASSES)},
    }
    once = "ttl: 60s, probe: {every: 1h}"
    return [f"      www.acme.example: {{steer: [www], {once}}}",
            *(f"      {name}.acme.example: {{steer: [{', '.join(TARGETS)}], {policy}, ttl: 60s}}"
              for name, policy in steered.items()),
            *(f"      h{number:07d}.acme.example: {{steer: [o{number % ADDRESSES}], {once}}}"
              for number in range(place.names))]


def dns_network(prefixes):
    def make(place):
        port = place.origin_port or 80
        origins = {"www": WWW, **{f"o{number}": address_of(number)
                                  for number in range(min(place.names, ADDRESSES))}}
        return "\n".join([
            f"geo: {machine.geography(prefixes)}",
            network(place, place.port, place.spare_ports[2]) + "    origins:",
            *(f'      {name}: {{address: "{ip}:{port}"}}' for name, ip in origins.items()),
            *(f'      {name}: {{address: "{ip}:{port}", location: [{location}]}}'
              for (name, (ip, _)), location in zip(TARGETS.items(), PLACES)),
            "    sites:", *dns_sites(place), ""])
    return make


def kinds(name, program):
    """The program as HTTP server, and as DNS server."""
    def kind(name, make_network, *serves, workers=1):
        def command(place):
            config = place.directory / "network.yaml"
            config.write_text(make_network(place))
            return [program, "run", "-c", config, "--node", "node1",
                    "--workers", workers]
        return Kind(name, command, (str(program), "version"), frozenset(serves))
    return {"http": kind(name, http_network, "hit", "miss", "memory", "idle", "idle-tls", "limit", "tls"),
            "dns": kind(name, dns_network(PREFIXES), "dns", "steered", "policies"),
            "crowd": kind(name, http_network, "crowd", workers=2),
            "dns-500k": kind(f"{name}-500k", dns_network(PREFIXES_MANY), "policies")}


def candidate(name, command_line):
    """A server by a shell command, with {port} and the like replaced, as bench/run --help says."""
    def command(place):
        zone = place.directory / "zone"
        write_zone(zone, place.names)
        return ["sh", "-c", "exec " + command_line.format(
            port=place.port, dir=place.directory, origin=place.origin_port,
            documents=place.documents, zone=zone)]
    return Kind(name, command, (), frozenset(
        {"hit", "miss", "memory", "idle", "limit", "dns", "steered"}))

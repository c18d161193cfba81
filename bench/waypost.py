# SPDX-License-Identifier: Apache-2.0
"""What is compared with the peers: waypost, as one node with one worker, or any other command."""

from dns_servers import ADDRESSES, TARGETS, ZONE, address_of, write_zone
from servers import Kind


def network(place, dns, http):
    """The part that both share; ports as given."""
    https, admin = place.spare_ports[:2]
    return f"""network: bench
zone: {ZONE}
nameservers: [ns1.{ZONE}]
contact: hostmaster@bench.test
bus: local
state: "{place.directory}/state"
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


def dns_network(place):
    """Origins stand for the addresses in the answers; nobody connects to them."""
    lines = [network(place, place.port, place.spare_ports[2]) + "    origins:", '      www: {address: "192.0.2.1:80"}']
    lines += [f'      {name}: {{address: "{ip}:80"}}' for name, (ip, _) in TARGETS.items()]
    lines += [f'      o{number}: {{address: "{address_of(number)}:80"}}'
              for number in range(min(place.names, ADDRESSES))]
    lines += ["    sites:", "      www.acme.example: {steer: [www], ttl: 60s}"]
    weights = ", ".join(f"{name}: {weight}" for name, (_, weight) in TARGETS.items())
    for name in ("near", "spread"):
        lines.append(f"      {name}.acme.example: {{steer: [{', '.join(TARGETS)}], "
                     f"policy: weighted, weights: {{{weights}}}, ttl: 60s}}")
    lines += [f"      h{number:07d}.acme.example: {{steer: [o{number % ADDRESSES}], ttl: 60s}}"
              for number in range(place.names)]
    return "\n".join(lines) + "\n"


def kinds(name, program):
    """The program as HTTP server, and as DNS server."""
    def kind(make_network, *serves):
        def command(place):
            config = place.directory / "network.yaml"
            config.write_text(make_network(place))
            return [program, "run", "-c", config, "--node", "node1", "--workers", "1"]
        return Kind(name, command, (str(program), "version"), frozenset(serves))
    return {"http": kind(http_network, "hit", "miss", "memory", "idle", "limit"),
            "dns": kind(dns_network, "dns", "steered")}


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

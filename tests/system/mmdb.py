# SPDX-License-Identifier: Apache-2.0
"""Writes files of MaxMind's format, as providers of geography ship them, for places of ours."""
import ipaddress
import struct

METADATA = b"\xab\xcd\xefMaxMind.com"
UTF8, DOUBLE, MAP, UINT16, UINT32, UINT64, ARRAY = 2, 3, 7, 5, 6, 9, 11


def _control(kind, size):
    """The byte before a value, or two where the kind has no room in the first."""
    assert size < 29
    return bytes([kind << 5 | size]) if kind < 8 else bytes([size, kind - 7])


def _value(value):
    """A value with its kind: text, float, dict, list, or (kind, number)."""
    if isinstance(value, str):
        return _control(UTF8, len(value)) + value.encode()
    if isinstance(value, float):
        return _control(DOUBLE, 8) + struct.pack("!d", value)
    if isinstance(value, dict):
        return _control(MAP, len(value)) + b"".join(
            _value(part) for pair in value.items() for part in pair)
    if isinstance(value, list):
        return _control(ARRAY, len(value)) + b"".join(_value(part) for part in value)
    kind, number = value
    data = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return _control(kind, len(data)) + data


def _insert(nodes, network, leaf):
    """Adds a prefix of IPv4 to the tree, a list of [left, right]."""
    at = 0
    for depth in range(network.prefixlen):
        bit = int(network.network_address) >> (31 - depth) & 1
        if depth == network.prefixlen - 1:
            assert nodes[at][bit] is None, f"{network} overlaps another"
            nodes[at][bit] = leaf
        else:
            if nodes[at][bit] is None:
                nodes.append([None, None])
                nodes[at][bit] = len(nodes) - 1
            at = nodes[at][bit]


def mmdb_write(path, places):
    """`places`: {"198.51.0.0/17": ("DE", 50.11, 8.68)}; networks do not overlap."""
    nodes, data = [[None, None]], b""
    for prefix, (country, latitude, longitude) in places.items():
        _insert(nodes, ipaddress.ip_network(prefix), ("data", len(data)))
        data += _value({"country": {"iso_code": country},
                        "location": {"latitude": latitude, "longitude": longitude}})

    def record(to):
        if to is None:
            return len(nodes)
        return to if isinstance(to, int) else len(nodes) + 16 + to[1]

    tree = b"".join(struct.pack("!2I", *map(record, node)) for node in nodes)
    metadata = _value({
        "binary_format_major_version": (UINT16, 2), "binary_format_minor_version": (UINT16, 0),
        "build_epoch": (UINT64, 1_790_000_000), "database_type": "Waypost-Story-City",
        "description": {"en": "places of a story"}, "ip_version": (UINT16, 4),
        "languages": ["en"], "node_count": (UINT32, len(nodes)), "record_size": (UINT16, 32)})
    path.write_bytes(tree + bytes(16) + data + METADATA + metadata)

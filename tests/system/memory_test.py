# SPDX-License-Identifier: Apache-2.0
"""What is set for memory is what is used, however much is asked for."""
import threading

from raw import Connection
from scripted import Scripted
from waypost import FRA, IS_SANITIZED, network

STATIC = "static.acme.test"
SET = 64 << 20
BASE = 16 << 20  # the program itself: code, stacks, connections, one empty node more


def many(connection, name, count, size):
    """Asks for `count` distinct objects of `size` bytes over one connection."""
    for n in range(count):
        connection.send(f"GET /{size}/{name}/{n} HTTP/1.1\r\nHost: {STATIC}\r\n\r\n")
        reply = connection.reply()
        assert reply.status == 200 and len(reply.body) == size


def test_memory_stays_within_what_is_set(serve, world):
    bodies = {size: b"x" * size for size in (300, 20_000, 1_000_000)}

    def script(conversation):
        size = int(conversation.path.split("/")[1])
        conversation.answer(bodies[size], Cache_Control="max-age=3600")

    origin = Scripted(world, "203.0.113.90", script)
    config = network()
    config["customers"]["acme"]["origins"]["ams"]["address"] = f"{origin.address}:80"
    # A sanitizer keeps what was freed; here it may not keep much. And Meson has the allocator write
    # on all that it gives: what is only set aside would count as used.
    waypost = serve(config, env={"ASAN_OPTIONS": "quarantine_size_mb=8", "MALLOC_PERTURB_": "0"})
    assert waypost.memory_bytes() < BASE + (SET if IS_SANITIZED else 0)
    seen = []

    for turn, (size, count) in enumerate(
            ((1_000_000, 150), (20_000, 6_000), (300, 8_000), (1_000_000, 150))):
        connections = [Connection(FRA) for _ in range(4)]
        threads = [threading.Thread(target=many, args=(c, f"{turn}/{i}", count // 4, size))
                   for i, c in enumerate(connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for connection in connections:
            connection.sock.close()
        seen.append(waypost.memory_bytes())

    asked = sum(int(path.split("/")[1]) for path in origin.paths)
    assert asked > 5 * SET
    base = BASE + (2 * SET if IS_SANITIZED else 0)
    assert max(seen) < SET * 1.05 + base, [s >> 20 for s in seen]
    assert waypost.metric("store_evictions_total", "fra1") > 0
    origin.stop()

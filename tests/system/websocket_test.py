# SPDX-License-Identifier: Apache-2.0
"""WebSockets, and what else leaves HTTP on its connection: a real server and real clients of the
library that Debian has, with a node between them."""
import asyncio
import contextlib
import os
import ssl
import threading
import time

import pytest
import websockets

import way
from authority import Authority
from raw import Connection, ask
from scripted import Scripted
from waypost import FRA, IS_SANITIZED, network, sites
from world import wait_until

LIVE = "live.acme.test"
FLOOD = 32 << 20


class Talk:
    """A WebSocket server in a thread: says back what it hears, or does what the path asks for."""

    def __init__(self, world, address, tls=None):
        self.address = world.address(address)
        self.requests, self.codes, self.flooded = [], [], 0
        self.loop = asyncio.new_event_loop()
        self.started = threading.Event()
        self.tls = tls
        threading.Thread(target=self._run, daemon=True).start()
        assert self.started.wait(5)

    def _run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(websockets.serve(
            self._talk, self.address, 443 if self.tls else 80, ssl=self.tls, max_size=1 << 24,
            ping_interval=None, backlog=2000, compression=None))
        self.started.set()
        self.loop.run_forever()

    async def _talk(self, socket):
        self.requests.append(socket.request_headers)
        with contextlib.suppress(websockets.ConnectionClosed):
            if socket.path.startswith("/flood"):
                for number in range(FLOOD >> 16):
                    await socket.send(number.to_bytes(2, "big") * (1 << 15))
                    self.flooded += 1 << 16
            if socket.path.startswith("/bye"):
                await socket.close(4001, "had enough")
            async for message in socket:
                await socket.send(message)
        self.codes.append(socket.close_code)

    def stop(self):
        """Hangs up on everybody."""
        self.loop.call_soon_threadsafe(self.loop.stop)


@pytest.fixture(scope="module")
def talk(world):
    """The origin."""
    origin = Talk(world, "203.0.113.70")
    yield origin
    origin.stop()


def config_of(address, **more):
    """The usual network, with a live site."""
    config = network(**more)
    config["customers"]["acme"]["origins"]["live"] = address
    sites(config)[LIVE] = {"deliver": ["live"], "paths": {"/dynamic/*": {"cache": "no"}}}
    return config


@pytest.fixture
def served(serve, talk):
    """A node before it."""
    return serve(config_of({"address": f"{talk.address}:80"}))


def connect(path="/", **more):
    """A client's connection; to be awaited."""
    more = {"ping_interval": None, "max_size": 1 << 24, "compression": None, **more}
    if way.IS_SECURE:
        more["ssl"] = way.trust()
    return websockets.connect(f"{'wss' if way.IS_SECURE else 'ws'}://{LIVE}{path}", host=FRA,
                              port=way.PORT, **more)


def run(story):
    """Runs a story, for so long at most."""
    return asyncio.run(asyncio.wait_for(story, 60))


async def echoes(path):
    """Everything a WebSocket does, through a node."""
    async with connect(path) as socket:
        await socket.send("hello")
        assert await socket.recv() == "hello"
        large = os.urandom(3 << 20)
        await socket.send(large)
        assert await socket.recv() == large
        await asyncio.wait_for(await socket.ping(), 5)
        for number in range(500):
            await socket.send(str(number))
        assert [await socket.recv() for _ in range(500)] == [str(n) for n in range(500)]
        return socket.response_headers


@pytest.mark.parametrize("path", ["/", "/dynamic/feed"])
def test_a_websocket_goes_through_to_the_origin(served, talk, path):
    headers = run(echoes(path))
    assert "fwd=bypass" in headers["Cache-Status"] and "waypost" in headers["Via"]
    request = talk.requests[-1]
    assert request["Host"] == LIVE and request["X-Forwarded-For"] and request["CDN-Loop"]
    assert served.metric("http_upgrades_total", "fra1") == 1
    assert served.metric("http_upgraded_bytes_total", "fra1", direction="in") > 3 << 20
    assert served.metric("http_upgraded_bytes_total", "fra1", direction="out") > 3 << 20


def test_the_origin_may_be_spoken_to_by_tls(world, serve):
    authority = Authority(world.place("live-authority"), "ours")
    certificate, key = authority.certify(LIVE)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    origin = Talk(world, "203.0.113.71", tls=context)
    serve(config_of({"address": f"{origin.address}:443", "tls": "yes",
                     "ca": str(authority.file)}))
    run(echoes("/"))
    origin.stop()


def test_closing_is_told_from_either_side(served, talk):
    async def story():
        socket = await connect("/bye")
        with pytest.raises(websockets.ConnectionClosedError) as closed:
            await socket.recv()
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4001, "had enough")
        async with connect("/") as other:
            await other.close(4002)
        vanishing = await connect("/")
        vanishing.transport.abort()

    talk.codes.clear()
    run(story())
    wait_until(lambda: sorted(talk.codes) == [1006, 4001, 4002], "the origin knows")
    wait_until(lambda: served.metric("http_connections_total", "fra1") ==
               served.metric("http_connections_closed_total", "fra1"), "all are closed")


def test_a_client_that_does_not_read_holds_its_origin_up_and_not_our_memory(served, talk):
    async def story():
        talk.flooded = 0
        async with connect("/flood", max_queue=1, read_limit=4096) as socket:
            at = -1
            while talk.flooded != at:  # till nothing moves any more
                at = talk.flooded
                await asyncio.sleep(1)
            grown = served.memory_bytes() - before
            print(f"flooded {at >> 20} MiB, memory grew by {grown >> 10} KiB")
            assert at < FLOOD and grown < 4 << 20
            for number in range(FLOOD >> 16):
                assert await socket.recv() == number.to_bytes(2, "big") * (1 << 15)

    run(echoes("/"))
    before = served.memory_bytes()
    run(story())


def test_idle_ones_cost_little(served, talk):
    # 10 KB each; by TLS there is what OpenSSL keeps for each too: 25 KB. They come a few at a time,
    # and the first ones are not weighed: what a handshake needs, and what the first of all needs,
    # is not what it costs to be idle.
    count, most = (100, 36864) if way.IS_SECURE else (400, 16384)
    sockets = []

    async def come(more):
        for _ in range(more // 10):
            sockets.extend(await asyncio.gather(*(connect("/") for _ in range(10))))

    async def story():
        await come(20)
        before = served.memory_bytes()
        await come(count)
        each = (served.memory_bytes() - before) / count
        print(f"{each:.0f} bytes for each idle WebSocket")
        assert each < most or IS_SANITIZED
        for socket in sockets:
            await socket.send("still there?")
        assert {await socket.recv() for socket in sockets} == {"still there?"}
        await asyncio.gather(*(socket.close() for socket in sockets))

    run(echoes("/"))
    run(story())


def test_silence_ends_it_and_pings_keep_it(serve, talk):
    async def story():
        silent = await connect("/")
        lively = await connect("/", ping_interval=0.3)
        await asyncio.sleep(2.5)
        await lively.send("well")
        assert await lively.recv() == "well"
        with pytest.raises(websockets.ConnectionClosed):
            await asyncio.wait_for(silent.recv(), 1)
        await lively.close()

    served = serve(config_of({"address": f"{talk.address}:80"}, limits={"upgrade_idle": "1s"}))
    run(story())
    assert served.metric("http_timeouts_total", "fra1", what="upgrade") == 1


def test_an_orderly_stop_waits_for_it_only_so_long(serve, talk):
    async def story():
        socket = await connect("/", ping_interval=0.3)
        started = time.monotonic()
        await asyncio.get_running_loop().run_in_executor(None, served.stop)
        assert 4 < time.monotonic() - started < 9
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()

    served = serve(config_of({"address": f"{talk.address}:80"}))
    run(story())


def test_a_refused_handshake_is_an_answer_like_any_other(served, talk):
    with Connection(FRA) as connection:
        for _ in range(2):
            connection.send(f"GET / HTTP/1.1\r\nHost: {LIVE}\r\nConnection: Upgrade\r\n"
                            "Upgrade: websocket\r\nSec-WebSocket-Version: 7\r\n\r\n")
            assert connection.reply().status in (400, 426)  # neither a key nor a version it knows
    assert served.metric("http_upgrades_total", "fra1") == 0


@pytest.fixture
def smuggler(world):
    """An origin that agrees to all, and one that was not asked."""
    def script(conversation):
        chosen = "h2c" if conversation.path == "/unasked" else conversation.fields.get("upgrade")
        if chosen:
            conversation.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                              f"Upgrade: {chosen}\r\n\r\n")
            time.sleep(1)
            conversation.close()
        else:
            conversation.answer("plain", Cache_Control="no-store")

    origin = Scripted(world, "203.0.113.72", script)
    yield origin
    origin.stop()


def test_other_versions_of_http_are_not_handed_on(serve, smuggler):
    serve(config_of({"address": f"{smuggler.address}:80"}))
    for offer in ("h2c", "HTTP/2.0", "TLS/1.2", "h2c, HTTP/3"):
        reply = ask(FRA, "/", LIVE, "GET", "Connection: Upgrade, HTTP2-Settings",
                    f"Upgrade: {offer}", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA")
        assert (reply.status, reply.body) == (200, b"plain")
        assert not {"upgrade", "http2-settings"} & set(smuggler.heads[-1])
    reply = ask(FRA, "/unasked", LIVE, "GET", "Connection: Upgrade", "Upgrade: websocket")
    assert reply.status == 502
    assert ask(FRA, "/", LIVE).body == b"plain"

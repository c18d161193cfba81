# SPDX-License-Identifier: Apache-2.0
"""HTTPS and HTTP/2 as the programs speak it that people have: OpenSSL's own client, those of
nghttp2, and curl."""
import contextlib
import os
import socket
import subprocess
import time

import h2.config
import h2.connection
import h2.events
import pytest

from secure import SHOP, STATIC, Secure, curl, trusting
from waypost import FRA, IS_SANITIZED, NYC, sites
from world import run, wait_until

GET = f"GET /sqlite.css HTTP/1.1\r\nHost: {STATIC}\r\nConnection: close\r\n\r\n".encode()


def client(*options, node=FRA, name=STATIC, said=GET):
    """What OpenSSL's client tells of a visit: (was it greeted, all its words)."""
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"{node}:443", "-servername", name, "-ign_eof",
         *map(str, options)], input=said, capture_output=True, timeout=20, check=False)
    return done.returncode == 0, (done.stdout + done.stderr).decode(errors="replace")


def failed(waypost, reason):
    """How often the first pop's node could not greet somebody, for that reason."""
    return waypost.metric("tls_failed_total", "fra1", reason=reason)


def test_each_refusal_is_told_by_its_own_alert_and_counted(serve, secured, origins):
    waypost = serve(secured)
    for options, alert, reason in (
            (("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"), "alert protocol version", "version"),
            (("-tls1_2", "-cipher", "AES128-SHA"), "alert handshake failure", "cipher"),
            (("-alpn", "spdy/1"), "alert no application protocol", "alpn")):
        greeted, words = client(*options)
        assert not greeted and alert in words, words
        wait_until(lambda reason=reason: failed(waypost, reason) == 1, f"{reason} is counted", 3)
    greeted, words = client(name="unknown.test")
    assert not greeted and "unrecognized name" in words
    wait_until(lambda: failed(waypost, "name") == 1, "the name is counted", 3)
    for version in ("-tls1_2", "-tls1_3"):
        greeted, words = client(version, "-alpn", "http/1.1")
        assert greeted and "HTTP/1.1 200" in words and "ALPN protocol: http/1.1" in words


def test_curl_that_speaks_plain_http_to_the_port_prints_why(serve, secured):
    waypost = serve(secured)
    said = run("curl", "-s", "-i", "--max-time", "5", f"http://{FRA}:443/")
    assert said.startswith("HTTP/1.1 400 ") and "https://" in said
    assert failed(waypost, "plain") == 1


def test_what_is_no_tls_of_this_century_is_refused_at_once(serve, secured, ours, origins):
    waypost = serve(secured)
    sslv2 = bytes.fromhex("802e0100020015000000100100800200800300800400800500800600400700c0"
                          "00000000000000000000000000000000")
    alert = bytes.fromhex("150301000202")  # half of one
    for number, said in enumerate((sslv2, b"\xfe" + b"\0" * 400,
                                   b"\x16\x03\x01\xff\xff" + b"\x01" * 100,
                                   b"\x16\x03\x01\0\4\1\0\0\0", alert + b"\x28"), 1):
        with socket.create_connection((FRA, 443), 5) as stranger:
            stranger.sendall(said)
            heard = b""
            with contextlib.suppress(ConnectionResetError):
                while more := stranger.recv(4096):
                    heard += more
            assert heard[:1] in (b"", b"\x15")  # an alert, or nothing
        wait_until(lambda number=number: waypost.metric("tls_failed_total", "fra1") == number,
                   "it is counted", 3)
    assert curl(ours, "/sqlite.css").status == 200


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_session_is_resumed_on_whatever_worker_takes_the_next_visit(
        serve, secured, origins, world, version):
    waypost = serve(secured, workers=2)
    ticket = waypost.folder / "session"
    greeted, words = client(version, "-sess_out", ticket)
    assert greeted and "\nNew, TLSv1" in words
    kept = ticket.read_bytes()
    for _ in range(12):  # that one worker takes all of them comes once in 4,000 times
        ticket.write_bytes(kept)
        greeted, words = client(version, "-sess_in", ticket)
        assert greeted and "\nReused, TLSv1" in words and "HTTP/1.1 200" in words
    assert waypost.metric("tls_resumed_total", "fra1") == 12


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_nodes_that_share_a_file_of_keys_resume_each_others_sessions(
        serve, secured, origins, world, version):
    keys = world.place(f"keys{version}") / "tickets"
    keys.write_bytes(os.urandom(80))
    alone = {**secured, "state": str(keys.parent / "fra")}
    shared = {**alone, "tls": {"tickets": str(keys)}}
    fra, nyc = serve(shared, node="fra1"), serve(shared, node="nyc1")
    ticket = keys.parent / "session"

    def is_resumed(node):
        greeted, words = client(version, "-sess_in", ticket, node=node)
        assert greeted and "HTTP/1.1 200" in words
        return "\nReused, TLSv1" in words

    assert client(version, "-sess_out", ticket)[0]
    kept = ticket.read_bytes()
    assert is_resumed(NYC) and nyc.metric("tls_resumed_total", "nyc1") == 1
    # A new key is put before the old one: what the old one sealed still opens, until it is gone.
    for content, opens in ((os.urandom(80) + keys.read_bytes(), True), (os.urandom(80), False)):
        keys.write_bytes(content)
        done = nyc.process.output().count("reload_done")
        nyc.reload()
        wait_until(lambda done=done: nyc.process.output().count("reload_done") > done, "reload", 5)
        ticket.write_bytes(kept)
        assert is_resumed(NYC) == opens
    ticket.write_bytes(kept)
    assert is_resumed(FRA)  # which was not reloaded
    assert fra.metric("tls_failed_total", "fra1") == nyc.metric("tls_failed_total", "nyc1") == 0


def vouch(ours, certificate, path):
    """Has the authority say that the certificate is good, as OpenSSL's own responder says it."""
    run("openssl", "ocsp", "-issuer", ours.file, "-cert", certificate, "-reqout", f"{path}.asked")
    serial = run("openssl", "x509", "-in", certificate, "-noout", "-serial").strip().split("=")[1]
    index = path.with_suffix(".index")
    index.write_text(f"V\t491231235959Z\t\t{serial}\tunknown\t/O=any\n")
    run("openssl", "ocsp", "-index", index, "-CA", ours.file, "-rsigner", ours.file, "-rkey",
        ours.key, "-reqin", f"{path}.asked", "-respout", path, "-ndays", "3")
    return str(path)


def test_an_ocsp_response_is_stapled_for_who_asks(serve, secured, ours, origins):
    own = sites(secured)[STATIC]["tls"]
    own["ocsp"] = vouch(ours, own["cert"], ours.folder / "stapled")
    with open(own["cert"], "a", encoding="ascii") as chain:
        chain.write(ours.file.read_text())  # curl looks for the issuer among what is shown
    serve(secured)
    for version in ("-tls1_2", "-tls1_3"):
        _, words = client(version, "-status", "-CAfile", ours.file)
        assert "OCSP Response Status: successful" in words and "Cert Status: good" in words
        assert "Verify return code: 0 (ok)" in words
    assert "OCSP response: no response sent" in client("-status", name=SHOP)[1]
    assert curl(ours, "/sqlite.css", "--cert-status").status == 200


def test_h2load_and_nghttp_are_served(serve, secured, origins, resolvers, visitors):
    waypost = serve(secured)
    said = run("h2load", "-n", "2000", "-c", "10", "-m", "20", f"--connect-to={FRA}:443",
               f"https://{STATIC}/sqlite.css")
    assert "Application protocol: h2" in said
    assert "2000 succeeded, 0 failed, 0 errored, 0 timeout" in said
    assert "status codes: 2000 2xx, 0 3xx" in said
    assert waypost.metric("tls_http2_total", "fra1") == 10
    visitor = visitors(resolvers())
    page = run(*visitor.words("nghttp", "-v", "--no-verify-peer", f"https://{STATIC}/sqlite.css"))
    assert "The negotiated protocol: h2" in page and ":status: 200" in page
    assert "GOAWAY" not in page.split(":status: 200")[0] and "[ERROR]" not in page


def test_fifty_transfers_at_a_time_come_whole(serve, secured, ours, origins, pages, world):
    waypost = serve(secured)
    folder = world.place("fifty")
    done = subprocess.run(
        ["curl", "-sS", "--http2", "--parallel", "--parallel-max", "50", "--max-time", "30",
         "--cacert", ours.file, "--resolve", f"{STATIC}:443:{FRA}", "-w", "%{http_version}\n",
         "-o", f"{folder}/#1", f"https://{STATIC}/changes.html?n=[1-50]"],
        capture_output=True, text=True, timeout=40, check=True)
    assert done.stdout.split() == ["2"] * 50
    body = (pages / "changes.html").read_bytes()
    assert len(body) > 100000
    assert all((folder / str(n)).read_bytes() == body for n in range(1, 51))
    assert waypost.metric("tls_http2_total", "fra1") < 50  # most share a connection


@pytest.mark.parametrize("asks", ["Connection: close", "Connection: keep-alive"])
def test_who_reads_slowly_gets_the_last_byte_too(serve, secured, ours, origins, pages, asks):
    waypost = serve(secured)
    body = (pages / "changes.html").read_bytes()
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.connect((FRA, 443))
    with trusting(ours).wrap_socket(plain, server_hostname=STATIC) as visitor:
        visitor.sendall(f"GET /changes.html HTTP/1.1\r\nHost: {STATIC}\r\n{asks}\r\n"
                        "\r\n".encode())
        came = b""
        while b"\r\n\r\n" not in came or len(came.split(b"\r\n\r\n", 1)[1]) < len(body):
            time.sleep(0.005)
            more = visitor.recv(8192)
            assert more, f"{len(came)} bytes came"
            came += more
    assert came.split(b"\r\n\r\n", 1)[1] == body
    assert waypost.metric("http_timeouts_total", "fra1") == 0


class Http2(Secure):
    """A connection of HTTP/2 that reads no more than its story wants."""

    def __init__(self, ours):
        context = trusting(ours)
        context.set_alpn_protocols(["h2"])
        super().__init__(context)
        assert self.sock.selected_alpn_protocol() == "h2"
        self.state = h2.connection.H2Connection(h2.config.H2Configuration())
        self.state.initiate_connection()
        self.bodies, self.ended = {}, set()

    def flush(self):
        """Sends what is to be sent."""
        self.sock.sendall(self.state.data_to_send())

    def ask(self, path):
        """Sends a request; its stream."""
        stream = self.state.get_next_available_stream_id()
        self.state.send_headers(stream, [(":method", "GET"), (":path", path),
                                         (":scheme", "https"), (":authority", STATIC)], True)
        self.bodies[stream] = b""
        self.flush()
        return stream

    def read(self):
        """Takes what has come, and does not say that there is room for more."""
        for event in self.state.receive_data(self.sock.recv(65536)):
            if isinstance(event, h2.events.DataReceived):
                self.bodies[event.stream_id] += event.data
            elif isinstance(event, h2.events.StreamEnded):
                self.ended.add(event.stream_id)
            assert not isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated))
        self.flush()


def test_a_stream_that_is_not_read_holds_up_no_other_of_its_connection(
        serve, secured, ours, origins, pages):
    serve(secured)
    body = (pages / "changes.html").read_bytes()
    with Http2(ours) as visitor:
        visitor.state.increment_flow_control_window(1 << 24)
        stalled = visitor.ask("/changes.html")
        for _ in range(20):
            other = visitor.ask("/sqlite.css")
            while other not in visitor.ended:
                visitor.read()
            assert visitor.bodies[other] == (pages / "sqlite.css").read_bytes()
        assert len(visitor.bodies[stalled]) == 65535 < len(body)
        visitor.state.increment_flow_control_window(1 << 24, stalled)
        visitor.flush()
        while stalled not in visitor.ended:
            visitor.read()
        assert visitor.bodies[stalled] == body


def test_connections_that_are_not_read_hold_up_nobody(serve, secured, ours, origins, pages):
    serve(secured)
    stalled = [Http2(ours) for _ in range(20)]
    for visitor in stalled:
        visitor.state.increment_flow_control_window(1 << 30)
        visitor.state.update_settings({4: 1 << 30})
        for _ in range(50):
            visitor.ask("/changes.html")
    began = time.monotonic()
    body = (pages / "changes.html").read_bytes()
    for _ in range(10):
        assert curl(ours, "/changes.html", "--http2").body == body
    assert time.monotonic() - began < (30 if IS_SANITIZED else 5)
    for visitor in stalled:
        visitor.sock.close()

# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 by hand, for what no decent client sends."""
import socket

import way
from visitor import Reply


class Connection:
    """One connection to a node (`port`: without TLS); what is sent is sent as it is, what comes is parsed strictly."""

    def __init__(self, address, port=None, seconds=10):
        self.sock = socket.create_connection((address, port or way.PORT), timeout=seconds)
        if port is None:
            self.sock = way.greeted(self.sock)
        self.data = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, text):
        """Bytes, or text with \\r\\n as it stands."""
        self.sock.sendall(text if isinstance(text, bytes) else text.encode("latin-1"))

    def _more(self):
        got = self.sock.recv(65536)
        self.data += got
        return bool(got)

    def _head(self):
        """(status, headers) of the next head; None when the other side hung up instead."""
        while b"\r\n\r\n" not in self.data:
            if not self._more():
                assert not self.data, f"half a head: {self.data!r}"
                return None
        head, self.data = self.data.split(b"\r\n\r\n", 1)
        first, *rows = head.decode("latin-1").split("\r\n")
        headers = {}
        for row in rows:
            name, _, value = row.partition(":")
            headers[name.lower()] = value.strip()
        return int(first.split()[1]), headers

    def reply(self, method="GET"):
        """The next reply, past a few interim ones; None when the other side hung up instead."""
        for _ in range(10):
            if not (head := self._head()):
                return None
            status, headers = head
            if status >= 200:
                return Reply(status, headers, self._body(method, status, headers), "")
        raise AssertionError("a flood of interim replies")

    def _body(self, method, status, headers):
        if method == "HEAD" or status in (204, 304):
            return b""
        if headers.get("transfer-encoding") == "chunked":
            return self._chunks()
        if "content-length" in headers:
            return self._take(int(headers["content-length"]))
        while self._more():
            pass
        body, self.data = self.data, b""
        return body

    def _take(self, count):
        while len(self.data) < count:
            assert self._more(), "body cut short"
        body, self.data = self.data[:count], self.data[count:]
        return body

    def _chunks(self):
        body = b""
        while True:
            while b"\r\n" not in self.data:
                assert self._more(), "body cut short"
            line, self.data = self.data.split(b"\r\n", 1)
            size = int(line.split(b";")[0], 16)
            piece = self._take(size + 2)
            assert piece.endswith(b"\r\n")
            if size == 0:
                return body
            body += piece[:-2]

    def is_closed(self):
        """Waits for the other side to hang up; false when it sends more."""
        try:
            return not self.data and not self._more()
        except ConnectionResetError:
            return True


def ask(address, target, host, method="GET", *fields):
    """One request on a connection of its own."""
    with Connection(address) as connection:
        rows = [f"{method} {target} HTTP/1.1", f"Host: {host}", "Connection: close", *fields]
        connection.send("\r\n".join(rows) + "\r\n\r\n")
        return connection.reply(method)

# SPDX-License-Identifier: Apache-2.0
"""An origin that does what a story tells it, down to single bytes: slow, wrong or hostile."""
import socket
import struct
import threading
import time


class Conversation:
    """One request that reached the scripted origin, and the means to answer it."""

    def __init__(self, sock, head, rest):
        self.sock, self.head, self.rest = sock, head, rest
        first, *rows = head.decode("latin-1").split("\r\n")
        self.method, self.path = first.split(" ")[:2]
        self.fields = {}
        for row in rows:
            name, _, value = row.partition(":")
            self.fields[name.lower()] = value.strip()

    def body(self):
        """The request's body, of either framing, without the framing."""
        if "content-length" in self.fields:
            return self._exactly(int(self.fields["content-length"]))
        if self.fields.get("transfer-encoding", "").lower() != "chunked":
            return b""
        data = b""
        while size := int(self._line().split(b";")[0], 16):
            data += self._exactly(size)
            assert self._exactly(2) == b"\r\n"
        while self._line():
            pass
        return data

    def _exactly(self, count):
        while len(self.rest) < count:
            more = self.sock.recv(65536)
            assert more, "request cut short"
            self.rest += more
        data, self.rest = self.rest[:count], self.rest[count:]
        return data

    def _line(self):
        while b"\r\n" not in self.rest:
            more = self.sock.recv(65536)
            assert more, "request cut short"
            self.rest += more
        line, self.rest = self.rest.split(b"\r\n", 1)
        return line

    def send(self, *parts):
        """Sends bytes as they are."""
        for part in parts:
            self.sock.sendall(part if isinstance(part, bytes) else part.encode())

    def answer(self, body=b"", status="200 OK", **fields):
        """A well-formed answer."""
        body = body if isinstance(body, bytes) else body.encode()
        rows = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
        rows += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        head = ("\r\n".join(rows) + "\r\n\r\n").encode()
        self.send(head if self.method == "HEAD" else head + body)

    def reset(self):
        """Hangs up in the rudest way."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self):
        """Hangs up."""
        self.sock.close()

    def is_open(self):
        """False once the script hung up."""
        return self.sock.fileno() >= 0


class Scripted:
    """Serves each request by `script(conversation)` in a thread of its own."""

    def __init__(self, world, address, script):
        self.address, self.script = world.address(address), script
        self.paths, self.heads, self.open = [], [], set()
        self.listener = socket.create_server((address, 80), backlog=1024)
        self.ending = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while not self.ending:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.open.add(sock)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        sock.settimeout(30)
        data = b""
        try:
            while True:
                while b"\r\n\r\n" not in data:
                    more = sock.recv(65536)
                    if not more:
                        return
                    data += more
                head, rest = data.split(b"\r\n\r\n", 1)
                conversation = Conversation(sock, head, rest)
                self.paths.append(conversation.path)
                self.heads.append(conversation.fields)
                self.script(conversation)
                if not conversation.is_open():
                    return
                data = conversation.rest
        except OSError:
            pass  # hung up on, as some stories want
        finally:
            self.open.discard(sock)
            sock.close()

    def count(self, path):
        """How often a path was asked for."""
        return self.paths.count(path)

    def stop(self):
        """Hangs up on everybody, and refuses connections from here on."""
        self.ending = True
        for sock in [self.listener, *self.open]:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # gone already
        self.listener.close()


def trickle(conversation, data, pause, piece=1):
    """Sends slowly."""
    for at in range(0, len(data), piece):
        conversation.send(data[at:at + piece])
        time.sleep(pause)

# SPDX-License-Identifier: Apache-2.0
"""Somebody who comes by HTTPS: with curl, or by hand."""
import ssl
import subprocess

from raw import Connection
from visitor import reply_parse
from waypost import FRA

STATIC, SHOP = "static.acme.test", "shop.acme.test"  # the sites that have certificates


def files(pair):
    """As the settings want them."""
    return {"cert": str(pair[0]), "key": str(pair[1])}


def curl(ours, path, *options, host=STATIC, node=FRA, scheme="https"):
    """What a visitor with curl, who trusts our authority, gets; None when there is no answer."""
    done = subprocess.run(
        ["curl", "-s", "-i", "--max-time", "20", "--cacert", ours.file, "--resolve",
         f"{host}:443:{node}", "--resolve", f"{host}:80:{node}", *options,
         f"{scheme}://{host}{path}"], capture_output=True, timeout=30, check=False)
    return reply_parse(done.stdout, node) if done.returncode == 0 else None


def trusting(ours, **more):
    """What a program that trusts our authority begins with."""
    context = ssl.create_default_context(cafile=ours.file)
    for name, value in more.items():
        setattr(context, name, value)
    return context


class Secure(Connection):
    """A connection by HTTPS, HTTP/1.1 on it by hand."""

    def __init__(self, context, host=STATIC, node=FRA):
        super().__init__(node, 443)
        self.sock = context.wrap_socket(self.sock, server_hostname=host)

    def get(self, path, host=STATIC):
        """One request and its answer."""
        self.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")
        return self.reply()

    def serial(self):
        """Which certificate was shown."""
        return self.sock.getpeercert()["serialNumber"]

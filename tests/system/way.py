# SPDX-License-Identifier: Apache-2.0
"""How a story's visitors come: by HTTP, or by HTTPS where WAYPOST_BY=https says so. A story asks
through here and does not care, so that one telling holds for both; meson.build lists what is told
by HTTPS too.

By HTTPS each network has a certificate for all its names, and each origin one for the pages that
DNS leads to it, by an authority of this run which every visitor trusts. Names are looked up as
ever, curl speaks HTTP/2, and what goes by hand speaks HTTP/1.1 and tells no name."""
import functools
import os
import pathlib
import ssl
import threading

from authority import Authority, key_mark

IS_SECURE = os.environ.get("WAYPOST_BY") == "https"
SCHEME, PORT = ("https", 443) if IS_SECURE else ("http", 80)
FOLDER = pathlib.Path("/run/way")  # a /run of our own (conftest.py)
ONE_AT_A_TIME = threading.Lock()


@functools.cache
def authority():
    """Made when it is first needed."""
    FOLDER.mkdir()
    return Authority(FOLDER, "way")


@functools.cache
def _pair(*names):
    return authority().certify(*names, name=f"pair{len(list(FOLDER.iterdir()))}")


def pair(*names):
    """The files of a certificate for these names; nodes may ask for it side by side."""
    with ONE_AT_A_TIME:
        return _pair(*names)


def url(host, path):
    """What a visitor asks for."""
    return f"{SCHEME}://{host}{path}"


def curl_words():
    """What curl needs besides."""
    return ["--cacert", str(authority().file)] if IS_SECURE else []


def browser_words():
    """What Chromium needs besides: it trusts the certificates made so far, and no others."""
    if not IS_SECURE:
        return []
    marks = [key_mark(file) for file in sorted(FOLDER.glob("pair*.pem"))]
    return [f"--ignore-certificate-errors-spki-list={','.join(marks)}"]


def certified(config):
    """The configuration with what it takes to be visited so."""
    if not IS_SECURE or "tls" in config:
        return config
    hosts = [host for customer in config["customers"].values() for host in customer["sites"]]
    shown = pair(*sorted({*hosts, *(f"{host}.{config['zone']}" for host in hosts)}))
    return {**config, "tls": {"default": {"cert": str(shown[0]), "key": str(shown[1])}}}


def origin_lines(address, *names):
    """What nginx needs besides to be visited so."""
    if not IS_SECURE:
        return ""
    certificate, key = pair(*names)
    return (f"listen {address}:{PORT} ssl http2; ssl_certificate {certificate}; "
            f"ssl_certificate_key {key};")


@functools.cache
def trust():
    """What a program that speaks HTTP/1.1 by HTTPS begins with."""
    context = ssl.create_default_context(cafile=authority().file)
    context.check_hostname = False  # by hand also names are asked for that nobody has
    context.set_alpn_protocols(["http/1.1"])
    return context


def greeted(sock):
    """The connection, once it can be spoken on."""
    return trust().wrap_socket(sock) if IS_SECURE else sock

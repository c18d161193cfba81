# SPDX-License-Identifier: Apache-2.0
"""testssl.sh tries on us what TLS servers have been broken by, and finds nothing to say."""
import json
import subprocess

from secure import STATIC, files
from waypost import FRA, IS_NIGHT, sites

# Versions, kinds of ciphers, forward secrecy, whose preference counts, known weaknesses. By night
# also each cipher, what the server tells of itself, and fifty programs that might come.
PARTS = () if IS_NIGHT else ("-p", "-s", "-f", "-P", "-U")
TRIED = {
    "SSLv2", "SSLv3", "TLS1", "TLS1_1", "TLS1_2", "TLS1_3", "ALPN",
    "cipherlist_NULL", "cipherlist_aNULL", "cipherlist_EXPORT", "cipherlist_LOW",
    "cipherlist_3DES_IDEA", "cipherlist_AVERAGE", "cipherlist_STRONG", "PFS", "cipher_order",
    "heartbleed", "CCS", "ticketbleed", "ROBOT", "secure_renego", "secure_client_renego",
    "CRIME_TLS", "BREACH", "POODLE_SSL", "fallback_SCSV", "SWEET32", "FREAK", "DROWN", "LOGJAM",
    "BEAST", "LUCKY13", "RC4"}
OF_THE_STORY = {  # what is not said of us
    "engine_problem",  # that the openssl which it uses itself has no GOST
    "cert_revocation"}  # that an authority made for an hour tells nowhere what it takes back


def audit(world, ours, host):
    """Its findings, by what they are about."""
    found = world.place("audit") / "found.json"
    subprocess.run(
        ["testssl", "--quiet", "--warnings", "off", "--color", "0", "--nodns", "none", "--ip", FRA,
         "--add-ca", ours.file, "-oj", found, *PARTS, host], stdin=subprocess.DEVNULL, timeout=280,
        capture_output=True, check=True)
    return {row["id"]: row for row in json.loads(found.read_text())}


def test_nothing_is_found(serve, secured, ours, origins, world):
    pair = files(ours.certify(STATIC, days=365, name="audited"))
    sites(secured)[STATIC].update(tls=pair, hsts="365d")
    secured["tls"] = {"default": pair}  # some of its visits tell no name
    serve(secured)
    found = audit(world, ours, STATIC)
    assert TRIED <= set(found), TRIED - set(found)
    faults = {name: row for name, row in found.items()
              if row["severity"] not in ("OK", "INFO") and name not in OF_THE_STORY}
    assert not faults

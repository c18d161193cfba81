# SPDX-License-Identifier: Apache-2.0
"""Certificates made for a story, by authorities made for it."""
import base64
import hashlib
import subprocess

from world import run

CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def key_mark(certificate):
    """What Chromium knows a trusted public key by: the base64 of its SHA-256."""
    pem = run("openssl", "x509", "-in", certificate, "-noout", "-pubkey")
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=pem.encode(),
                         capture_output=True, timeout=10, check=True).stdout
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


class Authority:
    """Vouches for names; `file` is what those who trust it are given."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.file, self.key = folder / f"{name}.pem", folder / f"{name}.key"
        run("openssl", "req", "-x509", *CURVE, "-subj", f"/CN={name}", "-keyout", self.key,
            "-out", self.file)

    def certify(self, *hosts, days=30, name=None, key_of=CURVE):
        """The files of a certificate for the hosts, and of its key; `name` tells files apart."""
        name = name or hosts[0]
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        request, names = self.folder / f"{name}.csr", self.folder / f"{name}.names"
        names.write_text(f"subjectAltName={','.join(f'DNS:{host}' for host in hosts)}\n")
        run("openssl", "req", *key_of, "-subj", f"/O={name}", "-keyout", f"{key}.new",
            "-out", request)
        run("openssl", "x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.key,
            "-CAcreateserial", "-days", days, "-extfile", names, "-out", f"{certificate}.new")
        key.with_name(f"{key.name}.new").rename(key)
        certificate.with_name(f"{certificate.name}.new").rename(certificate)
        return certificate, key

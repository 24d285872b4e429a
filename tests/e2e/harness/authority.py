# SPDX-License-Identifier: MIT
"""An authority that signs certificates of clients, made by the openssl program."""
import subprocess

from harness import certificate as certificates
from harness.waiting import PATIENCE_S


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=PATIENCE_S)


def ended():
    """For a certificate that has expired; newer programs refuse an end before the beginning, older ones know no beginning."""
    known = subprocess.run(["openssl", "x509", "-help"], capture_output=True, text=True, timeout=PATIENCE_S, check=False).stderr
    return ("-not_before", "20200101000000Z", "-not_after", "20200102000000Z") if "-not_before" in known else ("-days", -1)


class Authority:
    def __init__(self, directory, name="authority"):
        self.directory = directory
        self.pair = certificates.Certificate(directory / f"{name}.crt", directory / f"{name}.key")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", 2, "-subj",
                f"/CN={name}", "-keyout", self.pair.key, "-out", self.pair.cert)

    def sign(self, name, subject="/C=NL/O=Example/CN=ci", usage="clientAuth", dates=("-days", 2), names=None):
        """`names`: a subjectAltName as openssl writes it, such as "URI:spiffe://example.org/ci, DNS:ci.example.org"."""
        pair = certificates.Certificate(self.directory / f"{name}.crt", self.directory / f"{name}.key")
        request, extensions = self.directory / f"{name}.csr", self.directory / f"{name}.ext"
        extensions.write_text(f"extendedKeyUsage={usage}\n" + (f"subjectAltName={names}\n" if names else ""))
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-utf8", "-subj", subject,
                "-keyout", pair.key, "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.pair.cert, "-CAkey", self.pair.key, "-set_serial", 1, *dates,
                "-extfile", extensions, "-out", pair.cert)
        return pair

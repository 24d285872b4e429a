# SPDX-License-Identifier: MIT
"""Self-signed certificates, for localhost if not said otherwise, made by openssl."""
import dataclasses
import pathlib
import subprocess

from .waiting import PATIENCE_S


@dataclasses.dataclass(frozen=True)
class Certificate:
    cert: pathlib.Path
    key: pathlib.Path


def make(directory, name="server", *, names=("localhost",), addresses=("127.0.0.1",), days=2, kind="ec"):
    """For `names` and `addresses`; valid for `days` days from now. `kind` of the key: ec, rsa."""
    key = ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"] if kind == "ec" else ["rsa:2048"]
    alternatives = ",".join([*(f"IP:{each}" for each in addresses), *(f"DNS:{each}" for each in names)])
    pair = Certificate(directory / f"{name}.crt", directory / f"{name}.key")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", *key, "-nodes", "-days", str(days), "-subj", "/CN=localhost",
         "-addext", f"subjectAltName={alternatives}", "-keyout", str(pair.key), "-out", str(pair.cert)],
        check=True, capture_output=True, timeout=PATIENCE_S)
    pair.key.chmod(0o600)
    return pair

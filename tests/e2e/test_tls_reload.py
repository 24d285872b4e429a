# SPDX-License-Identifier: MIT
"""SIGHUP takes a new certificate without a restart; one that cannot be used leaves the old one in place. (HARDENING 3.9)"""
import os
import shutil
import signal
import ssl

import pytest

from harness import certificate as certificates
from harness.http_client import bearer
from harness.waiting import eventually


def copy(pair, directory):
    shutil.copy(pair.cert, directory / "live.crt")
    shutil.copy(pair.key, directory / "live.key")


def served(gateway):
    return ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(gateway.https, timeout=10))


def bytes_of(pair):
    return ssl.PEM_cert_to_DER_cert(pair.cert.read_text())


@pytest.fixture
def live(certificate, tmp_path, start_gateway):
    """Starts a gateway whose certificate is a copy in tmp_path."""
    copy(certificate, tmp_path)

    def start(*flags):
        return start_gateway("--tls-cert", str(tmp_path / "live.crt"), "--tls-key", str(tmp_path / "live.key"), *flags,
                             tls=True)
    return start


@pytest.mark.parametrize("workers", ["1", "2"])
def test_new_connections_get_the_new_certificate(workers, live, acme, certificate, tmp_path):
    gateway = live("--workers", workers)
    assert served(gateway) == bytes_of(certificate)
    new = certificates.make(tmp_path, "new")
    with gateway.connect_tls() as old_connection:
        assert old_connection.request("GET", "/api/v1/auth/whoami", bearer(acme.read)).status == 200
        copy(new, tmp_path)
        os.kill(gateway.pid, signal.SIGHUP)
        eventually(lambda: all(served(gateway) == bytes_of(new) for _ in range(8)), "is the new certificate served")
        assert old_connection.request("GET", "/api/v1/auth/whoami", bearer(acme.read)).status == 200


@pytest.mark.parametrize("broken", ["missing", "garbage", "key of another"])
def test_a_certificate_that_cannot_be_used_changes_nothing(broken, live, certificate, tmp_path):
    gateway = live()
    new = certificates.make(tmp_path, "new")
    if broken == "missing":
        (tmp_path / "live.crt").unlink()
    elif broken == "garbage":
        (tmp_path / "live.crt").write_text("no certificate\n")
    else:
        shutil.copy(new.cert, tmp_path / "live.crt")
    os.kill(gateway.pid, signal.SIGHUP)
    line = gateway.process.wait_for_line(r"cannot use the new certificate, the old one stays reason=\"(?P<reason>.*)\"")
    assert "live." in line["reason"]
    assert served(gateway) == bytes_of(certificate)
    copy(new, tmp_path)
    os.kill(gateway.pid, signal.SIGHUP)
    eventually(lambda: served(gateway) == bytes_of(new), "is the mended certificate served")

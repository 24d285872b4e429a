# SPDX-License-Identifier: MIT
"""SIGHUP takes a new certificate without a restart; one that cannot be used leaves the old one in place, and one that cannot be
read for now holds up nobody. (HARDENING 3.9)"""
import errno
import os
import shutil
import signal
import ssl

import pytest

from harness import certificate as certificates
from harness.http_client import Connection, bearer
from harness.waiting import PATIENCE_S, eventually


def copy(pair, directory):
    shutil.copy(pair.cert, directory / "live.crt")
    shutil.copy(pair.key, directory / "live.key")


def replace(path, content):
    """Whole, so that no gateway finds half of it."""
    beside = path.parent.parent / f"{path.name}.new"
    beside.write_text(content)
    os.replace(beside, path)


def served(gateway):
    return ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(gateway.https, timeout=PATIENCE_S))


def bytes_of(pair):
    return ssl.PEM_cert_to_DER_cert(pair.cert.read_text())


@pytest.fixture
def live(certificate, tmp_path, start_gateway):
    """Starts a gateway whose certificate is a copy in tmp_path."""
    copy(certificate, tmp_path)

    def start(*flags):
        return start_gateway(*flags, tls=certificates.Certificate(tmp_path / "live.crt", tmp_path / "live.key"))
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


@pytest.mark.parametrize("workers", ["1", "2"])
def test_files_that_change_are_taken_without_a_signal(workers, live, tmp_path):
    gateway = live("--workers", workers)
    new = certificates.make(tmp_path, "new")
    copy(new, tmp_path)
    eventually(lambda: all(served(gateway) == bytes_of(new) for _ in range(8)), "is the new certificate served")


def test_a_volume_of_kubernetes_that_is_swapped(certificate, start_gateway, tmp_path):
    """The files are links into ..data, which is a link to a directory of the day and replaced as a whole."""
    new = certificates.make(tmp_path, "new")
    volume = tmp_path / "volume"
    for day, pair in (("..1", certificate), ("..2", new)):
        (volume / day).mkdir(parents=True)
        copy(pair, volume / day)
    (volume / "..data").symlink_to("..1")
    for name in ("live.crt", "live.key"):
        (volume / name).symlink_to(f"..data/{name}")
    gateway = start_gateway(tls=certificates.Certificate(volume / "live.crt", volume / "live.key"))
    assert served(gateway) == bytes_of(certificate)
    (volume / "..data_tmp").symlink_to("..2")
    os.replace(volume / "..data_tmp", volume / "..data")
    eventually(lambda: served(gateway) == bytes_of(new), "is the new certificate served")


def test_a_broken_change_is_said_once(live, certificate, tmp_path):
    gateway = live()
    replace(tmp_path / "live.crt", "no certificate\n")
    gateway.process.wait_for_line(r"cannot use the new certificate, the old one stays")
    new = certificates.make(tmp_path, "new")  # in the same directory: heard of, and no change of the files
    gateway.process.wait_for_line(r"cannot use the new certificate, the old one stays")
    assert served(gateway) == bytes_of(certificate)
    replace(tmp_path / "live.crt", new.cert.read_text())
    replace(tmp_path / "live.key", new.key.read_text())
    eventually(lambda: served(gateway) == bytes_of(new), "is the mended certificate served")
    gateway.stop()
    assert gateway.log().count("cannot use the new certificate") <= 2  # between the two files at the end, perhaps


# ---- files that hang ----

FILES = ("cert", "key", "client-ca", "ticket-secret")


@pytest.fixture
def readable(certificate, tmp_path, start_gateway):
    """A gateway with a file of each kind; the files by kind."""
    files = {kind: tmp_path / f"live.{kind}" for kind in FILES}
    shutil.copy(certificate.cert, files["cert"])
    shutil.copy(certificate.key, files["key"])
    shutil.copy(certificate.cert, files["client-ca"])
    files["ticket-secret"].write_bytes(os.urandom(48))
    for kind in ("key", "ticket-secret"):
        files[kind].chmod(0o600)
    gateway = start_gateway("--client-ca", files["client-ca"], "--tls-ticket-secret", files["ticket-secret"],
                            tls=certificates.Certificate(files["cert"], files["key"]))
    return gateway, files


def writer_of(fifo):
    """Its other end, once the gateway has opened it; None before."""
    try:
        return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        assert error.errno == errno.ENXIO
        return None


def hang(gateway, path):
    """Puts a FIFO in the place of the file. The gateway waits, first for somebody who writes, then for what is written."""
    fifo = path.with_suffix(".fifo")
    os.mkfifo(fifo, 0o600)
    os.replace(fifo, path)
    os.kill(gateway.pid, signal.SIGHUP)
    return eventually(lambda: writer_of(path), "was the file opened")


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_hangs_holds_up_nobody(kind, readable, acme):
    """Neither those that ask, nor what is read of it when it answers at last."""
    gateway, files = readable
    content, trust = files[kind].read_bytes(), gateway.tls_context()
    assert gateway.request("GET", "/api/v1/auth/whoami", acme.read).status == 200
    writer = hang(gateway, files[kind])
    os.kill(gateway.pid, signal.SIGHUP)  # once more: one reading is enough
    for _ in range(20):
        assert gateway.admin_get("/healthz").status == 200
        assert gateway.request("GET", "/api/v1/auth/whoami", acme.read).status == 200
    with Connection(gateway.https, tls=trust) as connection:
        assert connection.request("GET", "/api/v1/auth/whoami", bearer(acme.read)).status == 200
    assert "certificate reloaded" not in gateway.log()
    whole = files[kind].with_suffix(".whole")
    whole.write_bytes(content)
    os.replace(whole, files[kind])
    os.close(writer)
    gateway.process.wait_for_line("certificate reloaded")


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_hangs_does_not_hold_up_the_end(kind, readable):
    gateway, files = readable
    writer = hang(gateway, files[kind])
    gateway.stop()
    os.close(writer)


# ---- who may read them ----

@pytest.mark.parametrize("kind", ("key", "ticket-secret"))
def test_a_secret_that_everybody_may_read_is_named(kind, readable):
    gateway, files = readable
    os.kill(gateway.pid, signal.SIGHUP)
    gateway.process.wait_for_line("certificate reloaded")
    files[kind].chmod(0o644)
    os.kill(gateway.pid, signal.SIGHUP)
    line = gateway.process.wait_for_line(r"can be read by everybody on this machine .*file=(?P<file>\S+)")
    assert line["file"].strip('"') == str(files[kind])
    gateway.stop()
    assert gateway.log().count("can be read by everybody") == 1, "certificates are for everybody"

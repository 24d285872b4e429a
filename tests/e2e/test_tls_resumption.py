# SPDX-License-Identifier: MIT
"""Sessions resume at every gateway that has the secret, and nowhere else: what cannot be resumed becomes a full handshake.
The client is openssl s_client, with its session in a file. (HARDENING 3.10)"""
import os
import re
import secrets
import signal
import subprocess

import pytest

from harness.ports import free_port
from harness.process import Process, clean_environment, dies_with_parent
from harness.waiting import PATIENCE_S, eventually

VERSIONS = ("-tls1_2", "-tls1_3")


@pytest.fixture
def secret(tmp_path):
    def make(name, size=48):
        path = tmp_path / name
        path.write_bytes(secrets.token_bytes(size))
        return str(path)
    return make


def is_resumed(gateway, certificate, version, *, session_in=None, session_out=None, name="localhost"):
    """One request over a connection of s_client's; whether it says that the session was reused."""
    command = ["openssl", "s_client", "-connect", "%s:%d" % gateway.https, "-servername", name, "-CAfile", certificate.cert,
               version, "-ign_eof"]
    command += ["-sess_in", session_in] if session_in else []
    command += ["-sess_out", session_out] if session_out else []
    done = subprocess.run(
        dies_with_parent(command), input="GET /api/v1/auth/whoami HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        capture_output=True, text=True, timeout=PATIENCE_S, env=clean_environment(), check=False)
    assert "HTTP/1.1 401" in done.stdout, done.stdout + done.stderr
    return re.search(r"^(New|Reused), TLSv1\.[23]", done.stdout, re.MULTILINE)[1] == "Reused"


def start_session(gateway, certificate, version, directory):
    """A full handshake; the file of its session."""
    session = str(directory / f"session{version}")
    assert not is_resumed(gateway, certificate, version, session_out=session)
    return session


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_resumes_at_a_gateway_with_the_same_secret(version, start_gateway, certificate, secret, tmp_path):
    flags = ("--tls-ticket-secret", secret("shared"))
    here, there = (start_gateway(*flags, tls=True) for _ in range(2))
    session = start_session(here, certificate, version, tmp_path)
    assert is_resumed(here, certificate, version, session_in=session)
    assert is_resumed(there, certificate, version, session_in=session)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_secret_that_was_replaced_is_read_at_sighup(version, start_gateway, certificate, secret, tmp_path):
    """In each worker. Then tickets of the old one, which may have leaked, are worth nothing; those of the new one are."""
    path = secret("shared")
    gateway = start_gateway("--tls-ticket-secret", path, "--workers", "2", tls=True)
    session = start_session(gateway, certificate, version, tmp_path)
    assert is_resumed(gateway, certificate, version, session_in=session)
    os.replace(secret("new"), path)
    os.kill(gateway.pid, signal.SIGHUP)
    eventually(lambda: gateway.log().count("certificate reloaded") >= 2, "did both workers read it")
    assert not any(is_resumed(gateway, certificate, version, session_in=session) for _ in range(4))
    other = start_gateway("--tls-ticket-secret", path, tls=True)
    session = start_session(gateway, certificate, version, tmp_path)
    assert is_resumed(other, certificate, version, session_in=session)


@pytest.mark.parametrize("version", VERSIONS)
def test_other_secrets_and_other_names_get_a_full_handshake(version, start_gateway, certificate, secret, tmp_path):
    here = start_gateway("--tls-ticket-secret", secret("one"), tls=True)
    other = start_gateway("--tls-ticket-secret", secret("two"), tls=True)
    without = start_gateway(tls=True)
    session = start_session(here, certificate, version, tmp_path)
    for gateway in (other, without):
        assert not is_resumed(gateway, certificate, version, session_in=session)
    assert not is_resumed(here, certificate, version, session_in=session, name="other.example")
    assert is_resumed(here, certificate, version, session_in=session)


@pytest.mark.parametrize("version", VERSIONS)
def test_without_a_secret_the_workers_of_a_start_share_one(version, start_gateway, certificate, tmp_path):
    """Eight connections reach both workers but for one time in 128."""
    gateway = start_gateway("--workers", "2", tls=True)
    session = start_session(gateway, certificate, version, tmp_path)
    assert all(is_resumed(gateway, certificate, version, session_in=session) for _ in range(8))
    gateway.stop()
    restarted = start_gateway("--workers", "2", tls=True)
    assert not is_resumed(restarted, certificate, version, session_in=session)


@pytest.mark.parametrize("size, reason", [(None, "cannot read"), (31, "too short"), (4097, "too long")])
def test_a_bad_secret_file_is_named_at_start(size, reason, operator, certificate, secret):
    path = secret("bad", size) if size else "/nonexistent/secret"
    done = operator.run("--listen-https", "127.0.0.1:0", "--listen-admin", "127.0.0.1:0", "--tls-cert", str(certificate.cert),
                        "--tls-key", str(certificate.key), "--tls-ticket-secret", path)
    assert done.returncode == 1
    assert path in done.stderr and reason in done.stderr
    assert "Sanitizer" not in done.stderr


# ---- 0-RTT of elsewhere ----

REQUEST = "GET /api/v1/auth/whoami HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
SUITES = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")


def session_with_early_data(certificate, directory, suite):
    """Of a server for the same name that takes early data."""
    session, port = str(directory / "early.session"), free_port()
    server = Process(["gnutls-serv", "--http", "--earlydata", "--port", str(port), "--x509certfile", certificate.cert, "--x509keyfile",
                      certificate.key, "--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.3"], directory / "server.log", env=clean_environment())

    def has_session():
        done = subprocess.run(
            dies_with_parent(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "localhost", "-CAfile",
                              certificate.cert, "-tls1_3", "-ciphersuites", suite, "-sess_out", session, "-ign_eof"]),
            input="GET / HTTP/1.0\r\n\r\n", capture_output=True, text=True, timeout=PATIENCE_S, env=clean_environment(), check=False)
        return done.returncode == 0 and os.path.exists(session)
    try:
        eventually(has_session, "was there a session")
    finally:
        server.kill()
    return session


@pytest.mark.parametrize("groups", ["X25519", "P-521:X25519"], ids=["hello", "second-hello"])
@pytest.mark.parametrize("suite", SUITES)
def test_early_data_for_another_server_is_skipped(suite, groups, start_gateway, certificate, tmp_path):
    """A name has moved here from a server with 0-RTT: its clients come with tickets of that one, and a request behind the hello. It
    is answered when they send it again. With a group first that is not taken here, the hello is asked for once more."""
    gateway = start_gateway(tls=True)
    session = session_with_early_data(certificate, tmp_path, suite)
    early = tmp_path / "early.request"
    early.write_text("GET /api/v1/auth/whoami HTTP/1.1\r\nHost: localhost\r\nX-Fill: " + "early " * 1000 + "\r\n\r\n")
    done = subprocess.run(
        dies_with_parent(["openssl", "s_client", "-connect", "%s:%d" % gateway.https, "-servername", "localhost", "-CAfile",
                          certificate.cert, "-tls1_3", "-ciphersuites", suite, "-groups", groups, "-sess_in", session,
                          "-early_data", early, "-ign_eof"]),
        input=REQUEST, capture_output=True, text=True, timeout=PATIENCE_S, env=clean_environment(), check=False)
    assert "Early data was rejected" in done.stdout, done.stdout + done.stderr
    assert done.stdout.count("HTTP/1.1 401") == 1, "what came early is no request"

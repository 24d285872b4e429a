# SPDX-License-Identifier: MIT
"""Several certificates by server name, the oldest version of TLS, and what is said about both. (HARDENING 3.9, 3.11)"""
import re
import socket
import ssl
import subprocess

import pytest

from harness import certificate as certificates
from harness.http_client import Connection, bearer
from harness.process import clean_environment, dies_with_parent
from harness.waiting import PATIENCE_S

WHOAMI = "/api/v1/auth/whoami"


def served(gateway, name):
    """The certificate for a client that names `name`, or nothing."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(gateway.https, timeout=PATIENCE_S) as plain:
        with context.wrap_socket(plain, server_hostname=name) as secured:
            return secured.getpeercert(binary_form=True)


def bytes_of(pair):
    return ssl.PEM_cert_to_DER_cert(pair.cert.read_text())


@pytest.fixture
def pairs(tmp_path):
    return {"exact": certificates.make(tmp_path, "exact", names=("a.fleet.example", "skills.example")),
            "wildcard": certificates.make(tmp_path, "wildcard", names=("*.fleet.example",))}


def flags_of(pairs):
    return [flag for pair in pairs.values() for flag in ("--tls-cert", str(pair.cert), "--tls-key", str(pair.key))]


def assert_served_by_name(gateway, certificate, pairs):
    for name, pair in (("skills.example", pairs["exact"]), ("a.fleet.example", pairs["exact"]),
                       ("A.Fleet.Example", pairs["exact"]), ("b.fleet.example", pairs["wildcard"]),
                       ("b.c.fleet.example", certificate), ("localhost", certificate), ("unknown.example", certificate),
                       (None, certificate)):
        assert served(gateway, name) == bytes_of(pair), name


def test_the_certificate_is_chosen_by_name(start_gateway, certificate, pairs):
    """`start_gateway` names the first pair; a name that no other has gets it."""
    assert_served_by_name(start_gateway(*flags_of(pairs), tls=True), certificate, pairs)


RSA_ONLY = {"suites": ("-tls1_2", "-cipher", "aRSA"), "signatures-1.2": ("-tls1_2", "-sigalgs", "RSA+SHA256:RSA-PSS+SHA256"),
            "signatures-1.3": ("-tls1_3", "-sigalgs", "RSA-PSS+SHA256")}
EC_ONLY = {"suites": ("-tls1_2", "-cipher", "aECDSA"), "signatures-1.3": ("-tls1_3", "-sigalgs", "ECDSA+SHA256")}


def served_to(gateway, *flags):
    """The certificate for s_client with these flags, which names no server if it is not among them."""
    name = () if "-servername" in flags else ("-noservername",)
    done = subprocess.run(dies_with_parent(["openssl", "s_client", "-connect", "%s:%d" % gateway.https, *name, *flags]), input="",
                          capture_output=True, text=True, timeout=PATIENCE_S, env=clean_environment(), check=False)
    found = re.search(r"-----BEGIN CERTIFICATE-----.*-----END CERTIFICATE-----", done.stdout, re.DOTALL)
    assert found, done.stdout + done.stderr
    return ssl.PEM_cert_to_DER_cert(found[0])


def test_a_client_that_names_no_server_gets_a_key_that_it_can_take(start_gateway, certificate, tmp_path):
    """Else the first, also where the client likes another key better."""
    rsa = certificates.make(tmp_path, "rsa", kind="rsa", names=("rsa.example",))
    first_is_ec = start_gateway("--tls-cert", str(rsa.cert), "--tls-key", str(rsa.key), tls=True)
    first_is_rsa = start_gateway("--tls-cert", str(certificate.cert), "--tls-key", str(certificate.key), tls=rsa)
    for gateway, first in ((first_is_ec, certificate), (first_is_rsa, rsa)):
        for kind, flags in RSA_ONLY.items():
            assert served_to(gateway, *flags) == bytes_of(rsa), kind
            assert served_to(gateway, *flags, "-servername", "unknown.example") == bytes_of(rsa), kind
        for kind, flags in EC_ONLY.items():
            assert served_to(gateway, *flags) == bytes_of(certificate), kind
        for version in ("-tls1_2", "-tls1_3"):
            assert served_to(gateway, version) == bytes_of(first), version
        assert served_to(gateway, "-servername", "rsa.example") == bytes_of(rsa)


def test_the_variables_hold_a_list(operator, start_gateway, certificate, pairs):
    every = [certificate, *pairs.values()]
    gateway = start_gateway("--listen-https", "127.0.0.1:0", env={
        "GATEWAY_TLS_CERT": ",".join(str(pair.cert) for pair in every),
        "GATEWAY_TLS_KEY": ",".join(str(pair.key) for pair in every)})
    gateway.https = gateway.bound("https")
    assert_served_by_name(gateway, certificate, pairs)


def test_a_path_with_a_comma_is_given_by_the_flag(start_gateway, certificate, tmp_path):
    folder = tmp_path / "keys, of, one"
    folder.mkdir()
    pair = certificates.make(folder, "pair", names=("skills.example",))
    gateway = start_gateway("--tls-cert", str(pair.cert), f"--tls-key={pair.key}", tls=True)
    assert served(gateway, "skills.example") == bytes_of(pair)
    assert served(gateway, "localhost") == bytes_of(certificate)


def test_a_key_is_missing_or_belongs_to_another(operator, certificate, pairs):
    common = ("--listen-https", "127.0.0.1:0", "--listen-admin", "127.0.0.1:0", "--tls-cert", str(certificate.cert),
              "--tls-key", str(certificate.key), "--tls-cert", str(pairs["exact"].cert))
    missing = operator.run(*common)
    assert missing.returncode == 2
    assert "not as many --tls-key as --tls-cert" in missing.stderr
    foreign = operator.run(*common, "--tls-key", str(pairs["wildcard"].key))
    assert foreign.returncode == 1
    assert str(pairs["wildcard"].key) in foreign.stderr and "does not belong" in foreign.stderr


def test_the_oldest_version_is_a_setting(start_gateway, acme):
    gateway = start_gateway("--tls-min", "1.3", tls=True)
    with gateway.connect_tls() as connection:
        assert connection.socket.version() == "TLSv1.3"
        assert connection.request("GET", WHOAMI, bearer(acme.read)).status == 200
    old = gateway.tls_context()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError, match="(?i)protocol.version"):
        Connection(gateway.https, tls=old)


@pytest.mark.parametrize("version", ["1.1", "1.4", "TLSv1.3", ""])
def test_other_versions_are_no_setting(version, operator):
    done = operator.run("--tls-min", version)
    assert done.returncode == 2
    assert "--tls-min" in done.stderr


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_first_end_is_a_metric(workers, start_gateway, certificate, tmp_path):
    late = certificates.make(tmp_path, "late", names=("late.example",), days=400)
    gateway = start_gateway("--tls-cert", str(late.cert), "--tls-key", str(late.key), "--workers", workers, tls=True)
    end = ssl.cert_time_to_seconds(ssl._ssl._test_decode_cert(str(certificate.cert))["notAfter"])
    assert gateway.metric("cert_not_after_seconds") == end


def test_an_end_that_is_near_is_said_once(start_gateway, certificate):
    gateway = start_gateway("--workers", "2", tls=True)  # that of the tests ends in two days
    gateway.process.wait_for_line(rf"warning server certificate expires soon file=\"{certificate.cert}\" not_after=20")
    gateway.stop()
    assert gateway.log().count("expires soon") == 1


def test_an_end_that_is_far_is_not_said(start_gateway, tmp_path):
    gateway = start_gateway(tls=certificates.make(tmp_path, "late", days=16))
    gateway.stop()
    assert "expire" not in gateway.log()

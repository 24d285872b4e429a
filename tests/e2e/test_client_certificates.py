# SPDX-License-Identifier: MIT
"""Certificates of clients: asked for, verified if shown, and told to the registry in a field that nobody can forge."""
import socket
import ssl

import pytest

from harness.authority import Authority, ended
from harness.http_client import Connection, bearer
from harness.waiting import PATIENCE_S, eventually

WHOAMI = "/api/v1/auth/whoami"
PUBLIC = "/api/v1/public/skills"
FIELD = "X-SkillReg-Client-Subject"
VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def mutual(start_gateway, authority, upstream):
    """A gateway that asks for certificates of `authority`."""
    return start_gateway("--client-ca", str(authority.pair.cert), tls=True, upstream=upstream.url)


def connect(gateway, pair=None, version=None):
    context = gateway.tls_context()
    if pair:
        context.load_cert_chain(pair.cert, pair.key)
    if version:
        context.minimum_version = context.maximum_version = version
    return Connection(gateway.https, tls=context)


def subject_upstream(connection, upstream, *fields):
    upstream.reset()
    assert connection.request("GET", PUBLIC, list(fields)).status == 200
    return upstream.wait_for_request().get(FIELD)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_subject_goes_to_the_registry(version, mutual, authority, upstream, acme):
    pair = authority.sign("ci")
    with connect(mutual, pair, version) as connection:
        for _ in range(2):
            assert subject_upstream(connection, upstream) == "C=NL, O=Example, CN=ci"
        upstream.reset()
        assert connection.request("GET", f"/api/v1/orgs/{acme.slug}/skills", bearer(acme.read)).status == 200
        request = upstream.wait_for_request()
        assert request.get(FIELD) == "C=NL, O=Example, CN=ci" and request.get("X-SkillReg-Org") == acme.slug


def test_it_replaces_no_token(mutual, authority):
    with connect(mutual, authority.sign("ci")) as connection:
        assert connection.request("GET", WHOAMI).status == 401


@pytest.mark.parametrize("name", [FIELD, FIELD.lower(), FIELD.replace("-", "_")])
def test_nobody_forges_it(name, mutual, authority, upstream):
    with connect(mutual) as without, connect(mutual, authority.sign("ci")) as shown:
        assert subject_upstream(without, upstream, (name, "CN=forged")) is None
        assert subject_upstream(shown, upstream, (name, "CN=forged")) == "C=NL, O=Example, CN=ci"


@pytest.mark.parametrize("subject,told", [
    ("/CN=a,b=c\\+d\"e;f", r'CN=a\,b\=c\+d\"e\;f'), ("/CN=été", r"CN=\C3\A9t\C3\A9"), ("/CN= x ", r"CN=\ x\20"),
])
def test_a_subject_is_escaped(subject, told, mutual, authority, upstream):
    with connect(mutual, authority.sign("odd", subject)) as connection:
        assert subject_upstream(connection, upstream) == told


def refusal(gateway, pair, version):
    """The error of a client whose certificate is not taken; in TLS 1.3 it learns of it when it reads."""
    with pytest.raises(ssl.SSLError) as caught, connect(gateway, pair, version) as connection:
        connection.socket.recv(1)
    return caught.value.reason


@pytest.mark.parametrize("version", VERSIONS)
def test_bad_certificates_get_the_right_alert(version, mutual, authority, tmp_path):
    foreign = Authority(tmp_path, "foreign").sign("stranger")
    assert refusal(mutual, foreign, version) == "TLSV1_ALERT_UNKNOWN_CA"
    assert refusal(mutual, authority.sign("expired", dates=ended()), version) == "SSLV3_ALERT_CERTIFICATE_EXPIRED"
    assert refusal(mutual, authority.sign("server", usage="serverAuth"), version) == "SSLV3_ALERT_BAD_CERTIFICATE"
    long = authority.sign("long", "".join(f"/OU={'x' * 60}" for _ in range(10)))
    assert refusal(mutual, long, version) == "SSLV3_ALERT_BAD_CERTIFICATE"
    eventually(lambda: mutual.metric('tls_handshakes_total{result="failed"}') == 4, "did all of them count")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_with_a_certificate_is_not_resumed(version, mutual, authority, upstream):
    """Nor is its subject lost: the client shows its certificate again."""
    context = mutual.tls_context()
    pair = authority.sign("ci")
    context.load_cert_chain(pair.cert, pair.key)
    context.minimum_version = context.maximum_version = version
    with Connection(mutual.https, tls=context) as first:
        assert subject_upstream(first, upstream) == "C=NL, O=Example, CN=ci"
        session = first.socket.session
    with socket.create_connection(mutual.https, timeout=PATIENCE_S) as plain:
        with context.wrap_socket(plain, server_hostname="localhost", session=session) as again:
            again.sendall(f"GET {PUBLIC} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            assert again.recv(65536).startswith(b"HTTP/1.1 200")
            assert not again.session_reused
    assert mutual.metric('tls_handshakes_total{result="resumed"}') == 0


def test_a_proxy_that_asks_is_not_who_asks_it(mutual, authority, acme):
    with connect(mutual, authority.sign("proxy")) as connection:
        answer = connection.request("GET", "/authz", [*bearer(acme.read), ("X-Original-Method", "GET"),
                                                      ("X-Original-URI", f"/api/v1/orgs/{acme.slug}/skills")])
        assert answer.status == 200
        assert answer.get(FIELD) == "" and answer.get("X-SkillReg-Org") == acme.slug


def test_a_wrong_file_is_named_at_start(operator, certificate):
    for path, reason in (("/nonexistent.crt", "cannot read"), (str(certificate.key), "no PEM certificate")):
        done = operator.run("--listen-https", "127.0.0.1:0", "--listen-admin", "127.0.0.1:0", "--tls-cert", str(certificate.cert),
                            "--tls-key", str(certificate.key), "--client-ca", path)
        assert done.returncode == 1
        assert path in done.stderr and reason in done.stderr

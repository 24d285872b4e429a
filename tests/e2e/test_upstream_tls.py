# SPDX-License-Identifier: MIT
"""A registry that is spoken to over TLS: it is believed only with a certificate of a known authority for the right name."""
import hashlib
import os
import socket
import ssl
import threading

import pytest

from harness import binaries, certificate as certificates
from harness.http_client import assert_error_shape, bearer, format_request
from harness.process import clean_environment, run
from harness.ports import free_port
from harness.proxies import NGINX, Proxy, find_or_skip

PUBLIC = "/api/v1/public/skills"
MIB = 1024 * 1024


def server_context(certificate, version=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert, certificate.key)
    context.set_alpn_protocols(["h2", "http/1.1"])
    context.seen = []  # (server name, protocol, version) of each connection
    context.sni_callback = lambda connection, name, _: context.seen.append(name)
    if version:
        context.minimum_version = context.maximum_version = version
    return context


@pytest.fixture
def start_pair(start_upstream, start_gateway, certificate):
    """A registry with a certificate, and a gateway that believes `authority`."""
    def start(own_certificate=certificate, authority=certificate, *flags, version=None):
        stub = start_upstream(tls=server_context(own_certificate, version))
        flags = [*flags, *(["--upstream-ca", authority.cert] if authority else [])]
        return start_gateway(*flags, upstream=stub.url), stub
    return start


BOTH_VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])


@BOTH_VERSIONS
def test_requests_go_over_tls(version, start_pair, acme):
    gateway, upstream = start_pair(version=version)
    protocols = []
    upstream.behave(lambda exchange: (protocols.append(exchange.connection.socket.selected_alpn_protocol()), exchange.reply(200)))
    body = os.urandom(300000)
    for _ in range(3):
        assert gateway.request("POST", f"/api/v1/orgs/{acme.slug}/skills", acme.write, body=body).status == 200
        assert upstream.wait_for_request().body == body
    assert upstream.wait_for_request().get("Host") == "localhost:%d" % upstream.address[1]
    assert upstream.tls.seen == ["localhost"], "one connection, which named the server"
    assert set(protocols) == {"http/1.1"}


def start_numeric(start_gateway, start_upstream, certificate):
    stub = start_upstream(tls=server_context(certificate))
    return start_gateway("--upstream-ca", certificate.cert, upstream="https://127.0.0.1:%d" % stub.address[1]), stub


def test_numeric_address_is_verified_and_is_no_server_name(start_gateway, start_upstream, certificate):
    own, stub = start_numeric(start_gateway, start_upstream, certificate)
    assert own.request("GET", PUBLIC).status == 200
    assert stub.tls.seen == [None]


@pytest.mark.parametrize("names", [("localhost",), ("*.0.0.1", "127.0.0.1")], ids=["name", "address-as-name"])
def test_numeric_address_that_the_certificate_does_not_have_is_refused(names, start_gateway, start_upstream, tmp_path):
    other = certificates.make(tmp_path, "other", names=names, addresses=("127.0.0.2",))
    own, stub = start_numeric(start_gateway, start_upstream, other)
    assert_refused(own, "its certificate does not have this address")
    assert stub.requests == []


def reply_and_close(reused):
    """Each request has a connection of its own, and whether its session was resumed is noted."""
    return lambda exchange: (reused.append(exchange.connection.socket.session_reused),
                             exchange.reply(200, [("Connection", "close")]), exchange.close())


@BOTH_VERSIONS
def test_new_connections_resume_the_session(version, start_pair):
    gateway, upstream = start_pair(version=version)
    reused = []
    upstream.behave(reply_and_close(reused))
    for _ in range(4):
        assert gateway.request("GET", PUBLIC).status == 200
    assert reused == [False, True, True, True]
    assert upstream.connections_total == 4


def test_each_address_has_a_session_of_its_own(start_pair, start_upstream, certificate):
    second, reused = start_upstream(tls=server_context(certificate)), ([], [])
    gateway, first = start_pair(certificate, certificate, "--upstream", second.url)
    for stub, noted in zip((first, second), reused):
        stub.behave(reply_and_close(noted))
    for _ in range(6):
        assert gateway.request("GET", PUBLIC).status == 200
    assert reused == ([False, True, True], [False, True, True])


def test_registry_that_speaks_another_version_by_now_gets_a_new_session(start_pair):
    """Who offers a session of TLS 1.3 offers nothing older."""
    gateway, upstream = start_pair()
    reused = []
    upstream.behave(reply_and_close(reused))
    assert gateway.request("GET", PUBLIC).status == 200
    upstream.tls.maximum_version = ssl.TLSVersion.TLSv1_2
    for _ in range(2):
        assert gateway.request("GET", PUBLIC).status == 200
    assert reused == [False, False, True]
    assert upstream.connections_total == 4, "one was in vain"
    assert gateway.metric("upstream_failures_total") == 0


def test_large_bodies_pass_both_ways(start_pair, acme):
    gateway, upstream = start_pair()
    body = os.urandom(20 * MIB)

    def echo(exchange):
        received = exchange.read_body()
        exchange.reply(200, [("X-Checksum-SHA256", hashlib.sha256(received).hexdigest())], received)
    upstream.behave(echo)
    with gateway.connect() as connection:
        connection.socket.settimeout(60)
        response = connection.request("POST", f"/api/v1/orgs/{acme.slug}/skills", bearer(acme.write), body)
    assert response.get("X-Checksum-SHA256") == hashlib.sha256(body).hexdigest()
    assert response.body == body


def test_answer_cut_without_close_notify_is_never_whole(start_pair):
    gateway, upstream = start_pair()

    def cut(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello")
        raw = socket.socket(fileno=exchange.connection.socket.detach())  # no farewell of TLS
        raw.shutdown(socket.SHUT_RDWR)
        raw.close()
        exchange.close()
    upstream.behave(cut)
    with gateway.connect() as connection:
        connection.send(format_request("GET", PUBLIC, [("Connection", "close")]))
        raw = connection.read_to_end()
    assert not raw.endswith(b"0\r\n\r\n"), raw


def assert_refused(gateway, reason, status=502):
    response = gateway.request("GET", PUBLIC)
    assert response.status == status
    assert_error_shape(response)
    gateway.process.wait_for_line(reason)


def test_certificate_for_another_name_is_refused(start_pair, tmp_path):
    other = certificates.make(tmp_path, "other", names=("registry.internal",))
    gateway, upstream = start_pair(other, other)
    assert_refused(gateway, "its certificate is for another name")
    assert upstream.requests == []


def test_certificate_of_an_unknown_authority_is_refused(start_pair, tmp_path):
    other = certificates.make(tmp_path, "other")
    gateway, upstream = start_pair(other)
    assert_refused(gateway, "its certificate is not from an authority that is known here")
    assert upstream.requests == []


def test_authorities_of_the_system_are_believed_if_no_others_are_named(start_pair):
    if not os.path.exists("/etc/ssl/certs/ca-certificates.crt"):
        pytest.skip("this system has no authorities")
    gateway, upstream = start_pair(authority=None)
    assert_refused(gateway, "its certificate is not from an authority that is known here")
    assert upstream.requests == []


def test_registry_that_speaks_no_tls(start_gateway, certificate):
    def answer(listener):
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as plain:
        own = start_gateway("--upstream-ca", certificate.cert, upstream="https://127.0.0.1:%d" % plain.getsockname()[1])
        server = threading.Thread(target=answer, args=(plain,))
        server.start()
        assert_refused(own, "the TLS handshake failed")
        server.join()


def test_handshake_has_the_deadline_of_connecting(start_gateway, certificate):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        own = start_gateway("--upstream-ca", certificate.cert, "--upstream-connect-timeout", "300ms",
                            upstream="https://127.0.0.1:%d" % silent.getsockname()[1])
        assert_refused(own, "could not connect in time", 504)


def test_nginx_as_registry(start_upstream, start_gateway, certificate, tmp_path, acme):
    """A real server: TLS, 100 Continue said by it, bodies of both framings, HEAD and 304."""
    program, port, stub = find_or_skip("nginx"), free_port(), start_upstream()
    site = f"""
        server {{
            listen 127.0.0.1:{port} ssl;
            ssl_certificate {certificate.cert};
            ssl_certificate_key {certificate.key};
            client_max_body_size 100m;
            add_header X-Connection $connection always;
            location / {{ proxy_pass {stub.url}; proxy_http_version 1.1; }}
            location = /api/v1/public/304 {{ return 304; }}
            location = /api/v1/public/204 {{ return 204; }}
        }}"""
    (tmp_path / "nginx.conf").write_text(NGINX.format(folder=tmp_path, site=site))
    nginx = Proxy([program, "-p", tmp_path, "-e", "stderr", "-c", tmp_path / "nginx.conf"], tmp_path, port, "nginx")
    try:
        own = start_gateway("--upstream-ca", certificate.cert, upstream=f"https://localhost:{port}")
        skills, body = f"/api/v1/orgs/{acme.slug}/skills", os.urandom(5 * MIB)
        with own.connect() as connection:
            connection.socket.settimeout(60)
            connection.send(format_request("POST", skills, [*bearer(acme.write), ("Expect", "100-continue"),
                                                            ("Content-Length", str(len(body)))]))
            assert connection.read_response("POST").status == 100
            connection.send(body)
            answers = [connection.read_response("POST")]
            assert answers[0].status == 200
            assert stub.wait_for_request().body == body
            answers.append(connection.request("POST", skills, [*bearer(acme.write), ("Transfer-Encoding", "chunked")],
                                              b"5\r\nhello\r\n0\r\n\r\n"))
            assert answers[-1].status == 200 and stub.wait_for_request().body == b"hello"
            for target, status in (("/api/v1/public/304", 304), ("/api/v1/public/204", 204), (PUBLIC, 200)):
                answers.append(connection.request("GET", target))
                assert answers[-1].status == status
            answers.append(connection.request("HEAD", PUBLIC))
            assert answers[-1].body == b""
            answers.append(connection.request("GET", PUBLIC, [("Connection", "upgrade"), ("Upgrade", "websocket")]))
            assert answers[-1].status == 200
        assert len({answer.get("X-Connection") for answer in answers}) == 1, "not all on one connection"
    finally:
        nginx.stop()


@pytest.mark.parametrize("content, said", [(None, "cannot read the authorities"), ("nonsense", "holds no PEM certificate")])
def test_authorities_that_cannot_be_used_are_one_clear_line(content, said, postgres, tmp_path):
    file = tmp_path / 'a" b="c.pem'
    if content:
        file.write_text(content)
    command = [binaries.find("skillreg-gateway"), "--listen-http", "127.0.0.1:0", "--listen-https", "off", "--listen-admin", "off",
               "--upstream-ca", file, "--upstream", "https://registry.internal"]
    done = run(command, cwd=tmp_path, env=clean_environment(DATABASE_URL=postgres.url))
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if " error " in line]
    assert len(lines) == 1 and str(file).replace('"', r'\"') in lines[0] and said in lines[0], done.stderr

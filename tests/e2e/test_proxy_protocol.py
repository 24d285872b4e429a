# SPDX-License-Identifier: MIT
"""--proxy-protocol: clients come through a trusted proxy that says so in front of their bytes (HARDENING 2.9), from raw headers and
from a real HAProxy configured as docs/client-address.md has it."""
import re
import socket

import pytest

from harness import proxies
from harness.gateway import Gateway
from harness.http_client import Connection, bearer, format_request
from harness.waiting import eventually

PUBLIC = "/api/v1/public/skills"
WHOAMI = "/api/v1/auth/whoami"
LINE = b"PROXY TCP4 192.0.2.1 192.0.2.2 4711 443\r\n"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
ADDRESSES = socket.inet_aton("192.0.2.1") + socket.inet_aton("192.0.2.2") + b"\x12\x34\x01\xbb"
BINARY = SIGNATURE + b"\x21\x11\x00\x0c" + ADDRESSES
WITH_TLVS = SIGNATURE + b"\x21\x11\x00\x11" + ADDRESSES + b"\x04\x00\x02xy"
V6 = SIGNATURE + b"\x21\x21\x00\x24" + socket.inet_pton(socket.AF_INET6, "2001:db9::1") * 2 + b"\x12\x34\x01\xbb"
LOCAL = SIGNATURE + b"\x20\x00\x00\x00"
UNSPECIFIED = SIGNATURE + b"\x21\x00\x00\x00"
UNSAID = [pytest.param(b"PROXY UNKNOWN\r\n", id="unknown"), pytest.param(UNSPECIFIED, id="unspecified")]
HEADERS = {"line": (LINE, "192.0.2.1"), "line of v6": (b"PROXY TCP6 2001:db9::1 ::1 1 2\r\n", "2001:db9::1"),
           "unknown": (b"PROXY UNKNOWN\r\n", "unknown"), "binary": (BINARY, "192.0.2.1"),
           "with TLVs": (WITH_TLVS, "192.0.2.1"), "binary of v6": (V6, "2001:db9::1"), "local": (LOCAL, "127.0.0.1"),
           "unspecified": (UNSPECIFIED, "unknown")}
NO_HEADERS = [b"GET /api/v1/public/a HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
              b"PROXY TCP4 192.0.2.1 192.0.2.2 4711 443\n", b"PROXY TCP4 localhost 192.0.2.2 1 2\r\n", b"PROXY " + b"x" * 200,
              SIGNATURE + b"\x21\x11\x00\x04abcd", SIGNATURE + b"\x21\x11\xff\xff", SIGNATURE + b"\x31\x11\x00\x0c" + ADDRESSES]


@pytest.fixture(scope="module")
def behind(operator, postgres, workdir, certificate, _session_upstream):
    own = Gateway(workdir, "behind-proxy-protocol", database_url=postgres.url, certificate=certificate,
                  upstream=_session_upstream.url, flags=["--access-log", "--proxy-protocol", "--trusted-proxies", "127.0.0.1,10.0.0.0/8"])
    try:
        own.wait_until_ready()
        yield own
    except BaseException:
        own.kill()
        raise
    own.stop()


def connect(address, header, tls=None):
    """What a client sends through such a proxy."""
    connection = Connection(address)
    connection.send(header)
    if tls:
        connection.socket = tls.wrap_socket(connection.socket, server_hostname="localhost")
    return connection


def logged_client(gateway, response):
    line = rf"client=(\S+) .*id={response.get('X-Request-Id')}"
    return eventually(lambda: re.search(line, gateway.log()), "was the request logged")[1]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("name", HEADERS)
def test_the_header_says_who_the_client_is(name, tls, behind, upstream):
    header, client = HEADERS[name]
    with connect(behind.https if tls else behind.http, header, behind.tls_context() if tls else None) as connection:
        for _ in range(2):
            response = connection.request("GET", PUBLIC)
            assert (response.status, logged_client(behind, response)) == (200, client)
    sent = [request.get("X-Forwarded-For") for request in upstream.requests]
    assert sent == [client] * 2


def test_the_header_may_come_in_pieces(behind):
    for header in (LINE, WITH_TLVS):
        with behind.connect() as connection:
            for byte in header:
                connection.send(bytes([byte]))
            assert logged_client(behind, connection.request("GET", PUBLIC)) == "192.0.2.1"


def test_header_and_request_may_come_together(behind):
    with behind.connect() as connection:
        connection.send(BINARY + format_request("GET", PUBLIC) + format_request("GET", PUBLIC))
        assert [logged_client(behind, connection.read_response()) for _ in range(2)] == ["192.0.2.1"] * 2


@pytest.mark.parametrize("header,client", [(LINE, "192.0.2.1"), (b"PROXY TCP4 10.0.0.1 192.0.2.2 1 2\r\n", "10.0.0.1"),
                                           (LOCAL, "127.0.0.1"), (b"PROXY UNKNOWN\r\n", "unknown"), (UNSPECIFIED, "unknown")],
                         ids=["source", "trusted source", "local", "unknown", "unspecified"])
def test_requests_change_nothing_of_what_the_header_says(header, client, behind, upstream):
    """HARDENING 2.9: what a request says of its client may be that client's word, whoever the header names."""
    said = [("X-Forwarded-For", "192.0.2.9"), ("Forwarded", "for=192.0.2.9"), ("X-Forwarded-Proto", "https"),
            ("X-Forwarded-Host", "evil.example")]
    with connect(behind.http, header) as connection:
        response = connection.request("GET", PUBLIC, [*said, ("Host", "gateway.example")])
        assert logged_client(behind, response) == client
    got = upstream.wait_for_request()
    assert [got.get(f"X-Forwarded-{name}") for name in ("For", "Proto", "Host")] == [client, "http", "gateway.example"]


@pytest.mark.parametrize("header", UNSAID)
def test_who_is_not_named_is_in_no_list(header, behind, operator, new_org):
    """HARDENING 2.9: behind it may be anybody, so it is not the proxy, which speaks for itself with LOCAL."""
    inside = operator.create_token(new_org().slug, "inside", "read", "--allow-ip", "127.0.0.1")["token"]
    with connect(behind.http, header) as connection:
        assert connection.request("GET", WHOAMI, bearer(inside)).error_code == "address_not_allowed"
    with connect(behind.http, LOCAL) as connection:
        assert connection.request("GET", WHOAMI, bearer(inside)).status == 200


def test_a_field_that_a_trusted_source_relied_on_is_told_of_once(start_gateway):
    gateway = start_gateway("--proxy-protocol", "--trusted-proxies", "127.0.0.1,10.0.0.0/8")
    for header in (LINE, *[b"PROXY TCP4 10.0.0.1 192.0.2.2 1 2\r\n"] * 2):
        with connect(gateway.http, header) as connection:
            assert connection.request("GET", WHOAMI, [("X-Forwarded-For", "192.0.2.9")]).status == 401
    gateway.stop()
    told = re.findall(r"warning server .* does not count, told of once field=(\S+) proxy=(\S+) counts=(\S+)", gateway.log())
    assert told == [("X-Forwarded-For", "10.0.0.1", "--proxy-protocol")]


@pytest.mark.parametrize("header", [b"PROXY UNKNOWN\r\n", LOCAL], ids=["unknown", "local"])
def test_a_proxy_without_a_source_waits_for_no_refusal(header, start_gateway):
    """Its connection may carry others, as one with a source does not: refusals over the budget, a hundred seconds of them if each
    came late."""
    gateway = start_gateway("--proxy-protocol", "--trusted-proxies", "127.0.0.1", "--failed-token-limit", "1")
    bad = format_request("GET", WHOAMI, bearer("nonsense"))
    with connect(gateway.http, header) as connection:
        connection.send(bad)
        assert connection.read_response().status == 401
        connection.send(bad * 100)
        assert {connection.read_response().status for _ in range(100)} == {429}


def test_a_second_header_is_no_request(behind):
    with connect(behind.http, LINE + LINE) as connection:
        assert connection.read_response().status == 501


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("sent", NO_HEADERS, ids=lambda sent: repr(sent[:24]))
def test_a_connection_without_a_header_is_closed(sent, tls, behind):
    """HARDENING 2.9: refused where PROXY is required."""
    before = behind.metric("proxy_headers_missing_total")
    with Connection(behind.https if tls else behind.http) as connection:
        connection.send(sent)
        connection.assert_closed_or_reset()
    eventually(lambda: behind.metric("proxy_headers_missing_total") == before + 1, "was it counted")


def test_who_may_not_send_a_header_is_not_listened_to(start_gateway):
    """HARDENING 2.9: from an address that is not trusted."""
    gateway = start_gateway("--proxy-protocol", "--trusted-proxies", "10.0.0.0/8", tls=True)
    for address in (gateway.http, gateway.https):
        with Connection(address) as connection:
            connection.send_ignoring_refusal(LINE + format_request("GET", PUBLIC))
            connection.assert_closed_or_reset()
    eventually(lambda: gateway.metric("connections_refused_proxy_total") == 2, "was each counted")
    assert gateway.metric("connections_refused_total") == 0  # of which the log says to raise a limit
    assert gateway.log().count("that is not in --trusted-proxies peer=127.0.0.1 times=1 todo=") == 1  # of two


def test_a_header_that_does_not_come_ends_the_connection(start_gateway):
    gateway = start_gateway("--proxy-protocol", "--trusted-proxies", "127.0.0.1", "--handshake-timeout", "300ms")
    for sent in (b"", LINE[:20]):
        with gateway.connect() as connection:
            connection.send(sent)
            connection.assert_closed()


def test_clients_that_leave_in_the_middle_leave_nothing_behind(start_gateway):
    gateway = start_gateway("--proxy-protocol", "--trusted-proxies", "127.0.0.1", tls=True)
    for address in (gateway.http, gateway.https):
        for sent in (b"", LINE[:20], LINE, BINARY[:14]):
            for leave in (Connection.reset, Connection.close):
                connection = Connection(address)
                connection.send(sent)
                leave(connection)
    gateway.stop()


def test_it_needs_to_know_whom_to_believe(operator, certificate):
    done = operator.run("--proxy-protocol", "--tls-cert", str(certificate.cert), "--tls-key", str(certificate.key))
    assert (done.returncode, done.stdout) == (2, "")
    assert "--trusted-proxies" in done.stderr and done.stderr.count("\n") == 1


# ---- a real HAProxy -------------------------------------------------------------------------------------------------

@pytest.fixture(params=["send-proxy-v2", "send-proxy"])
def haproxy(request, tmp_path, behind):
    own = proxies.start_haproxy(tmp_path, [behind], request.param)
    yield own
    own.stop()


def test_haproxy_says_who_the_client_is(haproxy, behind):
    """From 127.0.0.2, so that it is not taken for the proxy's own address."""
    with Connection(haproxy.address, tls=behind.tls_context(), source="127.0.0.2") as connection:
        response = connection.request("GET", PUBLIC)
    assert (response.status, logged_client(behind, response)) == (200, "127.0.0.2")


def test_a_client_of_haproxy_cannot_forge_its_address(haproxy, behind):
    """HARDENING 2.9: a header of its own is the first thing of its TLS, which it is not."""
    with Connection(haproxy.address) as connection:
        connection.send(LINE)
        assert b"HTTP/1.1 200" not in connection.read_to_end()

# SPDX-License-Identifier: MIT
"""What goes to the registry and what comes back (HARDENING 1.5, 1.12, 2.1, 2.4): the real gateway between a client that counts
bytes and a registry that does as it is told. Large bodies are in test_forwarding_streams.py, faults in test_registry_faults.py."""
import os
import re

import pytest

from harness.http_client import assert_error_shape, bearer, format_request
from harness.ports import free_port
from harness.upstream import answer_and_close

SEARCH = "/api/v1/search?q=x"
PUBLIC = "/api/v1/public/skills"
MIB = 1024 * 1024


# ---- the request ------------------------------------------------------------------------------------------------

def test_request_arrives_as_composed(gateway, upstream, acme):
    response = gateway.request("GET", acme.skills + "/a%2Fb/versions?q=%20+x&empty=&y", acme.read, fields=[
        ("Host", "gateway.example:8443"), ("X-Client-Type", "cli"), ("X-Accept-Version-Change", "1"),
        ("Cookie", "a=b"), ("User-Agent", "test")])
    assert response.status == 200
    request = upstream.wait_for_request()
    assert (request.method, request.version) == ("GET", "HTTP/1.1")
    assert request.target == acme.skills + "/a%2Fb/versions?q=%20+x&empty=&y"
    assert request.get("Host") == "%s:%d" % upstream.address
    assert request.get("X-SkillReg-Org") == acme.slug
    assert re.fullmatch("cl[a-z0-9]{7,}", request.get("X-SkillReg-Token-Id"))
    assert request.get("X-SkillReg-Scopes") == "read"
    assert request.get("X-Forwarded-For") == "127.0.0.1"
    assert request.get("X-Forwarded-Proto") == "http"
    assert request.get("X-Forwarded-Host") == "gateway.example:8443"
    assert request.get("X-Request-Id") == response.get("X-Request-Id")
    assert request.get("Via") == "1.1 skillreg-gateway"
    assert (request.get("X-Client-Type"), request.get("X-Accept-Version-Change")) == ("cli", "1")
    assert (request.get("Cookie"), request.get("User-Agent")) == ("a=b", "test")
    assert request.get("Authorization") is None
    assert acme.read.encode() not in request.raw_head


def test_request_over_tls_says_so(gateway, upstream, acme):
    with gateway.connect_tls() as connection:
        assert connection.request("GET", acme.skills, bearer(acme.read)).status == 200
    assert upstream.wait_for_request().get("X-Forwarded-Proto") == "https"


def test_open_route_has_no_identity(gateway, upstream):
    assert gateway.request("GET", PUBLIC, fields=[("X-SkillReg-Org", "acme")]).status == 200
    names = upstream.wait_for_request().names()
    assert not [name for name in names if name.startswith("x-skillreg-")]
    assert "x-request-id" in names


def test_token_of_an_optional_route_is_identity(gateway, upstream, acme):
    assert gateway.request("GET", SEARCH, acme.write).status == 200
    assert upstream.wait_for_request().get("X-SkillReg-Org") == acme.slug


@pytest.mark.parametrize("name", [
    "X-SkillReg-Org", "x-skillreg-org", "X_SkillReg_Org", "X.SkillReg.Org", "X-SkillReg_Org", "X-SkillReg-Scopes",
    "X-SkillReg-Token-Id", "X-SkillReg-Anything", "X-Request-Id", "X-Forwarded-For", "X_Forwarded_For", "X-Forwarded-Proto",
    "X-Forwarded-Host", "X-Forwarded-Port", "Forwarded", "X-Real-IP", "X-HTTP-Method-Override", "X-HTTP-Method",
    "X-Method-Override", "X-Original-URL", "X-Rewrite-URL", "Proxy-Authorization", "Proxy-Connection", "Keep-Alive", "TE", "Trailer",
    "Upgrade", "Transfer_Encoding", "Content_Length"])
def test_field_of_the_client_does_not_pass(name, gateway, upstream, acme):
    response = gateway.request("GET", acme.skills, acme.read, fields=[(name, "forged"), (name, "forged")])
    assert response.status == 200
    request = upstream.wait_for_request()
    assert b"forged" not in request.raw_head
    for own in ("X-SkillReg-Org", "X-SkillReg-Token-Id", "X-SkillReg-Scopes", "X-Request-Id", "X-Forwarded-For"):
        assert request.get(own), f"{own} is ours and there once"


@pytest.mark.parametrize("options", ["X-SkillReg-Org", "close, x-skillreg-scopes", "X_SkillReg_Org", "Authorization", "Content-Length",
                                     "Transfer-Encoding", "Host", "X-Forwarded-For", "X-Request-Id"])
def test_connection_that_names_a_protected_field_is_refused(options, gateway, upstream, acme):
    response = gateway.request("GET", acme.skills, acme.read, fields=[("Connection", options)])
    assert response.status == 400
    assert_error_shape(response)
    assert upstream.requests == []


def test_fields_that_connection_names_stop_here(gateway, upstream, acme):
    assert gateway.request("GET", acme.skills, acme.read, fields=[
        ("Connection", "keep-alive, X-Hop"), ("X-Hop", "1"), ("X-End", "2")]).status == 200
    request = upstream.wait_for_request()
    assert (request.get("X-Hop"), request.get("Connection"), request.get("X-End")) == (None, None, "2")


def test_gateway_adds_itself_to_via(gateway, upstream):
    assert gateway.request("GET", PUBLIC, fields=[("Via", "1.0 fred, 1.1 skillreg-gateway (ours)"), ("Via", "1.1 x")]).status == 200
    assert upstream.wait_for_request().all("Via") == ["1.0 fred, 1.1 skillreg-gateway (ours)", "1.1 x", "1.1 skillreg-gateway"]


def test_gateway_that_is_its_own_registry_ends_the_loop(start_gateway):
    """RFC 9110 section 7.6.3. An open route needs no token, so nothing else would end it."""
    port = free_port()
    own = start_gateway("--listen-http", f"127.0.0.1:{port}", upstream=f"http://127.0.0.1:{port}")
    response = own.request("GET", PUBLIC)
    assert (response.status, response.error_code) == (508, "loop_detected")
    assert_error_shape(response)
    assert own.metric("upstream_requests_total") == 4


def test_authorization_is_forwarded_when_asked(start_gateway, start_upstream, acme):
    stub = start_upstream()
    own = start_gateway("--forward-authorization", upstream=stub.url)
    assert own.request("GET", acme.skills, acme.read).status == 200
    assert stub.wait_for_request().get("Authorization") == f"Bearer {acme.read}"


def test_without_a_registry(start_gateway, acme):
    own = start_gateway()
    response = own.request("GET", acme.skills, acme.read)
    assert (response.status, response.error_code) == (503, "no_upstream")
    assert_error_shape(response)
    assert own.request("GET", acme.skills).status == 401, "the decision comes first"


# ---- bodies towards the registry --------------------------------------------------------------------------------

def test_body_with_a_length(gateway, upstream, acme):
    assert gateway.request("POST", acme.skills, acme.write, body=b"x" * 100000).status == 200
    request = upstream.wait_for_request()
    assert request.body == b"x" * 100000
    assert (request.get("Content-Length"), request.get("Transfer-Encoding")) == ("100000", None)


def test_chunked_body_stays_chunked_and_loses_its_trailers(gateway, upstream, acme):
    assert gateway.request("POST", acme.skills, acme.write, fields=[("Transfer-Encoding", "chunked")],
                           body=b"5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nX-SkillReg-Org: evil\r\n\r\n").status == 200
    request = upstream.wait_for_request()
    assert (request.body, request.trailers) == (b"hello world", [])
    assert (request.get("Content-Length"), request.get("Transfer-Encoding")) == (None, "chunked")


def test_body_of_a_delete_is_forwarded(gateway, upstream, acme):
    assert gateway.request("DELETE", acme.skills + "/a", acme.admin, body=b"why").status == 200
    assert upstream.wait_for_request().body == b"why"


def expecting(acme, length=5):
    return format_request("POST", acme.skills, [
        *bearer(acme.write), ("Expect", "100-continue"), ("Content-Length", str(length))])


def test_100_continue_comes_from_the_registry(gateway, upstream, acme):
    with gateway.connect() as connection:
        connection.send(expecting(acme))
        assert connection.read_response("POST").status == 100
        connection.send(b"hello")
        assert connection.read_response("POST").status == 200
    request = upstream.wait_for_request()
    assert (request.body, request.get("Expect")) == (b"hello", "100-continue")


def test_100_continue_comes_from_the_gateway_when_the_registry_is_silent(gateway, upstream, acme):
    """It reads the body, and says nothing before."""
    def behave(exchange):
        exchange.request.fields = [field for field in exchange.request.fields if field[0] != "Expect"]
        exchange.reply(200)

    upstream.behave(behave)
    with gateway.connect() as connection:
        connection.send(expecting(acme))
        assert connection.read_response("POST").status == 100
        connection.send(b"hello")
        assert connection.read_response("POST").status == 200
    assert upstream.wait_for_request().body == b"hello"


@pytest.mark.parametrize("version, interim", [("1.1", [102, 103]), ("1.0", [])])
def test_interim_answers_pass_to_who_knows_them(version, interim, gateway, upstream, acme):
    def behave(exchange):
        exchange.send(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\nX-Request-Id: x\r\n\r\n")
        exchange.send(b"HTTP/1.1 104 Whatever\r\nContent-Length: 3\r\n\r\n")
        exchange.reply(200, body=b"done")

    upstream.behave(behave)
    with gateway.connect() as connection:
        connection.send(format_request("GET", acme.skills, bearer(acme.read)).replace(b"HTTP/1.1", f"HTTP/{version}".encode(), 1))
        responses = [connection.read_response() for _ in interim]
        assert [response.status for response in responses] == interim
        if interim:
            assert responses[-1].fields == [("Link", "</style.css>")]
        assert connection.read_response().body == b"done"


def test_refusal_of_the_registry_comes_instead_of_100(gateway, upstream, acme):
    upstream.behave(lambda exchange: (exchange.reply(409, body=b"is there already", read_body=False), exchange.close()))
    with gateway.connect() as connection:
        connection.send(expecting(acme, 50_000_000))
        response = connection.read_response("POST")
        assert (response.status, response.body) == (409, b"is there already")
        assert response.says_close
        connection.assert_closed()
    assert upstream.requests[0].body == b""


def test_body_sent_without_waiting_for_100_arrives(gateway, upstream, acme):
    """A registry that knows nothing of Expect, and a client that gave up waiting."""
    def answer(exchange):
        exchange.request.body = exchange.connection.take(5)
        exchange.request.is_complete = True
        exchange.reply(200, read_body=False)

    upstream.behave(answer)
    with gateway.connect() as connection:
        connection.send(expecting(acme))
        upstream.wait_until(lambda own: own.requests, "the head")
        connection.send(b"hello")
        assert connection.read_response("POST").status == 200
    assert upstream.wait_for_request().body == b"hello"


def test_no_100_continue_without_a_registry(start_gateway, start_upstream, acme):
    stub = start_upstream()
    own = start_gateway(upstream=stub.url)
    stub.stop()
    with own.connect() as connection:
        connection.send(format_request("POST", acme.skills, [
            *bearer(acme.write), ("Expect", "100-continue"), ("Content-Length", "5")]))
        assert connection.read_response("POST").status == 502


@pytest.mark.parametrize("sent, passed", [("3", "2"), ("1", "0"), ("010", "9")])
def test_options_is_forwarded_with_one_hop_less(sent, passed, gateway, upstream, acme):
    assert gateway.request("OPTIONS", acme.skills, acme.admin, fields=[("Max-Forwards", sent)]).status == 200
    assert upstream.wait_for_request().get("Max-Forwards") == passed


def test_options_without_a_hop_left_is_answered_here(gateway, upstream, acme):
    response = gateway.request("OPTIONS", acme.skills, acme.admin, fields=[("Max-Forwards", "0")])
    assert (response.status, response.body) == (204, b"")
    assert "OPTIONS" in response.get("Allow").split(", ")
    assert gateway.request("OPTIONS", acme.skills, fields=[("Max-Forwards", "0")]).status == 401, "it is decided on as ever"
    for fields in [[("Max-Forwards", "x")], [("Max-Forwards", "1")] * 2]:
        assert gateway.request("OPTIONS", acme.skills, acme.admin, fields=fields).status == 400
    assert gateway.request("TRACE", acme.skills, acme.admin, fields=[("Max-Forwards", "0")]).status in (405, 501)
    assert not upstream.requests
    assert gateway.request("GET", acme.skills, acme.read, fields=[("Max-Forwards", "0")]).status == 200, "it is for OPTIONS"
    assert upstream.wait_for_request().get("Max-Forwards") == "0"


def test_broken_chunk_aborts_the_upstream_request(gateway, upstream, acme):
    with gateway.connect() as connection:
        connection.send(format_request("POST", acme.skills, [*bearer(acme.write), ("Transfer-Encoding", "chunked")],
                                       b"5\r\nhello\r\n"))
        upstream.wait_until(lambda own: own.requests and own.requests[-1].body == b"hello", "the first chunk")
        connection.send(b"zz\r\n")
        assert connection.read_response("POST").status == 400
        connection.assert_closed()
    upstream.wait_until(lambda own: own.requests[-1].is_aborted, "an aborted request")
    assert not [request for request in upstream.requests if request.is_complete]


def test_body_told_over_100_mib_is_refused_before_it_is_read(gateway, upstream, acme):
    with gateway.connect() as connection:
        connection.send(format_request("POST", acme.skills, [
            *bearer(acme.write), ("Expect", "100-continue"), ("Content-Length", str(100 * MIB + 1))]))
        response = connection.read_response("POST")
        assert (response.status, response.error_code) == (413, "body_too_large")
        assert_error_shape(response)
    assert upstream.requests == []


def test_chunked_body_over_100_mib_is_refused_and_aborted(gateway, upstream, acme):
    def swallow(exchange):
        while True:
            exchange.connection.take_some(MIB)

    upstream.behave(swallow)
    with gateway.connect() as connection:
        connection.send(format_request("POST", acme.skills, [*bearer(acme.write), ("Transfer-Encoding", "chunked")]))
        chunk = b"100000\r\n" + b"x" * MIB + b"\r\n"
        for _ in range(101):
            connection.send_ignoring_refusal(chunk)
        response = connection.read_response("POST")
        assert (response.status, response.error_code) == (413, "body_too_large")
    upstream.wait_until(lambda own: own.requests[-1].is_aborted, "the end of the upload")


# ---- the response -----------------------------------------------------------------------------------------------

def test_response_passes_byte_for_byte(gateway, upstream, acme):
    body = os.urandom(100000)
    upstream.behave(lambda exchange: exchange.reply(200, [
        ("X-Checksum-SHA256", "AbC"), ("x-skill-version", "1.2.3"), ("X-Validation-Level", "full"), ("ETag", '"e"'),
        ("Server", "registry"), ("Date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("Set-Cookie", "a=b"), ("Set-Cookie", "c=d"),
        ("X-Request-Id", "theirs"), ("Keep-Alive", "timeout=5"), ("Content-Type", "application/gzip")], body))
    response = gateway.request("GET", acme.skills, acme.read, fields=[("Accept-Encoding", "gzip, br")])
    assert response.body == body
    assert response.get("X-Checksum-SHA256") == "AbC"
    assert (response.get("x-skill-version"), response.get("X-Validation-Level")) == ("1.2.3", "full")
    assert (response.get("Server"), response.get("Date")) == ("registry", "Sun, 06 Nov 1994 08:49:37 GMT")
    assert response.all("Set-Cookie") == ["a=b", "c=d"]
    assert re.fullmatch("[0-9a-f]{32}", response.get("X-Request-Id"))
    assert response.get("Content-Length") == "100000"
    for name in ("Keep-Alive", "Content-Encoding", "Transfer-Encoding"):
        assert response.get(name) is None


@pytest.mark.parametrize("status", [200, 201, 206, 301, 302, 307, 308, 400, 401, 402, 404, 409, 410, 418, 422, 429, 500, 502, 503, 599])
def test_status_of_the_registry_passes(status, gateway, upstream, acme):
    upstream.behave(lambda exchange: exchange.reply(status, [("Location", "/elsewhere")], b"theirs"))
    response = gateway.request("GET", acme.skills, acme.read)
    assert (response.status, response.body, response.get("Location")) == (status, b"theirs", "/elsewhere")
    assert len(upstream.requests) == 1, "nothing is followed"


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nETag: e\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 1234\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
], ids=["204", "304", "304-length", "empty", "interim"])
def test_response_without_body_leaves_the_connection_usable(answer, gateway, upstream, acme):
    with gateway.connect() as connection:
        for _ in range(3):
            upstream.behave(lambda exchange: exchange.send(answer))
            response = connection.request("GET", acme.skills, bearer(acme.read))
            assert response.status == int(answer.split(b"HTTP/1.1 ")[-1][:3])
            assert not response.says_close


def test_head_has_the_length_and_no_body(gateway, upstream, acme):
    upstream.behave(lambda exchange: exchange.reply(200, body=b"x" * 5000))
    with gateway.connect() as connection:
        for _ in range(3):
            response = connection.request("HEAD", acme.skills, bearer(acme.read))
            assert (response.status, response.get("Content-Length"), response.body) == (200, "5000", b"")
    assert upstream.requests[-1].method == "HEAD"


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=\"y\"\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n"
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello world"


@pytest.mark.parametrize("answer", [CHUNKED, UNTIL_CLOSE], ids=["chunked", "until-close"])
def test_response_of_unknown_length(answer, gateway, upstream, acme):
    upstream.behave(answer_and_close(answer))
    with gateway.connect() as connection:
        response = connection.request("GET", acme.skills, bearer(acme.read))
        assert (response.body, response.get("Transfer-Encoding")) == (b"hello world", "chunked")
        assert connection.request("GET", "/api/v1/nowhere").status == 404, "the connection goes on"
    with gateway.connect() as connection:
        connection.send(b"GET " + acme.skills.encode() + b" HTTP/1.0\r\nAuthorization: Bearer " + acme.read.encode() + b"\r\n\r\n")
        response = connection.read_response()
        assert (response.body, response.get("Transfer-Encoding")) == (b"hello world", None)

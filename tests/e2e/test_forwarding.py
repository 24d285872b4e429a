# SPDX-License-Identifier: MIT
"""What goes to the registry and what comes back (HARDENING 1.14, 2.1, 2.4, 3.5, 3.6): the real gateway between a client that
counts bytes and a registry that does as it is told."""
import contextlib
import hashlib
import os
import re
import socket
import threading

import pytest

from harness.http_client import assert_error_shape, bearer, format_request
from harness.ports import free_port
from harness.waiting import PATIENCE_S, eventually

SEARCH = "/api/v1/search?q=x"
PUBLIC = "/api/v1/public/skills"
MIB = 1024 * 1024


def skills(organisation):
    return f"/api/v1/orgs/{organisation.slug}/skills"


@pytest.fixture
def hasty(start_gateway, start_upstream):
    """A gateway of the test's own that waits a second for its registry, and that registry."""
    stub = start_upstream()
    return start_gateway("--upstream-timeout", "1s", upstream=stub.url), stub


def assert_alive(gateway, upstream, acme):
    """The next request on a fresh connection gets its own answer, whatever happened before."""
    upstream.behave(lambda exchange: exchange.reply(200, body=b"good"))
    with gateway.connect() as connection:
        response = connection.request("GET", skills(acme), bearer(acme.read))
    assert (response.status, response.body) == (200, b"good")


# ---- the request ------------------------------------------------------------------------------------------------

def test_request_arrives_as_composed(gateway, upstream, acme):
    response = gateway.request("GET", skills(acme) + "/a%2Fb/versions?q=%20+x&empty=&y", acme.read, fields=[
        ("Host", "gateway.example:8443"), ("X-Client-Type", "cli"), ("X-Accept-Version-Change", "1"),
        ("Cookie", "a=b"), ("User-Agent", "test")])
    assert response.status == 200
    request = upstream.wait_for_request()
    assert (request.method, request.version) == ("GET", "HTTP/1.1")
    assert request.target == skills(acme) + "/a%2Fb/versions?q=%20+x&empty=&y"
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
        assert connection.request("GET", skills(acme), bearer(acme.read)).status == 200
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
    response = gateway.request("GET", skills(acme), acme.read, fields=[(name, "forged"), (name, "forged")])
    assert response.status == 200
    request = upstream.wait_for_request()
    assert b"forged" not in request.raw_head
    for own in ("X-SkillReg-Org", "X-SkillReg-Token-Id", "X-SkillReg-Scopes", "X-Request-Id", "X-Forwarded-For"):
        assert request.get(own), f"{own} is ours and there once"


@pytest.mark.parametrize("options", ["X-SkillReg-Org", "close, x-skillreg-scopes", "X_SkillReg_Org", "Authorization", "Content-Length",
                                     "Transfer-Encoding", "Host", "X-Forwarded-For", "X-Request-Id"])
def test_connection_that_names_a_protected_field_is_refused(options, gateway, upstream, acme):
    response = gateway.request("GET", skills(acme), acme.read, fields=[("Connection", options)])
    assert response.status == 400
    assert_error_shape(response)
    assert upstream.requests == []


def test_fields_that_connection_names_stop_here(gateway, upstream, acme):
    assert gateway.request("GET", skills(acme), acme.read, fields=[
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
    assert own.request("GET", skills(acme), acme.read).status == 200
    assert stub.wait_for_request().get("Authorization") == f"Bearer {acme.read}"


def test_without_a_registry(start_gateway, acme):
    own = start_gateway()
    response = own.request("GET", skills(acme), acme.read)
    assert (response.status, response.error_code) == (503, "no_upstream")
    assert_error_shape(response)
    assert own.request("GET", skills(acme)).status == 401, "the decision comes first"


# ---- bodies towards the registry --------------------------------------------------------------------------------

def test_body_with_a_length(gateway, upstream, acme):
    assert gateway.request("POST", skills(acme), acme.write, body=b"x" * 100000).status == 200
    request = upstream.wait_for_request()
    assert request.body == b"x" * 100000
    assert (request.get("Content-Length"), request.get("Transfer-Encoding")) == ("100000", None)


def test_chunked_body_stays_chunked_and_loses_its_trailers(gateway, upstream, acme):
    assert gateway.request("POST", skills(acme), acme.write, fields=[("Transfer-Encoding", "chunked")],
                           body=b"5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nX-SkillReg-Org: evil\r\n\r\n").status == 200
    request = upstream.wait_for_request()
    assert (request.body, request.trailers) == (b"hello world", [])
    assert (request.get("Content-Length"), request.get("Transfer-Encoding")) == (None, "chunked")


def test_body_of_a_delete_is_forwarded(gateway, upstream, acme):
    assert gateway.request("DELETE", skills(acme) + "/a", acme.admin, body=b"why").status == 200
    assert upstream.wait_for_request().body == b"why"


def expecting(acme, length=5):
    return format_request("POST", skills(acme), [
        *bearer(acme.write), ("Expect", "100-continue"), ("Content-Length", str(length))])


def test_100_continue_comes_from_the_registry(gateway, upstream, acme):
    go_on = threading.Event()
    upstream.behave(lambda exchange: (go_on.wait(PATIENCE_S), exchange.reply(200)))
    with gateway.connect() as connection:
        connection.send(expecting(acme))
        upstream.wait_until(lambda own: own.requests, "the head")
        assert not connection.is_readable(), "100 before the registry said so"
        go_on.set()
        assert connection.read_response("POST").status == 100
        connection.send(b"hello")
        assert connection.read_response("POST").status == 200
    request = upstream.wait_for_request()
    assert (request.body, request.get("Expect")) == (b"hello", "100-continue")


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
        connection.send(format_request("POST", skills(acme), [
            *bearer(acme.write), ("Expect", "100-continue"), ("Content-Length", "5")]))
        assert connection.read_response("POST").status == 502


def test_broken_chunk_aborts_the_upstream_request(gateway, upstream, acme):
    with gateway.connect() as connection:
        connection.send(format_request("POST", skills(acme), [*bearer(acme.write), ("Transfer-Encoding", "chunked")],
                                       b"5\r\nhello\r\nzz\r\n"))
        assert connection.read_response("POST").status == 400
        connection.assert_closed()
    upstream.wait_until(lambda own: not own.requests or own.requests[-1].is_aborted, "an aborted request")
    assert not [request for request in upstream.requests if request.is_complete]


def hash_upload(exchange):
    """Takes a body with a length as it comes, without keeping it."""
    digest, left = hashlib.sha256(), int(exchange.request.get("Content-Length"))
    while left:
        piece = exchange.connection.take_some(left)
        digest.update(piece)
        left -= len(piece)
    exchange.request.is_complete = True
    exchange.reply(200, body=digest.hexdigest().encode(), read_body=False)


def resident_peak_kib(gateway):
    text = open(f"/proc/{gateway.pid}/status", encoding="ascii").read()
    return int(re.search(r"VmHWM:\s+(\d+) kB", text)[1])


@pytest.fixture
def frugal(start_gateway, start_upstream):
    """A gateway whose memory can be measured, also when a sanitizer holds back what was freed; and its registry."""
    stub = start_upstream()
    own = start_gateway("--body-timeout", "1h", "--upstream-timeout", "1h", upstream=stub.url, tls=True,
                        env={"ASAN_OPTIONS": "detect_leaks=1:quarantine_size_mb=1"})
    return own, stub


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_upload_of_50_mb_is_streamed(secure, frugal, acme):
    gateway, upstream = frugal
    upstream.behave(hash_upload)
    body = os.urandom(MIB) * 50
    with gateway.connect_tls() if secure else gateway.connect() as connection:
        assert connection.request("POST", skills(acme), bearer(acme.write), body[:MIB]).status == 200
        before = resident_peak_kib(gateway)
        response = connection.request("POST", skills(acme), bearer(acme.write), body)
    assert response.body.decode() == hashlib.sha256(body).hexdigest()
    assert resident_peak_kib(gateway) - before < 16 * 1024


def test_upload_waits_for_a_slow_registry(frugal, acme):
    """The registry stops reading: so does the gateway, and the client is held, not the memory of the gateway filled."""
    gateway, upstream = frugal
    go_on = threading.Event()

    def stall(exchange):
        go_on.wait(PATIENCE_S)
        hash_upload(exchange)

    upstream.behave(stall)
    body = os.urandom(MIB) * 50
    sent = threading.Event()
    with gateway.connect() as connection:
        before = resident_peak_kib(gateway)

        def send():
            connection.send(format_request("POST", skills(acme), bearer(acme.write), body))
            sent.set()

        sender = threading.Thread(target=send)
        sender.start()
        upstream.wait_until(lambda own: own.requests, "the head")
        assert not sent.wait(1), "50 MB went somewhere"
        assert resident_peak_kib(gateway) - before < 16 * 1024
        go_on.set()
        assert connection.read_response("POST").body.decode() == hashlib.sha256(body).hexdigest()
        sender.join()


def test_body_told_over_100_mib_is_refused_before_it_is_read(gateway, upstream, acme):
    with gateway.connect() as connection:
        connection.send(format_request("POST", skills(acme), [
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
        connection.send(format_request("POST", skills(acme), [*bearer(acme.write), ("Transfer-Encoding", "chunked")]))
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
    response = gateway.request("GET", skills(acme), acme.read, fields=[("Accept-Encoding", "gzip, br")])
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
    response = gateway.request("GET", skills(acme), acme.read)
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
            response = connection.request("GET", skills(acme), bearer(acme.read))
            assert response.status == int(answer.split(b"HTTP/1.1 ")[-1][:3])
            assert not response.says_close


def test_head_has_the_length_and_no_body(gateway, upstream, acme):
    upstream.behave(lambda exchange: exchange.reply(200, body=b"x" * 5000))
    with gateway.connect() as connection:
        for _ in range(3):
            response = connection.request("HEAD", skills(acme), bearer(acme.read))
            assert (response.status, response.get("Content-Length"), response.body) == (200, "5000", b"")
    assert upstream.requests[-1].method == "HEAD"


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=\"y\"\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n"
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello world"


def answer_and_close(data):
    def behave(exchange):
        exchange.send(data)
        exchange.close()
    return behave


@pytest.mark.parametrize("answer", [CHUNKED, UNTIL_CLOSE], ids=["chunked", "until-close"])
def test_response_of_unknown_length(answer, gateway, upstream, acme):
    upstream.behave(answer_and_close(answer))
    with gateway.connect() as connection:
        response = connection.request("GET", skills(acme), bearer(acme.read))
        assert (response.body, response.get("Transfer-Encoding")) == (b"hello world", "chunked")
        assert connection.request("GET", "/api/v1/nowhere").status == 404, "the connection goes on"
    with gateway.connect() as connection:
        connection.send(b"GET " + skills(acme).encode() + b" HTTP/1.0\r\nAuthorization: Bearer " + acme.read.encode() + b"\r\n\r\n")
        response = connection.read_response()
        assert (response.body, response.get("Transfer-Encoding")) == (b"hello world", None)


@pytest.mark.parametrize("connect", ["connect", "connect_tls"])
def test_end_of_a_last_answer_waits_for_a_slow_client(start_gateway, upstream, connect):
    """Clients that take nothing for longer than a connection lingers still get all of an answer that ends the connection,
    wherever its end waits: in the kernel, in a write, or behind one. The sizes are such that some of each are met."""
    gateway, given = start_gateway("--body-timeout", "1h", tls=True, upstream=upstream.url), []

    def give(exchange):
        exchange.reply(200, body=b"x" * int(exchange.request.target.rsplit("/")[-1]))
        given.append(exchange)

    upstream.behave(give)
    sizes = range(1 * MIB, 6 * MIB, MIB // 8)
    connections = [getattr(gateway, connect)() for _ in sizes]
    for size, connection in zip(sizes, connections):
        connection.send(format_request("GET", f"{PUBLIC}/{size}", [("Connection", "close")]))
    upstream.wait_until(lambda own: len(own.requests) == len(sizes), "all requests")
    wait_until_steady(lambda: len(given))
    with gateway.connect() as taken:
        assert taken.request("GET", "/api/v1/nowhere", [("Connection", "close")]).status == 404
        with pytest.raises(ConnectionError):  # once the gateway has let go of it, which lingers from later on than the others
            eventually(lambda: taken.send(b"."), "was the gateway done with lingering")
    for size, connection in zip(sizes, connections):
        with connection:
            assert len(connection.read_response().body) == size


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_download_of_100_mib_is_streamed_at_the_pace_of_the_client(secure, frugal, acme):
    gateway, upstream = frugal
    block = os.urandom(MIB)
    progress = []

    def download(exchange):
        exchange.read_body()
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (100 * MIB))
        for _ in range(100):
            exchange.send(block)
            progress.append(MIB)

    upstream.behave(download)
    before = resident_peak_kib(gateway)
    with gateway.connect_tls() if secure else gateway.connect() as connection:
        connection.send(format_request("GET", skills(acme), bearer(acme.read)))
        eventually(lambda: progress, "did the download begin")
        steady = threading.Event()
        while not steady.wait(0.5):  # nobody reads: the registry must come to a stop
            seen = len(progress)
            steady.wait(0.5)
            if len(progress) == seen:
                steady.set()
        assert len(progress) < 100, "100 MiB went somewhere"
        assert resident_peak_kib(gateway) - before < 16 * 1024
        digest, left = hashlib.sha256(), 100 * MIB
        connection.fill()
        while b"\r\n\r\n" not in connection.buffer:
            connection.fill()
        piece = connection.buffer.split(b"\r\n\r\n", 1)[1]
        while True:
            digest.update(piece)
            left -= len(piece)
            if left == 0:
                break
            connection.buffer = b""
            assert connection.fill()
            piece = connection.buffer
    assert digest.hexdigest() == hashlib.sha256(block * 100).hexdigest()
    assert resident_peak_kib(gateway) - before < 16 * 1024


STALLED = 50
FORWARD_MEMORY_KIB = 1024  # GW_FORWARD_MEMORY_BYTES_MAX


class Stalled:
    """One client in a thread, that sends an upload or asks for a download and takes nothing."""

    def __init__(self, gateway, secure, request, body=b""):
        self.connection = gateway.connect_tls() if secure else gateway.connect()
        self.connection.socket.settimeout(60)
        self.sent = 0
        self.thread = threading.Thread(target=self._send, args=(request, body))
        self.thread.start()

    def _send(self, request, body):
        try:
            self.connection.send(request)
            for at in range(0, len(body), MIB // 16):
                self.connection.send(body[at:at + MIB // 16])
                self.sent += MIB // 16
        except OSError:
            pass  # reset at the end of the test

    def end(self):
        with contextlib.suppress(OSError):
            self.connection.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.connection.close()


def wait_until_steady(progress):
    """Until the number is above 0 and has not changed for a while: whoever can be held is held."""
    pause, seen = threading.Event(), None
    while not seen or progress() != seen:
        seen = progress()
        pause.wait(1)


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("way", ["uploads", "downloads"])
def test_stalled_bodies_hold_bounded_memory(way, secure, frugal, acme):
    """HARDENING 4.6: uploads that nobody reads, downloads that nobody takes."""
    gateway, upstream = frugal
    go_on, given = threading.Event(), []

    def stall(exchange):
        exchange.keep_alive = False
        if way == "uploads":
            go_on.wait(PATIENCE_S)
            return
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (20 * MIB))
        for _ in range(20 * 16):
            exchange.send(bytes(MIB // 16))
            given.append(MIB // 16)

    body = bytes(20 * MIB) if way == "uploads" else b""
    request = format_request("POST", skills(acme), [*bearer(acme.write), ("Content-Length", str(len(body)))])
    assert gateway.request("GET", skills(acme), acme.read).status == 200
    upstream.behave(stall)
    before = resident_peak_kib(gateway)
    clients = [Stalled(gateway, secure, request, body) for _ in range(STALLED)]
    try:
        upstream.wait_until(lambda own: len(own.requests) >= STALLED + 1, "all requests")
        wait_until_steady(lambda: sum(given) + sum(client.sent for client in clients))
        assert len(upstream.requests) == STALLED + 1
        assert sum(given) + sum(client.sent for client in clients) < STALLED * 20 * MIB, "they went somewhere"
        assert resident_peak_kib(gateway) - before < STALLED * FORWARD_MEMORY_KIB
    finally:
        go_on.set()
        for client in clients:
            client.end()


# ---- the pool ---------------------------------------------------------------------------------------------------

def test_connections_to_the_registry_are_kept(start_gateway, start_upstream, acme):
    stub = start_upstream()
    own = start_gateway(upstream=stub.url)
    for _ in range(50):
        assert own.request("GET", skills(acme), acme.read).status == 200
    assert stub.connections_total == 1
    assert own.metric("upstream_connects_total") == 1


def test_connection_that_the_registry_closed_is_not_used_again(gateway, upstream, acme):
    for _ in range(5):
        assert gateway.request("GET", skills(acme), acme.read).status == 200
        upstream.close_connections()
        assert gateway.request("GET", skills(acme), acme.read).status == 200


def reset_on_second(method_of_second, seen):
    """Resets the connection on its second request, without a byte of answer, as a server that times out does."""
    def behave(exchange):
        seen.append(exchange.connection)
        if seen.count(exchange.connection) == 2:
            exchange.reset()
        else:
            exchange.reply(200, body=method_of_second.encode())
    return behave


@pytest.mark.parametrize("method, tries", [("GET", 2), ("HEAD", 2), ("DELETE", 2), ("POST", 1)])
def test_request_that_met_a_dying_connection(method, tries, start_gateway, start_upstream, acme):
    stub, seen = start_upstream(), []
    own = start_gateway(upstream=stub.url)
    stub.behave(reset_on_second(method, seen))
    assert own.request("GET", skills(acme), acme.admin).status == 200
    response = own.request(method, skills(acme) + ("" if method == "POST" else "/a"), acme.admin,
                           body=b"once" if method == "POST" else b"")
    assert response.status == (200 if tries == 2 else 502)
    assert [request.method for request in stub.requests[1:]] == [method] * tries


# ---- a registry that fails --------------------------------------------------------------------------------------

BAD_ANSWERS = {
    "nothing": b"",
    "half-head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "not-http": b"SSH-2.0-OpenSSH\r\n\r\n",
    "status-line": b"HTTP/1.1 OK 200\r\n\r\n",
    "status-099": b"HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n",
    "two-lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
    "length-and-chunked": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked-and-length": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
    "bare-lf": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "obs-fold": b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    "nul": b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
    "field-name": b"HTTP/1.1 200 OK\r\nBad Name: x\r\nContent-Length: 0\r\n\r\n",
    "head-bomb": b"HTTP/1.1 200 OK\r\n" + b"A: " + b"b" * 8000 + b"\r\n" * 1 + b"A: b\r\n" * 200000,
    "field-bomb": b"HTTP/1.1 200 OK\r\nA: " + b"b" * 1000000,
    "interim-flood": b"HTTP/1.1 103 Early Hints\r\n\r\n" * 10000,
    "switching": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_bad_answer_is_502(name, gateway, upstream, acme):
    upstream.behave(answer_and_close(BAD_ANSWERS[name]))
    with gateway.connect() as connection:
        response = connection.request("GET", skills(acme), bearer(acme.read))
        assert response.status == 502
        assert response.error_code in ("upstream_failed", "upstream_invalid")
        assert_error_shape(response)
        assert connection.request("GET", "/api/v1/nowhere").status == 404, "the client's connection is not to blame"
    assert_alive(gateway, upstream, acme)


CUT_ANSWERS = {
    "short-body": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
    "no-last-chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    "bad-chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nxyz\r\n",
    "long-chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("name", CUT_ANSWERS)
def test_answer_that_ends_early_is_never_whole(name, gateway, upstream, acme):
    upstream.behave(answer_and_close(CUT_ANSWERS[name]))
    with gateway.connect() as connection:
        connection.send(format_request("GET", skills(acme), bearer(acme.read)))
        raw = connection.read_to_end()
    assert raw == b"" or raw.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 502 ")), raw
    if raw.startswith(b"HTTP/1.1 200 "):
        head, body = raw.split(b"\r\n\r\n", 1)
        assert b"Content-Length: 10" in head and len(body) < 10 or b"chunked" in head and not body.endswith(b"0\r\n\r\n")
    assert_alive(gateway, upstream, acme)


@pytest.mark.parametrize("extra", [b"extra", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"], ids=["bytes", "response"])
def test_bytes_behind_an_answer_poison_nothing(extra, gateway, upstream, acme):
    upstream.behave(lambda exchange: exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + extra))
    with gateway.connect() as connection:
        assert connection.request("GET", skills(acme), bearer(acme.read)).body == b"ok"
        upstream.behave(lambda exchange: exchange.reply(200, body=b"good"))
        for _ in range(5):
            assert connection.request("GET", skills(acme), bearer(acme.read)).body == b"good"


def test_answer_before_the_request_was_sent_whole(gateway, upstream, acme):
    upstream.behave(lambda exchange: (exchange.reply(413, body=b"too big for me", read_body=False), exchange.close()))
    with gateway.connect() as connection:
        connection.send(format_request("POST", skills(acme), [*bearer(acme.write), ("Content-Length", "1000000")], b"x" * 1000))
        response = connection.read_response("POST")
        assert (response.status, response.body) == (413, b"too big for me")
        assert response.says_close
    assert_alive(gateway, upstream, acme)


def test_registry_that_is_not_there(start_gateway, start_upstream, acme):
    stub = start_upstream()
    own = start_gateway(upstream=stub.url)
    stub.stop()
    response = own.request("GET", skills(acme), acme.read)
    assert (response.status, response.error_code) == (502, "upstream_failed")
    assert_error_shape(response)
    assert own.metric("upstream_failures_total") == 1


def test_registry_that_does_not_answer(hasty, acme):
    gateway, upstream = hasty
    upstream.behave(lambda exchange: exchange.wait_for_close())
    with gateway.connect() as connection:
        response = connection.request("GET", skills(acme), bearer(acme.read))
        assert (response.status, response.error_code) == (504, "upstream_timeout")
        assert_error_shape(response)
    assert_alive(gateway, upstream, acme)


def test_registry_that_stops_in_its_answer(hasty, acme):
    gateway, upstream = hasty

    def stop(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        exchange.wait_for_close()

    upstream.behave(stop)
    with gateway.connect() as connection:
        connection.send(format_request("GET", skills(acme), bearer(acme.read)))
        assert connection.read_to_end().endswith(b"\r\n\r\nabc")
    assert_alive(gateway, upstream, acme)


def test_registry_that_answers_slowly_but_steadily(hasty, acme):
    """Each byte in time, all of them not: while the head comes, and again while the body does, the registry is silent to
    another request that began later, until that has run out of time."""
    gateway, upstream = hasty
    head_may_end, body_may_end = threading.Event(), threading.Event()

    def behave(exchange):
        if exchange.request.target.endswith("/silent"):
            exchange.wait_for_close()
            return
        exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Slow: ")
        trickle(exchange, b"x", head_may_end)
        exchange.send(b"\r\n\r\n5\r\nhello\r\n")
        trickle(exchange, b"1\r\nx\r\n", body_may_end)
        exchange.send(b"0\r\n\r\n")

    def trickle(exchange, piece, may_end):
        while not may_end.wait(0.02):
            exchange.send(piece)

    def wait_in_silence():
        assert gateway.request("GET", skills(acme) + "/silent", acme.read).status == 504

    upstream.behave(behave)
    with gateway.connect() as connection:
        connection.send(format_request("GET", skills(acme), bearer(acme.read)))
        upstream.wait_until(lambda own: own.requests, "the request")
        wait_in_silence()
        assert not connection.is_readable(), "the head is on its way still"
        head_may_end.set()
        while b"hello" not in connection.buffer:
            assert connection.fill()
        wait_in_silence()
        body_may_end.set()
        assert connection.read_response().body.startswith(b"hellox")


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\nContent-Le", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"],
                         ids=["before", "in-head", "in-body"])
def test_registry_that_resets(sent, gateway, upstream, acme):
    def reset(exchange):
        exchange.read_body()
        exchange.send(sent)
        if sent.endswith(b"abc"):
            go_on.wait(PATIENCE_S)  # a reset takes what was not read yet away
        exchange.reset()

    go_on = threading.Event()
    upstream.close_connections()  # none that is pooled, and so would be a reason to try again
    upstream.behave(reset)
    with gateway.connect() as connection:
        connection.send(format_request("POST", skills(acme), bearer(acme.write), b"x"))
        if sent.endswith(b"abc"):
            while not connection.buffer.endswith(b"abc"):
                assert connection.fill()
            go_on.set()
            assert connection.read_to_end().endswith(b"abc")
        else:
            assert connection.read_response("POST").status == 502
    assert_alive(gateway, upstream, acme)


def test_slow_request_does_not_hold_up_others(gateway, upstream, acme):
    go_on = threading.Event()

    def behave(exchange):
        if exchange.request.target.endswith("/slow"):
            go_on.wait(PATIENCE_S)
        exchange.reply(200, body=b"done")

    upstream.behave(behave)
    with gateway.connect() as connection:
        connection.send(format_request("GET", skills(acme) + "/slow", bearer(acme.read)))
        upstream.wait_until(lambda own: own.requests, "the slow request")
        for _ in range(20):
            assert gateway.request("GET", skills(acme), acme.read).body == b"done"
        go_on.set()
        assert connection.read_response().body == b"done"


def test_failure_is_one_line_of_the_log_with_the_request_id(start_gateway, start_upstream, acme):
    stub = start_upstream()
    own = start_gateway(upstream=stub.url)
    stub.behave(answer_and_close(b"gibberish\r\n\r\n"))
    response = own.request("GET", skills(acme) + "?token=sr_live_inthequery", acme.read)
    lines = [line for line in own.log().splitlines()
             if response.get("X-Request-Id") in line and " upstream " in line]
    assert len(lines) == 1 and " warning " in lines[0] and "reason=" in lines[0], lines
    assert acme.read not in own.log() and "inthequery" not in own.log()


# ---- a client that leaves ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_client_that_leaves_while_waiting_aborts_the_upstream_request(secure, gateway, upstream, acme):
    closed = threading.Event()
    upstream.behave(lambda exchange: (exchange.wait_for_close(), closed.set()))
    connection = gateway.connect_tls() if secure else gateway.connect()
    connection.send(format_request("GET", skills(acme), bearer(acme.read)))
    upstream.wait_until(lambda own: own.requests, "the request")
    connection.close()
    assert closed.wait(PATIENCE_S)
    assert_alive(gateway, upstream, acme)


def test_client_that_resets_in_its_upload_aborts_the_upstream_request(gateway, upstream, acme):
    connection = gateway.connect()
    connection.send(format_request("POST", skills(acme), [*bearer(acme.write), ("Content-Length", "1000")], b"some"))
    upstream.wait_until(lambda own: own.requests and own.requests[-1].body == b"some", "the first bytes")
    connection.reset()
    upstream.wait_until(lambda own: own.requests[-1].is_aborted, "the end of the upload")
    assert_alive(gateway, upstream, acme)


def test_client_that_leaves_in_a_download_aborts_the_upstream_request(gateway, upstream, acme):
    failed = threading.Event()

    def download(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (100 * MIB))
        try:
            for _ in range(100):
                exchange.send(b"x" * MIB)
        except OSError:
            failed.set()
            raise

    upstream.behave(download)
    connection = gateway.connect()
    connection.send(format_request("GET", skills(acme), bearer(acme.read)))
    connection.fill()
    connection.reset()
    assert failed.wait(PATIENCE_S)
    assert_alive(gateway, upstream, acme)

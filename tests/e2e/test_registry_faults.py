# SPDX-License-Identifier: MIT
"""A registry that dies, lies, stalls, and a client that leaves (HARDENING 1.14, 3.5, 3.6): each ends its own exchange, and the next
one on a connection gets its own answer."""
import signal
import threading

import pytest

from harness.http_client import assert_error_shape, bearer, format_request
from harness.process import is_stopped
from harness.upstream import answer_and_close
from harness.waiting import PATIENCE_S, eventually

MIB = 1024 * 1024


@pytest.fixture
def hasty(start_gateway, start_upstream):
    """A gateway of the test's own that waits a second for its registry, and that registry."""
    stub = start_upstream()
    return start_gateway("--upstream-timeout", "1s", upstream=stub.url), stub


def assert_alive(gateway, upstream, acme):
    """The next request on a fresh connection gets its own answer, whatever happened before."""
    upstream.behave(lambda exchange: exchange.reply(200, body=b"good"))
    with gateway.connect() as connection:
        response = connection.request("GET", acme.skills, bearer(acme.read))
    assert (response.status, response.body) == (200, b"good")


# ---- the pool ---------------------------------------------------------------------------------------------------

def test_connections_to_the_registry_are_kept(start_gateway, start_upstream, acme):
    stub = start_upstream()
    own = start_gateway(upstream=stub.url)
    for _ in range(50):
        assert own.request("GET", acme.skills, acme.read).status == 200
    assert stub.connections_total == 1
    assert own.metric("upstream_connects_total") == 1


def test_connection_that_the_registry_closed_is_not_used_again(gateway, upstream, acme):
    for _ in range(5):
        assert gateway.request("GET", acme.skills, acme.read).status == 200
        upstream.close_connections()
        assert gateway.request("GET", acme.skills, acme.read).status == 200


@pytest.mark.parametrize("first", ["request", "end"])
def test_connection_that_the_registry_has_closed_takes_no_post(first, gateway, upstream, acme):
    """Both are there when the gateway looks, in either order."""
    with gateway.connect() as connection:
        for _ in range(10):
            assert connection.request("GET", acme.skills, bearer(acme.read)).status == 200
            gateway.process.send_signal(signal.SIGSTOP)
            eventually(lambda: is_stopped(gateway.process.pid), "did it stop")
            try:
                if first == "end":
                    upstream.close_connections()
                connection.send(format_request("POST", acme.skills, bearer(acme.write), b"once"))
                if first == "request":
                    upstream.close_connections()
            finally:
                gateway.process.send_signal(signal.SIGCONT)
            assert connection.read_response("POST").status == 200


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
    assert own.request("GET", acme.skills, acme.admin).status == 200
    response = own.request(method, acme.skills + ("" if method == "POST" else "/a"), acme.admin,
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
        response = connection.request("GET", acme.skills, bearer(acme.read))
        assert response.status == 502
        assert response.error_code in ("upstream_failed", "upstream_invalid")
        assert_error_shape(response)
        assert connection.request("GET", "/api/v1/nowhere").status == 404, "the client's connection is not to blame"
    assert_alive(gateway, upstream, acme)


@pytest.mark.parametrize("head, body", [("Content-Length: 2 ", "ok"),
                                        ("Transfer-Encoding: chunked", "2 \r\nok\r\n0  \r\n\r\n"),
                                        ("Transfer-Encoding: chunked", "2 ; a = \"; b\" ; c\r\nok\r\n0\t;\td\r\n\r\n")],
                         ids=["length", "padded", "extensions"])
def test_answer_with_blanks_that_are_allowed(head, body, gateway, upstream, acme):
    upstream.behave(lambda exchange: exchange.send(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}".encode()))
    with gateway.connect() as connection:
        for _ in range(2):
            assert connection.request("GET", acme.skills, bearer(acme.read)).body == b"ok"


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
        connection.send(format_request("GET", acme.skills, [*bearer(acme.read), ("Connection", "close")]))
        raw = connection.read_to_end()
    assert raw == b"" or raw.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 502 ")), raw
    if raw.startswith(b"HTTP/1.1 200 "):
        head, body = raw.split(b"\r\n\r\n", 1)
        assert b"Content-Length: 10" in head and len(body) < 10 or b"chunked" in head and not body.endswith(b"0\r\n\r\n")
    assert_alive(gateway, upstream, acme)


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("name", ["bad-chunk", "long-chunk"])
def test_broken_answer_of_which_nothing_was_sent_is_502(name, version, gateway, upstream, acme):
    """It came in one piece, so the gateway sees the fault before a byte of it has left."""
    upstream.behave(answer_and_close(CUT_ANSWERS[name]))
    with gateway.connect() as connection:
        connection.send(format_request("GET", acme.skills, bearer(acme.read)).replace(b"HTTP/1.1", f"HTTP/{version}".encode(), 1))
        response = connection.read_response()
        assert (response.status, response.error_code) == (502, "upstream_invalid")
        assert_error_shape(response)
    assert_alive(gateway, upstream, acme)


@pytest.mark.parametrize("extra", [b"extra", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"], ids=["bytes", "response"])
def test_bytes_behind_an_answer_poison_nothing(extra, gateway, upstream, acme):
    upstream.behave(lambda exchange: exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + extra))
    with gateway.connect() as connection:
        assert connection.request("GET", acme.skills, bearer(acme.read)).body == b"ok"
        upstream.behave(lambda exchange: exchange.reply(200, body=b"good"))
        for _ in range(5):
            assert connection.request("GET", acme.skills, bearer(acme.read)).body == b"good"


def test_bytes_that_come_late_never_reach_another_client(gateway, upstream, acme):
    """Behind a whole answer, when the next request is there already."""
    evil = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    ends = []
    upstream.behave(lambda exchange: (ends.append(exchange), exchange.reply(200, body=b"good")))
    with gateway.connect() as connection:
        for _ in range(10):
            assert connection.request("GET", acme.skills, bearer(acme.read)).body == b"good"
            gateway.process.send_signal(signal.SIGSTOP)
            eventually(lambda: is_stopped(gateway.process.pid), "did it stop")
            try:
                connection.send(format_request("GET", acme.skills, bearer(acme.read)))
                ends[-1].send(evil)
            finally:
                gateway.process.send_signal(signal.SIGCONT)
            assert connection.read_response().body == b"good"


def test_answer_before_the_request_was_sent_whole(gateway, upstream, acme):
    upstream.behave(lambda exchange: (exchange.reply(413, body=b"too big for me", read_body=False), exchange.close()))
    with gateway.connect() as connection:
        connection.send(format_request("POST", acme.skills, [*bearer(acme.write), ("Content-Length", "1000000")], b"x" * 1000))
        response = connection.read_response("POST")
        assert (response.status, response.body) == (413, b"too big for me")
        assert response.says_close
    assert_alive(gateway, upstream, acme)


def test_registry_that_is_not_there(start_gateway, start_upstream, acme):
    stub = start_upstream()
    own = start_gateway(upstream=stub.url)
    stub.stop()
    response = own.request("GET", acme.skills, acme.read)
    assert (response.status, response.error_code) == (502, "upstream_failed")
    assert_error_shape(response)
    assert own.metric("upstream_failures_total") == 1


def test_registry_that_does_not_answer(hasty, acme):
    gateway, upstream = hasty
    upstream.behave(lambda exchange: exchange.wait_for_close())
    with gateway.connect() as connection:
        response = connection.request("GET", acme.skills, bearer(acme.read))
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
        connection.send(format_request("GET", acme.skills, bearer(acme.read)))
        assert connection.read_to_end().endswith(b"\r\n\r\nabc")
    assert_alive(gateway, upstream, acme)


def test_registry_that_answers_slowly_but_steadily(hasty, acme):
    """Each byte in time, all of them not: while the body comes, the registry is silent to another request that began later, until
    that has run out of time. A head is a few bytes, which have the time of one, however they come."""
    gateway, upstream = hasty
    body_may_end, head_is_over = threading.Event(), threading.Event()

    def behave(exchange):
        if exchange.request.target.endswith("/silent"):
            exchange.wait_for_close()
            return
        if exchange.request.target.endswith("/drips"):
            exchange.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            trickle(exchange, b"x", head_is_over)
        exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        trickle(exchange, b"1\r\nx\r\n", body_may_end)
        exchange.send(b"0\r\n\r\n")

    def trickle(exchange, piece, may_end):
        while not may_end.wait(0.02):
            exchange.send(piece)

    def wait_in_silence():
        assert gateway.request("GET", acme.skills + "/silent", acme.read).status == 504

    upstream.behave(behave)
    with gateway.connect() as connection:
        connection.send(format_request("GET", acme.skills, bearer(acme.read)))
        while b"hello" not in connection.buffer:
            assert connection.fill()
        wait_in_silence()
        body_may_end.set()
        assert connection.read_response().body.startswith(b"hellox")
    assert gateway.request("GET", acme.skills + "/drips", acme.read).status == 504


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
        connection.send(format_request("POST", acme.skills, bearer(acme.write), b"x"))
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
        connection.send(format_request("GET", acme.skills + "/slow", bearer(acme.read)))
        upstream.wait_until(lambda own: own.requests, "the slow request")
        for _ in range(20):
            assert gateway.request("GET", acme.skills, acme.read).body == b"done"
        go_on.set()
        assert connection.read_response().body == b"done"


def test_failure_is_one_line_of_the_log_with_the_request_id(start_gateway, start_upstream, acme):
    stub = start_upstream()
    own = start_gateway(upstream=stub.url)
    stub.behave(answer_and_close(b"gibberish\r\n\r\n"))
    response = own.request("GET", acme.skills + "?token=sr_live_inthequery", acme.read)
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
    connection.send(format_request("GET", acme.skills, bearer(acme.read)))
    upstream.wait_until(lambda own: own.requests, "the request")
    connection.close()
    assert closed.wait(PATIENCE_S)
    assert_alive(gateway, upstream, acme)


def test_client_that_resets_in_its_upload_aborts_the_upstream_request(gateway, upstream, acme):
    connection = gateway.connect()
    connection.send(format_request("POST", acme.skills, [*bearer(acme.write), ("Content-Length", "1000")], b"some"))
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
    connection.send(format_request("GET", acme.skills, bearer(acme.read)))
    connection.fill()
    connection.reset()
    assert failed.wait(PATIENCE_S)
    assert_alive(gateway, upstream, acme)

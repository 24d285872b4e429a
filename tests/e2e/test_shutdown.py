# SPDX-License-Identifier: MIT
"""SIGTERM and SIGINT: first not ready and still accepting (--drain-delay, which is 0 where a test does not say it), then no new
connections; what is in flight or on its way is finished, exit 0 (HARDENING 5.4)."""
import signal
import socket
import threading

import pytest

from harness.http_client import Connection, bearer, format_request
from harness.waiting import PATIENCE_S, eventually


LONG_DRAIN = ("--drain-timeout", "1h")  # what ends a gateway that has it is that it has nothing to do
WHOAMI = "/api/v1/auth/whoami"


def refuses_connections(address):
    try:
        socket.create_connection(address, timeout=PATIENCE_S).close()
        return False
    except (ConnectionRefusedError, ConnectionResetError):  # reset: it stood in the queue when the listener closed
        return True


class Gate:
    """A registry behaviour that answers when told to."""

    def __init__(self):
        self.opened = threading.Event()

    def __call__(self, exchange):
        exchange.read_body()
        self.opened.wait(PATIENCE_S)
        exchange.reply(200, body=b"late but whole")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_idle_gateway_ends_at_once_with_0(number, start_gateway):
    own = start_gateway(*LONG_DRAIN)
    assert own.process.stop(number) == 0


def test_idle_connections_are_closed_in_good_order_when_the_time_is_up(start_gateway, acme):
    own = start_gateway("--drain-timeout", "300ms", tls=True)
    idle = [own.connect() for _ in range(5)] + [own.connect_tls() for _ in range(5)]
    for used in (idle[-1], idle[0]):
        assert used.request("GET", WHOAMI, bearer(acme.read)).status == 200
    assert own.process.stop() == 0
    for connection in idle:
        assert connection.socket.recv(1) == b"", "FIN, and close_notify before it: one that is missing is an error"
        connection.close()
    assert "cut" not in own.log()


def stop_and_wait_until_closed(own, number=signal.SIGTERM):
    own.process.send_signal(number)
    eventually(lambda: refuses_connections(own.http), "did it stop accepting")


def test_connections_that_wait_for_a_request_are_waited_for(start_gateway, acme):
    """Each of them may have one on its way: a new one, a kept one, one within its head, one before and after its handshake."""
    own = start_gateway(*LONG_DRAIN, tls=True)
    request = format_request("GET", WHOAMI, bearer(acme.read))
    fresh, kept, half, after_handshake, before_handshake = (
        own.connect(), own.connect(), own.connect(), own.connect_tls(), Connection(own.https))
    assert kept.request("GET", WHOAMI, bearer(acme.read)).status == 200
    half.send(request[:30])
    eventually(lambda: own.metric("connections_accepted_total") >= 5, "were all accepted")
    stop_and_wait_until_closed(own)
    before_handshake.socket = own.tls_context().wrap_socket(before_handshake.socket, server_hostname="localhost")
    half.send(request[30:])
    for connection in (fresh, kept, after_handshake, before_handshake):
        connection.send(request)
    for connection in (fresh, kept, half, after_handshake, before_handshake):
        response = connection.read_response()
        assert (response.status, response.says_close) == (200, True)
        connection.assert_closed()
        connection.close()
    assert own.process.wait() == 0


def test_what_stands_in_the_queue_is_answered(start_gateway, acme):
    """Connections that the kernel has made and the gateway, which stands still, has not taken."""
    own = start_gateway(*LONG_DRAIN)
    own.process.send_signal(signal.SIGSTOP)
    waiting = [own.connect() for _ in range(40)]
    for connection in waiting:
        connection.send(format_request("GET", WHOAMI, bearer(acme.read)))
    own.process.send_signal(signal.SIGTERM)
    own.process.send_signal(signal.SIGCONT)
    for connection in waiting:
        assert connection.read_response().status == 200
        connection.close()
    assert own.process.wait() == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_during_the_delay_it_is_not_ready_and_still_accepts(workers, start_gateway, acme):
    """The delay and the drain are endless here; a second signal cuts them."""
    own = start_gateway(*LONG_DRAIN, "--drain-delay", "1h", "--workers", workers)
    with own.connect() as kept, own.connect() as idle:
        assert kept.request("GET", WHOAMI, bearer(acme.read)).status == 200
        own.process.send_signal(signal.SIGTERM)
        eventually(lambda: own.log().count(" stopping ") == workers, "did each hear of it")
        for _ in range(10):
            response = own.admin_get("/readyz")
            assert (response.status, response.body) == (503, b"draining\n")
            with own.connect() as connection:
                response = connection.request("GET", WHOAMI, bearer(acme.read))
                assert (response.status, response.says_close) == (200, True)
                connection.assert_closed()
        response = kept.request("GET", WHOAMI, bearer(acme.read))
        assert (response.status, response.says_close) == (200, True)
        own.process.send_signal(signal.SIGTERM)
        assert own.process.wait() == 0
        idle.assert_closed()


def test_after_the_delay_the_port_is_closed(start_gateway, acme):
    own = start_gateway(*LONG_DRAIN, "--drain-delay", "300ms")
    with own.connect() as kept:
        assert kept.request("GET", WHOAMI, bearer(acme.read)).status == 200
        stop_and_wait_until_closed(own)
        assert own.admin_get("/readyz").status == 503
        assert kept.request("GET", WHOAMI, bearer(acme.read)).says_close
    assert own.process.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_request_in_flight_is_finished(number, start_gateway, start_upstream, acme):
    stub, gate = start_upstream(), Gate()
    stub.behave(gate)
    own = start_gateway(*LONG_DRAIN, upstream=stub.url)
    with own.connect() as connection:
        connection.send(format_request("GET", f"/api/v1/orgs/{acme.slug}/skills", bearer(acme.read)))
        stub.wait_for_request()
        stop_and_wait_until_closed(own, number)
        assert own.process.is_running()
        gate.opened.set()
        response = connection.read_response()
        assert (response.status, response.body) == (200, b"late but whole")
        assert response.says_close
        connection.assert_closed()
    assert own.process.wait() == 0


def test_upload_in_flight_is_finished(start_gateway, start_upstream, acme):
    stub = start_upstream()
    own = start_gateway(*LONG_DRAIN, upstream=stub.url)
    with own.connect() as connection:
        head = format_request("POST", f"/api/v1/orgs/{acme.slug}/skills",
                              [*bearer(acme.write), ("Content-Length", "10")])
        connection.send(head + b"01234")
        stub.wait_until(lambda s: s.requests and s.requests[0].body == b"01234", "the first half")
        stop_and_wait_until_closed(own)
        connection.send(b"56789")
        assert connection.read_response("POST").status == 200
        assert stub.requests[0].body == b"0123456789"
    assert own.process.wait() == 0


def test_what_does_not_finish_is_ended_by_the_drain_timeout(start_gateway, start_upstream, acme):
    stub, gate = start_upstream(), Gate()
    stub.behave(gate)
    own = start_gateway("--drain-timeout", "300ms", upstream=stub.url)
    with own.connect() as connection:
        connection.send(format_request("GET", f"/api/v1/orgs/{acme.slug}/skills", bearer(acme.read)))
        stub.wait_for_request()
        own.process.send_signal(signal.SIGTERM)
        assert own.process.wait() == 0
        rest = connection.read_to_end()
        assert b"200" not in rest.split(b"\r\n")[0]
    gate.opened.set()


def test_readiness_is_withdrawn_as_long_as_it_drains(start_gateway, start_upstream, acme):
    stub, gate = start_upstream(), Gate()
    stub.behave(gate)
    own = start_gateway(*LONG_DRAIN, upstream=stub.url)
    with own.connect() as connection:
        connection.send(format_request("GET", f"/api/v1/orgs/{acme.slug}/skills", bearer(acme.read)))
        stub.wait_for_request()
        stop_and_wait_until_closed(own)
        assert own.admin_get("/readyz").status == 503
        gate.opened.set()
        assert connection.read_response().status == 200
    assert own.process.wait() == 0


def test_a_storm_of_signals(start_gateway):
    own = start_gateway()
    for number in (signal.SIGPIPE, signal.SIGTERM, signal.SIGTERM, signal.SIGINT, signal.SIGPIPE, signal.SIGTERM):
        own.process.send_signal(number)
    assert own.process.wait() in (0, 1, -signal.SIGTERM, -signal.SIGINT)


def test_sigpipe_is_nothing(start_gateway, acme):
    own = start_gateway()
    own.process.send_signal(signal.SIGPIPE)
    assert own.request("GET", "/api/v1/auth/whoami", acme.read).status == 200


def test_port_in_use_is_one_line_and_not_0(start_gateway, postgres, operator):
    own = start_gateway()
    done = operator.run("--listen-https", "off", "--listen-http", "%s:%d" % own.http, "--listen-admin", "127.0.0.1:0")
    assert done.returncode not in (0, 2)
    assert any("%d" % own.http[1] in line for line in done.stderr.splitlines())
    assert "Sanitizer" not in done.stderr


def test_a_fresh_gateway_serves_on_the_ports_it_logged(start_gateway, acme):
    own = start_gateway(tls=True)
    assert own.request("GET", "/api/v1/auth/whoami", acme.read).status == 200
    with own.connect_tls() as connection:
        assert connection.request("GET", "/api/v1/auth/whoami", bearer(acme.read)).status == 200
    with Connection(own.admin) as connection:
        assert connection.request("GET", "/healthz").status == 200


def test_a_download_that_only_a_close_would_end_is_reset_when_it_is_cut(start_gateway, start_upstream, acme):
    """To a client of HTTP/1.0 the end of the connection is the end of the body, so it must not see one."""
    stub, over = start_upstream(), threading.Event()

    def give_half(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\n\r\nhalf")
        over.wait(PATIENCE_S)
        exchange.close()

    stub.behave(give_half)
    own = start_gateway("--drain-timeout", "100ms", upstream=stub.url)
    with own.connect() as connection:
        connection.send(b"GET /api/v1/orgs/%s/skills HTTP/1.0\r\nAuthorization: Bearer %s\r\n\r\n"
                        % (acme.slug.encode(), acme.read.encode()))
        while not connection.buffer.endswith(b"half"):
            assert connection.fill()
        assert own.process.stop() == 0
        with pytest.raises(ConnectionResetError):
            connection.socket.recv(1)
    over.set()

# SPDX-License-Identifier: MIT
"""HARDENING 5.2: no deadline hits the wrong one. The first request of a connection is answered later than each deadline in turn,
and whoever is late is told so: never an empty reply. The table of all deadlines is in docs/design/connection.md."""
import contextlib
import itertools
import signal
import socket
import ssl
import threading

import pytest

from harness.http_client import bearer, format_request
from harness.waiting import PATIENCE_S

WHOAMI = "/api/v1/auth/whoami"
SHORT, CLOCK = "2s", "4s"  # a busy machine takes its time for a handshake, too
BRIEF = "300ms"  # where that does no harm


@contextlib.contextmanager
def request_behind_the_handshake(gateway, data):
    """A first request on TLS 1.3 in one piece with the client's Finished, of a token that is known: the gateway's ticket waits for
    the answer, to leave together with it. Yields what reads the answer up to `end`."""
    context = gateway.tls_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    answer = b""

    def read_answer(end):
        nonlocal answer
        while end not in answer:
            incoming.write(plain.recv(65536)) or pytest.fail(f"the end, behind {answer!r}")
            with contextlib.suppress(ssl.SSLWantReadError):
                while piece := client.read():
                    answer += piece
        return answer

    with socket.create_connection(gateway.https, timeout=PATIENCE_S) as plain:
        while True:
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                plain.sendall(outgoing.read())
                incoming.write(plain.recv(65536))
        client.write(data)
        plain.sendall(outgoing.read())
        yield read_answer


@contextlib.contextmanager
def request_alone(gateway, data, connect):
    with connect(gateway) as connection:
        connection.send(data)

        def read_answer(end):
            while end not in connection.buffer:
                assert connection.fill(), f"closed behind {connection.buffer!r}"
            return connection.buffer

        yield read_answer


WAYS = {
    "TLS 1.3, behind the handshake": request_behind_the_handshake,
    "TLS": lambda gateway, data: request_alone(gateway, data, lambda own: own.connect_tls()),
    "plain": lambda gateway, data: request_alone(gateway, data, lambda own: own.connect()),
}


def wait_until_it_has_passed(gateway):
    """The deadline in question: clients that send nothing and are closed for it tell the time."""
    with gateway.connect() as silent:
        silent.assert_closed()


@contextlib.contextmanager
def registry_that_is_late(upstream):
    """It answers when the event is set."""
    is_late = threading.Event()

    def answer_late(exchange):
        exchange.read_body()
        assert is_late.wait(PATIENCE_S)
        exchange.reply(body=b"late")

    upstream.behave(answer_late)
    try:
        yield is_late
    finally:
        is_late.set()


@pytest.mark.parametrize("flag", ["--handshake-timeout", "--head-timeout", "--body-timeout", "--idle-timeout",
                                  "--upstream-connect-timeout"])
def test_an_answer_later_than_a_deadline_of_something_else_arrives(flag, start_gateway, acme, upstream):
    flags = {"--head-timeout": CLOCK, flag: SHORT}
    gateway = start_gateway(*[part for pair in flags.items() for part in pair], tls=True, upstream=upstream.url)
    requests = [format_request("GET", acme.skills, bearer(acme.read)), format_request("POST", acme.skills, bearer(acme.write), b"whole")]
    with contextlib.ExitStack() as stack:
        is_late = stack.enter_context(registry_that_is_late(upstream))
        readers = {(way, request[:4]): stack.enter_context(WAYS[way](gateway, request))
                   for request, way in itertools.product(requests, WAYS)}
        upstream.wait_until(lambda own: sum(request.is_complete for request in own.requests) == len(readers), "every request")
        wait_until_it_has_passed(gateway)
        is_late.set()
        for which, read_answer in readers.items():
            assert read_answer(b"late").startswith(b"HTTP/1.1 200 "), which


def test_a_registry_out_of_time_is_504(start_gateway, acme, upstream):
    gateway = start_gateway("--upstream-timeout", BRIEF, tls=True, upstream=upstream.url)
    for way in WAYS:
        with registry_that_is_late(upstream), \
                WAYS[way](gateway, format_request("GET", acme.skills, bearer(acme.read))) as read_answer:
            assert read_answer(b"upstream_timeout").startswith(b"HTTP/1.1 504 "), way
    assert gateway.log().count('reason="it did not answer in time"') == len(WAYS)


def test_a_first_request_out_of_time_is_408(start_gateway, acme, upstream):
    gateway = start_gateway("--head-timeout", BRIEF, "--body-timeout", BRIEF, tls=True, upstream=upstream.url)
    request = format_request("POST", acme.skills, [*bearer(acme.write), ("Content-Length", "10")], b"half")
    for unfinished, way in itertools.product([request, request[:60]], WAYS):
        with WAYS[way](gateway, unfinished) as read_answer:
            assert read_answer(b"request_timeout").startswith(b"HTTP/1.1 408 "), way


def test_an_answer_that_comes_early_outlives_the_upload_that_it_ended(start_gateway, acme, upstream):
    """The registry refuses within the upload and streams on. The client reads, and sends no more of its body (RFC 9110 section
    9.5.3): each piece of the answer gives it the whole time again."""
    gateway = start_gateway("--body-timeout", "5s", "--head-timeout", "1s", upstream=upstream.url)
    has_read = threading.Semaphore(0)

    def refuse_at_length(exchange):
        exchange.send(b"HTTP/1.1 413 Too Large\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(6):
            exchange.send(b"5\r\npiece\r\n")
            assert has_read.acquire(timeout=PATIENCE_S)
        exchange.send(b"0\r\n\r\n")
        exchange.wait_for_close()

    upstream.behave(refuse_at_length)
    with gateway.connect() as connection:
        connection.send(format_request("POST", acme.skills, [*bearer(acme.write), ("Content-Length", "1000")], b"half"))
        for count in range(1, 7):
            while connection.buffer.count(b"piece") < count:
                assert connection.fill(), f"cut behind {connection.buffer!r}"
            wait_until_it_has_passed(gateway)
            has_read.release()
        assert connection.read_response("POST").status == 413


def test_time_in_which_the_gateway_was_stopped_does_not_count(start_gateway, acme):
    """As when its machine is paused: what was under way goes on, however long it was."""
    gateway = start_gateway("--head-timeout", "5s", "--idle-timeout", "5s")
    clock = start_gateway("--head-timeout", "8s")
    request = format_request("GET", WHOAMI, bearer(acme.read))
    with gateway.connect() as started, gateway.connect() as kept:
        assert kept.request("GET", WHOAMI, bearer(acme.read)).status == 200
        started.send(request[:30])
        gateway.process.popen.send_signal(signal.SIGSTOP)
        try:
            wait_until_it_has_passed(clock)
        finally:
            gateway.process.popen.send_signal(signal.SIGCONT)
        assert gateway.admin_get("/healthz").status == 200
        started.send(request[30:])
        assert started.read_response().status == 200
        assert kept.request("GET", WHOAMI, bearer(acme.read)).status == 200

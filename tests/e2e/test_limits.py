# SPDX-License-Identifier: MIT
"""Deadlines of each phase and bounds on connections: what is slow or too much ends by itself, the rest goes on. The
deadlines here are short flags; what is asserted is that the end comes, that it comes in the right way, and not before its time."""
import contextlib
import socket
import threading
import time

import pytest

from harness.gateway import Gateway
from harness.http_client import Connection, assert_error_shape, bearer, format_request
from harness.waiting import PATIENCE_S, eventually

WHOAMI = "/api/v1/auth/whoami"
SHORT_MS = 1000
HANDSHAKE_MS, HEAD_MS, BODY_MS, IDLE_MS = 10000, 15000, 30000, 75000  # the defaults
PROGRESS_BYTES_MIN = 16 * 1024  # GW_PROGRESS_BYTES_MIN


@pytest.fixture(scope="module")
def impatient(postgres, operator, workdir, certificate, _session_upstream):
    """Every deadline is short."""
    short = f"{SHORT_MS}ms"
    own = Gateway(workdir, "impatient", database_url=postgres.url, certificate=certificate, upstream=_session_upstream.url,
                  flags=["--handshake-timeout", short, "--head-timeout", short, "--body-timeout", short, "--idle-timeout", short])
    try:
        own.wait_until_ready()
        yield own
    except BaseException:
        own.kill()
        raise
    own.stop()


@contextlib.contextmanager
def ends_in_time(default_ms):
    """What is in it took a deadline, and not the default one. It begins before the deadline does, however late this process is."""
    start = time.monotonic()
    yield
    took_ms = (time.monotonic() - start) * 1000
    assert SHORT_MS - 150 <= took_ms < default_ms, f"ended after {took_ms:.0f} ms"


def assert_408_or_nothing(rest):
    assert rest == b"" or rest.startswith(b"HTTP/1.1 408 "), rest[:200]


def test_nothing_sent(impatient):
    with ends_in_time(HEAD_MS), impatient.connect() as connection:
        assert_408_or_nothing(connection.read_to_end())


def test_head_that_does_not_end(impatient):
    with ends_in_time(HEAD_MS), impatient.connect() as connection:
        connection.send(b"GET /api/v1/auth/whoami HTTP/1.1\r\nHost: local")
        assert_408_or_nothing(connection.read_to_end())


def test_head_that_drips_is_not_kept_alive_by_dripping(impatient):
    """One byte at a time, each well within the deadline: the deadline is of the whole head."""
    with ends_in_time(HEAD_MS), impatient.connect() as connection:
        text = b"GET /api/v1/auth/whoami HTTP/1.1\r\nX-Slow: " + b"a" * 1000
        for byte in text:
            if connection.is_readable(0.05):
                break
            connection.send_ignoring_refusal(bytes([byte]))
        assert connection.is_readable(), "all of it was taken"
        assert_408_or_nothing(connection.read_to_end())


def test_idle_connection_behind_a_request(impatient, acme):
    with ends_in_time(IDLE_MS), impatient.connect() as connection:
        assert connection.request("GET", WHOAMI, bearer(acme.read)).status == 200
        assert connection.read_to_end() == b"", "an idle connection is closed without a word"


def test_body_that_stops(impatient, acme, upstream):
    with ends_in_time(BODY_MS), impatient.connect() as connection:
        connection.send(format_request("POST", f"/api/v1/orgs/{acme.slug}/skills",
                                       [*bearer(acme.write), ("Content-Length", "100")], b"some"))
        assert_408_or_nothing(connection.read_to_end())
    upstream.wait_until(lambda own: not own.requests or own.requests[-1].is_aborted, "the end of the broken upload")


def test_body_of_the_token_api_that_stops(impatient, acme):
    with ends_in_time(BODY_MS), impatient.connect() as connection:
        connection.send(format_request("POST", f"/api/v1/orgs/{acme.slug}/tokens", [
            *bearer(acme.admin), ("Content-Type", "application/json"), ("Content-Length", "100")], b'{"name"'))
        assert_408_or_nothing(connection.read_to_end())


def upload_in_pieces(gateway, organisation, piece, count, pause_s):
    """A body of `count` pieces, until an answer comes."""
    with gateway.connect() as connection:
        connection.send(format_request("POST", f"/api/v1/orgs/{organisation.slug}/skills",
                                       [*bearer(organisation.write), ("Content-Length", str(count * len(piece)))]))
        for _ in range(count):
            connection.send_ignoring_refusal(piece)
            if connection.is_readable(pause_s):
                break
        return connection.read_response("POST")


def test_body_that_makes_progress_lives_longer_than_the_deadline(start_gateway, acme, upstream):
    gateway = start_gateway("--body-timeout", "2s", upstream=upstream.url)
    assert upload_in_pieces(gateway, acme, b"x" * PROGRESS_BYTES_MIN, 12, 0.4).status == 200


def test_body_that_drips_is_not_kept_alive_by_dripping(impatient, acme, upstream):
    """HARDENING 4.1: each byte well within the deadline, forwarded and for the token API alike."""
    answer = upload_in_pieces(impatient, acme, b"x", 100, 0.1)
    assert (answer.status, answer.error_code) == (408, "request_timeout")
    upstream.wait_until(lambda own: own.requests and own.requests[-1].is_aborted, "the end of the broken upload")


DOWNLOAD_BYTES = 30_000_000


@contextlib.contextmanager
def download(gateway, acme, upstream):
    """A connection on which a download has begun, to a client with small buffers."""
    upstream.behave(lambda exchange: exchange.reply(body=b"x" * DOWNLOAD_BYTES))
    with gateway.connect() as connection:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.send(format_request("GET", f"/api/v1/orgs/{acme.slug}/skills/large", bearer(acme.read)))
        yield connection


def test_download_that_is_taken_slowly_lives_longer_than_the_deadline(start_gateway, acme, upstream):
    """For two deadlines and more, and too slow for the kernel to ask for more within one of them: what counts is what the client
    took. It takes more than the least, because over the loopback a window opens 64 KiB at a time. Time is told by other clients
    that send nothing and are closed for it, four in a deadline."""
    gateway = start_gateway("--body-timeout", "4s", "--head-timeout", "1s", upstream=upstream.url)
    before = gateway.metric("timeouts_total")
    with download(gateway, acme, upstream) as connection:
        for _ in range(9):
            connection.buffer += connection.socket.recv(8 * PROGRESS_BYTES_MIN, socket.MSG_WAITALL)
            with gateway.connect() as silent:
                silent.assert_closed()
        assert gateway.metric("timeouts_total") == before + 9
        assert len(connection.read_response().body) == DOWNLOAD_BYTES


def test_download_that_is_taken_byte_by_byte_is_cut(impatient, acme, upstream):
    """HARDENING 4.1. The client does not see it: its kernel holds enough to go on for hours."""
    before = impatient.metric("timeouts_total")

    def is_cut():
        connection.socket.recv(1)
        return impatient.metric("timeouts_total") > before

    with download(impatient, acme, upstream) as connection:
        eventually(is_cut, "was the connection closed")


def test_handshake_that_does_not_start(impatient):
    with ends_in_time(HANDSHAKE_MS), Connection(impatient.https) as connection:
        connection.read_to_end()


def test_handshake_that_stops(impatient):
    with ends_in_time(HANDSHAKE_MS), Connection(impatient.https) as connection:
        connection.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        connection.read_to_end()


def test_idle_tls_connection(impatient, acme):
    with ends_in_time(IDLE_MS), impatient.connect_tls() as connection:
        assert connection.request("GET", WHOAMI, bearer(acme.read)).status == 200
        assert connection.read_to_end() == b""


def test_slow_ones_do_not_hinder_others(start_gateway, acme):
    gateway = start_gateway("--head-timeout", "1h")
    slow = [gateway.connect() for _ in range(50)]
    for connection in slow:
        connection.send(b"GET / HTTP/1.1\r\nHost: ")
    assert gateway.request("GET", WHOAMI, acme.read).status == 200
    for connection in slow:
        assert not connection.is_readable(), "it was not waited for"
        connection.close()


# ---- connections ------------------------------------------------------------------------------------------------

def test_connections_over_the_limit_are_refused_and_the_others_served(start_gateway, acme):
    """Where each has begun a request. Those that have not make room: test_idle_connections.py."""
    own = start_gateway("--connections-max", "10")
    held = [own.connect() for _ in range(10)]
    begun, rest = format_request("GET", WHOAMI, bearer(acme.read)).split(b"\r\n", 1)
    for connection in held:
        assert connection.request("GET", WHOAMI, bearer(acme.read)).status == 200
        connection.send(begun + b"\r\n")
    assert own.is_ready()  # what was sent before has been read
    with own.connect() as extra:
        data = extra.read_to_end()
        assert data == b"" or data.startswith(b"HTTP/1.1 503 "), data[:100]
    for connection in held:
        connection.send(rest)
        assert connection.read_response().status == 200
    for connection in held:
        connection.close()
    with own.connect() as connection:
        assert connection.request("GET", WHOAMI, bearer(acme.read)).status == 200


def test_no_file_descriptors(start_gateway, acme):
    """Newcomers are turned away, which is told of once, and open connections are served. So is the admin port, by a reserve. When
    there is room again newcomers are served too."""
    own = start_gateway(wrapper=["prlimit", "--nofile=60:60"])
    first = Connection(own.http, source="127.0.0.2")  # an address with few
    assert first.request("GET", WHOAMI, bearer(acme.read)).status == 200
    crowd = [own.connect() for _ in range(120)]  # the kernel's queue takes them all
    for connection in crowd:
        connection.send_ignoring_refusal(b"GET ")  # what has begun makes no room
    for _ in range(3):
        assert first.request("GET", WHOAMI, bearer(acme.read)).status == 200
        assert own.is_ready()
        assert own.metric("descriptor_shortages_total") > 0
    own.process.wait_for_line(r"warning server descriptors are short times=\d+ todo=")
    for connection in crowd:
        connection.close()

    def accepted():
        try:
            return own.request("GET", WHOAMI, acme.read).status == 200
        except (AssertionError, OSError):
            return False

    eventually(accepted, "was a newcomer served again")
    assert first.request("GET", WHOAMI, bearer(acme.read)).status == 200
    first.close()


# ---- many requests at once --------------------------------------------------------------------------------------

def test_10000_pipelined_requests_in_one_write(gateway):
    """Answered all, in order; the reader starts only when everything was offered."""
    kinds = [("GET", "/api/v1/nowhere", 404), ("GET", WHOAMI, 401), ("POST", WHOAMI, 405)]
    block = b"".join(format_request(method, target) for method, target, _ in kinds)
    with gateway.connect() as connection:
        sender = threading.Thread(target=connection.send_ignoring_refusal, args=(block * 3334,))
        sender.start()
        for index in range(10002):
            assert connection.read_response().status == kinds[index % 3][2]
        sender.join()
        assert connection.request("GET", WHOAMI).status == 401


def test_pipelined_requests_that_nobody_reads_do_not_grow_the_gateway(start_gateway, acme):
    """A client that sends for ever and reads nothing is paused: the kernel's buffers fill, the gateway's do not."""
    own = start_gateway()
    request = format_request("GET", "/api/v1/nowhere")
    with own.connect() as connection:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.socket.settimeout(2)
        sent = 0
        with pytest.raises(TimeoutError):
            while sent < 200_000_000:
                sent += connection.socket.send(request * 500)
        assert sent < 50_000_000, "the gateway took it all"
    assert own.request("GET", WHOAMI, acme.read).status == 200


def test_huge_heads_cost_no_more_than_their_limit(gateway):
    """Ten megabytes of head: refused long before they were read."""
    with gateway.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\n")
        line = b"X-Field: " + b"a" * 8000 + b"\r\n"
        with pytest.raises((BrokenPipeError, ConnectionResetError, AssertionError)):
            for _ in range(12500):
                connection.send(line)
                assert not connection.is_readable()
        response = connection.read_response()
        assert response.status == 431
        assert_error_shape(response)


def test_answer_to_a_refused_upload_can_be_read(gateway, acme):
    """The refusal comes while the client is still sending: it must not be lost in a reset."""
    with gateway.connect() as connection:
        connection.send(format_request("POST", f"/api/v1/orgs/{acme.slug}/skills", [
            *bearer(acme.read), ("Content-Length", "5000000")]))
        for _ in range(20):
            connection.send_ignoring_refusal(b"x" * 50000)
        response = connection.read_response("POST")
        assert (response.status, response.error_code) == (403, "insufficient_scope")


# ---- clients that leave -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("sent", [
    b"", b"G", b"GET / HTTP/1.1\r\nHost: x", b"POST /api/v1/orgs/acme/skills HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
    b"GET /api/v1/nowhere HTTP/1.1\r\nHost: x\r\n\r\n" * 100,
], ids=range(5))
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_client_resets(sent, secure, gateway):
    for _ in range(5):
        connection = gateway.connect_tls() if secure else gateway.connect()
        connection.send(sent)
        connection.reset()
    assert gateway.request("GET", WHOAMI).status == 401


def test_no_connection_stays_counted(gateway):
    """After all of the above."""
    eventually(lambda: gateway.metric("connections_open") <= 3, "were all connections freed")


def test_open_connections_are_counted(start_gateway):
    """Of clients, and the one that asks."""
    gateway = start_gateway()
    held = [gateway.connect() for _ in range(3)]
    eventually(lambda: gateway.metric("connections_open") == 4, "were three counted")
    for connection in held:
        connection.close()
    eventually(lambda: gateway.metric("connections_open") == 1, "were they counted off")

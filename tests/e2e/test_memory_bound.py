# SPDX-License-Identifier: MIT
"""HARDENING 5.10: downloads that nobody takes, by the hundred. What waits for them stays within --memory-max: those that got on
least recently are ended, and clients that read are served meanwhile."""
import contextlib
import socket
import threading

from harness.http_client import bearer, format_request
from harness.waiting import PATIENCE_S, eventually

MIB = 1024 * 1024
BOUND = 16 * MIB
BLOCK_MAX = MIB  # of one read, and the buffer that takes it, before room is made for it
DOWNLOAD_BYTES = 8 * MIB
CROWD = 200


def give(exchange):
    size = int(exchange.request.target.rsplit("/")[-1])
    exchange.reply(200, body=b"x" * size)


def begin_unread_download(gateway, acme):
    connection = gateway.connect()
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.send(format_request("GET", f"{acme.skills}/{DOWNLOAD_BYTES}", bearer(acme.read)))
    return connection


def held(gateway):
    return gateway.metric("memory_held_bytes")


def test_unread_downloads_stay_within_the_bound(start_gateway, start_upstream, acme):
    registry = start_upstream()
    registry.behave(give)
    gateway = start_gateway("--memory-max", str(BOUND), "--body-timeout", "1h", upstream=registry.url)
    with contextlib.ExitStack() as crowd:
        seen = []
        for number in range(CROWD):
            crowd.enter_context(begin_unread_download(gateway, acme))
            if number % 10 == 0:
                seen.append(held(gateway))
        def one_more():
            """How much of a download the kernel takes, and thus does not wait here, is its own affair: so many may not be enough."""
            seen.append(held(gateway))
            if gateway.metric("memory_ended_total") > 0:
                return True
            crowd.enter_context(begin_unread_download(gateway, acme))
            return False

        eventually(one_more, lambda: f"was one of them ended, with {seen[-1]:.0f} bytes held")
        assert BOUND / 2 < max(seen) < BOUND + BLOCK_MAX, max(seen)
        with gateway.connect() as reader:
            for _ in range(3):
                answer = reader.request("GET", f"{acme.skills}/{MIB}", bearer(acme.read))
                assert (answer.status, len(answer.body)) == (200, MIB)
        assert held(gateway) < BOUND + BLOCK_MAX
        assert gateway.log().count("too many bytes wait for clients and the registry") == 1
    eventually(lambda: held(gateway) == 0, "was all of it given up with the clients")


def test_uploads_that_the_registry_does_not_take_stay_within_the_bound(start_gateway, start_upstream, acme):
    registry = start_upstream()
    is_over = threading.Event()
    registry.behave(lambda exchange: exchange.reply() if exchange.request.method == "GET" else is_over.wait(PATIENCE_S))
    gateway = start_gateway("--memory-max", "4M", "--body-timeout", "1h", "--upstream-timeout", "1h", upstream=registry.url)
    with contextlib.ExitStack() as crowd:
        def upload():
            connection = crowd.enter_context(gateway.connect())
            connection.socket.settimeout(0.2)
            connection.send(format_request("POST", acme.skills, [*bearer(acme.write), ("Content-Length", str(100 * MIB))]))
            with contextlib.suppress(TimeoutError):
                connection.send(bytes(16 * MIB))
            return connection

        uploads = [upload()]
        while gateway.metric("memory_ended_total") == 0:
            uploads.append(upload())
            assert held(gateway) < 5 * MIB and len(uploads) < 100
        assert gateway.request("GET", acme.skills, acme.read).status == 200
        answered = next(connection for connection in uploads if connection.is_readable())
        answer = answered.read_response("POST")
        assert (answer.status, answer.error_code) == (503, "unavailable")
        is_over.set()

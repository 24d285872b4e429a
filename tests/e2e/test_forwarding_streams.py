# SPDX-License-Identifier: MIT
"""Bodies that are large and ends that are slow (HARDENING 4.6): they pass through at the pace of the slower side, whole, and
the gateway holds no more of them than it should."""
import contextlib
import hashlib
import os
import re
import socket
import threading

import pytest

from harness.http_client import bearer, format_request
from harness.waiting import PATIENCE_S, eventually

PUBLIC = "/api/v1/public/skills"
MIB = 1024 * 1024


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
        assert connection.request("POST", acme.skills, bearer(acme.write), body[:MIB]).status == 200
        before = resident_peak_kib(gateway)
        response = connection.request("POST", acme.skills, bearer(acme.write), body)
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
            connection.send(format_request("POST", acme.skills, bearer(acme.write), body))
            sent.set()

        sender = threading.Thread(target=send)
        sender.start()
        upstream.wait_until(lambda own: own.requests, "the head")
        assert not sent.wait(1), "50 MB went somewhere"
        assert resident_peak_kib(gateway) - before < 16 * 1024
        go_on.set()
        assert connection.read_response("POST").body.decode() == hashlib.sha256(body).hexdigest()
        sender.join()


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
        connection.send(format_request("GET", acme.skills, bearer(acme.read)))
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
    request = format_request("POST", acme.skills, [*bearer(acme.write), ("Content-Length", str(len(body)))])
    assert gateway.request("GET", acme.skills, acme.read).status == 200
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

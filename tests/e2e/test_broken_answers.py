# SPDX-License-Identifier: MIT
"""HARDENING 5.8: an answer of the registry that breaks off must not look whole to the client. Where the end of the connection
is the end of the body (HTTP/1.0), a clean end would say so: the client has to see a reset, and over TLS no close_notify
(RFC 9112 section 8). A chunked answer ends without its last chunk, in a reset too."""
import contextlib
import socket
import ssl
import threading

import pytest

from harness.gateway import Gateway
from harness.http_client import bearer, format_request
from harness.waiting import PATIENCE_S

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
LARGE_CHUNK = b"10000\r\n" + b"x" * 65536 + b"\r\n"


def cut_chunk(exchange):
    exchange.send(CHUNKED + b"5\r\nhello\r\n")
    yield
    exchange.close()


def cut_large_chunks(exchange):
    """More than the sockets between hold: some of it waits in the gateway when the end comes."""
    exchange.send(CHUNKED + LARGE_CHUNK * 20)
    yield
    exchange.close()


def wrong_chunk(exchange):
    exchange.send(CHUNKED + b"5\r\nhello\r\n")
    yield
    exchange.send(b"ZZ\r\n")
    exchange.wait_for_close()


def cut_length(exchange):
    exchange.send(OK + b"Content-Length: 10\r\n\r\nhello")
    yield
    exchange.close()


def reset_chunk(exchange):
    exchange.send(CHUNKED + b"5\r\nhello\r\n")
    yield
    exchange.reset()


def reset_until_close(exchange):
    exchange.send(OK + b"\r\nhello")
    yield
    exchange.reset()


BREAKS = [cut_chunk, cut_large_chunks, wrong_chunk, cut_length, reset_chunk, reset_until_close]


class Plain:
    """What a client of the gateway receives, and how it ends."""

    def __init__(self, gateway):
        self.connect(gateway.http)

    def connect(self, address):
        self.socket = socket.create_connection(address, timeout=PATIENCE_S)
        self.received = b""

    def send(self, data):
        self.socket.sendall(data)

    def take(self, data):
        self.received += data

    def receive(self):
        """Once; the end of the connection, or None."""
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            return "a reset"
        self.take(data)
        return None if data else "a clean end"

    def receive_until_end(self):
        while not (end := self.receive()):
            pass
        return end


class Secure(Plain):
    """The same over TLS. An SSLSocket would not tell a reset from a FIN."""

    def __init__(self, gateway):
        self.connect(gateway.https)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.session = gateway.tls_context().wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        while True:
            try:
                self.session.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.socket.sendall(self.outgoing.read())
                self.incoming.write(self.socket.recv(65536))

    def send(self, data):
        self.session.write(data)
        self.socket.sendall(self.outgoing.read())

    def take(self, data):
        self.incoming.write(data)
        with contextlib.suppress(ssl.SSLWantReadError):
            while piece := self.session.read():
                self.received += piece
            pytest.fail("a close_notify came")


@pytest.fixture(scope="module")
def front(postgres, operator, workdir, certificate, _session_upstream):
    """With both ports."""
    own = Gateway(workdir, "front", database_url=postgres.url, certificate=certificate, upstream=_session_upstream.url)
    try:
        own.wait_until_ready()
        yield own
    except BaseException:
        own.kill()
        raise
    own.stop()


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("client_of", [Plain, Secure])
@pytest.mark.parametrize("break_off", BREAKS, ids=lambda each: each.__name__)
def test_an_answer_that_breaks_off_ends_in_a_reset(break_off, client_of, version, front, acme, upstream):
    """The client has the beginning before the break, and reads on afterwards."""
    has_begun = threading.Event()

    def behave(exchange):
        exchange.read_body()
        for _ in break_off(exchange):
            assert has_begun.wait(PATIENCE_S)

    upstream.behave(behave)
    request = format_request("GET", f"{acme.skills}/broken", bearer(acme.read))
    client = client_of(front)
    with client.socket:
        client.send(request.replace(b"HTTP/1.1", f"HTTP/{version}".encode()))
        while b"hello" not in client.received and b"xxx" not in client.received:
            assert client.receive() is None
        has_begun.set()
        assert client.receive_until_end() == "a reset"

# SPDX-License-Identifier: MIT
"""A registry that records every byte it gets and does as the test tells it: answers, stalls, lies, resets.

    upstream.behave(lambda exchange: exchange.reply(200, body=b"hello"))

A behaviour is called with one Exchange as soon as the head of a request was read. The default reads the body and answers 200.
Requests are recorded when their head is complete; `body`, `is_complete` and `is_aborted` follow.
"""
import contextlib
import ctypes
import json
import select
import socket
import struct
import threading
import time

import pytest

from . import ports
from .waiting import PATIENCE_S, eventually

SO_ATTACH_FILTER = 26  # asm-generic/socket.h


class Aborted(Exception):
    """The gateway closed or reset the connection in the middle of a request."""


class Request:
    def __init__(self, head):
        lines = head.decode("latin-1").split("\r\n")
        self.raw_head = head
        self.method, self.target, self.version = lines[0].split(" ")
        self.fields = [tuple(part.strip(" \t") for part in line.split(":", 1)) for line in lines[1:]]
        self.body = bytearray()  # grows without being copied
        self.trailers = []
        self.is_complete = False
        self.is_aborted = False

    def all(self, name):
        return [value for field, value in self.fields if field.lower() == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        assert len(values) <= 1, f"{name} is there {len(values)} times: {values}"
        return values[0] if values else default

    def names(self):
        return [name.lower() for name, _ in self.fields]

    def __repr__(self):
        state = "complete" if self.is_complete else "aborted" if self.is_aborted else "in progress"
        return f"<{self.method} {self.target} {state}, {len(self.body)} bytes of body>"


class Exchange:
    """One request on one connection, for a behaviour."""

    def __init__(self, upstream, connection, request):
        self.upstream = upstream
        self.connection = connection
        self.request = request
        self.keep_alive = True

    def read_body(self):
        for _ in self.body_pieces():
            pass
        return self.request.body

    def body_pieces(self):
        """The body as it comes; marks the request complete at its end. Says that it is wanted, where that is expected."""
        if self.request.is_complete:
            return
        if self.request.get("expect"):
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        for piece in self._pieces():
            with self.upstream.changed:
                self.request.body += piece
                self.upstream.changed.notify_all()
            yield piece
        with self.upstream.changed:
            self.request.is_complete = True
            self.upstream.changed.notify_all()

    def _pieces(self):
        if (self.request.get("transfer-encoding") or "").lower() == "chunked":
            while True:
                size = int(self.connection.take_line().split(b";")[0], 16)
                if size == 0:
                    self.request.trailers = list(iter(self.connection.take_line, b""))
                    return
                yield self.connection.take(size)
                if self.connection.take(2) != b"\r\n":
                    raise Aborted
        left = int(self.request.get("content-length") or 0)
        while left:
            piece = self.connection.take_some(left)
            left -= len(piece)
            yield piece

    def send(self, data):
        self.connection.socket.sendall(data)

    def reply(self, status=200, fields=(), body=b"", reason="Whatever", read_body=True):
        """A whole answer with Content-Length."""
        if read_body:
            self.read_body()
        lines = [f"HTTP/1.1 {status} {reason}"] + [f"{name}: {value}" for name, value in fields]
        if status not in (204, 304):
            lines.append(f"Content-Length: {len(body)}")
        head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        self.send(head + (b"" if self.request.method == "HEAD" or status == 304 else body))

    def close(self):
        self.keep_alive = False

    def reset(self):
        self.keep_alive = False
        self.connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.connection.close()

    def wait_for_close(self):
        """Until the gateway closes this connection."""
        self.keep_alive = False
        with contextlib.suppress(OSError):
            while self.connection.socket.recv(65536):
                pass


def answer_default(exchange):
    exchange.read_body()
    request = exchange.request
    body = json.dumps({"upstream": True, "method": request.method, "target": request.target}).encode()
    exchange.reply(200, [("Content-Type", "application/json"), ("X-Stub-Registry", "yes")], body)


def answer_and_close(data):
    """A behaviour: these bytes, whatever was asked, and the end of the connection."""
    def behave(exchange):
        exchange.send(data)
        exchange.close()
    return behave


class _Connection:
    def __init__(self, accepted):
        self.socket = accepted
        self.buffer = b""
        self.is_between_requests = True

    def close(self):
        self.socket.close()

    def _fill(self):
        try:
            data = self.socket.recv(65536)
        except OSError:
            data = b""
        if not data:
            raise Aborted
        self.buffer += data

    def has_unread_head(self):
        """Whether bytes of a request that is not recorded yet are here."""
        if not self.is_between_requests:
            return False
        with contextlib.suppress(OSError, ValueError):  # closed meanwhile
            return bool(self.buffer or select.select([self.socket], [], [], 0)[0])
        return False

    def take_some(self, most):
        if not self.buffer:
            self._fill()
        data, self.buffer = self.buffer[:most], self.buffer[most:]
        return data

    def take(self, length):
        while len(self.buffer) < length:
            self._fill()
        data, self.buffer = self.buffer[:length], self.buffer[length:]
        return data

    def take_until(self, mark):
        while mark not in self.buffer:
            self._fill()
        data, self.buffer = self.buffer.split(mark, 1)
        return data

    def take_line(self):
        return self.take_until(b"\r\n")


class Upstream:
    def __init__(self, port=0, tls=None):
        """`tls`: the SSL context of a server; None: plain."""
        self.listener = socket.create_server(("127.0.0.1", port), backlog=512) if port else ports.listen(backlog=512)
        self.address = self.listener.getsockname()
        self.changed = threading.Condition()
        self.requests = []
        self.connections_total = 0
        self.peers = set()  # who connected since the last reset
        self.tls = tls
        self._open = set()
        self._behaviour = answer_default
        self._is_stopped = False
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    @property
    def url(self):
        return "%s:%d" % ("https://localhost" if self.tls else "http://127.0.0.1", self.address[1])

    def behave(self, behaviour):
        self._behaviour = behaviour

    def settle(self):
        """Returns once every request that was sent before the call is recorded: a client may have its answer, a refusal, before the
        registry has seen what was begun for it."""
        with socket.create_connection(self.address) as marker:  # accepted behind all that wait
            name = marker.getsockname()
            self.wait_until(lambda own: name in own.peers, "its own connection")
        eventually(lambda: not any(connection.has_unread_head() for connection in list(self._open)), "were all requests read")

    def reset(self):
        """Default behaviour, nothing recorded, no connection kept."""
        self.settle()
        with self.changed:
            self.peers.clear()
            self._behaviour = answer_default
            self.requests.clear()

    def wait_until(self, check, what, timeout_s=PATIENCE_S):
        """Until check(self) is true, evaluated whenever something happens here."""
        deadline = time.monotonic() + timeout_s
        with self.changed:
            while True:
                result = check(self)
                if result:
                    return result
                left = deadline - time.monotonic()
                assert left > 0, f"the registry stub never saw {what}; it saw {self.requests}"
                self.changed.wait(left)

    def wait_for_request(self, index=-1, timeout_s=PATIENCE_S):
        """A request that arrived whole."""
        self.wait_until(lambda own: own.requests and own.requests[index].is_complete, "a whole request", timeout_s)
        return self.requests[index]

    def close_connections(self):
        with self.changed:
            for connection in list(self._open):
                with contextlib.suppress(OSError):
                    connection.socket.shutdown(socket.SHUT_RDWR)

    def vanish(self):
        """As a host whose power failed: from here on nothing that the gateway sends arrives, on old connections or new ones, and
        nothing is said about it. A filter of the kernel drops it (socket(7), SO_ATTACH_FILTER), for which nobody has to be root."""
        drop = (ctypes.c_uint64 * 1)(0x06)  # one instruction: BPF_RET | BPF_K, 0 bytes
        program = struct.pack("HP", 1, ctypes.addressof(drop))
        with self.changed:
            for end in [self.listener, *(connection.socket for connection in self._open)]:
                try:
                    end.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
                except PermissionError:
                    pytest.skip("this kernel has no room for a socket filter of an ordinary user")

    def stop(self):
        """Ends it: new connections are refused from here on."""
        self._is_stopped = True
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.close_connections()
        self._acceptor.join(PATIENCE_S)

    def _accept(self):
        while not self._is_stopped:
            try:
                accepted, peer = self.listener.accept()
            except OSError:
                return
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = _Connection(accepted)
            with self.changed:
                self.connections_total += 1
                self.peers.add(peer)
                self._open.add(connection)
                self.changed.notify_all()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        request = None
        try:
            if self.tls:
                connection.socket = self.tls.wrap_socket(connection.socket, server_side=True)
            while True:
                request = None
                connection.is_between_requests = True
                request = Request(connection.take_until(b"\r\n\r\n"))
                with self.changed:
                    self.requests.append(request)
                    connection.is_between_requests = False
                    self.changed.notify_all()
                exchange = Exchange(self, connection, request)
                self._behaviour(exchange)
                if not exchange.keep_alive:
                    return
                exchange.read_body()
        except (Aborted, OSError):
            if request is not None and not request.is_complete:
                request.is_aborted = True
        finally:
            connection.close()
            with self.changed:
                self._open.discard(connection)
                self.changed.notify_all()

# SPDX-License-Identifier: MIT
"""An HTTP proxy that opens tunnels (CONNECT), and records what it is asked. It connects to whatever port is asked for, always on this
machine, whatever the name of the host is: a name that nobody else knows shows that the proxy was used.

    proxy.behave(answer(b"HTTP/1.1 407 Who?\\r\\n\\r\\n"))
"""
import contextlib
import socket
import threading

from . import ports
from .upstream import Request
from .waiting import PATIENCE_S, eventually


def answer(data):
    """A behaviour: these bytes, and nothing more; the connection stays."""
    def behave(proxy, near, request):
        near.sendall(data)
        proxy.wait_for_close(near)
    return behave


def hang_up(proxy, near, request):
    """A behaviour."""


def stall(proxy, near, request):
    """A behaviour."""
    proxy.wait_for_close(near)


def flood(proxy, near, request):
    """A behaviour: a head that does not end."""
    near.sendall(b"HTTP/1.1 200 OK\r\nA: ")
    with contextlib.suppress(OSError):
        while True:
            near.sendall(b"x" * 65536)


class ConnectProxy:
    """Runs from the start. `user`: "name:password" that it asks for."""

    def __init__(self, user=None):
        self.listener = ports.listen(backlog=64)
        self.address = self.listener.getsockname()
        self.user = user
        self.requests = []
        self.tunnels = 0  # ever open
        self._behaviour = None
        self._ends = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return "http://%s%s:%d" % (f"{self.user}@" if self.user else "", *self.address)

    @property
    def name(self):
        return "%s:%d" % self.address

    def behave(self, behaviour):
        """None: as usual."""
        self._behaviour = behaviour

    def targets(self):
        return [request.target for request in list(self.requests)]

    def wait_for_requests(self, count):
        eventually(lambda: len(self.requests) >= count, lambda: f"was it asked {count} times: {self.targets()}")

    def wait_for_close(self, near):
        """Until the other end has gone."""
        with contextlib.suppress(OSError):
            near.settimeout(PATIENCE_S)
            while near.recv(65536):
                pass

    def stop(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self._lock:
            for end in self._ends:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near):
        with self._held(near), contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                piece = near.recv(1)
                if not piece:
                    return
                head += piece
            request = Request(head[:-4])
            self.requests.append(request)
            (self._behaviour or ConnectProxy._tunnel)(self, near, request)

    def _tunnel(self, near, request):
        port = int(request.target.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as far, self._held(far):
            near.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self.tunnels += 1
            back = threading.Thread(target=_pump, args=(far, near), daemon=True)
            back.start()
            _pump(near, far)
            back.join(PATIENCE_S)

    @contextlib.contextmanager
    def _held(self, end):
        with self._lock:
            self._ends.add(end)
        try:
            with end:
                yield
        finally:
            with self._lock:
                self._ends.discard(end)


def _pump(source, sink):
    with contextlib.suppress(OSError):
        while True:
            data = source.recv(65536)
            if not data:
                break
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)

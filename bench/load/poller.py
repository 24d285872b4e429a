# SPDX-License-Identifier: MIT
"""Many kept plain connections watched by one loop: each sends its request, and again as soon as the answer is there.
Notes the instant of every answer, which http.client, one connection at a time, could not."""
import selectors
import socket
import time
import urllib.parse

from .machine import Trouble


class Asker:
    """One connection; on_answer(asker, status, sent, received) says with True that the same request goes out again."""

    def __init__(self, url, on_answer):
        parts = urllib.parse.urlsplit(url)
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._on_answer = on_answer
        self._received = b""
        self._request = b""
        self._sent = 0.0
        self.is_waiting = False

    def ask(self, method, target, token):
        self._request = (f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                         f"Authorization: Bearer {token}\r\n\r\n").encode()
        self._send()

    def _send(self):
        self.is_waiting = True
        self._sent = time.monotonic()
        self.socket.sendall(self._request)

    def on_readable(self):
        piece = self.socket.recv(65536)
        if not piece:
            raise Trouble("the gateway closed a connection that was in use")
        self._received += piece
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or len(body) < _content_length(head):
            return
        self._received = b""
        self.is_waiting = False
        if self._on_answer(self, int(head.split(b" ", 2)[1]), self._sent, time.monotonic()):
            self._send()


def _content_length(head):
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise Trouble("an answer without Content-Length")


class Poller:
    def __init__(self):
        self._selector = selectors.DefaultSelector()
        self._askers = []

    def connect(self, url, on_answer):
        asker = Asker(url, on_answer)
        self._askers.append(asker)
        self._selector.register(asker.socket, selectors.EVENT_READ, asker)
        return asker

    def run_until(self, condition, timeout_s, what):
        deadline = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline:
                raise Trouble(f"{what}: not within {timeout_s} s")
            for key, _ in self._selector.select(0.1):
                key.data.on_readable()

    def close(self):
        for asker in self._askers:
            asker.socket.close()
        self._selector.close()

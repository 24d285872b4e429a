# SPDX-License-Identifier: MIT
"""HTTP/1.1 over a socket, byte for byte: sends exactly what it is given, reads strictly, hides nothing. What the gateway
sends must be framed without a fault, so every deviation here is an assertion."""
import dataclasses
import json
import re
import select
import socket
import ssl

from .waiting import PATIENCE_S

_SEND_BYTES = 1024 * 1024
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*\Z", re.DOTALL)
_STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) ([\x20-\x7e]*)\Z")


@dataclasses.dataclass
class Response:
    status: int
    reason: str
    fields: list  # (name as sent, value)
    body: bytes
    raw_head: bytes = b""

    def all(self, name):
        return [value for field, value in self.fields if field.lower() == name.lower()]

    def get(self, name, default=None):
        """The value of a field that must not be there twice."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} is there {len(values)} times: {values}"
        return values[0] if values else default

    def json(self):
        return json.loads(self.body.decode("utf-8"))

    @property
    def error_code(self):
        return self.json()["error"]["code"]

    @property
    def error_message(self):
        return self.json()["error"]["message"]

    @property
    def says_close(self):
        options = ",".join(self.all("connection")).lower().split(",")
        return "close" in [option.strip() for option in options]


def assert_error_shape(response, is_head=False):
    """Every refusal of the gateway looks like this (CONTRACT, "Errors")."""
    assert response.get("content-type", "").split(";")[0] == "application/json", response
    assert response.get("x-request-id"), response
    assert response.get("date"), response
    if is_head:
        assert response.body == b""
        return
    document = response.json()
    assert set(document) == {"error"}, document
    assert set(document["error"]) == {"code", "message"}, document
    code, message = document["error"]["code"], document["error"]["message"]
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", code), code
    assert isinstance(message, str) and 0 < len(message) <= 300, message
    assert message.endswith("."), f"not a sentence: {message!r}"
    if response.status == 401:
        assert response.get("www-authenticate", "").startswith("Bearer"), response
    if response.status in (429, 503):
        assert re.fullmatch(r"[1-9][0-9]*", response.get("retry-after", "")), response


class Connection:
    """One connection to a server. `address` is (host, port); `tls` an ssl.SSLContext or None."""

    def __init__(self, address, tls=None, timeout_s=PATIENCE_S, server_hostname="localhost", source="127.0.0.1"):
        self.socket = socket.create_connection(address, timeout=timeout_s, source_address=(source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname=server_hostname)
        self.buffer = b""
        self.at_end = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Closes with a RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.socket.close()

    def send(self, data):
        """The patience of the connection is for a megabyte, not for all there is."""
        data = memoryview(data)
        for at in range(0, len(data), _SEND_BYTES):
            self.socket.sendall(data[at:at + _SEND_BYTES])

    def send_ignoring_refusal(self, data):
        """For input that the other end may refuse before it was sent whole."""
        try:
            self.send(data)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            pass

    def end_sending(self):
        self.socket.shutdown(socket.SHUT_WR)

    def fill(self):
        """Reads once more into `buffer`; false at the end."""
        if self.at_end:
            return False
        try:
            data = self.socket.recv(65536)
        except ssl.SSLEOFError:  # closed without close_notify: an end, but a test may ask
            data = b""
        if not data:
            self.at_end = True
            return False
        self.buffer += data
        return True

    def _take(self, length):
        pieces, missing = [self.buffer], length - len(self.buffer)
        while missing > 0:  # a buffer that grows would be copied each time
            self.buffer = b""
            assert self.fill(), f"closed {missing} bytes early after {pieces[-1][-200:]!r}"
            pieces.append(self.buffer)
            missing -= len(self.buffer)
        all_of_it = b"".join(pieces)
        self.buffer = all_of_it[length:]
        return all_of_it[:length]

    def _take_line(self):
        while b"\r\n" not in self.buffer:
            assert self.fill(), f"closed within a line: {self.buffer[-200:]!r}"
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def _take_head(self):
        while b"\r\n\r\n" not in self.buffer:
            if not self.fill():
                assert self.buffer, "the connection was closed without an answer"
                raise AssertionError(f"closed within a response head: {self.buffer[-300:]!r}")
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        return head

    def _take_chunked(self):
        body = b""
        while True:
            size = int(self._take_line(), 16)
            if size == 0:
                assert self._take_line() == b"", "trailers are never sent"
                return body
            body += self._take(size)
            assert self._take(2) == b"\r\n"

    def read_response(self, method="GET"):
        """The next response, an interim one (1xx) included."""
        head = self._take_head()
        lines = head.split(b"\r\n")
        match = _STATUS_LINE.match(lines[0])
        assert match, f"not a status line: {lines[0]!r}"
        fields = []
        for line in lines[1:]:
            field = _FIELD.match(line)
            assert field and not re.search(rb"[\r\n\0]", line), f"not a field line: {line!r}"
            fields.append((field[1].decode(), field[2].decode("latin-1")))
        response = Response(int(match[1]), match[2].decode(), fields, b"", head)
        response.body = self._take_body(response, method)
        return response

    def _take_body(self, response, method):
        length, coding = response.get("content-length"), response.get("transfer-encoding")
        assert length is None or coding is None, "both length fields in a response"
        if 100 <= response.status < 200 or response.status in (204, 304) or method == "HEAD":
            return b""
        if coding is not None:
            assert coding == "chunked", coding
            return self._take_chunked()
        if length is not None:
            return self._take(int(length))
        while self.fill():
            pass
        body, self.buffer = self.buffer, b""
        return body

    def request(self, method, target, fields=(), body=b"", host="localhost"):
        """One whole exchange; the final response."""
        self.send(format_request(method, target, fields, body, host))
        while True:
            response = self.read_response(method)
            if response.status >= 200:
                return response

    def read_to_end(self):
        """Everything until the other end closes; a reset counts as the end when `buffer` was read before."""
        try:
            while self.fill():
                pass
        except ConnectionResetError:
            self.at_end = True
        data, self.buffer = self.buffer, b""
        return data

    def assert_closed(self):
        """The other end has closed, or does so now, and sends nothing more."""
        rest = self.read_to_end()
        assert rest == b"", f"more bytes before the close: {rest[:300]!r}"

    def assert_closed_or_reset(self):
        """The same where the other end may leave bytes of ours unread."""
        try:
            self.assert_closed()
        except ConnectionResetError:
            self.at_end = True

    def is_readable(self, timeout_s=0):
        pending = getattr(self.socket, "pending", lambda: 0)()
        if self.buffer or pending > 0:
            return True
        waiting = select.poll()  # not select(), which knows a thousand descriptors
        waiting.register(self.socket, select.POLLIN)
        return bool(waiting.poll(timeout_s * 1000))


def format_request(method, target, fields=(), body=b"", host="localhost"):
    lines = [f"{method} {target} HTTP/1.1"]
    names = [name.lower() for name, _ in fields]
    if host is not None and "host" not in names:
        lines.append(f"Host: {host}")
    lines += [f"{name}: {value}" for name, value in fields]
    if (body or method in ("POST", "PUT", "PATCH")) and not {"content-length", "transfer-encoding"} & set(names):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("utf-8") + b"\r\n\r\n" + body


def bearer(secret):
    return [("Authorization", f"Bearer {secret}")] if secret is not None else []

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The demonstration registry: what stands behind the gateway in ./dev up, in compose.yaml and in the tests.

It answers the routes that the gateway forwards with small plausible JSON, keeps what is published in a temporary folder
until it ends, and echoes any other request (method, path, the header fields as they arrived, the body's length and
digest), which shows what the gateway made of it. It trusts every caller: the gateway in front decides who may.

Small documents are answered from memory by one event loop (Front), at a small part of what the gateway spends on a request, so
that a benchmark of what is forwarded does not measure this program. Every other request is a thread's (Handler).
"""
import argparse
import collections
import contextlib
import email.utils
import hashlib
import io
import json
import mmap
import os
import re
import selectors
import signal
import socket
import sys
import tarfile
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, unquote, urlsplit

CHUNK = 64 * 1024


def demo_tarball(name):
    """A skill of one file, the same bytes each time."""
    text = f"---\nname: {name}\ndescription: A demonstration skill.\n---\nSay hello.\n".encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo(f"{name}/SKILL.md")
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text))
    return buffer.getvalue()


class Store:
    """Skills by organisation and name: {version: (file, SHA-256)}, oldest first."""

    def __init__(self, folder):
        self.folder = folder
        self.lock = threading.Lock()
        self.generation = 0  # another one after each change
        self.skills = {}
        for name in ("hello-world", "code-review"):
            with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
                file.write(demo_tarball(name))
            digest = hashlib.sha256(demo_tarball(name)).hexdigest()
            self.add("acme", name, "1.0.0", file.name, digest)

    def add(self, org, name, version, path, digest):
        """False if that version is already there."""
        with self.lock:
            versions = self.skills.setdefault((org, name), {})
            if version in versions:
                return False
            versions[version] = (path, digest)
            self.generation += 1
            return True

    def versions(self, org, name):
        with self.lock:
            return dict(self.skills.get((org, name), {}))

    def remove(self, org, name):
        with self.lock:
            self.generation += 1
            return self.skills.pop((org, name), None) is not None

    def list(self, org=None):
        with self.lock:
            return [self.view(*key, versions) for key, versions in sorted(self.skills.items()) if org in (None, key[0])]

    @staticmethod
    def view(org, name, versions):
        return {"org": org, "name": name, "description": "A demonstration skill.", "latestVersion": list(versions)[-1]}

    def document(self, parts, query):
        """What a GET of small JSON answers; None: it is something else that is asked for."""
        match parts:
            case ["search"]:
                word = query.get("q", [""])[0]
                found = [skill for skill in self.list(query.get("org", [None])[0]) if word in skill["name"]]
                return {"skills": found, "total": len(found)}
            case ["public", *_]:
                return {"skills": self.list()}
            case ["orgs", org, "skills"]:
                return {"skills": self.list(org)}
            case ["orgs", org, "skills", name] if versions := self.versions(org, name):
                return self.view(org, name, versions)
            case ["orgs", org, "skills", name, "versions"] if versions := self.versions(org, name):
                return {"versions": [{"version": key, "checksum": value[1]} for key, value in versions.items()]}
        return None


def parts_of(target):
    """(segments of the path, query) below /api/v1."""
    url = urlsplit(target)
    return [unquote(part) for part in url.path.removeprefix("/api/v1/").split("/")], parse_qs(url.query)


def json_text(value):
    return (json.dumps(value, indent=2) + "\n").encode()


def multipart_fields(body, content_type):
    """The fields of a multipart/form-data body, a bytes-like object: {name: bytes}."""
    match = re.search(r'boundary="?([^";]+)"?', content_type)
    if not match:
        return {}
    mark = b"--" + match.group(1).encode()
    fields = {}
    start = body.find(mark)
    while start >= 0:
        end = body.find(b"\r\n" + mark, start)
        head_end = body.find(b"\r\n\r\n", start)
        if end < 0 or head_end < 0:
            break
        name = re.search(rb'name="([^"]*)"', body[start:head_end])
        if name:
            fields[name.group(1).decode()] = body[head_end + 4 : end]
        start = end + 2
    return fields


class Reader:
    """What a connection sends, behind what was read of it before."""

    def __init__(self, connection, before):
        self.connection, self.rest = connection, bytearray(before)

    def fill(self):
        data = self.connection.recv(CHUNK)
        self.rest += data
        return bool(data)

    def take(self, size):
        data = bytes(self.rest[:size])
        del self.rest[:size]
        return data

    def readline(self, limit=CHUNK):
        while (end := self.rest.find(b"\n")) < 0 and len(self.rest) < limit and self.fill():
            pass
        return self.take(min(limit, end + 1 if end >= 0 else len(self.rest)))

    def read(self, size):
        while len(self.rest) < size and self.fill():
            pass
        return self.take(size)


class Writer:
    """All of what it is given, at once."""

    def __init__(self, connection):
        self.write = connection.sendall

    def flush(self):
        """Nothing waits."""


class Handler(BaseHTTPRequestHandler):
    """One request, in a thread. `before`: what was read of it."""

    protocol_version = "HTTP/1.1"
    server_version = "demo-registry"
    store = None

    def __init__(self, connection, before, server):
        self.before = before
        super().__init__(connection, connection.getpeername(), server)

    def setup(self):
        self.connection = self.request
        self.connection.settimeout(120)
        self.rfile = Reader(self.connection, self.before)
        self.wfile = Writer(self.connection)

    def handle(self):
        self.close_connection = True
        self.handle_one_request()

    def finish(self):
        """The connection goes on."""

    # Bodies

    def body_chunks(self):
        """The request's body, by Content-Length or chunked, never whole in memory."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield from self.read_exactly(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
        else:
            yield from self.read_exactly(int(self.headers.get("Content-Length", 0)))

    def read_exactly(self, size):
        while size > 0:
            data = self.rfile.read(min(size, CHUNK))
            if not data:
                raise ConnectionError("the body ended early")
            size -= len(data)
            yield data

    def receive_file(self):
        """The body as a temporary file; the caller closes it."""
        file = tempfile.NamedTemporaryFile(dir=self.store.folder)
        for data in self.body_chunks():
            file.write(data)
        file.flush()
        return file

    def send_head(self, status, length, content_type, fields=()):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(length))
        for name, value in fields:
            self.send_header(name, value)
        self.end_headers()

    def send_json(self, status, value):
        data = json_text(value)
        self.send_head(status, len(data), "application/json")
        if self.command != "HEAD":
            self.wfile.write(data)

    def send_error_json(self, status, code, message):
        self.send_json(status, {"error": {"code": code, "message": message}})

    # Routes

    def echo(self):
        digest, length = hashlib.sha256(), 0
        for data in self.body_chunks():
            digest.update(data)
            length += len(data)
        self.send_json(
            200,
            {
                "method": self.command,
                "path": self.path,
                "headers": [[name, value] for name, value in self.headers.items()],
                "body": {"length": length, "sha256": digest.hexdigest()},
            },
        )

    def publish(self, org, name=None):
        with self.receive_file() as file:
            if os.path.getsize(file.name) == 0:
                return self.send_error_json(400, "empty_body", "The request has no body.")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as body:
                fields = multipart_fields(body, self.headers.get("Content-Type", ""))
        tarball = fields.get("tarball")
        name = name or fields.get("name", b"").decode()
        version = fields.get("version", b"").decode() or "1.0.0"
        if tarball is None or not name:
            return self.send_error_json(422, "invalid_upload", "The fields name and tarball are required.")
        digest = hashlib.sha256(tarball).hexdigest()
        told = self.headers.get("x-checksum-sha256") or fields.get("checksum", b"").decode()
        if told and told.lower().removeprefix("sha256:") != digest:
            return self.send_error_json(422, "checksum_mismatch", "The tarball does not have the checksum sent.")
        with tempfile.NamedTemporaryFile(dir=self.store.folder, delete=False) as kept:
            kept.write(tarball)
        if not self.store.add(org, name, version, kept.name, digest):
            os.unlink(kept.name)
            return self.send_error_json(409, "version_exists", "This version was published before.")
        self.send_json(201, {"org": org, "name": name, "version": version, "checksum": digest, "bytes": len(tarball)})

    def download(self, org, name, version):
        wanted = parse_qs(urlsplit(self.path).query).get("bytes")
        if wanted:  # made up, to try large downloads
            return self.send_made_up(int(wanted[0]))
        path, digest = self.store.versions(org, name).get(version, (None, None))
        if path is None:
            return self.send_error_json(404, "not_found", "There is no such version.")
        fields = [("x-checksum-sha256", digest), ("x-skill-name", name), ("x-skill-version", version),
                  ("x-validation-level", "basic")]
        self.send_head(200, os.path.getsize(path), "application/gzip", fields)
        if self.command != "HEAD":
            with open(path, "rb") as file:
                while data := file.read(CHUNK):
                    self.wfile.write(data)

    def send_made_up(self, length):
        block = bytes(range(256)) * (CHUNK // 256)
        sizes = [CHUNK] * (length // CHUNK) + [length % CHUNK]
        digest = hashlib.sha256()
        for size in sizes:
            digest.update(block[:size])
        self.send_head(200, length, "application/octet-stream", [("x-checksum-sha256", digest.hexdigest())])
        if self.command != "HEAD":
            for size in sizes:
                self.wfile.write(block[:size])

    def read(self, parts, query):
        document = self.store.document(parts, query)
        if document is not None:
            return self.send_json(200, document)
        match parts:
            case ["auth", "cli", "poll"]:
                self.send_error_json(410, "expired", "This login was not completed in time.")
            case ["orgs", org, "skills", name, "versions", version, "download"]:
                self.download(org, name, version)
            case ["catalog", _, name, "versions", version, "download"]:
                self.download(query.get("asOrg", [""])[0], name, version)
            case ["orgs", _, "skills", *_]:
                self.send_error_json(404, "not_found", "There is no such skill.")
            case _:
                self.echo()

    def write(self, parts):
        match self.command, parts:
            case "POST", ["orgs", org, "skills"]:
                self.publish(org)
            case "POST", ["orgs", org, "skills", name, "versions"]:
                self.publish(org, name)
            case "DELETE", ["orgs", org, "skills", name] if self.store.remove(org, name):
                self.send_json(200, {"org": org, "name": name})
            case "POST", ["auth", "cli", "initiate"]:
                for _ in self.body_chunks():
                    pass
                self.send_json(200, {"code": "demo", "pollInterval": 5})
            case _:
                self.echo()

    def route(self):
        parts, query = parts_of(self.path)
        has_body = "Transfer-Encoding" in self.headers or self.headers.get("Content-Length", "0") != "0"
        if self.command in ("GET", "HEAD") and not has_body:
            self.read(parts, query)
        else:
            self.write(parts)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = route

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        if self.server.verbose:
            super().log_message(format, *args)


class Connection:
    def __init__(self, own):
        self.socket, self.unread = own, b""


class Front:
    """The event loop: accepts, answers what is in memory, hands any other request to a thread and takes the connection back."""

    # Fields with which a request is more than its first line.
    OTHER = re.compile(rb"\r\n(?:content-length|transfer-encoding|connection|expect)[ \t]*:", re.IGNORECASE)

    def __init__(self, address, store, verbose):
        self.listener = socket.create_server(address, backlog=1024)
        self.listener.setblocking(False)
        self.store, self.verbose = store, verbose
        self.answers, self.generation = {}, None  # by target
        self.date = (0, b"")
        self.selector = selectors.DefaultSelector()
        self.returned = collections.deque()  # of threads
        self.waker, self.waked = socket.socketpair()
        self.selector.register(self.listener, selectors.EVENT_READ, self.accept)
        self.selector.register(self.waked, selectors.EVENT_READ, self.take_back)

    # answers from memory

    def head(self, length):
        now = int(time.time())
        if now != self.date[0]:
            self.date = (now, email.utils.formatdate(now, usegmt=True).encode())
        return b"HTTP/1.1 200 OK\r\nServer: demo-registry\r\nDate: %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" \
            % (self.date[1], length)

    def answer_to(self, target):
        """The body; None: a thread has to look."""
        if self.generation != self.store.generation or len(self.answers) > 10_000:
            self.answers, self.generation = {}, self.store.generation
        if target not in self.answers:
            try:
                document = self.store.document(*parts_of(target.decode("latin-1")))
            except ValueError:  # no URL
                document = None
            self.answers[target] = None if document is None else json_text(document)
        return self.answers[target]

    def answers_of(self, connection):
        """To all requests that were read, as far as they are of the simple kind: (what to send, whether a thread goes on)."""
        out = []
        while (end := connection.unread.find(b"\r\n\r\n")) >= 0:
            head = connection.unread[:end + 2]
            line = head[:head.index(b"\r\n")].split(b" ")
            is_simple = len(line) == 3 and line[0] == b"GET" and line[2] == b"HTTP/1.1" and not self.verbose
            body = None if not is_simple or self.OTHER.search(head) else self.answer_to(line[1])
            if body is None:
                return b"".join(out), True
            out += (self.head(len(body)), body)
            connection.unread = connection.unread[end + 4:]
        return b"".join(out), len(connection.unread) > CHUNK

    # connections

    def accept(self, _):
        with contextlib.suppress(OSError):
            while True:
                own, _address = self.listener.accept()
                own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.watch(Connection(own))

    def watch(self, connection):
        connection.socket.setblocking(False)
        self.selector.register(connection.socket, selectors.EVENT_READ, connection)

    def drop(self, connection):
        self.selector.unregister(connection.socket)
        connection.socket.close()

    def serve(self, connection):
        try:
            data = connection.socket.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        connection.unread += data
        if not data:
            self.drop(connection)
            return
        out, needs_thread = self.answers_of(connection)
        sent = 0
        if out and not needs_thread:
            with contextlib.suppress(BlockingIOError):
                sent = connection.socket.send(out)
        if needs_thread or sent < len(out):
            self.selector.unregister(connection.socket)
            threading.Thread(target=self.serve_slowly, args=(connection, out[sent:], needs_thread), daemon=True).start()

    # threads

    def serve_slowly(self, connection, out, has_request):
        try:
            connection.socket.settimeout(120)
            connection.socket.sendall(out)
            if has_request:
                handler = Handler(connection.socket, connection.unread, self)
                connection.unread = bytes(handler.rfile.rest)
                if handler.close_connection:
                    connection.socket.close()
                    return
        except OSError:  # a caller that went away is no news
            connection.socket.close()
            return
        except Exception:  # nor does one request end the others
            connection.socket.close()
            raise
        self.returned.append(connection)
        self.waker.send(b"x")

    def take_back(self, _):
        self.waked.recv(CHUNK)
        while self.returned:
            connection = self.returned.popleft()
            out, needs_thread = self.answers_of(connection)
            if out or needs_thread:
                threading.Thread(target=self.serve_slowly, args=(connection, out, needs_thread), daemon=True).start()
            else:
                self.watch(connection)

    def run(self):
        while True:
            for key, _ in self.selector.select():
                if isinstance(key.data, Connection):
                    self.serve(key.data)
                else:
                    key.data(key.fileobj)


def main():
    parser = argparse.ArgumentParser(description="The demonstration registry behind the gateway.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9000, help="0 takes a free one")
    parser.add_argument("--port-file", help="write the port here once it listens")
    parser.add_argument("--verbose", action="store_true", help="log each request")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with tempfile.TemporaryDirectory(prefix="demo-registry-") as folder:
        Handler.store = Store(folder)
        front = Front((options.host, options.port), Handler.store, options.verbose)
        port = front.listener.getsockname()[1]
        if options.port_file:
            with open(options.port_file + ".new", "w", encoding="ascii") as file:
                file.write(f"{port}\n")
            os.replace(options.port_file + ".new", options.port_file)
        print(f"listening on http://{options.host}:{port}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            front.run()


if __name__ == "__main__":
    main()

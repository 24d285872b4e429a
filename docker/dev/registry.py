#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The demonstration registry: what stands behind the gateway in ./dev up, in compose.yaml and in the tests.

It answers the routes that the gateway forwards with small plausible JSON, keeps what is published in a temporary folder
until it ends, and echoes any other request (method, path, the header fields as they arrived, the body's length and
digest), which shows what the gateway made of it. It trusts every caller: the gateway in front decides who may.
"""
import argparse
import hashlib
import io
import json
import mmap
import os
import re
import signal
import sys
import tarfile
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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
            return True

    def versions(self, org, name):
        with self.lock:
            return dict(self.skills.get((org, name), {}))

    def remove(self, org, name):
        with self.lock:
            return self.skills.pop((org, name), None) is not None

    def list(self, org=None):
        with self.lock:
            return [self.view(*key, versions) for key, versions in sorted(self.skills.items()) if org in (None, key[0])]

    @staticmethod
    def view(org, name, versions):
        return {"org": org, "name": name, "description": "A demonstration skill.", "latestVersion": list(versions)[-1]}


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


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "demo-registry"
    disable_nagle_algorithm = True
    timeout = 120
    store = None

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
        data = (json.dumps(value, indent=2) + "\n").encode()
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
        match parts:
            case ["search"]:
                word = query.get("q", [""])[0]
                found = [skill for skill in self.store.list(query.get("org", [None])[0]) if word in skill["name"]]
                self.send_json(200, {"skills": found, "total": len(found)})
            case ["public", *_]:
                self.send_json(200, {"skills": self.store.list()})
            case ["auth", "cli", "poll"]:
                self.send_error_json(410, "expired", "This login was not completed in time.")
            case ["orgs", org, "skills"]:
                self.send_json(200, {"skills": self.store.list(org)})
            case ["orgs", org, "skills", name] if versions := self.store.versions(org, name):
                self.send_json(200, self.store.view(org, name, versions))
            case ["orgs", org, "skills", name, "versions"] if versions := self.store.versions(org, name):
                listed = [{"version": key, "checksum": value[1]} for key, value in versions.items()]
                self.send_json(200, {"versions": listed})
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
        url = urlsplit(self.path)
        parts = [unquote(part) for part in url.path.removeprefix("/api/v1/").split("/")]
        has_body = "Transfer-Encoding" in self.headers or self.headers.get("Content-Length", "0") != "0"
        if self.command in ("GET", "HEAD") and not has_body:
            self.read(parts, parse_qs(url.query))
        else:
            self.write(parts)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = route

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        if self.server.verbose:
            super().log_message(format, *args)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024
    verbose = False

    def handle_error(self, request, client_address):
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):  # a caller that went away is no news
            super().handle_error(request, client_address)


def main():
    parser = argparse.ArgumentParser(description="The demonstration registry behind the gateway.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9000, help="0 takes a free one")
    parser.add_argument("--port-file", help="write the port here once it listens")
    parser.add_argument("--verbose", action="store_true", help="log each request")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with tempfile.TemporaryDirectory(prefix="demo-registry-") as folder, Server((options.host, options.port), Handler) as server:
        Handler.store = Store(folder)
        server.verbose = options.verbose
        port = server.server_address[1]
        if options.port_file:
            with open(options.port_file + ".new", "w", encoding="ascii") as file:
                file.write(f"{port}\n")
            os.replace(options.port_file + ".new", options.port_file)
        print(f"listening on http://{options.host}:{port}", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: MIT
"""A gateway of paper for the command line: it answers what it is told, also what a real one answers rarely or never, and keeps
what it was asked."""
import datetime
import http.client
import http.server
import json
import secrets
import ssl
import threading
import typing

# Another one in each run: a test looks for it in all processes of the machine.
SECRET = "sr_live_" + "SeCrEt" * 7 + secrets.token_hex(3)
WHOAMI = {
    "user": {"id": "clu1", "email": "ci@acme.invalid", "name": "ci"},
    "org": {"id": "clo1", "slug": "acme", "name": "Acme Inc"},
    "orgs": [{"slug": "acme", "name": "Acme Inc", "role": "admin"}],
    "token": {"id": "clt1", "name": "ci", "prefix": SECRET[:12], "scopes": ["admin"], "createdAt": "2026-01-01T00:00:00.000Z",
              "lastUsedAt": None, "expiresAt": None},
}


class Request(typing.NamedTuple):
    command: str
    path: str
    headers: http.client.HTTPMessage
    body: str


class Stub:
    """Answers by `(method, path without query)`: (status, body) or (status, body, headers), or a function of the handler."""

    def __init__(self, tls=None, host="127.0.0.1"):
        self.answers = {("GET", "/api/v1/auth/whoami"): (200, WHOAMI)}
        self.requests = []
        self.date = None  # what its clock says; None: this machine's
        stub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                stub.requests.append(Request(self.command, self.path, self.headers, body.decode()))
                missing = (404, error("not_found", "No such route."))
                answer = stub.answers.get((self.command, self.path.partition("?")[0]), missing)
                status, text, *headers = answer(self) if callable(answer) else answer
                text = text if isinstance(text, bytes) else json.dumps(text).encode()
                self.send_response(status)
                for name, value in (headers[0] if headers else {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def date_time_string(self, timestamp=None):
                return super().date_time_string(timestamp) if stub.date is None else stub.date

            do_GET = do_POST = do_PATCH = do_DELETE = handle_any

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((host, 0), Handler)
        self.server.daemon_threads = True
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls.cert, tls.key)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
            self.server.handle_error = lambda *_: None  # a client that does not trust us hangs up
        self.port = self.server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://{host}:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def asked(self):
        return [f"{request.command} {request.path}" for request in self.requests]


def error(code, message):
    return {"error": {"code": code, "message": message}}


def ago(**delta):
    then = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(**delta)
    return then.strftime("%Y-%m-%dT%H:%M:%S.000Z")

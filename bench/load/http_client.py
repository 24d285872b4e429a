# SPDX-License-Identifier: MIT
"""Real requests over http.client, for checking answers; no load."""
import dataclasses
import http.client
import json
import ssl
import urllib.parse


@dataclasses.dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    fields: dict  # names in lower case

    def json(self):
        return json.loads(self.body)


class Client:
    """One kept connection. `certificate` is the file to trust when the address is https."""

    def __init__(self, url, certificate=None):
        parts = urllib.parse.urlsplit(url)
        if parts.scheme == "https":
            self._context = ssl.create_default_context(cafile=str(certificate))
            self._connection = http.client.HTTPSConnection(parts.netloc, context=self._context, timeout=10)
        else:
            self._connection = http.client.HTTPConnection(parts.netloc, timeout=10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._connection.close()

    def get(self, target, token=None, method="GET", body=None, fields=()):
        authorization = {"Authorization": f"Bearer {token}"} if token else {}
        self._connection.request(method, target, body=body, headers={**authorization, **dict(fields)})
        response = self._connection.getresponse()
        return Answer(response.status, response.read(), {name.lower(): value for name, value in response.getheaders()})

    def ciphersuite(self):
        self._connection.connect()
        return self._connection.sock.cipher()[0]


def get(url, target, token=None):
    with Client(url) as client:
        return client.get(target, token)


def answers(url):
    try:
        get(url, "/")
        return True
    except OSError:
        return False

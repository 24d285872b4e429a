# SPDX-License-Identifier: MIT
"""The demonstration registry (docker/dev/registry.py): small documents come from its event loop, which says so by its name, and
everything else from a thread; a connection goes from one to the other and back."""
import hashlib
import urllib.parse

import pytest

from harness.http_client import Connection, format_request

SKILL = "/api/v1/orgs/acme/skills/hello-world"
LOOP = "demo-registry"


@pytest.fixture
def registry(demonstration_registry):
    url = urllib.parse.urlsplit(demonstration_registry)
    with Connection((url.hostname, url.port)) as connection:
        yield connection


def publish(registry, version, tarball=b"a tarball"):
    parts = [("version", version.encode()), ("tarball", tarball)]
    body = b"".join(b'--mark\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), value) for name, value in parts)
    return registry.request("POST", SKILL + "/versions", [("Content-Type", "multipart/form-data; boundary=mark")], body + b"--mark--\r\n")


def test_small_documents_come_from_the_loop(registry):
    for target in (SKILL, SKILL + "/versions", "/api/v1/orgs/acme/skills", "/api/v1/search?q=hello", "/api/v1/public/skills"):
        for _ in range(2):
            response = registry.request("GET", target)
            assert (response.status, response.get("server")) == (200, LOOP), target
            assert response.get("content-type") == "application/json" and response.json()
    assert registry.request("GET", "/api/v1/search?q=nothing-like-it").json() == {"skills": [], "total": 0}


def test_requests_that_come_together_are_answered_in_order(registry):
    targets = [SKILL, SKILL + "/versions", "/api/v1/orgs/acme/never/heard/of", SKILL]
    registry.send(b"".join(format_request("GET", target) for target in targets))
    answers = [registry.read_response() for _ in targets]
    assert [answer.get("server") == LOOP for answer in answers] == [True, True, False, True]
    assert answers[0].body == answers[3].body and answers[2].json()["path"] == targets[2]


def test_a_request_in_pieces(registry):
    for byte in format_request("GET", SKILL):
        registry.send(bytes([byte]))
    assert registry.read_response().json()["name"] == "hello-world"


def test_what_is_published_is_seen_at_once(registry):
    assert registry.request("GET", SKILL).json()["latestVersion"] == "1.0.0"
    made = publish(registry, "1.1.0")
    assert made.status == 201 and made.json()["checksum"] == hashlib.sha256(b"a tarball").hexdigest()
    assert registry.request("GET", SKILL).json()["latestVersion"] == "1.1.0"
    assert publish(registry, "1.1.0").status == 409
    assert registry.request("GET", SKILL + "/versions/1.1.0/download").body == b"a tarball"
    assert registry.request("DELETE", SKILL).status == 200
    assert registry.request("GET", SKILL).status == 404


def test_what_is_more_than_a_simple_get_is_not_taken_for_one(registry):
    response = registry.request("GET", SKILL, [("Content-Length", "5")], b"hello")
    assert response.json()["body"]["length"] == 5  # echoed, as a request with a body is
    head = registry.request("HEAD", SKILL)
    assert (head.status, head.body) == (200, b"") and head.get("content-length") == str(len(registry.request("GET", SKILL).body))
    large = registry.request("GET", SKILL + "/versions/1.0.0/download?bytes=3000000")
    assert len(large.body) == 3_000_000 and large.get("x-checksum-sha256") == hashlib.sha256(large.body).hexdigest()
    assert registry.request("GET", "/api/v1/auth/cli/poll").status == 410
    assert registry.request("GET", "//[x").status in (200, 404)
    assert registry.request("GET", SKILL, [("Connection", "close")]).status == 200
    registry.assert_closed()

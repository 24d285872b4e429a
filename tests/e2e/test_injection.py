# SPDX-License-Identifier: MIT
"""What a peer sends on its way to a log line, a message, a document, the database: it never makes a second line or field there,
and what is broken gets nowhere (HARDENING 1.15, 1.16, 2.7). tests/vectors/injection.http has the bytes of one connection."""
import re

import pytest

from harness import token_syntax
from harness.http_client import bearer, format_request
from harness.waiting import eventually

WHOAMI = "/api/v1/auth/whoami"
LOG_LINE = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (debug|info|warning|error) [a-z_]+ [\x20-\x7e]*")
REQUEST_LINE = re.compile(
    r'\S+ info request method=[A-Z]+ path="(?:[^"\\\x00-\x1f]|\\.)*" status=\d{3} bytes=\d+ ms=\d+\.\d{3} client=127\.0\.0\.1'
    r" token=\S+ org=\S+ verdict=\S+ error=\S+ route=\S+ cache=\S+ decision_ms=\S+ registry_ms=\S+ original_method=-"
    r" original_path=- trace=[0-9a-f]{32} id=[0-9a-f]{32}")
MARK = "zyx"

# Each holds MARK, so that its lines of the log can be found.
HOSTILE_PATHS = [
    f"/api/v1/{MARK}%0d%0a2026-01-01T00:00:00.000Z%20info%20request%20status=200",
    f"/api/v1/{MARK}%22%20status=200%20token=forged", f'/api/v1/{MARK}"status=200', f"/api/v1/{MARK}%00%01%1b[31m",
    f"/api/v1/{MARK}%s%n%x", f"/api/v1/{MARK}%25s%25n", f"/api/v1/{MARK}'%20or%201=1--", f"/api/v1/{MARK}$(id)`id`",
    f"/api/v1/{MARK}%c3%28%ff", f"/api/v1/{MARK}\\..\\x", f"/api/v1/{MARK}?token=sr_live_secret&x=%0d%0a"]


def test_a_request_is_one_line_of_the_log_whatever_its_path(start_gateway):
    own = start_gateway("--access-log", "--log-level", "debug")
    for path in HOSTILE_PATHS:
        assert own.request("GET", path).status in (400, 404)
    lines = eventually(lambda: len(found := [line for line in own.process.lines() if f"/{MARK}" in line]) >= len(HOSTILE_PATHS)
                       and found, "was every request logged")
    assert len(lines) == len(HOSTILE_PATHS)
    for line in lines:
        assert REQUEST_LINE.fullmatch(line), line
        assert "sr_live_secret" not in line, "the query is in the log"
    for line in own.process.lines():
        assert LOG_LINE.fullmatch(line), line


@pytest.mark.parametrize("path", HOSTILE_PATHS)
def test_a_refusal_repeats_nothing_of_the_request(path, gateway):
    answer = gateway.request("GET", path, fields=[("User-Agent", MARK), ("X-Request-Id", MARK)])
    assert MARK.encode() not in answer.raw_head + answer.body


BROKEN = [
    "GET {whoami} HTTP/1.1\r\nHost : x\r\n{authorization}\r\n", "GET {whoami} HTTP/1.1\r\n{authorization}\r\n",
    "GET {whoami} HTTP/1.1\r\nHost: x\r\n{authorization}X: a\0b\r\n\r\n",
    "POST {whoami} HTTP/1.1\r\nHost: x\r\n{authorization}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "GET {whoami} HTTP/1.1\r\nHost: x\r\n{authorization}{authorization}\r\n",
    "GET {whoami}/../whoami HTTP/1.1\r\nHost: x\r\n{authorization}\r\n",
    "GET {whoami} HTTP/1.1\r\nHost: x\r\n{authorization}Connection: authorization\r\n\r\n",
    "GET {whoami} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sr_live_\xff\xfe{secret}\r\n\r\n",
    "GET {whoami} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {secret}%0d%0a\r\n\r\n"]


def test_a_broken_request_costs_no_question(gateway, upstream):
    """HARDENING 1.16: each with a token that nobody has seen, so that asking the database or the registry would show."""
    before = gateway.metric("lookups_total")
    for text in BROKEN:
        secret = token_syntax.make()
        with gateway.connect() as connection:
            connection.send(text.format(whoami=WHOAMI, secret=secret, authorization=f"Authorization: Bearer {secret}\r\n")
                            .encode("latin-1"))
            assert connection.read_response().status in (400, 401)
    assert gateway.metric("lookups_total") == before
    assert gateway.request("GET", WHOAMI, token_syntax.make()).status == 401
    assert gateway.metric("lookups_total") == before + 1, "a good one does ask"
    assert upstream.requests == []


def test_a_name_with_every_kind_of_text_is_one_row_and_one_line(start_gateway, new_org, postgres):
    """HARDENING 2.7: SQL, JSON, format strings and markup are text, in the database, in the list and in the log."""
    organisation = new_org("admin")
    own = start_gateway("--access-log", "--log-level", "debug")
    names = ["'); drop table skillreg.api_token; --", '","scopes":["admin"],"x":"', "%s%n%p", "{{7*7}}${7*7}", "<b>&amp;</b>",
             "\\u0041\\", "$1 $2 :name", "null"]
    for name in names:
        answer = own.request("POST", f"/api/v1/orgs/{organisation.slug}/tokens", organisation.admin,
                             json_body={"name": name, "scopes": ["read"]})
        assert (answer.status, answer.json()["name"]) == (201, name)
    listed = own.request("GET", f"/api/v1/orgs/{organisation.slug}/tokens", organisation.admin).json()["tokens"]
    assert sorted(token["name"] for token in listed if token["scopes"] == ["read"]) == sorted(names)
    rows = postgres.query("select t.name, t.scopes from skillreg.api_token t join skillreg.organisation o on o.id = t.org_id"
                          " where o.slug = %s and t.name = any(%s)", (organisation.slug, names))
    assert sorted(row[0] for row in rows) == sorted(names) and {row[1] for row in rows} == {1}
    for line in own.process.lines():
        assert LOG_LINE.fullmatch(line), line


@pytest.mark.parametrize("identifier", [
    "' or '1'='1", "%27%20or%201=1--", "cl%00", "cl%0d%0a", "%s%n", "cl;drop", "*", "cl%25", "cl_______"])
def test_an_id_is_never_a_pattern_or_a_statement(identifier, gateway, new_org):
    organisation = new_org("admin")
    answer = gateway.request("DELETE", f"/api/v1/orgs/{organisation.slug}/tokens/" + identifier.replace(" ", "%20"),
                             organisation.admin)
    assert answer.status in (400, 404), answer.body
    assert gateway.request("GET", WHOAMI, organisation.admin).status == 200


def test_a_slug_is_never_a_pattern_or_a_statement(gateway, acme):
    for slug in ("%25", "_cme", "acm_", "acme%27--", "acme%20", "ACME", "acme%00"):
        with gateway.connect() as connection:
            connection.send(format_request("GET", f"/api/v1/orgs/{slug}/skills", bearer(acme.read)))
            assert connection.read_response().status in (400, 403, 404), slug

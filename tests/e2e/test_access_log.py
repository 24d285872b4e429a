# SPDX-License-Identifier: MIT
"""What --access-log says of a request: who asked, what was decided and why, where the time went (docs/log.md, HARDENING 5.6)."""
import json
import re

import pytest

from harness import binaries, token_syntax
from harness.http_client import Connection, bearer, format_request
from harness.upstream import answer_and_close
from harness.waiting import eventually

WHOAMI = "/api/v1/auth/whoami"
PUBLIC = "/api/v1/public/skills"
ID = re.compile(r"[0-9a-f]{32}")
MS = re.compile(r"\d+\.\d{3}")


def documented_fields():
    page = (binaries.ROOT / "docs" / "log.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", page, re.MULTILINE))


def fields_of(line):
    """Of a line of text, by the rules of docs/log.md alone."""
    pairs = re.findall(r' (\w+)=("(?:[^"\\]|\\.)*"|[^" ]*)(?= |$)', line)
    assert line.endswith("".join(f" {key}={value}" for key, value in pairs)), line
    assert len(dict(pairs)) == len(pairs), line
    return dict(pairs)


class Logged:
    """A gateway, and the lines about its requests."""

    def __init__(self, own):
        self.own = own

    def lines(self):
        return [line for line in self.own.process.lines() if " info request " in line or '"component":"request"' in line]

    def ask(self, method, target, token=None, fields=(), **more):
        """The response, and the fields of its line."""
        response = self.own.request(method, target, token, fields=fields, **more)
        mark = f"id={response.get('x-request-id')}"
        line = eventually(lambda: next((line for line in self.lines() if line.endswith(mark)), None), "was it logged")
        return response, fields_of(line)


@pytest.fixture(scope="module")
def module_log(operator, postgres, workdir, _session_upstream):
    from harness.gateway import Gateway
    own = Gateway(workdir, "access-log", database_url=postgres.url, upstream=_session_upstream.url,
                  flags=["--access-log", "--trusted-proxies", "127.0.0.1", "--rate-limit", "1000/m"])
    try:
        yield Logged(own.wait_until_ready())
    finally:
        own.stop()


@pytest.fixture
def log(module_log, upstream):
    return module_log


def identity_of(gateway, token):
    shown = gateway.request("GET", WHOAMI, token).json()
    return shown["token"]["id"], shown["organization"]["slug"] if "organization" in shown else shown["org"]["slug"]


# ---- the table ------------------------------------------------------------------------------------------------------

def test_a_line_has_the_fields_of_the_table_and_no_others(log, acme):
    """In both directions, in the order of the table."""
    _, fields = log.ask("GET", acme.skills, acme.read)
    assert list(fields) == list(documented_fields())


def test_json_has_them_too_of_the_kinds_of_the_table(start_gateway, acme, upstream):
    own = start_gateway("--access-log", "--log-format", "json", upstream=upstream.url)
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    assert own.request("GET", acme.skills, acme.read, fields=[("traceparent", f"00-{trace}-00f067aa0ba902b7-01")]).status == 200
    original = [("X-Original-Method", "GET"), ("X-Original-URI", acme.skills)]
    assert own.request("GET", "/authz", acme.write, fields=original).status == 200
    assert own.request("GET", acme.skills, token_syntax.make()).status == 401
    own.stop()
    lines = [json.loads(line) for line in Logged(own).lines()]
    documented = documented_fields()
    seen = {}
    for line in lines:
        assert list(line) == ["time", "level", "component", *documented]
        for name, value in list(line.items())[3:]:
            if value is not None:
                kind = "number" if isinstance(value, (int, float)) else "string"
                assert kind == documented[name], (name, value)
                seen[name] = value
    assert set(seen) == set(documented), "each of them was there once"
    assert lines[0]["trace"] == trace and lines[2]["token"] is None


# ---- who, what, why -------------------------------------------------------------------------------------------------

def test_an_allowed_request(log, acme):
    log.ask("GET", acme.skills, acme.read)
    response, fields = log.ask("GET", acme.skills + "?token=sr_live_x", acme.read)
    token, org = identity_of(log.own, acme.read)
    assert fields["path"] == f'"{acme.skills}"'
    assert {name: fields[name] for name in ("method", "status", "token", "org", "verdict", "error", "route", "cache")} == {
        "method": "GET", "status": str(response.status), "token": token, "org": org, "verdict": "allow", "error": "-",
        "route": "/api/v1/orgs/{org}/skills/**", "cache": "hit"}
    assert all(MS.fullmatch(fields[name]) for name in ("ms", "decision_ms", "registry_ms"))
    assert float(fields["ms"]) >= float(fields["decision_ms"]) and float(fields["ms"]) >= float(fields["registry_ms"])
    assert ID.fullmatch(fields["id"])


def test_each_refusal_of_a_known_token_names_it(log, operator, acme, globex, new_org):
    bound = operator.create_token(acme.slug, "elsewhere", "read", "--allow-ip", "192.0.2.1")["token"]
    short = new_org("read", "admin")
    for method, target, token, status, error in [
            ("GET", acme.skills, globex.admin, 403, "org_mismatch"), ("POST", acme.skills, acme.read, 403, "insufficient_scope"),
            ("GET", acme.skills, bound, 403, "address_not_allowed")]:
        response, fields = log.ask(method, target, token)
        assert (response.status, fields["error"], fields["verdict"]) == (status, error, "deny")
        assert re.fullmatch(r"c[a-z0-9]{23}", fields["token"]) and fields["org"] != "-", fields
        assert fields["route"].startswith("/api/v1/orgs/{org}/skills") and MS.fullmatch(fields["decision_ms"])
        assert fields["registry_ms"] == "-"
    assert short.slug


def test_a_rate_limited_request_names_its_token(start_gateway, acme):
    own = Logged(start_gateway("--access-log", "--rate-limit", "1/h"))
    assert own.ask("GET", WHOAMI, acme.read)[0].status == 200
    response, fields = own.ask("GET", WHOAMI, acme.read)
    assert (response.status, fields["error"], fields["verdict"], fields["org"]) == (429, "rate_limited", "deny", acme.slug)
    assert fields["token"] != "-" and fields["route"] == WHOAMI


def test_a_refusal_of_an_unknown_token_names_none(log, acme):
    for token, error, cache in [(None, "missing_token", "-"), (token_syntax.make(), "invalid_token", "miss"), ("x", "invalid_token", "-")]:
        response, fields = log.ask("GET", acme.skills, token)
        assert (response.status, fields["error"], fields["verdict"], fields["token"], fields["org"], fields["cache"]) == \
            (401, error, "deny", "-", "-", cache)


def test_what_is_not_decided_has_no_verdict(log):
    for target, status, error in [("/nowhere", 404, "not_found"), ("/api/v1/auth/token", 405, "method_not_allowed"),
                                  ("/a//b", 400, "bad_request")]:
        response, fields = log.ask("GET", target)
        assert (response.status, fields["error"], fields["verdict"], fields["route"]) == (status, error, "-", "-")


def test_a_head_that_cannot_be_read_is_a_line(log):
    with Connection(log.own.http) as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost : x\r\n\r\n")
        response = connection.read_response()
    line = eventually(lambda: next((line for line in log.lines() if response.get("x-request-id") in line), None), "was it logged")
    fields = fields_of(line)
    assert (fields["method"], fields["path"], fields["status"], fields["error"]) == ("-", "-", "400", "bad_request")


def test_without_a_database_the_verdict_is_unknown(start_gateway, acme):
    own = Logged(start_gateway("--access-log", ready=False, database_url="postgresql://nobody@/none?host=/nonexistent"))
    response, fields = own.ask("GET", WHOAMI, acme.read)
    assert (response.status, fields["verdict"], fields["error"], fields["token"], fields["cache"]) == \
        (503, "unknown", "unavailable", "-", "miss")


def test_a_registry_that_fails_is_named_by_its_error(log, upstream, acme):
    upstream.behave(answer_and_close(b"nonsense\r\n\r\n"))
    response, fields = log.ask("GET", acme.skills, acme.read)
    assert (response.status, fields["error"], fields["verdict"]) == (502, "upstream_invalid", "allow")
    assert MS.fullmatch(fields["registry_ms"])


def test_an_answer_that_breaks_off_has_the_error_beside_its_status(log, upstream, acme):
    upstream.behave(answer_and_close(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"))
    before = len(log.lines())
    with log.own.connect() as connection:
        connection.send(format_request("GET", acme.skills, bearer(acme.read)))
        connection.read_to_end()
    line, = eventually(lambda: log.lines()[before:], "was it logged")
    fields = fields_of(line)
    assert (fields["status"], fields["error"], fields["bytes"]) == ("200", "upstream_failed", "5")


def test_the_line_about_a_registry_that_fails_masks_tokens_too(log, upstream):
    upstream.behave(answer_and_close(b""))
    secret = token_syntax.make()
    assert log.ask("GET", "/api/v1/public/" + secret)[0].status == 502
    line = next(line for line in log.own.process.lines() if "request failed" in line and "/public/sr_live_***" in line)
    assert line and secret[-20:] not in log.own.log()


# ---- /authz ---------------------------------------------------------------------------------------------------------

def test_a_question_is_logged_with_the_original_request(log, acme):
    original = [("X-Original-Method", "POST"), ("X-Original-URI", acme.skills + "?a=b")]
    response, fields = log.ask("GET", "/authz", acme.read, original)
    assert (response.status, fields["method"], fields["path"]) == (403, "GET", '"/authz"')
    assert (fields["original_method"], fields["original_path"]) == ('"POST"', f'"{acme.skills}"')
    assert (fields["error"], fields["verdict"], fields["org"]) == ("insufficient_scope", "deny", acme.slug)
    assert fields["route"] == "/api/v1/orgs/{org}/skills"
    _, fields = log.ask("PATCH", "/authz" + acme.skills + "/x?a", acme.read)
    assert (fields["original_method"], fields["original_path"]) == ('"PATCH"', f'"{acme.skills}/x"')


def test_a_question_that_is_none_has_no_verdict(log, acme):
    response, fields = log.ask("GET", "/authz", acme.read)
    assert (response.status, fields["error"], fields["verdict"], fields["original_path"]) == (400, "bad_request", "-", "-")
    response, fields = log.ask("GET", "/authz", acme.read, [("X-Original-Method", "GET"), ("X-Original-URI", "/nowhere")])
    assert (response.status, fields["error"], fields["verdict"], fields["original_path"]) == (403, "not_found", "deny", '"/nowhere"')


# ---- ids ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("value", ["a", "A-b_c.1", "x" * 64, "550e8400-e29b-41d4-a716-446655440000"])
def test_the_id_of_a_trusted_proxy_is_kept(value, log, upstream):
    response, fields = log.ask("GET", PUBLIC, fields=[("X-Request-Id", value)])
    assert response.get("x-request-id") == fields["id"] == value
    assert upstream.wait_for_request().get("x-request-id") == value


@pytest.mark.parametrize("values", [["x" * 65], [""], ["a b"], ['a"b'], ["a/b"], ["a\xe4"], ["a", "b"], ["a=b"], [token_syntax.make()]])
def test_no_other_id_is(values, log, upstream):
    response, fields = log.ask("GET", PUBLIC, fields=[("X-Request-Id", value) for value in values])
    assert ID.fullmatch(response.get("x-request-id")) and fields["id"] == response.get("x-request-id")
    assert upstream.wait_for_request().get("x-request-id") == fields["id"]


def test_nor_is_that_of_anybody_else(start_gateway):
    own = Logged(start_gateway("--access-log"))
    response, _ = own.ask("GET", WHOAMI, fields=[("X-Request-Id", "forged")])
    assert ID.fullmatch(response.get("x-request-id"))


@pytest.mark.parametrize("value,trace", [
    ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "4bf92f3577b34da6a3ce929d0e0e4736"),
    ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x", None), ("00-" + "0" * 32 + "-00f067aa0ba902b7-01", None),
    ("x", None), (None, None)])
def test_the_trace_goes_on_or_begins(value, trace, log, upstream):
    sent = [("traceparent", value), ("tracestate", "a=1,b=2")] if value else []
    response, fields = log.ask("GET", PUBLIC, fields=sent)
    forwarded = upstream.wait_for_request()
    version, trace_id, span, flags = forwarded.get("traceparent").split("-")
    assert (version, trace_id, flags) == ("00", fields["trace"], "01" if trace else "00")
    assert re.fullmatch("[0-9a-f]{32}", trace_id) and re.fullmatch("[0-9a-f]{16}", span) and span != "00f067aa0ba902b7"
    assert trace in (trace_id, None) and forwarded.get("tracestate") == ("a=1,b=2" if trace else None)
    assert response.get("traceparent") == (forwarded.get("traceparent") if trace else None)


def test_a_refusal_says_its_trace_and_the_registry_cannot(log, upstream):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    sent = [("traceparent", f"00-{trace}-00f067aa0ba902b7-01")]
    response, fields = log.ask("GET", WHOAMI, fields=sent)
    assert response.status == 401 and fields["trace"] == trace and response.get("traceparent").startswith(f"00-{trace}-")
    upstream.behave(lambda exchange: exchange.reply(200, [("traceparent", "00-" + "1" * 32 + "-" + "2" * 16 + "-01")]))
    assert log.ask("GET", PUBLIC)[0].get("traceparent") is None


# ---- a sample -------------------------------------------------------------------------------------------------------

def test_of_what_went_well_a_sample_is_logged_and_all_else(start_gateway, acme):
    own = start_gateway("--access-log", "--access-log-sample", "100000000")
    for _ in range(5):
        assert own.request("GET", WHOAMI, acme.read).status == 200
        assert own.request("GET", WHOAMI).status == 401
    own.stop()
    assert [re.search(r" status=(\d+) ", line)[1] for line in Logged(own).lines()] == ["401"] * 5, "a sample of one in 1e8 has none of five"


def test_a_sample_of_one_is_all(start_gateway, acme):
    own = start_gateway("--access-log", "--access-log-sample", "1")
    assert [own.request("GET", WHOAMI, acme.read).status for _ in range(3)] == [200] * 3
    own.stop()
    assert len(Logged(own).lines()) == 3


# ---- Server-Timing ---------------------------------------------------------------------------------------------------

def test_clients_are_told_where_the_time_went_if_that_is_asked_for(start_gateway, gateway, acme, upstream):
    assert gateway.request("GET", WHOAMI, acme.read).get("Server-Timing") is None
    own = start_gateway("--server-timing", upstream=upstream.url)

    def names(*words):
        value = own.request(*words).get("Server-Timing") or ""
        parts = [re.fullmatch(r"([a-z]+);dur=[0-9]+\.[0-9]{3}", part) for part in value.split(", ") if part]
        return [part[1] for part in parts]

    token = acme.write
    assert names("GET", acme.skills, token) == ["decision", "lookup", "registry"]
    eventually(lambda: names("GET", acme.skills, token) == ["decision", "registry"], "is the token known by now")
    assert names("GET", WHOAMI, token) == ["decision"]
    assert names("GET", WHOAMI, "junk") == ["decision"] and names("GET", "/none") == []


# ---- what is left out -----------------------------------------------------------------------------------------------

def test_requests_to_the_admin_port_are_left_out_unless_asked_for(start_gateway):
    quiet, loud = start_gateway("--access-log"), start_gateway("--access-log", "--access-log-admin")
    for own in (quiet, loud):
        assert own.admin_get("/healthz").status == 200
        own.stop()
    assert Logged(quiet).lines() == []
    assert any('path="/healthz"' in line for line in Logged(loud).lines())


SECRET = token_syntax.make()


@pytest.mark.parametrize("write", [
    lambda secret: secret, lambda secret: f'"{secret}"', lambda secret: "".join(f"%{ord(c):02x}" for c in secret),
    lambda secret: secret.replace("_", "%5F"), lambda secret: secret.replace("_", "%255f"), lambda secret: secret.replace("_", "\\_"),
    lambda secret: "".join(f"\\x{ord(c):02x}" for c in secret), lambda secret: "".join(f"\\u{ord(c):04x}" for c in secret),
    lambda secret: "%2F" + secret + "%2F"], ids=["raw", "quotes", "percent", "underscores", "twice", "backslashes", "hex", "unicode", "slashes"])
def test_a_token_in_a_path_is_masked_in_any_form(write, log):
    written = write(SECRET)
    for target, fields in [("/api/v1/public/" + written, []), ("/authz/api/v1/public/" + written, []),
                           ("/authz", [("X-Original-Method", "GET"), ("X-Original-URI", "/api/v1/public/" + written)]),
                           ("/authz", [("X-Original-Method", written), ("X-Original-URI", "/")])]:
        _, logged = log.ask("GET", target, fields=fields)
        shown = "".join(logged.values())
        assert "***" in shown, logged
        assert not any(part in shown for part in (written[-20:], SECRET[-20:])), logged


HOSTILE = ['a" status=200 token=forged', "a\\", 'a\\"', "a\xc2\x9b31m", "a\xff", "a=b c=d", '","level":"error', "a\x7f"]


@pytest.mark.parametrize("text", HOSTILE, ids=repr)
@pytest.mark.parametrize("form", ["text", "json"])
def test_what_a_header_says_is_one_value_of_one_line(text, form, start_gateway, log):
    own = log if form == "text" else None
    if own is None:
        gateway = start_gateway("--access-log", "--log-format", "json", "--trusted-proxies", "127.0.0.1")
    else:
        gateway = own.own
    before = len(Logged(gateway).lines())
    with Connection(gateway.http) as connection:
        connection.send(b"GET /authz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Original-Method: " + text.encode("latin-1") +
                        b"\r\nX-Original-URI: /" + text.encode("latin-1") + b"\r\nX-Request-Id: " + text.encode("latin-1") + b"\r\n\r\n")
        assert connection.read_response().status in (400, 403)
    line, = eventually(lambda: Logged(gateway).lines()[before:], "was it logged")
    fields = fields_of(line) if form == "text" else json.loads(line)
    assert list(fields)[-len(documented_fields()):] == list(documented_fields())
    assert fields["token"] in ("-", None) and str(fields["status"]) in ("400", "403")
    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", line)

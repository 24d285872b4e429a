# SPDX-License-Identifier: MIT
"""Tokens that are bound to a name of a client's certificate: refused on a connection that has not shown one with that name."""
import contextlib
import itertools
import json
import re
import socket
import ssl
import urllib.parse

import pytest

from harness import token_syntax
from harness.authority import Authority
from harness.http_client import Connection, assert_error_shape, bearer
from harness.trusting import GITHUB, issuer_flags
from harness.waiting import PATIENCE_S

CI = "spiffe://example.org/ci"
HOST = "ci.example.org"
WHOAMI = "/api/v1/auth/whoami"
CHALLENGE = 'Bearer error="invalid_token"'
VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def sign(authority):
    """The certificate of a client with these names; each set of names once."""
    made = {}
    count = itertools.count()

    def call(names=None):
        if names not in made:
            made[names] = authority.sign(f"client{next(count)}", names=names)
        return made[names]
    return call


@pytest.fixture
def organisation(new_org):
    return new_org("read", "admin")


@pytest.fixture
def start(start_gateway, authority, upstream):
    def call(*flags, **options):
        return start_gateway("--client-ca", str(authority.pair.cert), *flags, tls=True, upstream=upstream.url, **options)
    return call


@pytest.fixture
def mutual(start):
    return start()


def context_of(gateway, pair=None, version=None):
    context = gateway.tls_context()
    if pair:
        context.load_cert_chain(pair.cert, pair.key)
    if version:
        context.minimum_version = context.maximum_version = version
    return context


def connect(gateway, pair=None, version=None):
    return Connection(gateway.https, tls=context_of(gateway, pair, version))


def call(connection, method, target, token, body=None):
    fields = [*bearer(token), *([("Content-Type", "application/json")] if body is not None else [])]
    return connection.request(method, target, fields, json.dumps(body).encode() if body is not None else b"")


def base_of(organisation):
    return f"/api/v1/orgs/{organisation.slug}/tokens"


@pytest.fixture
def bound(mutual, organisation):
    """A token of the organisation that is bound to `san`."""
    def make(san=CI, **body):
        with connect(mutual) as connection:
            answer = call(connection, "POST", base_of(organisation), organisation.admin,
                          {"name": "bound", "scopes": ["read"], "boundSan": san, **body})
        assert answer.status == 201, answer.body
        assert answer.json()["boundSan"] == san
        return answer.json()
    return make


def assert_refused(answer):
    assert (answer.status, answer.error_code) == (401, "certificate_required"), answer.body
    assert answer.get("WWW-Authenticate") == CHALLENGE
    assert_error_shape(answer)


def status_with(gateway, token, pair=None, version=None):
    with connect(gateway, pair, version) as connection:
        answer = call(connection, "GET", WHOAMI, token)
        if answer.status != 200:
            assert_refused(answer)
        return answer.status


# ---- the certificate ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("version", VERSIONS)
def test_it_works_with_its_certificate_alone(version, mutual, bound, sign):
    token = bound()["token"]
    for names, status in ((f"URI:{CI}", 200), (f"DNS:{HOST},URI:spiffe://example.org/x,URI:{CI}", 200), (None, 401),
                          (f"URI:{CI}/build", 401), (f"URI:{CI[:-1]}", 401), ("URI:SPIFFE://example.org/ci", 401),
                          (f"DNS:{HOST}", 401), ("email:ci@example.org", 401)):
        assert status_with(mutual, token, sign(names), version) == status, names
    assert status_with(mutual, token, version=version) == 401


def test_a_dns_name_is_compared_byte_by_byte(mutual, bound, sign):
    token = bound(HOST)["token"]
    for names, status in ((f"DNS:{HOST}", 200), (f"URI:{CI},DNS:a.example.org,DNS:{HOST}", 200), ("DNS:CI.example.org", 401),
                          ("DNS:*.example.org", 401), (f"DNS:x{HOST}", 401), (f"URI:{CI}", 401)):
        assert status_with(mutual, token, sign(names)) == status, names


def test_a_name_of_the_other_kind_is_another(mutual, bound, sign):
    """An authority may sign a DNS name that looks like a URI, and a common name that looks like a host."""
    assert status_with(mutual, bound()["token"], sign(f"DNS:{CI}")) == 401
    assert status_with(mutual, bound(HOST)["token"], sign(f"URI:{HOST}")) == 401


def test_of_many_names_the_first_64_count(mutual, bound, sign):
    first, last = bound("h0.example.org")["token"], bound("h200.example.org")["token"]
    pair = sign(",".join(f"DNS:h{i}.example.org" for i in range(201)))
    assert status_with(mutual, first, pair) == 200
    assert status_with(mutual, last, pair) == 401


def test_a_certificate_of_another_authority_ends_the_handshake(mutual, bound, tmp_path):
    stranger = Authority(tmp_path, "foreign").sign("stranger", names=f"URI:{CI}")
    token = bound()["token"]
    with pytest.raises(ssl.SSLError), connect(mutual, stranger) as connection:
        call(connection, "GET", WHOAMI, token)


def test_the_next_certificate_with_the_name_is_as_good(mutual, bound, authority):
    """They rotate hourly; the token stays."""
    token = bound()["token"]
    for name in ("monday", "tuesday"):
        assert status_with(mutual, token, authority.sign(name, names=f"URI:{CI}")) == 200


# ---- connections ----------------------------------------------------------------------------------------------------

def test_each_request_of_a_connection_is_judged(mutual, bound, organisation, sign):
    token, other = bound()["token"], bound("spiffe://example.org/other")["token"]
    with connect(mutual, sign(f"URI:{CI}")) as connection:
        for _ in range(3):
            assert call(connection, "GET", WHOAMI, token).status == 200
            assert_refused(call(connection, "GET", WHOAMI, other))
            assert call(connection, "GET", WHOAMI, organisation.read).status == 200


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_with_a_certificate_is_not_resumed(version, mutual, bound, sign):
    """It gets no ticket, so what the certificate said is never older than the connection."""
    token = bound()["token"]
    context = context_of(mutual, sign(f"URI:{CI}"), version)
    with Connection(mutual.https, tls=context) as first:
        assert call(first, "GET", WHOAMI, token).status == 200
        session = first.socket.session
    with raw_connection(mutual, context, session) as again:
        assert not again.session_reused
        assert get_whoami(again, token).startswith(b"HTTP/1.1 200")
    assert mutual.metric('tls_handshakes_total{result="resumed"}') == 0


@pytest.mark.parametrize("version", VERSIONS)
def test_a_resumed_session_has_no_certificate(version, mutual, bound, organisation, sign):
    """Not even of a client that would show it in a full handshake."""
    token = bound()["token"]
    context = context_of(mutual, version=version)
    with Connection(mutual.https, tls=context) as first:
        assert call(first, "GET", WHOAMI, organisation.read).status == 200
        session = first.socket.session
    pair = sign(f"URI:{CI}")
    context.load_cert_chain(pair.cert, pair.key)
    with raw_connection(mutual, context, session) as again:
        assert again.session_reused
        assert get_whoami(again, token).startswith(b"HTTP/1.1 401")


@contextlib.contextmanager
def raw_connection(gateway, context, session):
    with socket.create_connection(gateway.https, timeout=PATIENCE_S) as plain:
        with context.wrap_socket(plain, server_hostname="localhost", session=session) as wrapped:
            yield wrapped


def get_whoami(connection, token):
    connection.sendall(f"GET {WHOAMI} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    return connection.recv(65536)


def test_never_over_plain_http(mutual, bound):
    assert_refused(mutual.request("GET", WHOAMI, bound()["token"]))


def test_never_without_an_authority(mutual, start_gateway, bound, sign):
    """A gateway that asks for no certificates knows none."""
    without = start_gateway(tls=True)
    token = bound()["token"]
    assert status_with(without, token, sign(f"URI:{CI}")) == 401
    assert status_with(mutual, token, sign(f"URI:{CI}")) == 200


def test_the_certificate_of_a_proxy_is_its_own(start, bound, organisation, sign):
    """Whoever sends requests through a trusted proxy has not shown what the proxy shows."""
    behind = start("--trusted-proxies", "127.0.0.1/32")
    token = bound()["token"]
    for field in ([("X-Forwarded-For", "192.0.2.7")], []):
        with connect(behind, sign(f"URI:{CI}")) as connection:
            assert_refused(connection.request("GET", WHOAMI, [*bearer(token), *field]))
            assert connection.request("GET", WHOAMI, [*bearer(organisation.read), *field]).status == 200


def test_a_proxy_header_before_the_handshake_changes_nothing(start, bound, sign):
    """Behind the PROXY protocol the handshake is the client's."""
    behind = start("--trusted-proxies", "127.0.0.1/32", "--proxy-protocol")
    token = bound()["token"]
    for pair, status in ((sign(f"URI:{CI}"), b"200"), (None, b"401")):
        with socket.create_connection(behind.https, timeout=PATIENCE_S) as plain:
            plain.sendall(b"PROXY TCP4 192.0.2.7 192.0.2.1 1234 443\r\n")
            with context_of(behind, pair).wrap_socket(plain, server_hostname="localhost") as wrapped:
                assert get_whoami(wrapped, token).startswith(b"HTTP/1.1 " + status)


def test_the_registry_gets_what_a_bound_token_may_send(mutual, bound, organisation, upstream, sign):
    token = bound()["token"]
    upstream.reset()
    with connect(mutual, sign(f"URI:{CI}")) as connection:
        assert call(connection, "GET", f"/api/v1/orgs/{organisation.slug}/skills", token).status == 200
        assert upstream.wait_for_request().get("X-SkillReg-Org") == organisation.slug
    with connect(mutual) as connection:
        assert_refused(call(connection, "GET", f"/api/v1/orgs/{organisation.slug}/skills", token))


def test_a_proxy_that_asks_shows_no_certificate_of_its_client(mutual, bound, organisation, sign):
    original = [("X-Original-Method", "GET"), ("X-Original-URI", f"/api/v1/orgs/{organisation.slug}/skills")]
    with connect(mutual, sign(f"URI:{CI}")) as connection:
        assert_refused(connection.request("GET", "/authz", [*bearer(bound()["token"]), *original]))
        assert connection.request("GET", "/authz", [*bearer(organisation.read), *original]).status == 200


# ---- what is told ---------------------------------------------------------------------------------------------------

def introspect(connection, caller, token):
    return connection.request("POST", "/oauth2/introspect", [*bearer(caller), ("Content-Type", "application/x-www-form-urlencoded")],
                              urllib.parse.urlencode({"token": token}).encode()).json()


def test_introspection_confirms_by_name(mutual, bound, organisation):
    with connect(mutual) as connection:
        assert introspect(connection, organisation.admin, bound()["token"])["cnf"] == {"san_uri": CI}
        assert introspect(connection, organisation.admin, bound(HOST)["token"])["cnf"] == {"san_dns": HOST}
        assert "cnf" not in introspect(connection, organisation.admin, organisation.read)


def test_it_is_shown_so(mutual, bound, organisation, sign):
    token = bound()
    with connect(mutual, sign(f"URI:{CI}")) as connection:
        assert call(connection, "GET", WHOAMI, token["token"]).json()["token"]["boundSan"] == CI
        shown = call(connection, "GET", f"{base_of(organisation)}/{token['id']}", organisation.admin).json()
        assert shown["boundSan"] == CI and shown["prefix"] == token["token"][:12]
        for query in ("", "?sort=name", "?limit=200&after=", f"?prefix={token['prefix']}"):
            listed = call(connection, "GET", base_of(organisation) + query, organisation.admin)
            rows = {row["id"]: row for row in listed.json()["tokens"]} if listed.status == 200 else {}
            if rows:
                assert rows[token["id"]]["boundSan"] == CI and rows[token["id"]]["prefix"] == token["prefix"], query
                assert all("boundSan" not in row for row in rows.values() if row["name"] != "bound")
        changed = call(connection, "PATCH", f"{base_of(organisation)}/{token['id']}", organisation.admin, {"name": "renamed"}).json()
        assert changed["boundSan"] == CI and changed["prefix"] == token["prefix"]


@pytest.mark.parametrize("san", ["", "spiffe://example.org/*", "*.example.org", "two words", "a:", "x" * 64, "spiffe://" + "x" * 504,
                                 "a\nb", "ci.example.org.", "spiffe://example.org/é", 7, True, ["a.b"], {"uri": CI}])
def test_what_is_no_name_is_refused(san, mutual, organisation):
    with connect(mutual) as connection:
        answer = call(connection, "POST", base_of(organisation), organisation.admin, {"name": "x", "boundSan": san})
        assert (answer.status, answer.error_code) == (422, "validation_failed") and answer.error_message.startswith("boundSan must be")


def test_the_longest_name(mutual, bound, sign):
    longest = "spiffe://example.org/" + "x" * (512 - 21)
    assert status_with(mutual, bound(longest)["token"], sign(f"URI:{longest}")) == 200


# ---- what it makes --------------------------------------------------------------------------------------------------

@pytest.fixture
def admin(mutual, bound, sign):
    """A bound token with the scope admin, and what it asks for on a connection with its certificate."""
    token = bound(scopes=["admin"])["token"]
    with connect(mutual, sign(f"URI:{CI}")) as connection:
        yield lambda method, target, body=None: call(connection, method, target, token, body)


def test_a_bound_token_makes_tokens_that_are_bound_as_it_is(admin, organisation):
    for body in ({}, {"boundSan": CI}):
        made = admin("POST", base_of(organisation), {"name": "child", **body})
        assert made.status == 201 and made.json()["boundSan"] == CI
    refused = admin("POST", base_of(organisation), {"name": "child", "boundSan": HOST})
    assert (refused.status, refused.error_code) == (422, "validation_failed") and "boundSan" in refused.error_message


def test_a_bound_token_rotates_tokens_that_are_bound_as_it_is(admin, bound, mutual, organisation, new_org):
    with connect(mutual) as connection:
        plain = call(connection, "POST", base_of(organisation), organisation.admin, {"name": "plain"}).json()
    for token, status in ((bound(), 201), (bound(HOST), 422), (plain, 422)):
        answer = admin("POST", f"{base_of(organisation)}/{token['id']}/rotate", {})
        assert answer.status == status, answer.body
        assert status == 201 or "boundSan" in answer.error_message


def test_a_bound_token_writes_no_rules(start, bound, organisation, sign, tmp_path):
    issuing = start(*issuer_flags(tmp_path, github=GITHUB))
    token = bound(scopes=["admin"])["token"]
    rule = {"kind": "github", "conditions": {"repository": ["acme/tools"]}}
    with connect(issuing, sign(f"URI:{CI}")) as connection:
        answer = call(connection, "POST", f"/api/v1/orgs/{organisation.slug}/trust", token, rule)
        assert (answer.status, answer.error_code) == (403, "trust_not_allowed") and "certificate" in answer.error_message


@pytest.mark.parametrize("own", [False, True])
def test_a_successor_inherits_the_binding(own, mutual, bound, organisation, sign):
    token = bound(selfRotate=True)
    with connect(mutual, sign(f"URI:{CI}")) as connection:
        if own:
            answer = call(connection, "POST", "/api/v1/auth/token/rotate", token["token"], {})
        else:
            answer = call(connection, "POST", f"{base_of(organisation)}/{token['id']}/rotate", organisation.admin, {})
        assert answer.status == 201 and answer.json()["boundSan"] == CI, answer.body
        assert call(connection, "GET", WHOAMI, answer.json()["token"]).status == 200
    assert status_with(mutual, answer.json()["token"]) == 401


# ---- many gateways --------------------------------------------------------------------------------------------------

def test_every_gateway_knows_the_binding(start, mutual, bound, sign):
    other, without_cache = start(), start("--cache-entries", "0")
    token = bound()["token"]
    for gateway in (mutual, other, without_cache):
        for _ in range(2): # from the database, and from memory
            assert status_with(gateway, token) == 401
            assert status_with(gateway, token, sign(f"URI:{CI}")) == 200


def test_a_gateway_that_knows_no_bindings_finds_no_bound_token(postgres, bound):
    """What the version before asks, by the first 12 characters of the secret."""
    token = bound()
    found = postgres.query("select id from skillreg.api_token where prefix = any(array[%s])", (token["token"][:12],))
    assert found == []
    assert postgres.query("select bound_san from skillreg.api_token where id = %s", (token["id"],))


def test_a_binding_stands(postgres, bound):
    token = bound()
    for value in ("null", "'b.example.org'"):
        with pytest.raises(Exception, match="stands as it was made"):
            postgres.query(f"update skillreg.api_token set bound_san = {value} where id = %s", (token["id"],))


# ---- operators ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("form", ["csv", "json"])
def test_an_export_keeps_the_binding(form, operator, mutual, bound, organisation, tmp_path):
    token = bound()
    exported = operator.must("token", "export", "--org", organisation.slug, "--format", form, "--with-digests")
    assert CI in exported
    file = tmp_path / f"tokens.{form}"
    file.write_text(exported)
    again = operator.run("token", "import", "--org", organisation.slug, "--file", str(file))
    assert again.returncode == 0, again.stderr
    changed = tmp_path / f"changed.{form}"
    changed.write_text(exported.replace(CI, CI + "2"))
    refused = operator.run("token", "import", "--org", organisation.slug, "--file", str(changed))
    assert refused.returncode == 4 and "with other data" in refused.stderr and token["id"] in exported


def test_an_import_binds(operator, mutual, organisation, sign, tmp_path):
    file, secret = tmp_path / "tokens.json", token_syntax.make()
    file.write_text(json.dumps({"token": secret, "name": "imported", "boundSan": CI}))
    operator.must("token", "import", "--org", organisation.slug, "--file", str(file))
    assert status_with(mutual, secret) == 401
    assert status_with(mutual, secret, sign(f"URI:{CI}")) == 200
    file.write_text(json.dumps({"token": token_syntax.make(), "name": "imported", "boundSan": "*.example.org"}))
    refused = operator.run("token", "import", "--org", organisation.slug, "--file", str(file))
    assert refused.returncode != 0 and "boundSan must be" in refused.stderr


# ---- the command line -----------------------------------------------------------------------------------------------

def test_the_command_line_binds(command_line, mutual, sign):
    text = command_line.must("token", "create", "--name", "bound", "--scopes", "read", "--bind-san", CI)
    secret = re.search(r"Token: +(\S+)", text)[1]
    assert re.search(rf"Bound: +{re.escape(CI)}\n", text)
    assert status_with(mutual, secret) == 401
    assert status_with(mutual, secret, sign(f"URI:{CI}")) == 200
    listed = json.loads(command_line.must("token", "list", "--json"))["tokens"]
    token = next(token for token in listed if token["name"] == "bound")
    assert token["boundSan"] == CI
    assert re.search(rf"Bound to: +{re.escape(CI)}\n", command_line.must("token", "show", token["id"]))


@pytest.mark.parametrize("san", ["", "*.example.org", "spiffe:", "a b", "x" * 600])
def test_the_command_line_asks_for_no_name_that_is_none(san, command_line):
    done = command_line.run("token", "create", "--name", "bound", "--bind-san", san)
    assert done.returncode == 2 and "--bind-san" in done.stderr, done.stderr

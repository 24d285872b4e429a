# SPDX-License-Identifier: MIT
"""/authz: the decision asked for by another proxy, raw, and by a real nginx and a real Caddy configured as
docs/forward-auth.md has it (HARDENING 2.10)."""
import pytest

from harness import proxies, token_syntax
from harness.http_client import assert_error_shape, bearer
from harness.waiting import eventually
from test_routes import ACTORS, ROUTES, SCOPES, expected

IDENTITY = ("X-SkillReg-Org", "X-SkillReg-Token-Id", "X-SkillReg-Scopes")
OPEN_TARGET = "/api/v1/public/skills"


def by_original(method, target):
    return "GET", "/authz", [("X-Original-Method", method), ("X-Original-URI", target)]


def by_original_url(method, target):
    return "GET", "/authz", [("X-Original-URL", "https://registry.example" + target), ("X-Original-Method", method)]


def by_forwarded(method, target):
    return "HEAD", "/authz", [("X-Forwarded-Method", method), ("X-Forwarded-Uri", target)]


def by_prefix(method, target):
    return method, "/authz" + target, []


WAYS = [by_original, by_original_url, by_forwarded, by_prefix]


def ask(gateway, method, target, token=None, way=by_original, fields=()):
    own_method, own_target, own_fields = way(method, target)
    return gateway.request(own_method, own_target, token, fields=[*own_fields, *fields])


def identity_of(response):
    return tuple(response.get(name) for name in IDENTITY)


@pytest.fixture(scope="module")
def secrets(acme, globex):
    return {("nobody", None): None, ("unknown", None): token_syntax.make(),
            **{("own", scope): acme.tokens[scope] for scope in SCOPES},
            **{("foreign", scope): globex.tokens[scope] for scope in SCOPES}}


# Nobody is let through to a file of that name at the registry.
OF_THE_GATEWAY = {"/openapi.json"}


# ---- the same decision ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("actor,scope", ACTORS, ids=str)
def test_every_route_is_decided_as_in_line(way, actor, scope, gateway, upstream, acme, secrets):
    for method, path, needs, _ in ROUTES:
        outcome = (403, "not_found") if path in OF_THE_GATEWAY else expected(path, needs, actor, scope)
        response = ask(gateway, method, "/api/v1" + path.format(org=acme.slug), secrets[actor, scope], way)
        what = f"{method} {path}: {response.status} {response.body[:200]}"
        if outcome == "pass":
            assert response.status == 200 and response.body == b"", what
            continue
        assert response.status == outcome[0], what
        if response.body:
            assert response.error_code == outcome[1], what
        if response.status == 401:
            assert response.get("www-authenticate").startswith("Bearer")
    assert upstream.requests == [], "a question was forwarded"


def test_an_allowed_request_learns_who_it_is(gateway, acme):
    whoami = gateway.request("GET", "/api/v1/auth/whoami", acme.write).json()
    response = ask(gateway, "POST", f"/api/v1/orgs/{acme.slug}/skills", acme.write,
                   fields=[("X-SkillReg-Org", "globex"), ("X-SkillReg-Scopes", "admin")])
    assert (response.status, response.body, response.get("content-length")) == (200, b"", "0")
    assert identity_of(response) == (acme.slug, whoami["token"]["id"], "write")
    assert response.get("x-request-id") and response.get("cache-control") == "no-store"


@pytest.mark.parametrize("target", [OPEN_TARGET, "/api/v1/search?q=x"])
def test_nobody_has_an_empty_identity_that_overwrites_a_forged_one(target, gateway):
    response = ask(gateway, "GET", target, fields=[("X-SkillReg-Org", "acme")])
    assert (response.status, identity_of(response)) == (200, ("", "", ""))


def test_a_use_through_another_proxy_counts(gateway, new_org, postgres):
    organisation = new_org("read")
    assert ask(gateway, "GET", f"/api/v1/orgs/{organisation.slug}/skills", organisation.read).status == 200
    eventually(lambda: postgres.query("select 1 from skillreg.api_token where prefix = %s and last_used_at is not null",
                                      (organisation.read[:12],)), "was the use written")


def test_a_revoked_token_is_refused_on_the_next_question(gateway, acme):
    made = gateway.request("POST", f"/api/v1/orgs/{acme.slug}/tokens", acme.admin, json_body={"name": "short"}).json()
    target = f"/api/v1/orgs/{acme.slug}/skills"
    assert ask(gateway, "GET", target, made["token"]).status == 200
    assert gateway.request("DELETE", f"/api/v1/orgs/{acme.slug}/tokens/{made['id']}", acme.admin).status == 200
    assert ask(gateway, "GET", target, made["token"]).status == 401


def test_unknown_is_503_and_never_a_pass(start_gateway, acme):
    gateway = start_gateway(ready=False, database_url="postgresql://nobody@/none?host=/nonexistent")
    for way in WAYS:
        response = ask(gateway, "GET", f"/api/v1/orgs/{acme.slug}/skills", acme.admin, way)
        assert response.status == 503 and response.get("retry-after")
    assert ask(gateway, "GET", OPEN_TARGET).status == 200


# ---- what is no question, and what is no route ----------------------------------------------------------------------

TARGET = "/api/v1/orgs/acme/skills"


@pytest.mark.parametrize("fields", [
    [],
    [("X-Original-Method", "GET")],
    [("X-Original-URI", TARGET)],
    [("X-Original-Method", "GET"), ("X-Forwarded-Uri", TARGET)],
    [("X-Original-Method", "GET"), ("X-Original-URI", TARGET), ("X-Original-URI", TARGET)],
    [("X-Original-Method", "GET"), ("X-Original-Method", "GET"), ("X-Original-URI", TARGET)],
    [("X-Original-Method", "GET"), ("X-Original-URI", TARGET), ("X-Forwarded-Uri", OPEN_TARGET)],
    [("X-Original-Method", "GET"), ("X-Original-URI", TARGET), ("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", OPEN_TARGET)],
    [("X-Original-Method", "DELETE"), ("X-Original-URI", TARGET), ("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", TARGET)],
    [("X-Original-Method", "GET"), ("X-Original-URI", TARGET), ("X-Original-URL", "http://x" + OPEN_TARGET)],
    [("X-Original-Method", "GET"), ("X-Original-URI", "")],
    [("X-Original-Method", "GET"), ("X-Original-URI", TARGET[1:])],
    [("X-Original-Method", "GET"), ("X-Original-URI", "ftp://x" + TARGET)],
    [("X-Original-Method", "GET"), ("X-Original-URI", "http://x")],
], ids=lambda fields: "+".join(name for name, _ in fields) or "none")
def test_a_question_without_one_original_request_is_400(fields, gateway, acme):
    response = gateway.request("GET", "/authz", acme.admin, fields=fields)
    assert response.status == 400, response.body
    assert_error_shape(response)
    assert response.error_code == "bad_request" and response.says_close


@pytest.mark.parametrize("target", [
    "//api/v1/public/x", "/api/v1/public/../orgs/acme/tokens", "/api/v1/public/%2e%2e/orgs/acme/tokens",
    "/api/v1/public/..%2forgs", "/api/v1/public/%00", "/api/v1/public/%5c", "/api/v1/public/a%252fb", "/api/v1/public/%zz",
    "/api/v1/public/a#b", "/api/v1/catalog/a/b/versions/1/download?asOrg=acme&asOrg=globex", "/api/v1/public/" + "a" * 8200])
def test_an_original_that_reads_in_two_ways_is_400(target, gateway, acme):
    for way in (by_original, by_original_url, by_forwarded):
        assert ask(gateway, "GET", target, acme.admin, way).status == 400


@pytest.mark.parametrize("method,target,code", [
    ("GET", "/", "not_found"), ("GET", "/api/v1/nothing", "not_found"), ("GET", "/metrics", "not_found"),
    ("GET", "/api/v1/public/", "not_found"), ("GET", "/authz", "not_found"), ("GET", "/authz/api/v1/public", "not_found"),
    ("POST", "/api/v1/auth/whoami", "method_not_allowed"), ("get", OPEN_TARGET, "method_not_allowed"),
    ("CONNECT", OPEN_TARGET, "method_not_allowed"), ("GET, POST", OPEN_TARGET, "method_not_allowed")])
def test_no_route_is_403_with_its_code(method, target, code, gateway, acme):
    response = ask(gateway, method, target, acme.admin)
    assert (response.status, response.error_code) == (403, code)
    assert_error_shape(response)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_a_question_is_get_or_head(method, gateway, acme):
    response = gateway.request(method, "/authz", acme.admin, fields=by_original("GET", OPEN_TARGET)[2])
    assert (response.status, response.get("allow")) == (405, "GET, HEAD")


def test_the_prefix_does_not_look_at_fields(gateway, acme):
    fields = by_original("GET", OPEN_TARGET)[2]
    assert ask(gateway, "GET", f"/api/v1/orgs/{acme.slug}/skills", None, by_prefix, fields).status == 401


def test_a_question_with_a_body_that_never_comes_is_answered(gateway, acme):
    with gateway.connect() as connection:
        response = connection.request("GET", "/authz", [*bearer(acme.read), *by_original("GET", OPEN_TARGET)[2],
                                                        ("Content-Length", "1000")])
        assert response.status == 200 and response.says_close


# ---- real proxies ---------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def application():
    from harness.upstream import Upstream
    stub = Upstream()
    yield stub
    stub.stop()


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def proxy(request, tmp_path_factory, _session_gateway, application):
    start = {"nginx": proxies.start_nginx, "caddy": proxies.start_caddy}[request.param]
    own = start(tmp_path_factory.mktemp(request.param), _session_gateway.http, application.address)
    own.name = request.param
    yield own
    own.stop()


@pytest.fixture
def seen(application):
    """What the application behind the proxy got."""
    application.reset()
    return application.requests


FORGED = [("X-SkillReg-Org", "globex"), ("X-SkillReg-Token-Id", "forged"), ("X-SkillReg-Scopes", "admin"),
          ("X-SkillReg-Client-Subject", "CN=forged")]


def test_a_proxy_lets_pass_what_the_gateway_allows(proxy, seen, acme):
    target = f"/api/v1/orgs/{acme.slug}/skills/a%2Fb?q=%20x&y"
    response = proxy.request("GET", target, [*bearer(acme.read), *FORGED])
    assert response.status == 200, response.body
    got, = seen
    assert (got.method, got.target) == ("GET", target)
    assert got.get("x-skillreg-org") == acme.slug and got.get("x-skillreg-scopes") == "read"
    assert got.get("x-skillreg-token-id").startswith("cl") and got.get("authorization") is None
    assert not got.get("x-skillreg-client-subject")


def test_a_proxy_passes_a_body_on(proxy, seen, acme):
    response = proxy.request("POST", f"/api/v1/orgs/{acme.slug}/skills", bearer(acme.write), b"x" * 100_000)
    assert response.status == 200, response.body
    assert [(got.method, len(got.body)) for got in seen] == [("POST", 100_000)]


def test_a_proxy_refuses_what_the_gateway_refuses(proxy, seen, acme, globex):
    base = f"/api/v1/orgs/{acme.slug}"
    for method, path, token, status in [
            ("GET", "/skills", None, 401), ("GET", "/skills", token_syntax.make(), 401), ("GET", "/skills", globex.admin, 403),
            ("POST", "/skills", acme.read, 403), ("DELETE", "/skills/a", acme.write, 403), ("POST", "/tokens/x", acme.admin, 403)]:
        response = proxy.request(method, base + path, bearer(token))
        assert response.status == status, (method, path, response.status, response.body)
        if status == 401:
            assert response.get("www-authenticate").startswith("Bearer")
    assert proxy.request("GET", "/nowhere", bearer(acme.admin)).status == 403
    assert seen == []


def test_a_client_cannot_name_another_original_request(proxy, seen, acme):
    """HARDENING 2.10: with the documented configuration."""
    target = f"/api/v1/orgs/{acme.slug}/skills"
    for names in (("X-Original-Method", "X-Original-URI"), ("X-Original-Method", "X-Original-URL"),
                  ("X-Forwarded-Method", "X-Forwarded-Uri"), ("x-original-method", "x-original-uri")):
        forged = list(zip(names, ("GET", OPEN_TARGET)))
        assert proxy.request("DELETE", target, forged).status == 401, names
        assert proxy.request("DELETE", target, [*forged, *bearer(acme.read)]).status == 403, names
        assert proxy.request("DELETE", target, [*forged, *forged]).status == 401, names
    assert seen == []


def test_nobody_cannot_forge_an_identity_on_an_open_route(proxy, seen):
    response = proxy.request("GET", OPEN_TARGET, [*FORGED, ("X_SkillReg_Org", "globex")])
    assert response.status == 200, response.body
    got, = seen
    assert {value for name in IDENTITY for value in got.all(name)} <= {""}
    assert "x_skillreg_org" not in got.names()


def test_paths_that_read_in_two_ways_do_not_pass_a_proxy(proxy, seen, acme):
    for target in ("/api/v1/public/../orgs/acme/tokens", "/api/v1/public/%2e%2e/orgs/acme/tokens", "//api/v1/public",
                   "/api/v1/public/a%5Cb"):
        assert proxy.request("GET", target, bearer(acme.read)).status in (400, 403, 500), target
    assert seen == []


@pytest.fixture
def start_nginx(tmp_path, application):
    started = []

    def start(gateway):
        started.append(proxies.start_nginx(tmp_path, gateway.http, application.address))
        return started[-1]

    yield start
    for own in started:
        own.stop()


def test_nginx_keeps_429_with_its_retry_after(start_gateway, start_nginx, seen, acme):
    nginx = start_nginx(start_gateway("--rate-limit", "1/h"))
    assert nginx.request("GET", acme.skills, bearer(acme.read)).status == 200
    response = nginx.request("GET", acme.skills, bearer(acme.read))
    assert response.status == 429 and int(response.get("retry-after")) > 1
    assert nginx.request("GET", acme.skills).get("retry-after") is None
    uploads = [nginx.request("POST", acme.skills, bearer(acme.write), b"x" * 100_000).status for _ in range(2)]
    assert uploads == [200, 429] and len(seen) == 2


def test_nginx_keeps_503_with_its_retry_after(start_gateway, start_nginx, seen, acme):
    own = start_gateway(ready=False, database_url="postgresql://nobody@/none?host=/nonexistent")
    nginx = start_nginx(own)
    response = nginx.request("GET", acme.skills, bearer(acme.read))
    assert response.status == 503 and response.get("retry-after")
    assert nginx.request("GET", acme.skills).status == 401
    own.stop()
    response = nginx.request("GET", acme.skills, bearer(acme.read))
    assert response.status == 503 and response.get("retry-after") is None
    assert seen == []


def test_a_pair_of_the_operator_names_the_original_request(start_gateway, gateway, acme):
    """As NGINX Gateway Fabric does; elsewhere the names mean nothing."""
    own = start_gateway("--authz-fields", "Method,Path")
    allowed = [("Method", "GET"), ("Path", acme.skills)]
    assert own.request("GET", "/authz", acme.read, fields=allowed).status == 200
    assert own.request("GET", "/authz", acme.read, fields=[("Method", "POST"), ("Path", acme.skills)]).status == 403
    assert own.request("GET", "/authz", acme.read, fields=[*allowed, *by_original("GET", acme.skills)[2]]).status == 200
    for fields in (allowed[:1], [*allowed, ("Path", acme.skills)], [*allowed, *by_original("GET", OPEN_TARGET)[2]],
                   [*allowed, *by_forwarded("DELETE", acme.skills)[2]]):
        assert own.request("GET", "/authz", acme.read, fields=fields).status == 400, fields
    assert gateway.request("GET", "/authz", acme.read, fields=allowed).status == 400
    assert gateway.request("GET", "/authz", acme.read, fields=[("Method", "x"), *by_original("GET", acme.skills)[2]]).status == 200


def test_nginx_that_does_not_clear_the_other_pair_refuses_instead_of_passing(tmp_path, gateway, application, seen, acme):
    """HARDENING 2.10: a proxy that names its own pair and lets the client's through."""
    nginx = proxies.start_nginx(tmp_path, gateway.http, application.address, without=[
        'proxy_set_header X-Original-URL "";', 'proxy_set_header X-Forwarded-Method "";',
        'proxy_set_header X-Forwarded-Uri "";'])
    try:
        forged = [("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", OPEN_TARGET)]
        assert nginx.request("GET", f"/api/v1/orgs/{acme.slug}/skills", forged).status == 500
        assert nginx.request("GET", f"/api/v1/orgs/{acme.slug}/skills", bearer(acme.read)).status == 200
    finally:
        nginx.stop()
    assert len(seen) == 1

# SPDX-License-Identifier: MIT
"""Every route, for every kind of token: exactly what the contract's tables say, and nothing more.

The tables below are the contract, written down a second time on purpose: the gateway's own route table is what is tested.
"""
import pytest

from harness import token_syntax

OPEN, OPTIONAL, ANY_TOKEN = "open", "optional", "any token"
SCOPES = ("read", "write", "admin")
OWN, FORWARDED = "own", "forwarded"

# method, path below /api/v1, what it needs, who answers. {org} is the organisation that is asked about.
READ_COLLECTIONS = ("skills", "commands", "proposals", "catalog-policy", "managed-skills")
ROUTES = [
    ("GET", "/auth/whoami", ANY_TOKEN, OWN),
    ("HEAD", "/auth/whoami", ANY_TOKEN, OWN),
    ("GET", "/orgs/{org}/tokens", "admin", OWN),
    ("HEAD", "/orgs/{org}/tokens", "admin", OWN),
    ("GET", "/orgs/{org}/tokens?page=1&limit=5", "admin", OWN),
    ("POST", "/orgs/{org}/tokens", "admin", OWN),
    ("GET", "/orgs/{org}/tokens/clx7f2k3a", "admin", OWN),
    ("HEAD", "/orgs/{org}/tokens/clx7f2k3a", "admin", OWN),
    ("PATCH", "/orgs/{org}/tokens/clx7f2k3a", "admin", OWN),
    ("DELETE", "/orgs/{org}/tokens/clx7f2k3a", "admin", OWN),
    ("POST", "/orgs/{org}/tokens/revoke?y=x", "admin", OWN),  # refused behind the decision: it ends nothing
    ("POST", "/orgs/{org}/tokens/clx7f2k3a/rotate", "admin", OWN),
    ("GET", "/orgs/{org}/trust", "admin", OWN),
    ("HEAD", "/orgs/{org}/trust?limit=1", "admin", OWN),
    ("POST", "/orgs/{org}/trust", "admin", OWN),
    ("GET", "/orgs/{org}/trust/clx7f2k3a", "admin", OWN),
    ("HEAD", "/orgs/{org}/trust/clx7f2k3a", "admin", OWN),
    ("DELETE", "/orgs/{org}/trust/clx7f2k3a", "admin", OWN),
    ("GET", "/orgs/{org}/audit", "admin", OWN),
    ("HEAD", "/orgs/{org}/audit?limit=1", "admin", OWN),
    ("DELETE", "/auth/token?wait=x", ANY_TOKEN, OWN),  # refused behind the decision: the token is needed again
    ("POST", "/auth/token/rotate?y=x", ANY_TOKEN, OWN),  # likewise
    ("POST", "/registry/tokens", OPEN, OWN),
    ("GET", "/openapi.json", OPEN, OWN),
    ("HEAD", "/openapi.json", OPEN, OWN),
    ("POST", "/auth/cli/initiate", OPEN, FORWARDED),
    ("GET", "/auth/cli/poll?code=abc", OPEN, FORWARDED),
    ("GET", "/public/skills", OPEN, FORWARDED),
    ("GET", "/public/orgs/{org}/skills/some", OPEN, FORWARDED),
    ("GET", "/search?q=pdf", OPTIONAL, FORWARDED),
    ("GET", "/search?q=pdf&org={org}", OPTIONAL, FORWARDED),
    *(("GET", f"/orgs/{{org}}/{name}", "read", FORWARDED) for name in READ_COLLECTIONS),
    *(("HEAD", f"/orgs/{{org}}/{name}", "read", FORWARDED) for name in READ_COLLECTIONS),
    ("GET", "/orgs/{org}/skills/some", "read", FORWARDED),
    ("GET", "/orgs/{org}/skills/some/versions", "read", FORWARDED),
    ("GET", "/orgs/{org}/skills/some/versions/1.0.0", "read", FORWARDED),
    ("GET", "/orgs/{org}/skills/some/download?version=1.0.0", "read", FORWARDED),
    ("HEAD", "/orgs/{org}/skills/some/download", "read", FORWARDED),
    ("GET", "/orgs/{org}/commands/some/versions/1.0.0/download", "read", FORWARDED),
    ("GET", "/catalog/github/some/versions/1.0.0/download?asOrg={org}", "read", FORWARDED),
    ("POST", "/orgs/{org}/skills", "write", FORWARDED),
    ("PATCH", "/orgs/{org}/skills/some", "write", FORWARDED),
    ("POST", "/orgs/{org}/skills/some/versions", "write", FORWARDED),
    ("POST", "/orgs/{org}/commands/some/versions", "write", FORWARDED),
    ("POST", "/orgs/{org}/skills/some/proposals", "write", FORWARDED),
    ("DELETE", "/orgs/{org}/skills/some", "admin", FORWARDED),
    # The careful default.
    ("PUT", "/orgs/{org}/skills/some", "admin", FORWARDED),
    ("POST", "/orgs/{org}/skills/some", "admin", FORWARDED),
    ("DELETE", "/orgs/{org}/skills", "admin", FORWARDED),
    ("DELETE", "/orgs/{org}/skills/some/versions/1.0.0", "admin", FORWARDED),
    ("PATCH", "/orgs/{org}/catalog-policy", "admin", FORWARDED),
    ("PUT", "/orgs/{org}/managed-skills/some", "admin", FORWARDED),
    ("GET", "/orgs/{org}/settings", "admin", FORWARDED),
    ("HEAD", "/orgs/{org}/settings", "admin", FORWARDED),
    ("PUT", "/orgs/{org}/settings", "admin", FORWARDED),
    ("GET", "/orgs/{org}/members", "admin", FORWARDED),
    ("POST", "/orgs/{org}/members", "admin", FORWARDED),
    ("DELETE", "/orgs/{org}/members/someone", "admin", FORWARDED),
    ("GET", "/orgs/{org}/webhooks/w1", "admin", FORWARDED),
    ("POST", "/orgs/{org}/webhooks", "admin", FORWARDED),
    ("GET", "/orgs/{org}/skillsets", "admin", FORWARDED),
    ("GET", "/orgs/{org}/never/heard/of", "admin", FORWARDED),
    ("POST", "/orgs/{org}/never/heard/of", "admin", FORWARDED),
    ("PATCH", "/orgs/{org}/never", "admin", FORWARDED),
    ("OPTIONS", "/orgs/{org}/skills", "admin", FORWARDED),
]

WRONG_METHODS = [
    ("POST", "/auth/whoami", "GET, HEAD"),
    ("DELETE", "/auth/whoami", "GET, HEAD"),
    ("GET", "/registry/tokens", "POST"),
    ("PUT", "/orgs/{org}/tokens", "GET, HEAD, POST"),
    ("PATCH", "/orgs/{org}/tokens", "GET, HEAD, POST"),
    ("DELETE", "/orgs/{org}/tokens", "GET, HEAD, POST"),
    ("PUT", "/orgs/{org}/tokens/clx7f2k3a", "GET, HEAD, DELETE, PATCH"),
    ("POST", "/orgs/{org}/tokens/clx7f2k3a", "GET, HEAD, DELETE, PATCH"),
    ("GET", "/orgs/{org}/tokens/clx7f2k3a/rotate", "POST"),
    ("DELETE", "/orgs/{org}/tokens/clx7f2k3a/rotate", "POST"),
    ("POST", "/orgs/{org}/audit", "GET, HEAD"),
    ("DELETE", "/orgs/{org}/audit", "GET, HEAD"),
    ("GET", "/auth/token", "DELETE"),
    ("DELETE", "/auth/token/rotate", "POST"),
    ("POST", "/auth/token", "DELETE"),
    ("OPTIONS", "/orgs/{org}/tokens", "GET, HEAD, POST"),
    ("POST", "/openapi.json", "GET, HEAD"),
    ("GET", "/auth/cli/initiate", "POST"),
    ("POST", "/public/skills", None),
    ("POST", "/search", None),
    ("POST", "/catalog/github/some/versions/1.0.0/download?asOrg={org}", None),
    ("DELETE", "/auth/cli/poll", None),
]

UNKNOWN_PATHS = [
    "/", "/orgs", "/auth", "/auth/cli", "/auth/login", "/users", "/catalog", "/catalog/github/some",
    "/searching", "/tokens", "/auth/whoami/more",
]

ACTORS = [("nobody", None), ("unknown", None), *(("own", scope) for scope in SCOPES),
          *(("foreign", scope) for scope in SCOPES)]


def contains(held, needed):
    return SCOPES.index(held) >= SCOPES.index(needed)


def expected(path, needs, actor, scope):
    """"pass", or the (status, code) of the refusal."""
    if needs == OPEN:
        return "pass"
    if actor == "nobody":
        return "pass" if needs == OPTIONAL else (401, "missing_token")
    if actor == "unknown":
        return 401, "invalid_token"
    if "{org}" in path and actor == "foreign":
        return 403, "org_mismatch"
    if needs in (ANY_TOKEN, OPTIONAL) or contains(scope, needs):
        return "pass"
    return 403, "insufficient_scope"


def send(gateway, method, path, token):
    options = {}
    if method == "POST" and path.endswith("/tokens"):
        options["json_body"] = {"name": "from the route table", "scopes": ["read"]}
    if method == "POST" and path.endswith("/trust"):
        options["json_body"] = {"kind": "github", "conditions": {"repository": "acme/tools"}}
    if method == "PATCH" and "/tokens/" in path:
        options["json_body"] = {"name": "another name"}
    return gateway.request(method, "/api/v1" + path, token, **options)


@pytest.fixture(scope="module")
def secrets(acme, globex):
    return {("nobody", None): None, ("unknown", None): token_syntax.make(),
            **{("own", scope): acme.tokens[scope] for scope in SCOPES},
            **{("foreign", scope): globex.tokens[scope] for scope in SCOPES}}


def assert_refused(response, outcome, needs, method):
    status, code = outcome
    assert response.status == status, f"{response.status} {response.body[:200]}"
    assert response.get("x-request-id")
    if method == "HEAD":
        assert response.body == b""
        return
    assert response.error_code == code
    if code == "insufficient_scope":
        assert needs in response.error_message, "the message names the scope that is needed"
    if status == 401:
        assert response.get("www-authenticate", "").startswith("Bearer")


def own_status(method, path):
    if "clx7f2k3a" in path or path == "/registry/tokens":  # nobody has a credential of the registry here
        return 404
    return 422 if path.endswith("=x") else {"GET": 200, "HEAD": 200, "POST": 201}[method]


@pytest.mark.parametrize("actor,scope", ACTORS, ids=lambda value: str(value))
@pytest.mark.parametrize("method,path,needs,answered_by", ROUTES, ids=lambda value: str(value).replace("/", "|"))
def test_route(method, path, needs, answered_by, actor, scope, gateway, upstream, acme, secrets):
    outcome = expected(path, needs, actor, scope)
    response = send(gateway, method, path.format(org=acme.slug), secrets[actor, scope])
    if outcome != "pass":
        assert_refused(response, outcome, needs, method)
        assert upstream.requests == [], "a refused request reached the registry"
    elif answered_by == OWN:
        assert response.status == own_status(method, path), response.body
        assert upstream.requests == []
    else:
        assert response.status == 200, response.body
        assert response.get("x-stub-registry") == "yes"
        assert [(seen.method, seen.target) for seen in upstream.requests] == \
            [(method, "/api/v1" + path.format(org=acme.slug))]


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("method,path,needs,answered_by",
                         [route for route in ROUTES if "{org}" in route[1] and route[2] in SCOPES and route[0] != "HEAD"],
                         ids=lambda value: str(value).replace("/", "|"))
def test_route_of_an_organisation_that_does_not_exist(method, path, needs, answered_by, scope, gateway, upstream, acme):
    response = send(gateway, method, path.format(org="no-such-org"), acme.tokens[scope])
    assert (response.status, response.error_code) == (403, "org_mismatch")
    assert upstream.requests == []


@pytest.mark.parametrize("method,path,allow", WRONG_METHODS, ids=lambda value: str(value).replace("/", "|"))
def test_wrong_method_is_405_with_allow(method, path, allow, gateway, upstream, acme):
    response = gateway.request(method, "/api/v1" + path.format(org=acme.slug), acme.admin)
    assert response.status == 405, response.body
    methods = response.get("allow")
    assert methods and method not in methods.split(", ")
    if allow:
        assert methods == allow
    if method != "HEAD":
        assert response.error_code == "method_not_allowed"
    assert upstream.requests == []


@pytest.mark.parametrize("actor", ["nobody", "own"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("path", UNKNOWN_PATHS, ids=lambda value: value.replace("/", "|"))
def test_unknown_path_is_404(path, method, actor, gateway, upstream, acme):
    response = gateway.request(method, "/api/v1" + path, acme.admin if actor == "own" else None)
    assert (response.status, response.error_code) == (404, "not_found"), response.body
    assert upstream.requests == []


def test_search_with_a_live_token_of_another_organisation_and_no_org_passes(gateway, upstream, globex):
    assert gateway.request("GET", "/api/v1/search?q=x", globex.read).status == 200


@pytest.mark.parametrize("query", ["", "?asOrg=", "?asorg={org}", "?other={org}"])
def test_catalog_download_names_its_organisation(query, gateway, upstream, acme):
    response = gateway.request(
        "GET", "/api/v1/catalog/github/some/versions/1.0.0/download" + query.format(org=acme.slug), acme.admin)
    assert response.status in (400, 403), response
    assert upstream.requests == []


@pytest.mark.parametrize("fields", [
    [("X-HTTP-Method-Override", "GET")], [("X-HTTP-Method", "GET")], [("X-Method-Override", "GET")]])
def test_method_override_has_no_influence(fields, gateway, upstream, acme):
    response = gateway.request("DELETE", f"/api/v1/orgs/{acme.slug}/skills/some?_method=GET", acme.read, fields=fields)
    assert (response.status, response.error_code) == (403, "insufficient_scope")
    assert upstream.requests == []

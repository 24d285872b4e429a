# SPDX-License-Identifier: MIT
"""The description of the API (gateway/api/openapi.json) and the gateway say the same: each of the gateway's own routes, its scope,
its parameters, its members and every error that it can answer are described, nothing else is, and every example in it is what a
real gateway answers."""
import itertools
import json
import re
import signal
import sys
import types
import urllib.parse

import pytest

pytest.importorskip("jsonschema", reason="python3-jsonschema is not here")

from jsonschema import Draft202012Validator  # noqa: E402

from harness import binaries, token_syntax  # noqa: E402
from harness.gateway import Gateway, Operator  # noqa: E402
from harness.handing_over import ROUTE, Registry, digest_of  # noqa: E402
from harness.http_client import Connection  # noqa: E402
from harness.identity_gateway import IdentityGateway  # noqa: E402
from harness.openapi import DOCUMENT, MIXINS, OPERATIONS, PATH, assert_answer, codes_of, nodes, resolve, validate  # noqa: E402
from harness.process import clean_environment, run  # noqa: E402
from harness.waiting import eventually  # noqa: E402
from test_readme import errors_of_the_table  # noqa: E402

ROOT = binaries.ROOT
COMPONENTS = DOCUMENT["components"]
TARGET = "/api/v1/openapi.json"


def source(name):
    return (ROOT / name).read_text(encoding="utf-8")


# ---- the file -------------------------------------------------------------------------------------------------------

def test_the_file_is_written_as_all_json_is():
    done = run([sys.executable, ROOT / "dev.d/json_text.py", "--check", PATH], env=clean_environment())
    assert (done.returncode, done.stderr) == (0, "")


def test_the_formatter_writes_what_it_reads(tmp_path):
    path = tmp_path / "some.json"
    value = {"short": [1, {"a": None}], "long": [{"name": "x" * 60, "é": ["y" * 60, True]}, []], "empty": {}}
    path.write_text(json.dumps(value), encoding="utf-8")
    run([sys.executable, ROOT / "dev.d/json_text.py", path], env=clean_environment())
    written = path.read_text(encoding="utf-8")
    assert json.loads(written) == value and max(map(len, written.splitlines())) <= 128 and '  "short": [1, {"a": null}],\n' in written
    done = run([sys.executable, ROOT / "dev.d/json_text.py", "--check", path], env=clean_environment())
    assert done.returncode == 0
    path.write_text(written.replace("[1, ", "[1,"), encoding="utf-8")
    done = run([sys.executable, ROOT / "dev.d/json_text.py", "--check", path], env=clean_environment())
    assert done.returncode == 1 and str(path) in done.stderr


def test_the_gateway_serves_the_file_with_its_version_to_everyone(gateway):
    response = gateway.request("GET", TARGET)
    assert response.status == 200
    assert_answer(OPERATIONS["describe"], response)
    done = run([binaries.find("skillreg-gateway"), "--version"], env=clean_environment())
    version = done.stdout.split()[1]
    assert response.json() == json.loads(PATH.read_text(encoding="utf-8").replace("@PROJECT_VERSION@", version))
    assert response.json()["info"]["version"] == version


def test_a_description_of_the_registry_stays_behind_the_decision(gateway, acme, upstream):
    """The path is the gateway's own: the registry is never asked for it, and no proxy lets it pass to the registry either."""
    for path in (TARGET, TARGET + "?org=acme"):
        assert gateway.request("GET", path, acme.admin).json()["info"] == gateway.request("GET", path).json()["info"]
    assert gateway.request("POST", TARGET, acme.admin).status == 405
    asked = gateway.request("GET", "/authz", fields=[("X-Original-Method", "GET"), ("X-Original-URI", TARGET)])
    assert (asked.status, asked.error_code) == (403, "not_found")
    assert upstream.requests == []


def test_every_part_is_valid_and_used():
    for schema in COMPONENTS["schemas"].values():
        Draft202012Validator.check_schema(schema)
    used = {node["$ref"] for node in nodes(DOCUMENT) if "$ref" in node}
    defined = {f"#/components/{kind}/{name}" for kind, parts in COMPONENTS.items() for name in parts if kind != "securitySchemes"}
    assert used <= defined
    # Answers of paths and methods that are not there, so of no operation.
    assert defined - used == {"#/components/responses/NothingThere", "#/components/responses/MethodNotAllowed"}
    assert len(OPERATIONS) == sum(1 for node in nodes(DOCUMENT["paths"]) if "operationId" in node)
    tags = {tag["name"] for tag in DOCUMENT["tags"]}
    for operation in OPERATIONS.values():
        assert set(operation.raw["tags"]) <= tags and operation.raw["summary"]
        assert re.findall(r"\{(\w+)\}", operation.path) == operation.named("path")


# ---- routes ---------------------------------------------------------------------------------------------------------

def own_routes():
    """{(method, path)} -> (access, scope, rate, target) of the route table, without the files of the page of the tokens."""
    text = source("gateway/exchange/router.c")
    table = text[text.index("routes[] = {"):text.index("#define ROUTE_COUNT")]
    found = {}
    rows = re.findall(r'\{"([A-Z ]+)",\s*"([^"]+)",\s*GW_ACCESS_(\w+),\s*\.scope = GW_SCOPE_(\w+)((?:,\s*\.\w+ = ["\w]+)*)\}', table)
    assert len(rows) == len(re.findall(r'\{"[A-Z]', table))
    for methods, pattern, access, scope, rest in rows:
        target = re.search(r"\.target = GW_ROUTE_(\w+)", rest)
        if target and "GW_ROUTE_ON_PAGE" not in rest:
            for method in methods.split():
                found[method, pattern.removesuffix("/**")] = (access, scope.lower(), "RATE_NONE" in rest, target[1])
    return found


def admin_pages():
    text = source("gateway/api/admin.c")
    table = text[text.index("pages[] = {"):text.index("};", text.index("pages[] = {"))]
    return re.findall(r'GW_STR\("([^"]+)"\)', table)


ROUTES = own_routes()


LEAKS = {"LEAKS_GITLAB", "LEAK_TYPES_GITLAB"}


def route_of(operation):
    return ROUTES[operation.method, operation.path]


OF_GATEWAY = [operation for operation in OPERATIONS.values() if not operation.is_admin_port]
OF_ADMIN_PORT = [operation for operation in OPERATIONS.values() if operation.is_admin_port]


def test_operations_are_the_own_routes_of_the_router():
    assert {(operation.method, operation.path) for operation in OF_GATEWAY} == set(ROUTES)


def test_operations_of_the_admin_port_are_its_pages():
    assert {(operation.method, operation.path) for operation in OF_ADMIN_PORT} \
        == {(method, path) for path in admin_pages() for method in ("GET", "HEAD")}


@pytest.mark.parametrize("operation", OF_GATEWAY, ids=lambda operation: operation.id)
def test_an_operation_names_the_scope_that_its_route_needs(operation):
    access, scope, _, target = route_of(operation)
    wanted = {"OPEN": None, "TOKEN": [], "SCOPE": [scope], "ORG": [scope]}[access]
    if target == "FORWARD_AUTH":  # looks at the token of the request that is asked about
        assert operation.is_optional and operation.scopes == []
    else:
        assert operation.scopes == wanted and not operation.is_optional
    assert operation.is_of_registry == (target == "HAND_OVER")
    assert operation.is_of_gitlab == (target in LEAKS)
    assert ("{org}" in operation.path) == (access == "ORG" or target == "TOKEN_EXCHANGE_JSON")


# ---- parameters and members -----------------------------------------------------------------------------------------

def table_names(name):
    """The names of the table `parameters` of a reader of queries."""
    text = source(f"gateway/api/{name}.c")
    return re.findall(r'^    \{GW_STR_INIT\("(\w+)"\)', text[text.index("} parameters[] = {"):], re.MULTILINE)


def list_of(name, macro):
    """The names in a text of the form `#define MACRO GW_STR("a, b")`."""
    text = re.search(rf"#define {macro}\b(.*?)\n(?=[#\n])", source(f"gateway/api/{name}.c"), re.DOTALL)[1]
    return "".join(re.findall(r'"([^"]*)"', text)).split(", ")


QUERIES = {"TOKEN_LIST": table_names("list_request"), "AUDIT": table_names("audit_request"),
           "TOKEN_REVOKE": list_of("revoke_request", "REVOKE_PARAMETERS"),
           "TOKEN_REVOKE_OWN": list_of("revoke_request", "REVOKE_PARAMETERS"),
           "TOKENS_REVOKE": list_of("revoke_request", "BULK_PARAMETERS"),
           "TOKEN_CHANGE": list_of("revoke_request", "ENDING_PARAMETERS"), "TRUST_LIST": ["after", "limit"], "TRUST_REMOVE": ["wait"],
           "DEVICE_POLL": ["device_code"]}
MEMBERS = {"TOKEN_CREATE": list_of("requests", "CREATE_MEMBERS"), "TOKEN_ROTATE": list_of("requests", "ROTATE_MEMBERS"),
           "TOKEN_ROTATE_OWN": list_of("requests", "ROTATE_MEMBERS"), "TOKEN_CHANGE": list_of("change_request", "MEMBERS"),
           "TOKENS_REVOKE": list_of("bulk_request", "MEMBERS"), "TRUST_CREATE": list_of("trust_request", "MEMBERS"),
           "TOKEN_EXCHANGE_JSON": list_of("token_exchange_request", "MEMBERS"), "TRUST_TEST": list_of("trust_test", "MEMBERS"),
           "HAND_OVER": list_of("hand_over_request", "MEMBERS"),
           "DEVICE_APPROVE": list_of("device_request", "APPROVE_MEMBERS"), "DEVICE_LOOKUP": ["userCode"]}
EXCHANGES = {"TOKEN_EXCHANGE", "TOKEN_EXCHANGE_JSON"}
WITH_SECRET = {"TOKEN_CREATE", "TOKEN_ROTATE", "TOKEN_ROTATE_OWN"} | EXCHANGES
WITH_KEY = WITH_SECRET | {"HAND_OVER"}
FORMS = {"INTROSPECT", "TOKEN_EXCHANGE"}


@pytest.mark.parametrize("operation", OF_GATEWAY, ids=lambda operation: operation.id)
def test_parameters_are_those_that_the_gateway_reads(operation):
    target = route_of(operation)[3]
    assert sorted(operation.named("query")) == sorted(QUERIES.get(target, []))
    fields = ["Idempotency-Key"] if target in WITH_KEY else []
    if operation.path == "/authz":
        fields = ["X-Original-Method", "X-Original-URI"]
    assert operation.named("header") == fields


@pytest.mark.parametrize("operation", OF_GATEWAY, ids=lambda operation: operation.id)
def test_members_of_a_body_are_those_that_the_gateway_reads(operation):
    target = route_of(operation)[3]
    if target in FORMS:
        assert operation.media_type == "application/x-www-form-urlencoded"
    elif target in MEMBERS:
        schema = resolve(operation.body["schema"])
        assert operation.media_type == "application/json" and schema["additionalProperties"] is False
        assert sorted(schema["properties"]) == sorted(MEMBERS[target])
    else:
        assert operation.body is None or target == "LEAKS_GITLAB"  # others may have members of their own
    assert operation.has_optional_body == target.startswith("TOKEN_ROTATE")


def test_limits_are_those_of_the_headers():
    headers = source("token/limits.h") + source("token/name.h") + source("gateway/api/revoke_request.h")
    numbers = {name: int(value) for name, value in re.findall(r"#define GW_(\w+) (\d+)", headers)}
    schemas, parameters = COMPONENTS["schemas"], COMPONENTS["parameters"]
    assert schemas["AddressRanges"]["maxItems"] == numbers["ALLOWED_IPS_MAX"]
    assert schemas["RevocationRequest"]["properties"]["ids"]["maxItems"] == numbers["BULK_REVOKE_MAX"]
    assert schemas["Name"]["maxLength"] == numbers["TOKEN_NAME_CHARACTERS_MAX"]
    assert schemas["Description"]["maxLength"] == numbers["TOKEN_DESCRIPTION_CHARACTERS_MAX"]
    overlap = schemas["RotationRequest"]["properties"]["overlapSeconds"]
    assert (overlap["default"], overlap["maximum"]) == (numbers["ROTATE_OVERLAP_S_DEFAULT"], numbers["ROTATE_OVERLAP_S_MAX"])
    assert parameters["limit"]["schema"]["default"] == numbers["LIST_LIMIT_DEFAULT"]
    assert parameters["limit"]["schema"]["maximum"] == numbers["LIST_AFTER_LIMIT_MAX"]
    assert parameters["eventLimit"]["schema"]["maximum"] == numbers["LIST_LIMIT_MAX"]
    assert f"up to {numbers['REVOKE_WAIT_MS_MAX'] // 1000} seconds" in parameters["wait"]["description"]


# ---- errors ---------------------------------------------------------------------------------------------------------

ERRORS = errors_of_the_table()


def ids_in(*names):
    return {error for name in names for error in re.findall(r"\bGW_ERROR_([A-Z_]+)\b", source(f"gateway/{name}"))} & set(ERRORS)


# What every request can meet, before and beside its handler. A path or a method that is not there is of no operation.
OF_ALL = ids_in("http/parse.c", "http/head_rules.c", "http/field_rules.c", "client/conn.c") - {"UPSTREAM_INVALID"}
OF_NO_OPERATION = {"NOT_FOUND", "METHOD_NOT_ALLOWED"}
OF_AUTH = {"MISSING_TOKEN", "INVALID_TOKEN", "CERTIFICATE_REQUIRED", "ADDRESS_NOT_ALLOWED", "TOO_MANY_FAILED_TOKENS", "UNAVAILABLE",
           "BAD_REQUEST"}

CHANGES = {"TOKEN_CREATE", "TOKEN_REVOKE", "TOKEN_REVOKE_OWN", "TOKEN_CHANGE", "TOKENS_REVOKE", "TOKEN_ROTATE", "TOKEN_ROTATE_OWN",
           "TRUST_CREATE", "TRUST_REMOVE", "DEVICE_APPROVE"}
OF_ONE = {"TOKEN_SHOW", "TOKEN_REVOKE", "TOKEN_CHANGE", "TOKEN_ROTATE", "TRUST_SHOW", "TRUST_REMOVE"}
JSON_BODIES = set(MEMBERS)
IDENTITIES = EXCHANGES | {"TRUST_TEST"}
APPROVALS = {"DEVICE_LOOKUP", "DEVICE_APPROVE"}

# Which targets a file of gateway/api answers with an error for; None: every one.
BY_FILE = {
    "admin.c": {error: set() for error in OF_NO_OPERATION},
    "body.c": {error: JSON_BODIES | FORMS | {"LEAKS_GITLAB"} for error in ("BODY_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE")},
    "change.c": {"VALIDATION_FAILED": {"TOKEN_CHANGE"}},
    "create.c": {"ALREADY_CREATED": {"TOKEN_CREATE"}},
    "device_approval.c": {error: APPROVALS for error in ("DEVICE_CODE_NOT_FOUND", "TOO_MANY_LOGINS", "UNAVAILABLE")},
    "device_poll.c": {"DEVICE_CODE_EXPIRED": {"DEVICE_POLL"}},
    "device_start.c": {error: {"DEVICE_START"} for error in ("TOO_MANY_LOGINS", "UNAVAILABLE")},
    "forward_auth.c": {error: {"FORWARD_AUTH"} for error in ("BAD_REQUEST", "ORIGINAL_NOT_FOUND", "ORIGINAL_METHOD_NOT_ALLOWED")},
    "identity.c": {"NOT_FOUND": IDENTITIES | {"OIDC_AUDIENCE"}, "TOO_MANY_FAILED_TOKENS": IDENTITIES, "UNAVAILABLE": IDENTITIES},
    "hand_over.c": {error: {"HAND_OVER"} for error in (
        "NOT_FOUND", "MISSING_TOKEN", "INVALID_TOKEN", "TOO_MANY_FAILED_TOKENS", "BAD_REQUEST")},
    "introspect.c": {"BAD_REQUEST": {"INTROSPECT"}},
    "json_body.c": {"INVALID_JSON": JSON_BODIES},
    "leak_report.c": {"INVALID_JSON": {"LEAKS_GITLAB"}},
    "leaks_gitlab.c": {error: LEAKS for error in ("NOT_FOUND", "MISSING_TOKEN", "INVALID_TOKEN", "TOO_MANY_FAILED_TOKENS", "BAD_REQUEST")},
    "new_token.c": {"UNAVAILABLE": WITH_SECRET},
    "reply.c": {"NOT_FOUND": OF_ONE, "UNAVAILABLE": None, "VALIDATION_FAILED": CHANGES | IDENTITIES | APPROVALS | {"HAND_OVER"}, "REQUEST_IN_PROGRESS": WITH_SECRET,
                "TOKEN_DIFFERS": {"HAND_OVER"}, "TOKEN_ENDED": {"HAND_OVER"},
                "LAST_ADMIN": {"TOKEN_REVOKE", "TOKEN_CHANGE", "TOKENS_REVOKE"},
                "SELF_ROTATION_NOT_ALLOWED": {"TOKEN_ROTATE_OWN"}, "TRUST_NOT_ALLOWED": {"TRUST_CREATE"},
                "TOO_MANY_RULES": {"TRUST_CREATE"}},
    "requests.c": {"BAD_REQUEST": WITH_KEY},
    "rotate.c": {"ALREADY_ROTATED": {"TOKEN_ROTATE", "TOKEN_ROTATE_OWN"}},
    "token_exchange.c": {"OAUTH_INVALID_REQUEST": {"TOKEN_EXCHANGE"}, "OAUTH_INVALID_SCOPE": {"TOKEN_EXCHANGE"},
                         "OAUTH_INVALID_TARGET": {"TOKEN_EXCHANGE"},
                         "IDENTITY_NOT_ACCEPTED": {"TOKEN_EXCHANGE_JSON"}, "ALREADY_EXCHANGED": {"TOKEN_EXCHANGE_JSON"},
                         "RATE_LIMITED": EXCHANGES},
    "token_exchange_request.c": {error: {"TOKEN_EXCHANGE"} for error in (
        "OAUTH_INVALID_REQUEST", "OAUTH_INVALID_SCOPE", "OAUTH_INVALID_TARGET", "OAUTH_UNSUPPORTED_GRANT_TYPE")},
    "tokens.c": {"NOT_FOUND": {"TOKEN_SHOW"}},
}


def test_each_error_of_a_handler_is_in_the_table_above():
    for path in sorted((ROOT / "gateway/api").glob("*.c")):
        assert ids_in(f"api/{path.name}") == set(BY_FILE.get(path.name, {})), path.name


def test_each_error_of_a_decision_is_in_the_table_above():
    assert ids_in("auth/authz.c", "auth/judgement.c") == OF_AUTH | {"RATE_LIMITED", "ORG_MISMATCH", "INSUFFICIENT_SCOPE"}


def errors_of_a_decision(access, is_free, target):
    if target == "FORWARD_AUTH":
        return OF_AUTH | {"RATE_LIMITED", "ORG_MISMATCH", "INSUFFICIENT_SCOPE"}
    if access == "OPEN":
        return {"UNAVAILABLE"}
    found = OF_AUTH if is_free else OF_AUTH | {"RATE_LIMITED"}
    if target in CHANGES:  # the token that asks has changed meanwhile
        found = found | {"ORG_MISMATCH"}
    return found | {"TOKEN": set(), "SCOPE": {"INSUFFICIENT_SCOPE"}, "ORG": {"ORG_MISMATCH", "INSUFFICIENT_SCOPE"}}[access]


def wanted_errors(operation):
    if operation.is_admin_port:
        return OF_ALL | ({"UNAVAILABLE"} if operation.path == "/metrics" else set())
    access, _, is_free, target = route_of(operation)
    found = OF_ALL | errors_of_a_decision(access, is_free, target)
    found |= {error for table in BY_FILE.values() for error, targets in table.items() if targets is None or target in targets}
    return found | ({"VALIDATION_FAILED"} if target in QUERIES else set())


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=lambda operation: operation.id)
def test_an_operation_describes_every_error_that_it_can_answer(operation):
    assert operation.errors() == {ERRORS[error][:2] for error in wanted_errors(operation)}


def test_every_error_is_described_but_those_of_forwarded_requests():
    described = {error for operation in OPERATIONS.values() for error in operation.errors()}
    described |= {("not_found", 404), ("method_not_allowed", 405)}
    of_relay = {ERRORS[error][:2] for error in ids_in("relay/relay.c") | {"UPSTREAM_INVALID"}}
    assert {error[:2] for error in ERRORS.values()} - described == of_relay - described
    assert len(of_relay - described) == 5


# ---- the examples, asked of a gateway -------------------------------------------------------------------------------

DOCUMENT_SECRETS = re.compile(r"sr_live_[A-Za-z0-9_-]{48}")
PATTERNS = (("<secret>", DOCUMENT_SECRETS), ("<prefix>", re.compile(r"sr_live_[A-Za-z0-9_-]{4}(?![A-Za-z0-9_-])")),
            ("<id>", re.compile(r"\bcl(?:[a-z0-9]{22}|[a-z]*team[0-9]+)\b")),
            ("<issuer>", re.compile(r"https://(?:token\.actions\.githubusercontent\.com|localhost:\d+|127\.0\.0\.1:\d+)")),
            ("<time>", re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")))
PATTERNS += (("<device code>", re.compile(r"^[A-Za-z0-9_-]{43}$")), ("<user code>", re.compile(r"^[A-Z]{4}-\d{4}$")),
             ("<address>", re.compile(r"^(?:127\.0\.0\.1|203\.0\.113\.7)$")))
NUMBERS = {"gateways": "<count>", "pending": "<count>", "silent": "<count>", "iat": "<seconds>", "exp": "<seconds>"}


def alike(value, slug):
    """The value with what differs from run to run replaced by what it is."""
    if isinstance(value, dict):
        return {name: NUMBERS[name] if name in NUMBERS and isinstance(member, int)
                else "<cursor>" if name == "next" and isinstance(member, str)
                else "<claims>" if name == "claims" else "<event>" if name == "id" and isinstance(member, str) and member.isdigit() else alike(member, slug)
                for name, member in value.items()}
    if isinstance(value, list):
        return [alike(member, slug) for member in value]
    if isinstance(value, str):
        for name, pattern in PATTERNS:
            value = pattern.sub(name, value)
        return re.sub(rf"\b{slug}\b", "acme", value)
    return value


class World:
    """An organisation of its own, whose admin token has made `ci-deploy`."""

    def __init__(self, gateway, organisation):
        self.gateway, self.organisation = gateway, organisation
        self.target = self.secret = None
        self.codes = {}

    def ask(self, method, rest="", **options):
        return self.gateway.request(method, f"/api/v1/orgs/{self.organisation.slug}/tokens{rest}", self.organisation.admin, **options)

    def create(self, **members):
        made = self.ask("POST", json_body={"name": "ci-deploy", **members})
        assert made.status == 201, made.body
        self.target, self.secret = made.json()["id"], made.json()["token"]
        return self

    def trust(self, is_wanted=True):
        """A rule in place of a token."""
        target = f"/api/v1/orgs/{self.organisation.slug}/trust"
        value = OPERATIONS["createRule"].body["examples"]["made"]["value"]
        made = is_wanted and self.gateway.request("POST", target, self.organisation.admin, json_body=value)
        self.target = made.json()["id"] if made else None

    def revoke(self):
        assert self.ask("DELETE", f"/{self.target}").status == 200

    def rotate(self):
        return self.ask("POST", f"/{self.target}/rotate").json()

    def path_of(self, operation):
        return operation.path.format(org=self.organisation.slug, id=self.target or "clx7f2k3a",
                                     path=f"api/v1/orgs/{self.organisation.slug}/skills")

    def trust_tools(self):
        """A rule for a repository of the organisation's name."""
        self.gateway.trust(self.organisation, {"repository": f"{self.organisation.slug}/tools"}, scopes=["read", "write"])

    def hand_over(self, **members):
        """In place of a token; answers the members that say which it is."""
        token = token_syntax.make()
        own = {"prefix": token[:12], "sha256": digest_of(token), **members}
        body = {**OPERATIONS["handOverToken"].body["examples"]["made"]["value"], **own}
        made = self.gateway.request("POST", ROUTE, self.gateway.credential, json_body=body)
        assert made.status == 201, made.body
        self.target = made.json()["id"]
        return own

    def start_login(self, operation, name):
        """A login, which waits; or is approved, where the example picks it up."""
        started = self.gateway.request("POST", "/api/v1/auth/cli/initiate", fields=[("User-Agent", "skillreg/1.2.0")])
        assert started.status == 200, started.body
        self.codes = {"userCode": started.json()["userCode"], "device_code": started.json()["deviceCode"]}
        if (operation.id, name) == ("pollLogin", "complete"):
            approved = self.gateway.request("POST", "/api/v1/auth/cli/approve", self.organisation.admin,
                                            json_body={"userCode": self.codes["userCode"]})
            assert approved.status == 200, approved.body

    def body_of(self, value):
        text = json.dumps(value)
        found = re.search(r"\bcl[a-z0-9]{22}\b", text)
        text = text.replace(found[0], self.target) if found else text
        return json.loads(text)


OF_LOGINS = {"startLogin", "pollLogin", "headLogin", "lookUpLogin", "approveLogin"}
OF_IDENTITIES = {"exchangeIdentity", "exchangeToken", "testTrust", "getAudience", "headAudience"}


def with_identity(operation, world, body):
    """The body of an example with a token that an issuer has just signed, and the world's organisation."""
    if operation.id not in OF_IDENTITIES or body is None:
        return body
    fresh = {"token": world.gateway.job(f"{world.organisation.slug}/tools")}
    fresh = {"subject_token": fresh["token"], "org": world.organisation.slug} if "subject_token" in body else fresh
    return {**body, **fresh}


def with_digest(operation, world, body, name):
    """The body of a hand-over with a token that is new, or that was handed over before."""
    if operation.id != "handOverToken":
        return body
    token = token_syntax.make()
    return {**body, **(world.hand_over() if name == "again" else {"prefix": token[:12], "sha256": digest_of(token)})}


@pytest.fixture(scope="module")
def counter(new_org, postgres, operator, tmp_path_factory):
    """A gateway that the registry of one organisation hands tokens over at."""
    directory, organisation = tmp_path_factory.mktemp("counter"), new_org("admin")
    registry = Registry(directory)
    own = Gateway(directory, "counter", database_url=postgres.url, flags=(*registry.let_in(organisation), "--leaks-gitlab-secret-file", registry.file_of(organisation)))
    own.organisation, own.credential = organisation, registry.secrets[organisation.slug]
    yield own.wait_until_ready()
    own.stop()


@pytest.fixture(scope="module")
def door(operator, postgres, tmp_path_factory):
    own = IdentityGateway(tmp_path_factory.mktemp("door"), "door", database_url=postgres.url)
    yield own.wait_until_ready()
    own.stop()


@pytest.fixture(scope="module")
def desk(operator, postgres, tmp_path_factory):
    """Where people log in with a code."""
    own = Gateway(tmp_path_factory.mktemp("desk"), "desk", database_url=postgres.url, flags=["--device-login"])
    yield own.wait_until_ready()
    own.stop()


def gateway_of(operation, request):
    if operation.is_of_registry or operation.is_of_gitlab:
        return request.getfixturevalue("counter")
    if operation.id in OF_LOGINS:
        return request.getfixturevalue("desk")
    return request.getfixturevalue("door" if operation.id in OF_IDENTITIES else "gateway")


def make_world(gateway, new_org, operation, name):
    """What has to be there for an example."""
    world = World(gateway, gateway.organisation if operation.is_of_registry or operation.is_of_gitlab else new_org("admin"))
    if operation.is_of_registry or operation.is_of_gitlab:
        return world
    if operation.id == "rotateOwnToken":
        world.create(selfRotate=True)
    elif operation.id in OF_IDENTITIES:
        world.trust_tools()
    elif operation.id in OF_LOGINS:
        world.start_login(operation, name)
    elif operation.raw["tags"] == ["trust"]:
        world.trust(operation.id != "createRule")
    elif operation.id not in ("whoami", "createToken"):
        world.create()
    if (operation.id, name) == ("whoami", "admin"):
        gateway.request("GET", "/api/v1/auth/whoami", world.organisation.admin)
    if (operation.id, name) == ("listEvents", "newest"):
        assert world.ask("PATCH", f"/{world.target}", json_body={"name": "ci-read", "scopes": ["read"]}).status == 200
    if (operation.id, name) in (("listTokens", "all"), ("listEvents", "newest")):
        world.revoke()
    if (operation.id, name) == ("revokeToken", "chain"):
        world.rotate()
    return world


def secret_for(operation, world):
    if operation.is_of_registry or operation.is_of_gitlab:
        return world.gateway.credential
    if operation.scopes is None:
        return None
    if operation.id in ("revokeOwnToken", "rotateOwnToken"):
        return world.secret
    return world.organisation.admin


def ask(gateway, operation, world, query=None, fields=(), body=None, token=""):
    """`token`: another one than the one that the operation needs; None: no token."""
    fields = list(fields)
    if operation.path == "/authz":
        fields += [("X-Original-Method", "GET"), ("X-Original-URI", f"/api/v1/orgs/{world.organisation.slug}/skills")]
    if world.codes and operation.named("query"):
        query = f"device_code={world.codes['device_code']}"
    if world.codes and body is not None:
        body = {**body, "userCode": world.codes["userCode"]}
    data = b""
    if body is not None and operation.media_type == "application/json":
        data = json.dumps(world.body_of(body)).encode()
        fields.append(("Content-Type", operation.media_type))
    elif body is not None:
        data = urllib.parse.urlencode(body).encode()
        fields.append(("Content-Type", operation.media_type))
    target = world.path_of(operation) + (f"?{query}" if query else "")
    if operation.is_admin_port:
        with Connection(gateway.admin) as connection:
            return connection.request(operation.method, target)
    return gateway.request(operation.method, target, secret_for(operation, world) if token == "" else token, body=data, fields=fields)


def answers():
    """(operation, status, name) of every example of what is not an error."""
    for operation in OPERATIONS.values():
        for status, response in operation.responses.items():
            for content in response.get("content", {}).values():
                for name in {} if codes_of(response) else content.get("examples", {}):
                    yield operation, status, name


ANSWERS = list(answers())


class Pair:
    """Two gateways on a database of their own, so that no other one is waited for. The second can be made to hear nothing."""

    def __init__(self, postgres, directory):
        self.operator = Operator(postgres.url_of("described"), directory)
        self.operator.migrate()
        self.first, self.second = (Gateway(directory, name, database_url=self.operator.database_url).wait_until_ready()
                                   for name in ("first", "second"))
        self.numbers = itertools.count(1)
        eventually(lambda: postgres.query("select count(*) from skillreg.gateway_state where is_live", database="described") == [(2,)],
                   "were both known")

    def new_org(self, *_):
        slug = f"pair-{next(self.numbers)}"
        self.operator.create_org(slug)
        return types.SimpleNamespace(slug=slug, admin=self.operator.create_token(slug, "admin-key", "admin")["token"])


@pytest.fixture(scope="module")
def pair(postgres, tmp_path_factory):
    postgres.query("create database described")
    own = Pair(postgres, tmp_path_factory.mktemp("pair"))
    yield own
    own.first.stop()
    own.second.stop()
    postgres.query("drop database described with (force)")


@pytest.fixture(scope="module")
def blind(tmp_path_factory):
    """A gateway whose database has never answered."""
    own = Gateway(tmp_path_factory.mktemp("blind"), "blind", database_url="postgresql://x@/x?host=/nonexistent-directory")
    yield own
    own.stop()


@pytest.mark.parametrize("operation,status,name", ANSWERS, ids=[f"{o.id}-{s}-{n}" for o, s, n in ANSWERS])
def test_an_example_is_what_the_gateway_answers(operation, status, name, new_org, request):
    gateway = gateway_of(operation, request)
    (content,) = operation.responses[status]["content"].values()
    example = content["examples"][name]
    query = example.get("x-query")
    body = operation.body["examples"][name]["value"] if operation.body else None
    pair = request.getfixturevalue("pair") if query and "wait=" in query else None
    asked = request.getfixturevalue("blind") if status == 503 else pair.first if pair else gateway
    world = make_world(pair.first if pair else gateway, pair.new_org if pair else new_org, operation, name)
    if operation.id == "introspect" and name == "active":
        body = {"token": world.secret}
    elif operation.id == "introspect":
        body = {"token": token_syntax.make()}
    body = with_digest(operation, world, with_identity(operation, world, body), name)
    if status == 202:
        pair.second.process.send_signal(signal.SIGSTOP)
    elif pair:
        query = query.replace("wait=5s", "wait=30s")  # on a slow machine
    try:
        response = ask(asked, operation, world, query, body=body)
    finally:
        if pair:
            pair.second.process.send_signal(signal.SIGCONT)
    assert response.status == status, response.body
    assert_answer(operation, response)
    if response.get("content-type") != "application/json":
        assert response.body.decode() == example["value"]
        return
    validate(content["schema"], example["value"])
    assert alike(response.json(), world.organisation.slug) == alike(example["value"], "acme")


def test_each_example_of_a_body_has_its_answer():
    for operation in OPERATIONS.values():
        if operation.body:
            named = {name for other, _, name in ANSWERS if other is operation}
            assert set(operation.body["examples"]) <= named or operation.id == "revokeLeakedTokens"  # 204
            for example in operation.body["examples"].values():
                validate(operation.body["schema"], example["value"])


WITHOUT_EXAMPLE = [operation for operation in OPERATIONS.values()
                   if operation not in {other for other, _, _ in ANSWERS} and operation.id != "revokeLeakedTokens"]  # test_leaks.py


@pytest.mark.parametrize("operation", WITHOUT_EXAMPLE, ids=lambda operation: operation.id)
def test_an_operation_without_an_example_answers_as_described(operation, new_org, request):
    gateway = gateway_of(operation, request)
    world = make_world(gateway, new_org, operation, None)
    response = ask(gateway, operation, world)
    assert response.status == 200
    assert_answer(operation, response)


PARAMETERS = [(operation, parameter) for operation in OPERATIONS.values() if operation.method != "HEAD"
              for parameter in operation.parameters if parameter["in"] == "query" or parameter["name"] == "Idempotency-Key"]


@pytest.mark.parametrize("operation,parameter", PARAMETERS, ids=[f"{o.id}-{p['name']}" for o, p in PARAMETERS])
def test_the_example_of_a_parameter_is_taken(operation, parameter, new_org, request):
    gateway = gateway_of(operation, request)
    world = make_world(gateway, new_org, operation, None)
    value = json.dumps(parameter["example"]).strip('"')
    validate(parameter["schema"], parameter["example"])
    body = next(iter(operation.body["examples"].values()))["value"] if operation.body else None
    body = with_digest(operation, world, with_identity(operation, world, body), None)
    if parameter["in"] == "header":
        response = ask(gateway, operation, world, fields=[(parameter["name"], value)], body=body)
    else:
        response = ask(gateway, operation, world, f"{parameter['name']}={value}", body=body)
    may_wait = [202] if parameter["name"] == "wait" else []  # for a gateway of another test that went without a farewell
    assert response.status in (200, 201, *may_wait), response.body
    assert_answer(operation, response)


# ---- the schemas of bodies, held to what the gateway takes ----------------------------------------------------------

ODD_VALUES = [None, True, 0, 1, 7.5, 3600, -1, 10 ** 30, "", " ", "x", "x" * 100, "x" * 101, "x" * 501, "a\nb", "2099-12-31T23:59:59Z",
              "2099-12-31", "192.0.2.7", [], [[]], ["read"], ["read", "read"], ["root"], ["192.0.2.7"], ["10.0.0.0/8"] * 33, {}, {"a": 1}]
# What a schema cannot say: the text of a name and of an address has rules of its own.
BEYOND_SCHEMA = [("createToken", "name", " "), ("createToken", "name", "a\nb"), ("createToken", "description", " "),
                 ("createToken", "description", "a\nb"), ("createToken", "allowedIps", ["read"]),
                 ("createToken", "allowedIps", ["read", "read"]), ("createToken", "allowedIps", ["root"]),
                 ("createToken", "expiresIn", 10 ** 30), ("rotateToken", "expiresIn", 10 ** 30)]


def is_valid(operation, body):
    try:
        validate(operation.body["schema"], body)
    except AssertionError:
        return False
    return True


@pytest.mark.parametrize("operation_id,member", [
    *(("createToken", member) for member in [*MEMBERS["TOKEN_CREATE"], "other"]),
    *(("rotateToken", member) for member in [*MEMBERS["TOKEN_ROTATE"], "other"])])
def test_the_gateway_takes_what_the_schema_says_and_nothing_else(operation_id, member, gateway, new_org):
    operation, world = OPERATIONS[operation_id], World(gateway, new_org("admin"))
    for value in ODD_VALUES:
        world.create()
        body = {**({"name": "odd"} if operation_id == "createToken" else {}), member: value}
        response = ask(gateway, operation, world, body=body)
        wanted = is_valid(operation, body) and (operation_id, member, value) not in BEYOND_SCHEMA
        assert response.status == (201 if wanted else 422), f"{body}: {response.status} {response.body.decode()}"


# ---- the examples of errors -----------------------------------------------------------------------------------------

class Provocation:
    """Asks for each error. `response`: what came; `operation`: of what."""

    def __init__(self, gateway, new_org, start_gateway, postgres, request):
        self.gateway, self.new_org, self.start_gateway, self.postgres = gateway, new_org, start_gateway, postgres
        self._request = request
        self.world = World(gateway, new_org("admin"))

    def of(self, operation_id, on=None, **options):
        operation = OPERATIONS[operation_id]
        return operation, ask(on or self.gateway, operation, self.world, **options)

    def raw(self, operation_id, head, body=b""):
        with Connection(self.gateway.http) as connection:
            connection.send(head + body)
            return OPERATIONS[operation_id], connection.read_response()

    def no_issuer(self):
        return self.of("exchangeIdentity", self.start_gateway(), body={"token": "a.b.c"})

    def _with_door(self):
        self.world.gateway = self._request.getfixturevalue("door")
        return self.world.gateway

    def identity_not_accepted(self):
        return self.of("exchangeIdentity", self._with_door(), body={"token": "a.b.c"})

    def already_exchanged(self):
        door, operation = self._with_door(), OPERATIONS["exchangeIdentity"]
        self.world.trust_tools()
        body = with_identity(operation, self.world, {"token": ""})
        ask(door, operation, self.world, body=body)
        return operation, ask(door, operation, self.world, body=body)

    def no_hand_over(self):
        return self.of("handOverToken", body={}, token=token_syntax.make())

    def no_leaks(self):
        return self.of("revokeLeakedTokens", body=[], token=token_syntax.make())

    def _of_handed_over(self, change):
        """What comes of the same again after a change."""
        counter = self._request.getfixturevalue("counter")
        self.world = World(counter, counter.organisation)
        own = self.world.hand_over()
        change = change() or {}
        body = {**OPERATIONS["handOverToken"].body["examples"]["made"]["value"], **own, **change}
        return self.of("handOverToken", counter, body=body)

    def token_differs(self):
        return self._of_handed_over(lambda: {"name": "another"})

    def token_ended(self):
        return self._of_handed_over(lambda: self.world.revoke())

    def device_code_not_found(self):
        return self.of("lookUpLogin", self._request.getfixturevalue("desk"), body={"userCode": "ABCD-1234"})

    def device_code_expired(self):
        return self.of("pollLogin", self._request.getfixturevalue("desk"), query="device_code=x")

    def too_many_logins(self):
        desk = self.start_gateway("--device-login")
        for _ in range(20):
            self.of("lookUpLogin", desk, body={"userCode": "ABCD-1234"})
        return self.of("lookUpLogin", desk, body={"userCode": "ABCD-1234"})

    def bad_request(self):
        with Connection(self.gateway.http) as connection:
            return OPERATIONS["whoami"], connection.request("GET", "/api/v1/./auth/whoami")

    def invalid_json(self):
        operation = OPERATIONS["createToken"]
        return operation, self.gateway.request("POST", self.world.path_of(operation), self.world.organisation.admin, body=b"{",
                                               fields=[("Content-Type", "application/json")])

    def missing_token(self):
        return self.of("whoami", token=None)

    def invalid_token(self):
        return self.of("whoami", token=token_syntax.make())

    def org_mismatch(self):
        return self.of("listTokens", token=self.new_org("admin").admin)

    def address_not_allowed(self):
        return self.of("whoami", token=self.world.create(allowedIps=["192.0.2.0/24"]).secret)

    def certificate_required(self):
        return self.of("whoami", token=self.world.create(boundSan="spiffe://example.org/ci").secret)

    def insufficient_scope(self):
        return self.of("listTokens", token=self.world.create().secret)

    def self_rotation_not_allowed(self):
        self.world.create()
        return self.of("rotateOwnToken")

    def original(self, method, path):
        fields = [("X-Original-Method", method), ("X-Original-URI", path)]
        return OPERATIONS["authz"], self.gateway.request("GET", "/authz", fields=fields)

    def original_not_found(self):
        return self.original("GET", "/nothing")

    def original_method_not_allowed(self):
        return self.original("DELETE", "/api/v1/search")

    def not_found(self):
        return self.of("revokeToken")

    def nothing_there(self):
        return COMPONENTS["responses"]["NothingThere"], self.gateway.request("GET", "/api/v1/nothing")

    def method_not_allowed(self):
        return COMPONENTS["responses"]["MethodNotAllowed"], self.gateway.request("PUT", "/api/v1/auth/whoami")

    def request_timeout(self):
        own = self.start_gateway("--head-timeout", "100ms")
        with own.connect() as connection:
            connection.send(b"GET /api/v1/auth/whoami HTTP/1.1\r\n")
            return OPERATIONS["whoami"], connection.read_response()

    def create_again(self):
        return self.of("createToken", fields=[("Idempotency-Key", "again")], body={"name": "ci-deploy"})

    def already_created(self):
        made = self.create_again()[1].json()
        self.gateway.request("GET", "/api/v1/auth/whoami", made["token"])
        self.age_keys()
        return self.create_again()

    def age_keys(self, by="-3 seconds"):
        self.postgres.query("update skillreg.idempotency_key set at = at + %s::interval where org_id ="
                            " (select id from skillreg.organisation where slug = %s)", (by, self.world.organisation.slug))

    def request_in_progress(self):
        self.create_again()
        self.age_keys("1 hour")  # so that the two seconds are not over on a slow machine
        return self.create_again()

    def already_rotated(self):
        self.world.create().rotate()
        return self.of("rotateToken")

    def trust_not_allowed(self):
        return self.of("createRule", body={"kind": "github", "conditions": {"repository": "acme/tools"}, "scopes": ["admin"]})

    def too_many_rules(self):
        self.postgres.query("insert into skillreg.trust_rule select %s || n, o.id, 'github', 'i', 'a' || n, '{}', 1, 900, null, 60, now(),"
                            " 'operator' from skillreg.organisation o, generate_series(1, 1000) n where o.slug = %s",
                            (self.world.organisation.slug.replace("-", ""), self.world.organisation.slug))
        return self.of("createRule", body={"kind": "github", "conditions": {"repository": "acme/tools"}})

    def no_rule(self):
        return self.of("showRule")

    def last_admin(self):
        self.world.target = self.gateway.request("GET", "/api/v1/auth/whoami", self.world.organisation.admin).json()["user"]["id"]
        return self.of("revokeToken")

    def body_too_large(self):
        return self.of("createToken", body={"name": "x" * 20000})

    def target_too_long(self):
        return self.of("listTokens", query="x" * 9000)

    def unsupported_media_type(self):
        operation = OPERATIONS["createToken"]
        return operation, self.gateway.request("POST", self.world.path_of(operation), self.world.organisation.admin, body=b"{}")

    def expectation_failed(self):
        return self.raw("whoami", b"GET /api/v1/auth/whoami HTTP/1.1\r\nHost: a\r\nExpect: something\r\n\r\n")

    def validation_failed(self):
        return self.of("createToken", body={})

    def rate_limited(self):
        own = self.start_gateway("--rate-limit", "1/h")
        self.of("whoami", own)
        return self.of("whoami", own)

    def too_many_failed_tokens(self):
        own = self.start_gateway("--failed-token-limit", "1")
        self.of("whoami", own, token=token_syntax.make())
        return self.of("whoami", own, token=token_syntax.make())

    def headers_too_large(self):
        return self.of("whoami", fields=[("X-A", "b")] * 100)

    def not_implemented(self):
        return self.raw("whoami", b"BREW /api/v1/auth/whoami HTTP/1.1\r\nHost: a\r\n\r\n")

    def unavailable(self):
        own = self.start_gateway(database_url="postgresql://x@/x?host=/nonexistent-directory", ready=False)
        return self.of("whoami", own)

    def http_version(self):
        return self.raw("whoami", b"GET /api/v1/auth/whoami HTTP/2.0\r\nHost: a\r\n\r\n")


REFUSALS = [(response, name) for response, described in COMPONENTS["responses"].items()
            for content in described["content"].values() for name in content.get("examples", {})]


@pytest.mark.parametrize("response,name", REFUSALS, ids=[name for _, name in REFUSALS])
def test_an_example_of_an_error_is_what_the_gateway_answers(response, name, gateway, new_org, start_gateway, postgres, request):
    described = COMPONENTS["responses"][response]
    example = described["content"]["application/json"]["examples"][name]["value"]
    provocation = Provocation(gateway, new_org, start_gateway, postgres, request)
    operation, answer = getattr(provocation, name)()
    if isinstance(operation, dict):  # of no operation
        validate(operation["content"]["application/json"]["schema"], answer.json())
        assert {field: answer.get(field) is not None for field in operation["headers"]} == dict.fromkeys(operation["headers"], True)
    else:
        assert answer.status in operation.responses and answer.error_code in codes_of(operation.responses[answer.status])
        assert_answer(operation, answer)
        if operation.raw["responses"][str(answer.status)] != {"$ref": f"#/components/responses/{response}"}:
            validate(described["content"]["application/json"]["schema"], answer.json())
    assert alike(answer.json(), provocation.world.organisation.slug) == alike(example, "acme")


def test_every_code_of_the_document_has_an_example():
    shown = {DOCUMENT["components"]["responses"][response]["content"]["application/json"]["examples"][name]["value"]["error"]["code"]
             for response, name in REFUSALS}
    assert shown == {code for described in COMPONENTS["responses"].values() for code in codes_of(described)}
    assert {name for name in vars(Provocation) if not name.startswith("_")} - {"of", "raw", "original", "create_again", "age_keys"} \
        == {name for _, name in REFUSALS}


def test_mixins_are_known():
    """Otherwise every schema is closed by itself, and an answer with parts of two is never right."""
    assert "#/components/schemas/TokenMembers" in MIXINS and "#/components/schemas/TokenList" not in MIXINS

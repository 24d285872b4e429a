# SPDX-License-Identifier: MIT
"""The secret of a token is in no place but the one answer that made it: not in the database, the log, another answer, the
arguments or the environment of a process."""
import base64
import hashlib

import pytest

from harness import token_syntax
from harness.gateway import Gateway


@pytest.fixture(scope="module")
def organisation(new_org):
    return new_org("read", "admin")


def forms_of(secret):
    """The secret as something careless might write it down. The prefix alone is no secret."""
    body = secret[8:]
    decoded = base64.urlsafe_b64decode(body)
    return {"whole": secret, "without its prefix": body, "its tail": secret[12:], "half": secret[20:40],
            "decoded, in hex": decoded.hex(), "random part, in hex": decoded[:32].hex(),
            "encoded once more": base64.b64encode(secret.encode()).decode().rstrip("="),
            "in hex": secret.encode().hex()}


def assert_absent(secret, text, where):
    for form, value in forms_of(secret).items():
        assert value.lower() not in text.lower(), f"the secret ({form}) is in {where}"


@pytest.fixture(scope="module")
def exercised(organisation, operator, start_module_gateway):
    """A gateway that logs all it can, after every kind of use of three secrets."""
    own = start_module_gateway("--log-level", "debug")
    created = own.request("POST", f"/api/v1/orgs/{organisation.slug}/tokens", organisation.admin,
                          json_body={"name": "created"}).json()
    imported = token_syntax.make("sr_live_")
    operator.import_token(organisation.slug, "imported", "read", imported)
    unknown = token_syntax.make()
    secrets = [created["token"], imported, organisation.admin, organisation.read, unknown]
    answers = []
    for secret in secrets:
        for target in ("/api/v1/auth/whoami", f"/api/v1/orgs/{organisation.slug}/skills", "/api/v1/orgs/globex/skills",
                       f"/api/v1/orgs/{organisation.slug}/tokens", "/api/v1/nowhere"):
            answers.append(own.request("GET", target, secret))
        # In places where it does not belong, and in requests that are refused.
        answers.append(own.request("GET", f"/api/v1/auth/whoami?access_token={secret}"))
        answers.append(own.request("GET", f"/api/v1/nowhere?token={secret}&x=1"))
        answers.append(own.request("GET", f"/api/v1/orgs/{organisation.slug}/skills?token={secret}", organisation.read))
        answers.append(own.request("GET", "/api/v1/auth/whoami", fields=[("Authorization", f"Basic {secret}")]))
        answers.append(own.request("GET", "/api/v1/auth/whoami", fields=[("Authorization", f"Bearer {secret}!")]))
        answers.append(own.request("DELETE", f"/api/v1/orgs/{organisation.slug}/tokens/{secret}", organisation.admin))
        for broken in (f"GET /api/v1/auth/whoami HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {secret}\0\r\n\r\n",
                       f"GET /api/v1/auth/whoami HTTP/1.1\r\nAuthorization: Bearer {secret}\r\n\r\n",
                       f"GET /api/v1/auth/whoami?t={secret} HTTP/3.7\r\n\r\n", f"{secret}\r\n\r\n",
                       f"GET /api/v1/{secret}\x01 HTTP/1.1\r\n\r\n"):
            with own.connect() as connection:
                connection.send(broken.encode())
                answers.append(connection.read_response())
    own.request("DELETE", f"/api/v1/orgs/{organisation.slug}/tokens/{created['id']}", organisation.admin)
    answers.append(own.request("GET", "/api/v1/auth/whoami", created["token"]))
    return own, secrets, answers


@pytest.fixture(scope="module")
def start_module_gateway(operator, postgres, workdir, _session_upstream):
    started = []

    def start(*flags):
        started.append(Gateway(workdir, f"secrets-{len(started)}", database_url=postgres.url,
                               upstream=_session_upstream.url, flags=flags).wait_until_ready())
        return started[-1]

    yield start
    for own in started:
        own.stop()


def test_database_holds_no_secret(exercised, postgres):
    _, secrets, _ = exercised
    dump = postgres.dump()
    assert "api_token" in dump, "the dump holds the table"
    for secret in secrets:
        assert_absent(secret, dump, "the database")


def test_database_holds_the_digest_and_the_prefix(exercised, postgres):
    """So that the search above looks where tokens are kept."""
    dump = postgres.dump()
    for secret in exercised[1][:4]:
        assert hashlib.sha256(secret.encode()).hexdigest() in dump
        assert secret[:12] in dump


def test_log_holds_no_secret(exercised):
    own, secrets, _ = exercised
    log = own.log()
    assert "listening" in log
    for secret in secrets:
        assert_absent(secret, log, "the log")


def test_log_holds_no_database_password(exercised, postgres):
    assert postgres.password not in exercised[0].log()


def test_no_later_answer_holds_a_secret(exercised):
    _, secrets, answers = exercised
    for answer in answers:
        # The registry stub answers with the target that it was asked for.
        if answer.get("x-stub-registry"):
            continue
        for secret in secrets:
            assert_absent(secret, (answer.raw_head + answer.body).decode("latin-1"), "an answer")


def test_metrics_hold_no_secret(exercised):
    own, secrets, _ = exercised
    text = own.admin_get("/metrics").body.decode()
    for secret in secrets:
        assert secret[:12] not in text


def test_registry_gets_no_secret(exercised, _session_upstream):
    _, secrets, _ = exercised
    seen = [request for request in _session_upstream.requests if "token=" not in request.target]
    for request in seen:
        for secret in secrets:
            assert_absent(secret, request.raw_head.decode("latin-1"), "a forwarded request")


def test_operator_shows_the_secret_once_and_on_stdout_only(operator, new_org):
    organisation = new_org("read")
    done = operator.run("token", "create", "--org", organisation.slug, "--name", "shown", "--scopes", "read")
    assert done.returncode == 0
    assert done.stdout.count("sr_live_") >= 1
    assert "sr_live_" not in done.stderr


def test_operator_import_shows_no_secret(operator, new_org):
    organisation = new_org("read")
    secret = token_syntax.make()
    done = operator.run("token", "import", "--org", organisation.slug, "--name", "silent", "--scopes", "read",
                        text_in=secret + "\n")
    assert done.returncode == 0
    assert_absent(secret, done.stdout + done.stderr, "the output of import")

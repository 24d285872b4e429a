# SPDX-License-Identifier: MIT
"""POST /oauth2/introspect (RFC 7662): the truth about one's own tokens, and nothing about any other."""
import contextlib
import datetime
import urllib.parse

import pytest

from harness import token_syntax
from harness.http_client import assert_error_shape, bearer, format_request
from harness.waiting import eventually

PATH = "/oauth2/introspect"
FORM = [("Content-Type", "application/x-www-form-urlencoded")]
INACTIVE = {"active": False}


@pytest.fixture(scope="module")
def organisation(new_org):
    return new_org("read", "write", "admin")


def introspect(gateway, caller, secret, **more):
    body = urllib.parse.urlencode({"token": secret, **more}).encode()
    return gateway.request("POST", PATH, caller, body=body, fields=FORM)


def create(gateway, organisation, **body):
    response = gateway.request("POST", f"/api/v1/orgs/{organisation.slug}/tokens", organisation.admin,
                               json_body={"name": "asked about", **body})
    assert response.status == 201, response.body
    return response.json()


def assert_inactive(response):
    assert (response.status, response.json()) == (200, INACTIVE)
    assert response.get("cache-control") == "no-store"


# ---- live -----------------------------------------------------------------------------------------------------------

def test_a_live_token_of_the_own_organisation(gateway, organisation):
    token = create(gateway, organisation)
    response = introspect(gateway, organisation.admin, token["token"], token_type_hint="refresh_token")
    created = datetime.datetime.fromisoformat(token["createdAt"].replace("Z", "+00:00"))
    assert response.status == 200 and response.get("content-type") == "application/json"
    assert response.get("cache-control") == "no-store"
    assert response.json() == {"active": True, "scope": "read write", "client_id": token["id"], "username": "asked about",
                               "token_type": "Bearer", "iat": int(created.timestamp()), "sub": token["id"],
                               "org": organisation.slug}


def test_expiry_is_told_in_seconds(gateway, organisation):
    token = create(gateway, organisation, expiresAt="2199-12-31T23:59:59.999Z", scopes=["admin"])
    answer = introspect(gateway, organisation.admin, token["token"]).json()
    assert (answer["exp"], answer["scope"]) == (7258118399, "admin")


def test_who_asks_is_told_where_a_token_may_be_used_from(gateway, organisation):
    """The gateway does not see from where the one who asks got it."""
    token = create(gateway, organisation, allowedIps=["192.0.2.0/24", "2001:db8::1"])
    assert introspect(gateway, organisation.admin, token["token"]).json()["allowed_ips"] == ["192.0.2.0/24", "2001:db8::1"]


def test_the_longest_answer_has_room(gateway, organisation):
    ranges = [f"2001:db8:ffff:ffff:ffff:ffff:ffff:ff{number:02x}/128" for number in range(0x10, 0x30)]
    token = create(gateway, organisation, allowedIps=ranges, name="<" * 100, expiresAt="2199-12-31T23:59:59.999Z")
    answer = introspect(gateway, organisation.admin, token["token"]).json()
    assert (len(answer["allowed_ips"]), answer["username"]) == (32, "<" * 100)


def test_an_admin_token_may_ask_about_itself(gateway, organisation):
    assert introspect(gateway, organisation.admin, organisation.admin).json()["active"] is True


def test_an_escaped_name_is_shown_literally(gateway, organisation):
    token = create(gateway, organisation, name='"},\u00e4<script>')
    assert introspect(gateway, organisation.admin, token["token"]).json()["username"] == '"},\u00e4<script>'


# ---- everything else is inactive ------------------------------------------------------------------------------------

def test_foreign_unknown_and_malformed_tokens_are_inactive(gateway, organisation, globex):
    for secret in (globex.read, globex.admin, token_syntax.make(), token_syntax.make("sr_test_"), "", "x", "sr_live_",
                   organisation.read + "x", organisation.read[:-1], organisation.read.upper(), " " + organisation.read,
                   organisation.read + "\n", "sr_live_" + "a" * 4000, "\u00e4" * 30, "' or 1=1 --"):
        assert_inactive(introspect(gateway, organisation.admin, secret))


def test_a_revoked_token_is_inactive_at_once(gateway, organisation):
    token = create(gateway, organisation)
    assert introspect(gateway, organisation.admin, token["token"]).json()["active"] is True
    revoked = gateway.request("DELETE", f"/api/v1/orgs/{organisation.slug}/tokens/{token['id']}", organisation.admin)
    assert revoked.status == 200
    assert_inactive(introspect(gateway, organisation.admin, token["token"]))


def test_an_expired_token_is_inactive(start_gateway, wall_clock, organisation):
    gateway = start_gateway(env=wall_clock.env)
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=30)
    token = create(gateway, organisation, expiresAt=soon.isoformat(timespec="milliseconds").replace("+00:00", "Z"))
    assert introspect(gateway, organisation.admin, token["token"]).json()["active"] is True
    wall_clock.move_to(31 * 60, gateway)
    assert_inactive(introspect(gateway, organisation.admin, token["token"]))


# ---- who may ask ----------------------------------------------------------------------------------------------------

def test_only_an_admin_token_may_ask(gateway, organisation):
    for caller, status, code in ((None, 401, "missing_token"), (token_syntax.make(), 401, "invalid_token"),
                                 (organisation.read, 403, "insufficient_scope"),
                                 (organisation.write, 403, "insufficient_scope")):
        response = introspect(gateway, caller, organisation.read)
        assert (response.status, response.error_code) == (status, code)
        assert_error_shape(response)


def test_other_methods_are_405(gateway, organisation):
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        response = gateway.request(method, PATH + "?token=x", organisation.admin)
        assert (response.status, response.get("allow")) == (405, "POST")


def test_the_use_of_the_caller_counts_and_that_of_the_token_does_not(gateway, organisation):
    token = create(gateway, organisation)
    caller = create(gateway, organisation, name="caller", scopes=["admin"])
    assert introspect(gateway, caller["token"], token["token"]).json()["active"] is True
    listed = gateway.request("GET", f"/api/v1/orgs/{organisation.slug}/tokens", organisation.admin).json()["tokens"]
    used = {entry["id"]: entry["lastUsedAt"] for entry in listed}
    assert used[caller["id"]] is not None and used[token["id"]] is None


def test_what_cannot_be_known_is_503(start_gateway):
    own = start_gateway(ready=False, database_url="postgresql://nobody@/none?host=/nonexistent")
    response = introspect(own, token_syntax.make(), token_syntax.make())
    assert response.status == 503 and response.get("retry-after")


# ---- a body that is held --------------------------------------------------------------------------------------------

@contextlib.contextmanager
def held(gateway, caller, secret):
    """All but the last byte of a question, when it was decided; yields what sends that byte and reads the answer."""
    body = f"token={secret}".encode()
    with gateway.connect() as connection:
        head = format_request("POST", PATH, [*bearer(caller), *FORM, ("Content-Length", str(len(body))),
                                             ("Expect", "100-continue")])
        connection.send(head)
        assert connection.read_response("POST").status == 100, "it was decided"
        connection.send(body[:-1])

        def end():
            connection.send(body[-1:])
            return connection.read_response("POST")

        yield end


def test_a_held_question_of_a_token_that_still_may_is_answered(gateway, organisation):
    with held(gateway, organisation.admin, organisation.read) as end:
        response = end()
    assert (response.status, response.json()["active"]) == (200, True)


@pytest.mark.parametrize("flags", [(), ("--cache-entries", "0")], ids=["cached", "not-cached"])
def test_a_held_question_of_a_token_revoked_meanwhile_is_401(flags, start_gateway, organisation):
    """And so for a form that is none: who has no token any more is told nothing else."""
    gateway = start_gateway(*flags)
    for secret in (organisation.read, "&token="):
        caller = create(gateway, organisation, name="caller", scopes=["admin"])
        with held(gateway, caller["token"], secret) as end:
            path = f"/api/v1/orgs/{organisation.slug}/tokens/{caller['id']}"
            assert gateway.request("DELETE", path, organisation.admin).status == 200
            response = end()
        assert (response.status, response.error_code) == (401, "invalid_token")
        assert_error_shape(response)


def test_a_held_question_of_a_token_narrowed_meanwhile_is_403(gateway, organisation, postgres):
    caller = create(gateway, organisation, name="caller", scopes=["admin"])
    with held(gateway, caller["token"], organisation.read) as end:
        postgres.query("update skillreg.api_token set scopes = 1::smallint where id = %s", (caller["id"],))
        eventually(lambda: introspect(gateway, caller["token"], "x").status == 403, "was the change heard")
        response = end()
    assert (response.status, response.error_code) == (403, "insufficient_scope")


# ---- the form -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("body", [
    b"", b"token_type_hint=access_token", b"token=a&token=b", b"token=a&token=a", b"token=a&%74oken=b", b"token=%",
    b"token=%4", b"token=%zz", b"token=%00", b"token=a\0", b"TOKEN=a", b'{"token": "a"}', b"&&&"])
def test_a_form_without_exactly_one_token_is_400(body, gateway, organisation):
    response = gateway.request("POST", PATH, organisation.admin, body=body, fields=FORM)
    assert (response.status, response.error_code) == (400, "bad_request"), response.body
    assert_error_shape(response)


def test_an_escaped_form_is_read_as_it_is_meant(gateway, organisation):
    escaped = "".join(f"%{byte:02X}" for byte in organisation.read.encode())
    for body in (f"tok%65n={escaped}", f"&x=1&token={organisation.read}&", f"a=token%3D&token={organisation.read}"):
        response = gateway.request("POST", PATH, organisation.admin, body=body.encode(), fields=FORM)
        assert response.json()["active"] is True, body


@pytest.mark.parametrize("fields", [[], [("Content-Type", "application/json")], [("Content-Type", "text/plain")]], ids=str)
def test_another_content_type_is_415(fields, gateway, organisation):
    response = gateway.request("POST", PATH, organisation.admin, body=b"token=x", fields=fields)
    assert (response.status, response.error_code) == (415, "unsupported_media_type")


def test_a_token_in_the_query_is_not_looked_at(gateway, organisation):
    response = gateway.request("POST", f"{PATH}?token={organisation.read}", organisation.admin, body=b"", fields=FORM)
    assert response.status == 400


def test_the_longest_body_is_read_and_one_byte_more_is_413(gateway, organisation):
    token = f"&token={organisation.read}".encode()
    body = b"x=" + b"y" * (16 * 1024 - len(token) - 2) + token
    assert gateway.request("POST", PATH, organisation.admin, body=body, fields=FORM).json()["active"] is True
    response = gateway.request("POST", PATH, organisation.admin, body=b"z" + body, fields=FORM)
    assert (response.status, response.error_code) == (413, "body_too_large")


def test_a_chunked_body_is_read_piece_by_piece(gateway, organisation):
    body = f"token={organisation.read}".encode()
    with gateway.connect() as connection:
        connection.send(format_request("POST", PATH, [*bearer(organisation.admin), *FORM, ("Transfer-Encoding", "chunked")]))
        for byte in body:
            connection.send(b"1\r\n" + bytes([byte]) + b"\r\n")
        connection.send(b"0\r\n\r\n")
        assert connection.read_response("POST").json()["active"] is True
    with gateway.connect() as connection:
        connection.send(format_request("POST", PATH, [*bearer(organisation.admin), *FORM, ("Transfer-Encoding", "chunked")]))
        connection.send_ignoring_refusal((b"1000\r\n" + b"a" * 4096 + b"\r\n") * 5 + b"0\r\n\r\n")
        assert connection.read_response("POST").status == 413


def test_the_secret_asked_about_is_in_no_log(start_gateway, acme, upstream):
    own = start_gateway("--log-level", "debug", "--access-log")
    assert introspect(own, acme.admin, acme.read).json()["active"] is True
    unknown = token_syntax.make()
    assert_inactive(introspect(own, acme.admin, unknown))
    assert acme.read[12:] not in own.log() and unknown[12:] not in own.log()

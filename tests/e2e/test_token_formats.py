# SPDX-License-Identifier: MIT
"""Which credentials are looked at, and which of them are accepted: every form of secret and of the Authorization field."""
from datetime import datetime, timedelta, timezone

import pytest

from harness import token_syntax
from harness.http_client import Connection, assert_error_shape
from harness.waiting import eventually

WHOAMI = "/api/v1/auth/whoami"
BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def whoami(gateway, *authorization):
    return gateway.request("GET", WHOAMI, fields=[("Authorization", value) for value in authorization])


def assert_unauthorised(response, *codes):
    assert response.status == 401, f"{response.status} {response.body}"
    assert_error_shape(response)
    assert response.error_code in codes, response.body


# ---- secrets that live ------------------------------------------------------------------------------------------

def test_minted_secret_has_the_documented_form(acme):
    assert acme.read.startswith("sr_live_")
    assert len(acme.read) == 8 + 48
    assert set(acme.read[8:]) <= set(BASE64URL)
    assert token_syntax.checksum_is_right(acme.read)


IMPORTED = {
    "sk": "sk_" + token_syntax.own_body("sk_"),
    "sk of twenty characters": "sk_abcdefghij0123456789",
    "no checksum": "sr_live_abcdefghijklmnopqrstuvwxyz012345",
    "all of the alphabet": "sr_live_" + BASE64URL,
    "the shortest": "sr_live_" + "a1" * 10,
    "the longest": "sr_live_" + "Zz9_-" * 51,
    "longest sk": "sk_" + "q" * 255,
    "forty-eight characters with a wrong checksum": "sr_live_" + "A" * 48,
}


@pytest.mark.parametrize("name", IMPORTED)  # one of the secrets is another one each time
def test_imported_secret_is_accepted(name, gateway, operator, new_org):
    organisation, secret = new_org("read"), IMPORTED[name]
    operator.import_token(organisation.slug, name, "write", secret)
    answer = whoami(gateway, f"Bearer {secret}")
    assert answer.status == 200, answer.body
    assert answer.json()["token"]["name"] == name
    assert answer.json()["token"]["prefix"] == secret[:12]
    assert answer.json()["token"]["scopes"] == ["write"]
    assert answer.json()["org"]["slug"] == organisation.slug


@pytest.mark.parametrize("secret", [
    "sr_live_" + "a" * 19, "sr_live_" + "a" * 256, "sr_prod_" + "a" * 48, "a" * 48, "", "sr_live_" + "a" * 30 + "+",
    "sr_live_" + "a" * 30 + " b",
])
def test_import_refuses_what_the_gateway_would_refuse(secret, operator, acme):
    done = operator.run("token", "import", "--org", acme.slug, "--name", "odd", "--scopes", "read", text_in=secret + "\n")
    assert done.returncode != 0
    assert done.stderr.strip()
    assert not secret or secret not in done.stdout + done.stderr


def test_import_takes_no_secret_from_an_argument(operator, acme):
    secret = token_syntax.make()
    done = operator.run("token", "import", "--org", acme.slug, "--name", "odd", "--scopes", "read", secret)
    assert done.returncode == 2
    assert secret not in done.stdout + done.stderr


def test_import_of_the_same_secret_twice_is_refused(operator, acme, globex):
    secret = token_syntax.make()
    operator.import_token(acme.slug, "first", "read", secret)
    done = operator.run("token", "import", "--org", globex.slug, "--name", "second", "--scopes", "admin",
                        text_in=secret + "\n")
    assert done.returncode == 1


def test_many_tokens_of_one_prefix_are_told_apart(gateway, operator, new_org):
    organisation = new_org("read")
    shared = "sr_live_same"
    assert len(shared) == 12
    secrets = {f"key {n}": shared + f"{n:02d}" + "abcdefghijklmnopqrstuvwxyz" for n in range(6)}
    for name, secret in secrets.items():
        operator.import_token(organisation.slug, name, "read", secret)
    for name, secret in secrets.items():
        assert whoami(gateway, f"Bearer {secret}").json()["token"]["name"] == name
    assert_unauthorised(whoami(gateway, f"Bearer {shared}99abcdefghijklmnopqrstuvwxyz"), "invalid_token")


# ---- secrets that do not ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("change", [
    lambda s: s[:-1] + ("A" if s[-1] != "A" else "B"),  # the last character
    lambda s: s[:20] + ("A" if s[20] != "A" else "B") + s[21:],
    lambda s: s[:-1],
    lambda s: s + "A",
    lambda s: s[8:],
    lambda s: s[:12],
    lambda s: s.swapcase(),
    lambda s: s.upper(),
    lambda s: "SR_LIVE_" + s[8:],
    lambda s: "sr_test_" + s[8:],
    lambda s: "sk_" + s[8:],
    lambda s: s + "=",
    lambda s: s[:30] + "+" + s[31:],
    lambda s: s[:30] + "/" + s[31:],
    lambda s: s[:30] + "." + s[31:],
    lambda s: s[:30] + "%41" + s[33:],
    lambda s: f'"{s}"',
    lambda s: f"<{s}>",
    lambda s: s + "," + s,
    lambda s: s + " " + s,
    lambda s: s + ";",
], ids=range(21))
def test_changed_secret_is_refused(change, gateway, acme):
    assert_unauthorised(whoami(gateway, f"Bearer {change(acme.read)}"), "invalid_token")


@pytest.mark.parametrize("value", [
    "Bearer sr_live_" + "a" * 48,
    "Bearer sr_live_" + "a" * 19,
    "Bearer sr_live_" + "a" * 256,
    "Bearer sr_live_" + "a" * 8000,
    "Bearer sr_live_",
    "Bearer sr_prod_" + "a" * 48,
    "Bearer sk-" + "a" * 48,
    "Bearer ghp_" + "a" * 36,
    "Bearer " + "a" * 48,
    "Bearer a",
    "Bearer ' or 1=1 --",
    "Bearer %s%s%s%n",
    "Bearer sr_live_\u00e4" + "a" * 30,
])
def test_foreign_secret_is_refused(value, gateway):
    assert_unauthorised(whoami(gateway, value), "invalid_token")


@pytest.mark.parametrize("value", [
    "", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Basic", "Digest username=x", "Negotiate abc", "Token abc",
])
def test_field_without_a_bearer_token_is_refused(value, gateway):
    answer = whoami(gateway, value)
    assert_unauthorised(answer, "missing_token")
    assert answer.get("www-authenticate") == "Bearer"


@pytest.mark.parametrize("make", [
    lambda s: s,
    lambda s: f"Basic {s}",
    lambda s: f"Bearer{s}",
    lambda s: f"Bearer:{s}",
    lambda s: f"Bearer={s}",
    lambda s: f"Bearer,{s}",
    lambda s: f"Bearer Bearer {s}",
    lambda s: f"Token {s}",
    lambda s: f"Bearer token={s}",
    lambda s: f"Bearer {s}, Bearer {s}",
    lambda s: f"Basic abc, Bearer {s}",
    lambda s: f"Bearer {s} extra",
], ids=range(12))
def test_live_secret_in_a_wrong_field_value_is_refused(make, gateway, acme):
    assert_unauthorised(whoami(gateway, make(acme.read)), "missing_token", "invalid_token")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEARER"])
def test_scheme_is_matched_in_any_letter_case(scheme, gateway, acme):
    assert whoami(gateway, f"{scheme} {acme.read}").status == 200


@pytest.mark.parametrize("name", ["authorization", "AUTHORIZATION", "aUtHoRiZaTiOn"])
def test_field_name_is_matched_in_any_letter_case(name, gateway, acme):
    assert gateway.request("GET", WHOAMI, fields=[(name, f"Bearer {acme.read}")]).status == 200


def test_white_space_around_the_field_value_is_not_part_of_it(gateway, acme):
    assert whoami(gateway, f"  Bearer {acme.read}  ").status == 200


def test_two_authorization_fields_are_refused_whatever_they_say(gateway, acme, globex):
    for second in (f"Bearer {acme.read}", f"Bearer {globex.read}", "Basic abc", ""):
        for pair in ((f"Bearer {acme.read}", second), (second, f"Bearer {acme.read}")):
            with gateway.connect() as connection:
                response = connection.request("GET", WHOAMI, [("Authorization", value) for value in pair])
                assert response.status == 400, response
                assert_error_shape(response)


@pytest.mark.parametrize("target,fields", [
    (WHOAMI + "?access_token={}", []), (WHOAMI + "?token={}", []), (WHOAMI, [("Cookie", "token={}")]),
    (WHOAMI, [("X-Api-Key", "{}")]), (WHOAMI, [("Proxy-Authorization", "Bearer {}")]),
    (WHOAMI, [("X-Authorization", "Bearer {}")]), (WHOAMI, [("X_Authorization", "Bearer {}")]),
])
def test_token_elsewhere_is_not_looked_at(target, fields, gateway, acme):
    response = gateway.request("GET", target.format(acme.read),
                               fields=[(name, value.format(acme.read)) for name, value in fields])
    assert_unauthorised(response, "missing_token")


def test_challenge_says_why(gateway):
    """RFC 6750 section 3: without a credential the challenge carries no error, with a bad one it says invalid_token."""
    missing = gateway.request("GET", WHOAMI)
    assert missing.get("www-authenticate") == "Bearer"
    invalid = whoami(gateway, f"Bearer {token_syntax.make()}")
    assert invalid.get("www-authenticate").startswith("Bearer")
    assert 'error="invalid_token"' in invalid.get("www-authenticate")


# ---- environments ------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def secrets_of_both_environments(operator, new_org):
    organisation = new_org("read")
    secrets = {prefix: token_syntax.make(prefix) for prefix in ("sr_live_", "sr_test_", "sk_")}
    for prefix, secret in secrets.items():
        operator.import_token(organisation.slug, prefix, "read", secret)
    return secrets


@pytest.mark.parametrize("prefix,status", [("sr_live_", 200), ("sr_test_", 401), ("sk_", 200)])
def test_live_environment(prefix, status, gateway, secrets_of_both_environments):
    assert whoami(gateway, f"Bearer {secrets_of_both_environments[prefix]}").status == status


def test_test_environment(start_gateway, secrets_of_both_environments, new_org):
    """Accepts sr_test_ and sk_, and mints sr_test_."""
    own = start_gateway("--environment", "test")
    statuses = {prefix: whoami(own, f"Bearer {secret}").status
                for prefix, secret in secrets_of_both_environments.items()}
    assert statuses == {"sr_live_": 401, "sr_test_": 200, "sk_": 200}


def test_test_environment_mints_test_tokens(start_gateway, operator, new_org):
    organisation = new_org("read")
    secret = token_syntax.make("sr_test_")
    operator.import_token(organisation.slug, "first", "admin", secret)
    own = start_gateway("--environment", "test")
    created = own.request("POST", f"/api/v1/orgs/{organisation.slug}/tokens", secret, json_body={"name": "ci"})
    assert created.status == 201, created.body
    assert created.json()["token"].startswith("sr_test_")
    assert token_syntax.checksum_is_right(created.json()["token"])
    assert whoami(own, f"Bearer {created.json()['token']}").status == 200


# ---- the end of a token ------------------------------------------------------------------------------------------

def test_revoked_token_is_refused_on_the_next_request(gateway, new_org):
    organisation = new_org("admin")
    base = f"/api/v1/orgs/{organisation.slug}/tokens"
    created = gateway.request("POST", base, organisation.admin, json_body={"name": "short-lived"}).json()
    assert whoami(gateway, f"Bearer {created['token']}").status == 200
    assert gateway.request("DELETE", f"{base}/{created['id']}", organisation.admin).status == 200
    assert_unauthorised(whoami(gateway, f"Bearer {created['token']}"), "invalid_token")


def test_token_revokes_itself(gateway, new_org):
    organisation = new_org("admin")
    base = f"/api/v1/orgs/{organisation.slug}/tokens"
    own_id = whoami(gateway, f"Bearer {organisation.admin}").json()["token"]["id"]
    assert gateway.request("DELETE", f"{base}/{own_id}?last=true", organisation.admin).status == 200
    assert_unauthorised(whoami(gateway, f"Bearer {organisation.admin}"), "invalid_token")


def test_expired_token_is_refused(start_gateway, wall_clock, new_org):
    """From the very second on: a clock that is ahead brings the gateway near it."""
    gateway, organisation = start_gateway(env=wall_clock.env), new_org("admin")
    expires = datetime.now(timezone.utc) + timedelta(minutes=30)
    expires = expires.replace(microsecond=expires.microsecond // 1000 * 1000)  # as precise as the gateway keeps it
    created = gateway.request(
        "POST", f"/api/v1/orgs/{organisation.slug}/tokens", organisation.admin,
        json_body={"name": "short", "expiresAt": expires.isoformat(timespec="milliseconds").replace("+00:00", "Z")})
    assert created.status == 201, created.body
    secret, ahead = created.json()["token"], timedelta(minutes=30, seconds=-2)
    assert whoami(gateway, f"Bearer {secret}").status == 200
    wall_clock.move_to(int(ahead.total_seconds()), gateway)
    eventually(lambda: whoami(gateway, f"Bearer {secret}").status != 200, "did the token expire")
    assert datetime.now(timezone.utc) + ahead >= expires, "refused before its time"
    assert_unauthorised(whoami(gateway, f"Bearer {secret}"), "invalid_token")


def test_token_works_over_tls(gateway, acme):
    with gateway.connect_tls() as connection:
        assert connection.request("GET", WHOAMI, [("Authorization", f"Bearer {acme.read}")]).status == 200


def test_credential_of_one_connection_is_nothing_to_another(gateway, acme):
    with Connection(gateway.http) as first, Connection(gateway.http) as second:
        assert first.request("GET", WHOAMI, [("Authorization", f"Bearer {acme.read}")]).status == 200
        assert second.request("GET", WHOAMI).status == 401
        assert first.request("GET", WHOAMI).status == 401

# SPDX-License-Identifier: MIT
"""Tokens that the registry makes itself and hands over: what it may say, who may say it, and that every gateway knows at once."""
import hashlib
import os
import secrets
import signal
import threading

import psycopg2
import pytest

from harness import token_syntax
from harness.by_file import run_gateway
from harness.handing_over import ROUTE, Registry, body_of
from harness.waiting import eventually
from test_tokens_api import TIME, assert_refused, base_of

WHOAMI = "/api/v1/auth/whoami"


@pytest.fixture
def registry(tmp_path):
    return Registry(tmp_path)


@pytest.fixture
def other(new_org):
    return new_org("admin")


@pytest.fixture
def own(start_gateway, registry, organisation, other):
    """A gateway that both organisations' tokens are handed over at."""
    return start_gateway(*registry.let_in(organisation), *registry.let_in(other))


def whoami(gateway, token):
    return gateway.request("GET", WHOAMI, token)


def audit_of(gateway, organisation, query=""):
    return gateway.request("GET", f"/api/v1/orgs/{organisation.slug}/audit{query}", organisation.admin).json()["events"]


# ---- what becomes of a token ------------------------------------------------------------------------------------------

def test_a_token_that_is_handed_over_is_let_in(own, registry, organisation):
    token = token_syntax.make()
    assert whoami(own, token).status == 401
    response = registry.hand_over(own, organisation, token, description="Ada Lovelace", expiresAt="2099-01-02T03:04:05.678Z")
    assert response.status == 201, response.body
    assert response.get("cache-control") == "no-store"
    made = response.json()
    assert list(made) == ["id", "org", "name", "prefix", "scopes", "createdAt", "expiresAt", "description"]
    assert TIME.fullmatch(made["createdAt"])
    assert (made["org"], made["name"], made["prefix"]) == (organisation.slug, "ada's laptop", token[:12])
    assert (made["scopes"], made["expiresAt"], made["description"]) == (["read", "write"], "2099-01-02T03:04:05.678Z", "Ada Lovelace")
    seen = whoami(own, token)
    assert seen.status == 200 and seen.json()["token"]["id"] == made["id"]
    assert seen.json()["org"]["slug"] == organisation.slug
    assert own.request("GET", base_of(organisation), token).status == 403  # never admin
    assert token not in own.log() and registry.secrets[organisation.slug] not in own.log()


def test_it_is_listed_audited_and_revoked_as_all_others(own, registry, organisation):
    token = token_syntax.make()
    made = registry.hand_over(own, organisation, token).json()
    assert whoami(own, token).status == 200
    listed = own.request("GET", base_of(organisation), organisation.admin).json()["tokens"]
    assert made["id"] in [entry["id"] for entry in listed]
    shown = own.request("GET", f"{base_of(organisation)}/{made['id']}", organisation.admin).json()
    assert shown["createdBy"] == {"kind": "registry", "tokenId": None, "name": "registry"}
    [event] = audit_of(own, organisation, "?actor=registry")
    assert (event["action"], event["tokenId"]) == ("import", made["id"])
    assert event["actor"] == {"kind": "registry", "tokenId": None, "name": "registry"}
    assert event["address"] == "127.0.0.1"
    assert made["id"] not in [event["tokenId"] for event in audit_of(own, organisation, "?actor=operator")]
    assert own.request("DELETE", f"{base_of(organisation)}/{made['id']}?wait=5s", organisation.admin).status == 200
    assert whoami(own, token).status == 401


def test_a_gateway_that_refused_it_before_lets_it_in_at_once(own, start_gateway, registry, organisation):
    """The negative entries of both would stand for an hour."""
    flags = ("--cache-negative-ttl", "1h")
    a, b = start_gateway(*flags, *registry.flags_of(organisation)), start_gateway(*flags)
    token = token_syntax.make()
    for gateway in (a, b, a, b):
        assert whoami(gateway, token).status == 401
    assert registry.hand_over(a, organisation, token).status == 201
    assert whoami(a, token).status == 200  # not by an event, which may still be on its way
    eventually(lambda: whoami(b, token).status == 200, "does the other gateway let it in")


def test_legacy_tokens_may_be_handed_over(own, registry, organisation):
    token = token_syntax.make("sk_")
    assert registry.hand_over(own, organisation, token).status == 201
    assert whoami(own, token).status == 200


# ---- the same again ---------------------------------------------------------------------------------------------------

def test_the_same_again_changes_nothing(own, registry, organisation):
    token = token_syntax.make()
    first = registry.hand_over(own, organisation, token)
    again = registry.hand_over(own, organisation, token)
    assert (first.status, again.status) == (201, 200) and again.json() == first.json()
    assert len(audit_of(own, organisation, "?actor=registry")) == 1


@pytest.mark.parametrize("members", [{"name": "eve's laptop"}, {"scopes": ["read"]}, {"expiresAt": "2099-01-01T00:00:00Z"},
                                     {"description": "another"}], ids=lambda members: next(iter(members)))
def test_other_values_are_refused_and_stay_as_they_were(members, own, registry, organisation):
    token = token_syntax.make()
    made = registry.hand_over(own, organisation, token).json()
    assert_refused(registry.hand_over(own, organisation, token, **members), 409, "token_differs")
    assert registry.hand_over(own, organisation, token).json() == made


def test_a_token_of_another_organisation_is_not_taken_over(own, registry, organisation, other):
    token = token_syntax.make()
    assert registry.hand_over(own, other, token).status == 201
    refused = registry.hand_over(own, organisation, token)
    assert_refused(refused, 409, "token_differs")
    assert other.slug not in refused.error_message
    assert whoami(own, token).json()["org"]["slug"] == other.slug


def test_what_is_revoked_never_comes_back(own, registry, organisation, other):
    token = token_syntax.make()
    made = registry.hand_over(own, organisation, token).json()
    own.request("DELETE", f"{base_of(organisation)}/{made['id']}", organisation.admin)
    assert_refused(registry.hand_over(own, organisation, token), 409, "token_ended")
    assert_refused(registry.hand_over(own, other, token), 409, "token_differs")  # nothing of its fate
    assert whoami(own, token).status == 401


def test_what_was_pruned_never_comes_back(own, registry, organisation, postgres):
    token = token_syntax.make()
    postgres.query("insert into skillreg.pruned_token (digest, ended_at) values (%s, now())",
                   (hashlib.sha256(token.encode()).digest(),))
    assert_refused(registry.hand_over(own, organisation, token), 409, "token_ended")
    assert whoami(own, token).status == 401


def test_with_a_key_the_same_request_has_its_answer_though_the_token_was_changed(own, registry, organisation):
    token, key = token_syntax.make(), [("Idempotency-Key", "login-4711")]
    made = registry.hand_over(own, organisation, token, key).json()
    changed = own.request("PATCH", f"{base_of(organisation)}/{made['id']}", organisation.admin, json_body={"scopes": ["read"]})
    assert changed.status == 200, changed.body
    again = registry.hand_over(own, organisation, token, key)
    assert again.status == 200 and again.json() == {**made, "scopes": ["read"]}
    assert_refused(registry.hand_over(own, organisation, token), 409, "token_differs")  # without it
    assert_refused(registry.hand_over(own, organisation, token_syntax.make(), key), 422, "validation_failed", "Idempotency-Key")


def test_a_key_is_of_one_organisation(own, registry, organisation, other):
    key = [("Idempotency-Key", "login-1")]
    assert registry.hand_over(own, organisation, token_syntax.make(), key).status == 201
    assert registry.hand_over(own, other, token_syntax.make(), key).status == 201


def test_equal_hand_overs_at_once_make_one_token(own, start_gateway, registry, organisation):
    gateways = own, start_gateway(*registry.flags_of(organisation))
    for _ in range(5):
        token, answers, start = token_syntax.make(), [], threading.Barrier(6)

        def hand_over(gateway, token=token, answers=answers, start=start):
            start.wait()
            answers.append(registry.hand_over(gateway, organisation, token, [("Idempotency-Key", token[-20:])]))

        threads = [threading.Thread(target=hand_over, args=(gateways[i % 2],)) for i in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answer.status for answer in answers) == [200] * 5 + [201], [answer.body for answer in answers]
        assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(audit_of(own, organisation, "?actor=registry")) == 5


# ---- what is refused --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("members, word", [
    ({"scopes": ["admin"]}, "admin"), ({"scopes": ["read", "admin"]}, "admin"), ({"scopes": []}, "scopes"), ({"scopes": ...}, "scopes"),
    ({"prefix": "sr_test_abcd"}, "other environment"), ({"prefix": "sr_live_abc"}, "prefix"), ({"prefix": "xx_live_abcd"}, "prefix"),
    ({"prefix": ...}, "prefix"), ({"sha256": "00"}, "sha256"), ({"sha256": "g" * 64}, "sha256"), ({"sha256": ...}, "sha256"),
    ({"name": ...}, "name"), ({"name": "a\nb"}, "name"), ({"expiresAt": ...}, "expiresAt"),
    ({"expiresAt": "2001-01-01T00:00:00Z"}, "future"), ({"expiresIn": 60}, "expiresIn"), ({"token": "x"}, "token"),
    ({"org": "acme"}, "org"), ({"description": ""}, "description"),
], ids=str)
def test_a_wrong_member_is_named_and_nothing_is_made(members, word, own, registry, organisation):
    token = token_syntax.make()
    assert_refused(registry.hand_over(own, organisation, token, **members), 422, "validation_failed", word)
    assert whoami(own, token).status == 401
    assert audit_of(own, organisation, "?actor=registry") == []


def test_the_secret_itself_is_not_taken_nor_repeated(own, registry, organisation):
    token = token_syntax.make()
    refused = registry.hand_over(own, organisation, token, sha256=token)
    assert_refused(refused, 422, "validation_failed", "sha256")
    as_name = own.request("POST", ROUTE, registry.secrets[organisation.slug], json_body={**body_of(token), token: 1})
    assert_refused(as_name, 422, "validation_failed")
    assert token.encode() not in refused.body + as_name.body and token not in own.log()


def test_without_a_credential_it_is_off(gateway, registry, organisation):
    registry.let_in(organisation)
    assert_refused(registry.hand_over(gateway, organisation, token_syntax.make()), 404, "not_found", "--registry-credential")


def test_who_has_no_credential_is_refused_before_the_body(own, organisation):
    token = token_syntax.make()
    assert_refused(own.request("POST", ROUTE, json_body=body_of(token)), 401, "missing_token")
    for wrong in (organisation.admin, "x" * 43, token):
        response = own.request("POST", ROUTE, wrong, json_body=body_of(token))
        assert_refused(response, 401, "invalid_token")
        assert response.get("www-authenticate") == 'Bearer error="invalid_token"'
    assert whoami(own, token).status == 401


def test_a_credential_is_no_token(own, registry, organisation):
    assert whoami(own, registry.secrets[organisation.slug]).status == 401


def test_wrong_credentials_are_charged_and_the_right_one_is_still_let_in(start_gateway, registry, organisation):
    own = start_gateway("--failed-token-limit", "3", "--trusted-proxies", "127.0.0.1", *registry.let_in(organisation))
    address = [("X-Forwarded-For", "192.0.2.9")]
    for status in (401, 401, 401, 429, 429):
        assert registry.hand_over(own, organisation, token_syntax.make(), address, secret=secrets.token_urlsafe(32)).status == status
    assert own.request("GET", WHOAMI, token_syntax.make(), fields=address).status == 429  # one budget
    assert registry.hand_over(own, organisation, token_syntax.make(), address).status == 201


def test_a_deleted_organisation_gets_no_token(own, registry, organisation, postgres):
    postgres.query("update skillreg.organisation set deleted_at = now() where slug = %s", (organisation.slug,))
    assert_refused(registry.hand_over(own, organisation, token_syntax.make()), 404, "not_found", "organisation")


# ---- the credential ---------------------------------------------------------------------------------------------------

def hang_up(own, wanted):
    before = own.log().count(wanted)
    os.kill(own.pid, signal.SIGHUP)
    eventually(lambda: own.log().count(wanted) == before + 1, lambda: f"did the log say {wanted!r}:\n{own.log()}")


def test_sighup_takes_a_new_credential_and_a_bad_file_changes_nothing(own, registry, organisation, other):
    old = registry.secrets[organisation.slug]
    registry.let_in(organisation)
    hang_up(own, " info settings credentials of registries changed count=2")
    assert registry.hand_over(own, organisation, token_syntax.make()).status == 201
    assert registry.hand_over(own, organisation, token_syntax.make(), secret=old).status == 401
    good = registry.secrets[organisation.slug]
    for text, why in (("short", "32 to 255 characters"), ("a b" * 20, "other characters"), (token_syntax.make(), "a token"),
                      (registry.secrets[other.slug], "another organisation")):
        registry.file_of(organisation).write_text(text)
        hang_up(own, " error settings cannot use a credential of a registry, all old ones stay")
        assert why in own.log() and text not in own.log()
        assert registry.hand_over(own, organisation, token_syntax.make(), secret=good).status == 201


def test_one_organisation_may_have_two_credentials(start_gateway, registry, organisation):
    """So that one can change on every gateway without a request refused."""
    old = registry.let_in(organisation)
    second = registry.file_of(organisation).with_suffix(".next")
    second.write_text(secrets.token_urlsafe(48))
    own = start_gateway(*old, "--registry-credential", f"{organisation.slug}={second}")
    assert registry.hand_over(own, organisation, token_syntax.make()).status == 201
    assert registry.hand_over(own, organisation, token_syntax.make(), secret=second.read_text()).status == 201


@pytest.mark.parametrize("value", ["acme", "=file", "acme=", "Acme=file", "a=file"])
def test_what_names_no_organisation_and_file_is_refused_at_the_start(value, operator):
    done = run_gateway("check", "--database-url", operator.database_url, "--listen-https", "off", "--registry-credential", value)
    assert done.returncode == 2 and f"--registry-credential: {value}" in done.stderr


def test_check_says_which_files_can_be_used(operator, registry, organisation, tmp_path):
    flags = registry.let_in(organisation)
    registry.file_of(organisation).chmod(0o644)
    missing = tmp_path / "missing"
    common = ("check", "--database-url", operator.database_url, "--listen-https", "off", "--listen-http", "127.0.0.1:0", "--listen-admin", "off")
    good = run_gateway(*common, *flags)
    assert f"{organisation.slug}: {registry.file_of(organisation)} can be used" in good.stdout
    assert f"{registry.file_of(organisation)} holds a secret and can be read by everybody" in good.stdout
    bad = run_gateway(*common, *flags, "--registry-credential", f"acme={missing}")
    assert bad.returncode == 1 and f"{missing}: No such file or directory; a start ends here" in bad.stdout
    assert registry.secrets[organisation.slug] not in good.stdout + bad.stdout


def test_a_start_ends_with_a_file_that_cannot_be_used(operator, tmp_path):
    done = run_gateway("--database-url", operator.database_url, "--listen-https", "off", "--listen-http", "127.0.0.1:0",
                       "--listen-admin", "off", "--registry-credential", f"acme={tmp_path / 'missing'}")
    assert done.returncode == 1 and "cannot use --registry-credential" in done.stderr


# ---- a registry that shares the database ------------------------------------------------------------------------------

@pytest.fixture
def role(postgres):
    """Of a registry: what docs/registry-logins.md grants and no more."""
    name = "registry_" + secrets.token_hex(4)
    postgres.query(f"create role {name} login password 'x'")
    postgres.query(f"grant usage on schema skillreg to {name}")
    postgres.query(f"grant execute on function skillreg.token_hand_over to {name}")
    yield name
    postgres.query(f"drop owned by {name}; drop role {name}")


HAND_OVER = "select outcome, id from skillreg.token_hand_over(%s, %s, %s, 'ada', %s, null)"


def by_sql(postgres, role, org, token, scopes=("read",)):
    with psycopg2.connect(postgres.url) as connection, connection.cursor() as cursor:
        cursor.execute(f"set role {role}")
        cursor.execute(HAND_OVER, (org.slug, token[:12], hashlib.sha256(token.encode()).digest(), list(scopes)))
        return cursor.fetchone()


def test_a_role_of_its_own_hands_over_by_sql_and_may_do_nothing_else(gateway, postgres, role, organisation):
    token = token_syntax.make()
    assert whoami(gateway, token).status == 401
    outcome, token_id = by_sql(postgres, role, organisation, token)
    assert outcome == "made"
    eventually(lambda: whoami(gateway, token).status == 200, "is it let in")
    assert whoami(gateway, token).json()["token"]["id"] == token_id
    assert by_sql(postgres, role, organisation, token) == ("there", token_id)
    assert by_sql(postgres, role, organisation, token, ["write"])[0] == "differs"
    for forbidden in ("select * from skillreg.api_token", "delete from skillreg.api_token", "select * from skillreg.organisation"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege), psycopg2.connect(postgres.url) as connection:
            connection.cursor().execute(f"set role {role}; {forbidden}")


@pytest.mark.parametrize("scopes", [["admin"], ["read", "admin"], [], ["read", None], ["root"]], ids=str)
def test_sql_gives_no_other_scopes(scopes, postgres, role, organisation):
    with pytest.raises(psycopg2.errors.CheckViolation):
        by_sql(postgres, role, organisation, token_syntax.make(), scopes)


def test_others_may_not_call_it(postgres, organisation):
    postgres.query("create role nobody_special")
    try:
        postgres.query("grant usage on schema skillreg to nobody_special")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            by_sql(postgres, "nobody_special", organisation, token_syntax.make())
    finally:
        postgres.query("drop owned by nobody_special; drop role nobody_special")

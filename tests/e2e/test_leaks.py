# SPDX-License-Identifier: MIT
"""Leaked tokens that a GitLab reports: who may report, GitLab's answers, and that every gateway refuses what was reported."""
import secrets
import signal

import pytest

from harness import token_syntax
from harness.by_file import run_gateway
from harness.waiting import eventually

REVOKE, TYPES = "/leaks/gitlab/v1/revoke_tokens", "/leaks/gitlab/v1/revocable_token_types"
TYPE = "gitleaks_rule_id_skillreg-token"
PLACE = "https://gitlab.example.org/acme/tools/-/blob/1a2b3c/deploy.env"
WHOAMI = "/api/v1/auth/whoami"


@pytest.fixture
def secret():
    return secrets.token_urlsafe(32)


@pytest.fixture
def secret_file(tmp_path, secret):
    file = tmp_path / "gitlab-secret"
    file.write_text(secret + "\n")
    file.chmod(0o600)
    return file


@pytest.fixture
def own(start_gateway, secret_file):
    return start_gateway("--leaks-gitlab-secret-file", secret_file)


def found(token, place=PLACE, **members):
    return {"type": TYPE, "token": token, "location": place, **members}


def report(gateway, secret, *elements, authorization=None, body=None):
    fields = [("Authorization", authorization or secret)] if authorization != "" else []
    return gateway.request("POST", REVOKE, json_body=list(elements) if body is None else body, fields=fields)


def make(gateway, organisation, name="leaky"):
    made = gateway.request("POST", f"/api/v1/orgs/{organisation.slug}/tokens", organisation.admin,
                           json_body={"name": name, "scopes": ["read"]})
    assert made.status == 201, made.body
    return made.json()


def audit_of(gateway, organisation, query="?action=revoke"):
    return gateway.request("GET", f"/api/v1/orgs/{organisation.slug}/audit{query}", organisation.admin).json()["events"]


def status_of(gateway, token):
    return gateway.request("GET", WHOAMI, token).status


# ---- what becomes of tokens -------------------------------------------------------------------------------------------

def test_reported_tokens_of_any_organisation_are_revoked(own, secret, organisation, new_org):
    other = new_org("admin")
    tokens = [make(own, organisation), make(own, other)]
    assert [status_of(own, made["token"]) for made in tokens] == [200, 200]
    response = report(own, secret, *(found(made["token"]) for made in tokens), found(token_syntax.make()), found("no token"))
    assert (response.status, response.body) == (204, b"")
    assert [status_of(own, made["token"]) for made in tokens] == [401, 401]
    assert status_of(own, organisation.admin) == 200
    shown = own.request("GET", f"/api/v1/orgs/{organisation.slug}/tokens/{tokens[0]['id']}", organisation.admin).json()
    assert (shown["reason"], shown["revokedBy"]) == ("Revoked because GitLab found it in a repository.",
                                                     {"kind": "gitlab", "tokenId": None, "name": "gitlab"})
    for made in tokens:
        assert made["token"] not in own.log()
    assert secret not in own.log()


def test_the_audit_says_who_reported_and_where_it_was_found(own, secret, organisation):
    made = make(own, organisation)
    assert report(own, secret, found(made["token"])).status == 204
    [event] = audit_of(own, organisation, "?actor=gitlab")
    assert (event["action"], event["tokenId"], event["address"]) == ("revoke", made["id"], "127.0.0.1")
    assert event["actor"] == {"kind": "gitlab", "tokenId": None, "name": "gitlab"}
    assert event["leak"] == {"foundAt": PLACE}
    assert made["id"] not in [event["tokenId"] for event in audit_of(own, organisation, "?action=revoke&actor=operator")]


def test_the_same_report_again_changes_nothing(own, secret, organisation, postgres):
    made = make(own, organisation)
    for _ in range(3):
        assert report(own, secret, found(made["token"]), found(made["token"], "elsewhere")).status == 204
    assert len(audit_of(own, organisation)) == 1
    assert postgres.query(f"select count(*) from skillreg.token_event where kind = 2 and token_id = '{made['id']}'") == [(1,)]
    assert own.metric('leaked_tokens_total{outcome="revoked"}') == 1
    assert own.metric('leaked_tokens_total{outcome="ended"}') == 2
    assert own.metric('leak_reports_total{outcome="taken"}') == 3


def test_a_report_is_no_use_of_a_token(own, secret, organisation, postgres):
    made = make(own, organisation)
    assert report(own, secret, found(made["token"])).status == 204
    assert postgres.query(f"select last_used_at from skillreg.api_token where id = '{made['id']}'") == [(None,)]


def test_a_thousand_tokens_are_one_report(own, secret, organisation):
    made = make(own, organisation)
    many = [found(token_syntax.make()) for _ in range(999)]
    assert report(own, secret, *many, found(made["token"])).status == 204
    assert status_of(own, made["token"]) == 401
    assert report(own, secret, *many, *many[:2]).status == 400


def test_the_last_admin_token_goes_too(own, secret, organisation):
    assert report(own, secret, found(organisation.admin)).status == 204
    assert status_of(own, organisation.admin) == 401


def test_a_place_is_bounded_and_plain(own, secret, organisation):
    made = [make(own, organisation) for _ in range(3)]
    places = ["é" * 400, "a\u0000b", 7]
    assert report(own, secret, *(found(each["token"], place) for each, place in zip(made, places))).status == 204
    events = {event["tokenId"]: event["leak"]["foundAt"] for event in audit_of(own, organisation)}
    assert [events[each["id"]] for each in made] == ["é" * 250, None, None]


def test_every_gateway_refuses_what_one_was_told_of(start_gateway, secret, secret_file, organisation):
    flags = "--leaks-gitlab-secret-file", secret_file
    gateways = [start_gateway(*flags) for _ in range(3)]
    made = make(gateways[0], organisation)
    assert [status_of(gateway, made["token"]) for gateway in gateways] == [200] * 3
    assert report(gateways[0], secret, found(made["token"])).status == 204
    for gateway in gateways:
        eventually(lambda gateway=gateway: status_of(gateway, made["token"]) == 401, "was it refused")


# ---- who may report ---------------------------------------------------------------------------------------------------

def test_types_are_named_to_gitlab(own, secret):
    response = own.request("GET", TYPES, fields=[("Authorization", secret)])
    assert response.status == 200 and response.json() == {"types": [TYPE]}
    assert own.request("GET", TYPES, fields=[("Authorization", f"Bearer {secret}")]).status == 200
    assert own.request("GET", TYPES).error_code == "missing_token"
    assert own.request("GET", TYPES, fields=[("Authorization", secret + "x")]).error_code == "invalid_token"


def test_who_has_no_secret_is_refused_and_nothing_is_revoked(own, organisation, secret):
    made = make(own, organisation)
    for authorization in (secret[:-1], "Bearer " + secret[1:], organisation.admin, "x"):
        response = report(own, None, found(made["token"]), authorization=authorization)
        assert (response.status, response.error_code) == (401, "invalid_token")
    assert report(own, None, found(made["token"]), authorization="").error_code == "missing_token"
    assert status_of(own, made["token"]) == 200
    assert audit_of(own, organisation) == []


def test_wrong_secrets_are_charged(start_gateway, secret_file, secret):
    own = start_gateway("--leaks-gitlab-secret-file", secret_file, "--failed-token-limit", "3")
    statuses = [report(own, None, found(token_syntax.make()), authorization="wrong").status for _ in range(6)]
    assert statuses[0] == 401 and statuses[-1] == 429
    assert report(own, secret, found(token_syntax.make())).status == 204


def test_without_the_setting_there_is_nothing(gateway, secret):
    assert report(gateway, secret, found(token_syntax.make())).status == 404
    assert gateway.request("GET", TYPES, fields=[("Authorization", secret)]).status == 404


def test_the_secret_is_read_again(own, secret, secret_file):
    secret_file.write_text(secret[::-1] + "\n")
    own.process.send_signal(signal.SIGHUP)
    eventually(lambda: report(own, secret[::-1], found(token_syntax.make())).status == 204, "was the new secret taken")
    assert report(own, secret, found(token_syntax.make())).status == 401
    secret_file.write_text("short\n")
    own.process.send_signal(signal.SIGHUP)
    eventually(lambda: "the old one stays" in own.log(), "was the bad file told")
    assert report(own, secret[::-1], found(token_syntax.make())).status == 204


# ---- what is no report ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("body,where", [
    ({}, "array"), ([], "array"), ("x", "array"), ([1], "[0]"), ([{"type": TYPE}], "[0]"), ([{"token": "x", "location": "y"}], "[0]"),
    ([{"type": "gitleaks_rule_id_aws", "token": "x"}], "[0]"), ([{"type": TYPE, "token": 7}], "[0]"),
], ids=str)
def test_what_is_no_report_is_refused_whole(body, where, own, secret, organisation):
    made = make(own, organisation)
    if where == "[0]":
        body, where = [found(made["token"]), *body], "[1]"
    response = report(own, secret, body=body)
    assert (response.status, response.error_code) == (400, "invalid_json")
    assert where in response.error_message
    assert status_of(own, made["token"]) == 200


def test_a_body_that_is_too_large_is_refused(own, secret):
    assert report(own, secret, found(token_syntax.make(), "x" * (256 * 1024))).status == 413


# ---- before a start ---------------------------------------------------------------------------------------------------

def test_check_says_whether_the_file_can_be_used(operator, secret_file):
    flags = ("check", "--database-url", operator.database_url, "--listen-https", "off", "--listen-http", "127.0.0.1:0",
             "--listen-admin", "off", "--leaks-gitlab-secret-file", str(secret_file))
    assert f"GitLab: {secret_file} can be used" in run_gateway(*flags).stdout
    secret_file.write_text("short\n")
    assert "32 to 255" in run_gateway(*flags).stdout

# SPDX-License-Identifier: MIT
"""A token is changed so that it may do less, and never more; every gateway obeys, and what is under way ends."""
import datetime

import pytest

from harness.fleet import TOKENS, WHOAMI, Fleet, status_of, statuses_of


@pytest.fixture(scope="module")
def fleet(postgres, tmp_path_factory):
    own = Fleet(postgres, "token_change", tmp_path_factory.mktemp("token_change"))
    try:
        own.start(2)
        yield own
    finally:
        own.stop()


@pytest.fixture
def gateways(fleet):
    fleet.wait_until_heard(2)
    return fleet.gateways


def change(gateway, secret, token, query="", **body):
    return gateway.request("PATCH", f"{TOKENS}/{token['id']}{query}", secret, json_body=body)


def listed(fleet, gateway, token):
    return next(one for one in gateway.request("GET", TOKENS, fleet.admin).json()["tokens"] if one["id"] == token["id"])


def events_of(fleet, token):
    return [kind for kind, in fleet.query("select kind from skillreg.token_event where token_id = %s order by seq", (token["id"],))]


def audit_of(fleet, token):
    return fleet.query("select action, detail, actor_name, host(address) from skillreg.token_audit where token_id = %s order by id",
                       (token["id"],))


def in_days(days):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)).strftime("%Y-%m-%dT00:00:00.000Z")


def test_what_is_said_of_it_is_changed(fleet, gateways):
    token = fleet.create_token(gateways[0])
    answer = change(gateways[0], fleet.admin, token, name="deploy", description="of the shop")
    assert answer.status == 200, answer.body
    expected = {key: value for key, value in token.items() if key != "token"} | {"name": "deploy", "description": "of the shop"}
    assert answer.json() == expected
    assert listed(fleet, gateways[1], token) == expected
    assert change(gateways[0], fleet.admin, token, description=None).json()["description"] is None
    assert audit_of(fleet, token)[1:] == [("change", "name, description", "boss", "127.0.0.1"),
                                          ("change", "description", "boss", "127.0.0.1")]
    events = gateways[0].request("GET", f"/api/v1/orgs/acme/audit?token={token['id']}&after=0", fleet.admin).json()["events"]
    assert [(event["action"], event.get("changed")) for event in events] == [
        ("create", None), ("change", ["name", "description"]), ("change", ["description"])]


def test_fewer_rights_hold_here_at_once_and_everywhere_when_that_was_waited_for(fleet, gateways):
    token = fleet.create_token(gateways[0], scopes=["admin"])
    lists = lambda: [own.request("GET", TOKENS, token["token"]).status for own in gateways]
    assert lists() == [200, 200]
    answer = change(gateways[0], fleet.admin, token, "?wait=30s", scopes=["read"])
    assert answer.status == 200 and answer.json()["gateways"] == 2, answer.body
    assert lists() == [403, 403]
    assert statuses_of(gateways, token["token"]) == [200, 200]


def test_here_it_holds_without_waiting(fleet, gateways):
    for _ in range(5):
        token = fleet.create_token(gateways[0], scopes=["admin"])
        assert gateways[0].request("GET", TOKENS, token["token"]).status == 200
        assert change(gateways[0], fleet.admin, token, scopes=["write"]).status == 200
        assert gateways[0].request("GET", TOKENS, token["token"]).status == 403


def test_a_shorter_end_and_fewer_addresses_hold_everywhere(fleet, gateways):
    token = fleet.create_token(gateways[0], allowedIps=["127.0.0.0/8", "10.0.0.0/8"], expiresAt=in_days(300))
    assert statuses_of(gateways, token["token"]) == [200, 200]
    answer = change(gateways[0], fleet.admin, token, "?wait=30s", allowedIps=["10.1.0.0/16"], expiresAt=in_days(5))
    assert answer.status == 200, answer.body
    assert (answer.json()["allowedIps"], answer.json()["expiresAt"]) == (["10.1.0.0/16"], in_days(5))
    assert statuses_of(gateways, token["token"]) == [403, 403]


def test_an_end_that_comes_soon_ends_it_everywhere(fleet, gateways):
    token = fleet.create_token(gateways[0])
    assert change(gateways[0], fleet.admin, token, "?wait=30s", expiresIn=1).status == 200
    fleet.query("select pg_sleep(1.1)")
    assert statuses_of(gateways, token["token"]) == [401, 401]


@pytest.mark.parametrize("body, kind", [({"name": "other"}, [3]), ({"scopes": ["read"]}, [3]), ({"expiresIn": 3600}, [3]),
                                        ({"allowedIps": ["127.0.0.1"]}, [3]), ({"description": "words"}, [])],
                         ids=["name", "scopes", "end", "addresses", "description"])
def test_older_gateways_are_told_by_the_event_that_they_know(fleet, gateways, body, kind):
    """Kind 3 makes any gateway since the first log drop its entry. No decision depends on the description."""
    token = fleet.create_token(gateways[0])
    assert change(gateways[0], fleet.admin, token, **body).status == 200
    assert events_of(fleet, token) == [1, *kind]


WIDER = {
    "scopes": ({"scopes": ["write"]}, {"scopes": ["admin"]}, "read, write"),
    "scopes-of-read": ({"scopes": ["read"]}, {"scopes": ["read", "write"]}, "read."),
    "end": ({"expiresAt": in_days(5)}, {"expiresAt": in_days(6)}, in_days(5)),
    "length": ({"expiresAt": in_days(5)}, {"expiresIn": 864000}, in_days(5)),
    "addresses": ({"allowedIps": ["10.0.0.0/8", "192.0.2.7"]}, {"allowedIps": ["10.1.0.0/16", "192.0.2.8"]}, "10.0.0.0/8, 192.0.2.7"),
    "a-range-around": ({"allowedIps": ["10.0.0.0/8"]}, {"allowedIps": ["8.0.0.0/6"]}, "10.0.0.0/8"),
    "anywhere": ({"allowedIps": ["10.0.0.0/8"]}, {"allowedIps": []}, "10.0.0.0/8"),
    "anywhere-null": ({"allowedIps": ["10.0.0.0/8"]}, {"allowedIps": None}, "10.0.0.0/8"),
}


@pytest.mark.parametrize("case", WIDER)
def test_nothing_becomes_wider(fleet, gateways, case):
    made, body, there = WIDER[case]
    token = fleet.create_token(gateways[0], **made)
    answer = change(gateways[0], fleet.admin, token, name="renamed", **body)
    assert (answer.status, answer.error_code) == (422, "validation_failed"), answer.body
    member = "expiresAt" if "expiresIn" in body else next(iter(body))
    assert member in answer.error_message and (there in answer.error_message or case == "scopes")
    assert listed(fleet, gateways[0], token)["name"] == "ci-deploy", "nothing was changed"
    assert events_of(fleet, token) == [1] and len(audit_of(fleet, token)) == 1


@pytest.mark.parametrize("scopes, narrower", [(["admin"], ["read", "write"]), (["admin"], ["admin"]), (["write"], ["read"]),
                                              (["read", "write"], ["write"])],
                         ids=["admin-to-write", "admin-stays", "write-to-read", "write-alone"])
def test_scopes_are_compared_by_what_they_permit(fleet, gateways, scopes, narrower):
    token = fleet.create_token(gateways[0], scopes=scopes)
    assert change(gateways[0], fleet.admin, token, scopes=narrower).json()["scopes"] == narrower


@pytest.mark.parametrize("body, word", [({}, "nothing to change"), ({"scope": ["read"]}, "scope is no member"),
                                        ({"expiresAt": None}, "expiresAt"), ({"expiresAt": "2020-01-01T00:00:00Z"}, "expiresAt"),
                                        ({"expiresAt": in_days(3), "expiresIn": 5}, "expiresIn"), ({"scopes": []}, "scopes"),
                                        ({"name": ""}, "name"), ({"name": None}, "name"), ({"description": "\u0001"}, "description"),
                                        ({"allowedIps": "10.0.0.1"}, "allowedIps")],
                         ids=["empty", "misspelt", "never", "past", "two-ends", "no-scopes", "no-name", "null-name", "control", "text"])
def test_what_is_no_change_is_refused_by_name(fleet, gateways, body, word):
    token = fleet.create_token(gateways[0])
    answer = change(gateways[0], fleet.admin, token, **body)
    assert answer.status == 422 and word in answer.error_message, answer.body


def test_a_change_that_changes_nothing_can_be_sent_again(fleet, gateways):
    token = fleet.create_token(gateways[0])
    for _ in range(2):
        assert change(gateways[0], fleet.admin, token, name="again", scopes=["read"]).status == 200
    assert events_of(fleet, token) == [1, 3] and len(audit_of(fleet, token)) == 2


def test_what_is_not_live_here_is_not_found(fleet, gateways):
    token = fleet.create_token(gateways[0])
    fleet.revoke(gateways[0], token)
    assert change(gateways[0], fleet.admin, token, name="x").status == 404
    assert change(gateways[0], fleet.admin, {"id": "unknown"}, name="x").status == 404
    assert change(gateways[0], token["token"], token, name="x").status == 401


@pytest.mark.parametrize("body", [{"scopes": ["write"]}, {"expiresIn": 3600}], ids=["scopes", "end"])
def test_the_last_admin_token_stays_what_it_is_unless_that_is_asked_for(fleet, gateways, body):
    others = [id for id, in fleet.query("select id from skillreg.api_token where scopes >= 4 and revoked_at is null")]
    lone = fleet.create_token(gateways[0], scopes=["admin"])
    fleet.query("update skillreg.api_token set scopes = 3 where id = any(%s)", (others,))
    try:
        answer = change(gateways[0], lone["token"], lone, **body)
        assert (answer.status, answer.error_code) == (409, "last_admin"), answer.body
        assert change(gateways[0], lone["token"], lone, name="chief").status == 200
        assert change(gateways[0], lone["token"], lone, "?last=true", **body).status == 200
    finally:
        fleet.query("update skillreg.api_token set scopes = 4 where id = any(%s)", (others,))

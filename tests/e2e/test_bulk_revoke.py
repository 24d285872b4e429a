# SPDX-License-Identifier: MIT
"""Up to a thousand tokens are revoked in one transaction, with one wait over all of them."""
import pytest

from harness.fleet import TOKENS, Fleet, status_of, statuses_of


@pytest.fixture(scope="module")
def fleet(postgres, tmp_path_factory):
    own = Fleet(postgres, "bulk_revoke", tmp_path_factory.mktemp("bulk_revoke"))
    try:
        own.start(2)
        yield own
    finally:
        own.stop()


@pytest.fixture
def gateways(fleet):
    fleet.wait_until_heard(2)
    return fleet.gateways


def revoke(gateway, secret, ids, query=""):
    return gateway.request("POST", f"{TOKENS}/revoke{query}", secret, json_body={"ids": ids})


def insert(fleet, name, count):
    """Tokens without a secret that anybody has; their ids."""
    ids = [f"{name}{i:0{24 - len(name)}d}" for i in range(count)]
    fleet.query("insert into skillreg.api_token (id, org_id, name, prefix, digest, scopes, created_by)"
                " select i, o.id, 'ci-deploy', 'sr_live_a1b2', sha256(i::bytea), 1, 'operator'"
                " from unnest(%s) i, skillreg.organisation o where o.slug = 'acme'", (ids,))
    return ids


def test_all_are_refused_everywhere_when_that_was_waited_for(fleet, gateways):
    tokens = [fleet.create_token(gateways[0]) for _ in range(3)]
    assert all(statuses_of(gateways, token["token"]) == [200, 200] for token in tokens)
    answer = revoke(gateways[0], fleet.admin, [token["id"] for token in tokens], "?wait=30s")
    assert answer.status == 200, answer.body
    document = answer.json()
    assert list(document) == ["revoked", "notFound", "ownRevoked", "gateways"]
    assert [(one["id"], one["name"]) for one in document["revoked"]] == [(token["id"], "ci-deploy") for token in tokens]
    assert len({one["revokedAt"] for one in document["revoked"]}) == 1
    assert (document["notFound"], document["ownRevoked"], document["gateways"]) == ([], False, 2)
    assert [statuses_of(gateways, token["token"]) for token in tokens] == [[401, 401]] * 3


def test_what_was_not_there_is_named(fleet, gateways):
    token = fleet.create_token(gateways[0])
    gone = fleet.create_token(gateways[0])
    fleet.revoke(gateways[0], gone)
    document = revoke(gateways[0], fleet.admin, ["unknown", token["id"], gone["id"]]).json()
    assert [one["id"] for one in document["revoked"]] == [token["id"]]
    assert document["notFound"] == ["unknown", gone["id"]]
    again = revoke(gateways[0], fleet.admin, [token["id"]])
    assert again.status == 200 and again.json() == {"revoked": [], "notFound": [token["id"]], "ownRevoked": False}


def test_a_foreign_token_is_not_found(fleet, gateways):
    fleet.operator.create_org("foreign")
    foreign = fleet.operator.create_token("foreign", "theirs", "read")
    assert revoke(gateways[0], fleet.admin, [foreign["id"]]).json()["notFound"] == [foreign["id"]]
    assert status_of(gateways[0], foreign["token"]) == 200


def test_a_thousand_are_logged_and_audited_each(fleet, gateways):
    ids = insert(fleet, "many", 1000)
    answer = revoke(gateways[0], fleet.admin, ids, "?wait=30s")
    assert answer.status == 200 and len(answer.json()["revoked"]) == 1000, answer.body[:200]
    assert fleet.query("select count(*), count(distinct seq), max(seq) - min(seq) from skillreg.token_event"
                       " where kind = 2 and token_id = any(%s)", (ids,)) == [(1000, 1000, 999)]
    assert fleet.query("select count(*), min(actor_name), max(host(address)) from skillreg.token_audit where action = 'revoke'"
                       " and token_id = any(%s)", (ids,)) == [(1000, "boss", "127.0.0.1")]


def test_the_token_that_asks_may_be_among_them(fleet, gateways):
    own = fleet.create_token(gateways[0], scopes=["admin"])
    other = fleet.create_token(gateways[0])
    answer = revoke(gateways[0], own["token"], [other["id"], own["id"]])
    assert answer.status == 200 and answer.json()["ownRevoked"] is True, answer.body
    assert status_of(gateways[0], own["token"]) == 401


def test_the_last_admin_tokens_stay_unless_that_is_asked_for(fleet, gateways):
    others = [id for id, in fleet.query("select id from skillreg.api_token where scopes >= 4 and revoked_at is null")]
    pair = [fleet.create_token(gateways[0], scopes=["admin"]) for _ in range(2)]
    writer = fleet.create_token(gateways[0])
    fleet.query("update skillreg.api_token set scopes = 3 where id = any(%s)", (others,))
    ids = [token["id"] for token in [writer, *pair]]
    try:
        answer = revoke(gateways[0], pair[0]["token"], ids)
        assert (answer.status, answer.error_code) == (409, "last_admin"), answer.body
        assert status_of(gateways[0], writer["token"]) == 200, "all or none"
        assert len(revoke(gateways[0], pair[0]["token"], ids, "?last=true").json()["revoked"]) == 3
    finally:
        fleet.query("update skillreg.api_token set scopes = 4 where id = any(%s)", (others,))


@pytest.mark.parametrize("body, word", [({}, "ids must be"), ({"ids": []}, "1 to 1000"), ({"ids": ["a"] * 1001}, "1 to 1000"),
                                        ({"ids": "a"}, "ids must be"), ({"ids": ["a", "B"]}, "ids[1]"), ({"ids": ["a", 7]}, "ids[1]"),
                                        ({"ids": ["a", "b", "a"]}, "twice"), ({"ids": ["a"], "wait": 5}, "wait is no member")],
                         ids=["none", "empty", "too-many", "text", "capital", "number", "twice", "misspelt"])
def test_what_is_no_list_of_ids_is_refused_by_name(fleet, gateways, body, word):
    answer = gateways[0].request("POST", f"{TOKENS}/revoke", fleet.admin, json_body=body)
    assert answer.status in (400, 422) and (word in answer.error_message or answer.status == 400), answer.body


def test_the_body_has_room_for_a_thousand_of_the_longest_ids(fleet, gateways):
    ids = [f"{i:032d}" for i in range(1000)]
    assert revoke(gateways[0], fleet.admin, ids).json()["notFound"] == ids
    assert revoke(gateways[0], fleet.admin, ids + ["x" * 10000]).status == 413


def test_a_writer_may_not(fleet, gateways):
    writer = fleet.create_token(gateways[0])
    assert revoke(gateways[0], writer["token"], [writer["id"]]).status == 403

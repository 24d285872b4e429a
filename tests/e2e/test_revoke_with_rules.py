# SPDX-License-Identifier: MIT
"""A token that made rules of trust is revoked: they go on and are named, or end with it, and what they gave ends on every gateway."""
import threading

import pytest

from harness import token_syntax
from harness.fleet import Fleet, statuses_of
from harness.trusting import issuer_flags
from harness.waiting import eventually

API = "/api/v1/orgs/acme"


@pytest.fixture(scope="module")
def fleet(postgres, tmp_path_factory):
    directory = tmp_path_factory.mktemp("revoke-rules")
    own = Fleet(postgres, "revoke_rules", directory)
    try:
        own.start(2, *issuer_flags(directory))
        yield own
    finally:
        own.stop()


@pytest.fixture
def gateways(fleet):
    fleet.wait_until_heard(2)
    return fleet.gateways


@pytest.fixture
def maker(gateways, fleet):
    """An admin token that makes rules."""
    answer = gateways[0].request("POST", f"{API}/tokens", fleet.admin, json_body={"name": "maker", "scopes": ["admin"]})
    assert answer.status == 201, answer.body
    return answer.json()


def rule_of(gateway, maker, repository="acme/tools"):
    answer = gateway.request("POST", f"{API}/trust", maker["token"],
                             json_body={"kind": "github", "conditions": {"repository": [repository], "ref": [maker["id"]]}})
    assert answer.status == 201, answer.body
    return answer.json()


def mint(fleet, rule):
    secret = token_syntax.make()
    outcome = fleet.query(
        "select outcome from skillreg.exchange_mint(array[row(%s, %s, 'acme/tools publish.yml 17', %s, sha256(%s), 1, 600, sha256(%s),"
        " now() + interval '5 min', 0, null, null, null, '{}', null)::skillreg.exchange_row])",
        (rule["id"], "clm" + secret[-20:].lower().replace("-", "0").replace("_", "0"), secret[:12], secret.encode(), secret.encode()))
    return secret, outcome[0][0]


def revoke(gateway, fleet, token, query=""):
    return gateway.request("DELETE", f"{API}/tokens/{token['id']}{query}", fleet.admin)


def audited(fleet, rule):
    return [row[0] for row in fleet.query("select action from skillreg.token_audit where token_id = %s order by id", (rule["id"],))]


def test_rules_go_on_and_are_named(fleet, gateways, maker):
    rule = rule_of(gateways[0], maker)
    secret, _ = mint(fleet, rule)
    answer = revoke(gateways[0], fleet, maker)
    assert answer.status == 200, answer.body
    assert answer.json()["rules"] == [{"id": rule["id"], "name": "github repository=acme/tools", "removedAt": None}]
    assert "tokensRevoked" not in answer.json()
    assert statuses_of(gateways, secret) == [200, 200] and mint(fleet, rule)[1] == "made"


def test_a_token_that_made_none_says_nothing_of_rules(fleet, gateways, maker):
    assert "rules" not in revoke(gateways[0], fleet, maker).json()


def test_with_its_rules_everything_ends_everywhere(fleet, gateways, maker):
    rules = [rule_of(gateways[0], maker, f"acme/{name}") for name in ("one", "two")]
    secrets = [mint(fleet, rule)[0] for rule in rules]
    for secret in secrets:
        assert statuses_of(gateways, secret) == [200, 200]
    answer = revoke(gateways[0], fleet, maker, "?rules=true&wait=30s")
    assert answer.status == 200, answer.body
    told = answer.json()
    assert ([rule["id"] for rule in told["rules"]], told["tokensRevoked"], told["gateways"]) == ([rule["id"] for rule in rules], 2, 2)
    assert all(rule["removedAt"] == told["revokedAt"] for rule in told["rules"])
    for secret in (*secrets, maker["token"]):
        assert statuses_of(gateways, secret) == [401, 401]
    assert [mint(fleet, rule)[1] for rule in rules] == ["rule_gone", "rule_gone"]
    assert [audited(fleet, rule) for rule in rules] == [["trust", "untrust"]] * 2


def test_a_thief_finds_its_own_token_and_rules_gone(fleet, gateways, maker):
    """By the token itself, which cannot be asked anything more: what is left of its rules ends all the same."""
    rule = rule_of(gateways[0], maker)
    fleet.query("insert into skillreg.api_token (id, org_id, name, prefix, digest, scopes, created_by, expires_at, is_minted)"
                " select left(r.id, 24) || n, r.org_id, 'run', 'sr_live_a1b2', sha256((r.id || n)::bytea), 1, r.id,"
                " now() + interval '10 minutes', true from skillreg.trust_rule r, generate_series(1, 2001) n where r.id = %s", (rule["id"],))
    answer = gateways[0].request("DELETE", "/api/v1/auth/token?rules=true", maker["token"])
    assert answer.status == 200 and answer.json()["tokensRevoked"] == 2001, answer.body
    live, = fleet.query("select count(*) from skillreg.api_token where created_by = %s and revoked_at is null", (rule["id"],))
    assert live == (0,)


def test_many_at_once_with_their_rules(fleet, gateways, maker):
    rule = rule_of(gateways[0], maker)
    secret, _ = mint(fleet, rule)
    answer = gateways[1].request("POST", f"{API}/tokens/revoke?rules=true&wait=30s", fleet.admin, json_body={"ids": [maker["id"], "clnone"]})
    told = answer.json()
    assert answer.status == 200 and told["notFound"] == ["clnone"], answer.body
    assert ([gone["id"] for gone in told["rules"]], told["tokensRevoked"]) == ([rule["id"]], 1)
    assert statuses_of(gateways, secret) == [401, 401]


def test_many_at_once_without_are_named(fleet, gateways, maker):
    rule = rule_of(gateways[0], maker)
    told = gateways[1].request("POST", f"{API}/tokens/revoke", fleet.admin, json_body={"ids": [maker["id"]]}).json()
    assert [(gone["id"], gone["removedAt"]) for gone in told["rules"]] == [(rule["id"], None)]
    assert audited(fleet, rule) == ["trust"]


def test_no_mint_outlives_the_revocation(fleet, gateways, maker):
    """While the rule gives tokens: each ends, or is not made."""
    rule = rule_of(gateways[0], maker)
    made, refused = [], threading.Event()

    def mint_on():
        while not refused.is_set():
            secret, outcome = mint(fleet, rule)
            if outcome != "made":
                refused.set()
                return
            made.append(secret)

    miners = [threading.Thread(target=mint_on) for _ in range(3)]
    for miner in miners:
        miner.start()
    try:
        eventually(lambda: len(made) >= 5, "the rule gives tokens")
        answer = revoke(gateways[1], fleet, maker, "?rules=true&wait=30s")
        assert answer.status == 200, answer.body
        for miner in miners:
            miner.join(30)
    finally:
        refused.set()
    assert not any(miner.is_alive() for miner in miners)
    live, = fleet.query("select count(*) from skillreg.api_token where created_by = %s and revoked_at is null", (rule["id"],))
    assert live == (0,) and answer.json()["tokensRevoked"] == len(made)


def test_what_is_no_answer_to_rules_changes_nothing(fleet, gateways, maker):
    answer = revoke(gateways[0], fleet, maker, "?rules=maybe")
    assert answer.status == 422 and b"rules must be true or false." in answer.body, answer.body
    assert statuses_of(gateways, maker["token"]) == [200, 200]

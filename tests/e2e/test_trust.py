# SPDX-License-Identifier: MIT
"""Rules of trust: made by an admin token that has no limits itself, for an issuer that the operator trusts; listed, shown, audited;
removed together with the tokens that they gave, on every gateway."""
import pytest

from harness import token_syntax
from harness.fleet import Fleet, statuses_of
from harness.trusting import GITHUB, GITLAB, issuer_flags

TRUST = "/api/v1/orgs/acme/trust"
RULE = {"kind": "github", "conditions": {"repository": ["acme/tools"]}}


@pytest.fixture(scope="module")
def fleet(postgres, tmp_path_factory):
    directory = tmp_path_factory.mktemp("trust")
    own = Fleet(postgres, "trust", directory)
    try:
        own.start(2, *issuer_flags(directory, github=GITHUB, gitlab=GITLAB))
        yield own
    finally:
        own.stop()


@pytest.fixture
def gateways(fleet):
    fleet.wait_until_heard(2)
    return fleet.gateways


@pytest.fixture(autouse=True)
def no_rules(fleet):
    yield
    fleet.query("update skillreg.trust_rule set removed_at = now(), removed_by = 'operator' where removed_at is null")


def make(gateway, secret, **members):
    return gateway.request("POST", TRUST, secret, json_body={**RULE, **members})


def made(gateway, secret, **members):
    answer = make(gateway, secret, **members)
    assert answer.status == 201, answer.body
    return answer.json()


def mint(fleet, rule, count=1):
    """Tokens of the rule, straight in the database."""
    secrets = [token_syntax.make() for _ in range(count)]
    for number, secret in enumerate(secrets):
        fleet.query("select skillreg.exchange_mint(array[row(%s, %s, %s, %s, sha256(%s), 1, 600, sha256(%s), now() + interval '5 min', 0,"
                    " null, null, null, '{\"run_id\": \"17\"}', null)::skillreg.exchange_row])",
                    (rule["id"], f"clminted{secret[-8:].lower().replace('-', '0').replace('_', '0')}{number}", "acme/tools publish.yml 17",
                     secret[:12], secret.encode(), secret.encode()))
    return secrets


def audit_of(fleet, rule):
    return fleet.query("select action, token_name, actor_name, host(address) from skillreg.token_audit where token_id = %s order by id",
                       (rule["id"],))


def test_a_rule_is_made_shown_listed_and_audited(fleet, gateways):
    answer = make(gateways[0], fleet.admin, scopes=["write"], expiresIn=600, allowedIps=["10.0.0.0/8"], exchangesPerMinute=5)
    assert answer.status == 201, answer.body
    rule = answer.json()
    assert {name: value for name, value in rule.items() if name not in ("id", "createdAt")} == {
        "kind": "github", "issuer": GITHUB, "conditions": {"repository": ["acme/tools"]}, "scopes": ["write"], "expiresIn": 600,
        "allowedIps": ["10.0.0.0/8"], "exchangesPerMinute": 5}
    assert gateways[1].request("GET", TRUST, fleet.admin).json() == {"rules": [rule], "next": None}
    shown = gateways[1].request("GET", f"{TRUST}/{rule['id']}", fleet.admin).json()
    assert shown == {**rule, "createdBy": shown["createdBy"], "createdFrom": "127.0.0.1", "exchanges": 0, "lastExchangeAt": None,
                     "liveTokens": 0}
    assert shown["createdBy"]["name"] == "boss"
    assert audit_of(fleet, rule) == [("trust", "github repository=acme/tools", "boss", "127.0.0.1")]


def test_what_is_not_given_is_little(fleet, gateways):
    rule = made(gateways[0], fleet.admin)
    assert (rule["scopes"], rule["expiresIn"], rule["exchangesPerMinute"], rule["allowedIps"]) == (["read"], 900, 600, [])


def test_the_same_rule_again_is_there(fleet, gateways):
    rule = made(gateways[0], fleet.admin)
    again = make(gateways[1], fleet.admin)
    assert (again.status, again.json()) == (200, rule)
    assert len(audit_of(fleet, rule)) == 1


def test_the_issuer_is_one_of_the_operators(fleet, gateways):
    for issuer in ("gitlab", GITLAB):
        rule = gateways[0].request("POST", TRUST, fleet.admin, json_body={"issuer": issuer, "conditions": {"project_path": "acme/tools"}})
        assert rule.status in (200, 201) and rule.json()["issuer"] == GITLAB, rule.body
    for members in ({"kind": "gitlab", "issuer": "github"}, {"issuer": "https://gitlab.example"}, {"kind": "buildkite"}):
        answer = make(gateways[0], fleet.admin, **members)
        assert answer.status == 422 and "there are: github (github), gitlab (gitlab)." in answer.json()["error"]["message"], answer.body
    answer = gateways[0].request("POST", TRUST, fleet.admin, json_body={"conditions": RULE["conditions"]})
    assert answer.status == 422 and "issuer must say which one" in answer.json()["error"]["message"]


@pytest.mark.parametrize("members, word", [
    ({"conditions": {"ref": ["main"]}}, "repository"), ({"conditions": {}}, "conditions"), ({"conditions": None}, "conditions is required"),
    ({"conditions": {"repository": []}}, "conditions"), ({"conditions": {"repository": [1]}}, "conditions"),
    ({"conditions": {"repository": ["acme/a", "acme/b"]}}, "repository"), ({"expiresIn": 59}, "expiresIn"),
    ({"expiresIn": 43201}, "expiresIn"), ({"exchangesPerMinute": 0}, "exchangesPerMinute"), ({"scopes": []}, "scopes"),
    ({"allowedIps": ["here"]}, "allowedIps"), ({"kind": 1}, "kind"), ({"claims": {}}, "claims")])
def test_what_is_wrong_is_named(fleet, gateways, members, word):
    answer = make(gateways[0], fleet.admin, **members)
    assert answer.status == 422 and word in answer.json()["error"]["message"], answer.body
    assert gateways[0].request("GET", TRUST, fleet.admin).json()["rules"] == []


@pytest.mark.parametrize("limits", [{"expiresIn": 3600}, {"allowedIps": ["127.0.0.0/8"]}, {"bindChildren": True}],
                         ids=["end", "addresses", "binding"])
def test_a_token_with_limits_makes_no_rule(fleet, gateways, limits):
    bound = fleet.create_token(gateways[0], scopes=["admin"], **limits)
    answer = make(gateways[0], bound["token"])
    assert (answer.status, answer.error_code) == (403, "trust_not_allowed"), answer.body
    assert gateways[0].request("GET", TRUST, bound["token"]).status == 200


def test_no_token_gives_admin_away(fleet, gateways):
    answer = make(gateways[0], fleet.admin, scopes=["admin"])
    assert (answer.status, answer.error_code) == (403, "trust_not_allowed"), answer.body


def test_rules_are_paged(fleet, gateways):
    rules = [made(gateways[0], fleet.admin, expiresIn=900 + number) for number in range(3)]
    first = gateways[0].request("GET", f"{TRUST}?limit=2", fleet.admin).json()
    assert [rule["id"] for rule in first["rules"]] == [rules[2]["id"], rules[1]["id"]]
    rest = gateways[0].request("GET", f"{TRUST}?limit=2&after={first['next']}", fleet.admin).json()
    assert (rest["rules"], rest["next"]) == ([rules[0]], None)
    for query in ("limit=0", "limit=201", "after=", "after=X"):
        assert gateways[0].request("GET", f"{TRUST}?{query}", fleet.admin).status == 422, query


def test_a_removed_rule_ends_its_tokens_everywhere(fleet, gateways):
    rule, other = made(gateways[0], fleet.admin), made(gateways[0], fleet.admin, expiresIn=901)
    secret, = mint(fleet, rule)
    kept, = mint(fleet, other)
    assert statuses_of(gateways, secret) == [200, 200]
    shown = gateways[0].request("GET", f"{TRUST}/{rule['id']}", fleet.admin).json()
    assert (shown["liveTokens"], shown["exchanges"]) == (1, 1) and shown["lastExchangeAt"]
    answer = gateways[0].request("DELETE", f"{TRUST}/{rule['id']}?wait=30s", fleet.admin)
    assert answer.status == 200 and (answer.json()["tokensRevoked"], answer.json()["gateways"]) == (1, 2), answer.body
    assert statuses_of(gateways, secret) == [401, 401]
    assert statuses_of(gateways, kept) == [200, 200]
    assert gateways[0].request("DELETE", f"{TRUST}/{rule['id']}", fleet.admin).status == 404
    assert gateways[0].request("GET", f"{TRUST}/{rule['id']}", fleet.admin).status == 404
    assert [action for action, *_ in audit_of(fleet, rule)] == ["trust", "untrust"]


def test_here_its_tokens_end_without_waiting(fleet, gateways):
    for _ in range(3):
        rule = made(gateways[0], fleet.admin)
        secret, = mint(fleet, rule)
        assert statuses_of(gateways[:1], secret) == [200]
        assert gateways[0].request("DELETE", f"{TRUST}/{rule['id']}", fleet.admin).status == 200
        assert statuses_of(gateways[:1], secret) == [401]


def test_more_tokens_than_one_statement_ends_all_end(fleet, gateways):
    rule = made(gateways[0], fleet.admin)
    fleet.query("insert into skillreg.api_token (id, org_id, name, prefix, digest, scopes, created_by, expires_at, is_minted)"
                " select 'bulk' || n, r.org_id, 'run', 'sr_live_a1b2', sha256(('bulk' || n)::bytea), 1, r.id,"
                " now() + interval '10 minutes', true from skillreg.trust_rule r, generate_series(1, 2001) n where r.id = %s", (rule["id"],))
    answer = gateways[0].request("DELETE", f"{TRUST}/{rule['id']}", fleet.admin)
    assert answer.status == 200 and answer.json()["tokensRevoked"] == 2001, answer.body


def test_the_audit_has_the_rule_and_who_its_tokens_are_for(fleet, gateways):
    rule = made(gateways[0], fleet.admin)
    mint(fleet, rule)
    name = "github repository=acme/tools"
    audit = lambda query: gateways[0].request("GET", f"/api/v1/orgs/acme/audit?after=0&{query}", fleet.admin).json()["events"]
    (trust,) = audit(f"token={rule['id']}&action=trust")
    assert (trust["ruleId"], trust["ruleName"], trust["actor"]["name"]) == (rule["id"], name, "boss") and "tokenId" not in trust
    assert trust["rule"]["conditions"] == rule["conditions"] and trust["rule"]["expiresIn"] == 900
    (exchange,) = audit(f"actor={rule['id']}")
    assert exchange["actor"] == {"kind": "rule", "tokenId": None, "ruleId": rule["id"], "name": name}
    assert (exchange["action"], exchange["tokenName"], exchange["identity"]) == ("exchange", "acme/tools publish.yml 17", {"run_id": "17"})
    shown = gateways[0].request("GET", f"/api/v1/orgs/acme/tokens/{exchange['tokenId']}", fleet.admin).json()
    assert shown["createdBy"] == exchange["actor"] and shown["expiresAt"] == exchange["expiresAt"]


def test_a_minted_token_has_no_successor(fleet, gateways):
    rule = made(gateways[0], fleet.admin)
    mint(fleet, rule)
    (exchange,) = gateways[0].request("GET", f"/api/v1/orgs/acme/audit?actor={rule['id']}", fleet.admin).json()["events"]
    answer = gateways[0].request("POST", f"/api/v1/orgs/acme/tokens/{exchange['tokenId']}/rotate", fleet.admin, json_body={})
    assert answer.status == 422 and "minted by a rule" in answer.json()["error"]["message"], answer.body


def test_minted_tokens_are_listed_when_asked_for(fleet, gateways):
    rule = made(gateways[0], fleet.admin)
    mint(fleet, rule, 2)
    listed = lambda query="": gateways[0].request("GET", f"/api/v1/orgs/acme/tokens{query}", fleet.admin).json()
    for query in ("?", "?after=&", "?sort=name&", "?after=&sort=-lastUsed&"):
        page = listed(query)
        assert page["minted"] >= 2 and "acme/tools publish.yml 17" not in {token["name"] for token in page["tokens"]}, query
        page = listed(query + "minted=true")
        assert "minted" not in page and {token["name"] for token in page["tokens"]} == {"acme/tools publish.yml 17"}, query


def test_another_organisation_sees_nothing(fleet, gateways):
    rule = made(gateways[0], fleet.admin)
    fleet.operator.create_org("globex")
    stranger = fleet.operator.create_token("globex", "stranger", "admin")["token"]
    for method in ("GET", "DELETE"):
        assert gateways[0].request(method, f"/api/v1/orgs/globex/trust/{rule['id']}", stranger).status == 404
        assert gateways[0].request(method, f"{TRUST}/{rule['id']}", stranger).status == 403
    assert gateways[0].request("GET", "/api/v1/orgs/globex/trust", stranger).json()["rules"] == []


def test_without_an_issuer_there_are_no_rules(fleet, gateways, start_gateway):
    own = start_gateway(database_url=fleet.operator.database_url)
    answer = make(own, fleet.admin)
    assert answer.status == 422 and "--oidc-issuer" in answer.json()["error"]["message"], answer.body

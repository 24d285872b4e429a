# SPDX-License-Identifier: MIT
"""The scope admin by an identity: only by a rule that an operator made in the database, as docs/operator.md shows it, only where
--oidc-admin is set, and only when it is asked for by name."""
import pytest

from harness import documents
from harness.identity_gateway import IdentityGateway

REFUSED = b"No rule of trust that the identity token meets gives these scopes."


@pytest.fixture(scope="module", params=[[], ["--oidc-admin"]], ids=["without the flag", "with it"])
def door(request, operator, postgres, tmp_path_factory):
    own = IdentityGateway(tmp_path_factory.mktemp("admin"), "admin", database_url=postgres.url, flags=request.param)
    own.gives_admin = bool(request.param)
    yield own.wait_until_ready()
    own.stop()


@pytest.fixture
def rule(door, new_org, postgres):
    """(organisation, outcome, id) of the statement of the document."""
    team = new_org("admin")
    statement, = documents.blocks(documents.read("docs/operator.md"), "sql")
    statement = statement.replace("https://token.actions.githubusercontent.com", door.issuers["github"].url) \
        .replace("acme/infra", f"{team.slug}/infra").replace("slug = 'acme'", f"slug = '{team.slug}'")
    (outcome, rule_id, _), = postgres.query(statement)
    assert outcome == "made"
    return team, rule_id


def exchange(door, team, scopes, **claims):
    token = door.job(f"{team.slug}/infra", **claims)
    return door.request("POST", f"/api/v1/orgs/{team.slug}/oidc/token", json_body={"token": token, "scopes": scopes})


def test_admin_is_given_with_the_flag_alone(door, rule):
    team, _ = rule
    answer = exchange(door, team, ["admin"])
    if door.gives_admin:
        assert answer.status == 201 and answer.json()["scopes"] == ["admin"], answer.body
        assert door.request("GET", f"/api/v1/orgs/{team.slug}/tokens", answer.json()["token"]).status == 200
    else:
        assert answer.status == 403 or answer.status == 400, answer.body
        assert REFUSED in answer.body


def test_less_is_given_either_way(door, rule):
    team, _ = rule
    answer = exchange(door, team, ["read"])
    assert answer.status == 201 and answer.json()["scopes"] == ["read"], answer.body


def test_its_conditions_hold(door, rule):
    team, _ = rule
    answer = exchange(door, team, ["admin"], ref="refs/heads/next")
    assert answer.status >= 400 and b"token\":" not in answer.body


def test_an_admin_lists_and_removes_it(door, rule):
    team, rule_id = rule
    target = f"/api/v1/orgs/{team.slug}/trust"
    assert [entry["id"] for entry in door.request("GET", target, team.admin).json()["rules"]] == [rule_id]
    assert door.request("DELETE", f"{target}/{rule_id}", team.admin).status == 200
    assert exchange(door, team, ["read"]).status >= 400

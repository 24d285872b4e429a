# SPDX-License-Identifier: MIT
"""skillreg-gateway prune: what it deletes, what it keeps, and that nothing pruned comes back."""
import hashlib
import json

import psycopg2
import pytest

from harness import token_syntax
from harness.fleet import TOKENS, WHOAMI, Fleet


@pytest.fixture(scope="module")
def fleet(postgres, tmp_path_factory):
    """A database of these tests alone: a prune is of all organisations, and another test's old rows are not ours to delete."""
    own = Fleet(postgres, "prune", tmp_path_factory.mktemp("prune"))
    try:
        own.start(1)
        yield own
    finally:
        own.stop()


@pytest.fixture
def gateway(fleet):
    return fleet.gateways[0]


@pytest.fixture
def operator(fleet):
    return fleet.operator


@pytest.fixture
def revoked(fleet, gateway):
    """A revoked token: its id and its secret."""
    made = fleet.create_token(gateway)
    assert fleet.revoke(gateway, made).status == 200
    return made


@pytest.fixture
def age(fleet):
    """Makes all that happened to these tokens older."""
    def call(*ids, days=100):
        fleet.query("set session_replication_role = replica;"  # no triggers
                    " update skillreg.api_token set created_at = created_at - %(d)s * interval '1 day',"
                    " revoked_at = revoked_at - %(d)s * interval '1 day', expires_at = expires_at - %(d)s * interval '1 day'"
                    " where id = any(%(ids)s);"
                    " update skillreg.token_audit set at = at - %(d)s * interval '1 day' where token_id = any(%(ids)s)",
                    {"d": days, "ids": list(ids)})
    return call


@pytest.fixture
def prune(operator):
    def call(*flags):
        result = operator.run("prune", *flags, "--json")
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)
    return call


def rows(fleet, *ids):
    return fleet.query("select count(*) from skillreg.api_token where id = any(%s)", (list(ids),))[0][0]


def newest_event(fleet):
    return fleet.query("select max(seq) from skillreg.token_event")[0][0]


def test_a_prune_wants_to_be_told_what(operator):
    result = operator.run("prune")
    assert result.returncode == 2 and "--revoked-older-than" in result.stderr
    for value in ("90s", "23h", "x", "-1d"):
        result = operator.run("prune", "--audit-older-than", value)
        assert result.returncode == 2 and "400d" in result.stderr, value


def test_old_rows_of_revoked_tokens_go_and_others_stay(revoked, age, prune, fleet, gateway):
    live = fleet.create_token(gateway, name="live")
    assert prune("--revoked-older-than", "90d")["tokens"] == 0 and rows(fleet, revoked["id"]) == 1
    age(revoked["id"], live["id"])
    assert prune("--revoked-older-than", "90d", "--dry-run") == {"dryRun": True, "tokens": 1, "auditEvents": 0}
    assert rows(fleet, revoked["id"]) == 1
    before = newest_event(fleet)
    assert prune("--revoked-older-than", "90d") == {"dryRun": False, "tokens": 1, "auditEvents": 0}
    assert rows(fleet, revoked["id"]) == 0 and rows(fleet, live["id"]) == 1
    assert newest_event(fleet) == before, "gateways heard of it when it was revoked"
    assert gateway.request("GET", WHOAMI, revoked["token"]).status == 401
    assert gateway.request("GET", WHOAMI, live["token"]).status == 200


def test_a_pruned_secret_never_comes_back(revoked, age, prune, operator, fleet):
    age(revoked["id"])
    assert prune("--revoked-older-than", "90d")["tokens"] == 1
    result = operator.run("token", "import", "--org", "acme", "--name", "again", text_in=revoked["token"] + "\n")
    assert result.returncode == 1 and "there already" in result.stderr
    with pytest.raises(psycopg2.errors.UniqueViolation):
        fleet.query("insert into skillreg.api_token (id, org_id, name, prefix, digest, scopes, created_by)"
                    " select 'clagain', id, 'x', 'sr_live_a1b2', %s, 1, 'x' from skillreg.organisation where slug = 'acme'",
                    (hashlib.sha256(revoked["token"].encode()).digest(),))
    other = token_syntax.make()
    lines = "".join(json.dumps({"name": "x", "token": token, "org": "acme"}) + "\n" for token in (revoked["token"], other))
    result = operator.run("token", "import", "--file", "-", "--json", text_in=lines)
    assert result.returncode == 4 and "revoked" in result.stdout + result.stderr, "the other one is imported"


def test_expired_tokens_go_by_a_flag_of_their_own(gateway, age, prune, fleet):
    made = fleet.create_token(gateway, expiresAt="2099-01-01T00:00:00Z")
    age(made["id"], days=40000)
    assert prune("--expired-older-than", "90d")["tokens"] == 0, "its end is not in the audit yet"
    fleet.query("select skillreg.expiry_note(1000)")
    assert prune("--revoked-older-than", "90d")["tokens"] == 0
    assert prune("--expired-older-than", "90d")["tokens"] == 1
    assert rows(fleet, made["id"]) == 0


def test_a_chain_of_rotations_stays_whole(gateway, age, prune, fleet):
    """The middle one goes: revoking the first with its successors still ends the last."""
    chain = [fleet.create_token(gateway)]
    for _ in range(2):
        chain.append(gateway.request("POST", f"{TOKENS}/{chain[-1]['id']}/rotate", fleet.admin,
                                     json_body={"overlapSeconds": 86400}).json())
    assert fleet.revoke(gateway, chain[1]).status == 200
    age(chain[1]["id"])
    assert prune("--revoked-older-than", "90d")["tokens"] == 1
    answer = gateway.request("DELETE", f"{TOKENS}/{chain[0]['id']}?successors=true", fleet.admin)
    assert answer.status == 200, answer.body
    assert gateway.request("GET", WHOAMI, chain[2]["token"]).status == 401


def test_old_events_of_the_audit_go_but_for_the_newest(revoked, age, prune, fleet, gateway):
    age(revoked["id"])
    old = fleet.query("select count(*) from skillreg.token_audit where at < now() - interval '90 days'")[0][0]
    newest = fleet.query("select max(id) from skillreg.token_audit")[0][0]
    assert 0 < prune("--audit-older-than", "90d")["auditEvents"] <= old
    assert fleet.query("select max(id) from skillreg.token_audit")[0][0] == newest
    fleet.create_token(gateway)
    assert fleet.query("select max(id) from skillreg.token_audit")[0][0] == newest + 1


def test_old_events_behind_thousands_of_young_ones_go_too(revoked, age, prune, fleet):
    """A clock that was wrong for a while leaves such an order."""
    fleet.query("insert into skillreg.token_audit (id, org_id, action, token_id, token_name, actor_name)"
                " select n + (select max(id) from skillreg.token_audit), o.id, 'create', 'clyoung' || n, 'x', 'operator'"
                " from skillreg.organisation o, generate_series(1, 2500) n")
    late = fleet.create_token(fleet.gateways[0])
    fleet.create_token(fleet.gateways[0])
    age(revoked["id"], late["id"])
    would = prune("--audit-older-than", "90d", "--dry-run")["auditEvents"]
    assert prune("--audit-older-than", "90d")["auditEvents"] == would >= 3


def test_nobody_deletes_by_hand(revoked, fleet):
    for sql in ("delete from skillreg.token_audit", "select set_config('skillreg.pruning', 'on', false); delete from skillreg.token_audit",
                f"delete from skillreg.api_token where id = '{revoked['id']}'"):
        with pytest.raises(psycopg2.errors.RestrictViolation):
            fleet.query(sql)


def test_text_for_people(operator):
    result = operator.run("prune", "--revoked-older-than", "36500d", "--dry-run")
    assert result.returncode == 0 and result.stdout == "Would be deleted: 0 rows of tokens, 0 events of the audit.\n"

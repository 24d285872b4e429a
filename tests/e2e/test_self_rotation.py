# SPDX-License-Identifier: MIT
"""Tokens that rotate themselves, without an admin, never wider or longer; and successors that were revoked unused."""
import datetime

import pytest

from harness import token_syntax
from test_tokens_api import assert_refused, base_of, parse_time

WHOAMI = "/api/v1/auth/whoami"
OWN = "/api/v1/auth/token"


@pytest.fixture
def create(gateway, organisation):
    def call(by=None, **body):
        return gateway.request("POST", base_of(organisation), by or organisation.admin, json_body={"name": "bot", **body})
    return call


@pytest.fixture
def bot(create):
    """A token that rotates itself and can do little else."""
    def call(**body):
        answer = create(scopes=["read"], selfRotate=True, **body)
        assert answer.status == 201, answer.body
        return answer.json()
    return call


@pytest.fixture
def rotate_itself(gateway):
    def call(token, key=None, **body):
        return gateway.request("POST", OWN + "/rotate", token["token"], json_body=body,
                               fields=[("Idempotency-Key", key)] if key else [])
    return call


@pytest.fixture
def rotate(gateway, organisation):
    def call(token, **body):
        return gateway.request("POST", f"{base_of(organisation)}/{token['id']}/rotate", organisation.admin, json_body=body)
    return call


@pytest.fixture
def revoke(gateway, organisation):
    def call(token):
        assert gateway.request("DELETE", f"{base_of(organisation)}/{token['id']}", organisation.admin).status == 200
    return call


@pytest.fixture
def let_time_pass(postgres):
    """As if the last answers had been given a while ago."""
    def call(token):
        postgres.query("update skillreg.idempotency_key set at = at - interval '3 seconds' where target_id = %s", (token["id"],))
    return call


def status_of(gateway, token):
    return gateway.request("GET", WHOAMI, token["token"]).status


def life_of(token):
    return parse_time(token["expiresAt"]) - parse_time(token["createdAt"])


# ---- made so ----------------------------------------------------------------------------------------------------

def test_only_who_was_made_so_is_shown_so(gateway, organisation, create, bot):
    plain, own = create(scopes=["read"]).json(), bot()
    assert plain["selfRotate"] is False and own["selfRotate"] is True
    listed = gateway.request("GET", base_of(organisation), organisation.admin).json()["tokens"]
    assert {token["id"]: token["selfRotate"] for token in listed if token["name"] == "bot"} == {plain["id"]: False, own["id"]: True}
    for token in (plain, own):
        assert gateway.request("GET", WHOAMI, token["token"]).json()["token"]["selfRotate"] is token["selfRotate"]


@pytest.mark.parametrize("value", ["true", 1, [], {}])
def test_what_is_neither_true_nor_false_is_422(value, create):
    assert_refused(create(selfRotate=value), 422, "validation_failed", "selfRotate")


def test_it_rotates_itself_and_so_does_its_successor(gateway, bot, rotate_itself):
    old = bot(allowedIps=["127.0.0.0/8"], description="for the bot")
    answer = rotate_itself(old, overlapSeconds=600)
    assert answer.status == 201, answer.body
    assert answer.get("cache-control") == "no-store"
    new = answer.json()
    assert token_syntax.checksum_is_right(new["token"]) and new["replaces"]["id"] == old["id"]
    for key in ("name", "scopes", "allowedIps", "description", "selfRotate", "expiresAt"):
        assert new[key] == old[key]
    assert status_of(gateway, old) == status_of(gateway, new) == 200
    assert rotate_itself(new).status == 201
    assert_refused(rotate_itself(old), 409, "already_rotated", new["id"])


def test_without_an_overlap_it_ends_with_its_answer(gateway, bot, rotate_itself):
    old = bot()
    new = rotate_itself(old, overlapSeconds=0).json()
    assert status_of(gateway, old) == 401 and status_of(gateway, new) == 200


@pytest.mark.parametrize("scopes", [["read"], ["write"], ["admin"]], ids=" ".join)
def test_a_token_that_was_not_made_so_does_not(scopes, gateway, create, rotate_itself):
    token = create(scopes=scopes).json()
    assert_refused(rotate_itself(token), 403, "self_rotation_not_allowed", "selfRotate")
    assert status_of(gateway, token) == 200


def test_nor_does_one_that_is_not_live_or_elsewhere(gateway, bot, revoke, rotate_itself):
    gone = bot()
    revoke(gone)
    assert_refused(rotate_itself(gone), 401, "invalid_token")
    assert_refused(rotate_itself(bot(allowedIps=["192.0.2.0/24"])), 403, "address_not_allowed")
    assert_refused(gateway.request("POST", OWN + "/rotate"), 401, "missing_token")


def test_it_may_do_nothing_else_for_it(gateway, organisation, bot):
    """Neither as an admin does it, nor to others."""
    own, other = bot(), bot()
    for token in (own, other):
        answer = gateway.request("POST", f"{base_of(organisation)}/{token['id']}/rotate", own["token"])
        assert_refused(answer, 403, "insufficient_scope")
    assert_refused(gateway.request("POST", base_of(organisation), own["token"], json_body={"name": "x"}), 403, "insufficient_scope")


# ---- never longer -----------------------------------------------------------------------------------------------

def test_a_successor_lives_as_long_as_the_old_one_was_made_to(bot, rotate_itself):
    old = bot(expiresIn=3600)
    new = rotate_itself(old).json()
    newest = rotate_itself(new, expiresIn=3600).json()
    assert life_of(new) == life_of(old)
    assert datetime.timedelta(0) <= life_of(old) - life_of(newest) < datetime.timedelta(seconds=10), "nothing is gained by asking"
    assert life_of(rotate_itself(newest, expiresIn=60).json()) < datetime.timedelta(seconds=90)


def test_a_longer_life_is_422_and_names_the_limit(gateway, bot, rotate_itself):
    old = bot(expiresIn=3600)
    for body in ({"expiresIn": 3700}, {"expiresAt": "2099-01-01T00:00:00Z"}):
        answer = rotate_itself(old, **body)
        assert_refused(answer, 422, "validation_failed", "expiresAt must not be after ")
        limit = answer.error_message.split("after ")[1].split(",")[0]
        assert abs(parse_time(limit) - parse_time(old["expiresAt"])) < datetime.timedelta(seconds=60)
    assert rotate_itself(old).status == 201


def test_one_without_an_end_makes_one_without_an_end(bot, rotate_itself):
    assert rotate_itself(bot()).json()["expiresAt"] is None
    assert life_of(rotate_itself(bot(), expiresIn=60).json()) < datetime.timedelta(seconds=90)


def test_an_admin_gives_it_a_longer_life(bot, rotate, rotate_itself):
    longer = rotate(bot(expiresIn=3600), expiresIn=7200).json()
    assert life_of(longer) > datetime.timedelta(seconds=7000)
    assert life_of(rotate_itself(longer).json()) == life_of(longer)


def test_an_end_that_an_admin_made_later_is_no_longer_life_for_its_successors(bot, rotate, rotate_itself):
    """As long as the row that rotates was made to live; more is 422."""
    longer = rotate(bot(expiresIn=3600), expiresIn=7200).json()
    assert_refused(rotate_itself(longer, expiresIn=7300), 422, "validation_failed", "expiresAt")
    successor = rotate_itself(longer).json()
    assert life_of(successor) == life_of(longer)
    assert_refused(rotate_itself(successor, expiresIn=7300), 422, "validation_failed", "expiresAt")


def test_a_token_of_too_long_a_chain_rotates_itself_no_further(bot, rotate, rotate_itself, gateway, organisation, postgres):
    """So that one revocation can end it, also with the longest names. An admin can rotate it still."""
    token = bot()
    postgres.query(
        "insert into skillreg.api_token (id, org_id, name, prefix, digest, scopes, created_by, expires_at, replaces)"
        " select %(id)s || i, t.org_id, repeat('&', 100), 'sr_live_a1b2', sha256((%(id)s || i)::bytea), 1, 'operator',"
        "  now() + interval '30 days', case when i < 2000 then %(id)s || i + 1 end"
        " from skillreg.api_token t, generate_series(2, 2000) i where t.id = %(id)s", {"id": token["id"]})
    postgres.query("update skillreg.api_token set replaces = id || '2' where id = %s", (token["id"],))
    successor = rotate_itself(token)
    assert successor.status == 201, successor.body
    assert_refused(rotate_itself(successor.json()), 403, "self_rotation_not_allowed", "2000 that are live")
    third = rotate(successor.json())
    assert third.status == 201, third.body
    answer = gateway.request("DELETE", f"{base_of(organisation)}/{third.json()['id']}?chain=true", organisation.admin)
    assert answer.status == 200, answer.body
    assert len(answer.json()["chain"]) == 2001


def test_what_a_token_makes_does_not_outlive_it(create):
    """A chain has no end, so only a token without one makes it."""
    ends = create(scopes=["admin"], expiresIn=3600).json()
    assert_refused(create(by=ends["token"], selfRotate=True), 422, "validation_failed", "selfRotate")
    assert create(by=ends["token"]).status == 201
    chain = create(scopes=["admin"], expiresIn=3600, selfRotate=True).json()
    assert create(by=chain["token"], selfRotate=True).status == 201


# ---- once more --------------------------------------------------------------------------------------------------

def test_a_lost_answer_is_asked_for_again(gateway, bot, rotate_itself, let_time_pass):
    old = bot()
    lost = rotate_itself(old, key="k").json()
    assert_refused(rotate_itself(old, key="k"), 409, "request_in_progress")
    let_time_pass(old)
    new = rotate_itself(old, key="k").json()
    assert status_of(gateway, lost) == 401 and status_of(gateway, new) == 200
    let_time_pass(old)
    assert_refused(rotate_itself(old, key="k"), 409, "already_rotated", new["id"])


def test_a_successor_that_was_revoked_unused_blocks_no_rotation(gateway, bot, rotate, rotate_itself, revoke):
    old = bot(expiresIn=3600)
    first = rotate(old).json()
    revoke(first)
    second = rotate(old)
    assert second.status == 201, second.body
    assert life_of(second.json()) == life_of(old) and second.json()["replaces"] == first["replaces"]
    revoke(second.json())
    third = rotate_itself(old)
    assert third.status == 201, third.body
    assert status_of(gateway, third.json()) == 200
    assert_refused(rotate(old), 409, "already_rotated", third.json()["id"])


def test_a_successor_that_was_used_and_revoked_does(gateway, bot, rotate, revoke):
    old = bot()
    used = rotate(old).json()
    assert status_of(gateway, used) == 200  # noted here, and not written yet
    revoke(used)
    assert_refused(rotate(old), 409, "already_rotated", f"{used['id']}, which was used and is revoked")


# ---- who did it -------------------------------------------------------------------------------------------------

def test_the_audit_names_the_token_itself(gateway, organisation, bot, rotate_itself):
    old = bot()
    new = rotate_itself(old).json()
    event, = gateway.request("GET", f"/api/v1/orgs/{organisation.slug}/audit?limit=1", organisation.admin).json()["events"]
    assert (event["action"], event["tokenId"], event["successorId"]) == ("rotate", old["id"], new["id"])
    assert event["actor"]["tokenId"] == old["id"] and event["address"] == "127.0.0.1"

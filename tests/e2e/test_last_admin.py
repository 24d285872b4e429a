# SPDX-License-Identifier: MIT
"""The last live admin token of an organisation is not revoked by mistake: nobody could make another one. And a revocation takes
the whole chain of a rotated token with it, when asked to."""
import concurrent.futures

import pytest

from harness.fleet import TOKENS, Fleet, status_of, statuses_of


@pytest.fixture(scope="module")
def fleet(postgres, tmp_path_factory):
    own = Fleet(postgres, "last_admin", tmp_path_factory.mktemp("last_admin"))
    try:
        own.start(2)
        yield own
    finally:
        own.stop()


@pytest.fixture
def gateways(fleet):
    fleet.wait_until_heard(2)
    return fleet.gateways


@pytest.fixture
def lone(fleet, gateways):
    """The only live admin token of the organisation; the fleet's own lives again afterwards."""
    token = fleet.create_token(gateways[0], name="lone", scopes=["admin"])
    scopes = "update skillreg.api_token set scopes = %s where revoked_at is null and id <> %s and scopes >= 4"
    admins = [id for id, in fleet.query("select id from skillreg.api_token where revoked_at is null and scopes >= 4 and id <> %s",
                                        (token["id"],))]
    fleet.query(scopes, (3, token["id"]))
    yield token
    fleet.query("update skillreg.api_token set scopes = 4 where id = any(%s)", (admins,))


def revoke(gateway, token, query="", secret=None):
    return gateway.request("DELETE", f"{TOKENS}/{token['id']}{query}", secret or token["token"])


def is_live(fleet, token):
    return fleet.query("select revoked_at is null from skillreg.api_token where id = %s", (token["id"],)) == [(True,)]


def test_the_last_admin_token_is_not_revoked_unless_that_is_asked_for(fleet, gateways, lone):
    answer = revoke(gateways[0], lone)
    assert (answer.status, answer.error_code) == (409, "last_admin"), answer.body
    assert "last=true" in answer.error_message
    assert statuses_of(gateways, lone["token"]) == [200, 200]
    answer = revoke(gateways[0], lone, "?last=false")
    assert answer.status == 409
    answer = revoke(gateways[0], lone, "?last=true&wait=30s")
    assert answer.status == 200, answer.body
    assert statuses_of(gateways, lone["token"]) == [401, 401]


def test_another_live_admin_is_enough(fleet, gateways, lone):
    answer = gateways[0].request("POST", TOKENS, lone["token"], json_body={"name": "other", "scopes": ["admin"], "expiresIn": 3600})
    assert answer.status == 201, answer.body
    assert revoke(gateways[0], lone).status == 200
    assert revoke(gateways[0], answer.json()).status == 409


def test_a_token_gives_itself_up_whatever_it_is(fleet, gateways, lone):
    assert gateways[0].request("DELETE", "/api/v1/auth/token", lone["token"]).status == 200
    assert not is_live(fleet, lone)


def test_plain_sql_is_not_kept_from_it(fleet, gateways, lone):
    fleet.revoke_by_hand(lone)
    assert not is_live(fleet, lone)


def test_a_rotation_ends_nobody(fleet, gateways, lone):
    answer = gateways[0].request("POST", f"{TOKENS}/{lone['id']}/rotate", lone["token"], json_body={"overlapSeconds": 0})
    assert answer.status == 201, answer.body
    assert status_of(gateways[0], lone["token"]) == 401
    answer = revoke(gateways[0], answer.json())
    assert (answer.status, answer.error_code) == (409, "last_admin")


def test_other_tokens_are_revoked_as_ever(fleet, gateways, lone):
    writer = gateways[0].request("POST", TOKENS, lone["token"], json_body={"name": "writer"}).json()
    assert revoke(gateways[0], writer, secret=lone["token"]).status == 200


def test_two_at_once_do_not_end_the_last_two(fleet, gateways, lone):
    """Each revokes itself through a gateway of its own: their rows are others, the lock of the log is one."""
    for _ in range(5):
        other = gateways[0].request("POST", TOKENS, lone["token"], json_body={"name": "other", "scopes": ["admin"]}).json()
        assert statuses_of(gateways, other["token"]) == [200, 200]
        pair = list(zip(gateways, [lone, other]))
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda at: at[0].request("DELETE", f"{TOKENS}/{at[1]['id']}", at[1]["token"]), pair))
        assert sorted(answer.status for answer in answers) == [200, 409], [answer.body for answer in answers]
        lone = other if answers[0].status == 200 else lone
    assert is_live(fleet, lone)


# ---- the chain --------------------------------------------------------------------------------------------------

@pytest.fixture
def chain(fleet, gateways):
    """Three, each the successor of the one before, all live."""
    tokens = [fleet.create_token(gateways[0])]
    for _ in range(2):
        tokens.append(gateways[0].request("POST", f"{TOKENS}/{tokens[-1]['id']}/rotate", fleet.admin, json_body={}).json())
    assert all(statuses_of(gateways, token["token"]) == [200, 200] for token in tokens)
    return tokens


def test_a_chain_ends_whole_whichever_of_it_is_named(fleet, gateways, chain):
    answer = revoke(gateways[0], chain[1], "?chain=true&wait=30s", fleet.admin)
    assert answer.status == 200, answer.body
    assert [statuses_of(gateways, token["token"]) for token in chain] == [[401, 401]] * 3
    document = answer.json()
    assert list(document) == ["id", "name", "revokedAt", "chain", "gateways"]
    assert {token["id"] for token in document["chain"]} == {chain[0]["id"], chain[2]["id"]}
    assert all(token["revokedAt"] == document["revokedAt"] for token in document["chain"])


def test_a_token_takes_its_own_chain_with_it(fleet, gateways, chain):
    answer = gateways[0].request("DELETE", "/api/v1/auth/token?chain=true&wait=30s", chain[2]["token"])
    assert answer.status == 200, answer.body
    assert [statuses_of(gateways, token["token"]) for token in chain] == [[401, 401]] * 3


@pytest.mark.parametrize("parameter", ["chain", "last"])
def test_true_or_false(fleet, gateways, chain, parameter):
    answer = revoke(gateways[0], chain[0], f"?{parameter}=yes", fleet.admin)
    assert answer.status == 422 and parameter in answer.error_message
    assert status_of(gateways[0], chain[0]["token"]) == 200

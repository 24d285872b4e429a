# SPDX-License-Identifier: MIT
"""`skillreg token revoke` where more is to be told than that it is done: its answer was lost, it was the token of the call itself.
Against the real gateway; against one of paper where an answer is to be lost."""
import contextlib
import json
import socket

import pytest

from harness.paper_gateway import WHOAMI, ago, error

TOKEN, OWN = "/api/v1/orgs/acme/tokens/clx7f2k3a", "/api/v1/auth/token"
REVOKED = '\u2713 Token "{}" has been revoked.\n'
NOTE = "skillreg: note: the gateway has revoked the token, though its answer was lost\n"


# ---- the answer was lost ----

@pytest.fixture
def stub(stub):
    stub.server.handle_error = lambda *_: None
    return stub


def hang_up(request):
    request.connection.shutdown(socket.SHUT_RDWR)
    return 200, b""


lost = pytest.mark.parametrize("answer", [hang_up, (502, b"<h1>proxy</h1>")], ids=["no answer", "answer of a proxy"])


def shown(state):
    return 200, {"id": "clx7f2k3a", "name": "ci-deploy", "state": state, "revokedAt": ago() if state == "revoked" else None}


@lost
def test_a_revoke_that_was_done_is_told_as_done(answer, stub, paper):
    stub.answers["DELETE", TOKEN], stub.answers["GET", TOKEN] = answer, shown("revoked")
    done = paper.run("token", "revoke", "clx7f2k3a")
    assert (done.returncode, done.stdout, done.stderr) == (0, REVOKED.format("ci-deploy"), NOTE)
    assert stub.asked() == [f"DELETE {TOKEN}", f"GET {TOKEN}"], "sent once"
    assert json.loads(paper.must("token", "revoke", "clx7f2k3a", "--json"))["name"] == "ci-deploy"


@lost
def test_a_revoke_that_was_not_done_is_told_as_such(answer, stub, paper):
    stub.answers["DELETE", TOKEN], stub.answers["GET", TOKEN] = answer, shown("live")
    done = paper.run("token", "revoke", "clx7f2k3a")
    assert (done.returncode, done.stdout) == (3 if answer is hang_up else 9, "")
    assert done.stderr.endswith("; the token has not been revoked\n") and done.stderr.count("\n") == 1
    assert stub.asked() == [f"DELETE {TOKEN}", f"GET {TOKEN}"]


@lost
def test_what_the_gateway_does_not_tell_is_not_known(answer, stub, paper):
    stub.answers["DELETE", TOKEN] = answer
    done = paper.run("token", "revoke", "clx7f2k3a")
    assert (done.returncode, done.stdout) == (3 if answer is hang_up else 9, "")
    assert done.stderr.endswith("; it is not known whether the token has been revoked\n")


def test_what_was_to_be_waited_for_is_not_confirmed(stub, paper):
    stub.answers["DELETE", TOKEN], stub.answers["GET", TOKEN] = hang_up, shown("revoked")
    done = paper.run("token", "revoke", "clx7f2k3a", "--wait")
    assert (done.returncode, done.stdout) == (4, REVOKED.format("ci-deploy"))
    assert "not known whether every gateway has heard of it" in done.stderr


@lost
def test_the_own_token_is_revoked_when_it_is_refused(answer, stub, paper):
    stub.answers["DELETE", OWN] = answer
    stub.answers["GET", "/api/v1/auth/whoami"] = (401, error("invalid_token", "The token is malformed, unknown, revoked or expired."))
    done = paper.run("token", "revoke", "--self")
    assert (done.returncode, done.stdout, done.stderr) == (0, "\u2713 The token has been revoked.\n", NOTE)
    assert json.loads(paper.must("token", "revoke", "--self", "--json")) == {"id": None, "name": None, "revokedAt": None}
    stub.answers["GET", "/api/v1/auth/whoami"] = (200, WHOAMI)
    assert paper.run("token", "revoke", "--self").stderr.endswith("; the token has not been revoked\n")


# ---- the token of the call ----

OWN_NOTE = "skillreg: note: that was the token of this call\n"


def create(command_line, *flags, name="ci-deploy"):
    return json.loads(command_line.must("token", "create", "--name", name, "--json", *flags))


def works(gateway, token):
    return gateway.request("GET", "/api/v1/auth/whoami", token["token"]).status == 200


def test_the_token_of_the_call_is_told_by_its_id_too(skillreg, organisation, command_line, gateway):
    other, own = create(command_line, "--scopes", "admin"), create(command_line, "--scopes", "admin")
    with_own = skillreg(organisation, own["token"])
    assert "note" not in with_own.run("token", "revoke", other["id"]).stderr
    done = with_own.run("token", "revoke", own["id"])
    assert (done.returncode, done.stdout, done.stderr) == (0, REVOKED.format("ci-deploy"), OWN_NOTE)
    assert not works(gateway, own)


def test_a_stored_token_that_revoked_itself_is_to_be_taken_out(skillreg, organisation, command_line):
    own = create(command_line, "--scopes", "admin")
    stored = skillreg()
    stored.must("login", "--token", text_in=own["token"])
    done = stored.run("token", "revoke", own["id"], "--json")
    assert done.returncode == 0 and list(json.loads(done.stdout)) == ["id", "name", "revokedAt", "own"]
    assert done.stderr == OWN_NOTE + ("skillreg: note: the revoked token is still in ~/.skillreg/config.json: skillreg logout takes it "
                                      "out\n")


# ---- the last admin token, and the chain ----

def test_the_last_admin_token_is_asked_for_by_a_flag(organisation, command_line, gateway):
    own_id = json.loads(command_line.must("whoami", "--json"))["token"]["id"]
    refused = command_line.run("token", "revoke", own_id)
    assert (refused.returncode, refused.stdout) == (8, "") and "--last revokes it all the same" in refused.stderr
    assert json.loads(command_line.run("token", "revoke", own_id, "--json").stderr)["error"]["code"] == "last_admin"
    assert works(gateway, {"token": organisation.admin})
    assert command_line.must("token", "revoke", own_id, "--last") == REVOKED.format("admin-key")
    assert not works(gateway, {"token": organisation.admin})


@pytest.mark.parametrize("reply, code", [(b"y\n", 0), (b"YES\n", 0), (b"n\n", 8), (b"\n", 8), (b"\x04", 8), (b"yesterday\n", 8)],
                         ids=["y", "yes", "no", "empty", "end", "another word"])
def test_the_last_admin_token_is_asked_about_at_a_terminal(reply, code, organisation, command_line, gateway):
    own_id = json.loads(command_line.must("whoami", "--json"))["token"]["id"]
    with contextlib.closing(command_line.on_terminal("token", "revoke", own_id)) as terminal:
        terminal.wait_for(b"Revoke it? [y/N] ")
        terminal.type(reply)
        terminal.read_all()
        assert terminal.process.wait() == code
    assert works(gateway, {"token": organisation.admin}) == (code != 0)


def test_a_chain_is_revoked_as_a_whole(command_line, gateway):
    first = create(command_line)
    second = json.loads(command_line.must("token", "rotate", first["id"], "--json"))
    third = json.loads(command_line.must("token", "rotate", second["id"], "--json"))
    done = command_line.run("token", "revoke", second["id"], "--chain")
    assert (done.returncode, done.stdout) == (0, REVOKED.format("ci-deploy"))
    assert sorted(done.stderr.splitlines()) == sorted(
        f"skillreg: note: of its chain {token['id']} has been revoked with it" for token in (first, third))
    assert not any(works(gateway, token) for token in (first, second, third))


# ---- several ----

def test_several_are_revoked_at_once_in_the_order_given(command_line, gateway):
    tokens = [create(command_line, name=name) for name in ("one", "two", "three")]
    second, first = tokens[0], tokens[2]
    done = command_line.run("token", "revoke", first["id"], second["id"])
    assert (done.returncode, done.stdout, done.stderr) == (0, REVOKED.format("three") + REVOKED.format("one"), "")
    assert [works(gateway, token) for token in tokens] == [False, True, False]


def test_ids_that_are_not_found_are_told_when_the_others_are_revoked(command_line, gateway):
    tokens = [create(command_line, name=name) for name in ("one", "two")]
    done = command_line.run("token", "revoke", tokens[0]["id"], "clx7f2k3a", tokens[1]["id"])
    assert (done.returncode, done.stdout) == (7, REVOKED.format("one") + REVOKED.format("two"))
    note, line = done.stderr.splitlines()
    assert note == "skillreg: note: no live token has the id clx7f2k3a" and "1 of 3 tokens were not found" in line
    assert not any(works(gateway, token) for token in tokens)


def test_the_token_of_the_call_among_several_is_told(skillreg, organisation, command_line):
    own, other = create(command_line, "--scopes", "admin"), create(command_line)
    done = skillreg(organisation, own["token"]).run("token", "revoke", other["id"], own["id"], "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["ownRevoked"] is True
    assert done.stderr == "skillreg: note: the token of this call was among them\n"


def test_what_is_wrong_among_several_changes_nothing(organisation, command_line, gateway):
    tokens = [create(command_line, name=name) for name in ("one", "two")]
    ids = [token["id"] for token in tokens]
    for words in ([*ids, "Not-An-Id"], [*ids, "--chain"], [*ids, "--with-successors"], [*ids, "--self"]):
        assert command_line.run("token", "revoke", *words).returncode == 2
    own_id = json.loads(command_line.must("whoami", "--json"))["token"]["id"]
    refused = command_line.run("token", "revoke", *ids, own_id)
    assert refused.returncode == 8 and "--last revokes them all the same" in refused.stderr
    assert all(works(gateway, token) for token in tokens)


def test_several_whose_answer_was_lost_may_be_sent_again(stub, paper):
    stub.answers["POST", "/api/v1/orgs/acme/tokens/revoke"] = hang_up
    done = paper.run("token", "revoke", "clx7f2k3a", "clx7f2k3b")
    assert done.returncode == 3 and done.stderr.endswith("not known whether the tokens have been revoked, the same again does no harm\n")
    request, = [request for request in stub.requests if request.command == "POST"]
    assert json.loads(request.body) == {"ids": ["clx7f2k3a", "clx7f2k3b"]}

# SPDX-License-Identifier: MIT
"""`skillreg token revoke` of a token by its name, which must be the name of one live token alone, to the letter."""
import contextlib
import json

import pytest

from harness.paper_gateway import SECRET, ago, error

TOKENS = "/api/v1/orgs/acme/tokens"


def line(name):
    return f'\u2713 Token "{name}" has been revoked.\n'


def create(command_line, name, *flags):
    return json.loads(command_line.must("token", "create", "--name", name, "--json", *flags))


def live(command_line):
    return {token["name"] for token in json.loads(command_line.must("token", "list", "--json"))["tokens"]} - {"admin-key"}


@pytest.mark.parametrize("name", ["Nightly build", "deploy", "caf\u00e9 \u2615 & co?", "100%_x"], ids=["words", "like-an-id", "unicode", "wildcards"])
def test_a_name_is_revoked_with_yes(name, command_line):
    create(command_line, name)
    create(command_line, name + "2")
    done = command_line.run("token", "revoke", name, "--yes")
    assert (done.returncode, done.stdout, done.stderr) == (0, line(name), "") and live(command_line) == {name + "2"}


def test_case_and_parts_do_not_count(command_line):
    for name in ("Nightly Build", "nightly build 2"):
        create(command_line, name)
    for name in ("nightly build", "NIGHTLY", "Nightly"):
        refused = command_line.run("token", "revoke", name, "--yes")
        assert (refused.returncode, refused.stdout) == (7, "") and f'no live token has the name "{name}"' in refused.stderr
    assert len(live(command_line)) == 2


def test_two_of_a_name_are_shown_and_stay(command_line):
    tokens = [create(command_line, "ci-deploy") for _ in range(2)] + [create(command_line, "deploy") for _ in range(2)]
    for name, pair in (("ci-deploy", tokens[:2]), ("deploy", tokens[2:])):
        refused = command_line.run("token", "revoke", name, "--yes")
        *notes, last = refused.stderr.splitlines()
        assert refused.returncode == 2 and f'2 live tokens have the name "{name}", give the id' in last
        assert notes == [f"skillreg: note: {token['id']} has that name ({token['prefix']}, read, write, last used never)" for token in pair[::-1]]
    assert live(command_line) == {"ci-deploy", "deploy"}
    command_line.must("token", "revoke", tokens[0]["id"])
    assert command_line.must("token", "revoke", "ci-deploy", "--yes") == line("ci-deploy"), "one is left"


def test_an_id_is_an_id_first(command_line, postgres):
    token = create(command_line, "first")
    postgres.query("update skillreg.api_token set id = 'x' || right(id, 23) where id = %s", (token["id"],))
    own_id = "x" + token["id"][1:]
    create(command_line, own_id)
    assert command_line.must("token", "revoke", own_id, "--yes") == line("first")
    assert live(command_line) == {own_id}
    assert command_line.must("token", "revoke", own_id, "--yes") == line(own_id), "no live token has the id any more"


@pytest.mark.parametrize("name", ["Nightly build", "deploy"])
@pytest.mark.parametrize("reply, code", [(b"y\n", 0), (b"n\n", 1)], ids=["yes", "no"])
def test_a_name_is_asked_about_at_a_terminal(name, reply, code, command_line):
    token = create(command_line, name)
    question = f'Revoke the token "{name}" ({token["id"]}, {token["prefix"]}, read, write, last used never)? [y/N] '
    with contextlib.closing(command_line.on_terminal("token", "revoke", name)) as terminal:
        terminal.wait_for(question.encode())
        terminal.type(reply)
        shown = terminal.read_all()
        assert terminal.process.wait() == code and ("nothing was revoked" in shown) == (code == 1)
    assert live(command_line) == ({name} if code else set())


@pytest.mark.parametrize("name", ["Nightly build", "deploy"])
def test_without_a_terminal_a_name_takes_yes(name, command_line):
    create(command_line, name)
    refused = command_line.run("token", "revoke", name)
    assert (refused.returncode, refused.stdout) == (2, "") and f'"{name}" is no id' in refused.stderr and "--yes revokes it unasked" in refused.stderr
    assert live(command_line) == {name}


def test_a_name_has_the_flags_of_an_id(command_line):
    old = create(command_line, "Nightly build")
    command_line.must("token", "rotate", old["id"])
    command_line.must("token", "revoke", old["id"])
    document = json.loads(command_line.must("token", "revoke", "Nightly build", "--yes", "--chain", "--wait", "--json"))
    assert document["name"] == "Nightly build" and document["gateways"] >= 1 and live(command_line) == set()


# ---- an id that is not found ----

NOT_FOUND = 404, error("not_found", "There is no such token.")


def test_an_id_of_ours_that_is_gone_is_not_looked_for_as_a_name(stub, paper):
    path = f"{TOKENS}/cl{'a' * 22}"
    stub.answers["DELETE", path] = NOT_FOUND
    refused = paper.run("token", "revoke", "cl" + "a" * 22, "--yes")
    assert refused.returncode == 7 and stub.asked() == [f"DELETE {path}"]


@pytest.mark.parametrize("listed", [(200, {"tokens": [], "next": None}), (500, b"broken"), (403, error("insufficient_scope", "No.")),
                                    (200, {"tokens": [], "pagination": {"page": 1, "limit": 200, "total": 0, "totalPages": 0}})],
                         ids=["none", "broken", "forbidden", "older"])
def test_the_refusal_of_an_id_stands_where_no_name_is_found(listed, stub, paper):
    stub.answers["DELETE", f"{TOKENS}/clx7f2k3a"] = NOT_FOUND
    stub.answers["GET", TOKENS] = listed
    refused = paper.run("token", "revoke", "clx7f2k3a")
    assert refused.returncode == 7 and "There is no such token" in refused.stderr and refused.stderr.count("\n") == 1
    assert json.loads(paper.run("token", "revoke", "clx7f2k3a", "--json").stderr)["error"]["code"] == "not_found"


def test_a_gateway_that_ignores_the_name_revokes_no_other(stub, paper):
    def row(id, name):
        return {"id": id, "name": name, "prefix": "sr_live_a1b2", "scopes": ["read"], "createdAt": ago(), "lastUsedAt": None, "expiresAt": None}
    stub.answers["GET", TOKENS] = 200, {"tokens": [row("clxa", "web"), row("clxb", "CI deploy"), row("clxc", "ci deploy")], "next": None}
    stub.answers["DELETE", f"{TOKENS}/clxc"] = 200, {"id": "clxc", "name": "ci deploy", "revokedAt": ago()}
    assert paper.must("token", "revoke", "ci deploy", "--yes") == line("ci deploy")
    assert stub.asked()[-1] == f"DELETE {TOKENS}/clxc"
    assert paper.run("token", "revoke", "CI Deploy", "--yes").returncode == 7 and stub.asked()[-1].startswith("GET")


# ---- what is no name ----

@pytest.mark.parametrize("operand", [SECRET, " " + SECRET, "token:" + SECRET, SECRET[:20], SECRET[:12], "sk_" + "a" * 24, "$TOKEN_ID", "'clx7f2k3a'",
                                     "***", "clx7f2k3a\r", " clx7f2k3a", "a\nb", "x" * 101, ""],
                         ids=["token", "blank", "label", "part", "prefix", "legacy", "variable", "quotes", "mask", "cr", "blank-id", "line", "long", "empty"])
def test_what_is_no_name_never_leaves(operand, stub, paper):
    refused = paper.run("token", "revoke", operand, "--yes")
    assert refused.returncode == 2 and stub.requests == [] and SECRET[:20] not in refused.stderr

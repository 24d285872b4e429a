# SPDX-License-Identifier: MIT
"""What is asked of a new token: how it is sent, and that nothing wider is kept. Against a gateway of paper, of today or older, and
against the real one."""
import datetime
import json

import pytest

from harness.paper_gateway import SECRET, WHOAMI

TOKENS = ("POST", "/api/v1/orgs/acme/tokens")
ROTATE = ("POST", "/api/v1/orgs/acme/tokens/clx7f2k3a/rotate")
ROTATE_SELF = ("POST", "/api/v1/auth/token/rotate")
MADE = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
OF_TODAY = {**WHOAMI, "token": {**WHOAMI["token"], "selfRotate": False}}


def iso(time):
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z")


CREATED = {"id": "clx7f2k3a", "name": "ci", "prefix": SECRET[:12], "scopes": ["read", "write"], "createdAt": iso(MADE), "lastUsedAt": None,
           "expiresAt": None, "allowedIps": [], "description": None, "selfRotate": False, "token": SECRET}
ROTATED = {**CREATED, "id": "clx7f2k3z", "replaces": {"id": "clx7f2k3a", "expiresAt": "2100-01-02T03:04:05.678Z"}}


@pytest.fixture
def stub(stub):
    stub.answers["GET", "/api/v1/auth/whoami"] = (200, OF_TODAY)
    for made in ("clx7f2k3a", "clx7f2k3z"):
        stub.answers["DELETE", f"/api/v1/orgs/acme/tokens/{made}"] = (200, {"id": made, "name": "ci", "revokedAt": iso(MADE)})
    return stub


@pytest.fixture
def cli(paper):
    return paper


def bodies(stub):
    return [json.loads(request.body) for request in stub.requests if request.command == "POST"]


# ---- what is sent ----

@pytest.mark.parametrize("when, seconds", [("1w", 604800), ("1y", 365 * 86400), ("90d", 90 * 86400), ("12h", 43200)])
def test_a_length_is_sent_as_a_length(when, seconds, stub, cli):
    stub.answers[TOKENS] = (201, {**CREATED, "expiresAt": iso(MADE + datetime.timedelta(seconds=seconds))})
    cli.must("token", "create", "--name", "ci", "--expires", when)
    assert bodies(stub) == [{"name": "ci", "scopes": ["read", "write"], "expiresIn": seconds}]


def test_a_time_is_sent_as_a_time_and_never_as_nothing(stub, cli):
    stub.answers[TOKENS] = (201, {**CREATED, "expiresAt": "2100-01-01T00:00:00.000Z"})
    cli.must("token", "create", "--name", "ci", "--expires", "2100-01-01")
    cli.must("token", "create", "--name", "ci", "--expires", "never")
    assert [{name: body[name] for name in body if name.startswith("expires")} for body in bodies(stub)] == [
        {"expiresAt": "2100-01-01T00:00:00.000Z"}, {}]


def test_the_mark_and_the_description_are_sent(stub, cli):
    stub.answers[TOKENS] = (201, {**CREATED, "selfRotate": True, "description": "of CI"})
    cli.must("token", "create", "--name", "ci", "--self-rotate", "--description", "of CI")
    assert bodies(stub) == [{"name": "ci", "scopes": ["read", "write"], "description": "of CI", "selfRotate": True}]


def test_a_rotation_of_oneself_needs_no_id_and_no_admin(stub, cli):
    stub.answers[ROTATE_SELF] = (201, {**ROTATED, "selfRotate": True})
    done = cli.run("token", "rotate", "--self", "--expires", "1w", "--overlap", "1h")
    assert done.returncode == 1, "the answer has no end"
    stub.answers[ROTATE_SELF] = (201, {**ROTATED, "selfRotate": True, "expiresAt": iso(MADE + datetime.timedelta(days=7))})
    assert f"  Token:  {SECRET}\n" in cli.must("token", "rotate", "--self", "--expires", "1w", "--overlap", "1h")
    assert bodies(stub)[-1] == {"overlapSeconds": 3600, "expiresIn": 604800}


# ---- what came is compared ----

WIDER = {
    "end": (["--expires", "90d"], {}, "--expires"),
    "later end": (["--expires", "1h"], {"expiresAt": iso(MADE + datetime.timedelta(days=1))}, "--expires"),
    "later than a date": (["--expires", "2100-01-01"], {"expiresAt": "2100-01-02T00:00:00.000Z"}, "--expires"),
    "addresses": (["--allow-ip", "10.0.0.0/8"], {}, "--allow-ip"),
    "binding": (["--bind-san", "spiffe://example.org/ci"], {}, "--bind-san"),
    "another binding": (["--bind-san", "ci.example.org"], {"boundSan": "*.example.org"}, "--bind-san"),
    "more addresses": (["--allow-ip", "10.0.0.0/8"], {"allowedIps": ["10.0.0.0/8", "0.0.0.0/0"]}, "--allow-ip"),
    "scopes": (["--scopes", "read"], {}, "--scopes"),
    "children": (["--bind-children"], {}, "--bind-children"),
    "mark": (["--self-rotate"], {}, "--self-rotate"),
    "mark that was not asked for": ([], {"selfRotate": True}, "--self-rotate"),
}


@pytest.mark.parametrize("flags, answer, flag", [pytest.param(*case, id=title) for title, case in WIDER.items()])
@pytest.mark.parametrize("form", [[], ["--json"]], ids=["shown", "json"])
def test_a_token_that_came_wider_is_revoked_and_not_shown(flags, answer, flag, form, stub, cli):
    stub.answers[TOKENS] = (201, {**CREATED, **answer})
    done = cli.run("token", "create", "--name", "ci", *flags, *form)
    assert (done.returncode, done.stdout) == (1, "") and SECRET not in done.stderr
    assert (f"the gateway is older than {flag} and made a token that is not what was asked for: it has been revoked, and its secret is "
            "not shown") in done.stderr
    assert stub.asked()[-1] == "DELETE /api/v1/orgs/acme/tokens/clx7f2k3a"


def test_a_token_that_came_wider_and_cannot_be_revoked_is_named(stub, cli):
    del stub.answers["DELETE", "/api/v1/orgs/acme/tokens/clx7f2k3a"]
    stub.answers[TOKENS] = (201, CREATED)
    done = cli.run("token", "create", "--name", "ci", "--expires", "90d")
    assert (done.returncode, done.stdout) == (1, "") and SECRET not in done.stderr
    assert "could not be revoked (" in done.stderr and done.stderr.endswith("do that: skillreg token revoke clx7f2k3a\n")


def test_the_clocks_of_a_gateway_and_its_database_may_differ_by_minutes(stub, cli):
    stub.answers[TOKENS] = (201, {**CREATED, "expiresAt": iso(MADE + datetime.timedelta(hours=1, minutes=5))})
    assert SECRET in cli.must("token", "create", "--name", "ci", "--expires", "1h")


def test_a_successor_that_ends_later_than_asked_is_revoked(stub, cli):
    stub.answers[ROTATE] = (201, ROTATED)
    done = cli.run("token", "rotate", "clx7f2k3a", "--expires", "1w")
    assert (done.returncode, done.stdout) == (1, "") and "older than --expires" in done.stderr
    assert stub.asked()[-1] == "DELETE /api/v1/orgs/acme/tokens/clx7f2k3z"


@pytest.mark.parametrize("words, sentence", [
    (["--self"], "the gateway is older than --self, ask an admin to replace the token: skillreg token rotate <id>"),
    (["clx7f2k3a", "--expires", "1w"], "the gateway is too old to count a duration, give a time: --expires 2027-01-31T12:00:00Z")])
def test_an_older_gateway_is_known_before_anything_is_rotated(words, sentence, stub, cli):
    stub.answers["GET", "/api/v1/auth/whoami"] = (200, WHOAMI)
    done = cli.run("token", "rotate", *words)
    assert (done.returncode, done.stderr) == (1, f"skillreg: {sentence}\n")
    assert bodies(stub) == []


# ---- the warning before the end ----

@pytest.mark.parametrize("marks, advice", [
    ({"scopes": ["read"], "selfRotate": True}, "Replace it: skillreg token rotate --self"),
    ({"scopes": ["admin"], "selfRotate": True}, "Replace it: skillreg token rotate --self"),
    ({"scopes": ["admin"], "selfRotate": False}, "Replace it: skillreg token rotate clt1"),
    ({"scopes": ["read"], "selfRotate": False}, "Ask an admin of the organisation to replace it: skillreg token rotate clt1"),
    ({"scopes": ["read"]}, "Ask an admin of the organisation to replace it: skillreg token rotate clt1")],
    ids=["itself", "itself, an admin", "an admin", "another", "another, of an older gateway"])
@pytest.mark.parametrize("words", [["whoami"], ["audit"]], ids=" ".join)
def test_the_warning_names_what_this_token_can_do(marks, advice, words, stub, cli):
    soon = {"SkillReg-Token-Expires": iso(datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=5, seconds=30))}
    stub.answers["GET", "/api/v1/auth/whoami"] = (200, {**WHOAMI, "token": {**WHOAMI["token"], **marks}}, soon)
    stub.answers["GET", "/api/v1/orgs/acme/audit"] = (200, {"events": [], "next": None}, soon)
    done = cli.run(*words)
    assert done.returncode == 0 and done.stderr.endswith(f"). {advice}\n")


def test_the_warning_is_more_general_where_that_is_not_known(stub, cli):
    soon = {"SkillReg-Token-Expires": iso(datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=5, seconds=30))}
    stub.answers["GET", "/api/v1/orgs/acme/audit"] = (200, {"events": [], "next": None}, soon)
    del stub.answers["GET", "/api/v1/auth/whoami"]
    assert cli.run("audit").stderr.endswith("). Replace it, or ask an admin to: skillreg token rotate <id>\n")


# ---- the real gateway ----

@pytest.fixture
def real(skillreg, new_org):
    return skillreg(new_org("admin"))


@pytest.mark.parametrize("when, length", [("1w", datetime.timedelta(days=7)), ("1y", datetime.timedelta(days=365)), ("never", None)])
def test_the_gateway_counts_the_length(when, length, real):
    token = json.loads(real.must("token", "create", "--name", "ci", "--expires", when, "--json"))
    ends, made = (token[name] and datetime.datetime.fromisoformat(token[name].replace("Z", "+00:00")) for name in ("expiresAt", "createdAt"))
    assert ends is None if length is None else abs(ends - made - length) < datetime.timedelta(minutes=10)


def test_a_token_that_was_made_so_replaces_itself(real, skillreg, gateway):
    own = json.loads(real.must("token", "create", "--name", "ci", "--scopes", "read", "--expires", "5d", "--self-rotate", "--description",
                               "of the night build", "--json"))
    assert (own["selfRotate"], own["description"]) == (True, "of the night build")
    holder = skillreg(token=own["token"])
    assert holder.run("whoami").stderr.endswith("). Replace it: skillreg token rotate --self\n")
    successor = json.loads(holder.must("token", "rotate", "--self", "--overlap", "0", "--json"))
    assert [gateway.request("GET", "/api/v1/auth/whoami", token["token"]).status for token in (own, successor)] == [401, 200]
    assert (successor["scopes"], successor["selfRotate"]) == (["read"], True)


def test_a_token_that_was_not_made_so_does_not(real, skillreg):
    own = json.loads(real.must("token", "create", "--name", "ci", "--scopes", "write", "--json"))
    done = skillreg(token=own["token"]).run("token", "rotate", "--self")
    assert (done.returncode, done.stdout) == (6, "") and done.stderr.count("\n") == 1


def test_the_stored_token_replaces_itself_where_it_is_stored(real, skillreg):
    own = json.loads(real.must("token", "create", "--name", "ci", "--scopes", "read", "--self-rotate", "--json"))
    holder = skillreg()
    holder.must("login", "--token", text_in=own["token"])
    assert "The new token is in ~/.skillreg/config.json." in holder.must("token", "rotate", "--self", "--store", "--overlap", "0")
    assert json.loads(holder.must("whoami", "--json"))["token"]["id"] != own["id"]

# SPDX-License-Identifier: MIT
"""`skillreg token revoke` of more tokens than one request takes, and of those of which something is true. Against the real gateway; against one of paper where a request is
to fail."""
import contextlib
import hashlib
import json
import re

import pytest

from harness import token_syntax
from harness.paper_gateway import SECRET, WHOAMI, ago, error

REVOKE = "/api/v1/orgs/acme/tokens/revoke"


def line(name):
    return f'\u2713 Token "{name}" has been revoked.\n'


@pytest.fixture
def insert(postgres, organisation):
    """Tokens without a secret that anybody has; their ids."""
    def make(name, count, age="1 day", used=None, scopes=1):
        stem = re.sub("[^a-z0-9]", "", organisation.slug + name.lower())
        ids = [f"{stem}{i:05d}" for i in range(count)]
        postgres.query("insert into skillreg.api_token (id, org_id, name, prefix, digest, scopes, created_by, created_at, last_used_at)"
                       " select i, o.id, %s, 'sr_live_a1b2', sha256(i::bytea), %s, 'operator', now() - %s::interval, now() - %s::interval"
                       " from unnest(%s) i, skillreg.organisation o where o.slug = %s",
                       (name, scopes, age, used, ids, organisation.slug))
        return ids
    return make


@pytest.fixture
def live(postgres, organisation):
    """The ids of the tokens that are live."""
    def query():
        return {id for id, in postgres.query("select t.id from skillreg.api_token t join skillreg.organisation o on o.id = t.org_id"
                                             " where o.slug = %s and t.revoked_at is null", (organisation.slug,))}
    return query


def own_id_of(command_line):
    return json.loads(command_line.must("whoami", "--json"))["token"]["id"]


def revoke_all(ids):
    """The answer of a gateway where every id is one of a live token."""
    return 200, {"revoked": [{"id": id, "name": "name-" + id, "revokedAt": ago()} for id in ids], "notFound": [], "ownRevoked": False}


def answers(stub, *made):
    """Each request of a revoke gets the next one: None for one that is served."""
    rest = iter(made)

    def answer(_):
        return next(rest, None) or revoke_all(json.loads(stub.requests[-1].body)["ids"])
    stub.answers["POST", REVOKE] = answer


def batches_of(stub):
    return [(request.path.partition("?")[2], json.loads(request.body)["ids"]) for request in stub.requests if request.command == "POST"]


# ---- ids ----

def test_2500_are_revoked_in_three_transactions_with_one_wait(command_line, insert, live, organisation, postgres):
    ids, kept = insert("many", 2500), insert("kept", 1)
    done = command_line.run("token", "revoke", *ids, "--wait")
    assert (done.returncode, done.stderr) == (0, "") and done.stdout == line("many") * 2500
    assert live() == {*kept, own_id_of(command_line)}
    assert postgres.query("select count(distinct revoked_at) from skillreg.api_token where id = any(%s)", (ids,)) == [(3,)]


def test_the_answers_are_one_in_json(command_line, insert):
    ids = insert("many", 1200)
    done = command_line.run("token", "revoke", *ids[:600], "gone", *ids[600:], "--json", "--wait")
    document = json.loads(done.stdout)
    assert done.returncode == 7 and list(document) == ["revoked", "notFound", "ownRevoked", "gateways"]
    assert [one["id"] for one in document["revoked"]] == ids and all(one["revokedAt"] and one["name"] == "many" for one in document["revoked"])
    assert (document["notFound"], document["ownRevoked"]) == (["gone"], False) and document["gateways"] >= 1


def test_the_token_of_the_call_goes_last_and_is_told(command_line, insert, live):
    ids, own_id = insert("many", 1500), own_id_of(command_line)
    done = command_line.run("token", "revoke", own_id, *ids, "--last")
    assert (done.returncode, done.stderr) == (0, "skillreg: note: the token of this call was among them\n")
    assert done.stdout == line("many") * 1500 + line("admin-key") and live() == set()


def test_the_last_admin_token_among_many_is_asked_about(command_line, insert, live):
    ids, own_id = insert("many", 1001), own_id_of(command_line)
    refused = command_line.run("token", "revoke", own_id, *ids)
    assert refused.returncode == 8 and "1000 of 1002 tokens are revoked" in refused.stderr and "--last revokes it" in refused.stderr
    assert live() == {own_id, ids[1000]}, "the first thousand are done"
    for reply, code in ((b"n\n", 8), (b"y\n", 0)):
        with contextlib.closing(command_line.on_terminal("token", "revoke", own_id, ids[1000])) as terminal:
            terminal.wait_for(b"The last live admin token of the organisation is among them, which can make no other then. Revoke them? [y/N] ")
            terminal.type(reply)
            shown = terminal.read_all()
            assert terminal.process.wait() == code
            assert ("none was revoked, --last revokes them all the same" in shown) == (code == 8)
        assert live() == ({own_id, ids[1000]} if code else set())


def test_an_id_that_is_given_twice_changes_nothing(stub, paper):
    refused = paper.run("token", "revoke", "clx7f2k3a", "clx7f2k3b", "clx7f2k3a")
    assert refused.returncode == 2 and "the id clx7f2k3a is given twice" in refused.stderr and stub.requests == []


IDS = [f"clx{i:05d}" for i in range(2500)]


def test_a_failure_leaves_what_is_done_and_names_what_is_left(stub, paper):
    answers(stub, None, (503, error("unavailable", "The database is away."), {"Retry-After": "1"}))
    done = paper.run("token", "revoke", *IDS, "--wait")
    assert done.returncode == 9 and done.stdout == "".join(line("name-" + id) for id in IDS[:1000])
    *notes, last = done.stderr.splitlines()
    assert notes == ([f"skillreg: note: it is not known whether this is revoked: {id}" for id in IDS[1000:2000]]
                     + [f"skillreg: note: not revoked: {id}" for id in IDS[2000:]])
    assert last.endswith("1000 of 2500 tokens are revoked, and maybe the next ones, the same command again goes on")
    assert [(query, len(ids)) for query, ids in batches_of(stub)] == [("", 1000), ("", 1000)], "nothing is sent twice, nothing after it"


def test_a_refusal_is_told_in_json(stub, paper):
    answers(stub, None, (429, error("rate_limited", "Too many requests."), {"Retry-After": "1"}))
    done = paper.run("token", "revoke", *IDS, "--json")
    document, failure = json.loads(done.stdout), json.loads(done.stderr.splitlines()[-1])
    assert done.returncode == 9 and failure["error"]["code"] == "rate_limited"
    assert [one["id"] for one in document["revoked"]] == IDS[:1000] and document["notRevoked"] == IDS[1000:] and document["unknown"] == []
    assert "1000 of 2500 tokens are revoked, the same command again goes on" in failure["error"]["message"]


def test_the_wait_is_with_the_last_request(stub, paper):
    answers(stub)
    assert paper.run("token", "revoke", *IDS, "--wait", "--last").returncode == 0
    assert [(query, len(ids)) for query, ids in batches_of(stub)] == [("last=true", 1000), ("last=true", 1000), ("wait=10&last=true", 500)]


def test_a_wait_behind_tokens_that_were_gone_confirms_nothing(stub, paper):
    gone = {"revoked": [], "notFound": IDS[1000:1001], "ownRevoked": False, "gateways": 2}
    answers(stub, None, (200, gone))
    done = paper.run("token", "revoke", *IDS[:1001], "--wait")
    assert done.returncode == 4 and "not known whether every gateway has heard" in done.stderr


@pytest.mark.parametrize("counts, sentence", [
    ({"pending": 1, "silent": 0, "until": "2026-01-01T00:00:12.345Z"},
     "not confirmed everywhere: 1 gateway has not heard of it yet, 0 gateways fell silent; there {0} may still be let in,"
     " until 2026-01-01T00:00:12.345Z at the latest"),
    ({"pending": 0}, "it is not known whether every gateway has heard of it: one that cannot ask the database may let {1} in for a"
     " while (--stale-read of the gateway, 10 minutes by default)")], ids=["told", "unknown"])
@pytest.mark.parametrize("gone, words", [
    ([], ("the tokens are revoked", "they", "them")), (IDS[1:2], ("the token is revoked", "it", "it"))], ids=["two", "one"])
def test_what_is_not_confirmed_is_said_of_as_many_as_are_revoked(counts, sentence, gone, words, stub, paper):
    revoked = [id for id in IDS[:2] if id not in gone]
    answers(stub, (202, {**revoke_all(revoked)[1], "notFound": gone, **counts}))
    done = paper.run("token", "revoke", *IDS[:2], "--wait")
    assert done.returncode == 4 and f"{words[0]}, but {sentence.format(*words[1:])}" in done.stderr, done.stderr


# ---- what is true of them ----

LEFT_OUT = "skillreg: note: the token of this call is left out; its id revokes it: skillreg token revoke {}\n"


def lines(shown):
    """The ids of a table, and its titles."""
    titles, *rows = shown.splitlines()
    return titles.split(), [row.split()[-1] for row in rows]


def test_what_is_old_or_unused_is_shown_and_stays_with_a_dry_run(command_line, insert, live):
    old, used, young = insert("old", 2, "100 days"), insert("used", 1, "100 days", "1 day"), insert("young", 1, "2 days")
    assert lines(command_line.must("token", "revoke", "--older-than", "90d", "--dry-run"))[1] == used + old[::-1]
    assert lines(command_line.must("token", "revoke", "--unused", "90d", "--dry-run"))[1] == old[::-1]
    assert lines(command_line.must("token", "revoke", "--unused", "1h", "--older-than", "3d", "--dry-run"))[1] == used + old[::-1]
    assert lines(command_line.must("token", "revoke", "--unused", "1h", "--name", "O", "--dry-run"))[1] == young + old[::-1]
    done = command_line.run("token", "revoke", "--unused", "90d", "--dry-run")
    assert lines(done.stdout)[0] == ["NAME", "PREFIX", "SCOPES", "LAST", "USED", "ID"] and done.stderr == "skillreg: note: 2 tokens would be revoked\n"
    document = json.loads(command_line.must("token", "revoke", "--unused", "90d", "--dry-run", "--json"))
    assert [token["id"] for token in document["tokens"]] == old[::-1]
    assert command_line.must("token", "revoke", "--unused", "200d", "--dry-run") == "No token matches.\n"
    assert live() == {*old, *used, *young, own_id_of(command_line)}


def test_what_was_chosen_is_revoked_and_nothing_else(command_line, insert, live):
    old, used = insert("old", 2500, "100 days"), insert("used", 3, "100 days", "1 day")
    admins = insert("root", 1, "100 days", scopes=4)
    done = command_line.run("token", "revoke", "--unused", "90d", "--scope", "read", "--yes", "--wait")
    assert (done.returncode, done.stdout, done.stderr) == (0, line("old") * 2500, "")
    assert live() == {*used, *admins, own_id_of(command_line)}
    assert command_line.must("token", "revoke", "--unused", "90d", "--scope", "read", "--yes") == "No token matches.\n"
    assert json.loads(command_line.must("token", "revoke", "--unused", "90d", "--scope", "read", "--yes", "--json"))["revoked"] == []


def test_the_token_of_the_call_is_left_out(skillreg, organisation, insert, live, postgres):
    secret, (own_id,), old = token_syntax.make(), insert("own", 1, "90 days", scopes=4), insert("old", 1, "2 days")
    postgres.query("update skillreg.api_token set prefix = %s, digest = %s where id = %s",
                   (secret[:12], hashlib.sha256(secret.encode()).digest(), own_id))
    own, before = skillreg(organisation, secret), live()
    done = own.run("token", "revoke", "--older-than", "1d", "--yes")
    assert (done.returncode, done.stdout, done.stderr) == (0, line("old"), LEFT_OUT.format(own_id))
    assert live() == before - set(old)


@pytest.mark.parametrize("reply, code", [(b"y\n", 0), (b"\n", 1)], ids=["yes", "no"])
@pytest.mark.parametrize("flags", [(), ("--json",)], ids=["text", "json"])
def test_what_was_chosen_is_shown_and_asked_about_at_a_terminal(flags, reply, code, command_line, insert, live):
    old = insert("old", 37, "100 days")
    with contextlib.closing(command_line.on_terminal("token", "revoke", "--unused", "90d", *flags)) as terminal:
        terminal.wait_for(b"Revoke these 37 tokens? [y/N] ")
        terminal.type(reply)
        shown = terminal.read_all()
        assert terminal.process.wait() == code
    assert lines(shown.partition("Revoke these")[0])[1] == old[::-1]
    assert ("nothing was revoked" in shown) == (code == 1)
    assert live() == {own_id_of(command_line), *(old if code else [])}


def test_without_a_terminal_it_takes_yes(stub, paper):
    refused = paper.run("token", "revoke", "--unused", "90d")
    assert refused.returncode == 2 and "--yes revokes them unasked, --dry-run shows them" in refused.stderr and stub.requests == []


@pytest.mark.parametrize("words", [
    ("--unused", "90d", "clx7f2k3a"), ("--unused", "90d", "--self"), ("--unused", "90d", "--chain"), ("--unused", "90d", "--with-successors"),
    ("--unused", "soon"), ("--older-than", "90"), ("--older-than", "0d"), ("--unused", "40000d"), ("--name", "ci"), ("--scope", "read"),
    ("clx7f2k3a", "--dry-run"), ("clx7f2k3a", "--name", "ci"), ("--self", "--dry-run"), ("--unused", "90d", "--scope", "all"),
    ("--unused", "90d", "--name", SECRET[:20]),
], ids=["id", "self", "chain", "successors", "word", "no-unit", "zero", "long", "name", "scope", "dry-id", "name-id", "dry-self", "no-scope", "token"])
def test_what_makes_no_sense_together_changes_nothing(words, stub, paper):
    refused = paper.run("token", "revoke", *words, "--yes")
    assert refused.returncode == 2 and stub.requests == [] and SECRET[:20] not in refused.stderr


# ---- a gateway that is older ----

TOKENS = "/api/v1/orgs/acme/tokens"


def row(id, created, used=None, name="ci", scopes=("read",)):
    return {"id": id, "name": name, "prefix": "sr_live_a1b2", "scopes": list(scopes), "createdAt": created, "lastUsedAt": used, "expiresAt": None}


def test_a_gateway_that_ignores_what_chooses_revokes_no_more(stub, paper):
    pages = {"": [row("clt1", ago(days=400)), row("clxnew", ago(days=1)), row("clxused", ago(days=200), ago(days=1))],
             "cDI": [row("clxold", ago(days=200), ago(days=100)), row("clxother", ago(days=200), name="web"), row("clxadmin", ago(days=200), scopes=["admin"])]}

    def answer(handler):
        after = re.search(r"after=(\w*)", handler.path)[1]
        return 200, {"tokens": pages[after], "next": None if after else "cDI"}
    stub.answers["GET", TOKENS] = answer
    answers(stub)
    done = paper.run("token", "revoke", "--unused", "90d", "--name", "CI", "--scope", "read", "--yes")
    assert (done.returncode, done.stdout, done.stderr) == (0, line("name-clxold"), LEFT_OUT.format("clt1"))
    assert batches_of(stub) == [("", ["clxold"])]
    assert "&unused=90d&name=CI&scope=read" in stub.requests[1].path


def test_a_gateway_that_counts_pages_is_not_asked_to_revoke(stub, paper):
    stub.answers["GET", TOKENS] = 200, {"tokens": [row("clxold", ago(days=200))], "pagination": {"page": 1, "limit": 200, "total": 1, "totalPages": 1}}
    for flag in ("--unused", "--older-than"):
        refused = paper.run("token", "revoke", flag, "90d", "--yes")
        assert refused.returncode == 1 and "the gateway is too old to choose" in refused.stderr
    assert batches_of(stub) == []


def test_the_clock_of_the_gateway_counts(stub, paper):
    stub.date = "Thu, 01 Jan 2026 00:00:00 GMT"
    stub.answers["GET", TOKENS] = 200, {"tokens": [row("clxa", "2025-10-03T00:00:01.000Z"), row("clxb", "2025-10-03T00:00:00.000Z")], "next": None}
    answers(stub)
    assert paper.must("token", "revoke", "--older-than", "90d", "--yes") == line("name-clxb")


@pytest.mark.parametrize("left_out", ["createdAt", "lastUsedAt", "id", "name"])
def test_a_row_that_does_not_tell_ends_it(left_out, stub, paper):
    whole = row("clxold", ago(days=200))
    stub.answers["GET", TOKENS] = 200, {"tokens": [whole, {key: value for key, value in whole.items() if key != left_out}], "next": None}
    assert paper.run("token", "revoke", "--unused", "90d", "--yes").returncode == 1 and batches_of(stub) == []


def test_a_gateway_that_does_not_say_who_asks_is_not_asked_to_revoke(stub, paper):
    stub.answers["GET", "/api/v1/auth/whoami"] = 200, {key: value for key, value in WHOAMI.items() if key != "token"}
    stub.answers["GET", TOKENS] = 200, {"tokens": [row("clxold", ago(days=200))], "next": None}
    refused = paper.run("token", "revoke", "--unused", "90d", "--yes")
    assert refused.returncode == 1 and "does not say which token asks" in refused.stderr and batches_of(stub) == []

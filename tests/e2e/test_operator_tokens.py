# SPDX-License-Identifier: MIT
"""What an operator sees and ends straight in the database: organisations and tokens, and what gateways make of it at once."""
import json
import re
import signal
import subprocess

import pytest

from harness import binaries
from harness.waiting import PATIENCE_S, eventually

WHOAMI = "/api/v1/auth/whoami"


def lines_of(text):
    return text.splitlines()


def refused(operator, *arguments, code=1):
    done = operator.run(*arguments)
    assert done.returncode == code, f"exit {done.returncode}: {done.stdout}{done.stderr}"
    assert done.stdout == "" and done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def whoami(gateway, token):
    return gateway.request("GET", WHOAMI, token)


# ---- organisations ----

def test_organisations_are_listed_with_their_live_tokens(operator, new_org):
    own = new_org("admin", "read")
    titles, *rows = lines_of(operator.must("org", "list"))
    assert re.split(r"\s{2,}", titles.strip()) == ["SLUG", "LIVE TOKENS", "CREATED", "DELETED", "NAME"]
    row, = [row for row in rows if row.split()[0] == own.slug]
    assert row.split()[1] == "2" and row.endswith(f"  {own.slug}")
    assert row[titles.index("NAME"):] == own.slug, "the columns line up"
    found, = [org for org in json.loads(operator.must("org", "list", "--json"))["organisations"] if org["slug"] == own.slug]
    assert found["liveTokens"] == 2 and found["deletedAt"] is None
    assert json.loads(operator.must("org", "show", own.slug, "--json")) == found
    assert f"Slug:         {own.slug}\n" in operator.must("org", "show", own.slug)


def test_an_organisation_that_is_renamed_is_known_by_its_new_slug_at_once(operator, new_org, gateway):
    own = new_org("admin")
    new = f"{own.slug}-renamed"
    assert whoami(gateway, own.admin).json()["org"]["slug"] == own.slug
    assert operator.must("org", "rename", own.slug, "--slug", new, "--name", "Renamed & Co") == \
        f"✓ Organisation \"{own.slug}\" renamed to \"{new}\".\n"
    eventually(lambda: whoami(gateway, own.admin).json()["org"]["slug"] == new, "did the gateway hear of it")
    assert whoami(gateway, own.admin).json()["org"]["name"] == "Renamed & Co"
    assert gateway.request("GET", f"/api/v1/orgs/{new}/tokens", own.admin).status == 200
    assert gateway.request("GET", f"/api/v1/orgs/{own.slug}/tokens", own.admin).status == 403
    assert json.loads(operator.must("org", "rename", new, "--name", "Again", "--json"))["name"] == "Again"


def test_a_slug_that_is_taken_is_refused(operator, new_org):
    first, second = new_org(), new_org()
    assert first.slug in refused(operator, "org", "rename", second.slug, "--slug", first.slug)
    assert operator.must("org", "show", second.slug)


def test_an_organisation_is_deleted_and_restored(operator, new_org, gateway):
    own = new_org("admin", "read")
    assert whoami(gateway, own.admin).status == 200
    assert "2 live tokens" in refused(operator, "org", "delete", own.slug), "nobody can be asked"
    assert whoami(gateway, own.admin).status == 200
    assert "2 live tokens refused from now on" in operator.must("org", "delete", own.slug, "--yes")
    eventually(lambda: whoami(gateway, own.admin).status == 401, "did the gateway hear of it")
    assert own.slug not in [line.split()[0] for line in lines_of(operator.must("org", "list"))]
    assert own.slug in [line.split()[0] for line in lines_of(operator.must("org", "list", "--all"))]
    assert "already" in refused(operator, "org", "delete", own.slug, "--yes")
    assert operator.must("org", "restore", own.slug) == f"✓ Organisation \"{own.slug}\" restored, and with it 2 live tokens.\n"
    eventually(lambda: whoami(gateway, own.admin).status == 200, "did the gateway hear of it")
    assert "not deleted" in refused(operator, "org", "restore", own.slug)


@pytest.mark.parametrize("keys, is_deleted", [(b"y\n", True), (b"n\n", False), (b"\n", False), (b"\x04", False)],
                         ids=["yes", "no", "enter", "end of input"])
def test_whoever_deletes_at_a_terminal_is_asked(keys, is_deleted, operator, new_org):
    own = new_org()
    terminal = operator.on_terminal("org", "delete", own.slug)
    try:
        terminal.wait_for(b"[y/N] ")
        assert f'Delete organisation "{own.slug}"? That ends 1 live token at once.'.encode() in terminal.seen
        terminal.type(keys)
        terminal.process.communicate(timeout=PATIENCE_S)
        assert terminal.process.returncode == (0 if is_deleted else 1)
    finally:
        terminal.close()
    assert (json.loads(operator.must("org", "show", own.slug, "--json"))["deletedAt"] is not None) == is_deleted


@pytest.mark.parametrize("arguments", [
    ("org", "show", "nobody"), ("org", "rename", "nobody", "--name", "x"), ("org", "delete", "nobody", "--yes"),
    ("org", "restore", "nobody"), ("token", "list", "--org", "nobody"), ("token", "export", "--org", "nobody"),
], ids=" ".join)
def test_an_organisation_that_is_not_there_is_named(arguments, operator):
    assert "nobody" in refused(operator, *arguments)


# ---- tokens ----

@pytest.fixture
def own(operator, new_org):
    """An organisation with a token that lives, one that expires, and one that is revoked."""
    org = new_org("admin")
    made = {name: operator.create_token(org.slug, name, "read,write", *more)
            for name, more in (("lives", ()), ("expires", ("--expires", "90d", "--allow-ip", "10.0.0.0/8")), ("ended", ()))}
    operator.must("token", "revoke", made["ended"]["id"])
    return org, made


def test_tokens_are_listed_in_columns(operator, own):
    org, made = own
    titles, *rows = lines_of(operator.must("token", "list", "--org", org.slug))
    assert re.split(r"\s{2,}", titles) == ["ID", "PREFIX", "SCOPES", "LAST USED", "EXPIRES", "NAME"]
    assert [row[titles.index("NAME"):] for row in rows] == ["expires", "lives", "admin-key"], "newest first, live ones"
    assert rows[1].startswith(f"{made['lives']['id']}  {made['lives']['prefix']}  read, write ")
    titles, *rows = lines_of(operator.must("token", "list", "--org", org.slug, "--all"))
    assert [row[titles.index("STATE"):].split()[0] for row in rows] == ["revoked", "live", "live", "live"]


def test_tokens_of_all_organisations_say_whose_they_are(operator, own, new_org):
    other = new_org("read")
    titles, *rows = lines_of(operator.must("token", "list"))
    assert {org.slug for org in (own[0], other)} <= {row[titles.index("ORG"):].split()[0] for row in rows}


def test_tokens_in_json_are_as_the_api_shows_them(operator, own, gateway):
    org, made = own
    listed = json.loads(operator.must("token", "list", "--org", org.slug, "--all", "--json"))["tokens"]
    assert [token["state"] for token in listed] == ["revoked", "live", "live", "live"]
    by_id = {token["id"]: token for token in listed}
    for shown in gateway.request("GET", f"/api/v1/orgs/{org.slug}/tokens", org.admin).json()["tokens"]:
        mine = by_id[shown["id"]]
        assert mine["org"] == org.slug
        for name in ("name", "prefix", "scopes", "createdAt", "expiresAt", "allowedIps"):
            assert mine[name] == shown[name]
    assert by_id[made["ended"]["id"]]["revokedBy"] == "operator"
    assert json.loads(operator.must("token", "show", made["lives"]["id"], "--json"))["name"] == "lives"


def test_a_token_is_shown_with_all_that_is_known(operator, own):
    org, made = own
    shown = operator.must("token", "show", made["expires"]["id"])
    for line in ("Name:         expires", f"Organisation: {org.slug}", "State:        live", "Works from:   10.0.0.0/8"):
        assert line in lines_of(shown), shown
    ended = operator.must("token", "show", made["ended"]["id"])
    assert "State:        revoked" in ended and "Revoked by:   operator" in ended
    assert made["ended"]["token"] not in ended
    assert "nosuch" in refused(operator, "token", "show", "nosuch")
    refused(operator, "token", "show", made["lives"]["id"], "--org", "acme-other")


def test_a_revoked_token_is_refused_at_once(operator, own, gateway):
    org, made = own
    assert whoami(gateway, made["lives"]["token"]).status == 200
    done = operator.run("token", "revoke", made["lives"]["id"], "--wait")
    assert done.stdout == '✓ Token "lives" has been revoked.\n'
    assert done.returncode in (0, 4), "4: a gateway of another test in this database fell silent"
    assert whoami(gateway, made["lives"]["token"]).status == 401, "waited for"
    assert "before" in refused(operator, "token", "revoke", made["lives"]["id"])
    assert "other" in refused(operator, "token", "revoke", made["expires"]["id"], "--org", "other")
    events = gateway.request("GET", f"/api/v1/orgs/{org.slug}/audit", org.admin).json()["events"]
    assert events[0]["action"] == "revoke" and events[0]["actor"]["name"] == "operator"


def test_a_gateway_that_does_not_hear_is_told_of(operator, own, start_gateway, postgres):
    """Frozen, it may go on by what it knows."""
    def members():
        return postgres.query("select count(*) from skillreg.gateway_state")[0][0]

    before = members()
    frozen = start_gateway()
    eventually(lambda: members() == before + 1, "has it joined")
    frozen.process.send_signal(signal.SIGSTOP)
    try:
        done = operator.run("token", "revoke", own[1]["lives"]["id"], "--wait")
    finally:
        frozen.process.send_signal(signal.SIGCONT)
    assert done.returncode == 4, done.stderr
    assert "has been revoked" in done.stdout and "not confirmed everywhere" in done.stderr


def test_successors_are_named_or_revoked_as_well(operator, new_org, gateway):
    org = new_org("admin")
    for more, ends in (((), False), (("--with-successors",), True)):
        made = operator.create_token(org.slug, "old", "read")
        rotated = gateway.request("POST", f"/api/v1/orgs/{org.slug}/tokens/{made['id']}/rotate", org.admin, json_body={}).json()
        done = operator.run("token", "revoke", made["id"], *more)
        assert done.returncode == 0 and rotated["id"] in done.stderr
        assert ("with it" in done.stderr) == ends and ("still live" in done.stderr) != ends
        eventually(lambda: (whoami(gateway, rotated["token"]).status == 401) == ends, "is it as it was said")


@pytest.mark.parametrize("words", ["token list", "token list --json", "org list", "org list --json", "org show acme", "check",
                                   "check --json", "grants --role x", "migrate"])
def test_a_reader_that_has_seen_enough_is_no_failure(words, operator, own, acme):
    """Ends as SIGPIPE ends others, 141 for a shell, without a word."""
    environment = {"GATEWAY_LISTEN_HTTPS": "off", "GATEWAY_LISTEN_HTTP": "127.0.0.1:0", **operator._environment()}
    listing = subprocess.Popen([binaries.find("skillreg-gateway"), *words.split()], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=environment)
    listing.stdout.close()
    assert (listing.wait(PATIENCE_S), listing.stderr.read()) == (-signal.SIGPIPE, b"")
    listing.stderr.close()


@pytest.mark.parametrize("arguments", [
    ("org", "list", "acme"), ("org", "show"), ("org", "rename", "acme"), ("org", "rename", "acme", "--slug", "A"),
    ("org", "delete", "acme", "--all"), ("org", "list", "--yes"), ("token", "show"), ("token", "show", "sr_live_abcdefghijklmnopqrstuvwx"),
    ("token", "revoke", "a", "b"), ("token", "list", "--json=yes"), ("token", "export", "--json"), ("token", "export", "--format", "xml"),
    ("token", "import", "--file", ""), ("token", "import", "--file", "x", "--name", "y"), ("token", "import", "--file", "x", "--scopes", "read"),
    ("token", "import", "--org", "acme", "--name", "x", "--dry-run"), ("token", "import", "--org", "acme", "--name", "x", "--report", "y"),
], ids=lambda arguments: " ".join(arguments)[:60])
def test_wrong_usage_changes_nothing(arguments, operator):
    error = refused(operator, *arguments, code=2)
    assert "sr_live_abc" not in error

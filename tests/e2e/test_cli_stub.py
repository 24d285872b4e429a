# SPDX-License-Identifier: MIT
"""The command line against a gateway of paper: answers that a real one gives rarely or never, and what exactly is sent.
test_documented_cli.py has the same commands against the real gateway."""
import datetime
import json
import os
import pathlib
import re
import signal
import socket
import stat
import subprocess
import threading

import pytest

from harness import binaries, certificate as certificates, process
from harness.command_line import CommandLine
from harness.paper_gateway import SECRET, WHOAMI, Stub, ago, error
from harness.ports import free_port
from harness.process import clean_environment
from harness.waiting import PATIENCE_S


def token(name, prefix, scopes, last_used, identity):
    return {"id": identity, "name": name, "prefix": prefix, "scopes": scopes, "createdAt": ago(days=9), "lastUsedAt": last_used,
            "expiresAt": None}


def page(tokens, number=1, pages=1):
    return {"tokens": tokens, "pagination": {"page": number, "limit": 200, "total": 3, "totalPages": pages}}


DOCUMENTED = [
    token("ci-deploy", "sr_live_a1b2", ["read", "write"], ago(hours=2, minutes=1), "clx7f2k3a"),
    token("bot-readonly", "sr_live_f3g4", ["read"], ago(days=3, minutes=1), "clx7f2k3b"),
    token("admin-key", "sr_live_x9y0", ["admin"], None, "clx7f2k3c"),
]
CREATED = {**token("ci-deploy", SECRET[:12], ["read", "write"], None, "clx7f2k3a"), "token": SECRET}
CREATED_TEXT = f"""\
\u2713 Token created successfully!

  Name:   ci-deploy
  Scopes: read, write
  Token:  {SECRET}

  \u26a0 Copy this token now \u2014 it will not be shown again.
"""


@pytest.fixture
def home(tmp_path):
    directory = tmp_path / "home"
    directory.mkdir()
    return directory


@pytest.fixture
def cli(stub, home):
    return CommandLine(home, url=stub.url, token=SECRET, org="acme")


def config_of(home):
    return home / ".skillreg" / "config.json"


def write_config(home, text):
    config_of(home).parent.mkdir(mode=0o700, exist_ok=True)
    config_of(home).write_text(text if isinstance(text, str) else json.dumps(text))
    config_of(home).chmod(0o600)


def assert_fails(done, code, line):
    assert (done.returncode, done.stdout, done.stderr) == (code, "", f"skillreg: {line}\n")
    assert SECRET not in done.stderr


# ---- the documented texts, and what is sent ----

def test_create_prints_the_documented_text(stub, cli):
    stub.answers["POST", "/api/v1/orgs/acme/tokens"] = (201, CREATED)
    done = cli.run("token", "create", "--name", "ci-deploy", "--scopes", "read,write")
    assert (done.returncode, done.stdout, done.stderr) == (0, CREATED_TEXT, "")


def test_create_sends_name_and_scopes_and_says_who_it_is(stub, cli):
    stub.answers["POST", "/api/v1/orgs/acme/tokens"] = (201, CREATED)
    cli.must("token", "create", "--name", 'a "quoted" \u6f22 name', "--scopes", "admin, read")
    request, = stub.requests
    assert json.loads(request.body) == {"name": 'a "quoted" \u6f22 name', "scopes": ["read", "admin"]}
    assert request.headers.get_all("Authorization") == [f"Bearer {SECRET}"]
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Accept"] == "application/json"
    assert re.fullmatch(r"skillreg/\d+\.\d+\.\d+", request.headers["User-Agent"])


def test_create_asks_for_read_and_write_by_default(stub, cli):
    stub.answers["POST", "/api/v1/orgs/acme/tokens"] = (201, CREATED)
    cli.must("token", "create", "--name=ci-deploy")
    cli.must("whoami")
    assert stub.requests[1].headers["Content-Type"] is None and stub.requests[1].body == ""
    assert json.loads(stub.requests[0].body)["scopes"] == ["read", "write"]


def test_list_prints_the_documented_columns_and_the_id(stub, cli):
    stub.answers["GET", "/api/v1/orgs/acme/tokens"] = (200, page(DOCUMENTED))
    done = cli.run("token", "list")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "NAME          PREFIX         SCOPES        LAST USED     ID\n"
        "ci-deploy     sr_live_a1b2   read, write   2 hours ago   clx7f2k3a\n"
        "bot-readonly  sr_live_f3g4   read          3 days ago    clx7f2k3b\n"
        "admin-key     sr_live_x9y0   admin         never         clx7f2k3c\n")


def test_list_fetches_every_page_of_a_gateway_without_cursors(stub, cli):
    def answer(request):
        number = re.search(r"page=(\d)", request.path)
        return 200, page([DOCUMENTED[int(number[1]) - 1 if number else 0]], pages=3)

    stub.answers["GET", "/api/v1/orgs/acme/tokens"] = answer
    assert [line.split()[0] for line in cli.must("token", "list").splitlines()] == [
        "NAME", "ci-deploy", "bot-readonly", "admin-key"]
    assert stub.asked() == [f"GET /api/v1/orgs/acme/tokens?{query}&limit=200" for query in ("after=", "page=2", "page=3")]
    assert json.loads(cli.must("token", "list", "--json")) == {"tokens": DOCUMENTED}


def test_list_follows_the_cursor_as_it_came(stub, cli):
    def answer(request):
        number = {"": 0, "Ab-_1": 1, "x": 2}[re.search(r"after=([^&]*)", request.path)[1]]
        return 200, {"tokens": [DOCUMENTED[number]], "next": ["Ab-_1", "x", None][number]}

    stub.answers["GET", "/api/v1/orgs/acme/tokens"] = answer
    assert json.loads(cli.must("token", "list", "--json")) == {"tokens": DOCUMENTED}
    assert stub.asked() == [f"GET /api/v1/orgs/acme/tokens?after={query}"
                            for query in ("&limit=200", "Ab-_1&limit=1000", "x&limit=1000")]
    stub.answers["GET", "/api/v1/orgs/acme/tokens"] = (200, {"tokens": DOCUMENTED, "next": "a&page=1"})
    assert cli.run("token", "list").returncode == 1


def test_list_without_tokens_says_how_to_create_one(stub, cli):
    stub.answers["GET", "/api/v1/orgs/acme/tokens"] = (200, page([], pages=0))
    assert cli.must("token", "list") == "No tokens yet. Create one: skillreg token create --name <name>\n"
    assert cli.must("token", "list", "--json") == '{"tokens":[]}\n'


def test_revoke_prints_the_documented_text(stub, cli):
    stub.answers["DELETE", "/api/v1/orgs/acme/tokens/clx7f2k3a"] = (
        200, {"id": "clx7f2k3a", "name": "ci-deploy", "revokedAt": ago()})
    done = cli.run("token", "revoke", "clx7f2k3a")
    assert (done.returncode, done.stdout, done.stderr) == (0, '\u2713 Token "ci-deploy" has been revoked.\n', "")


def test_whoami_shows_user_organisation_and_token(cli):
    assert cli.must("whoami") == (
        "User:          ci (ci@acme.invalid)\n"
        "Organisation:  Acme Inc (acme)\n"
        f"Token:         ci ({SECRET[:12]})\n"
        "Scopes:        admin\n"
        "Last used:     never\n"
        "Expires:       never\n")


def test_json_is_the_answer_as_it_came(stub, cli):
    odd = b' {"id": "clx7f2k3a", "name":"ci-deploy",\n "scopes": [ "read" ], "token":"%s", "newer": 1.50} \n' % SECRET.encode()
    stub.answers["POST", "/api/v1/orgs/acme/tokens"] = (201, odd)
    stub.answers["DELETE", "/api/v1/orgs/acme/tokens/clx7f2k3a"] = (200, odd)
    assert cli.must("token", "create", "--name", "x", "--json") == odd.decode().strip() + "\n"
    assert cli.must("token", "revoke", "clx7f2k3a", "--json") == odd.decode().strip() + "\n"
    assert json.loads(cli.must("whoami", "--json")) == WHOAMI


# ---- the life of a token: expiry, addresses, rotation ----

LIMITED = {**CREATED, "expiresAt": "2100-01-01T00:00:00.000Z", "allowedIps": ["10.0.0.0/8", "2001:db8::1"]}
ROTATED = {**CREATED, "id": "clx7f2k3z", "replaces": {"id": "clx7f2k3a", "expiresAt": "2100-01-02T03:04:05.678Z"}}
ROTATED_TEXT = CREATED_TEXT.replace("created", "rotated") + "  The old token works until 2100-01-02T03:04:05.678Z.\n"
ROTATE = ("POST", "/api/v1/orgs/acme/tokens/clx7f2k3a/rotate")
ROTATE_OWN = ("POST", "/api/v1/orgs/acme/tokens/clt1/rotate")
OWN_ROTATED = {**ROTATED, "replaces": {**ROTATED["replaces"], "id": "clt1"}, "token": "sr_live_" + "NeXt" * 12}


def test_create_with_expiry_and_addresses_adds_a_line_for_each(stub, cli):
    stub.answers["POST", "/api/v1/orgs/acme/tokens"] = (201, LIMITED)
    text = cli.must("token", "create", "--name", "ci-deploy", "--expires", "2100-01-01", "--allow-ip", "10.0.0.0/8", "--allow-ip",
                    "2001:db8::1")
    token_line = f"  Token:  {SECRET}\n"
    assert text == CREATED_TEXT.replace(
        token_line, token_line + "  Ends:   2100-01-01T00:00:00.000Z\n  From:   10.0.0.0/8, 2001:db8::1\n")
    assert json.loads(stub.requests[0].body) == {
        "name": "ci-deploy", "scopes": ["read", "write"], "expiresAt": "2100-01-01T00:00:00.000Z",
        "allowedIps": ["10.0.0.0/8", "2001:db8::1"]}


def test_list_shows_when_tokens_expire_once_one_of_them_does(stub, cli):
    tokens = [{**DOCUMENTED[0], "expiresAt": ago(days=-5, minutes=-1)}, *DOCUMENTED[1:]]
    stub.answers["GET", "/api/v1/orgs/acme/tokens"] = (200, page(tokens))
    assert cli.must("token", "list") == (
        "NAME          PREFIX         SCOPES        LAST USED     EXPIRES     ID\n"
        "ci-deploy     sr_live_a1b2   read, write   2 hours ago   in 5 days   clx7f2k3a\n"
        "bot-readonly  sr_live_f3g4   read          3 days ago    never       clx7f2k3b\n"
        "admin-key     sr_live_x9y0   admin         never         never       clx7f2k3c\n")


def test_whoami_shows_where_the_token_works_if_not_everywhere(stub, cli):
    stub.answers["GET", "/api/v1/auth/whoami"] = (
        200, {**WHOAMI, "token": {**WHOAMI["token"], "allowedIps": ["10.0.0.0/8", "::1"]}})
    assert cli.must("whoami").endswith("Expires:       never\nFrom:          10.0.0.0/8, ::1\n")


def test_rotate_prints_the_new_secret_and_how_long_the_old_one_works(stub, cli):
    stub.answers[ROTATE] = (201, ROTATED)
    done = cli.run("token", "rotate", "clx7f2k3a")
    assert (done.returncode, done.stdout, done.stderr) == (0, ROTATED_TEXT, "")
    done = cli.run("token", "rotate", "clx7f2k3a", "--overlap", "0")
    assert done.stdout == CREATED_TEXT.replace("created", "rotated") + "  The old token does not work any more.\n"
    assert json.loads(cli.must("token", "rotate", "clx7f2k3a", "--json")) == ROTATED


def rotations(stub):
    return [request for request in stub.requests if request.path.endswith("/rotate")]


def test_rotate_sends_overlap_and_expiry_and_a_key_of_its_own(stub, cli):
    stub.answers[ROTATE] = (201, ROTATED)
    cli.must("token", "rotate", "clx7f2k3a")
    stub.answers[ROTATE] = (201, {**ROTATED, "expiresAt": "2100-06-01T10:00:00.000Z"})
    cli.must("token", "rotate", "clx7f2k3a", "--overlap", "90m", "--expires", "2100-06-01T12:00:00+02:00")
    first, second = rotations(stub)
    assert json.loads(first.body) == {"overlapSeconds": 86400}
    assert json.loads(second.body) == {"overlapSeconds": 5400, "expiresAt": "2100-06-01T10:00:00.000Z"}
    keys = [request.headers["Idempotency-Key"] for request in (first, second)]
    assert all(re.fullmatch("[0-9a-f]{32}", key) for key in keys) and keys[0] != keys[1]
    assert all(request.headers["Idempotency-Key"] is None for request in stub.requests if request.command == "GET")


def test_a_rotation_that_waits_to_be_repeated_says_so_on_a_terminal_alone(stub, cli):
    busy = (409, error("request_in_progress", "Try again later."), {"Retry-After": "1"})
    stub.answers[ROTATE] = lambda request: busy if len(rotations(stub)) % 2 == 1 else (201, ROTATED)
    terminal = cli.on_terminal("token", "rotate", "clx7f2k3a")
    try:
        terminal.wait_for(b"\n")
        output, _ = terminal.process.communicate(timeout=PATIENCE_S)
        assert (terminal.process.returncode, output.decode()) == (0, ROTATED_TEXT)
        assert terminal.seen.decode() == (
            "skillreg: note: the gateway has only just answered the same request, asking again in 1 s\r\n")
    finally:
        terminal.close()
    done = cli.run("token", "rotate", "clx7f2k3a")
    assert (done.returncode, done.stdout, done.stderr) == (0, ROTATED_TEXT, "")
    assert len(rotations(stub)) == 4


def test_a_token_that_has_a_successor_is_one_line_and_8(stub, cli):
    stub.answers[ROTATE] = (409, error("already_rotated", "This token has a successor."))
    assert_fails(cli.run("token", "rotate", "clx7f2k3a"), 8,
                 "the gateway refused the request (This token has a successor), skillreg token list shows the tokens there are")


def test_rotating_the_own_token_says_where_the_new_one_belongs(stub, cli, home):
    stub.answers[ROTATE_OWN] = (201, OWN_ROTATED)
    assert cli.run("token", "rotate", "clt1").stderr == (
        "skillreg: note: the old one is the token in SKILLREG_TOKEN: set the new one there\n")
    del cli.settings["SKILLREG_TOKEN"]
    write_config(home, {"apiUrl": stub.url, "token": SECRET})
    assert cli.run("token", "rotate", "clt1").stderr == (
        "skillreg: note: the old one is the token in ~/.skillreg/config.json: store the new one, skillreg login --token\n")
    assert json.loads(config_of(home).read_text()) == {"apiUrl": stub.url, "token": SECRET}


def test_rotate_with_store_puts_the_new_token_in_the_place_of_the_old_one(stub, cli, home):
    stub.answers[ROTATE_OWN] = (201, OWN_ROTATED)
    del cli.settings["SKILLREG_TOKEN"]
    before = '{ "theme":"dark", "apiUrl": "' + stub.url + '", "token": "%s",\n "org":"acme" }\n'
    write_config(home, before % SECRET)
    config_of(home).chmod(0o644)
    done = cli.run("token", "rotate", "clt1", "--store")
    assert done.returncode == 0 and "can be read by others" in done.stderr
    assert done.stdout == ROTATED_TEXT.replace(SECRET, OWN_ROTATED["token"]) + "  The new token is in ~/.skillreg/config.json.\n"
    assert config_of(home).read_text() == before % OWN_ROTATED["token"]
    assert stat.S_IMODE(config_of(home).stat().st_mode) == 0o600


def test_rotate_with_store_changes_nothing_when_it_cannot_be(stub, cli, home):
    write_config(home, {"apiUrl": stub.url, "token": SECRET})
    assert_fails(cli.run("token", "rotate", "clt1", "--store"), 2,
                 "--store replaces the stored token, but SKILLREG_TOKEN is set and is used instead: unset it, "
                 "or leave --store out")
    del cli.settings["SKILLREG_TOKEN"]
    assert_fails(cli.run("token", "rotate", "clx7f2k3a", "--store"), 2,
                 "--store is for the token in ~/.skillreg/config.json itself, which has another id: leave --store out")
    assert rotations(stub) == []
    assert json.loads(config_of(home).read_text()) == {"apiUrl": stub.url, "token": SECRET}


def test_a_new_token_that_cannot_be_stored_is_shown_all_the_same(stub, cli, home):
    def break_file(_):
        write_config(home, "oops")
        return 201, OWN_ROTATED
    stub.answers[ROTATE_OWN] = break_file
    del cli.settings["SKILLREG_TOKEN"]
    write_config(home, {"apiUrl": stub.url, "token": SECRET})
    done = cli.run("token", "rotate", "clt1", "--store")
    assert done.returncode == 1
    assert done.stdout == ROTATED_TEXT.replace(SECRET, OWN_ROTATED["token"])
    assert done.stderr == (f"skillreg: the new token was not stored ({config_of(home)} is not valid JSON (byte 1), repair it or "
                           "move it away), store it: skillreg login --token\n")


def test_a_rotated_secret_that_could_not_be_shown_says_what_to_rotate(stub, cli):
    stub.answers[ROTATE] = (201, ROTATED)
    with open("/dev/full", "wb") as full:
        done = run_with_stdout(cli, full, "token", "rotate", "clx7f2k3a")
    assert (done.returncode, done.stderr) == (
        1, "skillreg: the token was rotated but the new one could not be shown (cannot write to standard output: No space left "
           "on device), rotate the new one: skillreg token rotate clx7f2k3z\n")


def test_a_rotated_secret_that_is_stored_is_not_lost_where_it_cannot_be_shown(stub, cli, home):
    stub.answers[ROTATE_OWN] = (201, OWN_ROTATED)
    write_config(home, {"apiUrl": stub.url, "token": SECRET})
    del cli.settings["SKILLREG_TOKEN"]
    with open("/dev/full", "wb") as full:
        done = run_with_stdout(cli, full, "token", "rotate", "clt1", "--store")
    assert (done.returncode, done.stderr) == (
        1, "skillreg: the token was rotated and the new one is in ~/.skillreg/config.json, but it could not be shown "
           "(cannot write to standard output: No space left on device)\n")
    assert json.loads(config_of(home).read_text())["token"] == OWN_ROTATED["token"]


def test_revoke_self_needs_no_id_and_no_organisation(stub, cli, home):
    stub.answers["DELETE", "/api/v1/auth/token"] = (200, {"id": "clt1", "name": "ci", "revokedAt": ago()},
                                                    {"SkillReg-Token-Expires": ago(days=-2)})
    del cli.settings["SKILLREG_ORG"]
    done = cli.run("token", "revoke", "--self")
    assert (done.returncode, done.stdout, done.stderr) == (0, '\u2713 Token "ci" has been revoked.\n', "")
    assert stub.asked() == ["DELETE /api/v1/auth/token"]
    cli.must("token", "revoke", "--self", "--wait")
    assert stub.asked()[1:] == ["DELETE /api/v1/auth/token?wait=10"]
    assert json.loads(cli.must("token", "revoke", "--self", "--json"))["id"] == "clt1"
    del cli.settings["SKILLREG_TOKEN"]
    write_config(home, {"apiUrl": stub.url, "token": SECRET})
    assert cli.run("token", "revoke", "--self").stderr == (
        "skillreg: note: the revoked token is still in ~/.skillreg/config.json: skillreg logout takes it out\n")


@pytest.mark.parametrize("id", [SECRET, SECRET[:12], "sk_live_" + "x" * 20], ids=["token", "prefix", "legacy"])
def test_a_token_in_the_place_of_an_id_is_never_sent(id, stub, cli):
    for command in ("rotate", "revoke"):
        done = cli.run("token", command, id)
        assert done.returncode == 2 and "takes the id of a token, never the token or its prefix" in done.stderr
        assert id not in done.stderr
    assert stub.requests == []


# ---- the audit ----

def event(number, action="create", by=("token", "admin-key"), name="ci-deploy", address="192.0.2.7"):
    kind, actor = by
    return {"id": str(number), "at": f"2026-11-01T12:00:00.{number:03}Z", "action": action, "tokenId": "clx7f2k3a",
            "tokenName": name, "actor": {"kind": kind, "tokenId": kind == "token" and "clx7f2k3c" or None, "name": actor},
            "address": address}


def test_audit_lines_up(stub, cli):
    stub.answers["GET", "/api/v1/orgs/acme/audit"] = (200, {"next": None, "events": [
        event(3, "revoke", address="2001:db8::1"), event(2, "rotate", name="\u6f22\u5b57"),
        event(1, "import", by=("operator", None), address=None)]})
    assert cli.must("audit") == (
        "WHEN                       ACTION   TOKEN                   BY                      FROM\n"
        "2026-11-01T12:00:00.003Z   revoke   ci-deploy (clx7f2k3a)   admin-key (clx7f2k3c)   2001:db8::1\n"
        "2026-11-01T12:00:00.002Z   rotate   \u6f22\u5b57 (clx7f2k3a)        admin-key (clx7f2k3c)   192.0.2.7\n"
        "2026-11-01T12:00:00.001Z   import   ci-deploy (clx7f2k3a)   operator                -\n")


def test_audit_tells_what_a_change_changed(stub, cli):
    stub.answers["GET", "/api/v1/orgs/acme/audit"] = (200, {"next": None, "events": [
        event(1, "change") | {"changed": ["name", "scopes"]}]})
    assert "change (name, scopes)   ci-deploy (clx7f2k3a)" in cli.must("audit")


def test_audit_makes_names_harmless(stub, cli):
    stub.answers["GET", "/api/v1/orgs/acme/audit"] = (200, {"next": None, "events": [
        event(1, name="a\nb\x1b[2J", by=("token", "\u202ec"), address="\x9b1")]})
    line = cli.must("audit").splitlines()[1]
    assert line == "2026-11-01T12:00:00.001Z   create   a\ufffdb\ufffd[2J (clx7f2k3a)   \ufffdc (clx7f2k3c)   \ufffd1"


def audit_pages(request):
    """Ids fall from 500 to 1."""
    query = dict(pair.split("=") for pair in request.path.partition("?")[2].split("&"))
    newest = int(query.get("before", "p%20501")[4:]) - 1
    oldest = max(newest - int(query["limit"]) + 1, 1)
    following = f"p {oldest}" if oldest > 1 else None
    return 200, {"events": [event(number) for number in range(newest, oldest - 1, -1)], "next": following}


@pytest.mark.parametrize("flags,count,queries", [
    ((), 50, ["limit=50"]),
    (("--limit", "3"), 3, ["limit=3"]),
    (("--limit", "201"), 201, ["limit=200", "limit=1&before=p%20301"]),
    (("--limit", "10000"), 500, ["limit=200", "limit=200&before=p%20301", "limit=200&before=p%20101"])])
def test_audit_follows_pages_up_to_its_limit(flags, count, queries, stub, cli):
    stub.answers["GET", "/api/v1/orgs/acme/audit"] = audit_pages
    assert cli.must("audit", *flags).count("\n") == 1 + count
    assert stub.asked() == [f"GET /api/v1/orgs/acme/audit?{query}" for query in queries]
    printed = json.loads(cli.must("audit", "--json", *flags))
    assert [event["id"] for event in printed["events"]] == [str(number) for number in range(500, 500 - count, -1)]


def test_following_the_audit_outlasts_an_outage(stub, cli):
    """Asked for a page that is not there, the stub refuses: that ends it, and the last answer is not lost."""
    refused = {"error": {"code": "unavailable", "message": "No database."}}
    answers = [(200, {"events": [event(1)], "next": "1"}), (503, refused), (503, refused),
               (200, {"events": [event(2)], "next": "2"}), (403, {"error": {"code": "forbidden", "message": "No."}})]
    stub.answers["GET", "/api/v1/orgs/acme/audit"] = lambda _: answers.pop(0)
    done = cli.run("audit", "--follow", "--json", "--after", "0")
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == ["1", "2"]
    assert done.stderr.count("trying again") == 1 and done.stderr.count("answers again") == 1
    assert done.returncode == 6 and answers == []
    assert [target.rsplit("=", 1)[1] for target in stub.asked()] == ["0", "1", "1", "1", "2"]


@pytest.mark.parametrize("flags, named", [
    (["--actor", "clx7f2k3d"], "--actor"), (["--actor", "expiry"], "--actor"), (["--token-id", "clx7f2k3d"], "--token-id"),
    (["--action", "revoke", "--since", "2026-11-02"], "--action, --since"), (["--until", "2026-11-01"], "--until"),
    (["--since", "1d"], "--since"), (["--actor", "clx7f2k3d", "--ndjson"], "--actor")])
def test_an_older_gateway_that_ignores_a_filter_of_the_audit_is_refused(flags, named, stub, cli):
    answer = (200, {"events": [{**event(1), "at": "2026-11-01T12:00:00.001Z"}], "next": "1"})
    stub.answers["GET", "/api/v1/orgs/acme/audit"] = answer
    done = cli.run("audit", *flags)
    sentence = f"skillreg: this gateway is older and cannot choose events, leave out {named}\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", sentence)


def test_events_that_were_asked_for_are_shown(stub, cli):
    stub.answers["GET", "/api/v1/orgs/acme/audit"] = (200, {"events": [event(1)], "next": None})
    assert "ci-deploy" in cli.must("audit", "--actor", "clx7f2k3c", "--token-id", "clx7f2k3a", "--action", "create",
                                   "--since", "2026-11-01T12:00:00.001Z", "--until", "2026-11-01T12:00:00.002Z")


def test_audit_without_events_says_so(stub, cli):
    stub.answers["GET", "/api/v1/orgs/acme/audit"] = (200, {"events": [], "next": None})
    assert cli.must("audit") == "Nothing has been recorded yet.\n"
    assert cli.must("audit", "--json") == '{"events":[]}\n'
    assert cli.must("audit", "--action", "revoke") == cli.must("audit", "--since", "7d") == "No event matches.\n"


@pytest.mark.parametrize("flag", ["--follow", "--ndjson"])
def test_an_older_gateway_repeats_no_events_in_a_stream(flag, stub, cli):
    """It does not know `after`, and answers with its newest events each time."""
    stub.answers["GET", "/api/v1/orgs/acme/audit"] = (200, {"events": [event(i) for i in range(400, 200, -1)], "next": "201"})
    done = cli.run("audit", flag, "--after", "0")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "skillreg: the gateway is older than --follow, --ndjson and --after, leave them out\n"


def test_following_the_audit_takes_no_end(stub, cli):
    done = cli.run("audit", "--follow", "--until", "2026-12-31")
    assert (done.returncode, stub.asked()) == (2, [])
    assert "takes no --until with --follow" in done.stderr


# ---- a token that ends soon ----

def ends_in(**delta):
    then = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(**delta, seconds=30)
    return {"SkillReg-Token-Expires": then.strftime("%Y-%m-%dT%H:%M:%S.000Z")}, then.strftime("%Y-%m-%d")


def test_a_token_that_ends_soon_is_told_once_on_stderr(stub, cli):
    header, date = ends_in(days=5)
    stub.answers["GET", "/api/v1/orgs/acme/tokens"] = lambda request: (200, page(DOCUMENTED, pages=2), header)
    warning = f"\u26a0 This token expires in 5 days ({date}). Replace it: skillreg token rotate clt1\n"
    done = cli.run("token", "list")
    assert (done.returncode, done.stderr) == (0, warning)
    done = cli.run("token", "list", "--json")
    assert (done.returncode, done.stderr, len(json.loads(done.stdout)["tokens"])) == (0, warning, 6)


def test_the_warning_has_the_id_where_it_is_known(stub, cli):
    header, date = ends_in(hours=3)
    stub.answers["GET", "/api/v1/auth/whoami"] = (200, WHOAMI, header)
    assert cli.run("whoami").stderr == (
        f"\u26a0 This token expires in 3 hours ({date}). Replace it: skillreg token rotate clt1\n")
    login = CommandLine(cli.home, url=stub.url).run("login", "--token", text_in=SECRET)
    assert (login.returncode, "skillreg token rotate clt1" in login.stderr) == (0, True)


def test_the_warning_changes_no_exit_code_and_comes_before_a_refusal(stub, cli):
    header, _ = ends_in(days=1)
    stub.answers["GET", "/api/v1/orgs/acme/tokens"] = (403, error("insufficient_scope", "The admin scope is needed."), header)
    done = cli.run("token", "list")
    warning, line = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (6, "")
    assert "expires in 1 day (" in warning and line.startswith("skillreg: the token may not do this")


def test_rotating_a_token_that_ends_soon_is_not_answered_with_the_advice_to_do_so(stub, cli):
    header, _ = ends_in(days=5)
    stub.answers["GET", "/api/v1/auth/whoami"] = (200, WHOAMI, header)
    stub.answers[ROTATE_OWN] = (201, OWN_ROTATED, header)
    assert "expires" not in cli.run("token", "rotate", "clt1").stderr


@pytest.mark.parametrize("value", ["soon", "", "2026-13-01T00:00:00Z", "\x1b[2J"])
def test_an_expiry_that_is_no_time_is_ignored(value, stub, cli):
    stub.answers["GET", "/api/v1/auth/whoami"] = (200, WHOAMI, {"SkillReg-Token-Expires": value})
    done = cli.run("whoami")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_warning_has_a_stand_in_sign_on_a_terminal_that_lacks_it(stub, cli):
    stub.answers["GET", "/api/v1/auth/whoami"] = (200, WHOAMI, ends_in(days=5)[0])
    for locale, sign in (("C", "! "), ("C.UTF-8", "\u26a0 ")):
        cli.settings["LC_ALL"] = locale
        terminal, far_end = os.openpty()
        done = subprocess.run([binaries.find("skillreg"), "whoami"], stdout=subprocess.DEVNULL, stderr=far_end, check=False,
                              env=clean_environment(HOME=str(cli.home), **cli.settings), timeout=PATIENCE_S)
        assert done.returncode == 0
        assert os.read(terminal, 4096).decode().startswith(sign + "This token expires in 5 days (")
        os.close(far_end)
        os.close(terminal)


# ---- settings ----

def test_organisation_is_of_flag_then_environment_then_file_then_token(stub, cli, home):
    write_config(home, {"org": "of-file"})
    for slug in ("of-flag", "of-environment", "of-file", "acme"):
        stub.answers["GET", f"/api/v1/orgs/{slug}/tokens"] = (200, page(DOCUMENTED))
    cli.settings["SKILLREG_ORG"] = "of-environment"
    cli.must("token", "list", "--org", "of-flag")
    cli.must("token", "list")
    cli.settings["SKILLREG_ORG"] = ""
    cli.must("token", "list")
    write_config(home, {})
    cli.must("token", "list")
    assert [line.partition("?")[0] for line in stub.asked()] == [
        "GET /api/v1/orgs/of-flag/tokens", "GET /api/v1/orgs/of-environment/tokens", "GET /api/v1/orgs/of-file/tokens",
        "GET /api/v1/auth/whoami", "GET /api/v1/orgs/acme/tokens"]


def test_token_is_of_environment_then_file(stub, cli, home):
    write_config(home, {"apiUrl": stub.url, "token": "sr_live_of_the_file"})
    cli.must("whoami")
    del cli.settings["SKILLREG_TOKEN"]
    cli.must("whoami")
    assert [request.headers["Authorization"] for request in stub.requests] == [
        f"Bearer {SECRET}", "Bearer sr_live_of_the_file"]


@pytest.mark.parametrize("ending", ["", "/", "/api/v1", "/api/v1/"])
def test_address_is_of_flag_then_environment_then_file_in_any_spelling(ending, stub, cli, home):
    write_config(home, {"apiUrl": stub.url + ending})
    cli.settings["SKILLREG_URL"] = "http://127.0.0.1:1"
    cli.must("whoami", "--url", stub.url + ending)
    cli.settings["SKILLREG_URL"] = stub.url + ending
    cli.must("whoami")
    del cli.settings["SKILLREG_URL"]
    cli.must("whoami")
    assert stub.asked() == ["GET /api/v1/auth/whoami"] * 3


def test_a_broken_file_stops_only_who_needs_it(stub, cli, home):
    write_config(home, '{"token": ')
    stub.answers["GET", "/api/v1/orgs/acme/tokens"] = (200, page(DOCUMENTED))
    cli.must("token", "list")
    del cli.settings["SKILLREG_ORG"]
    assert cli.run("token", "list").stderr == ""
    line = f"the settings file is left out: {config_of(home)} is not valid JSON (byte 11), repair it or move it away"
    assert cli.run("token", "list", "--verbose").stderr == f"skillreg: note: {line}\n"
    del cli.settings["SKILLREG_TOKEN"]
    assert_fails(cli.run("token", "list"), 1,
                 f"{config_of(home)} is not valid JSON (byte 11), repair it or move it away")


@pytest.mark.parametrize("missing,line", [
    ("SKILLREG_URL", 'no gateway address, set SKILLREG_URL, "apiUrl" in ~/.skillreg/config.json, or give --url'),
    ("SKILLREG_TOKEN", "no token, set SKILLREG_TOKEN or run: skillreg login --token")])
def test_a_missing_setting_is_wrong_usage(missing, line, stub, cli):
    del cli.settings[missing]
    assert_fails(cli.run("token", "list"), 2, line)
    assert stub.requests == []


@pytest.mark.parametrize("value,fault", [
    ("two words", "does not begin like one, with sr_live_, sr_test_ or sk_"),
    (SECRET + "\nbreak", "has other characters in it than letters, digits, - and _"),
    ("\u6f22", "does not begin like one, with sr_live_, sr_test_ or sk_"),
    ("sr_live_" + "x" * 600, "is too long for one"),
    (f'"{SECRET}"', "is in quotes"), ("***", "is what a CI system shows in place of a secret, not the secret"),
    ("${SKILLREG}", "is the name of a variable that was not expanded"), ("ghp_" + "a" * 36, "looks like a token of GitHub"),
    ("Bearer " + SECRET, "begins with the word Bearer, and only the token belongs there")],
    ids=["words", "line break", "foreign", "long", "quotes", "mask", "variable", "GitHub", "Bearer"])
def test_what_a_ci_system_hands_over_in_place_of_a_token_is_never_sent(value, fault, stub, cli):
    cli.settings["SKILLREG_TOKEN"] = value
    assert_fails(cli.run("whoami"), 2, "SKILLREG_TOKEN is not a token: it " + fault)
    assert stub.requests == []


def test_what_an_editor_leaves_around_a_setting_does_not_count(stub, cli):
    for name, value in list(cli.settings.items()):
        if name.startswith("SKILLREG_"):
            cli.settings[name] = f"\ufeff{value} \r"
    stub.answers["GET", "/api/v1/orgs/acme/tokens"] = (200, page(DOCUMENTED))
    cli.must("token", "list")
    assert stub.requests[0].headers["Authorization"] == f"Bearer {SECRET}"


@pytest.mark.parametrize("arguments", [
    ("token", "list", "--org", SECRET), ("token", "create", "--name", "ci", "--scopes", SECRET),
    ("whoami", "--ca-file", f"/nowhere/{SECRET}"), ("token", "create", "--name", SECRET),
    ("token", "create", "--name", "ci " + SECRET), ("token", "revoke", f" {SECRET}"), ("token", "revoke", f"{SECRET}\n"),
    ("token", "revoke", f"%20{SECRET}"), ("whoami", "--url", f"https://127.0.0.1:1/{SECRET}"), (SECRET,), ("whoami", "--" + SECRET)])
def test_a_token_in_the_wrong_place_is_neither_shown_nor_sent(arguments, stub, cli):
    done = cli.run(*arguments)
    assert done.returncode in (2, 3) and done.stdout == ""
    assert SECRET[8:] not in done.stderr
    assert not any(SECRET in request.path for request in stub.requests)


def test_a_token_as_the_organisation_of_the_environment_is_not_shown(stub, cli):
    cli.settings["SKILLREG_ORG"] = SECRET
    assert_fails(cli.run("token", "list"), 2, 'SKILLREG_ORG is not the slug of an organisation, "(a token?)": that is 2 to '
                                              '48 of a-z, 0-9 and -, without a - at either end')
    assert stub.requests == []


@pytest.mark.parametrize("password", ["hid@den", "hid#den", "hidden"])
def test_the_password_of_a_proxy_is_not_shown(password, cli):
    cli.settings["https_proxy"] = f"http://user:{password}@proxy.invalid:3128"
    done = cli.run("whoami", "--url", "https://gateway.invalid")
    assert done.returncode == 3 and "hid" not in done.stderr and "den" not in done.stderr
    assert "proxy.invalid:3128" in done.stderr


@pytest.mark.parametrize("slug", ["Acme", "a", "-acme", "acme-", "../admin", "a" * 49, "a/b"])
def test_an_organisation_that_is_no_slug_is_wrong_usage(slug, stub, cli):
    done = cli.run("token", "list", f"--org={slug}")
    assert done.returncode == 2 and "is not the slug of an organisation" in done.stderr
    assert stub.requests == []


def test_plain_http_to_another_machine_is_refused_before_anything_is_sent(cli):
    done = cli.run("whoami", "--url", "http://gateway.invalid")
    assert done.returncode == 2 and "--insecure-http" in done.stderr
    # with the flag it is tried: that name never resolves
    assert cli.run("whoami", "--url", "http://gateway.invalid", "--insecure-http").returncode == 3


def test_this_machine_is_never_reached_through_a_proxy(stub, cli):
    cli.settings["http_proxy"] = cli.settings["ALL_PROXY"] = "http://127.0.0.1:1"
    cli.must("whoami")
    assert stub.asked() == ["GET /api/v1/auth/whoami"]


@pytest.mark.parametrize("id", ["a/..?x \u00e9", "CLX7F2K3A", "clx7f2k3a ", "cl-x", "c" * 33])
def test_what_can_be_no_id_does_not_leave_the_machine(id, stub, cli):
    done = cli.run("token", "show", id)
    assert done.returncode == 2 and "takes the id of a token, which is 1 to 32 of a-z and 0-9" in done.stderr
    done = cli.run("token", "revoke", id)
    assert done.returncode == 2 and ("--yes revokes it unasked" in done.stderr or "must not end with a blank" in done.stderr)
    assert stub.requests == []


# ---- refusals and failures ----

@pytest.mark.parametrize("status,code,message,headers,exit_code,line", [
    (401, "invalid_token", "The token is not valid.", {"X-Request-Id": "r-7"}, 5,
     "the token in SKILLREG_TOKEN was refused (The token is not valid; request r-7), set another one, or unset it and run: "
     "skillreg login --token"),
    (403, "insufficient_scope", "The admin scope is needed.", {}, 6,
     "the token may not do this (The admin scope is needed), use a token with that scope"),
    (403, "org_mismatch", "The token is of another organisation.", {}, 6,
     "the token may not do this (The token is of another organisation), \"acme\" comes from SKILLREG_ORG: change that, or use a token "
     "of that organisation"),
    (404, "not_found", "No such token.", {"X-Request-Id": "r-8"}, 7,
     "not found (No such token; request r-8), skillreg token list shows the ids"),
    (422, "invalid_name", "name must not be empty", {}, 1, "the gateway refused the request (name must not be empty)"),
    (429, "rate_limited", "Slow down.", {"Retry-After": "7"}, 9, "too many requests (Slow down), try again in 7 seconds"),
    (503, "unavailable", "The database is away.", {"Retry-After": "1"}, 9,
     "the gateway cannot answer now (The database is away), try again in 1 second; it is not known whether the token has been revoked"),
    (500, "internal", "Broken.", {}, 1, "{url}/api/v1 answered with status 500 (Broken), try again later; it is not known whether the token has been "
     "revoked"),
])
def test_a_refusal_is_one_line_and_its_exit_code(status, code, message, headers, exit_code, line, stub, cli):
    stub.answers["DELETE", "/api/v1/orgs/acme/tokens/clx"] = (status, error(code, message), headers)
    assert_fails(cli.run("token", "revoke", "clx"), exit_code, line.format(url=stub.url))


def test_a_message_of_the_gateway_cannot_play_with_the_terminal(stub, cli):
    stub.answers["GET", "/api/v1/auth/whoami"] = (422, error("x", "a\nskillreg: b\x1b[2J\u202e\x9bc"), {"X-Request-Id": "i\x1bd"})
    assert_fails(cli.run("whoami"), 1, "the gateway refused the request (a\ufffdskillreg: b\ufffd[2J\ufffd\ufffdc; "
                                      "request i\ufffdd)")


def test_a_name_cannot_play_with_the_terminal(stub, cli):
    stub.answers["DELETE", "/api/v1/orgs/acme/tokens/clx"] = (200, {"id": "clx", "name": "a\x1b]0;b\x07\nc", "revokedAt": ago()})
    assert cli.must("token", "revoke", "clx") == '\u2713 Token "a\ufffd]0;b\ufffd\ufffdc" has been revoked.\n'


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"tokens":1}', b'{"tokens":[{"id":"x"}]}', b'{"tokens":[],}',
                                  b'{"tokens":[5]}', b'{"tokens":[]} x'])
def test_an_answer_that_is_no_gateways_is_1(body, stub, cli):
    stub.answers["GET", "/api/v1/orgs/acme/tokens"] = (200, body)
    assert_fails(cli.run("token", "list"), 1,
                 f"the answer is not one of a SkillReg gateway, check the address {stub.url}/api/v1")


def test_an_endless_answer_is_cut_off(stub, cli):
    stub.answers["GET", "/api/v1/auth/whoami"] = (200, b" " * (5 * 1024 * 1024))
    assert_fails(cli.run("whoami"), 1, f"the answer of {stub.url}/api/v1 is too long for a gateway's, check the address")


def test_a_redirect_is_not_followed_with_the_token(stub, cli):
    other = Stub()
    stub.answers["GET", "/api/v1/auth/whoami"] = (302, b"", {"Location": other.url + "/api/v1/auth/whoami"})
    done = cli.run("whoami")
    other.stop()
    assert_fails(done, 1, f"{stub.url}/api/v1 answers with a redirect, which is not followed with a token, set the address it "
                          "leads to")
    assert other.requests == []


def test_nobody_there_is_3(cli):
    port = free_port()
    assert_fails(cli.run("whoami", "--url", f"http://127.0.0.1:{port}"), 3,
                 f"cannot connect to http://127.0.0.1:{port}/api/v1 (Connection refused), check the address and that the "
                 "gateway runs")
    assert_fails(cli.run("whoami", "--url", "https://gateway.invalid"), 3,
                 "cannot find the host of https://gateway.invalid/api/v1, check the address and the network")


def test_a_proxy_that_cannot_be_found_is_named_as_such(cli):
    cli.settings["https_proxy"] = "http://proxy.invalid:3128"
    done = cli.run("whoami", "--url", "https://gateway.invalid")
    assert done.returncode == 3
    assert done.stderr.startswith("skillreg: cannot find the proxy proxy.invalid:3128 on the way to https://gateway.invalid/api/v1, ")


def hang_up(request):
    request.connection.shutdown(socket.SHUT_RDWR)
    return 200, b""


def test_a_connection_that_closes_without_an_answer_is_3(stub, cli):
    stub.server.handle_error = lambda *_: None
    stub.answers["GET", "/api/v1/auth/whoami"] = hang_up
    done = cli.run("whoami")
    assert done.returncode == 3 and done.stderr.startswith(f"skillreg: no answer from {stub.url}/api/v1 (")


# ---- TLS ----

@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return certificates.make(tmp_path_factory.mktemp("stub-tls"))


@pytest.fixture
def tls_cli(pair, home):
    server = Stub(tls=pair)
    yield CommandLine(home, url=server.url, token=SECRET, org="acme"), server
    server.stop()


def test_tls_trusts_the_file_of_the_flag_or_the_environment(tls_cli, pair):
    cli, server = tls_cli
    cli.must("whoami", "--ca-file", str(pair.cert))
    cli.settings["SSL_CERT_FILE"] = str(pair.cert)
    cli.must("whoami")
    assert len(server.requests) == 2


def test_tls_with_an_unknown_authority_is_3_and_sends_nothing(tls_cli, tmp_path):
    cli, server = tls_cli
    done = cli.run("whoami")
    assert done.returncode == 3
    assert done.stderr.startswith(f"skillreg: the certificate of {server.url}/api/v1 is not trusted (")
    assert done.stderr.endswith("), name its authority with --ca-file or SSL_CERT_FILE\n")
    stranger = certificates.make(tmp_path, "stranger")
    assert cli.run("whoami", "--ca-file", str(stranger.cert)).returncode == 3
    assert cli.run("whoami", "--ca-file", str(tmp_path / "missing.pem")).returncode == 2
    assert server.requests == []


def test_tls_with_another_name_in_the_certificate_is_3(cli, pair):
    elsewhere = Stub(tls=pair, host="127.0.0.2")
    done = cli.run("whoami", "--url", elsewhere.url, "--ca-file", str(pair.cert))
    elsewhere.stop()
    assert done.returncode == 3
    assert done.stderr.startswith(f"skillreg: the certificate of {elsewhere.url}/api/v1 is not trusted (")
    assert elsewhere.requests == []


def test_tls_spoken_to_a_plain_port_is_3(stub, cli):
    stub.server.handle_error = lambda *_: None
    assert cli.run("whoami", "--url", stub.url.replace("http:", "https:")).returncode == 3


# ---- output ----

def run_with_stdout(cli, stdout, *arguments, **more):
    return subprocess.run([binaries.find("skillreg"), *arguments], stdout=stdout, stderr=subprocess.PIPE, encoding="utf-8",
                          env=clean_environment(HOME=str(cli.home), **{**cli.settings, **more}), timeout=PATIENCE_S, check=False)


def on_terminal(cli, *arguments, **more):
    """stdout of a run whose standard output is a terminal."""
    terminal, far_end = os.openpty()
    done = run_with_stdout(cli, far_end, *arguments, **more)
    os.close(far_end)
    text = b""
    try:
        while piece := os.read(terminal, 65536):
            text += piece
    except OSError:  # the end of a terminal
        pass
    os.close(terminal)
    assert done.returncode == 0, done.stderr
    return text.decode().replace("\r\n", "\n")


def test_symbols_are_replaced_only_on_a_terminal_that_lacks_them(stub, cli):
    stub.answers["POST", "/api/v1/orgs/acme/tokens"] = (201, CREATED)
    create = ("token", "create", "--name", "ci-deploy")
    assert on_terminal(cli, *create, LC_ALL="C.UTF-8") == CREATED_TEXT
    plain = CREATED_TEXT.replace("\u2713", "OK").replace("\u26a0", "!").replace("\u2014", "-")
    assert on_terminal(cli, *create, LC_ALL="C") == plain
    cli.settings["LC_ALL"] = "C"
    assert cli.must(*create) == CREATED_TEXT


def test_a_secret_that_could_not_be_shown_says_which_token_to_revoke(stub, cli):
    stub.answers["POST", "/api/v1/orgs/acme/tokens"] = (201, CREATED)
    with open("/dev/full", "wb") as full:
        done = run_with_stdout(cli, full, "token", "create", "--name", "ci-deploy")
    assert (done.returncode, done.stderr) == (
        1, "skillreg: the token was created but could not be shown (cannot write to standard output: No space left "
           "on device), revoke it: skillreg token revoke clx7f2k3a\n")


def test_a_secret_meant_for_a_closed_output_is_not_lost_unseen(stub, cli):
    """Closed, not a reader that has gone: the next file or socket would get its number, and the secret."""
    stub.answers["POST", "/api/v1/orgs/acme/tokens"] = (201, CREATED)
    done = process.run(["sh", "-c", '"$0" "$@" >&-', binaries.find("skillreg"), "token", "create", "--name", "ci-deploy"],
               env=clean_environment(HOME=str(cli.home), **cli.settings))
    assert (done.returncode, done.stderr) == (
        1, "skillreg: the token was created but could not be shown (cannot write to standard output: Bad file "
           "descriptor), revoke it: skillreg token revoke clx7f2k3a\n")


def test_a_full_disk_is_told_and_a_closed_pipe_is_not(stub, cli):
    with open("/dev/full", "wb") as full:
        done = run_with_stdout(cli, full, "whoami")
    assert (done.returncode, done.stderr) == (1, "skillreg: cannot write to standard output: No space left on device\n")
    reader, writer = os.pipe()
    os.close(reader)
    done = run_with_stdout(cli, writer, "whoami")
    os.close(writer)
    assert (done.returncode, done.stderr) == (-signal.SIGPIPE, "")


@pytest.mark.parametrize("words", ["", "token", "token create", "token list", "token show", "token update", "token rotate",
                                   "token revoke", "audit", "whoami", "login"])
def test_help_is_there_for_every_command_and_fits_a_terminal(words, cli):
    text = cli.must(*words.split(), "--help")
    assert text.isascii() and "Usage: skillreg" in text
    assert max(map(len, text.splitlines())) <= 80
    for flag in re.findall(r"^  (--[a-z-]+)", text, re.MULTILINE):
        assert flag in ("--help", "--version") or "unknown flag" not in cli.run(*words.split(), flag).stderr


def test_version(cli):
    assert re.fullmatch(r"skillreg \d+\.\d+\.\d+\n", cli.must("--version"))


def test_wrong_usage_is_2_with_one_line_and_a_hint(stub, cli):
    done = cli.run("token", "create")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "skillreg: token create needs --name <name>\nTry: skillreg token create --help\n"
    done = cli.run("token", "create", "--name", "x", "--scopes", "owner")
    assert done.returncode == 2 and done.stderr.startswith('skillreg: unknown scope "owner"')
    assert cli.run().returncode == 2
    assert stub.requests == []


# ---- login ----

@pytest.fixture
def stranger(stub, home):
    """A command line without a token."""
    return CommandLine(home, url=stub.url)


LOGGED_IN = "\u2713 Logged in as ci (ci@acme.invalid)\n  Organisation: Acme Inc (acme)\n"


def test_login_checks_then_stores_the_token_for_its_owner_alone(stub, stranger, home):
    done = stranger.run("login", "--token", text_in=SECRET + "\nanother line\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, LOGGED_IN, "")
    assert stub.requests[0].headers["Authorization"] == f"Bearer {SECRET}"
    assert json.loads(config_of(home).read_text()) == {"apiUrl": stub.url, "token": SECRET}
    assert stat.S_IMODE(config_of(home).stat().st_mode) == 0o600
    assert stat.S_IMODE(config_of(home).parent.stat().st_mode) == 0o700
    assert os.listdir(config_of(home).parent) == ["config.json"]
    assert "Acme" in stranger.must("whoami")


@pytest.mark.parametrize("line", [SECRET, f"  {SECRET}\r\n", SECRET + "\n"], ids=["none", "around", "behind"])
def test_login_does_not_mind_white_space_around_the_token(line, stranger, home):
    stranger.must("login", "--token", text_in=line)
    assert json.loads(config_of(home).read_text())["token"] == SECRET


def test_login_keeps_every_other_byte_of_the_file(stub, stranger, home):
    before = ('{ "theme":"dark",\n\t"token" : "sr_live_old", "org":"acme","nested": {"token": [1.0]},'
              f'"apiUrl":"{stub.url}/api/v1" }}\n')
    write_config(home, before)
    stranger.must("login", "--token", text_in=SECRET)
    assert config_of(home).read_text() == before.replace("sr_live_old", SECRET)


@pytest.mark.parametrize("text_in", ["", "\n", "sr_live_short\n", "no token at all\n", "xx_live_" + "a" * 48, "sr_live_" + "a" * 1000])
def test_login_with_what_is_no_token_asks_nobody_and_changes_nothing(text_in, stub, stranger, home):
    done = stranger.run("login", "--token", text_in=text_in)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1 and "nothing was stored" in done.stderr
    assert "aaaa" not in done.stderr
    assert stub.requests == [] and not config_of(home).exists()


@pytest.mark.parametrize("answer,code", [((401, error("invalid_token", "No.")), 5), ((503, error("unavailable", "Later.")), 9),
                                         ((200, b"<html>"), 1)])
def test_login_that_is_refused_changes_nothing(answer, code, stub, stranger, home):
    before = '{"token": "sr_live_old"}'
    write_config(home, before)
    stub.answers["GET", "/api/v1/auth/whoami"] = answer
    done = stranger.run("login", "--token", text_in=SECRET)
    assert (done.returncode, done.stdout) == (code, "")
    assert SECRET not in done.stderr
    assert config_of(home).read_text() == before
    assert os.listdir(config_of(home).parent) == ["config.json"]


def test_login_over_a_malformed_file_asks_for_nothing_and_keeps_it(stub, stranger, home):
    write_config(home, '{"token": oops}')
    done = stranger.run("login", "--token", text_in=SECRET)
    assert_fails(done, 1, f"{config_of(home)} is not valid JSON (byte 11), repair it or move it away")
    assert config_of(home).read_text() == '{"token": oops}'
    assert stub.requests == []


def test_login_stores_the_address_that_it_asked(stub, stranger, home):
    stranger.must("login", "--token", "--url", stub.url + "/api/v1/", text_in=SECRET)
    assert json.loads(config_of(home).read_text()) == {"token": SECRET, "apiUrl": stub.url}
    write_config(home, {"apiUrl": stub.url.upper().replace("HTTP", "http") + "/", "org": "globex"})
    done = stranger.run("login", "--token", text_in=SECRET)
    assert json.loads(config_of(home).read_text())["token"] == SECRET
    assert done.stderr == (
        'skillreg: note: "org" in ~/.skillreg/config.json is not acme, the organisation of this token, so give --org, or change '
        "it there\n")


@pytest.fixture
def other_stub():
    server = Stub()
    yield server
    server.stop()


OTHER_SECRET = "sr_live_" + "b" * 40


def test_a_stored_token_goes_to_its_own_address_and_to_no_other(stub, other_stub, stranger, home):
    stranger.must("login", "--token", text_in=SECRET)
    stranger.settings["SKILLREG_URL"] = other_stub.url
    done = stranger.run("whoami")
    assert_fails(done, 2, f"no token is stored for {other_stub.url}, set SKILLREG_TOKEN or run: "
                          f"skillreg login --token --url {other_stub.url}")
    assert other_stub.requests == []
    done = stranger.run("login", "--token", text_in=OTHER_SECRET)
    assert done.stdout == LOGGED_IN
    assert done.stderr == (f'skillreg: note: this token is for {other_stub.url} alone: commands go to "apiUrl" in ~/.skillreg/config.json '
                           "unless --url or SKILLREG_URL names this address\n")
    assert json.loads(config_of(home).read_text()) == {
        "apiUrl": stub.url, "token": SECRET, "gateways": {other_stub.url: {"token": OTHER_SECRET}}}
    for server in (stub, other_stub):
        server.requests.clear()
    stranger.must("whoami")
    del stranger.settings["SKILLREG_URL"]
    stranger.must("whoami")
    stranger.must("whoami", "--url", other_stub.url + "/api/v1")
    assert [request.headers["Authorization"] for request in stub.requests] == [f"Bearer {SECRET}"]
    assert [request.headers["Authorization"] for request in other_stub.requests] == [f"Bearer {OTHER_SECRET}"] * 2


def test_the_organisation_of_the_file_is_that_of_its_address(stub, other_stub, stranger, home):
    write_config(home, {"apiUrl": stub.url, "token": SECRET, "org": "globex", "gateways": {other_stub.url: {"token": OTHER_SECRET}}})
    for server in (stub, other_stub):
        server.answers["GET", "/api/v1/orgs/globex/tokens"] = server.answers["GET", "/api/v1/orgs/acme/tokens"] = (200, page([]))
    stranger.must("token", "list", "--url", other_stub.url)
    assert [line.partition("?")[0] for line in other_stub.asked()] == ["GET /api/v1/auth/whoami", "GET /api/v1/orgs/acme/tokens"]
    stranger.must("token", "list")
    assert [line.partition("?")[0] for line in stub.asked()] == ["GET /api/v1/orgs/globex/tokens"]


def test_a_stored_token_without_an_address_is_sent_nowhere_until_a_login(stub, stranger, home):
    write_config(home, {"token": SECRET, "theme": "dark"})
    assert_fails(stranger.run("whoami"), 2,
                 'the token in ~/.skillreg/config.json belongs to no address, as there is no "apiUrl" beside it, and is sent nowhere, '
                 "run: skillreg login --token")
    assert stub.requests == []
    stranger.must("login", "--token", text_in=SECRET)
    assert json.loads(config_of(home).read_text()) == {"token": SECRET, "theme": "dark", "apiUrl": stub.url}
    stranger.must("whoami")


def test_login_where_nothing_can_be_written_asks_nobody(stub, stranger, tmp_path):
    stranger.settings["SKILLREG_CONFIG"] = str(tmp_path / "a link")
    os.symlink(tmp_path / "nowhere", tmp_path / "a link")
    done = stranger.run("login", "--token", text_in=SECRET)
    assert_fails(done, 1, f"{tmp_path}/a link is a link that leads nowhere, remove it")
    assert stub.requests == []


def test_the_file_is_where_the_variables_say(stub, stranger, home, tmp_path):
    stranger.settings["SKILLREG_CONFIG"] = str(tmp_path / "own.json")
    stranger.must("login", "--token", text_in=SECRET)
    assert json.loads((tmp_path / "own.json").read_text())["token"] == SECRET
    assert "Acme" in stranger.must("whoami")
    assert not config_of(home).exists()
    stranger.settings["SKILLREG_CONFIG"] = ""
    stranger.settings["XDG_CONFIG_HOME"] = str(tmp_path)
    stranger.must("login", "--token", text_in=SECRET)
    assert json.loads((tmp_path / "skillreg/config.json").read_text())["token"] == SECRET


def test_a_stored_token_that_others_can_read_is_warned_of(stranger, home):
    stranger.must("login", "--token", text_in=SECRET)
    os.chmod(config_of(home), 0o644)
    done = stranger.run("whoami")
    assert done.returncode == 0
    assert done.stderr == ("\u26a0 ~/.skillreg/config.json holds a token and can be read by others: "
                           "chmod 600 ~/.skillreg/config.json\n")


def test_login_says_that_the_environment_goes_first(stranger):
    stranger.settings["SKILLREG_TOKEN"] = SECRET
    done = stranger.run("login", "--token", text_in=SECRET)
    assert (done.returncode, done.stdout) == (0, LOGGED_IN)
    assert done.stderr == "skillreg: note: SKILLREG_TOKEN is set, and is used instead of the stored token until you unset it\n"


def test_login_json_prints_the_answer(stranger):
    assert json.loads(stranger.must("login", "--token", "--json", text_in=SECRET)) == WHOAMI


@pytest.fixture
def terminal(stranger):
    started = stranger.on_terminal("login", "--token")
    yield started
    started.close()


def test_login_on_a_terminal_never_shows_what_is_typed(terminal, home):
    terminal.wait_for(b"Token: ")
    assert not terminal.echoes()
    terminal.type(SECRET.encode() + b"\n")
    output, _ = terminal.process.communicate(timeout=PATIENCE_S)
    terminal.wait_for(b"\r\n")
    assert (terminal.process.returncode, output.decode()) == (0, LOGGED_IN)
    assert terminal.seen == b"Token: \r\n"
    assert terminal.is_as_before()
    assert json.loads(config_of(home).read_text())["token"] == SECRET


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_login_that_is_interrupted_puts_the_terminal_right(number, terminal, home):
    terminal.wait_for(b"Token: ")
    terminal.type(b"sr_live_half")
    if number == signal.SIGINT:
        terminal.type(b"\x03")
    else:
        terminal.process.send_signal(number)
    assert terminal.process.wait(PATIENCE_S) == -number
    assert terminal.is_as_before()
    assert not config_of(home).exists()


def test_login_on_a_terminal_ends_at_the_end_of_input(terminal, home):
    terminal.wait_for(b"Token: ")
    terminal.type(b"\x04")
    assert terminal.process.wait(PATIENCE_S) == 1
    terminal.wait_for(b"skillreg: no token was given, nothing was stored")
    assert terminal.is_as_before()
    assert not config_of(home).exists()


# ---- secrets ----

def test_a_token_is_in_no_argument_while_the_request_runs(stub, stranger):
    arguments = []

    def look(_):
        for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                arguments.append(entry.read_bytes())
            except OSError:  # it has ended
                pass
        return 200, WHOAMI
    stub.answers["GET", "/api/v1/auth/whoami"] = look
    stranger.must("login", "--token", text_in=SECRET)
    assert any(b"skillreg\0login" in line for line in arguments)
    assert not any(SECRET.encode() in line for line in arguments)


@pytest.mark.parametrize("arguments", [("login", SECRET), ("login", "--token", SECRET), ("login", f"--token={SECRET}"),
                                       ("whoami", "--token", SECRET), (SECRET,), ("token", SECRET), ("whoami", f"--key={SECRET}")])
def test_a_token_given_as_an_argument_is_refused_and_not_repeated(arguments, stub, stranger):
    done = stranger.run(*arguments)
    assert done.returncode == 2
    assert SECRET not in done.stdout + done.stderr and "SeCrEt" not in done.stderr
    assert stub.requests == []

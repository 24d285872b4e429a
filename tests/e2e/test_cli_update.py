# SPDX-License-Identifier: MIT
"""`skillreg token update` against the real gateway: other words, less that a token may do, never more; and what it says of the
answers of others. What the gateway itself does with a change is in test_token_change.py."""
import datetime
import json
import socket

import pytest

from harness.paper_gateway import SECRET, error


@pytest.fixture
def cli(skillreg, organisation):
    return skillreg(organisation)


def create(cli, *flags):
    return json.loads(cli.must("token", "create", "--name", "ci-deploy", "--json", *flags))


def shown(cli, token):
    return next(one for one in json.loads(cli.must("token", "list", "--json"))["tokens"] if one["id"] == token["id"])


def fields(text):
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


def ahead(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")) - datetime.datetime.now(datetime.timezone.utc)


def assert_fails(done, code, *parts):
    assert (done.returncode, done.stdout) == (code, ""), done
    assert all(part in done.stderr.splitlines()[0] for part in parts), done.stderr
    assert SECRET not in done.stderr


# ---- what is changed ----

def test_other_words_are_told_and_the_rest_stays(cli):
    token = create(cli, "--description", "of the shop", "--scopes", "read")
    done = cli.run("token", "update", token["id"], "--name", "night build", "--description", "at \u6f22")
    assert (done.returncode, done.stderr) == (0, "")
    title, empty, *lines = done.stdout.splitlines()
    assert (title, empty) == ('\u2713 Token "night build" has been changed.', "")
    told = {name: value.strip() for name, value in fields("\n".join(lines)).items()}
    assert told["Name"] == "night build" and told["Description"] == "at \u6f22"
    assert told["ID"] == token["id"] and told["Scopes"] == "read" and told["Expires"] == "never"
    assert len({line.index(line.split(":", 1)[1].strip()) for line in lines}) == 1, "the values stand below each other"
    expected = {key: value for key, value in token.items() if key != "token"}
    now = shown(cli, token)
    assert {key: now[key] for key in expected} == expected | {"name": "night build", "description": "at \u6f22"}


def test_a_description_is_taken_away(cli):
    token = create(cli, "--description", "of the shop")
    text = cli.must("token", "update", token["id"], "--no-description")
    assert "Description" not in fields(text)
    assert (shown(cli, token)["description"], shown(cli, token)["name"]) == (None, "ci-deploy")


def test_it_may_do_less_everywhere_once_that_was_waited_for(cli, gateway, organisation):
    token = create(cli, "--scopes", "admin", "--allow-ip", "127.0.0.0/8", "--allow-ip", "10.0.0.0/8")
    tokens = f"/api/v1/orgs/{organisation.slug}/tokens"
    assert gateway.request("GET", tokens, token["token"]).status == 200
    done = cli.run("token", "update", token["id"], "--scopes", "read", "--allow-ip", "127.0.0.1",
                   "--allow-ip", "10.1.0.0/16", "--expires", "1w", "--wait", "--json")
    assert done.returncode in (0, 4), "4: a gateway of another test in this database fell silent"
    answer = json.loads(done.stdout)
    assert answer["scopes"] == ["read"] and sorted(answer["allowedIps"]) == ["10.1.0.0/16", "127.0.0.1"]
    assert answer.get("gateways") or answer.get("silent"), "it was waited for"
    assert datetime.timedelta(days=6, hours=23) < ahead(answer["expiresAt"]) <= datetime.timedelta(days=7)
    refused = gateway.request("GET", tokens, token["token"])
    assert (refused.status, refused.error_code) == (403, "insufficient_scope")
    assert gateway.request("GET", "/api/v1/auth/whoami", token["token"]).status == 200


def test_a_date_is_an_end_as_well(cli):
    token = create(cli)
    assert json.loads(cli.must("token", "update", token["id"], "--expires", "2100-01-01", "--json"))["expiresAt"] == \
        "2100-01-01T00:00:00.000Z"


@pytest.mark.parametrize("flag, value, part", [
    ("--scopes", "write", "scopes can only become less, and the token has read"),
    ("--expires", "90d", "can only come earlier, and the token ends at"),
    ("--allow-ip", "0.0.0.0/0", "each must lie in one of 10.0.0.0/8"),
], ids=["scopes", "expires", "allow-ip"])
def test_more_is_refused_with_what_is_there_and_changes_nothing(cli, flag, value, part):
    token = create(cli, "--scopes", "read", "--expires", "30d", "--allow-ip", "10.0.0.0/8")
    before = shown(cli, token)
    assert_fails(cli.run("token", "update", token["id"], "--name", "other", flag, value), 1, part)
    assert shown(cli, token) == before


def test_the_last_admin_is_changed_when_that_is_asked_for(cli, organisation):
    lone = json.loads(cli.must("whoami", "--json"))["token"]["id"]
    done = cli.run("token", "update", lone, "--scopes", "read")
    assert_fails(done, 8, "no live admin token", "--last")
    error_told = json.loads(cli.run("token", "update", lone, "--scopes", "read", "--json").stderr)["error"]
    assert (error_told["code"], error_told["status"], error_told["exitCode"]) == ("last_admin", 409, 8)
    assert cli.must("token", "update", lone, "--scopes", "read", "--last").startswith("\u2713 Token ")
    assert cli.run("token", "list").returncode == 6


def test_a_token_that_is_not_there(cli):
    assert_fails(cli.run("token", "update", "clnone", "--name", "other"), 7, "no live token with this id", "skillreg token list")


# ---- wrong usage ----

@pytest.mark.parametrize("flags, part", [
    ([], "needs what to change"),
    (["--wait", "--last", "--json"], "needs what to change"),
    (["--expires", "never"], "an end can only come earlier"),
    (["--description", "a", "--no-description"], "not both"),
    (["--description", ""], "--description must not be empty"),
    (["--scopes", "owner"], "unknown scope"),
], ids=["nothing", "switches", "never", "both", "empty", "scope"])
def test_wrong_usage_asks_nothing_of_the_gateway(stub, paper, flags, part):
    assert_fails(paper.run("token", "update", "clx7f2k3a", *flags), 2, part)
    assert stub.requests == []


# ---- what is sent, and the answers of others ----

CHANGED = {"id": "clx7f2k3a", "name": "ci\u202edeploy", "prefix": SECRET[:12], "scopes": ["read"], "description": None,
           "createdAt": "2026-01-01T00:00:00.000Z", "lastUsedAt": None, "expiresAt": None, "allowedIps": []}
PATH = "/api/v1/orgs/acme/tokens/clx7f2k3a"


@pytest.mark.parametrize("flags, query, body", [
    (["--name", "b"], "", {"name": "b"}),
    (["--no-description", "--wait"], "?wait=10", {"description": None}),
    (["--expires", "90d", "--last"], "?last=true", {"expiresIn": 90 * 86400}),
    (["--expires", "2100-01-01", "--wait", "--last"], "?wait=10&last=true", {"expiresAt": "2100-01-01T00:00:00.000Z"}),
    (["--scopes", "read,write", "--allow-ip", "10.0.0.1", "--allow-ip=::1"], "",
     {"scopes": ["read", "write"], "allowedIps": ["10.0.0.1", "::1"]}),
], ids=["name", "description", "length", "date", "lists"])
def test_only_what_was_asked_for_is_sent(stub, paper, flags, query, body):
    stub.answers["PATCH", PATH] = (200, CHANGED)
    text = paper.must("token", "update", "clx7f2k3a", *flags)
    assert text.startswith('\u2713 Token "ci\ufffddeploy" has been changed.\n\n')
    request, = stub.requests
    assert (request.command, request.path, json.loads(request.body)) == ("PATCH", PATH + query, body)


@pytest.mark.parametrize("answer, code", [
    ((405, error("method_not_allowed", "This method is not for this path.")), 1),
    ((404, b"<h1>Not found</h1>"), 7),
], ids=["405", "404"])
def test_an_older_gateway_is_named(stub, paper, answer, code):
    stub.answers["PATCH", PATH] = answer
    assert_fails(paper.run("token", "update", "clx7f2k3a", "--name", "b"), code, "the gateway is too old to change tokens, or the address is not a gateway's")


def test_who_did_not_confirm_is_told(stub, paper):
    stub.answers["PATCH", PATH] = (202, CHANGED | {"pending": 1, "silent": 0, "until": "2026-01-01T00:00:12.345Z"})
    done = paper.run("token", "update", "clx7f2k3a", "--scopes", "read", "--wait")
    assert done.returncode == 4 and done.stdout.startswith("\u2713 ")
    assert "the token is changed, but not confirmed everywhere: 1 gateway has not heard of it yet" in done.stderr
    assert "until 2026-01-01T00:00:12.345Z at the latest" in done.stderr


def test_an_answer_that_got_lost_is_told(stub, paper):
    def lose(request):
        request.connection.shutdown(socket.SHUT_RDWR)
        return 200, b""

    stub.answers["PATCH", PATH] = lose
    done = paper.run("token", "update", "clx7f2k3a", "--name", "b")
    assert done.returncode == 3 and done.stdout == ""
    assert "may have been changed all the same: skillreg token show says what it is" in done.stderr


def test_what_a_proxy_answers_says_nothing_of_what_was_done(stub, paper):
    stub.answers["PATCH", PATH] = (504, b"<h1>gateway</h1>")
    done = paper.run("token", "update", "clx7f2k3a", "--name", "b")
    assert done.returncode == 9 and "may have been changed all the same" in done.stderr

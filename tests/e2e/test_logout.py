# SPDX-License-Identifier: MIT
"""`skillreg logout`: the stored token of one address goes, everything else in the file stays; --revoke ends it first."""
import json

import pytest

from harness.command_line import CommandLine
from harness.paper_gateway import SECRET, error

REVOKE = "DELETE", "/api/v1/auth/token"
OTHER = "sr_live_" + "b" * 48


@pytest.fixture
def home(tmp_path):
    directory = tmp_path / "home"
    directory.mkdir()
    return directory


@pytest.fixture
def file(home):
    return home / ".skillreg" / "config.json"


@pytest.fixture
def cli(home):
    return CommandLine(home)


def write(file, text):
    file.parent.mkdir(mode=0o700, exist_ok=True)
    file.write_text(text)
    file.chmod(0o600)


def outcome(done):
    return done.returncode, done.stdout, done.stderr


# ---- with the real gateway ----

def test_a_login_is_undone(skillreg, new_org, gateway):
    organisation = new_org("admin")
    command_line = skillreg()
    command_line.must("login", "--token", text_in=organisation.admin)
    done = command_line.run("logout")
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("\u2713 Logged out of ")
    assert command_line.run("whoami").returncode == 2, "nothing is stored any more"
    assert gateway.request("GET", "/api/v1/auth/whoami", organisation.admin).status == 200, "it works on elsewhere"
    again = command_line.run("logout")
    assert (again.returncode, again.stderr) == (0, "") and again.stdout.startswith("No token is stored for ")


def test_revoke_ends_the_stored_token_and_not_that_of_the_environment(skillreg, new_org, gateway):
    stored, other = new_org("admin"), new_org("admin")
    command_line = skillreg()
    command_line.must("login", "--token", text_in=stored.admin)
    command_line.settings["SKILLREG_TOKEN"] = other.admin
    done = command_line.run("logout", "--revoke")
    assert done.returncode == 0
    assert done.stdout.startswith('\u2713 Token "admin-key" has been revoked.\n\u2713 Logged out of ')
    assert done.stderr == "skillreg: note: SKILLREG_TOKEN is still set, and its token is still used: unset SKILLREG_TOKEN\n"
    assert gateway.request("GET", "/api/v1/auth/whoami", stored.admin).status == 401
    assert gateway.request("GET", "/api/v1/auth/whoami", other.admin).status == 200


def test_a_token_that_is_revoked_already_goes_too(skillreg, new_org, gateway):
    organisation = new_org("admin")
    command_line = skillreg()
    command_line.must("login", "--token", text_in=organisation.admin)
    assert gateway.request("DELETE", "/api/v1/auth/token", organisation.admin).status == 200
    done = command_line.run("logout", "--revoke")
    assert done.returncode == 0 and done.stdout.startswith("\u2713 Logged out of ")
    assert done.stderr == ("skillreg: note: the gateway refuses the token already, as revoked, expired or unknown: nothing was revoked\n")


# ---- the file ----

def test_everything_else_stays_to_the_byte(cli, file):
    before = ('{\n  "apiUrl": "https://a.example",\n  "theme" : "dark",\n  "token": "%s",\n  "org": "acme",\n'
              '  "gateways": {"https://b.example": {"token": "%s", "org": "b"}, "https://c.example": {"token": "%s"}}\n}\n'
              % (SECRET, OTHER, OTHER))
    write(file, before)
    assert outcome(cli.run("logout")) == (0, "\u2713 Logged out of https://a.example.\n", "")
    after = before.replace(f',\n  "token": "{SECRET}"', "")
    assert file.read_text() == after
    assert outcome(cli.run("logout", "--url", "https://B.example:443/api/v1/")) == (
        0, "\u2713 Logged out of https://b.example.\n", "")
    assert file.read_text() == after.replace(f'"token": "{OTHER}", "org": "b"', '"org": "b"')
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", [None, "{}", '{"theme": "dark"}', '{"apiUrl": "https://a.example", "token": null}'])
def test_nothing_stored_is_no_failure_and_touches_nothing(text, cli, file):
    if text is not None:
        write(file, text)
    done = cli.run("logout", "--revoke")
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("No token is stored")
    assert file.parent.exists() == (text is not None)
    assert text is None or file.read_text() == text


def test_without_an_address_no_token_is_guessed(cli, file):
    write(file, json.dumps({"token": SECRET}))
    done = cli.run("logout")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no gateway address, so it is not known which token to take out of ~/.skillreg/config.json, give --url" in done.stderr
    named = cli.run("logout", "--url", "https://a.example")
    assert (named.returncode, named.stdout) == (0, "No token is stored for https://a.example.\n")
    assert "belongs to no address" in named.stderr
    assert json.loads(file.read_text()) == {"token": SECRET}


def test_a_broken_file_is_left_alone(cli, file):
    write(file, '{"token": ')
    done = cli.run("logout", "--json", "--url", "https://a.example")
    assert (done.returncode, done.stdout, json.loads(done.stderr)["error"]["code"]) == (1, "", "config")
    assert file.read_text() == '{"token": '


def test_json_says_what_was_done(stub, cli, file):
    write(file, json.dumps({"apiUrl": stub.url, "token": SECRET}))
    stub.answers[REVOKE] = (200, {"id": "clt1", "name": "ci", "revokedAt": "2026-01-01T00:00:00.000Z"})
    assert json.loads(cli.must("logout", "--revoke", "--json")) == {"address": stub.url, "removed": True, "revoked": True}
    assert json.loads(cli.must("logout", "--json")) == {"address": stub.url, "removed": False, "revoked": False}
    file.unlink()
    assert json.loads(cli.must("logout", "--json")) == {"address": None, "removed": False, "revoked": False}


# ---- a gateway that cannot be asked ----

@pytest.mark.parametrize("answer,exit_code", [
    ((503, error("unavailable", "Later.")), 9), ((403, error("address_not_allowed", "No.")), 6), ((200, b"<html>"), 1)],
    ids=["unavailable", "forbidden", "strange"])
def test_a_token_that_could_not_be_revoked_stays(answer, exit_code, stub, cli, file):
    before = json.dumps({"apiUrl": stub.url, "token": SECRET})
    write(file, before)
    stub.answers[REVOKE] = answer
    done = cli.run("logout", "--revoke")
    assert (done.returncode, done.stdout) == (exit_code, "")
    assert "the token is still in ~/.skillreg/config.json; without --revoke, logout takes it out there\n" in done.stderr
    assert SECRET not in done.stderr and file.read_text() == before


def test_a_lost_answer_leaves_open_what_was_revoked(stub, cli, file):
    write(file, json.dumps({"apiUrl": stub.url, "token": SECRET}))
    stub.answers[REVOKE] = (504, b"<h1>gateway</h1>")
    done = cli.run("logout", "--revoke")
    assert (done.returncode, done.stdout) == (9, "")
    assert "; it is not known whether the token has been revoked" in done.stderr and "is still in" in done.stderr


def test_nothing_is_revoked_when_the_file_cannot_be_written(stub, cli, home):
    file = home / ("c" * 252)  # there is no room for the name of a new file beside it
    write(file, json.dumps({"apiUrl": stub.url, "token": SECRET}))
    cli.settings["SKILLREG_CONFIG"] = str(file)
    done = cli.run("logout", "--revoke")
    assert (done.returncode, done.stdout) == (1, "") and "cannot write" in done.stderr
    assert stub.requests == []

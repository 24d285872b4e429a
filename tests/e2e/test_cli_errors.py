# SPDX-License-Identifier: MIT
"""How a failed command tells a script what went wrong: the exit code, and with --json an object on standard error. Standard
output holds one JSON document or nothing."""
import json
import pathlib
import re

import pytest

from harness.paper_gateway import SECRET, error
from harness.ports import free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOKENS = "/api/v1/orgs/acme/tokens"


@pytest.fixture
def cli(paper):
    return paper


def error_of(done):
    """The error that the last line of standard error is."""
    assert done.stdout == ""
    assert SECRET not in done.stderr
    document = json.loads(done.stderr.splitlines()[-1])
    assert list(document) == ["error"]
    assert list(document["error"]) == ["code", "message", "status", "requestId", "exitCode"]
    assert document["error"]["exitCode"] == done.returncode
    return document["error"]


# ---- the table ----

def exits_of_source():
    source = (ROOT / "cli/outcome.h").read_text()
    found = re.findall(r'^    X\([A-Z_]+, (\d+), (?:NULL|"([a-z_]+)"),\s+"([^"]+)"\)', source.replace("\\\n", "\n"), re.MULTILINE)
    assert found and len(found) == len(re.findall(r"^    X\(", source, re.MULTILINE))
    return found


def test_the_documentation_has_the_exit_codes_of_the_program():
    page = (ROOT / "docs/command-line.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| (\d+) \| (?:`([a-z_]+)` )?\| ([^|]+) \|$", page, re.MULTILINE)
    assert [(code, name, meaning.replace("`", "")) for code, name, meaning in documented] == exits_of_source()


def test_help_has_the_exit_codes_of_the_program(cli):
    text = cli.must("--help")
    lines = text[text.index("Exit codes:\n"):].splitlines()[1:]
    told = [re.fullmatch(r"  (\d+) +(.*)", line) for line in lines]
    assert [match.groups() for match in told if match] == [(code, meaning) for code, _, meaning in exits_of_source()]


# ---- what the gateway refuses ----

@pytest.mark.parametrize("status,code,exit_code", [
    (400, "bad_request", 1), (401, "invalid_token", 5), (403, "org_mismatch", 6), (404, "not_found", 7),
    (409, "already_rotated", 8), (409, "a-code_of.1 tomorrow", 8), (422, "validation_failed", 1), (429, "rate_limited", 9),
    (500, "internal", 1), (503, "unavailable", 9)])
def test_a_refusal_keeps_the_code_of_the_gateway(status, code, exit_code, stub, cli):
    stub.answers["DELETE", TOKENS + "/clx"] = (status, error(code, "Not now."), {"X-Request-Id": "r-7"})
    done = cli.run("token", "revoke", "clx", "--json")
    told = error_of(done)
    assert done.stderr.count("\n") == 1
    assert (done.returncode, told["code"], told["status"], told["requestId"]) == (exit_code, code, status, "r-7")
    assert "Not now" in told["message"]
    plain = cli.run("token", "revoke", "clx")
    assert (plain.returncode, plain.stderr) == (exit_code, f"skillreg: {told['message']}\n"), "the same in words"


@pytest.mark.parametrize("status,name,exit_code", [
    (302, "failed", 1), (401, "unauthenticated", 5), (404, "not_found", 7), (502, "unavailable", 9), (504, "unavailable", 9)])
def test_an_answer_that_is_no_gateways_has_a_code_of_ours(status, name, exit_code, stub, cli):
    stub.answers["GET", "/api/v1/auth/whoami"] = (status, b"<html>")
    told = error_of(cli.run("whoami", "--json"))
    assert (told["code"], told["status"], told["requestId"], told["exitCode"]) == (name, status, None, exit_code)


def test_a_code_cannot_play_with_the_terminal_nor_carry_a_token(stub, cli):
    stub.answers["GET", "/api/v1/auth/whoami"] = (403, error(f"\x1b[2J\u202e{SECRET}", f"no {SECRET}"), {"X-Request-Id": SECRET})
    done = cli.run("whoami", "--json")
    assert done.stderr.isascii() and done.stderr.count("\n") == 1 and "\x1b" not in done.stderr
    assert error_of(done)["code"] == "\x1b[2J\u202e(a token?)"


# ---- what fails here ----

def test_wrong_usage_is_json_too(cli):
    for arguments in (["token", "lost", "--json"], ["--json", "--what"], ["token", "list", "--what", "--json"],
                      ["token", "create", "--json"], ["token", "revoke", "CLX", "--json"]):
        done = cli.run(*arguments)
        told = error_of(done)
        assert done.stderr.count("\n") == 1, "no hint beside it"
        assert (told["code"], told["status"], told["requestId"], done.returncode) == ("usage", None, None, 2)
    assert cli.run("token", "revoke", "--", "--json").stderr.startswith("skillreg: "), "that is no flag"


def test_a_missing_setting_is_wrong_usage(cli):
    del cli.settings["SKILLREG_TOKEN"]
    assert error_of(cli.run("whoami", "--json"))["code"] == "usage"


def test_a_gateway_that_is_not_there_is_unreachable(cli):
    told = error_of(cli.run("whoami", "--json", "--url", f"http://127.0.0.1:{free_port()}"))
    assert (told["code"], told["status"], told["exitCode"]) == ("unreachable", None, 3)


@pytest.mark.parametrize("text", ['{"token": ', "[]", '{"token": 5, "apiUrl": "http://127.0.0.1:1"}'])
def test_a_file_that_cannot_be_used_is_config(text, cli, tmp_path):
    file = tmp_path / "settings.json"
    file.write_text(text)
    del cli.settings["SKILLREG_TOKEN"]
    cli.settings["SKILLREG_CONFIG"] = str(file)
    told = error_of(cli.run("whoami", "--json"))
    assert (told["code"], told["exitCode"]) == ("config", 1) and str(file) in told["message"]


# ---- beside a result ----

def test_an_error_beside_a_result_leaves_the_result_alone(stub, cli):
    answer = {"id": "clx", "name": "ci", "revokedAt": "2026-01-01T00:00:00.000Z", "pending": 1, "silent": 0, "until": None}
    stub.answers["DELETE", TOKENS + "/clx"] = (202, answer)
    done = cli.run("token", "revoke", "clx", "--wait", "--json")
    assert json.loads(done.stdout) == answer
    told = json.loads(done.stderr)["error"]
    assert (told["code"], told["exitCode"], done.returncode) == ("unconfirmed", 4, 4)


def test_a_warning_comes_before_the_error(stub, cli):
    header = {"SkillReg-Token-Expires": "2099-01-01T00:00:00.000Z"}
    stub.answers["GET", "/api/v1/auth/whoami"] = (403, error("insufficient_scope", "The admin scope is needed."), header)
    done = cli.run("whoami", "--json")
    assert len(done.stderr.splitlines()) == 2 and error_of(done)["code"] == "insufficient_scope"


# ---- with the real gateway ----

def test_a_script_tells_refusals_apart(skillreg, new_org, globex):
    organisation = new_org("admin", "read")
    admin = skillreg(organisation)
    made = json.loads(admin.must("token", "create", "--name", "ci", "--json"))
    json.loads(admin.must("token", "rotate", made["id"], "--json"))

    def told(command_line, *arguments):
        found = error_of(command_line.run(*arguments, "--json"))
        assert found["requestId"]
        return found["exitCode"], found["code"], found["status"]

    assert told(admin, "token", "rotate", made["id"]) == (8, "already_rotated", 409)
    assert told(admin, "token", "revoke", "clnothere") == (7, "not_found", 404)
    assert told(admin, "token", "list", "--org", globex.slug) == (6, "org_mismatch", 403)
    assert told(skillreg(token=organisation.tokens["read"]), "token", "list") == (6, "insufficient_scope", 403)
    assert told(skillreg(token="sr_live_" + "a" * 48), "whoami") == (5, "invalid_token", 401)
    assert told(admin, "token", "create", "--name", "x", "--allow-ip", "10.0.0.1/8") == (1, "validation_failed", 422)


def test_a_wrong_organisation_names_the_setting_that_it_came_from(skillreg, new_org, globex):
    organisation = new_org("admin")

    def told(command_line, *arguments):
        done = command_line.run("token", "list", *arguments)
        assert done.returncode == 6
        return re.search(r'"([^"]+)" comes from ([^:]+): change that', done.stderr).groups()

    assert told(skillreg(token=organisation.admin), "--org", globex.slug) == (globex.slug, "--org")
    of_variable = skillreg(token=organisation.admin)
    of_variable.settings["SKILLREG_ORG"] = globex.slug
    assert told(of_variable) == (globex.slug, "SKILLREG_ORG")
    of_file = skillreg()
    of_file.must("login", "--token", text_in=organisation.admin)
    file = pathlib.Path(of_file.home, ".skillreg/config.json")
    file.write_text(json.dumps({**json.loads(file.read_text()), "org": globex.slug}))
    assert told(of_file) == (globex.slug, '"org" in ~/.skillreg/config.json')


@pytest.mark.parametrize("value,fault", [('"%s"', "it is in quotes"), ("$URL", "it is the name of a variable that was not expanded"),
                                         ("***", "it is what a CI system shows in place of a secret, not the secret")],
                         ids=["quotes", "variable", "mask"])
def test_a_setting_that_a_ci_system_did_not_fill_in_is_named(value, fault, stub, cli):
    for variable, what in (("SKILLREG_URL", "an address"), ("SKILLREG_ORG", "the slug of an organisation")):
        before = cli.settings[variable]
        cli.settings[variable] = value.replace("%s", before)
        done = cli.run("token", "list")
        assert (done.returncode, done.stderr) == (2, f"skillreg: {variable} is not {what}: {fault}\n")
        cli.settings[variable] = before
    assert stub.requests == []


def test_an_address_that_is_wrong_names_its_setting(cli, tmp_path):
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"apiUrl": "ftp://gateway.invalid"}))
    cli.settings["SKILLREG_CONFIG"] = str(file)
    wrong = "the gateway's address is not a URL, write it as https://host:port\n"
    assert cli.run("whoami", "--url", "ftp://x").stderr == f"skillreg: --url: {wrong}"
    cli.settings["SKILLREG_URL"] = "ftp://x"
    assert cli.run("whoami").stderr == f"skillreg: SKILLREG_URL: {wrong}"
    del cli.settings["SKILLREG_URL"]
    assert cli.run("whoami").stderr == f'skillreg: "apiUrl" in {file}: {wrong}'

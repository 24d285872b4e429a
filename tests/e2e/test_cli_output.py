# SPDX-License-Identifier: MIT
"""A new token as a program takes it: --quiet and --output of `token create` and `token rotate`."""
import contextlib
import json
import re
import subprocess

import pytest

from harness import binaries
from harness.command_line import CommandLine
from harness.paper_gateway import SECRET
from harness.process import run

TOKENS = "/api/v1/orgs/acme/tokens"
MADE = {"id": "clx7f2k3a", "name": "ci", "prefix": SECRET[:12], "scopes": ["read"], "createdAt": "2026-01-01T00:00:00.000Z",
        "lastUsedAt": None, "expiresAt": None, "allowedIps": [], "token": SECRET}
CREATE = "token", "create", "--name", "ci"
ROTATE = "token", "rotate", "clx7f2k3a"


@pytest.fixture
def stub(stub):
    stub.answers["POST", TOKENS] = (201, MADE)
    stub.answers["POST", TOKENS + "/clx7f2k3a/rotate"] = (
        201, {**MADE, "id": "clx7f2k3b", "replaces": {"id": "clx7f2k3a", "expiresAt": "2026-01-02T00:00:00.000Z"}})
    return stub


@pytest.fixture
def cli(stub, tmp_path):
    return CommandLine(tmp_path, url=stub.url, token="sr_live_" + "a" * 48, org="acme")


@pytest.fixture
def github_env(cli, tmp_path):
    file = tmp_path / "github_env"
    file.touch()
    cli.settings["GITHUB_ENV"] = str(file)
    return file


def runner_reads(text):
    """Variables of a file of GITHUB_ENV, as the runner of a GitHub job reads it: empty lines do not count, a line without an
    equals sign is an error."""
    variables = {}
    for line in filter(None, text.split("\n")):
        assert "=" in line, f"Invalid format '{line}'"
        name, _, variables[name] = line.partition("=")
    return variables


def made(stub):
    return [request for request in stub.requests if request.command == "POST"]


# ---- with the real gateway ----

def test_a_script_takes_the_secret_alone(skillreg, new_org, gateway):
    command_line = skillreg(new_org("admin"))
    done = command_line.run("token", "create", "--name", "ci", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"sr_live_[A-Za-z0-9_-]{48}\n", done.stdout)
    assert gateway.request("GET", "/api/v1/auth/whoami", done.stdout.strip()).status == 200
    identity = json.loads(skillreg(token=done.stdout.strip()).must("whoami", "--json"))["token"]["id"]
    successor = command_line.must("token", "rotate", identity, "--quiet", "--overlap", "0")
    assert re.fullmatch(r"sr_live_[A-Za-z0-9_-]{48}\n", successor) and successor != done.stdout
    assert gateway.request("GET", "/api/v1/auth/whoami", done.stdout.strip()).status == 401


def test_a_file_for_a_shell_is_sourced(skillreg, new_org, tmp_path):
    organisation = new_org("admin")
    command_line = skillreg(organisation)
    file = tmp_path / "skillreg.env"
    file.write_text(command_line.must("token", "create", "--name", "ci", "--output", "dotenv"))
    environment = {**command_line.settings, "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    who = run(["sh", "-c", f'set -a; . {file}; exec {binaries.find("skillreg")} whoami'], env=environment)
    assert who.returncode == 0 and "\nToken:         ci (" in who.stdout


# ---- the forms ----

@pytest.mark.parametrize("command", [CREATE, ROTATE], ids=["create", "rotate"])
@pytest.mark.parametrize("flags,stdout", [
    (("--quiet",), f"{SECRET}\n"),
    (("--output", "gitlab"), f"SKILLREG_TOKEN={SECRET}\n"),
    (("--output", "dotenv"), f"SKILLREG_TOKEN='{SECRET}'\n"),
    (("--output", "github"), f"::add-mask::{SECRET}\nSKILLREG_TOKEN={SECRET}\n"),
], ids=["quiet", "gitlab", "dotenv", "github"])
def test_nothing_else_is_on_standard_output(command, flags, stdout, cli):
    done = cli.run(*command, *flags)
    assert (done.returncode, done.stdout) == (0, stdout)
    assert SECRET not in done.stderr


def test_gitlab_is_told_that_nothing_masks_the_secret(cli):
    assert cli.run(*CREATE, "--output", "gitlab").stderr == (
        "skillreg: note: GitLab does not mask a variable of a dotenv report: let no job print it\n")


@pytest.mark.parametrize("command", [CREATE, ROTATE], ids=["create", "rotate"])
@pytest.mark.parametrize("before", ["", "A=b\n", "A=b"], ids=["empty", "lines", "line_without_end"])
def test_a_github_job_gets_the_mask_on_standard_output_and_the_variable_in_its_file(before, command, cli, github_env):
    github_env.write_text(before)
    assert cli.must(*command, "--output", "github") == f"::add-mask::{SECRET}\n"
    assert runner_reads(github_env.read_text()) == {**({"A": "b"} if before else {}), "SKILLREG_TOKEN": SECRET}


# ---- on a terminal ----

def seen_on_terminal(cli, *arguments):
    with contextlib.closing(cli.on_terminal(*arguments, columns=200)) as terminal:
        text = terminal.read_all()
        return text, terminal.process.wait()


@pytest.mark.parametrize("command", [CREATE, ROTATE], ids=["create", "rotate"])
@pytest.mark.parametrize("flags", [(), ("--json",), ("--quiet",), ("--output", "gitlab"), ("--output", "dotenv")],
                         ids=["text", "json", "quiet", "gitlab", "dotenv"])
def test_a_terminal_shows_the_secret_once(command, flags, cli):
    text, exit_code = seen_on_terminal(cli, *command, *flags)
    assert (exit_code, text.count(SECRET)) == (0, 1)


def test_a_terminal_is_no_github_job(stub, cli, github_env):
    assert seen_on_terminal(cli, *CREATE, "--output", "github") == (f"::add-mask::{SECRET}\n", 0)
    stub.requests.clear()
    del cli.settings["GITHUB_ENV"]
    text, exit_code = seen_on_terminal(cli, *CREATE, "--output", "github")
    assert exit_code == 2 and "--output github is for a step of a GitHub job" in text
    assert stub.requests == [], "the secret would stand there twice"


# ---- before anything is made ----

def test_the_mask_in_the_file_of_the_job_is_refused(stub, cli, github_env):
    """`--output github >> "$GITHUB_ENV"` would hide the command from the runner, which prints the line that it cannot read."""
    with github_env.open("a") as out:
        done = subprocess.run([binaries.find("skillreg"), *CREATE, "--output", "github"], env=cli._environment(), stdout=out,
                              stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2 and "leave the redirection out" in done.stderr
    assert stub.requests == [] and github_env.read_text() == ""


def test_a_file_of_the_job_that_cannot_be_written_makes_no_token(stub, cli):
    cli.settings["GITHUB_ENV"] = "/nonexistent/env"
    for command in (CREATE, ROTATE):
        done = cli.run(*command, "--output", "github")
        assert (done.returncode, done.stdout) == (1, "") and "the file of GITHUB_ENV, /nonexistent/env" in done.stderr
    assert made(stub) == []


@pytest.mark.parametrize("flags", [("--quiet", "--json"), ("--output", "github", "--quiet"), ("--output", "env")],
                         ids=["quiet_json", "output_quiet", "unknown"])
def test_forms_that_exclude_each_other_make_no_token(flags, stub, cli):
    assert cli.run(*CREATE, *flags).returncode == 2
    assert stub.requests == []


# ---- answers that would be a command or another variable ----

@pytest.mark.parametrize("secret", ["x\nPATH=/evil", f"{SECRET}\n::stop-commands::x", f"{SECRET}'; echo '", ""],
                         ids=["variable", "command", "quote", "empty"])
@pytest.mark.parametrize("form", ["--quiet", "--output=github", "--output=gitlab", "--output=dotenv"])
def test_what_is_no_token_is_handed_to_nobody(form, secret, stub, cli, github_env):
    stub.answers["POST", TOKENS] = (201, {**MADE, "token": secret})
    done = cli.run(*CREATE, form)
    assert (done.returncode, done.stdout, github_env.read_text()) == (1, "", "")
    assert "the token was created but could not be shown (" in done.stderr and "skillreg token revoke clx7f2k3a" in done.stderr

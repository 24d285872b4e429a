# SPDX-License-Identifier: MIT
"""The documented session: create, list, revoke with the real `skillreg` against the real gateway over TLS, compared with
what the documentation prints, to the letter."""
import json
import os
import pathlib
import pty
import re

import pytest

from harness.process import clean_environment
from harness import binaries, certificate

CREATED = """\
\u2713 Token created successfully!

  Name:   ci-deploy
  Scopes: read, write
  Token:  {secret}

  \u26a0 Copy this token now \u2014 it will not be shown again.
"""
REVOKED = '\u2713 Token "{name}" has been revoked.\n'


def secret_of(text):
    return re.search(r"^  Token:  (\S+)$", text, re.MULTILINE)[1]


def test_create_prints_what_the_documentation_shows(skillreg, new_org):
    text = skillreg(new_org("admin")).must("token", "create", "--name", "ci-deploy", "--scopes", "read,write")
    assert text == CREATED.format(secret=secret_of(text))
    assert re.fullmatch(r"sr_live_[A-Za-z0-9_-]{48}", secret_of(text))


def test_create_list_revoke(skillreg, new_org, gateway, postgres):
    organisation = new_org("admin")
    command_line = skillreg(organisation)
    deploy = secret_of(command_line.must("token", "create", "--name", "ci-deploy"))
    readonly = secret_of(command_line.must("token", "create", "--name", "bot-readonly", "--scopes", "read"))
    # As in the documentation: used two hours ago, three days ago, never (the list itself is a use of admin-key).
    postgres.query("update skillreg.api_token set last_used_at = now() - interval '2 hours 1 minute' where prefix = %s", (deploy[:12],))
    postgres.query("update skillreg.api_token set last_used_at = now() - interval '3 days 1 hour' where prefix = %s", (readonly[:12],))
    ids = dict(postgres.query("select t.name, t.id from skillreg.api_token t join skillreg.organisation o on o.id = t.org_id"
                              " where o.slug = %s", (organisation.slug,)))
    # Column by column: as wide as the content, ID last.
    assert command_line.must("token", "list") == (
        "NAME          PREFIX         SCOPES        LAST USED     ID\n"
        f"bot-readonly  {readonly[:12]}   read          3 days ago    {ids['bot-readonly']}\n"
        f"ci-deploy     {deploy[:12]}   read, write   2 hours ago   {ids['ci-deploy']}\n"
        f"admin-key     {organisation.admin[:12]}   admin         just now      {ids['admin-key']}\n")

    assert command_line.must("token", "revoke", ids["ci-deploy"]) == REVOKED.format(name="ci-deploy")
    assert gateway.request("GET", "/api/v1/auth/whoami", deploy).status == 401
    assert gateway.request("GET", "/api/v1/auth/whoami", readonly).status == 200
    assert "ci-deploy" not in command_line.must("token", "list")

    again = command_line.run("token", "revoke", ids["ci-deploy"])
    assert again.returncode == 7
    assert again.stdout == "" and again.stderr.count("\n") == 1


def test_a_token_never_used_says_never(skillreg, new_org):
    command_line = skillreg(new_org("admin"))
    command_line.must("token", "create", "--name", "fresh", "--scopes", "admin")
    row = next(line for line in command_line.must("token", "list").splitlines() if line.startswith("fresh"))
    assert re.fullmatch(r"fresh\s{2,}sr_live_\S{4}\s{2,}admin\s{2,}never\s{2,}cl[a-z0-9]+", row)


def test_scopes_of_the_default_and_of_admin_alone(skillreg, new_org):
    command_line = skillreg(new_org("admin"))
    assert "\n  Scopes: read, write\n" in command_line.must("token", "create", "--name", "default")
    assert "\n  Scopes: admin\n" in command_line.must("token", "create", "--name", "boss", "--scopes", "admin")


def test_org_flag_and_org_of_the_token(skillreg, new_org, globex):
    own = new_org("admin")
    no_org = skillreg(token=own.admin)
    assert "admin-key" in no_org.must("token", "list"), "without --org the organisation of the token"
    refused = no_org.run("token", "list", "--org", globex.slug)
    assert refused.returncode == 6 and refused.stdout == ""
    assert refused.stderr.strip()


def test_json_is_what_the_gateway_says(skillreg, new_org):
    command_line = skillreg(new_org("admin"))
    created = json.loads(command_line.must("token", "create", "--name", "machine", "--json"))
    assert list(created) == ["id", "name", "prefix", "scopes", "createdAt", "lastUsedAt", "expiresAt", "allowedIps",
                             "description", "selfRotate", "token"]
    listed = json.loads(command_line.must("token", "list", "--json"))
    assert [token["name"] for token in listed["tokens"]] == ["machine", "admin-key"]
    revoked = json.loads(command_line.must("token", "revoke", created["id"], "--json"))
    assert list(revoked) == ["id", "name", "revokedAt"]
    who = json.loads(command_line.must("whoami", "--json"))
    assert who["token"]["name"] == "admin-key"


def test_whoami_names_token_and_organisation(skillreg, new_org):
    organisation = new_org("admin")
    text = skillreg(organisation).must("whoami")
    assert organisation.slug in text and "admin" in text
    assert organisation.admin not in text


def test_list_over_many_pages(skillreg, new_org, postgres):
    organisation = new_org("admin")
    postgres.query(
        "insert into skillreg.api_token (id, org_id, name, prefix, digest, scopes, created_by)"
        " select 'clpage' || n, o.id, 'key ' || n, 'sr_live_page', sha256(('page' || n)::bytea), 1, 'operator'"
        " from skillreg.organisation o, generate_series(1, 450) n where o.slug = %s", (organisation.slug,))
    assert skillreg(organisation).must("token", "list").count("\n") == 1 + 451


@pytest.mark.parametrize("name", ["\u6f22\u5b57", "q\u0307t\u00e9", "\U0001f512 lock", "a" * 100])
def test_odd_names_do_not_break_the_table(name, skillreg, new_org):
    command_line = skillreg(new_org("admin"))
    command_line.must("token", "create", "--name", name)
    lines = command_line.must("token", "list").splitlines()
    assert len(lines) == 3
    assert all(line == line.rstrip() for line in lines)
    assert any(line.startswith(name + "  ") for line in lines[1:])


@pytest.mark.parametrize("scope,arguments", [
    ("read", ("token", "list")), ("write", ("token", "list")), ("write", ("token", "create", "--name", "x")),
    ("read", ("token", "revoke", "clx7f2k3a"))])
def test_too_small_a_scope_is_one_line_and_6(scope, arguments, skillreg, acme):
    done = skillreg(token=acme.tokens[scope]).run(*arguments)
    assert (done.returncode, done.stdout) == (6, "")
    assert done.stderr.count("\n") == 1 and "admin" in done.stderr


def test_bad_token_is_one_line_and_5(skillreg):
    done = skillreg(token="sr_live_" + "a" * 48).run("token", "list")
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr.count("\n") == 1
    assert "a" * 20 not in done.stderr


def test_login_stores_the_token_for_later_commands(skillreg, new_org):
    organisation = new_org("admin")
    command_line = skillreg()
    command_line.must("login", "--token", text_in=organisation.admin + "\n")
    config = pathlib.Path(command_line.home, ".skillreg/config.json")
    assert config.stat().st_mode & 0o777 == 0o600
    assert json.loads(config.read_text())["token"] == organisation.admin
    assert "admin-key" in command_line.must("token", "list")


def test_refused_login_stores_nothing(skillreg):
    command_line = skillreg()
    done = command_line.run("login", "--token", text_in="sr_live_" + "b" * 48 + "\n")
    assert done.returncode == 5
    assert not pathlib.Path(command_line.home, ".skillreg/config.json").exists()


def test_certificate_of_a_stranger_is_refused(skillreg, new_org, tmp_path):
    stranger = certificate.make(tmp_path, "stranger")
    command_line = skillreg(new_org("admin"))
    command_line.settings["SSL_CERT_FILE"] = str(stranger.cert)
    done = command_line.run("token", "list")
    assert done.returncode == 3 and done.stdout == ""


def run_on_terminal(command_line, *arguments, **settings):
    """What a terminal shows, and nothing but the line ends changed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(binaries.find("skillreg"), ["skillreg", *arguments], clean_environment(
            HOME=str(command_line.home), TERM="xterm-256color", **{**command_line.settings, **settings}))
    output = b""
    try:
        while piece := os.read(terminal, 4096):
            output += piece
    except OSError:  # the end of a terminal
        pass
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, output
    return output.decode().replace("\r\n", "\n")


def test_on_a_terminal_the_text_is_the_same(skillreg, new_org):
    """No colour, no control sequences; the table as in a pipe."""
    command_line = skillreg(new_org("admin"))
    assert run_on_terminal(command_line, "token", "list") == command_line.must("token", "list")
    text = run_on_terminal(command_line, "token", "create", "--name", "ci-deploy")
    assert text == CREATED.format(secret=secret_of(text))


def test_on_a_terminal_without_utf8_there_are_no_symbols(skillreg, new_org):
    command_line = skillreg(new_org("admin"))
    text = run_on_terminal(command_line, "token", "create", "--name", "pl\u00e4in", LC_ALL="C")
    assert text.isascii()
    assert "Token created successfully!" in text and "Copy this token now" in text


def test_in_a_pipe_the_text_is_the_documented_one_in_any_locale(skillreg, new_org):
    command_line = skillreg(new_org("admin"))
    command_line.settings["LC_ALL"] = "C"
    text = command_line.must("token", "create", "--name", "ci-deploy")
    assert text == CREATED.format(secret=secret_of(text))

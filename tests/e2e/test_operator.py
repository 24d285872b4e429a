# SPDX-License-Identifier: MIT
"""The operator commands of the gateway's binary: what they print, how they fail, and that a mistake is one clear line."""
import json
import re
import signal

import pytest

from harness import token_syntax
from harness.gateway import Operator
from harness.waiting import PATIENCE_S


def assert_one_line(done, code):
    assert done.returncode == code, f"exit {done.returncode}: {done.stdout}{done.stderr}"
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1 and done.stderr.strip(), done.stderr


def test_help_and_version(operator):
    for arguments in (("--help",), ("migrate", "--help"), ("org", "create", "--help"), ("token", "create", "--help")):
        done = operator.run(*arguments)
        assert done.returncode == 0 and done.stderr == ""
        assert max(map(len, done.stdout.splitlines())) <= 110
    assert re.fullmatch(r"skillreg-gateway \d+\.\d+\.\d+\n", operator.run("--version").stdout)


@pytest.mark.parametrize("arguments", [
    ("--no-such-flag",), ("--no-such-flag", "1"), ("--listen-https",), ("nonsense",), ("org",), ("org", "create"), ("org", "destroy"),
    ("org", "create", "a", "b"), ("token",), ("token", "create"), ("token", "create", "--org", "acme"),
    ("token", "create", "--name", "x"), ("token", "create", "--org", "acme", "--name", "x", "--scopes", "root"),
    ("token", "create", "--org", "acme", "--name", "x", "--scopes", ""), ("token", "create", "--org", "acme", "--name", ""),
    ("token", "create", "--org", "acme", "--name", "x" * 101), ("token", "create", "--org", "acme", "--name", "x", "--expires", "soon"),
    ("token", "create", "--org", "acme", "--name", "x", "--allow-ip", "10.0.0.1/8"),
    ("token", "create", "--org", "acme", "--name", "x", *("--allow-ip", "::1") * 33),
    ("token", "import", "--org", "acme"), ("migrate", "now"), ("org", "create", "A"), ("org", "create", "-a"), ("org", "create", "a_b"),
    ("org", "create", "a"), ("org", "create", "x" * 49), ("--environment", "prod"), ("--log-level", "loud"),
    ("--head-timeout", "fast"), ("--head-timeout", "0s"), ("--connections-max", "none"), ("--upstream", "ftp://x"),
    ("--upstream", "nonsense"),
], ids=lambda arguments: " ".join(arguments)[:40])
def test_wrong_usage_is_2_and_one_line(arguments, operator):
    assert_one_line(operator.run(*arguments), 2)


def test_the_flag_that_is_unknown_is_named_without_its_value(operator):
    done = operator.run("token", "create", "--org", "acme", "--token=sr_live_secret", "--name", "x")
    assert_one_line(done, 2)
    assert "--token" in done.stderr and "secret" not in done.stderr


@pytest.mark.parametrize("port", ["65536", "99999", "-1", "http", ""])
def test_a_port_that_is_none_is_not_cut_to_one(port, operator):
    done = operator.run("--listen-https", "off", "--listen-admin", "off", "--listen-http", f"127.0.0.1:{port}")
    lines = [line for line in done.stderr.splitlines() if " error " in line]
    assert done.returncode == 1 and len(lines) == 1 and "cannot listen kind=http" in lines[0], done.stderr


def test_https_needs_a_certificate(operator):
    done = operator.run("--listen-https", "127.0.0.1:0", "--listen-admin", "127.0.0.1:0")
    assert_one_line(done, 2)
    assert "tls-cert" in done.stderr


def test_database_url_is_required(operator, tmp_path):
    for arguments in (("migrate",), ("org", "create", "some"), ("--listen-https", "off", "--listen-http", "127.0.0.1:0")):
        without = Operator("", tmp_path).run(*arguments)
        assert_one_line(without, 2)
        assert "database" in without.stderr.lower()


def test_unreachable_database_is_3(tmp_path):
    away = Operator(f"postgresql://skillreg:hidden@/postgres?host={tmp_path}", tmp_path)
    for arguments in (("migrate",), ("org", "create", "some"), ("token", "create", "--org", "acme", "--name", "x")):
        done = away.run(*arguments)
        assert_one_line(done, 3)
        assert "hidden" not in done.stderr


def test_migrating_again_changes_nothing(operator, postgres):
    before = postgres.query("select * from skillreg.migration order by number")
    assert operator.run("migrate").returncode == 0
    assert postgres.query("select * from skillreg.migration order by number") == before


def test_organisation_twice_is_refused(operator, acme):
    done = operator.run("org", "create", acme.slug)
    assert_one_line(done, 1)
    assert acme.slug in done.stderr


@pytest.mark.parametrize("slug", ["ab", "a-b", "0a", "x" * 48, "a--b"])
def test_legal_slugs(slug, operator):
    assert operator.run("org", "create", slug).returncode == 0


def test_token_of_an_unknown_organisation_is_refused(operator):
    assert_one_line(operator.run("token", "create", "--org", "no-such-org", "--name", "x"), 1)
    done = operator.run("token", "import", "--org", "no-such-org", "--name", "x", text_in=token_syntax.make() + "\n")
    assert_one_line(done, 1)


def test_created_token_works(operator, gateway, acme):
    created = operator.create_token(acme.slug, "by hand", "read,write")
    assert created["scopes"] == ["read", "write"] and created["name"] == "by hand"
    assert token_syntax.checksum_is_right(created["token"])
    who = gateway.request("GET", "/api/v1/auth/whoami", created["token"]).json()
    assert who["token"]["id"] == created["id"]


def test_created_token_has_an_expiry(operator, gateway, acme):
    created = operator.create_token(acme.slug, "by hand", "read", "--expires", "90d")
    assert created["expiresAt"] is not None
    assert gateway.request("GET", "/api/v1/auth/whoami", created["token"]).json()["token"]["expiresAt"] == created["expiresAt"]


def test_created_token_of_the_test_environment(operator, acme):
    assert operator.create_token(acme.slug, "trial", "read", "--environment", "test")["token"].startswith("sr_test_")


def test_plain_output_holds_the_secret_and_json_is_one_document(operator, acme):
    plain = operator.must("token", "create", "--org", acme.slug, "--name", "plain", "--scopes", "read")
    assert len(re.findall(r"sr_live_[A-Za-z0-9_-]{48}", plain)) == 1
    created = operator.must("token", "create", "--org", acme.slug, "--name", "json", "--json")
    assert list(json.loads(created))[-1] == "token"


@pytest.fixture
def importing(operator, acme):
    """`token import` at a terminal, at its prompt."""
    terminal = operator.on_terminal("token", "import", "--org", acme.slug, "--name", "typed", "--scopes", "read", "--json")
    terminal.wait_for(b"Token: ")
    yield terminal
    terminal.close()


def test_import_at_a_terminal_never_shows_what_is_typed(importing):
    secret = token_syntax.make()
    assert not importing.echoes()
    importing.type(secret.encode() + b"\n")
    output, _ = importing.process.communicate(timeout=PATIENCE_S)
    importing.wait_for(b"\r\n")
    assert importing.process.returncode == 0 and json.loads(output)["name"] == "typed"
    assert importing.seen == b"Token: \r\n"
    assert importing.is_as_before()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_import_that_is_interrupted_restores_the_terminal(number, importing):
    importing.type(b"sr_live_half")
    if number == signal.SIGINT:
        importing.type(b"\x03")
    else:
        importing.process.send_signal(number)
    assert importing.process.wait(PATIENCE_S) == -number
    assert importing.is_as_before()


def test_import_at_a_terminal_ends_at_the_end_of_input(importing):
    importing.type(b"\x04")
    assert importing.process.wait(PATIENCE_S) == 1
    importing.wait_for(b"standard input holds no token")
    assert importing.is_as_before()


@pytest.mark.parametrize("following", ["\n", "x", "\n\n", "\nsecond\n"], ids=repr)
def test_import_takes_a_line_and_nothing_after_it(following, operator, acme):
    done = operator.run("token", "import", "--org", acme.slug, "--name", "odd", text_in=token_syntax.make() + "\r\n" + following)
    assert_one_line(done, 1)


@pytest.mark.parametrize("line_end", ["", "\n", "\r\n", "\r"], ids=repr)
def test_import_takes_any_line_end(line_end, operator, acme):
    operator.must("token", "import", "--org", acme.slug, "--name", "odd", text_in=token_syntax.make() + line_end)


def test_audit_says_operator(operator, postgres, acme):
    created = operator.create_token(acme.slug, "audited", "read")
    assert postgres.query("select created_by from skillreg.api_token where id = %s", (created["id"],)) == [("operator",)]


def test_healthcheck(operator, gateway, start_gateway):
    own = start_gateway()
    address = "%s:%d" % own.admin
    assert operator.run("healthcheck", "--listen-admin", address).returncode == 0
    assert operator.run("healthcheck", "--listen-admin", "%s:%d" % (own.admin[0], own.admin[1] + 65536)).returncode == 1
    own.stop()
    assert operator.run("healthcheck", "--listen-admin", address).returncode == 1

# SPDX-License-Identifier: MIT
"""Expiry, addresses, rotation, leak response and audit with the real `skillreg` against the real gateway. What the command line
does with answers that are rare is in test_cli_stub.py, what the gateway answers in test_token_life.py."""
import datetime
import json
import pathlib
import re

import pytest

from harness import token_syntax


def create(command_line, *flags, name="ci-deploy"):
    return json.loads(command_line.must("token", "create", "--name", name, "--json", *flags))


def works(gateway, secret):
    status = gateway.request("GET", "/api/v1/auth/whoami", secret).status
    assert status in (200, 401)
    return status == 200


def secret_of(text):
    secret = re.search(r"^  Token:  (\S+)$", text, re.MULTILINE)[1]
    assert token_syntax.checksum_is_right(secret)
    return secret


def test_create_with_expiry(command_line):
    text = command_line.must("token", "create", "--name", "ci-deploy", "--expires", "90d")
    expires = datetime.datetime.fromisoformat(re.search(r"^  Ends:   (\S+)$", text, re.MULTILINE)[1].replace("Z", "+00:00"))
    ahead = expires - datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta(days=89, hours=23) < ahead <= datetime.timedelta(days=90)
    title, row = command_line.must("token", "list").splitlines()[:2]
    assert re.split(" {2,}", title) == ["NAME", "PREFIX", "SCOPES", "LAST USED", "EXPIRES", "ID"]
    assert re.split(" {2,}", row)[4] in ("in 89 days", "in 90 days")  # by whole seconds of the gateway's Date


def test_rotated_token_and_its_successor_both_work_for_the_overlap(command_line, gateway):
    old = create(command_line, "--scopes", "read")
    text = command_line.must("token", "rotate", old["id"], "--overlap", "1h")
    assert text.startswith("\u2713 Token rotated successfully!\n\n  Name:   ci-deploy\n  Scopes: read\n  Token:  sr_live_")
    assert re.search(r"\n  The old token works until \S+Z\.\n$", text)
    assert works(gateway, old["token"]) and works(gateway, secret_of(text))


def test_rotation_without_overlap_ends_the_old_token(command_line, gateway):
    old = create(command_line)
    text = command_line.must("token", "rotate", old["id"], "--overlap", "0")
    assert text.endswith("  The old token does not work any more.\n")
    assert not works(gateway, old["token"]) and works(gateway, secret_of(text))


def test_a_token_is_rotated_once(command_line):
    old = create(command_line)
    successor = json.loads(command_line.must("token", "rotate", old["id"], "--json"))
    again = command_line.run("token", "rotate", old["id"])
    assert (again.returncode, again.stdout) == (8, "")
    assert again.stderr.count("\n") == 1 and successor["id"] in again.stderr


def test_the_stored_token_is_replaced_by_its_successor(skillreg, organisation, gateway):
    command_line = skillreg()
    command_line.must("login", "--token", text_in=organisation.admin)
    own = json.loads(command_line.must("whoami", "--json"))["token"]["id"]
    text = command_line.must("token", "rotate", own, "--store", "--overlap", "0")
    config = pathlib.Path(command_line.home, ".skillreg/config.json")
    assert json.loads(config.read_text())["token"] == secret_of(text)
    assert config.stat().st_mode & 0o777 == 0o600
    assert not works(gateway, organisation.admin)
    assert "admin-key" in command_line.must("token", "list")


def test_whoever_holds_a_token_may_end_it(skillreg, command_line, gateway):
    leaked = create(command_line, "--scopes", "read")
    finder = skillreg(token=leaked["token"])
    done = finder.run("token", "revoke", "--self", "--wait")
    assert done.stdout == '\u2713 Token "ci-deploy" has been revoked.\n'
    assert done.returncode in (0, 4), "4: a gateway of another test in this database fell silent"
    assert not works(gateway, leaked["token"])
    assert "ci-deploy" not in command_line.must("token", "list")
    assert finder.run("token", "revoke", "--self").returncode == 5


def test_an_expired_token_can_still_be_revoked_by_its_id(command_line, postgres):
    old = create(command_line)
    postgres.query("update skillreg.api_token set expires_at = now() - interval '1 day' where id = %s", (old["id"],))
    assert command_line.must("token", "revoke", old["id"]) == '\u2713 Token "ci-deploy" has been revoked.\n'


def test_audit_tells_what_was_done(command_line):
    old = create(command_line)
    new = json.loads(command_line.must("token", "rotate", old["id"], "--json"))
    command_line.must("token", "revoke", new["id"])
    lines = command_line.must("audit", "--limit", "3").splitlines()
    cells = [re.split(" {2,}", line)[1:] for line in lines]
    assert [[row[0], row[1], row[3]] for row in cells] == [
        ["ACTION", "TOKEN", "FROM"], ["revoke", f"ci-deploy ({new['id']})", "127.0.0.1"],
        ["rotate", f"ci-deploy ({old['id']})", "127.0.0.1"], ["create", f"ci-deploy ({old['id']})", "127.0.0.1"]]
    assert [re.fullmatch(r"admin-key \(cl[a-z0-9]+\)", row[2]) is not None for row in cells] == [False, True, True, True]
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z   ", line) for line in lines[1:])
    events = json.loads(command_line.must("audit", "--json"))["events"]
    assert [event["tokenId"] for event in events[:3]] == [new["id"], old["id"], old["id"]]


def test_audit_over_many_pages(command_line, organisation, postgres):
    postgres.query(
        "insert into skillreg.token_audit (id, org_id, action, token_id, token_name, actor_name)"
        " select n + (select max(id) from skillreg.token_audit), o.id, 'create', 'clpage' || n, 'key ' || n, 'operator'"
        " from skillreg.organisation o, generate_series(1, 450) n where o.slug = %s", (organisation.slug,))
    events = json.loads(command_line.must("audit", "--limit", "430", "--json"))["events"]
    assert [event["tokenName"] for event in events] == [f"key {number}" for number in range(450, 20, -1)]


def test_audit_needs_the_admin_scope(skillreg, acme):
    done = skillreg(token=acme.read).run("audit")
    assert (done.returncode, done.stdout) == (6, "")
    assert done.stderr.count("\n") == 1 and "admin" in done.stderr


def test_a_token_that_ends_soon_says_so(skillreg, command_line):
    soon = create(command_line, "--expires", "5d")
    done = skillreg(token=soon["token"]).run("whoami")
    assert done.returncode == 0
    assert re.sub("in [45] days", "in N days", done.stderr) == (  # by whole seconds of the gateway's Date
        f"\u26a0 This token expires in N days ({soon['expiresAt'][:10]}). Ask an admin of the "
        f"organisation to replace it: skillreg token rotate {soon['id']}\n")
    late = create(command_line, "--expires", "15d")
    assert skillreg(token=late["token"]).run("whoami").stderr == ""


def test_a_token_bound_to_addresses_works_only_from_there(skillreg, command_line):
    here = create(command_line, "--allow-ip", "127.0.0.0/8", "--allow-ip", "2001:db8::1", name="here")
    assert here["allowedIps"] == ["127.0.0.0/8", "2001:db8::1"]
    assert skillreg(token=here["token"]).must("whoami").endswith("\nFrom:          127.0.0.0/8, 2001:db8::1\n")
    text = command_line.must("token", "create", "--name", "elsewhere", "--allow-ip", "10.0.0.0/8")
    assert "\n  From:   10.0.0.0/8\n" in text
    refused = skillreg(token=secret_of(text)).run("whoami")
    assert (refused.returncode, refused.stdout) == (6, "")
    assert refused.stderr.startswith("skillreg: the token may not do this (The token may not be used from this address; request ")


@pytest.mark.parametrize("address", ["10.0.0.1/8", "10.0.0.0/33", "example.com", "10.0.0.0/8,::1"])
def test_an_address_that_is_none_is_refused_by_its_name(address, command_line):
    done = command_line.run("token", "create", "--name", "ci-deploy", "--allow-ip", address)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1 and "allowedIps" in done.stderr

# SPDX-License-Identifier: MIT
"""`token list` against a gateway of paper: by whose clock it counts, and what a script asks of it. test_token_list.py has the same
command against the real gateway."""
import signal
import subprocess

import pytest

from harness import binaries
from harness.paper_gateway import SECRET, WHOAMI, ago
from harness.process import clean_environment

LIST = ("GET", "/api/v1/orgs/acme/tokens")
# The gateway's clock, years away from this machine's.
FAR_DATE = "Sat, 01 Jan 2050 00:00:00 GMT"
FAR_TOKEN = {"id": "clx1", "name": "ci", "prefix": "sr_live_a1b2", "scopes": ["read"], "state": "live",
             "createdAt": "2049-12-01T00:00:00.000Z", "lastUsedAt": "2049-12-31T21:59:00.000Z", "expiresAt": "2050-01-06T00:00:30.000Z"}


@pytest.fixture
def cli(paper):
    return paper


# ---- times ----

def test_times_are_told_by_the_clock_of_the_gateway(stub, cli):
    stub.date = FAR_DATE
    stub.answers[LIST] = (200, {"tokens": [FAR_TOKEN], "next": None})
    stub.answers["GET", "/api/v1/orgs/acme/tokens/clx1"] = (200, FAR_TOKEN)
    stub.answers["GET", "/api/v1/auth/whoami"] = (200, {**WHOAMI, "token": FAR_TOKEN})
    assert cli.must("token", "list") == (
        "NAME  PREFIX         SCOPES   LAST USED     EXPIRES     ID\n"
        "ci    sr_live_a1b2   read     2 hours ago   in 5 days   clx1\n")
    shown = cli.must("token", "show", "clx1")
    assert f"Last used:         {FAR_TOKEN['lastUsedAt']} (2 hours ago)\n" in shown
    assert f"Expires:           {FAR_TOKEN['expiresAt']} (in 5 days)\n" in shown
    assert "Last used:     2 hours ago\n" in cli.must("whoami")
    stub.answers["GET", "/api/v1/orgs/acme/tokens/clx1"] = (200, {**FAR_TOKEN, "expiresAt": FAR_TOKEN["lastUsedAt"]})
    assert f"Expires:           {FAR_TOKEN['lastUsedAt']} (2 hours ago)\n" in cli.must("token", "show", "clx1")


def test_the_warning_of_an_end_goes_by_the_clock_of_the_gateway(stub, cli):
    stub.date = FAR_DATE
    stub.answers[LIST] = (200, {"tokens": [], "next": None}, {"SkillReg-Token-Expires": FAR_TOKEN["expiresAt"]})
    assert "This token expires in 5 days (2050-01-06)." in cli.run("token", "list").stderr


@pytest.mark.parametrize("date", ["", "yesterday"])
def test_without_a_date_the_clock_of_this_machine_counts(date, stub, cli):
    stub.date = date
    stub.answers[LIST] = (200, {"tokens": [{**FAR_TOKEN, "lastUsedAt": ago(hours=3, minutes=1)}], "next": None})
    assert "3 hours ago" in cli.must("token", "list")


# ---- what a script asks ----

def tokens(count, first=0):
    return [{**FAR_TOKEN, "id": f"clx{i}"} for i in range(first, first + count)]


def test_a_limit_ends_the_list_and_the_asking(stub, cli):
    stub.answers[LIST] = lambda request: (
        200, {"tokens": tokens(200) if "after=&" in request.path else tokens(9, 200), "next": "Ab"})
    listed = cli.must("token", "list", "--limit", "205", "--no-headers").splitlines()
    assert [line.split()[-1] for line in listed] == [f"clx{i}" for i in range(205)]
    assert stub.asked() == [f"GET {LIST[1]}?after={query}" for query in ("&limit=200", "Ab&limit=5")]
    assert cli.run("token", "list", "--limit", "0").returncode == 2


def test_the_list_tells_by_its_exit_code_whether_it_is_empty(stub, cli):
    stub.answers[LIST] = (200, {"tokens": [], "next": None})
    for flags in ([], ["--json"]):
        done = cli.run("token", "list", "--exit-code", "--no-headers", *flags)
        assert (done.returncode, done.stdout, done.stderr) == (0, '{"tokens":[]}\n' if flags else "", "")
    stub.answers[LIST] = (200, {"tokens": tokens(1), "next": None})
    for flags in ([], ["--json"]):
        done = cli.run("token", "list", "--exit-code", *flags)
        assert (done.returncode, done.stderr) == (10, "") and "clx0" in done.stdout
    assert cli.run("token", "list").returncode == 0


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["shown", "json"])
def test_a_gateway_without_rules_of_trust_lists_no_others_instead(form, stub, cli):
    stub.answers[LIST] = (200, {"tokens": tokens(1), "next": None})
    done = cli.run("token", "list", "--minted", *form)
    assert (done.returncode, done.stdout) == (1, "")
    assert "this gateway is older and cannot choose tokens of rules, leave out --minted" in done.stderr
    stub.answers[LIST] = (200, {"tokens": [], "next": None, "mintedOnly": True})
    assert cli.run("token", "list", "--minted", *form).returncode == 0


@pytest.mark.parametrize("flags, named", [
    (["--name", "ci"], "--name"), (["--scope", "read"], "--scope"), (["--all"], "--all"),
    (["--sort", "name", "--unused", "90d", "--limit", "3"], "--unused, --sort")], ids=["name", "scope", "all", "sort"])
def test_a_gateway_that_cannot_choose_lists_nothing(flags, named, stub, cli):
    """It would ignore what it does not know, and list all."""
    stub.answers[LIST] = (200, {"tokens": tokens(1), "pagination": {"page": 1, "limit": 200, "total": 1, "totalPages": 1}})
    done = cli.run("token", "list", *flags)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"skillreg: this gateway is older and cannot choose or sort tokens, leave out {named}\n")
    assert cli.must("token", "list", "--limit", "3").endswith("clx0\n")


def test_a_token_for_a_name_is_not_sent(stub, cli):
    done = cli.run("token", "list", "--name", SECRET)
    assert (done.returncode, stub.requests) == (2, []) and SECRET not in done.stderr


@pytest.mark.parametrize("words, meant", [(["token", "create", "--name", "x", "--scope", "read"], "--scopes"),
                                          (["token", "list", "--scopes", "read"], "--scope")], ids=["create", "list"])
def test_the_flags_of_scopes_are_told_apart(words, meant, stub, cli):
    done = cli.run(*words)
    assert (done.returncode, stub.requests) == (2, []) and f"did you mean {meant}?" in done.stderr


@pytest.mark.parametrize("flags", [[], ["--json"]], ids=["table", "json"])
def test_a_reader_that_stops_is_no_error(flags, stub, cli):
    """As `skillreg token list | head -1`."""
    stub.answers[LIST] = (200, {"tokens": tokens(2500), "next": None})
    with subprocess.Popen([binaries.find("skillreg"), "token", "list", *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          bufsize=0, env=clean_environment(HOME=str(cli.home), **cli.settings)) as child:
        assert child.stdout.read(4) in (b"NAME", b'{"to')
        child.stdout.close()
        told = child.stderr.read()
    assert (told, child.returncode) == (b"", -signal.SIGPIPE)

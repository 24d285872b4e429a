# SPDX-License-Identifier: MIT
"""`skillreg trust test` against the real gateway: an identity token from standard input, which rule it meets, else which claim of it
differs; nothing is exchanged, and the token is printed nowhere. What the gateway answers is in test_token_exchange.py."""
import json
import uuid

import pytest

from harness.command_line import CommandLine
from harness.identity_gateway import IdentityGateway


@pytest.fixture(scope="module")
def door(operator, postgres, tmp_path_factory):
    own = IdentityGateway(tmp_path_factory.mktemp("trust-test"), "trust-test", database_url=postgres.url)
    yield own.wait_until_ready()
    own.stop()


@pytest.fixture
def team(new_org):
    return new_org("read", "admin")


@pytest.fixture
def repository():
    return f"acme/{uuid.uuid4().hex[:12]}"


@pytest.fixture
def cli(door, team, tmp_path):
    return CommandLine(tmp_path, url=door.http_url, token=team.admin, org=team.slug)


def ask(cli, token, *words):
    done = cli.run("trust", "test", *words, text_in=token)
    for part in token.split("."):
        assert len(part) < 8 or part not in done.stdout + done.stderr, "the token is not printed"
    return done


def test_the_rule_that_is_met_is_told(cli, door, team, repository):
    met, other = (door.trust(team, {"repository": repository, "ref": ref})["id"] for ref in ("refs/heads/main", "refs/heads/next"))
    done = ask(cli, door.job(repository) + "\n")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[:3] == [f"Issuer:    {door.issuers['github'].url}", "Kind:      github", f"Found by:  repository={repository}"]
    assert f"           {met}: met" in [line.replace("Rules: ", "       ") for line in lines]
    assert f"           {other}: not met, ref is refs/heads/main" in [line.replace("Rules: ", "       ") for line in lines]
    assert any(line.startswith("Claims:    ") for line in lines)


def test_no_rule_that_is_met_is_a_failure(cli, door, team, repository):
    rule = door.trust(team, {"repository": repository, "environment": "prod"})["id"]
    done = ask(cli, door.job(repository))
    assert (done.returncode, done.stderr) == (1, "skillreg: no rule is met by this identity\n")
    assert f"Rules:     {rule}: not met, the token has no environment that it takes\n" in done.stdout
    done = ask(cli, door.job("acme/none-" + repository[5:]))
    assert (done.returncode, done.stderr) == (1, "skillreg: no rule of the organisation is about this identity\n")


def test_what_is_wrong_with_the_token_is_told_though_a_rule_is_met(cli, door, team, repository):
    rule = door.trust(team, {"repository": repository})["id"]
    done = ask(cli, door.job(repository, exp=1700000000, iat=1699999700))
    assert (done.returncode, done.stderr) == (1, "skillreg: the identity token is not accepted: it has expired\n")
    assert f"Rules:     {rule}: met\n" in done.stdout
    forged = door.job(repository)[:-8] + "AAAAAAAA"
    done = ask(cli, forged)
    assert (done.returncode, done.stdout) == (1, "") and done.stderr.endswith("not accepted: the signature is not good\n")


def test_json_is_the_gateways(cli, door, team, repository):
    rule = door.trust(team, {"repository": repository})["id"]
    done = ask(cli, door.job(repository), "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["rules"] == [{"id": rule, "verdict": "met"}]
    done = ask(cli, door.job(repository, exp=1700000000, iat=1699999700), "--json")
    assert done.returncode == 1 and json.loads(done.stdout)["problem"] == "it has expired"


def test_nothing_is_exchanged(cli, door, team, repository):
    rule = door.trust(team, {"repository": repository})["id"]
    token = door.job(repository)
    for _ in range(2):
        assert ask(cli, token).returncode == 0
    shown = json.loads(cli.must("trust", "show", rule, "--json"))
    assert (shown["exchanges"], shown["liveTokens"]) == (0, 0)


@pytest.mark.parametrize("text, part", [
    ("", "is empty"), ("no token", "three parts"), ("a" * 9000, "more than 8192 bytes")], ids=["nothing", "no JWT", "too long"])
def test_what_is_no_token_is_not_sent(cli, door, text, part):
    done = cli.run("trust", "test", text_in=text)
    assert (done.returncode, done.stdout) == (2, "") and part in done.stderr


def test_it_takes_an_admin_token(cli, door, team, repository):
    cli.settings["SKILLREG_TOKEN"] = team.read
    done = ask(cli, door.job(repository))
    assert done.returncode == 6 and done.stdout == ""

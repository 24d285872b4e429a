# SPDX-License-Identifier: MIT
"""`skillreg trust add`, `list`, `show` and `remove` against the real gateway, and what `token list` says of the tokens that rules gave.
What the gateway itself does with rules is in test_trust.py."""
import json

import pytest

from harness import token_syntax
from harness.trusting import GITHUB


@pytest.fixture
def cli(skillreg, organisation):
    return skillreg(organisation)


def added(cli, *words):
    return json.loads(cli.must("trust", "add", *words, "--json"))


def mint(postgres, rule):
    secret = token_syntax.make()
    postgres.query("select skillreg.exchange_mint(array[row(%s, %s, 'acme/tools publish.yml 17', %s, sha256(%s), 1, 600, sha256(%s),"
                   " now() + interval '5 min', 0, null, null, null, '{}', null)::skillreg.exchange_row])",
                   (rule["id"], "minted" + rule["id"][:20], secret[:12], secret.encode(), secret.encode()))


def fields(text):
    return {name: value.strip() for name, value in (line.split(":", 1) for line in text.splitlines() if ":" in line)}


def test_a_rule_is_added_and_told(cli):
    text = cli.must("trust", "add", "github", "acme/tools", "--workflow", "publish.yml", "--environment", "prod", "--scopes", "write",
                    "--expires", "10m", "--allow-ip", "10.0.0.0/8")
    assert text.startswith("\u2713 These identities are exchanged for tokens from now on.\n\n")
    told = fields(text)
    assert sorted(told["Identity"].split(", ")) == ["environment=prod", "repository=acme/tools", "workflow_file=publish.yml"]
    assert (told["Kind"], told["Issuer"], told["Scopes"], told["A token lives"], told["From"]) == (
        "github", GITHUB, "write", "10 min", "10.0.0.0/8")
    shown = fields(cli.must("trust", "show", told["ID"]))
    assert shown["Tokens given"] == "0, the last never" and shown["Created"].endswith("(by admin-key)")


def test_claims_of_one_name_are_values_of_it(cli):
    rule = added(cli, "github", "acme/tools", "--claim", "event_name=push", "--claim", "ref=refs/heads/main", "--claim", "event_name=schedule")
    assert rule["conditions"] == {"repository": ["acme/tools"], "event_name": ["push", "schedule"], "ref": ["refs/heads/main"]}
    assert (rule["scopes"], rule["expiresIn"], rule["allowedIps"]) == (["read"], 900, [])


def test_rules_are_listed_as_a_table(cli):
    assert "No rules of trust yet." in cli.must("trust", "list")
    rules = [added(cli, "github", f"acme/{name}") for name in ("one", "two")]
    head, *lines = cli.must("trust", "ls").splitlines()
    assert head.split() == ["KIND", "IDENTITY", "SCOPES", "TOKENS", "LIVE", "CREATED", "ID"]
    assert [line.split()[1] for line in lines] == ["repository=acme/two", "repository=acme/one"]
    assert [line.split()[-1] for line in lines] == [rule["id"] for rule in reversed(rules)]
    assert json.loads(cli.must("trust", "list", "--json"))["rules"] == list(reversed(rules))


def test_a_removed_rule_takes_its_tokens_with_it(cli, postgres):
    rule = added(cli, "github", "acme/tools")
    mint(postgres, rule)
    done = cli.run("token", "list")
    assert done.returncode == 0 and "publish.yml" not in done.stdout and "1 live token of rules of trust is not shown" in done.stderr
    assert "acme/tools publish.yml 17" in cli.must("token", "list", "--minted")
    done = cli.run("trust", "remove", rule["id"])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"\u2713 Rule {rule['id']} has been removed, and 1 of its tokens ended.\n"
    assert cli.run("trust", "rm", rule["id"]).returncode == 7


@pytest.fixture
def maker(cli, skillreg, organisation):
    """The document of an admin token, and a command line that uses it."""
    made = json.loads(cli.must("token", "create", "--name", "maker", "--scopes", "admin", "--json"))
    return made, skillreg(token=made["token"])


def test_the_rules_of_a_revoked_token_are_named(cli, maker):
    made, own = maker
    rule = added(own, "github", "acme/tools")
    done = cli.run("token", "revoke", made["id"])
    assert (done.returncode, done.stdout) == (0, '\u2713 Token "maker" has been revoked.\n')
    assert done.stderr == (f"skillreg: note: the rule of trust {rule['id']} that it made gives tokens still (github repository=acme/tools); "
                           f"--with-rules ends both, now: skillreg trust remove {rule['id']}\n")
    assert rule["id"] in cli.must("trust", "list")


@pytest.mark.parametrize("several", [False, True], ids=["one", "several"])
def test_with_rules_they_end_with_it(cli, maker, postgres, several):
    made, own = maker
    rule = added(own, "github", "acme/tools")
    mint(postgres, rule)
    more = [json.loads(cli.must("token", "create", "--name", "other", "--json"))["id"]] if several else []
    done = cli.run("token", "revoke", made["id"], *more, "--with-rules")
    assert done.returncode == 0 and done.stdout.startswith('\u2713 Token "maker" has been revoked.\n')
    assert done.stderr == (f"skillreg: note: the rule of trust {rule['id']} has been removed with it (github repository=acme/tools)\n"
                           "skillreg: note: 1 token that its rules gave ended too\n")
    assert cli.run("trust", "show", rule["id"]).returncode == 7
    assert "publish.yml" not in cli.must("token", "list", "--minted")


def test_a_token_ends_itself_and_its_rules(cli, maker):
    made, own = maker
    rule = added(own, "github", "acme/tools")
    told = json.loads(own.must("token", "revoke", "--self", "--with-rules", "--json"))
    assert ([gone["id"] for gone in told["rules"]], told["tokensRevoked"]) == ([rule["id"]], 0)


@pytest.mark.parametrize("words, part", [
    ((), "what kind"), (("github",), "<owner>/<repository>"), (("github", "acme"), "<owner>/<repository>"),
    (("kubernetes", "ci/"), "<namespace>/<service account>"), (("generic", "acme/tools"), "--claim"),
    (("github", "acme/tools", "--claim", "ref"), "<name>=<value>"), (("github", "acme/tools", "--expires", "13h"), "1m to 12h")])
def test_what_is_wrong_is_said_before_anything_is_sent(cli, words, part):
    done = cli.run("trust", "add", *words)
    assert (done.returncode, done.stdout) == (2, "") and part in done.stderr, done


def test_what_the_gateway_refuses_is_told(cli):
    done = cli.run("trust", "add", "gitlab", "acme/tools")
    assert done.returncode != 0 and "there are: github (github)" in done.stderr, done.stderr
    done = cli.run("trust", "add", "github", "acme/tools", "--scopes", "admin")
    assert done.returncode == 6 and "for the operator to make" in done.stderr, done.stderr

# SPDX-License-Identifier: MIT
"""What people type when they do not know the words of the command line yet: nothing at all, `help`, other names for a
command, a blank too few."""
import re

import pytest

from harness.process import clean_environment, run
from harness import binaries


def typed(*words):
    """`skillreg` without an address, a token, or a home."""
    return run([binaries.find("skillreg"), *words], env=clean_environment(HOME="/nonexistent"))


def test_without_a_word_it_says_what_there_is():
    done = typed()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == typed("--help").stdout
    assert "  token create --name <name> " in done.stderr


@pytest.mark.parametrize("words", ["", "token", "token create", "audit", "help"])
def test_help_is_a_command_too(words):
    done = typed("help", *words.split())
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == typed(*words.split(), "--help").stdout == typed(*words.split(), "-h").stdout


def test_help_of_an_alias_is_that_of_the_command():
    assert typed("help", "token", "rm").stdout == typed("token", "revoke", "--help").stdout
    assert "\nAlias: skillreg token rm\n" in typed("help", "token", "rm").stdout


def test_the_version_has_a_letter():
    assert re.fullmatch(r"skillreg \d+\.\d+\.\d+\n", typed("-V").stdout)
    assert typed("-V").stdout == typed("--version").stdout


@pytest.mark.parametrize("words, says", [
    ("tokens list", 'unknown command "tokens", did you mean "token list"?\nTry: skillreg --help'),
    ("tokens", 'unknown command "tokens", did you mean "token"?\nTry: skillreg --help'),
    ("token delete clx7f2k3a", 'unknown command "token delete", did you mean "token revoke"?\nTry: skillreg token --help'),
    ("revoke clx7f2k3a", 'unknown command "revoke", did you mean "token revoke"?\nTry: skillreg --help'),
    ("token revokeclx7f2k3a", 'unknown command "token revokeclx7f2k3a": a space is missing after "token revoke"\n'
                              "Try: skillreg token --help"),
    ("help revoke", 'unknown command "revoke", did you mean "token revoke"?\nTry: skillreg help --help'),
    ("token create --name ci --permissions read", "unknown flag --permissions, did you mean --scopes?\nTry: skillreg token create --help"),
    ("kubectl", 'unknown command "kubectl"\nTry: skillreg --help'),
], ids=lambda value: value.split("\n")[0].replace(" ", "_") if '"' not in value else "")
def test_a_near_miss_is_told_what_was_meant(words, says):
    done = typed(*words.split())
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"skillreg: {says}\n")


def test_a_token_is_not_repeated_by_a_hint():
    secret = "sr_live_" + "S3cr3t" * 8
    for words in (["token", "revoke" + secret], ["help", secret], [secret], ["token", "create", "--" + secret]):
        done = typed(*words)
        assert done.returncode == 2 and "S3cr3t" not in done.stderr, words


def test_the_short_names_do_what_the_long_ones_do(skillreg, new_org):
    command_line = skillreg(new_org("admin"))
    command_line.must("token", "create", "--name", "to-go")
    listed = command_line.must("token", "list")
    assert command_line.must("token", "ls") == listed
    gone = next(line.split()[-1] for line in listed.splitlines() if line.startswith("to-go"))
    assert command_line.must("token", "rm", gone) == '\u2713 Token "to-go" has been revoked.\n'
    assert "to-go" not in command_line.must("token", "ls")

# SPDX-License-Identifier: MIT
"""A tab completes commands, flags, values, files and the ids of live tokens, in the real shells, typed at a terminal."""
import contextlib
import shutil
import socket

import pytest

from harness import binaries
from harness.process import clean_environment, run
from harness.terminal import Terminal
from harness.waiting import eventually

SHELLS = {
    "bash": ["--noprofile", "--rcfile", "{rc}", "-i"],
    "zsh": ["-i"],  # reads $ZDOTDIR/.zshrc
    "fish": ["--no-config", "-i", "-C", "source {rc}"],
}
SETUP = {
    "bash": "PS1='ready> '\nsource <({program} completion bash)\n",
    "zsh": "PS1='ready> '\nautoload -Uz compinit && compinit -u -D\nsource <({program} completion zsh)\n",
    "fish": "function fish_prompt; echo -n 'ready> '; end\nfunction fish_greeting; end\n{program} completion fish | source\n",
}
# Stands in $PATH for the program: completes as it does, or with the lines of a file, and writes down how else it was called.
RECORDER = """#!/bin/sh
if [ "$1" = __complete ]; then
    if [ -e {home}/candidates ]; then cat {home}/candidates; else {program} "$@"; fi
    touch {home}/asked
    exit
fi
printf '<%s>' "$@" > {home}/typed.new
mv {home}/typed.new {home}/typed
"""


def shell_or_skip(shell):
    return shutil.which(shell) or pytest.skip(f"{shell} is not installed")


class Typist:
    """Types at a shell that has the completions, and tells with which words the program was then called."""
    def __init__(self, shell, home, settings):
        program = binaries.find("skillreg")
        self.home = home
        (home / "bin").mkdir()
        (home / "bin" / "skillreg").write_text(RECORDER.format(home=home, program=program))
        (home / "bin" / "skillreg").chmod(0o755)
        setup = home / ".zshrc"
        setup.write_text(f"cd {home}\n" + SETUP[shell].format(program=program))
        environment = clean_environment(HOME=str(home), ZDOTDIR=str(home), TERM="dumb", **settings)
        environment["PATH"] = f"{home}/bin:{environment['PATH']}"
        self.terminal = Terminal([shell_or_skip(shell), *(word.format(rc=setup) for word in SHELLS[shell])], environment, columns=200)
        self.terminal.wait_for(b"ready> ")

    def type(self, line):
        self.terminal.type(line.encode() + b"\t")
        eventually((self.home / "asked").exists, "asked for candidates")
        self.terminal.type(b"\n")
        eventually((self.home / "typed").exists, lambda: f"ran the line: {self.terminal.seen}")
        return (self.home / "typed").read_text()


@pytest.fixture
def typist(tmp_path):
    """Makes one that is closed when the test ends."""
    with contextlib.ExitStack() as started:
        def start(shell, **settings):
            home = tmp_path / "home"
            home.mkdir()
            made = Typist(shell, home, settings)
            started.callback(made.terminal.close)
            return made
        yield start


@pytest.mark.parametrize("line, words", [
    ("skillreg tok", "<token>"),
    ("skillreg token create --name ci --sco", "<token><create><--name><ci><--scopes>"),
    ("skillreg token create --scopes read,ad", "<token><create><--scopes><read,admin>"),
    ("skillreg token create --scopes=wr", "<token><create><--scopes=write>"),
    ("skillreg whoami --ca-file aut", "<whoami><--ca-file><authorities.pem>"),
], ids=["command", "flag", "list", "equals", "file"])
@pytest.mark.parametrize("shell", SHELLS)
def test_a_tab_completes_what_the_table_knows(shell, line, words, typist):
    at = typist(shell)
    (at.home / "authorities.pem").touch()
    assert at.type(line) == words


@pytest.mark.parametrize("shell", SHELLS)
def test_a_tab_completes_the_id_of_a_live_token(shell, typist, new_org, gateway, certificate, postgres):
    organisation = new_org("admin")
    [[token_id]] = postgres.query("select t.id from skillreg.api_token t join skillreg.organisation o on o.id = t.org_id"
                                  " where o.slug = %s", (organisation.slug,))
    at = typist(shell, SKILLREG_URL=gateway.https_url, SKILLREG_TOKEN=organisation.admin, SSL_CERT_FILE=str(certificate.cert))
    assert at.type(f"skillreg token revoke {token_id[:5]}") == f"<token><revoke><{token_id}>"


@pytest.mark.parametrize("candidate", ["ci;touch ruined", "ci$(touch ruined)", "ci`touch ruined`", "ci's \"best\" token"],
                         ids=["semicolon", "dollar", "backtick", "quotes"])
@pytest.mark.parametrize("shell", SHELLS)
def test_a_candidate_is_never_obeyed(shell, candidate, typist):
    at = typist(shell)
    (at.home / "candidates").write_text(candidate + "\tsomebody's token\n")
    assert at.type("skillreg token revoke ci") == f"<token><revoke><{candidate}>"
    assert not (at.home / "ruined").exists()


def complete(*words, **settings):
    return run([binaries.find("skillreg"), "__complete", "--", *words], env=clean_environment(HOME="/nonexistent", **settings))


def test_ids_come_with_names_and_never_with_a_secret(skillreg, new_org, gateway, certificate):
    organisation = new_org("admin")
    skillreg(organisation).must("token", "create", "--name", "ci deploy")
    settings = {"SKILLREG_TOKEN": organisation.admin, "SSL_CERT_FILE": str(certificate.cert)}
    done = complete("token", "revoke", "--url", gateway.https_url, "", **settings)
    assert (done.returncode, done.stderr) == (0, "")
    rows = dict(line.split("\t") for line in done.stdout.splitlines())
    assert sorted(rows.values()) == ["admin-key", "ci deploy"]
    assert "sr_live_" not in done.stdout
    again = complete("token", "rotate", f"--url={gateway.https_url}", min(rows)[:-1], **settings)
    assert again.stdout == f"{min(rows)}\t{rows[min(rows)]}\n"


def test_a_tab_that_fails_is_silent():
    for settings in ({}, {"SKILLREG_URL": "http://127.0.0.1:1", "SKILLREG_TOKEN": "sr_live_" + "a" * 48}, {"SKILLREG_URL": "nonsense"}):
        done = complete("token", "revoke", "", **settings)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), settings


def test_a_tab_gives_up_on_a_gateway_that_is_silent():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        done = complete("token", "revoke", "", SKILLREG_URL=f"http://127.0.0.1:{silent.getsockname()[1]}", SKILLREG_TOKEN="sr_live_" + "a" * 48)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_shell_that_there_is_not_is_wrong_usage():
    for words in (["tcsh"], []):
        done = run([binaries.find("skillreg"), "completion", *words], env=clean_environment(HOME="/nonexistent"))
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("skillreg: completion needs the name of a shell: bash zsh fish\n")

# SPDX-License-Identifier: MIT
"""`skillreg scan`: what it finds and where, its exit codes, and that it shows no secret. The rules of docs/ci for other scanners match
what the gateway makes, and nothing beside it."""
import os
import re
import tomllib

import pytest

from harness import binaries, documents, token_syntax
from harness.process import clean_environment, run, run_raw
from harness.proxies import find_or_skip

yaml = pytest.importorskip("yaml")


@pytest.fixture
def home(tmp_path):
    directory = tmp_path / "home"
    directory.mkdir()
    return directory


def scan(home, *paths, text_in=None):
    """Without a gateway, without settings."""
    return run([binaries.find("skillreg"), "scan", *paths], cwd=home, env=clean_environment(HOME="/nonexistent"), text_in=text_in)


def note(count):
    return (f"skillreg: note: {count} token{' was' if count == 1 else 's were'} found: end each that is live, with skillreg token revoke "
            "--self and the token in SKILLREG_TOKEN, or by its prefix\n")


def shown(secret):
    return secret[:12] + "***"


def assert_found(done, *lines):
    assert (done.returncode, done.stdout, done.stderr) == (1, "".join(line + "\n" for line in lines), note(len(lines)))


def test_tokens_are_found_in_files_of_any_kind(home):
    live, test = token_syntax.make(), token_syntax.make("sr_test_")
    (home / "a/deep").mkdir(parents=True)
    (home / "a/deep/settings.env").write_text(f"A=b\nSKILLREG_TOKEN={live}\nB={test};{live}")
    (home / "b.bin").write_bytes(b"\0\xff\n" * 100000 + live.encode() + b"\0")
    (home / "clean").write_text(live[:-1] + ("a" if live[-1] != "a" else "b"))
    done = scan(home)
    assert_found(done, f"./a/deep/settings.env:2: {shown(live)}", f"./a/deep/settings.env:3: {shown(test)}",
                 f"./a/deep/settings.env:3: {shown(live)}", f"./b.bin:100001: {shown(live)}")
    assert live[12:] not in done.stdout and test[12:] not in done.stdout
    assert_found(scan(home, "b.bin"), f"b.bin:100001: {shown(live)}")
    assert (scan(home, "clean").returncode, scan(home, "clean").stdout, scan(home, "clean").stderr) == (0, "", "")


def test_a_token_of_the_gateway_is_found(home, skillreg, organisation):
    secret = skillreg(organisation).must("token", "create", "--name", "leaked", "--quiet").strip()
    assert_found(scan(home, "-", text_in=secret), f"-:1: {shown(secret)}")


def test_links_and_pipes_below_a_directory_are_left_out(home, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").write_text(token_syntax.make())
    (home / "to-file").symlink_to(tmp_path / "outside/file")
    (home / "to-folder").symlink_to(tmp_path / "outside")
    (home / "to-nothing").symlink_to("nowhere")
    os.mkfifo(home / "pipe")
    done = scan(home)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert scan(home, "to-folder").returncode == 1, "what is named is meant"


def test_what_cannot_be_read_is_told_and_ends_with_2(home):
    secret = token_syntax.make()
    (home / "leak").write_text(secret)
    (home / "to-nothing").symlink_to("nowhere")
    done = scan(home, "gone", "to-nothing", "leak")
    assert (done.returncode, done.stdout) == (2, f"leak:1: {shown(secret)}\n")
    assert done.stderr == ("\u26a0 cannot read gone: No such file or directory\n\u26a0 cannot read to-nothing: No such file or directory\n"
                           + note(1) + "skillreg: not everything could be read, so there may be more\n")


def test_a_name_that_is_a_token_is_not_shown(home):
    secret = token_syntax.make()
    (home / secret).write_text(secret)
    done = scan(home)
    assert done.returncode == 1 and secret[12:] not in done.stdout + done.stderr
    done = scan(home, secret + "x")
    assert done.returncode == 2 and secret[12:] not in done.stdout + done.stderr


def test_control_characters_in_a_name_do_nothing(home):
    (home / "\033[2J\nfake").write_text(token_syntax.make())
    done = run_raw([binaries.find("skillreg"), "scan"], cwd=home, env=clean_environment(HOME="/nonexistent"))
    assert done.stdout.count(b"\n") == 1 and b"\033" not in done.stdout


@pytest.fixture
def git(home):
    """Runs it in `home`, a repository, and returns what it prints."""
    program = find_or_skip("git")

    def command(*words):
        done = run([program, "-c", "user.name=a", "-c", "user.email=a@b.invalid", "-C", str(home), *words],
                   env=clean_environment(HOME=str(home)))
        assert done.returncode == 0, done.stderr
        return done.stdout

    command("init", "-q")
    return command


@pytest.fixture
def committed(git, home):
    """A token in a file that is committed, in its second line."""
    secret = token_syntax.make()
    (home / "deploy.env").write_text(f"SKILLREG_ORG=acme\nSKILLREG_TOKEN={secret}\n")
    git("add", ".")
    return secret


def test_the_page_shows_what_it_prints(git, home, committed):
    git("commit", "-qm", "Add it")
    steps = documents.steps(documents.section(documents.read("docs/command-line.md"), "Finding tokens that leaked"))
    assert len(steps) == 2
    for command, documented in steps:
        done = run(["sh", "-c", command + " 2>&1"], cwd=home,
                   env=clean_environment(HOME=str(home), PATH=f"{binaries.find('skillreg').parent}:{os.environ['PATH']}"))
        documented = documented.replace("sr_live_a1b2", committed[:12]).replace("3f2a9c0d4e5b", git("rev-parse", "HEAD")[:12])
        assert (done.returncode, done.stdout.strip()) == (1, documented.strip())


def test_what_is_to_be_committed_is_scanned(git, home, committed):
    assert_found(scan(home, "-", text_in=git("diff", "--cached")), f"-:8: {shown(committed)} (deploy.env)")


def test_the_history_of_git_is_scanned(git, home, committed):
    secret = committed
    git("commit", "-qm", "Add it")
    git("rm", "-q", "deploy.env")
    git("commit", "-qm", "Hide it")
    log = git("log", "-p", "-m", "--all")
    commits = git("log", "--format=%H").split()
    lines = [number for number, line in enumerate(log.split("\n"), 1) if secret in line]
    assert_found(scan(home, "-", text_in=log), *(f"-:{line}: {shown(secret)} (commit {commit[:12]}, deploy.env)"
                                                 for line, commit in zip(lines, commits, strict=True)))


# ---- the rules for other scanners -----------------------------------------------------------------------------------

def expressions():
    rule, = tomllib.loads((binaries.ROOT / "docs/ci/gitleaks.toml").read_text())["rules"]
    detector, = yaml.safe_load((binaries.ROOT / "docs/ci/trufflehog.yaml").read_text())["detectors"]
    return {"gitleaks": (rule["regex"], rule["keywords"]), "trufflehog": (detector["regex"]["token"], detector["keywords"])}


@pytest.mark.parametrize("scanner", ["gitleaks", "trufflehog"])
def test_the_rule_matches_what_the_gateway_makes_and_nothing_beside_it(scanner, skillreg, organisation):
    expression, keywords = expressions()[scanner]
    made = skillreg(organisation).must("token", "create", "--name", f"for-{scanner}", "--quiet").strip()
    for secret in (made, token_syntax.make(), token_syntax.make("sr_test_")):
        assert re.findall(expression, f"x={secret};") == [secret]
        assert any(word in secret for word in keywords), "or the scanner does not even look"
        for other in (secret[:-1], secret.replace("_", "-", 1), "sk_" + secret[8:], secret[:20] + "+" + secret[21:]):
            assert re.findall(expression, other) == []


def test_the_rules_are_of_the_length_and_the_alphabet_of_the_source():
    source = (binaries.ROOT / "token/syntax.h").read_text()
    body = re.search(r"define GW_TOKEN_BODY_OWN (\d+)", source)[1]
    prefixes = re.findall(r'GW_STR_INIT\("sr_(\w+)_"\)', (binaries.ROOT / "token/syntax.c").read_text())
    assert {expression for expression, _ in expressions().values()} == {f"sr_(?:{'|'.join(prefixes)})_[A-Za-z0-9_-]{{{body}}}"}

# SPDX-License-Identifier: MIT
"""`skillreg login --oidc` and `skillreg exec --oidc` against a gateway of paper and an endpoint of GitHub of paper: where the
identity token comes from, what is sent, what the command that runs gets, and that no secret is shown."""
import base64
import json
import os
import signal
import stat
import subprocess
import sys

import pytest

from harness import binaries
from harness.command_line import CommandLine
from harness.paper_gateway import SECRET, WHOAMI, Stub, error
from harness.ports import free_port
from harness.process import clean_environment, dies_with_parent, is_stopped
from harness.terminal import Terminal
from harness.waiting import PATIENCE_S, eventually

EXCHANGE = "/api/v1/orgs/acme/oidc/token"
AUDIENCE = {"audience": "https://skillreg.example.com", "issuers": [
    {"kind": "gitlab", "issuer": "https://gitlab.example.com", "audience": "for-gitlab"},
    {"kind": "github", "issuer": "https://token.actions.githubusercontent.com", "audience": "https://skillreg.example.com/gh?a=b&c"}]}
MINTED = {"id": "clt7", "name": "acme/repo publish.yml run 7", "prefix": SECRET[:12], "scopes": ["read"],
          "createdAt": "2026-12-01T08:00:00.000Z", "expiresAt": "2026-12-01T08:15:00.000Z", "org": "acme", "token": SECRET}
RUNNER_SECRET = "runner-S3CR3T.of-the.job"


def identity(mark):
    """A JWT in form, that says where it is from."""
    return f"eyJhbGciOiJub25lIn0.{mark}.c2lnbmF0dXJlLVMzQ1IzVA"


SECRETS = (SECRET, "S3CR3T", "eyJ", "c2lnbmF0dXJl")


def assert_nothing_is_shown(done):
    for secret in SECRETS:
        assert secret not in done.stdout + done.stderr


def assert_fails(done, code, line):
    assert (done.returncode, done.stdout, done.stderr) == (code, "", f"skillreg: {line}\n")
    assert_nothing_is_shown(done)


@pytest.fixture
def gateway_of_paper(stub):
    stub.answers["GET", "/api/v1/oidc/audience"] = 200, AUDIENCE
    stub.answers["POST", EXCHANGE] = 201, MINTED
    stub.answers["DELETE", "/api/v1/auth/token"] = 200, {"id": "clt7", "name": "run 7"}
    return stub


@pytest.fixture
def github():
    endpoint = Stub()
    endpoint.answers["GET", "/oidc/token"] = 200, {"count": 1, "value": identity("github")}
    yield endpoint
    endpoint.stop()


@pytest.fixture
def job(gateway_of_paper, tmp_path):
    """The command line in a job, without a token and without an identity yet."""
    home = tmp_path / "home"
    home.mkdir()
    command_line = CommandLine(home, url=gateway_of_paper.url, org="acme")
    command_line.settings["SKILLREG_ID_TOKEN_FILE"] = str(tmp_path / "projected")
    return command_line


def of_github(job, github):
    job.settings |= {"ACTIONS_ID_TOKEN_REQUEST_URL": f"{github.url}/oidc/token?api-version=2.0",
                     "ACTIONS_ID_TOKEN_REQUEST_TOKEN": RUNNER_SECRET}
    return job


def exchanged(stub):
    """The bodies of the exchanges that were asked for."""
    return [json.loads(request.body) for request in stub.requests if request.path == EXCHANGE]


# ---- login ----------------------------------------------------------------------------------------------------------

def test_a_github_job_logs_in_without_a_secret(gateway_of_paper, github, job):
    done = of_github(job, github).run("login", "--oidc")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "\u2713 Logged in as ci (ci@acme.invalid)\n  Organisation: Acme Inc (acme)\n  Expires:      never\n"
    asked, = github.requests
    assert asked.path == "/oidc/token?api-version=2.0&audience=https%3A%2F%2Fskillreg.example.com%2Fgh%3Fa%3Db%26c"
    assert asked.headers.get_all("Authorization") == [f"Bearer {RUNNER_SECRET}"]
    audience, exchange, whoami = gateway_of_paper.requests
    assert (audience.path, audience.headers["Authorization"]) == ("/api/v1/oidc/audience", None)
    assert json.loads(exchange.body) == {"token": identity("github"), "scopes": ["read"]}
    assert exchange.headers["Authorization"] is None and len(exchange.headers["Idempotency-Key"]) == 32
    assert whoami.headers["Authorization"] == f"Bearer {SECRET}"
    stored = job.home / ".skillreg/config.json"
    assert json.loads(stored.read_text()) == {"apiUrl": gateway_of_paper.url, "token": SECRET}
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600


def test_login_says_when_it_ends_and_json_is_the_gateways(gateway_of_paper, job):
    whoami = {**WHOAMI, "token": {**WHOAMI["token"], "expiresAt": "2026-12-01T08:15:00.000Z"}}
    gateway_of_paper.answers["GET", "/api/v1/auth/whoami"] = 200, whoami, {"SkillReg-Token-Expires": "2026-12-01T08:15:00.000Z"}
    gateway_of_paper.date = "Tue, 01 Dec 2026 08:00:00 GMT"
    job.settings["SKILLREG_ID_TOKEN"] = identity("variable")
    done = job.run("login", "--oidc", "--scopes", "read,write")
    assert done.stdout.endswith("\n  Expires:      in 15 minutes\n") and done.stderr == "", "and no warning of it"
    assert exchanged(gateway_of_paper) == [{"token": identity("variable"), "scopes": ["read", "write"]}]
    assert json.loads(job.must("login", "--oidc", "--json")) == whoami


def test_a_token_that_cannot_be_stored_is_revoked(gateway_of_paper, job):
    gateway_of_paper.answers["GET", "/api/v1/auth/whoami"] = 503, error("unavailable", "Not now.")
    job.settings["SKILLREG_ID_TOKEN"] = identity("variable")
    assert job.run("login", "--oidc").returncode == 9
    assert gateway_of_paper.asked()[-1] == "DELETE /api/v1/auth/token"
    assert gateway_of_paper.requests[-1].headers["Authorization"] == f"Bearer {SECRET}"
    assert not (job.home / ".skillreg/config.json").exists()


# ---- where the identity token is from -------------------------------------------------------------------------------

PLACES = ["flag", "github", "variable", "projected"]


@pytest.mark.parametrize("first", PLACES)
def test_the_first_place_that_has_one_counts(gateway_of_paper, github, job, tmp_path, first):
    there = PLACES[PLACES.index(first):]
    arguments = ["login", "--oidc"]
    if "flag" in there:
        (tmp_path / "named").write_text(identity("flag") + "\n")
        arguments += ["--id-token-file", str(tmp_path / "named")]
    if "github" in there:
        of_github(job, github)
    if "variable" in there:
        job.settings["SKILLREG_ID_TOKEN"] = identity("variable")
    (tmp_path / "projected").write_text(identity("projected"))
    job.must(*arguments)
    assert [body["token"] for body in exchanged(gateway_of_paper)] == [identity(first)]
    assert ("GET /api/v1/oidc/audience" in gateway_of_paper.asked()) == (first == "github"), "the others are made already"


def test_without_one_it_says_where_it_looked_and_what_to_do(gateway_of_paper, job, tmp_path):
    line = ("no identity token: no --id-token-file; no ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN (a GitHub job "
            "needs permissions: id-token: write); no SKILLREG_ID_TOKEN (a GitLab job needs id_tokens:); no file "
            f"{tmp_path}/projected, which SKILLREG_ID_TOKEN_FILE names (a pod needs a projected serviceAccountToken)")
    assert_fails(job.run("login", "--oidc"), 2, line)
    assert_fails(job.run("exec", "--oidc", "--", "false"), 2, line)
    assert gateway_of_paper.requests == []


@pytest.mark.parametrize("value, says", [
    ("abc", "holds no identity token: one is a JWT, three parts of letters, digits, - and _ with dots between them"),
    ("eyJ.S3CR3T.", "holds no identity token: one is a JWT, three parts of letters, digits, - and _ with dots between them"),
    ("eyJ.S3CR3T.a b", "holds no identity token: one is a JWT, three parts of letters, digits, - and _ with dots between them"),
    ("eyJ." + "S3CR3T" * 1400 + ".a", "holds more than 8192 bytes, which no gateway takes for an identity token"),
], ids=["no dots", "an empty part", "a blank", "too long"])
def test_what_is_no_identity_token_is_not_sent(gateway_of_paper, job, tmp_path, value, says):
    job.settings["SKILLREG_ID_TOKEN"] = value
    assert_fails(job.run("login", "--oidc"), 2, f"SKILLREG_ID_TOKEN {says}")
    (tmp_path / "named").write_text(value)
    assert_fails(job.run("login", "--oidc", "--id-token-file", str(tmp_path / "named")), 2, f"{tmp_path}/named {says}")
    assert gateway_of_paper.requests == []


def test_the_token_in_the_place_of_its_path_is_not_repeated(job):
    assert_fails(job.run("login", "--oidc", "--id-token-file", identity("flag")), 2,
                 "--id-token-file and SKILLREG_ID_TOKEN_FILE take the path of a file, never the identity token itself")


def test_a_file_that_is_not_there_is_named(job, tmp_path):
    assert_fails(job.run("exec", "--oidc", "--id-token-file", f"{tmp_path}/none", "--", "true"), 2,
                 f"cannot read the file of the identity token, {tmp_path}/none: No such file or directory")


# ---- GitHub's endpoint ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("answer, code, line", [
    ((403, {"message": "S3CR3T"}), 1,
     "GitHub's endpoint for identity tokens answered with status 403, check permissions: id-token: write"),
    ((500, b""), 9, "GitHub's endpoint for identity tokens answered with status 500, check permissions: id-token: write"),
    ((200, {"value": "S3CR3T"}), 2, "the answer of GitHub's endpoint for identity tokens holds no identity token: one is a JWT, "
                                    "three parts of letters, digits, - and _ with dots between them"),
    ((200, b"S3CR3T"), 2, "the answer of GitHub's endpoint for identity tokens holds no identity token: one is a JWT, "
                          "three parts of letters, digits, - and _ with dots between them"),
], ids=["refused", "broken", "no JWT", "no JSON"])
def test_an_endpoint_that_gives_none_is_told(gateway_of_paper, github, job, answer, code, line):
    github.answers["GET", "/oidc/token"] = answer
    assert_fails(of_github(job, github).run("login", "--oidc"), code, line)
    assert exchanged(gateway_of_paper) == []


def test_an_endpoint_that_is_not_there_is_told(github, job):
    of_github(job, github).settings["ACTIONS_ID_TOKEN_REQUEST_URL"] = url = f"http://127.0.0.1:{free_port()}/x"
    assert_fails(job.run("login", "--oidc"), 3, f"cannot connect to {url[:-2]} (Connection refused), check the address and that "
                                                "GitHub's endpoint for identity tokens runs")


@pytest.mark.parametrize("url, says", [
    ("http://runner.invalid/S3CR3T", " is http://, which would show the identity token to the network, it must be https:// (or "
                                     "--insecure-http if you accept that)"),
    ("ftp://S3CR3T", " is not a URL"), ("https://S3CR3T@host/", " is not a URL"), ("https:///S3CR3T", " is not a URL")])
def test_an_endpoint_that_cannot_be_right_is_not_asked(job, url, says):
    job.settings |= {"ACTIONS_ID_TOKEN_REQUEST_URL": url, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": RUNNER_SECRET}
    assert_fails(job.run("login", "--oidc"), 2, f"ACTIONS_ID_TOKEN_REQUEST_URL{says}")


# ---- the exchange ---------------------------------------------------------------------------------------------------

def test_a_gateway_that_takes_no_identity_tokens_says_so(gateway_of_paper, github, job):
    del gateway_of_paper.answers["GET", "/api/v1/oidc/audience"]
    assert_fails(of_github(job, github).run("login", "--oidc"), 7,
                 f"{gateway_of_paper.url}/api/v1 takes no identity tokens: check the address, or ask its operator to name an issuer "
                 "(skillreg-gateway --oidc-issuer)")
    assert github.requests == []


@pytest.mark.parametrize("answer, code, line", [
    ((403, error("identity_not_accepted", "No rule takes this identity: environment is \"dev\".")), 6,
     "the identity token is not accepted (No rule takes this identity: environment is \"dev\"), ask an admin of the organisation "
     "for a rule of trust that covers it"),
    ((409, error("already_exchanged", "This identity token was exchanged before.")), 8,
     "the gateway refused the request (This identity token was exchanged before), get a new identity token: each is taken once"),
    ((429, error("rate_limited", "Too many exchanges."), {"Retry-After": "30"}), 9,
     "too many requests (Too many exchanges), try again in 30 seconds"),
], ids=["not accepted", "exchanged before", "too many"])
def test_a_refusal_is_told_in_the_gateways_words(gateway_of_paper, job, answer, code, line):
    gateway_of_paper.answers["POST", EXCHANGE] = answer
    job.settings["SKILLREG_ID_TOKEN"] = identity("variable")
    for command in (["login", "--oidc"], ["exec", "--oidc", "--", "touch", "ran"]):
        assert_fails(job.run(*command), code, line)
    assert not (job.home / "ran").exists()


def test_a_refusal_says_what_the_identity_token_says_of_itself(gateway_of_paper, job):
    """Issuer, audience and subject, harmless, and nothing else of it."""
    claims = {"iss": "https://gitlab.example.com", "aud": ["https://other.example"], "sub": "project_path:acme/\033[2Jtools",
              "user_email": "S3CR3T"}
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    gateway_of_paper.answers["POST", EXCHANGE] = 403, error("identity_not_accepted", "This identity is not accepted.")
    job.settings["SKILLREG_ID_TOKEN"] = identity(payload)
    done = job.run("exec", "--oidc", "--", "true")
    assert done.returncode == 6
    assert done.stderr.splitlines() == [
        'skillreg: note: the identity token was made by "https://gitlab.example.com" for the audience "https://other.example" and the subject '
        '"project_path:acme/\ufffd[2Jtools"; /api/v1/oidc/audience of the gateway says what it takes',
        "skillreg: the identity token is not accepted (This identity is not accepted), ask an admin of the organisation for a rule of trust "
        "that covers it"]
    assert_nothing_is_shown(done)


def test_an_answer_that_got_lost_is_asked_for_again(gateway_of_paper, job):
    def lose(handler):
        gateway_of_paper.answers["POST", EXCHANGE] = 201, MINTED
        handler.close_connection = True
        raise ConnectionAbortedError

    gateway_of_paper.server.handle_error = lambda *_: None
    gateway_of_paper.answers["POST", EXCHANGE] = lose
    job.settings["SKILLREG_ID_TOKEN"] = identity("variable")
    job.must("login", "--oidc")
    first, second = (request for request in gateway_of_paper.requests if request.path == EXCHANGE)
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"] and first.body == second.body


def test_the_organisation_must_be_named(gateway_of_paper, job):
    del job.settings["SKILLREG_ORG"]
    job.settings["SKILLREG_ID_TOKEN"] = identity("variable")
    assert_fails(job.run("login", "--oidc"), 2,
                 "no organisation, which an identity token does not name: give --org or set SKILLREG_ORG")
    job.must("login", "--oidc", "--org", "acme")


# ---- exec -----------------------------------------------------------------------------------------------------------

SHOW = "import json, os, sys; print(json.dumps([dict(os.environ), sys.argv[1:]]))"


def test_a_command_has_the_token_and_nothing_of_the_identity(gateway_of_paper, github, job):
    of_github(job, github).settings |= {"SKILLREG_ID_TOKEN": identity("variable"), "SKILLREG_TOKEN": "sr_live_of_before", "KEPT": "yes"}
    environment, arguments = json.loads(job.must("exec", "--oidc", "--", sys.executable, "-c", SHOW, "--url", "-x", "--"))
    assert arguments == ["--url", "-x", "--"]
    assert environment["SKILLREG_TOKEN"] == SECRET and environment["KEPT"] == "yes"
    assert (environment["SKILLREG_URL"], environment["SKILLREG_ORG"]) == (gateway_of_paper.url, "acme")
    assert not {name for name in environment if "ID_TOKEN" in name}
    assert gateway_of_paper.asked()[-2:] == [f"POST {EXCHANGE}", "DELETE /api/v1/auth/token"]
    assert gateway_of_paper.requests[-1].headers["Authorization"] == f"Bearer {SECRET}"
    assert list(job.home.iterdir()) == [], "no file holds it"


def test_skillreg_works_inside(gateway_of_paper, job):
    job.settings["SKILLREG_ID_TOKEN"] = identity("variable")
    done = job.run("exec", "--oidc", "--", str(binaries.find("skillreg")), "whoami")
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("User:          ci ")
    assert gateway_of_paper.asked() == [f"POST {EXCHANGE}", "GET /api/v1/auth/whoami", "DELETE /api/v1/auth/token"]


@pytest.mark.parametrize("script, status", [("exit 0", 0), ("exit 1", 1), ("exit 93", 93), ("kill -TERM $$", 143)])
def test_the_status_is_the_commands(gateway_of_paper, job, script, status):
    job.settings["SKILLREG_ID_TOKEN"] = identity("variable")
    done = job.run("exec", "--oidc", "--", "sh", "-c", script)
    assert (done.returncode, done.stdout, done.stderr) == (status, "", "")
    assert gateway_of_paper.asked()[-1] == "DELETE /api/v1/auth/token"


@pytest.mark.parametrize("command, status, says", [
    ("/nowhere/to/be/found", 127, "No such file or directory"), ("/dev/null", 126, "Permission denied")])
def test_a_command_that_cannot_run_costs_no_token(gateway_of_paper, job, command, status, says):
    job.settings["SKILLREG_ID_TOKEN"] = identity("variable")
    assert_fails(job.run("exec", "--oidc", "--", command), status, f"cannot run {command}: {says}")
    assert gateway_of_paper.asked()[-1] == "DELETE /api/v1/auth/token"


@pytest.mark.parametrize("answer, warns", [
    ((503, error("unavailable", "The database is away.")), True), ((401, error("invalid_token", "Ended.")), False)])
def test_a_revoke_that_fails_is_a_warning(gateway_of_paper, job, answer, warns):
    gateway_of_paper.answers["DELETE", "/api/v1/auth/token"] = answer
    job.settings["SKILLREG_ID_TOKEN"] = identity("variable")
    done = job.run("exec", "--oidc", "--", "sh", "-c", "exit 3")
    assert done.returncode == 3
    assert done.stderr == ("\u26a0 The token of the command could not be revoked, and ends by itself: the gateway cannot answer now "
                           "(The database is away), try again later\n" if warns else "")


def test_the_pipe_of_a_command_breaks_as_usual(gateway_of_paper, job):
    """skillreg ignores SIGPIPE; what it runs must not inherit that."""
    job.settings["SKILLREG_ID_TOKEN"] = identity("variable")
    done = job.run("exec", "--oidc", "--", "sh", "-c", "(yes; echo $? >&2) | head -n 1 >/dev/null")
    assert (done.returncode, done.stderr) == (0, "141\n")


WAITS = """
import signal, sys
signals = {signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2}
signal.pthread_sigmask(signal.SIG_BLOCK, signals)
print("ready", flush=True)
while True:
    number = signal.sigwait(signals)
    print(signal.Signals(number).name, flush=True)
    if number in (signal.SIGTERM, signal.SIGHUP):
        sys.exit(7)
"""


def test_signals_are_passed_on_and_the_token_is_revoked_behind_them(gateway_of_paper, job):
    job.settings["SKILLREG_ID_TOKEN"] = identity("variable")
    command = [binaries.find("skillreg"), "exec", "--oidc", "--", sys.executable, "-c", WAITS]
    with subprocess.Popen(dies_with_parent(command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=job.home,
                          env=clean_environment(HOME=str(job.home), **job.settings)) as process:
        assert process.stdout.readline() == "ready\n"
        arguments = shown_arguments(process.pid)
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP):
            process.send_signal(number)
            assert process.stdout.readline() == signal.Signals(number).name + "\n"
        assert process.wait(PATIENCE_S) == 7
        assert process.stderr.read() == ""
    assert not any(secret in arguments for secret in (SECRET, "eyJ"))
    assert gateway_of_paper.asked()[-1] == "DELETE /api/v1/auth/token"


def shown_arguments(pid):
    """The arguments of a process and of its children, as every user of the machine sees them."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
        pids = [pid, *map(int, children.read().split())]
    assert len(pids) == 2
    shown = ""
    for each in pids:
        with open(f"/proc/{each}/cmdline", encoding="utf-8") as arguments:
            shown += arguments.read()
    return shown


def test_an_interrupt_at_a_terminal_comes_once(gateway_of_paper, job):
    """The terminal sends it to the whole group: to be passed on it would come twice."""
    job.settings["SKILLREG_ID_TOKEN"] = identity("variable")
    terminal = Terminal([binaries.find("skillreg"), "exec", "--oidc", "--", sys.executable, "-c", WAITS],
                        clean_environment(HOME=str(job.home), **job.settings), columns=80)
    try:
        terminal.wait_for(b"ready")
        os.kill(terminal.process.pid, signal.SIGSTOP)  # so that the first one is gone when a second could come
        eventually(lambda: is_stopped(terminal.process.pid), lambda: "skillreg did not stop")
        terminal.type(b"\x03")
        terminal.wait_for(b"SIGINT")
        os.kill(terminal.process.pid, signal.SIGTERM)  # is passed on behind an interrupt that came before
        os.kill(terminal.process.pid, signal.SIGCONT)
        shown = terminal.read_all()
        assert shown.count("SIGINT") == 1 and shown.endswith("SIGTERM\n"), shown
        assert terminal.process.wait(PATIENCE_S) == 7
    finally:
        terminal.close()
    assert gateway_of_paper.asked()[-1] == "DELETE /api/v1/auth/token"


# ---- what is typed --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("words, says", [
    ("exec -- true", "exec needs --oidc: the command runs with a token of its own, which the gateway gives for an identity token"),
    ("exec --oidc", "exec needs a command behind --"),
    ("exec --oidc --", "exec needs a command behind --"),
    ("exec --oidc true", "exec needs -- in front of the command"),
    ("exec --oidc true -- true", "exec needs -- in front of the command"),
    ("exec --oidc --scopes all -- true", "unknown scope \"all\": a token has read, write, admin, or some of them joined by commas"),
    ("login --oidc --token", "login takes --token or --oidc, not both"),
    ("login --token --scopes read", "login takes --scopes with --oidc alone"),
    ("login --token --org acme", "login takes --org with --oidc alone"),
    ("login --token --id-token-file x", "login takes --id-token-file with --oidc alone"),
], ids=lambda value: value.replace(" ", "_") if value.count(" ") < 5 else "")
def test_wrong_usage_asks_nobody(gateway_of_paper, job, words, says):
    done = job.run(*words.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"skillreg: {says}\nTry: skillreg {words.split()[0]} --help\n"
    assert gateway_of_paper.requests == []

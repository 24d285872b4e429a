# SPDX-License-Identifier: MIT
"""`skillreg login` by a code and `skillreg approve` against a gateway of paper: what is shown and asked, how it waits, and how it ends."""
import json
import signal
import stat

import pytest

from harness.command_line import CommandLine
from harness.paper_gateway import SECRET, WHOAMI, ago, error
from harness.waiting import PATIENCE_S

DEVICE_CODE = "dEvIcE/+S3CR3T"
USER_CODE = "BCDF-2345"
INITIATE = ("POST", "/api/v1/auth/cli/initiate")
POLL = ("GET", "/api/v1/auth/cli/poll")
LOOKUP = ("POST", "/api/v1/auth/cli/lookup")
APPROVE = ("POST", "/api/v1/auth/cli/approve")
PENDING = 200, {"status": "pending", "token": None}
COMPLETE = 200, {"status": "complete", "token": SECRET}
BEGUN = {"deviceCode": DEVICE_CODE, "userCode": USER_CODE, "verificationUrl": "/auth/cli",
         "expiresAt": "2027-01-01T00:00:00.000Z", "expiresIn": 600, "interval": 1}


@pytest.fixture
def home(tmp_path):
    path = tmp_path / "home"
    path.mkdir()
    return path


@pytest.fixture
def config(home):
    return home / ".skillreg/config.json"


@pytest.fixture
def polled(stub):
    """Answers of the polls to come, of which the last stays."""
    answers = [COMPLETE]
    stub.answers[INITIATE] = 200, BEGUN
    stub.answers[POLL] = lambda _: answers.pop(0) if len(answers) > 1 else answers[0]
    stub.answers["DELETE", "/api/v1/auth/token"] = 200, {"id": "clt1", "name": "ci"}
    return answers


@pytest.fixture
def terminal(stub, home, polled):
    """Starts the command line at a terminal."""
    started = []

    def start(*arguments, token=None):
        started.append(CommandLine(home, url=stub.url, token=token).on_terminal(*arguments))
        return started[-1]
    yield start
    for one in started:
        one.close()


def finish(terminal):
    """What it printed and what it showed."""
    output, _ = terminal.process.communicate(timeout=PATIENCE_S)
    shown = terminal.read_all()
    for secret in (SECRET, "dEvIcE", "S3CR3T"):
        assert secret not in output.decode() + shown
    return output.decode(), shown


# ---- login ----

def test_a_code_is_shown_and_the_token_stored(stub, terminal, polled, config):
    stub.answers["GET", "/api/v1/auth/whoami"] = 200, {**WHOAMI, "token": {**WHOAMI["token"], "expiresAt": "2026-12-01T20:00:00.000Z"}}, \
        {"SkillReg-Token-Expires": "2026-12-01T20:00:00.000Z"}
    stub.date = "Tue, 01 Dec 2026 08:00:00 GMT"
    polled[:] = [PENDING, COMPLETE]
    login = terminal("login")
    output, shown = finish(login)
    assert login.process.returncode == 0, shown
    assert output == "\u2713 Logged in as ci (ci@acme.invalid)\n  Organisation: Acme Inc (acme)\n  Expires:      in 12 hours\n"
    assert shown == (f"Open {stub.url}/auth/cli\nand type this code there: {USER_CODE}\n"
                     f"Or an admin of the organisation runs: skillreg approve {USER_CODE}\n"
                     "Waiting for that, 10 minutes at most; Ctrl-C ends it.\n"), "and no warning of its end"
    initiate, *polls, whoami = stub.requests
    assert (initiate.body, initiate.headers["Content-Length"], initiate.headers["Content-Type"]) == ("", "0", None)
    assert [request.path for request in polls] == ["/api/v1/auth/cli/poll?device_code=dEvIcE%2F%2BS3CR3T"] * 2
    assert all(request.headers["Authorization"] is None for request in (initiate, *polls))
    assert whoami.headers["Authorization"] == f"Bearer {SECRET}"
    assert json.loads(config.read_text()) == {"apiUrl": stub.url, "token": SECRET}
    assert stat.S_IMODE(config.stat().st_mode) == 0o600


@pytest.mark.parametrize("begun, opened", [
    ({"verificationUrl": "https://skills.example/auth/cli?code=BCDF-2345"}, "https://skills.example/auth/cli?code=BCDF-2345"),
    ({"expiresIn": None, "expiresAt": None}, "/auth/cli"),
], ids=["absolute", "without times"])
def test_a_registry_may_answer_itself(begun, opened, stub, terminal, polled, config):
    stub.answers[INITIATE] = 200, {**BEGUN, **begun}
    polled[:] = [(200, {"status": "completed", "token": SECRET})]
    login = terminal("login", "--json")
    output, shown = finish(login)
    assert (login.process.returncode, json.loads(output)) == (0, WHOAMI)
    assert f"{opened}\n" in shown and json.loads(config.read_text())["token"] == SECRET


def test_an_answer_that_fails_for_now_is_asked_for_again(stub, terminal, polled):
    polled[:] = [(503, error("unavailable", "Not now.")), (429, error("rate_limited", "Slowly."), {"Retry-After": "1"}),
                 (502, b"<html>"), COMPLETE]
    login = terminal("login")
    finish(login)
    assert (login.process.returncode, stub.asked().count("GET /api/v1/auth/cli/poll?device_code=dEvIcE%2F%2BS3CR3T")) == (0, 4)


@pytest.mark.parametrize("answer, code, line", [
    ((410, error("gone", "The code has expired.")), 1,
     "the code has expired before it was approved, nothing was stored; for a new one run: skillreg login"),
    ((404, error("not_found", "No such route.")), 7, "not found (No such route), check the address of the gateway"),
    ((200, {"status": "denied", "token": None}), 1, "the answer is not one of a SkillReg gateway, check the address {url}/api/v1"),
    ((200, {"status": "complete", "token": None}), 1, "the answer is not one of a SkillReg gateway, check the address {url}/api/v1"),
], ids=["expired", "not there", "strange", "no token"])
def test_the_end_is_clear(answer, code, line, stub, terminal, polled, config):
    polled[:] = [PENDING, answer]
    login = terminal("login")
    output, shown = finish(login)
    assert (login.process.returncode, output) == (code, "")
    assert shown.splitlines()[-1] == f"skillreg: {line.format(url=stub.url)}"
    assert not config.exists()


def test_it_waits_no_longer_than_the_code_lives(stub, terminal, polled):
    stub.answers[INITIATE] = 200, {**BEGUN, "expiresIn": 2}
    polled[:] = [PENDING]
    login = terminal("login")
    _, shown = finish(login)
    assert login.process.returncode == 1 and "the code has expired" in shown


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_nothing_is_stored(number, stub, terminal, polled, config):
    polled[:] = [PENDING]
    stub.answers[INITIATE] = 200, {**BEGUN, "interval": 60}
    login = terminal("login")
    login.wait_for(b"Ctrl-C ends it.")
    if number == signal.SIGINT:
        login.type(b"\x03")
    else:
        login.process.send_signal(number)
    _, shown = finish(login)
    assert login.process.returncode == -number and "note: interrupted, nothing was stored\n" in shown
    assert not config.exists() and not [path for path in stub.asked() if path.startswith("GET")]


def test_a_signal_while_the_token_is_made_waits_until_it_is_stored(stub, terminal, polled, config):
    login = terminal("login")

    def answer(_):
        login.process.send_signal(signal.SIGTERM)
        return COMPLETE
    stub.answers[POLL] = answer
    output, _ = finish(login)
    assert login.process.returncode == -signal.SIGTERM and "Logged in" in output
    assert json.loads(config.read_text())["token"] == SECRET


def test_a_token_that_cannot_be_stored_is_revoked(stub, terminal, config):
    stub.answers["GET", "/api/v1/auth/whoami"] = 503, error("unavailable", "Not now.")
    login = terminal("login")
    finish(login)
    assert login.process.returncode == 9 and stub.asked()[-1] == "DELETE /api/v1/auth/token"
    assert stub.requests[-1].headers["Authorization"] == f"Bearer {SECRET}" and not config.exists()


def test_a_token_that_the_registry_made_is_explained(stub, terminal, config):
    stub.answers["GET", "/api/v1/auth/whoami"] = 401, error("invalid_token", "The token is unknown.")
    login = terminal("login")
    _, shown = finish(login)
    assert login.process.returncode == 5 and not config.exists()
    assert shown.splitlines()[-1] == ("skillreg: the token was refused (The token is unknown), nothing was stored; it is of the registry "
                                      "behind the gateway, which does not know it")


@pytest.mark.parametrize("begun", [{}, {**BEGUN, "deviceCode": ""}, {**BEGUN, "verificationUrl": "javascript:alert(1)"},
                                   {**BEGUN, "verificationUrl": "//evil.example/"}])
def test_a_beginning_that_cannot_be_used_is_refused(begun, stub, terminal):
    stub.answers[INITIATE] = 200, begun
    login = terminal("login")
    _, shown = finish(login)
    assert login.process.returncode == 1 and shown.startswith("skillreg: the answer is not one of a SkillReg gateway")


def test_what_the_server_says_moves_no_cursor(stub, terminal):
    stub.answers[INITIATE] = 200, {**BEGUN, "userCode": "\u001b[2JBCDF"}
    login = terminal("login")
    _, shown = finish(login)
    assert "\u001b" not in shown and "\ufffd[2JBCDF" in shown


def test_without_a_terminal_nobody_is_asked(stub, home, polled):
    done = CommandLine(home, url=stub.url).run("login", text_in=SECRET)
    assert (done.returncode, done.stdout, stub.requests) == (2, "", [])
    assert done.stderr == ("skillreg: login shows a code that somebody has to read, and there is no terminal: use skillreg login --token, "
                           "or in a CI job skillreg login --oidc\n")


# ---- approve ----

WAITING = {"userCode": USER_CODE, "requestedFrom": "203.0.113.7", "userAgent": "skillreg/1.2 \u001b[2J", "requestedAt": None,
           "expiresAt": "2026-12-01T08:09:00.000Z"}
APPROVED = {"userCode": USER_CODE, "org": "acme", "scopes": ["read"], "expiresAt": "2026-12-01T20:00:00.000Z",
            "requestedFrom": "203.0.113.7"}


@pytest.fixture
def waiting(stub):
    stub.date = "Tue, 01 Dec 2026 08:00:00 GMT"
    stub.answers[LOOKUP] = 200, {**WAITING, "requestedAt": "2026-12-01T07:58:00.000Z"}
    stub.answers[APPROVE] = 200, APPROVED


def bodies(stub, path):
    return [json.loads(request.body) for request in stub.requests if request.path == path[1]]


@pytest.mark.parametrize("answer", ["y", "yes"])
def test_who_asks_is_shown_before_it_is_approved(answer, stub, terminal, waiting):
    approve = terminal("approve", "bcdf2345", token=SECRET)
    approve.wait_for(b"[y/N] ")
    assert bodies(stub, APPROVE) == [], "not yet"
    approve.type(answer.encode() + b"\n")
    output, shown = finish(approve)
    assert approve.process.returncode == 0
    assert output == f"\u2713 Approved: {USER_CODE} gets a token of acme\n  Scopes:   read\n  Expires:  in 12 hours\n"
    assert shown.startswith("Code:     BCDF-2345\nFrom:     203.0.113.7\nProgram:  skillreg/1.2 \ufffd[2J\nSince:    2 minutes ago\n"
                            "Ends:     in 9 minutes\n\u26a0 Approve it only if the person who has this code on their own screen asked you.\n"
                            "  Whoever sent you a code in a message would get in, not you.\n"
                            "Give them a token with the scope read, which ends after 12h? [y/N] ")
    assert bodies(stub, LOOKUP) == [{"userCode": USER_CODE}]
    assert bodies(stub, APPROVE) == [{"userCode": USER_CODE, "scopes": ["read"]}]


@pytest.mark.parametrize("answer", [b"n\n", b"\n", b"\x04"])
def test_whatever_is_not_yes_approves_nothing(answer, stub, terminal, waiting):
    approve = terminal("approve", USER_CODE, token=SECRET)
    approve.wait_for(b"[y/N] ")
    approve.type(answer)
    _, shown = finish(approve)
    assert approve.process.returncode == 1 and shown.endswith("skillreg: nothing was approved\n")
    assert bodies(stub, APPROVE) == []


@pytest.fixture
def admin(stub, home, waiting):
    return CommandLine(home, url=stub.url, token=SECRET)


def test_everything_can_be_said_and_nobody_is_asked(stub, admin):
    done = admin.run("approve", USER_CODE, "--yes", "--scopes", "write", "--expires", "2h", "--name", "Ada Lovelace", "--email",
                     "ada@example.org", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, APPROVED)
    assert "From:     203.0.113.7\n" in done.stderr
    assert bodies(stub, APPROVE) == [{"userCode": USER_CODE, "scopes": ["write"], "expiresIn": 7200, "name": "Ada Lovelace",
                                      "email": "ada@example.org"}]


@pytest.mark.parametrize("arguments, line", [
    ((), "approve needs the code that skillreg login shows, such as BCDF-2345"),
    (("1234-BCDF",), "approve needs the code that skillreg login shows, such as BCDF-2345"),
    ((USER_CODE, "--scopes", "admin"), "approve takes no scope admin: such a token is made by skillreg token create"),
    ((USER_CODE, "--expires", "never"), "approve takes no --expires never: give a time, as 12h"),
])
def test_wrong_usage_asks_nobody(arguments, line, stub, admin):
    done = admin.run("approve", *arguments, "--yes")
    assert (done.returncode, done.stdout, stub.requests) == (2, "", [])
    assert done.stderr.startswith(f"skillreg: {line}\n")


def test_without_a_terminal_yes_has_to_be_said(stub, admin):
    done = admin.run("approve", USER_CODE)
    assert (done.returncode, stub.requests) == (2, [])
    assert done.stderr == "skillreg: approve asks a question, which there is no terminal for: --yes approves the code unasked\n"


@pytest.mark.parametrize("path", [LOOKUP, APPROVE])
@pytest.mark.parametrize("answer, code, text", [
    ((404, error("device_code_not_found", "No login waits with this code.")), 7,
     "not found (No login waits with this code), check the code: it ends after a few minutes, and is approved once"),
    ((403, error("insufficient_scope", "The scope admin is needed.")), 6,
     "the token may not do this (The scope admin is needed), use a token with that scope"),
    ((429, error("rate_limited", "Slowly."), {"Retry-After": "7"}), 9, "too many requests (Slowly), try again in 7 seconds"),
])
def test_refusals_are_those_of_the_other_commands(path, answer, code, text, stub, admin):
    stub.answers[path] = answer
    done = admin.run("approve", USER_CODE, "--yes")
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.endswith(f"skillreg: {text}\n")


def test_an_approval_without_an_answer_is_not_repeated(stub, admin):
    stub.answers[APPROVE] = 503, error("unavailable", "Not now.")
    done = admin.run("approve", USER_CODE, "--yes")
    assert done.returncode == 9 and len(bodies(stub, APPROVE)) == 1
    assert "note: the code may have been approved all the same: the login tells\n" in done.stderr

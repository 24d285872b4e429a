# SPDX-License-Identifier: MIT
"""A login by a code as people see it: `skillreg login` at one terminal, and its approval by `skillreg approve` at another or on the
page at /auth/cli in a real Chromium; and how that page looks and is used."""
import itertools
import json

import pytest

from harness import browser as browsers
from harness.browser import DESKTOP, PHONE
from harness.command_line import CommandLine
from harness.http_client import Connection, bearer
from harness.tokens_page import chromium, gateway_with_page, shoot  # noqa: F401
from harness.waiting import PATIENCE_S

CLI = "/api/v1/auth/cli"


@pytest.fixture(scope="module")
def own(operator, postgres, tmp_path_factory, certificate):
    """Shared by this file."""
    with gateway_with_page(tmp_path_factory.mktemp("page"), "--device-login", database_url=postgres.url,
                           certificate=certificate) as gateway:
        yield gateway


@pytest.fixture
def at_home(own, certificate, tmp_path):
    """The command line of a person, with a home of its own."""
    def make(name, **settings):
        home = tmp_path / name
        home.mkdir()
        return CommandLine(home, url=own.https_url, ca_file=certificate.cert, **settings)
    return make


@pytest.fixture
def login(at_home):
    """`skillreg login`, begun at a terminal: who runs it, the terminal, its code."""
    person = at_home("person")
    terminal = person.on_terminal("login")
    terminal.wait_for(b"Ctrl-C ends it.\r\n")
    yield person, terminal, terminal.seen.split(b"skillreg approve ")[1].split(b"\r\n")[0].decode()
    terminal.close()


def assert_logged_in(login, organisation, scopes):
    person, terminal, _ = login
    output, _ = terminal.process.communicate(timeout=PATIENCE_S)
    assert terminal.process.returncode == 0, terminal.read_all()
    assert f"({organisation.slug})\n" in output.decode()
    stored = json.loads((person.home / ".skillreg/config.json").read_text())["token"]
    assert stored not in output.decode() + terminal.read_all()
    who = json.loads(person.must("whoami", "--json"))
    assert (who["org"]["slug"], who["token"]["scopes"]) == (organisation.slug, scopes)
    return who, stored


# ---- by the command line ----

def test_one_terminal_logs_in_and_another_approves(login, at_home, organisation, own):
    """And it ends with the token that approved."""
    admin = at_home("admin", token=organisation.admin)
    done = admin.must("approve", login[2].lower().replace("-", ""), "--yes", "--scopes", "write", "--expires", "2h", "--name", "Ada Lovelace")
    assert f"Approved: {login[2]} gets a token of {organisation.slug}\n" in done
    who, stored = assert_logged_in(login, organisation, ["write"])
    assert who["token"]["name"] == "Ada Lovelace"
    again = admin.run("approve", login[2], "--yes")
    assert again.returncode == 7 and "approved once" in again.stderr
    assert "Ada Lovelace" in admin.must("token", "list")


def test_who_may_not_approve_is_refused(login, at_home, new_org):
    org = new_org("write", "admin")
    done = at_home("writer", token=org.write).run("approve", login[2], "--yes")
    assert done.returncode == 6 and "admin" in done.stderr
    assert login[1].process.poll() is None


# ---- by the page ----

@pytest.fixture
def page(own, chromium):
    """Anew, with a code in its address, which counts for nothing. Nothing may be refused by its policy or fail in its scripts."""
    browsers.need()
    chromium.problems()
    chromium.resize(DESKTOP)
    chromium.prefer("light")
    chromium.open("https://localhost:%d/auth/cli?code=BCDF-2345" % own.bound("page")[1])
    chromium.wait_shown("#view-code")
    yield chromium
    unwanted = [line for line in chromium.problems() if "Failed to load resource" not in line]  # an error of the API, which is shown
    assert unwanted == []


def look_up(page, code, secret):
    page.type("#code", code)
    page.type("#token", secret)
    page.press("ENTER")


def test_the_page_approves(page, login, organisation):
    assert page.focused() == "code" and page.script("return document.getElementById('code').value") == "", "no link brings a code"
    assert page.find("#token").get_attribute("type") == "password" and "Whoever sent you a code" in page.text("#code-warning")
    look_up(page, login[2].lower(), organisation.admin)
    page.wait_shown("#view-asking")
    shown = page.text("#asking-list")
    for part in (login[2], "127.0.0.1", "skillreg/", "just now", "in 9 minutes", organisation.slug):
        assert part in shown
    assert page.focused() == "asking-title" and page.is_shown("#view-asking .notice.warn")
    assert page.script("return document.querySelector('[name=scope]:checked').value + document.getElementById('life').value") == "read43200"
    page.type("#person", "<b>Grace</b>")
    page.click("#asking-form [type=submit]")
    page.wait_shown("#view-done")
    assert f"{login[2]} gets a token of {organisation.slug}, read, that ends in" in page.text("#done-text")
    assert organisation.admin not in page.script("return document.documentElement.outerHTML")
    assert page.script("return [document.cookie, localStorage.length, sessionStorage.length]") == ["", 0, 0]
    assert_logged_in(login, organisation, ["read"])
    page.click("#another")
    page.wait_shown("#view-code")
    assert page.script("return [...document.querySelectorAll('#code, #token')].map((field) => field.value)") == ["", ""]


def test_cancelling_approves_nothing_and_forgets(page, login, organisation, own):
    look_up(page, login[2], organisation.admin)
    page.wait_shown("#view-asking")
    page.click("#cancel")
    page.wait_shown("#view-code")
    assert page.text("#asking-list") == "" and page.script("return document.getElementById('token').value") == ""
    answer = own.request("POST", f"{CLI}/lookup", organisation.admin, json_body={"userCode": login[2]})
    assert answer.status == 200, "it waits still"


def test_the_way_back_leads_to_no_token(page, login, organisation):
    look_up(page, login[2], organisation.admin)
    page.wait_shown("#view-asking")
    page.open("about:blank")
    page.driver.back()
    page.wait_shown("#view-code")
    assert page.text("#asking-list") == "" and page.script("return document.getElementById('token').value") == ""


@pytest.mark.parametrize("code, whose, said, then", [
    ("", "admin", "Type the code first.", "It is on the screen"),
    ("BCDF-2345", "nobody", "That is not a token", "Paste the whole token."),
    ("BCDF-2345", "write", "has the scopes write alone.", "Sign in with one that has the scope admin."),
    ("BCDF-2345", "admin", "code", "Compare it with the screen"),
    ("hunter2", "admin", "userCode", "Change it"),
], ids=["no code", "no token", "not of an admin", "unknown", "no such code"])
def test_who_cannot_approve_is_told_why_and_what_to_do(code, whose, said, then, page, new_org):
    org = new_org("write", "admin")
    look_up(page, code, {"nobody": "hunter2", "write": org.write, "admin": org.admin}[whose])
    page.wait_text("#code-error", said)
    assert then in page.text("#code-error") and page.is_shown("#view-code") and not page.is_shown("#view-asking")


def test_a_code_that_was_approved_meanwhile_is_told(page, login, organisation, own):
    look_up(page, login[2], organisation.admin)
    page.wait_shown("#view-asking")
    assert own.request("POST", f"{CLI}/approve", organisation.admin, json_body={"userCode": login[2]}).status == 200
    page.click("#asking-form [type=submit]")
    page.wait_text("#asking-error", "Compare it with the screen")


def test_the_port_of_the_page_gives_no_token(own):
    """It begins no login and hands none out."""
    with Connection(own.bound("page"), tls=own.tls_context()) as connection:
        assert connection.request("POST", f"{CLI}/initiate").status == 404
        assert connection.request("GET", f"{CLI}/poll?device_code=x").status == 404
        assert connection.request("POST", f"{CLI}/lookup", bearer("sr_live_" + "x" * 48)).status == 401


# ---- how it looks ----

LOOKS = list(itertools.product(("light", "dark"), (("desk", DESKTOP), ("phone", PHONE))))


@pytest.mark.parametrize("scheme, window", LOOKS, ids=[f"{scheme}-{name}" for scheme, (name, _) in LOOKS])
def test_every_view_is_accessible_and_fits(scheme, window, page, login, organisation):
    name, size = window
    page.prefer(scheme)
    page.resize(size)
    faults = {}

    def look(view):
        shoot(page, f"device-{view}-{scheme}-{name}")
        faults[view] = [*page.violations(), *([f"{page.overflow()} px too wide"] if page.overflow() > 0 else [])]
    look("code")
    look_up(page, "BCDF-2345", "hunter2")
    page.wait_shown("#code-error")
    look("error")
    look_up(page, login[2], organisation.admin)
    page.wait_shown("#view-asking")
    look("asking")
    page.click("#asking-form [type=submit]")
    page.wait_shown("#view-done")
    look("done")
    assert faults == {view: [] for view in faults}


def test_the_keyboard_alone_is_enough(page, login, organisation):
    """And what has the focus is seen."""
    def walk(count):
        seen = []
        for _ in range(count):
            page.press("TAB")
            seen.append(page.focused())
            assert page.script("return getComputedStyle(document.activeElement).outlineStyle") != "none", seen
        return seen
    page.press(*login[2])
    assert walk(2) == ["token", "Show who asks"]
    page.press("SHIFT+TAB", *organisation.admin, "ENTER")
    page.wait_shown("#view-asking")
    assert walk(6) == ["scope-read", "life", "person", "email", "Approve", "cancel"]
    page.press("SHIFT+TAB", "ENTER")
    page.wait_shown("#view-done")
    assert page.focused() == "done-title"
    assert walk(1) == ["another"]

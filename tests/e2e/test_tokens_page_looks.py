# SPDX-License-Identifier: MIT
"""How the page of the tokens looks in a real Chromium, and that everybody can use it: each view in the light and in the dark, at a
desk and on a phone, by axe-core; and the keyboard alone."""
import itertools

import pytest

from harness.browser import DESKTOP, PHONE
from harness.tokens_page import chromium, own, page, press_in_row, shoot, sign_in, signed_in  # noqa: F401


@pytest.fixture
def filled(page, own, new_org, operator):
    """Signed in, with tokens of every kind."""
    org = new_org("admin")
    base = f"/api/v1/orgs/{org.slug}/tokens"

    def make(**body):
        return own.request("POST", base, org.admin, json_body=body).json()
    make(name="deploy-production", description="GitHub Actions, repository deploy", scopes=["write"], expiresIn=3 * 86400,
         allowedIps=["10.0.0.0/8"])
    make(name="a-name-that-is-as-long-as-names-may-be-" + "x" * 61, scopes=["read", "write", "admin"])
    used = make(name="bot-readonly", scopes=["read"])
    own.request("GET", "/api/v1/auth/whoami", used["token"])
    gone = make(name="contractor", scopes=["write"], expiresIn=30 * 86400)
    assert own.request("DELETE", f"{base}/{gone['id']}", org.admin).status == 200
    sign_in(page, org.admin)
    page.wait_text("#tokens-status", "4 tokens.")
    return page


LOOKS = list(itertools.product(("light", "dark"), (("desk", DESKTOP), ("phone", PHONE))))


@pytest.mark.parametrize("scheme, window", LOOKS, ids=[f"{scheme}-{name}" for scheme, (name, _) in LOOKS])
def test_every_view_is_accessible_and_fits(scheme, window, filled):
    name, size = window
    page = filled
    page.prefer(scheme)
    page.resize(size)
    faults = {}

    def look(view):
        shoot(page, f"{view}-{scheme}-{name}")
        faults[view] = [*page.violations(), *([f"{page.overflow()} px too wide"] if page.overflow() > 0 else [])]
    page.click("#filter-all")
    page.wait_text("#tokens-status", "5 tokens.")
    look("tokens")
    page.click("#open-create")
    page.wait_shown("#create")
    page.click("#scope-admin")
    look("create")
    page.type("#create-name", "shown-once")
    page.click("#create [type=submit]")
    page.wait_shown("#secret")
    look("secret")
    page.press("ESCAPE", "ESCAPE")
    press_in_row(page, "deploy-production", "Details")
    page.wait_text("#details-list", "Made by")
    look("details")
    page.press("ESCAPE")
    press_in_row(page, "deploy-production", "Rotate")
    page.wait_shown("#rotate")
    look("rotate")
    page.press("ESCAPE")
    press_in_row(page, "shown-once", "Revoke")
    page.wait_shown("#revoke")
    look("revoke")
    page.click("#revoke [type=submit]")
    page.wait_text("#done-text", "confirmed")
    look("done")
    page.press("ESCAPE")
    page.wait_gone("#done")
    page.click("#go-audit")
    page.wait_text("#audit-status", "events")
    look("audit")
    page.click("#sign-out")
    page.wait_shown("#view-sign-in")
    sign_in(page, "hunter2")
    page.wait_shown("#sign-in-error")
    look("sign-in")
    assert faults == {view: [] for view in faults}


def test_the_keyboard_reaches_everything_in_order(signed_in):
    """And what has the focus is seen."""
    signed_in.wait(lambda: signed_in.focused() == "tokens-title", "is the focus at the beginning")
    seen = []
    for _ in range(15):
        signed_in.press("TAB")
        seen.append(signed_in.focused())
        assert signed_in.script("return getComputedStyle(document.activeElement).outlineStyle") != "none", seen
    assert seen == ["open-create", "filter-text", "filter-scope", "filter-unused", "filter-expiring", "filter-sort", "filter-all", "Clear",
                    "Name", "Made", "Last used", "Ends", "Details admin-key", "Rotate admin-key", "Revoke admin-key"]
    signed_in.press("ENTER")
    signed_in.wait_shown("#revoke")
    for _ in range(8):  # the focus stays inside
        signed_in.press("TAB")
        assert signed_in.script("return document.activeElement === document.body || document.activeElement.closest('dialog') !== null")
    signed_in.press("ESCAPE")
    signed_in.wait_gone("#revoke")
    assert signed_in.focused() == "Revoke admin-key"

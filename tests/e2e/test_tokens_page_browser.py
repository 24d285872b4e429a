# SPDX-License-Identifier: MIT
"""The page of the tokens in a real Chromium: what a person does there, and what comes of it."""
import json
import re

import pytest

from harness import token_syntax
from harness.gateway import Operator
from harness.http_client import Connection
from harness.postgres import Postgres
from harness.tokens_page import api, chromium, made, names, own, page, press_in_row, row, shoot, sign_in, signed_in  # noqa: F401
from harness.waiting import eventually


# ---- signing in ----

def test_a_token_signs_in_and_a_reload_forgets_it(page, organisation):
    assert page.focused() == "token" and page.find("#token").get_attribute("type") == "password"
    assert "a reload" in page.text("#token-hint")
    sign_in(page, f"  {organisation.admin}\n")
    page.wait_text("#tokens-status", "1 token.")
    assert page.text("#who") == f"{organisation.slug} as admin-key" and names(page) == ["admin-key"]
    assert page.script("return document.getElementById('token').value") == ""
    assert page.script("return [document.cookie, localStorage.length, sessionStorage.length, location.href.includes('sr_')]") == ["", 0, 0, False]
    assert organisation.admin not in page.script("return document.documentElement.outerHTML")
    page.driver.refresh()
    page.wait_shown("#view-sign-in")
    assert not page.is_shown("#signed-in") and names(page) == []


def test_signing_out_forgets_everything_that_was_shown(signed_in):
    signed_in.click("#sign-out")
    signed_in.wait_shown("#view-sign-in")
    assert names(signed_in) == [] and signed_in.script("return document.getElementById('who-token').textContent") == ""
    assert signed_in.focused() == "token"


def test_the_way_back_leads_to_no_token(signed_in):
    """Also where the browser keeps the page for it."""
    signed_in.open("about:blank")
    signed_in.driver.back()
    signed_in.wait_shown("#view-sign-in")
    assert names(signed_in) == []


@pytest.mark.parametrize("scopes, secret, said, then", [
    (None, "hunter2", "That is not a token", "Paste the whole token."),
    (None, token_syntax.make(), "The token is malformed, unknown, revoked or expired.", "Sign in with a live token."),
    (("write", "admin"), None, "has the scopes write alone.", "Sign in with one that has the scope admin."),
], ids=["no token", "unknown", "not of an admin"])
def test_who_cannot_sign_in_is_told_why_and_what_to_do(scopes, secret, said, then, page, new_org):
    sign_in(page, secret or new_org(*scopes).write)
    page.wait_text("#sign-in-error", said)
    assert then in page.text("#sign-in-error")
    assert page.is_shown("#view-sign-in") and page.focused() == "token"


# ---- the list ----

def test_a_name_is_text_whatever_it_holds(signed_in, made):
    name = "<img src=x onerror=alert(1)>&amp;"
    made(name, description="<script>alert(2)</script>")
    signed_in.wait(lambda: name in names(signed_in), "is it listed, without a reload")
    assert signed_in.all("#tokens-rows img, #tokens-rows script") == []


def test_last_use_is_seen_live_and_takes_no_focus(signed_in, own, made):
    token = made("watched", scopes=["read"])
    signed_in.wait(lambda: row(signed_in, "watched"), "is it listed")
    used = f'{row(signed_in, "watched")} [data-time="used"]'
    assert signed_in.text(used) == "never"
    signed_in.script("document.querySelector(arguments[0]).focus()", f'{row(signed_in, "watched")} [data-action="Rotate"]')
    signed_in.script("document.querySelector(arguments[0]).mark = 'the same'", row(signed_in, "watched"))
    assert own.request("GET", "/api/v1/auth/whoami", token["token"]).status == 200
    signed_in.wait_text(used, "just now")
    made("a newer one")
    signed_in.wait(lambda: row(signed_in, "a newer one"), "is it listed")
    assert signed_in.focused() == "Rotate watched"
    assert signed_in.script("return document.querySelector(arguments[0]).mark", row(signed_in, "watched")) == "the same"


WATCH_TIMERS = """
    const set = window.setTimeout, clear = window.clearTimeout;
    window.waiting = new Set();  // the timers that are to read the list anew: none is as long
    window.setTimeout = (act, ms) => {
        const id = set(() => { window.waiting.delete(id); act(); }, ms);
        if (ms >= 1000) window.waiting.add(id);
        return id;
    };
    window.clearTimeout = (id) => { window.waiting.delete(id); clear(id); };
"""
BE_SEEN = "document.dispatchEvent(new Event('visibilitychange'));"
BE_HIDDEN = "Object.defineProperty(document, 'hidden', {value: true, configurable: true});" + BE_SEEN


def test_a_page_that_is_not_seen_asks_nothing(page, organisation, made):
    page.script(WATCH_TIMERS)
    sign_in(page, organisation.admin)
    page.wait(lambda: page.script("return window.waiting.size") == 1, "is the list to be read anew")
    page.script(BE_HIDDEN)
    page.wait(lambda: page.script("return window.waiting.size") == 0, "is it not any more")
    made("while hidden")
    page.script("delete document.hidden; " + BE_SEEN)
    page.wait(lambda: "while hidden" in names(page), "is it read anew when it is seen again")
    page.wait(lambda: page.script("return window.waiting.size") == 1, "and again from then on")


def test_filters_sorting_and_search(signed_in, made):
    for name in ("ci-deploy", "ci-build", "backup"):
        made(name, scopes=["read"] if name == "backup" else ["write"], expiresIn=86400 if name == "ci-build" else 8640000)
    signed_in.type("#filter-text", "CI-")
    signed_in.wait(lambda: names(signed_in) == ["ci-build", "ci-deploy"], "are those with it in their names listed")
    signed_in.click("#filters [type=reset]")
    signed_in.wait(lambda: len(names(signed_in)) == 4, "are all listed again")
    signed_in.choose("#filter-scope", "read")
    signed_in.wait(lambda: names(signed_in) == ["backup"], "are those with the scope listed")
    signed_in.choose("#filter-scope", "")
    signed_in.click('[data-sort="name"] button')
    signed_in.wait(lambda: names(signed_in) == ["admin-key", "backup", "ci-build", "ci-deploy"], "are they sorted")
    assert signed_in.find('[data-sort="name"]').get_attribute("aria-sort") == "ascending"
    signed_in.click('[data-sort="name"] button')
    signed_in.wait(lambda: names(signed_in) == ["ci-deploy", "ci-build", "backup", "admin-key"], "are they sorted the other way")
    assert signed_in.find("#filter-sort").get_attribute("value") == "-name"
    signed_in.click("#go-expiring")
    signed_in.wait(lambda: names(signed_in) == ["ci-build"], "are those that end soon listed")
    assert signed_in.text("#tokens-title") == "Expiring soon" and signed_in.focused() == "tokens-title"
    signed_in.wait_text("#expiring-count", "1")
    assert signed_in.text(f'{row(signed_in, "ci-build")} [data-time="ends"]') in ("in 23 hours", "in 1 day")


def test_a_whole_token_is_not_searched_for(signed_in, own, made):
    token = made("lost-and-found")
    signed_in.type("#filter-text", token["token"])
    signed_in.wait(lambda: names(signed_in) == ["lost-and-found"], "is it found by how it begins")
    assert signed_in.find("#filter-text").get_attribute("value") == token["prefix"]


def test_pages_go_on_and_back(page, new_org, own, postgres):
    org = new_org("admin")
    postgres.query("insert into skillreg.api_token (id, org_id, name, prefix, digest, scopes, created_at, created_by) "
                   "select 'clmany' || n || translate(%s, '-', ''), %s, 'many-' || n, 'sr_live_' || to_char(n, 'FM0000'), "
                   "sha256((%s || n)::bytea), 1, now() - interval '1 hour' - n * interval '1 second', 'operator' from generate_series(1, 119) n",
                   (org.slug, "cl" + org.slug.replace("-", ""), org.slug))
    sign_in(page, org.admin)
    page.wait_text("#tokens-status", "50 tokens on page 1, and more follow.")
    page.click("#tokens-next")
    page.wait_text("#tokens-status", "50 tokens on page 2, and more follow.")
    page.click("#tokens-next")
    page.wait_text("#tokens-status", "20 tokens on page 3, the last one.")
    assert not page.find("#tokens-next").is_enabled() and names(page)[-1] == "many-119"
    page.click("#tokens-before")
    page.click("#tokens-before")
    page.wait_text("#tokens-status", "page 1")
    assert not page.find("#tokens-before").is_enabled() and names(page)[0] == "admin-key"


# ---- making, rotating, revoking ----

def test_a_token_is_made_and_its_secret_shown_once(signed_in, own, api):
    signed_in.click("#open-create")
    signed_in.wait_shown("#create")
    assert signed_in.focused() == "create-name"
    signed_in.type("#create-name", "ci-deploy")
    signed_in.type("#create-description", "of the build")
    signed_in.click("#scope-write")
    signed_in.type("#create-ips", "127.0.0.0/8\n10.1.0.0/16")
    signed_in.choose("#create-ends", "30d")
    signed_in.click("#create [type=submit]")
    signed_in.wait_shown("#secret")
    secret = signed_in.find("#secret-value").get_attribute("value")
    assert re.fullmatch(r"sr_live_[A-Za-z0-9_-]{48}", secret) and "Shown once" in signed_in.text("#secret-once")
    assert own.request("GET", "/api/v1/auth/whoami", secret).json()["token"]["name"] == "ci-deploy"
    listed = next(token for token in api("GET", "/tokens")["tokens"] if token["name"] == "ci-deploy")
    assert (listed["scopes"], listed["allowedIps"], listed["description"]) == (["read"], ["127.0.0.0/8", "10.1.0.0/16"], "of the build")
    signed_in.click("#secret-copy")
    signed_in.wait(lambda: signed_in.text("#secret-status") != "", "is it said how copying went")
    signed_in.click("#secret-close")
    signed_in.wait_gone("#secret")
    assert secret not in signed_in.script("return document.documentElement.outerHTML + document.getElementById('secret-value').value")
    signed_in.wait(lambda: row(signed_in, "ci-deploy"), "is it listed")
    assert signed_in.focused() == "open-create"


def test_escape_does_not_lose_a_secret_by_accident(signed_in):
    signed_in.click("#open-create")
    signed_in.type("#create-name", "careful")
    signed_in.press("ENTER")
    signed_in.wait_shown("#secret")
    signed_in.press("ESCAPE")
    signed_in.wait_text("#secret-status", "not copied yet")
    assert signed_in.is_shown("#secret")
    signed_in.press("ESCAPE")
    signed_in.wait_gone("#secret")


def test_a_refusal_is_shown_in_the_words_of_the_api_at_the_field(signed_in):
    signed_in.click("#open-create")
    signed_in.press("ENTER")
    signed_in.wait_text("#create [data-error]", "name")
    assert "Change it" in signed_in.text("#create [data-error]") and "Request id: " in signed_in.text("#create [data-error]")
    signed_in.wait(lambda: signed_in.focused() == "create-name", "is the field in focus")
    assert signed_in.find("#create-name").get_attribute("aria-invalid") == "true"
    signed_in.type("#create-name", "wrong range")
    signed_in.type("#create-ips", "10.0.0.1/8")
    signed_in.click("#create [type=submit]")
    signed_in.wait_text("#create [data-error]", "allowedIps[0] must be an address, or a range that begins at its first one")
    signed_in.press("ESCAPE")
    signed_in.wait_gone("#create")
    assert "wrong range" not in names(signed_in)


def test_a_lost_answer_makes_no_second_token(signed_in, api):
    """The answer is thrown away on its way; the form is sent again as it is."""
    signed_in.script("const own = window.fetch; window.lost = 0;"
                     "window.fetch = async (address, options) => { const answer = await own(address, options);"
                     "  if (options.method === 'POST' && window.lost++ === 0) throw new TypeError('lost'); return answer; };")
    signed_in.click("#open-create")
    signed_in.type("#create-name", "once")
    signed_in.click("#create [type=submit]")
    signed_in.wait_text("#create [data-error]", "The gateway does not answer.")

    def is_made():
        if not signed_in.is_shown("#secret"):
            signed_in.click("#create [type=submit]")  # refused as being in progress for two seconds
            signed_in.wait(lambda: signed_in.is_shown("#secret") or signed_in.text("#create [data-error]"), "is it answered")
        return signed_in.is_shown("#secret")
    eventually(is_made, "was it made with the same key")
    assert [token["name"] for token in api("GET", "/tokens")["tokens"]] == ["once", "admin-key"]


def test_a_token_is_rotated(signed_in, own, made):
    old = made("nightly", scopes=["read"])
    press_in_row(signed_in, "nightly", "Rotate")
    signed_in.wait_shown("#rotate")
    assert "nightly" in signed_in.text("#rotate") and old["prefix"] in signed_in.text("#rotate")
    signed_in.choose("#rotate-overlap", "3600")
    signed_in.click("#rotate [type=submit]")
    signed_in.wait_shown("#secret")
    secret = signed_in.find("#secret-value").get_attribute("value")
    assert secret != old["token"] and "the old one works until" in signed_in.text("#secret-about")
    for each in (secret, old["token"]):
        assert own.request("GET", "/api/v1/auth/whoami", each).status == 200
    signed_in.press("TAB", "ENTER")
    signed_in.wait_gone("#secret")
    signed_in.wait(lambda: names(signed_in).count("nightly") == 2, "are both listed")
    press_in_row(signed_in, "nightly", "Details")
    signed_in.wait_text("#details-list", f"Successor of\n{old['id']}")


def test_a_revocation_names_the_token_and_says_how_far_it_spread(signed_in, own, made):
    token = made("leaked", scopes=["read"])
    press_in_row(signed_in, "leaked", "Revoke")
    signed_in.wait_shown("#revoke")
    assert signed_in.text("#revoke-title") == "Revoke “leaked”?" and token["prefix"] in signed_in.text("#revoke")
    assert signed_in.focused() == "Cancel"
    signed_in.press("ESCAPE")
    signed_in.wait_gone("#revoke")
    assert own.request("GET", "/api/v1/auth/whoami", token["token"]).status == 200
    assert signed_in.focused() == "Revoke leaked"
    press_in_row(signed_in, "leaked", "Revoke")
    signed_in.click("#revoke [type=submit]")
    signed_in.wait_text("#done-title", "“leaked” is revoked")
    # The second where another test has killed a gateway of this database.
    assert re.search(r"No gateway lets it in any more: (the one gateway has|\d+ gateways have) confirmed it\."
                     r"|Not every gateway has confirmed it: .*\d gateways? (is|are) not heard of\.", signed_in.text("#done-text"))
    assert own.request("GET", "/api/v1/auth/whoami", token["token"]).status == 401
    signed_in.press("ENTER")
    signed_in.wait(lambda: "leaked" not in names(signed_in), "is its row gone")
    signed_in.wait(lambda: signed_in.focused() != "", "is the focus somewhere")
    signed_in.click("#filter-all")
    signed_in.wait(lambda: row(signed_in, "leaked"), "is it listed with those that ended")
    assert "Revoked by the token admin-key" in signed_in.text(row(signed_in, "leaked"))
    assert signed_in.all(f'{row(signed_in, "leaked")} [data-action="Revoke"]') == []


@pytest.mark.parametrize("answer, said", [
    ({"pending": 2, "silent": 1, "until": "2026-12-31T10:20:30.000Z"},
     "Not every gateway has confirmed it: 2 gateways run and have not done so yet, 1 gateway is not heard of. One of them may let it in "
     "until 2026-12-31 10:20:30 UTC at the latest."),
    ({"pending": None, "silent": None, "until": None}, "cannot know how far it has spread"),
])
def test_a_revocation_that_is_not_confirmed(answer, said, signed_in, made):
    made("spreading")
    body = json.dumps({"id": "clx", "name": "spreading", "revokedAt": "2026-12-31T10:20:20.000Z", **answer})
    signed_in.script("const own = window.fetch; window.fetch = (address, options) => options.method !== 'DELETE' ? own(address, options)"
                     " : Promise.resolve(new Response(arguments[0], {status: 202}))".replace("arguments[0]", json.dumps(body)))
    press_in_row(signed_in, "spreading", "Revoke")
    signed_in.click("#revoke [type=submit]")
    signed_in.wait_text("#done-text", said)


def test_the_last_admin_token_goes_only_when_it_is_said(signed_in, organisation):
    press_in_row(signed_in, "admin-key", "Revoke")
    signed_in.wait_shown("#revoke [data-own]")
    signed_in.click("#revoke [type=submit]")
    signed_in.wait_text("#revoke [data-error]", "No live token with the scope admin would be left")
    signed_in.click("#revoke-last")
    signed_in.click("#revoke [type=submit]")
    signed_in.wait_text("#done-title", "is revoked")
    signed_in.click("#done [data-close]")
    signed_in.wait_shown("#view-sign-in")
    sign_in(signed_in, organisation.admin)
    signed_in.wait_text("#sign-in-error", "The token is malformed, unknown, revoked or expired.")


# ---- the audit ----

def test_the_audit_of_a_token(signed_in, api, made):
    token = made("audited")
    api("PATCH", f"/tokens/{token['id']}", {"description": "changed"})
    api("DELETE", f"/tokens/{made('another')['id']}")
    press_in_row(signed_in, "audited", "Details")
    signed_in.wait_text("#details-list", token["id"])
    signed_in.click("#details-audit")
    signed_in.wait_text("#audit-status", "2 events.")
    assert signed_in.focused() == "audit-title"
    assert signed_in.texts("#audit-rows b") == ["change", "create"] and "description" in signed_in.text("#audit-rows")
    signed_in.click("#audit-filters [type=reset]")
    signed_in.wait_text("#audit-rows", "another")
    signed_in.choose("#audit-action", "revoke")
    signed_in.wait_text("#audit-status", "1 event.")
    assert "another" in signed_in.text("#audit-rows") and "admin-key" in signed_in.text("#audit-rows")


# ---- errors ----

def test_a_token_that_ends_meanwhile_signs_out(signed_in, operator, organisation, api):
    own_id = api("GET", "/tokens")["tokens"][0]["id"]
    operator.must("token", "revoke", own_id, "--org", organisation.slug)
    signed_in.wait_text("#sign-in-error", "The token is malformed, unknown, revoked or expired.")
    assert names(signed_in) == []


def test_an_outage_is_no_sign_out(page, own_postgres_gateway):
    """And ends by itself."""
    gateway, cluster, secret = own_postgres_gateway
    page.open("http://127.0.0.1:%d/tokens" % gateway.bound("page")[1])
    page.wait_shown("#view-sign-in")
    sign_in(page, secret)
    page.wait_text("#tokens-status", "1 token.")
    cluster.stop()
    page.wait_text("#outage", "You stay signed in")
    assert names(page) == ["first-admin"]
    page.click("#open-create")
    page.type("#create-name", "too early")
    page.click("#create [type=submit]")
    page.wait_text("#create [data-error]", "Try again shortly.")
    shoot(page, "outage")
    cluster.start()
    page.press("ESCAPE")
    page.wait_gone("#outage")
    assert names(page) == ["first-admin"]


@pytest.fixture
def own_postgres_gateway(start_gateway, tmp_path):
    cluster = Postgres()
    try:
        cluster.create().start()
        operator = Operator(cluster.url, tmp_path)
        operator.migrate()
        operator.create_org("lonely")
        secret = operator.create_token("lonely", "first-admin", "admin")["token"]
        yield start_gateway("--tokens-page", "127.0.0.1:0", database_url=cluster.url), cluster, secret
    finally:
        cluster.destroy()


# ---- other origins ----

def test_another_origin_cannot_frame_it(own, page, tmp_path):
    port = own.bound("page")[1]
    (tmp_path / "frame.html").write_text(f'<iframe id="framed" src="https://localhost:{port}/tokens"></iframe>')
    page.open(f"file://{tmp_path}/frame.html")
    page.wait(lambda: any("frame-ancestors" in line for line in page.problems()), "was it refused")


def test_no_request_leaves_its_origin(signed_in, own):
    loaded = signed_in.script("return performance.getEntriesByType('resource').map((entry) => new URL(entry.name).origin)")
    assert set(loaded) == {"https://localhost:%d" % own.bound("page")[1]}
    with Connection(own.bound("page"), tls=own.tls_context()) as connection:
        assert connection.request("GET", "/tokens").status == 200

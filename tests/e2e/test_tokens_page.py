# SPDX-License-Identifier: MIT
"""The listener of --tokens-page: static files and the gateway's own API, guarded by fields, and nothing of the registry. What the
page does in a browser is tested in test_tokens_page_browser.py."""
import re
import signal
import ssl

import pytest

from harness import binaries
from harness.http_client import Connection, assert_error_shape, bearer
from harness.tokens_page import gateway_with_page
from harness.waiting import eventually

STATIC = binaries.ROOT / "gateway/page/static"
PAGES = {"/tokens": "tokens.html", "/auth/cli": "device.html"}
FILES = sorted(path.name for path in STATIC.iterdir() if path.name not in PAGES.values())
WHOAMI = "/api/v1/auth/whoami"
GUARDS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
                               "form-action 'none'; base-uri 'none'; frame-ancestors 'none'; "
                               "require-trusted-types-for 'script'; trusted-types 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.fixture(scope="module")
def own(operator, postgres, tmp_path_factory, certificate, _session_upstream):
    """Shared by this file."""
    with gateway_with_page(tmp_path_factory.mktemp("page"), "--device-login", database_url=postgres.url, certificate=certificate,
                           upstream=_session_upstream.url) as gateway:
        yield gateway


def page_of(gateway, tls=True):
    return Connection(gateway.bound("page"), tls=gateway.tls_context() if tls else None)


@pytest.fixture
def page(own):
    with page_of(own) as connection:
        yield connection


def assert_guarded(response):
    assert {name: response.all(name) for name in GUARDS} == {name: [value] for name, value in GUARDS.items()}
    assert response.all("set-cookie") == [] and response.all("access-control-allow-origin") == []


# ---- files ----

def test_the_way_leads_to_the_page(page):
    response = page.request("GET", "/")
    assert (response.status, response.get("location"), response.body) == (307, "/tokens", b"")
    assert_guarded(response)
    for path, name in PAGES.items():
        response = page.request("GET", path)
        assert (response.status, response.get("content-type")) == (200, "text/html; charset=utf-8")
        assert response.body == (STATIC / name).read_bytes()
        assert_guarded(response)


TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_the_source_and_is_asked_about_each_time(name, page):
    response = page.request("GET", f"/tokens/{name}")
    assert (response.status, response.get("content-type")) == (200, TYPES[(STATIC / name).suffix])
    assert response.body == (STATIC / name).read_bytes()
    assert response.get("cache-control") == "no-cache"
    assert_guarded(response)
    tag = response.get("etag")
    assert re.fullmatch('"[0-9a-f]{32}"', tag)
    again = page.request("GET", f"/tokens/{name}", [("If-None-Match", f'"other", {tag}')])
    assert (again.status, again.body, again.get("etag")) == (304, b"", tag)
    assert_guarded(again)
    head = page.request("HEAD", f"/tokens/{name}")
    assert (head.status, head.body, head.get("content-length")) == (200, b"", str(len(response.body)))


@pytest.mark.parametrize("name", PAGES.values())
def test_the_page_loads_its_own_files_alone(name):
    """And has no script or style of its own lines, which the policy would not run either."""
    html = (STATIC / name).read_text(encoding="utf-8")
    addresses = re.findall(r'(?:src|href)="([^"#]+)"', html)
    assert addresses and {address.removeprefix("/tokens/") for address in addresses} <= set(FILES)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)|javascript:", html)


@pytest.mark.parametrize("path", sorted(STATIC.glob("*.js")), ids=lambda path: path.name)
def test_a_script_keeps_to_what_is_safe(path):
    """No markup from data, no evaluation, no storage, no other origin."""
    text = path.read_text(encoding="utf-8")
    forbidden = (r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|new Function|localStorage|"
                 r"sessionStorage|indexedDB|document\.cookie|https?://|\bimport\(|setAttribute\(.style|serviceWorker")
    assert re.findall(forbidden, text) == []
    for name in re.findall(r'^(?:import|export) .*from "([^"]+)";', text, re.MULTILINE):
        assert name.removeprefix("./") in FILES


# ---- the API ----

def test_the_api_of_the_gateway_answers_here(page, organisation):
    base = f"/api/v1/orgs/{organisation.slug}"
    assert page.request("GET", WHOAMI, bearer(organisation.admin)).json()["org"]["slug"] == organisation.slug
    json_type = ("Content-Type", "application/json")
    made = page.request("POST", f"{base}/tokens", [*bearer(organisation.admin), json_type], b'{"name":"made here"}')
    assert made.status == 201 and made.get("cache-control") == "no-store"
    assert_guarded(made)
    token = made.json()["id"]
    assert page.request("GET", f"{base}/tokens/{token}", bearer(organisation.admin)).json()["name"] == "made here"
    assert page.request("POST", f"{base}/tokens/{token}/rotate", bearer(organisation.admin)).status == 201
    ended = page.request("DELETE", f"{base}/tokens/{token}?wait=5s", bearer(organisation.admin))
    assert ended.status in (200, 202), "confirmed, or not where another test has killed a gateway of this database"
    events = page.request("GET", f"{base}/audit", bearer(organisation.admin)).json()["events"]
    assert [event["action"] for event in events] == ["revoke", "rotate", "create", "create"]


def test_refusals_are_those_of_the_gateway_and_guarded(page, acme, globex):
    response = page.request("GET", WHOAMI)
    assert (response.status, response.error_code) == (401, "missing_token")
    assert_guarded(response)
    response = page.request("GET", f"/api/v1/orgs/{acme.slug}/tokens", bearer(acme.write))
    assert (response.status, response.error_code) == (403, "insufficient_scope")
    response = page.request("GET", f"/api/v1/orgs/{acme.slug}/tokens", bearer(globex.admin))
    assert (response.status, response.error_code) == (403, "org_mismatch")
    response = page.request("PUT", f"/api/v1/orgs/{acme.slug}/tokens", bearer(acme.admin))
    assert (response.status, response.get("allow")) == (405, "GET, HEAD, POST")


# ---- nothing else ----

FORWARDED = ["/api/v1/orgs/acme/skills", "/api/v1/orgs/acme/skills/a/download", "/api/v1/orgs/acme/settings",
             "/api/v1/search?q=x", "/api/v1/public/skills", "/api/v1/auth/cli/poll",
             "/api/v1/catalog/s/n/versions/1/download?asOrg=acme"]
NOWHERE = ["/authz", "/authz/api/v1/search", "/oauth2/introspect", "/metrics", "/readyz", "/healthz", "/tokens/", "/tokens/none.js",
           "/tokens/tokens.html", "/tokens/device.html", "/auth/cli/x", "/tokens/a/b", "/api/v1", "/favicon.ico", "/index.html"]


@pytest.mark.parametrize("target", [*FORWARDED, *NOWHERE])
def test_everything_else_is_not_found_and_nothing_is_forwarded(target, page, upstream, acme):
    for method in ("GET", "POST", "DELETE"):
        response = page.request(method, target, bearer(acme.admin))
        if target.startswith("/tokens/") and target.count("/") == 2 and len(target) > 8 and method != "GET":
            assert response.status == 405
        else:
            assert response.status == 404
        assert_error_shape(response)
        assert_guarded(response)
    assert upstream.requests == []


@pytest.mark.parametrize("target", ["/", "/tokens", "/auth/cli", "/tokens/icon.svg", "/tokens/app.js"])
def test_the_gateways_own_origin_has_no_page(target, own, acme):
    """What the registry stores is shown there."""
    response = own.request("GET", target, acme.admin)
    assert response.status == 404 and response.get("content-security-policy") is None


def test_a_target_that_can_be_read_in_two_ways_is_refused(page):
    response = page.request("GET", "/tokens/../api/v1/auth/whoami")
    assert (response.status, response.error_code) == (400, "bad_request")
    assert_guarded(response)


# ---- TLS, and other settings ----

def test_with_a_certificate_the_page_is_never_plain(own):
    certificate = ssl.get_server_certificate(own.bound("page"))
    assert certificate.strip() == own.certificate.cert.read_text().strip()
    with page_of(own, tls=False) as connection:
        connection.send(b"GET /tokens HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert not connection.read_to_end().startswith(b"HTTP/1.1 200")


def test_a_certificate_counts_although_https_is_off(start_gateway, certificate, acme):
    own = start_gateway("--tokens-page", "127.0.0.1:0", "--tls-cert", certificate.cert, "--tls-key", certificate.key)
    with Connection(own.bound("page"), tls=ssl.create_default_context(cafile=str(certificate.cert))) as connection:
        assert connection.request("GET", WHOAMI, bearer(acme.admin)).status == 200


def test_without_a_certificate_it_is_as_plain_as_the_gateway(start_gateway, acme):
    own = start_gateway("--tokens-page", "127.0.0.1:0", "--workers", "2")
    with page_of(own, tls=False) as connection:
        assert connection.request("GET", "/tokens").status == 200
        assert connection.request("GET", WHOAMI, bearer(acme.admin)).status == 200


def test_without_device_login_there_is_no_page_of_logins(start_gateway, acme):
    own = start_gateway("--tokens-page", "127.0.0.1:0")
    with page_of(own, tls=False) as connection:
        assert connection.request("GET", "/tokens").status == 200
        assert connection.request("GET", "/auth/cli").status == 404
        assert connection.request("POST", "/api/v1/auth/cli/lookup", bearer(acme.admin)).status == 404


def test_it_is_off_by_default(gateway):
    assert "kind=page" not in gateway.log()


@pytest.mark.parametrize("flags, wrong", [
    (("--listen-http", "127.0.0.1:8080", "--tokens-page", "127.0.0.1:8080"),
     "needs a port that no other --listen-... has: --tokens-page: 127.0.0.1:8080"),
    (("--listen-http", "127.0.0.1:8080", "--tokens-page"), "--tokens-page"),
])
def test_wrong_flags(flags, wrong, operator):
    done = operator.run("--listen-https", "off", *flags)
    assert done.returncode == 2 and wrong in done.stderr and "Traceback" not in done.stderr


def test_an_address_that_cannot_be_used_ends_the_start(operator):
    done = operator.run("--listen-https", "off", "--listen-admin", "off", "--listen-http", "127.0.0.1:0", "--tokens-page", "nonsense")
    assert done.returncode == 1
    assert 'cannot listen kind=page address="nonsense" reason="not of the form host:port' in done.stderr


def test_its_clients_are_left_in_good_order(start_gateway):
    own = start_gateway("--tokens-page", "127.0.0.1:0", "--drain-delay", "0s")
    with page_of(own, tls=False) as connection:
        assert connection.request("GET", "/tokens").status == 200
        own.process.send_signal(signal.SIGTERM)
        eventually(lambda: "stopping" in own.log(), "did it hear the signal")
        response = connection.request("GET", "/tokens")
        assert (response.status, response.says_close) == (200, True)
        connection.assert_closed()

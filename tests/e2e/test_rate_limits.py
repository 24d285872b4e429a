# SPDX-License-Identifier: MIT
"""--rate-limit, --search-rate-limit and --org-rate-limit: 429 with Retry-After and the RateLimit fields, and nothing for who is
refused anyway (HARDENING 4.3, the part for tokens that are good). The limits are by the hour, so that nothing comes back
while a test runs."""
import re

import pytest

from harness import token_syntax
from harness.http_client import assert_error_shape

WHOAMI = "/api/v1/auth/whoami"
LIMIT = 5
FIELDS = ("ratelimit", "ratelimit-policy")


def statuses(gateway, count, target, token=None, fields=()):
    return [gateway.request("GET", target, token, fields=fields).status for _ in range(count)]


def fields_of(response):
    return tuple(response.get(name) for name in FIELDS)


def assert_limited(response):
    assert response.status == 429, response.body
    assert_error_shape(response)
    assert response.error_code == "rate_limited" and not response.says_close
    assert 1 <= int(response.get("retry-after")) <= 3600 // LIMIT + 1


@pytest.fixture
def limited(start_gateway, upstream):
    return start_gateway("--rate-limit", f"{LIMIT}/h", upstream=upstream.url)


def test_a_token_over_its_limit_is_429(limited, upstream, acme):
    for left in range(LIMIT - 1, -1, -1):
        response = limited.request("GET", WHOAMI, acme.read)
        assert response.status == 200
        assert re.fullmatch(rf'"token";r={left};t=7[12]\d', response.get("ratelimit"))
        assert response.get("ratelimit-policy") == f'"token";q={LIMIT};w=3600'
    refused = limited.request("GET", WHOAMI, acme.read)
    assert_limited(refused)
    assert refused.get("ratelimit") == f'"token";r=0;t={refused.get("retry-after")}'
    assert_limited(limited.request("GET", f"/api/v1/orgs/{acme.slug}/skills", acme.read))
    assert upstream.requests == [], "a refused request was forwarded"
    assert limited.request("GET", WHOAMI, acme.write).status == 200, "another token has its own limit"
    assert limited.metric("rate_limited_total") == 2


def test_answers_of_the_registry_say_what_is_left(limited, acme):
    response = limited.request("GET", f"/api/v1/orgs/{acme.slug}/skills", acme.read)
    assert response.status == 200 and response.get("x-stub-registry") == "yes"
    assert response.get("ratelimit").startswith(f'"token";r={LIMIT - 1};t=')


def test_who_is_refused_anyway_is_not_counted(limited, acme, globex):
    """401 and 403 first: 429 says that the token is live."""
    assert statuses(limited, 2 * LIMIT, WHOAMI, token_syntax.make()) == [401] * 2 * LIMIT
    assert statuses(limited, 2 * LIMIT, f"/api/v1/orgs/{globex.slug}/skills", acme.read) == [403] * 2 * LIMIT
    assert statuses(limited, LIMIT + 1, WHOAMI, acme.read) == [200] * LIMIT + [429]
    revoked = limited.request("POST", f"/api/v1/orgs/{acme.slug}/tokens", acme.admin, json_body={"name": "short"}).json()
    assert statuses(limited, LIMIT + 1, WHOAMI, revoked["token"]) == [200] * LIMIT + [429]
    assert limited.request("DELETE", f"/api/v1/orgs/{acme.slug}/tokens/{revoked['id']}", acme.admin).status == 200
    refused = limited.request("GET", WHOAMI, revoked["token"])
    assert refused.status == 401 and fields_of(refused) == (None, None)


def test_a_token_over_its_limit_can_still_be_revoked(start_gateway, new_org):
    """Whoever uses up the rate of a leaked token, and with it that of its organisation."""
    gateway, own = start_gateway("--rate-limit", "3/h", "--org-rate-limit", f"{LIMIT}/h"), new_org("admin")
    base = f"/api/v1/orgs/{own.slug}/tokens"
    leaked, other = (gateway.request("POST", base, own.admin, json_body={"name": name}).json() for name in ("leaked", "other"))
    assert statuses(gateway, 4, WHOAMI, leaked["token"]) == [200] * 3 + [429]
    assert gateway.request("GET", base, own.admin).status == 429
    assert gateway.request("DELETE", "/api/v1/auth/token", other["token"]).status == 200
    assert gateway.request("DELETE", f"{base}/{leaked['id']}", own.admin).status == 200
    assert gateway.request("GET", WHOAMI, leaked["token"]).status == 401


def test_open_routes_have_no_limit(limited):
    assert statuses(limited, 2 * LIMIT, "/api/v1/public/skills") == [200] * 2 * LIMIT


def test_searches_have_a_limit_of_their_own(start_gateway, upstream, acme):
    gateway = start_gateway("--search-rate-limit", f"{LIMIT}/h", "--trusted-proxies", "127.0.0.1", upstream=upstream.url)
    search = "/api/v1/search?q=x"
    assert statuses(gateway, LIMIT + 1, search, acme.read) == [200] * LIMIT + [429]
    assert statuses(gateway, 2 * LIMIT, WHOAMI, acme.read) == [200] * 2 * LIMIT
    for address in ("192.0.2.1", "192.0.2.2", "2001:db8::1", "unknown"):
        said = [("X-Forwarded-For", address)]
        assert statuses(gateway, LIMIT + 1, search, fields=said) == [200] * LIMIT + [429], address
    refused = gateway.request("GET", search, fields=[("X-Forwarded-For", "2001:db8::2")])
    assert_limited(refused)
    assert_limited(gateway.request("GET", search, fields=[("X-Forwarded-For", "_hidden")]))
    assert statuses(gateway, 1, search) == [200], "the proxy itself"
    assert refused.get("ratelimit-policy") == f'"search";q={LIMIT};w=3600'


def test_the_tokens_of_an_organisation_share_a_limit(start_gateway, new_org, globex):
    own = new_org("read", "write")
    gateway = start_gateway("--org-rate-limit", f"{LIMIT}/h", "--rate-limit", "1000/h", "--rate-limit-burst", str(LIMIT))
    assert statuses(gateway, LIMIT - 1, WHOAMI, own.read) == [200] * (LIMIT - 1)
    last = gateway.request("GET", WHOAMI, own.write)
    assert last.get("ratelimit-policy") == f'"token";q=1000;w=3600, "org";q={LIMIT};w=3600'
    assert re.fullmatch(rf'"token";r={LIMIT - 1};t=[1-4], "org";r=0;t=\d+', last.get("ratelimit"))
    assert_limited(gateway.request("GET", WHOAMI, own.write))
    assert_limited(gateway.request("GET", WHOAMI, own.read))
    assert gateway.request("GET", WHOAMI, globex.read).status == 200


def test_a_proxy_that_asks_hears_429(limited, acme):
    question = [("X-Original-Method", "GET"), ("X-Original-URI", f"/api/v1/orgs/{acme.slug}/skills")]
    assert statuses(limited, LIMIT, "/authz", acme.read, question) == [200] * LIMIT
    assert_limited(limited.request("GET", "/authz", acme.read, fields=question))


def test_off_says_nothing(gateway, acme):
    assert fields_of(gateway.request("GET", WHOAMI, acme.read)) == (None, None)


@pytest.mark.parametrize("rate", ["120", "0/m", "120/d", "/m", "-1/m", "9999999999/s"])
def test_a_rate_with_a_mistake_is_one_clear_error(rate, operator):
    done = operator.run("--rate-limit", rate)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"skillreg-gateway: not a value for --rate-limit: {rate}")

# SPDX-License-Identifier: MIT
"""When a token was last used: batched, soon in the list, never lost by a polite end, never moved back."""
import datetime

import pytest

from harness.http_client import bearer, format_request
from harness.waiting import eventually


def last_used(postgres, token_id):
    (value,), = postgres.query("select last_used_at from skillreg.api_token where id = %s", (token_id,))
    return value


def make_token(gateway, organisation, name="used"):
    return gateway.request("POST", f"/api/v1/orgs/{organisation.slug}/tokens", organisation.admin,
                           json_body={"name": name, "scopes": ["read"]}).json()


def use(gateway, token, times=1):
    for _ in range(times):
        assert gateway.request("GET", "/api/v1/auth/whoami", token["token"]).status == 200


def listed(gateway, organisation, token_id):
    tokens = gateway.request("GET", f"/api/v1/orgs/{organisation.slug}/tokens", organisation.admin).json()["tokens"]
    return next(token for token in tokens if token["id"] == token_id)


def now():
    return datetime.datetime.now(datetime.timezone.utc)


@pytest.fixture(scope="module")
def organisation(new_org):
    return new_org("admin")


def test_a_use_is_written_soon(gateway, organisation, postgres):
    token = make_token(gateway, organisation)
    assert last_used(postgres, token["id"]) is None
    before = now() - datetime.timedelta(milliseconds=50)
    use(gateway, token)
    written = eventually(lambda: last_used(postgres, token["id"]), "was the use written")
    assert before <= written <= now()


def test_list_and_whoami_show_it(gateway, organisation, postgres):
    token = make_token(gateway, organisation)
    assert listed(gateway, organisation, token["id"])["lastUsedAt"] is None
    use(gateway, token)
    shown = eventually(lambda: listed(gateway, organisation, token["id"])["lastUsedAt"], "did the list show the use")
    assert datetime.datetime.fromisoformat(shown.replace("Z", "+00:00")) <= now()
    eventually(lambda: last_used(postgres, token["id"]), "was the use written")
    assert gateway.request("GET", "/api/v1/auth/whoami", token["token"]).json()["token"]["lastUsedAt"] is not None


def test_whoami_shows_the_use_before(gateway, organisation, skillreg):
    token = make_token(gateway, organisation)

    def told():
        return gateway.request("GET", "/api/v1/auth/whoami", token["token"]).json()["token"]["lastUsedAt"]

    assert told() is None, "this very request does not count"
    first = told()
    assert first is not None
    listed_now = listed(gateway, organisation, token["id"])["lastUsedAt"]
    assert first <= listed_now
    assert told() == listed_now, "what was the newest use before"
    fresh = make_token(gateway, organisation)
    assert "\nLast used:     never\n" in skillreg(token=fresh["token"]).must("whoami")


def test_a_refused_use_of_a_live_token_does_not_count(gateway, organisation, postgres, globex):
    """403 is no use, and neither is a bad secret with the same prefix."""
    token = make_token(gateway, organisation)
    assert gateway.request("GET", f"/api/v1/orgs/{globex.slug}/skills", token["token"]).status == 403
    assert gateway.request("DELETE", f"/api/v1/orgs/{organisation.slug}/skills/x", token["token"]).status == 403
    assert gateway.request("GET", "/api/v1/auth/whoami", token["token"][:-1] + "!").status == 401
    other = make_token(gateway, organisation, "written after it")
    use(gateway, other)
    eventually(lambda: last_used(postgres, other["id"]), "was the later use written")
    assert last_used(postgres, token["id"]) is None


def test_uses_are_batched(start_gateway, organisation, postgres):
    """A thousand uses of five tokens in an hour-long interval: nothing is written until the end, then five rows."""
    own = start_gateway("--last-used-interval", "1h")
    tokens = [make_token(own, organisation, f"batch {n}") for n in range(5)]
    with own.connect() as connection:
        for token in tokens:
            request = format_request("GET", "/api/v1/auth/whoami", bearer(token["token"]))
            for _ in range(4):
                connection.send(request * 50)
                for _ in range(50):
                    assert connection.read_response().status == 200
    assert own.metric("last_used_rows_written_total") == 0
    assert [last_used(postgres, token["id"]) for token in tokens] == [None] * 5
    assert listed(own, organisation, tokens[0]["id"])["lastUsedAt"], "the list shows what is not written yet"
    own.stop()
    assert all(last_used(postgres, token["id"]) for token in tokens), "flushed by SIGTERM"


def test_a_later_time_is_never_moved_back(start_gateway, organisation, postgres):
    """Another gateway wrote a later one."""
    own = start_gateway("--last-used-interval", "1h")
    token, other = make_token(own, organisation), make_token(own, organisation, "marker")
    use(own, token)
    use(own, other)
    later = now()
    postgres.query("update skillreg.api_token set last_used_at = %s where id = %s", (later, token["id"]))
    own.stop()
    assert last_used(postgres, other["id"]), "the marker was written"
    assert last_used(postgres, token["id"]) == later


def test_a_time_in_the_future_gives_way(start_gateway, organisation, postgres):
    """A gateway with a wrong clock wrote it."""
    own = start_gateway("--last-used-interval", "1h")
    token = make_token(own, organisation)
    postgres.query("update skillreg.api_token set last_used_at = now() + interval '1 hour' where id = %s", (token["id"],))
    use(own, token)
    own.stop()
    assert last_used(postgres, token["id"]) <= now()


def test_the_last_uses_of_a_token_that_is_revoked_are_written(start_gateway, organisation, postgres):
    """Of a token that was used up to its end, the end of use is what the search for a leak begins with."""
    own = start_gateway("--last-used-interval", "1h")
    token = make_token(own, organisation)
    before = now() - datetime.timedelta(milliseconds=50)
    use(own, token, times=20)
    assert own.request("DELETE", f"/api/v1/orgs/{organisation.slug}/tokens/{token['id']}", organisation.admin).status == 200
    assert last_used(postgres, token["id"]) is None, "not written yet"
    own.stop()
    assert before <= last_used(postgres, token["id"]) <= now()


def test_two_gateways_write_the_newest(start_gateway, organisation, postgres):
    first, second = start_gateway("--last-used-interval", "50ms"), start_gateway("--last-used-interval", "50ms")
    token = make_token(first, organisation)
    for _ in range(10):
        use(first, token)
        use(second, token)
    seen = now()
    use(second, token)
    first.stop()
    second.stop()
    assert last_used(postgres, token["id"]) >= seen - datetime.timedelta(milliseconds=5)


def test_the_rest_of_the_row_is_untouched(gateway, organisation, postgres):
    token = make_token(gateway, organisation)
    sql = "select id, org_id, name, prefix, digest::text, scopes, created_at, created_by, expires_at, revoked_at" \
          " from skillreg.api_token where id = %s"
    before = postgres.query(sql, (token["id"],))
    use(gateway, token)
    eventually(lambda: last_used(postgres, token["id"]), "was the use written")
    assert postgres.query(sql, (token["id"],)) == before

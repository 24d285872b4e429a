# SPDX-License-Identifier: MIT
"""The budget for failed tokens of each client address (HARDENING 4.3): over it nothing new is looked at, and good traffic
goes on."""
import contextlib
import threading
import time

import pytest

from harness import token_syntax
from harness.http_client import assert_error_shape, bearer, format_request
from harness.waiting import eventually

WHOAMI = "/api/v1/auth/whoami"
LIMIT = 5


@pytest.fixture
def limited(start_gateway):
    """A few failures a minute, counted for whom this machine, a trusted proxy, names. So nothing is delayed but what is
    sent without a proxy's field."""
    return start_gateway("--failed-token-limit", str(LIMIT), "--trusted-proxies", "127.0.0.1")


def ask(gateway, token, address="192.0.2.1", target=WHOAMI, fields=()):
    return gateway.request("GET", target, token, fields=[("X-Forwarded-For", address), *fields])


def spend(gateway, address="192.0.2.1", make=token_syntax.make):
    for _ in range(LIMIT):
        assert ask(gateway, make(), address).status == 401


def assert_limited(response):
    assert response.status == 429, response.body
    assert_error_shape(response)
    assert response.error_code == "too_many_failed_tokens"
    assert 1 <= int(response.get("retry-after")) <= 60 // LIMIT
    assert response.get("www-authenticate") is None and not response.says_close


@pytest.mark.parametrize("make", [token_syntax.make, lambda: "sr_live_short", lambda: "other-password"],
                         ids=["unknown", "malformed", "no token"])
def test_a_flood_of_failed_tokens_is_not_looked_up(make, limited, acme):
    """HARDENING 4.3: unknown, well-formed tokens, and malformed ones."""
    assert ask(limited, acme.read).status == 200
    spend(limited, make=make)
    lookups = limited.metric("lookups_total")
    for _ in range(3):
        assert_limited(ask(limited, token_syntax.make()))
        assert_limited(ask(limited, "sr_live_malformed"))
    assert limited.metric("lookups_total") == lookups
    assert limited.metric('decisions_total{decision="limited"}') == 6
    assert limited.metric("failed_tokens_total") == LIMIT
    assert ask(limited, acme.read).status == 200, "a live token that is known passes"


def test_a_flood_of_one_revoked_token(limited, new_org):
    """HARDENING 4.3: the third flood. Refused for good, never let in."""
    own = new_org("admin")
    base = f"/api/v1/orgs/{own.slug}/tokens"
    made = limited.request("POST", base, own.admin, json_body={"name": "short"}).json()
    assert ask(limited, made["token"]).status == 200
    assert limited.request("DELETE", f"{base}/{made['id']}", own.admin).status == 200
    statuses = [ask(limited, made["token"]).status for _ in range(2 * LIMIT)]
    assert statuses == [401] * LIMIT + [429] * LIMIT


def test_a_good_token_behind_an_abusive_address_is_never_401(limited, new_org):
    """Not known yet, it waits; it is not told that it is no token."""
    own = new_org("read")
    spend(limited)
    assert_limited(ask(limited, own.read))
    assert ask(limited, own.read, "192.0.2.2").status == 200
    assert ask(limited, own.read).status == 200, "known from the other address"


def test_each_address_has_its_own_budget(limited):
    """IPv6 by its /64."""
    spend(limited)
    spend(limited, "2001:db8:1:2::1")
    assert_limited(ask(limited, token_syntax.make(), "2001:db8:1:2:ffff::9"))
    for address in ("192.0.2.2", "2001:db8:1:3::1", "unknown"):
        assert ask(limited, token_syntax.make(), address).status == 401, address


def test_a_site_cannot_turn_through_its_networks(start_gateway, acme):
    """HARDENING 4.3: a /48 has 65,536 of the /64 that have budgets, and a budget of its own, ten times as wide."""
    gateway = start_gateway("--failed-token-limit", "1", "--trusted-proxies", "127.0.0.1")
    assert ask(gateway, acme.read).status == 200
    before, began = gateway.metric("lookups_total"), time.monotonic()
    statuses = [ask(gateway, token_syntax.make(), f"2001:db8:7:{network:x}::1").status for network in range(60)]
    tried = statuses.count(401)
    assert tried + statuses.count(429) == 60
    assert 10 <= tried <= 11 + (time.monotonic() - began) / 6, "ten at once, and one in six seconds"
    assert gateway.metric("lookups_total") == before + tried
    assert ask(gateway, acme.read, "2001:db8:7:ffff::1").status == 200, "a live token that is known passes"
    others = [f"2001:db8:{site}::1" for site in range(8, 28)] + [f"192.0.2.{number}" for number in range(2, 22)]
    assert {ask(gateway, token_syntax.make(), address).status for address in others} == {401}, "another site, and IPv4"


def test_unknown_clients_use_up_a_budget_of_their_own(limited, new_org):
    """HARDENING 2.9 and 4.3: not that of the proxy, and of no client that it names."""
    own = new_org("read", "write")
    spend(limited, "unknown")
    for unreadable in ("unknown", "_x", "192.0.2.1,", "fe80::1%eth0"):
        assert_limited(ask(limited, token_syntax.make(), unreadable))
    assert limited.request("GET", WHOAMI, own.read).status == 200, "the proxy itself"
    assert ask(limited, own.write, "192.0.2.1").status == 200


def test_a_client_does_not_use_up_the_budget_of_its_proxy(limited, new_org):
    """HARDENING 2.9: by a field that does not count."""
    own = new_org("read")
    added = [("Forwarded", "for=1.2.3.4")]
    for _ in range(LIMIT):
        assert ask(limited, token_syntax.make(), fields=added).status == 401
    assert_limited(ask(limited, token_syntax.make()))
    assert limited.request("GET", WHOAMI, own.read).status == 200


def test_what_needs_no_token_goes_on(limited):
    spend(limited)
    assert ask(limited, None, target="/api/v1/search").status == 503  # no_upstream
    assert ask(limited, None).status == 401


def test_a_proxy_that_asks_hears_the_same(limited, acme):
    question = [("X-Original-Method", "GET"), ("X-Original-URI", f"/api/v1/orgs/{acme.slug}/skills")]
    assert ask(limited, acme.read, target="/authz", fields=question).status == 200
    for _ in range(LIMIT):
        assert ask(limited, token_syntax.make(), target="/authz", fields=question).status == 401
    assert_limited(ask(limited, token_syntax.make(), target="/authz", fields=question))
    assert ask(limited, acme.read, target="/authz", fields=question).status == 200


def test_without_a_cache_a_good_token_is_served_over_the_budget(start_gateway, acme):
    """HARDENING 4.3: no row is remembered then, but that the token was live."""
    gateway = start_gateway("--failed-token-limit", str(LIMIT), "--trusted-proxies", "127.0.0.1", "--cache-entries", "0")
    assert ask(gateway, acme.read).status == 200
    for _ in range(LIMIT):
        assert ask(gateway, token_syntax.make()).status == 401
    assert_limited(ask(gateway, token_syntax.make()))
    for _ in range(2 * LIMIT):
        assert ask(gateway, acme.read).status == 200
    assert_limited(ask(gateway, acme.write))


@contextlib.contextmanager
def held_lookups(postgres):
    """Lookups are on their way until the function that this gives is called."""
    holder = postgres.connect()
    try:
        with holder.cursor() as cursor:
            cursor.execute("begin; lock table skillreg.api_token in access exclusive mode")
            yield lambda: cursor.execute("rollback")
    finally:
        holder.close()


@pytest.mark.parametrize("hangs_up", [False, True], ids=["waits", "hangs up"])
def test_tries_at_once_are_no_more_than_tries_one_after_another(hangs_up, limited, postgres):
    """HARDENING 4.3: each is charged before it is looked up."""
    tries = 4 * LIMIT
    before = limited.metric("lookups_total")
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(limited.connect()) for _ in range(tries)]
        let_go = stack.enter_context(held_lookups(postgres))
        for number, connection in enumerate(connections):
            connection.send(format_request("GET", WHOAMI, [*bearer(token_syntax.make()), ("X-Forwarded-For", "192.0.2.1")]))
            if hangs_up and number < LIMIT:
                eventually(lambda: limited.metric("lookups_total") == before + number + 1, "is it looked up")
                connection.close()
        eventually(lambda: limited.metric('decisions_total{decision="limited"}') == tries - LIMIT, "were the others refused")
        let_go()
        waiting = connections[LIMIT:] if hangs_up else connections
        statuses = sorted(connection.read_response().status for connection in waiting)
    assert statuses == [401] * (len(waiting) - tries + LIMIT) + [429] * (tries - LIMIT)
    assert limited.metric("lookups_total") == before + LIMIT


def test_good_tokens_that_are_looked_up_at_once_cost_nothing(limited, new_org, postgres):
    """HARDENING 4.3: what was charged for them comes back with their answers."""
    own = new_org("admin")
    base = f"/api/v1/orgs/{own.slug}/tokens"
    made = [limited.request("POST", base, own.admin, json_body={"name": f"good {n}"}).json()["token"] for n in range(LIMIT)]
    before = limited.metric("lookups_total")
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(limited.connect()) for _ in made]
        let_go = stack.enter_context(held_lookups(postgres))
        for connection, token in zip(connections, made):
            connection.send(format_request("GET", WHOAMI, [*bearer(token), ("X-Forwarded-For", "192.0.2.1")]))
        eventually(lambda: limited.metric("lookups_total") == before + LIMIT, "are all of them looked up")
        assert_limited(ask(limited, token_syntax.make()))
        let_go()
        assert [connection.read_response().status for connection in connections] == [200] * LIMIT
    spend(limited)
    assert_limited(ask(limited, token_syntax.make()))


def test_zero_is_no_limit(start_gateway):
    gateway = start_gateway("--failed-token-limit", "0", "--trusted-proxies", "127.0.0.1")
    assert {ask(gateway, token_syntax.make()).status for _ in range(4 * LIMIT)} == {401}


def test_a_client_of_its_own_connection_waits_for_its_refusals(start_gateway, acme):
    """HARDENING 4.3: what floods is kept busy; what does not, on other connections, is answered meanwhile."""
    gateway = start_gateway("--failed-token-limit", str(LIMIT))
    assert gateway.request("GET", WHOAMI, acme.read).status == 200
    for _ in range(LIMIT):
        assert gateway.request("GET", WHOAMI, token_syntax.make()).status == 401
    refused = []

    def flood():
        with gateway.connect() as connection:
            refused.append(connection.request("GET", WHOAMI, bearer(token_syntax.make())))

    flooder = threading.Thread(target=flood)
    flooder.start()
    answered = 0
    while flooder.is_alive():
        assert gateway.request("GET", WHOAMI, acme.read).status == 200
        answered += not refused
    flooder.join()
    assert_limited(refused[0])
    assert answered > 0


def test_who_leaves_while_it_waits_leaves_nothing_behind(start_gateway):
    """HARDENING 3.5, in the state that 4.3 adds."""
    gateway = start_gateway("--failed-token-limit", "1")
    assert gateway.request("GET", WHOAMI, token_syntax.make()).status == 401
    gateway.drop_connection()
    for _ in range(20):
        with gateway.connect() as connection:
            connection.send(b"GET " + WHOAMI.encode() + b" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\n\r\n")
    gateway.stop()

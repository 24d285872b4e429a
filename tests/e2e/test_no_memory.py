# SPDX-License-Identifier: MIT
"""Allocations that fail, one after the other, on the way of a connection and its requests: that one connection ends or is told
503, never anything that is not known; nothing is leaked (the sanitizer looks at the end), and the next is served."""
import contextlib
import itertools
import random

import pytest

from harness.gateway import Gateway
from harness.http_client import bearer, format_request
from harness.starvation import Starvation
from harness.waiting import eventually

WHOAMI = "/api/v1/auth/whoami"
TOKENS = "/api/v1/orgs/acme/tokens"
STRIDE = 7  # prime: over the runs of a test the failures fall on other places


@pytest.fixture(scope="module")
def starvation(tmp_path_factory):
    return Starvation(tmp_path_factory.mktemp("starvation"))


@pytest.fixture(scope="module")
def starved(starvation, postgres, operator, acme, certificate, tmp_path_factory, _session_upstream):
    own = Gateway(tmp_path_factory.mktemp("starved"), "gateway", database_url=postgres.url, certificate=certificate,
                  upstream=_session_upstream.url, flags=("--cache-entries", "0"), env=starvation.env)
    own.wait_until_ready()
    yield own
    starvation.end()
    own.stop()


@contextlib.contextmanager
def hungry(starvation):
    try:
        yield
    finally:
        starvation.end()


def ask(gateway, over_tls, request):
    """The status of the answer on a connection of its own; None: there was none."""
    try:
        with (gateway.connect_tls() if over_tls else gateway.connect()) as connection:
            connection.send(request)
            return connection.read_response().status
    except (OSError, EOFError, AssertionError):
        return None


def requests_of(acme):
    json = ("Content-Type", "application/json")
    return {
        "own": (200, format_request("GET", WHOAMI, bearer(acme.read))),
        "list": (200, format_request("GET", TOKENS, bearer(acme.admin))),
        "create": (201, format_request("POST", TOKENS, [*bearer(acme.admin), json], b'{"name":"x","allowedIps":["::1"]}')),
        "forward": (200, format_request("GET", "/api/v1/orgs/acme/skills", bearer(acme.read))),
        "upload": (200, format_request("POST", "/api/v1/orgs/acme/skills", bearer(acme.write), b"x" * 100_000)),
        "introspect": (200, format_request("POST", "/oauth2/introspect", [
            *bearer(acme.admin), ("Content-Type", "application/x-www-form-urlencoded")], f"token={acme.read}".encode())),
    }


def allocations_of(gateway, starvation, over_tls, request, wanted):
    """Of one request on a connection of its own, and of whatever else happened meanwhile."""
    before = starvation.count
    eventually(lambda: ask(gateway, over_tls, request) == wanted, "was it served")
    return starvation.count - before


@pytest.mark.parametrize("over_tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("kind", ["own", "list", "create", "forward", "upload", "introspect"])
def test_an_allocation_that_fails_costs_its_connection_and_no_other(starved, starvation, acme, upstream, kind, over_tls):
    wanted, request = requests_of(acme)[kind]
    allocations = min(allocations_of(starved, starvation, over_tls, request, wanted) for _ in range(3))
    statuses = set()
    for number in range(1 + random.randrange(STRIDE), allocations + STRIDE, STRIDE if over_tls else 1):
        with hungry(starvation):
            starvation.fail(number)
            status = ask(starved, over_tls, request)
        statuses.add(status)
        assert status in (wanted, 503, 502, None), f"allocation {number} of {allocations}: {status}"
        assert starved.process.is_running(), f"allocation {number} of {allocations}"
    assert statuses & {503, None}, "nothing was hurt"
    eventually(lambda: ask(starved, over_tls, request) == wanted, "is it served again")


@pytest.mark.parametrize("over_tls", [False, True], ids=["plain", "tls"])
def test_newcomers_that_find_no_memory_at_all_are_closed(starved, starvation, acme, over_tls):
    """Many at once, none of which can be taken; those that are there are served as soon as there is memory, and newcomers too."""
    wanted, request = requests_of(acme)["own"]
    with starved.connect() as old:
        old.send(request)
        assert old.read_response().status == wanted
        with hungry(starvation):
            starvation.fail_all()
            for _ in range(20):
                assert ask(starved, over_tls, request) is None
        assert starved.process.is_running()
        eventually(lambda: ask(starved, over_tls, request) == wanted, "are newcomers served")
        old.send(request)
        assert old.read_response().status in (wanted, 503)
    eventually(lambda: starved.metric("connections_open") <= 2, "were the connections freed")

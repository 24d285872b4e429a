# SPDX-License-Identifier: MIT
"""Restarts one after another of three gateways, one of them with two workers, behind real balancers as docs/restarts.md and
docs/client-address.md configure them: no request is lost (HARDENING 5.4), and none of a known token while the database is away
(5.3). In little here, with short checks and delays; ten restarts with the documented ones in tests/packaging."""
import os

import pytest

from harness import fleet as fleets
from harness import proxies, rolling
from harness.waiting import eventually

RESTARTS = int(os.environ.get("ROLLING_RESTARTS", "2"))
AS_DOCUMENTED = "ROLLING_RESTARTS" in os.environ
INTERVALS = [] if AS_DOCUMENTED else [("inter 1s", "inter 50ms"),  # which is no time for an answer on a busy machine
                                      ("option httpchk", "timeout check 10s\n    option httpchk")]
DELAYS = ["--drain-delay", "5s", "--drain-timeout", "10s"] if AS_DOCUMENTED else ["--drain-delay", "500ms"]
BEHIND = ["--trusted-proxies", "127.0.0.1"]


def start_tcp(directory, gateways):
    return proxies.start_haproxy(directory, gateways, instead=INTERVALS)


def start_http(directory, gateways):
    return proxies.start_haproxy_http(directory, gateways, instead=INTERVALS)


BALANCERS = {"HAProxy, TCP": (start_tcp, ["--proxy-protocol"]), "HAProxy, HTTP": (start_http, []),
             "nginx": (proxies.start_nginx_balancer, [])}


@pytest.fixture
def start_fleet(certificate, tmp_path):
    started = []

    def start(database_url, *flags):
        started.append(rolling.Fleet(tmp_path, database_url, certificate, [*BEHIND, *DELAYS, *flags], [[], ["--workers", "2"], []]))
        return started[-1]

    yield start
    for own in started:
        own.stop()


def wait_until_all_are_up(balancer):
    if hasattr(balancer, "stats"):
        eventually(lambda: proxies.haproxy_states(balancer) == ["UP"] * 3, lambda: f"were all up: {proxies.haproxy_states(balancer)}")


@pytest.fixture
def start_clients():
    started = []

    def start(balancer, fleet, token, is_tls):
        started.append(rolling.Clients(balancer.address, token, tls=fleet.gateways[0].tls_context() if is_tls else None))
        return started[-1]

    yield start
    for own in started:
        own.stop()


@pytest.mark.parametrize("name", BALANCERS)
def test_restarts_one_after_another_lose_nothing(name, start_fleet, start_clients, tmp_path, postgres, acme):
    start_balancer, flags = BALANCERS[name]
    fleet = start_fleet(postgres.url, *flags)
    balancer = start_balancer(tmp_path, fleet.gateways)
    try:
        wait_until_all_are_up(balancer)
        clients = start_clients(balancer, fleet, acme.read, is_tls=bool(flags))
        clients.wait_for(50)
        ends_s = []
        for turn in range(RESTARTS):
            ends_s.append(fleet.restart(turn % 3))
            wait_until_all_are_up(balancer)
            clients.wait_for(50)
        clients.stop()
    finally:
        balancer.stop()
    new, kept = clients.answered[True], clients.answered[False]
    print(f"{name}: {RESTARTS} restarts, answered {new} on new and {kept} on kept connections, lost {len(clients.lost)}, "
          f"longest {clients.longest_s:.2f} s, ends of {min(ends_s):.1f} to {max(ends_s):.1f} s")
    assert not clients.lost, f"{len(clients.lost)} of {new + kept}: {clients.lost[:10]}"


def test_a_balancer_keeps_gateways_that_know_the_token_while_the_database_is_away(start_fleet, start_clients, tmp_path, postgres):
    database = fleets.Fleet(postgres, "rolling", tmp_path)
    fleet = start_fleet(database.database_url, "--proxy-protocol")
    balancer = start_tcp(tmp_path, fleet.gateways)
    try:
        wait_until_all_are_up(balancer)
        clients = start_clients(balancer, fleet, database.admin, is_tls=True)
        eventually(lambda: [own.metric("cache_entries") for own in fleet.gateways] == [1, 2, 1], "does each worker know the token")
        with database.outage():
            for own in fleet.gateways:
                eventually(lambda own=own: b"known tokens" in own.admin_get("/readyz").body, "is the database away")
            clients.wait_for(200)
            assert proxies.haproxy_states(balancer) == ["UP"] * 3
        clients.stop()
    finally:
        balancer.stop()
    assert not clients.lost, clients.lost[:10]

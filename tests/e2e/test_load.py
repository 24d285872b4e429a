# SPDX-License-Identifier: MIT
"""Many at once, in little: that nothing breaks, nobody is refused by mistake and all of it ends. How fast it goes is measured by
bench/ (HARDENING part 4)."""
import hashlib
import socket

import pytest

from harness import token_syntax
from harness.fleet import Fleet
from harness.gateway import Gateway
from harness.http_client import Connection, bearer, format_request
from harness.waiting import eventually

WHOAMI = "/api/v1/auth/whoami"


# ---- slow clients -----------------------------------------------------------------------------------------------

SLOW_OF_A_KIND = 100


@pytest.fixture
def patient_gateway(postgres, operator, tmp_path, upstream):
    """Deadlines that slow clients reach within the test and good ones never do. Its downloads fit into no kernel."""
    block = b"x" * 1_000_000

    def download(exchange):
        exchange.read_body()
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 30000000\r\n\r\n")
        for _ in range(30):
            exchange.send(block)

    upstream.behave(download)
    own = Gateway(tmp_path, "patient", database_url=postgres.url, upstream=upstream.url,
                  flags=["--head-timeout", "2s", "--body-timeout", "2s"])
    try:
        yield own.wait_until_ready()
    finally:
        upstream.close_connections()
        own.stop()


def slow_clients(gateway, organisation):
    """(connection, what it drips) of three kinds: heads, bodies, and downloads of which nothing is read."""
    base = f"/api/v1/orgs/{organisation.slug}"
    beginnings = [
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ", b"a"),
        (format_request("POST", f"{base}/tokens", [*bearer(organisation.admin), ("Content-Type", "application/json"),
                                                   ("Content-Length", "5000")]), b" "),
        (format_request("GET", f"{base}/skills/large", bearer(organisation.read)), b""),
    ]
    for beginning, drip in beginnings:
        for _ in range(SLOW_OF_A_KIND):
            connection = Connection(gateway.http)
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.send(beginning)
            yield connection, drip


def test_slow_clients_of_every_kind_end_and_hinder_nobody(patient_gateway, acme):
    """HARDENING 4.1: heads and bodies of one byte at a time, answers that nobody reads."""
    clients = list(slow_clients(patient_gateway, acme))
    eventually(lambda: patient_gateway.metric("connections_accepted_total") >= len(clients), "were all accepted")

    def all_have_ended():
        for connection, drip in clients:
            connection.send_ignoring_refusal(drip)
        assert patient_gateway.request("GET", WHOAMI, acme.read).status == 200, "a good client is served meanwhile"
        # The connections of this test are open too, so the open ones do not tell whether the last slow one has ended.
        return patient_gateway.metric("timeouts_total") >= len(clients) and patient_gateway.metric("connections_open") <= 3

    eventually(all_have_ended, lambda: f"did the last slow client end: {patient_gateway.metric('timeouts_total')} time-outs")
    for connection, _ in clients:
        connection.close()


# ---- a cold start -----------------------------------------------------------------------------------------------

COLD_TOKENS = 2000
COLD_CONNECTIONS = 250


def import_many(fleet, count):
    """Straight in the database: secrets of live tokens."""
    secrets = [token_syntax.make() for _ in range(count)]
    (org_id,), = fleet.query("select id from skillreg.organisation where slug = 'acme'")
    fleet.query("insert into skillreg.api_token (id, org_id, name, prefix, digest, scopes, created_by)"
                " select 'clcold' || n, %s, 'cold', p, decode(d, 'hex'), 1, 'test'"
                " from unnest(%s::text[], %s::text[]) with ordinality as t (p, d, n)",
                (org_id, [secret[:12] for secret in secrets],
                 [hashlib.sha256(secret.encode()).hexdigest() for secret in secrets]))
    return secrets


def statuses_of_all(gateway, secrets):
    """One request for each, pipelined on many connections that all begin together."""
    shares = [secrets[i::COLD_CONNECTIONS] for i in range(COLD_CONNECTIONS)]
    connections = [gateway.connect() for _ in shares]
    for connection, share in zip(connections, shares):
        connection.send(b"".join(format_request("GET", WHOAMI, bearer(secret)) for secret in share))
    statuses = [connection.read_response().status for connection, share in zip(connections, shares) for _ in share]
    for connection in connections:
        connection.close()
    return statuses


def test_many_live_tokens_after_a_cold_start_are_all_let_in(postgres, tmp_path):
    """HARDENING 4.4: none is refused, each is looked up once, and afterwards all are known."""
    fleet = Fleet(postgres, "cold", tmp_path)
    try:
        secrets = import_many(fleet, COLD_TOKENS)
        own, = fleet.start(1)
        fleet.wait_until_heard(1)
        assert set(statuses_of_all(own, secrets)) == {200}
        assert own.metric("lookups_total") == COLD_TOKENS
        assert set(statuses_of_all(own, secrets)) == {200}
        assert own.metric("lookups_total") == COLD_TOKENS, "all of them are remembered"
    finally:
        fleet.stop()

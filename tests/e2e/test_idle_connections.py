# SPDX-License-Identifier: MIT
"""Idle connections up to --connections-max (HARDENING 5.10): they make room for newcomers, the oldest of the address that has most
of them first, and good clients are served."""
import contextlib
import itertools

import pytest

from harness.http_client import Connection, bearer

WHOAMI = "/api/v1/auth/whoami"
LIMIT = 20
CROWD = "127.0.0.2"


def is_served(connection, token):
    return connection.request("GET", WHOAMI, bearer(token)).status == 200


class Crowd:
    """Connections that ask for nothing, or for nothing more."""

    def __init__(self, stack, gateway):
        self.stack = stack
        self.gateway = gateway
        self.connections = []

    def add(self, count, sources, begin=lambda connection: None):
        for source in itertools.islice(sources, count):
            connection = self.stack.enter_context(Connection(self.gateway.http, source=source))
            begin(connection)
            self.connections.append(connection)

    def ended(self):
        return [number for number, connection in enumerate(self.connections) if connection.is_readable()]


@pytest.fixture
def crowded(start_gateway):
    """With the crowd of a test, whose connections close at its end."""
    own = start_gateway("--connections-max", str(LIMIT), tls=True)
    with contextlib.ExitStack() as stack:
        yield own, Crowd(stack, own)


@pytest.mark.parametrize("asks_once", [False, True], ids=["silent", "idle"])
def test_a_crowd_of_one_address_keeps_nobody_out(asks_once, crowded, acme):
    own, crowd = crowded
    good = crowd.stack.enter_context(own.connect())
    assert is_served(good, acme.read)
    for _ in range(4):
        crowd.add(LIMIT, itertools.repeat(CROWD), lambda connection: asks_once and is_served(connection, acme.read))
        for _ in range(3):
            with own.connect() as connection, own.connect_tls() as over_tls:
                assert is_served(connection, acme.read) and is_served(over_tls, acme.read)
    assert is_served(good, acme.read), "its address has few"
    assert own.metric("connections_refused_total") == 0
    assert own.metric("connections_made_room_total") >= 3 * LIMIT
    ended = crowd.ended()
    assert ended == list(range(len(ended))), "the oldest first"
    own.process.wait_for_line("warning server idle connections make room times=")


def test_a_crowd_of_many_addresses_with_one_each_keeps_nobody_out(crowded, acme):
    own, crowd = crowded
    crowd.add(3 * LIMIT, (f"127.0.1.{number}" for number in itertools.count(1)))
    for _ in range(LIMIT):
        with own.connect() as connection:
            assert is_served(connection, acme.read)
    assert len(crowd.ended()) > 2 * LIMIT
    assert own.metric("connections_refused_total") == 0


def test_a_request_under_way_makes_no_room(crowded, acme):
    """Not even one that has only begun: the newest is closed then."""
    own, crowd = crowded
    crowd.add(LIMIT, itertools.repeat(CROWD), lambda connection: connection.send(b"GET %s HTTP/1.1\r\nHost: g\r\n" % WHOAMI.encode()))
    for connection in crowd.connections:
        connection.send(b"Authorization: Bearer %s\r\n" % acme.read.encode())
    with own.connect() as connection:
        assert connection.read_to_end() == b""
    for connection in crowd.connections:
        connection.send(b"\r\n")
        assert connection.read_response().status == 200
    with own.connect() as connection:
        assert is_served(connection, acme.read), "they are idle now"
    assert own.metric("connections_refused_total") == 1


def test_a_crowd_that_keeps_busy_drives_nobody_out(crowded, acme):
    own, crowd = crowded
    good = crowd.stack.enter_context(own.connect())
    assert is_served(good, acme.read)
    crowd.add(3 * LIMIT, itertools.repeat(CROWD), lambda connection: connection.send_ignoring_refusal(b"GET "))
    assert own.is_ready()
    assert is_served(good, acme.read)
    assert own.metric("connections_refused_total") > LIMIT


def test_a_handshake_that_does_not_begin_makes_room(start_gateway, acme):
    own = start_gateway("--connections-max", str(LIMIT), "--handshake-timeout", "1h", tls=True)
    with contextlib.ExitStack() as stack:
        for _ in range(2 * LIMIT):
            stack.enter_context(Connection(own.https, source=CROWD))
        for _ in range(5):
            with own.connect_tls() as connection:
                assert is_served(connection, acme.read)
    assert own.metric("connections_refused_total") == 0


def test_idle_connections_make_room_when_descriptors_are_short(start_gateway, acme):
    own = start_gateway(wrapper=["prlimit", "--nofile=80:80"])
    with contextlib.ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(Connection(own.http, source=CROWD))
        for _ in range(10):
            with own.connect() as connection:
                assert is_served(connection, acme.read)
        assert own.is_ready()
    assert own.metric("descriptor_shortages_total") > 0
    assert own.metric("connections_refused_total") == 0

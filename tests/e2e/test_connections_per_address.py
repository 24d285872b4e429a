# SPDX-License-Identifier: MIT
"""--connections-per-address (HARDENING 4.2): one address cannot take all connections; the newest over its share is closed, and
others are served."""
import contextlib

import pytest

from harness.http_client import Connection, format_request
from harness.waiting import eventually

PUBLIC = "/api/v1/public/skills"
LIMIT = 3


@pytest.fixture
def limited(start_gateway, upstream):
    return start_gateway("--connections-per-address", str(LIMIT), tls=True, upstream=upstream.url)


def is_served(connection):
    return connection.request("GET", PUBLIC).status == 200


def hold(stack, address, count=LIMIT, source="127.0.0.1", header=b""):
    """Connections that were served and stay open."""
    held = [stack.enter_context(Connection(address, source=source)) for _ in range(count)]
    for connection in held:
        connection.send(header)
        assert is_served(connection)
    return held


def hold_if_served(stack, address):
    connection = Connection(address)
    try:
        connection.send(format_request("GET", PUBLIC))
        served = connection.fill() and connection.read_response().status == 200
    except (ConnectionResetError, BrokenPipeError):
        served = False
    stack.enter_context(connection) if served else connection.close()
    return served


def assert_refused(address, source="127.0.0.1", sent=b""):
    with Connection(address, source=source) as connection:
        connection.send_ignoring_refusal(sent)
        connection.assert_closed_or_reset()


def test_one_address_cannot_open_all_of_them(limited):
    """HARDENING 4.2: per-address limit; good clients are served."""
    with contextlib.ExitStack() as stack:
        held = hold(stack, limited.http)
        for _ in range(20):
            assert_refused(limited.http)
            assert_refused(limited.https)
        hold(stack, limited.http, source="127.0.0.2")
        assert all(is_served(connection) for connection in held)
        assert limited.metric("connections_refused_address_total") == 40


def test_a_connection_that_ends_makes_room(limited):
    with contextlib.ExitStack() as stack:
        for connection in hold(stack, limited.http):
            connection.close()
            eventually(lambda: hold_if_served(stack, limited.http), "did it make room")
            assert_refused(limited.http)


def test_silent_connections_count_too(limited):
    with contextlib.ExitStack() as stack:
        for _ in range(LIMIT):
            stack.enter_context(limited.connect())
        assert_refused(limited.http)  # accepted in their order


def test_a_proxy_may_have_as_many_as_it_needs(start_gateway, upstream):
    gateway = start_gateway("--connections-per-address", "1", "--trusted-proxies", "127.0.0.1", upstream=upstream.url)
    with contextlib.ExitStack() as stack:
        hold(stack, gateway.http, 5)


def test_behind_the_proxy_protocol_the_source_counts(start_gateway, upstream):
    gateway = start_gateway("--connections-per-address", str(LIMIT), "--proxy-protocol", "--trusted-proxies", "127.0.0.1",
                            upstream=upstream.url)
    header = b"PROXY TCP4 192.0.2.1 192.0.2.9 1 2\r\n"
    with contextlib.ExitStack() as stack:
        hold(stack, gateway.http, header=header)
        assert_refused(gateway.http, sent=header)
        hold(stack, gateway.http, header=b"PROXY TCP4 192.0.2.2 192.0.2.9 1 2\r\n")
        hold(stack, gateway.http, 5, header=b"PROXY UNKNOWN\r\n")

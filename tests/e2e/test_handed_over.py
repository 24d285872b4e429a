# SPDX-License-Identifier: MIT
"""Listening sockets that a service manager hands over (systemd's socket activation): they outlive the process, so that nobody is
refused while one gateway takes the place of another."""
import os
import signal
import socket

import pytest

from harness.http_client import Connection, bearer, format_request
from harness.process import is_stopped
from harness.waiting import eventually

WHOAMI = "/api/v1/auth/whoami"


@pytest.fixture
def sockets():
    """By name; all of them listen, whatever runs."""
    own = {name: socket.create_server(("127.0.0.1", 0), backlog=128) for name in ("https", "http", "admin")}
    yield own
    for listener in own.values():
        listener.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_what_comes_between_two_processes_is_answered_by_the_second(workers, sockets, start_gateway, acme):
    def start():  # with a delay, at whose end a port of its own would turn newcomers away
        return start_gateway("--workers", workers, "--drain-delay", "100ms", "--drain-timeout", "1h", tls=True, sockets=sockets)

    first = start()
    assert (first.http, first.https, first.admin) == tuple(sockets[name].getsockname() for name in ("http", "https", "admin"))
    with first.connect_tls() as connection:
        assert connection.request("GET", WHOAMI, bearer(acme.read)).status == 200
    assert first.process.stop() == 0
    waiting = [Connection(first.http) for _ in range(20)]
    for connection in waiting:
        connection.send(format_request("GET", WHOAMI, bearer(acme.read)))
    second = start()
    for connection in waiting:
        assert connection.read_response().status == 200
        connection.close()
    assert second.process.stop() == 0


def test_a_worker_that_is_started_again_has_them_too(sockets, start_gateway, acme):
    own = start_gateway("--workers", "2", sockets={name: sockets[name] for name in ("admin", "http")})
    before = own.worker_pids()
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: not set(own.worker_pids().values()) & set(before.values()), "were both started again")
    own.wait_until_ready()
    with own.connect() as connection:
        assert connection.request("GET", WHOAMI, bearer(acme.read)).status == 200


def test_what_waits_outlives_a_worker_that_is_killed(sockets, start_gateway, acme):
    """The workers share one queue, of which one that stands still has taken nothing."""
    own = start_gateway("--workers", "2", sockets={name: sockets[name] for name in ("admin", "http")})
    victim = own.worker_pids()[0]
    os.kill(victim, signal.SIGSTOP)
    eventually(lambda: is_stopped(victim), "did it stop")
    waiting = [own.connect() for _ in range(40)]
    for connection in waiting:
        connection.send(format_request("GET", WHOAMI, bearer(acme.read)))
    os.kill(victim, signal.SIGKILL)
    for connection in waiting:
        assert connection.read_response().status == 200
        connection.close()
    eventually(lambda: own.worker_pids()[0] != victim, "was it started again")  # a death while it ends would be a failure


def test_two_gateways_may_have_them_at_once(sockets, start_gateway, acme):
    """The second is there before the first one leaves."""
    shared = {"http": sockets["http"]}
    first, second = start_gateway(sockets=shared), start_gateway(sockets=shared)
    assert first.http == second.http and first.admin != second.admin
    assert first.process.stop() == 0
    for _ in range(10):
        with second.connect() as connection:
            assert connection.request("GET", WHOAMI, bearer(acme.read)).status == 200


def test_a_socket_of_an_unknown_name_is_refused(sockets, start_gateway):
    with pytest.raises(AssertionError, match="none of https, http, page and admin"):
        start_gateway(sockets={"gateway.socket": sockets["http"]})


@pytest.mark.parametrize("workers", [1, 2])
def test_a_second_gateway_takes_over_an_address_that_may_be_reused(workers, start_gateway, acme):
    flags = ("--workers", workers, "--reuse-port")
    first = start_gateway(*flags)
    address = "127.0.0.1:%d" % first.http[1]
    second = start_gateway(*flags, "--listen-http", address)
    assert second.http == first.http and second.admin != first.admin
    assert first.process.stop() == 0
    for _ in range(20):
        with second.connect() as connection:
            assert connection.request("GET", WHOAMI, bearer(acme.read)).status == 200

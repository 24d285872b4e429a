# SPDX-License-Identifier: MIT
"""What a gateway tells the service manager that started it (sd_notify(3)): that clients may come, that it lives, that it ends. The
manager is a datagram socket of the test's own."""
import os
import signal
import socket

import pytest

from harness.http_client import bearer
from harness.waiting import PATIENCE_S, eventually

WHOAMI = "/api/v1/auth/whoami"


class Manager:
    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(PATIENCE_S)
        self.env = {"NOTIFY_SOCKET": str(path)}

    def next(self, *without):
        """The next message but for these."""
        while True:
            message = self._socket.recv(4096).decode()
            if message not in without:
                return message

    def rest(self):
        """What came and was not taken yet."""
        self._socket.setblocking(False)
        try:
            found = []
            while True:
                found.append(self._socket.recv(4096).decode())
        except BlockingIOError:
            return found
        finally:
            self._socket.settimeout(PATIENCE_S)

    def close(self):
        self._socket.close()


@pytest.fixture
def manager(tmp_path):
    own = Manager(tmp_path / "notify")
    yield own
    own.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_manager_hears_of_the_start_of_the_life_and_of_the_end(workers, manager, start_gateway, acme):
    own = start_gateway("--workers", workers, ready=False, env={**manager.env, "WATCHDOG_USEC": "30000000"})
    assert manager.next("WATCHDOG=1") == "READY=1"
    with own.connect() as connection:  # whoever was told may send clients
        assert connection.request("GET", WHOAMI, bearer(acme.read)).status == 200
    assert manager.next() == "WATCHDOG=1"
    os.kill(own.pid, signal.SIGHUP)
    assert [manager.next() for _ in range(2)] == ["WATCHDOG=1"] * 2
    assert own.process.stop() == 0
    assert manager.next("WATCHDOG=1") == "STOPPING=1"
    assert set(manager.rest()) <= {"WATCHDOG=1"}


def test_a_manager_that_does_not_watch_hears_no_beats(manager, start_gateway):
    own = start_gateway(env=manager.env)
    assert own.process.stop() == 0
    assert manager.rest() == ["READY=1", "STOPPING=1"]


def test_a_worker_that_is_started_again_is_not_told_of_twice(manager, start_gateway):
    own = start_gateway("--workers", "2", env=manager.env)
    before = own.worker_pids()
    os.kill(before[0], signal.SIGKILL)
    eventually(lambda: own.worker_pids()[0] != before[0], "was it started again")
    own.wait_until_ready()
    assert own.process.stop() == 0
    assert manager.rest() == ["READY=1", "STOPPING=1"]


def test_a_gateway_without_a_database_is_ready_too(manager, start_gateway):
    """It listens, and answers by what it can know: a manager that waited would take its answers away."""
    start_gateway(ready=False, database_url="postgresql://127.0.0.1:1/none", env=manager.env)
    assert manager.next() == "READY=1"


def test_a_manager_that_is_gone_is_in_the_log_and_does_no_harm(start_gateway, acme):
    own = start_gateway(env={"NOTIFY_SOCKET": "/nonexistent/notify"})
    own.process.wait_for_line("cannot tell the service manager")
    with own.connect() as connection:
        assert connection.request("GET", WHOAMI, bearer(acme.read)).status == 200

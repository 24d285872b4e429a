# SPDX-License-Identifier: MIT
"""Faults of the machine and of the gateway itself: clocks that jump, disks that are full, kill -9 (HARDENING 3.7 and 3.8).
No descriptors left is in test_limits.py, signals are in test_shutdown.py."""
import datetime
import os
import subprocess

import pytest

from harness import binaries
from harness.fleet import Fleet
from harness.http_client import Connection, bearer, format_request
from harness.process import clean_environment, dies_with_parent
from harness.ports import free_port
from harness.waiting import PATIENCE_S, eventually

WHOAMI = "/api/v1/auth/whoami"
HOUR_S = 3600


# ---- clocks -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("jump_s", [HOUR_S, -HOUR_S])
def test_a_clock_that_jumps_ends_nothing(jump_s, wall_clock, start_gateway, upstream, acme):
    """Every deadline is far shorter than the jump: an idle connection, an upload and an answer that is waited for live on."""
    own = start_gateway(upstream=upstream.url, env=wall_clock.env)
    wall_clock.move_to(0, own)
    with own.connect() as idle, own.connect() as uploading:
        assert idle.request("GET", WHOAMI, bearer(acme.read)).status == 200
        uploading.send(format_request("POST", f"/api/v1/orgs/{acme.slug}/skills",
                                      [*bearer(acme.write), ("Content-Length", "6")], b"abc"))
        upstream.wait_until(lambda stub: stub.requests and stub.requests[-1].body == b"abc", "half a body")
        wall_clock.move_to(jump_s, own)
        assert own.is_ready()
        uploading.send(b"def")
        assert uploading.read_response("POST").status == 200
        assert idle.request("GET", WHOAMI, bearer(acme.read)).status == 200
    assert own.metric("timeouts_total") == 0


def test_a_clock_that_jumps_is_believed_about_expiry(wall_clock, start_gateway, new_org):
    """Ahead, a token that ends in between is over; back again it is not. A jump back brings no token to life that ended before."""
    organisation = new_org("admin")
    own = start_gateway(env=wall_clock.env)
    ends = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=30)).isoformat()
    token = own.request("POST", f"/api/v1/orgs/{organisation.slug}/tokens", organisation.admin,
                        json_body={"name": "half an hour", "expiresAt": ends}).json()["token"]
    for offset_s, status in [(0, 200), (HOUR_S, 401), (0, 200), (-HOUR_S, 200)]:
        wall_clock.move_to(offset_s, own)
        assert own.request("GET", WHOAMI, token).status == status, f"off by {offset_s} s"


# ---- a log that goes nowhere ------------------------------------------------------------------------------------

def served_whoami(port, token):
    try:
        with Connection(("127.0.0.1", port)) as connection:
            return connection.request("GET", WHOAMI, bearer(token)).status == 200
    except OSError:
        return False


@pytest.fixture
def start_plain(postgres):
    """Starts a gateway whose standard streams are the test's business, and waits until it answers: process and port."""
    started = []

    def start(token, redirection="", **streams):
        port = free_port()
        command = ["sh", "-c", f'exec "$0" "$@" {redirection}', binaries.find("skillreg-gateway"), "--listen-https", "off",
                   "--listen-admin", "off", "--access-log", "--listen-http", f"127.0.0.1:{port}"]
        own = subprocess.Popen(dies_with_parent(command), env=clean_environment(DATABASE_URL=postgres.url), **streams)
        started.append(own)
        eventually(lambda: served_whoami(port, token), "did it answer")
        return own, port

    yield start
    for own in started:
        own.kill()
        own.wait()


def assert_serves_and_ends_well(own, port, token):
    for _ in range(50):
        assert served_whoami(port, token)
    own.terminate()
    assert own.wait(PATIENCE_S) == 0


def test_a_log_that_cannot_be_written_does_not_stop_the_service(start_plain, acme):
    """/dev/full answers every write with ENOSPC."""
    with open("/dev/full", "wb", buffering=0) as full:
        own, port = start_plain(acme.read, stderr=full, stdin=subprocess.DEVNULL)
    assert_serves_and_ends_well(own, port, acme.read)


def test_a_log_that_is_closed_goes_into_no_socket(start_plain, acme):
    """The first files and sockets would get the numbers 0 to 2, and the log be written into one of them."""
    own, port = start_plain(acme.read, "<&- >&- 2>&-")
    assert [os.readlink(f"/proc/{own.pid}/fd/{fd}") for fd in range(3)] == ["/dev/null"] * 3
    assert_serves_and_ends_well(own, port, acme.read)


# ---- kill -9 ----------------------------------------------------------------------------------------------------

def test_kill_9_of_the_whole_gateway_loses_an_interval_of_last_used_and_nothing_else(postgres, tmp_path):
    """HARDENING 3.8. The interval is an hour, so that what was noted since the last write is known."""
    fleet = Fleet(postgres, "killed", tmp_path)
    try:
        first, = fleet.start(1)
        kept, revoked, unwritten = (fleet.create_token(first) for _ in range(3))
        assert first.request("GET", WHOAMI, kept["token"]).status == 200
        stamps = "select last_used_at from skillreg.api_token where id = %s"
        eventually(lambda: fleet.query(stamps, (kept["id"],))[0][0], "was the use written")
        fleet.revoke(first, revoked)
        slow, = fleet.start(1, "--last-used-interval", "1h")
        assert slow.request("GET", WHOAMI, unwritten["token"]).status == 200
        for own in (first, slow):
            own.kill()
        again, = fleet.start(1)
        assert fleet.query(stamps, (kept["id"],))[0][0], "what was written stays"
        assert fleet.query(stamps, (unwritten["id"],))[0][0] is None, "what was not is lost"
        assert again.request("GET", WHOAMI, kept["token"]).status == 200
        assert again.request("GET", WHOAMI, unwritten["token"]).status == 200
        assert again.request("GET", WHOAMI, revoked["token"]).status == 401
    finally:
        fleet.stop()


def test_a_registry_that_outlives_a_killed_gateway_sees_its_request_aborted(start_gateway, start_upstream, acme):
    """Never as if it were whole."""
    stub = start_upstream()
    own = start_gateway(upstream=stub.url)
    with own.connect() as connection:
        connection.send(format_request("POST", f"/api/v1/orgs/{acme.slug}/skills",
                                       [*bearer(acme.write), ("Content-Length", "100")], b"a part"))
        stub.wait_until(lambda own: own.requests and own.requests[-1].body == b"a part", "a part of the body")
        own.kill()
        stub.wait_until(lambda own: own.requests[-1].is_aborted, "the end of it")

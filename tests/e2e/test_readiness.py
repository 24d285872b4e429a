# SPDX-License-Identifier: MIT
"""/readyz, /startupz and /livez: what a balancer and an orchestrator hear while the database is there, away, not there yet, and with
workers of which some can decide (HARDENING 5.3)."""
import contextlib
import os
import signal

import pytest

from harness.fleet import Fleet, status_of
from harness.gateway import worker_of
from harness.http_client import bearer
from harness.waiting import eventually

WHOAMI = "/api/v1/auth/whoami"
BY_MEMORY = b"ready for known tokens: the database does not answer\n"


@pytest.fixture
def fleet(postgres, tmp_path, request):
    own = Fleet(postgres, f"readiness_{request.function.__name__[5:40]}", tmp_path)
    yield own
    own.stop()


def answer(gateway, path="/readyz"):
    response = gateway.admin_get(path)
    return response.status, response.body


def remember(gateway, token):
    """Until it answers by what it knows."""
    hits = gateway.metric("cache_hits_total")
    eventually(lambda: status_of(gateway, token) == 200 and gateway.metric("cache_hits_total") > hits, "did it remember")


def test_it_stays_ready_for_tokens_that_it_knows(fleet):
    patient, = fleet.start(1)
    brief, = fleet.start(1, "--stale-read", "1s", "--freshness-lease", "1s")
    forgetful, = fleet.start(1, "--cache-entries", "0")
    knowing_nothing, = fleet.start(1)
    assert [answer(own) for own in fleet.gateways] == [(200, b"ready\n")] * 4
    for own in (patient, brief):
        remember(own, fleet.admin)
    assert status_of(forgetful, fleet.admin) == 200
    with fleet.outage():
        eventually(lambda: answer(patient) == (200, BY_MEMORY), lambda: f"was it ready by memory: {answer(patient)}")
        for own in (forgetful, knowing_nothing):
            eventually(lambda own=own: answer(own)[0] == 503, "was it unable")
            assert answer(own)[1] == b"not ready: the database does not answer, and no token is known\n"
        eventually(lambda: answer(brief)[0] == 503, "was its window over")
        assert b"--stale-read" in answer(brief)[1]
        assert answer(patient) == (200, BY_MEMORY)
        for own in fleet.gateways:
            assert [answer(own, path)[0] for path in ("/startupz", "/livez", "/healthz")] == [200, 200, 200]
    for own in fleet.gateways:
        eventually(lambda own=own: answer(own) == (200, b"ready\n"), "was it ready again")


def test_before_the_first_connection_it_has_not_started(start_gateway, postgres):
    own = start_gateway(ready=False, database_url=postgres.url.replace(postgres.password, "wrong"))
    assert answer(own) == (503, b"not ready: the database has not answered yet\n")
    assert answer(own, "/startupz") == (503, b"the database has not answered yet\n")
    assert answer(own, "/livez") == (200, b"ok\n")


def test_one_worker_that_can_decide_is_enough(fleet):
    own, = fleet.start(1, "--workers", "2")
    with own.connect() as connection:  # and so known to one of them alone
        def remembers():
            assert connection.request("GET", WHOAMI, bearer(fleet.admin)).status == 200
            return own.metric("cache_hits_total") > 0
        eventually(remembers, "did it remember")
        assert own.metric("workers_ready") == 2
        with fleet.outage():
            eventually(lambda: own.metric("workers_ready") == 1, "was one of them unable")
            answers = {}

            def are_as_they_can():
                response = own.admin_get("/readyz")
                assert response.status == 200, response.body
                answers[worker_of(response)] = response.body
                return sorted(answers.values()) == [BY_MEMORY, b"ready through another worker\n"]

            eventually(are_as_they_can, lambda: f"did each answer for both: {answers}")
    eventually(lambda: own.metric("workers_ready") == 2, "were both ready again")


def test_a_worker_that_was_started_again_refuses_nobody_for_want_of_a_connection(start_gateway, acme):
    """Every answer counts: while one of two workers dies and comes back, connections are lost with it, and no answer is 503."""
    own = start_gateway("--workers", "2")
    answered = []

    def are_both_back(before):
        with contextlib.suppress(OSError, AssertionError):  # asked of the one that dies
            return own.worker_pids() != before and own.metric("workers_ready") == 2
        return False

    for turn in range(4):
        before = own.worker_pids()
        os.kill(before[turn % 2], signal.SIGKILL)
        enough = len(answered) + 20
        while not are_both_back(before) or len(answered) < enough:
            with contextlib.suppress(OSError, AssertionError), own.connect() as connection:
                answered.append(connection.request("GET", WHOAMI, bearer(acme.read)).status)
    assert set(answered) == {200}, {status: answered.count(status) for status in set(answered)}

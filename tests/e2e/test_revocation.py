# SPDX-License-Identifier: MIT
"""Three gateways that each remember a token, and one change: it must hold everywhere within a second, at once where it was
made, and everywhere at the moment at which a revoke that waits says so. Whatever is lost on the way."""
import concurrent.futures
import threading
import time

import pytest

from harness import token_syntax
from harness.command_line import CommandLine
from harness.fleet import TOKENS, WHOAMI, Fleet, status_of, statuses_of
from harness.http_client import assert_error_shape, bearer
from harness.waiting import ATTEMPTS_MAX, PATIENCE_S, assert_soon, eventually

PROMISE_S = 1.0
POLL_S = 1.0  # what a lost notification costs at most
# As short as can be: five seconds after it was last heard of nobody waits for a gateway any more. test_revoke_wait.py has longer ones.
NO_MEMORY = ("--stale-read", "0s", "--stale-write", "0s")


@pytest.fixture(scope="module")
def fleet(postgres, tmp_path_factory):
    own = Fleet(postgres, "revocation", tmp_path_factory.mktemp("revocation"))
    try:
        own.start(3, *NO_MEMORY)
        yield own
    finally:
        own.stop()


@pytest.fixture
def gateways(fleet):
    """Three, all of which follow the log."""
    assert all(gateway.process.is_running() for gateway in fleet.gateways)
    fleet.wait_until_heard(3)
    return fleet.gateways


@pytest.fixture
def new_token(fleet, gateways):
    """Makes one that is known to all of them."""
    def make():
        made = fleet.create_token(gateways[0])
        assert statuses_of(gateways, made["token"]) == [200, 200, 200]
        return made
    return make


@pytest.fixture
def token(new_token):
    return new_token()


def everywhere(gateways, secret, status):
    """All of them come to answer `status`, and nothing but that and what they answered before; after how many seconds."""
    before = {200: 401, 401: 200}[status]
    began = time.monotonic()
    waiting = list(gateways)
    while waiting:
        answers = [(gateway, status_of(gateway, secret)) for gateway in waiting]
        assert {answer for _, answer in answers} <= {before, status}, answers
        waiting = [gateway for gateway, answer in answers if answer != status]
        assert not waiting or time.monotonic() - began < PATIENCE_S, f"{len(waiting)} do not answer {status}"
    return time.monotonic() - began


# ---- revoke -----------------------------------------------------------------------------------------------------

def test_a_revoke_holds_here_at_once_and_everywhere_within_a_second(fleet, gateways, new_token):
    def attempt():
        token = new_token()
        assert fleet.revoke(gateways[0], token).status == 200
        assert status_of(gateways[0], token["token"]) == 401
        return everywhere(gateways, token["token"], 401)

    assert_soon(attempt, PROMISE_S)


def test_a_revoke_that_waits_holds_everywhere_when_it_is_answered(fleet, gateways):
    for turn in range(6):
        token = fleet.create_token(gateways[0])
        assert statuses_of(gateways, token["token"]) == [200, 200, 200]
        answer = fleet.revoke(gateways[turn % 3], token, wait="30s")
        assert statuses_of(gateways, token["token"]) == [401, 401, 401]
        assert answer.status == 200, answer.body
        document = answer.json()
        assert list(document) == ["id", "name", "revokedAt", "gateways"]
        assert document["id"] == token["id"] and document["gateways"] == 3


def test_a_revoke_by_hand_in_the_database_is_heard_too(fleet, gateways, new_token):
    def attempt():
        token = new_token()
        fleet.revoke_by_hand(token)
        return everywhere(gateways, token["token"], 401)

    assert_soon(attempt, PROMISE_S)


def test_without_a_wait_no_gateways_are_counted(fleet, gateways):
    for wait in (None, "0", "0s"):
        answer = fleet.revoke(gateways[0], fleet.create_token(gateways[0]), wait=wait)
        assert answer.status == 200
        assert list(answer.json()) == ["id", "name", "revokedAt"]


@pytest.mark.parametrize("wait", ["31", "31s", "30001ms", "5x", "-1", "", "1s%20", "99999999999999999999"])
def test_a_wait_that_is_none_revokes_nothing(fleet, gateways, token, wait):
    answer = fleet.revoke(gateways[0], token, wait=wait)
    assert answer.status == 422, answer.body
    assert_error_shape(answer)
    assert "wait" in answer.error_message
    assert status_of(gateways[0], token["token"]) == 200


def test_an_unknown_id_is_not_waited_for(fleet, gateways):
    began = time.monotonic()
    answer = fleet.revoke(gateways[0], {"id": "clnothingatall"}, wait="30s")
    assert answer.status == 404
    assert time.monotonic() - began < 30


# ---- gateways that stand still or leave -------------------------------------------------------------------------

def test_a_gateway_that_stands_still_is_pending(fleet, gateways, token):
    with fleet.stopped(gateways[2]):
        answer = fleet.revoke(gateways[0], token, wait="2s")
        assert answer.status == 202, answer.body
        document = answer.json()
        assert list(document) == ["id", "name", "revokedAt", "pending", "silent", "until"]
        assert (document["pending"], document["silent"]) == (1, 0)
        assert statuses_of(gateways[:2], token["token"]) == [401, 401]
    everywhere(gateways, token["token"], 401)


def test_a_gateway_given_up_waiting_for_no_longer_trusts_what_it_knew(fleet, gateways, token):
    """It stood still until nobody waited for it any more, so that the revoke counts as everywhere: its first answer afterwards,
    to a request that lay there before it could hear of anything, must be a refusal."""
    early = gateways[2].connect()
    with fleet.stopped(gateways[2]):
        answer = fleet.revoke(gateways[0], token, wait="30s")
        assert answer.status == 200, answer.body
        assert answer.json()["gateways"] == 2
        early.send(b"GET %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n"
                   % (WHOAMI.encode(), token["token"].encode()))
    assert early.read_response().status == 401
    early.close()


def test_a_gateway_that_left_in_good_order_is_not_waited_for(fleet, gateways, token):
    fourth, = fleet.start(1)  # with ten minutes of memory
    fleet.wait_until_heard(4)
    assert status_of(fourth, token["token"]) == 200
    fourth.stop()
    answer = fleet.revoke(gateways[1], token, wait="30s")
    assert answer.status == 200, answer.body
    assert answer.json()["gateways"] == 3
    fleet.gateways.remove(fourth)


# ---- what is lost on the way ------------------------------------------------------------------------------------

def test_a_revoke_while_no_listener_is_connected_is_replayed(fleet, gateways, token):
    assert fleet.terminate_listeners() >= 3
    fleet.revoke_by_hand(token)
    everywhere(gateways, token["token"], 401)


def test_a_revoke_waits_for_listeners_that_reconnect(fleet, gateways, token):
    assert fleet.terminate_listeners() >= 3
    answer = fleet.revoke(gateways[0], token, wait="30s")
    assert statuses_of(gateways, token["token"]) == [401, 401, 401]
    assert answer.status == 200, answer.body
    assert answer.json()["gateways"] == 3


def test_a_lost_notification_costs_one_poll(fleet, gateways, new_token):
    name = "skillreg.token_event_write"
    source, = fleet.query(f"select pg_get_functiondef('{name}'::regproc)")[0]
    mute = source.replace("perform pg_notify('skillreg_events', '');", "")
    assert mute != source

    def attempt():
        token = new_token()
        fleet.query(mute)
        try:
            fleet.revoke_by_hand(token)
        finally:
            fleet.query(source)
        return everywhere(gateways, token["token"], 401)

    assert_soon(attempt, POLL_S + 0.5)


def test_after_a_gap_in_the_log_nothing_known_is_believed(fleet, gateways, new_token):
    """What was remembered would let it in for most of a minute."""
    def attempt():
        token = new_token()
        fleet.revoke_unheard(token)
        return everywhere(gateways, token["token"], 401)

    assert_soon(attempt, POLL_S + 0.5)


def test_notifications_of_nothing_do_no_harm(fleet, gateways, token):
    fleet.query("do $$ begin for i in 1..200 loop perform pg_notify('skillreg_events', i::text); end loop; end $$")
    assert statuses_of(gateways, token["token"]) == [200, 200, 200]
    assert fleet.revoke(gateways[0], token, wait="30s").json()["gateways"] == 3
    assert statuses_of(gateways, token["token"]) == [401, 401, 401]


# ---- races ------------------------------------------------------------------------------------------------------

class Hammer:
    """Clients that ask without a pause, each on a connection of its own, and note when they began and what they were told."""

    def __init__(self, gateway, secret, clients=8):
        self.answers = []
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(gateway, secret)) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def _run(self, gateway, secret):
        with gateway.connect() as connection:
            while not self._is_over.is_set():
                began = time.monotonic()
                self.answers.append((began, connection.request("GET", WHOAMI, bearer(secret)).status))

    def stop(self):
        self._is_over.set()
        for thread in self._threads:
            thread.join()


@pytest.mark.parametrize("flags", [(), ("--cache-entries", "0"), ("--cache-ttl", "20ms")],
                         ids=["cached", "not-cached", "always-refreshing"])
def test_nothing_passes_after_the_revoke_was_answered(fleet, gateways, start_gateway, flags):
    own = start_gateway(*flags, database_url=fleet.database_url)
    for _ in range(3):
        token = fleet.create_token(own)
        hammer = Hammer(own, token["token"])
        try:
            eventually(lambda: sum(status == 200 for _, status in list(hammer.answers)) >= 50, "were there requests")
            assert fleet.revoke(own, token).status == 200
            answered = time.monotonic()
            eventually(lambda: sum(began > answered for began, _ in list(hammer.answers)) >= 50, "were there more")
        finally:
            hammer.stop()
        assert {status for _, status in hammer.answers} == {200, 401}
        assert {status for began, status in hammer.answers if began > answered} == {401}


@pytest.mark.parametrize("wait", [None, "30s"])
def test_of_many_revokes_at_once_exactly_one_wins(fleet, gateways, wait):
    query = f"?wait={wait}" if wait else ""
    with concurrent.futures.ThreadPoolExecutor(9) as pool:
        for _ in range(3):
            token = fleet.create_token(gateways[0])
            barrier = threading.Barrier(9)

            def revoke(gateway):
                with gateway.connect() as connection:
                    barrier.wait()
                    return connection.request("DELETE", f"{TOKENS}/{token['id']}{query}", bearer(fleet.admin)).status

            assert sorted(pool.map(revoke, gateways * 3)) == [200] + [404] * 8


# ---- other changes ----------------------------------------------------------------------------------------------

def test_a_token_imported_after_it_was_refused_works_everywhere(fleet, gateways):
    def attempt():
        secret = token_syntax.make()
        assert statuses_of(gateways, secret) == [401, 401, 401]
        fleet.operator.import_token("acme", "imported", "read", secret)
        return everywhere(gateways, secret, 200)

    assert_soon(attempt, PROMISE_S)


def test_an_expiry_set_later_is_heard(fleet, gateways, new_token):
    def attempt():
        token = new_token()
        fleet.query("update skillreg.api_token set expires_at = now() - interval '1 minute' where id = %s", (token["id"],))
        return everywhere(gateways, token["token"], 401)

    assert_soon(attempt, PROMISE_S)


def test_an_organisation_deleted_and_restored(fleet, gateways):
    fleet.operator.create_org("passing")
    secret = fleet.operator.create_token("passing", "guest", "read")["token"]
    assert statuses_of(gateways, secret) == [200, 200, 200]

    def attempt():
        fleet.query("update skillreg.organisation set deleted_at = now() where slug = 'passing'")
        deleted_s = everywhere(gateways, secret, 401)
        fleet.query("update skillreg.organisation set deleted_at = null where slug = 'passing'")
        return max(deleted_s, everywhere(gateways, secret, 200))

    assert_soon(attempt, PROMISE_S)


def test_a_renamed_organisation_is_shown_by_its_new_name(fleet, gateways):
    fleet.operator.create_org("renamed")
    secret = fleet.operator.create_token("renamed", "guest", "read")["token"]
    assert statuses_of(gateways, secret) == [200, 200, 200]
    names = (f"Another Name {number}" for number in range(ATTEMPTS_MAX))

    def attempt():
        name = next(names)
        fleet.query("update skillreg.organisation set name = %s where slug = 'renamed'", (name,))
        began = time.monotonic()
        for gateway in gateways:
            eventually(lambda: gateway.request("GET", WHOAMI, secret).json()["org"]["name"] == name, "was the new name shown")
        return time.monotonic() - began

    assert_soon(attempt, PROMISE_S)


# ---- the command line -------------------------------------------------------------------------------------------

def test_the_command_line_waits_for_all(fleet, gateways, tmp_path):
    token = fleet.create_token(gateways[0])
    assert statuses_of(gateways, token["token"]) == [200, 200, 200]
    command_line = CommandLine(tmp_path, url=gateways[0].http_url, token=fleet.admin, org="acme")
    done = command_line.run("token", "revoke", token["id"], "--wait")
    assert statuses_of(gateways, token["token"]) == [401, 401, 401]
    assert (done.returncode, done.stdout, done.stderr) == (0, '\u2713 Token "ci-deploy" has been revoked.\n', "")


@pytest.mark.parametrize("reach, notes", [
    (b'"pending":1,"silent":0,"until":"2026-01-01T00:00:12.345Z"', ["not confirmed everywhere", "1 gateway has not heard of it yet",
                                                                    "until 2026-01-01T00:00:12.345Z at the latest"]),
    (b'"pending":2,"silent":3,"until":"2026-01-01T00:00:12.345Z"', ["2 gateways have not heard of it yet", "3 gateways fell silent"]),
    (b'"pending":1', ["1 gateway has not heard of it yet", "still be let in"]),  # an older gateway
    (b'"pending":null,"silent":null,"until":null', ["not known"]),
    (b'"pending":null', ["not known"]),
])
def test_the_command_line_says_who_did_not_confirm(start_upstream, tmp_path, reach, notes):
    stub = start_upstream()
    body = b'{"id":"clx7f2k3a","name":"ci-deploy","revokedAt":"2026-01-01T00:00:00.000Z",%s}' % reach
    stub.behave(lambda exchange: exchange.reply(202, [("Content-Type", "application/json")], body))
    command_line = CommandLine(tmp_path, url=stub.url, token=token_syntax.make(), org="acme")
    done = command_line.run("token", "revoke", "clx7f2k3a", "--wait")
    assert done.returncode == 4
    assert done.stdout == '\u2713 Token "ci-deploy" has been revoked.\n', "the revoke itself is done"
    line, = done.stderr.splitlines()
    assert all(note in line for note in notes), line
    assert stub.requests[-1].target.endswith("?wait=10"), stub.requests
    done = command_line.run("token", "revoke", "clx7f2k3a", "--wait", "--json")
    assert (done.returncode, done.stdout) == (4, body.decode() + "\n"), "a program reads the code, or the answer"

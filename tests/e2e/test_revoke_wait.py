# SPDX-License-Identifier: MIT
"""A revoke that waits for everybody says 200 only when no gateway lets the token in any more: not one that is cut off from the
database and goes on by what it knew, not after PostgreSQL crashed or a standby took over and took the heartbeats along."""
import datetime
import itertools
import os
import signal
import time

import pytest

from harness import token_syntax
from harness.cable import Cable
from harness.command_line import CommandLine
from harness.fleet import TOKENS, Fleet
from harness.gateway import Gateway, Operator
from harness.http_client import bearer, format_request
from harness.postgres import Postgres
from harness.waiting import eventually

STALE_S = 8
STALE = ("--stale-read", f"{STALE_S}s", "--stale-write", f"{STALE_S}s")
TURN_S = 3  # of one revoke after the other, until the stale time has passed
TURNS = 12
SLACK_S = 2  # of a heartbeat
DEFAULT_STALE_S = 600
NUMBERS = itertools.count()
KEYS_202 = ["id", "name", "revokedAt", "pending", "silent", "until"]


def status_of(gateway, secret):
    """Whether it lets the token read: 200, 401, or 503 when it cannot know."""
    return gateway.request("GET", "/authz", secret, fields=[("X-Original-Method", "GET"),
                                                            ("X-Original-URI", "/api/v1/orgs/acme/skills")]).status


def is_let_in(gateway, secret, began):
    """A good token. False, when the machine takes longer for a connection than the second that lookups wait for it: from the moment
    on in which the log is heard again, which is after `began`."""
    status = status_of(gateway, secret)
    assert status == 200 or (status == 503 and time.monotonic() - began > 0.9), f"{status} at once"
    return status == 200


def statuses_of(gateways, secret):
    return [status_of(gateway, secret) for gateway in gateways]


def seconds_until(document):
    until = datetime.datetime.fromisoformat(document["until"].replace("Z", "+00:00"))
    return (until - datetime.datetime.now(datetime.timezone.utc)).total_seconds()


class Lab:
    """A database of its own on a PostgreSQL that may crash, and gateways on it: each behind a cable of its own."""

    def __init__(self, postgres, directory):
        self.cables = {}
        self.postgres = postgres
        self.fleet = Fleet(postgres, f"waiting_{next(NUMBERS)}", directory)

    def start(self, *flags, events=True):
        """`events`: False when its connection for news leads nowhere."""
        cable = Cable(self.postgres)
        if not events:
            flags = (*flags, "--database-events-url", "postgresql://x@/x?host=/nonexistent-directory")
        own = Gateway(self.fleet.directory, f"gateway-{len(self.cables)}", database_url=cable.url_of(self.fleet.name), flags=flags)
        self.cables[own] = cable
        self.fleet.gateways.append(own)
        return own.wait_until_ready()

    def wait_until_joined(self):
        members = len(self.fleet.gateways)
        eventually(lambda: self.fleet.query("select count(*) from skillreg.gateway_state where is_live") == [(members,)],
                   f"were there {members} gateways in the database")

    def tokens(self, count):
        """Known to every gateway, and all of them members."""
        began = time.monotonic()
        self.wait_until_joined()
        made = [self.fleet.create_token(self.fleet.gateways[0]) for _ in range(count)]
        # What tells of a creation ends what is remembered of the token.
        eventually(lambda: self.fleet.query("select min(applied_seq) = skillreg.newest_event() from skillreg.gateway") == [(True,)],
                   "was it heard of everywhere")
        for token in made:  # a gateway that hears the log again decides, too
            for gateway in self.fleet.gateways:
                eventually(lambda gateway=gateway, token=token: is_let_in(gateway, token["token"], began), "was it let in everywhere")
        return made

    def close(self):
        for cable in self.cables.values():
            cable.mend()
        try:
            if self.postgres.popen is None:
                self.postgres.start()
            self.fleet.stop()
        finally:
            for cable in self.cables.values():
                cable.close()


@pytest.fixture(scope="module")
def fragile():
    own = Postgres()
    try:
        yield own.create().start()
    finally:
        own.destroy()


@pytest.fixture
def lab(fragile, tmp_path):
    own = Lab(fragile, tmp_path)
    yield own
    own.close()


def revoke_one_after_the_other(revoke, lost, tokens):
    """revoke(token): each by a short wait, until one is answered 200. At none that is does the `lost` gateway let the token in;
    returns how many were answered otherwise while it did."""
    passed = 0
    for token in tokens:
        answer = revoke(token)
        status = status_of(lost, token["token"])
        assert answer.status in (200, 202), answer.body
        assert status in (200, 503), "it hears of nothing"
        if answer.status == 200:
            assert status == 503, f"confirmed everywhere, and let in: {answer.body}"
            return passed
        document = answer.json()
        assert list(document) == KEYS_202
        assert document["silent"] + document["pending"] >= 1, document
        if status == 200:
            passed += 1
            assert seconds_until(document) > 0, document
    raise AssertionError(f"never confirmed, by {len(tokens)} revokes")


# ---- cut off ----------------------------------------------------------------------------------------------------

def test_a_gateway_cut_off_is_waited_for_as_long_as_it_may_let_in(lab):
    first, second, lost = (lab.start(*STALE) for _ in range(3))
    tokens = lab.tokens(TURNS)
    lab.cables[lost].cut()
    passed = revoke_one_after_the_other(lambda token: lab.fleet.revoke(first, token, wait=f"{TURN_S}s"), lost, tokens)
    assert passed >= 1
    assert status_of(lost, tokens[-1]["token"]) == 503
    # It comes back, and counts again.
    lab.cables[lost].mend()
    token, = lab.tokens(1)
    answer = lab.fleet.revoke(second, token, wait="30s")
    assert answer.status == 200 and answer.json()["gateways"] == 3
    assert statuses_of([first, second, lost], token["token"]) == [401] * 3


def test_pending_becomes_silent_and_says_until_when(lab):
    first, lost = lab.start(*STALE), lab.start()
    tokens = lab.tokens(2)
    lab.cables[lost].cut()
    document = lab.fleet.revoke(first, tokens[0], wait="1s").json()
    assert list(document) == KEYS_202
    assert (document["pending"], document["silent"]) == (1, 0), "it was heard of a moment ago"
    assert DEFAULT_STALE_S - 10 < seconds_until(document) <= DEFAULT_STALE_S + SLACK_S
    answer = lab.fleet.revoke(first, tokens[1], wait="6s")
    document = answer.json()
    assert answer.status == 202 and list(document) == KEYS_202
    assert (document["pending"], document["silent"]) == (0, 1)
    assert DEFAULT_STALE_S - 20 < seconds_until(document) < DEFAULT_STALE_S
    assert [status_of(lost, token["token"]) for token in tokens] == [200, 200], "as long as it hears of nothing"


def test_a_wait_ends_well_when_the_cut_is_mended(lab):
    first, lost = lab.start(), lab.start()
    token, = lab.tokens(1)
    lab.cables[lost].cut()
    eventually(lambda: lab.fleet.query("select count(*) from skillreg.gateway_state where not is_live") == [(1,)], "was it silent")
    with first.connect() as connection:
        connection.send(format_request("DELETE", f"{TOKENS}/{token['id']}?wait=30s", bearer(lab.fleet.admin)))
        eventually(lambda: status_of(first, token["token"]) == 401, "was it revoked")
        assert status_of(lost, token["token"]) == 200
        lab.cables[lost].mend()
        answer = connection.read_response()
    assert status_of(lost, token["token"]) == 401
    assert answer.status == 200 and answer.json()["gateways"] == 2


def test_a_gateway_that_never_joined_decides_nothing_from_memory(lab):
    """Nobody who revokes knows of it: so it asks for each request, and lets nobody in when it cannot."""
    first, unknown = lab.start(), lab.start(events=False)
    token = lab.fleet.create_token(first)
    for _ in range(3):
        assert statuses_of([first, unknown], token["token"]) == [200, 200]
    lab.cables[unknown].cut()
    eventually(lambda: status_of(unknown, token["token"]) == 503, "was it cut off")
    answer = lab.fleet.revoke(first, token, wait="10s")
    assert answer.status == 200 and answer.json()["gateways"] == 1
    assert status_of(unknown, token["token"]) == 503


def test_who_cannot_know_says_null(lab):
    """The revoke is done; whoever answers it has no connection for news, and that is all that it knows."""
    first, unknown = lab.start(), lab.start(events=False)
    token = lab.fleet.create_token(first)
    answer = lab.fleet.revoke(unknown, token, wait="1s")
    document = answer.json()
    assert answer.status == 202 and list(document) == KEYS_202
    assert (document["pending"], document["silent"], document["until"]) == (None, None, None)
    eventually(lambda: status_of(first, token["token"]) == 401, "was it revoked")


# ---- crash, failover ----------------------------------------------------------------------------------------------------

def assert_waits_for(lost, answer, token):
    """It lets the token in after the answer, which says so."""
    document = answer.json()
    assert answer.status == 202 and list(document) == KEYS_202, answer.body
    assert document["pending"] + document["silent"] >= 1
    assert seconds_until(document) > DEFAULT_STALE_S / 2
    assert status_of(lost, token["token"]) == 200


def test_after_a_crash_of_the_server_who_is_not_back_is_waited_for(lab):
    first, second, lost = (lab.start() for _ in range(3))
    tokens = lab.tokens(3)
    lab.cables[lost].cut()
    lab.postgres.crash()
    lab.postgres.start()
    for revoker, token in ((first, tokens[0]), (second, tokens[1])):
        answer = eventually(lambda: (lambda got: got if got.status != 503 else None)(
            lab.fleet.revoke(revoker, token, wait="4s")), "was it revoked")
        assert_waits_for(lost, answer, token)
    lab.cables[lost].mend()
    answer = lab.fleet.revoke(first, tokens[2], wait="30s")
    assert answer.status == 200 and answer.json()["gateways"] == 3, answer.body
    assert [statuses_of([first, second, lost], token["token"]) for token in tokens] == [[401] * 3] * 3


def test_the_first_gateway_back_after_a_crash_waits_for_the_others(lab):
    """Their connections come back when they do, each after a pause of its own; the token must not pass anywhere after a 200."""
    gateways = [lab.start() for _ in range(3)]
    for token in lab.tokens(3):
        lab.postgres.crash()
        lab.postgres.start()
        answer = eventually(lambda: next((got for got in (lab.fleet.revoke(own, token, wait="30s") for own in gateways)
                                          if got.status in (200, 202)), None), "did one come back")
        assert statuses_of(gateways, token["token"]) == [401] * 3 or answer.status == 202
        assert answer.status == 200 and answer.json()["gateways"] == 3, answer.body


def test_after_a_promotion_who_is_not_back_is_waited_for(tmp_path):
    primary = Postgres()
    standby = cable = None
    gateways = []
    try:
        primary.create().start()
        standby = primary.standby()
        operator = Operator(primary.url, tmp_path)
        operator.migrate()
        operator.create_org("acme")
        admin = operator.create_token("acme", "boss", "admin")["token"]
        cable = Cable(primary)
        both = f"{standby.url},{primary.directory}&target_session_attrs=read-write"
        for number, url in enumerate((both, both, cable.url_of())):
            gateways.append(Gateway(tmp_path, f"gateway-{number}", database_url=url).wait_until_ready())
        first, second, lost = gateways
        secrets = [token_syntax.make() for _ in range(2)]
        for number, secret in enumerate(secrets):
            operator.import_token("acme", f"token-{number}", "read", secret)
        ids = dict(primary.query("select name, id from skillreg.api_token"))
        tokens = [{"id": ids[f"token-{number}"], "token": secret} for number, secret in enumerate(secrets)]
        eventually(lambda: primary.query("select count(*), min(applied_seq) = skillreg.newest_event() from skillreg.gateway")
                   == [(3, True)], "were all there")
        for token in tokens:
            assert statuses_of(gateways, token["token"]) == [200] * 3
        standby.catch_up(primary)
        primary.crash()
        standby.query("select pg_promote()")
        for revoker, token in ((first, tokens[0]), (second, tokens[1])):
            answer = eventually(lambda: (lambda got: got if got.status != 503 else None)(
                revoker.request("DELETE", f"{TOKENS}/{token['id']}?wait=4s", admin)), "was it revoked")
            assert_waits_for(lost, answer, token)
        assert standby.query("select count(*) from skillreg.gateway_member") == [(3,)]
        lost.kill()  # it would wait for its primary
    finally:
        for own in gateways:
            if own.process.is_running():
                own.stop()
        for end in (cable, standby, primary):
            if end is not None:
                getattr(end, "destroy", getattr(end, "close", None))()


# ---- processes that end -----------------------------------------------------------------------------------------

def test_a_crashed_worker_is_signed_off_by_the_next_one(lab):
    own = lab.start("--workers", "2")
    eventually(lambda: lab.fleet.query("select count(*) from skillreg.gateway_state where is_live") == [(2,)], "were both there")
    token = lab.fleet.create_token(own)
    victim = own.worker_pids()[0]
    os.kill(victim, signal.SIGKILL)
    own.drop_connection()
    eventually(lambda: own.worker_pids()[0] != victim, "was it started again")
    own.wait_until_ready()
    answer = lab.fleet.revoke(own, token, wait="30s")
    assert answer.status == 200 and answer.json()["gateways"] == 2, answer.body
    assert lab.fleet.query("select count(*) from skillreg.gateway_member") == [(2,)]


def test_a_gateway_that_nobody_supervises_is_waited_for_after_a_crash(lab):
    """Nobody knows that it is dead, and not cut off."""
    first, dead, left = lab.start(), lab.start(*STALE), lab.start()
    tokens = lab.tokens(2)
    left.stop()
    lab.fleet.gateways.remove(left)
    dead.kill()
    lab.fleet.gateways.remove(dead)
    document = lab.fleet.revoke(first, tokens[0], wait="1s").json()
    assert document["pending"] + document["silent"] == 1, "who left is not waited for"
    assert 0 < seconds_until(document) <= STALE_S + SLACK_S
    answer = lab.fleet.revoke(first, tokens[1], wait="30s")
    assert answer.status == 200 and answer.json()["gateways"] == 1


def test_every_worker_leaves_in_good_order(lab):
    own = lab.start("--workers", "2")
    eventually(lambda: lab.fleet.query("select count(*) from skillreg.gateway_member") == [(2,)], "were both members")
    own.stop()
    assert lab.fleet.query("select (select count(*) from skillreg.gateway_member), (select count(*) from skillreg.gateway)") == [(0, 0)]


# ---- the request ------------------------------------------------------------------------------------------------

def test_a_wait_lasts_as_long_as_it_says(lab):
    """A number without a unit is of seconds."""
    first, lost = lab.start(), lab.start()
    lab.wait_until_joined()
    with lab.fleet.stopped(lost):
        for wait, least_s in (("1", 1), ("1s", 1), ("1100ms", 1.1)):
            token = lab.fleet.create_token(first)
            began = time.monotonic()
            assert lab.fleet.revoke(first, token, wait=wait).status == 202
            assert time.monotonic() - began >= least_s


def test_a_client_that_leaves_while_it_waits_leaves_nothing_behind(lab):
    first, lost = lab.start(), lab.start()
    token, other = lab.tokens(2)
    with lab.fleet.stopped(lost):
        with first.connect() as connection:
            connection.send(format_request("DELETE", f"{TOKENS}/{token['id']}?wait=2s", bearer(lab.fleet.admin)))
            eventually(lambda: status_of(first, token["token"]) == 401, "was it revoked")
        # The wait would end while this one goes on.
        assert lab.fleet.revoke(first, other, wait="3s").status == 202
    assert first.process.is_running() and status_of(first, lab.fleet.admin) == 200


# ---- the command line -------------------------------------------------------------------------------------------

def test_the_command_line_says_what_is_still_possible(lab, tmp_path):
    first, lost = lab.start(), lab.start()
    token, = lab.tokens(1)
    lab.cables[lost].cut()
    command_line = CommandLine(tmp_path, url=first.http_url, token=lab.fleet.admin, org="acme")
    done = command_line.run("token", "revoke", token["id"], "--wait")
    assert done.returncode == 4
    assert done.stdout == '\u2713 Token "ci-deploy" has been revoked.\n'
    line, = done.stderr.splitlines()
    assert "not confirmed everywhere" in line and "1 gateway fell silent" in line, line
    assert f"until {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%dT}" in line, line
    assert status_of(first, token["token"]) == 401

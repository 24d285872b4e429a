# SPDX-License-Identifier: MIT
"""Somebody holds what every change needs: known and unknown tokens are served all the same, a change is made or is 503 in bounded
time with a sentence of its own, few sessions wait in PostgreSQL, and the log says whose session is in the way, which no
client hears."""
import concurrent.futures
import re
import time

import psycopg2
import pytest

from harness import token_syntax
from harness.gateway import Gateway, Operator
from harness.http_client import assert_error_shape
from harness.postgres import Postgres
from harness.waiting import PATIENCE_S, eventually

WHOAMI = "/api/v1/auth/whoami"
# Of a process: two for changes, one for last-used times.
WAITING_AT_MOST = 3
BUSY_WITHIN_S = 10
LOCK_OF_THE_LOG = "select from skillreg.log_lock for update"
WAITERS = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and application_name like 'skillreg-gateway%%'"


class World:
    def __init__(self, directory):
        self.postgres = Postgres().create().start()
        self.operator = Operator(self.postgres.url, directory)
        self.operator.migrate()
        self.operator.create_org("acme")
        self.admin = self.new_token("admin")["token"]

    def new_token(self, scopes="read"):
        return self.operator.create_token("acme", "one of many", scopes)

    def waiters(self):
        return self.postgres.query(WAITERS)[0][0]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    own = None
    try:
        own = World(tmp_path_factory.mktemp("locks"))
        yield own
    finally:
        if own:
            own.postgres.destroy()


@pytest.fixture
def gateway(world, tmp_path):
    """With the fewest connections that can be had."""
    own = Gateway(tmp_path, "gateway", database_url=world.postgres.url,
                  flags=("--database-connections", "1", "--last-used-interval", "100ms", "--last-used-resolution", "0s"))
    own.wait_until_ready()
    yield own
    own.stop()


@pytest.fixture
def session(world):
    """An operator's session that has begun a transaction; undone at the end."""
    connection = world.postgres.connect()
    connection.autocommit = False
    yield connection
    connection.close()


@pytest.fixture
def pool():
    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        yield threads


def execute(session, sql, parameters=()):
    with session.cursor() as cursor:
        cursor.execute(sql, parameters)


def revoke(gateway, world, token, admin=None):
    """On a connection of its own, and how long it took."""
    started = time.monotonic()
    with gateway.connect() as connection:
        answer = connection.request("DELETE", f"/api/v1/orgs/acme/tokens/{token['id']}",
                                    [("Authorization", f"Bearer {admin or world.admin}")])
    return answer, time.monotonic() - started


def assert_waited(answer, took_s):
    assert answer.status == 503, f"{answer.status} {answer.body}"
    assert_error_shape(answer)
    assert answer.error_code == "unavailable"
    assert "waited for another" in answer.json()["error"]["message"]
    assert re.fullmatch(r"[1-9][0-9]*", answer.get("retry-after"))
    assert took_s < BUSY_WITHIN_S


def assert_served(gateway, known):
    assert gateway.request("GET", WHOAMI, known).status == 200
    assert gateway.request("GET", WHOAMI, token_syntax.make()).status == 401, "an unknown one is looked up"


def test_a_process_opens_four_connections_besides_those_for_reading(world, gateway):
    """What docs/running.md says of its sessions in PostgreSQL."""
    sessions = "select count(*) from pg_stat_activity where application_name = 'skillreg-gateway'"
    eventually(lambda: world.postgres.query(sessions) == [(1 + 4,)], "were all of them there")


def test_an_open_transaction_holds_up_changes_and_nothing_else(world, gateway, session, pool):
    known = world.new_token()
    victims = [world.new_token() for _ in range(6)]
    execute(session, "set application_name = 'lunch \"break\"'")
    execute(session, LOCK_OF_THE_LOG)
    started = time.monotonic()
    revokes = [pool.submit(revoke, gateway, world, token) for token in victims]
    eventually(lambda: world.waiters() > 0, "did a revoke wait")
    rounds = most = 0
    while not all(future.done() for future in revokes):
        assert_served(gateway, known["token"])
        most = max(most, world.waiters())
        rounds += not all(future.done() for future in revokes)  # served while one still waited
    assert time.monotonic() - started < BUSY_WITHIN_S
    assert rounds > 0, "lookups went on meanwhile"
    assert most <= WAITING_AT_MOST
    for future in revokes:
        assert_waited(*future.result())
        text = repr(future.result()[0])
        assert "lunch" not in text and str(session.info.backend_pid) not in text
    line = gateway.process.wait_for_line(r"a change waits for another transaction .*").group(0)
    for field in ("statement=token_revoke", f"blocker_pid={session.info.backend_pid}", 'blocker_user="skillreg"',
                  r'blocker_application="lunch \"break\""', 'blocker_state="idle in transaction"', "blocker_since=20"):
        assert field in line, line
    assert "a change was held up and not made" in gateway.log()
    assert gateway.metric("changes_busy_total") == len(victims)
    assert gateway.metric("changes_held_up_seconds_total") > 0
    session.rollback()
    eventually(lambda: world.waiters() == 0, "did everybody stop waiting")
    answers = [revoke(gateway, world, token) for token in victims]
    assert [answer.status for answer, _ in answers] == [200] * len(victims)
    eventually(lambda: gateway.metric("changes_waiting") == 0, "nothing waits")


def test_who_is_in_the_way_is_a_metric_while_it_lasts(world, gateway, session, pool):
    victim = world.new_token()
    execute(session, LOCK_OF_THE_LOG)
    waiting = pool.submit(revoke, gateway, world, victim)
    eventually(lambda: gateway.metric("changes_blocker_pid") == session.info.backend_pid, "was it found")
    assert gateway.metric("changes_waiting") >= 1, "with the last-used time of the token that asks"
    assert gateway.metric("changes_waiting_seconds") >= 0.5
    session.rollback()
    assert waiting.result()[0].status == 200, "made late, and answered"
    eventually(lambda: gateway.metric("changes_blocker_pid") == 0, "was it forgotten")


def test_a_lock_on_one_token_holds_up_no_revoke_of_another(world, gateway, session, pool):
    held, other_admin = world.new_token(), world.new_token("admin")["token"]
    execute(session, "select from skillreg.api_token where id = %s for update", (held["id"],))
    # The first use writes its last-used time, which waits for that row as well.
    assert gateway.request("GET", WHOAMI, held["token"]).status == 200
    waiting = pool.submit(revoke, gateway, world, held, other_admin)
    eventually(lambda: world.waiters() == 2, "did the revoke and the last-used time wait")
    answer, _ = revoke(gateway, world, world.new_token())
    assert answer.status == 200
    assert not waiting.done(), "it was not waited for"
    session.rollback()
    assert waiting.result()[0].status == 200


def deadlocked(world, gateway, session, pool):
    """The operator has the log's lock and then wants the token that somebody revokes: the wrong way round. The token; None when
    the operator came later than the one time, a second after its wait began, that PostgreSQL looked for a deadlock."""
    token = world.new_token()
    execute(session, LOCK_OF_THE_LOG)
    revoking = pool.submit(revoke, gateway, world, token)
    eventually(lambda: world.waiters() > 0, "did the revoke wait")
    execute(session, "update skillreg.api_token set name = 'second' where id = %s", (token["id"],))
    session.commit()
    answer, took_s = revoking.result()
    if gateway.metric("changes_repeated_total") == 0:
        assert_waited(answer, took_s)
        return None
    assert answer.status == 200, answer.body
    return token


def test_a_deadlock_with_an_operator_is_tried_again(world, gateway, session, pool):
    execute(session, "set deadlock_timeout = '%ds'" % PATIENCE_S)  # so that it is the gateway's change that is undone
    session.commit()
    second = eventually(lambda: deadlocked(world, gateway, session, pool), "was there a deadlock")
    assert gateway.request("GET", WHOAMI, second["token"]).status == 401
    assert world.postgres.query("select name from skillreg.api_token where id = %s", (second["id"],)) == [("second",)]


ATTACKS = ("select from skillreg.log_lock for update", "update skillreg.log_lock set taken_at = now()",
           "lock table skillreg.log_lock in access exclusive mode", "lock table skillreg.api_token in share mode",
           "select from skillreg.api_token for update", "select skillreg.log_take_turn()")


def test_a_role_without_rights_holds_up_nobody(world, gateway):
    """What any role that may connect can do: advisory locks, those of older versions too, and attempts at ours."""
    world.postgres.query("create role nobody login password 'nobody'")
    attacker = psycopg2.connect(world.postgres.url.replace("skillreg:" + world.postgres.password, "nobody:nobody"))
    try:
        for attack in ATTACKS:
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                execute(attacker, attack)
            attacker.rollback()
        execute(attacker, "select pg_advisory_lock(n) from unnest(array[7311583425291, 7311583425292, 7311583425293]) n")
        answers = [revoke(gateway, world, world.new_token()) for _ in range(5)]
        assert [answer.status for answer, _ in answers] == [200] * 5
        assert world.waiters() == 0
    finally:
        attacker.close()
        world.postgres.query("drop role nobody")

# SPDX-License-Identifier: MIT
"""PostgreSQL not there, frozen, crashed, back, full, without the schema: the gateway answers 503 with Retry-After
where it cannot know, never 401 or 403, and never lets anyone pass; it recovers by itself."""
import concurrent.futures
import re
import time

import pytest

from harness import token_syntax
from harness.gateway import Gateway, Operator
from harness.http_client import assert_error_shape, bearer, format_request
from harness.postgres import Postgres
from harness.waiting import eventually

WHOAMI = "/api/v1/auth/whoami"


class World:
    """A PostgreSQL that may be broken, with one organisation."""

    def __init__(self, directory):
        self.postgres = Postgres().create().start()
        self.operator = Operator(self.postgres.url, directory)
        self.operator.migrate()
        self.operator.create_org("acme")
        self.read = self.operator.create_token("acme", "reader", "read")["token"]
        self.admin = self.operator.create_token("acme", "boss", "admin")["token"]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    own = None
    try:
        own = World(tmp_path_factory.mktemp("faults"))
        yield own
    finally:
        if own:
            own.postgres.destroy()


@pytest.fixture
def database(world):
    """Running before and after each test, whatever happens in it."""
    if world.postgres.popen is None:
        world.postgres.start()
    yield world.postgres
    world.postgres.thaw()
    if world.postgres.popen is None:
        world.postgres.start()


@pytest.fixture
def start(world, tmp_path, start_upstream):
    started = []

    def call(*flags, ready=True):
        # Without the cache: what the stale policy lets known tokens do is test_cache.py's.
        own = Gateway(tmp_path, f"gateway-{len(started)}", database_url=world.postgres.url,
                      upstream=start_upstream().url, flags=("--cache-entries", "0", *flags))
        started.append(own)
        return own.wait_until_ready() if ready else own

    yield call
    for own in started:
        if own.process.is_running():
            own.stop()


def assert_unknown(response):
    assert response.status == 503, f"{response.status} {response.body}"
    assert_error_shape(response)
    assert response.error_code == "unavailable"
    assert re.fullmatch(r"[1-9][0-9]*", response.get("retry-after"))


def at_once(gateway, requests):
    """Each on a connection of its own, all in flight together: each may wait for the deadline of a query."""
    connections = [gateway.connect() for _ in requests]
    for connection, request in zip(connections, requests):
        connection.send(request)
    answers = [connection.read_response() for connection in connections]
    for connection in connections:
        connection.close()
    return answers


def assert_gateway_knows_nothing(gateway, world):
    """Every request that needs the database; and those that do not."""
    unanswerable = [
        format_request("GET", WHOAMI, bearer(world.read)),
        format_request("GET", WHOAMI, bearer(token_syntax.make())),
        format_request("GET", "/api/v1/orgs/acme/skills", bearer(world.read)),
        format_request("GET", "/api/v1/orgs/globex/skills", bearer(world.read)),
        format_request("GET", "/api/v1/orgs/acme/tokens", bearer(world.admin)),
        format_request("POST", "/api/v1/orgs/acme/tokens", [*bearer(world.admin), ("Content-Type", "application/json")],
                       b'{"name":"x"}'),
        format_request("GET", "/api/v1/search?q=x", bearer(world.read)),
    ]
    for answer in at_once(gateway, unanswerable):
        assert_unknown(answer)
    assert gateway.request("GET", WHOAMI).status == 401, "no token is known to be no token"
    assert gateway.request("GET", WHOAMI, "nonsense").status == 401
    assert gateway.request("GET", "/api/v1/nowhere", world.read).status == 404
    assert gateway.request("GET", "/api/v1/public/skills").status == 200, "open routes need no database"


def assert_recovers(gateway, world):
    eventually(lambda: gateway.request("GET", WHOAMI, world.read).status == 200, "did the gateway recover")
    eventually(gateway.is_ready, "was it ready again")
    assert gateway.request("GET", WHOAMI, token_syntax.make()).status == 401
    # Changes have connections of their own, which may come back later than those that readiness is about.
    eventually(lambda: gateway.request("POST", "/api/v1/orgs/acme/tokens", world.admin, json_body={"name": "after"}).status == 201,
               "could tokens be made again")


def test_not_there_at_start(world, database, start):
    database.stop()
    own = start(ready=False)
    assert own.admin_get("/healthz").status == 200, "alive"
    assert own.admin_get("/readyz").status == 503, "not ready"
    assert_gateway_knows_nothing(own, world)
    lines = [line for line in own.process.lines() if re.search(r" (warning|error) ", line)]
    assert lines, "the log says why"
    database.start()
    assert_recovers(own, world)


def test_the_reason_is_logged_once_not_each_time(world, database, start):
    database.stop()
    own = start(ready=False)
    own.process.wait_for_line(r" (warning|error) .*(connect|socket|database)")
    for answer in at_once(own, [format_request("GET", WHOAMI, bearer(world.read))] * 20):
        assert_unknown(answer)
    complaints = [line for line in own.process.lines() if re.search(r" (warning|error) db ", line)]
    assert len(complaints) <= 3, "\n".join(complaints)


def test_crash_and_return(world, database, start):
    own = start()
    assert own.request("GET", WHOAMI, world.read).status == 200
    database.crash()
    eventually(lambda: not own.is_ready(), "did it notice")
    assert_gateway_knows_nothing(own, world)
    database.start()
    assert_recovers(own, world)


def test_fast_shutdown_and_return(world, database, start):
    own = start()
    assert own.request("GET", WHOAMI, world.read).status == 200
    database.stop()
    eventually(lambda: not own.is_ready(), "did it notice")
    assert_gateway_knows_nothing(own, world)
    database.start()
    assert_recovers(own, world)


def test_frozen(world, database, start):
    """Nothing answers and nothing closes: the deadline of a query ends the waiting."""
    own = start("--database-connections", "2")
    assert own.request("GET", WHOAMI, world.read).status == 200
    database.freeze()
    connections = [own.connect() for _ in range(6)]
    for connection in connections:
        connection.send(format_request("GET", WHOAMI, bearer(world.read)))
    assert own.request("GET", WHOAMI).status == 401, "the loop goes on meanwhile"
    assert own.admin_get("/healthz").status == 200
    for connection in connections:
        assert_unknown(connection.read_response())
        connection.close()
    database.thaw()
    assert_recovers(own, world)


EXPECTED_S = 1  # a lookup waits so long for a connection that is on its way


def assert_never_refused_at_once(gateway, world, since):
    """A good token: let in, unless the machine takes longer for a connection than lookups wait: from the end of the last one on, which
    is after `since`."""
    status = gateway.request("GET", WHOAMI, world.read).status
    assert status == 200 or (status == 503 and time.monotonic() - since > EXPECTED_S * 0.9), status
    return status


def test_connections_cut_by_the_administrator(world, database, start):
    """SQLSTATE 57P01 on every connection, of a server that is there: a lookup waits for the next one, and is asked again where
    its own was cut."""
    own = start()
    statuses = []
    ready = own.metric("database_connections_ready")
    for _ in range(5):
        eventually(lambda: own.metric("database_connections_ready") >= ready, "did the connections come back")
        since = time.monotonic()
        database.query("select pg_terminate_backend(pid) from pg_stat_activity"
                       " where pid <> pg_backend_pid() and backend_type = 'client backend'")
        statuses += [assert_never_refused_at_once(own, world, since) for _ in range(5)]
    assert statuses.count(200) > len(statuses) / 2, statuses
    assert_recovers(own, world)


def test_connections_that_idled_too_long(world, database, tmp_path):
    """SQLSTATE 57P05 on every connection, again and again; no request is about them."""
    own = Gateway(tmp_path, "gateway", database_url=world.postgres.url + "&options=-c%20idle_session_timeout%3D700",
                  flags=("--cache-entries", "0"))
    try:
        own.wait_until_ready()
        for _ in range(3):
            ended = own.metric("database_disconnects_total")
            looks = [time.monotonic()]

            def have_ended(ended=ended, looks=looks):
                looks.append(time.monotonic())
                return own.metric("database_disconnects_total") >= ended + 4

            eventually(have_ended, "did connections end")
            for _ in range(5):
                assert_never_refused_at_once(own, world, looks[-2])  # when not all had ended
    finally:
        own.stop()


def test_schema_missing(world, database, start, tmp_path):
    database.query("create database empty")
    own = Gateway(tmp_path, "no-schema", database_url=database.url_of("empty"))
    try:
        assert own.request("GET", WHOAMI).status == 401
        assert_unknown(own.request("GET", WHOAMI, world.read))
        assert own.admin_get("/readyz").status == 503
        own.process.wait_for_line(r" (warning|error) .*(migrate|schema|relation)")
        Operator(database.url_of("empty"), tmp_path).migrate()
        eventually(lambda: own.request("GET", WHOAMI, world.read).status == 401, "did it find the schema")
    finally:
        own.stop()


def test_wrong_password(world, database, tmp_path):
    own = Gateway(tmp_path, "wrong-password", database_url=database.url.replace(database.password, "not-the-password"))
    try:
        own.process.wait_for_line(r" (warning|error) .*(password|authentication)")
        assert_unknown(own.request("GET", WHOAMI, world.read))
        assert own.admin_get("/readyz").status == 503
        assert "not-the-password" not in own.log()
    finally:
        own.stop()


def test_newer_schema(world, database, tmp_path):
    """During a rolling update the old program runs on the schema of the new one; it just cannot migrate any more."""
    database.query("create database newer")
    operator = Operator(database.url_of("newer"), tmp_path)
    operator.migrate()
    operator.create_org("acme")
    token = operator.create_token("acme", "reader", "read")["token"]
    database.query("insert into skillreg.migration select 9999, '9999_later', checksum from skillreg.migration limit 1",
                   database="newer")
    own = Gateway(tmp_path, "old-program", database_url=database.url_of("newer"))
    try:
        assert own.wait_until_ready().request("GET", WHOAMI, token).status == 200
        refused = operator.run("migrate")
        assert refused.returncode == 1 and "newer" in refused.stderr, refused.stderr
    finally:
        own.stop()


def test_out_of_connections(world, database, tmp_path):
    """SQLSTATE 53300 for every attempt, until there is room again."""
    for statement in ("create role crowd login password 'crowd' connection limit 0",
                      "grant usage on schema skillreg to crowd",
                      "grant all on all tables in schema skillreg to crowd",
                      "grant all on all sequences in schema skillreg to crowd"):
        database.query(statement)
    own = Gateway(tmp_path, "crowd", database_url=database.url.replace(f"skillreg:{database.password}", "crowd:crowd"),
                  upstream=None)
    try:
        own.process.wait_for_line(r" (warning|error) .*too many connections")
        for answer in at_once(own, [format_request("GET", WHOAMI, bearer(world.read))] * 20):
            assert_unknown(answer)
        assert own.admin_get("/readyz").status == 503
        complaints = [line for line in own.process.lines() if re.search(r" (warning|error) db ", line)]
        assert len(complaints) <= 3, "\n".join(complaints)
        database.query("alter role crowd connection limit -1")
        assert_recovers(own, world)
    finally:
        own.stop()


@pytest.fixture
def demoted(tmp_path):
    """For one test alone: whatever happens in it, no other meets a server in recovery."""
    own = None
    try:
        own = World(tmp_path)
        yield own
    finally:
        if own:
            own.postgres.destroy()


def create_until_heard(gateway, world):
    """The last of the tokens it took until the gateway heard of one: by the log a standby is measured, and without it never
    believed."""
    tokens = []

    def is_heard():
        tokens.append(gateway.request("POST", "/api/v1/orgs/acme/tokens", world.admin, json_body={"name": "replayed"}).json())
        return gateway.metric("events_applied_total") > 0

    eventually(is_heard, "did the gateway hear of a token")
    return tokens[-1]


def assert_lives_through_recovery(own, world):
    database, token = world.postgres, create_until_heard(own, world)
    database.stop()
    standby_signal = database.data / "standby.signal"
    standby_signal.touch()
    database.start()
    eventually(lambda: own.request("GET", WHOAMI, token["token"]).status == 200, "was a token read from the standby")
    answer = own.request("POST", "/api/v1/orgs/acme/tokens", world.admin, json_body={"name": "x"})
    assert_unknown(answer)
    assert own.request("GET", WHOAMI, token_syntax.make()).status in (401, 503)
    eventually(lambda: own.metric("last_used_flush_failures_total") >= 1, "did a flush fail")
    database.query("select pg_promote()")
    assert not standby_signal.exists()
    assert_recovers(own, world)
    eventually(lambda: database.query("select last_used_at from skillreg.api_token where id = %s", (token["id"],))[0][0],
               "was the use written after the promotion")


def test_recovery(demoted, tmp_path, upstream):
    """A server that replays its log reads and does not write, as a standby, or a primary that was demoted: what can be known is
    told, what needs a write is 503 and never lost, and once it is promoted all goes on."""
    own = Gateway(tmp_path, "gateway", database_url=demoted.postgres.url, upstream=upstream.url, flags=[
        "--cache-entries", "0", "--last-used-interval", "100ms", "--last-used-resolution", "0s"])
    try:
        own.wait_until_ready()
        assert_lives_through_recovery(own, demoted)
    finally:
        own.stop()


def test_read_only_database_still_decides(world, database, start):
    own = start("--last-used-interval", "100ms")
    database.query("alter system set default_transaction_read_only = on")
    database.query("select pg_reload_conf()")
    try:
        database.query("select pg_terminate_backend(pid) from pg_stat_activity"
                       " where pid <> pg_backend_pid() and backend_type = 'client backend'")
        eventually(lambda: own.request("GET", WHOAMI, world.read).status in (200, 503), "did it answer")
        answer = own.request("POST", "/api/v1/orgs/acme/tokens", world.admin, json_body={"name": "x"})
        assert answer.status == 503, answer.body
    finally:
        connection = database.connect()
        with connection.cursor() as cursor:
            cursor.execute("set default_transaction_read_only = off")
            cursor.execute("alter system reset default_transaction_read_only")
            cursor.execute("select pg_reload_conf()")
        connection.close()
    assert_recovers(own, world)


@pytest.fixture
def full_disk(database):
    """Makes changes of a table fail as a full disk does; how often, says what it returns. Until the end of the test, or mend()."""
    tables = []

    def fill(table, when):
        tables.append(table)
        database.query(f"create trigger refuse before {when} on {table} for each row execute function skillreg.refuse()")
        return lambda: database.query("select last_value from skillreg.refused")[0][0]

    def mend():
        while tables:
            database.query(f"drop trigger refuse on {tables.pop()}")

    database.query("create sequence skillreg.refused")
    database.query("create function skillreg.refuse() returns trigger language plpgsql as"
                   " $$ begin perform nextval('skillreg.refused'); raise exception 'no space left' using errcode = '53100'; end $$")
    fill.mend = mend
    yield fill
    mend()
    database.query("drop function skillreg.refuse()")
    database.query("drop sequence skillreg.refused")


def lines_with(gateway, text):
    return [line for line in gateway.process.lines() if text in line]


def test_last_used_survives_an_outage(world, database, start, full_disk):
    own = start("--last-used-interval", "100ms")
    token = own.request("POST", "/api/v1/orgs/acme/tokens", world.admin, json_body={"name": "kept"}).json()
    refused = full_disk("skillreg.api_token", "update of last_used_at")
    assert own.request("GET", WHOAMI, token["token"]).status == 200
    eventually(lambda: refused() >= 5 and own.metric("last_used_flush_failures_total") >= 5, "did flushes fail")
    assert len(lines_with(own, "sqlstate=53100")) == 1, own.log()
    full_disk.mend()
    eventually(lambda: database.query("select last_used_at from skillreg.api_token where id = %s", (token["id"],))[0][0],
               "was the use written after the outage")
    own.process.wait_for_line(r"statement runs again .*sqlstate=53100 refused=[0-9]+")
    assert len(lines_with(own, "sqlstate=53100")) == 2, own.log()


def test_a_full_disk_under_the_heartbeats_is_logged_once(world, database, start, full_disk):
    """Each refusal ends the listener's connection, and each new connection comes as far as the next one."""
    own = start()
    refused = full_disk("skillreg.gateway", "insert or update")
    eventually(lambda: refused() >= 6, "were heartbeats refused")
    assert len(lines_with(own, "the event listener has no connection")) == 1, own.log()
    assert len(lines_with(own, "the event listener is connected")) <= 1, own.log()
    assert own.request("GET", WHOAMI, world.read).status == 200
    full_disk.mend()
    assert_recovers(own, world)


def test_client_that_left_while_the_database_hung(world, database, start):
    own = start()
    database.freeze()
    for _ in range(20):
        connection = own.connect()
        connection.send(format_request("GET", WHOAMI, bearer(world.read)))
        connection.reset()
    database.thaw()
    assert_recovers(own, world)
    eventually(lambda: own.metric("connections_open") <= 2, "were the connections freed")


def test_many_migrations_at_once(database, tmp_path):
    """Ten replicas start together."""
    database.query("create database crowded")
    operator = Operator(database.url_of("crowded"), tmp_path)
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        runs = list(pool.map(lambda _: operator.run("migrate"), range(10)))
    assert [run.returncode for run in runs] == [0] * 10, [run.stderr for run in runs]
    versions = database.query("select number from skillreg.migration", database="crowded")
    assert len(versions) == len(set(versions)) >= 1

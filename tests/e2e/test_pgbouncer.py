# SPDX-License-Identifier: MIT
"""PgBouncer in transaction mode before the database, and the log of changes over a direct URL, as docs/running.md has it: with
prepared statements kept for their clients (1.21 or newer), and without. Each statement may meet another server."""
import concurrent.futures
import re

import pytest

from harness.gateway import Gateway, Operator
from harness.http_client import bearer, format_request
from harness.pgbouncer import PgBouncer
from harness.postgres import Postgres
from harness.proxies import find_or_skip
from harness.waiting import eventually

WHOAMI = "/api/v1/auth/whoami"
TOKENS = "/api/v1/orgs/acme/tokens"


class World:
    """A PostgreSQL with one organisation, all of it made through PgBouncer."""

    def __init__(self, postgres, pooler, directory):
        self.postgres = postgres
        self.pooler = pooler
        self.operator = Operator(pooler.url(), directory)
        self.operator.migrate()
        self.operator.create_org("acme")
        self.admin = self.operator.create_token("acme", "boss", "admin")["token"]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    find_or_skip("pgbouncer")
    postgres = Postgres()
    pooler = None
    try:
        postgres.create().start()
        pooler = PgBouncer(postgres)
        yield World(postgres, pooler, tmp_path_factory.mktemp("pgbouncer"))
    finally:
        if pooler:
            pooler.stop()
        postgres.destroy()


@pytest.fixture(params=["kept", "not kept"])
def statements(request, world):
    """Whether PgBouncer keeps prepared statements for its clients."""
    settings = []
    if world.pooler.keeps_statements():
        settings = ["max_prepared_statements = " + ("200" if request.param == "kept" else "0")]
    elif request.param == "kept":
        pytest.skip("this PgBouncer is older than 1.21 and keeps no prepared statements")
    world.pooler.configure(*settings)
    world.pooler.command("RELOAD")
    return request.param


@pytest.fixture
def start(world, tmp_path):
    started = []

    def call(*flags, events=world.postgres.url):
        own = Gateway(tmp_path, f"gateway-{len(started)}", database_url=world.pooler.url(),
                      flags=("--last-used-interval", "100ms", *flags), env={"GATEWAY_DATABASE_EVENTS_URL": events})
        started.append(own)
        return own.wait_until_ready()

    yield call
    for own in started:
        own.stop()


def create(gateway, world, name):
    answer = gateway.request("POST", TOKENS, world.admin, json_body={"name": name, "scopes": ["read"]})
    assert answer.status == 201, answer.body
    return answer.json()


def whoami(gateway, secret):
    return gateway.request("GET", WHOAMI, secret).status


def assert_recovers(gateway, world):
    eventually(lambda: whoami(gateway, world.admin) == 200, "did the gateway recover")
    token = create(gateway, world, "after")
    assert whoami(gateway, token["token"]) == 200
    assert gateway.request("DELETE", f"{TOKENS}/{token['id']}", world.admin).status == 200
    assert whoami(gateway, token["token"]) == 401


def test_tokens_live_and_die_through_it(world, statements, start):
    first, second = start(), start()
    for turn in range(3):
        token = create(first, world, f"made-{turn}")
        assert whoami(first, token["token"]) == whoami(second, token["token"]) == 200
        eventually(lambda: world.postgres.query("select last_used_at from skillreg.api_token where id = %s", (token["id"],))[0][0],
                   "was its use written")
        revoked = second.request("DELETE", f"{TOKENS}/{token['id']}?wait=30s", world.admin)
        assert revoked.status == 200 and revoked.json()["gateways"] == 2, revoked.body
        assert whoami(first, token["token"]) == whoami(second, token["token"]) == 401


def test_many_at_once_are_all_answered(world, statements, start):
    """Without a cache each is a lookup, four connections take turns on two servers, and none of it is refused."""
    own = start("--cache-entries", "0")

    def ask(_):
        with own.connect() as connection:
            return [connection.request("GET", WHOAMI, bearer(world.admin)).status for _ in range(25)]

    with concurrent.futures.ThreadPoolExecutor(12) as clients:
        answers = [status for statuses in clients.map(ask, range(12)) for status in statuses]
    assert set(answers) == {200}
    complaints = [line for line in own.process.lines()
                  if re.search(r" (warning|error) db ", line) and "a setting of the role" not in line]
    assert ["keeps no prepared statements" in line for line in complaints] == ([] if statements == "kept" else [True])


def test_it_is_restarted(world, statements, start):
    own = start("--cache-entries", "0")
    world.pooler.stop()
    eventually(lambda: not own.has_database(), "did it notice")
    assert whoami(own, world.admin) == 503
    world.pooler.start()
    assert_recovers(own, world)


def test_it_is_paused_and_goes_on(world, statements, start):
    """Who asks meanwhile waits."""
    own = start("--cache-entries", "0")
    with own.connect() as connection:
        world.pooler.command("PAUSE")
        try:
            connection.send(format_request("GET", WHOAMI, bearer(world.admin)))
            eventually(lambda: own.metric("database_queries_waiting") > 0, "did the lookup leave")
        finally:
            world.pooler.command("RESUME")
        assert connection.read_response().status == 200


@pytest.mark.parametrize("command", ["RELOAD", "RECONNECT"])
def test_its_administrator_disturbs_nobody(world, statements, start, command):
    own = start("--cache-entries", "0")
    assert whoami(own, world.admin) == 200
    world.pooler.command(command)
    assert [whoami(own, world.admin) for _ in range(20)] == [200] * 20


def test_its_administrator_kills_all_connections(world, statements, start):
    own = start("--cache-entries", "0")
    assert whoami(own, world.admin) == 200
    world.pooler.command("KILL postgres")
    try:
        eventually(lambda: not own.has_database(), "did it notice")
        assert whoami(own, world.admin) == 503
    finally:
        world.pooler.command("RESUME postgres")
    assert_recovers(own, world)


def test_the_log_of_changes_through_it_is_heard_by_polling(world, statements, start):
    """Without a direct URL notifications go astray; the promise of a second holds."""
    first, second = start(events=world.pooler.url()), start(events=world.pooler.url())
    token = create(first, world, "polled")
    assert whoami(first, token["token"]) == whoami(second, token["token"]) == 200
    assert first.request("DELETE", f"{TOKENS}/{token['id']}", world.admin).status == 200
    assert whoami(first, token["token"]) == 401
    eventually(lambda: whoami(second, token["token"]) == 401, "did the other one hear of it")

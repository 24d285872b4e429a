# SPDX-License-Identifier: MIT
"""What a gateway remembers of tokens, with the database there and with the database away: known tokens go on for a time by the
scope they need, nobody is refused because of an outage, and nobody is let in by one."""
import datetime
import re
import time

import pytest

from harness import token_syntax
from harness.gateway import Gateway, Operator
from harness.http_client import assert_error_shape, bearer, format_request
from harness.postgres import Postgres
from harness.waiting import eventually

WHOAMI = "/api/v1/auth/whoami"
TOKENS = "/api/v1/orgs/acme/tokens"
# A short lease, so that the stale policy begins at once; the log is heard every second, so a shorter one ends in between.
LEASE_S = 1.2
LEASE = ("--freshness-lease", f"{LEASE_S * 1000:.0f}ms")


class World:
    """A PostgreSQL that may be stopped, with one organisation."""

    def __init__(self, directory):
        self.postgres = Postgres().create().start()
        self.operator = Operator(self.postgres.url, directory)
        self.operator.migrate()
        self.operator.create_org("acme")
        self.read, self.write, self.admin, self.unseen = (
            self.operator.create_token("acme", name, scope)["token"]
            for name, scope in (("reader", "read"), ("writer", "write"), ("boss", "admin"), ("unseen", "read")))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    own = None
    try:
        own = World(tmp_path_factory.mktemp("cache"))
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
def start(world, database, tmp_path, upstream):
    """A gateway that follows the log: what it looks up from then on it keeps. It has done so with the admin token."""
    started = []

    def call(*flags, caches=True, env=None):
        own = Gateway(tmp_path, f"gateway-{len(started)}", database_url=database.url, upstream=upstream.url, flags=flags, env=env)
        started.append(own)
        own.wait_until_ready()
        if caches:
            eventually(lambda: whoami(own, world.admin) == 200 and own.metric("cache_hits_total") > 0, "did it remember")
        return own

    yield call
    database.thaw()
    if database.popen is None:
        database.start()  # where a gateway signs off, or the next revoke waits for it
    for own in started:
        own.stop()


def whoami(gateway, token):
    return gateway.request("GET", WHOAMI, token).status


def read(gateway, token):
    return gateway.request("GET", "/api/v1/orgs/acme/skills", token)


def write(gateway, token):
    return gateway.request("POST", "/api/v1/orgs/acme/skills", token, json_body={})


def administer(gateway, token):
    return gateway.request("DELETE", "/api/v1/orgs/acme/skills/x", token)


def warm(gateway, world):
    """All but `unseen` are known."""
    assert [read(gateway, world.read).status, write(gateway, world.write).status,
            administer(gateway, world.admin).status] == [200, 200, 200]


def assert_unknown(response):
    assert response.status == 503, f"{response.status} {response.body}"
    assert_error_shape(response)
    assert response.error_code == "unavailable"
    assert re.fullmatch(r"[1-9][0-9]*", response.get("retry-after"))


def lose(gateway, database, world):
    """The database is stopped, and that is longer ago than the lease."""
    database.stop()
    eventually(lambda: administer(gateway, world.admin).status == 503, "did the lease end")


def create_and_hear(gateway, world, **more):
    """The secret of a new token, once the gateway has heard of it: it is looked up anew then, and the log was heard after this was
    called."""
    heard = gateway.metric("events_applied_total")
    made = gateway.request("POST", TOKENS, world.admin, json_body={"name": "heard of", **more})
    assert made.status == 201, made.body
    eventually(lambda: gateway.metric("events_applied_total") > heard, "did it hear of the token")
    return made.json()["token"]


def assert_recovers(gateway, world):
    eventually(lambda: administer(gateway, world.admin).status == 200, "did it recover")
    eventually(lambda: whoami(gateway, token_syntax.make()) == 401, "did it look up again")
    assert whoami(gateway, world.unseen) == 200


# ---- the database there -----------------------------------------------------------------------------------------

def counts(gateway):
    return tuple(gateway.metric(f"{name}_total") for name in ("lookups", "cache_hits", "cache_misses"))


def test_a_known_token_is_answered_from_memory(world, start):
    own = start()
    lookups, hits, misses = counts(own)
    assert [whoami(own, world.read) for _ in range(20)] == [200] * 20
    assert counts(own) == (lookups + 1, hits + 19, misses + 1)
    assert own.metric("cache_entries") == 2
    assert own.metric("cache_bytes") > 0


def test_an_unknown_token_is_looked_up_once(world, start):
    own = start()
    lookups, hits, misses = counts(own)
    unknown = token_syntax.make()
    assert [whoami(own, unknown) for _ in range(20)] == [401] * 20
    assert counts(own) == (lookups + 1, hits + 19, misses + 1)
    assert own.metric("cache_negative_entries") == 1


def test_what_is_remembered_is_the_token_and_not_the_verdict(world, start):
    own = start()
    lookups, _, _ = counts(own)
    assert [read(own, world.read).status, write(own, world.read).status, administer(own, world.read).status] == [200, 403, 403]
    assert own.request("GET", "/api/v1/orgs/globex/skills", world.read).status == 403
    assert read(own, world.read).status == 200
    assert counts(own)[0] == lookups + 1


def test_without_a_cache_the_database_is_asked_each_time(world, start, database):
    own = start("--cache-entries", "0", caches=False)
    assert [whoami(own, world.read) for _ in range(5)] == [200] * 5
    assert [whoami(own, token_syntax.make()) for _ in range(2)] == [401] * 2
    assert counts(own) == (7, 0, 7)
    assert own.metric("cache_entries") == own.metric("cache_negative_entries") == 0
    database.stop()
    eventually(lambda: whoami(own, world.read) == 503, "did it notice")


def test_the_cache_is_bounded_and_bad_tokens_evict_no_good_one(world, start):
    own = start("--cache-entries", "3", "--cache-negative-entries", "10")
    assert [whoami(own, world.read), whoami(own, world.write)] == [200, 200]
    for _ in range(50):
        assert whoami(own, token_syntax.make()) == 401
    lookups, _, _ = counts(own)
    assert [whoami(own, world.read), whoami(own, world.write), whoami(own, world.admin)] == [200] * 3
    assert counts(own)[0] == lookups
    assert (own.metric("cache_entries"), own.metric("cache_negative_entries")) == (3, 10)
    assert whoami(own, world.unseen) == 200
    assert own.metric("cache_entries") == 3


def test_no_request_of_a_busy_token_waits(world, start):
    """Refreshed in the background, well before its time to live ends: a second before, in which a request must come."""
    own = start("--cache-ttl", "4s")
    _, _, misses = counts(own)
    refreshes = own.metric("cache_refreshes_total") + 2
    eventually(lambda: whoami(own, world.read) == 200 and own.metric("cache_refreshes_total") >= refreshes,
               "were there refreshes")
    assert counts(own)[2] == misses + 1


# ---- the database away ------------------------------------------------------------------------------------------

def test_known_tokens_go_on_by_their_scope(world, start, database):
    own = start(*LEASE)
    warm(own, world)
    lose(own, database, world)
    assert read(own, world.read).status == 200
    assert write(own, world.write).status == 200
    assert read(own, world.admin).status == 200, "what the route needs counts, not what the token has"
    assert_unknown(administer(own, world.admin))
    assert_unknown(own.request("GET", TOKENS, world.admin))
    assert_unknown(read(own, token_syntax.make()))
    assert_unknown(read(own, world.unseen))
    assert write(own, world.read).status == 403
    assert own.request("GET", "/api/v1/orgs/globex/skills", world.read).status == 403
    assert read(own, None).status == 401 and read(own, "nonsense").status == 401
    assert own.metric("cache_stale_total") >= 5
    database.start()
    assert_recovers(own, world)


def test_within_the_lease_nothing_is_noticed(world, start, database):
    own = start()
    warm(own, world)
    database.crash()
    assert [read(own, world.read).status, write(own, world.write).status, administer(own, world.admin).status] == [200] * 3
    assert own.metric("cache_stale_total") == 0


def test_a_database_that_hangs(world, start, database):
    """Every connection stands and nothing answers: who must ask waits for the deadline of a query, once; everybody at once."""
    own = start(*LEASE)
    warm(own, world)
    database.freeze()
    frozen = time.monotonic()
    eventually(lambda: time.monotonic() - frozen > LEASE_S, "did the lease end")
    asked = [("GET", "/api/v1/orgs/acme/skills", world.read), ("POST", "/api/v1/orgs/acme/skills", world.write),
             ("DELETE", "/api/v1/orgs/acme/skills/x", world.admin), ("GET", WHOAMI, token_syntax.make()),
             ("GET", WHOAMI, world.unseen)]
    connections = [own.connect() for _ in asked]
    for connection, (method, target, token) in zip(connections, asked):
        connection.send(format_request(method, target, bearer(token)))
    answers = [connection.read_response() for connection in connections]
    for connection in connections:
        connection.close()
    assert [answer.status for answer in answers] == [200, 200, 503, 503, 503]
    for answer in answers[2:]:
        assert_unknown(answer)
    database.thaw()
    assert_recovers(own, world)


def statuses_until(gateway, token, last):
    """Of one request after the other, the first that answers `last` not among them."""
    answers = []

    def is_last():
        answers.append(whoami(gateway, token))
        return answers[-1] == last

    eventually(is_last, lambda: f"{last}: {answers[-5:]}")
    return answers[:-1]


def test_the_stale_policy_ends(world, start, database):
    own = start(*LEASE, "--stale-read", "6s", "--stale-write", "1500ms")
    warm(own, world)
    began = time.monotonic()  # the time counts from when the log was heard
    create_and_hear(own, world)
    database.stop()
    assert set(statuses_until(own, world.read, 503)) == {200}
    assert time.monotonic() - began > 5.9, "it ended before its time"
    assert_unknown(write(own, world.write))
    assert_unknown(read(own, world.read))
    database.start()
    assert_recovers(own, world)


def test_writes_go_on_for_their_own_time_and_not_for_that_of_reads(world, start, database):
    own = start(*LEASE, "--stale-read", "600s", "--stale-write", "0s")
    warm(own, world)
    lose(own, database, world)
    assert_unknown(write(own, world.write))
    assert read(own, world.read).status == 200
    database.start()
    assert_recovers(own, world)


def test_a_token_that_expires_during_an_outage_is_refused(world, start, database, wall_clock):
    own = start(*LEASE, env=wall_clock.env)
    until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=30)
    secret = create_and_hear(own, world, expiresAt=until.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z")
    assert whoami(own, secret) == 200
    lose(own, database, world)
    assert whoami(own, secret) == 200
    for seconds, status in ((25 * 60, 200), (31 * 60, 401)):
        wall_clock.move_to(seconds, own)
        assert whoami(own, secret) == status
    assert own.request("GET", WHOAMI, secret).error_code == "invalid_token"


def test_a_token_revoked_before_an_outage_stays_refused(world, start, database):
    own, other = start(*LEASE), start(*LEASE)
    made = [other.request("POST", TOKENS, world.admin, json_body={"name": "gone"}).json() for _ in range(2)]
    for gateway in (own, other):
        warm(gateway, world)
        assert [whoami(gateway, token["token"]) for token in made] == [200, 200]
    assert own.request("DELETE", f"{TOKENS}/{made[0]['id']}?wait=30s", world.admin).status == 200
    assert other.request("DELETE", f"{TOKENS}/{made[1]['id']}?wait=30s", world.admin).status == 200
    lose(own, database, world)
    lose(other, database, world)
    for gateway in (own, other):
        for token in made:
            answer = gateway.request("GET", WHOAMI, token["token"])
            assert (answer.status, answer.error_code) == (401, "invalid_token")
        assert read(gateway, world.read).status == 200
    database.start()
    assert_recovers(own, world)


def test_started_without_the_database_it_knows_nothing(world, start, database, tmp_path):
    database.stop()
    own = Gateway(tmp_path, "early", database_url=database.url)
    try:
        assert_unknown(own.request("GET", WHOAMI, world.read))
        database.start()
        eventually(lambda: whoami(own, world.read) == 200, "did it recover")
    finally:
        own.stop()

# SPDX-License-Identifier: MIT
"""Lookups that a standby answers whose replay stands still, while the log of changes comes from the primary: what it does not
know yet is *unknown*, never the *yes* or *no* of before."""
import pytest

from harness import token_syntax
from harness.gateway import Gateway, Operator
from harness.postgres import Postgres
from harness.waiting import eventually

WHOAMI = "/api/v1/auth/whoami"
TOKENS = "/api/v1/orgs/acme/tokens"


class World:
    """A primary with a gateway on it, and a standby with another gateway that has its log of changes from the primary."""

    def __init__(self, directory):
        self.gateways = []
        self.standby = None
        self.primary = Postgres()
        try:
            self.primary.create().start()
            operator = Operator(self.primary.url, directory)
            operator.migrate()
            operator.create_org("acme")
            self.admin = operator.create_token("acme", "boss", "admin")["token"]
            self.standby = self.primary.standby()
            self.writer = self.start(directory, "writer", self.primary.url)
            # Uses cannot be written there; what that does to the connections is test_database_faults.py's.
            self.reader = self.start(directory, "reader", self.standby.url, "--database-events-url", self.primary.url,
                                     "--last-used-interval", "1h")
            self.uncached = self.start(directory, "uncached", self.standby.url, "--database-events-url", self.primary.url,
                                       "--last-used-interval", "1h", "--cache-entries", "0")
        except BaseException:
            self.close()
            raise

    def start(self, directory, name, url, *flags):
        gateway = Gateway(directory, name, database_url=url, flags=flags)
        self.gateways.append(gateway)
        return gateway.wait_until_ready()

    def close(self):
        for gateway in self.gateways:
            if gateway.process.is_running():
                gateway.stop()
        if self.standby:
            self.standby.destroy()
        self.primary.destroy()

    def create(self, name="robot"):
        """Through the primary."""
        answer = self.writer.request("POST", TOKENS, self.admin, json_body={"name": name})
        assert answer.status == 201
        return answer.json()

    def revoke_everywhere(self, token):
        """Every gateway has applied it when this returns, and with it all that was before."""
        answer = self.writer.request("DELETE", f"{TOKENS}/{token['id']}?wait=30s", self.admin)
        assert answer.status == 200 and answer.json()["gateways"] == len(self.gateways), answer.body

    def pause(self):
        """What is committed from now on the standby does not know."""
        self.standby.catch_up(self.primary)
        self.standby.query("select pg_wal_replay_pause()")
        eventually(lambda: self.standby.query("select pg_get_wal_replay_pause_state()")[0][0] == "paused",
                   "did the replay pause")

    def resume(self):
        self.standby.query("select pg_wal_replay_resume()")
        self.standby.catch_up(self.primary)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    own = World(tmp_path_factory.mktemp("standby"))
    yield own
    own.close()


@pytest.fixture
def both(world):
    """The gateways whose lookups the standby answers, replaying at the start and at the end."""
    yield world.reader, world.uncached
    world.resume()


def whoami(gateway, secret):
    return gateway.request("GET", WHOAMI, secret).status


def eventually_known(gateway, secret, status):
    eventually(lambda: whoami(gateway, secret) == status, f"did the standby's gateway say {status}")


def test_a_standby_that_follows_decides(world, both):
    token = world.create()
    world.standby.catch_up(world.primary)
    for gateway in both:
        eventually_known(gateway, token["token"], 200)
        assert whoami(gateway, token_syntax.make()) == 401


def test_a_revoked_token_that_a_standby_still_has_does_not_pass(world, both):
    used, unused = world.create("used"), world.create("unused")
    world.standby.catch_up(world.primary)
    for gateway in both:
        eventually_known(gateway, used["token"], 200)
    world.pause()
    for token in (used, unused):
        world.revoke_everywhere(token)
    assert world.standby.query("select count(*) from skillreg.api_token where revoked_at is null and id in (%s, %s)",
                               (used["id"], unused["id"])) == [(2,)], "the standby holds both for live"
    assert whoami(world.reader, used["token"]) == 401, "heard of, and remembered"
    assert whoami(world.reader, unused["token"]) == 401, "heard of, and remembered"
    for token in (used, unused):
        answer = world.uncached.request("GET", WHOAMI, token["token"])
        assert answer.status == 503 and answer.get("retry-after")
    assert world.uncached.metric("lookups_behind_total") > 0
    world.resume()
    for gateway in both:
        for token in (used, unused):
            assert whoami(gateway, token["token"]) == 401


def test_a_token_that_a_standby_does_not_have_yet_is_not_refused(world, both):
    other = world.create("other")
    world.pause()
    token = world.create("fresh")
    world.revoke_everywhere(other)
    for gateway in both:
        assert whoami(gateway, token["token"]) == 503
    world.resume()
    for gateway in both:
        assert whoami(gateway, token["token"]) == 200


def test_a_known_token_goes_on_while_a_standby_lags(world, both):
    token, other = world.create("known"), world.create("other")
    world.standby.catch_up(world.primary)
    # Twice, since an entry counts only when the log was heard behind its lookup.
    eventually_known(world.reader, token["token"], 200)
    eventually(lambda: _is_a_hit(world.reader, token["token"]), "was it remembered")
    world.pause()
    world.revoke_everywhere(other)
    assert whoami(world.reader, token["token"]) == 200


def _is_a_hit(gateway, secret):
    hits = gateway.metric("cache_hits_total")
    assert whoami(gateway, secret) == 200
    return gateway.metric("cache_hits_total") > hits


def test_without_the_primary_the_standby_counts_as_the_stale_policy_says(tmp_path):
    """Last, it takes the primary away: who could say what was revoked meanwhile is gone."""
    own = World(tmp_path)
    try:
        token = own.create()
        own.standby.catch_up(own.primary)
        eventually_known(own.uncached, token["token"], 200)
        own.primary.stop()
        eventually(lambda: own.uncached.request("GET", TOKENS, own.admin).status == 503, "did an admin's token stop counting")
        assert whoami(own.uncached, token["token"]) == 200
        assert whoami(own.uncached, token_syntax.make()) == 503, "it may have been created meanwhile"
    finally:
        own.close()

# SPDX-License-Identifier: MIT
"""A primary and its streaming standby in one URL: the primary dies, the standby is promoted, the gateways follow."""
import pytest

from harness.gateway import Gateway, Operator
from harness.postgres import Postgres
from harness.waiting import eventually

WHOAMI = "/api/v1/auth/whoami"
TOKENS = "/api/v1/orgs/acme/tokens"


@pytest.fixture
def primary():
    own = Postgres()
    try:
        yield own.create().start()
    finally:
        own.destroy()


@pytest.fixture
def standby(primary):
    own = primary.standby()
    yield own
    own.destroy()


@pytest.fixture
def url(primary, standby):
    """The standby first: only target_session_attrs tells them apart."""
    return f"{standby.url},{primary.directory}&target_session_attrs=read-write"


@pytest.fixture
def gateways(url, tmp_path):
    Operator(url, tmp_path).migrate()
    started = []
    try:
        for number in range(2):
            started.append(Gateway(tmp_path, f"gateway-{number}", database_url=url, flags=("--last-used-interval", "100ms")))
        yield [own.wait_until_ready() for own in started]
    finally:
        for own in started:
            own.stop()


def create(gateway, admin, name):
    answer = gateway.request("POST", TOKENS, admin, json_body={"name": name, "scopes": ["read"]})
    return answer.json() if answer.status == 201 else None


def whoami(gateway, secret):
    return gateway.request("GET", WHOAMI, secret).status


def is_remembered(gateway, secret):
    hits = gateway.metric("cache_hits_total")
    return whoami(gateway, secret) == 200 and gateway.metric("cache_hits_total") > hits


def has_connections(gateway):
    return gateway.metric("database_connections_ready") > 0


def test_gateways_follow_the_primary(primary, standby, url, gateways, tmp_path):
    first, second = gateways
    operator = Operator(url, tmp_path)
    operator.create_org("acme")
    admin = operator.create_token("acme", "boss", "admin")["token"]
    before = create(first, admin, "before")
    for gateway in gateways:
        eventually(lambda gateway=gateway: is_remembered(gateway, before["token"]), "was the token remembered")
    standby.catch_up(primary)

    known = []  # what a token that both gateways know is told, all along

    def create_meanwhile():
        known.extend(whoami(gateway, before["token"]) for gateway in gateways)
        return create(first, admin, "after")

    primary.crash()
    eventually(lambda: not has_connections(first) and not has_connections(second), "did they notice")
    answer = first.request("POST", TOKENS, admin, json_body={"name": "lost"})
    assert answer.status == 503 and answer.error_code == "unavailable", answer.body
    assert create_meanwhile() is None
    standby.query("select pg_promote()")

    after = eventually(create_meanwhile, "did a token come of the new primary")
    assert whoami(first, after["token"]) == 200, "where changes are back, so are lookups"
    assert set(known) == {200}
    eventually(lambda: whoami(second, after["token"]) == 200, "did the other follow")
    assert [whoami(gateway, token["token"]) for gateway in gateways for token in (before, after)] == [200] * 4
    eventually(lambda: standby.query("select last_used_at from skillreg.api_token where id = %s", (after["id"],))[0][0],
               "was its use written")
    for token in (before, after):
        # the listeners have a connection of their own, with pauses of their own
        eventually(lambda: standby.query("select count(*) from skillreg.gateway where seen_at > now() - interval '2 s'") == [(2,)],
                   "did both follow the log")
        revoked = second.request("DELETE", f"{TOKENS}/{token['id']}?wait=30s", admin)
        assert revoked.status == 200 and revoked.json()["gateways"] == 2, revoked.body
        assert whoami(first, token["token"]) == whoami(second, token["token"]) == 401

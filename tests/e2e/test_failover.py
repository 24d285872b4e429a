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


def test_gateways_follow_the_primary(primary, standby, url, gateways, tmp_path):
    first, second = gateways
    operator = Operator(url, tmp_path)
    operator.create_org("acme")
    admin = operator.create_token("acme", "boss", "admin")["token"]
    before = create(first, admin, "before")
    assert whoami(first, before["token"]) == whoami(second, before["token"]) == 200
    standby.catch_up(primary)

    primary.crash()
    eventually(lambda: not first.is_ready() and not second.is_ready(), "did they notice")
    answer = first.request("POST", TOKENS, admin, json_body={"name": "lost"})
    assert answer.status == 503 and answer.error_code == "unavailable", answer.body
    standby.query("select pg_promote()")

    after = eventually(lambda: create(first, admin, "after"), "did a token come of the new primary")
    # Connections for reading have pauses of their own, besides those for changes.
    eventually(lambda: first.is_ready() and second.is_ready(), "did both follow")
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

# SPDX-License-Identifier: MIT
"""A flood of identity tokens that name keys which nobody has, at several gateways at once: their issuer is asked once a minute at most by
all together, what is remembered of the names is bounded, and the tokens of jobs are exchanged all the while, those of a new key too."""
import json
import os
import threading
import urllib.parse
import uuid

import pytest

from harness.fleet import Fleet
from harness.http_client import Connection
from harness.issuer import AUDIENCE, KEYS, Issuer, base64url, github_claims
from harness.waiting import eventually

GATEWAYS = 3
FORGED = 150  # a round and a gateway; more than the 64 names that a gateway remembers
GOOD = 4  # likewise
FORM = [("Content-Type", "application/x-www-form-urlencoded")]


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    own = Issuer(tmp_path_factory.mktemp("issuer"))
    yield own
    own.stop()


@pytest.fixture
def fleet(postgres, tmp_path, issuer):
    issuer.reset()
    own = Fleet(postgres, f"unknown_keys_{os.getpid()}", tmp_path)
    yield own
    own.stop()
    postgres.query(f"drop database {own.name} with (force)")


@pytest.fixture
def gateways(fleet, issuer):
    started = fleet.start(GATEWAYS, "--oidc-issuer", f"ci={issuer.url},kind=github,audience={AUDIENCE},ca={issuer.ca}")
    wait_for_version(started, 1)
    stop_the_clock(fleet)
    rule = {"issuer": issuer.url, "kind": "github", "conditions": {"repository": "acme/repo"}}
    answer = started[0].request("POST", "/api/v1/orgs/acme/trust", fleet.admin, json_body=rule)
    assert answer.status == 201, answer.body
    return started


def wait_for_version(gateways, version):
    for own in gateways:
        eventually(lambda own=own: f"keys of an issuer in use issuer=ci version={version} " in own.log(),
                   lambda own=own: f"did it use them:\n{own.log()}")


def stop_the_clock(fleet):
    """The minute after the last fetch does not end, however long the test takes."""
    fleet.query("update skillreg.issuer_keys set taken_at = now() + interval '1 hour'")


def pass_a_minute(fleet, issuer):
    """As if the last fetch were a minute ago, and had brought what there is; an event then makes every gateway look. It is not yet time
    for a fetch that nobody asks for."""
    fleet.query("update skillreg.issuer_keys set taken_at = now() - interval '61 seconds', fetched_at = now() - interval '61 seconds'")
    fleet.query("select skillreg.token_event_write(5, null, null, %s)", (issuer.url,))


class Forger:
    """Tokens as good ones are, but for the name of the key."""

    def __init__(self, issuer):
        self.rest = issuer.token(github_claims()).partition(".")[2]

    def token(self, kid=None):
        header = {"alg": "RS256", "typ": "JWT", "kid": kid or uuid.uuid4().hex}
        return f"{base64url(json.dumps(header).encode())}.{self.rest}"


def exchange(connection, token):
    body = urllib.parse.urlencode({"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": token,
                                   "subject_token_type": "urn:ietf:params:oauth:token-type:id_token"}).encode()
    return connection.request("POST", "/oauth2/token", FORM, body).status


def send(gateway, tokens, statuses):
    with Connection(gateway.http) as connection:
        statuses += [exchange(connection, token) for token in tokens]


def storm(gateways, issuer, forger):
    """(statuses of the forged tokens, of the good ones), sent at the same time to every gateway."""
    forged, good, threads = [], [], []
    for own in gateways:
        for tokens, statuses in (([forger.token() for _ in range(FORGED)], forged),
                                 ([issuer.token(github_claims()) for _ in range(GOOD)], good)):
            threads.append(threading.Thread(target=send, args=(own, tokens, statuses)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return forged, good


def fetches_ended(gateways):
    return sum(own.metric(f'oidc_key_fetches_total{{outcome="{outcome}"}}') for own in gateways
               for outcome in ("changed", "same", "failed"))


def test_a_flood_of_unknown_keys_costs_a_fetch_a_minute(fleet, gateways, issuer):
    forger = Forger(issuer)
    for minute in range(1, 4):
        forged, good = storm(gateways, issuer, forger)
        assert set(forged) == {503} and len(forged) == GATEWAYS * FORGED, "nobody can say yet whether there is such a key"
        assert good == [200] * (GATEWAYS * GOOD)
        assert issuer.fetches(KEYS) == minute, "this minute's fetch was made already"
        pass_a_minute(fleet, issuer)
        eventually(lambda minute=minute: fetches_ended(gateways) == minute + 1, "was the issuer asked again")
        stop_the_clock(fleet)
    assert issuer.fetches(KEYS) == 4
    assert sum(own.metric("oidc_unknown_keys_total") for own in gateways) == 3 * GATEWAYS * FORGED


def test_a_new_key_is_found_in_the_flood(fleet, gateways, issuer):
    forger = Forger(issuer)
    issuer.rotate()
    with Connection(gateways[1].http) as connection:
        assert exchange(connection, issuer.token(github_claims())) == 503
    storm(gateways, issuer, forger)  # its name is forgotten by now, the question is not
    pass_a_minute(fleet, issuer)
    wait_for_version(gateways, 2)
    stop_the_clock(fleet)
    forged, good = storm(gateways, issuer, forger)
    assert good == [200] * (GATEWAYS * GOOD) and set(forged) == {503}
    assert issuer.fetches(KEYS) == 2


def test_only_the_last_names_are_remembered(fleet, gateways, issuer):
    """Whose name is remembered is refused once the issuer was asked; whose name had to give way is a new one."""
    forger, own = Forger(issuer), gateways[0]
    names = [uuid.uuid4().hex for _ in range(65)]
    with Connection(own.http) as connection:
        assert {exchange(connection, forger.token(name)) for name in names} == {503}
        pass_a_minute(fleet, issuer)
        eventually(lambda: exchange(connection, forger.token(names[-1])) == 400, "was the issuer asked for it")
        stop_the_clock(fleet)
        assert [exchange(connection, forger.token(name)) for name in names[1:]] == [400] * 64
        assert exchange(connection, forger.token(names[0])) == 503
        assert exchange(connection, issuer.token(github_claims())) == 200
    assert issuer.fetches(KEYS) == 2

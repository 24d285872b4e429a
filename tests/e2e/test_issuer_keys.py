# SPDX-License-Identifier: MIT
"""The keys of issuers, by two gateways on one database and an issuer that answers as each test wants: one of them fetches for both;
whatever is no key set changes nothing; a rotation is seen; files are of their process alone."""
import json
import os
import signal

import pytest

from harness.fleet import Fleet
from harness.gateway import Gateway
from harness.issuer import AUDIENCE, DISCOVERY, KEYS, Issuer, Key
from harness.waiting import eventually

IN_USE = "keys of an issuer in use issuer=ci"


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    own = Issuer(tmp_path_factory.mktemp("issuer"))
    yield own
    own.stop()


@pytest.fixture
def fleet(postgres, request, tmp_path, issuer):
    issuer.reset()
    own = Fleet(postgres, f"issuers_{request.node.name.partition('[')[0][-30:]}_{os.getpid()}", tmp_path)
    yield own
    own.stop()
    postgres.query(f"drop database {own.name} with (force)")


def flag(issuer, **more):
    members = {"kind": "generic", "audience": AUDIENCE, "ca": issuer.ca, **more}
    return "--oidc-issuer", ",".join([f"ci={issuer.url}", *(f"{name.replace('_', '-')}={value}" for name, value in members.items()
                                                            if value is not None)])


def start(fleet, issuer, count=2, **more):
    started = fleet.start(count, *flag(issuer, **more))
    wait_for_version(started, 1)
    return started


def wait_for_version(gateways, version):
    for own in gateways:
        eventually(lambda own=own: f"{IN_USE} version={version} " in own.log(), lambda own=own: f"did it use them:\n{own.log()}")


def stored(fleet):
    return fleet.query("select version, keys::json, outcome from skillreg.issuer_keys")


def pass_minutes(fleet, issuer, minutes=6):
    """As if the last fetch were so long ago; an event then makes every gateway look."""
    fleet.query("update skillreg.issuer_keys set taken_at = taken_at - %s * interval '1 minute',"
                " fetched_at = fetched_at - %s * interval '1 minute'", (minutes, minutes))
    fleet.query("select skillreg.token_event_write(5, null, null, %s)", (issuer.url,))


def test_one_fetches_and_all_know(fleet, issuer):
    gateways = start(fleet, issuer, 3)
    assert (issuer.fetches(DISCOVERY), issuer.fetches(KEYS)) == (1, 1)
    assert stored(fleet) == [(1, issuer.key_set(), None)]
    assert [own.metric("oidc_issuers_without_keys") for own in gateways] == [0] * 3
    assert sum(own.metric('oidc_key_fetches_total{outcome="changed"}') for own in gateways) == 1
    late, = fleet.start(1, *flag(issuer))
    wait_for_version([late], 1)
    assert issuer.fetches(KEYS) == 1, "a newcomer takes what is there"


def test_a_rotation_is_seen_by_all(fleet, issuer):
    gateways = start(fleet, issuer)
    issuer.rotate("ES256")
    pass_minutes(fleet, issuer)
    wait_for_version(gateways, 2)
    assert issuer.fetches(KEYS) == 2 and stored(fleet) == [(2, issuer.key_set(), None)]
    assert fleet.query("select version, keys::json from skillreg.issuer_keys_change order by id")[1] == (2, issuer.key_set())
    assert f"{IN_USE} version=2 keys=2" in gateways[1].log()


def test_the_same_keys_are_nothing_new(fleet, issuer):
    gateways = start(fleet, issuer)
    pass_minutes(fleet, issuer)
    eventually(lambda: sum(own.metric('oidc_key_fetches_total{outcome="same"}') for own in gateways) == 1, "were they the same")
    assert stored(fleet)[0][0] == 1
    assert fleet.query("select fetched_at = taken_at and fetched_at > now() - interval '5 minutes' from skillreg.issuer_keys") == [(True,)]


def hang(exchange):
    exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    exchange.wait_for_close()


def reply(body, status=200, fields=()):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda exchange: exchange.reply(status, fields, data)


FAULTS = {
    "down": (KEYS, lambda exchange: exchange.reset(), "the connection closed before a response"),
    "error": (KEYS, reply(b"no", 500), "it answered 500 to the question for its keys"),
    "redirect": (KEYS, reply(b"", 302, [("Location", "https://127.0.0.1:1/keys")]),
                 "it answered 302 to the question for its keys, and redirects are not followed"),
    "empty": (KEYS, reply({"keys": []}), "its key set cannot be used: it has no usable key"),
    "garbage": (KEYS, reply(b"<html>login</html>"),
                "its key set cannot be used: it is not a JSON object in which every name is once"),
    "big": (KEYS, reply(b'{"keys":[' + b" " * (64 * 1024 + 1 - 11) + b"]}"), "its answer is longer than 64 KiB"),
    "slow": (KEYS, hang, "it did not answer whole within ten seconds"),
    "no_discovery": (DISCOVERY, reply(b"", 404), "it answered 404 to the discovery"),
    "discovery_redirect": (DISCOVERY, reply(b"", 301, [("Location", "/elsewhere")]),
                           "it answered 301 to the discovery, and redirects are not followed"),
    "other_issuer": (DISCOVERY, lambda exchange: exchange.reply(200, [], b'{"issuer": "https://evil.test", "jwks_uri": "x"}'),
                     "its discovery document names another issuer"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_no_key_set_changes_nothing(fault, fleet, issuer):
    path, behaviour, problem = FAULTS[fault]
    gateways = start(fleet, issuer)
    before = stored(fleet)
    issuer.behave(path, behaviour)
    for _ in range(2):  # and is said once
        pass_minutes(fleet, issuer)
        failed = sum(own.metric('oidc_key_fetches_total{outcome="failed"}') for own in gateways)
        eventually(lambda failed=failed: sum(own.metric('oidc_key_fetches_total{outcome="failed"}') for own in gateways) > failed,
                   "did it fail")
        if fault == "slow":
            break  # ten seconds once
    assert stored(fleet) == [(1, before[0][1], problem)]
    logs = "".join(own.log() for own in gateways)
    assert f'cannot fetch the keys of an issuer, those that there are stay issuer=ci reason="{problem}"' in logs
    assert all(own.log().count("cannot fetch the keys") <= 1 for own in gateways)
    assert fleet.query("select count(*) from skillreg.issuer_keys_change") == [(1,)]
    issuer.reset()
    issuer.rotate()
    pass_minutes(fleet, issuer)
    wait_for_version(gateways, 2)
    assert stored(fleet) == [(2, issuer.key_set(), None)]


def test_keys_on_another_host_are_named_or_not_taken(fleet, issuer, tmp_path):
    other = Issuer(tmp_path, "other")
    try:
        issuer.answer(DISCOVERY, issuer.discovery(jwks_uri=other.url + KEYS))
        own, = fleet.start(1, *flag(issuer))
        eventually(lambda: "the jwks_uri of its discovery document is on another host" in own.log(), "was it refused")
        assert not other.server.requests and own.metric("oidc_issuers_without_keys") == 1
        fleet.query("delete from skillreg.issuer_keys")
        named, = fleet.start(1, *flag(issuer, keys=other.url + KEYS, ca=other.ca))
        wait_for_version([named], 1)
        assert other.fetches(KEYS) == 1 and other.fetches(DISCOVERY) == 0
    finally:
        other.stop()


def test_an_issuer_of_an_unknown_authority_is_not_believed(fleet, issuer, certificate):
    own, = fleet.start(1, *flag(issuer, ca=certificate.cert))
    eventually(lambda: "cannot fetch the keys of an issuer" in own.log(), "was it refused")
    assert not issuer.server.requests and stored(fleet)[0][:2] == (0, None)


def test_the_bearer_file_is_read_before_each_fetch(fleet, issuer, tmp_path):
    bearer = tmp_path / "bearer"
    bearer.write_text("first.token\n")
    own, = start(fleet, issuer, 1, keys=issuer.url + KEYS, bearer_file=bearer)
    bearer.write_text("second.token")
    pass_minutes(fleet, issuer)
    eventually(lambda: own.metric('oidc_key_fetches_total{outcome="same"}') == 1, "was it fetched again")
    assert [request.get("authorization") for request in issuer.server.requests] == ["Bearer first.token", "Bearer second.token"]
    for text, problem in (("two words", "it holds a character that no token has"), ("\n", "its first line is empty")):
        bearer.write_text(text)
        failed = own.metric('oidc_key_fetches_total{outcome="failed"}')
        pass_minutes(fleet, issuer)
        eventually(lambda failed=failed: own.metric('oidc_key_fetches_total{outcome="failed"}') > failed, "did it fail")
        eventually(lambda problem=problem: f'reason="cannot use its bearer-file: {problem}"' in own.log(), "was it said")
    assert issuer.fetches(KEYS) == 2 and "second.token" not in own.log()


def test_one_that_dies_with_the_lease_holds_nobody_up_for_long(fleet, issuer):
    issuer.behave(KEYS, hang)
    dead, = fleet.start(1, *flag(issuer))
    eventually(lambda: issuer.fetches(KEYS) == 1, "did it ask")
    dead.kill()
    issuer.reset()
    heir, = fleet.start(1, *flag(issuer))
    eventually(lambda: fleet.query("select count(*) from skillreg.gateway where seen_at > now() - interval '2 seconds'")[0][0] > 0,
               "is it there")
    assert issuer.fetches(KEYS) == 0
    pass_minutes(fleet, issuer, 1)
    wait_for_version([heir], 1)


def test_keys_of_a_file_are_of_their_process_alone(fleet, issuer, tmp_path):
    path = tmp_path / "keys.json"
    path.write_text(json.dumps(issuer.key_set()))
    own, = fleet.start(1, *flag(issuer, keys=path, ca=None))
    assert own.metric("oidc_issuers_without_keys") == 0 and stored(fleet) == []

    def replace(text):
        new = tmp_path / "new.json"
        new.write_text(text)
        new.rename(path)
        os.kill(own.pid, signal.SIGHUP)

    replace(json.dumps({"keys": [issuer.keys[0].jwk(), Key(tmp_path, "b", "ES256").jwk()]}))
    eventually(lambda: f'{IN_USE} file="{path}" keys=2' in own.log(), "did it take them")
    replace("{}")
    eventually(lambda: f'cannot use the key file of an issuer, its old keys stay issuer=ci file="{path}" '
                       'reason="it has no list \\"keys\\""' in own.log(), lambda: f"did it say so:\n{own.log()}")
    assert own.metric("oidc_issuers_without_keys") == 0 and not issuer.server.requests


def test_a_start_without_usable_key_file_ends(fleet, issuer, tmp_path):
    for name, problem in (("none.json", "No such file or directory"), ("empty.json", "it is not a JSON object")):
        (tmp_path / "empty.json").write_text("")
        with pytest.raises(AssertionError):
            Gateway(tmp_path, name, database_url=fleet.database_url, flags=flag(issuer, keys=tmp_path / name, ca=None))
        log = (tmp_path / f"{name}.log").read_text()
        assert "cannot use the settings of an issuer issuer=ci" in log and problem in log


def test_a_database_that_is_away_delays_keys_and_no_more(fleet, issuer):
    gateways = start(fleet, issuer)
    with fleet.outage():
        eventually(lambda: "has no connection to PostgreSQL" in gateways[0].log(), "was it noticed")
    issuer.rotate()
    eventually(gateways[0].has_database, "did it come back")
    pass_minutes(fleet, issuer)
    wait_for_version(gateways, 2)

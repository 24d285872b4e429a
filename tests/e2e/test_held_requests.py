# SPDX-License-Identifier: MIT
"""What is taken away stays away, whoever prepared for it: bodies held back until after the revocation, changes that wait
behind it, tokens that were rotated, deleted, imported again, and the children of all of them."""
import concurrent.futures
import contextlib
import hashlib
import json
import threading

import pytest

from harness import token_syntax
from harness.command_line import CommandLine
from harness.fleet import TOKENS, WHOAMI, Fleet, status_of, statuses_of
from harness.http_client import bearer, format_request
from harness.waiting import eventually


@pytest.fixture(scope="module")
def fleet(postgres, tmp_path_factory):
    own = Fleet(postgres, "held", tmp_path_factory.mktemp("held"))
    try:
        own.start(2)
        yield own
    finally:
        own.stop()


@pytest.fixture
def gateways(fleet):
    assert all(gateway.process.is_running() for gateway in fleet.gateways)
    fleet.wait_until_heard(2)
    return fleet.gateways


@pytest.fixture
def asker(fleet, gateways):
    """An admin token that is about to lose its say, known to both."""
    made = fleet.create_token(gateways[0], scopes=["admin"])
    assert statuses_of(gateways, made["token"]) == [200, 200]
    return made


class Held:
    """A request whose head was allowed, and whose body is one byte short."""

    def __init__(self, gateway, method, target, token, body):
        self._data = format_request(method, target, [*bearer(token), ("Content-Type", "application/json"),
                                                     ("Expect", "100-continue")], body)
        self._connection = gateway.connect()
        head, _, _ = self._data.partition(b"\r\n\r\n")
        self._connection.send(head + b"\r\n\r\n")
        assert self._connection.read_response().status == 100, "the head was allowed"
        self._rest = body

    def finish(self):
        with self._connection:
            self._connection.send(self._rest)
            return self._connection.read_response()


# Ways in which the token that asks can lose its say, and what it hears then.
LOSSES = {
    "revoked": (401, "invalid_token", "revoked_at = now(), revoked_by = 'operator'"),
    "expired": (401, "invalid_token", "expires_at = now()"),
    "narrowed": (403, "insufficient_scope", "scopes = 3"),
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("what", ["create", "rotate"])
def test_a_held_body_changes_nothing_once_its_token_lost_its_say(fleet, gateways, asker, loss, what):
    status, code, change = LOSSES[loss]
    victim = fleet.create_token(gateways[0])
    target, body = {"create": (TOKENS, b'{"name":"born after the revoke","scopes":["admin"]}'),
                    "rotate": (f"{TOKENS}/{victim['id']}/rotate", b"{}")}[what]
    held = Held(gateways[0], "POST", target, asker["token"], body)
    fleet.query(f"update skillreg.api_token set {change} where id = %s", (asker["id"],))
    answer = held.finish()
    assert (answer.status, answer.error_code) == (status, code), answer.body
    assert fleet.query("select count(*) from skillreg.api_token where created_by = %s", (asker["id"],)) == [(0,)]
    assert statuses_of(gateways, victim["token"]) == [200, 200]


def test_a_held_body_after_a_revoke_that_was_confirmed_everywhere(fleet, gateways, asker):
    held = Held(gateways[1], "POST", TOKENS, asker["token"], b'{"name":"child","scopes":["admin"]}')
    assert fleet.revoke(gateways[0], asker, wait="30s").status == 200
    assert held.finish().status == 401
    assert fleet.query("select count(*) from skillreg.api_token where created_by = %s", (asker["id"],)) == [(0,)]


def test_a_held_body_of_a_token_that_still_may_is_served(fleet, gateways, asker):
    answer = Held(gateways[0], "POST", TOKENS, asker["token"], b'{"name":"child"}').finish()
    assert answer.status == 201, answer.body
    assert statuses_of(gateways, answer.json()["token"]) == [200, 200]


# ---- behind the revoke ------------------------------------------------------------------------------------------

@contextlib.contextmanager
def holding(fleet, sql, parameters=()):
    """A transaction that stays open."""
    connection = fleet.postgres.connect(fleet.name)
    try:
        with connection.cursor() as cursor:
            cursor.execute("begin")
            cursor.execute(sql, parameters)
        yield
    finally:
        connection.close()


def waiting_backends(fleet):
    return fleet.query("select count(*) from pg_stat_activity where datname = %s and wait_event_type = 'Lock'",
                       (fleet.name,))[0][0]


def revoke_and_create_behind_a_lock(fleet, gateways, asker):
    """Both wait for the row of the asker, the revoke first; their answers."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        with holding(fleet, "select from skillreg.api_token where id = %s for update", (asker["id"],)):
            revoked = pool.submit(fleet.revoke, gateways[0], asker)
            eventually(lambda: revoked.done() or waiting_backends(fleet) == 1, "did the revoke wait")
            created = pool.submit(gateways[1].request, "POST", TOKENS, asker["token"], json_body={"name": "child"})
            eventually(lambda: revoked.done() or created.done() or waiting_backends(fleet) == 2, "did the create wait behind it")
        return revoked.result().status, created.result().status


def test_a_create_that_waits_behind_the_revoke_of_its_token_makes_nothing(fleet, gateways):
    """On a machine that is busy with other things they may wait for longer than the three seconds that a lock is waited for."""
    for _ in range(10):
        asker = fleet.create_token(gateways[0], scopes=["admin"])
        answers = revoke_and_create_behind_a_lock(fleet, gateways, asker)
        assert answers in {(200, 401), (503, 503), (200, 503), (503, 201)}, answers
        made = fleet.query("select count(*) from skillreg.api_token where created_by = %s", (asker["id"],))[0][0]
        assert made == (answers == (503, 201)), "where the revoke was not made, the asker may"
        if answers == (200, 401):
            return
    pytest.fail("never within three seconds")


def test_a_transaction_that_stays_open_holds_up_nobody_else(fleet, gateways, asker):
    other = fleet.create_token(gateways[0])
    with holding(fleet, "update skillreg.api_token set name = 'lunch' where id = %s", (other["id"],)):
        assert fleet.revoke(gateways[0], asker, wait="30s").status == 200
        assert statuses_of(gateways, asker["token"]) == [401, 401]
    assert fleet.revoke(gateways[0], other).status == 200


# ---- rotated, deleted, made again -------------------------------------------------------------------------------

def rotate(gateway, token, by, body=None, key=None):
    fields = [("Idempotency-Key", key)] if key else []
    return gateway.request("POST", f"{TOKENS}/{token['id']}/rotate", by, json_body=body or {}, fields=fields)


def test_without_an_overlap_the_old_token_ends_whatever_the_clocks_say(fleet, gateways, start_gateway, wall_clock):
    """A gateway whose clock is behind would let it pass for as long."""
    late = start_gateway(database_url=fleet.database_url, env=wall_clock.env)
    wall_clock.move_to(-3600, late)
    for turn in range(2):
        old = fleet.create_token(gateways[0])
        assert status_of(late, old["token"]) == 200
        asked = (late, gateways[0])[turn]
        new = rotate(asked, old, fleet.admin, {"overlapSeconds": 0})
        assert new.status == 201, new.body
        assert status_of(asked, old["token"]) == 401
        eventually(lambda: status_of(late, old["token"]) == 401, "was it heard of")
        assert status_of(late, new.json()["token"]) == 200


def test_a_token_deleted_and_imported_again_is_let_in_by_all(fleet, gateways):
    secret = token_syntax.make()
    digest = hashlib.sha256(secret.encode()).digest()
    for _ in range(2):
        fleet.operator.import_token("acme", "imported", "read", secret)
        eventually(lambda: statuses_of(gateways, secret) == [200, 200], "was it let in")
        fleet.query("delete from skillreg.api_token where digest = %s", (digest,))
        eventually(lambda: statuses_of(gateways, secret) == [401, 401], "was it refused")


@pytest.mark.parametrize("key", [None, "the-same"])
def test_of_many_rotations_at_once_one_secret_is_given_out_and_works(fleet, gateways, key):
    old = fleet.create_token(gateways[0])
    barrier = threading.Barrier(12)

    def ask(number):
        gateway = gateways[number % 2]
        with gateway.connect() as connection:
            barrier.wait()
            fields = [*bearer(fleet.admin), ("Content-Type", "application/json"), *([("Idempotency-Key", key)] if key else [])]
            return connection.request("POST", f"{TOKENS}/{old['id']}/rotate", fields, b"{}")

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(ask, range(12)))
    made = [answer.json() for answer in answers if answer.status == 201]
    assert len(made) == 1, [answer.status for answer in answers]
    refused = [answer for answer in answers if answer.status != 201]
    wanted = (409, "request_in_progress", "2") if key else (409, "already_rotated", None)
    assert {(answer.status, answer.error_code, answer.get("retry-after")) for answer in refused} == {wanted}
    assert statuses_of(gateways, made[0]["token"]) == [200, 200]
    assert fleet.query("select count(*) from skillreg.api_token where replaces = %s", (old["id"],)) == [(1,)]


def test_a_key_with_another_body_is_422(fleet, gateways):
    old = fleet.create_token(gateways[0])
    assert rotate(gateways[0], old, fleet.admin, {"overlapSeconds": 60}, "run-1").status == 201
    answer = rotate(gateways[1], old, fleet.admin, {"overlapSeconds": 61}, "run-1")
    assert (answer.status, answer.error_code) == (422, "validation_failed")
    assert "Idempotency-Key" in answer.error_message


def test_the_address_of_a_repeated_rotation_is_in_the_audit(fleet, gateways):
    old = fleet.create_token(gateways[0])
    assert rotate(gateways[0], old, fleet.admin, key="run-2").status == 201
    fleet.query("update skillreg.idempotency_key set at = at - interval '3 seconds'")
    assert rotate(gateways[0], old, fleet.admin, key="run-2").status == 201
    events = gateways[0].request("GET", "/api/v1/orgs/acme/audit?limit=3", fleet.admin).json()["events"]
    assert {event["action"] for event in events} == {"rotate", "revoke"}
    assert [event["address"] for event in events] == ["127.0.0.1"] * 3


# ---- successors -------------------------------------------------------------------------------------------------

@pytest.fixture
def chain(fleet, gateways):
    """Three, each the successor of the one before, all live."""
    tokens = [fleet.create_token(gateways[0])]
    for _ in range(2):
        answer = rotate(gateways[0], tokens[-1], fleet.admin)
        assert answer.status == 201, answer.body
        tokens.append(answer.json())
    assert all(statuses_of(gateways, token["token"]) == [200, 200] for token in tokens)
    return tokens


def test_a_revoke_names_the_successors_that_it_leaves_alone(fleet, gateways, chain):
    document = fleet.revoke(gateways[0], chain[0]).json()
    assert list(document) == ["id", "name", "revokedAt", "successors"]
    assert document["successors"] == [{"id": token["id"], "name": "ci-deploy", "revokedAt": None} for token in chain[1:]]
    assert [status_of(gateways[0], token["token"]) for token in chain] == [401, 200, 200]


def test_a_revoke_with_successors_ends_all_of_them_everywhere(fleet, gateways, chain):
    answer = gateways[0].request("DELETE", f"{TOKENS}/{chain[0]['id']}?successors=true&wait=30s", fleet.admin)
    assert answer.status == 200, answer.body
    assert [statuses_of(gateways, token["token"]) for token in chain] == [[401, 401]] * 3
    document = answer.json()
    assert [token["id"] for token in document["successors"]] == [token["id"] for token in chain[1:]]
    assert all(token["revokedAt"] == document["revokedAt"] for token in document["successors"])


@pytest.mark.parametrize("value", ["", "yes", "1"])
def test_successors_is_true_or_false(fleet, gateways, chain, value):
    answer = gateways[0].request("DELETE", f"{TOKENS}/{chain[0]['id']}?successors={value}", fleet.admin)
    assert answer.status == 422 and "successors" in answer.error_message
    assert status_of(gateways[0], chain[0]["token"]) == 200


def command_line(fleet, gateway, tmp_path):
    return CommandLine(tmp_path, url=gateway.http_url, token=fleet.admin, org="acme")


def test_the_command_line_tells_of_successors(fleet, gateways, chain, tmp_path):
    done = command_line(fleet, gateways[0], tmp_path).run("token", "revoke", chain[0]["id"])
    assert (done.returncode, done.stdout) == (0, '\u2713 Token "ci-deploy" has been revoked.\n')
    for token in chain[1:]:
        assert f"skillreg token revoke {token['id']}" in done.stderr
    done = command_line(fleet, gateways[0], tmp_path).run("token", "revoke", chain[1]["id"], "--with-successors", "--wait")
    assert (done.returncode, done.stdout) == (0, '\u2713 Token "ci-deploy" has been revoked.\n')
    assert f"{chain[2]['id']} has been revoked with it" in done.stderr
    assert statuses_of(gateways, chain[2]["token"]) == [401, 401]


# ---- children ---------------------------------------------------------------------------------------------------

def test_a_child_ends_with_its_maker_at_the_latest(fleet, gateways):
    maker = fleet.create_token(gateways[0], scopes=["admin"], expiresAt="2100-01-01T00:00:00.000Z")

    def make(**body):
        return gateways[0].request("POST", TOKENS, maker["token"], json_body={"name": "child", **body})

    assert make().json()["expiresAt"] == "2100-01-01T00:00:00.000Z"
    assert make(expiresAt="2099-01-01T00:00:00Z").json()["expiresAt"] == "2099-01-01T00:00:00.000Z"
    answer = make(expiresAt="2100-01-01T00:00:00.001Z")
    assert (answer.status, answer.error_code) == (422, "validation_failed")
    assert "expiresAt" in answer.error_message and "2100-01-01T00:00:00.000Z" in answer.error_message


def test_what_a_binding_token_makes_is_bound_too(fleet, gateways, tmp_path):
    made = json.loads(command_line(fleet, gateways[0], tmp_path).must(
        "token", "create", "--name", "maker", "--scopes", "admin", "--allow-ip", "127.0.0.0/8", "--bind-children", "--json"))
    assert made["bindChildren"] is True

    def make(**body):
        return gateways[0].request("POST", TOKENS, made["token"], json_body={"name": "child", "scopes": ["admin"], **body})

    child = make().json()
    assert child["allowedIps"] == ["127.0.0.0/8"] and child["bindChildren"] is True
    assert make(allowedIps=["127.0.0.1"]).json()["allowedIps"] == ["127.0.0.1"]
    for ranges in (["10.0.0.0/8"], ["127.0.0.1", "126.0.0.0/7"], ["::/0"]):
        answer = make(allowedIps=ranges)
        assert answer.status == 422 and "allowedIps" in answer.error_message, ranges
    grandchild = gateways[1].request("POST", TOKENS, child["token"], json_body={"name": "grandchild"}).json()
    assert grandchild["allowedIps"] == ["127.0.0.0/8"] and grandchild["bindChildren"] is True
    assert rotate(gateways[0], child, fleet.admin).json()["bindChildren"] is True
    unbound = fleet.create_token(gateways[0], scopes=["admin"], allowedIps=["127.0.0.0/8"])
    free = gateways[0].request("POST", TOKENS, unbound["token"], json_body={"name": "child"}).json()
    assert free["allowedIps"] == [] and "bindChildren" not in free


# ---- the command line and a repeat that comes too soon ----------------------------------------------------------

def test_the_command_line_tries_a_rotation_again_that_was_answered_a_moment_ago(start_upstream, tmp_path):
    stub = start_upstream()
    whoami = (b'{"user":{"id":"u","email":"e@x.invalid","name":"n"},"org":{"id":"o","slug":"acme","name":"Acme"},'
              b'"orgs":[],"token":{"id":"cladmin","name":"n","prefix":"sr_live_abcd","scopes":["admin"]}}')
    new = {"id": "clnew", "name": "ci-deploy", "prefix": "sr_live_abcd", "scopes": ["read"], "token": token_syntax.make(),
           "createdAt": "2026-01-01T00:00:00.000Z", "lastUsedAt": None, "expiresAt": None, "allowedIps": [],
           "replaces": {"id": "clx7f2k3a", "expiresAt": "2026-01-02T00:00:00.000Z"}}
    refusals = iter([b'{"error":{"code":"request_in_progress","message":"Try again."}}'])
    keys = []

    def behave(exchange):
        if exchange.request.method == "GET":
            exchange.reply(200, [("Content-Type", "application/json")], whoami)
            return
        keys.append(exchange.request.get("idempotency-key"))
        refusal = next(refusals, None)
        if refusal:
            exchange.reply(409, [("Content-Type", "application/json"), ("Retry-After", "0")], refusal)
        else:
            exchange.reply(201, [("Content-Type", "application/json")], json.dumps(new).encode())

    stub.behave(behave)
    done = CommandLine(tmp_path, url=stub.url, token=token_syntax.make(), org="acme").run("token", "rotate", "clx7f2k3a")
    assert done.returncode == 0, done.stderr
    assert new["token"] in done.stdout
    assert len(keys) == 2 and keys[0] == keys[1]

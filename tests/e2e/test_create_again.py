# SPDX-License-Identifier: MIT
"""A create whose answer was lost, made again with the same Idempotency-Key: one token of it works, and only one."""
import threading

import pytest

from test_tokens_api import assert_refused, base_of

WHOAMI = "/api/v1/auth/whoami"


@pytest.fixture
def create(gateway, organisation):
    def call(key, by=None, on=None, **body):
        return (on or gateway).request("POST", base_of(organisation), by or organisation.admin, json_body={"name": "ci", **body},
                                       fields=[("Idempotency-Key", key)])
    return call


@pytest.fixture
def create_later(create, postgres, organisation):
    """As if the first try had been answered a while ago."""
    def call(key, by=None, on=None, **body):
        postgres.query("update skillreg.idempotency_key set at = at - interval '3 seconds' where action = 'create' and org_id ="
                       " (select id from skillreg.organisation where slug = %s)", (organisation.slug,))
        return create(key, by, on, **body)
    return call


@pytest.fixture
def names(gateway, organisation):
    """Of the live tokens, without the admin."""
    def call():
        listed = gateway.request("GET", base_of(organisation), organisation.admin).json()["tokens"]
        return sorted(token["name"] for token in listed if token["name"] != "admin-key")
    return call


def status_of(gateway, token):
    return gateway.request("GET", WHOAMI, token["token"]).status


def test_the_same_key_gives_a_fresh_secret_while_nobody_used_the_first(gateway, create, create_later, names):
    lost = create("run-17", scopes=["read"], description="for the bot").json()
    answer = create_later("run-17", scopes=["read"], description="for the bot")
    assert answer.status == 201, answer.body
    made = answer.json()
    assert made["id"] != lost["id"] and made["token"] != lost["token"]
    assert {key: made[key] for key in ("scopes", "description")} == {key: lost[key] for key in ("scopes", "description")}
    assert status_of(gateway, lost) == 401 and status_of(gateway, made) == 200
    assert names() == ["ci"]


def test_a_gateway_that_remembers_the_first_refuses_it_with_its_answer(start_gateway, create, create_later):
    """It knows the first from a request that was refused, which is no use."""
    own = start_gateway()
    lost = create("k", on=own).json()
    forbidden = own.request("GET", "/api/v1/orgs/someone-else/skills", lost["token"])
    assert forbidden.status == 403
    made = create_later("k", on=own).json()
    assert own.request("GET", WHOAMI, lost["token"]).status == 401
    assert own.request("GET", WHOAMI, made["token"]).status == 200


def test_the_same_key_is_409_once_the_token_was_used(gateway, create, create_later, names):
    made = create("run-18").json()
    assert status_of(gateway, made) == 200  # noted here, and not written yet
    assert_refused(create_later("run-18"), 409, "already_created", made["id"])
    assert status_of(gateway, made) == 200
    assert names() == ["ci"]


def test_the_same_key_is_409_once_the_database_knows_of_a_use(create, create_later, postgres):
    made = create("run-19").json()
    postgres.query("update skillreg.api_token set last_used_at = now() where id = %s", (made["id"],))
    assert_refused(create_later("run-19"), 409, "already_created", made["id"])


def test_a_token_that_was_revoked_unused_does_not_keep_its_key(gateway, organisation, create, create_later, names):
    made = create("run-20").json()
    assert gateway.request("DELETE", f"{base_of(organisation)}/{made['id']}", organisation.admin).status == 200
    again = create_later("run-20")
    assert again.status == 201, again.body
    assert status_of(gateway, again.json()) == 200
    assert names() == ["ci"]


def test_a_token_that_was_used_and_revoked_keeps_its_key(gateway, organisation, create, create_later, names, postgres):
    made = create("run-21").json()
    assert gateway.request("DELETE", f"{base_of(organisation)}/{made['id']}", organisation.admin).status == 200
    postgres.query("update skillreg.api_token set last_used_at = now() where id = %s", (made["id"],))
    assert_refused(create_later("run-21"), 409, "already_created", f"{made['id']}, which was used, and is revoked")
    assert names() == []


def test_a_token_that_was_rotated_keeps_its_key(gateway, organisation, create, create_later):
    made = create("run-22").json()
    assert gateway.request("POST", f"{base_of(organisation)}/{made['id']}/rotate", organisation.admin).status == 201
    assert_refused(create_later("run-22"), 409, "already_created", made["id"])


def test_the_same_key_with_another_body_is_422(create, create_later, names):
    assert create("run-23", scopes=["read"]).status == 201
    assert_refused(create_later("run-23", scopes=["admin"]), 422, "validation_failed", "Idempotency-Key")
    assert names() == ["ci"]


def test_the_same_request_within_two_seconds_is_in_progress(create, names):
    assert create("run-24").status == 201
    answer = create("run-24")
    assert_refused(answer, 409, "request_in_progress")
    assert answer.get("retry-after") == "2"
    assert names() == ["ci"]


def test_keys_are_of_the_token_that_asks(create, names):
    other = create("another-admin", scopes=["admin"]).json()
    assert create("run-25").status == create("run-25", by=other["token"]).status == 201
    assert names() == ["ci"] * 3


def test_without_a_key_every_request_makes_a_token(gateway, organisation, names):
    for _ in range(2):
        assert gateway.request("POST", base_of(organisation), organisation.admin, json_body={"name": "ci"}).status == 201
    assert names() == ["ci"] * 2


@pytest.mark.parametrize("key", ["", "x" * 65, "two words", "\u00e4"])
def test_what_is_no_key_is_400_and_makes_nothing(key, gateway, organisation, names):
    body = b'{"name":"ci"}'
    with gateway.connect() as connection:
        connection.send((f"POST {base_of(organisation)} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
                         f"Content-Type: application/json\r\nAuthorization: Bearer {organisation.admin}\r\n"
                         f"Idempotency-Key: {key}\r\n\r\n").encode() + body)
        assert_refused(connection.read_response(), 400, "bad_request", "Idempotency-Key")
    assert names() == []


def ask_at_once(gateways, create, key, count):
    answers = []
    barrier = threading.Barrier(count)

    def ask(number):
        barrier.wait()
        answers.append(create(key, on=gateways[number % len(gateways)]))
    threads = [threading.Thread(target=ask, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_of_many_at_once_through_two_gateways_one_makes_a_token(gateway, start_gateway, create, names):
    answers = ask_at_once([gateway, start_gateway()], create, "race", 8)
    made = [answer.json() for answer in answers if answer.status == 201]
    for answer in answers:
        if answer.status != 201:
            assert_refused(answer, 409, "request_in_progress")
    live = [token for token in made if status_of(gateway, token) == 200]  # others were replaced, two seconds later
    assert len(live) == 1, [answer.body for answer in answers]
    assert names() == ["ci"]


def test_of_many_at_once_that_come_again_one_replaces_the_token(gateway, start_gateway, create, create_later, names):
    lost = create("race").json()
    answers = ask_at_once([gateway, start_gateway()], create_later, "race", 2)
    made = [answer.json() for answer in answers if answer.status == 201]
    live = [token for token in made if status_of(gateway, token) == 200]
    assert len(live) == 1 and status_of(gateway, lost) == 401
    assert names() == ["ci"]


def test_the_audit_tells_of_the_token_that_was_replaced(gateway, organisation, create, create_later):
    lost = create("k").json()
    made = create_later("k").json()
    events = gateway.request("GET", f"/api/v1/orgs/{organisation.slug}/audit?limit=3", organisation.admin).json()["events"]
    assert sorted((event["action"], event["tokenId"]) for event in events) == sorted([
        ("create", lost["id"]), ("revoke", lost["id"]), ("create", made["id"])])

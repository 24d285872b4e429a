# SPDX-License-Identifier: MIT
"""The life of a token over HTTP: rotation, giving it up, the warning before its end, and the audit of all that."""
import datetime
import threading

import pytest

from harness import token_syntax
from harness.http_client import assert_error_shape, bearer
from harness.waiting import PATIENCE_S, eventually
from test_tokens_api import ID, TIME, TOKEN_KEYS, assert_refused, base_of, parse_time

WHOAMI = "/api/v1/auth/whoami"
OWN = "/api/v1/auth/token"
DAY_S = 86400


@pytest.fixture
def create(gateway, organisation):
    def call(**body):
        answer = gateway.request("POST", base_of(organisation), organisation.admin, json_body={"name": "ci-deploy", **body})
        assert answer.status == 201, answer.body
        return answer.json()
    return call


@pytest.fixture
def rotate(gateway, organisation):
    def call(token, body=None, key=None, by=None):
        fields = [("Idempotency-Key", key)] if key is not None else []
        return gateway.request("POST", f"{base_of(organisation)}/{token['id']}/rotate", by or organisation.admin,
                               json_body=body, fields=fields)
    return call


@pytest.fixture
def rotate_later(rotate, postgres):
    """As if the first try had been answered a while ago."""
    def call(token, *arguments, **options):
        postgres.query("update skillreg.idempotency_key set at = at - interval '3 seconds' where target_id = %s",
                       (token["id"],))
        return rotate(token, *arguments, **options)
    return call


@pytest.fixture
def audit(gateway, organisation):
    def call(query=""):
        answer = gateway.request("GET", f"/api/v1/orgs/{organisation.slug}/audit{query}", organisation.admin)
        assert answer.status == 200, answer.body
        return answer.json()
    return call


def status_of(gateway, token):
    return gateway.request("GET", WHOAMI, token["token"]).status


def from_now(**parts):
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(**parts)


def text_of(time):
    return time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03}Z"


# ---- rotate -----------------------------------------------------------------------------------------------------

def test_rotated_token(gateway, create, rotate):
    old = create(scopes=["read"])
    answer = rotate(old)
    assert answer.status == 201, answer.body
    assert answer.get("cache-control") == "no-store"
    new = answer.json()
    assert list(new) == [*TOKEN_KEYS, "token", "replaces"]
    assert ID.fullmatch(new["id"]) and new["id"] != old["id"]
    assert token_syntax.checksum_is_right(new["token"]) and new["token"] != old["token"]
    assert new["prefix"] == new["token"][:12]
    for key in ("name", "scopes", "expiresAt"):
        assert new[key] == old[key]
    assert new["lastUsedAt"] is None
    assert list(new["replaces"]) == ["id", "expiresAt"]
    assert new["replaces"]["id"] == old["id"]
    overlap = parse_time(new["replaces"]["expiresAt"]) - parse_time(new["createdAt"])
    assert overlap == datetime.timedelta(seconds=DAY_S)
    assert status_of(gateway, old) == status_of(gateway, new) == 200
    assert gateway.request("GET", WHOAMI, old["token"]).json()["token"]["expiresAt"] == new["replaces"]["expiresAt"]


def test_without_an_overlap_the_old_one_is_refused_at_once(gateway, create, rotate):
    old = create()
    assert status_of(gateway, old) == 200
    new = rotate(old, {"overlapSeconds": 0}).json()
    assert status_of(gateway, old) == 401
    assert status_of(gateway, new) == 200
    assert_refused(rotate(old), 404, "not_found")


def test_a_successor_lives_as_long_as_the_old_one_was_to_live(create, rotate):
    old = create(expiresAt=text_of(from_now(days=90)))
    life = parse_time(old["expiresAt"]) - parse_time(old["createdAt"])
    new = rotate(old, {"overlapSeconds": 60}).json()
    assert parse_time(new["expiresAt"]) - parse_time(new["createdAt"]) == life
    assert parse_time(new["replaces"]["expiresAt"]) < from_now(seconds=61)


def test_an_expiry_that_comes_sooner_than_the_overlap_stays(create, rotate):
    old = create(expiresAt=text_of(from_now(hours=1)))
    assert rotate(old).json()["replaces"]["expiresAt"] == old["expiresAt"]


def test_a_successor_gets_the_expiry_that_was_asked_for(create, rotate):
    assert rotate(create(), {"expiresAt": "2099-01-01T00:00:00Z"}).json()["expiresAt"] == "2099-01-01T00:00:00.000Z"


def test_rotated_twice_is_409_and_names_the_successor(create, rotate):
    old = create()
    new = rotate(old).json()
    again = rotate(old)
    assert_refused(again, 409, "already_rotated", new["id"])
    assert_refused(rotate(old, key="a-key"), 409, "already_rotated", new["id"])
    assert rotate(new).status == 201, "the successor can be rotated in its turn"


def test_a_token_rotates_itself(gateway, organisation, create, rotate):
    own = create(scopes=["admin"])
    new = rotate(own, by=own["token"])
    assert new.status == 201
    assert new.json()["scopes"] == ["admin"]


@pytest.mark.parametrize("body,word", [
    ({"overlapSeconds": -1}, "overlapSeconds"), ({"overlapSeconds": 2592001}, "overlapSeconds"),
    ({"overlapSeconds": "24h"}, "overlapSeconds"), ({"overlapSeconds": 1.5}, "overlapSeconds"),
    ({"expiresAt": "2001-01-01T00:00:00Z"}, "expiresAt"), ({"expiresAt": 7}, "expiresAt"), ([], "object"),
])
def test_a_wrong_field_of_a_rotation_is_422_and_changes_nothing(body, word, gateway, create, rotate):
    old = create()
    assert_refused(rotate(old, body), 422, "validation_failed", word)
    assert rotate(old).status == 201


def test_bodies_that_are_no_rotation(gateway, organisation, create):
    target = f"{base_of(organisation)}/{create()['id']}/rotate"
    for body, fields, status, code in [
            (b"{", [("Content-Type", "application/json")], 400, "invalid_json"),
            (b"{}", [("Content-Type", "text/plain")], 415, "unsupported_media_type"),
            (b"{}", [], 415, "unsupported_media_type"),
            (b" " * 16385, [("Content-Type", "application/json")], 413, "body_too_large")]:
        answer = gateway.request("POST", target, organisation.admin, body=body, fields=fields)
        assert_refused(answer, status, code)
    assert gateway.request("POST", target, organisation.admin).status == 201, "no body is needed"


# ---- a rotation whose answer was lost ---------------------------------------------------------------------------

def test_the_same_key_gives_a_fresh_secret_while_nobody_used_the_first(gateway, create, rotate, rotate_later):
    old = create()
    lost = rotate(old, {"overlapSeconds": 600}, key="run-17").json()
    answer = rotate_later(old, {"overlapSeconds": 600}, key="run-17")
    assert answer.status == 201, answer.body
    new = answer.json()
    assert new["id"] != lost["id"] and new["token"] != lost["token"]
    assert new["replaces"] == lost["replaces"], "the old one does not live longer for it"
    assert status_of(gateway, lost) == 401
    assert status_of(gateway, new) == status_of(gateway, old) == 200


def test_the_same_key_is_409_once_the_successor_was_used(gateway, create, rotate, rotate_later):
    old = create()
    new = rotate(old, key="run-18").json()
    assert status_of(gateway, new) == 200  # noted here, and not written yet
    assert_refused(rotate_later(old, key="run-18"), 409, "already_rotated", new["id"])
    assert status_of(gateway, new) == 200


def test_the_same_key_is_409_once_the_database_knows_of_a_use(gateway, create, rotate, rotate_later, postgres):
    old = create()
    new = rotate(old, key="run-19").json()
    postgres.query("update skillreg.api_token set last_used_at = now() where id = %s", (new["id"],))
    assert_refused(rotate_later(old, key="run-19"), 409, "already_rotated", new["id"])


def test_another_key_is_409(create, rotate):
    old = create()
    new = rotate(old, key="run-20").json()
    assert_refused(rotate(old, key="run-21"), 409, "already_rotated", new["id"])
    assert_refused(rotate(old), 409, "already_rotated", new["id"])


@pytest.mark.parametrize("key", ["", "x" * 65, "two words", "tab\there", "\u00e4"])
def test_what_is_no_idempotency_key_is_400(key, gateway, organisation, create):
    old = create()
    with gateway.connect() as connection:
        connection.send((f"POST {base_of(organisation)}/{old['id']}/rotate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"
                         f"Authorization: Bearer {organisation.admin}\r\nIdempotency-Key: {key}\r\n\r\n").encode())
        assert_refused(connection.read_response(), 400, "bad_request", "Idempotency-Key")
    assert gateway.request("POST", f"{base_of(organisation)}/{old['id']}/rotate", organisation.admin).status == 201


def test_an_idempotency_key_twice_is_400(gateway, organisation, create):
    answer = gateway.request("POST", f"{base_of(organisation)}/{create()['id']}/rotate", organisation.admin,
                             fields=[("Idempotency-Key", "a"), ("Idempotency-Key", "a")])
    assert_refused(answer, 400, "bad_request", "Idempotency-Key")


def test_a_successor_may_be_used_from_where_the_old_one_may(create, rotate):
    ranges = ["127.0.0.0/8", "2001:db8::/32"]
    assert rotate(create(allowedIps=ranges)).json()["allowedIps"] == ranges


# ---- where it may be used from ----------------------------------------------------------------------------------

HERE, ELSEWHERE = "127.0.0.0/8", "192.0.2.0/24"


def test_addresses_are_shown_in_one_form(gateway, organisation, create):
    token = create(allowedIps=["127.0.0.1/32", "::ffff:10.0.0.0/104", "2001:DB8:0:0::/32"])
    shown = ["127.0.0.1", "10.0.0.0/8", "2001:db8::/32"]
    listed = gateway.request("GET", base_of(organisation), organisation.admin).json()["tokens"]
    assert token["allowedIps"] == shown
    assert gateway.request("GET", WHOAMI, token["token"]).json()["token"]["allowedIps"] == shown
    assert next(entry for entry in listed if entry["id"] == token["id"])["allowedIps"] == shown
    for none in ({}, {"allowedIps": []}, {"allowedIps": None}):
        assert create(**none)["allowedIps"] == []


def test_a_token_is_refused_elsewhere_and_told_why(gateway, upstream, organisation, create):
    away = create(allowedIps=[ELSEWHERE, "::1"])
    for method, target in [("GET", WHOAMI), ("GET", f"/api/v1/orgs/{organisation.slug}/skills"), ("DELETE", OWN)]:
        assert_refused(gateway.request(method, target, away["token"]), 403, "address_not_allowed", "address")
    assert upstream.requests == []
    here = create(allowedIps=[ELSEWHERE, HERE])
    assert gateway.request("GET", f"/api/v1/orgs/{organisation.slug}/skills", here["token"]).status == 200


def test_addresses_changed_later_are_heard(gateway, create, postgres):
    token = create()
    assert status_of(gateway, token) == 200
    for ranges, status in (([ELSEWHERE], 403), ([ELSEWHERE, HERE], 200), (None, 200)):
        postgres.query("update skillreg.api_token set allowed_ips = %s::cidr[] where id = %s", (ranges, token["id"]))
        eventually(lambda: status_of(gateway, token) == status, "was the change heard")


def test_the_address_is_the_one_that_a_trusted_proxy_names(start_gateway, create):
    token = create(allowedIps=[ELSEWHERE])
    trusting, plain = start_gateway("--trusted-proxies", HERE), start_gateway()
    client = [("X-Forwarded-For", "192.0.2.7")]
    assert trusting.request("GET", WHOAMI, token["token"], fields=client).status == 200
    assert trusting.request("GET", WHOAMI, token["token"], fields=[("X-Forwarded-For", "198.51.100.7")]).status == 403
    assert plain.request("GET", WHOAMI, token["token"], fields=client).status == 403


def test_forward_auth_judges_the_address_of_the_client(start_gateway, organisation, create):
    token = create(allowedIps=[ELSEWHERE])
    own = start_gateway("--trusted-proxies", HERE)
    original = [("X-Original-Method", "GET"), ("X-Original-URI", f"/api/v1/orgs/{organisation.slug}/skills")]
    for client, status in (("192.0.2.7", 200), ("198.51.100.7", 403)):
        assert own.request("GET", "/authz", token["token"], fields=[*original, ("X-Forwarded-For", client)]).status == status


def test_the_operator_says_where_a_token_may_be_used_from(operator, gateway, organisation):
    made = operator.create_token(organisation.slug, "bound", "read", "--allow-ip", ELSEWHERE, "--allow-ip", "::1")
    assert made["allowedIps"] == [ELSEWHERE, "::1"]
    assert_refused(gateway.request("GET", WHOAMI, made["token"]), 403, "address_not_allowed")


# ---- giving up one's own ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("scope", ["read", "write", "admin"])
def test_whoever_holds_a_token_revokes_it(scope, gateway, create):
    token = create(scopes=[scope])
    answer = gateway.request("DELETE", OWN, token["token"])
    assert answer.status == 200, answer.body
    assert list(answer.json()) == ["id", "name", "revokedAt"]
    assert (answer.json()["id"], answer.json()["name"]) == (token["id"], token["name"])
    assert TIME.fullmatch(answer.json()["revokedAt"])
    assert status_of(gateway, token) == 401
    assert_refused(gateway.request("DELETE", OWN, token["token"]), 401, "invalid_token")


def test_giving_up_waits_for_every_gateway(gateway, create):
    answer = gateway.request("DELETE", OWN + "?wait=10s", create()["token"])
    assert answer.status in (200, 202), answer.body
    assert list(answer.json())[:3] == ["id", "name", "revokedAt"]
    assert list(answer.json())[3] in ("gateways", "pending")


def test_a_wait_that_is_none_gives_up_nothing(gateway, create):
    token = create()
    assert_refused(gateway.request("DELETE", OWN + "?wait=31s", token["token"]), 422, "validation_failed", "wait")
    assert status_of(gateway, token) == 200


def test_giving_up_without_a_live_token(gateway):
    assert_refused(gateway.request("DELETE", OWN), 401, "missing_token")
    assert_refused(gateway.request("DELETE", OWN, token_syntax.make()), 401, "invalid_token")


# ---- the warning ------------------------------------------------------------------------------------------------

WARNING = "skillreg-token-expires"


def test_every_answer_to_a_token_that_ends_soon_says_when(gateway, upstream, organisation, create):
    token = create(scopes=["read"], expiresAt=text_of(from_now(days=13, hours=23)))
    answers = [gateway.request(method, target, token["token"]) for method, target in [
        ("GET", WHOAMI), ("HEAD", WHOAMI),
        ("GET", f"/api/v1/orgs/{organisation.slug}/skills/some"),      # forwarded
        ("GET", f"/api/v1/orgs/{organisation.slug}/settings"),         # scope too small
        ("GET", "/api/v1/orgs/someone-else/skills"),                   # other organisation
    ]]
    assert [answer.status for answer in answers] == [200, 200, 200, 403, 403]
    for answer in answers:
        assert answer.get(WARNING) == token["expiresAt"]


def test_forward_auth_says_it_too(gateway, organisation, create):
    token = create(expiresAt=text_of(from_now(days=1)))
    answer = gateway.request("GET", "/authz", token["token"], fields=[
        ("X-Original-Method", "GET"), ("X-Original-URI", f"/api/v1/orgs/{organisation.slug}/skills")])
    assert answer.status == 200
    assert answer.get(WARNING) == token["expiresAt"]


def test_other_answers_say_nothing(gateway, create):
    for life in (None, from_now(days=14, minutes=5), from_now(days=400)):
        token = create(expiresAt=life and text_of(life))
        assert gateway.request("GET", WHOAMI, token["token"]).all(WARNING) == []
    assert gateway.request("GET", WHOAMI).all(WARNING) == []
    assert gateway.request("GET", WHOAMI, token_syntax.make()).all(WARNING) == []


def test_the_warning_is_of_this_request_alone(gateway, create):
    """On one kept connection."""
    ends = create(expiresAt=text_of(from_now(days=1)))
    stays = create()
    said = [gateway.request("GET", WHOAMI, token["token"]).get(WARNING) for token in (ends, stays, ends)]
    assert said == [ends["expiresAt"], None, ends["expiresAt"]]


def test_the_registry_cannot_say_it(gateway, upstream, organisation, create):
    upstream.behave(lambda exchange: exchange.reply(
        200, [("SkillReg-Token-Expires", "2000-01-01T00:00:00.000Z"), ("SKILLREG_TOKEN_EXPIRES", "x")], b"ok"))
    target = f"/api/v1/orgs/{organisation.slug}/skills/some"
    answer = gateway.request("GET", target, create()["token"])
    assert answer.status == 200
    assert [name for name, _ in answer.fields if "expires" in name.lower()] == []
    token = create(expiresAt=text_of(from_now(days=1)))
    assert gateway.request("GET", target, token["token"]).get(WARNING) == token["expiresAt"]


# ---- audit ------------------------------------------------------------------------------------------------------

EVENT_KEYS = ["id", "at", "action", "tokenId", "tokenName", "actor", "address"]


def test_the_audit_of_a_life(gateway, operator, organisation, create, rotate, audit):
    secret = token_syntax.make()
    operator.import_token(organisation.slug, "from-elsewhere", "read", secret)
    old = create(scopes=["admin"])
    new = rotate(old, by=old["token"]).json()
    gateway.request("DELETE", OWN, new["token"])
    gateway.request("DELETE", f"{base_of(organisation)}/{old['id']}", organisation.admin)
    document = audit()
    assert list(document) == ["events", "next"] and document["next"] is None
    events = document["events"]
    assert [(event["action"], event["tokenId"]) for event in events[:4]] == [
        ("revoke", old["id"]), ("revoke", new["id"]), ("rotate", old["id"]), ("create", old["id"])]
    assert [event["action"] for event in events[4:]] == ["import", "create"]
    admin_id = gateway.request("GET", WHOAMI, organisation.admin).json()["token"]["id"]
    admin = {"kind": "token", "tokenId": admin_id, "name": "admin-key"}
    itself = {"kind": "token", "tokenId": old["id"], "name": old["name"]}
    by_operator = {"kind": "operator", "tokenId": None, "name": "operator"}
    assert [event["actor"] for event in events] == [
        admin, {**itself, "tokenId": new["id"]}, itself, admin, by_operator, by_operator]
    assert [event["address"] for event in events] == ["127.0.0.1"] * 4 + [None, None]
    for event in events:
        extra = ["successorId"] if event["action"] == "rotate" else []
        assert sorted(event) == sorted(EVENT_KEYS + extra)
        assert isinstance(event["id"], str) and TIME.fullmatch(event["at"])
    assert events[2]["successorId"] == new["id"]
    assert [event["at"] for event in events] == sorted((event["at"] for event in events), reverse=True)
    text = str(document)
    for hidden in (old["token"], new["token"], secret, organisation.admin):
        assert hidden not in text and hidden[12:] not in text


def test_a_rotation_that_was_repeated_is_told_whole(create, rotate, rotate_later, audit):
    old = create()
    lost = rotate(old, key="k").json()
    new = rotate_later(old, key="k").json()
    told = [(event["action"], event["tokenId"], event.get("successorId")) for event in audit("?limit=3")["events"]]
    assert sorted(told[:2]) == sorted([("rotate", old["id"], new["id"]), ("revoke", lost["id"], None)])
    assert told[2] == ("rotate", old["id"], lost["id"])


def test_what_was_refused_is_not_in_the_audit(gateway, organisation, create, rotate, audit):
    old = create()
    before = audit()
    rotate(old, {"overlapSeconds": -1})
    gateway.request("DELETE", f"{base_of(organisation)}/clx7f2k3a", organisation.admin)
    gateway.request("POST", base_of(organisation), old["token"], json_body={"name": "x"})
    assert audit() == before


def test_pages_of_the_audit(create, audit):
    ids = [create()["id"] for _ in range(5)]
    seen, query, pages = [], "?limit=2", 0
    while query:
        document = audit(query)
        seen += [event["tokenId"] for event in document["events"]]
        query = document["next"] and f"?limit=2&before={document['next']}"
        pages += 1
    assert seen[:5] == ids[::-1] and len(seen) == 6 and pages == 3


@pytest.mark.parametrize("query,word", [("before=x", "before"), ("before=0", "before"), ("before=99999999999999999999", "before"),
                                        ("limit=0", "limit"), ("limit=201", "limit")])
def test_a_wrong_page_of_the_audit_is_422(query, word, gateway, organisation):
    answer = gateway.request("GET", f"/api/v1/orgs/{organisation.slug}/audit?{query}", organisation.admin)
    assert_refused(answer, 422, "validation_failed", word)


def test_the_largest_page_of_the_audit(gateway, organisation, postgres, audit):
    """Names of four bytes a character, and of such actors."""
    postgres.query("insert into skillreg.token_audit (id, org_id, action, token_id, token_name, successor_id, actor_token_id,"
                   " actor_name, address) select n + (select max(id) from skillreg.token_audit), o.id, 'rotate', repeat('z', 32), %s, repeat('y', 32), repeat('x', 32), %s,"
                   " 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff' from skillreg.organisation o, generate_series(1, 300) n"
                   " where o.slug = %s", ("<" * 100, "\U0001f512" * 100, organisation.slug))
    assert len(audit("?limit=200")["events"]) == 200


# ---- HARDENING 2.11: what an admin token can do ----------------------------------------------------------------

@pytest.fixture
def foreign(gateway, globex):
    """A live token of another organisation."""
    answer = gateway.request("POST", base_of(globex), globex.admin, json_body={"name": "theirs"})
    assert answer.status == 201
    return answer.json()


def test_2_11_an_admin_creates_no_token_in_another_organisation(gateway, organisation, globex):
    answer = gateway.request("POST", base_of(globex), organisation.admin, json_body={"name": "mine"})
    assert_refused(answer, 403, "org_mismatch")
    for slug in ("no-such-org", organisation.slug + "x"):
        other = gateway.request("POST", f"/api/v1/orgs/{slug}/tokens", organisation.admin, json_body={"name": "mine"})
        assert other.body == answer.body, "one that is not there is refused alike"


def test_2_11_a_foreign_id_is_not_found_like_an_unknown_one(gateway, organisation, foreign):
    for method, after in (("DELETE", ""), ("POST", "/rotate")):
        answers = [gateway.request(method, f"{base_of(organisation)}/{id}{after}", organisation.admin)
                   for id in (foreign["id"], foreign["id"][:-1] + "0", "clx7f2k3a", "UPPER", "x" * 200)]
        for answer in answers:
            assert_refused(answer, 404, "not_found")
        assert len({answer.body for answer in answers}) == 1
    assert status_of(gateway, foreign) == 200


def test_2_11_a_foreign_organisation_is_refused_whatever_the_id(gateway, organisation, globex, foreign):
    answers = [gateway.request(method, f"{base_of(globex)}/{id}{after}", organisation.admin)
               for method, after in (("DELETE", ""), ("POST", "/rotate")) for id in (foreign["id"], "clx7f2k3a")]
    answers.append(gateway.request("GET", f"/api/v1/orgs/{globex.slug}/audit", organisation.admin))
    for answer in answers:
        assert_refused(answer, 403, "org_mismatch")


@pytest.mark.parametrize("scopes", [["read"], ["write"], ["read", "write"]])
def test_2_11_no_token_raises_itself_through_rotate(scopes, gateway, create, rotate):
    own = create(scopes=scopes)
    assert_refused(rotate(own, by=own["token"]), 403, "insufficient_scope", "admin")
    for member in ("scopes", "name", "org", "allowedIps"):
        assert_refused(rotate(own, {member: "admin"}), 422, "validation_failed", member)
    new = rotate(own, {}).json()
    assert new["scopes"] == scopes and new["name"] == own["name"]
    assert_refused(gateway.request("GET", "/api/v1/orgs/globex/tokens", new["token"]), 403, "org_mismatch")


def test_2_11_a_huge_page_is_bounded(gateway, organisation, audit):
    for query in ("limit=201", "limit=18446744073709551616", "page=1000001"):
        answer = gateway.request("GET", f"{base_of(organisation)}?{query}", organisation.admin)
        assert_refused(answer, 422, "validation_failed")
    answer = gateway.request("GET", f"{base_of(organisation)}?page=1000000&limit=200", organisation.admin)
    assert answer.status == 200 and answer.json()["tokens"] == []
    assert audit("?before=1&limit=200")["events"] == []


def test_2_11_guessed_ids_of_events_tell_nothing_of_others(gateway, organisation, foreign, audit):
    """Numbers are shared by all organisations; whatever is guessed, only own events come back."""
    own = {event["id"] for event in audit()["events"]}
    last = max(map(int, own))
    for guess in range(max(1, last - 20), last + 20):
        events = audit(f"?before={guess}")["events"]
        assert {event["id"] for event in events} <= own


# ---- HARDENING 2.12: races -------------------------------------------------------------------------------------

def at_once(gateway, requests):
    """Sends each (method, target, token, fields) on a connection of its own, all together; the answers."""
    barrier = threading.Barrier(len(requests))
    answers = []

    def send(method, target, token, fields):
        with gateway.connect() as connection:
            barrier.wait()
            answers.append(connection.request(method, target, [*bearer(token), *fields]))

    threads = [threading.Thread(target=send, args=request) for request in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert len(answers) == len(requests)
    return answers


def test_2_12_of_many_revokes_at_once_exactly_one_wins(gateway, organisation, create):
    for _ in range(3):
        token = create()
        answers = at_once(gateway, [("DELETE", f"{base_of(organisation)}/{token['id']}", organisation.admin, ())] * 8)
        assert sorted(answer.status for answer in answers) == [200] + [404] * 7


def test_2_12_giving_up_and_being_revoked_at_once(gateway, organisation, create):
    for _ in range(3):
        token = create()
        answers = at_once(gateway, [("DELETE", f"{base_of(organisation)}/{token['id']}", organisation.admin, ()),
                                    ("DELETE", OWN, token["token"], ())] * 4)
        statuses = sorted(answer.status for answer in answers)
        assert statuses[0] == 200 and set(statuses[1:]) <= {401, 404}
        assert status_of(gateway, token) == 401


@pytest.mark.parametrize("fields", [(), (("Idempotency-Key", "the-same"),)], ids=["no-key", "same-key"])
def test_2_12_of_many_rotations_at_once_exactly_one_wins(fields, gateway, organisation, create):
    """With one key too: every secret that was given out works, or another answer took its place."""
    for _ in range(3):
        token = create()
        answers = at_once(gateway, [("POST", f"{base_of(organisation)}/{token['id']}/rotate", organisation.admin, fields)] * 8)
        made = [answer.json() for answer in answers if answer.status == 201]
        assert made and len(made) + [answer.status for answer in answers].count(409) == len(answers)
        if not fields:  # with a key all may come one after the other, each a repeat of the one before
            assert len(made) == 1
        alive = [new for new in made if status_of(gateway, new) == 200]
        assert len(alive) == 1, "exactly one successor is left"
        listed = gateway.request("GET", base_of(organisation), organisation.admin).json()["tokens"]
        assert alive[0]["id"] in {entry["id"] for entry in listed}
        assert not {new["id"] for new in made if new is not alive[0]} & {entry["id"] for entry in listed}


def test_2_12_rotate_and_revoke_at_once(gateway, organisation, create):
    """In either order the old one ends; a successor is there just when its rotation was answered so."""
    for _ in range(4):
        token = create()
        rotated, revoked = None, None
        for answer in at_once(gateway, [
                ("POST", f"{base_of(organisation)}/{token['id']}/rotate", organisation.admin, ()),
                ("DELETE", f"{base_of(organisation)}/{token['id']}", organisation.admin, ())]):
            if "revokedAt" in answer.json():
                revoked = answer
            else:
                rotated = answer
        assert revoked.status == 200
        assert rotated.status in (201, 404)
        assert status_of(gateway, token) == 401
        if rotated.status == 201:
            assert status_of(gateway, rotated.json()) == 200


def test_2_12_created_and_used_at_once(gateway, organisation, start_gateway):
    """Here, and on a gateway that was asked for nothing before."""
    other = start_gateway()
    for _ in range(5):
        answer = gateway.request("POST", base_of(organisation), organisation.admin, json_body={"name": "new"})
        assert status_of(gateway, answer.json()) == 200
        assert status_of(other, answer.json()) == 200


@pytest.mark.parametrize("end", ["revoke", "give up", "rotate"])
def test_2_12_nothing_passes_after_the_end_was_answered(end, gateway, organisation, create, rotate):
    """While others use the token without a pause."""
    token = create(scopes=["read"])
    answered = threading.Event()
    late, used = [], threading.Semaphore(0)

    def use_until_refused():
        with gateway.connect() as connection:
            status = 200
            while status == 200:
                is_late = answered.is_set()
                status = connection.request("GET", WHOAMI, bearer(token["token"])).status
                used.release()
                if is_late:
                    late.append(status)

    threads = [threading.Thread(target=use_until_refused) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        assert used.acquire(timeout=PATIENCE_S)
    if end == "revoke":
        answer = gateway.request("DELETE", f"{base_of(organisation)}/{token['id']}", organisation.admin)
    elif end == "give up":
        answer = gateway.request("DELETE", OWN, token["token"])
    else:
        answer = rotate(token, {"overlapSeconds": 0})
    answered.set()
    assert answer.status in (200, 201)
    for thread in threads:
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
    assert set(late) <= {401}


# ---- over several gateways --------------------------------------------------------------------------------------

def test_an_overlap_ends_everywhere(gateway, start_gateway, create, rotate):
    """The old one's expiry changed: a gateway that remembers it must hear."""
    other = start_gateway()
    token = create()
    assert status_of(other, token) == 200
    rotate(token, {"overlapSeconds": 0})
    eventually(lambda: status_of(other, token) == 401, "did the other gateway hear of it")


def test_the_errors_have_the_usual_shape(gateway, create, rotate):
    old = create()
    rotate(old)
    assert_error_shape(rotate(old))

# SPDX-License-Identifier: MIT
"""Token management over HTTP: the documents to the letter, every refusal, and what no document may contain."""
import datetime
import json
import re
import threading

import pytest

from harness import token_syntax
from harness.http_client import assert_error_shape, bearer
from harness.waiting import PATIENCE_S, eventually

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
ID = re.compile(r"cl[a-z0-9]{7,30}")
TOKEN_KEYS = ["id", "name", "prefix", "scopes", "createdAt", "lastUsedAt", "expiresAt", "allowedIps", "description",
              "selfRotate"]


def base_of(organisation):
    return f"/api/v1/orgs/{organisation.slug}/tokens"


@pytest.fixture(scope="module")
def organisation(new_org):
    return new_org("admin")


@pytest.fixture
def create(gateway, organisation):
    def call(body, token=None, to=None):
        to = to or organisation
        return gateway.request("POST", base_of(to), token or to.admin, json_body=body)
    return call


@pytest.fixture
def create_in_turn(create):
    """Each in a millisecond of its own, and none in that of a token made before: those of one millisecond have no order."""
    def call(body, to):
        began = datetime.datetime.now(datetime.timezone.utc)
        eventually(lambda: datetime.datetime.now(datetime.timezone.utc) - began > datetime.timedelta(milliseconds=1),
                   "did the clock move on")
        return create(body, to=to)
    return call


def raw_create(gateway, organisation, body, content_type="application/json"):
    fields = [("Content-Type", content_type)] if content_type is not None else []
    return gateway.request("POST", base_of(organisation), organisation.admin, body=body, fields=fields)


def assert_refused(response, status, code, word=None):
    assert response.status == status, f"{response.status} {response.body}"
    assert_error_shape(response)
    assert response.error_code == code
    if word:
        assert word in response.error_message


def parse_time(text):
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=datetime.timezone.utc)


# ---- create -----------------------------------------------------------------------------------------------------

def test_created_token(create):
    before = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=1)
    response = create({"name": "ci-deploy"})
    assert response.status == 201
    assert response.get("content-type") == "application/json"
    assert response.get("cache-control") == "no-store"
    token = response.json()
    assert list(token) == TOKEN_KEYS + ["token"]
    assert ID.fullmatch(token["id"])
    assert token["name"] == "ci-deploy"
    assert token["scopes"] == ["read", "write"]
    assert token["token"].startswith("sr_live_") and len(token["token"]) == 56
    assert token_syntax.checksum_is_right(token["token"])
    assert token["prefix"] == token["token"][:12]
    assert token["lastUsedAt"] is None and token["expiresAt"] is None
    assert TIME.fullmatch(token["createdAt"])
    assert before < parse_time(token["createdAt"]) < before + datetime.timedelta(seconds=30)


def test_created_token_works_at_once(create, gateway):
    secret = create({"name": "at once", "scopes": ["read"]}).json()["token"]
    assert gateway.request("GET", "/api/v1/auth/whoami", secret).json()["token"]["name"] == "at once"


@pytest.mark.parametrize("given,stored", [
    (["read"], ["read"]), (["write"], ["write"]), (["admin"], ["admin"]), (["write", "read"], ["read", "write"]),
    (["read", "write", "admin"], ["read", "write", "admin"]), (["read", "read"], ["read"]),
    (["admin", "read"], ["read", "admin"]),
])
def test_scopes_are_kept_as_given_in_one_order(given, stored, create):
    assert create({"name": "scopes", "scopes": given}).json()["scopes"] == stored


@pytest.mark.parametrize("name", [
    "a", "x" * 100, "\u00e4" * 100, "\U0001f512" * 100, "with spaces in it", "quote\"back\\slash/", "<script>&amp;",
    "'; drop table skillreg.api_token; --", "%s%n%d", "${jndi:ldap://x}", "\u6f22\u5b57 \u0639\u0631\u0628\u064a", "null", "\u00e9\u0301",
])
def test_name_is_stored_and_shown_literally(name, create_in_turn, gateway, organisation):
    created = create_in_turn({"name": name}, organisation)
    assert created.status == 201, created.body
    assert created.json()["name"] == name
    listed = gateway.request("GET", base_of(organisation) + "?limit=1", organisation.admin).json()["tokens"]
    assert listed[0]["name"] == name


def test_name_in_escapes(gateway, organisation):
    response = raw_create(gateway, organisation, b'{"name":"\\u0063i \\ud83d\\udd12 \\/"}')
    assert response.json()["name"] == "ci \U0001f512 /"


def test_names_need_not_differ(create):
    first, second = (create({"name": "twin"}).json() for _ in range(2))
    assert first["id"] != second["id"] and first["token"] != second["token"]


def test_expiry_is_shown_in_utc_milliseconds(create):
    for given, shown in [("2099-12-31T23:59:59Z", "2099-12-31T23:59:59.000Z"),
                         ("2099-12-31T23:59:59.1239+02:00", "2099-12-31T21:59:59.123Z")]:
        assert create({"name": "ends", "expiresAt": given}).json()["expiresAt"] == shown


def test_expiry_null_is_none(create):
    assert create({"name": "endless", "expiresAt": None}).json()["expiresAt"] is None


@pytest.mark.parametrize("body,word", [
    ({}, "name"), ({"name": None}, "name"), ({"name": 5}, "name"), ({"name": True}, "name"), ({"name": ["ci"]}, "name"),
    ({"name": {"a": 1}}, "name"), ({"name": ""}, "name"), ({"name": "x" * 101}, "name"), ({"name": "\u00e4" * 101}, "name"),
    ({"name": "   "}, "name"), ({"name": "a\nb"}, "name"), ({"name": "a\tb"}, "name"), ({"name": "a\u0000b"}, "name"),
    ({"name": "a\u007fb"}, "name"), ({"name": "a\u009bb"}, "name"), ({"name": "\u001b[31mred"}, "name"), ({"Name": "ci"}, "name"),
    ({"name": "ci", "scopes": []}, "scopes"), ({"name": "ci", "scopes": "read"}, "scopes"),
    ({"name": "ci", "scopes": None}, "scopes"), ({"name": "ci", "scopes": {"read": True}}, "scopes"),
    ({"name": "ci", "scopes": ["root"]}, "scopes"), ({"name": "ci", "scopes": ["READ"]}, "scopes"),
    ({"name": "ci", "scopes": ["read "]}, "scopes"), ({"name": "ci", "scopes": ["read,write"]}, "scopes"),
    ({"name": "ci", "scopes": ["read", 1]}, "scopes"), ({"name": "ci", "scopes": [["read"]]}, "scopes"),
    ({"name": "ci", "scopes": [""]}, "scopes"), ({"name": "ci", "scopes": 7}, "scopes"),
    ({"name": "ci", "expiresAt": "2001-01-01T00:00:00Z"}, "expiresAt"), ({"name": "ci", "expiresAt": "tomorrow"}, "expiresAt"),
    ({"name": "ci", "expiresAt": 4102444800}, "expiresAt"), ({"name": "ci", "expiresAt": ""}, "expiresAt"),
    ({"name": "ci", "expiresAt": "2099-02-30T00:00:00Z"}, "expiresAt"), ({"name": "ci", "expiresAt": "2099-01-01"}, "expiresAt"),
    ({"name": "ci", "expiresAt": "9999-12-31T23:59:59-00:01"}, "expiresAt"),
    ({"name": "ci", "expiresAt": ["2099-01-01T00:00:00Z"]}, "expiresAt"), ({"name": "ci", "expiresAt": False}, "expiresAt"),
    ({"name": "ci", "allowedIps": "10.0.0.0/8"}, "allowedIps"), ({"name": "ci", "allowedIps": ["::1", "10.0.0.1/8"]}, "allowedIps[1]"),
    ({"name": "ci", "allowedIps": [10]}, "allowedIps[0]"), ({"name": "ci", "allowedIps": ["::1"] * 33}, "allowedIps"),
])
def test_wrong_field_is_422_and_named(body, word, create):
    assert_refused(create(body), 422, "validation_failed", word)


@pytest.mark.parametrize("body", ["[]", '"ci"', "5", "null", "true", '[{"name":"ci"}]'])
def test_json_that_is_no_object_is_422(body, gateway, organisation):
    assert_refused(raw_create(gateway, organisation, body.encode()), 422, "validation_failed")


@pytest.mark.parametrize("body", [
    b"", b" ", b"name=ci", b"{", b"}", b'{"name"}', b'{"name":}', b'{"name":"ci"', b'{"name":"ci",}', b'{"name":"ci"}}',
    b'{"name":"ci"} {"name":"ci"}', b"{'name':'ci'}", b'{name:"ci"}', b'{"name":ci}', b'{"name":"ci" "x":1}',
    b'{"name":"ci","x":01}', b'{"name":"ci","x":+1}', b'{"name":"ci","x":.5}', b'{"name":"ci","x":1.}', b'{"name":"ci","x":NaN}',
    b'{"name":"ci","x":0x1}', b'{"name":"ci","x":True}', b'{"name":"ci","x":nul}', b'{"name":"c\\i"}', b'{"name":"\\x41"}',
    b'{"name":"\\u00g0"}', b'{"name":"\\ud800"}', b'{"name":"\\udc00\\ud800"}', b'{"name":"a\nb"}', b'{"name":"a\x00b"}',
    b'{"name":"\xff"}', b'{"name":"\xc0\xaf"}', b'{"name":"\xed\xa0\x80"}', b'\xef\xbb\xbf{"name":"ci"}', b'{"name":"ci"}\x00',
    b'{"name":"ci"} // done', b'/* a */{"name":"ci"}', b'{"name":"ci","name":"ci"}', b'{"name":"a","n\\u0061me":"b"}',
    b'{"a":' * 17 + b"1" + b"}" * 17, b"[" * 8000 + b"]" * 8000, b"[" * 16000, b'{"name":"ci","x":[' + b"1," * 2000 + b"1]}",
    b"\xff\xfe{\x00}\x00", b"\x1f\x8b\x08\x00",
], ids=range(45))
def test_what_is_not_json_is_400(body, gateway, organisation):
    assert_refused(raw_create(gateway, organisation, body), 400, "invalid_json")


@pytest.mark.parametrize("content_type", [
    None, "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonx",
    "text/json", "application", "json", "application/json+ld", "application/ json",
])
def test_wrong_content_type_is_415(content_type, gateway, organisation):
    assert_refused(raw_create(gateway, organisation, b'{"name":"ci"}', content_type), 415, "unsupported_media_type")


@pytest.mark.parametrize("content_type", [
    "application/json", "Application/JSON", "application/json; charset=utf-8", "application/json;charset=UTF-8",
    "application/json ; charset=utf-8",
])
def test_right_content_type(content_type, gateway, organisation):
    assert raw_create(gateway, organisation, b'{"name":"ci"}', content_type).status == 201


def test_body_over_16_kib_is_413(gateway, organisation):
    body = json.dumps({"name": "ci", "x": "y" * 16384}).encode()
    assert_refused(raw_create(gateway, organisation, body), 413, "body_too_large")


def test_refused_creation_creates_nothing(gateway, new_org):
    own = new_org("admin")
    raw_create(gateway, own, b'{"name":"ci","scopes":["root"]}')
    raw_create(gateway, own, b'{"name":"ci"')
    assert gateway.request("GET", base_of(own), own.admin).json()["pagination"]["total"] == 1


# ---- list -------------------------------------------------------------------------------------------------------

def test_listed_tokens(create_in_turn, gateway, new_org):
    own = new_org("admin")
    created = [create_in_turn({"name": f"key {n}", "scopes": ["read"]}, own).json() for n in range(3)]
    response = gateway.request("GET", base_of(own), own.admin)
    assert response.status == 200
    assert response.get("content-type") == "application/json"
    assert list(response.json()) == ["tokens", "pagination"]
    tokens = response.json()["tokens"]
    assert [token["name"] for token in tokens] == ["key 2", "key 1", "key 0", "admin-key"], "newest first"
    for token in tokens:
        assert list(token) == TOKEN_KEYS
    for token, made in zip(tokens, reversed(created)):
        assert token == {key: made[key] for key in TOKEN_KEYS}
    assert response.json()["pagination"] == {"page": 1, "limit": 100, "total": 4, "totalPages": 1}


def test_list_shows_no_secret_and_no_hash(gateway, organisation, create):
    secret = create({"name": "hidden"}).json()["token"]
    text = gateway.request("GET", base_of(organisation), organisation.admin).body.decode()
    assert secret not in text and secret[12:] not in text
    assert not [key for key in ("digest", "hash", "token") if f'"{key}"' in text]


def test_list_is_of_one_organisation(gateway, new_org, acme):
    own = new_org("admin")
    tokens = gateway.request("GET", base_of(own), own.admin).json()["tokens"]
    assert [token["name"] for token in tokens] == ["admin-key"]


def test_pages(gateway, new_org, create_in_turn):
    own = new_org("admin")
    for number in range(6):
        create_in_turn({"name": f"key {number}"}, own)
    seen = []
    for page in (1, 2, 3):
        document = gateway.request("GET", f"{base_of(own)}?page={page}&limit=3", own.admin).json()
        assert document["pagination"] == {"page": page, "limit": 3, "total": 7, "totalPages": 3}
        seen += [token["name"] for token in document["tokens"]]
    assert seen == ["key 5", "key 4", "key 3", "key 2", "key 1", "key 0", "admin-key"]
    beyond = gateway.request("GET", f"{base_of(own)}?page=4&limit=3", own.admin)
    assert beyond.status == 200 and beyond.json()["tokens"] == []
    assert beyond.json()["pagination"]["total"] == 7


@pytest.mark.parametrize("query,page,limit", [("", 1, 100), ("?limit=200", 1, 200), ("?limit=1", 1, 1), ("?page=2", 2, 100),
                                              ("?other=1", 1, 100), ("?page=1000000&limit=200", 1000000, 200)])
def test_page_parameters(query, page, limit, gateway, organisation):
    response = gateway.request("GET", base_of(organisation) + query, organisation.admin)
    assert response.status == 200
    assert (response.json()["pagination"]["page"], response.json()["pagination"]["limit"]) == (page, limit)


@pytest.mark.parametrize("query,word", [
    ("page=0", "page"), ("page=-1", "page"), ("page=one", "page"), ("page=", "page"), ("page=1.5", "page"), ("page=%31", "page"),
    ("page=99999999999999999999", "page"), ("limit=0", "limit"), ("limit=201", "limit"), ("limit=-5", "limit"), ("limit=all", "limit"),
    ("limit=", "limit"), ("limit=18446744073709551617", "limit"), ("limit=1;drop", "limit"),
])
def test_wrong_page_parameter_is_422_and_named(query, word, gateway, organisation):
    response = gateway.request("GET", f"{base_of(organisation)}?{query}", organisation.admin)
    assert_refused(response, 422, "validation_failed", word)


def test_revoked_tokens_are_not_listed(gateway, new_org, create):
    own = new_org("admin")
    created = create({"name": "gone"}, to=own).json()
    gateway.request("DELETE", f"{base_of(own)}/{created['id']}", own.admin)
    document = gateway.request("GET", base_of(own), own.admin).json()
    assert [token["name"] for token in document["tokens"]] == ["admin-key"]
    assert document["pagination"]["total"] == 1


def test_expired_tokens_are_not_listed(gateway, new_org, create, postgres):
    """A token that is rotated leaves one behind each time: they would pile up, and look as if they could be used."""
    own = new_org("admin")
    ended, soon = create({"name": "ended"}, to=own).json(), create({"name": "soon"}, to=own).json()
    for token, when in ((ended, "- interval '1 second'"), (soon, "+ interval '1 hour'")):
        postgres.query(f"update skillreg.api_token set expires_at = now() {when} where id = %s", (token["id"],))
    document = gateway.request("GET", base_of(own), own.admin).json()
    assert [token["name"] for token in document["tokens"]] == ["soon", "admin-key"]
    assert document["pagination"]["total"] == 2
    assert gateway.request("DELETE", f"{base_of(own)}/{ended['id']}", own.admin).status == 200


def test_200_tokens_of_the_longest_name_fit_in_a_page(gateway, new_org, postgres):
    """The names take six bytes a character, and the addresses are many and long: the largest answer there can be."""
    own = new_org("admin")
    postgres.query(
        "insert into skillreg.api_token (id, org_id, name, prefix, digest, scopes, created_by, allowed_ips)"
        " select 'clmany' || n, o.id, %s, 'sr_live_many', sha256(('many' || n)::bytea), 7, 'operator',"
        " array_fill('1111:2222:3333:4444:5555:6666:7777:8000/113'::cidr, array[32])"
        " from skillreg.organisation o, generate_series(1, 300) n where o.slug = %s", ("<" * 100, own.slug))
    response = gateway.request("GET", base_of(own) + "?limit=200", own.admin)
    assert response.status == 200, response.body[:300]
    assert len(response.json()["tokens"]) == 200
    assert response.json()["pagination"] == {"page": 1, "limit": 200, "total": 301, "totalPages": 2}


# ---- revoke -----------------------------------------------------------------------------------------------------

def test_revoked_token(gateway, organisation, create):
    created = create({"name": "to go"}).json()
    response = gateway.request("DELETE", f"{base_of(organisation)}/{created['id']}", organisation.admin)
    assert response.status == 200
    assert response.get("content-type") == "application/json"
    assert list(response.json()) == ["id", "name", "revokedAt"]
    assert response.json()["id"] == created["id"] and response.json()["name"] == "to go"
    assert TIME.fullmatch(response.json()["revokedAt"])
    assert response.json()["revokedAt"] >= created["createdAt"]
    assert gateway.request("GET", "/api/v1/auth/whoami", created["token"]).status == 401


def test_second_revoke_is_404(gateway, organisation, create):
    created = create({"name": "twice"}).json()
    target = f"{base_of(organisation)}/{created['id']}"
    assert gateway.request("DELETE", target, organisation.admin).status == 200
    assert_refused(gateway.request("DELETE", target, organisation.admin), 404, "not_found")


def test_foreign_and_unknown_ids_are_not_told_apart(gateway, organisation, create, globex):
    foreign_id = create({"name": "theirs"}, to=globex).json()["id"]
    answers = [gateway.request("DELETE", f"{base_of(organisation)}/{id}", organisation.admin)
               for id in (foreign_id, foreign_id[:-1] + "0", "clx7f2k3a")]
    for answer in answers:
        assert_refused(answer, 404, "not_found")
    assert len({answer.body for answer in answers}) == 1
    theirs = gateway.request("GET", base_of(globex), globex.admin).json()["tokens"]
    assert foreign_id in [token["id"] for token in theirs]


@pytest.mark.parametrize("wrong", [
    "ci-deploy", "sr_live_a1b2", "CLX7F2K3A", "a" * 33, "a" * 500, "1", "%27%20or%201=1", "clx%20", "%C3%A4", "clx7f2k3a%20", "*",
    "a;b",
])
def test_what_is_no_id_is_404(wrong, gateway, organisation):
    assert_refused(gateway.request("DELETE", f"{base_of(organisation)}/{wrong}", organisation.admin), 404, "not_found")


def test_name_and_prefix_do_not_revoke(gateway, organisation, create):
    created = create({"name": "byname"}).json()
    for wrong in ("byname", created["prefix"], created["token"]):
        assert gateway.request("DELETE", f"{base_of(organisation)}/{wrong}", organisation.admin).status == 404
    assert gateway.request("GET", "/api/v1/auth/whoami", created["token"]).status == 200


def test_of_many_revokes_at_once_one_wins(gateway, organisation, create):
    created = create({"name": "contested"}).json()
    statuses = []

    def revoke():
        with gateway.connect() as connection:
            statuses.append(connection.request(
                "DELETE", f"{base_of(organisation)}/{created['id']}", bearer(organisation.admin)).status)

    threads = [threading.Thread(target=revoke) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [404] * 7


def test_no_request_begun_after_the_answer_to_a_revoke_passes(gateway, organisation, create):
    """While others use the token without a pause."""
    created = create({"name": "raced", "scopes": ["read"]}).json()
    revoked = threading.Event()
    late = []

    def use_until_refused():
        with gateway.connect() as connection:
            status = 200
            while status == 200:
                is_late = revoked.is_set()
                status = connection.request("GET", "/api/v1/auth/whoami", bearer(created["token"])).status
                if is_late:
                    late.append(status)

    threads = [threading.Thread(target=use_until_refused) for _ in range(4)]
    for thread in threads:
        thread.start()
    with gateway.connect() as connection:
        assert connection.request("DELETE", f"{base_of(organisation)}/{created['id']}", bearer(organisation.admin)).status == 200
    revoked.set()
    for thread in threads:
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
    assert set(late) <= {401}
    assert gateway.request("GET", "/api/v1/auth/whoami", created["token"]).status == 401


# ---- whoami -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("scopes,role", [(["read"], "member"), (["write"], "member"), (["read", "write"], "member"),
                                         (["admin"], "admin"), (["read", "admin"], "admin")])
def test_whoami(scopes, role, gateway, organisation, create, postgres):
    created = create({"name": "who", "scopes": scopes}).json()
    response = gateway.request("GET", "/api/v1/auth/whoami", created["token"])
    assert response.status == 200
    assert response.get("content-type") == "application/json"
    document = response.json()
    assert sorted(document) == ["org", "orgs", "token", "user"]
    assert sorted(document["user"]) == ["email", "id", "name"]
    assert all(isinstance(value, str) and value for value in document["user"].values())
    assert re.fullmatch(r"[^@\s]+@[a-z0-9.-]+\.invalid", document["user"]["email"])
    (org_id, org_name), = postgres.query("select id, name from skillreg.organisation where slug = %s", (organisation.slug,))
    assert document["org"] == {"id": org_id, "slug": organisation.slug, "name": org_name}
    assert document["orgs"] == [{"slug": organisation.slug, "name": org_name, "role": role}]
    assert list(document["token"]) == [key for key in TOKEN_KEYS if key != "description"]
    for key in ("id", "name", "prefix", "scopes", "createdAt", "expiresAt"):
        assert document["token"][key] == created[key]
    assert created["token"] not in response.body.decode()


def test_every_answer_has_its_own_request_id_and_a_date(gateway, acme):
    answers = [gateway.request("GET", "/api/v1/auth/whoami", token) for token in (acme.read, None, acme.read, "x")]
    assert len({answer.get("x-request-id") for answer in answers}) == 4
    for answer in answers:
        assert re.fullmatch(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", answer.get("date"))


# ---- misspelt restrictions --------------------------------------------------------------------------------------

@pytest.mark.parametrize("member", ["scope", "expires_at", "allowed_ips", "Scopes", "expiresat"])
def test_a_misspelt_restriction_makes_no_token(member, gateway, new_org):
    own = new_org()
    refused = gateway.request("POST", base_of(own), own.admin, json_body={"name": "ci", member: ["read"]})
    assert refused.status == 422 and refused.error_code == "validation_failed"
    assert refused.json()["error"]["message"] == (
        f"{member} is no member of this request; known are: name, scopes, expiresAt, expiresIn, allowedIps, bindChildren, "
        "description, selfRotate, boundSan.")
    assert gateway.request("POST", base_of(own) + "?dry_run=1", own.admin, json_body={"name": "ci"}).status == 422
    assert gateway.request("GET", base_of(own) + "?dry_run=1", own.admin).json()["pagination"]["total"] == 1, "the admin's own"


def test_a_misspelt_restriction_changes_no_token(gateway, new_org):
    own = new_org()
    token = gateway.request("POST", base_of(own), own.admin, json_body={"name": "ci"}).json()
    rotate = f"{base_of(own)}/{token['id']}/rotate"
    assert gateway.request("POST", rotate, own.admin, json_body={"overlap": 0}).status == 422
    assert gateway.request("POST", rotate + "?overlapSeconds=0", own.admin, json_body={}).status == 422
    assert gateway.request("DELETE", f"{base_of(own)}/{token['id']}?successor=true", own.admin).status == 422
    assert gateway.request("DELETE", "/api/v1/auth/token?wiat=5s", token["token"]).status == 422
    assert gateway.request("GET", "/api/v1/auth/whoami", token["token"]).status == 200

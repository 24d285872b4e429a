# SPDX-License-Identifier: MIT
"""What a token is given when it is made: the length of its life, and what it is for."""
import datetime

import pytest

from test_tokens_api import assert_refused, base_of, parse_time


@pytest.fixture
def create(gateway, organisation):
    def call(**body):
        return gateway.request("POST", base_of(organisation), organisation.admin, json_body={"name": "ci-deploy", **body})
    return call


@pytest.fixture
def rotate(gateway, organisation):
    def call(token, **body):
        return gateway.request("POST", f"{base_of(organisation)}/{token['id']}/rotate", organisation.admin, json_body=body)
    return call


@pytest.fixture
def total(gateway, organisation):
    return lambda: gateway.request("GET", base_of(organisation), organisation.admin).json()["pagination"]["total"]


# ---- the length of its life -------------------------------------------------------------------------------------

def assert_lives(token, **length):
    """By the clock of the gateway; createdAt is by the clock of the database, which here is the same."""
    life = parse_time(token["expiresAt"]) - parse_time(token["createdAt"])
    assert abs(life - datetime.timedelta(**length)) < datetime.timedelta(seconds=30)


def test_a_length_is_counted_from_now(create, rotate):
    token = create(expiresIn=90 * 86400).json()
    assert_lives(token, days=90)
    assert_lives(rotate(token, expiresIn=3600).json(), hours=1)
    assert create(expiresIn=None).json()["expiresAt"] is None


@pytest.mark.parametrize("length", [0, -1, 1.5, 1e3, True, "3600", "90d", [60], 2 ** 63 - 1, 2 ** 64, 252000000000])
def test_what_is_no_length_is_422_and_makes_nothing(length, create, rotate, total):
    token = create().json()
    assert_refused(create(expiresIn=length), 422, "validation_failed", "expiresIn")
    assert_refused(rotate(token, expiresIn=length), 422, "validation_failed", "expiresIn")
    assert total() == 2


def test_an_end_and_a_length_together_are_422(create, rotate, total):
    both = {"expiresIn": 3600, "expiresAt": "2099-01-01T00:00:00Z"}
    token = create().json()
    for answer in (create(**both), rotate(token, **both)):
        assert_refused(answer, 422, "validation_failed", "expiresAt and expiresIn")
    assert total() == 2


# ---- what it is for ---------------------------------------------------------------------------------------------

def test_a_description_is_shown_wherever_its_token_is(gateway, organisation, create, rotate):
    text = "deploys \u00e4ll <skills> & \"more\""
    token = create(description=text).json()
    new = rotate(token).json()
    listed = gateway.request("GET", base_of(organisation), organisation.admin).json()["tokens"]
    shown = {entry["id"]: entry["description"] for entry in listed}
    assert token["description"] == new["description"] == shown[token["id"]] == shown[new["id"]] == text
    assert [entry["description"] for entry in listed if entry["name"] == "admin-key"] == [None]
    whoami = gateway.request("GET", "/api/v1/auth/whoami", token["token"])
    assert "description" not in whoami.json()["token"], "a lookup does not bring it"


@pytest.mark.parametrize("text", ["x", "\u00e4" * 500, "\U0001f512" * 500, None], ids=["one", "two bytes", "four bytes", "none"])
def test_the_longest_description_and_none(text, create):
    assert create(description=text).json()["description"] == text


@pytest.mark.parametrize("text", [
    "", "x" * 501, 5, True, ["x"], "two\nlines", "bell\u0007", "a\u202eb", "a\u200bb",
], ids=["empty", "too long", "number", "boolean", "list", "newline", "control", "bidi", "zero width"])
def test_what_is_no_description_is_422_and_makes_nothing(text, create, total):
    assert_refused(create(description=text), 422, "validation_failed", "description")
    assert total() == 1


def test_a_token_is_no_description(create, total):
    """It would be shown for ever."""
    secret = create().json()["token"]
    answer = create(description=f"the old one was {secret}")
    assert_refused(answer, 422, "validation_failed", "description")
    assert secret not in answer.body.decode() and total() == 2


def test_a_page_of_the_longest_rows_is_whole(gateway, organisation, postgres):
    """Each character takes six bytes of JSON: it is more than a megabyte."""
    postgres.query(
        "insert into skillreg.api_token (id, org_id, name, prefix, digest, scopes, created_by, description, allowed_ips)"
        " select 'clmanytokensofthelongestkind' || i, o.id, repeat('&', 100), 'sr_live_a1b2', sha256(('m' || o.id || i)::bytea), 7,"
        " 'operator', repeat('<', 500), array_fill('2001:db8:1111:2222:3333:4444:5555:6600/120'::cidr, array[32])"
        " from skillreg.organisation o, generate_series(1, 200) i where o.slug = %s", (organisation.slug,))
    listed = gateway.request("GET", base_of(organisation) + "?limit=200", organisation.admin).json()["tokens"]
    assert len(listed) == 200
    assert {entry["description"] for entry in listed if entry["name"] != "admin-key"} == {"<" * 500}

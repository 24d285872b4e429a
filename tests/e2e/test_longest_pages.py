# SPDX-License-Identifier: MIT
"""The longest pages there can be: of each character six bytes in JSON, and all members as long as the schema lets them be."""
import json

import pytest

TOKENS = 250  # more than a page has by its number
LONGEST = "&"  # \\u0026 in JSON


@pytest.fixture
def organisation(new_org, postgres):
    organisation = new_org("admin")
    (org_id,), = postgres.query("select id from skillreg.organisation where slug = %s", (organisation.slug,))
    maker = org_id.ljust(32, "m")
    postgres.query(
        "insert into skillreg.api_token (id, org_id, name, prefix, digest, scopes, created_at, created_by, last_used_at,"
        "  expires_at, description, allowed_ips, rotates_itself, binds_children, replaced_by)"
        " select case i when 0 then %(maker)s else rpad(%(org)s || 't' || i || 'x', 32, 'x') end, %(org)s, repeat(%(c)s, 100),"
        "  'sr_live_a1b2', sha256((%(org)s || i)::bytea), 7, now() - i * interval '1 second', %(maker)s, now(),"
        "  now() + interval '1 year', repeat(%(c)s, 500),"
        "  array(select ('1111:2222:3333:4444:5555:6666:' || 7000 + j || ':8880/125')::cidr from generate_series(1, 32) j),"
        "  true, true, case when i > 0 then %(maker)s end"
        " from generate_series(0, %(count)s) i",
        {"org": org_id, "maker": maker, "c": LONGEST, "count": TOKENS - 1})
    postgres.query("update skillreg.api_token set revoked_at = now(), revoked_by = %s, revoked_from = '1111:2222:3333::4444'"
                   " where org_id = %s and name = %s and id <> %s", (maker, org_id, LONGEST * 100, maker))
    return organisation


@pytest.fixture
def get(gateway, organisation):
    def call(path):
        answer = gateway.request("GET", f"/api/v1/orgs/{organisation.slug}/{path}", organisation.admin)
        assert answer.status == 200, answer.body
        return answer
    return call


def test_a_page_by_its_number_has_all_of_its_tokens(get):
    answer = get("tokens?all=true&limit=200&page=1")
    tokens = json.loads(answer.body)["tokens"]
    assert len(tokens) == 200
    assert len(answer.body) > 1300 * 1024  # the worst case, and not another
    assert {token["reason"].count(LONGEST) for token in tokens[2:]} == {100}
    assert len(json.loads(get("tokens?all=true&limit=200&page=2").body)["tokens"]) == TOKENS + 1 - 200


def test_pages_by_a_cursor_end_earlier_and_miss_nothing(get):
    ids, after, pages = [], "", 0
    while after is not None:
        page = json.loads(get(f"tokens?all=true&limit=1000&after={after}").body)
        ids += [token["id"] for token in page["tokens"]]
        after, pages = page["next"], pages + 1
    assert len(ids) == len(set(ids)) == TOKENS + 1
    assert pages > 1
    by_name = json.loads(get("tokens?all=true&sort=name&limit=200&page=1").body)
    assert len(by_name["tokens"]) == 200


def test_the_longest_page_of_the_audit(get):
    events = json.loads(get("audit?limit=200").body)["events"]
    assert len(events) == 200
    assert {event["actor"]["name"] for event in events} == {LONGEST * 100}

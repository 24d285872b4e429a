# SPDX-License-Identifier: MIT
"""Lists of tokens by a cursor: none missing and none doubled while others are revoked and made; filters; one token."""
import json
import re

import pytest

from harness.http_client import assert_error_shape


def base_of(organisation):
    return f"/api/v1/orgs/{organisation.slug}/tokens"


@pytest.fixture
def get(gateway, organisation):
    def call(query="", path=""):
        response = gateway.request("GET", base_of(organisation) + path + query, organisation.admin)
        assert response.status == 200, response.body
        return json.loads(response.body)
    return call


@pytest.fixture
def make(gateway, organisation):
    def call(name, **members):
        response = gateway.request("POST", base_of(organisation), organisation.admin, json_body={"name": name, **members})
        assert response.status == 201, response.body
        return json.loads(response.body)["id"]
    return call


@pytest.fixture
def revoke(gateway, organisation):
    def call(token_id):
        assert gateway.request("DELETE", f"{base_of(organisation)}/{token_id}", organisation.admin).status == 200
    return call


def test_a_list_that_moves_misses_no_live_token_and_shows_none_twice(get, make, revoke):
    ids = [make(f"t{i}") for i in range(45)]
    listed, after, doomed = [], "", list(ids[::3])
    while after is not None:
        page = get(f"?after={after}&limit=10")
        assert sorted(page) == ["next", "tokens"]
        listed += [token["id"] for token in page["tokens"]]
        after = page["next"]
        if after is not None:  # those that were listed, the last one among them, those that were not, and new ones
            revoke(listed[-1])
            ids.remove(listed[-1])
            for token_id in [one for one in doomed[-3:] if one in ids]:
                revoke(token_id)
                ids.remove(token_id)
            doomed = doomed[:-3]
            make("late")
    assert len(set(listed)) == len(listed)
    assert set(ids) <= set(listed)
    assert "late" not in [token["name"] for token in get("?after=")["tokens"] if token["id"] in listed]


def test_each_filter_goes_with_both_ways_of_paging(get, make, revoke):
    old = make("Old one")
    admin = make("boss", scopes=["admin"])
    ending = make("ending", expiresIn=13 * 86400)
    gone = make("gone")
    revoke(gone)
    for way in ["page=1", "after="]:
        names = lambda query: {token["name"] for token in get(f"?{way}&{query}")["tokens"]}
        assert names("name=oLD") == {"Old one"}
        assert "boss" in names("scope=admin") and "Old one" not in names("scope=admin")
        assert names("expiring=14d") == {"ending"} and names("expiring=12d") == set()
        assert names("unused=1d") == set()
        assert "gone" in names("all=true") and "gone" not in names("all=false")
        assert "gone" in names("all=true&sort=name")
        ordered = [token["name"].lower() for token in get(f"?{way}&sort=name")["tokens"]]
        assert ordered == sorted(ordered) and len(ordered) >= 3
    prefix = get("", f"/{old}")["prefix"]
    assert [token["id"] for token in get(f"?after=&prefix={prefix}")["tokens"]] == [old]
    assert admin and ending


def test_one_token_tells_what_became_of_it(gateway, get, make, revoke, organisation):
    token_id = make("short-lived")
    live = get("", f"/{token_id}")
    assert (live["state"], live["reason"], live["revokedAt"], live["revokedBy"]) == ("live", None, None, None)
    assert live["createdBy"]["kind"] == "token" and live["replaces"] is None and live["bindChildren"] is False
    revoke(token_id)
    revoked = get("", f"/{token_id}")
    assert revoked["state"] == "revoked" and revoked["revokedAt"] is not None
    assert revoked["revokedBy"]["name"] in revoked["reason"]
    assert gateway.request("HEAD", f"{base_of(organisation)}/{token_id}", organisation.admin).status == 200
    missing = gateway.request("GET", f"{base_of(organisation)}/clnone", organisation.admin)
    assert missing.status == 404
    assert_error_shape(missing)


@pytest.mark.parametrize("query, word", [
    ("after=x", "begin anew"), ("after=&page=1", "page"), ("after=&limit=1001", "limit"), ("limit=201", "limit"),
    ("all=1", "all"), ("unused=x", "unused"), ("expiring=1", "expiring"), ("name=", "name"), ("prefix=", "prefix"),
    ("scope=root", "scope"), ("sort=age", "sort"),
])
def test_a_wrong_value_is_refused_by_its_name(gateway, organisation, query, word):
    response = gateway.request("GET", f"{base_of(organisation)}?{query}", organisation.admin)
    assert response.status == 422
    assert_error_shape(response)
    assert word in response.error_message


def test_the_command_line_follows_the_cursor(skillreg, organisation, make):
    """More than its first page holds, so that it has to go on."""
    ids = {make(f"t{i}") for i in range(205)}
    printed = skillreg(organisation).must("token", "list", "--json")
    listed = [token["id"] for token in json.loads(printed)["tokens"]]
    assert len(set(listed)) == len(listed) and ids <= set(listed)


def test_the_command_line_chooses_and_shows_states(skillreg, organisation, make, revoke):
    make("ending", expiresIn=13 * 86400)
    revoke(make("gone"))
    cli = skillreg(organisation)
    names = lambda *flags: [line.split()[0] for line in cli.must("token", "list", *flags).splitlines()[1:]]
    assert names("--expiring", "14d") == ["ending"]
    assert cli.must("token", "list", "--unused", "1d") == "No token matches.\n"
    assert names("--sort", "name") == sorted(names())
    lines = {line.split()[0]: re.split(r" {3,}", line) for line in cli.must("token", "list", "--all").splitlines()}
    assert lines["NAME"][-3:] == ["STATE", "REASON", "ID"]
    assert lines["gone"][-3] == "revoked" and lines["gone"][-2].startswith("Revoked by the token ") and lines["ending"][-2] == "live"
    assert names("--name", "END") == ["ending"] and names("--scope", "write", "--limit", "1", "--sort", "name") == ["ending"]
    assert cli.run("token", "list", "--name", "END", "--exit-code").returncode == 10
    assert cli.run("token", "list", "--name", "gone", "--exit-code").returncode == 0
    assert cli.run("token", "list", "--prefix", "sr_live_abcdefghijk").returncode == 2
    wrong = cli.run("token", "list", "--sort", "age")
    assert wrong.returncode != 0 and "sort" in wrong.stderr


def test_the_command_line_shows_one_token(skillreg, organisation, gateway, make, revoke):
    token_id = make("a b", scopes=["admin"], description="for the test", allowedIps=["192.0.2.0/24"], bindChildren=True)
    plain = make("plain")
    cli = skillreg(organisation)
    fields = lambda one: dict(re.split(r": +", line, maxsplit=1) for line in cli.must("token", "show", one).splitlines())
    shown = fields(token_id)
    answer = json.loads(cli.must("token", "show", token_id, "--json"))
    maker = answer["createdBy"]
    assert shown == {
        "Name": "a b", "ID": token_id, "Prefix": answer["prefix"], "State": "live", "Scopes": "admin",
        "Description": "for the test", "Last used": "never", "Expires": "never", "From": "192.0.2.0/24",
        "Created": f"{answer['createdAt']} (by {maker['name']}, {maker['tokenId']}, from 127.0.0.1)", "Binds children": "yes"}
    assert "Description" not in fields(plain) and "From" not in fields(plain)
    revoke(plain)
    ended = fields(plain)
    assert re.fullmatch(r"revoked \(Revoked by the token .*\)", ended["State"])
    assert ended["Revoked"].endswith(f"(by {maker['name']}, {maker['tokenId']}, from 127.0.0.1)")
    missing = cli.run("token", "show", "clnone")
    assert (missing.returncode, missing.stdout) == (7, "") and "skillreg token list" in missing.stderr

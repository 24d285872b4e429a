# SPDX-License-Identifier: MIT
"""The audit for those who look for something in it, and for those who ship it elsewhere."""
import datetime
import json
import signal
import subprocess
import threading
import urllib.parse

import pytest

from harness.http_client import bearer
from harness import binaries
from harness.waiting import eventually
from test_tokens_api import assert_refused, base_of, parse_time

WHOAMI = "/api/v1/auth/whoami"
JSON = ("Content-Type", "application/json")


@pytest.fixture
def ask(gateway, organisation):
    def call(**parameters):
        return gateway.request("GET", f"/api/v1/orgs/{organisation.slug}/audit?{urllib.parse.urlencode(parameters)}",
                               organisation.admin)
    return call


@pytest.fixture
def audit(ask):
    """The answer as JSON."""
    def call(**parameters):
        answer = ask(**parameters)
        assert answer.status == 200, answer.body
        return answer.json()
    return call


@pytest.fixture
def create(gateway, organisation):
    def call(name="ci-deploy", **body):
        answer = gateway.request("POST", base_of(organisation), organisation.admin, json_body={"name": name, **body})
        assert answer.status == 201, answer.body
        return answer.json()
    return call


@pytest.fixture
def life(gateway, organisation, create):
    """A token of an operator's making, one that it made, its successor; both of these are revoked."""
    old = create()
    new = gateway.request("POST", f"{base_of(organisation)}/{old['id']}/rotate", organisation.admin).json()
    for token in (old, new):
        assert gateway.request("DELETE", f"{base_of(organisation)}/{token['id']}", organisation.admin).status == 200
    admin_id = gateway.request("GET", WHOAMI, organisation.admin).json()["token"]["id"]
    return {"old": old["id"], "new": new["id"], "admin": admin_id}


def told(document):
    return [(event["action"], event.get("successorId", event["tokenId"])) for event in document["events"]]


# ---- filters ----------------------------------------------------------------------------------------------------

def test_the_audit_of_one_token(life, audit):
    assert told(audit(token=life["old"])) == [("revoke", life["old"]), ("rotate", life["new"]), ("create", life["old"])]
    assert told(audit(token=life["new"])) == [("revoke", life["new"]), ("rotate", life["new"])]
    assert audit(token="clnobody") == {"events": [], "next": None}


def test_the_audit_of_one_actor(life, audit):
    assert {event["actor"]["tokenId"] for event in audit(actor=life["admin"])["events"]} == {life["admin"]}
    assert told(audit(actor="operator")) == [("create", life["admin"])]
    assert audit(actor=life["old"])["events"] == []


def test_the_audit_of_one_action(life, audit):
    assert told(audit(action="revoke")) == [("revoke", life["new"]), ("revoke", life["old"])]
    for action in ("import", "change", "expire"):
        assert audit(action=action)["events"] == []


def test_the_audit_of_a_time(life, audit):
    """From `since` on, and before `until`."""
    events = audit()["events"]
    times = sorted({event["at"] for event in events})
    for time in times:
        assert audit(since=time)["events"] == [event for event in events if event["at"] >= time]
        assert audit(until=time)["events"] == [event for event in events if event["at"] < time]
    shifted = parse_time(times[0]).astimezone(datetime.timezone(datetime.timedelta(hours=5, minutes=30)))
    assert audit(since=shifted.isoformat(timespec="milliseconds"))["events"] == events


def test_filters_add_up_and_are_paged(life, audit):
    first = audit(actor=life["admin"], action="revoke", limit=1)
    assert told(first) == [("revoke", life["new"])]
    second = audit(actor=life["admin"], action="revoke", limit=1, before=first["next"])
    assert told(second) == [("revoke", life["old"])] and second["next"] is None


@pytest.mark.parametrize("name,value", [
    ("token", "ci-deploy"), ("token", ""), ("actor", "the-boss"), ("action", "revoked"), ("action", ""), ("since", "7d"),
    ("since", "2026-01-01"), ("until", "tomorrow"), ("after", "-1"), ("after", "x"), ("after", "9223372036854775808")])
def test_a_wrong_filter_is_422(name, value, ask):
    assert_refused(ask(**{name: value}), 422, "validation_failed", name)


def test_both_directions_at_once_are_422(ask):
    assert_refused(ask(before=7, after=3), 422, "validation_failed", "exclude")


def test_an_unknown_parameter_is_ignored(life, audit):
    assert audit(colour="red") == audit()


# ---- shipping ---------------------------------------------------------------------------------------------------

def test_events_after_one_come_oldest_first_and_go_on(life, audit, create):
    events = audit()["events"][::-1]
    page = audit(after=0, limit=2)
    assert page["events"] == events[:2] and page["next"] == events[1]["id"]
    page = audit(after=page["next"])
    assert page["events"] == events[2:] and page["next"] == events[-1]["id"]
    assert audit(after=page["next"]) == {"events": [], "next": page["next"]}
    token = create()
    later = audit(after=page["next"])
    assert told(later) == [("create", token["id"])] and later["next"] == later["events"][0]["id"]


def test_a_filter_keeps_the_place(life, audit):
    """Without an event that it lets through, `next` is what was asked."""
    assert audit(after="17", action="import") == {"events": [], "next": "17"}


def test_a_shipper_has_every_event_once_while_others_make_them(gateway, organisation, audit):
    """Numbers rise in the order of the commits: what comes later is never numbered below what was seen."""
    count, makers = 8, 4
    place = audit(after=0)["next"]
    made = []

    def make():
        with gateway.connect() as connection:
            for _ in range(count):
                answer = connection.request("POST", base_of(organisation), [*bearer(organisation.admin), JSON], b'{"name":"x"}')
                made.append(answer.json()["id"])

    threads = [threading.Thread(target=make) for _ in range(makers)]
    for thread in threads:
        thread.start()
    seen = []

    def ship():
        nonlocal place
        page = audit(after=place, limit=3)
        seen.extend(event["tokenId"] for event in page["events"])
        place = page["next"]
        return len(seen) >= count * makers

    eventually(ship, "has the shipper seen all events")
    for thread in threads:
        thread.join()
    assert sorted(seen) == sorted(made) and len(made) == count * makers


# ---- ends that come by themselves -------------------------------------------------------------------------------

def test_a_token_that_ends_by_itself_is_in_the_audit(audit, create, gateway, start_gateway):
    """Any gateway notes it, soon after its start and each minute or so. Of two that do so at once it is there once."""
    ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=1)
    token = create(expiresAt=ends.isoformat(timespec="milliseconds"))
    eventually(lambda: gateway.request("GET", WHOAMI, token["token"]).status == 401, "has the token ended")
    first, second = start_gateway(), start_gateway()
    event, = eventually(lambda: audit(action="expire")["events"], "is the end in the audit")
    assert list(event) == ["id", "at", "action", "tokenId", "tokenName", "endedAt", "actor", "address"]
    assert event["tokenId"] == token["id"] and event["tokenName"] == "ci-deploy"
    assert event["endedAt"] == token["expiresAt"] < event["at"]
    assert event["actor"] == {"kind": "expiry", "tokenId": None, "name": "expiry"} and event["address"] is None
    assert audit(actor="expiry")["events"] == audit(token=token["id"], action="expire")["events"] == [event]
    assert [each["action"] for each in audit(actor="operator")["events"]] == ["create"]
    first.stop(), second.stop()
    assert audit(action="expire")["events"] == [event]


# ---- skillreg audit ---------------------------------------------------------------------------------------------

@pytest.fixture
def cli(skillreg, organisation):
    return skillreg(organisation)


@pytest.fixture
def follow(cli):
    """`audit --follow` with these flags; its output line by line."""
    started = []

    def start(*flags):
        process = subprocess.Popen([binaries.find("skillreg"), "audit", "--follow", *flags], cwd=cli.home, text=True,
                                   env=cli._environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_the_command_line_filters_and_shows_ids(cli, life):
    lines = cli.must("audit", "--token-id", life["new"]).splitlines()
    assert len(lines) == 3 and lines[1].split()[1] == "revoke" and f"ci-deploy ({life['old']})" in lines[2]
    assert f"admin-key ({life['admin']})" in lines[1]
    events = json.loads(cli.must("audit", "--json", "--action", "revoke", "--actor", life["admin"], "--since", "1h"))["events"]
    assert [event["tokenId"] for event in events] == [life["new"], life["old"]]
    assert json.loads(cli.must("audit", "--json", "--until", "2026-01-01"))["events"] == []


@pytest.mark.parametrize("flags", [
    ("--token-id", "sr_live_a1b2"), ("--action", "revoked"), ("--since", "yesterday"), ("--after", "x"), ("--follow", "--limit", "3")],
    ids=lambda flags: flags[0].strip("-"))
def test_a_wrong_flag_of_audit_is_wrong_usage(flags, cli):
    done = cli.run("audit", *flags)
    assert done.returncode == 2 and flags[0] in done.stderr and "a1b2" not in done.stderr


def test_every_event_as_a_line_of_json(cli, audit, postgres, organisation):
    postgres.query("insert into skillreg.token_audit (id, org_id, action, token_id, token_name, actor_name)"
                   " select n + (select max(id) from skillreg.token_audit), o.id, 'create', 'clx', 'x', 'operator'"
                   " from skillreg.organisation o, generate_series(1, 450) n where o.slug = %s", (organisation.slug,))
    events = [json.loads(line) for line in cli.must("audit", "--ndjson").splitlines()]
    ids = [int(event["id"]) for event in events]
    assert len(ids) == 451 and ids == sorted(ids)
    assert [json.loads(line) for line in cli.must("audit", "--ndjson", "--after", str(ids[440])).splitlines()] == events[441:]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["int", "term"])
def test_following_the_audit(number, follow, create, life):
    process = follow("--json", "--since", "1h")
    seen = [json.loads(process.stdout.readline())["action"] for _ in range(5)]
    assert seen == ["create", "create", "rotate", "revoke", "revoke"]
    token = create("later")
    event = json.loads(process.stdout.readline())
    assert event["action"] == "create" and event["tokenId"] == token["id"]
    process.send_signal(number)
    assert process.wait(60) == 0 and process.stderr.read() == ""


def test_following_ends_when_its_reader_goes_away(follow, create, life):
    """At the next event, without a word; what it wrote last has no reader, so it has not succeeded: as SIGPIPE ends others."""
    process = follow("--json", "--since", "1h")
    for _ in range(5):
        process.stdout.readline()
    process.stdout.close()
    create("later")
    assert process.wait(60) == -signal.SIGPIPE
    assert process.stderr.read() == ""
    process.stdout = None  # closed already

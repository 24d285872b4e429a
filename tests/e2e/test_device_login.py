# SPDX-License-Identifier: MIT
"""People log in by a code (--device-login): a program asks at one gateway, somebody with an admin token approves at a second, and
the program picks its token up at a third, once; and without the flag the registry is asked."""
import re
import threading

import pytest

from harness.fleet import Fleet
from harness.http_client import assert_error_shape
from harness.waiting import eventually

CLI = "/api/v1/auth/cli"
STARTS, GUESSES = 30, 20  # a minute, of one address
FLAGS = ("--device-login", "--trusted-proxies", "127.0.0.1")
ADA = {"name": "Ada Lovelace", "email": "ada@example.org"}


@pytest.fixture(scope="module")
def fleet(postgres, tmp_path_factory):
    own = Fleet(postgres, "device_login", tmp_path_factory.mktemp("fleet"))
    own.first, own.second, own.third = own.start(3, *FLAGS)
    yield own
    own.stop()


@pytest.fixture(autouse=True)
def empty(fleet):
    """What waits of other tests counts against nobody."""
    fleet.query("delete from skillreg.device_login")


def client(number):
    """The field of a proxy that names a client of its own for each test, with a budget of its own."""
    return [("X-Forwarded-For", f"198.51.100.{number}")]


def start(gateway, number=1, **options):
    answer = gateway.request("POST", f"{CLI}/initiate", fields=[*client(number), ("User-Agent", "skillreg/1.2.0")], **options)
    assert answer.status == 200, answer.body
    return answer.json()


def poll(gateway, login, method="GET"):
    return gateway.request(method, f"{CLI}/poll?device_code={login['deviceCode']}", fields=client(1))


def look_up(gateway, secret, code, number=200):
    return gateway.request("POST", f"{CLI}/lookup", secret, json_body={"userCode": code}, fields=client(number))


def approve(gateway, secret, login, number=200, **more):
    return gateway.request("POST", f"{CLI}/approve", secret, json_body={"userCode": login["userCode"], **more},
                           fields=client(number))


def assert_refused(answer, status, code):
    assert_error_shape(answer)
    assert (answer.status, answer.error_code) == (status, code)


def assert_pending(answer):
    assert (answer.status, answer.json()) == (200, {"status": "pending", "token": None})
    assert answer.get("cache-control") == "no-store"


def assert_over(answer):
    assert_refused(answer, 410, "device_code_expired")


def assert_unknown(answer):
    assert_refused(answer, 404, "device_code_not_found")


def pick_up(gateway, login):
    answer = poll(gateway, login)
    assert answer.status == 200 and answer.json()["status"] == "complete", answer.body
    assert answer.get("cache-control") == "no-store"
    return answer.json()["token"]


def admin(fleet, **more):
    """An admin token beside the first one."""
    return fleet.create_token(fleet.first, scopes=["admin"], **more)


def tokens_of(fleet, code_of_name):
    return fleet.query("select count(*) from skillreg.api_token where name = %s", (code_of_name,))[0][0]


# ---- the way of one -------------------------------------------------------------------------------------------------

def test_a_login_goes_through_three_gateways(fleet):
    login = start(fleet.first, 7)
    assert re.fullmatch(r"[B-DF-HJ-NP-TV-XZ]{4}-\d{4}", login["userCode"])
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", login["deviceCode"])
    assert (login["verificationUrl"], login["expiresIn"], login["interval"]) == ("/auth/cli", 600, 3)
    assert login["userCode"] not in login["verificationUrl"]
    assert_pending(poll(fleet.third, login))
    seen = look_up(fleet.second, fleet.admin, login["userCode"])
    assert seen.status == 200
    assert {name: seen.json()[name] for name in ("userCode", "requestedFrom", "userAgent", "expiresAt")} == {
        "userCode": login["userCode"], "requestedFrom": "198.51.100.7", "userAgent": "skillreg/1.2.0",
        "expiresAt": login["expiresAt"]}
    approved = approve(fleet.second, fleet.admin, login, **ADA)
    assert approved.status == 200, approved.body
    document = approved.json()
    assert (document["org"], document["scopes"], document["requestedFrom"]) == ("acme", ["read"], "198.51.100.7")
    secret = pick_up(fleet.third, login)
    for gateway in (fleet.first, fleet.second, fleet.third):
        whoami = gateway.request("GET", "/api/v1/auth/whoami", secret)
        assert whoami.status == 200
    shown = whoami.json()["token"]
    assert (shown["id"], shown["name"], shown["scopes"]) == (document["tokenId"], "Ada Lovelace", ["read"])
    assert shown["expiresAt"] == document["expiresAt"]
    for gateway in (fleet.first, fleet.second, fleet.third):
        assert_over(poll(gateway, login))


def test_the_token_says_whose_it_is(fleet):
    login = start(fleet.first)
    made = approve(fleet.first, fleet.admin, login, **ADA).json()["tokenId"]
    pick_up(fleet.first, login)
    shown = fleet.first.request("GET", f"/api/v1/orgs/acme/tokens/{made}", fleet.admin).json()
    assert (shown["name"], shown["description"]) == ("Ada Lovelace", "Ada Lovelace <ada@example.org>")


@pytest.mark.parametrize("person,name,description", [
    ({}, "login by code", None), ({"name": "Ada"}, "Ada", "Ada"), ({"email": "a@b.org"}, "login by code", "a@b.org")])
def test_a_person_need_not_be_named(fleet, person, name, description):
    login = start(fleet.first)
    made = approve(fleet.first, fleet.admin, login, **person).json()["tokenId"]
    pick_up(fleet.first, login)
    shown = fleet.first.request("GET", f"/api/v1/orgs/acme/tokens/{made}", fleet.admin).json()
    assert (shown["name"], shown["description"]) == (name, description)


def test_what_is_asked_for_is_given(fleet):
    login = start(fleet.first)
    answer = approve(fleet.first, fleet.admin, login, scopes=["read", "write"], expiresAt="2099-12-31T00:00:00Z")
    assert (answer.json()["scopes"], answer.json()["expiresAt"]) == (["read", "write"], "2099-12-31T00:00:00.000Z")


def test_a_code_is_taken_as_people_type_it(fleet):
    login = start(fleet.first)
    code = login["userCode"]
    for typed in (code.lower(), code.replace("-", ""), code.replace("-", " ")):
        answer = look_up(fleet.second, fleet.admin, typed)
        assert (answer.status, answer.json()["userCode"]) == (200, code)
    assert approve(fleet.first, fleet.admin, {"userCode": code.lower().replace("-", "")}).status == 200


def test_a_body_of_initiate_is_ignored(fleet):
    start(fleet.first, json_body={"any": "thing"})


def test_who_calls_itself_oddly_is_shown_readably(fleet):
    fields = [*client(1), ("User-Agent", "a\tsr_live_" + "A" * 48 + " " + "x" * 300)]
    login = fleet.first.request("POST", f"{CLI}/initiate", fields=fields).json()
    agent = look_up(fleet.first, fleet.admin, login["userCode"]).json()["userAgent"]
    assert agent.startswith("a?sr_live_*** xxx") and len(agent) == 200


def test_each_step_is_audited(fleet):
    login = start(fleet.first, 9)
    made = approve(fleet.second, fleet.admin, login, 77, **ADA).json()
    pick_up(fleet.third, login)
    events = fleet.first.request("GET", f"/api/v1/orgs/acme/audit?token={made['tokenId']}", fleet.admin).json()["events"]
    created, approved = events
    assert (created["action"], created["actor"]["name"], created["address"]) == ("create", "boss", "198.51.100.1")
    assert (approved["action"], approved["actor"]["name"], approved["address"]) == ("approve", "boss", "198.51.100.77")
    assert approved["login"] == {"requestedFrom": "198.51.100.9", "userAgent": "skillreg/1.2.0",
                                 "requestedAt": approved["login"]["requestedAt"], "scopes": ["read"],
                                 "expiresAt": made["expiresAt"], "description": "Ada Lovelace <ada@example.org>"}
    filtered = fleet.first.request("GET", "/api/v1/orgs/acme/audit?action=approve&limit=1", fleet.admin).json()["events"]
    assert filtered == [approved]


# ---- what is refused ------------------------------------------------------------------------------------------------

def test_a_code_is_for_one_approval(fleet):
    login = start(fleet.first)
    assert approve(fleet.first, fleet.admin, login).status == 200
    assert_unknown(approve(fleet.second, fleet.admin, login))
    assert_unknown(look_up(fleet.second, fleet.admin, login["userCode"]))


@pytest.mark.parametrize("body,member", [
    ({}, "userCode"), ({"userCode": 7}, "userCode"), ({"userCode": "BCDF-123"}, "userCode"),
    ({"userCode": "BCDF-1234", "scopes": ["admin"]}, "scopes"), ({"userCode": "BCDF-1234", "scopes": []}, "scopes"),
    ({"userCode": "BCDF-1234", "expiresIn": 0}, "expiresIn"), ({"userCode": "BCDF-1234", "expiresAt": "2020-01-01T00:00:00Z"}, "expiresAt"),
    ({"userCode": "BCDF-1234", "name": ""}, "name"), ({"userCode": "BCDF-1234", "email": "no address"}, "email"),
    ({"userCode": "BCDF-1234", "email": "a@b@c"}, "email"), ({"userCode": "BCDF-1234", "email": "<a@b>"}, "email"),
    ({"userCode": "BCDF-1234", "scope": ["read"]}, "scope")])
def test_a_wrong_approval_is_told_and_changes_nothing(fleet, body, member):
    answer = fleet.first.request("POST", f"{CLI}/approve", fleet.admin, json_body=body)
    assert_refused(answer, 422, "validation_failed")
    assert member in answer.json()["error"]["message"]


def test_admin_is_never_given_by_a_code(fleet):
    login = start(fleet.first)
    assert_refused(approve(fleet.first, fleet.admin, login, scopes=["read", "admin"]), 422, "validation_failed")
    assert look_up(fleet.first, fleet.admin, login["userCode"]).status == 200


@pytest.mark.parametrize("path", ["lookup", "approve"])
def test_only_an_admin_token_looks_and_approves(fleet, path):
    login = start(fleet.first)
    body = {"userCode": login["userCode"]}
    writer = fleet.create_token(fleet.first, scopes=["read", "write"])["token"]
    assert_refused(fleet.first.request("POST", f"{CLI}/{path}", json_body=body), 401, "missing_token")
    assert_refused(fleet.first.request("POST", f"{CLI}/{path}", writer, json_body=body), 403, "insufficient_scope")


def test_no_token_outlives_its_approver(fleet):
    short = admin(fleet, expiresIn=3600)
    login = start(fleet.first)
    answer = approve(fleet.first, short["token"], login, expiresIn=7200)
    assert_refused(answer, 422, "validation_failed")
    assert approve(fleet.first, short["token"], login).json()["expiresAt"] == short["expiresAt"]


@pytest.mark.parametrize("query", ["", "?device_code=", "?device_code=x", "?device_code=" + "A" * 43, "?device_code=" + "%41" * 43])
def test_an_unknown_code_is_over(fleet, query):
    answer = fleet.first.request("GET", f"{CLI}/poll{query}")
    assert_refused(answer, *(410, "device_code_expired") if query else (422, "validation_failed"))


def test_two_codes_are_none(fleet):
    login = start(fleet.first)
    query = f"device_code={login['deviceCode']}"
    assert_refused(fleet.first.request("GET", f"{CLI}/poll?{query}&{query}"), 422, "validation_failed")


def test_the_short_code_picks_nothing_up(fleet):
    login = start(fleet.first)
    approve(fleet.first, fleet.admin, login)
    assert_over(fleet.first.request("GET", f"{CLI}/poll?device_code={login['userCode']}"))


def test_head_picks_nothing_up(fleet):
    login = start(fleet.first)
    approve(fleet.first, fleet.admin, login)
    assert poll(fleet.first, login, "HEAD").status == 200
    pick_up(fleet.first, login)


# ---- what became of the approver meanwhile --------------------------------------------------------------------------

@pytest.mark.parametrize("change", ["revoked_at = now(), revoked_by = 'operator'", "scopes = 3", "expires_at = now()"])
def test_of_an_approver_that_may_no_longer_nothing_comes(fleet, change):
    approver = admin(fleet, expiresIn=3600)
    login = start(fleet.first)
    assert approve(fleet.first, approver["token"], login, name="nobody").status == 200
    fleet.query(f"update skillreg.api_token set {change} where id = %s", (approver["id"],))
    assert_over(poll(fleet.second, login))
    assert_over(poll(fleet.second, login))
    assert tokens_of(fleet, "nobody") == 0


def test_the_token_ends_with_an_approver_that_ends_earlier_by_now(fleet):
    approver = admin(fleet)
    login = start(fleet.first)
    approve(fleet.first, approver["token"], login)
    changed = fleet.first.request("PATCH", f"/api/v1/orgs/acme/tokens/{approver['id']}", fleet.admin, json_body={"expiresIn": 600})
    secret = pick_up(fleet.second, login)
    ends = fleet.first.request("GET", "/api/v1/auth/whoami", secret).json()["token"]["expiresAt"]
    assert ends == changed.json()["expiresAt"]


def test_what_a_binding_approver_gives_is_bound(fleet):
    approver = admin(fleet, allowedIps=["198.51.100.200"], bindChildren=True)
    login = start(fleet.first)
    assert approve(fleet.first, approver["token"], login).status == 200
    secret = pick_up(fleet.first, login)
    assert_refused(fleet.first.request("GET", "/api/v1/auth/whoami", secret), 403, "address_not_allowed")


# ---- races ----------------------------------------------------------------------------------------------------------

def at_once(*calls):
    """Their answers."""
    answers = [None] * len(calls)
    barrier = threading.Barrier(len(calls))

    def run(place):
        barrier.wait()
        answers[place] = calls[place]()
    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_of_many_polls_at_once_one_gets_the_token(fleet):
    login = start(fleet.first)
    approve(fleet.first, fleet.admin, login, name="raced")
    answers = at_once(*(lambda own=own: poll(own, login) for own in [fleet.first, fleet.second, fleet.third] * 3))
    complete = [answer for answer in answers if answer.status == 200 and answer.json()["status"] == "complete"]
    assert len(complete) == 1
    for answer in answers:
        if answer is not complete[0]:
            assert_over(answer)
    assert tokens_of(fleet, "raced") == 1


def test_of_many_approvals_at_once_one_counts(fleet):
    login = start(fleet.first)
    secrets = [admin(fleet)["token"] for _ in range(3)]
    answers = at_once(*(lambda own=own, secret=secret: approve(own, secret, login)
                        for own, secret in zip([fleet.first, fleet.second, fleet.third] * 2, secrets * 2)))
    assert sorted(answer.status for answer in answers) == [200] + [404] * 5


def test_a_poll_that_waits_for_a_lock_is_pending_and_then_complete(fleet):
    login = start(fleet.first)
    approver = admin(fleet)
    approve(fleet.first, approver["token"], login)
    held = fleet.postgres.connect(database=fleet.name)
    try:
        held.cursor().execute("begin; select from skillreg.api_token where id = %s for update", (approver["id"],))
        assert_pending(poll(fleet.first, login))
    finally:
        held.close()
    pick_up(fleet.first, login)


# ---- ends and bounds ------------------------------------------------------------------------------------------------

def expire(fleet):
    fleet.query("update skillreg.device_login set expires_at = date_trunc('milliseconds', now()) - interval '1 s'")


def test_a_login_ends_by_itself(fleet):
    waiting, approved = start(fleet.first), start(fleet.first)
    approve(fleet.first, fleet.admin, approved, name="late")
    expire(fleet)
    assert_over(poll(fleet.first, waiting))
    assert_over(poll(fleet.first, approved))
    assert_unknown(look_up(fleet.first, fleet.admin, waiting["userCode"]))
    assert_unknown(approve(fleet.first, fleet.admin, waiting))
    assert tokens_of(fleet, "late") == 0


def test_what_has_ended_goes_by_itself(fleet):
    start(fleet.first)
    expire(fleet)
    fleet.start(1, *FLAGS)  # each does its chores when it starts
    eventually(lambda: fleet.query("select count(*) from skillreg.device_login") == [(0,)], "did the row go")


def test_who_asks_too_often_is_pending_and_gets_its_token(fleet):
    login = start(fleet.first)
    for _ in range(100):
        assert_pending(poll(fleet.first, login))
    approve(fleet.first, fleet.admin, login)
    pick_up(fleet.first, login)


def test_an_address_begins_so_many_logins_and_no_more(fleet):
    for _ in range(STARTS):
        start(fleet.first, 31)
    answer = fleet.first.request("POST", f"{CLI}/initiate", fields=client(31))
    assert_refused(answer, 429, "too_many_logins")
    assert int(answer.get("retry-after")) >= 1
    start(fleet.first, 32)


def fill(fleet, count, net):
    fleet.query("insert into skillreg.device_login (device_digest, user_digest, requested_at, expires_at, requested_net)"
                " select sha256(i::text::bytea), sha256(('u' || i)::bytea), date_trunc('milliseconds', now()),"
                f" date_trunc('milliseconds', now()) + interval '5 min', {net} from generate_series(1, {count}) i")


def test_so_many_of_an_address_wait_over_all_gateways(fleet):
    fill(fleet, 100, "'198.51.100.40'::inet")
    for gateway in (fleet.first, fleet.second):
        answer = gateway.request("POST", f"{CLI}/initiate", fields=client(40))
        assert_refused(answer, 429, "too_many_logins")
        assert 200 <= int(answer.get("retry-after")) <= 301
    start(fleet.first, 41)


def test_so_many_wait_in_all(fleet):
    fill(fleet, 20000, "'10.0.0.0'::inet + i")
    answer = fleet.second.request("POST", f"{CLI}/initiate", fields=client(42))
    assert_refused(answer, 503, "unavailable")
    assert 200 <= int(answer.get("retry-after")) <= 301


def test_codes_are_not_guessed(fleet):
    login = start(fleet.first)
    for _ in range(GUESSES):
        assert_unknown(look_up(fleet.first, fleet.admin, "ABCD-1234", 50))
    assert_refused(look_up(fleet.first, fleet.admin, login["userCode"], 50), 429, "too_many_logins")
    assert_refused(approve(fleet.first, fleet.admin, login, 50), 429, "too_many_logins")
    assert look_up(fleet.first, fleet.admin, login["userCode"], 51).status == 200


def test_right_codes_cost_nothing(fleet):
    login = start(fleet.first)
    for _ in range(2 * GUESSES):
        assert look_up(fleet.first, fleet.admin, login["userCode"], 52).status == 200


# ---- secrets --------------------------------------------------------------------------------------------------------

def test_no_code_is_logged_or_stored(postgres, tmp_path_factory):
    own = Fleet(postgres, "device_login_logged", tmp_path_factory.mktemp("logged"))
    try:
        (gateway,) = own.start(1, *FLAGS, "--log-level", "debug", "--access-log")
        login = start(gateway)
        look_up(gateway, own.admin, login["userCode"])
        approve(gateway, own.admin, login)
        with own.outage():
            assert poll(gateway, login).status in (200, 503)
        eventually(lambda: poll(gateway, login).status == 200, "was it picked up")
        rows = own.query("select d::text from skillreg.device_login d") + own.query("select a::text from skillreg.token_audit a")
        poll(gateway, login)
        log = gateway.log_path.read_text(encoding="utf-8")
        assert f"{CLI}/poll" in log
        for code in (login["deviceCode"], login["userCode"], login["userCode"].replace("-", "")):
            assert code not in log and not any(code in row for (row,) in rows)
    finally:
        own.stop()


# ---- without the flag -----------------------------------------------------------------------------------------------

def test_without_the_flag_the_registry_is_asked(start_gateway, upstream, acme):
    gateway = start_gateway(upstream=upstream.url)
    for method, path in (("POST", "initiate"), ("GET", "poll?device_code=x"), ("HEAD", "poll?device_code=x")):
        upstream.reset()
        assert gateway.request(method, f"{CLI}/{path}").status == 200
        assert [(own.method, own.target) for own in upstream.requests] == [(method, f"{CLI}/{path}")]
    for path in ("lookup", "approve"):
        answer = gateway.request("POST", f"{CLI}/{path}", acme.tokens["admin"], json_body={"userCode": "BCDF-1234"})
        assert_refused(answer, 404, "not_found")
        assert_refused(gateway.request("POST", f"{CLI}/{path}"), 404, "not_found")

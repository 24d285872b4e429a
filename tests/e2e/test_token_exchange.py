# SPDX-License-Identifier: MIT
"""POST /oauth2/token and its JSON twin: a job's identity token becomes a token of an organisation, by a rule of trust, once; and
whoever has no rule learns nothing."""
import base64
import concurrent.futures
import json
import time
import urllib.parse
import uuid

import pytest

from harness.http_client import assert_error_shape
from harness.identity_gateway import IdentityGateway
from harness.issuer import AUDIENCE, Issuer, base64url, github_claims, kubernetes_claims

PATH = "/oauth2/token"
GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
TYPES = "urn:ietf:params:oauth:token-type:"
FORM = [("Content-Type", "application/x-www-form-urlencoded")]
REFUSED = "The identity token is not accepted."
SEVERAL = "Rules of several organisations are about the identity token. Name one: the parameter org."


@pytest.fixture(scope="module")
def door(operator, postgres, tmp_path_factory):
    """The issuer of kind kubernetes signs by ECDSA."""
    own = IdentityGateway(tmp_path_factory.mktemp("door"), "door", database_url=postgres.url, issuers=("github", "kubernetes"),
                          algorithms={"kubernetes": "ES256"})
    yield own.wait_until_ready()
    own.stop()


@pytest.fixture(scope="module")
def issuer(door):
    return door.issuers["github"]


@pytest.fixture(scope="module")
def cluster(door):
    return door.issuers["kubernetes"]


@pytest.fixture(scope="module")
def team(new_org):
    return new_org("read", "write", "admin")


@pytest.fixture(scope="module")
def repository():
    """One that no other run has a rule for."""
    return f"acme/{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="module")
def rule(door, team, issuer, repository):
    return door.trust(team, {"repository": repository, "workflow_file": "publish.yml"}, scopes=["read", "write"], expiresIn=600)


def exchange(door, token, fields=(), **more):
    form = {"grant_type": GRANT, "subject_token": token, "subject_token_type": TYPES + "id_token", **more}
    body = urllib.parse.urlencode(form).encode()
    return door.request("POST", PATH, body=body, fields=[*FORM, *fields])


def exchange_json(door, team, token, fields=(), **more):
    return door.request("POST", f"/api/v1/orgs/{team.slug}/oidc/token", json_body={"token": token, **more}, fields=fields)


def assert_refused(response, description=REFUSED, error="invalid_request"):
    assert (response.status, response.json()) == (400, {"error": error, "error_description": description})
    assert response.get("cache-control") == "no-store"


def whoami(door, secret):
    return door.request("GET", "/api/v1/auth/whoami", secret)


# ---- what is made ---------------------------------------------------------------------------------------------------

def test_a_token_comes_that_does_what_the_rule_says(door, team, issuer, repository, rule):
    before = int(time.time())
    response = exchange(door, issuer.token(github_claims(repository)), scope="read write")
    answer = response.json()
    assert response.status == 200 and response.get("cache-control") == "no-store"
    assert {name: answer[name] for name in answer if name != "access_token"} == {
        "issued_token_type": TYPES + "access_token", "token_type": "Bearer", "expires_in": 600, "scope": "read write"}
    who = whoami(door, answer["access_token"]).json()
    assert who["org"]["slug"] == team.slug and who["token"]["scopes"] == ["read", "write"]
    assert repository in who["token"]["name"] and "publish.yml" in who["token"]["name"]
    assert before + 590 <= time.mktime(time.strptime(who["token"]["expiresAt"][:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone


def test_without_a_scope_it_can_read(door, issuer, repository, rule):
    assert exchange(door, issuer.token(github_claims(repository))).json()["scope"] == "read"


def test_the_json_twin(door, team, issuer, repository, rule):
    response = exchange_json(door, team, issuer.token(github_claims(repository)), scopes=["write"])
    answer = response.json()
    assert response.status == 201 and response.get("cache-control") == "no-store"
    assert set(answer) == {"id", "name", "prefix", "scopes", "createdAt", "expiresAt", "org", "token"}
    assert (answer["org"], answer["scopes"], answer["prefix"]) == (team.slug, ["write"], answer["token"][:12])
    assert whoami(door, answer["token"]).json()["token"]["id"] == answer["id"]


def test_a_service_account(door, team, cluster):
    account = uuid.uuid4().hex[:12]
    door.trust(team, {"namespace": "ci", "service_account": account}, kind="kubernetes")
    response = exchange(door, cluster.token(kubernetes_claims("ci", account)), org=team.slug)
    assert response.status == 200, response.body
    assert_refused(exchange(door, cluster.token(kubernetes_claims("other", account)), org=team.slug))


@pytest.mark.parametrize("target", ["org", "resource"])
def test_the_organisation_may_be_named(door, team, issuer, repository, rule, target):
    named = {"org": {"org": team.slug}, "resource": {"resource": f"https://any.test/api/v1/orgs/{team.slug}"}}[target]
    assert exchange(door, issuer.token(github_claims(repository)), **named).status == 200


def test_the_audience_to_ask_for(door, issuer, cluster):
    answer = door.request("GET", "/api/v1/oidc/audience").json()
    assert answer == {"audience": AUDIENCE, "issuers": [
        {"kind": "github", "issuer": issuer.url, "audience": AUDIENCE},
        {"kind": "kubernetes", "issuer": cluster.url, "audience": AUDIENCE}]}


# ---- once -----------------------------------------------------------------------------------------------------------

def test_a_token_of_a_job_is_exchanged_once(door, team, issuer, repository, rule):
    token = issuer.token(github_claims(repository))
    assert exchange(door, token).status == 200
    assert_refused(exchange(door, token), "The identity token was exchanged before. Ask the issuer for another one.")
    again = exchange_json(door, team, token)
    assert (again.status, again.error_code) == (409, "already_exchanged")
    assert_error_shape(again)


def test_a_signature_that_is_written_otherwise_is_the_same_token(door, team, cluster):
    """(r, s) and (r, n - s) are both good signatures of ECDSA; without a jti the header and the claims are the token."""
    account = uuid.uuid4().hex[:12]
    door.trust(team, {"namespace": "ci", "service_account": account}, kind="kubernetes")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    token = cluster.token(kubernetes_claims("ci", account), jti=None)
    signed, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    mirrored = raw[:32] + (order - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    answers = [exchange(door, text).status for text in (token, f"{signed}.{base64url(mirrored)}")]
    assert answers[0] == 200
    live = door.request("GET", f"/api/v1/orgs/{team.slug}/audit?limit=5", team.admin).json()
    assert live["events"][0]["action"] == "exchange"
    assert answers[1] in (200, 400)  # until-expiry: one more of the same, within its number


def test_a_lost_answer_is_asked_for_again(door, issuer, repository, rule):
    token, key = issuer.token(github_claims(repository)), [("Idempotency-Key", uuid.uuid4().hex)]
    first = exchange(door, token, key)
    assert first.status == 200
    busy = exchange(door, token, key)
    assert busy.status == 409 and busy.get("retry-after") == "2"


# ---- who has no rule learns nothing ---------------------------------------------------------------------------------

def test_what_is_not_accepted_is_always_the_same_answer(door, team, globex, issuer, cluster, repository, rule, tmp_path):
    stranger = Issuer(tmp_path, name="stranger")
    stranger.stop()
    claims = github_claims(repository)
    good = issuer.token(claims)
    head, body, signature = good.split(".")
    tokens = {
        "another repository": issuer.token(github_claims("acme/other")),
        "another issuer": stranger.token(claims),
        "another issuer that says to be this one": stranger.token(claims, iss=issuer.url, header={"kid": issuer.keys[0].kid}),
        "an unknown key": issuer.token(claims, header={"kid": "unknown"}),
        "no signature": f"{head}.{body}.",
        "alg none": f"{base64url(json.dumps({'alg': 'none'}).encode())}.{body}.",
        "HMAC": f"{base64url(json.dumps({'alg': 'HS256', 'kid': issuer.keys[0].kid}).encode())}.{body}.{signature}",
        "other claims under its signature": f"{head}.{base64url(json.dumps(issuer.claims(claims, jti='x')).encode())}.{signature}",
        "no JWT": "sr_live_" + "a" * 43,
        "too long": "a" * 9000,
    }
    for name, token in tokens.items():
        answer = exchange(door, token)
        assert (name, answer.status, answer.json()) == (
            name, 400, {"error": "invalid_request", "error_description": REFUSED})
    for org in (globex.slug, "no-such-organisation"):
        assert_refused(exchange(door, issuer.token(claims), org=org))


def test_no_row_is_written_for_what_is_refused(door, team, issuer, repository, rule, postgres):
    tables = ("exchanged_identity", "token_audit", "api_token", "token_event")

    def rows():
        return [postgres.query(f"select count(*) from skillreg.{table}") for table in tables]
    before = rows()
    assert_refused(exchange(door, issuer.token(github_claims("acme/other"))))
    exchange(door, issuer.token(github_claims(repository), aud="https://other.test"))
    exchange(door, issuer.token(github_claims(repository, workflow_ref=f"{repository}/.github/workflows/x.yml@refs/heads/main")))
    assert rows() == before


def test_whoever_has_the_repository_is_told_which_claim_is_wrong(door, issuer, repository, rule):
    other = github_claims(repository, workflow_ref=f"{repository}/.github/workflows/other.yml@refs/heads/main")
    assert_refused(exchange(door, issuer.token(other)),
                   "The identity token is not accepted: its claim workflow_file, which is other.yml, is none that a rule of "
                   "trust for it names.")
    event = github_claims(repository, event_name="pull_request_target")
    assert "event_name" in exchange(door, issuer.token(event)).json()["error_description"]


@pytest.mark.parametrize("claims, said", [
    ({"aud": "https://other.test"}, "aud is not exactly our audience"),
    ({"aud": [AUDIENCE, "https://other.test"]}, "aud is not exactly our audience"),
    ({"exp": 1700000000}, "it has expired"),
    ({"exp": None}, "exp is missing"),
    ({"exp": "soon"}, "exp is missing or not a whole number"),
    ({"nbf": 4000000000}, "nbf is not a whole number of seconds, or in the future"),
    ({"iat": 4000000000}, "iat is missing"),
    ({"iat": 1700000000}, "it was issued too long ago"),
])
def test_the_registered_claims(door, issuer, repository, rule, claims, said):
    answer = exchange(door, issuer.token(github_claims(repository), **claims))
    assert answer.status == 400 and said in answer.json()["error_description"]


def test_a_scope_that_no_rule_gives(door, issuer, repository, rule):
    token = issuer.token(github_claims(repository))
    assert_refused(exchange(door, token, scope="admin"),
                   "No rule of trust that the identity token meets gives these scopes.", "invalid_scope")
    assert exchange(door, token, scope="write").status == 200  # and it was not used up


# ---- counted --------------------------------------------------------------------------------------------------------

def test_exchanges_are_counted_by_what_became_of_them(door, team, issuer):
    own = f"acme/{uuid.uuid4().hex[:12]}"
    door.trust(team, {"repository": own, "environment": "prod"}, exchangesPerMinute=1)

    def counts():
        return {outcome: door.metric(f'token_exchanges_total{{outcome="{outcome}"}}')
                for outcome in ("minted", "untrusted", "differs", "replayed", "limited", "unknown")}

    def counted(token, **more):
        before = counts()
        answer = exchange(door, token, **more)
        return answer, {outcome: number - before[outcome] for outcome, number in counts().items() if number != before[outcome]}
    good = issuer.token(github_claims(own, environment="prod"))
    assert counted(issuer.token(github_claims(own)))[1] == {"differs": 1}
    assert counted(issuer.token(github_claims(own, environment="prod"), exp=1700000000))[1] == {"differs": 1}
    assert counted(good, scope="admin")[1] == {"differs": 1}
    assert counted(issuer.token(github_claims("acme/other")))[1] == {"untrusted": 1}
    assert counted(good[:-4] + "AAAA")[1] == {"untrusted": 1}
    assert counted(good)[1] == {"minted": 1}
    assert counted(good)[1] == {"replayed": 1}
    limited, count = counted(issuer.token(github_claims(own, environment="prod")))
    assert count == {"limited": 1}
    assert 1 <= int(limited.get("retry-after")) <= 60


# ---- rules ----------------------------------------------------------------------------------------------------------

def test_of_several_rules_the_narrowest_is_taken(door, team, issuer):
    own = f"acme/{uuid.uuid4().hex[:12]}"
    door.trust(team, {"repository": own}, scopes=["read", "write"], expiresIn=300)
    door.trust(team, {"repository": own}, scopes=["read"], expiresIn=1200)
    door.trust(team, {"repository": own}, scopes=["read"], expiresIn=900)
    assert exchange(door, issuer.token(github_claims(own))).json()["expires_in"] == 900
    assert exchange(door, issuer.token(github_claims(own)), scope="write").json()["expires_in"] == 300


def test_of_two_organisations_with_rules_for_one_repository_one_is_named(door, team, new_org, issuer):
    """Anybody who has an organisation can write a rule for somebody else's repository, the narrowest of all."""
    other = new_org("admin")
    own = f"acme/{uuid.uuid4().hex[:12]}"
    door.trust(team, {"repository": own}, scopes=["read", "write"], expiresIn=600)
    door.trust(other, {"repository": own}, scopes=["read"], expiresIn=60)
    token = issuer.token(github_claims(own))
    assert_refused(exchange(door, token), SEVERAL,
                   "invalid_target")
    answer = exchange(door, token, org=team.slug)
    assert (answer.status, answer.json()["expires_in"]) == (200, 600)
    assert whoami(door, answer.json()["access_token"]).json()["org"]["slug"] == team.slug
    answer = exchange(door, issuer.token(github_claims(own)), org=other.slug)
    assert (answer.status, answer.json()["expires_in"]) == (200, 60)


def test_a_rule_of_another_organisation_takes_the_place_of_none_that_is_not_met(door, team, new_org, issuer):
    other = new_org("admin")
    own = f"acme/{uuid.uuid4().hex[:12]}"
    door.trust(team, {"repository": own, "environment": "prod"})
    door.trust(other, {"repository": own})
    token = issuer.token(github_claims(own))
    assert_refused(exchange(door, token), SEVERAL, "invalid_target")
    assert "environment" in exchange(door, token, org=team.slug).json()["error_description"]


def test_more_rules_than_are_read_are_of_several_organisations(door, team, new_org, issuer):
    """One organisation has 64 rules for a repository at the most, and as many are read: the oldest."""
    other = new_org("admin")
    own = f"acme/{uuid.uuid4().hex[:12]}"
    for number in range(64):
        door.trust(other, {"repository": own}, expiresIn=60 + number)
    door.trust(team, {"repository": own})
    token = issuer.token(github_claims(own))
    assert_refused(exchange(door, token), SEVERAL, "invalid_target")
    assert exchange(door, token, org=team.slug).status == 200


def test_a_revocation_does_not_wait_for_the_jobs_that_start(door, team, issuer, repository, rule):
    """The log has one lock, which each statement of exchanges takes: a revocation gets it between two of them."""
    secret = exchange(door, issuer.token(github_claims(repository)), org=team.slug).json()["access_token"]
    tokens = [issuer.token(github_claims(repository)) for _ in range(120)]
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        started = [pool.submit(exchange, door, token, org=team.slug) for token in tokens]
        next(concurrent.futures.as_completed(started))
        revoked = door.request("DELETE", "/api/v1/auth/token", secret)
        left = sum(not one.done() for one in started)
    assert revoked.status == 200 and left > 0
    assert whoami(door, secret).status == 401
    assert {one.result().status for one in started} == {200}


def test_a_rule_that_is_removed_ends_its_tokens(door, team, issuer):
    own = f"acme/{uuid.uuid4().hex[:12]}"
    made = door.trust(team, {"repository": own})
    secret = exchange(door, issuer.token(github_claims(own))).json()["access_token"]
    assert whoami(door, secret).status == 200
    assert door.request("DELETE", f"/api/v1/orgs/{team.slug}/trust/{made['id']}", team.admin).status == 200
    assert whoami(door, secret).status == 401
    assert_refused(exchange(door, issuer.token(github_claims(own))))


def test_a_minted_token_is_in_the_audit_with_its_run(door, team, issuer, repository, rule):
    exchange(door, issuer.token(github_claims(repository, run_id="777001")))
    event = door.request("GET", f"/api/v1/orgs/{team.slug}/audit?limit=1", team.admin).json()["events"][0]
    assert event["action"] == "exchange" and event["identity"]["run_id"] == "777001"


# ---- the request ----------------------------------------------------------------------------------------------------

def test_parameters_are_checked_before_anything_else(door):
    assert_refused(exchange(door, ""), "subject_token is required: the identity token.")
    answer = door.request("POST", PATH, body=b"grant_type=password", fields=FORM)
    assert answer.json()["error"] == "unsupported_grant_type"
    assert exchange(door, "a.b.c", audience="acme").json()["error"] == "invalid_target"
    assert exchange(door, "a.b.c", scope="owner").json()["error"] == "invalid_scope"
    assert door.request("POST", PATH, body=b"{}", fields=[("Content-Type", "application/json")]).status == 415


def test_a_gateway_without_issuers_says_so(start_gateway, acme):
    own = start_gateway()
    answer = exchange(own, "a.b.c")
    assert (answer.status, answer.json()["error"]) == (404, "not_found")
    assert exchange_json(own, acme, "a.b.c").status == 404
    assert own.request("GET", "/api/v1/oidc/audience").status == 404


def test_a_client_with_too_many_forged_tokens_waits(start_gateway, issuer, tmp_path):
    (tmp_path / "keys.json").write_text(json.dumps(issuer.key_set()))
    own = start_gateway("--failed-token-limit", 3, "--oidc-issuer",
                        f"github={issuer.url},kind=github,audience={AUDIENCE},keys={tmp_path}/keys.json")
    statuses = [exchange(own, "a.b.c").status for _ in range(4)]
    assert statuses == [400, 400, 400, 429]


def test_the_token_is_nowhere_in_the_log(door, issuer, repository, rule):
    token = issuer.token(github_claims(repository))
    secret = exchange(door, token).json()["access_token"]
    exchange(door, token + "x")
    assert secret not in door.log() and token.split(".")[2] not in door.log() and token.split(".")[1] not in door.log()


# ---- what an admin is told ------------------------------------------------------------------------------------------

def ask_about(door, team, token):
    answer = door.request("POST", f"/api/v1/orgs/{team.slug}/trust/test", team.admin, json_body={"token": token})
    assert answer.status == 200, answer.body
    return answer.json()


def test_an_admin_learns_which_rule_is_met_and_which_claim_differs(door, team, issuer):
    own = f"acme/{uuid.uuid4().hex[:12]}"
    met, other = (door.trust(team, {"repository": own, "ref": ref})["id"] for ref in ("refs/heads/main", "refs/heads/next"))
    told = ask_about(door, team, issuer.token(github_claims(own)))
    assert (told["problem"], told["kind"], told["issuer"], told["anchor"]) == (None, "github", issuer.url, f"repository={own}")
    assert sorted(told["rules"], key=lambda rule: rule["verdict"]) == [
        {"id": other, "verdict": "differs", "claim": "ref", "value": "refs/heads/main"}, {"id": met, "verdict": "met"}]


def test_an_admin_learns_what_is_wrong_with_a_token(door, team, issuer, tmp_path):
    claims = github_claims("acme/tools")
    forged = issuer.token(claims)[:-8] + "AAAAAAAA"
    stranger = issuer.token(claims, iss="https://elsewhere.test")
    assert ask_about(door, team, "no token")["problem"] == "the token does not have three parts"
    assert ask_about(door, team, forged)["problem"] == "the signature is not good"
    assert ask_about(door, team, stranger)["problem"] == "its issuer is none that the operator has set"
    assert ask_about(door, team, issuer.token(claims, header={"kid": "other"}))["rules"] == []
    assert ask_about(door, team, issuer.token(claims, exp=1700000000))["problem"] == "it has expired"


def test_a_test_takes_an_admin_token_and_exchanges_nothing(door, team, issuer, repository, rule):
    token = issuer.token(github_claims(repository))
    target = f"/api/v1/orgs/{team.slug}/trust/test"
    assert door.request("POST", target, team.write, json_body={"token": token}).status == 403
    ask_about(door, team, token)
    assert exchange(door, token).status == 200

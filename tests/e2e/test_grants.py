# SPDX-License-Identifier: MIT
"""`skillreg-gateway grants` and `migrate --role`: what they give is enough for a whole gateway and no more, for every table and
function that there is; nobody else connects to the database; settings of a role that do not fit are named in the log."""
import subprocess

import psycopg2
import pytest

from harness.by_file import run_gateway
from harness.gateway import Gateway, Operator
from harness.http_client import bearer
from harness.postgres import Postgres
from harness.waiting import eventually

ROLE = "gw-serving"
TOKENS = "/api/v1/orgs/acme/tokens"
OWNER = "; connect as the owner of the schema, not as the gateway's role"
BY_FUNCTIONS_ALONE = {"issuer_keys", "issuer_keys_change"}
RIGHTS = ("select", "insert", "update", "delete", "truncate", "references", "trigger")


class World:
    def __init__(self, directory):
        self.postgres = Postgres().create().start()
        self.operator = Operator(self.postgres.url, directory)
        self.operator.migrate()
        self.operator.create_org("acme")
        self.admin = self.operator.create_token("acme", "boss", "admin")["token"]
        for role in (ROLE, "stranger"):
            self.postgres.query(f"create role \"{role}\" login password 'secret'")
        self.psql(self.operator.must("grants", "--role", ROLE))

    def url_of(self, role):
        return self.postgres.url.replace("skillreg:" + self.postgres.password, role + ":secret")

    def psql(self, sql):
        return self.postgres.psql(sql)

    def execute_as(self, role, sql):
        connection = psycopg2.connect(self.url_of(role))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall() if cursor.description else None
        finally:
            connection.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    own = None
    try:
        own = World(tmp_path_factory.mktemp("grants"))
        yield own
    finally:
        if own:
            own.postgres.destroy()


@pytest.fixture
def start(world, tmp_path):
    started = []

    def call(role, *flags):
        own = Gateway(tmp_path, f"gateway-{len(started)}", database_url=world.url_of(role), flags=flags)
        started.append(own)
        return own.wait_until_ready()

    yield call
    for own in started:
        own.stop()


def create(gateway, world, *scopes):
    answer = gateway.request("POST", TOKENS, world.admin, json_body={"name": "made", "scopes": scopes})
    assert answer.status == 201, answer.body
    return answer.json()


def is_used(world, token):
    return world.postgres.query("select last_used_at from skillreg.api_token where id = %s", (token["id"],))[0][0] is not None


def test_the_role_is_enough_for_a_whole_gateway(world, start):
    gateway = start(ROLE, "--last-used-interval", "100ms")
    token = create(gateway, world, "read", "admin")
    assert gateway.request("GET", "/api/v1/auth/whoami", token["token"]).status == 200
    assert gateway.request("GET", TOKENS, world.admin).status == 200
    eventually(lambda: is_used(world, token), "was its use written")
    rotate = (f"{TOKENS}/{token['id']}/rotate", world.admin)
    rotated = gateway.request("POST", *rotate, json_body={}, fields=[("Idempotency-Key", "one")])
    assert rotated.status == 201, rotated.body
    repeated = eventually(lambda: [answer for answer in [gateway.request(
        "POST", *rotate, json_body={}, fields=[("Idempotency-Key", "one")])] if answer.status != 409], "was it made again")[0]
    assert repeated.status == 201, repeated.body
    asked = gateway.request("POST", "/oauth2/introspect", world.admin, body=b"token=" + token["token"].encode(),
                            fields=[("Content-Type", "application/x-www-form-urlencoded")])
    assert asked.status == 200, asked.body
    revoked = gateway.request("DELETE", f"{TOKENS}/{repeated.json()['id']}?wait=30s", world.admin)
    assert revoked.status == 200, revoked.body
    own = create(gateway, world, "read")
    assert gateway.request("DELETE", "/api/v1/auth/token", own["token"]).status == 200
    audit = gateway.request("GET", "/api/v1/orgs/acme/audit", world.admin)
    assert {event["action"] for event in audit.json()["events"]} == {"create", "rotate", "revoke"}
    world.operator.must("org", "create", "globex")  # heard of by every gateway
    world.postgres.query("update skillreg.organisation set name = 'Acme again' where slug = 'acme'")
    eventually(lambda: gateway.metric("events_applied_total") > 5, "were changes heard of")
    # What comes once an hour, and when a change waits.
    world.execute_as(ROLE, "select skillreg.token_event_prune(5000)")
    world.execute_as(ROLE, "select * from skillreg.blockers('{1}')")
    wrong = [line for line in gateway.process.lines()
             if (" warning " in line or " error " in line) and "server long turn " not in line]  # of a busy machine
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("attack", [
    "delete from skillreg.api_token", "update skillreg.api_token set scopes = 4", "truncate skillreg.token_event",
    "update skillreg.token_audit set actor_name = 'somebody else'", "delete from skillreg.token_audit",
    "insert into skillreg.organisation (id, slug, name) values ('x', 'xx', 'x')",
    "update skillreg.organisation set slug = 'other'", "insert into skillreg.migration (number, name, checksum) values (9999, 'x', 1)", "create table skillreg.mine ()",
    "create table public.mine ()", "create temporary table mine ()", "create schema mine",
    "alter table skillreg.api_token disable trigger all"])
def test_the_role_can_do_no_more(world, attack):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        world.execute_as(ROLE, attack)


def test_the_role_makes_no_token_that_the_audit_does_not_have(world):
    world.execute_as(ROLE, "select set_config('skillreg.logged_in', pg_current_xact_id()::text, true);"
                     "insert into skillreg.api_token (id, org_id, name, prefix, digest, scopes, created_by)"
                     " select 'unseen', id, 'unseen', 'sr_live_a1b2', sha256('unseen'), 4, 'operator'"
                     " from skillreg.organisation where slug = 'acme'")
    assert world.postgres.query("select (select count(*) from skillreg.token_audit where token_id = 'unseen'),"
                                " (select count(*) from skillreg.token_event where token_id = 'unseen')") == [(1, 1)]


def test_no_table_and_no_function_is_forgotten(world):
    """Whoever adds one says here what a serving gateway does with it."""
    tables = {name: {right for right in RIGHTS if world.postgres.query(
        "select has_table_privilege(%s, %s, %s) or has_any_column_privilege(%s, %s, %s)" if right in RIGHTS[:3]
        else "select has_table_privilege(%s, %s, %s)", (ROLE, "skillreg." + name, right) * (2 if right in RIGHTS[:3] else 1))[0][0]}
        for name, in world.postgres.query("select relname from pg_class where relnamespace = 'skillreg'::regnamespace"
                                          " and relkind in ('r', 'v')")}
    assert {name for name, rights in tables.items() if not rights} == BY_FUNCTIONS_ALONE and tables["migration"] == {"select"}
    assert all(rights <= set(RIGHTS[:4]) for rights in tables.values())
    assert world.postgres.query("select count(*) from information_schema.usage_privileges"
                                " where object_schema = 'skillreg' and grantee = %s", (ROLE,)) == [(0,)], "no sequence"
    functions = world.postgres.query(
        "select has_function_privilege(%s, oid, 'execute'), has_function_privilege('stranger', oid, 'execute')"
        " from pg_proc where pronamespace = 'skillreg'::regnamespace", (ROLE,))
    assert set(functions) == {(True, False)}


def test_keys_of_issuers_are_reached_by_their_functions_alone(world):
    issuer = "https://token.test"
    look = f"select is_ours, keys from skillreg.issuer_keys_look('one', array['{issuer}'], array[0], '{{}}')"
    assert world.execute_as(ROLE, look) == [(True, None)]
    assert world.execute_as(ROLE, f"select skillreg.issuer_keys_put('one', '{issuer}', '{{\"keys\":[]}}', null)") == [("changed",)]
    assert world.execute_as(ROLE, look) == [(False, '{"keys":[]}')]
    assert world.postgres.query("select issuer, role from skillreg.issuer_keys_change") == [(issuer, ROLE)]
    for statement in ("select * from skillreg.issuer_keys", "update skillreg.issuer_keys set keys = null",
                      "delete from skillreg.issuer_keys_change"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            world.execute_as(ROLE, statement)


def test_a_prune_is_refused_to_the_role_and_deletes_nothing(world, tmp_path):
    tokens = "select count(*) from skillreg.api_token"
    before = world.postgres.query(tokens)
    refused = Operator(world.url_of(ROLE), tmp_path).run("prune", "--revoked-older-than", "90d", "--audit-older-than", "90d")
    assert refused.returncode == 1 and refused.stdout == ""
    assert "permission denied" in refused.stderr and OWNER in refused.stderr
    assert world.postgres.query(tokens) == before


@pytest.mark.parametrize("words", [
    ("org", "create", "newcomer"), ("org", "rename", "acme", "--name", "Other"), ("org", "delete", "acme", "--yes"),
    ("org", "restore", "acme"), ("prune", "--audit-older-than", "90d")], ids=" ".join)
def test_what_the_role_may_not_is_said_with_who_may(words, world, tmp_path):
    organisations = "select slug, name, deleted_at from skillreg.organisation order by slug"
    before = world.postgres.query(organisations)
    refused = Operator(world.url_of(ROLE), tmp_path).run(*words)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.splitlines()[-1].startswith("skillreg-gateway: ") and "permission denied" in refused.stderr
    assert refused.stderr.rstrip().endswith(OWNER) and "did not confirm" not in refused.stderr
    assert world.postgres.query(organisations) == before


def test_others_cannot_connect(world):
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        psycopg2.connect(world.url_of("stranger"))


def test_rights_of_an_older_version_are_taken(world):
    world.postgres.query(f'grant delete, truncate on skillreg.api_token to "{ROLE}"')
    world.psql(world.operator.must("grants", "--role", ROLE))
    assert world.postgres.query("select has_table_privilege(%s, 'skillreg.api_token', 'delete, truncate')", (ROLE,)) == [(False,)]


def test_migrate_grants_as_well(world):
    world.postgres.query("create role another login password 'secret'")
    assert "nothing to do" in world.operator.must("migrate", "--role", "another")
    assert world.execute_as("another", "select count(*) > 0 from skillreg.api_token") == [(True,)]
    refused = world.operator.run("migrate", "--role", "nobody-there")
    assert refused.returncode == 1 and "there is no role nobody-there" in refused.stderr


@pytest.mark.parametrize("role", ["public", "none", "pg_monitor", "", "a b", 'x"; drop schema skillreg; --', "x" * 64])
def test_what_is_no_role_is_refused(world, role):
    refused = world.operator.run("grants", "--role", role)
    assert refused.returncode == 2 and refused.stdout == "" and "--role takes 1 to 63" in refused.stderr


def test_grants_needs_a_role_and_no_database(world):
    assert world.operator.run("grants").returncode == 2
    nowhere = Operator("postgresql:///x?host=/nonexistent", world.operator.directory)
    assert nowhere.must("grants", "--role", "gw").startswith("begin;")


def test_an_owner_is_no_role_to_serve_with(world):
    with pytest.raises(subprocess.CalledProcessError) as failure:
        world.psql(world.operator.must("grants", "--role", "skillreg"))
    assert "has the rights of the owner" in failure.value.stderr


def test_settings_of_a_role_that_do_not_fit_are_named_once(world, start):
    world.operator.must("migrate", "--role", ROLE)
    world.postgres.query("create role slow login password 'secret'")
    world.operator.must("migrate", "--role", "slow")
    world.postgres.query("alter role slow set statement_timeout = '5s'")
    world.postgres.query("alter role slow set default_transaction_isolation = 'repeatable read'")
    gateway = start("slow", "--database-connections", "8")
    lines = [line for line in gateway.process.lines() if "a setting of the role" in line]
    assert len(lines) == 2, lines
    assert any('role="slow" default_transaction_isolation="repeatable read" wanted="read committed"' in line for line in lines)
    assert any('role="slow" statement_timeout_ms=5000 wanted="above 0, below 5000"' in line for line in lines)
    assert all("skillreg-gateway grants" in line for line in lines)
    with gateway.connect() as connection:
        assert connection.request("GET", "/api/v1/auth/whoami", bearer(world.admin)).status == 200, "it serves all the same"


def check(world, role):
    done = run_gateway("check", "--listen-https", "off", "--listen-http", "127.0.0.1:0", "--listen-admin", "off",
                       DATABASE_URL=world.url_of(role))
    return done.returncode, done.stdout


def test_the_check_finds_what_a_role_lacks(world):
    world.psql(world.operator.must("grants", "--role", ROLE))
    code, said = check(world, ROLE)
    assert code == 0 and f"ok       role         {ROLE} has the rights to serve\n" in said and "ok       schema " in said
    world.psql(f'revoke update on skillreg.api_token from "{ROLE}"; revoke select on skillreg.migration from "{ROLE}";'
               f'revoke execute on function skillreg.gateway_leave from "{ROLE}"')
    code, said = check(world, ROLE)
    assert code == 1 and f"error    role         {ROLE} lacks execute of gateway_leave, select on migration, update on api_token; " in said
    assert f"warning  schema       its version cannot be read by the role {ROLE}; " in said
    world.psql(world.operator.must("grants", "--role", ROLE))
    assert check(world, ROLE)[0] == 0

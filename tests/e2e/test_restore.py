# SPDX-License-Identifier: MIT
"""A dump of the whole schema comes back with its audit as it was, and a gateway goes on with it. Data alone is kept out of a schema
that was migrated, whatever wrote the dump, and nothing is changed."""
import itertools
import subprocess

import pytest

from harness.gateway import Gateway, Operator
from harness.postgres import Postgres

TOKENS = "/api/v1/orgs/acme/tokens"
ROWS = {"organisation": "id, slug, name, created_at, deleted_at",
        "api_token": "id, name, digest, created_at, revoked_at",
        "token_audit": "id, at, org_id, action, token_id, token_name, actor_name",
        "token_event": "seq, kind, digest, at"}
REFUSED = "no data is restored into a schema that was migrated"


class World:
    """A database with tokens, one revoked, and a dump of each kind."""

    def __init__(self, directory):
        self.directory = directory
        self.postgres = Postgres().create().start()
        self.numbers = itertools.count(1)
        self.source = self.new_database(migrate=True)
        operator = self.operator_of(self.source)
        operator.create_org("acme")
        self.admin = operator.create_token("acme", "boss", "admin")["token"]
        for name in ("first", "second"):
            operator.create_token("acme", name, "read")
        self.postgres.query("update skillreg.api_token set revoked_at = now(), revoked_by = 'operator' where name = 'first'",
                            database=self.source)

    def new_database(self, migrate):
        name = f"place_{next(self.numbers)}"
        self.postgres.query(f"create database {name}")
        if migrate:
            self.operator_of(name).migrate()
        return name

    def operator_of(self, database):
        return Operator(self.postgres.url_of(database), self.directory)

    def rows(self, database):
        return {table: self.postgres.query(f"select {columns} from skillreg.{table} order by 1", database=database)
                for table, columns in ROWS.items()}

    def counts(self, database):
        tables = self.postgres.query("select tablename from pg_tables where schemaname = 'skillreg'", database=database)
        return {table: self.postgres.query(f"select count(*) from skillreg.{table}", database=database) for table, in tables}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    own = None
    try:
        own = World(tmp_path_factory.mktemp("restore"))
        yield own
    finally:
        if own:
            own.postgres.destroy()


@pytest.fixture
def gateway_on(world, tmp_path):
    started = []

    def start(database):
        started.append(Gateway(tmp_path, "gateway", database_url=world.postgres.url_of(database)))
        return started[-1].wait_until_ready()

    yield start
    for own in started:
        own.stop()


@pytest.mark.parametrize("flags", [["--schema=skillreg"], []], ids=["schema", "database"])
def test_a_whole_dump_comes_back_as_it_was(world, gateway_on, flags):
    place = world.new_database(migrate=False)
    world.postgres.psql(world.postgres.dump(world.source, *flags), database=place)
    assert world.rows(place) == world.rows(world.source)
    assert "nothing to do" in world.operator_of(place).migrate()
    gateway = gateway_on(place)
    made = gateway.request("POST", TOKENS, world.admin, json_body={"name": "after", "scopes": ["read"]})
    assert made.status == 201, made.body
    assert gateway.request("DELETE", f"{TOKENS}/{made.json()['id']}?wait=30s", world.admin).status == 200
    actions = [(event["action"], event["tokenName"]) for event in gateway.request(
        "GET", "/api/v1/orgs/acme/audit", world.admin).json()["events"]]
    assert actions[:2] == [("revoke", "after"), ("create", "after")]
    assert sorted(actions[2:]) == [("create", "boss"), ("create", "first"), ("create", "second"), ("revoke", "first")]


@pytest.mark.parametrize("flags", [["--data-only", "--schema=skillreg"], ["--data-only", "--inserts"], []],
                         ids=["copy", "inserts", "schema-too"])
def test_data_is_kept_out_of_a_schema_that_was_migrated(world, flags):
    """To the first error, and past all of them."""
    place = world.new_database(migrate=True)
    before = world.counts(place)
    dump = world.postgres.dump(world.source, *flags)
    if "--data-only" in flags:
        with pytest.raises(subprocess.CalledProcessError) as failure:
            world.postgres.psql(dump, database=place)
        assert REFUSED in failure.value.stderr and "Restore the whole dump" in failure.value.stderr
    world.postgres.psql(dump, "--set", "ON_ERROR_STOP=0", database=place)
    assert world.counts(place) == before


def test_pg_restore_is_kept_out_too(world):
    place = world.new_database(migrate=True)
    before = world.counts(place)
    archive = world.postgres.directory / "archive"
    world.postgres.dump(world.source, "--format=custom", f"--file={archive}")
    with pytest.raises(subprocess.CalledProcessError) as failure:
        world.postgres.restore(archive, place, "--data-only")
    assert REFUSED in failure.value.stderr
    assert world.counts(place) == before
    world.postgres.restore(archive, place, "--clean")
    assert world.rows(place) == world.rows(world.source), "what is dropped first is restored"


def test_every_table_is_guarded(world):
    """A migration that makes a table gives it the trigger, too."""
    unguarded = world.postgres.query(
        "select relname from pg_class c where relnamespace = 'skillreg'::regnamespace and relkind = 'r' and not exists"
        " (select from pg_trigger t where t.tgrelid = c.oid and t.tgname = 'restore_is_refused')", database=world.source)
    assert unguarded == []


def test_whoever_loads_rows_otherwise_is_let_in(world):
    """As an operator with many tokens to take over: the triggers write what is true of them."""
    place = world.new_database(migrate=True)
    world.postgres.psql("insert into skillreg.organisation (id, slug, name) values ('o', 'oo', 'o');\n"
                        "copy skillreg.api_token (id, org_id, name, prefix, digest, scopes, created_by, is_imported) from stdin;\n"
                        + f"t\to\tn\tsk_aaaaaaaaa\t\\\\x{'ab' * 32}\t1\toperator\ttrue\n" + "\\.\n", database=place)
    assert world.postgres.query("select action from skillreg.token_audit", database=place) == [("import",)]

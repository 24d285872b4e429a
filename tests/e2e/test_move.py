# SPDX-License-Identifier: MIT
"""A database that is moved by logical replication, which copies no sequence: events and audit go on from their rows, a revocation
that is waited for holds on every gateway, and something that numbers the log beside the gateways is named in the log."""
import pytest

from harness.gateway import Gateway, Operator
from harness.postgres import Postgres
from harness.waiting import eventually

WHOAMI = "/api/v1/auth/whoami"
TOKENS = "/api/v1/orgs/acme/tokens"
# What docs/running.md says of the tables that are not published.
MOVED = "tablename not in ('migration', 'log_lock') and left(tablename, 7) <> 'gateway'"


class World:
    """A database with a log and an audit, and another one to which all of it has been moved."""

    def __init__(self, directory):
        self.postgres = Postgres(wal_level="logical").create().start()
        for name in ("old_home", "new_home"):
            self.postgres.query(f"create database {name}")
            Operator(self.postgres.url_of(name), directory).migrate()
        operator = Operator(self.postgres.url_of("old_home"), directory)
        operator.create_org("acme")
        self.admin = operator.create_token("acme", "boss", "admin")["token"]
        for number in range(5):
            operator.create_token("acme", f"token-{number}", "read")
        self.move()

    def newest(self, database):
        return self.postgres.query("select (select max(seq) from skillreg.token_event), (select max(id) from skillreg.token_audit)",
                                   database=database)[0]

    def move(self):
        tables = ", ".join(f"skillreg.{name}" for name, in self.postgres.query(
            f"select tablename from pg_tables where schemaname = 'skillreg' and {MOVED}", database="old_home"))
        self.postgres.query(f"create publication move for table {tables}", database="old_home")
        # Both live in one server here, where a subscription cannot make its slot itself.
        self.postgres.query("select pg_create_logical_replication_slot('move', 'pgoutput')", database="old_home")
        self.postgres.query(f"create subscription move connection '{self.postgres.url_of('old_home')}' publication move"
                            " with (create_slot = false, slot_name = 'move')", database="new_home")
        eventually(lambda: self.newest("new_home") == self.newest("old_home"), "did the rows come")
        self.postgres.query("alter subscription move disable", database="new_home")
        self.postgres.query("alter subscription move set (slot_name = none)", database="new_home")
        self.postgres.query("drop subscription move", database="new_home")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    own = None
    try:
        own = World(tmp_path_factory.mktemp("move"))
        yield own
    finally:
        if own:
            own.postgres.destroy()


@pytest.fixture
def start(world, tmp_path):
    started = []

    def call():
        started.append(Gateway(tmp_path, f"gateway-{len(started)}", database_url=world.postgres.url_of("new_home")))
        return started[-1].wait_until_ready()

    yield call
    for own in started:
        own.stop()


def test_changes_go_on_after_a_move_by_logical_replication(world, start):
    first, second = start(), start()
    before = world.newest("new_home")
    assert before[0] >= 6 and before[1] == 6, "nothing was written twice"
    made = first.request("POST", TOKENS, world.admin, json_body={"name": "after", "scopes": ["read"]})
    assert made.status == 201, made.body
    token = made.json()
    assert first.request("GET", WHOAMI, token["token"]).status == second.request("GET", WHOAMI, token["token"]).status == 200
    revoked = first.request("DELETE", f"{TOKENS}/{token['id']}?wait=30s", world.admin)
    assert (revoked.status, revoked.json()["gateways"]) == (200, 2), revoked.body
    assert second.request("GET", WHOAMI, token["token"]).status == 401
    assert world.newest("new_home") == (before[0] + 2, before[1] + 2)
    actions = [event["action"] for event in first.request("GET", "/api/v1/orgs/acme/audit", world.admin).json()["events"]]
    assert actions == ["revoke"] + ["create"] * 7


def test_what_numbers_the_log_beside_the_gateways_is_named(world, start):
    """As an old subscription that still runs would, at the very moment of each change."""
    world.postgres.query("""
        create function public.number_beside() returns trigger language plpgsql as $$
        begin
            insert into skillreg.token_event (seq, kind, org_id)
            select max(seq) + 1, 4, 'o' from skillreg.token_event;
            return new;
        end $$;
        create trigger number_beside before insert on skillreg.token_event for each row when (new.kind <> 4)
        execute function public.number_beside()""", database="new_home")
    try:
        gateway = start()
        answer = gateway.request("POST", TOKENS, world.admin, json_body={"name": "never", "scopes": ["read"]})
        assert answer.status == 503, answer.body
        line = gateway.process.wait_for_line(r"statement refused statement=token_create sqlstate=23505 .*").group(0)
        assert "todo=" in line and "docs/running.md" in line
    finally:
        world.postgres.query("drop trigger number_beside on skillreg.token_event; drop function public.number_beside()",
                             database="new_home")
    assert gateway.request("POST", TOKENS, world.admin, json_body={"name": "at last", "scopes": ["read"]}).status == 201

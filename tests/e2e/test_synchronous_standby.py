# SPDX-License-Identifier: MIT
"""A commit waits for a synchronous standby that is not there. When the wait is cancelled PostgreSQL says that the commit succeeded,
with a warning: a failover could undo it. The client is told 503, not known, never that it was done or refused."""
import concurrent.futures

import pytest

from harness.gateway import Gateway, Operator
from harness.postgres import Postgres
from harness.waiting import eventually

WHOAMI = "/api/v1/auth/whoami"
TOKENS = "/api/v1/orgs/acme/tokens"
WAITING = "select pid from pg_stat_activity where wait_event = 'SyncRep'"


class Lab:
    def __init__(self, directory):
        self.postgres = Postgres(synchronous_commit="on").create().start()
        self.cancelled = 0  # waits, by cancel_while_it_waits
        self.operator = Operator(self.postgres.url, directory)
        self.operator.migrate()
        self.operator.create_org("acme")
        self.admin = self.operator.create_token("acme", "boss", "admin")["token"]

    def want_standbys(self, names):
        self.postgres.query(f"alter system set synchronous_standby_names = '{names}'")
        self.postgres.query("select pg_reload_conf()")
        eventually(lambda: self.postgres.query("show synchronous_standby_names") == [(names,)], "was it set")
        if names:  # the checkpointer tells all sessions, so what one of them shows is not enough
            eventually(self._commits_wait, "do commits wait")

    def _commits_wait(self):
        self.cancelled = 0
        self.cancel_while_it_waits(lambda: self.postgres.query("comment on schema public is 'changed'"))
        return self.cancelled > 0

    def cancel_while_it_waits(self, call):
        """What call() returns: one change, whose wait for a standby is cancelled."""
        with concurrent.futures.ThreadPoolExecutor(1) as thread:
            running = thread.submit(call)

            def is_over():
                self.cancelled += len(self.postgres.query(f"select pg_cancel_backend(pid) from ({WAITING}) waiting"))
                return running.done()

            eventually(is_over, "did the change end")
            return running.result()


@pytest.fixture
def lab(tmp_path):
    own = Lab(tmp_path)
    yield own
    own.postgres.destroy()


@pytest.fixture
def gateway(lab, tmp_path):
    own = Gateway(tmp_path, "gateway", database_url=lab.postgres.url + "&options=-c%20client_min_messages%3Derror",
                  flags=("--last-used-interval", "1h"))
    yield own.wait_until_ready()
    lab.want_standbys("")
    own.stop()


def test_a_commit_that_no_standby_confirmed_is_not_known(lab, gateway):
    token = gateway.request("POST", TOKENS, lab.admin, json_body={"name": "before", "scopes": ["read"]}).json()
    lab.want_standbys("nobody")
    changes = (("POST", TOKENS, {"name": "doubtful", "scopes": ["read"]}),
               ("POST", f"{TOKENS}/{token['id']}/rotate", {}),
               ("DELETE", f"{TOKENS}/{token['id']}", None),
               ("DELETE", f"{TOKENS}/{token['id']}", None))  # it is revoked by now, which is not known either
    for number, (method, path, body) in enumerate(changes):
        answer = lab.cancel_while_it_waits(lambda m=method, p=path, b=body: gateway.request(m, p, lab.admin, json_body=b))
        assert answer.status == 503 and answer.error_code == "unavailable", (method, path, answer.status, answer.body)
        lines = [line for line in gateway.process.lines() if "a change may not last" in line]
        assert len(lines) > number and "synchronous replication" in lines[-1], gateway.log()
    # none of them was undone, and none was answered
    assert lab.postgres.query("select count(*) from skillreg.api_token where name = 'doubtful'") == [(1,)]
    lab.want_standbys("")
    assert gateway.request("DELETE", f"{TOKENS}/{token['id']}", lab.admin).status == 404, "and now it is known"
    assert gateway.request("GET", WHOAMI, token["token"]).status == 401


def test_a_warning_of_the_operators_own_trigger_is_no_doubt(lab, gateway):
    lab.postgres.query("create function skillreg.warn() returns trigger language plpgsql as"
                       " $$ begin raise warning 'mine'; return new; end $$")
    lab.postgres.query("create trigger warn after insert on skillreg.api_token for each row execute function skillreg.warn()")
    assert gateway.request("POST", TOKENS, lab.admin, json_body={"name": "warned", "scopes": ["read"]}).status == 201


def test_an_operator_is_told_to_look(lab):
    lab.want_standbys("nobody")
    done = lab.cancel_while_it_waits(lambda: lab.operator.run("org", "create", "doubtful"))
    lab.want_standbys("")
    assert done.returncode == 1 and "look before you try again" in done.stderr, done.stderr

# SPDX-License-Identifier: MIT
"""The password of the database changes while gateways run: SIGHUP has the URL file read again, and nothing needs a restart."""
import os
import signal

import pytest

from harness import token_syntax
from harness.by_file import served
from harness.waiting import eventually

CHANGED = " info settings URL of the database changed, for new connections file="
WHOAMI = "/api/v1/auth/whoami"


class Role:
    """One that serves, with a password that changes, and the file of its URL."""

    def __init__(self, postgres, path):
        self._postgres = postgres
        self.path = path
        postgres.query("create role rotating login password 'first-secret' in role skillreg")
        self.write("first-secret")

    def write(self, password):
        new = self.path.with_suffix(".new")
        new.write_text(f"postgresql://rotating:{password}@/postgres?host={self._postgres.directory}\n")
        new.chmod(0o600)
        new.rename(self.path)

    def change(self, password):
        self._postgres.query(f"alter role rotating password '{password}'")

    def end_connections(self):
        ended = self._postgres.query("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'rotating'")
        assert len(ended) > 0


@pytest.fixture
def role(operator, postgres, tmp_path):
    yield Role(postgres, tmp_path / "database-url")
    postgres.query("drop role rotating")


def ask(own):
    """With a token that no process knows, so that the database has to say so."""
    return own.request("GET", WHOAMI, token_syntax.make()).status


def hang_up(own, wanted):
    before = own.log().count(wanted)
    os.kill(own.pid, signal.SIGHUP)
    eventually(lambda: own.log().count(wanted) == before + 1, lambda: f"did the log say {wanted!r}:\n{own.log()}")


@pytest.mark.parametrize("workers", [1, 2])
def test_the_new_password_counts_after_sighup_and_not_before(workers, role, tmp_path):
    with served(tmp_path, ("--workers", workers), DATABASE_URL_FILE=str(role.path)) as own:
        assert ask(own) == 401
        role.change("second-secret")
        role.write("second-secret")
        role.end_connections()
        eventually(lambda: ask(own) == 503, "does it fail by the old password")
        assert "password authentication failed" in own.log()
        hang_up(own, f'{CHANGED}"{role.path}"')
        own.wait_until_ready()  # each worker, and by its log of changes, too
        eventually(lambda: {ask(own) for _ in range(8)} == {401}, "do all workers ask again")
        assert "-secret" not in own.log()


def test_with_sighup_before_connections_end_no_request_fails(role, tmp_path):
    with served(tmp_path, DATABASE_URL_FILE=str(role.path)) as own:
        assert ask(own) == 401
        role.change("second-secret")
        role.write("second-secret")
        hang_up(own, f'{CHANGED}"{role.path}"')
        assert own.metric("database_disconnects_total") == 0  # those that were there stay
        role.end_connections()
        assert [ask(own) for _ in range(5)] == [401] * 5
        assert "password authentication failed" not in own.log()


def test_a_url_that_cannot_be_used_changes_nothing_and_is_said_without_it(role, tmp_path):
    with served(tmp_path, DATABASE_URL_FILE=str(role.path)) as own:
        failure = " error settings cannot use the URL of the database, the old one stays: mend the file and send SIGHUP " \
                  f'file="{role.path}" reason='
        role.path.write_text("postgresql://rotating:hidden-secret@[::1/postgres\n")
        hang_up(own, f'{failure}"the database URL is malformed"')
        role.path.write_text("\n")
        hang_up(own, f'{failure}"its first line is empty"')
        role.path.unlink()
        hang_up(own, f'{failure}"No such file or directory"')
        role.end_connections()
        assert ask(own) == 401
        assert "hidden-secret" not in own.log() and "URL of the database changed" not in own.log()


def test_such_a_file_beside_a_configuration_file_is_said_once_and_the_rest_counts(role, tmp_path):
    config = tmp_path / "gateway.conf"
    config.write_text("rate-limit = off\n")
    with served(tmp_path, ("--config", config), DATABASE_URL_FILE=str(role.path)) as own:
        role.path.write_text("\n")
        config.write_text("rate-limit = 1/h\n")
        hang_up(own, " error settings cannot use the URL of the database, the old one stays: mend the file and send SIGHUP "
                     f'file="{role.path}" reason="its first line is empty"')
        eventually(lambda: " info settings setting changed setting=rate-limit" in own.log(), lambda: f"is it said:\n{own.log()}")
        assert own.log().count(" error settings ") == 1 and ask(own) == 401


def test_the_url_for_hearing_of_changes_has_a_file_of_its_own(operator, role, tmp_path):
    with served(tmp_path, DATABASE_URL=operator.database_url, GATEWAY_DATABASE_EVENTS_URL_FILE=str(role.path)) as own:
        role.change("second-secret")
        role.end_connections()
        eventually(lambda: "password authentication failed" in own.log(), "does the log of changes fail")
        role.write("second-secret")
        hang_up(own, f'{CHANGED}"{role.path}"')
        eventually(own.has_database, "is it heard again")

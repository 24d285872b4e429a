# SPDX-License-Identifier: MIT
"""A private PgBouncer in transaction mode before a Postgres of the tests: its own Unix socket in that one's directory, and no TCP
port. It runs as the same user, because it refuses root, too."""
import os
import re
import signal
import subprocess

import psycopg2

from .process import Process, clean_environment, dies_with_parent
from .proxies import find_or_skip
from .waiting import PATIENCE_S, eventually

PORT = 6432  # a part of the socket's name, nothing more
# Fewer servers than the gateway has connections: they take turns. Nothing waits for long.
CONFIGURATION = """
[databases]
* = host={directory}
[pgbouncer]
pool_mode = transaction
default_pool_size = 2
listen_addr =
unix_socket_dir = {directory}
listen_port = {port}
auth_type = scram-sha-256
auth_file = {directory}/pgbouncer.users
admin_users = skillreg
server_login_retry = 1
{settings}
"""


class PgBouncer:
    """Starts at once; stop() at the end in any case. `settings`: lines for the configuration."""

    def __init__(self, postgres, *settings):
        self.program = find_or_skip("pgbouncer")
        self.postgres = postgres
        self.process = None
        self._write("pgbouncer.users", f'"skillreg" "{postgres.password}"\n')
        self.configure(*settings)
        self.start()

    def _write(self, name, text):
        path = self.postgres.directory / name
        path.write_text(text)
        path.chmod(0o600)
        if self.postgres.user:
            os.chown(path, self.postgres.user.pw_uid, self.postgres.user.pw_gid)

    def configure(self, *settings):
        """What counts from the next start or RELOAD."""
        self._write("pgbouncer.ini", CONFIGURATION.format(directory=self.postgres.directory, port=PORT,
                                                          settings="\n".join(settings)))

    def start(self):
        directory = self.postgres.directory
        user = self.postgres.user
        command = [self.program, directory / "pgbouncer.ini"]
        if user:  # the change clears the signal that ends it with the tests
            command = ["setpriv", "--reuid", user.pw_uid, "--regid", user.pw_gid, "--clear-groups", *dies_with_parent(command)]
        self.process = Process(command, directory / "pgbouncer.log", env=clean_environment(), cwd=directory)
        eventually(self._answers, lambda: f"did PgBouncer answer:\n{self.process.log()}")

    def _answers(self):
        assert self.process.is_running(), "PgBouncer ended:\n" + self.process.log()
        try:
            self.command("SHOW VERSION")
            return True
        except psycopg2.OperationalError:
            return False

    def url(self, database="postgres"):
        return f"{self.postgres.url_of(database)}&port={PORT}"

    def command(self, text):
        """On its console; the rows, if it answers with some."""
        connection = psycopg2.connect(self.url("pgbouncer"), connect_timeout=int(PATIENCE_S))
        try:
            connection.autocommit = True  # it knows no transactions
            with connection.cursor() as cursor:
                cursor.execute(text)
                return cursor.fetchall() if cursor.description else None
        finally:
            connection.close()

    def keeps_statements(self):
        """Since 1.21 it can: max_prepared_statements."""
        shown = subprocess.run([self.program, "--version"], capture_output=True, text=True, check=True).stdout
        major, minor = re.search(r"PgBouncer (\d+)\.(\d+)", shown).groups()
        return (int(major), int(minor)) >= (1, 21)

    def stop(self):
        """At once, as after a crash: clients see their connections break."""
        self.process.stop(signal.SIGQUIT)

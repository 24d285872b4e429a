# SPDX-License-Identifier: MIT
"""A private PostgreSQL: its own directory, a Unix socket in it, no TCP port, a password, no fsync. As root it runs under
another user, because PostgreSQL refuses root."""
import contextlib
import os
import pathlib
import pwd
import re
import secrets
import select
import shutil
import signal
import subprocess
import tempfile
import threading

import psycopg2

from .process import clean_environment
from .waiting import PATIENCE_S, eventually

SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "200",
    "logging_collector": "off",
    "jit": "off",  # for a statement that it deems dear a backend would load LLVM
}


_there = []  # what was not destroyed yet


def destroy_all():
    """What nobody has destroyed: a fixture that was interrupted before it could hand its cluster over."""
    for cluster in list(_there):
        cluster.destroy()


def bin_dir():
    versions = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"),
                      key=lambda path: float(path.parents[1].name))
    if versions:
        return versions[-1].parent
    found = shutil.which("initdb")
    if not found:
        raise FileNotFoundError("PostgreSQL is not installed (no initdb)")
    return pathlib.Path(found).parent


def _unprivileged_user():
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("neither a user postgres nor nobody to run PostgreSQL as")


# What would be found again by the next statement of a kept connection.
CHANGES_THE_SESSION = re.compile(r"(^|;)\s*(set|begin|listen|prepare|create temp)\b|set_config|advisory", re.IGNORECASE)


def _is_gone(connection):
    """The server has ended it, or said something last."""
    return connection.closed or select.select([connection], [], [], 0)[0]


class Postgres:
    """One cluster. create(), start(), and at the end destroy() in any case."""

    def __init__(self, **settings):
        self.settings = {**SETTINGS, **settings}
        self.bin = bin_dir()
        self.password = secrets.token_hex(12)
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="skillreg-pg-", dir="/tmp"))
        self.user = _unprivileged_user() if os.geteuid() == 0 else None
        self.popen = None
        self._mine = threading.local()
        _there.append(self)
        if self.user:
            os.chown(self.directory, self.user.pw_uid, self.user.pw_gid)

    def _command(self, program, *arguments, signal_name="KILL"):
        # The signal is set after the change of user, which would clear it.
        head = ["setpriv", "--pdeathsig", signal_name]
        if self.user:
            head += ["--reuid", str(self.user.pw_uid), "--regid", str(self.user.pw_gid), "--clear-groups"]
        return [*head, str(self.bin / program), *arguments]

    def _run(self, program, *arguments, text_in=None):
        return subprocess.run(self._command(program, *arguments), cwd=self.directory, capture_output=True,
                              text=True, input=text_in, timeout=PATIENCE_S, check=True,
                              env=clean_environment(PGPASSWORD=self.password)).stdout

    def create(self):
        password_file = self.directory / "password"
        password_file.write_text(self.password)
        if self.user:
            os.chown(password_file, self.user.pw_uid, self.user.pw_gid)
        self._run("initdb", "--pgdata", str(self.data), "--username", "skillreg", "--no-sync",
                  "--auth", "scram-sha-256", "--pwfile", str(password_file), "--encoding", "UTF8",
                  "--locale", "C.UTF-8", "--no-instructions")
        password_file.unlink()
        return self

    def standby(self):
        """Another cluster that follows this one, running; the caller destroys it."""
        other = Postgres()
        other.password = self.password
        try:
            other._run("pg_basebackup", "--pgdata", str(other.data), "--host", str(self.directory), "--username", "skillreg",
                       "--checkpoint", "fast", "--wal-method", "stream", "--write-recovery-conf", "--no-sync")
            return other.start()
        except BaseException:
            other.destroy()
            raise

    def catch_up(self, primary):
        """A standby: waits until it has replayed what `primary` has written by now."""
        written = primary.query("select pg_switch_wal(), pg_current_wal_lsn()")[0][1]
        eventually(lambda: self.query("select pg_last_wal_replay_lsn() >= %s", (written,))[0][0],
                   "did the standby follow")

    @property
    def data(self):
        return self.directory / "data"

    @property
    def url(self):
        return f"postgresql://skillreg:{self.password}@/postgres?host={self.directory}"

    def url_of(self, database):
        return f"postgresql://skillreg:{self.password}@/{database}?host={self.directory}"

    def start(self):
        """Returns once it takes connections."""
        settings = [part for name, value in self.settings.items() for part in ("-c", f"{name}={value}")]
        with open(self.directory / "log", "ab") as log:
            # SIGINT is PostgreSQL's fast shutdown: what it gets if the tests die.
            self.popen = subprocess.Popen(
                self._command("postgres", "-D", str(self.data), "-k", str(self.directory), *settings,
                              signal_name="INT"),
                cwd=self.directory, env=clean_environment(), stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True)
        eventually(self._answers, "did PostgreSQL start: " + str(self.directory / "log"))
        return self

    def _answers(self):
        assert self.popen.poll() is None, "PostgreSQL ended:\n" + (self.directory / "log").read_text()
        try:
            self.connect().close()
            return True
        except psycopg2.OperationalError:
            return False

    def connect(self, database="postgres"):
        connection = psycopg2.connect(self.url_of(database), connect_timeout=int(PATIENCE_S))
        connection.autocommit = True
        return connection

    def query(self, sql, parameters=(), database="postgres"):
        """All rows of one statement; None for a statement without rows. On a connection that this thread keeps: a start of a
        backend costs more than most statements, by page faults."""
        kept = self._mine.__dict__.setdefault("connections", {})
        connection = kept.pop(database, None)
        if connection is None or _is_gone(connection):
            connection = self.connect(database)
        with contextlib.ExitStack() as cleanup:
            cleanup.callback(connection.close)
            with connection.cursor() as cursor:
                cursor.execute(sql, parameters)
                rows = cursor.fetchall() if cursor.description else None
            if not CHANGES_THE_SESSION.search(sql):
                cleanup.pop_all()
                kept[database] = connection
        return rows

    def psql(self, script, *arguments, database="postgres"):
        """A script, to its first error, which is raised."""
        return self._run("psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", *arguments, self.url_of(database),
                         text_in=script)

    def dump(self, database="postgres", *flags):
        return self._run("pg_dump", "--host", str(self.directory), "--username", "skillreg", *flags, database)

    def restore(self, archive, database, *flags):
        return self._run("pg_restore", "--dbname", self.url_of(database), *flags, str(archive))

    def _pids(self):
        """The server and its children, the server first (it would start others anew)."""
        server = self.popen.pid
        with open(f"/proc/{server}/task/{server}/children", encoding="ascii") as children:
            return [server, *map(int, children.read().split())]

    def freeze(self):
        """As a machine that hangs: connections stay, nothing answers."""
        self._frozen = []
        for pid in self._pids():
            os.kill(pid, signal.SIGSTOP)
            self._frozen.append(pid)

    def thaw(self):
        for pid in reversed(getattr(self, "_frozen", [])):
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass
        self._frozen = []

    def stop(self, number=signal.SIGINT):
        """SIGINT: fast; SIGQUIT: immediate, as after a crash."""
        if self.popen is None:
            return
        self.thaw()
        if self.popen.poll() is None:
            self.popen.send_signal(number)
        try:
            self.popen.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        self.popen = None

    def crash(self):
        self.stop(signal.SIGQUIT)

    def destroy(self):
        try:
            self.stop(signal.SIGQUIT)
        finally:
            eventually(self._is_removed, f"could {self.directory} be removed")
            _there.remove(self)

    def _is_removed(self):
        """Not at once where initdb was interrupted: what it has started goes on to write for a moment."""
        shutil.rmtree(self.directory, ignore_errors=True)
        return not self.directory.exists()

# SPDX-License-Identifier: MIT
"""A private PostgreSQL for one run of the bench: a folder of its own that only its account can enter, a Unix socket in
it, no TCP port. Durability is left as it comes: fsync and synchronous commit are on."""
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import tempfile

from .machine import Trouble, memory_bytes
from .process import Server, environment, pinned

_USER = "skillreg"
_DATABASE = "skillreg"


def _settings():
    shared_mib = max(128, min(2048, memory_bytes() // 8 // 2**20))
    return {"listen_addresses": "", "shared_buffers": f"{shared_mib}MB", "max_wal_size": "8GB",
            "checkpoint_timeout": "30min", "autovacuum": "off", "max_connections": "100", "logging_collector": "off"}


def _bin_dir():
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if not found:
        raise Trouble("PostgreSQL is not installed (no initdb)")
    return found[-1].parent


def _unprivileged_user():
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Trouble("PostgreSQL refuses root, and there is neither a user postgres nor nobody")


class Postgres:
    def __init__(self, core):
        self.core = core
        self.bin = _bin_dir()
        self._user = _unprivileged_user() if os.geteuid() == 0 else None
        self._server = None
        # Not /tmp: ten million tokens may not fit where that is memory.
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="skillreg-bench-", dir="/var/tmp"))
        if self._user:
            os.chown(self.directory, self._user.pw_uid, self._user.pw_gid)

    @property
    def url(self):
        return f"postgresql://{_USER}@/{_DATABASE}?host={self.directory}"

    def environment(self):
        """What libpq programs and node-postgres read."""
        return environment(PGHOST=str(self.directory), PGUSER=_USER, PGDATABASE=_DATABASE, PGCONNECT_TIMEOUT="10")

    def start(self):
        data = self.directory / "data"
        subprocess.run(pinned(self.core, [self.bin / "initdb", "--pgdata", data, "--username", _USER, "--no-sync",
                                          "--auth", "trust", "--encoding", "UTF8", "--locale", "C"], user=self._user),
                       cwd=self.directory, env=environment(), check=True, capture_output=True, timeout=120)
        flags = [part for name, value in _settings().items() for part in ("-c", f"{name}={value}")]
        # SIGINT is PostgreSQL's fast shutdown.
        self._server = Server("PostgreSQL", [self.bin / "postgres", "-D", data, "-k", self.directory, *flags],
                              core=self.core, log=self.directory / "log", cwd=self.directory, user=self._user,
                              stop_signal=signal.SIGINT)
        self._server.await_log(re.compile("ready to accept connections"), 60)
        self._psql("postgres", f"create database {_DATABASE}")
        return self

    def _psql(self, database, sql, timeout_s=60):
        done = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", database], input=sql, text=True,
                              capture_output=True, env=self.environment(), timeout=timeout_s, check=False)
        if done.returncode != 0:
            raise Trouble("psql: " + done.stderr.strip())
        return done.stdout.strip()

    def query(self, sql, timeout_s=60):
        """The output of psql: rows are lines, columns are separated by |."""
        return self._psql(_DATABASE, sql, timeout_s)

    def number(self, sql):
        return float(self.query(sql))

    def cpu_seconds(self):
        return self._server.cpu_seconds()

    def destroy(self):
        try:
            if self._server:
                self._server.stop()
        finally:
            shutil.rmtree(self.directory, ignore_errors=True)

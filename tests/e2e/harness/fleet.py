# SPDX-License-Identifier: MIT
"""Several gateways on one database, which nobody else uses: a revoke that waits for everybody waits for these alone."""
import contextlib
import itertools
import signal

from .gateway import Gateway, Operator
from .waiting import eventually

WHOAMI = "/api/v1/auth/whoami"
TOKENS = "/api/v1/orgs/acme/tokens"


def _admin_of_template(postgres, directory):
    """The secret of the admin token in the database that every fleet's is a copy of."""
    if not hasattr(postgres, "fleet_admin"):
        postgres.query("create database fleet_template")
        operator = Operator(postgres.url_of("fleet_template"), directory)
        operator.migrate()
        operator.create_org("acme")
        postgres.fleet_admin = operator.create_token("acme", "boss", "admin")["token"]
    return postgres.fleet_admin


class Fleet:
    """A database `name` in a running cluster, with the organisation acme and its admin token. start() as often as wanted."""

    def __init__(self, postgres, name, directory):
        self.admin = _admin_of_template(postgres, directory)
        postgres.query(f"create database {name} template fleet_template")
        self.postgres, self.name, self.directory = postgres, name, directory
        self.database_url = postgres.url_of(name)
        self.operator = Operator(self.database_url, directory)
        self.gateways = []
        self._names = itertools.count(1)

    def start(self, count, *flags, **options):
        started = [Gateway(self.directory, f"{self.name}-{next(self._names)}", database_url=self.database_url,
                           flags=flags, **options) for _ in range(count)]
        self.gateways += started
        for own in started:
            own.wait_until_ready()
        return started

    def wait_until_heard(self, count):
        """Every gateway follows the log: from here on a revoke waits for each, if they are not silent for five seconds."""
        eventually(lambda: self.query("select count(*) from skillreg.gateway"
                                      " where seen_at > now() - interval '2 seconds'") == [(count,)],
                   f"were there {count} gateways in the database")

    def query(self, sql, parameters=()):
        return self.postgres.query(sql, parameters, database=self.name)

    def create_token(self, gateway, **more):
        """Its document, the secret as `token`."""
        answer = gateway.request("POST", TOKENS, self.admin, json_body={"name": "ci-deploy", **more})
        assert answer.status == 201, answer.body
        return answer.json()

    def revoke(self, gateway, token, wait=None):
        query = "" if wait is None else f"?wait={wait}"
        return gateway.request("DELETE", f"{TOKENS}/{token['id']}{query}", self.admin)

    def revoke_by_hand(self, token):
        self.query("update skillreg.api_token set revoked_at = now(), revoked_by = 'by hand' where id = %s", (token["id"],))

    def revoke_unheard(self, token):
        """As when a backup is restored: the log ends before what was heard last, and says nothing of the revocation."""
        eventually(lambda: self.query("select bool_and(applied_seq = (select max(seq) from skillreg.token_event))"
                                      " from skillreg.gateway where seen_at > now() - interval '5 seconds'") == [(True,)],
                   "was all heard everywhere")
        self.query("set session_replication_role = replica;"  # no triggers
                   " update skillreg.api_token set revoked_at = now(), revoked_by = 'by hand' where id = %s;"
                   " delete from skillreg.token_event where seq = (select max(seq) from skillreg.token_event)", (token["id"],))

    @contextlib.contextmanager
    def stopped(self, gateway):
        """As a gateway whose machine stands still."""
        gateway.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            gateway.process.send_signal(signal.SIGCONT)

    @contextlib.contextmanager
    def outage(self):
        """The database lets nobody in."""
        self.postgres.query(f"alter database {self.name} with allow_connections false")
        try:
            self.postgres.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (self.name,))
            yield
        finally:
            self.postgres.query(f"alter database {self.name} with allow_connections true")

    def _listeners(self, what):
        return self.query(f"select {what} from pg_stat_activity where datname = %s"
                          " and query ~ '(token_event|skillreg[.]gateway|listen )' and pid <> pg_backend_pid()", (self.name,))

    def terminate_listeners(self):
        """Cuts the connections that hear the log, once each gateway has one: a test before may have cut them. How many."""
        eventually(lambda: len(self._listeners("pid")) >= len(self.gateways), "did every gateway listen")
        return len(self._listeners("pg_terminate_backend(pid)"))

    def stop(self):
        running = [own for own in self.gateways if own.process.is_running()]
        for own in running:
            own.drop_connection()
            own.process.send_signal(signal.SIGTERM)
        try:
            for own in running:
                own.stop()
        finally:
            for own in running:
                own.kill()


def status_of(gateway, secret):
    return gateway.request("GET", WHOAMI, secret).status


def statuses_of(gateways, secret):
    return [status_of(gateway, secret) for gateway in gateways]

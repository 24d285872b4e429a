# SPDX-License-Identifier: MIT
"""The real gateway as a child process, on ports that the kernel chose."""
import json
import re
import ssl
import threading

from . import binaries
from .http_client import Connection, bearer
from .process import NO_LEAK_CHECK, Process, clean_environment, run, run_raw
from .terminal import Terminal
from .waiting import PATIENCE_S, eventually

# As a service manager starts a program with sockets: from descriptor 3 on, with variables that name it, them, and their number.
_HAND_OVER = """
import fcntl, os, sys
sockets = [fcntl.fcntl(int(fd), fcntl.F_DUPFD, 100) for fd in sys.argv[2].split(",")]
for at, fd in enumerate(sockets, 3):
    os.dup2(fd, at)
    os.close(fd)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(sockets)), LISTEN_FDNAMES=sys.argv[1])
os.execv(sys.argv[3], sys.argv[3:])
"""

_LISTENING = re.compile(r"\blistening\b")


def worker_of(response):
    """Request ids begin with a number of the process."""
    return response.get("x-request-id")[:16]


class Gateway:
    """Starts at once. wait_until_ready(), then use; stop() asserts that it ended as it should."""

    def __init__(self, directory, name, *, database_url, certificate=None, upstream=None, flags=(), env=None,
                 wrapper=(), sockets=None):
        """`sockets`: listening ones by the name of their port, which are handed over to it."""
        flags = [str(flag) for flag in flags]
        self._workers = int(flags[flags.index("--workers") + 1]) if "--workers" in flags else 1
        self.log_path = directory / f"{name}.log"
        self.certificate = certificate
        self._mine = threading.local()  # each thread keeps a connection of its own
        command = [*wrapper, binaries.find("skillreg-gateway"), "--listen-http", "127.0.0.1:0", "--listen-admin", "127.0.0.1:0"]
        if certificate:
            command += ["--listen-https", "127.0.0.1:0", "--tls-cert", certificate.cert, "--tls-key", certificate.key]
        else:
            command += ["--listen-https", "off"]
        if upstream:
            command += ["--upstream", upstream]
        command += flags
        fds = [own.fileno() for own in (sockets or {}).values()]
        if fds:
            command = ["/usr/bin/python3", "-c", _HAND_OVER, ":".join(sockets), ",".join(map(str, fds)), *command]
        # The URL carries a password: the environment, not the argument list.
        self.process = Process(command, self.log_path, cwd=directory,
                               pass_fds=fds,
                               env=clean_environment(**{"HOME": str(directory), "DATABASE_URL": database_url, **(env or {})}))
        try:
            self.http = self.bound("http")
            self.admin = self.bound("admin")
            self.https = self.bound("https") if certificate else None
        except BaseException:
            self.process.kill()
            raise

    def bound(self, kind):
        """The address of one listener, from its log line."""
        match = self.process.wait_for_line(
            rf'listening\b(?=.*\bkind"?[=:]"?{kind}"?(\s|,|$)).*\baddress"?[=:]"?(?P<host>[0-9.]+):(?P<port>[0-9]+)')
        return match["host"], int(match["port"])

    @property
    def pid(self):
        return self.process.pid

    def worker_pids(self):
        """Of --workers, by number: the process last started as each."""
        started = re.findall(r"worker started worker=([0-9]+) pid=([0-9]+)", self.log())
        return {int(number): int(pid) for number, pid in started}

    def is_ready(self):
        return self.admin_get("/readyz").status == 200

    def has_database(self):
        """Ready, and not by what it knows alone."""
        return self.admin_get("/readyz").body == b"ready\n"

    def wait_until_ready(self):
        """Each of its workers by itself, not just whichever is asked first."""
        ready = set()

        def all_are_ready():
            response = self.admin_get("/readyz")
            if response.body == b"ready\n":
                ready.add(worker_of(response))
            return len(ready) == self._workers

        eventually(all_are_ready, lambda: "did the gateway become ready:\n" + self.process.log())
        return self

    # ---- clients ----
    def connect(self):
        return Connection(self.http)

    def tls_context(self):
        context = ssl.create_default_context(cafile=str(self.certificate.cert))
        context.set_alpn_protocols(["http/1.1"])
        return context

    def connect_tls(self):
        return Connection(self.https, tls=self.tls_context())

    @property
    def https_url(self):
        return "https://localhost:%d" % self.https[1]

    @property
    def http_url(self):
        return "http://127.0.0.1:%d" % self.http[1]

    def request(self, method, target, token=None, *, json_body=None, body=b"", fields=()):
        """One exchange on a plain connection that this thread keeps."""
        fields = [*bearer(token), *fields]
        if json_body is not None:
            body = json.dumps(json_body).encode()
            fields.append(("Content-Type", "application/json"))
        kept = getattr(self._mine, "connection", None)
        if kept is None or kept.is_readable():
            self.drop_connection()
            kept = self._mine.connection = self.connect()
        try:
            response = kept.request(method, target, fields, body)
        except BaseException:
            self.drop_connection()
            raise
        if response.says_close:
            self.drop_connection()
        return response

    def drop_connection(self):
        kept, self._mine.connection = getattr(self._mine, "connection", None), None
        if kept:
            kept.close()

    def admin_get(self, target):
        with Connection(self.admin) as connection:
            return connection.request("GET", target, [("Connection", "close")])

    def metric(self, name):
        """One number, by its whole name but for the prefix, with its labels: requests_total is not upstream_requests_total."""
        text = self.admin_get("/metrics").body.decode()
        found = re.search(rf"^skillreg_gateway_{re.escape(name)} ([0-9.e+]+)$", text, re.MULTILINE)
        assert found, f"no metric {name} in:\n{text}"
        return float(found[1])

    # ---- the end ----
    def log(self):
        return self.process.log()

    def stop(self, timeout_s=PATIENCE_S):
        """SIGTERM; it must finish with 0 and without a report of a sanitizer."""
        self.drop_connection()
        code = self.process.stop(timeout_s=timeout_s)
        self.process.assert_no_sanitizer_report()
        assert code == 0, f"exit code {code}; the log ends:\n" + "\n".join(self.process.lines()[-30:])

    def kill(self):
        self.drop_connection()
        self.process.kill()


class Operator:
    """The operator commands of the same binary, straight to the database."""

    def __init__(self, database_url, directory):
        self.database_url = database_url
        self.directory = directory

    def run(self, *arguments, text_in=None):
        return run([binaries.find("skillreg-gateway"), *arguments], text_in=text_in, cwd=self.directory, env=self._environment())

    def run_raw(self, *arguments):
        return run_raw([binaries.find("skillreg-gateway"), *arguments], cwd=self.directory, env=self._environment())

    def on_terminal(self, *arguments):
        """Started, not awaited; to be closed."""
        return Terminal([binaries.find("skillreg-gateway"), *arguments], self._environment())

    def _environment(self):
        return clean_environment(HOME=str(self.directory), DATABASE_URL=self.database_url)

    def must(self, *arguments, text_in=None):
        done = self.run(*arguments, text_in=text_in)
        assert done.returncode == 0, f"{arguments}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def _prepare(self, *arguments, text_in=None):
        """As must(), for what thousands of tests begin with: the leak check, half of such a program's processor time, is left
        to run() and must(), which the tests of these commands use."""
        done = run([binaries.find("skillreg-gateway"), *arguments], text_in=text_in, cwd=self.directory,
                   env={**self._environment(), **NO_LEAK_CHECK})
        assert done.returncode == 0, f"{arguments}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def migrate(self):
        return self._prepare("migrate")

    def create_org(self, slug):
        return self._prepare("org", "create", slug)

    def create_token(self, org, name, scopes, *more):
        """The parsed answer; the secret is its `token`."""
        return json.loads(self._prepare("token", "create", "--org", org, "--name", name, "--scopes", scopes,
                                        "--json", *more))

    def import_token(self, org, name, scopes, secret):
        return self._prepare("token", "import", "--org", org, "--name", name, "--scopes", scopes,
                             text_in=secret + "\n")

# SPDX-License-Identifier: MIT
"""The gateway itself."""
import re
import subprocess

from .. import http_client
from ..machine import Trouble
from ..process import Server, environment

WHOAMI = "/api/v1/auth/whoami"

# Every request asks the database, as the gateway comes; and nothing but the lookup is asked of it.
CACHE_OFF = {"cache_entries": 0}
LOOKUPS_ONLY = {**CACHE_OFF, "last_used_interval": "24h"}

_READY_S = 20


class Program:
    """The built binary: its operator commands, and which flags it knows."""

    def __init__(self, path, database_url):
        self.path = path
        self._environment = environment(DATABASE_URL=database_url)
        self._help = self.run("--help")

    def run(self, *arguments):
        done = subprocess.run([self.path, *arguments], env=self._environment, capture_output=True, text=True,
                              timeout=60, check=False)
        if done.returncode != 0:
            raise Trouble(f"{self.path.name} {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def knows(self, flag):
        return re.search(rf"^\s+{flag}\s", self._help, re.MULTILINE) is not None

    def flags(self, **wanted):
        """--some-flag value, for each some_flag=value that this build knows."""
        named = {"--" + name.replace("_", "-"): str(value) for name, value in wanted.items()}
        return [part for flag, value in named.items() if self.knows(flag) for part in (flag, value)]


class Gateway(Server):
    identifies = True  # the answer names the token
    refuses = 401

    def __init__(self, bench, name="gateway", flags=(), core=None, env=None):
        command = [bench.program.path, "--listen-http", "127.0.0.1:0", "--listen-https", "127.0.0.1:0",
                   "--listen-admin", "127.0.0.1:0", "--tls-cert", bench.certificate.cert,
                   "--tls-key", bench.certificate.key, *flags, *bench.options.gateway_flags]
        super().__init__(name, command, core=bench.server_core if core is None else core,
                         log=bench.folder / f"{name.replace(' ', '-').replace('/', '')}.log",
                         env=environment(DATABASE_URL=bench.postgres.url, GATEWAY_DRAIN_DELAY="0s", **(env or {})))
        bench.stops.append(self.stop)
        self.http = f"http://127.0.0.1:{self._port('http')}"
        self.https = f"https://127.0.0.1:{self._port('https')}"
        self._admin = f"http://127.0.0.1:{self._port('admin')}"
        self.await_true(self._is_ready, _READY_S)

    def _port(self, kind):
        is_ = r'"?[=:]"?'  # in either form of the log
        pattern = rf'listening\b.*\bkind{is_}{kind}\b.*\baddress{is_}127\.0\.0\.1:(?P<port>[0-9]+)'
        return int(self.await_log(re.compile(pattern), _READY_S)["port"])

    def _is_ready(self):
        return http_client.get(self._admin, "/readyz").status == 200

    def metric(self, name):
        """The sum of one counter over its labels; of 'responses_total{code="5xx"}' those with that label."""
        text = http_client.get(self._admin, "/metrics").body.decode()
        family, _, label = name.rstrip("}").partition("{")
        labels = rf"\{{[^}}]*{re.escape(label)}[^}}]*\}}"
        values = re.findall(rf"^(?:\w+_)?{family}(?:{labels}){'' if label else '?'} ([0-9.e+]+)$", text, re.MULTILINE)
        if not values:
            raise Trouble(f"the gateway has no metric {name}")
        return sum(map(float, values))

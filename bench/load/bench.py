# SPDX-License-Identifier: MIT
"""What every case shares: the options, the folder, PostgreSQL with the tokens, the certificate, and the list of
everything that must be stopped."""
import dataclasses
import pathlib
import shutil
import subprocess
import tempfile

from . import http_client, tokens
from .contenders.gateway import WHOAMI, Gateway, Program
from .machine import Trouble, check_cores
from .postgres import Postgres


@dataclasses.dataclass(frozen=True)
class Options:
    rounds: int
    seconds: int       # of each run
    minutes: int       # of the case soak; 0: as short as it can be
    connections: int
    is_quick: bool
    is_full: bool
    server_core: int
    load_core: int
    database_core: int
    bin: pathlib.Path          # the built programs
    node: pathlib.Path         # the program
    node_folder: pathlib.Path  # with node_modules and server.mjs
    gateway_flags: tuple       # for every gateway, after the case's own
    results: pathlib.Path


@dataclasses.dataclass(frozen=True)
class Certificate:
    cert: pathlib.Path
    key: pathlib.Path


class Bench:
    """Everything that is started registers its stop function in `stops`; close() runs them, newest first."""

    def __init__(self, options):
        check_cores(options.server_core, options.load_core, options.database_core)
        self.options = options
        self.server_core = options.server_core
        self.load_core = options.load_core
        self.node = options.node
        self.node_folder = options.node_folder
        self.stops = []
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="skillreg-bench-"))
        self.stops.append(lambda: shutil.rmtree(self.folder, ignore_errors=True))

    def prepare(self):
        """PostgreSQL, schema, organisation, an admin token, the hot tokens, and what the constant answers say."""
        self.certificate = _make_certificate(self.folder)
        self.postgres = Postgres(self.options.database_core)
        self.stops.append(self.postgres.destroy)
        self.say("starting PostgreSQL")
        self.postgres.start()
        self.program = Program(self.options.bin / "skillreg-gateway", self.postgres.url)
        self.program.run("migrate")
        self.program.run("org", "create", tokens.ORG)
        self.say(f"making {tokens.HOT} tokens")
        tokens.fill(self.postgres, tokens.HOT)
        self.hot_tokens = tokens.write_list(self.folder / "tokens", range(tokens.HOT))
        self._take_pattern()

    def _take_pattern(self):
        """The answer that all must equal in length, and the cipher suite that all must use, are the gateway's."""
        gateway = Gateway(self, "gateway pattern")
        self.constant = self.folder / "constant.json"
        with http_client.Client(gateway.https, self.certificate.cert) as client:
            self.ciphersuite = client.ciphersuite()
            answer = client.get(WHOAMI, tokens.secret(0))
        if answer.status != 200:
            raise Trouble(f"the gateway answers {answer.status} to a live token: {answer.body[:200]}")
        self.constant.write_bytes(answer.body)
        self.body_bytes = len(answer.body)
        gateway.stop()

    def say(self, text):
        print("  " + text, flush=True)

    def stop_down_to(self, mark):
        """Stops what was started since `stops` had that length."""
        while len(self.stops) > mark:
            self.stops.pop()()

    def close(self):
        self.stop_down_to(0)


def _make_certificate(folder):
    pair = Certificate(folder / "cert.pem", folder / "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", str(pair.key), "-out", str(pair.cert)], check=True, capture_output=True, timeout=30)
    pair.key.chmod(0o600)
    return pair

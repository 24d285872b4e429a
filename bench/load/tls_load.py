# SPDX-License-Identifier: MIT
"""The load of the TLS cases: bench/tls, OpenSSL with its defaults, one thread, pinned to its own core."""
import dataclasses
import json
import re
import subprocess
import time

from . import machine, tokens, verify
from .contenders.gateway import WHOAMI
from .machine import Trouble
from .measure import Sample
from .process import children_seconds, environment, pinned

_WARM_UP_S = 1


@dataclasses.dataclass(frozen=True)
class Outcome:
    done: int
    failed: int
    resumed: int
    storm: int       # handshakes beside
    seconds: float
    p50_us: int
    p99_us: int
    max_us: int
    cpu_seconds: float  # of the generator


class Load:
    """One run in progress: start, then outcome()."""

    def __init__(self, bench, mode, url, *arguments):
        request = bench.folder / "tls-request"
        request.write_text(f"GET {WHOAMI} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {tokens.secret(0)}\r\n"
                           "Accept: */*\r\n\r\n", encoding="ascii")
        command = [bench.options.bin / "bench_tls", mode, url.rpartition(":")[2], request, *arguments]
        self._before = children_seconds()
        self._popen = subprocess.Popen(pinned(bench.load_core, command), env=environment(), stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=bench.folder,
                                       start_new_session=True)
        bench.stops.append(self.stop)

    def await_line(self, word):
        line = self._popen.stdout.readline()
        if not line.startswith(word):
            raise Trouble(f"the load stopped: {self._popen.stderr.read().strip()}")
        return line

    def go_on(self):
        self._popen.stdin.write("\n")
        self._popen.stdin.flush()

    def outcome(self, timeout_s=90):
        try:
            output, errors = self._popen.communicate(timeout=timeout_s)
        finally:
            self.stop()
        found = re.search(r"^RESULT (.*)$", output, re.MULTILINE)
        if not found:
            raise Trouble(f"the load gave no result: {errors.strip() or self._popen.returncode}")
        result = Outcome(**json.loads(found[1]), cpu_seconds=children_seconds() - self._before)
        if result.done == 0 or result.failed:
            raise Trouble(f"{result.failed} of {result.done + result.failed} did not work: {errors.strip()}")
        return result

    def stop(self):
        if self._popen.poll() is None:
            self._popen.kill()
            self._popen.wait()


def handshakes_sample(bench, server, *, resumed):
    """Warm up, check, load: each connection one handshake and one request."""
    kind = "resumed" if resumed else "full"
    clients = bench.options.connections
    verify.contender(bench, server, server.https)
    Load(bench, "handshakes", server.https, clients, _WARM_UP_S, kind).outcome()
    server_before, core_before, began = server.cpu_seconds(), machine.core_busy_seconds(bench.server_core), time.monotonic()
    result = Load(bench, "handshakes", server.https, clients, bench.options.seconds, kind).outcome()
    took, core = time.monotonic() - began, machine.core_busy_seconds(bench.server_core) - core_before
    cpu = server.cpu_seconds() - server_before
    _check_kind(server, result, resumed, clients)
    return Sample(result.done / result.seconds, cpu / result.done * 1e6, 0.0, cpu / took, result.cpu_seconds / took,
                  max(0.0, core - cpu) / took, result.p50_us, result.p99_us)


def _check_kind(server, result, resumed, clients):
    """The first connection of each client cannot be resumed."""
    wrong = result.done - clients - result.resumed if resumed else result.resumed
    if wrong > 0:
        raise Trouble(f"{server.name}: {wrong} of {result.done} handshakes were not {'resumed' if resumed else 'full'}")

# SPDX-License-Identifier: MIT
"""The load generator: wrk, one thread, pinned to its own core."""
import dataclasses
import json
import pathlib
import subprocess

from .machine import Trouble, find_program
from .process import children_seconds, environment, pinned

_LUA = pathlib.Path(__file__).parent / "lua"


@dataclasses.dataclass(frozen=True)
class Outcome:
    requests: int
    seconds: float
    refused: int   # answered with 400 or above
    broken: int    # connections that failed
    timeouts: int
    p50_us: int
    p99_us: int
    max_us: int
    cpu_seconds: float  # of the generator itself; 0 where two ran at once

    @property
    def per_second(self):
        return self.requests / self.seconds


class Load:
    """One run in progress: start, then outcome()."""

    def __init__(self, url, *, core, seconds, connections, script, arguments):
        self._seconds = seconds
        self._before = children_seconds()
        command = [find_program("wrk"), "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "--latency",
                   "-s", script, url, "--", *arguments]
        self._popen = subprocess.Popen(pinned(core, command), env=environment(), stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=_LUA,
                                       start_new_session=True)

    def outcome(self):
        try:
            output, _ = self._popen.communicate(timeout=self._seconds + 30)
        finally:
            self.stop()
        lines = [line for line in output.splitlines() if line.startswith("RESULT ")]
        if not lines:
            raise Trouble("wrk gave no result: " + " | ".join(output.strip().splitlines()[-3:]))
        numbers = json.loads(lines[0].removeprefix("RESULT "))
        if numbers["requests"] == 0:
            raise Trouble("wrk got no answer at all")
        return Outcome(numbers["requests"], numbers["microseconds"] / 1e6, numbers["refused"], numbers["broken"],
                       numbers["timeouts"], numbers["p50_us"], numbers["p99_us"], numbers["max_us"],
                       children_seconds() - self._before)

    def is_running(self):
        return self._popen.poll() is None

    def stop(self):
        if self._popen.poll() is None:
            self._popen.kill()
            self._popen.wait()


def live_tokens(url, token_file, target, **options):
    return Load(url, script="live.lua", arguments=[str(token_file), target], **options)


def unknown_tokens(url, target, **options):
    return Load(url, script="unknown.lua", arguments=[target], **options)

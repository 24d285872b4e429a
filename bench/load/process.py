# SPDX-License-Identifier: MIT
"""Child processes that are pinned to a core and never outlive the bench: setpriv(1) has the kernel end them when
their parent dies, and stop() ends them in every other case."""
import os
import pathlib
import resource
import signal
import subprocess
import time

from .machine import Trouble, cpu_seconds, shared_out_bytes


def environment(**more):
    """Nothing of the caller's settings (proxies, PG*, SKILLREG_*, GATEWAY_*) reaches what is measured."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return {**kept, "LC_ALL": "C.UTF-8", **more}


def pinned(core, command, *, user=None, death_signal="KILL"):
    """The command line that runs `command` on one core, as `user` (a pwd entry) if given."""
    # The signal is set after the change of user, which would clear it.
    head = ["taskset", "--cpu-list", str(core), "setpriv", "--pdeathsig", death_signal]
    if user:
        head += ["--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups"]
    return [*head, *map(str, command)]


def children_seconds():
    """Processor time of the children that have ended and were waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def eventually(condition, what, timeout_s, process=None):
    """Until condition() is true; Trouble when the time is over or the process has ended."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if process is not None and process.poll() is not None:
            raise Trouble(f"{what}: the process ended with status {process.returncode}")
        if time.monotonic() > deadline:
            raise Trouble(f"{what}: not within {timeout_s} s")
        time.sleep(0.02)


class Server:
    """One long-running child; its output goes to a file."""

    def __init__(self, name, command, *, core, log, env=None, cwd=None, user=None, stop_signal=signal.SIGTERM):
        self.name = name
        self.log_path = pathlib.Path(log)
        self._stop_signal = stop_signal
        with open(self.log_path, "wb") as out:
            self.popen = subprocess.Popen(
                pinned(core, command, user=user, death_signal=stop_signal.name[3:]), env=env or environment(), cwd=cwd,
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)

    @property
    def pid(self):
        return self.popen.pid

    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def await_log(self, pattern, timeout_s=20):
        """The match of a compiled pattern in the log."""
        found = []

        def look():
            found[:] = [match for match in [pattern.search(self.log())] if match]
            return found
        self.await_true(look, timeout_s)
        return found[0]

    def await_true(self, condition, timeout_s=20):
        try:
            eventually(condition, f"starting {self.name}", timeout_s, self.popen)
        except Trouble as trouble:
            tail = " | ".join(self.log().strip().splitlines()[-3:])
            raise Trouble(f"{trouble}; its log ends: {tail}") from None

    def cpu_seconds(self):
        return cpu_seconds(self.pid)

    def memory_bytes(self):
        return shared_out_bytes(self.pid)

    def stop(self, timeout_s=30):
        if self.popen.poll() is None:
            self.popen.send_signal(self._stop_signal)
            try:
                self.popen.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
        try:
            os.killpg(self.pid, signal.SIGKILL)  # workers that outlived it
        except ProcessLookupError:
            pass
        return self.popen.returncode

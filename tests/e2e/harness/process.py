# SPDX-License-Identifier: MIT
"""Child processes that never outlive the tests: setpriv(1) has the kernel signal them when their parent dies,
and Process.stop() ends them in every other case. stderr is read as it comes, so that a test can
wait for a line instead of sleeping, and kept in a file."""
import contextlib
import fcntl
import os
import pathlib
import re
import select
import signal
import subprocess
import threading
import time

from .waiting import PATIENCE_S

SANITIZER_REPORT = re.compile(
    r"(ERROR|WARNING): \w+Sanitizer|runtime error:|SUMMARY: \w+Sanitizer|assertion failed", re.IGNORECASE)

SANITIZER_ENVIRONMENT = {
    "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}
NO_LEAK_CHECK = {"ASAN_OPTIONS": SANITIZER_ENVIRONMENT["ASAN_OPTIONS"].replace("detect_leaks=1", "detect_leaks=0")}


def clean_environment(**more):
    """Nothing of the caller's settings (proxies, PG*, SKILLREG_*) reaches what is tested. A name that nobody has is found out soon,
    also where no name server answers. Gateways have no balancer to wait for when they end, and little
    patience with connections that a test left open; and few connections to the database, each of which costs a start of a
    backend."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "TMPDIR") if name in os.environ}
    return {**kept, "GATEWAY_DRAIN_DELAY": "0s", "GATEWAY_DRAIN_TIMEOUT": "2s", "GATEWAY_DATABASE_CONNECTIONS": "2", "LC_ALL": "C.UTF-8", "RES_OPTIONS": "timeout:1 attempts:1", **SANITIZER_ENVIRONMENT, **more}


def dies_with_parent(command, signal_name="KILL"):
    return ["setpriv", "--pdeathsig", signal_name, *map(str, command)]


def is_stopped(pid):
    """Whether a SIGSTOP has arrived."""
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def wait_for_log_threads(pid):
    """The gateway writes its log in a thread, which is awake from the moment a line is there (base/log_writer.h). Returns once
    those of the process and of its children sleep: for want of lines, or of room in the pipe."""
    deadline = time.monotonic() + PATIENCE_S
    while any(map(is_awake, log_threads(pid))) and time.monotonic() < deadline:
        time.sleep(0.0005)


def log_threads(pid):
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*"):
        try:
            if (task / "comm").read_text() == "log\n":
                found.append(task)
            for child in (task / "children").read_text().split():
                found += log_threads(child)
        except OSError:
            pass  # it has ended, or the kernel does not name children
    return found


def is_awake(task):
    try:
        return (task / "stat").read_text().rpartition(")")[2].split()[0] in "RD"
    except OSError:
        return False


def run(command, *, env=None, text_in=None, timeout_s=PATIENCE_S, cwd=None):
    """A program that ends by itself; its CompletedProcess with text in stdout and stderr."""
    return subprocess.run(dies_with_parent(command), env=env, input="" if text_in is None else text_in,
                          capture_output=True, encoding="utf-8", timeout=timeout_s, check=False, cwd=cwd)


def run_raw(command, *, env=None, timeout_s=PATIENCE_S, cwd=None):
    """The same with bytes, as they were written."""
    return subprocess.run(dies_with_parent(command), env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout_s,
                          check=False, cwd=cwd)


class Process:
    """One long-running child and its stderr."""

    def __init__(self, command, log_path, env=None, cwd=None, pass_fds=()):
        self.log_path = log_path
        self._lines = []
        self._unfinished = b""
        self._changed = threading.Condition()
        self._ended = False
        self.popen = subprocess.Popen(dies_with_parent(command), env=env, cwd=cwd, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                      start_new_session=True, pass_fds=pass_fds)
        self._pipe = self.popen.stderr.fileno()
        os.set_blocking(self._pipe, False)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self):
        return self.popen.pid

    def _read(self):
        pipe = select.poll()  # not select(): some tests hold thousands of descriptors
        pipe.register(self._pipe, select.POLLIN)
        while not self._ended:
            pipe.poll()
            with self._changed:
                self._take()

    def _take(self):
        """All that the process has written up to now. Called under the lock, by whoever comes first. How many bytes that was."""
        taken = 0
        while not self._ended:
            try:
                chunk = os.read(self._pipe, 65536)
            except BlockingIOError:
                break
            taken += len(chunk)
            with open(self.log_path, "ab", buffering=0) as log:
                log.write(chunk)
            *lines, self._unfinished = (self._unfinished + chunk).split(b"\n")
            self._ended = not chunk
            if self._ended and self._unfinished:
                lines.append(self._unfinished)
            self._lines += [line.decode("utf-8", "backslashreplace") for line in lines]
            self._changed.notify_all()
        return taken

    def lines(self):
        """All that it logged before this call: a line logged before an answer is here once the answer is."""
        with self._changed:
            for _ in range(100):  # a pipe takes less than a test may wait for; one that never ends is left
                wait_for_log_threads(self.pid)
                if not self._take():
                    break
            return list(self._lines)

    def log(self):
        return "\n".join(self.lines())

    @contextlib.contextmanager
    def unread(self):
        """Inside, nobody reads what it writes, and the pipe is as small as they come."""
        with self._changed:
            fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, 4096)
            yield

    def wait_for_line(self, pattern, *, after=0, timeout_s=PATIENCE_S):
        """The match of the first line (from line `after` on) that `pattern` is found in."""
        expression = re.compile(pattern)
        deadline = time.monotonic() + timeout_s
        with self._changed:
            looked_at = after
            while True:
                for line in self._lines[looked_at:]:
                    match = expression.search(line)
                    if match:
                        return match
                looked_at = len(self._lines)
                left = deadline - time.monotonic()
                if self._ended or left <= 0:
                    why = "it ended" if self._ended else f"{timeout_s:g} s passed"
                    raise AssertionError(f"no line like {pattern!r} before {why}; its log:\n"
                                         + "\n".join(self._lines[-40:]))
                self._changed.wait(left)

    def is_running(self):
        return self.popen.poll() is None

    def send_signal(self, number):
        self.popen.send_signal(number)

    def wait(self, timeout_s=PATIENCE_S):
        """The exit code, once stderr was read whole."""
        code = self.popen.wait(timeout_s)
        self._reader.join(timeout_s)
        return code

    def stop(self, number=signal.SIGTERM, timeout_s=PATIENCE_S):
        """Ends it, by force when it must be, and returns the exit code."""
        if self.is_running():
            self.popen.send_signal(number)
        try:
            return self.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.wait()
            raise AssertionError(f"still running {timeout_s} s after signal {number}; its log:\n"
                                 + "\n".join(self.lines()[-40:])) from None

    def kill(self):
        if self.is_running():
            self.popen.kill()
        return self.wait()

    def assert_no_sanitizer_report(self):
        log = self.log()
        found = SANITIZER_REPORT.search(log)
        assert not found, "sanitizer report:\n" + log[max(0, found.start() - 200):found.start() + 6000]

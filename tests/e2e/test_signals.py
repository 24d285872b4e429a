# SPDX-License-Identifier: MIT
"""Signals that come too early, and the children of others: a SIGHUP ends no gateway that is still starting, and as the process
that orphans are given to (process 1 of a container) none of them stays behind as a zombie."""
import os
import pathlib
import signal
import sys

import pytest

from harness import binaries
from harness.http_client import bearer
from harness.process import Process, clean_environment
from harness.waiting import eventually

WHOAMI = "/api/v1/auth/whoami"


def has_opened(pipe):
    """Somebody waits for what is written into it: the file to write into, or nothing yet."""
    try:
        return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None


def test_a_hangup_during_the_start_ends_nothing(postgres, certificate, operator, tmp_path):
    """Held where it reads its files, long before it listens."""
    pipe = tmp_path / "ticket-secret"
    os.mkfifo(pipe, 0o600)
    own = Process([binaries.find("skillreg-gateway"), "--listen-https", "127.0.0.1:0", "--listen-admin", "off", "--listen-http", "off",
                   "--tls-cert", certificate.cert, "--tls-key", certificate.key, "--tls-ticket-secret", pipe],
                  tmp_path / "log", cwd=tmp_path, env=clean_environment(HOME=str(tmp_path), DATABASE_URL=postgres.url))
    secret = eventually(lambda: has_opened(pipe), "was the secret read")
    own.send_signal(signal.SIGHUP)
    os.write(secret, bytes(64))
    os.close(secret)
    own.wait_for_line(r" started version=")
    assert own.stop() == 0, own.log()
    own.assert_no_sanitizer_report()


def test_hangups_during_the_start_of_workers_end_none(start_gateway, acme):
    """From the first moment of each, and to the supervisor, which passes them on."""
    own = start_gateway("--workers", "2")
    os.kill(own.worker_pids()[0], signal.SIGKILL)
    own.process.wait_for_line("worker started worker=0 pid=(?!%d$)" % own.worker_pids()[0])
    newcomer = own.worker_pids()[0]
    lines = len(own.process.lines())
    while own.log().count(" started version=") < 3:
        own.process.send_signal(signal.SIGHUP)
        os.kill(newcomer, signal.SIGHUP)
    assert "worker ended" not in "\n".join(own.process.lines()[lines:])
    own.wait_until_ready()
    assert own.request("GET", WHOAMI, acme.read).status == 200


# ---- orphans ----------------------------------------------------------------------------------------------------

# Has a grandchild whose parent ends, so that it is given to this process, which then becomes the gateway. What orphans are given
# to is a subreaper, as process 1 is by birth.
ADOPTER = """
import ctypes, os, sys
PR_SET_CHILD_SUBREAPER = 36
assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
child = os.fork()
if child == 0:
    orphan = os.fork()
    if orphan == 0:
        os.execvp("sleep", ["sleep", "1h"])
    with open(sys.argv[1], "w") as file:
        file.write(str(orphan))
    os._exit(0)
os.waitpid(child, 0)
os.execv(sys.argv[2], sys.argv[2:])
"""


def is_there(pid):
    return pathlib.Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("workers", [1, 2])
def test_orphans_are_buried(workers, start_gateway, acme, tmp_path):
    note = tmp_path / "orphan"
    own = start_gateway("--workers", str(workers), wrapper=[sys.executable, "-c", ADOPTER, note])
    orphan = int(note.read_text())
    try:
        assert f"\nPPid:\t{own.pid}\n" in pathlib.Path(f"/proc/{orphan}/status").read_text()
    finally:
        os.kill(orphan, signal.SIGKILL)
    eventually(lambda: not is_there(orphan), "was the orphan buried")
    with own.connect() as connection:
        assert connection.request("GET", WHOAMI, bearer(acme.read)).status == 200

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The gateway of an image as process 1 of a process namespace of its own, on a root that cannot be written to: it serves its
admin port, buries orphans, and ends when it is told to, with one worker and with several. See test_dockerfile.sh."""
import argparse
import os
import pathlib
import re
import shlex
import signal
import subprocess
import time

PATIENCE_S = 120
# A parent that ends before its child, which then belongs to process 1 and ends, too.
MAKE_AN_ORPHAN = "sh -c 'sleep 0.01 & exit 0'"


def eventually(check, what, log):
    deadline = time.monotonic() + PATIENCE_S
    while not (found := check()):
        if time.monotonic() > deadline:
            raise SystemExit(f"FAILED within {PATIENCE_S} s never {what}\n{log.read_text()}")
        time.sleep(0.05)
    return found


def start(root, log, words):
    """A namespace of processes; its first one is the gateway: unshare waits outside."""
    script = "\n".join([
        f"mount --rbind {root} {root}", f"mount -t proc proc {root}/proc", f"mount --bind /dev {root}/dev",
        f"mount -o remount,bind,ro {root}", "ip link set lo up",
        shlex.join(["exec", "chroot", str(root), "setpriv", "--reuid", "65532", "--regid", "65532", "--clear-groups", "--no-new-privs",
                    "--bounding-set", "-all", "--inh-caps", "-all", "env", "-i", "PATH=/usr/local/bin:/usr/bin:/bin",
                    "DATABASE_URL=postgresql://nobody@127.0.0.1:1/none", "skillreg-gateway", *words])])
    with open(log, "wb") as output:
        return subprocess.Popen(["unshare", "--mount", "--propagation", "private", "--net", "--pid", "--fork", "--kill-child",
                                 "sh", "-euc", script], stdin=subprocess.DEVNULL, stdout=output, stderr=output)


def children(pid):
    return [int(word) for word in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def state(pid):
    try:
        return re.search(r"^State:\s+(\S)", pathlib.Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)[1]
    except FileNotFoundError:
        return "gone"


def inside(pid, command):
    done = subprocess.run(["nsenter", "--target", str(pid), "--mount", "--net", "--pid", "--root", "--wd", "sh", "-euc", command], capture_output=True,
                          text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def has_ended(process, log):
    if process.poll() is not None:
        raise SystemExit(f"FAILED it ended with {process.returncode}\n{log.read_text()}")
    return False


def check(root, folder, workers, signal_number):
    log = folder / f"process-one-{workers}.log"
    outer = start(root, log, ["--listen-https", "off", "--listen-http", "0.0.0.0:8080", "--listen-admin", "0.0.0.0:9090",
                              "--workers", str(workers), "--drain-delay", "0s", "--drain-timeout", "1s"])
    try:
        eventually(lambda: has_ended(outer, log) or "listening" in log.read_text(), "was it up", log)
        one, = children(outer.pid)
        assert pathlib.Path(f"/proc/{one}/status").read_text().split("NSpid:")[1].split()[:2][-1] == "1"
        assert os.stat(f"/proc/{one}").st_uid == 65532
        eventually(lambda: inside(one, "skillreg-gateway healthcheck") is not None, "was it healthy", log)
        own = set(children(one))
        inside(one, "; ".join([MAKE_AN_ORPHAN] * 5))
        eventually(lambda: set(children(one)) == own, "were the orphans buried", log)
        assert not [pid for pid in own if state(pid) == "Z"]
        os.kill(one, signal_number)
        status = outer.wait(PATIENCE_S)
        assert status == 0, f"exit {status}\n{log.read_text()}"
        print(f"ok as process 1 with {workers} worker(s): serves, buries orphans, ends with 0")
    finally:
        outer.kill()


def main():
    parser = argparse.ArgumentParser()
    for name in ("root", "folder"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    check(arguments.root, arguments.folder, 1, signal.SIGTERM)
    check(arguments.root, arguments.folder, 3, signal.SIGINT)


main()

# SPDX-License-Identifier: MIT
"""A run of these tests that is interrupted leaves nothing behind: no process, no cluster, whatever its workers were at."""
import os
import pathlib
import signal
import sys

import pytest

from harness import binaries
from harness.process import Process, clean_environment
from harness.waiting import eventually

TESTS = pathlib.Path(__file__).parent
ENDED = [""]  # the command of a process that is not there, or waits to be buried
LONG = [TESTS / "test_load.py", TESTS / "test_standby.py"]  # a worker for each


def children(pid):
    try:
        return [int(child) for path in pathlib.Path(f"/proc/{pid}/task").glob("*/children")
                for child in path.read_text(encoding="ascii").split()]
    except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        return []


def descendants(pid):
    return [each for child in children(pid) for each in (child, *descendants(child))]


def command_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return ENDED


def clusters_of(commands):
    return {pathlib.Path(command[command.index("-D") + 1]).parent for command in commands if "-D" in command}


def count(commands, program):
    return len([command for command in commands if pathlib.Path(command[0]).name == program])


@pytest.mark.parametrize("interrupt", [lambda pid: os.kill(pid, signal.SIGTERM), lambda pid: os.killpg(pid, signal.SIGINT)],
                         ids=["a polite kill", "Ctrl-C"])
def test_an_interrupted_run_leaves_nothing_behind(interrupt, tmp_path):
    pytest.importorskip("xdist")
    run = Process([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", len(LONG), *LONG], tmp_path / "log",
                  cwd=tmp_path, env=clean_environment(HOME=str(tmp_path), TMPDIR=str(tmp_path),
                                                      GATEWAY_BUILD_DIR=str(binaries.build_dir())))
    try:
        def servers():
            """Once each worker has a gateway and a PostgreSQL. A process that was just forked still has its parent's command."""
            of_workers = [{pid: command for pid in descendants(worker) if (command := command_of(pid)) != ENDED}
                          for worker in children(run.pid)]
            ready = [found for found in of_workers
                     if clusters_of(found.values()) and count(found.values(), "skillreg-gateway") >= 1]
            return {pid: command for found in ready for pid, command in found.items()} if len(ready) == len(LONG) else None

        found = eventually(servers, "did the servers of both workers run")
        interrupt(run.pid)
        assert run.wait() == pytest.ExitCode.INTERRUPTED, run.log()
        for pid, command in found.items():
            eventually(lambda pid=pid, command=command: command_of(pid) != command, f"did it end: {command}")
        clusters = clusters_of(found.values())
        assert len(clusters) >= 2 and not [directory for directory in clusters if directory.exists()]
    finally:
        run.kill()

# SPDX-License-Identifier: MIT
"""The log: nobody waits for whoever reads it, what is lost is counted and said, and its two forms are one."""
import contextlib
import json
import pathlib
import re
import signal

import pytest

from harness import preload
from harness.http_client import Connection, bearer
from harness.waiting import PATIENCE_S, eventually

SOURCE = pathlib.Path(preload.__file__).with_name("hung_log.c")
WHOAMI = "/api/v1/auth/whoami"
LOUD = ("--access-log", "--log-level", "debug")
LOST = re.compile(r"lines were lost because stderr did not take them count=(\d+)")


@contextlib.contextmanager
def full_pipe(own):
    """A pager that stands still, a collector that hangs: the pipe is full."""
    with own.process.unread():
        yield


@contextlib.contextmanager
def hung_disk(own):
    own.switch.touch()
    yield
    own.switch.unlink(missing_ok=True)


@pytest.fixture(params=[full_pipe, hung_disk], ids=lambda way: way.__name__)
def way(request):
    return request.param


@pytest.fixture
def start_loud(start_gateway, tmp_path):
    def start(*flags):
        switch = tmp_path / "hung"
        env = preload.environment(SOURCE)
        # A worker's search for leaks remarks, on the full pipe, that the log thread of its parent is not there.
        env["ASAN_OPTIONS"] += ":detect_leaks=0"
        own = start_gateway(*LOUD, *flags, env={**env, "HUNG_LOG": str(switch)})
        own.switch = switch
        return own
    return start


def ask_until(own, token, is_enough):
    """Requests, one after another over one connection, each answered; a known token and a probe in turn."""
    with own.connect() as connection:
        while not is_enough():
            for _ in range(100):
                assert connection.request("GET", WHOAMI, bearer(token)).status == 200
            assert own.admin_get("/healthz").status == 200


def lost_lines(own):
    return own.metric("log_lines_lost_total")


def test_nobody_waits_for_a_log_that_nobody_reads(way, start_loud, acme):
    """HARDENING 5.6: and once it is read again it says what it lacks, once."""
    own = start_loud()
    assert own.request("GET", WHOAMI, acme.read).status == 200
    with way(own):
        ask_until(own, acme.read, lambda: lost_lines(own) > 0)
    said = eventually(lambda: sum(int(found[1]) for line in own.process.lines() if (found := LOST.search(line))), "was it said")
    assert said == lost_lines(own)
    before = len(own.process.lines())
    assert own.request("GET", WHOAMI, acme.read).status == 200
    eventually(lambda: any("request method=GET" in line for line in own.process.lines()[before:]), "does it log again")
    assert not any(LOST.search(line) for line in own.process.lines()[before:])


@pytest.mark.parametrize("workers", [1, 2])
def test_a_log_that_nobody_reads_does_not_keep_the_gateway_from_ending(workers, way, start_loud, acme):
    own = start_loud("--workers", workers)
    with way(own):
        ask_until(own, acme.read, lambda: lost_lines(own) > 0)
        own.drop_connection()
        own.process.send_signal(signal.SIGTERM)
        assert own.process.popen.wait(PATIENCE_S) == 0


def test_nothing_is_lost_with_a_reader_that_reads(start_loud, acme):
    own = start_loud()
    count = 2000
    with own.connect() as connection:
        for _ in range(count):
            assert connection.request("GET", WHOAMI, bearer(acme.read)).status == 200
    own.stop()
    lines = own.process.lines()
    assert sum(f' info request method=GET path="{WHOAMI}"' in line for line in lines) == count
    assert lines[-1].endswith(" info server stopped")
    assert not any(LOST.search(line) for line in lines)


# ---- JSON -----------------------------------------------------------------------------------------------------------

def test_every_line_is_json_if_asked_for(start_gateway, acme):
    own = start_gateway(*LOUD, "--log-format", "json")
    for path in ("/", WHOAMI, "/api/v1/public/\"},{\"level\":\"error", "/api/v1/orgs/x/skills?a=b"):
        with Connection(own.http) as connection:
            connection.send(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            connection.read_response()
    own.stop()
    lines = [json.loads(line, object_pairs_hook=once_each) for line in own.process.lines()]
    for line in lines:
        assert list(line)[:3] == ["time", "level", "component"] and line["level"] in ("debug", "info", "warning", "error")
        assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    started, = (line for line in lines if line.get("message") == "started")
    assert (started["component"], started["environment"]) == ("server", "live")
    stopping, = (line for line in lines if line.get("message") == "stopping")
    assert stopping["signal"] == 15 and isinstance(stopping["connections"], int)


def once_each(pairs):
    names = [name for name, _ in pairs]
    assert len(set(names)) == len(names), names
    return dict(pairs)

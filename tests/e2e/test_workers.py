# SPDX-License-Identifier: MIT
"""--workers: several processes on one port, each a gateway of its own, and a supervisor that starts again those that crash."""
import contextlib
import os
import pathlib
import select
import shutil
import signal
import socket
import time

import pytest

from harness import binaries
from harness.certificate import Certificate
from harness.fleet import Fleet
from harness.gateway import worker_of
from harness.http_client import bearer, format_request
from harness.process import Process, clean_environment, run
from harness.waiting import PATIENCE_S, eventually

WHOAMI = "/api/v1/auth/whoami"
SKILLS = "/api/v1/orgs/acme/skills"


@pytest.fixture
def start_workers(start_gateway):
    """A gateway with two workers, both of which are ready."""
    def start(*flags, **options):
        return start_gateway("--workers", "2", *flags, **options)
    return start


def connect_to_each(gateway, count=2):
    """One kept connection to each of the workers, by worker."""
    found = {}
    for _ in range(200):
        connection = gateway.connect()
        worker = worker_of(connection.request("GET", WHOAMI))
        if worker in found:
            connection.close()
        else:
            found[worker] = connection
        if len(found) == count:
            return found
    raise AssertionError(f"200 connections reached {len(found)} workers")


def close_all(connections):
    for connection in connections:
        connection.close()


def is_alive(pid):
    """Running; neither gone nor waiting to be reaped."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(pids):
    return not any(is_alive(pid) for pid in pids)


# ---- serving ----------------------------------------------------------------------------------------------------

def test_two_workers_serve_one_port(start_workers, acme, upstream, certificate):
    own = start_workers(tls=True, upstream=upstream.url)
    assert len(own.worker_pids()) == 2 and not gone(own.worker_pids().values())
    assert own.log().count('listening kind=http ') == own.log().count('listening kind=https ') == 2
    workers = set()
    for _ in range(40):
        with own.connect_tls() as connection:
            response = connection.request("GET", SKILLS, bearer(acme.read))
            assert response.status == 200
            workers.add(worker_of(response))
    assert len(workers) == 2, "both take connections"


def test_metrics_are_the_sum_of_all(start_workers, acme):
    own = start_workers()
    allowed, first, second = (own.metric(name) for name in ('decisions_total{decision="allowed"}', "requests_total", "requests_total"))
    workers = set()
    for _ in range(30):
        with own.connect() as connection:
            for _ in range(2):
                response = connection.request("GET", WHOAMI, bearer(acme.read))
                assert response.status == 200
                workers.add(worker_of(response))
    assert len(workers) == 2
    assert own.metric("requests_total") - second == 60 + (second - first), "each once; a look at the metrics is one, too"
    assert own.metric('decisions_total{decision="allowed"}') - allowed == 60
    assert own.metric("cache_entries") == 2, "each worker remembers for itself"
    # Whichever worker answers.
    assert len({own.metric('decisions_total{decision="allowed"}') for _ in range(20)}) == 1


def test_a_revoke_waits_for_the_workers_too(postgres, tmp_path):
    fleet = Fleet(postgres, "workers", tmp_path)
    try:
        own, = fleet.start(1, "--workers", "2")
        fleet.wait_until_heard(2)
        token = fleet.create_token(own)
        connections = connect_to_each(own)
        for connection in connections.values():
            assert connection.request("GET", WHOAMI, bearer(token["token"])).status == 200
        answer = fleet.revoke(own, token, wait="30s")
        for connection in connections.values():
            assert connection.request("GET", WHOAMI, bearer(token["token"])).status == 401
        assert answer.status == 200, answer.body
        assert answer.json()["gateways"] == 2
        close_all(connections.values())
    finally:
        fleet.stop()


# ---- crashes ----------------------------------------------------------------------------------------------------

def test_a_killed_worker_is_started_again(start_workers, acme):
    own = start_workers()
    connections = connect_to_each(own)
    for connection in connections.values():
        assert connection.request("GET", WHOAMI, bearer(acme.read)).status == 200
    allowed = own.metric('decisions_total{decision="allowed"}')
    victim, survivor = own.worker_pids()[0], own.worker_pids()[1]
    lines = len(own.process.lines())
    os.kill(victim, signal.SIGKILL)
    own.process.wait_for_line(r"worker ended worker=0 signal=9", after=lines)
    own.process.wait_for_line(r" started version=", after=lines)
    again = own.worker_pids()
    assert again[0] != victim and again[1] == survivor and not gone(again.values())
    own.wait_until_ready()
    assert own.metric('decisions_total{decision="allowed"}') == allowed, "what the dead one counted still counts"
    alive = 0
    for connection in connections.values():
        with contextlib.suppress(OSError, AssertionError):
            alive += connection.request("GET", WHOAMI, bearer(acme.read)).status == 200
    assert alive == 1, "the connections of the other worker stand"
    close_all(connections.values())
    close_all(connect_to_each(own).values())
    eventually(lambda: own.metric("connections_open") <= 2, "were the dead one's connections counted off")


def test_a_worker_that_finds_a_broken_certificate_is_tried_again(start_workers, certificate, tmp_path):
    """The others go on with what they have; it used to end all of them."""
    own_pair = type(certificate)(tmp_path / "own.crt", tmp_path / "own.key")
    for path, original in ((own_pair.cert, certificate.cert), (own_pair.key, certificate.key)):
        path.write_bytes(pathlib.Path(original).read_bytes())
        path.chmod(0o600)
    own = start_workers(tls=own_pair)
    own_pair.cert.write_text("half a certificate")
    killed = own.worker_pids()[0]
    os.kill(killed, signal.SIGKILL)
    own.process.wait_for_line("worker ended worker=0 code=1")
    assert not gone([own.worker_pids()[1]])
    own_pair.cert.write_bytes(pathlib.Path(certificate.cert).read_bytes())
    eventually(lambda: own.metric("workers_ready") == 2, lambda: "did it come back:\n" + own.log())


def test_service_goes_on_while_workers_are_killed(start_workers, acme):
    """Connections of the one that dies are lost, new ones find the other or the one that took its place: every answer is 200."""
    own = start_workers()
    for turn in range(2):
        victim = own.worker_pids()[turn % 2]
        os.kill(victim, signal.SIGKILL)
        statuses = []
        deadline = time.monotonic() + PATIENCE_S
        while len(statuses) < 20:
            assert time.monotonic() < deadline, f"only {len(statuses)} requests served after a kill"
            with contextlib.suppress(OSError, AssertionError), own.connect() as connection:
                statuses.append(connection.request("GET", WHOAMI, bearer(acme.read)).status)
        assert set(statuses) == {200}
        eventually(lambda: own.worker_pids()[turn % 2] != victim, "was it started again")


def test_workers_end_when_their_supervisor_is_killed(start_workers):
    own = start_workers()
    pids = list(own.worker_pids().values())
    own.kill()
    eventually(lambda: gone(pids), "did the workers end")


# ---- workers that stand still -----------------------------------------------------------------------------------

def test_a_worker_that_stands_still_is_replaced(start_workers):
    own = start_workers("--worker-timeout", "10s")
    victim, survivor = own.worker_pids()[0], own.worker_pids()[1]
    os.kill(victim, signal.SIGSTOP)
    own.process.wait_for_line(f"worker stands still worker=0 pid={victim}")
    own.process.wait_for_line(f"worker stood still for too long and is ended worker=0 pid={victim}")
    own.process.wait_for_line(r"worker ended worker=0 signal=9")  # the signals before do not reach one that is stopped
    eventually(lambda: own.worker_pids()[0] != victim, "was it replaced")
    assert own.worker_pids()[1] == survivor and gone([victim])
    own.wait_until_ready()
    assert own.metric("worker_restarts_total") == 1 and own.metric("workers_silent") == 0
    close_all(connect_to_each(own).values())


def test_the_others_tell_of_a_worker_that_stands_still_until_it_goes_on(start_workers):
    own = start_workers("--worker-timeout", "0")
    pids = own.worker_pids()
    os.kill(pids[0], signal.SIGSTOP)
    own.process.wait_for_line("worker stands still worker=0 ")
    # The kernel deals them out, to the one that answers none too.
    probes = [socket.create_connection(own.admin) for _ in range(40)]
    for probe in probes:
        probe.sendall(b"GET /readyz HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n")
    answered, _, _ = select.select(probes, [], [], PATIENCE_S)
    assert answered
    for probe in answered:
        answer = probe.makefile("rb").read()
        assert b" 503 " in answer and b"a worker stands still" in answer, answer
    os.kill(pids[0], signal.SIGCONT)
    own.process.wait_for_line("worker goes on worker=0 ")
    for probe in probes:
        probe.close()
    own.wait_until_ready()
    assert own.worker_pids() == pids


def test_a_worker_that_hangs_in_its_start_holds_up_nobody(start_workers, certificate, tmp_path, acme):
    """It reads a file that does not come, and listens only after that: its newcomers go to the other one. The end does not
    wait for it either."""
    cert, key = (pathlib.Path(shutil.copy(file, tmp_path)) for file in (certificate.cert, certificate.key))
    own = start_workers("--worker-timeout", "0", tls=Certificate(cert, key))
    key.unlink()
    os.mkfifo(key)
    os.kill(own.worker_pids()[0], signal.SIGKILL)
    own.process.wait_for_line("worker stands still worker=0 ")
    for _ in range(10):
        assert (own.admin_get("/readyz").status, own.metric("workers_silent")) == (200, 0)
        assert own.request("GET", WHOAMI, acme.read).status == 200
    assert own.process.stop() == 0


# ---- the end ----------------------------------------------------------------------------------------------------

# To the supervisor alone, as service managers do; to its whole group, as Ctrl-C in a terminal does.
@pytest.mark.parametrize("send", [lambda pid: os.kill(pid, signal.SIGTERM), lambda pid: os.killpg(pid, signal.SIGINT)],
                         ids=["SIGTERM", "Ctrl-C"])
def test_a_signal_drains_every_worker(start_workers, acme, start_upstream, send):
    stub = start_upstream()
    own = start_workers("--drain-timeout", "1h", upstream=stub.url)
    connections = connect_to_each(own)
    may_go_on = []
    stub.behave(lambda exchange: (stub.wait_until(lambda _: may_go_on, "the end of the wait"),
                                  exchange.reply(200, body=b"late")))
    for connection in connections.values():
        connection.send(format_request("GET", SKILLS, bearer(acme.read)))
    stub.wait_until(lambda _: len(stub.requests) == 2, "both requests")
    pids = own.worker_pids().values()
    lines = len(own.process.lines())
    send(own.pid)
    eventually(lambda: sum(" stopping " in line for line in own.process.lines()[lines:]) >= 2, "did both begin to stop")
    with pytest.raises((ConnectionRefusedError, ConnectionResetError)):  # reset: it stood in the queue of a listener
        eventually(lambda: own.connect().close(), "was the port closed")
    assert not gone(pids)
    with stub.changed:
        may_go_on.append(True)
        stub.changed.notify_all()
    for connection in connections.values():
        response = connection.read_response()
        assert (response.status, response.body) == (200, b"late")
        assert response.says_close
        connection.close()
    assert own.process.wait() == 0
    assert gone(pids)
    assert own.log().count(" stopping ") == 2, "one signal each; a second one would cut"


def test_signals_in_a_storm_end_it_in_good_order(start_gateway):
    own = start_gateway()
    while own.process.is_running():
        own.process.send_signal(signal.SIGTERM)
    assert own.process.wait() == 0


def test_a_signal_during_the_start_ends_in_good_order(postgres, tmp_path):
    for worker in range(3):
        own = Process([binaries.find("skillreg-gateway"), "--workers", "3", "--listen-https", "off", "--listen-admin", "off",
                       "--listen-http", "127.0.0.1:0"], tmp_path / f"{worker}.log", cwd=tmp_path,
                      env=clean_environment(HOME=str(tmp_path), DATABASE_URL=postgres.url))
        own.wait_for_line(f"worker started worker={worker} ")
        assert own.stop() == 0, own.log()
        own.assert_no_sanitizer_report()


# ---- what cannot start ------------------------------------------------------------------------------------------

def start_badly(postgres, tmp_path, *flags):
    """It must end by itself."""
    return run([binaries.find("skillreg-gateway"), "--workers", "2", "--listen-admin", "off", *flags], cwd=tmp_path,
               env=clean_environment(HOME=str(tmp_path), DATABASE_URL=postgres.url))


def complaints(done):
    return [line for line in done.stderr.splitlines() if " error " in line]


def test_a_port_in_use_is_said_once(postgres, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = start_badly(postgres, tmp_path, "--listen-https", "off", "--listen-http", f"127.0.0.1:{port}")
    assert done.returncode == 1
    line, = complaints(done)
    assert f"127.0.0.1:{port}" in line and "in use" in line
    assert "worker" not in done.stderr, "none is started"


def test_another_gateway_with_workers_does_not_share_its_port(start_workers, postgres, tmp_path):
    own = start_workers()
    done = start_badly(postgres, tmp_path, "--listen-https", "off", "--listen-http", "127.0.0.1:%d" % own.http[1])
    assert done.returncode == 1
    line, = complaints(done)
    assert "in use" in line


def test_a_worker_that_cannot_start_is_not_tried_for_ever(postgres, tmp_path):
    done = start_badly(postgres, tmp_path, "--listen-https", "127.0.0.1:0", "--tls-cert", "nowhere.pem",
                       "--tls-key", "nowhere.pem")
    assert done.returncode == 1
    assert 1 <= done.stderr.count("worker started") <= 2, done.stderr
    assert 1 <= done.stderr.count("cannot use the certificate") <= 2, done.stderr


@pytest.mark.parametrize("workers", ["0", "257", "-1", "two"])
def test_a_number_of_workers_that_is_none(postgres, tmp_path, workers):
    done = start_badly(postgres, tmp_path, "--listen-https", "off", "--listen-http", "127.0.0.1:0", "--workers", workers)
    assert done.returncode == 2
    assert "--workers" in done.stderr and len(done.stderr.splitlines()) == 1

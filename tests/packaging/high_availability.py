# SPDX-License-Identifier: MIT
"""The set-up of docs/high-availability.md under load: see test_high_availability.sh, which makes a network for it.

Three gateways: one with all three servers in its URL, one behind HAProxy, and one on the side of the first primary when that is cut
off. Readers use tokens that their gateway knows and count every answer; changers make tokens and revoke them and remember what they
were answered. After each loss of the primary every revocation that was answered must stand in the database that is left."""
import collections
import json
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import psycopg2
import pytest
import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from harness.fleet import TOKENS, WHOAMI  # noqa: E402
from harness.gateway import Gateway, Operator  # noqa: E402
from harness.http_client import Connection, bearer  # noqa: E402
from harness.postgres import bin_dir  # noqa: E402
from harness.process import Process, clean_environment  # noqa: E402
from harness.proxies import documented, replace  # noqa: E402
from harness.waiting import eventually  # noqa: E402

GUIDE = "high-availability.md"
NAMES = ("db1", "db2", "db3")
BACK_WITHIN_S = 10  # changes, after the promotion
CATCH_UP_S = 180


def address_of(name):
    return f"127.0.1.{name[-1]}"


def inside_address_of(name):
    """Where clients on its own side of the cut reach it."""
    return f"127.0.9.{name[-1]}"


class Cluster:
    """etcd, three Patroni, HAProxy. The addresses of the guide, moved to the loopback network."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="skillreg-ha-", dir="/tmp"))
        self.user = pwd.getpwnam("postgres")
        self.processes = {}
        os.chown(self.directory, self.user.pw_uid, self.user.pw_gid)

    def _start(self, name, command, user=None):
        head = ["setpriv", "--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups"] if user else []
        self.processes[name] = Process([*head, *command], self.directory / f"{name}.out", cwd=self.directory,
                                       env=clean_environment(HOME=str(self.directory)))

    def start(self):
        clients = ",".join(f"http://127.0.2.{number}:2379" for number in (1, 2, 3))
        self._start("etcd", ["etcd", "--data-dir", self.directory / "etcd", "--listen-client-urls", clients,
                             "--advertise-client-urls", clients, "--listen-peer-urls", "http://127.0.2.1:2380",
                             "--initial-advertise-peer-urls", "http://127.0.2.1:2380",
                             "--initial-cluster", "default=http://127.0.2.1:2380"])
        eventually(lambda: self._get("http://127.0.2.1:2379/health") == 200, "did etcd start")
        for name in NAMES:
            self._configure(name)
            self.start_node(name)
            eventually(lambda: self.primary(), self._why("no primary"), CATCH_UP_S)
        eventually(self.is_whole, self._why("not three, one of them synchronous"), CATCH_UP_S)
        config = replace(documented(GUIDE, "haproxy"), ("10.0.0.31", "127.0.3.1"),
                         *((f"10.0.0.1{name[-1]}", address_of(name)) for name in NAMES))
        (self.directory / "haproxy.cfg").write_text(config)
        self._start("haproxy", ["haproxy", "-f", self.directory / "haproxy.cfg"])
        return self

    def _configure(self, name):
        text = replace(documented(GUIDE, "yaml"), ("name: db1", f"name: {name}"), ("10.0.0.11", address_of(name)),
                       ("10.0.0.0/8", "127.0.0.0/8"), ("/var/lib/postgresql/skillreg", str(self.directory / name)),
                       # Each server has a way of its own to etcd, which can be cut.
                       ("[10.0.0.21:2379, 10.0.0.22:2379, 10.0.0.23:2379]", f"[127.0.2.{name[-1]}:2379]"))
        config = yaml.safe_load(text)
        config["etcd3"]["use_proxies"] = True  # asks no other address than this one
        config["postgresql"]["bin_dir"] = str(bin_dir())
        config["postgresql"]["listen"] = f"{address_of(name)},{inside_address_of(name)}:5432"
        config["postgresql"]["parameters"] = {"unix_socket_directories": str(self.directory / f"{name}.socket")}
        (self.directory / f"{name}.socket").mkdir()
        os.chown(self.directory / f"{name}.socket", self.user.pw_uid, self.user.pw_gid)
        (self.directory / f"{name}.yml").write_text(yaml.safe_dump(config))

    def start_node(self, name):
        self._start(name, ["patroni", self.directory / f"{name}.yml"], self.user)

    def kill_node(self, name):
        """Patroni and PostgreSQL at once, as with the machine."""
        postmaster = int((self.directory / name / "postmaster.pid").read_text().split()[0])
        self.processes[name].kill()
        os.kill(postmaster, signal.SIGKILL)
        eventually(lambda: not pathlib.Path(f"/proc/{postmaster}").exists(), "did PostgreSQL end")

    def cut(self, name, is_cut):
        """Everything between a server and the rest, etcd included; what is on its own side goes on."""
        for address in (address_of(name), f"127.0.2.{name[-1]}"):
            for direction in ("-d", "-s"):
                subprocess.run(["iptables", "-A" if is_cut else "-D", "INPUT", direction, address, "-j", "DROP"], check=True)

    @staticmethod
    def _get(url):
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return answer.status
        except OSError:
            return None

    def _why(self, text):
        return lambda: text + "\n" + "\n".join(f"{name}: {self.processes[name].lines()[-5:]}" for name in self.processes)

    def primary(self, among=NAMES):
        return next((name for name in among if self._get(f"http://{address_of(name)}:8008/primary") == 200), None)

    def is_whole(self):
        """All three, and one of them synchronous: the next primary."""
        with urllib.request.urlopen(f"http://{address_of(self.primary() or NAMES[0])}:8008/cluster", timeout=2) as answer:
            members = json.load(answer)["members"]
        roles = collections.Counter(member["role"] for member in members if member["state"] in ("running", "streaming"))
        return roles["leader"] == 1 and roles["sync_standby"] == 1 and sum(roles.values()) == 3

    @staticmethod
    def takes_writes(name):
        try:
            connection = psycopg2.connect(host=address_of(name), user="postgres", password="change me", dbname="postgres",
                                          connect_timeout=2)
        except psycopg2.OperationalError:
            return False
        with connection.cursor() as cursor:
            cursor.execute("select not pg_is_in_recovery()")
            return cursor.fetchone()[0]

    def switch_over(self):
        subprocess.run(["patronictl", "-c", self.directory / f"{self.primary()}.yml", "switchover", "--force"], check=True,
                       capture_output=True, timeout=60)

    def url(self, user, password, hosts, database="skillreg"):
        return f"postgresql://{user}:{password}@{','.join(hosts)}/{database}?target_session_attrs=read-write"

    def query(self, sql, parameters=(), database="skillreg"):
        """On the primary, as its superuser."""
        connection = psycopg2.connect(self.url("postgres", "change%20me", map(address_of, NAMES), database), connect_timeout=3)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql, parameters)
                return cursor.fetchall() if cursor.description else None
        finally:
            connection.close()

    def stop(self):
        for process in reversed(self.processes.values()):
            process.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


class Load:
    """On one gateway: readers of tokens that it knows, and one that changes, until it is told to stop."""

    def __init__(self, gateway, admin, known):
        self.gateway, self.admin, self.known = gateway, admin, known
        self.answers = collections.Counter()        # of readers, by status
        self.changes = []                           # (when it was answered, status) of each change
        self.revoked = []                           # tokens whose revocation was answered
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._read), threading.Thread(target=self._change)]
        for thread in self._threads:
            thread.start()

    def _request(self, method, target, token, body=None):
        fields = [*bearer(token), ("Connection", "close")]
        if body is not None:
            fields.append(("Content-Type", "application/json"))
        with Connection(self.gateway.http) as connection:
            return connection.request(method, target, fields, json.dumps(body).encode() if body is not None else b"")

    def _read(self):
        while not self._is_over.wait(0.02):
            for secret in self.known:
                self.answers[self._request("GET", WHOAMI, secret).status] += 1

    def _change(self):
        while not self._is_over.wait(0.05):
            made = self._request("POST", TOKENS, self.admin, {"name": "ci-deploy", "scopes": ["read"]})
            self.changes.append((time.monotonic(), made.status))
            if made.status != 201:
                continue
            token = made.json()
            while not self._is_over.is_set():
                gone = self._request("DELETE", f"{TOKENS}/{token['id']}", self.admin)
                self.changes.append((time.monotonic(), gone.status))
                if gone.status in (200, 404):  # 404: the one before, which had no answer, was made
                    self.revoked.append(token)
                    break
                if gone.status != 503:
                    raise AssertionError(f"a revocation was answered {gone.status}")

    def first_change_after(self, moment):
        return next((when for when, status in list(self.changes) if when > moment and status in (200, 201)), None)

    def stop(self):
        self._is_over.set()
        for thread in self._threads:
            thread.join()


@pytest.fixture(scope="module")
def cluster():
    own = Cluster()
    try:
        yield own.start()
    finally:
        own.stop()


@pytest.fixture(scope="module")
def world(cluster, tmp_path_factory):
    """The schema, a role that only serves, tokens."""
    directory = tmp_path_factory.mktemp("gateways")
    cluster.query("create database skillreg", database="postgres")
    cluster.query("create role gw login password 'secret'")
    owner = Operator(cluster.url("postgres", "change%20me", map(address_of, NAMES)), directory)
    owner.must("migrate", "--role", "gw")
    owner.create_org("acme")
    own = type("World", (), {"directory": directory, "owner": owner})
    own.admin = owner.create_token("acme", "boss", "admin")["token"]
    own.known = [owner.create_token("acme", f"known {number}", "read")["token"] for number in range(5)]
    return own


@pytest.fixture
def loads(cluster, world):
    """Three gateways that know the tokens, and the load on each."""
    cluster_is_whole(cluster)
    inside = cluster.primary()
    hosts = {"all three": map(address_of, NAMES), "haproxy": ["127.0.3.1"],
             "beside the primary": [inside_address_of(name) if name == inside else address_of(name) for name in NAMES]}
    gateways, started = {}, []
    try:
        for name, addresses in hosts.items():
            gateways[name] = Gateway(world.directory, name.replace(" ", "-"), database_url=cluster.url("gw", "secret", addresses),
                                     flags=["--stale-read", "10m"])
        for gateway in gateways.values():
            gateway.wait_until_ready()
            assert {gateway.request("GET", WHOAMI, secret).status for secret in world.known} == {200}
        started = {name: Load(gateway, world.admin, world.known) for name, gateway in gateways.items()}
        eventually(lambda: all(len(load.revoked) > 10 for load in started.values()), "did the load begin")
        yield started
    finally:
        for load in started.values() if started else ():
            load.stop()
        for gateway in gateways.values():
            gateway.stop()


def cluster_is_whole(cluster):
    def is_whole():
        try:
            return cluster.is_whole()
        except OSError:
            return False
    eventually(is_whole, "did the cluster come back whole", CATCH_UP_S)


def await_promotion(cluster, before):
    """The moment when another server takes writes."""
    def one_takes_writes():
        return any(cluster.takes_writes(name) for name in NAMES if name != before)
    eventually(one_takes_writes, "was another one promoted", CATCH_UP_S)
    return time.monotonic()


def assert_kept(cluster, loads, promoted, but=()):
    """Readers saw 200 alone, changes are back in time, and nothing that was answered is undone."""
    for name, load in loads.items():
        if name not in but:
            eventually(lambda: load.first_change_after(promoted), f"did changes come back on {name}", CATCH_UP_S)
    took = {name: load.first_change_after(promoted) - promoted for name, load in loads.items() if name not in but}
    for load in loads.values():
        load.stop()
    for name, load in loads.items():
        changes = collections.Counter(status for _, status in load.changes)
        print(f"\n  {name:<20} reads {dict(load.answers)}, changes {dict(changes)}, revoked {len(load.revoked)}, "
              + (f"back {took[name]:.1f} s after the promotion" if name in took else "cut off"))
    assert max(took.values()) < BACK_WITHIN_S, took
    for name, load in loads.items():
        assert set(load.answers) == {200}, (name, load.answers)
        assert {status for _, status in load.changes} <= {200, 201, 404, 503}, name
        ids = [token["id"] for token in load.revoked]
        alive = cluster.query("select id from skillreg.api_token where id = any(%s) and revoked_at is null", (ids,))
        assert not alive, f"{name}: revoked, and alive again: {alive}"
        known = cluster.query("select count(*) from skillreg.api_token where id = any(%s)", (ids,))
        assert known == [(len(ids),)], f"{name}: tokens that were made are gone"


def test_a_switchover(cluster, loads):
    before = cluster.primary()
    cluster.switch_over()
    assert_kept(cluster, loads, await_promotion(cluster, before))


def test_the_primary_is_killed(cluster, loads):
    before = cluster.primary()
    cluster.kill_node(before)
    promoted = await_promotion(cluster, before)
    assert_kept(cluster, loads, promoted)
    cluster.start_node(before)


def test_the_primary_is_cut_off(cluster, loads):
    before = cluster.primary()
    cluster.cut(before, True)
    try:
        promoted = await_promotion(cluster, before)
        assert_kept(cluster, loads, promoted)
    finally:
        cluster.cut(before, False)

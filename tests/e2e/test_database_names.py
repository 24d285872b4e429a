# SPDX-License-Identifier: MIT
"""The database by name: whatever the resolver does, known tokens and /healthz are answered, SIGTERM is obeyed, and the gateway is
back by itself; each address behind the name is tried for itself."""
import contextlib
import os
import random
import shutil
import time

import pytest

from harness import binaries, certificate
from harness.door import Door
from harness.gateway import Gateway, Operator
from harness.postgres import Postgres
from harness.process import clean_environment, run
from harness.resolver import Resolver
from harness.waiting import PATIENCE_S, assert_soon, eventually

WHOAMI = "/api/v1/auth/whoami"
SILENT, GOOD = "127.0.0.2", "127.0.0.3"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A PostgreSQL with one organisation and one token."""
    own = Postgres()
    try:
        own.create().start()
        operator = Operator(own.url, tmp_path_factory.mktemp("names"))
        operator.migrate()
        operator.create_org("acme")
        own.secret = operator.create_token("acme", "reader", "read")["token"]
        yield own
    finally:
        own.destroy()


@pytest.fixture
def resolver(tmp_path):
    own = Resolver(tmp_path)
    yield own
    own.fail()


@pytest.fixture
def doors(cluster):
    """Makes addresses in front of the cluster, all on one port."""
    made = []

    def make(address="127.0.0.1"):
        made.append(Door(cluster, address, made[0].port if made else 0))
        return made[-1]

    yield make
    for own in made:
        own.shut()


def url_of(cluster, door, hosts="db.test", more=""):
    return f"postgresql://skillreg:{cluster.password}@{hosts}:{door.port}/postgres?sslmode=disable{more}"


@pytest.fixture
def start(cluster, resolver, tmp_path):
    started = []

    def call(database_url, *flags):
        started.append(Gateway(tmp_path, f"gateway-{len(started)}", database_url=database_url, env=resolver.env, flags=flags))
        return started[-1]

    yield call
    for own in started:
        if own.process.is_running():
            own.stop()


def whoami(gateway, cluster):
    return gateway.request("GET", WHOAMI, cluster.secret).status


def assert_goes_on(gateway, cluster):
    """Each within a second, in the median, and most of that is the machine's."""
    def answers():
        began = time.monotonic()
        assert gateway.admin_get("/healthz").status == 200
        assert whoami(gateway, cluster) == 200
        return time.monotonic() - began

    assert_soon(answers, within_s=2)


def is_remembered(gateway, cluster):
    hits = gateway.metric("cache_hits_total")
    return whoami(gateway, cluster) == 200 and gateway.metric("cache_hits_total") > hits


def lose_the_database(gateway, cluster, door):
    """The token is known to the gateway before."""
    gateway.wait_until_ready()
    eventually(lambda: is_remembered(gateway, cluster), "was the token remembered")
    door.shut()
    eventually(lambda: gateway.metric("database_connections_ready") == 0, "did it notice")


def test_a_resolver_that_hangs_while_the_database_is_away(cluster, resolver, doors, start):
    door = doors()
    resolver.answer("127.0.0.1")
    own = start(url_of(cluster, door))
    lose_the_database(own, cluster, door)
    resolver.hang()
    assert_goes_on(own, cluster)
    own.process.wait_for_line(r" warning db connection to PostgreSQL failed")
    assert_goes_on(own, cluster)
    own.stop()  # the lookup hangs on


def test_the_last_good_address_is_used_while_the_resolver_does_not_answer(cluster, resolver, doors, start):
    door = doors()
    resolver.answer("127.0.0.1")
    own = start(url_of(cluster, door))
    for fault in (resolver.hang, resolver.fail):
        lose_the_database(own, cluster, door)
        fault()
        door.open()
        eventually(lambda: own.metric("database_connections_ready") > 0, "was it back")
        assert whoami(own, cluster) == 200


def test_a_resolver_that_hangs_from_the_start(cluster, resolver, doors, start):
    door = doors()
    own = start(url_of(cluster, door))
    own.process.wait_for_line(r'no address of \\"db.test\\" is known')
    assert own.admin_get("/healthz").status == 200
    assert whoami(own, cluster) == 503
    resolver.answer("127.0.0.1")
    own.wait_until_ready()
    assert whoami(own, cluster) == 200


def test_a_start_is_ended_while_the_resolver_hangs(cluster, doors, start):
    own = start(url_of(cluster, doors()))
    assert own.admin_get("/healthz").status == 200
    own.stop()


@pytest.mark.parametrize("hosts", ["db.test", f"{SILENT},{GOOD}"])
def test_an_address_that_accepts_and_says_nothing(cluster, resolver, doors, start, hosts):
    silent, good = doors(SILENT).be_silent(), doors(GOOD)
    resolver.answer(SILENT, GOOD)
    database_url = url_of(cluster, silent, hosts.replace(",", f":{silent.port},"))
    own = start(database_url, "--cache-entries", "0").wait_until_ready()
    assert silent.taken > 0
    assert whoami(own, cluster) == 200
    # of those that come later one at a time looks whether it has come back
    good.shut()
    eventually(lambda: own.metric("database_connections_ready") == 0, "did it notice")
    good.open()
    eventually(lambda: whoami(own, cluster) == 200, "did it recover")


def test_a_name_that_moves(cluster, resolver, doors, start):
    before, after = doors(), doors(GOOD)
    resolver.answer("127.0.0.1")
    own = start(url_of(cluster, before), "--cache-entries", "0").wait_until_ready()
    resolver.answer(GOOD)
    before.shut()
    eventually(lambda: after.joined > 0 and whoami(own, cluster) == 200, "did it follow the name")


def test_an_address_that_dies_silently(cluster, resolver, doors, start):
    first, second = doors(SILENT), doors(GOOD)
    resolver.answer(SILENT, GOOD)
    own = start(url_of(cluster, first), "--cache-entries", "0").wait_until_ready()
    assert first.joined > 0 and second.joined == 0
    first.be_silent()
    eventually(lambda: whoami(own, cluster) == 200 and second.joined > 0, "did it go to the other address")


def test_commands_of_an_operator(cluster, resolver, doors, tmp_path):
    silent = doors(SILENT).be_silent()
    doors(GOOD)
    numbers = iter(range(100))

    def run_both():
        environment = clean_environment(HOME=str(tmp_path), DATABASE_URL=url_of(cluster, silent), **resolver.env)
        program = binaries.find("skillreg-gateway")
        return [run([program, *command], env=environment)
                for command in (["migrate"], ["org", "create", f"named-{next(numbers)}"])]

    for done in run_both():  # the resolver hangs
        assert done.returncode != 0 and "no address of" in done.stderr, done.stderr
    resolver.answer(SILENT, GOOD)
    for done in run_both():
        assert done.returncode == 0, done.stderr


def test_a_service_file_names_the_host(cluster, resolver, doors, tmp_path):
    door = doors()
    resolver.answer("127.0.0.1")
    services = tmp_path / "services.conf"
    services.write_text(f"[main]\nhost=db.test\nport={door.port}\nuser=skillreg\npassword={cluster.password}\n"
                        "dbname=postgres\nsslmode=disable\n", encoding="ascii")
    own = Gateway(tmp_path, "gateway", database_url="service=main", env={**resolver.env, "PGSERVICEFILE": str(services)})
    try:
        own.wait_until_ready()
        assert whoami(own, cluster) == 200 and door.joined > 0
    finally:
        own.stop()


def test_the_environment_names_the_host(cluster, resolver, doors, tmp_path):
    door = doors()
    resolver.answer("127.0.0.1")
    own = Gateway(tmp_path, "gateway", database_url="dbname=postgres", env={
        **resolver.env, "PGHOST": "db.test", "PGPORT": str(door.port), "PGUSER": "skillreg", "PGPASSWORD": cluster.password})
    try:
        own.wait_until_ready()
        assert whoami(own, cluster) == 200 and door.joined > 0
    finally:
        own.stop()


@pytest.fixture
def tls_cluster(tmp_path):
    """With TLS, and so with TCP: on an address of this machine that nobody else takes."""
    address = f"127.{random.randrange(1, 255)}.{random.randrange(256)}.{random.randrange(2, 255)}"
    own = Postgres(listen_addresses=address, ssl="on")
    try:
        own.create()
        own.address = address
        own.certificate = certificate.make(tmp_path, "database", names=("db.test",), addresses=())
        for source, name in ((own.certificate.cert, "server.crt"), (own.certificate.key, "server.key")):
            shutil.copy(source, own.data / name)
            os.chmod(own.data / name, 0o600)
            if own.user:
                os.chown(own.data / name, own.user.pw_uid, own.user.pw_gid)
        with open(own.data / "pg_hba.conf", "a", encoding="ascii") as rules:
            rules.write("hostssl all all all scram-sha-256\n")
        own.start()
        Operator(own.url, tmp_path).migrate()
        yield own
    finally:
        own.destroy()


def test_the_certificate_of_the_database_is_for_its_name(tls_cluster, resolver, start):
    """libpq gets the address, and checks the name."""
    resolver.answer(tls_cluster.address)
    where = (f"postgresql://skillreg:{tls_cluster.password}@%s:5432/postgres"
             f"?sslmode=verify-full&sslrootcert={tls_cluster.certificate.cert}")
    start(where % "db.test").wait_until_ready()
    start(where % "other.test").process.wait_for_line(r'certificate for \\"db.test\\" does not match host name \\"other.test\\"')


def test_the_registry_by_a_name_that_hangs(cluster, resolver, start, tmp_path):
    """Its lookup holds up neither the database's nor the end."""
    own = Gateway(tmp_path, "gateway", database_url=cluster.url, env=resolver.env,
                  upstream="http://a.test:1,http://b.test:1,http://c.test:1,http://d.test:1")
    with contextlib.ExitStack() as stack:
        stack.callback(own.process.kill)
        own.wait_until_ready()
        assert_goes_on(own, cluster)
        own.stop(timeout_s=PATIENCE_S)

# SPDX-License-Identifier: MIT
"""What the tests share: one PostgreSQL and one gateway per session, two organisations with a token per scope, and a
registry stub behind the gateway. With -n each worker is a session. Run with `./dev test e2e [pytest arguments]`;
GATEWAY_BUILD_DIR says which build is tested."""
import dataclasses
import hashlib
import itertools
import os
import pathlib
import signal
import sys
import uuid

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.dont_write_bytecode = True
pytest.register_assert_rewrite("harness")

from harness import binaries  # noqa: E402
from harness import certificate as certificates  # noqa: E402
from harness import interrupts  # noqa: E402
from harness import postgres as clusters  # noqa: E402
from harness import token_syntax  # noqa: E402
from harness.command_line import CommandLine  # noqa: E402
from harness.documents import Session  # noqa: E402
from harness.gateway import Gateway, Operator  # noqa: E402
from harness.paper_gateway import SECRET, Stub  # noqa: E402
from harness.postgres import Postgres  # noqa: E402
from harness.process import Process, clean_environment  # noqa: E402
from harness.trusting import issuer_flags  # noqa: E402
from harness.upstream import Upstream  # noqa: E402
from harness.waiting import PATIENCE_S, eventually  # noqa: E402
from harness.wall_clock import WallClock  # noqa: E402

TEST_LIMIT_S = 5 * PATIENCE_S  # a test that hangs fails instead of stopping the run


def pytest_configure(config):
    interrupts.install(config)


def pytest_unconfigure():
    clusters.destroy_all()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """With -n: a worker takes a whole file, for the sake of what the tests in it share."""
    from xdist.scheduler import LoadFileScheduling  # without -n, it need not be there

    return LoadFileScheduling(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session):
    """One clear line instead of a thousand errors."""
    if not session.config.option.collectonly:
        try:
            binaries.find("skillreg-gateway")
        except FileNotFoundError as error:
            pytest.exit(str(error), returncode=2)


def _give_up(*_):
    raise TimeoutError(f"the test ran for more than {TEST_LIMIT_S:g} s")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    signal.signal(signal.SIGALRM, _give_up)
    signal.setitimer(signal.ITIMER_REAL, TEST_LIMIT_S)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)


@dataclasses.dataclass(frozen=True)
class Organisation:
    slug: str
    tokens: dict  # scope -> secret

    @property
    def skills(self):
        """Forwarded: read, write and admin by the method."""
        return f"/api/v1/orgs/{self.slug}/skills"

    @property
    def read(self):
        return self.tokens["read"]

    @property
    def write(self):
        return self.tokens["write"]

    @property
    def admin(self):
        return self.tokens["admin"]


@pytest.fixture(scope="session")
def workdir(tmp_path_factory):
    return tmp_path_factory.mktemp("gateway")


@pytest.fixture(scope="session")
def certificate(workdir):
    return certificates.make(workdir)


@pytest.fixture(scope="session")
def postgres():
    """Running, and empty but for what `operator` migrates. Not to be stopped: see own_postgres."""
    cluster = Postgres()
    try:
        cluster.create().start()
        yield cluster
    finally:
        cluster.destroy()


@pytest.fixture(scope="session")
def operator(postgres, workdir):
    own = Operator(postgres.url, workdir)
    own.migrate()
    return own


SCOPE_BITS = {"read": 1, "write": 2, "admin": 4}


@pytest.fixture(scope="session")
def new_org(operator, postgres):
    """Makes an organisation that no other test knows, with a token per scope asked for. Straight in the database, because
    there are many: `acme` and `globex` and the tests of the operator commands go the documented way."""
    numbers = itertools.count(1)

    def make(*scopes):
        slug = f"team-{next(numbers)}"
        tokens = {scope: token_syntax.make() for scope in scopes or ("admin",)}
        org_id = "cl" + slug.replace("-", "")
        postgres.query("insert into skillreg.organisation (id, slug, name) values (%s, %s, %s)", (org_id, slug, slug))
        for scope, secret in tokens.items():
            postgres.query(
                "select skillreg.token_create(%s, %s, %s, %s, %s, %s::smallint, null, 'operator')",
                (f"cl{scope}{slug}".replace("-", ""), org_id, f"{scope}-key", secret[:12],
                 hashlib.sha256(secret.encode()).digest(), SCOPE_BITS[scope]))
        return Organisation(slug, tokens)

    return make


@pytest.fixture
def organisation(new_org):
    """One that is the test's own, with an admin token."""
    return new_org("admin")


def by_operator(operator, slug):
    operator.create_org(slug)
    return Organisation(slug, {scope: operator.create_token(slug, f"{scope}-key", scope)["token"] for scope in SCOPE_BITS})


@pytest.fixture(scope="session")
def acme(operator):
    """The organisation of the tests, for those that count nothing in it."""
    return by_operator(operator, "acme")


@pytest.fixture(scope="session")
def globex(operator):
    """Another organisation, with live tokens of its own."""
    return by_operator(operator, "globex")


@pytest.fixture(scope="session")
def _session_upstream():
    stub = Upstream()
    yield stub
    stub.stop()


@pytest.fixture
def upstream(_session_upstream):
    """The registry behind `gateway`, with nothing recorded yet and the default behaviour."""
    _session_upstream.reset()
    yield _session_upstream
    _session_upstream.reset()


@pytest.fixture(scope="session")
def _session_gateway(operator, postgres, workdir, certificate, _session_upstream):
    own = Gateway(workdir, "session", database_url=postgres.url, certificate=certificate,
                  upstream=_session_upstream.url, flags=issuer_flags(workdir))
    try:
        own.wait_until_ready()
        yield own
    except BaseException:
        own.kill()
        raise
    own.stop()


@pytest.fixture
def gateway(_session_gateway, upstream):
    """The gateway that the whole session shares. It must be running before and after every test."""
    assert _session_gateway.process.is_running(), "the gateway died in an earlier test:\n" + _session_gateway.log()[-8000:]
    yield _session_gateway
    _session_gateway.drop_connection()
    assert _session_gateway.process.is_running(), "the gateway died:\n" + _session_gateway.log()[-8000:]


@pytest.fixture
def start_gateway(operator, postgres, tmp_path, certificate):
    """Starts gateways of the test's own, with flags; each one still running at the end must stop as it should."""
    started = []

    def start(*flags, tls=False, ready=True, database_url=None, **options):
        shown = certificate if tls is True else tls or None  # or one of the test's own
        own = Gateway(tmp_path, f"gateway-{len(started)}", database_url=database_url or postgres.url,
                      certificate=shown, flags=flags, **options)
        started.append(own)
        return own.wait_until_ready() if ready else own

    yield start
    failures = []
    for own in started:
        try:
            if own.process.is_running():
                own.stop()
            own.process.assert_no_sanitizer_report()
        except (AssertionError, TimeoutError) as failure:
            failures.append(str(failure))
    assert not failures, "\n".join(failures)


@pytest.fixture
def wall_clock(tmp_path):
    """For start_gateway(env=wall_clock.env): a test that is about the end of a token need not wait for it, nor hurry."""
    return WallClock(tmp_path)


@pytest.fixture
def start_upstream():
    """Registry stubs of the test's own."""
    started = []

    def start(port=0, tls=None):
        started.append(Upstream(port, tls))
        return started[-1]

    yield start
    for stub in started:
        stub.stop()


@pytest.fixture
def skillreg(gateway, certificate, tmp_path):
    """Makes a command line that speaks to `gateway` over TLS."""
    def make(organisation=None, token=None):
        home = tmp_path / "home"
        home.mkdir(exist_ok=True)
        return CommandLine(home, url=gateway.https_url, ca_file=certificate.cert,
                           token=token or (organisation and organisation.admin),
                           org=organisation and organisation.slug)
    return make


@pytest.fixture
def command_line(skillreg, organisation):
    """The command line of the admin token of `organisation`, at `gateway`."""
    return skillreg(organisation)


@pytest.fixture
def stub():
    """A gateway of paper: it answers what the test says."""
    server = Stub()
    yield server
    server.stop()


@pytest.fixture
def paper(stub, tmp_path):
    """The command line at `stub`."""
    return CommandLine(tmp_path, url=stub.url, token=SECRET, org="acme")


# ---- what the documents show ----

@pytest.fixture
def fresh_database(postgres):
    """A database of its own, so that `acme` holds what it does after ./dev up."""
    name = "session_" + uuid.uuid4().hex[:8]
    postgres.query(f"create database {name}")
    yield name
    postgres.query(f"drop database {name} with (force)")


@pytest.fixture
def demonstration_registry(tmp_path):
    port_file = tmp_path / "registry.port"
    process = Process(["/usr/bin/python3", binaries.ROOT / "docker/dev/registry.py", "--port", "0", "--port-file", port_file],
                      tmp_path / "registry.log", env=clean_environment())
    try:
        eventually(lambda: port_file.exists() and port_file.read_text(), lambda: "did the registry listen: " + process.log())
        yield "http://127.0.0.1:" + port_file.read_text().strip()
    finally:
        process.kill()


@pytest.fixture
def session(postgres, fresh_database, demonstration_registry, start_gateway, certificate, tmp_path):
    """What ./dev up leaves behind, and a shell to look at it."""
    operator = Operator(postgres.url_of(fresh_database), tmp_path)
    operator.migrate()
    operator.create_org("acme")
    admin = operator.create_token("acme", "dev-admin", "admin")["token"]
    gateway = start_gateway(tls=True, database_url=operator.database_url, upstream=demonstration_registry)
    env = {"SKILLREG_URL": gateway.https_url, "SKILLREG_TOKEN": admin, "SKILLREG_ORG": "acme",
           "SSL_CERT_FILE": certificate.cert, "CURL_CA_BUNDLE": certificate.cert,
           "PATH": f"{binaries.find('skillreg').parent}:{os.environ['PATH']}"}
    (tmp_path / "build/dev").mkdir(parents=True)
    (tmp_path / "build/dev/env").write_text("".join(f"export {name}='{value}'\n" for name, value in env.items()))
    shell = Session(tmp_path)
    yield shell
    shell.close()

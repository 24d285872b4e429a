# SPDX-License-Identifier: MIT
"""`skillreg-gateway check`: what a start would run with and where each setting is from, no secret, and a line for all that it would
use: ok, a warning or an error with what to do. What a role may lack is in test_grants.py."""
import json
import re
import socket
import ssl

import pytest

from harness import certificate as certificates
from harness.by_file import run_gateway, served
from harness.ports import free_port
from harness.postgres import Postgres
from harness.resolver import Resolver
from harness.wall_clock import WallClock

@pytest.fixture
def check(operator, upstream):
    """With a database, a registry, and a port; what the test says counts before it."""
    def run(*flags, **variables):
        return run_gateway("check", *flags, **{"DATABASE_URL": operator.database_url, "GATEWAY_UPSTREAM": upstream.url,
                                               "GATEWAY_LISTEN_HTTPS": "off", "GATEWAY_LISTEN_HTTP": "127.0.0.1:0",
                                               "GATEWAY_LISTEN_ADMIN": "off", **variables})
    return run


def findings(done, subject):
    """(status, text) of each line about it."""
    return re.findall(rf"^(ok|warning|error) +{subject} +(.*)$", done.stdout, re.MULTILINE)


def rows(done):
    """setting -> value and source."""
    table = done.stdout.split("\n\n")[0].splitlines()
    assert re.fullmatch(r"SETTING +VALUE +FROM", table[0])
    return {line.split()[0]: line.split(None, 1)[1] for line in table[1:]}


def test_all_is_in_order(check, postgres, upstream):
    before = postgres.query("select (select count(*) from skillreg.gateway_member), (select max(seq) from skillreg.token_event)")
    done = check()
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert findings(done, "registry") == [("ok", f"{upstream.url}: reached, 1 address")]
    assert [status for status, _ in findings(done, "schema")] == ["ok"]
    assert re.search(r"^ok +listen-http +127\.0\.0\.1:0 can be taken$", done.stdout, re.MULTILINE)
    assert before == postgres.query("select (select count(*) from skillreg.gateway_member), (select max(seq) from skillreg.token_event)")


def test_each_setting_says_where_it_is_from(check, tmp_path):
    path = tmp_path / "gateway.conf"
    path.write_text("# ours\nworkers = 3\nlog-level = debug\nlog-format = json\n")
    done = check("--config", path, "--log-level", "error", GATEWAY_LOG_FORMAT="text")
    table = rows(done)
    assert table["workers"].split() == ["3", f"{path}:2"]
    assert table["log-level"].split() == ["error", "flag"]
    assert table["log-format"].split() == ["text", "variable", "GATEWAY_LOG_FORMAT"]
    assert table["cache-ttl"].split() == ["60s", "default"] and table["client-ca"].split() == ["-", "not", "set"]
    settings = re.findall(r"^  --([a-z-]+)", run_gateway("--help").stdout, re.MULTILINE)
    assert list(table) == [key for key in settings if key not in ("help", "version")]


def test_a_url_is_shown_without_its_password(check, operator, tmp_path):
    password = re.search(r":([^:@]+)@", operator.database_url)[1]
    url_file = tmp_path / "database.url"
    url_file.write_text(operator.database_url + "\n")
    url_file.chmod(0o644)
    for done in (check(), check("--json"), check(DATABASE_URL="", DATABASE_URL_FILE=str(url_file))):
        assert password not in done.stdout + done.stderr and "user=" in done.stdout
    assert rows(done)["database-url"].endswith(f"{url_file}:1")
    assert findings(done, "secret") == [("warning", f"{url_file} holds a secret and can be read by everybody on this machine; chmod o-r it")]


def test_json_says_the_same(check):
    done = check("--json", "--workers", "2")
    document = json.loads(done.stdout)
    assert document["ok"] is True and {"setting": "workers", "value": "2", "source": "flag"} in document["settings"]
    assert {each["status"] for each in document["checks"]} <= {"ok", "warning"}
    assert json.loads(check("--json", "--upstream", "http://127.0.0.1:1").stdout)["ok"] is False


def test_a_misspelt_variable_is_a_warning_of_the_check_and_of_a_start(check, operator, tmp_path):
    slips = {"GATEWAY_RATE_LIMT": "5/m", "GATEWAY_WHATEVER": "hidden", "GATEWAY_SERVICE_HOST": "10.0.0.1"}
    done = check(**slips)
    assert done.returncode == 0 and "hidden" not in done.stdout
    assert sorted(findings(done, "variable")) == [
        ("warning", "GATEWAY_RATE_LIMT is of no setting and counts for nothing, did you mean GATEWAY_RATE_LIMIT?; "
                    "see skillreg-gateway --help"),
        ("warning", "GATEWAY_WHATEVER is of no setting and counts for nothing; see skillreg-gateway --help")]
    with served(tmp_path, ("--workers", "2"), DATABASE_URL=operator.database_url, **slips) as own:
        lines = re.findall(r"warning settings variable of no setting, counts for nothing (name=.*)", own.log())
        assert sorted(lines) == ['name="GATEWAY_RATE_LIMT" meant=GATEWAY_RATE_LIMIT', 'name="GATEWAY_WHATEVER"']


@pytest.mark.parametrize("flags", [("--no-such",), ("--workers", "many"), ("extra",), ("--listen-http", "off")], ids="-".join)
def test_a_setting_that_a_start_refuses_is_2_and_one_line(flags, check):
    done = check(*flags)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_help(check):
    done = check("--help")
    assert done.returncode == 0 and "--json" in done.stdout and max(map(len, done.stdout.splitlines())) <= 110


# ---- certificates ----

@pytest.fixture
def check_pair(check):
    def run(pair, *flags, **variables):
        return check("--listen-https", "127.0.0.1:0", "--tls-cert", pair.cert, "--tls-key", pair.key, *flags, **variables)
    return run


def test_a_certificate_says_its_names_and_dates(check_pair, tmp_path):
    done = check_pair(certificates.make(tmp_path, names=("a.test", "*.b.test"), days=60))
    (status, text), = findings(done, "certificate")
    assert status == "ok" and done.returncode == 0
    assert re.search(r": fits its key; names 127\.0\.0\.1, a\.test, \*\.b\.test; "
                     r"valid from 20\d\d-\d\d-\d\dT\d\d:\d\d to 20\d\d-\d\d-\d\dT\d\d:\d\d$", text)


@pytest.mark.parametrize("days,level,text,code", [(5, "warning", "it expires soon", 0), (10, "error", "it has expired", 1),
                                                  (-2, "error", "it is not valid yet", 1)], ids=["soon", "ended", "early"])
def test_the_time_of_a_certificate_counts(days, level, text, code, check_pair, tmp_path):
    clock = WallClock(tmp_path)
    clock.move_to(days * 86400)
    done = check_pair(certificates.make(tmp_path, days=9), **clock.env)
    assert findings(done, "certificate")[0][0] == level and text in findings(done, "certificate")[0][1] and done.returncode == code


def test_a_key_that_does_not_fit_and_a_file_that_is_missing_are_errors(check, check_pair, tmp_path):
    one, other = certificates.make(tmp_path, "one", days=60), certificates.make(tmp_path, "other", days=60)
    for pair, wanted in ((certificates.Certificate(one.cert, other.key), "does not belong to the first certificate"),
                         (certificates.Certificate(tmp_path / "none", one.key), f"{tmp_path}/none: cannot read the certificate file")):
        done = check_pair(pair)
        assert done.returncode == 1 and wanted in findings(done, "certificate")[0][1] and findings(done, "certificate")[0][0] == "error"
    one.key.chmod(0o644)
    assert "can be read by everybody" in findings(check_pair(one), "secret")[0][1]


def test_client_authorities_and_ticket_secret_are_read(check_pair, tmp_path):
    pair = certificates.make(tmp_path, days=60)
    secret = tmp_path / "ticket.secret"
    secret.write_bytes(b"x" * 48)
    secret.chmod(0o600)
    done = check_pair(pair, "--client-ca", pair.cert, "--tls-ticket-secret", secret)
    assert done.returncode == 0 and findings(done, "client-ca")[0][0] == findings(done, "tickets")[0][0] == "ok"
    secret.write_bytes(b"short")
    done = check_pair(pair, "--client-ca", pair.key, "--tls-ticket-secret", secret)
    assert done.returncode == 1 and findings(done, "client-ca")[0][0] == findings(done, "tickets")[0][0] == "error"


# ---- database ----

def test_a_database_that_is_away_is_an_error(check):
    done = check(DATABASE_URL="postgresql://gw:hidden@127.0.0.1:1/skillreg")
    (status, text), = findings(done, "database")
    assert done.returncode == 1 and status == "error" and "cannot be reached" in text and "hidden" not in done.stdout + done.stderr


def test_a_url_that_cannot_be_read_is_an_error(check):
    done = check(DATABASE_URL="postgresql://gw:hidden@[::1/skillreg")
    assert done.returncode == 1 and findings(done, "database") == [("error", "database-url: the database URL is malformed")]


@pytest.fixture(scope="module")
def other_postgres():
    cluster = Postgres()
    try:
        yield cluster.create().start()
    finally:
        cluster.destroy()


def test_a_schema_that_is_missing_old_or_new_is_said(check, other_postgres, tmp_path):
    url = other_postgres.url
    done = check(DATABASE_URL=url)
    assert done.returncode == 1 and "run skillreg-gateway migrate" in findings(done, "schema")[0][1]
    assert run_gateway("migrate", DATABASE_URL=url).returncode == 0
    assert check(DATABASE_URL=url).returncode == 0
    other_postgres.query("insert into skillreg.migration (number, name, checksum) values (9999, 'later', 1)")
    done = check(DATABASE_URL=url)
    assert done.returncode == 0 and findings(done, "schema")[0][0] == "warning" and "9999" in done.stdout
    other_postgres.query("delete from skillreg.migration where number > 1")
    done = check(DATABASE_URL=url)
    assert done.returncode == 1 and findings(done, "schema")[0] == (
        "error", f"is at version 1, this program needs {latest(other_postgres, tmp_path)}; run skillreg-gateway migrate, "
                 "as the owner of the schema")


def latest(postgres, directory):
    """By the program itself: what it brings a new database to."""
    postgres.query("create database fresh")
    said = run_gateway("migrate", DATABASE_URL=re.sub(r"/postgres(?=\?|$)", "/fresh", postgres.url)).stdout
    return re.search(r"to ([0-9]+)\.", said)[1]


def test_both_urls_are_tried(check, operator):
    done = check("--database-events-url", "postgresql://gw:hidden@127.0.0.1:1/skillreg")
    assert [status for status, _ in findings(done, "database")] == ["ok", "error"] and done.returncode == 1
    assert check("--database-events-url", operator.database_url).returncode == 0


# ---- registry ----

def test_a_registry_that_is_away_is_an_error_and_none_a_warning(check):
    done = check("--upstream", "http://127.0.0.1:1")
    assert done.returncode == 1 and "Connection refused" in findings(done, "registry")[0][1]
    done = check(GATEWAY_UPSTREAM="")
    assert done.returncode == 0 and findings(done, "registry")[0][0] == "warning"
    done = check("--upstream", "ftp://x")
    assert done.returncode == 1 and findings(done, "registry")[0][0] == "error"


def test_a_registry_with_tls_is_believed_by_its_certificate(check, start_upstream, certificate, tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert, certificate.key)
    stub = start_upstream(tls=context)
    done = check("--upstream", stub.url, "--upstream-ca", certificate.cert)
    assert done.returncode == 0 and findings(done, "registry") == [("ok", f"{stub.url}: reached, 1 address")]
    done = check("--upstream", stub.url, "--upstream-ca", certificates.make(tmp_path, "other").cert)
    assert done.returncode == 1 and "TLS handshake: " in findings(done, "registry")[0][1]
    done = check("--upstream", stub.url, "--upstream-ca", certificate.key)
    assert done.returncode == 1 and "a start ends here" in findings(done, "registry")[0][1]


@pytest.mark.parametrize("count", [2, 4, 6])
def test_each_address_that_is_not_reached_is_named_up_to_four(count, check, tmp_path):
    resolver = Resolver(tmp_path)
    addresses = [f"127.0.0.{last}" for last in range(2, 2 + count)]
    resolver.answer(*addresses)
    (status, text), = findings(check("--upstream", "http://registry.test:1", **resolver.env), "registry")
    assert status == "error" and f": {count} of {count} addresses not reached: " in text
    assert [address for address in addresses if f"{address}: cannot connect: Connection refused" in text] == addresses[:4]
    assert ("; and 2 more; a gateway starts" in text) == (count > 4)


def test_a_registry_that_says_nothing_is_not_waited_for(check):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        done = check("--upstream", "https://127.0.0.1:%d" % silent.getsockname()[1], "--upstream-connect-timeout", "50ms")
        assert done.returncode == 1 and "no answer in time" in findings(done, "registry")[0][1]


# ---- addresses ----

def test_addresses_of_a_gateway_that_runs_are_in_order(check, gateway):
    admin, http = ("%s:%d" % address for address in (gateway.admin, gateway.http))
    done = check("--listen-admin", admin, "--listen-http", http)
    assert done.returncode == 0, done.stdout
    assert findings(done, "listen-http") == [("ok", f"{http} is taken; a gateway that runs answers on {admin}")]


def test_an_address_of_another_program_is_an_error(check):
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = "127.0.0.1:%d" % other.getsockname()[1]
        done = check("--listen-http", taken, "--listen-admin", f"127.0.0.1:{free_port()}")
        assert done.returncode == 1 and findings(done, "listen-http")[0][0] == "error" and "is taken" in done.stdout
        done = check("--listen-http", taken)
        assert done.returncode == 0 and findings(done, "listen-http")[0][0] == "warning"


@pytest.mark.parametrize("admin,proxies,is_warned", [
    ("127.0.0.1:0", "10.0.0.0/8", True), ("[::1]:0", "10.0.0.0/8", True), ("localhost:0", "10.0.0.0/8", True),
    ("127.0.0.1:0", "10.0.0.0/8,127.0.0.1", False), ("127.0.0.1:0", "0.0.0.0/0", False), ("0.0.0.0:0", "10.0.0.0/8", False),
    ("off", "10.0.0.0/8", False)])
def test_an_admin_port_that_no_balancer_can_ask_is_a_warning(admin, proxies, is_warned, check):
    done = check("--proxy-protocol", "--trusted-proxies", proxies, "--listen-admin", admin)
    assert [status for status, text in findings(done, "listen-admin") if "can ask /readyz" in text] == ["warning"] * is_warned
    assert "can ask /readyz" not in check("--trusted-proxies", proxies, "--listen-admin", admin).stdout


def test_an_address_that_is_none_is_an_error(check):
    assert "is not of the form host:port" in findings(check("--listen-http", "8080"), "listen-http")[0][1]

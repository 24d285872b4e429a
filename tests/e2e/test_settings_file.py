# SPDX-License-Identifier: MIT
"""The configuration file: the same names as the flags, a flag over a variable over the file, and a mistake said by file and line."""
import re
import shutil

import pytest

from harness import documents
from harness.by_file import run_gateway, served
from harness.waiting import eventually


@pytest.fixture
def write(tmp_path):
    def write_file(text):
        path = tmp_path / "gateway.conf"
        path.write_text(text)
        path.chmod(0o600)
        return path
    return write_file


def test_a_gateway_runs_by_its_file(write, operator, acme, upstream, tmp_path):
    path = write(f"# the gateway of the team\ndatabase-url = {operator.database_url}\n\n"
                 f"upstream = {upstream.url}\nrate-limit=1/h\n")
    with served(tmp_path, ("--config", path)) as own:
        assert own.request("GET", acme.skills, acme.read).status == 200
        assert own.request("GET", acme.skills, acme.read).status == 429
        assert "can be read by everybody" not in own.log()


def test_a_gateway_runs_by_the_documented_file(write, operator, certificate, acme, tmp_path):
    text = documents.section(documents.read("docs/running.md"), "The configuration file")
    example = documents.blocks(text, "ini")[0]
    shutil.copy(certificate.cert, tmp_path / "chain.pem")
    shutil.copy(certificate.key, tmp_path / "key.pem")
    (tmp_path / "database.url").write_text(operator.database_url + "\n")
    with served(tmp_path, ("--config", write(example.replace("/etc/skillreg", str(tmp_path))))) as own:
        assert own.request("GET", "/api/v1/auth/whoami", acme.read).status == 200
        eventually(lambda: " info request method=GET " in own.log(), "was the request logged")


def test_a_flag_wins_over_a_variable_and_a_variable_over_the_file(write, operator, acme, tmp_path):
    path = write(f"database-url = {operator.database_url}\nrate-limit = 1/h\nlog-format = json\nlog-level = warning\n")
    with served(tmp_path, ("--rate-limit", "off", "--log-level", "info"), GATEWAY_CONFIG=str(path), GATEWAY_LOG_FORMAT="text") as own:
        assert [own.request("GET", "/api/v1/auth/whoami", acme.read).status for _ in range(3)] == [200] * 3
        assert " info server started version=" in own.log()


def test_a_file_with_a_url_that_everybody_may_read_is_warned_of(write, operator, tmp_path):
    path = write(f"database-url = {operator.database_url}\n")
    path.chmod(0o644)
    with served(tmp_path, ("--config", path)) as own:
        assert f'(chmod o-r) file="{path}"' in own.log()


MISTAKES = {
    "unknown": ("workers = 1\n\nworkrs = 2\n", ":3: unknown key workrs, did you mean workers?"),
    "dashes": ("--workers = 2\n", ":1: unknown key --workers, did you mean workers?"),
    "far": ("colour = red\n", ":1: unknown key colour"),
    "twice": ("workers = 1\nlog-level = info\nworkers = 2\n", ":3: workers stands in line 1 already"),
    "value": ("# first\nworkers = many\n", ":2: not a value for workers: many (see --help)"),
    "empty": ("log-level =\n", ":1: not a value for log-level:  (see --help)"),
    "form": ("workers 2\n", ":1: a line is `key = value`, or begins with #"),
    "section": ("workers = 1\n[upstream a]\nurl = x\n", ":2: unknown section, there is [oidc NAME] alone"),
    "head": ("workers = 1\n[oidc github\n", ":2: the head of a section is `[name]`, alone in its line"),
    "below": ("[oidc github]\nkind = github\n\nworkers = 1\n",
              ":4: unknown key workers in [oidc github]: settings of the gateway stand above all sections"),
    "strange": ("[oidc github]\nkid = github\n", ":2: unknown key kid in [oidc github]"),
    "lacks": ("workers = 1\n[oidc github]\nkind = github\nissuer = https://t.test\n", ":2: audience is missing"),
    "plain": ("[oidc github]\nkind = github\nissuer = http://t.test\n", ":3: issuer: it must start with https://"),
    "again": ("[oidc github]\nkind = github\nkind = gitlab\n", ":3: kind is there twice"),
    "nameless": ("[oidc ]\n", ":1: unknown section, there is [oidc NAME] alone"),
    "itself": ("config = other.conf\n", ":1: a file cannot name another one"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_said_by_file_and_line(mistake, write):
    text, complaint = MISTAKES[mistake]
    path = write(text)
    done = run_gateway("--config", path, DATABASE_URL="postgresql://x")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"skillreg-gateway: {path}{complaint}\n")


def test_issuers_are_sections_of_a_file_unless_a_flag_names_them(write, operator):
    path = write("workers = 1\n\n[oidc github]\nkind = github\nissuer = https://token.test\naudience = https://me.test\n"
                 "[oidc gl]\nkind = gitlab\nissuer = https://gl.test\naudience = https://me.test\nmax-live = 3\n")

    def shown(*flags, **variables):
        done = run_gateway("check", "--config", path, "--listen-https", "off", "--listen-http", "127.0.0.1:0", *flags,
                           DATABASE_URL=operator.database_url, **variables)
        return re.search(r"^oidc-issuer +(.*)$", done.stdout, re.MULTILINE)[1].rsplit(None, 1)

    assert shown() == ["github=https://token.test, gl=https://gl.test", f"{path}:7"]
    assert shown("--oidc-issuer", "a=https://a.test,kind=generic,audience=me") == ["a=https://a.test", "flag"]
    assert shown(GATEWAY_OIDC_ISSUER="a=https://a.test,kind=generic,audience=me;b=https://b.test,kind=generic,audience=me") == [
        "a=https://a.test, b=https://b.test  variable", "GATEWAY_OIDC_ISSUER"]


def test_an_issuer_on_the_command_line_is_refused_with_the_reason():
    done = run_gateway("--oidc-issuer", "gh=https://token.actions.githubusercontent.com,kind=github,audience=https://github.com/acme",
                       DATABASE_URL="postgresql://x")
    assert (done.returncode, done.stderr) == (2, "skillreg-gateway: not a value for --oidc-issuer: audience: GitHub Actions gives this one to "
                                                 "tokens that nobody asked for here; choose one of your own, such as the URL of this "
                                                 "gateway (see --help)\n")


def test_a_file_that_is_missing_is_named(tmp_path):
    done = run_gateway("--config", tmp_path / "none.conf", DATABASE_URL="postgresql://x")
    assert (done.returncode, done.stderr) == (2, f"skillreg-gateway: cannot read {tmp_path}/none.conf: No such file or directory\n")


def test_a_url_in_the_file_and_a_file_of_it_are_a_mistake(write):
    path = write("database-url = postgresql://user:hidden@host/db\n")
    done = run_gateway("--config", path, DATABASE_URL_FILE="/nonexistent")
    assert done.returncode == 2 and "hidden" not in done.stderr
    assert "--database-url (DATABASE_URL)" in done.stderr and "--database-url-file (DATABASE_URL_FILE)" in done.stderr


def test_commands_take_the_database_from_the_file(write, operator, tmp_path):
    url_file = tmp_path / "database.url"
    url_file.write_text(operator.database_url + "\n")
    url_file.chmod(0o600)
    path = write(f"database-url-file = {url_file}\nworkers = 4\n")
    for done in (run_gateway("migrate", "--config", path), run_gateway("migrate", GATEWAY_CONFIG=str(path))):
        assert (done.returncode, done.stderr) == (0, "") and "nothing to do" in done.stdout
    path = write("database-url = postgresql://user:hidden@127.0.0.1:1/db\n")
    assert run_gateway("migrate", "--config", path).returncode == 3
    assert run_gateway("migrate", "--config", path, DATABASE_URL=operator.database_url).returncode == 0


def test_the_environment_of_new_tokens_is_that_of_the_file(write, operator, acme):
    path = write(f"database-url = {operator.database_url}\nenvironment = test\n")
    made = run_gateway("token", "create", "--org", acme.slug, "--name", "by-file", "--config", path)
    assert made.returncode == 0 and "sr_test_" in made.stdout
    made = run_gateway("token", "create", "--org", acme.slug, "--name", "by-flag", "--config", path, "--environment", "live")
    assert made.returncode == 0 and "sr_live_" in made.stdout


def test_a_command_refuses_a_file_with_a_mistake(write):
    path = write("databse-url = postgresql://x\n")
    done = run_gateway("migrate", "--config", path)
    assert (done.returncode, done.stderr) == (2, f"skillreg-gateway: {path}:1: unknown key databse-url, did you mean database-url?\n")

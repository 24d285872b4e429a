# SPDX-License-Identifier: MIT
"""The database URL, with its password, from a file: for the server, for the operator's commands, and never from two places at once."""
import pytest

from harness.by_file import run_gateway, served

SERVE = ("--listen-https", "off", "--listen-http", "127.0.0.1:0", "--listen-admin", "off")


@pytest.fixture
def url_file(tmp_path, operator):
    """As an editor leaves it: with the end of the line, and a line below it."""
    path = tmp_path / "database.url"
    path.write_text(f"{operator.database_url}\nnot a part of it\n")
    path.chmod(0o600)
    return path


def test_the_server_takes_the_urls_of_files(url_file, tmp_path):
    with served(tmp_path, ("--database-url-file", url_file, "--database-events-url-file", url_file)) as own:
        assert own.has_database() and "can be read by everybody" not in own.log()


def test_the_server_warns_of_a_file_that_everybody_may_read(url_file, tmp_path):
    url_file.chmod(0o644)
    with served(tmp_path, DATABASE_URL_FILE=str(url_file)) as own:
        assert f'(chmod o-r) file="{url_file}"' in own.log()
        assert "postgresql" not in own.log()


@pytest.mark.parametrize("by", ["flag", "variable"])
def test_commands_take_the_url_of_a_file(by, url_file):
    done = run_gateway("migrate", "--database-url-file", url_file) if by == "flag" else \
        run_gateway("migrate", DATABASE_URL_FILE=str(url_file))
    assert (done.returncode, done.stderr) == (0, "")
    assert "nothing to do" in done.stdout


def test_a_command_warns_of_a_file_that_everybody_may_read(url_file):
    url_file.chmod(0o644)
    done = run_gateway("migrate", "--database-url-file", url_file)
    assert done.returncode == 0
    assert done.stderr == f"skillreg-gateway: warning: everybody on this machine can read {url_file} (chmod o-r)\n"


@pytest.mark.parametrize("words", [("migrate",), SERVE], ids=["command", "server"])
def test_both_are_a_mistake_that_names_both(words, url_file):
    done = run_gateway(*words, DATABASE_URL="postgresql://user:hidden@host/db", DATABASE_URL_FILE=str(url_file))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1 and "hidden" not in done.stderr
    assert "--database-url (DATABASE_URL)" in done.stderr and "--database-url-file (DATABASE_URL_FILE)" in done.stderr


@pytest.mark.parametrize("words", [("migrate",), SERVE], ids=["command", "server"])
@pytest.mark.parametrize("content", ["missing", "empty", "no-line"])
def test_a_file_without_a_url_is_named(words, content, tmp_path):
    path = tmp_path / "database.url"
    if content != "missing":
        path.write_text({"empty": "", "no-line": "\npostgresql://user:hidden@host/db\n"}[content])
    done = run_gateway(*words, DATABASE_URL_FILE=str(path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1 and "hidden" not in done.stderr
    assert f"--database-url-file (DATABASE_URL_FILE): {path}: " in done.stderr
    assert ("No such file" if content == "missing" else "first line is empty") in done.stderr

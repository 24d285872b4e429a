# SPDX-License-Identifier: MIT
"""Text of others never commands a terminal (HARDENING 1.15): neither C0 nor C1, which is U+0080 to U+009F in UTF-8, and on a terminal of
another encoding the byte alone, wherever it comes from: names in the database, words of PostgreSQL, arguments, another gateway."""
import contextlib
import os
import socket
import threading

import pytest

from harness.gateway import Operator
from harness.waiting import eventually

# Clears the screen, colours what follows, turns it round: as ESC [, as U+009B, as a byte, as bidirectional text.
HOSTILE = b"a\x1b[2Jb\xc2\x9b31mc\x9b31md\xe2\x80\xaee\x7ff"
HOSTILE_TEXT = HOSTILE.replace(b"\x9b31md", b"d", 2).decode("utf-8", "ignore")
FORBIDDEN = {*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), "\u202e"} - {"\n"}


def assert_harmless(shown):
    """Of bytes, so that nothing was replaced on the way here. Invalid UTF-8 is what a byte of C1 alone is."""
    assert not FORBIDDEN & set(shown.decode("utf-8")), shown


def names_in(value):
    """Every string of a document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from names_in(part)


@contextlib.contextmanager
def postgres_that_says(message):
    """Takes connections and refuses each with these words."""
    answer = b"SFATAL\0VFATAL\0C28000\0M" + message + b"\0\0"

    def refuse(connection):
        with connection, connection.makefile("rb") as stream:
            while len(head := stream.read(8)) == 8 and head[4:] in (b"\x04\xd2\x16\x2f", b"\x04\xd2\x16\x30"):
                connection.sendall(b"N")  # no TLS, no GSSAPI
            connection.sendall(b"E" + (len(answer) + 4).to_bytes(4, "big") + answer)

    def serve():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with contextlib.suppress(OSError):
                    refuse(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve)
        server.start()
        try:
            yield "postgresql://somebody@127.0.0.1:%d/any" % listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            server.join()


@pytest.mark.parametrize("command", [["migrate"], ["org", "create", "team"], ["token", "create", "--org", "team", "--name", "x"]],
                         ids=" ".join)
def test_words_of_postgresql_in_an_operator_command(command, tmp_path):
    with postgres_that_says(HOSTILE) as url:
        done = Operator(url, tmp_path).run_raw(*command)
    assert (done.returncode, done.stdout) == (3, b"")
    assert done.stderr.count(b"\n") == 1 and b"31mc" in done.stderr, "the words are told"
    assert_harmless(done.stderr)


def test_words_of_postgresql_in_the_log(start_gateway):
    with postgres_that_says(HOSTILE) as url:
        gateway = start_gateway(database_url=url, ready=False)
        eventually(lambda: "31mc" in gateway.log(), "did the log tell the words")
        gateway.stop()
    assert_harmless(gateway.log_path.read_bytes())


@pytest.mark.parametrize("arguments", [[b"--no-such-flag" + HOSTILE], [b"--environment", HOSTILE], [b"--listen-http=" + HOSTILE],
                                       [b"healthcheck", b"--listen-admin", HOSTILE], [b"org", b"create", b"--" + HOSTILE],
                                       [b"org", b"create", HOSTILE], [b"token", b"create", b"--org", b"x1", b"--name", HOSTILE],
                                       [b"--upstream", HOSTILE], [b"--tls-cert", HOSTILE, b"--tls-key", HOSTILE]],
                         ids=lambda arguments: b" ".join(arguments)[:20].decode("ascii", "ignore"))
def test_arguments_of_the_gateway(arguments, operator):
    done = operator.run_raw(*map(os.fsdecode, arguments))
    assert done.returncode != 0 and done.stderr
    assert_harmless(done.stdout + done.stderr)


@pytest.fixture
def named(new_org, postgres, gateway):
    """An organisation in which plain SQL gave everything a hostile name, and whose audit tells of it."""
    own = new_org("admin")
    identity = "cl" + own.slug.replace("-", "")
    postgres.query("update skillreg.organisation set name = %s where id = %s", (HOSTILE_TEXT, identity))
    postgres.query("update skillreg.api_token set name = %s where org_id = %s", (HOSTILE_TEXT, identity))
    assert gateway.request("POST", f"/api/v1/orgs/{own.slug}/tokens", own.admin, json_body={"name": "new"}).status == 201
    return own


@pytest.mark.parametrize("target", ["/auth/whoami", "/orgs/{slug}/tokens", "/orgs/{slug}/audit"])
def test_names_in_an_answer_that_curl_shows(target, named, gateway):
    answer = gateway.request("GET", "/api/v1" + target.format(slug=named.slug), named.admin)
    assert answer.status == 200 and HOSTILE_TEXT in {*names_in(answer.json())}
    assert_harmless(answer.body)


@pytest.mark.parametrize("arguments", [["whoami"], ["token", "list"], ["audit"]], ids=" ".join)
@pytest.mark.parametrize("as_json", [False, True], ids=["shown", "json"])
def test_names_that_the_command_line_shows(arguments, as_json, named, skillreg):
    done = skillreg(named).run_raw(*arguments, *["--json"] * as_json)
    assert done.returncode == 0 and b"31mc" in done.stdout, done
    assert_harmless(done.stdout + done.stderr)

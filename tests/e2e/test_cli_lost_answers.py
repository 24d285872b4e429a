# SPDX-License-Identifier: MIT
"""What makes a token is sent once by the transport, and once more by the command when its answer got lost: with the same
Idempotency-Key, and only where the gateway goes by it. Against a gateway of paper that hangs up, and the real one behind a door."""
import contextlib
import json
import re
import socket
import threading

import pytest

from harness.command_line import CommandLine
from harness.paper_gateway import SECRET, WHOAMI, ago, error
from harness.ports import free_port

TOKENS = ("POST", "/api/v1/orgs/acme/tokens")
ROTATE = ("POST", "/api/v1/orgs/acme/tokens/clx7f2k3a/rotate")
CREATED = {"id": "clx7f2k3a", "name": "ci-deploy", "prefix": SECRET[:12], "scopes": ["read", "write"], "createdAt": ago(),
           "lastUsedAt": None, "expiresAt": None, "token": SECRET}
ROTATED = {**CREATED, "id": "clx7f2k3z", "replaces": {"id": "clx7f2k3a", "expiresAt": "2100-01-02T03:04:05.678Z"}}
OF_TODAY = {**WHOAMI, "token": {**WHOAMI["token"], "selfRotate": False}}
CREATE_WORDS, ROTATE_WORDS = ["token", "create", "--name", "ci-deploy"], ["token", "rotate", "clx7f2k3a"]
both = pytest.mark.parametrize("route, answer, words", [(TOKENS, CREATED, CREATE_WORDS), (ROTATE, ROTATED, ROTATE_WORDS)],
                               ids=["create", "rotate"])


@pytest.fixture
def stub(stub):
    """Of today: it goes by the key of a creation."""
    stub.server.handle_error = lambda *_: None
    stub.answers["GET", "/api/v1/auth/whoami"] = (200, OF_TODAY)
    return stub


@pytest.fixture
def cli(stub, tmp_path):
    return CommandLine(tmp_path, url=stub.url, token=SECRET)


def posts(stub):
    return [request for request in stub.requests if request.command == "POST"]


def hang_up(request):
    request.connection.shutdown(socket.SHUT_RDWR)
    return 200, b""


WHAT_TO_DO = {
    "created": "skillreg token list shows it; its secret is lost then, so revoke it",
    "rotated": "skillreg token list shows its successor, whose secret is lost then; revoke the successor and rotate again"}


def may_have_been(done, word):
    note, line = done.stderr.splitlines()
    return (note == f"skillreg: note: the token may have been {word} all the same: {WHAT_TO_DO[word]}"
            and line.startswith("skillreg: no answer from "))


@both
def test_a_key_of_its_own_goes_with_each(route, answer, words, stub, cli):
    stub.answers[route] = (201, answer)
    cli.must(*words)
    cli.must(*words)
    keys = [request.headers["Idempotency-Key"] for request in posts(stub)]
    assert all(re.fullmatch("[0-9a-f]{32}", key) for key in keys) and len(set(keys)) == 2
    assert all(request.headers["Idempotency-Key"] is None for request in stub.requests if request.command == "GET")


@both
def test_after_a_lost_answer_it_is_sent_again_with_the_same_key(route, answer, words, stub, cli):
    stub.answers[route] = lambda request: hang_up(request) if len(posts(stub)) == 1 else (201, answer)
    done = cli.run(*words)
    assert (done.returncode, done.stderr) == (0, "") and f"  Token:  {SECRET}\n" in done.stdout
    first, second = posts(stub)
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    assert (first.path, first.body) == (second.path, second.body)


@both
def test_a_second_lost_answer_is_3_and_says_what_may_have_happened(route, answer, words, stub, cli):
    stub.answers[route] = hang_up
    done = cli.run(*words)
    assert (done.returncode, done.stdout) == (3, "")
    assert may_have_been(done, "created" if route is TOKENS else "rotated")
    assert len(posts(stub)) == 2


@both
def test_the_transport_repeats_nothing_on_a_kept_connection(route, answer, words, stub, cli):
    """whoami leaves a connection open; libcurl would repeat by itself what is sent on it, and there would be three."""
    stub.answers[route] = hang_up
    connections = {}
    answer_whoami = stub.answers["GET", "/api/v1/auth/whoami"]

    def whoami(request):
        connections.setdefault(request.client_address, []).append("GET")
        return answer_whoami

    def post(request):
        connections.setdefault(request.client_address, []).append("POST")
        return hang_up(request)

    stub.answers["GET", "/api/v1/auth/whoami"], stub.answers[route] = whoami, post
    cli.run(*words)
    assert sorted(map(tuple, connections.values())) == [("GET",) * (2 if route is TOKENS else 1), ("POST",), ("POST",)]


def test_a_gateway_that_may_not_go_by_the_key_of_a_creation_is_asked_once(stub, cli):
    stub.answers["GET", "/api/v1/auth/whoami"] = (200, WHOAMI)
    stub.answers[TOKENS] = hang_up
    done = cli.run(*CREATE_WORDS)
    assert (done.returncode, done.stdout) == (3, "") and may_have_been(done, "created")
    assert len(posts(stub)) == 1


@both
def test_a_refused_connection_has_made_nothing(route, answer, words, cli):
    cli.settings |= {"SKILLREG_URL": f"http://127.0.0.1:{free_port()}", "SKILLREG_ORG": "acme"}
    done = cli.run(*words)
    assert done.returncode == 3 and "may have been" not in done.stderr and "Connection refused" in done.stderr


@pytest.mark.parametrize("status", [502, 504])
def test_what_a_proxy_on_the_way_answers_says_nothing_of_what_was_done(status, stub, cli):
    stub.answers[TOKENS] = (status, b"<h1>gateway</h1>")
    done = cli.run(*CREATE_WORDS)
    assert done.returncode == 9 and "the token may have been created all the same" in done.stderr
    assert len(posts(stub)) == 1


def test_a_refusal_has_made_nothing(stub, cli):
    stub.answers[TOKENS] = (422, error("validation_failed", "name must be 1 to 100 characters."))
    assert "may have been" not in cli.run(*CREATE_WORDS).stderr


def test_with_json_the_error_stays_the_last_line(stub, cli):
    stub.answers[TOKENS] = hang_up
    *_, line = cli.run(*CREATE_WORDS, "--json").stderr.splitlines()
    assert json.loads(line)["error"]["code"] == "unreachable"


# ---- the real gateway ----

class Thief:
    """A TCP address in front of a gateway that keeps the first answer to a POST for itself."""

    def __init__(self, port):
        self.port_behind, self.stolen = port, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                with near, socket.create_connection(("127.0.0.1", self.port_behind)) as far, contextlib.suppress(OSError):
                    self.pass_on(near, far)

    def pass_on(self, near, far):
        """One request, whose body came with its head, and its answer; then the connection ends."""
        request = near.recv(65536)
        if request.startswith(b"POST") and not request.partition(b"\r\n\r\n")[2]:
            request += near.recv(65536)
        far.sendall(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
        answer = b"".join(iter(lambda: far.recv(65536), b""))
        if request.startswith(b"POST") and not self.stolen:
            self.stolen.append(json.loads(answer.partition(b"\r\n\r\n")[2]))
        else:
            near.sendall(answer)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()


@pytest.fixture
def thief(gateway):
    with contextlib.closing(Thief(int(gateway.http_url.rpartition(":")[2]))) as own:
        yield own


def is_live(gateway, secret):
    status = gateway.request("GET", "/api/v1/auth/whoami", secret).status
    assert status in (200, 401)
    return status == 200


@pytest.mark.parametrize("org", [True, False], ids=["organisation given", "organisation asked for"])
def test_a_creation_whose_answer_was_lost_leaves_one_live_token(org, gateway, thief, new_org, tmp_path):
    own = new_org("admin")
    command_line = CommandLine(tmp_path, url=thief.url, token=own.admin, org=own.slug if org else None)
    made = json.loads(command_line.must("token", "create", "--name", "ci-deploy", "--json"))
    lost, = thief.stolen
    assert lost["id"] != made["id"] and lost["name"] == "ci-deploy"
    assert (is_live(gateway, lost["token"]), is_live(gateway, made["token"])) == (False, True)
    listed = gateway.request("GET", f"/api/v1/orgs/{own.slug}/tokens", own.admin).json()["tokens"]
    assert [token["id"] for token in listed if token["name"] == "ci-deploy"] == [made["id"]]


def test_a_rotation_whose_answer_was_lost_leaves_one_live_successor(gateway, thief, new_org, tmp_path):
    own = new_org("admin")
    old = gateway.request("POST", f"/api/v1/orgs/{own.slug}/tokens", own.admin, json_body={"name": "ci-deploy"}).json()
    command_line = CommandLine(tmp_path, url=thief.url, token=own.admin, org=own.slug)
    made = json.loads(command_line.must("token", "rotate", old["id"], "--overlap", "0", "--json"))
    lost, = thief.stolen
    assert [is_live(gateway, token["token"]) for token in (old, lost, made)] == [False, False, True]

# SPDX-License-Identifier: MIT
"""What a token has under way when it ends: uploads and downloads that the client or the registry draws out, on two gateways, and
one change. They break off on both within a second, and nobody takes what came until then for all of it. Those of
other tokens, and those that the token still may, go on to their end."""
import contextlib
import itertools
import ssl
import threading
import time

import pytest

from harness.cable import Cable
from harness.fleet import TOKENS, Fleet, status_of
from harness.gateway import Gateway
from harness.http_client import assert_error_shape, bearer, format_request
from harness.upstream import Upstream
from harness.waiting import PATIENCE_S, assert_soon, eventually

PROMISE_S = 1.0
PART = b"0123456789"
WHOLE_BYTES = 4 * len(PART)
numbers = itertools.count(1)


class Registry(Upstream):
    """Takes uploads as they come; of a download it sends a part, and the rest when the test says so."""

    def __init__(self):
        super().__init__()
        self.behave(self._serve_slowly)
        self._gates = {}

    def gate(self, target):
        return self._gates.setdefault(target, threading.Event())

    def _serve_slowly(self, exchange):
        request = exchange.request
        exchange.read_body()
        if request.method != "GET":
            exchange.reply(200, body=b"taken")
            return
        length = b"" if "until-close" in request.target else b"Content-Length: %d\r\n" % WHOLE_BYTES
        exchange.send(b"HTTP/1.1 200 OK\r\n%s\r\n%s" % (length, PART))
        assert self.gate(request.target).wait(PATIENCE_S)
        exchange.send(PART * 3)
        if not length:
            exchange.close()

    def request_for(self, target):
        return self.wait_until(lambda own: next((one for one in own.requests if one.target == target), None), target)


class Transfer:
    """Half of one, held there."""

    def __init__(self, gateway, registry, secret, org="acme", tls=False):
        self.registry = registry
        self.target = self.make_target(org)
        self.connection = gateway.connect_tls() if tls else gateway.connect()
        if tls:
            self.connection.socket.suppress_ragged_eofs = False  # an end without close_notify is none
        self.begin(secret)

    def close(self):
        self.connection.close()


class Upload(Transfer):
    def make_target(self, org):
        return f"/api/v1/orgs/{org}/skills/up-{next(numbers)}/versions"

    def begin(self, secret):
        self.connection.send(format_request("POST", self.target, [*bearer(secret), ("Content-Length", str(WHOLE_BYTES))]))
        self.connection.send(PART)
        self.request = self.registry.request_for(self.target)
        self.registry.wait_until(lambda _: self.request.body == PART, "the first part")

    def finish(self):
        self.connection.send(PART * 3)
        assert self.connection.read_response("POST").body == b"taken"
        assert self.request.is_complete and self.request.body == PART * 4

    def wait_for_end(self):
        self.response = self.connection.read_response("POST")

    def assert_ended(self, status=401, code="invalid_token"):
        """Told why, and at the registry it is no request."""
        assert (self.response.status, self.response.error_code) == (status, code)
        assert self.response.says_close
        assert_error_shape(self.response)
        self.connection.assert_closed()
        self.registry.wait_until(lambda _: self.request.is_aborted, "the end of it")
        assert not self.request.is_complete


class Download(Transfer):
    version = b"1.1"
    fields = []

    def make_target(self, org):
        return f"/api/v1/orgs/{org}/skills/down-{next(numbers)}"

    def begin(self, secret):
        self.connection.send(b"GET %s HTTP/%s\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n"
                             % (self.target.encode(), self.version, secret.encode()))
        while PART not in self.connection.buffer:
            assert self.connection.fill()
        assert self.connection.buffer.startswith(b"HTTP/1.1 200 ")
        self.was_broken = False

    def finish(self):
        self.registry.gate(self.target).set()
        assert self.connection.read_response().body == PART * 4

    def wait_for_end(self):
        try:
            while data := self.connection.socket.recv(65536):
                self.connection.buffer += data
        except (ConnectionResetError, ssl.SSLEOFError):
            self.was_broken = True

    def assert_ended(self, *_):
        """Nothing in the frame, nor in how the connection ended, says that it is whole."""
        assert self.was_broken
        assert self.connection.buffer.endswith(PART)
        self.registry.gate(self.target).set()


class DownloadUntilClose(Download):
    """As a client gets it that knows no other end than that of the connection."""
    version = b"1.0"

    def make_target(self, org):
        return super().make_target(org) + "/until-close"


@pytest.fixture(scope="module")
def registry():
    own = Registry()
    yield own
    own.stop()


@pytest.fixture(scope="module")
def fleet(postgres, registry, tmp_path_factory):
    own = Fleet(postgres, "transfers", tmp_path_factory.mktemp("transfers"))
    try:
        # What they know they keep, unless they are told.
        own.start(2, "--cache-ttl", "1h", upstream=registry.url)
        yield own
    finally:
        own.stop()


@pytest.fixture
def gateways(fleet):
    assert all(gateway.process.is_running() for gateway in fleet.gateways)
    fleet.wait_until_heard(2)
    return fleet.gateways


@pytest.fixture
def begin(registry):
    """Begins transfers, and closes them."""
    with contextlib.ExitStack() as stack:
        def start(kind, gateway, secret, **options):
            return stack.enter_context(contextlib.closing(kind(gateway, registry, secret, **options)))
        yield start


@pytest.fixture
def begin_both(begin):
    """One up and one down on each gateway."""
    def start(gateways, secret, **options):
        return [begin(kind, gateway, secret, **options) for gateway in gateways for kind in (Upload, Download)]
    return start


def end_of(transfers, change, *how):
    """After how long all of them have ended, `how` they should."""
    began = time.monotonic()
    change()
    for transfer in transfers:
        transfer.wait_for_end()
    took = time.monotonic() - began
    for transfer in transfers:
        transfer.assert_ended(*how)
    return took


def finish(transfers):
    for transfer in transfers:
        transfer.finish()


# ---- what ends them -------------------------------------------------------------------------------------------------

def test_a_revoke_ends_them_on_every_gateway(fleet, gateways, begin_both):
    ended = [gateway.metric("transfers_ended_total") for gateway in gateways]
    revoked = []

    def attempt():
        token, other = fleet.create_token(gateways[0]), fleet.create_token(gateways[0])
        ending, going_on = begin_both(gateways, token["token"]), begin_both(gateways, other["token"])
        took = end_of(ending, lambda: fleet.revoke(gateways[0], token))
        finish(going_on)
        revoked.append(token)
        return took

    assert_soon(attempt, PROMISE_S)
    for gateway, before in zip(gateways, ended):
        assert gateway.metric("transfers_ended_total") - before == 2 * len(revoked)
        for token in revoked:
            line = gateway.process.wait_for_line(f"transfers ended token={token['id']} (?P<rest>.*)")
            assert line["rest"] == "count=2 reason=invalid_token"


def test_a_revoke_by_hand_in_the_database_does_too(fleet, gateways, begin_both):
    def attempt():
        token = fleet.create_token(gateways[0])
        return end_of(begin_both(gateways, token["token"]), lambda: fleet.revoke_by_hand(token))

    assert_soon(attempt, PROMISE_S)


def test_a_token_that_gives_itself_up_is_answered_and_what_it_has_under_way_ends(fleet, gateways, begin_both):
    """Also where it waits until all have heard, which is after the news of itself."""
    for query in ("", "?wait=30s"):
        token = fleet.create_token(gateways[0])
        answers = []
        end_of(begin_both(gateways, token["token"]), lambda: answers.append(
            gateways[0].request("DELETE", "/api/v1/auth/token" + query, token["token"])))
        assert answers[0].status == 200, answers[0].body


def test_a_rotation_without_overlap_ends_them(fleet, gateways, begin_both):
    def attempt():
        token = fleet.create_token(gateways[0])
        made = []
        took = end_of(begin_both(gateways, token["token"]), lambda: made.append(gateways[0].request(
            "POST", f"{TOKENS}/{token['id']}/rotate", fleet.admin, json_body={"overlapSeconds": 0})))
        assert made[0].status == 201, made[0].body
        finish(begin_both(gateways, made[0].json()["token"]))
        return took

    assert_soon(attempt, PROMISE_S)


def test_the_end_of_its_organisation_ends_them(fleet, gateways, begin_both):
    fleet.operator.create_org("passing")
    token = fleet.operator.create_token("passing", "guest", "write")["token"]
    other = fleet.operator.create_token("passing", "other guest", "write")["token"]
    stays = begin_both(gateways, fleet.create_token(gateways[0])["token"])

    def attempt():
        ending = begin_both(gateways, token, org="passing") + begin_both(gateways, other, org="passing")
        took = end_of(ending, lambda: fleet.query(
            "update skillreg.organisation set deleted_at = now() where slug = 'passing'"))
        fleet.query("update skillreg.organisation set deleted_at = null where slug = 'passing'")
        eventually(lambda: {status_of(gateway, secret) for gateway in gateways for secret in (token, other)} == {200},
                   "did it come back")
        return took

    assert_soon(attempt, PROMISE_S)
    finish(stays)


def test_a_narrowed_scope_ends_what_needs_it(fleet, gateways, begin):
    def attempt():
        token = fleet.create_token(gateways[0])
        up = [begin(Upload, gateway, token["token"]) for gateway in gateways]
        down = [begin(Download, gateway, token["token"]) for gateway in gateways]
        took = end_of(up, lambda: fleet.query("update skillreg.api_token set scopes = 1 where id = %s", (token["id"],)),
                      403, "insufficient_scope")
        finish(down)
        return took

    assert_soon(attempt, PROMISE_S)


def test_a_change_through_a_gateway_ends_them_too(fleet, gateways, begin):
    def attempt():
        token = fleet.create_token(gateways[0])
        up = [begin(Upload, gateway, token["token"]) for gateway in gateways]
        return end_of(up, lambda: gateways[0].request("PATCH", f"{TOKENS}/{token['id']}", fleet.admin,
                                                      json_body={"scopes": ["read"]}),
                      403, "insufficient_scope")

    assert_soon(attempt, PROMISE_S)


def test_narrowed_addresses_end_what_comes_from_elsewhere(fleet, gateways, begin_both):
    def attempt():
        token = fleet.create_token(gateways[0])
        transfers = begin_both(gateways, token["token"])
        fleet.query("update skillreg.api_token set allowed_ips = '{127.0.0.0/8}' where id = %s", (token["id"],))
        took = end_of(transfers, lambda: fleet.query(
            "update skillreg.api_token set allowed_ips = '{192.0.2.0/24}' where id = %s", (token["id"],)),
            403, "address_not_allowed")
        return took

    assert_soon(attempt, PROMISE_S)


@pytest.mark.parametrize("kind", [Upload, Download])
def test_over_tls_they_end_too(fleet, registry, begin, certificate, kind):
    gateway, = fleet.start(1, certificate=certificate, upstream=registry.url)
    token = fleet.create_token(gateway)
    transfer = begin(kind, gateway, token["token"], tls=True)
    end_of([transfer], lambda: fleet.revoke(gateway, token))
    gateway.stop()
    fleet.gateways.remove(gateway)


def test_a_download_that_only_a_close_would_end_is_reset(fleet, gateways, begin):
    token = fleet.create_token(gateways[0])
    end_of([begin(DownloadUntilClose, gateways[0], token["token"])], lambda: fleet.revoke(gateways[0], token))


# ---- the end of the token itself ------------------------------------------------------------------------------------

@pytest.fixture
def clocked(fleet, registry, wall_clock):
    """A gateway with a clock of its own."""
    gateway, = fleet.start(1, upstream=registry.url, env=wall_clock.env)
    yield gateway
    gateway.stop()
    fleet.gateways.remove(gateway)


def test_what_a_token_has_under_way_ends_when_it_expires(fleet, clocked, wall_clock, begin_both):
    offset = 0

    def attempt():
        nonlocal offset
        # What is told to the database's clock is an hour after ours.
        token = fleet.create_token(clocked)
        fleet.query("update skillreg.api_token set expires_at = now() + make_interval(secs => %s) where id = %s",
                    (offset + 3600, token["id"]))
        eventually(lambda: "SkillReg-Token-Expires" in dict(clocked.request("GET", "/api/v1/auth/whoami", token["token"]).fields),
                   "was the end heard of")
        transfers = begin_both([clocked], token["token"])
        offset += 3601
        return end_of(transfers, lambda: wall_clock.move_to(offset))

    assert_soon(attempt, PROMISE_S)


def test_after_a_rotation_they_go_on_until_the_end_of_the_overlap(fleet, clocked, wall_clock, begin_both):
    token = fleet.create_token(clocked)
    transfers, finishing = begin_both([clocked], token["token"]), begin_both([clocked], token["token"])
    answer = clocked.request("POST", f"{TOKENS}/{token['id']}/rotate", fleet.admin, json_body={"overlapSeconds": 3600})
    assert answer.status == 201, answer.body
    finish(finishing)
    end_of(transfers, lambda: wall_clock.move_to(3601))


# ---- what does not end them -----------------------------------------------------------------------------------------

def test_while_the_database_is_away_they_go_on(fleet, gateways, begin_both):
    token, other = fleet.create_token(gateways[0]), fleet.create_token(gateways[0])
    ending, going_on = begin_both(gateways, token["token"]), begin_both(gateways, other["token"])
    with fleet.outage():
        for gateway in gateways:
            eventually(lambda: not gateway.has_database(), "was the outage noticed")
        finish(going_on)
    end_of(ending, lambda: fleet.revoke_by_hand(token))


@pytest.fixture
def cabled(fleet, registry):
    """A gateway that hears the log whatever happens to its cable, through which it asks."""
    cable = Cable(fleet.postgres)
    gateway = Gateway(fleet.directory, "cabled", database_url=cable.url_of(fleet.name), upstream=registry.url,
                      env={"GATEWAY_DATABASE_EVENTS_URL": fleet.database_url})
    try:
        yield gateway.wait_until_ready(), cable
        cable.mend()
        gateway.stop()
    finally:
        gateway.kill()
        cable.close()


def test_what_cannot_be_known_ends_nothing_until_it_can(fleet, cabled, begin):
    """It hears that the token has changed, and cannot ask what it may now."""
    gateway, cable = cabled
    token = fleet.create_token(gateway)
    early, late = (begin(Upload, gateway, token["token"]) for _ in range(2))
    down = begin(Download, gateway, token["token"])
    asked = gateway.metric("cache_misses_total")
    cable.cut()
    fleet.query("update skillreg.api_token set scopes = 1 where id = %s", (token["id"],))
    eventually(lambda: gateway.metric("cache_misses_total") >= asked + 2, "was it asked for again")
    early.finish()
    end_of([late], cable.mend, 403, "insufficient_scope")
    down.finish()


def test_a_change_that_takes_nothing_away_ends_nothing(fleet, gateways, begin_both):
    token, later = fleet.create_token(gateways[0]), fleet.create_token(gateways[0])
    transfers = begin_both(gateways, token["token"])
    fleet.query("update skillreg.api_token set name = 'renamed' where id = %s", (token["id"],))
    assert fleet.revoke(gateways[0], later, wait="30s").json()["gateways"] == 2, "who heard that has heard the other"
    finish(transfers)


def test_who_wants_them_kept_keeps_them(fleet, registry, begin_both):
    gateway, = fleet.start(1, "--keep-transfers", upstream=registry.url)
    token = fleet.create_token(gateway)
    transfers = begin_both([gateway], token["token"])
    assert fleet.revoke(gateway, token, wait="30s").status == 200
    assert status_of(gateway, token["token"]) == 401
    finish(transfers)
    assert gateway.metric("transfers_ended_total") == 0
    gateway.stop()
    fleet.gateways.remove(gateway)


# ---- a log that does not tell ---------------------------------------------------------------------------------------

def test_after_a_gap_in_the_log_they_are_asked_for(fleet, gateways, begin_both):
    """As when a backup is restored: no event tells of the revocation, and what was known is believed no longer."""
    token, other = fleet.create_token(gateways[0]), fleet.create_token(gateways[0])
    ending, going_on = begin_both(gateways, token["token"]), begin_both(gateways, other["token"])
    end_of(ending, lambda: fleet.revoke_unheard(token))
    assert [status_of(gateway, token["token"]) for gateway in gateways] == [401, 401]
    finish(going_on)

# SPDX-License-Identifier: MIT
"""A registry with several addresses (HARDENING 3.6): which of them is asked, and what becomes of one that fails."""
import contextlib
import socket
import threading

import pytest

from harness import binaries
from harness.http_client import Connection, assert_error_shape, bearer, format_request
from harness.process import clean_environment, run
from harness.waiting import PATIENCE_S, eventually

PUBLIC = "/api/v1/public/skills"
FAILURES = 3  # GW_UPSTREAM_FAILURES_MAX


@pytest.fixture
def pair(start_upstream):
    return start_upstream(), start_upstream()


def count_requests(stubs):
    return [len(stub.requests) for stub in stubs]


def get(gateway, times=1):
    for _ in range(times):
        assert gateway.request("GET", PUBLIC).status == 200


@pytest.mark.parametrize("separator", [None, ",", " ", " ,\n"], ids=["repeated", "comma", "space", "both"])
def test_requests_go_to_each_address(separator, pair, start_gateway):
    urls = [stub.url for stub in pair]
    if separator is None:
        own = start_gateway("--upstream", urls[1], upstream=urls[0])
    else:
        own = start_gateway(env={"GATEWAY_UPSTREAM": separator.join(urls)})
    get(own, 6)
    assert count_requests(pair) == [3, 3]
    for stub in pair:
        assert stub.wait_for_request().get("Host") == "%s:%d" % stub.address


def test_flags_take_the_place_of_the_variable(pair, start_gateway):
    own = start_gateway(upstream=pair[0].url, env={"GATEWAY_UPSTREAM": pair[1].url})
    get(own, 4)
    assert count_requests(pair) == [4, 0]


def test_slow_address_gets_less(pair, start_gateway):
    own = start_gateway("--upstream", pair[1].url, upstream=pair[0].url)
    go_on = threading.Event()
    pair[0].behave(lambda exchange: (go_on.wait(PATIENCE_S), exchange.reply(200)))
    with own.connect() as waiting:
        waiting.send(format_request("GET", PUBLIC))
        pair[0].wait_until(lambda stub: stub.requests, "the first request")
        get(own, 10)
        assert count_requests(pair) == [1, 10]
        go_on.set()
        assert waiting.read_response().status == 200


def test_address_that_dies_is_left_out_and_comes_back(pair, start_gateway, start_upstream):
    dead, alive = pair
    own = start_gateway("--upstream", alive.url, upstream=dead.url)
    get(own, 2)
    dead.stop()
    get(own, 20)
    assert own.metric("upstreams_ejected") == 1
    assert own.metric("upstream_failures_total") == 0
    back = start_upstream(port=dead.address[1])

    def is_back():
        get(own)
        return back.requests
    eventually(is_back, "did requests go to the address that came back")
    assert own.metric("upstreams_ejected") == 0
    address = "%s:%d" % dead.address
    own.process.wait_for_line(f"answers again address={address}")
    lines = own.log().splitlines()
    assert len([line for line in lines if "left out for a while" in line and address in line]) == 1


def test_address_that_is_silent_is_left_out(pair, start_gateway):
    """Each request that it was given fails; then there are no more of them."""
    own = start_gateway("--upstream", pair[1].url, "--upstream-timeout", "1s", upstream=pair[0].url)
    pair[0].behave(lambda exchange: exchange.wait_for_close())
    with_failures = [own.request("GET", PUBLIC).status for _ in range(2 * FAILURES)]
    assert sorted(with_failures) == [200] * FAILURES + [504] * FAILURES
    assert own.metric("upstreams_ejected") == 1


def test_answers_of_the_registry_are_no_failures(pair, start_gateway):
    own = start_gateway("--upstream", pair[1].url, upstream=pair[0].url)
    for stub in pair:
        stub.behave(lambda exchange: exchange.reply(503))
    for _ in range(4 * FAILURES):
        assert own.request("GET", PUBLIC).status == 503
    assert own.metric("upstreams_ejected") == 0
    assert count_requests(pair) == [2 * FAILURES] * 2


def test_gateway_without_descriptors_blames_no_address(pair, start_gateway):
    own = start_gateway("--upstream", pair[1].url, upstream=pair[0].url, wrapper=["prlimit", "--nofile=60:60"])
    for stub in pair:  # the gateway closes then, and has its descriptor back before it takes another request
        stub.behave(lambda exchange: (exchange.reply(200, [("Connection", "close")]), exchange.close()))
    with Connection(own.http, source="127.0.0.2") as first:  # an address with few: it makes no room
        assert first.request("GET", PUBLIC).status == 200
        crowd = []  # those it cannot keep it closes, so somebody has to want what comes free

        def runs_out():
            for _ in range(1 if crowd else 120):
                crowd.append(own.connect())
                crowd[-1].send_ignoring_refusal(b"GET ")  # a request that has begun makes no room either
            return first.request("GET", PUBLIC).status == 503

        eventually(runs_out, "did it run out of descriptors")
        for _ in range(2 * FAILURES):
            response = first.request("GET", PUBLIC)
            assert (response.status, response.error_code) == (503, "unavailable")
            assert_error_shape(response)
        for connection in crowd:
            connection.close()
        eventually(lambda: first.request("GET", PUBLIC).status == 200, "was there room again")
    assert "left out" not in own.log()


def test_last_address_is_never_left_out(pair, start_gateway, start_upstream):
    own = start_gateway("--upstream", pair[1].url, upstream=pair[0].url)
    for stub in pair:
        stub.stop()
    for _ in range(4 * FAILURES):
        response = own.request("GET", PUBLIC)
        assert (response.status, response.error_code) == (502, "upstream_failed")
        assert_error_shape(response)
    assert own.metric("upstreams_ejected") == 1
    start_upstream(port=pair[1].address[1])
    start_upstream(port=pair[0].address[1])
    get(own)


def test_host_that_vanishes_costs_the_time_to_connect(pair, start_gateway):
    """Its connections are half open, and the time for an answer is longer than this test may take."""
    gone, alive = pair
    own = start_gateway("--upstream", alive.url, "--upstream-connect-timeout", "1s", "--upstream-timeout", "1h", upstream=gone.url)
    go_on = threading.Event()
    for stub in pair:
        stub.behave(lambda exchange: (go_on.wait(PATIENCE_S), exchange.reply(200)))
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(own.connect()) for _ in range(16)]
        for client in clients:
            client.send(format_request("GET", PUBLIC))
        for stub in pair:
            stub.wait_until(lambda stub: len(stub.requests) == 8, "half of the requests")
        go_on.set()
        assert [client.read_response().status for client in clients] == [200] * 16
        gone.vanish()
        for client in clients:
            client.send(format_request("GET", PUBLIC))
        assert [client.read_response().status for client in clients] == [200] * 16
    assert own.metric("upstream_failures_total") == 0
    assert len(alive.requests) > len(gone.requests)


def test_only_host_that_vanishes_is_a_timeout(start_gateway, start_upstream):
    """A request that may not be sent twice ends, and so does one that has nowhere to go."""
    stub = start_upstream()
    own = start_gateway("--upstream-connect-timeout", "1s", "--upstream-timeout", "1h", upstream=stub.url)
    get(own)
    stub.vanish()
    for _ in range(2):
        response = own.request("GET", PUBLIC)
        assert (response.status, response.error_code) in [(504, "upstream_timeout"), (502, "upstream_failed")]
        assert_error_shape(response)


def test_request_that_met_a_dying_connection_goes_elsewhere(pair, start_gateway):
    own = start_gateway("--upstream", pair[1].url, upstream=pair[0].url)
    get(own, 2)
    seen = [stub.connections_total for stub in pair]
    pair[0].behave(lambda exchange: exchange.reset())
    get(own)
    assert [stub.connections_total for stub in pair] == [seen[0], seen[1] + 1]


class BlackHole:
    """An address that swallows connections: one that nobody accepts fills its queue, and Linux drops what comes then."""

    def __init__(self, host, port=0):
        self.listener = socket.create_server((host, port), backlog=0)
        self.address = self.listener.getsockname()
        self.filler = socket.create_connection(self.address)

    @property
    def url(self):
        return "http://%s:%d" % self.address

    def close(self):
        self.filler.close()
        self.listener.close()


@pytest.fixture
def black_holes():
    holes = [BlackHole(f"127.0.0.{number}") for number in range(2, 12)]
    yield holes
    for hole in holes:
        hole.close()


def test_address_that_swallows_connections_costs_no_request(black_holes, start_gateway, start_upstream):
    stub = start_upstream()
    own = start_gateway("--upstream", stub.url, "--upstream-connect-timeout", "1s", upstream=black_holes[0].url)
    while own.metric("upstreams_ejected") == 0:
        get(own)
    assert own.metric("upstream_connects_total") == FAILURES + 1
    get(own, FAILURES)


def test_many_addresses_that_swallow_connections_take_no_longer_than_two(black_holes, start_gateway):
    """An attempt takes a second at least, all of them two seconds, and there is the tick at which they end."""
    own = start_gateway("--upstream-connect-timeout", "1s", upstream=" ".join(hole.url for hole in black_holes))
    response = own.request("GET", PUBLIC)
    assert (response.status, response.error_code) == (504, "upstream_timeout")
    assert_error_shape(response)
    assert 2 <= own.metric("upstream_connects_total") <= 4
    own.process.wait_for_line("could not connect in time")


def test_upload_is_not_lost_to_a_dead_address(pair, start_gateway, acme):
    own = start_gateway("--upstream", pair[1].url, upstream=pair[0].url)
    pair[0].stop()
    with own.connect() as connection:
        for _ in range(4):
            response = connection.request("POST", f"/api/v1/orgs/{acme.slug}/skills", bearer(acme.write), b"x" * 300000)
            assert response.status == 200
    assert [len(request.body) for request in pair[1].requests] == [300000] * 4


@pytest.mark.parametrize("flags, said", [
    (["--upstream", "registry:8080"], r'value="registry:8080" reason="it must start with http'),
    (["--upstream", "http://a,http://b/api"], r'value="http://b/api" reason="a path, query or fragment is not supported"'),
    (["--upstream", "http://a", "--upstream", "http://a"], r'value="http://a" reason="it is there twice"'),
    (["--upstream", "http://a:99999"], r'value="http://a:99999" reason="the port must be 1 to 65535"'),
    (["--upstream", " , "], 'reason="there is no address in it"'),
    (["--upstream", " ".join(f"http://h{i}" for i in range(17))], r'value="http://h16" reason="there are too many of them"'),
])
def test_mistake_is_one_clear_line(flags, said, postgres, tmp_path):
    done = run([binaries.find("skillreg-gateway"), "--listen-http", "127.0.0.1:0", "--listen-https", "off",
                "--listen-admin", "off", *flags], cwd=tmp_path, env=clean_environment(DATABASE_URL=postgres.url))
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if " error " in line]
    assert len(lines) == 1 and "cannot use --upstream" in lines[0] and said in lines[0], done.stderr


def test_name_with_two_addresses(start_gateway, start_upstream):
    """localhost is ::1 and 127.0.0.1 where there is IPv6; the registry is at the second only."""
    stub = start_upstream()
    if not any(address[4][0] == "::1" for address in socket.getaddrinfo("localhost", None)):
        pytest.skip("localhost has no IPv6 address")
    own = start_gateway(upstream="http://localhost:%d" % stub.address[1])
    get(own, 10)
    assert own.metric("upstream_failures_total") == 0
    assert own.metric("upstreams_ejected") == 1

# SPDX-License-Identifier: MIT
"""The keys of issuers, fetched through an HTTP proxy that the environment names: it opens a tunnel, refuses, stalls, talks too long.
TLS is between the gateway and the issuer, and what a proxy is told stays out of the log."""
import base64
import os

import pytest

from harness.by_file import run_gateway
from harness.connect_proxy import ConnectProxy, answer, flood, hang_up, stall
from harness.fleet import Fleet
from harness.gateway import Gateway
from harness.issuer import AUDIENCE, DISCOVERY, KEYS, Issuer
from harness.ports import free_port
from harness.waiting import eventually

IN_USE = "keys of an issuer in use issuer=ci version=1 "
FAILED = "cannot fetch the keys of an issuer"
SECRET = "swordfish"


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    own = Issuer(tmp_path_factory.mktemp("issuer"))
    yield own
    own.stop()


@pytest.fixture
def proxy():
    own = ConnectProxy()
    yield own
    own.stop()


@pytest.fixture
def fleet(postgres, request, tmp_path, issuer):
    issuer.reset()
    own = Fleet(postgres, f"proxy_{request.node.name.partition('[')[0][-40:]}_{os.getpid()}", tmp_path)
    yield own
    own.stop()
    postgres.query(f"drop database {own.name} with (force)")


def flag(issuer):
    return "--oidc-issuer", f"ci={issuer.url},kind=generic,audience={AUDIENCE},ca={issuer.ca}"


def start(fleet, issuer, **environment):
    own, = fleet.start(1, *flag(issuer), env=environment)
    return own


def wait_for_keys(own):
    eventually(lambda: IN_USE in own.log(), lambda: f"did it use them:\n{own.log()}")


def wait_for_failure(own, problem):
    eventually(lambda: FAILED in own.log(), lambda: f"did it fail:\n{own.log()}")
    line, = [line for line in own.log().splitlines() if FAILED in line]
    assert f'issuer=ci reason="{problem}"' in line


def target(issuer):
    return issuer.url.partition("://")[2]


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy"])
def test_keys_come_through_the_tunnel(variable, fleet, issuer, proxy):
    own = start(fleet, issuer, **{variable: proxy.url})
    wait_for_keys(own)
    assert proxy.targets() == [target(issuer)], "discovery and keys share it"
    assert proxy.tunnels == 1 and (issuer.fetches(DISCOVERY), issuer.fetches(KEYS)) == (1, 1)
    for request in proxy.requests:
        assert request.method == "CONNECT" and request.all("host") == [target(issuer)]
        assert request.get("proxy-authorization") is None and request.get("authorization") is None
    assert f"keys of issuers are fetched through a proxy proxy={proxy.name}" in own.log()


def test_a_name_and_a_password_go_to_the_proxy_alone(fleet, issuer):
    proxy = ConnectProxy(user=f"gateway:{SECRET}%40")
    try:
        own = start(fleet, issuer, HTTPS_PROXY=proxy.url)
        wait_for_keys(own)
        expected = "Basic " + base64.b64encode(f"gateway:{SECRET}@".encode()).decode()
        assert [request.get("proxy-authorization") for request in proxy.requests] == [expected]
        assert all(request.get("proxy-authorization") is None for request in issuer.server.requests)
        proxy.behave(answer(b"HTTP/1.1 407 Who?\r\n\r\n"))
        fleet.query("delete from skillreg.issuer_keys")
        fresh = start(fleet, issuer, HTTPS_PROXY=proxy.url)
        wait_for_failure(fresh, "the proxy answered 407: it wants a name and a password, or others than these")
        for log in (own.log(), fresh.log()):
            assert SECRET not in log and expected[6:] not in log
        assert SECRET not in str(fleet.query("select outcome from skillreg.issuer_keys"))
    finally:
        proxy.stop()


@pytest.mark.parametrize("hosts", ["localhost", ".localhost", "*", "elsewhere.test, LOCALHOST"])
def test_hosts_of_no_proxy_are_asked_directly(hosts, fleet, issuer, proxy):
    wait_for_keys(start(fleet, issuer, HTTPS_PROXY=proxy.url, NO_PROXY=hosts))
    assert not proxy.requests


def test_other_hosts_of_no_proxy_change_nothing(fleet, issuer, proxy):
    wait_for_keys(start(fleet, issuer, HTTPS_PROXY=proxy.url, NO_PROXY="example.com,127.0.0.1,localhost:1"))
    assert proxy.tunnels == 1


def test_only_the_proxy_looks_the_host_up(fleet, tmp_path, issuer, proxy):
    """A name that only the proxy knows is reached; then its certificate is another's, and it is not believed."""
    hidden = issuer.url.replace("localhost", "issuer.invalid")
    own, = fleet.start(1, "--oidc-issuer", f"ci={hidden},kind=generic,audience={AUDIENCE},ca={issuer.ca}", env={"HTTPS_PROXY": proxy.url})
    wait_for_failure(own, "its certificate is for another name")
    assert proxy.targets()[0] == target(issuer).replace("localhost", "issuer.invalid") and not issuer.server.requests


FAULTS = {
    "forbidden": (answer(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"),
                  "the proxy answered 403: it does not let the gateway go there"),
    "unreachable": (answer(b"HTTP/1.0 502 Bad\r\n\r\n"), "the proxy answered 502: it could not reach the host"),
    "redirect": (answer(b"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1/\r\n\r\n"),
                 "the proxy answered with a redirect, which is not followed"),
    "other": (answer(b"SSH-2.0-OpenSSH\r\n"), "the proxy answered with something that is no HTTP/1"),
    "long": (flood, "the head of the proxy's answer is longer than 8 KiB"),
    "more": (answer(b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), "the proxy sent more than the answer that opens the tunnel"),
    "gone": (hang_up, "the proxy closed the connection"),
    "stall": (stall, "the proxy did not answer in time"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_proxy_that_opens_no_tunnel_is_said(fault, fleet, issuer, proxy):
    behaviour, problem = FAULTS[fault]
    proxy.behave(behaviour)
    own = start(fleet, issuer, HTTPS_PROXY=proxy.url, GATEWAY_UPSTREAM_CONNECT_TIMEOUT="1s")
    wait_for_failure(own, problem)
    assert not issuer.server.requests and own.metric("oidc_issuers_without_keys") == 1
    assert fleet.query("select outcome from skillreg.issuer_keys") == [(problem,)]
    proxy.behave(None)
    fleet.query("update skillreg.issuer_keys set taken_at = taken_at - interval '6 minutes'")
    fleet.query("select skillreg.token_event_write(5, null, null, %s)", (issuer.url,))
    wait_for_keys(own)
    assert "the keys of an issuer are fetched again issuer=ci" in own.log()


def test_a_proxy_that_is_not_there_is_said(fleet, issuer):
    own = start(fleet, issuer, HTTPS_PROXY=f"http://127.0.0.1:{free_port()}")
    wait_for_failure(own, "could not connect to the proxy")


def test_a_proxy_that_cannot_be_used_ends_the_start(fleet, issuer, tmp_path):
    for number, value in enumerate((f"https://gateway:{SECRET}@proxy:1", "socks5://proxy:1", f"http://gateway:{SECRET}%@proxy:1")):
        with pytest.raises(AssertionError):
            Gateway(tmp_path, f"refused-{number}", database_url=fleet.database_url, flags=flag(issuer), env={"HTTPS_PROXY": value})
        log = (tmp_path / f"refused-{number}.log").read_text()
        assert "cannot use the settings of an issuer issuer=ci" in log and "HTTPS_PROXY cannot be used: " in log
        assert SECRET not in log


def test_without_an_issuer_to_ask_the_variable_is_of_no_interest(fleet, tmp_path):
    own, = fleet.start(1, env={"HTTPS_PROXY": "socks5://proxy:1"})
    assert "proxy" not in own.log()


# ---- check ----

@pytest.fixture
def check(operator, issuer, tmp_path):
    issuer.reset()

    def run(**environment):
        path = tmp_path / "gateway.conf"
        path.write_text(f"[oidc ci]\nkind = generic\nissuer = {issuer.url}\naudience = {AUDIENCE}\nca = {issuer.ca}\n")
        done = run_gateway("check", "--config", path, DATABASE_URL=operator.database_url, GATEWAY_LISTEN_HTTPS="off",
                           GATEWAY_LISTEN_HTTP="127.0.0.1:0", GATEWAY_LISTEN_ADMIN="off", **environment)
        assert SECRET not in done.stdout + done.stderr
        line, = [line for line in done.stdout.splitlines() if " issuer " in line]
        return line.split()[0], line.partition(" issuer ")[2].strip()
    return run


def test_check_says_which_proxy_is_used(check, issuer, proxy):
    url = proxy.url.replace("//", f"//gateway:{SECRET}@")
    assert check(HTTPS_PROXY=url) == ("ok", f"{issuer.url}: reached through the proxy {proxy.name}, 1 address")
    assert check(HTTPS_PROXY=url, NO_PROXY="localhost") == ("ok", f"{issuer.url}: reached, 1 address")
    assert proxy.targets() == [target(issuer)] and not issuer.server.requests


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault not in ("more", "gone", "stall")])
def test_check_says_why_a_proxy_opens_no_tunnel(fault, check, issuer, proxy):
    behaviour, problem = FAULTS[fault]
    proxy.behave(behaviour)
    level, text = check(HTTPS_PROXY=proxy.url)
    assert level == "warning"
    assert f"1 of 1 addresses not reached through the proxy {proxy.name}: 127.0.0.1: {problem}" in text


def test_check_says_when_a_proxy_says_nothing(check, issuer, proxy):
    proxy.behave(hang_up)
    assert "the proxy: the server hung up" in check(HTTPS_PROXY=proxy.url)[1]
    proxy.behave(stall)
    assert "the proxy: no answer in time" in check(HTTPS_PROXY=proxy.url, GATEWAY_UPSTREAM_CONNECT_TIMEOUT="1s")[1]


def test_check_says_that_a_proxy_cannot_be_used(check):
    level, text = check(HTTPS_PROXY=f"https://gateway:{SECRET}@proxy:1")
    assert level == "error" and "HTTPS_PROXY cannot be used: only proxies that are named by http:// are supported" in text
    level, text = check(HTTPS_PROXY="http://proxy.invalid:3128")
    assert level == "warning" and "proxy proxy.invalid: its address is not known" in text

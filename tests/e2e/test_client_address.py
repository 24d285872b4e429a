# SPDX-License-Identifier: MIT
"""Who the client is: the peer, or whom a trusted proxy names (HARDENING 2.9). Seen where it is used: in the access log, and in
what the registry gets."""
import re

import pytest

from harness import proxies
from harness.gateway import Gateway
from harness.http_client import Connection, bearer
from harness.waiting import eventually

PUBLIC = "/api/v1/public/skills"
WHOAMI = "/api/v1/auth/whoami"
RANGES = "127.0.0.1, 10.0.0.0/8,2001:db8::/32"
# What a client adds to a proxy that appends to X-Forwarded-For and lets everything else pass.
ADDED = [("Forwarded", "for=1.2.3.4"), ("Forwarded", "x"), ("Forwarded", ""), ("Forwarded", "for=127.0.0.1"),
         ("Forwarded", "for=10.0.0.1;for=10.0.0.1")]
# Where a proxy ends its list so, nobody can tell whose request it is.
UNREADABLE = ["unknown", "_hidden", "fe80::1%eth0", "", "203.0.113.9,", "203.0.113.9, unknown, 10.0.0.1", "203.0.113.9:99999", "0x7f.1",
              "127.1", "2130706433", "127.0.0.1:", '"127.0.0.1"', "[127.0.0.1]", "203.0.113.9, " + ", ".join(["127.0.0.1"] * 32),
              ", ".join(["127.0.0.1"] * 33)]
PRIVATE_AND_MALFORMED = ["10.0.0.1", "127.0.0.1", "169.254.1.1", "::1", "fe80::1", "256.1.1.1", "unknown", "_hidden", "1.2.3.4:x",
                         "1.2.3.4, 5.6.7.8", ",", "-", "%00", "for=1.2.3.4"]


def started(workdir, name, postgres, upstream, *flags):
    own = Gateway(workdir, name, database_url=postgres.url, upstream=upstream.url, flags=["--access-log", *flags])
    try:
        return own.wait_until_ready()
    except BaseException:
        own.kill()
        raise


@pytest.fixture(scope="module")
def behind_proxies(operator, postgres, workdir, _session_upstream):
    """Trusts this machine, 10.0.0.0/8 and 2001:db8::/32."""
    own = started(workdir, "behind-proxies", postgres, _session_upstream, "--trusted-proxies", RANGES)
    yield own
    own.stop()


@pytest.fixture(scope="module")
def behind_forwarded(operator, postgres, workdir, _session_upstream):
    """The same, where the proxies write Forwarded."""
    own = started(workdir, "behind-forwarded", postgres, _session_upstream, "--trusted-proxies", RANGES,
                  "--client-address-from", "forwarded")
    yield own
    own.stop()


@pytest.fixture(scope="module")
def on_the_street(operator, postgres, workdir, _session_upstream):
    """Trusts nobody, which is the default."""
    own = started(workdir, "on-the-street", postgres, _session_upstream)
    yield own
    own.stop()


def logged_client(gateway, response):
    """`client` of the access log's line about this response."""
    line = rf"client=(\S+) .*id={response.get('X-Request-Id')}"
    return eventually(lambda: re.search(line, gateway.log()), "was the request logged")[1]


def ask(gateway, upstream, *fields, target=PUBLIC):
    """The client in the log, and X-Forwarded-For, -Proto and -Host as the registry got them."""
    upstream.reset()
    response = gateway.request("GET", target, fields=[*fields, ("Host", "gateway.example")])
    assert response.status == 200, response.body
    got = upstream.wait_for_request()
    assert got.get("Forwarded") is None
    return logged_client(gateway, response), *(got.get(f"X-Forwarded-{name}") for name in ("For", "Proto", "Host"))


@pytest.mark.parametrize("value", PRIVATE_AND_MALFORMED)
def test_nobody_untrusted_names_a_client(value, on_the_street, upstream):
    """HARDENING 2.9: the list of trusted proxies is empty by default."""
    fields = [("X-Forwarded-For", value), ("Forwarded", "for=" + value), ("X-Real-IP", value),
              ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil.example")]
    assert ask(on_the_street, upstream, *fields) == ("127.0.0.1", "127.0.0.1", "http", "gateway.example")


def test_a_proxy_header_on_an_ordinary_port_is_no_request(on_the_street):
    """HARDENING 2.9: the PROXY protocol is off by default."""
    with on_the_street.connect() as connection:
        connection.send(b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET /api/v1/public/a HTTP/1.1\r\nHost: x\r\n\r\n")
        response = connection.read_response()
        assert response.status == 501 and response.says_close
        connection.assert_closed()


@pytest.mark.parametrize("fields,client,list_sent", [
    ([], "127.0.0.1", "127.0.0.1"),
    ([("X-Forwarded-For", "192.0.2.1")], "192.0.2.1", "192.0.2.1, 127.0.0.1"),
    ([("X-Forwarded-For", "forged, 198.51.100.1, 192.0.2.1, 10.0.0.1")], "192.0.2.1",
     "forged, 198.51.100.1, 192.0.2.1, 10.0.0.1, 127.0.0.1"),
    ([("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-For", "10.0.0.1")], "192.0.2.1", "192.0.2.1, 10.0.0.1, 127.0.0.1"),
    ([("X-Forwarded-For", "::ffff:192.0.2.1")], "192.0.2.1", "::ffff:192.0.2.1, 127.0.0.1"),
    ([("X-Forwarded-For", "unknown")], "unknown", "unknown, 127.0.0.1"),
    ([("X-Forwarded-For", "192.0.2.1, unknown, 10.0.0.1")], "unknown", "unknown, 127.0.0.1"),
    ([("X-Forwarded-For", "192.0.2.1,")], "unknown", "unknown, 127.0.0.1"),
    ([("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-For", "")], "unknown", "unknown, 127.0.0.1"),
    ([("X-Forwarded-For", "10.0.0.1")], "10.0.0.1", "10.0.0.1, 127.0.0.1"),
    ([("Forwarded", "for=192.0.2.1")], "unknown", "unknown, 127.0.0.1"),
    ([("Forwarded", "for=192.0.2.1"), ("X-Forwarded-For", "192.0.2.1")], "192.0.2.1", "192.0.2.1, 127.0.0.1"),
    ([("Forwarded", "for=192.0.2.1"), ("X-Forwarded-For", "192.0.2.2")], "192.0.2.2", "192.0.2.2, 127.0.0.1"),
    ([("X_Forwarded_For", "192.0.2.1"), ("X-Real-IP", "192.0.2.1")], "127.0.0.1", "127.0.0.1"),
], ids=lambda value: str(value)[:60])
def test_a_trusted_proxy_names_the_client(fields, client, list_sent, behind_proxies, upstream):
    """HARDENING 2.9, the other way round."""
    assert ask(behind_proxies, upstream, *fields) == (client, list_sent, "http", "gateway.example")


@pytest.mark.parametrize("fields,client,list_sent", [
    ([], "127.0.0.1", "127.0.0.1"),
    ([("Forwarded", 'for="[2001:db9::1]:4711";proto=https, for=10.0.0.1')], "2001:db9::1", "2001:db9::1, 127.0.0.1"),
    ([("Forwarded", "for=_hidden")], "unknown", "unknown, 127.0.0.1"),
    ([("Forwarded", "for=192.0.2.1"), ("X-Forwarded-For", "192.0.2.2")], "192.0.2.1", "192.0.2.1, 127.0.0.1"),
    ([("X-Forwarded-For", "192.0.2.1")], "unknown", "unknown, 127.0.0.1"),
], ids=lambda value: str(value)[:60])
def test_a_trusted_proxy_names_the_client_in_forwarded(fields, client, list_sent, behind_forwarded, upstream):
    assert ask(behind_forwarded, upstream, *fields) == (client, list_sent, "http", "gateway.example")


# ---- a client that would be its proxy ---------------------------------------------------------------------------

@pytest.fixture
def inside(operator, new_org):
    """A token for inside alone, where the proxies stand as well."""
    return operator.create_token(new_org().slug, "inside", "read", "--allow-ip", "127.0.0.0/8", "--allow-ip", "10.0.0.0/8")["token"]


def refusal(response):
    return response.status, response.error_code, "did not say" in response.json()["error"]["message"]


@pytest.mark.parametrize("added", ADDED, ids=str)
def test_a_client_does_not_become_its_proxy_by_a_field_of_its_own(added, behind_proxies, inside):
    """HARDENING 2.9: the field that does not count neither names a client nor hides one."""
    from_inside = [("X-Forwarded-For", "10.0.0.7"), added]
    from_outside = [("X-Forwarded-For", "203.0.113.9"), added]
    assert behind_proxies.request("GET", WHOAMI, inside, fields=from_inside).status == 200
    response = behind_proxies.request("GET", WHOAMI, inside, fields=from_outside)
    assert refusal(response) == (403, "address_not_allowed", False)
    assert logged_client(behind_proxies, response) == "203.0.113.9"


@pytest.mark.parametrize("value", UNREADABLE, ids=lambda value: value[:40])
def test_who_is_not_named_readably_is_in_no_list(value, behind_proxies, inside, acme):
    """HARDENING 2.9: unknown is not the proxy; a token that is good anywhere is good there, too."""
    said = [("X-Forwarded-For", value)]
    before = behind_proxies.metric("clients_unknown_total")
    response = behind_proxies.request("GET", WHOAMI, inside, fields=said)
    assert refusal(response) == (403, "address_not_allowed", True)
    assert logged_client(behind_proxies, response) == "unknown"
    assert behind_proxies.request("GET", WHOAMI, acme.read, fields=said).status == 200
    assert behind_proxies.metric("clients_unknown_total") == before + 2


def test_the_audit_says_unknown_of_a_token_alone(behind_proxies, new_org, postgres, skillreg):
    own = new_org("admin")
    base = f"/api/v1/orgs/{own.slug}"
    said = [("X-Forwarded-For", "unknown")]
    made = behind_proxies.request("POST", f"{base}/tokens", own.admin, json_body={"name": "hidden"}, fields=said).json()
    turned = behind_proxies.request("POST", f"{base}/tokens/{made['id']}/rotate", own.admin, fields=said).json()
    assert behind_proxies.request("DELETE", f"{base}/tokens/{turned['id']}", own.admin, fields=said).status == 200
    events = behind_proxies.request("GET", f"{base}/audit", own.admin).json()["events"]
    assert [(event["action"], event["actor"]["kind"], event["address"]) for event in events] == [
        ("revoke", "token", "unknown"), ("rotate", "token", "unknown"), ("create", "token", "unknown"),
        ("create", "operator", None)]
    kept = postgres.query("select address from skillreg.token_audit where org_id = %s", ("cl" + own.slug.replace("-", ""),))
    assert [row[0] for row in kept] == [None] * 4
    lines = skillreg(own).must("audit").splitlines()
    assert [line.split()[-1] for line in lines[1:]] == ["unknown"] * 3 + ["-"]


# ---- what changed in silence would be relied upon ---------------------------------------------------------------

TOLD = r"warning server a trusted proxy passed on a field that does not count, told of once field=(\S+) proxy=(\S+) counts=(\S+)"


@pytest.mark.parametrize("flags,fields,told", [
    ([], [("Forwarded", "x"), ("X-Forwarded-For", "192.0.2.1")], ("Forwarded", "127.0.0.1", "X-Forwarded-For")),
    (["--client-address-from", "Forwarded"], [("X-Forwarded-For", "")], ("X-Forwarded-For", "127.0.0.1", "Forwarded")),
], ids=["default", "forwarded"])
def test_a_field_that_does_not_count_is_told_of_once(flags, fields, told, start_gateway):
    gateway = start_gateway("--trusted-proxies", "127.0.0.1", *flags)
    counts = [("X-Forwarded-For" if not flags else "Forwarded", "for=192.0.2.1" if flags else "192.0.2.1")]
    assert gateway.request("GET", WHOAMI, fields=counts).status == 401
    assert re.findall(TOLD, gateway.log()) == []
    for _ in range(3):
        assert gateway.request("GET", WHOAMI, fields=fields).status == 401
    gateway.stop()
    assert re.findall(TOLD, gateway.log()) == [told]


def test_what_strangers_send_is_not_told_of(start_gateway):
    gateway = start_gateway("--trusted-proxies", "10.0.0.0/8")
    assert gateway.request("GET", WHOAMI, fields=[("Forwarded", "for=10.0.0.1"), ("X-Forwarded-For", "10.0.0.1")]).status == 401
    gateway.stop()
    assert re.findall(TOLD, gateway.log()) == []


@pytest.mark.parametrize("field", ["", "x-real-ip", "x-forwarded-for,forwarded", "both"])
def test_another_field_is_one_clear_error(field, operator):
    done = operator.run("--client-address-from", field)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"skillreg-gateway: not a value for --client-address-from: {field}")


# ---- the rest of what a proxy says ------------------------------------------------------------------------------

def test_scheme_and_host_of_a_trusted_proxy_stay(behind_proxies, upstream):
    said = [("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "public.example")]
    assert ask(behind_proxies, upstream, *said)[2:] == ("https", "public.example")
    assert ask(behind_proxies, upstream, *said, *said)[2:] == ("http", "gateway.example")


def test_a_thousand_hops(behind_proxies, upstream):
    """HARDENING 2.9: answered, and walked no further than the limit; who stands behind that many is unknown, not one of them."""
    hops = [f"10.1.{number // 250}.{number % 250}" for number in range(1000, 0, -1)]
    for count, client in ((1000, "unknown"), (33, "unknown"), (32, "10.1.0.32")):
        said = ("X-Forwarded-For", ",".join(hops[-count:]))
        assert ask(behind_proxies, upstream, said)[0] == client


def test_each_request_of_a_connection_has_its_own_client(behind_proxies, upstream):
    for value, client in (("192.0.2.1", "192.0.2.1"), ("unknown", "unknown"), ("192.0.2.2", "192.0.2.2")):
        assert ask(behind_proxies, upstream, ("X-Forwarded-For", value))[0] == client


def test_a_question_is_about_the_client_of_the_proxy_that_asks(behind_proxies):
    fields = [("X-Original-Method", "GET"), ("X-Original-URI", PUBLIC), ("X-Forwarded-For", "192.0.2.1")]
    response = behind_proxies.request("GET", "/authz", fields=fields)
    assert (response.status, logged_client(behind_proxies, response)) == (200, "192.0.2.1")


@pytest.mark.parametrize("start", [proxies.start_nginx, proxies.start_caddy], ids=["nginx", "caddy"])
def test_a_client_cannot_forge_its_address_through_a_documented_proxy(start, tmp_path, behind_proxies, upstream, acme):
    """HARDENING 2.9 and 2.10: the proxies of docs/forward-auth.md say whom they see, whatever the client says."""
    proxy = start(tmp_path, behind_proxies.http, upstream.address)
    try:
        for name, value in (("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-For", "unknown"), ("Forwarded", "for=192.0.2.1")):
            mark = len(behind_proxies.log())
            assert proxy.request("GET", f"/api/v1/orgs/{acme.slug}/skills", [*bearer(acme.read), (name, value)]).status == 200
            logged = eventually(lambda: re.search(r"path=\S*authz.* client=(\S+)", behind_proxies.log()[mark:]),
                                "was the question logged")
            assert logged[1] == "127.0.0.1"
    finally:
        proxy.stop()


@pytest.mark.parametrize("added", [*ADDED, ("X-Forwarded-For", "unknown"), ("X-Forwarded-For", "127.0.0.1")], ids=str)
def test_a_client_of_nginx_is_not_nginx(added, tmp_path, behind_proxies, upstream, acme):
    """HARDENING 2.9: a real proxy that appends to the list and lets Forwarded pass, which many do."""
    proxy = proxies.start_nginx(tmp_path, behind_proxies.http, upstream.address, without=['proxy_set_header Forwarded "";'],
                                instead=[("X-Forwarded-For $remote_addr;", "X-Forwarded-For $proxy_add_x_forwarded_for;")])
    try:
        mark = len(behind_proxies.log())
        with Connection(proxy.address, source="127.0.0.2") as connection:
            assert connection.request("GET", f"/api/v1/orgs/{acme.slug}/skills", [*bearer(acme.read), added]).status == 200
        logged = eventually(lambda: re.search(r"path=\S*authz.* client=(\S+)", behind_proxies.log()[mark:]), "was the question logged")
        assert logged[1] == "127.0.0.2"
    finally:
        proxy.stop()


@pytest.mark.parametrize("ranges", ["10.0.0.1/8", "localhost", "10.0.0.0/8,", "10.0.0.0/33", "10.0.0.0/8 ::1", ",".join(["::1"] * 65)])
def test_a_list_with_a_mistake_is_one_clear_error(ranges, operator):
    done = operator.run("--trusted-proxies", ranges)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith(f"skillreg-gateway: not a value for --trusted-proxies: {ranges}")

# SPDX-License-Identifier: MIT
"""TLS as real clients speak it: curl, openssl s_client, and those who speak something else."""
import contextlib
import json
import re
import shutil
import socket
import ssl
import subprocess

import pytest

from harness.http_client import Connection, assert_error_shape, bearer
from harness.process import clean_environment, dies_with_parent
from harness.waiting import PATIENCE_S, eventually


def s_client(gateway, certificate, *flags, text_in=b""):
    return subprocess.run(
        dies_with_parent(["openssl", "s_client", "-connect", "127.0.0.1:%d" % gateway.https[1], "-servername", "localhost",
                          "-CAfile", certificate.cert, "-verify_return_error", *flags]),
        input=text_in, capture_output=True, timeout=PATIENCE_S, env=clean_environment(), check=False)


def request_text(token):
    return (f"GET /api/v1/auth/whoami HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
            "Connection: close\r\n\r\n").encode()


def curl(gateway, certificate, token, *flags):
    return subprocess.run(
        dies_with_parent(["curl", "--silent", "--show-error", "--cacert", certificate.cert, "--noproxy", "*", "--max-time", "60",
                          "-H", f"Authorization: Bearer {token}", *flags, f"{gateway.https_url}/api/v1/auth/whoami"]),
        capture_output=True, text=True, timeout=PATIENCE_S, env=clean_environment(), check=False)


@pytest.mark.parametrize("flags,protocol", [(("-tls1_2",), "TLSv1.2"), (("-tls1_3",), "TLSv1.3")])
def test_openssl_client(flags, protocol, gateway, certificate, acme):
    done = s_client(gateway, certificate, "-ign_eof", "-alpn", "http/1.1", *flags, text_in=request_text(acme.read))
    text = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0, done.stderr
    assert protocol in text and "Verify return code: 0 (ok)" in text
    assert "ALPN protocol: http/1.1" in text
    assert "HTTP/1.1 200 OK" in text and '"reader"' not in text


@pytest.mark.parametrize("flags", [("-tls1_2", "-cipher", cipher) for cipher in (
    "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305")] + [
    ("-tls1_3", "-ciphersuites", suite) for suite in (
        "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")] + [
    ("-groups", group) for group in ("X25519", "P-256", "P-384")])
def test_modern_parameters_are_spoken(flags, gateway, certificate, acme):
    done = s_client(gateway, certificate, "-ign_eof", *flags, text_in=request_text(acme.read))
    assert b"HTTP/1.1 200 OK" in done.stdout, done.stderr[-500:]


@pytest.mark.parametrize("flags", [
    ("-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"), ("-tls1", "-cipher", "DEFAULT@SECLEVEL=0"),
    ("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"), ("-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-SHA384"),
    ("-tls1_2", "-cipher", "AES128-GCM-SHA256"), ("-tls1_2", "-cipher", "NULL:@SECLEVEL=0"), ("-groups", "P-521"),
    ("-groups", "X448"), ("-alpn", "h2"),
])
def test_weak_or_foreign_parameters_are_refused(flags, gateway, certificate, acme):
    done = s_client(gateway, certificate, *flags, text_in=request_text(acme.read))
    assert done.returncode != 0
    assert b"HTTP/1.1 200" not in done.stdout


def test_alert_reaches_a_refused_client(gateway, certificate):
    done = s_client(gateway, certificate, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")
    assert b"alert" in done.stderr, done.stderr


@pytest.mark.parametrize("flags", [("--tlsv1.2", "--tls-max", "1.2"), ("--tlsv1.3",), (), ("--http1.0",)])
def test_curl(flags, gateway, certificate, acme):
    done = curl(gateway, certificate, acme.read, *flags)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["org"]["slug"] == acme.slug


def test_curl_without_the_authority_is_refused_by_curl(gateway, certificate, acme, tmp_path):
    done = subprocess.run(dies_with_parent(["curl", "--silent", "--noproxy", "*", f"{gateway.https_url}/api/v1/auth/whoami"]),
                          capture_output=True, timeout=PATIENCE_S, env=clean_environment(), check=False)
    assert done.returncode == 60


def test_curl_reuses_its_connection(gateway, certificate, acme):
    url = f"{gateway.https_url}/api/v1/auth/whoami"
    done = curl(gateway, certificate, acme.read, "--verbose", url, url)
    assert done.returncode == 0
    assert len(re.findall(r"Re-using existing (?:\w+: )?connection", done.stderr)) == 2


def test_curl_uploads_with_expect(gateway, certificate, acme, upstream, tmp_path):
    big = tmp_path / "big"
    big.write_bytes(bytes(range(256)) * 8192)
    done = subprocess.run(
        dies_with_parent(["curl", "--silent", "--show-error", "--cacert", certificate.cert, "--noproxy", "*", "--max-time", "60",
                          "-H", f"Authorization: Bearer {acme.write}", "-H", "Expect: 100-continue", "--data-binary", f"@{big}",
                          "-H", "Content-Type: application/octet-stream", f"{gateway.https_url}/api/v1/orgs/{acme.slug}/skills"]),
        capture_output=True, timeout=PATIENCE_S, env=clean_environment(), check=False)
    assert done.returncode == 0, done.stderr
    assert upstream.wait_for_request().body == big.read_bytes()


def test_curl_download(gateway, certificate, acme, upstream):
    content = bytes(range(256)) * 8192
    upstream.behave(lambda exchange: exchange.reply(200, body=content))
    done = subprocess.run(
        dies_with_parent(["curl", "--silent", "--show-error", "--cacert", certificate.cert, "--noproxy", "*", "--max-time", "60",
                          "-H", f"Authorization: Bearer {acme.read}",
                          f"{gateway.https_url}/api/v1/orgs/{acme.slug}/skills/some/download"]),
        capture_output=True, timeout=PATIENCE_S, env=clean_environment(), check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == content


def test_python_client_and_alpn(gateway, acme):
    with gateway.connect_tls() as connection:
        assert connection.socket.selected_alpn_protocol() == "http/1.1"
        for _ in range(3):
            assert connection.request("GET", "/api/v1/auth/whoami", bearer(acme.read)).status == 200


def test_client_without_alpn_and_without_server_name(gateway, certificate, acme):
    context = ssl.create_default_context(cafile=str(certificate.cert))
    context.check_hostname = False
    with Connection(gateway.https, tls=context, server_hostname=None) as connection:
        assert connection.socket.selected_alpn_protocol() is None
        assert connection.request("GET", "/api/v1/auth/whoami", bearer(acme.read)).status == 200


def test_byte_by_byte(gateway, acme):
    """Every record holds one byte of the request."""
    with gateway.connect_tls() as connection:
        for byte in request_text(acme.read):
            connection.send(bytes([byte]))
        assert connection.read_response().status == 200
        connection.assert_closed()


def test_close_notify_is_answered(gateway, acme):
    with gateway.connect_tls() as connection:
        assert connection.request("GET", "/api/v1/auth/whoami", bearer(acme.read)).status == 200
        connection.socket.settimeout(PATIENCE_S)
        plain = connection.socket.unwrap()  # sends close_notify and waits for that of the gateway
        assert plain.recv(1) == b""
        plain.close()


def test_connection_close_ends_with_close_notify(gateway, acme):
    """So that a cut can be told from an end (RFC 8446 section 6.1): Python's ssl raises on an end without."""
    with gateway.connect_tls() as connection:
        connection.send(request_text(acme.read))
        assert connection.read_response().status == 200
        assert connection.socket.recv(1) == b""


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_silence_after_the_handshake_is_ended_by_the_head_timeout(version, start_gateway):
    """And not by that of writing, although a ticket was the last that was written."""
    gateway = start_gateway("--head-timeout", "1s", "--body-timeout", "10m", tls=True)
    context = gateway.tls_context()
    context.minimum_version = context.maximum_version = version
    with Connection(gateway.https, tls=context) as connection:
        assert connection.socket.recv(1) == b""  # with close_notify, or it would raise


def test_plain_http_on_the_tls_port_is_told_so(gateway, acme):
    with Connection(gateway.https) as connection:
        connection.send(request_text(acme.read))
        response = connection.read_response()
        assert response.status == 400
        connection.assert_closed()


@pytest.mark.parametrize("garbage", [
    b"\0" * 100, b"SSH-2.0-OpenSSH_9.2\r\n", b"\x16\x03\x01\xff\xff" + b"a" * 100, b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
    b"\x80\x2e\x01\x00\x02", b"\x17\x03\x03\x00\x10" + b"x" * 16, b"\x15\x03\x03\x00\x02\x02\x28", bytes(range(256)) * 64,
], ids=range(8))
def test_garbage_on_the_tls_port_is_closed(garbage, gateway, acme):
    with Connection(gateway.https) as connection:
        connection.send_ignoring_refusal(garbage)
        connection.end_sending()
        assert len(connection.read_to_end()) < 1000
    with gateway.connect_tls() as connection:
        assert connection.request("GET", "/api/v1/auth/whoami", bearer(acme.read)).status == 200


@pytest.mark.parametrize("cut", [0, 1, 5, 6, 50, 150])
def test_handshake_cut_short(cut, gateway, certificate):
    """The client leaves in the middle of its hello."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context(cafile=str(certificate.cert)).wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    for how in ("end", "reset"):
        connection = Connection(gateway.https)
        connection.send(outgoing.read()[:cut] if outgoing.pending else b"")
        if how == "end":
            connection.end_sending()
            connection.read_to_end()
            connection.close()
        else:
            connection.reset()


def test_tampered_record_ends_the_connection(gateway, certificate):
    """A bit flipped behind the handshake: alert and close, never an answer."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context(cafile=str(certificate.cert)).wrap_bio(incoming, outgoing, server_hostname="localhost")
    with socket.create_connection(gateway.https, timeout=PATIENCE_S) as plain:
        while True:
            try:
                client.do_handshake()
                plain.sendall(outgoing.read())
                break
            except ssl.SSLWantReadError:
                plain.sendall(outgoing.read())
                incoming.write(plain.recv(65536))
        client.write(b"GET /api/v1/auth/whoami HTTP/1.1\r\nHost: localhost\r\n\r\n")
        record = bytearray(outgoing.read())
        record[-1] ^= 1
        plain.sendall(record)
        received = b""
        while True:
            piece = plain.recv(65536)
            if not piece:
                break
            received += piece
    incoming.write(received)
    incoming.write_eof()
    with pytest.raises(ssl.SSLError):
        client.read()


def test_refusals_keep_their_shape_over_tls(gateway):
    with gateway.connect_tls() as connection:
        response = connection.request("GET", "/api/v1/auth/whoami")
        assert response.status == 401
        assert_error_shape(response)


@pytest.mark.parametrize("flags", [
    ("--tls-cert", "/nonexistent.crt"), ("--tls-key", "/nonexistent.key"), ("--tls-key", "{cert}"), ("--tls-cert", "{key}"),
])
def test_wrong_certificate_files_are_named_at_start(flags, certificate, operator):
    flag, wrong = (text.format(cert=certificate.cert, key=certificate.key) for text in flags)
    files = {"--tls-cert": str(certificate.cert), "--tls-key": str(certificate.key), flag: wrong}
    done = operator.run("--listen-https", "127.0.0.1:0", "--listen-admin", "127.0.0.1:0",
                        *(argument for pair in files.items() for argument in pair))
    assert done.returncode not in (0, -9)
    assert wrong in done.stderr
    assert "Sanitizer" not in done.stderr


def test_node(gateway, certificate, acme):
    """Two requests over the agent's kept connection, and one that resumes."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    script = """
        const https = require("https");
        const [port, ca, token] = process.argv.slice(1);
        const agent = new https.Agent({keepAlive: true, maxSockets: 1, ca: require("fs").readFileSync(ca)});
        const ask = (done) => https.get({host: "localhost", port, path: "/api/v1/auth/whoami", agent,
            headers: {authorization: `Bearer ${token}`}}, (answer) => {
            console.log(answer.statusCode, answer.socket.getProtocol(), answer.req.reusedSocket);
            answer.resume().on("end", done);
        }).on("error", (error) => { console.error(error); process.exit(1); });
        ask(() => setImmediate(ask, () => agent.destroy()));
    """
    done = subprocess.run(dies_with_parent(["node", "-e", script, str(gateway.https[1]), str(certificate.cert), acme.read]),
                          capture_output=True, text=True, timeout=PATIENCE_S, env=clean_environment(), check=False)
    assert done.stdout.splitlines() == ["200 TLSv1.3 false", "200 TLSv1.3 true"], done.stdout + done.stderr


@pytest.mark.parametrize("priority,protocol", [("NORMAL", "TLS1.3"), ("NORMAL:-VERS-TLS1.3", "TLS1.2")])
def test_gnutls(priority, protocol, gateway, certificate, acme):
    """The client of GnuTLS, which curl is built with on many machines, connects twice and resumes. That of Debian 12 puts
    its ticket in front of the name of the server, to which the ticket is bound."""
    done = subprocess.run(
        dies_with_parent(["gnutls-cli", "--x509cafile", certificate.cert, "--port", str(gateway.https[1]), "--priority", priority,
                          "--alpn", "http/1.1", "--resume", "--waitresumption", "localhost"]),
        input=request_text(acme.read), capture_output=True, timeout=PATIENCE_S, env=clean_environment(), check=False)
    text = done.stdout.decode("utf-8", "replace")
    assert protocol in text and "- Status: The certificate is trusted." in text, text + done.stderr.decode()
    assert "HTTP/1.1 200 OK" in text
    assert "*** This is a resumed session" in text, text


@pytest.mark.parametrize("size", [1208, 4096, 16384])
def test_records_of_other_sizes(size, gateway, acme, upstream):
    """Go begins a connection with records as small as a packet; others fill theirs."""
    body = bytes(range(256)) * 1024
    with gateway.connect_tls() as connection:
        head = (f"POST /api/v1/orgs/{acme.slug}/skills HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {acme.write}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n").encode()
        message = head + body
        for at in range(0, len(message), size):
            connection.send(message[at:at + size])
        assert connection.read_response().status == 200
    assert upstream.wait_for_request().body == body


class Steps:
    """A client of Python's ssl in memory over a plain connection, so that its bytes can be changed on their way."""

    def __init__(self, gateway, version=None):
        context = gateway.tls_context()
        if version:
            context.minimum_version = context.maximum_version = version
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.plain = socket.create_connection(gateway.https, timeout=PATIENCE_S)

    def step(self):
        """What the client says next in its handshake."""
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return self.outgoing.read()

    def hear(self):
        self.incoming.write(self.plain.recv(65536))

    def last_words(self):
        """Everything until the end of the gateway; a reset would be an error."""
        heard = b""
        while piece := self.plain.recv(65536):
            heard += piece
        self.plain.close()
        return heard


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("broken", ["hello", "last flight"])
def test_alert_at_each_step_with_unread_bytes_behind(broken, version, gateway):
    """The alert is there although much more was sent than the gateway looks at: the end is no reset. In TLS 1.3
    the library seals the alert for a bad Finished with keys that a client has just given up, which sees a bad record instead.
    (HARDENING 3.11)"""
    client = Steps(gateway, version)
    flight = bytearray(client.step())
    if broken == "hello":
        flight[9:11] = b"\x02\x00"  # version 2.0
        flight[5 + 4 + 2 + 32] = 0xff  # and a session id that is longer than any
    else:
        client.plain.sendall(flight)
        while not (flight := bytearray(client.step())):
            client.hear()
        flight[-1] ^= 1  # the check of Finished
    client.plain.sendall(flight)
    with contextlib.suppress(ConnectionError):
        client.plain.sendall(bytes(200000))
    heard = client.last_words()
    if broken == "hello" or version == ssl.TLSVersion.TLSv1_2:
        assert heard[-7:-2] == b"\x15\x03\x03\x00\x02" and heard[-2] == 2, heard[-20:]
        return
    client.incoming.write(heard)
    with pytest.raises(ssl.SSLError, match="(?i)alert|bad.record.mac|record.layer.failure"):
        client.tls.do_handshake()
        client.tls.read()


def test_one_byte_in_each_segment(gateway, acme):
    """The handshake, too: each turn finds a little more of it."""
    client = Steps(gateway)
    client.plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while True:
        for byte in client.step():
            client.plain.sendall(bytes([byte]))
        if client.tls.version() and client.tls.cipher() and not client.outgoing.pending:
            try:
                client.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                pass
        client.hear()
    client.tls.write(request_text(acme.read))
    for byte in client.outgoing.read():
        client.plain.sendall(bytes([byte]))
    client.incoming.write(client.last_words())
    assert client.tls.read(65536).startswith(b"HTTP/1.1 200 OK")


def test_renegotiation_of_tls_1_2_is_refused(gateway, certificate):
    """`R` makes s_client ask for it; the gateway answers no_renegotiation. (HARDENING 4.5)"""
    done = s_client(gateway, certificate, "-tls1_2", text_in=b"R\n")
    assert b"RENEGOTIATING" in done.stdout + done.stderr
    assert b"no renegotiation" in done.stderr, done.stderr


def test_a_failed_handshake_says_why(start_gateway, certificate):
    """Whoever gave up: the gateway, the client with an alert, without one, or by speaking something else. (HARDENING 3.11)"""
    gateway = start_gateway(tls=True)
    foreign = ssl.create_default_context()

    def say(words):
        with socket.create_connection(gateway.https, timeout=PATIENCE_S) as plain:
            plain.sendall(words)
            plain.shutdown(socket.SHUT_WR)
            plain.recv(4096)

    def distrust():
        with pytest.raises(ssl.SSLError):
            Connection(gateway.https, tls=foreign)
    old = ("-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
    cases = [(lambda: s_client(gateway, certificate, *old), "handshake failed", "protocol", "protocol_version"),
             (distrust, "handshake failed", "the peer gave up", "unknown_ca"),
             (lambda: say(b"GET / HTTP/1.1\r\n\r\n"), "handshake failed", "HTTP in the clear", "-"),
             (lambda: say(b"\x16\x03\x01"), "handshake failed", "the client closed the connection", "-"),
             (lambda: s_client(gateway, certificate, "-tls1_3", text_in=b"K\n"), "connection broke", "KeyUpdate", "unexpected_message")]
    for act, what, reason, alert in cases:
        line = rf'info tls {what} with=client address=127\.0\.0\.1 reason="[^"]*{reason}[^"]*" alert={alert} left_out=\d'

        def is_said(act=act, line=line):  # again and again: within a second of another one it is left out
            act()
            return re.search(line, gateway.log())
        eventually(is_said, lambda line=line: f"{line} in\n{gateway.log()}")


def test_failures_that_are_not_logged_are_counted(start_gateway):
    """One line a second at the most: test_transport.c has that."""
    gateway = start_gateway(tls=True)
    for _ in range(50):
        with socket.create_connection(gateway.https, timeout=PATIENCE_S) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
            plain.recv(4096)
    eventually(lambda: gateway.metric('tls_handshakes_total{result="failed"}') == 50, "did all of them count")
    left_out = re.findall(r"info tls handshake failed .* left_out=(\d+)", gateway.log())
    assert left_out[0] == "0" and len(left_out) + sum(map(int, left_out)) <= 50


def test_key_updates_end_the_connection(gateway, certificate, acme):
    """`K` makes s_client send one that asks for another. The library knows none: an alert, not a loop. (HARDENING 4.5)"""
    done = s_client(gateway, certificate, "-tls1_3", text_in=b"K\n" * 100)
    assert b"KEYUPDATE" in done.stdout + done.stderr
    with gateway.connect_tls() as connection:
        assert connection.request("GET", "/api/v1/auth/whoami", bearer(acme.read)).status == 200


@pytest.mark.parametrize("command", ["K", "k"])
def test_a_key_update_is_answered_with_an_alert(command, gateway, certificate):
    """Also one that asks for none (`k`). The client hears so at once, while its standard input is still open. (HARDENING 4.5)"""
    with subprocess.Popen(
            dies_with_parent(["openssl", "s_client", "-connect", "127.0.0.1:%d" % gateway.https[1], "-servername", "localhost",
                              "-CAfile", certificate.cert, "-tls1_3"]),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_environment()) as client:
        for line in client.stdout:  # until it is connected, and looks for commands; what it says of tickets it keeps in its buffer
            if "Verify return code" in line:
                break
        client.stdin.write(command + "\n")
        client.stdin.flush()
        assert client.wait(PATIENCE_S) != 0
        assert "alert unexpected message" in client.stderr.read()

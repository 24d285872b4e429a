# SPDX-License-Identifier: MIT
"""HARDENING 5.7: clients that people use read the status of an upload that is refused, however slowly they send. Most send all
of it before they look for an answer, so the gateway has to take it for a while, or a reset takes the answer from them (RFC 9112
section 9.6). Nothing here is timed: what counts is the status that the client reports."""
import concurrent.futures
import http.client
import os
import pathlib
import shutil
import subprocess
import time

import pytest

from harness.gateway import Gateway
from harness.waiting import PATIENCE_S

MB = 1_000_000
CLIENTS = pathlib.Path(__file__).parent / "clients"
BAD_TOKEN = "sr_live_" + "x" * 48
# How much, how fast. All but the first take longer than a connection lingers when nothing comes (GW_LINGER_TIMEOUT_MS).
PACES = {"at once": (4 * MB, 1000 * MB), "10 MB at 4 MB/s": (10 * MB, 4 * MB), "150 KB at 50 KB/s": (150_000, 50_000)}


@pytest.fixture(scope="module")
def front(postgres, operator, workdir, certificate, _session_upstream):
    own = Gateway(workdir, "front", database_url=postgres.url, certificate=certificate, upstream=_session_upstream.url)
    try:
        own.wait_until_ready()
        yield own
    except BaseException:
        own.kill()
        raise
    own.stop()


class Paced:
    def __init__(self, total, pace):
        self.left, self.pace = total, pace

    def read(self, most):
        count = min(most, self.left)
        time.sleep(count / self.pace)
        self.left -= count
        return bytes(count)


def upload_by_python(gateway, target, token, total, pace, is_tls):
    connection = (http.client.HTTPSConnection("localhost", gateway.https[1], timeout=PATIENCE_S, context=gateway.tls_context())
                  if is_tls else http.client.HTTPConnection(*gateway.http, timeout=PATIENCE_S))
    connection.request("POST", target, Paced(total, pace), {"Authorization": f"Bearer {token}", "Content-Length": str(total)})
    return connection.getresponse().status


def run(command, **environment):
    done = subprocess.run(command, capture_output=True, text=True, timeout=4 * PATIENCE_S, env={**os.environ, **environment})
    assert done.stdout.strip().isdigit(), f"{command[0]} failed: {done.stdout}{done.stderr}"
    return int(done.stdout)


def url_of(gateway, target, is_tls):
    return (gateway.https_url if is_tls else gateway.http_url) + target


def upload_by_curl(gateway, target, token, total, pace, is_tls):
    with open(gateway.process.log_path.parent / f"upload-{total}", "wb") as file:
        file.truncate(total)
    return run(["curl", "-s", "-o", os.devnull, "-w", "%{http_code}", "--cacert", str(gateway.certificate.cert), "--limit-rate", str(pace),
                "-H", "Expect:", "-H", f"Authorization: Bearer {token}", "-X", "POST", "-T", file.name, url_of(gateway, target, is_tls)])


def upload_by_node(how):
    def upload(gateway, target, token, total, pace, is_tls):
        return run(["node", CLIENTS / "upload.mjs", url_of(gateway, target, is_tls), token, str(total), str(pace), how],
                   NODE_EXTRA_CA_CERTS=str(gateway.certificate.cert))
    return upload


def upload_by_java(gateway, target, token, total, pace, is_tls):
    assert not is_tls
    return run(["java", CLIENTS / "Upload.java", url_of(gateway, target, is_tls), token, str(total), str(pace)])


# (what has to be installed, what uploads, over TLS)
UPLOADERS = {
    "python": (None, upload_by_python, False), "python, TLS": (None, upload_by_python, True),
    "curl": ("curl", upload_by_curl, False), "curl, TLS": ("curl", upload_by_curl, True),
    "node fetch": ("node", upload_by_node("fetch"), False), "node fetch, TLS": ("node", upload_by_node("fetch"), True),
    "node http": ("node", upload_by_node("http"), False), "java": ("java", upload_by_java, False),
}


def uploads(uploaders, gateway, target, token, pace):
    """The status that each client reports; all of them upload at once."""
    total, pace = PACES[pace]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        found = {name: pool.submit(upload, gateway, target, token, total, pace, is_tls)
                 for name, (program, upload, is_tls) in uploaders.items() if program is None or shutil.which(program)}
    return {name: future.result() if not future.exception() else repr(future.exception()) for name, future in found.items()}


@pytest.mark.parametrize("program", sorted({program for program, _, _ in UPLOADERS.values() if program}))
def test_its_client_is_there(program):
    """The tests below go without those that are not."""
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed: no upload by it is refused here")


@pytest.mark.parametrize("pace", PACES)
def test_an_upload_without_a_good_token_is_told_401(pace, front, acme):
    statuses = uploads(UPLOADERS, front, acme.skills, BAD_TOKEN, pace)
    assert set(statuses.values()) == {401}, statuses


def test_an_upload_that_is_too_large_is_told_413(front, acme):
    impatient = {name: UPLOADERS[name] for name in ("python", "python, TLS", "curl")}
    statuses = uploads(impatient, front, f"/api/v1/orgs/{acme.slug}/tokens", acme.admin, "10 MB at 4 MB/s")
    assert set(statuses.values()) == {413}, statuses

# SPDX-License-Identifier: MIT
"""10,000 uploads of one token, and 10,000 downloads, which the registry holds: the token is revoked, and all of them end. How long
the longest turn of the gateway's loop takes meanwhile, and until the last one has ended."""
import dataclasses
import json
import pathlib
import re
import selectors
import socket
import sys
import time
import urllib.parse

from .. import chart, holding_registry, machine, tokens
from ..contenders.gateway import Gateway
from ..http_client import Client
from ..machine import Trouble
from ..process import Server, environment, eventually
from ..report import Report, Target
from ..turns import Turns

_TRANSFERS = 10_000
_OTHER_DESCRIPTORS = 100  # of the gateway, which has two for each transfer
_PATIENCE_S = 120
_LINGER_S = 4  # until nothing is left of them
# Giving back what 10,000 connections had is one call of the C library: another matter.
_KEEPS_MEMORY = {"MALLOC_TRIM_THRESHOLD_": str(4 << 30)}


@dataclasses.dataclass(frozen=True)
class Sample:
    longest_ms: float
    longest_quiet_ms: float
    median_ms: float
    turns: int
    server_us: float  # for each transfer, with the closing of its connections
    last_s: float     # from the revoke to the last end


def run(bench):
    count = min(_TRANSFERS, (machine.raise_descriptor_limit() - _OTHER_DESCRIPTORS) // 2)
    registry = Server("holding registry", [sys.executable, pathlib.Path(holding_registry.__file__)], core=bench.load_core,
                      log=bench.folder / "holding-registry.log",
                      env=environment(PYTHONPATH=str(pathlib.Path(__file__).parents[2])))
    bench.stops.append(registry.stop)
    address = "127.0.0.1:" + registry.await_log(re.compile(r"^port ([0-9]+)$", re.MULTILINE))[1]
    turns = Turns(bench)
    gateway = Gateway(bench, flags=["--upstream", f"http://{address}"],
                      env={**turns.environment, **_KEEPS_MEMORY})
    admin = json.loads(bench.program.run("token", "create", "--org", tokens.ORG, "--name", "bench-endings",
                                         "--scopes", "admin", "--json"))["token"]
    samples = {name: _measure(bench, gateway, turns, admin, request, count)
               for name, request in (("uploads", _upload), ("downloads", _download))}
    return _report(samples, count)


def _upload(number, secret):
    return (f"POST /api/v1/orgs/{tokens.ORG}/skills/up-{number}/versions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: Bearer {secret}\r\nContent-Length: 100000\r\n\r\nabc").encode()


def _download(number, secret):
    return (f"GET /api/v1/orgs/{tokens.ORG}/skills/down-{number} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: Bearer {secret}\r\n\r\n").encode()


def _begin(gateway, request, secret, count):
    """All of them, when each has reached the registry."""
    parts, before = urllib.parse.urlsplit(gateway.http), gateway.metric("upstream_connects_total")
    sockets = []
    for number in range(count):
        sockets.append(socket.create_connection((parts.hostname, parts.port), timeout=10))
        sockets[-1].sendall(request(number, secret))
    eventually(lambda: gateway.metric("upstream_connects_total") - before == count, "all transfers under way", _PATIENCE_S)
    return sockets


def _await_ends(sockets):
    selector = selectors.DefaultSelector()
    for each in sockets:
        selector.register(each, selectors.EVENT_READ)
    while selector.get_map():
        ready = selector.select(_PATIENCE_S)
        if not ready:
            raise Trouble(f"{len(selector.get_map())} transfers did not end")
        for key, _ in ready:
            if _has_ended(key.fileobj):
                selector.unregister(key.fileobj)
                key.fileobj.close()


def _has_ended(connection):
    try:
        data = connection.recv(65536)
    except ConnectionResetError:
        return True
    return not data or data.startswith(b"HTTP/1.1 401 ")


def _measure(bench, gateway, turns, admin, request, count):
    with Client(gateway.http) as client:
        target = f"/api/v1/orgs/{tokens.ORG}/tokens"
        token = client.get(target, admin, "POST", json.dumps({"name": "ending"}), {"Content-Type": "application/json"}).json()
        sockets = _begin(gateway, request, token["token"], count)
        ended = gateway.metric("transfers_ended_total")
        turns.begin()
        began = time.monotonic()
        if client.get(f"{target}/{token['id']}", admin, "DELETE").status != 200:
            raise Trouble("the token could not be revoked")
        _await_ends(sockets)
        last_s = time.monotonic() - began
        time.sleep(_LINGER_S)
    if gateway.metric("transfers_ended_total") - ended != count:
        raise Trouble("not all of them were ended")
    sample = _sample(turns.sample(), count, last_s)
    bench.say(f"{request.__name__.strip('_') + 's':<24} longest turn {sample.longest_ms:.2f} ms")
    return sample


def _sample(turns, count, last_s):
    return Sample(turns.longest_ms, turns.longest_quiet_ms, turns.median_ms, turns.turns, turns.total_us / count, last_s)


def _row(name, sample):
    return [name, f"{sample.longest_ms:.2f}", f"{sample.longest_quiet_ms:.2f}", f"{sample.median_ms:.2f}", f"{sample.turns:,}",
            f"{sample.server_us:.1f}", f"{sample.last_s:.2f}"]


def _report(samples, count):
    fewer = [f"! Only {count:,} at once: the limit of open files (ulimit -Hn) allows no more here."] if count < _TRANSFERS else []
    return Report("endings", f"{count:,} transfers of one token that is revoked, plain HTTP",
                  ["", "longest turn ms", "with < 100 sockets", "median ms", "turns", "server us each", "last after s"],
                  [_row(name, sample) for name, sample in samples.items()],
                  {name: vars(sample) for name, sample in samples.items()}, {"transfers": count},
                  [Target(f"longest turn of the loop, {name}, ms", sample.longest_ms, 5, is_minimum=False)
                   for name, sample in samples.items()],
                  [*fewer, "Processor time of the gateway's thread from one wait for its sockets to the next, from the revoke until "
                   f"{_LINGER_S} s after the last end.",
                   "A turn with a hundred sockets and more is one in which as many clients close at once."],
                  [chart.Panel("longest turn, milliseconds (less is better)",
                               [chart.exact(name, sample.longest_ms, True) for name, sample in samples.items()], decimals=2)])

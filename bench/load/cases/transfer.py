# SPDX-License-Identifier: MIT
"""Large bodies through the gateway and through HAProxy, over plain HTTP: uploads of 50 MB, downloads of 100 MiB, one after
another; throughput, processor time, and how much memory it took."""
import dataclasses
import hashlib
import pathlib
import re
import subprocess
import sys
import time

from .. import bulk_registry, chart, comparison, tokens
from ..contenders.gateway import Gateway
from ..contenders.haproxy import Haproxy
from ..http_client import Client
from ..machine import Trouble, find_program
from ..measure import interleave
from ..process import Server, environment, pinned
from ..report import Report, Target

_OURS, _HAPROXY = "gateway", "haproxy map"
_BYTES_UP = 50_000_000
_TARGET = f"/api/v1/orgs/{tokens.ORG}/skills"
_TOKEN = 0
_MIB = 1024 * 1024


@dataclasses.dataclass(frozen=True)
class Sample:
    mib_per_second: float
    server_us: float  # processor time for each MiB
    grown_kib: int    # peak of the resident memory over what it was before


def run(bench):
    # The token under load may write here and nowhere else: other cases send it too, and compare answers with those of its scope.
    # Each case starts gateways of its own, so none has seen the other scope.
    _set_scope(bench, 2)
    bench.stops.append(lambda: _set_scope(bench, 1))
    registry = Server("bulk registry", [sys.executable, pathlib.Path(bulk_registry.__file__)], core=bench.load_core,
                      log=bench.folder / "bulk-registry.log")
    bench.stops.append(registry.stop)
    address = "127.0.0.1:" + registry.await_log(re.compile(r"^port ([0-9]+)$", re.MULTILINE))[1]
    body = bench.folder / "upload"
    body.write_bytes(bytes(range(256)) * (_BYTES_UP // 256) + bytes(_BYTES_UP % 256))
    servers = {_OURS: Gateway(bench, flags=["--upstream", f"http://{address}"]), _HAPROXY: Haproxy(bench, registry=address)}
    for server in servers.values():
        _verify(server, body)
    count = 3 if bench.options.is_quick else 4 * bench.options.seconds
    runs = {way: interleave(bench, {f"{way}, {name}": _sampler(bench, server, way, count, body)
                                    for name, server in servers.items()}, _describe) for way in ("up", "down")}
    return _report(bench, runs, count)


def _set_scope(bench, scope):
    bench.postgres.query(f"update skillreg.api_token set scopes = {scope} where id = '{tokens.token_id(_TOKEN)}'")


def _verify(server, body):
    """Both ways arrive as they were sent."""
    with Client(server.http) as client:
        data = body.read_bytes()
        answer = client.get(_TARGET, tokens.secret(_TOKEN), "POST", data, {"X-Verify": "1"})
        if answer.status != 200 or answer.body.decode() != hashlib.sha256(data).hexdigest():
            raise Trouble(f"{server.name} answers {answer.status} to an upload, or what arrived is not what was sent")
        answer = client.get(_TARGET, tokens.secret(_TOKEN))
        if answer.status != 200 or hashlib.sha256(answer.body).hexdigest() != bulk_registry.digest_down():
            raise Trouble(f"{server.name} answers {answer.status} to a download, or what arrived is not what was sent")


def _memory_kib(pid, name):
    return int(re.search(rf"^{name}:\s+([0-9]+) kB", pathlib.Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)[1])


def _curl(bench, server, way, count, body):
    """Seconds for `count` transfers on one connection."""
    upload = ["--data-binary", f"@{body}", "-H", "Content-Type: application/octet-stream", "-H", "Expect:"] if way == "up" else []
    command = [find_program("curl"), "-sS", "--max-time", "60", "-o", "/dev/null", "-w",
               "%{http_code} %{size_upload} %{size_download} %{time_total}\n", "-H",
               f"Authorization: Bearer {tokens.secret(_TOKEN)}", *upload, f"{server.http}{_TARGET}?n=[1-{count}]"]
    done = subprocess.run(pinned(bench.load_core, command), env=environment(), capture_output=True, text=True,
                          timeout=60 * count, check=False)
    lines = [line.split() for line in done.stdout.splitlines()]
    wanted = _BYTES_UP if way == "up" else bulk_registry.BYTES_DOWN
    for status, sent, received, _ in lines:
        if status != "200" or float(sent if way == "up" else received) != wanted:
            raise Trouble(f"{server.name}: a transfer ended with {status}, {sent} bytes sent, {received} received")
    if done.returncode != 0 or len(lines) != count:
        raise Trouble(f"{server.name}: curl failed: {done.stderr.strip()}")
    return sum(float(line[3]) for line in lines), wanted * count / _MIB


def _sampler(bench, server, way, count, body):
    def sample():
        time.sleep(0.5)  # what was held for the last transfers is given back
        before_kib = _memory_kib(server.pid, "VmRSS")
        pathlib.Path(f"/proc/{server.pid}/clear_refs").write_text("5")  # the peak starts anew
        cpu = server.cpu_seconds()
        seconds, mib = _curl(bench, server, way, count, body)
        return Sample(mib / seconds, (server.cpu_seconds() - cpu) / mib * 1e6, _memory_kib(server.pid, "VmHWM") - before_kib)
    return sample


def _describe(sample):
    return f"{sample.mib_per_second:>10,.0f} MiB/s  {sample.server_us:7.1f} us/MiB  {sample.grown_kib:+,} KiB"


def _report(bench, runs, count):
    rows, targets, panels = [], [], []
    for way, title in (("up", "uploads of 50 MB"), ("down", "downloads of 100 MiB")):
        ours, peer = f"{way}, {_OURS}", f"{way}, {_HAPROXY}"
        for name in (ours, peer):
            rate, spent = (runs[way].summary(name, field) for field in ("mib_per_second", "server_us"))
            ratio = [f"{runs[way].ratio(*pair).median:.2f} x" for pair in (("mib_per_second", ours, name), ("server_us", name, ours))]
            grown = runs[way].summary(name, "grown_kib")
            rows.append([name, f"{rate.median:,.0f}", ratio[0] if name != ours else "", f"{spent.median:,.0f}",
                         ratio[1] if name != ours else "", f"{max(grown.values):,}"])
        targets += [Target(f"throughput of {title}, gateway / haproxy", runs[way].ratio("mib_per_second", ours, peer).median, 0.8),
                    Target(f"resident memory grown by {title}, KiB", max(runs[way].summary(ours, "grown_kib").values), 4096, False)]
        panels.append(chart.Panel(f"MiB a second, {title} (more is better)",
                                  [chart.exact(name, runs[way].summary(name, "mib_per_second").median, name == ours)
                                   for name in (ours, peer)]))
    return Report("transfer", f"Large bodies, plain HTTP ({bench.options.rounds} x {count} one after another)",
                  ["", "MiB/s", "gateway has", "server us/MiB", "it needs", "grown KiB"], rows,
                  {name: [vars(sample) for sample in samples] for way in runs.values() for name, samples in way.samples.items()},
                  comparison.settings(bench), targets,
                  ["Client (curl) and registry share the core of the load, so that they are the limit, not the proxy: compare "
                   "us/MiB. `grown`: peak of the resident memory over what it was before the transfers, the most of all rounds."],
                  panels)

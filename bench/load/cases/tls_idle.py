# SPDX-License-Identifier: MIT
"""10,000 idle keep-alive TLS connections: what each keeps in memory, whether one is dropped, and how long a request on
them takes after the rest."""
import time

from .. import chart, machine, verify
from ..contenders.gateway import Gateway
from ..contenders.haproxy import Haproxy
from ..contenders.nginx import Nginx
from ..machine import Trouble
from ..report import Report, Target
from ..tls_load import Load

_CONNECTIONS = 10_000
_CONNECTIONS_QUICK = 1_000
_OTHER_DESCRIPTORS = 500
_REST_S = 5  # the gateway's is over after one, and pages are handed back


def _wanted(bench):
    return _CONNECTIONS_QUICK if bench.options.is_quick else _CONNECTIONS


def run(bench):
    count = min(_wanted(bench), machine.raise_descriptor_limit() - _OTHER_DESCRIPTORS)
    samples = {name: _measure(bench, make, count)
               for name, make in {"gateway": Gateway, "haproxy map": Haproxy, "nginx constant": Nginx}.items()}
    return _report(bench, samples, count)


def _measure(bench, make, count):
    mark = len(bench.stops)
    server = make(bench)
    verify.contender(bench, server, server.https)
    Load(bench, "handshakes", server.https, 8, 1, "full").outcome()
    before = server.memory_bytes()
    load = Load(bench, "idle", server.https, count)
    load.await_line(f"OPEN {count}\n")
    busy = server.memory_bytes()
    time.sleep(_REST_S)
    idle = server.memory_bytes()
    load.go_on()
    result = load.outcome()
    if result.done != count:
        raise Trouble(f"{server.name} dropped {count - result.done} of {count} connections")
    bench.stop_down_to(mark)
    sample = {"kib_each": (idle - before) / count / 1024, "kib_each_at_once": (busy - before) / count / 1024,
              "before_mib": before / 2**20, "p50_us": result.p50_us, "p99_us": result.p99_us}
    bench.say(f"{server.name:<24} {sample['kib_each']:.1f} KiB each")
    return sample


def _row(name, sample):
    return [name, f"{sample['kib_each']:.1f}", f"{sample['kib_each_at_once']:.1f}", f"{sample['before_mib']:.1f}",
            f"{sample['p50_us'] / 1000:.2f}", f"{sample['p99_us'] / 1000:.2f}"]


def _report(bench, samples, count):
    ours = samples["gateway"]["kib_each"]
    fewer = [f"! Only {count:,} connections: the limit of open files (ulimit -Hn) is "
             f"{count + _OTHER_DESCRIPTORS:,} here."] if count < _wanted(bench) else []
    return Report("tls-idle", f"{count:,} idle keep-alive TLS connections",
                  ["", "KiB each", "at once", "before MiB", "p50 ms", "p99 ms"],
                  [_row(name, sample) for name, sample in samples.items()], samples,
                  {"connections": count, "rest_seconds": _REST_S},
                  [Target("KiB for each idle connection", ours, 16, is_minimum=False),
                   Target("the same", ours, 13, is_minimum=False)],
                  [*fewer, f"KiB each: growth of the proportional set size (smaps_rollup) {_REST_S} s after one request on "
                   "each; `at once`: right after it. None was dropped; p50 and p99 are of the next request on each."],
                  [chart.Panel("KiB for each idle connection (less is better)",
                               [chart.exact(name, sample["kib_each"], name == "gateway")
                                for name, sample in samples.items()], decimals=1)])

# SPDX-License-Identifier: MIT
"""Established connections that ask at a steady rate, alone and then beside a storm of full handshakes."""
import dataclasses
import statistics

from .. import chart, comparison, verify
from ..contenders.gateway import Gateway
from ..contenders.haproxy import Haproxy
from ..contenders.nginx import Nginx
from ..report import Report, Target
from ..tls_load import Load

_PER_SECOND = 1000
_STORM_CLIENTS = 64
_OURS = "gateway"


@dataclasses.dataclass(frozen=True)
class Sample:
    quiet_p50_us: int
    quiet_p99_us: int
    storm_p50_us: int
    storm_p99_us: int
    handshakes_per_second: float

    @property
    def ratio(self):
        return self.storm_p99_us / self.quiet_p99_us


def run(bench):
    servers = {_OURS: Gateway(bench), "haproxy map": Haproxy(bench), "nginx constant": Nginx(bench)}
    samples = {name: [] for name in servers}
    for number in range(1, bench.options.rounds + 1):
        for name, server in servers.items():
            sample = _measure(bench, server)
            samples[name].append(sample)
            bench.say(f"round {number}/{bench.options.rounds}  {name:<18} p99 {sample.quiet_p99_us / 1000:.2f} ms quiet, "
                      f"{sample.storm_p99_us / 1000:.2f} ms in the storm")
    return _report(bench, samples)


def _measure(bench, server):
    verify.contender(bench, server, server.https)
    quiet, storm = (Load(bench, "steady", server.https, bench.options.connections, bench.options.seconds, _PER_SECOND,
                         clients).outcome() for clients in (0, _STORM_CLIENTS))
    return Sample(quiet.p50_us, quiet.p99_us, storm.p50_us, storm.p99_us, storm.storm / storm.seconds)


def _median(samples, field):
    return statistics.median(getattr(sample, field) for sample in samples)


def _row(name, samples):
    times = [f"{_median(samples, field) / 1000:.2f}" for field in
             ("quiet_p50_us", "quiet_p99_us", "storm_p50_us", "storm_p99_us")]
    return [name, *times, f"{_median(samples, 'ratio'):.1f} x", f"{_median(samples, 'handshakes_per_second'):,.0f}"]


def _bar(name, samples):
    values = [sample.storm_p99_us / 1000 for sample in samples]
    return chart.Bar(name, statistics.median(values), min(values), max(values), name == _OURS)


def _report(bench, samples):
    return Report("tls-storm", f"{bench.options.connections} established connections, {_PER_SECOND:,} requests a second, "
                  f"beside {_STORM_CLIENTS} clients that shake hands without pause",
                  ["", "quiet p50 ms", "p99 ms", "storm p50 ms", "p99 ms", "p99 x quiet", "handshakes/s"],
                  [_row(name, taken) for name, taken in samples.items()],
                  {name: [vars(sample) for sample in taken] for name, taken in samples.items()},
                  comparison.settings(bench),
                  [Target("p99 of established connections, storm / quiet", _median(samples[_OURS], "ratio"), 3.0,
                          is_minimum=False)],
                  ["Time counts from when a request was due. Load and storm share one thread, which serves the "
                   "established connections first."],
                  [chart.Panel("p99 of established connections in the storm, milliseconds (less is better)",
                               [_bar(name, taken) for name, taken in samples.items()], decimals=2)])

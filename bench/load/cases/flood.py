# SPDX-License-Identifier: MIT
"""Good traffic beside a flood of well-formed tokens that nobody has, each of them new. The third measurement tells the
two causes of a slower answer apart: as many further connections, but with good tokens."""
import dataclasses
import statistics

from .. import chart, comparison, verify, wrk
from ..contenders.gateway import WHOAMI, Gateway
from ..machine import Trouble
from ..report import Report, Target

_FLOOD_CONNECTIONS = 16
_WARM_UP_S = 3  # every good token is known then
_QUIET, _CONTROL, _FLOOD = "quiet", "more good traffic", "flood"


@dataclasses.dataclass(frozen=True)
class Phase:
    good_per_second: float
    p50_us: int
    p99_us: int
    beside_per_second: float
    server_us: float       # for each answer, good and bad together
    unknown_answers: float # 503: the gateway could not know


def run(bench):
    gateway = Gateway(bench)
    _good_load(bench, gateway, core=bench.load_core, seconds=_WARM_UP_S,
               connections=bench.options.connections).outcome()
    phases = {_QUIET: None, _CONTROL: _good_load, _FLOOD: _bad_load}
    samples = {name: [] for name in phases}
    for number in range(1, bench.options.rounds + 1):
        for name, beside in phases.items():
            phase = _measure(bench, gateway, beside, name == _FLOOD)
            samples[name].append(phase)
            bench.say(f"round {number}/{bench.options.rounds}  {name:<18} {phase.good_per_second:>10,.0f} good/s  "
                      f"{phase.beside_per_second:>10,.0f} beside/s  p99 {phase.p99_us / 1000:.2f} ms")
    return _report(bench, samples)


def _good_load(bench, gateway, **options):
    return wrk.live_tokens(gateway.http, bench.hot_tokens, WHOAMI, **options)


def _bad_load(_bench, gateway, **options):
    return wrk.unknown_tokens(gateway.http, WHOAMI, **options)


def _measure(bench, gateway, start_beside, is_flood):
    verify.contender(bench, gateway, gateway.http)
    unknown_before, cpu_before = gateway.metric('decisions_total{decision="unknown"}'), gateway.cpu_seconds()
    beside = start_beside and start_beside(bench, gateway, core=bench.load_core, seconds=bench.options.seconds + 1,
                                           connections=_FLOOD_CONNECTIONS)
    try:
        good = _good_load(bench, gateway, core=bench.load_core, seconds=bench.options.seconds,
                          connections=bench.options.connections).outcome()
        other = beside.outcome() if beside else None
    finally:
        if beside:
            beside.stop()
    cpu, unknown = gateway.cpu_seconds() - cpu_before, gateway.metric('decisions_total{decision="unknown"}') - unknown_before
    verify.outcome("gateway (good traffic)", good)
    if other and is_flood and other.refused != other.requests:
        raise Trouble(f"{other.requests - other.refused} unknown tokens were let in")
    if other and not is_flood:
        verify.outcome("gateway (traffic beside)", other)
    verify.contender(bench, gateway, gateway.http)
    answers = good.requests + (other.requests if other else 0)
    return Phase(good.per_second, good.p50_us, good.p99_us, other.per_second if other else 0.0, cpu / answers * 1e6,
                 unknown)


def _median(phases, field):
    return statistics.median(getattr(phase, field) for phase in phases)


def _row(name, phases, quiet):
    p99 = _median(phases, "p99_us")
    return [name, f"{_median(phases, 'good_per_second'):,.0f}", f"{_median(phases, 'beside_per_second'):,.0f}",
            f"{_median(phases, 'p50_us') / 1000:.2f}", f"{p99 / 1000:.2f}", f"{p99 / _median(quiet, 'p99_us'):.2f} x",
            f"{_median(phases, 'server_us'):.2f}", f"{sum(phase.unknown_answers for phase in phases):.0f}"]


def _bar(name, phases):
    values = [phase.p99_us / 1000 for phase in phases]
    return chart.Bar(name, statistics.median(values), min(values), max(values), name == _FLOOD)


def _report(bench, samples):
    ratio = _median(samples[_FLOOD], "p99_us") / _median(samples[_QUIET], "p99_us")
    return Report("flood", f"Good traffic beside a flood of unknown tokens ({comparison.how(bench)} of good traffic)",
                  ["", "good req/s", "beside req/s", "good p50 ms", "good p99 ms", "x quiet", "server us/req", "503s"],
                  [_row(name, phases, samples[_QUIET]) for name, phases in samples.items()],
                  {name: [vars(phase) for phase in phases] for name, phases in samples.items()},
                  comparison.settings(bench),
                  [Target("p99 of good traffic, flood / quiet", ratio, 2.0, is_minimum=False)],
                  [f"Beside: {_FLOOD_CONNECTIONS} further connections at full speed, from the core of the good load."],
                  [chart.Panel("p99 of good requests, milliseconds (less is better)",
                               [_bar(name, phases) for name, phases in samples.items()], decimals=2)])

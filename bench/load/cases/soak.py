# SPDX-License-Identifier: MIT
"""Steady load at full speed for as long as wanted, while tokens come and go: a hundredth of them in each slice. What must
stay flat is compared between the first third and the last: memory, descriptors, the time of answers."""
import dataclasses
import os
import pathlib
import re
import statistics

from .. import chart, comparison, tokens, verify, wrk
from ..contenders.gateway import WHOAMI, Gateway
from ..http_client import Client
from ..machine import Trouble
from ..process import eventually
from ..report import Report, Target

_SLICE_S = 10
_WARM_UP_S = 10
_CHURN = tokens.HOT // 100
_REFUSED_WITHIN_S = 5
_FLAT = 1.1

# Of the gateway's own functions, so that the log of changes is written as for any token.
_MAKE = """
select skillreg.token_create('clsoak{slice}x' || i, o.id, 'soak', left(s.secret, 12), sha256(s.secret::bytea), 1::smallint,
                             null, 'operator')
from skillreg.organisation o, unnest(string_to_array('{secrets}', ',')) with ordinality as s (secret, i)
where o.slug = '{org}';
"""
_REVOKE = """
select skillreg.token_revoke(t.org_id, t.id, 'operator') from skillreg.api_token t
where t.name = 'soak' and t.revoked_at is null;
"""


@dataclasses.dataclass(frozen=True)
class Slice:
    per_second: float
    p99_us: int
    resident_kib: int
    descriptors: int


def run(bench):
    gateway = Gateway(bench)
    _load(bench, gateway, _WARM_UP_S).outcome()
    count = max(3, bench.options.minutes * 60 // _SLICE_S)
    slices = []
    for number in range(count):
        taken = _take_slice(bench, gateway, number)
        slices.append(taken)
        bench.say(f"slice {number + 1}/{count}  {taken.per_second:>10,.0f} /s  p99 {taken.p99_us / 1000:.2f} ms  "
                  f"{taken.resident_kib:,} KiB  {taken.descriptors} descriptors")
    verify.contender(bench, gateway, gateway.http)
    return _report(bench, slices)


def _load(bench, gateway, seconds):
    return wrk.live_tokens(gateway.http, bench.hot_tokens, WHOAMI, core=bench.load_core, seconds=seconds,
                           connections=bench.options.connections)


def _take_slice(bench, gateway, number):
    load = _load(bench, gateway, _SLICE_S)
    try:
        _churn(bench, gateway, number)
        outcome = load.outcome()
    finally:
        load.stop()
    verify.outcome(gateway.name, outcome)
    return Slice(outcome.per_second, outcome.p99_us, _resident_kib(gateway.pid),
                 len(os.listdir(f"/proc/{gateway.pid}/fd")))


def _churn(bench, gateway, number):
    """Tokens that are made, used and revoked while the load runs: first all of them are known, then none is let in."""
    secrets = [tokens.unknown_secret() for _ in range(_CHURN)]
    with Client(gateway.http) as client:
        def are_all(status):
            return all(client.get(WHOAMI, secret).status == status for secret in secrets)

        bench.postgres.query(_MAKE.format(slice=number, secrets=",".join(secrets), org=tokens.ORG))
        if not are_all(200):
            raise Trouble("a token that was just made was not let in")
        bench.postgres.query(_REVOKE)
        eventually(lambda: are_all(401), "refusing the revoked tokens", _REFUSED_WITHIN_S)


def _resident_kib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    return int(re.search(r"^VmRSS:\s+([0-9]+) kB$", status, re.MULTILINE)[1])


def _median(slices, field):
    return statistics.median(getattr(one, field) for one in slices)


def _row(name, slices):
    return [name, f"{_median(slices, 'per_second'):,.0f}", f"{_median(slices, 'p99_us') / 1000:.2f}",
            f"{_median(slices, 'resident_kib'):,.0f}", f"{_median(slices, 'descriptors'):.0f}"]


def _report(bench, slices):
    third = len(slices) // 3
    parts = {"first third": slices[:third], "last third": slices[-third:]}
    ratios = {text: _median(parts["last third"], field) / _median(parts["first third"], field)
              for text, field in [("memory", "resident_kib"), ("descriptors", "descriptors"), ("p99", "p99_us")]}
    return Report("soak", f"{len(slices) * _SLICE_S} s of load while {_CHURN * len(slices):,} tokens come and go "
                          f"({bench.options.connections} connections)",
                  ["", "req/s", "p99 ms", "memory KiB", "descriptors"],
                  [_row(name, part) for name, part in parts.items()],
                  {"gateway": [vars(one) for one in slices]}, comparison.settings(bench),
                  [Target(f"{text}, last third / first", ratio, _FLAT if text != "p99" else 1.5, is_minimum=False)
                   for text, ratio in ratios.items()],
                  [f"Slices of {_SLICE_S} s; in each, {_CHURN} tokens are made, let in, revoked and refused."],
                  [chart.Panel("memory, KiB (flat is good)",
                               [chart.exact(name, _median(part, "resident_kib"), True) for name, part in parts.items()])])

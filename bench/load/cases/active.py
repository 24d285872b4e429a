# SPDX-License-Identifier: MIT
"""As many active tokens as last uses are kept for, at full speed, while their uses are written and periods end; then their
organisation is renamed, which makes all that the cache has of them worthless. The longest answer that a client waited for, and
the longest turn of the gateway's loop."""
import dataclasses
import time

from .. import chart, comparison, tokens, verify, wrk
from ..contenders.gateway import WHOAMI, Gateway
from ..report import Report, Target
from ..turns import Turns

_ACTIVE = 200_000  # GW_LAST_USED_KEPT_MAX
_ACTIVE_QUICK = 10_000
_PERIOD_S = 10  # in which each use is written once
_PERIOD_QUICK_S = 2


@dataclasses.dataclass(frozen=True)
class Sample:
    requests: int
    longest_answer_ms: float
    p99_ms: float
    longest_turn_ms: float
    longest_quiet_turn_ms: float
    rows_written: int


def run(bench):
    active = _ACTIVE_QUICK if bench.options.is_quick else _ACTIVE
    tokens.fill(bench.postgres, max(active, tokens.count(bench.postgres)))
    token_file = tokens.write_list(bench.folder / "tokens-active", range(active))
    turns = Turns(bench)
    period_s = _PERIOD_QUICK_S if bench.options.is_quick else _PERIOD_S
    gateway = Gateway(bench, flags=["--cache-entries", str(_ACTIVE + 1000), "--last-used-interval", "1s",
                                    "--last-used-resolution", f"{period_s}s"], env=turns.environment)
    verify.contender(bench, gateway, gateway.http, range(100))
    seconds = max(3 * period_s, bench.options.seconds)
    _load(bench, gateway, token_file, seconds).outcome()  # each token is looked up once, and used
    samples = {"uses are written": _measure(bench, gateway, turns, token_file, seconds),
               "their organisation is renamed": _measure(bench, gateway, turns, token_file, seconds, _rename)}
    return _report(bench, samples, active, seconds)


def _load(bench, gateway, token_file, seconds):
    return wrk.live_tokens(gateway.http, token_file, WHOAMI, core=bench.load_core, seconds=seconds,
                           connections=bench.options.connections)


def _rename(bench, seconds):
    """In the middle of the load. The name has the same length, as the answers have."""
    time.sleep(seconds / 2)
    bench.postgres.query(f"update skillreg.organisation set name = reverse(name) where slug = '{tokens.ORG}'")


def _measure(bench, gateway, turns, token_file, seconds, meanwhile=None):
    rows = gateway.metric("last_used_rows_written_total")
    turns.begin()
    load = _load(bench, gateway, token_file, seconds)
    if meanwhile:
        meanwhile(bench, seconds)
    outcome = load.outcome()
    verify.outcome(gateway.name, outcome)
    sample = turns.sample()
    rows = int(gateway.metric("last_used_rows_written_total") - rows)
    bench.say(f"longest answer {outcome.max_us / 1000:.1f} ms, longest turn {sample.longest_ms:.2f} ms, {rows:,} rows written")
    return Sample(outcome.requests, outcome.max_us / 1000, outcome.p99_us / 1000, sample.longest_ms, sample.longest_quiet_ms, rows)


def _row(name, sample):
    return [name, f"{sample.requests:,}", f"{sample.longest_answer_ms:.1f}", f"{sample.p99_ms:.1f}", f"{sample.longest_turn_ms:.2f}",
            f"{sample.longest_quiet_turn_ms:.2f}", f"{sample.rows_written:,}"]


def _report(bench, samples, active, seconds):
    return Report("active", f"{active:,} active tokens, plain HTTP, {seconds} s each",
                  ["while", "requests", "longest answer ms", "p99 ms", "longest turn ms", "with < 100 sockets", "rows written"],
                  [_row(name, sample) for name, sample in samples.items()],
                  {name: vars(sample) for name, sample in samples.items()}, {**comparison.settings(bench), "tokens": active},
                  [Target(f"longest turn of the loop while {name}, ms", sample.longest_turn_ms, 5, is_minimum=False)
                   for name, sample in samples.items()],
                  ["Turns in processor time of the gateway's thread, from one wait for its sockets to the next. A renamed organisation "
                   "makes each of its tokens one lookup again, so answers take longer for a while."],
                  [chart.Panel("longest answer, milliseconds (less is better)",
                               [chart.exact(name, sample.longest_answer_ms, True) for name, sample in samples.items()], decimals=1)])

# SPDX-License-Identifier: MIT
"""How the cost of a lookup grows with the table: 10,000 tokens, a million, ten million. Every request asks the
database for one of 9,000 tokens, which are spread over the whole table: each of them on a page of its own, and in a
part of the index of its own, once the table is large. Those pages are in PostgreSQL's memory before the load starts,
and no last use is written meanwhile: only the lookup is measured."""
import random
import time

from .. import chart, comparison, tokens
from ..contenders.gateway import LOOKUPS_ONLY, Gateway
from ..measure import Runs, http_sample
from ..report import Report, Target

_ASKED_FOR = 9_000  # fewer than the last uses that the gateway writes at once
# Each session of PostgreSQL pays for its first touch of a page, four sessions for 9,000 tokens.
_WARM_UP_S = 8


def _sizes(options):
    if options.is_quick:
        return [tokens.HOT, 100_000]
    return [tokens.HOT, 1_000_000, *([10_000_000] if options.is_full else [])]


def run(bench):
    runs = Runs()
    sizes = _sizes(bench.options)
    for size in sizes:
        _measure(bench, size, runs)
    first, last = f"{sizes[0]:,}", f"{sizes[-1]:,}"
    costs = {name: [_cost(sample) for sample in samples] for name, samples in runs.samples.items()}
    rows = [_row(runs, name, costs) for name in runs.samples]
    return Report("growth", f"Lookup cost as the table grows ({comparison.how(bench)})",
                  ["tokens", "lookups/s", "gateway us", "database us", "together us", "x first", "p99 ms"], rows,
                  {name: [vars(sample) for sample in samples] for name, samples in runs.samples.items()},
                  comparison.settings(bench),
                  [Target(f"processor time of a lookup among {last} / among {first}",
                          _middle(costs[last]) / _middle(costs[first]), 1.5, is_minimum=False)],
                  ["Processor time of the gateway and of PostgreSQL for each lookup; the answers are the same.",
                   *comparison.disturbance(runs)],
                  [chart.Panel("processor microseconds for each lookup, gateway and database (less is better)",
                               [chart.Bar(f"{name} tokens", _middle(values), min(values), max(values), True)
                                for name, values in costs.items()], decimals=1)])


def _measure(bench, size, runs):
    bench.say(f"making {size:,} tokens")
    began = time.monotonic()
    tokens.fill(bench.postgres, size)
    bench.say(f"made in {time.monotonic() - began:.0f} s")
    numbers = random.sample(range(size), _ASKED_FOR)
    _warm(bench.postgres, numbers)
    token_file = tokens.write_list(bench.folder / f"tokens-{size}", numbers)
    gateway = Gateway(bench, f"gateway {size}", bench.program.flags(**LOOKUPS_ONLY))
    for number in range(1, bench.options.rounds + 1):
        sample = http_sample(bench, gateway, gateway.http, token_file=token_file, numbers=numbers,
                             warm_up_s=_WARM_UP_S if number == 1 else 1)
        runs.add(f"{size:,}", sample)
        bench.say(f"round {number}/{bench.options.rounds}  {size:>10,} tokens {sample.per_second:>10,.0f} /s  "
                  f"{_cost(sample):7.2f} us/lookup")
    gateway.stop()


def _warm(postgres, numbers):
    prefixes = ",".join(f"'{tokens.secret(number)[:12]}'" for number in numbers)
    postgres.query(f"select count(digest) from skillreg.api_token where prefix in ({prefixes}) and revoked_at is null")


def _cost(sample):
    return sample.server_us + sample.database_us


def _middle(values):
    return sorted(values)[len(values) // 2]


def _row(runs, name, costs):
    first = next(iter(costs))
    return [name, f"{runs.summary(name, 'per_second').median:,.0f}", f"{runs.summary(name, 'server_us').median:.2f}",
            f"{runs.summary(name, 'database_us').median:.2f}", f"{_middle(costs[name]):.2f}",
            f"{_middle(costs[name]) / _middle(costs[first]):.2f} x",
            f"{runs.summary(name, 'p99_us').median / 1000:.2f}"]

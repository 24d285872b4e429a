# SPDX-License-Identifier: MIT
"""Rounds: every contender in turn, again and again (A B C A B C ...), so that a slow minute of a shared machine hits
all alike. Ratios are taken within a round and only then summed up."""
import dataclasses
import statistics
import time

from . import machine, verify, wrk

_WARM_UP_S = 1


@dataclasses.dataclass(frozen=True)
class Sample:
    per_second: float
    server_us: float     # processor time of the server for each answer
    database_us: float   # processor time of PostgreSQL for each answer
    server_busy: float   # share of its core
    load_busy: float     # share of its core; near 1: the generator was the limit
    foreign: float       # share of the server's core that went to other programs
    p50_us: int
    p99_us: int


@dataclasses.dataclass(frozen=True)
class Summary:
    """Median, and half of the distance between the extremes as a share of it."""
    median: float
    spread: float
    values: tuple

    @staticmethod
    def of(values):
        middle = statistics.median(values)
        return Summary(middle, (max(values) - min(values)) / 2 / middle if middle else 0.0, tuple(values))


class Runs:
    """The samples of one case: {contender: [Sample, ...]}, a sample for each round."""

    def __init__(self):
        self.samples = {}

    def add(self, name, sample):
        self.samples.setdefault(name, []).append(sample)

    def summary(self, name, field):
        return Summary.of([getattr(sample, field) for sample in self.samples[name]])

    def ratio(self, field, name, other):
        """Of the medians' kind: the median of `name` over `other`, round by round. None when `other` cost nothing."""
        pairs = zip(self.samples[name], self.samples[other])
        ratios = [getattr(a, field) / getattr(b, field) for a, b in pairs if getattr(b, field) > 0]
        return Summary.of(ratios) if ratios else None


def _describe(sample):
    return f"{sample.per_second:>10,.0f} /s  {sample.server_us:7.2f} us/request"


def interleave(bench, contenders, describe=_describe):
    """contenders: {name: function that makes one Sample}. Says each result as it comes."""
    runs = Runs()
    for number in range(1, bench.options.rounds + 1):
        for name, take_sample in contenders.items():
            sample = take_sample()
            runs.add(name, sample)
            bench.say(f"round {number}/{bench.options.rounds}  {name:<24} {describe(sample)}")
    return runs


def http_sample(bench, server, url, *, token_file=None, numbers=None, warm_up_s=_WARM_UP_S, question=None):
    """Warm up, check, load, check. `question`: whoami, if nothing else."""
    token_file = token_file or bench.hot_tokens
    question = question or verify.whoami(bench)
    checked = {"question": question, **({"numbers": numbers} if numbers else {})}
    options = {"core": bench.load_core, "connections": bench.options.connections}
    verify.contender(bench, server, url, **checked)
    verify.outcome(server.name, wrk.live_tokens(url, token_file, question.target, seconds=warm_up_s, **options).outcome())
    server_before, database_before = server.cpu_seconds(), bench.postgres.cpu_seconds()
    core_before, began = machine.core_busy_seconds(bench.server_core), time.monotonic()
    result = wrk.live_tokens(url, token_file, question.target, seconds=bench.options.seconds, **options).outcome()
    took, core = time.monotonic() - began, machine.core_busy_seconds(bench.server_core) - core_before
    server_cpu = server.cpu_seconds() - server_before
    database_cpu = bench.postgres.cpu_seconds() - database_before
    ours = server_cpu + (database_cpu if bench.options.database_core == bench.server_core else 0)
    verify.outcome(server.name, result)
    verify.contender(bench, server, url, **checked)
    return Sample(result.per_second, server_cpu / result.requests * 1e6, database_cpu / result.requests * 1e6,
                  server_cpu / took, result.cpu_seconds / took, max(0.0, core - ours) / took,
                  result.p50_us, result.p99_us)

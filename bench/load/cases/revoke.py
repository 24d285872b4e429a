# SPDX-License-Identifier: MIT
"""From a revoke to the refusal, under full load: the revoke goes to the first gateway, and the token is tried on all of
them without pause until each has refused it. On one gateway, and on three that share a database."""
import json
import time

from .. import chart, comparison, tokens, verify, wrk
from ..contenders.gateway import WHOAMI, Gateway
from ..machine import Trouble
from ..poller import Poller
from ..report import Report, Target

_PRIMING_ANSWERS = 3   # of each gateway before the revoke: the token is in every cache then
_CHECKED_AFTER = 5     # further answers of each gateway after its first refusal: all refusals
_FIRST_NUMBER = 1000   # of the tokens that are given up, taken out of the load


class Trial:
    """One token: poll everywhere, revoke, note the first refusal of each gateway."""

    def __init__(self, bench, number, poller, gateways, admin):
        self._number = number
        self._poller = poller
        self._answers = [0] * len(gateways)
        self._refused_at = [None] * len(gateways)
        self._refusals = [0] * len(gateways)
        self._revoke_sent = self._revoke_answered = None
        self._target = f"/api/v1/orgs/{tokens.ORG}/tokens/{tokens.token_id(number)}"
        self._admin = admin
        self._askers = [poller.connect(gateway.http, self._watcher(i)) for i, gateway in enumerate(gateways)]
        self._revoker = poller.connect(gateways[0].http, self._on_revoked)

    def _watcher(self, index):
        def on_answer(_asker, status, sent, received):
            self._answers[index] += 1
            if status == 401 and self._revoke_sent is not None:
                self._refused_at[index] = self._refused_at[index] or received
                self._refusals[index] += 1
                return self._refusals[index] < _CHECKED_AFTER
            if status != 200:
                raise Trouble(f"token {self._number} got {status}")
            if self._refused_at[index]:
                raise Trouble(f"token {self._number} was let in again after it had been refused")
            return True
        return on_answer

    def _on_revoked(self, _asker, status, sent, received):
        if status != 200:
            raise Trouble(f"the revoke of token {self._number} was answered {status}")
        self._revoke_sent, self._revoke_answered = sent, received
        return False

    def run(self):
        """(milliseconds from sending the revoke, milliseconds from its answer) for each gateway."""
        for asker in self._askers:
            asker.ask("GET", WHOAMI, tokens.secret(self._number))
        self._poller.run_until(lambda: min(self._answers) >= _PRIMING_ANSWERS, 10, "the token is known everywhere")
        self._revoke_sent = float("inf")  # refusals are legal from here on
        self._revoker.ask("DELETE", self._target, self._admin)
        self._poller.run_until(lambda: self._revoke_answered is not None and min(self._refusals) >= _CHECKED_AFTER, 15,
                               f"token {self._number} is refused everywhere")
        return [((at - self._revoke_sent) * 1000, (at - self._revoke_answered) * 1000) for at in self._refused_at]


def run(bench):
    admin = json.loads(bench.program.run("token", "create", "--org", tokens.ORG, "--name", "bench-admin",
                                         "--scopes", "admin", "--json"))["token"]
    trials = 10 if bench.options.is_quick else 500 if bench.options.is_full else 100
    load_tokens = tokens.write_list(bench.folder / "tokens-load", range(_FIRST_NUMBER))
    samples, rows, number = {}, [], _FIRST_NUMBER
    try:
        for count in (1, 3):
            delays, rate = _measure(bench, count, range(number, number + trials), admin, load_tokens)
            number += trials
            name = "one gateway" if count == 1 else f"{count} gateways"
            samples[name] = {"from_request_ms": [delay[0] for delay in delays],
                             "from_answer_ms": [delay[1] for delay in delays], "load_per_second": rate}
            rows.append(_row(name, samples[name]))
            bench.say(f"{name}: {trials} revokes, p99 {_quantile(samples[name]['from_request_ms'], 0.99):.1f} ms")
    finally:
        _restore(bench)
    return _report(bench, samples, rows, trials)


def _measure(bench, count, numbers, admin, load_tokens):
    gateways = [Gateway(bench, f"gateway {count}-{i}") for i in range(count)]
    # Bounded, and longer than the trials can take.
    loads = [wrk.live_tokens(gateway.http, load_tokens, WHOAMI, core=bench.load_core, seconds=_patience(numbers),
                             connections=max(8, bench.options.connections // count)) for gateway in gateways]
    before = [_counts(gateway) for gateway in gateways]
    bench.say(f"{len(numbers)} revokes on {count} under load")
    began = time.monotonic()
    try:
        delays = [delay for number in numbers for delay in _try(bench, number, gateways, admin)]
        took = time.monotonic() - began
        done = [[now - then for now, then in zip(_counts(gateway), counts)]
                for gateway, counts in zip(gateways, before)]
        _check(done, loads, len(numbers))
    finally:
        for load in loads:
            load.stop()
    for gateway in gateways:
        verify.contender(bench, gateway, gateway.http, range(_FIRST_NUMBER))
        gateway.stop()
    return delays, sum(requests for requests, _, _ in done) / took


def _counts(gateway):
    return [gateway.metric(name) for name in
            ("requests_total", 'decisions_total{decision="unauthenticated"}', 'responses_total{code="5xx"}')]


def _check(done, loads, trials):
    """The load lasted, and of all answers only those were refusals that had to be."""
    if not all(load.is_running() for load in loads):
        raise Trouble("the load ended before the last revoke")
    for _, refused, failed in done:
        if refused != trials * _CHECKED_AFTER or failed != 0:
            raise Trouble(f"a gateway refused {refused:.0f} requests instead of {trials * _CHECKED_AFTER}, and "
                          f"answered {failed:.0f} with 5xx")


def _patience(numbers):
    return 20 + len(numbers) // 2


def _try(bench, number, gateways, admin):
    poller = Poller()
    try:
        return Trial(bench, number, poller, gateways, admin).run()
    finally:
        poller.close()


def _restore(bench):
    """Other cases need all tokens. No gateway runs now that could remember the revoke."""
    bench.postgres.query("""
        set session_replication_role = replica; -- without the trigger that makes a revoke final
        update skillreg.api_token set revoked_at = null, revoked_by = null
        where id like 'clbench%' and revoked_at is not null""")


def _quantile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _row(name, sample):
    sent, answered = sample["from_request_ms"], sample["from_answer_ms"]
    return [name, f"{len(sent)}", f"{sample['load_per_second']:,.0f}",
            *(f"{_quantile(sent, share):.1f}" for share in (0.5, 0.99)), f"{max(sent):.1f}",
            *(f"{_quantile(answered, share):.1f}" for share in (0.5, 0.99)), f"{max(answered):.1f}"]


def _report(bench, samples, rows, trials):
    worst = samples["3 gateways"]["from_request_ms"]
    bars = [chart.exact(f"{name}, {label}", _quantile(sample["from_request_ms"], share), label == "p99")
            for name, sample in samples.items() for label, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))]
    return Report("revoke", f"From a revoke to the refusal, under full load ({trials} revokes each)",
                  ["", "refusals", "load req/s", "p50 ms", "p99 ms", "max ms", "after answer: p50", "p99", "max"], rows,
                  samples, comparison.settings(bench),
                  [Target("p99 on three gateways, ms", _quantile(worst, 0.99), 100, is_minimum=False)],
                  ["From sending the revoke to the arrival of the first refusal, for each gateway; `after answer`: from "
                   "the arrival of the revoke's own answer (below 0: refused before that).",
                   "After its first refusal no gateway let the token in again."],
                  [chart.Panel("milliseconds from the revoke to the refusal (less is better)", bars, decimals=1)])

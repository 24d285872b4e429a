# SPDX-License-Identifier: MIT
"""Whether the time that a refusal takes tells something about the tokens that there are: one of a prefix that exists, with a
wrong rest, against one of a prefix that nobody has. One client that waits for each answer, the cache off, every token
new; the kinds are asked in random order, turn by turn. Each kind is there twice, under two names: what the two of a kind
differ by is what the machine and the method make of nothing."""
import bisect
import random
import secrets
import socket
import statistics
import time
import urllib.parse

from .. import chart, tokens
from ..contenders.gateway import CACHE_OFF, WHOAMI, Gateway
from ..machine import Trouble
from ..report import Report, Target

_SAMPLES = 10_000
_WARM_UP = 2_000
_RESAMPLES = 400
_EXISTS, _NOT = "prefix exists", "no such prefix"
_KINDS = {_EXISTS: True, _NOT: False, _EXISTS + ", again": True, _NOT + ", again": False}
_NOTICEABLE = 0.05  # of the distance from a coin that is thrown, when one answer is compared with one other


def run(bench):
    gateway = Gateway(bench, flags=bench.program.flags(**CACHE_OFF, failed_token_limit=0))
    samples = _measure(gateway.http, 500 if bench.options.is_quick else _SAMPLES)
    gateway.stop()
    return _report(samples)


def _secret(does_exist):
    """Of the hot tokens the four characters after sr_live_ are their number; letters are nobody's."""
    head = f"sr_live_{random.randrange(tokens.HOT):04d}" if does_exist else \
        "sr_live_" + "".join(random.choices("ghijkmnpqrstuvwxyz", k=4))
    return head + secrets.token_urlsafe(33)[:44]


class _Client:
    """One kept connection, with as little around the two system calls as Python allows."""

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout=10)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._host = parts.netloc

    def refusal_us(self, secret):
        request = f"GET {WHOAMI} HTTP/1.1\r\nHost: {self._host}\r\nAuthorization: Bearer {secret}\r\n\r\n".encode()
        began = time.perf_counter_ns()
        self._socket.sendall(request)
        answer = self._socket.recv(65536)
        took = time.perf_counter_ns() - began
        if not answer.startswith(b"HTTP/1.1 401 ") or not answer.endswith(b"}}"):
            raise Trouble(f"a refusal in one piece was expected: {answer[:200]}")
        return took / 1000


def _measure(url, count):
    client = _Client(url)
    samples = {kind: [] for kind in _KINDS}
    for turn in range(-_WARM_UP // len(_KINDS), count):
        for kind in random.sample(list(_KINDS), len(_KINDS)):
            took = client.refusal_us(_secret(_KINDS[kind]))
            if turn >= 0:
                samples[kind].append(took)
    return samples


def _is_later(one, other):
    """How often a value of `one` is above one of `other`: 0.5 when the two cannot be told apart (Mann and Whitney's U, as a
    share of all pairs)."""
    ordered = sorted(other)
    wins = sum(bisect.bisect_left(ordered, value) + bisect.bisect_right(ordered, value) for value in one)
    return wins / 2 / len(one) / len(other)


def _medians_noise(samples):
    """What the medians of two halves of the same values differ by, in 95 of 100 random halvings."""
    values = list(samples)
    differences = []
    for _ in range(_RESAMPLES):
        random.shuffle(values)
        half = len(values) // 2
        differences.append(abs(statistics.median(values[:half]) - statistics.median(values[half:])))
    return sorted(differences)[int(_RESAMPLES * 0.95)]


def _row(name, values):
    quarters = statistics.quantiles(values, n=4)
    return [name, f"{len(values):,}", f"{quarters[0]:.2f}", f"{quarters[1]:.2f}", f"{quarters[2]:.2f}",
            f"{statistics.quantiles(values, n=100)[98]:.1f}"]


def _compare(samples, one, other):
    return {"median_us": statistics.median(samples[one]) - statistics.median(samples[other]),
            "is_later": _is_later(samples[one], samples[other])}


def _report(samples):
    again = {kind: kind + ", again" for kind in (_EXISTS, _NOT)}
    controls = {kind: _compare(samples, kind, again[kind]) for kind in again}
    ours = [_compare(samples, _EXISTS, _NOT), _compare(samples, again[_EXISTS], again[_NOT])]
    noise = _medians_noise(samples[_NOT] + samples[again[_NOT]])
    difference = statistics.mean(result["median_us"] for result in ours)
    distance = max(abs(result["is_later"] - 0.5) for result in ours)
    notes = [f"median, {_EXISTS} less {_NOT}: " + ", ".join(f"{result['median_us']:+.2f} us" for result in ours) +
             f"; noise of such a difference (95 of 100 random halvings of one kind): {noise:.2f} us.",
             "median, a kind less itself: " + ", ".join(f"{kind} {result['median_us']:+.2f} us" for kind, result in controls.items()) + ".",
             f"share of pairs in which {_EXISTS} took longer: " + ", ".join(f"{result['is_later']:.4f}" for result in ours) +
             "; a kind against itself: " + ", ".join(f"{result['is_later']:.4f}" for result in controls.values()) +
             " (0.5: cannot be told apart)."]
    bars = [chart.Bar(name, *_quarters(values), name.startswith(_EXISTS)) for name, values in samples.items()]
    return Report("timing", f"Time of a refusal, whether its prefix exists or not ({len(samples[_NOT]):,} of each, in turn)",
                  ["us", "answers", "1st quarter", "median", "3rd quarter", "p99"],
                  [_row(name, values) for name, values in samples.items()],
                  {name: [round(value, 2) for value in values] for name, values in samples.items()},
                  {"samples": len(samples[_NOT]), "warm_up": _WARM_UP},
                  [Target("us between the medians / their noise", abs(difference) / noise, 1, is_minimum=False),
                   Target("distance of one answer against one other from a coin", distance, _NOTICEABLE, is_minimum=False)],
                  notes, [chart.Panel("microseconds to the refusal: median, and the middle half of the answers", bars, decimals=1)])


def _quarters(values):
    first, middle, third = statistics.quantiles(values, n=4)
    return middle, first, third

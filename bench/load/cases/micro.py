# SPDX-License-Identifier: MIT
"""bench/micro: runs the program on the server's core and reports its lines, which are `<name> <ns> <ns> ...`."""
import statistics
import subprocess

from .. import chart
from ..machine import Trouble
from ..process import environment, pinned
from ..report import Report

_LONG_NS = 10_000  # and more is drawn in microseconds


def _measure(bench, repeats):
    """{name: nanoseconds of each repeat}"""
    program = bench.options.bin / "bench_micro"
    done = subprocess.run(pinned(bench.server_core, [program, repeats]), env=environment(), capture_output=True,
                          text=True, timeout=300, check=False)
    if done.returncode != 0:
        raise Trouble(f"bench_micro: {done.stderr.strip() or done.returncode}")
    samples = {}
    for line in done.stdout.splitlines():
        name, _, values = line.partition("\t")
        samples[name] = [float(value) for value in values.split()]
    return samples


def median_ns(bench, name):
    return statistics.median(_measure(bench, "3")[name])


def _panel(heading, samples, unit_ns, decimals=0):
    return chart.Panel(heading, [chart.Bar(name, *(value / unit_ns for value in (statistics.median(values), min(values), max(values))), True)
                                 for name, values in samples.items()], decimals)


def _panels(samples):
    """Two scales: a handshake takes thousands of times as long as the parts of a decision."""
    long = {name: values for name, values in samples.items() if statistics.median(values) >= _LONG_NS}
    short = {name: values for name, values in samples.items() if name not in long}
    return [_panel("nanoseconds (less is better)", short, 1), _panel("microseconds (less is better)", long, 1000, 1)]


def report(samples, repeats):
    rows = [[name, f"{statistics.median(values):,.1f}", f"{min(values):,.1f}", f"{max(values):,.1f}"]
            for name, values in samples.items()]
    return Report("micro", "Parts of a decision, nanoseconds for each (one core, median of several runs)",
                  ["", "median ns", "least", "most"], rows, samples, {"repeats": repeats}, charts=_panels(samples))


def run(bench):
    repeats = 3 if bench.options.is_quick else 11
    return report(_measure(bench, str(repeats)), repeats)

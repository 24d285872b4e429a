# SPDX-License-Identifier: MIT
"""bench/micro: runs the program on the server's core and reports its lines, which are `<name> <ns> <ns> ...`."""
import statistics
import subprocess

from .. import chart
from ..machine import Trouble
from ..process import environment, pinned
from ..report import Report


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


def run(bench):
    repeats = "3" if bench.options.is_quick else "11"
    samples = _measure(bench, repeats)
    rows = [[name, f"{statistics.median(values):,.1f}", f"{min(values):,.1f}", f"{max(values):,.1f}"]
            for name, values in samples.items()]
    return Report("micro", "Parts of a decision, nanoseconds for each (one core, median of several runs)",
                  ["", "median ns", "least", "most"], rows, samples, {"repeats": int(repeats)}, charts=[
                      chart.Panel("nanoseconds (less is better)",
                                  [chart.Bar(name, statistics.median(values), min(values), max(values), True)
                                   for name, values in samples.items()])])

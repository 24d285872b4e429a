# SPDX-License-Identifier: MIT
"""bench/micro: runs the program on the server's core and reports its lines, which are `<name> <ns> <ns> ...`."""
import statistics
import subprocess

from .. import chart
from ..machine import Trouble
from ..process import environment, pinned
from ..report import Report


def run(bench):
    program = bench.options.bin / "bench_micro"
    repeats = "3" if bench.options.is_quick else "11"
    done = subprocess.run(pinned(bench.server_core, [program, repeats]), env=environment(), capture_output=True,
                          text=True, timeout=300, check=False)
    if done.returncode != 0:
        raise Trouble(f"bench_micro: {done.stderr.strip() or done.returncode}")
    samples = {}
    for line in done.stdout.splitlines():
        name, _, values = line.partition("\t")
        samples[name] = [float(value) for value in values.split()]
    rows = [[name, f"{statistics.median(values):,.1f}", f"{min(values):,.1f}", f"{max(values):,.1f}"]
            for name, values in samples.items()]
    return Report("micro", "Parts of a decision, nanoseconds for each (one core, median of several runs)",
                  ["", "median ns", "least", "most"], rows, samples, {"repeats": int(repeats)}, charts=[
                      chart.Panel("nanoseconds (less is better)",
                                  [chart.Bar(name, statistics.median(values), min(values), max(values), True)
                                   for name, values in samples.items()])])

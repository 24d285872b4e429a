# SPDX-License-Identifier: MIT
"""python3 -m load: reads the options, runs the cases one after another, stops everything, also after Ctrl-C."""
import argparse
import pathlib
import shlex
import signal
import subprocess
import sys
import time

from . import report
from .bench import Bench, Options
from .cases import CASES, GROUPS
from .machine import Trouble, raise_descriptor_limit

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_ROOT = pathlib.Path(__file__).resolve().parents[2]


def _arguments():
    names = "\n".join(f"  {name:<12} {case.about}{' (long)' if case.is_long else ''}" for name, case in CASES.items())
    names += "".join(f"\n  {group:<12} all of: {' '.join(members)}" for group, members in GROUPS.items())
    parser = argparse.ArgumentParser(prog="./dev bench", formatter_class=argparse.RawDescriptionHelpFormatter,
                                     description="The gateway beside its peers, on one core.",
                                     epilog=f"cases:\n{names}")
    parser.add_argument("cases", nargs="*", metavar="case", help="one or several; default: all but the long ones")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="a smoke run: 1 round of 2 s, results under build/")
    size.add_argument("--full", action="store_true", help="more and longer runs, and the long cases")
    parser.add_argument("--rounds", type=int, help="default 3; 1 with --quick, 7 with --full")
    parser.add_argument("--seconds", type=int, help="of each run; default 5; 2 with --quick, 8 with --full")
    parser.add_argument("--minutes", type=int, help="of the case soak; default 5; 0 with --quick, 60 with --full")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--load-core", type=int, default=1)
    parser.add_argument("--database-core", type=int, help="default: the load's")
    parser.add_argument("--gateway-flags", default="", metavar="TEXT", help="further flags for every gateway")
    parser.add_argument("--publish", action="store_true", help="alone: no run, the numbers of bench/results into the two READMEs")
    parser.add_argument("--bin", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--node", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--node-folder", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--check", action="store_true", help=argparse.SUPPRESS)  # the arguments only
    parser.add_argument("--results", type=pathlib.Path, help="where the outcome goes (default bench/results)")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.cases if name not in CASES and name not in GROUPS]
    if arguments.publish:
        parser.error("--publish stands alone")
    if unknown:
        parser.error(f"no such case: {unknown[0]} (there are: {', '.join(CASES)})")
    return arguments


def _options(arguments):
    rounds, seconds = (1, 2) if arguments.quick else (7, 8) if arguments.full else (3, 5)
    results = _ROOT / ("build/bench/results" if arguments.quick else "bench/results")
    minutes = 0 if arguments.quick else 60 if arguments.full else 5
    return Options(rounds=arguments.rounds or rounds, seconds=arguments.seconds or seconds,
                   minutes=minutes if arguments.minutes is None else arguments.minutes,
                   connections=arguments.connections, is_quick=arguments.quick, is_full=arguments.full,
                   server_core=arguments.server_core, load_core=arguments.load_core,
                   database_core=arguments.load_core if arguments.database_core is None else arguments.database_core,
                   bin=arguments.bin, node=arguments.node, node_folder=arguments.node_folder,
                   gateway_flags=tuple(shlex.split(arguments.gateway_flags)), results=arguments.results or results)


def _chosen(arguments):
    asked = [member for name in arguments.cases for member in GROUPS.get(name, (name,))]
    return asked or [name for name, case in CASES.items() if arguments.full or not case.is_long]


def _run_case(bench, name):
    print(f"\n{name}: {CASES[name].about}", flush=True)
    began, mark = time.monotonic(), len(bench.stops)
    try:
        outcome = CASES[name].run(bench)
    finally:
        bench.stop_down_to(mark)
    report.write(outcome, bench.options.results)
    print("\n" + report.text(outcome) + f"  ({time.monotonic() - began:.0f} s)", flush=True)


def _run(options, names):
    """The names of the cases that failed."""
    failed = []
    raise_descriptor_limit()
    options.results.mkdir(parents=True, exist_ok=True)
    bench = Bench(options)
    try:
        if any(CASES[name].needs_servers for name in names):
            bench.prepare()
        for name in names:
            try:
                _run_case(bench, name)
            except (Trouble, OSError, subprocess.SubprocessError) as trouble:
                print(f"dev: bench {name}: {trouble}", file=sys.stderr, flush=True)
                failed.append(name)
    finally:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)  # nothing cuts the stopping short
        bench.close()
    return failed


def main():
    def stop(number, _frame):
        sys.exit(128 + number)
    for number in _SIGNALS:
        signal.signal(number, stop)
    arguments = _arguments()
    options = _options(arguments)
    if arguments.check:
        return 0
    try:
        failed = _run(options, _chosen(arguments))
    except (Trouble, OSError, subprocess.SubprocessError) as trouble:
        print(f"dev: bench: {trouble}", file=sys.stderr)
        return 1
    print(f"\nresults: {options.results}")
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


sys.exit(main())

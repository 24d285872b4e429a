# SPDX-License-Identifier: MIT
"""The report of a case in which several servers did the same: one row each, the first of them ours."""
from . import chart
from .report import Report, Target

_BUSY = 0.97
_QUIET = 0.05


def settings(bench):
    """How the runs were made, for the JSON."""
    options = bench.options
    return {"rounds": options.rounds, "seconds": options.seconds, "connections": options.connections,
            "cores": {"server": options.server_core, "load": options.load_core, "database": options.database_core},
            "body_bytes": bench.body_bytes, "ciphersuite": bench.ciphersuite}


def how(bench):
    options = bench.options
    return f"{options.connections} connections, {options.rounds} x {options.seconds} s"


def disturbance(runs):
    """A warning for the notes when other programs had a part of the server's core, else nothing."""
    worst = max(runs.summary(name, "foreign").median for name in runs.samples)
    return [f"! Not a quiet machine: other programs took up to {worst * 100:.0f} % of the server's core."] \
        if worst > _QUIET else []


def _percent(share):
    return f"{share * 100:.0f} %"


def _ratio(summary):
    return f"{summary.median:.2f} x" if summary and summary.median else "-"


def _row(runs, name, ours, with_database):
    rate, server = runs.summary(name, "per_second"), runs.summary(name, "server_us")
    is_ours = name == ours
    row = [name, f"{rate.median:,.0f}", _percent(rate.spread),
           "" if is_ours else _ratio(runs.ratio("per_second", ours, name)),
           f"{server.median:.2f}", _percent(server.spread),
           "" if is_ours else _ratio(runs.ratio("server_us", name, ours))]
    if with_database:
        row.append(f"{runs.summary(name, 'database_us').median:.2f}")
    load = runs.summary(name, "load_busy").median
    return row + [_percent(runs.summary(name, "server_busy").median), _percent(load) + ("*" if load >= _BUSY else ""),
                  *(f"{runs.summary(name, field).median / 1000:.2f}" for field in ("p50_us", "p99_us"))]


def _bar(runs, name, field, ours):
    summary = runs.summary(name, field)
    return chart.Bar(name, summary.median, min(summary.values), max(summary.values), name == ours)


def rate_target(runs, ours, peer, bound):
    return Target(f"requests a second, gateway / {peer}", runs.ratio("per_second", ours, peer).median, bound)


def report(bench, case, title, runs, ours, *, with_database=False, targets=()):
    """targets: (peer, least ratio of requests a second)."""
    names = list(runs.samples)
    columns = ["", "req/s", "+-", "gateway has", "server us/req", "+-", "it needs",
               *(["database us/req"] if with_database else []), "server core", "load core", "p50 ms", "p99 ms"]
    notes = ["us/req: microseconds of processor time for each answer. `gateway has`: requests a second, gateway / "
             "peer. `it needs`: processor time, peer / gateway."]
    if any(runs.summary(name, "load_busy").median >= _BUSY for name in names):
        notes.append("* the load generator was the limit: the server could do more. Compare us/req there.")
    notes += disturbance(runs)
    found = []
    for peer, bound in targets:
        found += [rate_target(runs, ours, peer, bound),
                  Target(f"processor time, {peer} / gateway", runs.ratio("server_us", peer, ours).median, bound)]
    return Report(case, title, columns, [_row(runs, name, ours, with_database) for name in names],
                  {name: [vars(sample) for sample in samples] for name, samples in runs.samples.items()},
                  settings(bench), found, notes,
                  [chart.Panel("requests a second, one core (more is better)",
                               [_bar(runs, name, "per_second", ours) for name in names]),
                   chart.Panel("processor microseconds of the server for each request (less is better)",
                               [_bar(runs, name, "server_us", ours) for name in names], decimals=1)])

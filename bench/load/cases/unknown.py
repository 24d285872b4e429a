# SPDX-License-Identifier: MIT
"""Nothing is known: every request asks the database. Against Fastify + pg, and against the limit, which is pgbench
running the same prepared statement in a pipeline. The gateway is there twice: as it comes, and without writing last
uses, which neither of the others does."""
from .. import comparison, pgbench
from ..contenders.fastify import Fastify
from ..contenders.gateway import CACHE_OFF, LOOKUPS_ONLY, Gateway
from ..measure import http_sample, interleave
from ..report import Target

_OURS, _LOOKUPS = "gateway, cache off", "gateway, no last use"
_FASTIFY, _LIMIT = "fastify + pg", "pgbench pipeline"


def run(bench):
    gateway = Gateway(bench, _OURS, bench.program.flags(**CACHE_OFF))
    lookups = Gateway(bench, _LOOKUPS, bench.program.flags(**LOOKUPS_ONLY))
    fastify = Fastify(bench, _FASTIFY, cache=False)
    runs = interleave(bench, {_OURS: lambda: http_sample(bench, gateway, gateway.http),
                              _LOOKUPS: lambda: http_sample(bench, lookups, lookups.http),
                              _FASTIFY: lambda: http_sample(bench, fastify, fastify.http),
                              _LIMIT: lambda: pgbench.lookup_sample(bench)})
    report = comparison.report(bench, "unknown", f"Unknown token, plain HTTP ({comparison.how(bench)})", runs, _OURS,
                               with_database=True)
    report.targets += [
        Target(f"requests a second, gateway / {_FASTIFY}", runs.ratio("per_second", _OURS, _FASTIFY).median, 5.0),
        Target(f"lookups a second, {_LOOKUPS} / {_LIMIT}", runs.ratio("per_second", _LOOKUPS, _LIMIT).median, 0.5)]
    report.notes.append(f"{_LIMIT}: {pgbench.PIPELINE_LENGTH} lookups a pipeline, {pgbench.CLIENTS} connections, on "
                        "the server's core; its `load core` is the database's share of its own.")
    report.charts[1].bars.pop()  # pgbench's own processor time means nothing here
    return report

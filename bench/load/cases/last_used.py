# SPDX-License-Identifier: MIT
"""What remembering the last use costs the database: rows and write-ahead log for a million requests of 1,000 active
tokens, against one UPDATE for each request, which pgbench makes."""
from .. import chart, comparison, pgbench, tokens, verify, wrk
from ..contenders.gateway import WHOAMI, Gateway
from ..report import Report, Target

_ACTIVE = 1000
_OURS, _NAIVE = "gateway", "an UPDATE each"

_UPDATE = (f"\\set i random(0, {_ACTIVE - 1})\n"
           "update skillreg.api_token set last_used_at = now() where id = 'clbench' || lpad(:i, 9, '0');\n")


class Written:
    """What the database wrote between two looks, both after a checkpoint so that full page images count alike."""

    def __init__(self, postgres):
        self._postgres = postgres
        postgres.query("checkpoint")
        self._before = self._look()

    def _look(self):
        # A session reports its counts when it ends at the latest, and all writers have ended.
        row = self._postgres.query("select pg_current_wal_lsn() - '0/0', n_tup_upd, n_tup_hot_upd "
                                   "from pg_stat_user_tables where relid = 'skillreg.api_token'::regclass")
        return [float(value) for value in row.split("|")]

    def per_million(self, requests):
        now = self._look()
        wal, rows, hot = (after - before for after, before in zip(now, self._before))
        return {"requests": requests, "rows": rows / requests * 1e6, "wal_bytes": wal / requests * 1e6,
                "hot_share": hot / rows if rows else 0.0}


def run(bench):
    seconds = bench.options.seconds * bench.options.rounds
    naive_seconds = max(2, seconds // 2)
    # Steady use is written once in --last-used-resolution, a minute: less than two say little about it.
    if bench.options.rounds > 1:
        seconds = max(120, seconds)
    samples = {_OURS: _gateway(bench, seconds), _NAIVE: _naive(bench, naive_seconds)}
    ours, naive = samples[_OURS], samples[_NAIVE]
    rows = [[name, f"{sample['requests']:,}", f"{sample['rows']:,.0f}", f"{sample['wal_bytes'] / 1e6:,.2f}",
             f"{sample['hot_share'] * 100:.0f} %"] for name, sample in samples.items()]
    return Report("last-used", f"Writing last-used times, {_ACTIVE:,} active tokens ({seconds} s of full load)",
                  ["", "requests", "rows per million", "WAL MB per million", "heap-only"], rows, samples,
                  comparison.settings(bench),
                  [Target("rows written, gateway / an UPDATE each", ours["rows"] / naive["rows"], 0.001, False)],
                  [f"The gateway wrote {ours['rows'] * ours['requests'] / 1e6:,.0f} rows for {ours['requests']:,} "
                   f"requests in {seconds} s; WAL: 1/{naive['wal_bytes'] / max(1, ours['wal_bytes']):,.0f} of the naive way."],
                  [chart.Panel("megabytes of write-ahead log for a million requests (less is better)",
                               [chart.exact(name, sample["wal_bytes"] / 1e6, name == _OURS)
                                for name, sample in samples.items()], decimals=1)])


def _gateway(bench, seconds):
    """Until the gateway has drained: its last flush is in."""
    active = range(_ACTIVE)
    token_file = tokens.write_list(bench.folder / "tokens-active", active)
    gateway = Gateway(bench)
    written = Written(bench.postgres)
    verify.contender(bench, gateway, gateway.http, active)
    result = wrk.live_tokens(gateway.http, token_file, WHOAMI, core=bench.load_core, seconds=seconds,
                             connections=bench.options.connections).outcome()
    verify.outcome(gateway.name, result)
    verify.contender(bench, gateway, gateway.http, active)
    gateway.stop()
    bench.say(f"gateway: {result.requests:,} requests")
    return written.per_million(result.requests)


def _naive(bench, seconds):
    written = Written(bench.postgres)
    requests, _ = pgbench.run(bench, _UPDATE, seconds, bench.server_core)
    bench.say(f"pgbench: {requests:,} updates")
    return written.per_million(requests)

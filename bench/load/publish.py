# SPDX-License-Identifier: MIT
"""The numbers in README.md, bench/README.md and docs/production.md, from the files in bench/results: `python3 -m load.publish` in bench/ writes them
between their marks, `--check` says which are not what the files say (exit code 1). No number between marks is written by hand."""
import json
import math
import pathlib
import re
import sys

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_RESULTS = _ROOT / "bench/results"


def _results():
    """{case: its document}, in the order of the names."""
    documents = (json.loads(path.read_text(encoding="utf-8")) for path in sorted(_RESULTS.glob("*.json")))
    return {document["case"]: document for document in documents}


def _target(results, case, text):
    return next(target for target in results[case]["targets"] if target["text"] == text)["value"]


def _cell(results, case, row, column):
    table = results[case]["table"]
    return next(cells for cells in table["rows"] if cells[0] == row)[table["columns"].index(column)]


def _rounds(results, case):
    rounds, seconds = (results[case]["settings"][name] for name in ("rounds", "seconds"))
    return f"median of {rounds} rounds of {seconds} s, {results[case]['date']}"


def _speed(results):
    """What the section on speed says in README.md."""
    def requests(peer):
        return f"{_target(results, 'known-tls', f'requests a second, gateway / {peer}'):.2f}"

    def processor(peer):
        return f"{_target(results, 'known-tls', f'processor time, {peer} / gateway'):.2f}"

    return f"""
One core for each server, the load on another, in turn in one run ({_rounds(results, 'known-tls')}):

| The gateway beside | requests a second | processor time that the peer needs |
| --- | --- | --- |
| HAProxy with a token map | {requests('haproxy map')} x | {processor('haproxy map')} x |
| nginx that answers a constant | {requests('nginx constant')} x | {processor('nginx constant')} x |
| Fastify with a cache of its own | {requests('fastify + its cache')} x | {processor('fastify + its cache')} x |

10,000 idle TLS connections take {_cell(results, 'tls-idle', 'gateway', 'KiB each')} KiB each (nginx \
{_cell(results, 'tls-idle', 'nginx constant', 'KiB each')}). From a revoke to the refusal on three gateways under full load:
{_cell(results, 'revoke', '3 gateways', 'p50 ms')} ms in the median, {_cell(results, 'revoke', '3 gateways', 'p99 ms')} ms at the \
99th percentile.
"""


def _row(document, target):
    sign = ">=" if target["is_minimum"] else "<="
    verdict = "met" if target["is_met"] else "**missed**"
    return (f"| `{document['case']}` | {target['text']} | {sign} {target['bound']:g} | {target['value']:.3g} | {verdict} "
            f"| {document['date']} |")


def _aims(results):
    """Every aim and what was measured last, in bench/README.md."""
    rows = [_row(document, target) for document in results.values() for target in document["targets"]]
    return "\n".join(["", "| Case | What | Wanted | Measured | | On |", "| --- | --- | --- | --- | --- | --- |", *rows, ""])


_JOBS = (1_000, 10_000, 100_000)
_TOKEN_ROW_BYTES, _EVENT_ROW_BYTES = 500, 380  # docs/growth.md
_CACHE_TTL_S = 60                              # --cache-ttl


def _number(text):
    return float(text.replace(",", ""))


def _rounded(number):
    """To two digits, so that it looks as certain as it is."""
    if number < 0.1:
        return "under 0.1"
    digits = 2 - len(str(int(number))) if number >= 1 else 1
    return f"{round(number, digits):,.{max(digits, 0)}f}"


def _sizing(results):
    """What so many jobs take, in docs/production.md: each keeps a connection, has a token of its own, sends a forwarded request a
    second, and connects anew every minute. Processors at half load, so that the other half is there when one gateway is away."""
    request_us = _number(_cell(results, "forward", "gateway", "server us/req"))
    handshake_us = _number(_cell(results, "tls-full", "gateway", "server us/req"))
    lookup_us = _number(_cell(results, "growth", "10,000,000", "database us"))
    idle_kib = _number(_cell(results, "tls-idle", "gateway", "KiB each"))
    base_mib = _number(_cell(results, "tls-idle", "gateway", "before MiB"))
    token_bytes = int(re.search(r"tokens, (\d+) bytes each", " ".join(results["known-tls"]["notes"]))[1])
    rows = []
    for jobs in _JOBS:
        cores = jobs * (request_us + handshake_us / 60) / 1e6 / 0.5
        workers = max(1, math.ceil(cores))
        memory_mib = workers * (base_mib + jobs * token_bytes / 2**20) + jobs * idle_kib / 1024
        lookups = workers * jobs / _CACHE_TTL_S
        table_mib = jobs * (_TOKEN_ROW_BYTES + 2 * _EVENT_ROW_BYTES) / 2**20
        rows.append(f"| {jobs:,} | {_rounded(cores)} | {workers} | {_rounded(memory_mib)} MiB | {_rounded(lookups)} "
                    f"| {_rounded(lookups * lookup_us / 1e4)} % | {_rounded(table_mib)} MiB |")
    return f"""
Jobs that run at the same time, each with a token of its own, a kept connection, a forwarded request a second and a new connection
every minute. Computed of what was measured: {request_us:g} us of processor time for a forwarded request over TLS, {handshake_us:g} us \
for a full
handshake with its request, {idle_kib:g} KiB for an idle connection, {token_bytes} bytes for a token in memory, {lookup_us:g} us of \
PostgreSQL for a
lookup among 10,000,000 tokens.

| Jobs | Cores, at half load | `--workers` | Memory | Lookups a second | Of a core of PostgreSQL | Its rows, for each such set of tokens |
| --- | --- | --- | --- | --- | --- | --- |
{chr(10).join(rows)}
"""


_PARTS = {"README.md": ("speed", _speed), "bench/README.md": ("aims", _aims), "docs/production.md": ("sizing", _sizing)}


def _filled(text, name, part):
    """`text` with this between its marks."""
    begin, end = f"<!-- bench/results: {name} -->\n", "<!-- end of bench/results -->"
    whole = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if len(whole.findall(text)) != 1:
        raise SystemExit(f"publish: the marks of `{name}` are not there exactly once")
    return whole.sub(lambda _: begin + part + end, text)


def main():
    is_check, results, stale = sys.argv[1:] == ["--check"], _results(), []
    for file, (name, make) in _PARTS.items():
        path = _ROOT / file
        text = path.read_text(encoding="utf-8")
        filled = _filled(text, name, make(results))
        if filled != text and is_check:
            stale.append(file)
        elif filled != text:
            path.write_text(filled, encoding="utf-8")
            print(f"wrote {file}")
    for file in stale:
        print(f"{file}: the numbers are not those of bench/results; `./dev bench --publish` writes them", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())

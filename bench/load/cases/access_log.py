# SPDX-License-Identifier: MIT
"""What the access log costs: the same gateway without it, with it in both forms, and with a sample."""
from .. import comparison
from ..contenders.gateway import Gateway
from ..measure import http_sample, interleave
from ..report import Target

_FIRST_WARM_UP_S = 3
_WITHOUT = "no access log"
_FORMS = {"text": ["--access-log"],
          "json": ["--access-log", "--log-format", "json"],
          "one in ten": ["--access-log", "--access-log-sample", "10"]}
_COST_MAX = 0.05  # of the throughput


def _run(bench, case, scheme, title):
    servers = {name: Gateway(bench, name=name, flags=flags) for name, flags in {_WITHOUT: [], **_FORMS}.items()}
    runs = interleave(bench, {name: _sampler(bench, server, getattr(server, scheme))
                              for name, server in servers.items()})
    report = comparison.report(bench, case, f"{title} ({comparison.how(bench)})", runs, _WITHOUT)
    report.targets += [Target(f"requests a second, {name} / {_WITHOUT}",
                              runs.ratio("per_second", name, _WITHOUT).median, 1 - _COST_MAX) for name in _FORMS]
    for name in _FORMS:
        lost = servers[name].metric("log_lines_lost_total")
        report.notes.append(f"{name}: {lost:,.0f} lines lost.")
    return report


def _sampler(bench, server, url):
    warm_up_s = iter([_FIRST_WARM_UP_S])
    return lambda: http_sample(bench, server, url, warm_up_s=next(warm_up_s, 1))


def plain(bench):
    return _run(bench, "log-plain", "http", "The access log, known token, plain HTTP")


def tls(bench):
    return _run(bench, "log-tls", "https", "The access log, known token, TLS")

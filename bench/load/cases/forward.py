# SPDX-License-Identifier: MIT
"""A small request that is decided, given the identity and forwarded; the same nginx behind both."""
from .. import comparison, tokens
from ..contenders.gateway import Gateway
from ..contenders.haproxy import Haproxy
from ..contenders.nginx import Registry
from ..measure import http_sample, interleave
from ..verify import Question

_FIRST_WARM_UP_S = 3
_OURS, _HAPROXY = "gateway", "haproxy map"
TARGET = f"/api/v1/orgs/{tokens.ORG}/skills/hello-world"


def run(bench):
    registry = Registry(bench)
    question = Question(TARGET, bench.body_bytes)
    servers = {_OURS: Gateway(bench, flags=["--upstream", registry.http]),
               _HAPROXY: Haproxy(bench, registry=registry.address)}
    runs = interleave(bench, {name: _sampler(bench, server, question) for name, server in servers.items()})
    report = comparison.report(bench, "forward", f"Forwarding a small GET, TLS ({comparison.how(bench)})", runs, _OURS,
                               targets=[(_HAPROXY, 1.0)])
    gateway = servers[_OURS]
    report.notes.append(f"The registry (nginx) shares the core of the load. The gateway opened "
                        f"{gateway.metric('upstream_connects_total'):,.0f} connections to it for "
                        f"{gateway.metric('upstream_requests_total'):,.0f} requests.")
    return report


def _sampler(bench, server, question):
    """The first warm-up is long enough for every token to be seen."""
    warm_up_s = iter([_FIRST_WARM_UP_S])
    return lambda: http_sample(bench, server, server.https, question=question, warm_up_s=next(warm_up_s, 1))

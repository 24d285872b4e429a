# SPDX-License-Identifier: MIT
"""A token that was seen before: what nearly every request of a fleet is."""
from .. import comparison
from ..contenders.fastify import Fastify
from ..contenders.gateway import Gateway
from ..contenders.haproxy import Haproxy
from ..contenders.nginx import Nginx
from ..measure import http_sample, interleave

_FIRST_WARM_UP_S = 3
_OURS = "gateway"
_HAPROXY, _NGINX = "haproxy map", "nginx constant"
_FASTIFY_CACHED, _FASTIFY = "fastify + its cache", "fastify + pg"


def _run(bench, case, scheme, title, targets):
    servers = {_OURS: Gateway(bench), _HAPROXY: Haproxy(bench), _NGINX: Nginx(bench),
               _FASTIFY_CACHED: Fastify(bench, _FASTIFY_CACHED, cache=True),
               _FASTIFY: Fastify(bench, _FASTIFY, cache=False)}
    runs = interleave(bench, {name: _sampler(bench, server, getattr(server, scheme))
                              for name, server in servers.items()})
    report = comparison.report(bench, case, f"{title} ({comparison.how(bench)})", runs, _OURS, targets=targets)
    gateway = servers[_OURS]
    entries = gateway.metric("cache_entries")
    report.notes.append(f"The gateway's cache: {entries:,.0f} tokens, {gateway.metric('cache_bytes') / entries:.0f} bytes "
                        f"each; {gateway.metric('lookups_total'):,.0f} lookups for "
                        f"{gateway.metric('requests_total'):,.0f} requests.")
    return report


def _sampler(bench, server, url):
    """The first warm-up is long enough for every token to be seen."""
    warm_up_s = iter([_FIRST_WARM_UP_S])
    return lambda: http_sample(bench, server, url, warm_up_s=next(warm_up_s, 1))


def plain(bench):
    return _run(bench, "known-plain", "http", "Known token, plain HTTP",
                [(_HAPROXY, 1.15), (_FASTIFY_CACHED, 3.0)])


def tls(bench):
    return _run(bench, "known-tls", "https", "Known token, TLS",
                [(_HAPROXY, 1.15), (_NGINX, 1.0), (_FASTIFY_CACHED, 3.0)])

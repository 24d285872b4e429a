# SPDX-License-Identifier: MIT
"""A token that was seen before: what nearly every request of a fleet is."""
from .. import comparison
from ..contenders.fastify import Fastify
from ..contenders.gateway import Gateway
from ..contenders.haproxy import Haproxy
from ..contenders.nginx import Nginx
from ..measure import http_sample, interleave

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
    if not bench.program.knows("--cache-entries"):
        report.notes.append("This build of the gateway has no cache yet: each of its requests asks the database.")
    return report


def _sampler(bench, server, url):
    return lambda: http_sample(bench, server, url)


def plain(bench):
    return _run(bench, "known-plain", "http", "Known token, plain HTTP",
                [(_HAPROXY, 1.15), (_FASTIFY_CACHED, 3.0)])


def tls(bench):
    return _run(bench, "known-tls", "https", "Known token, TLS",
                [(_HAPROXY, 1.15), (_NGINX, 1.0), (_FASTIFY_CACHED, 3.0)])

# SPDX-License-Identifier: MIT
"""Fresh TLS connections: a handshake, one request with a known token, close. What CI jobs do. The client has OpenSSL's
defaults (TLS 1.3, X25519), the certificate is on P-256."""
from .. import comparison
from ..contenders.bare import Bare
from ..contenders.gateway import Gateway
from ..contenders.haproxy import Haproxy
from ..contenders.nginx import Nginx
from ..measure import interleave
from ..report import Target
from ..tls_load import handshakes_sample
from . import micro

_OURS, _HAPROXY, _NGINX, _BARE = "gateway", "haproxy map", "nginx constant", "bare"
_HAPROXY_FULL = "haproxy map, full"
_MICRO = "handshake: X25519"


def _sampler(bench, server, resumed):
    return lambda: handshakes_sample(bench, server, resumed=resumed)


def full(bench):
    servers = {_OURS: Gateway(bench), _HAPROXY: Haproxy(bench), _NGINX: Nginx(bench),
               _BARE: Bare(bench)}
    runs = interleave(bench, {name: _sampler(bench, server, False) for name, server in servers.items()})
    report = comparison.report(bench, "tls-full", f"Full handshakes, each with one request ({comparison.how(bench)})",
                               runs, _OURS, targets=[(_HAPROXY, 0.7)])
    report.targets.append(Target(f"of what the arithmetic and the kernel allow: processor time, {_BARE} / gateway",
                                 runs.ratio("server_us", _BARE, _OURS).median, 0.95))
    alone_us = micro.median_ns(bench, _MICRO) / 1000
    whole_us = runs.summary(_OURS, "server_us").median
    report.notes.append(f"bench/micro's server end of such a handshake, without sockets and HTTP: {alone_us:.1f} us, "
                        f"{alone_us / whole_us * 100:.0f} % of what a visit costs the gateway.")
    return report


def resumed(bench):
    haproxy = Haproxy(bench)
    servers = {_OURS: (Gateway(bench), True), _HAPROXY_FULL: (haproxy, False), _HAPROXY: (haproxy, True),
               _NGINX: (Nginx(bench), True)}
    runs = interleave(bench, {name: _sampler(bench, *server) for name, server in servers.items()})
    return comparison.report(bench, "tls-resumed",
                             f"Resumed handshakes, each with one request ({comparison.how(bench)})", runs, _OURS,
                             targets=[(_HAPROXY_FULL, 1.0)])

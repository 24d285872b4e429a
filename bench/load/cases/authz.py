# SPDX-License-Identifier: MIT
"""nginx that asks about each request (auth_request): the gateway, another nginx that says 204 to everything, or itself.
What is compared is the asking nginx; whoever is asked has the load's core."""
from .. import comparison
from ..contenders.gateway import Gateway
from ..contenders.nginx import GIF_BYTES, Asking, Registry
from ..measure import http_sample, interleave
from ..verify import Question
from .forward import TARGET

_FIRST_WARM_UP_S = 3
_OURS, _CONSTANT, _INSIDE = "gateway", "nginx 204", "nginx 204 inside"


def run(bench):
    gateway = Gateway(bench, "decider", core=bench.load_core)
    constant = Registry(bench, "constant decider")
    question = Question(TARGET, GIF_BYTES, lambda answer: answer.fields["x-token-id"])
    servers = {_OURS: Asking(bench, _OURS, gateway.http.removeprefix("http://"), identifies=True),
               _CONSTANT: Asking(bench, _CONSTANT, constant.address), _INSIDE: Asking(bench, _INSIDE, None)}
    runs = interleave(bench, {name: _sampler(bench, server, question) for name, server in servers.items()})
    report = comparison.report(bench, "authz", f"nginx that asks about each request ({comparison.how(bench)})", runs,
                               _OURS)
    report.targets = [comparison.rate_target(runs, _OURS, peer, 0.7) for peer in (_CONSTANT, _INSIDE)]
    report.notes.append(f"us/req is that of the asking nginx. `{_CONSTANT}`: another nginx is asked, over the same kind of "
                        f"connection. `{_INSIDE}`: no question leaves the nginx.")
    return report


def _sampler(bench, server, question):
    warm_up_s = iter([_FIRST_WARM_UP_S])
    return lambda: http_sample(bench, server, server.http, question=question, warm_up_s=next(warm_up_s, 1))

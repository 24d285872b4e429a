# SPDX-License-Identifier: MIT
"""Identity tokens are exchanged: what one costs, PostgreSQL included, by the algorithm of its signature; and how long
1,000 jobs wait that start at once, each with a connection of its own over TLS."""
from .. import comparison, identities, wrk
from ..contenders.gateway import Gateway
from ..http_client import Client
from ..machine import Trouble
from ..report import Report, Target

_TARGET = "/api/v1/orgs/acme/oidc/token"
_JOBS = 1000
_CONNECTIONS = 4
_SECONDS = 10  # of a run, which is long enough for all
_COST_US_MAX, _P99_US_MAX, _ALL_S_MAX = 1000, 5000, 2.0

_RULE = f"""select outcome from skillreg.trust_create('clbenchrule', (select id from skillreg.organisation where slug = 'acme'),
'github', '{identities.ISSUER}', 'repository={identities.REPOSITORY}', '{{"repository": ["{identities.REPOSITORY}"]}}', 1::smallint, 900,
null, 100000, 'operator', null)"""


def _gateway(bench, name, issuer):
    keys = bench.folder / f"{name.replace(' ', '-')}.json"
    keys.write_text(issuer.key_set(), encoding="ascii")
    return Gateway(bench, name, flags=["--oidc-issuer", f"ci={identities.ISSUER},kind=github,audience={identities.AUDIENCE},"
                                       f"keys={keys}", "--handshakes-waiting-max", "8192"])


def _check(bench, gateway, issuer):
    body = '{"token":"%s"}' % issuer.token()
    with Client(gateway.https, bench.certificate.cert) as client:
        answer = client.get(_TARGET, method="POST", body=body, fields={"Content-Type": "application/json"}.items())
        if answer.status != 201:
            raise Trouble(f"{gateway.name} answers {answer.status}: {answer.body[:300]}")


def _run(bench, gateway, url, issuer, count, connections):
    """Every token once; what it took of both processors."""
    tokens = identities.write_list(bench.folder / "identities", issuer, count)
    served = bench.folder / "served"
    served.unlink(missing_ok=True)
    before = gateway.cpu_seconds(), bench.postgres.cpu_seconds()
    load = wrk.Load(url, script="exchange.lua", arguments=[str(tokens), _TARGET, str(served)], core=bench.load_core, seconds=_SECONDS,
                    connections=connections)
    outcome = load.outcome()
    if outcome.refused or outcome.broken or not served.exists():
        raise Trouble(f"{gateway.name}: {outcome.requests} answers, {outcome.refused} refused, {outcome.broken} broken")
    server_us = (gateway.cpu_seconds() - before[0]) / count * 1e6
    database_us = (bench.postgres.cpu_seconds() - before[1]) / count * 1e6
    return {"seconds": float(served.read_text()), "server_us": server_us, "database_us": database_us, "p50_us": outcome.p50_us,
            "p99_us": outcome.p99_us, "max_us": outcome.max_us, "count": count}


def run(bench):
    count = 300 if bench.options.is_quick else 2000
    if bench.postgres.query(_RULE) != "made":
        raise Trouble("the rule was not made")
    rows, samples, targets = [], {}, []
    for algorithm in identities.ALGORITHMS:
        issuer = identities.Issuer(algorithm)
        gateway = _gateway(bench, f"exchange {algorithm}", issuer)
        _check(bench, gateway, issuer)
        one = _run(bench, gateway, gateway.http, issuer, count, _CONNECTIONS)
        burst = _run(bench, gateway, gateway.https, issuer, _JOBS, _JOBS)
        gateway.stop()
        samples[algorithm] = {"one by one": one, "at once": burst}
        rows.append([algorithm, f"{one['count'] / one['seconds']:,.0f}", f"{one['server_us']:.0f}", f"{one['database_us']:.0f}",
                     f"{one['p50_us'] / 1000:.2f}", f"{one['p99_us'] / 1000:.2f}", f"{burst['seconds']:.2f}",
                     f"{burst['server_us']:.0f}"])
        bench.say(" ".join(rows[-1]))
        targets += [Target(f"{algorithm}: processor us, PostgreSQL included", one["server_us"] + one["database_us"], _COST_US_MAX, False),
                    Target(f"{algorithm}: p99 us", one["p99_us"], _P99_US_MAX, False),
                    Target(f"{algorithm}: seconds until {_JOBS} jobs are served", burst["seconds"], _ALL_S_MAX, False)]
    return Report("exchange", f"Identity tokens exchanged ({count} of each, {_CONNECTIONS} connections; {_JOBS} at once over TLS)",
                  ["", "per second", "gateway us", "database us", "p50 ms", "p99 ms", f"{_JOBS} at once, s", "gateway us"], rows,
                  samples, comparison.settings(bench), targets,
                  ["us: microseconds of processor time for each exchange. At once: from the first connection to the last answer, "
                   "a full handshake each, the load and PostgreSQL on one core."])

# SPDX-License-Identifier: MIT
"""The cases. A case is a function that takes a prepared Bench and returns a Report; add it to CASES and it has a name
on the command line."""
import dataclasses
import typing

from . import (access_log, active, authz, endings, exchange, flood, forward, growth, known, last_used, micro, revoke, soak, timing, tls_handshakes, tls_idle,
               tls_storm, transfer, unknown)


@dataclasses.dataclass(frozen=True)
class Case:
    run: typing.Callable
    about: str
    is_long: bool = False       # only with --full, or by its name
    needs_servers: bool = True  # PostgreSQL, tokens, peers


CASES = {
    "known-plain": Case(known.plain, "a token seen before, plain HTTP, keep-alive"),
    "known-tls": Case(known.tls, "a token seen before, TLS, keep-alive"),
    "forward": Case(forward.run, "a small GET to the registry, TLS, keep-alive"),
    "transfer": Case(transfer.run, "uploads of 50 MB and downloads of 100 MiB, plain HTTP"),
    "authz": Case(authz.run, "nginx that asks the gateway about each request"),
    "unknown": Case(unknown.run, "every request asks the database"),
    "growth": Case(growth.run, "the same among 10,000, 1,000,000 and (--full) 10,000,000 tokens", is_long=True),
    "flood": Case(flood.run, "good traffic beside a flood of well-formed tokens that nobody has"),
    "timing": Case(timing.run, "whether the time of a refusal tells that a prefix exists"),
    "revoke": Case(revoke.run, "from a revoke to the refusal on every gateway, under full load"),
    "endings": Case(endings.run, "10,000 transfers of a token that is revoked: the longest turn of the loop"),
    "exchange": Case(exchange.run, "identity tokens exchanged, one by one and 1,000 at once"),
    "last-used": Case(last_used.run, "rows and WAL written for last-used, against one UPDATE per request"),
    "tls-full": Case(tls_handshakes.full, "full TLS handshakes, each with one request"),
    "tls-resumed": Case(tls_handshakes.resumed, "resumed TLS handshakes, each with one request"),
    "tls-idle": Case(tls_idle.run, "memory of 10,000 idle TLS connections"),
    "tls-storm": Case(tls_storm.run, "established connections beside a storm of full handshakes"),
    "soak": Case(soak.run, "memory, descriptors and answers over --minutes, while tokens come and go", is_long=True),
    "active": Case(active.run, "200,000 active tokens: the longest answer, and the longest turn of the loop"),
    "log-plain": Case(access_log.plain, "what the access log costs a known token, plain HTTP"),
    "log-tls": Case(access_log.tls, "what the access log costs a known token, TLS"),
    "micro": Case(micro.run, "the parts of a decision, in nanoseconds", needs_servers=False),
}

# Several cases by one name.
GROUPS = {"tls": tuple(name for name in CASES if name.startswith("tls-"))}

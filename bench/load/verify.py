# SPDX-License-Identifier: MIT
"""Whole answers, not only their count. They are checked over many tokens before and after each run, so that the load
itself may be counted by status alone."""
import random

from . import tokens
from .contenders.gateway import WHOAMI
from .http_client import Client
from .machine import Trouble

_TOKENS_CHECKED = 100
_REFUSALS_CHECKED = 5


def contender(bench, server, url, numbers=range(tokens.HOT)):
    """Live tokens are known, the answer has the agreed length, and nobody else gets in."""
    with Client(url, bench.certificate.cert) as client:
        for number in random.sample(numbers, _TOKENS_CHECKED):
            _check_live(bench, server, client.get(WHOAMI, tokens.secret(number)), number)
        if server.refuses:
            for _ in range(_REFUSALS_CHECKED):
                _check_refused(server, client.get(WHOAMI, tokens.unknown_secret()), "an unknown token")
            _check_refused(server, client.get(WHOAMI), "a request without a token")


def _check_live(bench, server, answer, number):
    if answer.status != 200:
        raise Trouble(f"{server.name} answered {answer.status} to live token {number}: {answer.body[:200]!r}")
    if server.identifies and answer.json()["token"]["id"] != tokens.token_id(number):
        raise Trouble(f"{server.name} took token {number} for another: {answer.body[:400]!r}")
    if abs(len(answer.body) - bench.body_bytes) > 0:
        raise Trouble(f"{server.name} answers {len(answer.body)} bytes instead of {bench.body_bytes}: {answer.body!r}")


def _check_refused(server, answer, what):
    if answer.status != server.refuses:
        raise Trouble(f"{server.name} answered {answer.status} instead of {server.refuses} to {what}")


def outcome(name, result):
    """A run in which anything was refused or broken is a failure, not a number."""
    if result.refused or result.broken or result.timeouts:
        raise Trouble(f"{name}: of {result.requests} answers {result.refused} were refusals; {result.broken} "
                      f"connections broke, {result.timeouts} requests timed out")

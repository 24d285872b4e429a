# SPDX-License-Identifier: MIT
"""Whole answers, not only their count. They are checked over many tokens before and after each run, so that the load
itself may be counted by status alone."""
import dataclasses
import random
import typing

from . import tokens
from .contenders.gateway import WHOAMI
from .http_client import Client
from .machine import Trouble

_TOKENS_CHECKED = 100
_REFUSALS_CHECKED = 5


@dataclasses.dataclass(frozen=True)
class Question:
    """What is asked of all contenders of a case, and what their answers must look like."""
    target: str
    body_bytes: int
    token_of: typing.Callable = lambda answer: answer.json()["token"]["id"]  # whose the answer is, where a server identifies


def whoami(bench):
    return Question(WHOAMI, bench.body_bytes)


def contender(bench, server, url, numbers=range(tokens.HOT), question=None):
    """Live tokens are known, the answer has the agreed length, and nobody else gets in."""
    question = question or whoami(bench)
    with Client(url, bench.certificate.cert) as client:
        for number in random.sample(numbers, _TOKENS_CHECKED):
            _check_live(server, question, client.get(question.target, tokens.secret(number)), number)
        if server.refuses:
            for _ in range(_REFUSALS_CHECKED):
                _check_refused(server, client.get(question.target, tokens.unknown_secret()), "an unknown token")
            _check_refused(server, client.get(question.target), "a request without a token")


def _check_live(server, question, answer, number):
    if answer.status != 200:
        raise Trouble(f"{server.name} answered {answer.status} to live token {number}: {answer.body[:200]!r}")
    if server.identifies and question.token_of(answer) != tokens.token_id(number):
        raise Trouble(f"{server.name} took token {number} for another: {answer.body[:400]!r}")
    if len(answer.body) != question.body_bytes:
        raise Trouble(f"{server.name} answers {len(answer.body)} bytes instead of {question.body_bytes}: {answer.body!r}")


def _check_refused(server, answer, what):
    if answer.status != server.refuses:
        raise Trouble(f"{server.name} answered {answer.status} instead of {server.refuses} to {what}")


def outcome(name, result):
    """A run in which anything was refused or broken is a failure, not a number."""
    if result.refused or result.broken or result.timeouts:
        raise Trouble(f"{name}: of {result.requests} answers {result.refused} were refusals; {result.broken} "
                      f"connections broke, {result.timeouts} requests timed out")

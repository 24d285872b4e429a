# SPDX-License-Identifier: MIT
"""How a run ends that is interrupted, by Ctrl-C or a polite kill: in good order. Fixtures are torn down and nothing stays behind,
also in the workers of a run in parallel: pytest-xdist would let them have ten seconds, and kill them."""
import contextlib
import os
import pathlib
import signal

import pytest

from .waiting import PATIENCE_S


def _ignore(*_):
    """A handler and not SIG_IGN, which a program that is started now would inherit."""


def _end_in_good_order(*_):
    """Once: a second interrupt would break off the cleaning up after the first."""
    signal.signal(signal.SIGINT, _ignore)
    signal.signal(signal.SIGTERM, _ignore)
    raise KeyboardInterrupt


def install(config):
    # A shell starts what runs in its background with these ignored, and what a test starts would inherit that.
    signal.signal(signal.SIGINT, _end_in_good_order)
    signal.signal(signal.SIGTERM, _end_in_good_order)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    config.pluginmanager.register(_Workers())


def _children():
    return map(int, pathlib.Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split())


class _Workers:
    """Of the process that hands out the tests, which has no other children."""

    def __init__(self):
        self._nodes = []

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node):
        self._nodes.append(node)

    def pytest_keyboard_interrupt(self):
        if not self._nodes:
            return
        for worker in _children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGINT)
        for node in self._nodes:
            with contextlib.suppress(node.channel.TimeoutError, node.channel.RemoteError):
                node.channel.waitclose(PATIENCE_S)

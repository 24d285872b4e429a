# SPDX-License-Identifier: MIT
"""A resolver of a gateway's own, which hangs, fails or answers as a test says, for names that end in ".test"."""
import os
import pathlib

from . import preload

SOURCE = pathlib.Path(__file__).with_suffix(".c")


class Resolver:
    def __init__(self, directory):
        self._says = directory / "resolver"
        self.hang()

    @property
    def env(self):
        """What the gateway starts with."""
        return {**preload.environment(SOURCE), "TEST_RESOLVER": str(self._says)}

    def _say(self, line):
        written = self._says.with_suffix(".new")
        written.write_text(line + "\n", encoding="ascii")
        os.replace(written, self._says)

    def hang(self):
        self._say("hang")

    def fail(self):
        self._say("fail")

    def answer(self, *addresses):
        self._say("answer " + " ".join(addresses))

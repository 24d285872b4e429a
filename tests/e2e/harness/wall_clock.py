# SPDX-License-Identifier: MIT
"""A wall clock of a gateway's own, which a test can move; its monotonic clock runs on."""
import os
import pathlib

from . import preload

SOURCE = pathlib.Path(__file__).with_suffix(".c")


class WallClock:
    def __init__(self, directory):
        self._offset = directory / "wall-clock-offset"
        self.move_to(0)

    @property
    def env(self):
        """What the gateway starts with."""
        return {**preload.environment(SOURCE), "WALL_CLOCK_OFFSET": str(self._offset)}

    def move_to(self, seconds):
        """Away from the true time."""
        written = self._offset.with_suffix(".new")
        written.write_text(f"{seconds}\n", encoding="ascii")
        os.replace(written, self._offset)

# SPDX-License-Identifier: MIT
"""A wall clock of a gateway's own, which a test can move; its monotonic clock runs on."""
import os
import pathlib
import subprocess

from .process import SANITIZER_ENVIRONMENT

SOURCE = pathlib.Path(__file__).with_suffix(".c")


class WallClock:
    def __init__(self, directory):
        self._offset = directory / "wall-clock-offset"
        self._library = directory / "wall_clock.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", self._library, SOURCE], check=True)
        self.move_to(0)

    @property
    def env(self):
        """What the gateway starts with."""
        # The runtime of the sanitizer wants to be the first library otherwise.
        return {"LD_PRELOAD": str(self._library), "WALL_CLOCK_OFFSET": str(self._offset),
                "ASAN_OPTIONS": SANITIZER_ENVIRONMENT["ASAN_OPTIONS"] + ":verify_asan_link_order=0"}

    def move_to(self, seconds):
        """Away from the true time."""
        written = self._offset.with_suffix(".new")
        written.write_text(f"{seconds}\n", encoding="ascii")
        os.replace(written, self._offset)

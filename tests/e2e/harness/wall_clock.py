# SPDX-License-Identifier: MIT
"""A wall clock of a gateway's own, which a test can move; its monotonic clock runs on."""
import functools
import os
import pathlib
import subprocess

from . import binaries
from .process import SANITIZER_ENVIRONMENT

SOURCE = pathlib.Path(__file__).with_suffix(".c")


@functools.cache
def _library():
    """Beside the programs that are tested: nothing can be loaded from a /tmp that is mounted noexec."""
    library = binaries.build_dir() / "wall_clock.so"
    beside = library.with_suffix(f".{os.getpid()}")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", beside, SOURCE], check=True)
    os.replace(beside, library)
    return library


class WallClock:
    def __init__(self, directory):
        self._offset = directory / "wall-clock-offset"
        self.move_to(0)

    @property
    def env(self):
        """What the gateway starts with."""
        # The runtime of the sanitizer wants to be the first library otherwise.
        return {"LD_PRELOAD": str(_library()), "WALL_CLOCK_OFFSET": str(self._offset),
                "ASAN_OPTIONS": SANITIZER_ENVIRONMENT["ASAN_OPTIONS"] + ":verify_asan_link_order=0"}

    def move_to(self, seconds):
        """Away from the true time."""
        written = self._offset.with_suffix(".new")
        written.write_text(f"{seconds}\n", encoding="ascii")
        os.replace(written, self._offset)

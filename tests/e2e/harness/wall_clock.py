# SPDX-License-Identifier: MIT
"""A wall clock of a gateway's own, which a test can move; its monotonic clock runs on."""
import datetime
import email.utils
import os
import pathlib

from . import preload
from .waiting import eventually

SOURCE = pathlib.Path(__file__).with_suffix(".c")
_NEAR_S = 60  # every move is farther


def told_time(gateway):
    """By the Date field of an answer."""
    return email.utils.parsedate_to_datetime(gateway.admin_get("/healthz").get("date"))


class WallClock:
    def __init__(self, directory):
        self._offset = directory / "wall-clock-offset"
        self.move_to(0)

    @property
    def env(self):
        """What the gateway starts with."""
        return {**preload.environment(SOURCE), "WALL_CLOCK_OFFSET": str(self._offset)}

    def move_to(self, seconds, gateway=None):
        """Away from the true time. Returns once `gateway`, if it runs already, lives by it: it looks at the clock once in a
        millisecond of its loop, so the next request may still be judged by the time before."""
        written = self._offset.with_suffix(".new")
        written.write_text(f"{seconds}\n", encoding="ascii")
        os.replace(written, self._offset)
        if gateway:
            eventually(lambda: self._is_off_by(gateway, seconds), f"did the gateway live {seconds} s away")

    @staticmethod
    def _is_off_by(gateway, seconds):
        difference = told_time(gateway) - datetime.datetime.now(datetime.timezone.utc)
        return abs(difference.total_seconds() - seconds) < _NEAR_S

# SPDX-License-Identifier: MIT
"""How long the turns of the gateway's loop take, in processor time, measured from within by bench/turns/turns.c."""
import dataclasses
import struct

_NUMBERS = struct.Struct("<44Q")  # struct turns
_STEP_MS = 0.25


@dataclasses.dataclass(frozen=True)
class Sample:
    longest_ms: float
    longest_quiet_ms: float  # of those with fewer than a hundred sockets to serve
    median_ms: float
    turns: int
    total_us: float


class Turns:
    """Of the gateway that gets `environment`."""

    def __init__(self, bench):
        self._path = bench.folder / "turns"
        self.environment = {"LD_PRELOAD": str(bench.options.bin / "bench_turns.so"), "TURNS_FILE": str(self._path)}

    def begin(self):
        with open(self._path, "r+b") as file:
            file.write(bytes(_NUMBERS.size))

    def sample(self):
        """Since begin()."""
        count, longest, quiet, total, *histogram = _NUMBERS.unpack(self._path.read_bytes())
        seen, median = 0, 0
        while seen + histogram[median] < count / 2:
            seen += histogram[median]
            median += 1
        return Sample(longest / 1e6, quiet / 1e6, (median + 0.5) * _STEP_MS, count, total / 1e3)

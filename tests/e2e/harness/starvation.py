# SPDX-License-Identifier: MIT
"""A gateway whose allocations fail one by one, or all from one on, as a test says."""
import mmap
import pathlib
import struct

from . import preload

SOURCE = pathlib.Path(__file__).with_suffix(".c")
_CONTROL = struct.Struct("=QQQQ")  # of starvation.c: count, first, last, failed
_FOREVER = 2**64 - 1


class Starvation:
    def __init__(self, directory):
        self._file = directory / "starvation"
        # Mbed TLS frees the keys of a handshake of TLS 1.3 without their ciphers when the second of them finds no memory.
        self._leaks = directory / "leaks-of-libraries"
        self._leaks.write_text("leak:gcm_ctx_alloc\nleak:chachapoly_ctx_alloc\n", encoding="ascii")
        self._file.write_bytes(bytes(mmap.PAGESIZE))
        with open(self._file, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), mmap.PAGESIZE)

    @property
    def env(self):
        """What the gateway starts with."""
        return {**preload.environment(SOURCE), "STARVATION": str(self._file),
                "LSAN_OPTIONS": f"suppressions={self._leaks}:print_suppressions=0"}

    def _get(self, index):
        return _CONTROL.unpack_from(self._map)[index]

    def _put(self, index, value):
        struct.pack_into("=Q", self._map, 8 * index, value)

    @property
    def count(self):
        return self._get(0)

    @property
    def failed(self):
        """How many have failed."""
        return self._get(3)

    def fail(self, number):
        """The `number`th allocation from now on, and no other."""
        at = self.count + number
        self._put(2, at)
        self._put(1, at)

    def fail_all(self, number=1):
        """Every one from the `number`th on."""
        self._put(2, _FOREVER)
        self._put(1, self.count + number)

    def end(self):
        self._put(1, 0)

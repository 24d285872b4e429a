# SPDX-License-Identifier: MIT
"""Waiting for what another process does, with a limit. For effects that nobody announces (a row in the
database, a counter); where there is something to read or to join, tests wait for that instead.

The limit is one for all that tests wait for, and no test is about it. Only a failure waits so long."""
import os
import statistics
import time


def _patience_s():
    """What works takes a thirtieth of a minute, and longer where others have the processors. Two for each processor is what a run
    makes by itself; where more want them as it begins, it has as much more patience."""
    wanted = os.getloadavg()[0] / (os.cpu_count() or 1)
    return 60.0 * min(max(wanted / 2, 1), 6)


PATIENCE_S = _patience_s()


def eventually(check, what, timeout_s=PATIENCE_S):
    """Calls check() until it returns something true, and returns that. `what`, or what it returns, is the end of "never ..."."""
    began = time.monotonic()
    while True:
        result = check()
        if result:
            return result
        waited = time.monotonic() - began
        if waited > timeout_s:
            raise AssertionError(f"within {timeout_s:g} s never {what() if callable(what) else what}")
        time.sleep(min(max(waited / 10, 0.01), 0.1))  # each look takes time from what is waited for


_ATTEMPTS_MIN, ATTEMPTS_MAX = 3, 11  # odd: the median is one of them


def assert_soon(attempt, within_s):
    """The median of what attempt() returns, seconds, keeps within the promise. Three attempts say so on a quiet machine; a busy one,
    which makes some late, gets two more until there are eleven."""
    took = [attempt() for _ in range(_ATTEMPTS_MIN)]
    while statistics.median(took) > within_s:
        assert len(took) < ATTEMPTS_MAX, f"not within {within_s} s in the median: {took}"
        took += [attempt(), attempt()]

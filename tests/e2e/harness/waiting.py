# SPDX-License-Identifier: MIT
"""Waiting for what another process does, with a limit. For effects that nobody announces (a row in the
database, a counter); where there is something to read or to join, tests wait for that instead.

The limit is one for all that tests wait for, and no test is about it: what works takes a thirtieth of it, on a machine that
is ten times slower a third. Only a failure waits so long."""
import time

PATIENCE_S = 60.0


def eventually(check, what, timeout_s=PATIENCE_S):
    """Calls check() until it returns something true, and returns that. `what`, or what it returns, is the end of "never ..."."""
    deadline = time.monotonic() + timeout_s
    while True:
        result = check()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"within {timeout_s:g} s never {what() if callable(what) else what}")
        time.sleep(0.02)

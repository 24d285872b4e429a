# SPDX-License-Identifier: MIT
"""The gateway's program with settings that come from files: nothing but what the test gives, and no database URL."""
import contextlib

from . import binaries
from .gateway import Gateway
from .process import clean_environment, run


def run_gateway(*words, **environment):
    """To its end."""
    return run([binaries.find("skillreg-gateway"), *map(str, words)], env=clean_environment(HOME="/nonexistent", **environment))


@contextlib.contextmanager
def served(directory, flags=(), **environment):
    """A server that is ready; it has to end well."""
    own = Gateway(directory, "by-file", database_url="", flags=flags, env=environment)
    try:
        yield own.wait_until_ready()
        own.stop()
    finally:
        own.kill()

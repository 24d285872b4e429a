# SPDX-License-Identifier: MIT
"""Libraries that a gateway starts with, in front of its own. Built once in a run, and beside the programs that are tested: nothing
can be loaded from a /tmp that is mounted noexec."""
import functools
import os
import subprocess

from . import binaries
from .process import SANITIZER_ENVIRONMENT


@functools.cache
def _build(source):
    library = binaries.build_dir() / source.with_suffix(".so").name
    beside = library.with_suffix(f".{os.getpid()}")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-fno-omit-frame-pointer", "-o", beside, source], check=True)
    os.replace(beside, library)
    return library


def environment(source):
    """Of a gateway that has the library of this source preloaded."""
    # The runtime of the sanitizer wants to be the first library otherwise.
    return {"LD_PRELOAD": str(_build(source)),
            "ASAN_OPTIONS": SANITIZER_ENVIRONMENT["ASAN_OPTIONS"] + ":verify_asan_link_order=0"}

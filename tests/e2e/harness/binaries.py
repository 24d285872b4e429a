# SPDX-License-Identifier: MIT
"""Where the programs under test are: GATEWAY_BUILD_DIR, by default the build of the preset `asan`."""
import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[3]
FOLDERS = ("base", "token", "tls", "db", "gateway", "cli")  # of the product


def build_dir():
    return pathlib.Path(os.environ.get("GATEWAY_BUILD_DIR") or ROOT / "build/cmake/asan").resolve()


def find(name):
    directory = build_dir()
    for path in sorted(directory.rglob(name)):
        if path.is_file() and os.access(path, os.X_OK):
            return path
    raise FileNotFoundError(f"no program {name} under {directory}: build it, or set GATEWAY_BUILD_DIR")

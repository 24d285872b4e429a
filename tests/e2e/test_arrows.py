# SPDX-License-Identifier: MIT
"""The check of which room may use which finds what breaks it. It runs on a copy of the folders."""
import shutil
import subprocess
import sys

import pytest

from harness import binaries

ROOT = binaries.ROOT
FOLDERS = binaries.FOLDERS


def arrows(tree, *flags):
    return subprocess.run([sys.executable, ROOT / "dev.d/arrows.py", *flags, tree], capture_output=True, text=True,
                          check=False)


@pytest.fixture
def tree(tmp_path):
    for folder in FOLDERS:
        if (ROOT / folder).exists():
            shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("*.sql"))
    return tmp_path


def append(path, text):
    path.write_text(path.read_text() + text)


def test_the_rooms_as_they_are(tree):
    done = arrows(tree, "--draw")
    assert done.returncode == 0, done.stdout
    assert "base" in done.stdout and "arrows" in done.stdout


@pytest.mark.parametrize("include, fault", [
    ('#include "db/backoff.h"\n', "tls may not use db/backoff.h"),
    ('#include <uv.h>\n', "tls may not use uv.h"),
    ('#include "nowhere/backoff.h"\n', "in no room"),
])
def test_an_include_that_breaks_the_table(tree, include, fault):
    lines = len((tree / "tls/hello.c").read_text().splitlines())
    append(tree / "tls/hello.c", include)
    done = arrows(tree)
    assert done.returncode == 1
    assert f"tls/hello.c:{lines + 1}: " in done.stdout and fault in done.stdout


def test_a_link_that_nothing_uses(tree):
    lists = tree / "base/CMakeLists.txt"
    lists.write_text(lists.read_text().replace("LINK", "LINK deps_uv"))
    done = arrows(tree)
    assert done.returncode == 1 and "no include of base uses deps_uv" in done.stdout


def test_a_circle_of_rooms(tree):
    lists = tree / "base/CMakeLists.txt"
    lists.write_text(lists.read_text().replace("LINK", "LINK gw_db"))
    append(tree / "base/str.c", '#include "db/backoff.h"\n')
    done = arrows(tree)
    assert done.returncode == 1 and "a circle of rooms: base -> db -> base" in done.stdout


def test_a_circle_of_files(tree):
    append(tree / "base/str.c", '#include "base/buf.h"\n')
    done = arrows(tree)
    assert done.returncode == 1 and "a circle of files: " in done.stdout and "base/buf -> base/str" in done.stdout

# SPDX-License-Identifier: MIT
"""docs/hardening.md and the tables of docs/design stay true: they have every row once and in order, and each file, case and
test that they name is there."""
import re

import pytest

from harness import binaries, vectors

ROOT = binaries.ROOT


def rows_of(page, number):
    """The cells of each row whose first one is a number of that kind."""
    return [[cell.strip() for cell in line.strip("|").split(" | ")]
            for line in (ROOT / "docs" / page).read_text(encoding="utf-8").splitlines() if re.match(rf"\| {number} \|", line)]


ROWS = rows_of("hardening.md", r"[1-4]\.[0-9]+")
SEAMS = rows_of("hardening.md", r"5\.[0-9]+")
PROMISES = rows_of("design/revocation.md", r"R[0-9]+")
DEADLINES = rows_of("design/connection.md", r"T[0-9]+")
PARTS = {1: 18, 2: 25, 3: 20, 4: 8}


def names_in(path):
    if path.suffix == ".http":
        return {case.name for case in vectors.parse(path)}
    pattern = r"^def (test_\w+)" if path.suffix == ".py" else r"^static void (test_\w+)"
    return set(re.findall(pattern, path.read_text(encoding="utf-8"), re.MULTILINE))


def test_every_row_is_there_once_in_order():
    assert [cells[0] for cells in ROWS] == [f"{part}.{row}" for part, last in PARTS.items() for row in range(1, last + 1)]


def test_the_rows_on_seams_are_in_order():
    numbers = [int(cells[0].partition(".")[2]) for cells in SEAMS]
    assert numbers == sorted(set(numbers))


def test_every_promise_is_there_once_in_order():
    assert [cells[0] for cells in PROMISES] == [f"R{number + 1}" for number in range(len(PROMISES))]


def test_every_deadline_is_there_once_in_order():
    assert [cells[0] for cells in DEADLINES] == [f"T{number + 1}" for number in range(len(DEADLINES))]
    named = {name for cells in DEADLINES for name in re.findall(r"`([A-Z_]+)`", cells[1])}
    header = (ROOT / "gateway/exchange/services.h").read_text(encoding="utf-8")
    assert named == set(re.findall(r"^    GW_DEADLINE_(\w+),", header, re.MULTILINE))


FILE = r"(\w+/)?\w[\w-]*\.(http|py|c)"  # with its folder where there are several of the name
NAMING = [(cells[0], cells[-1]) for cells in ROWS + SEAMS + PROMISES + DEADLINES]


@pytest.mark.parametrize("number,tested", NAMING, ids=[number for number, _ in NAMING])
def test_what_a_row_names_exists(number, tested):
    names, known = re.findall(r"`([^`]+)`", tested), None
    assert names and re.fullmatch(FILE, names[0]), f"{number} begins with no file"
    for name in names:
        if re.fullmatch(FILE, name):
            found = [path for path in (ROOT / "tests").rglob(name.rpartition("/")[2]) if str(path).endswith("/" + name)]
            assert len(found) == 1, f"{number}: {name} is there {len(found)} times"
            known = names_in(found[0])
        else:
            assert name in known, f"{number}: no {name}"


# ---- tests/README.md ------------------------------------------------------------------------------------------------

FOLDERS = binaries.FOLDERS


def test_every_source_has_a_test_or_says_which_covers_it():
    covered = dict(re.findall(r"^\| `([\w/]+\.c)` \| (.+) \|$", (ROOT / "tests/README.md").read_text(encoding="utf-8"), re.MULTILINE))
    sources = [path.relative_to(ROOT) for folder in FOLDERS for path in (ROOT / folder).rglob("*.c")]
    own = {str(path) for path in sources if (ROOT / "tests/unit" / path.parent / f"test_{path.name}").exists()}
    assert sorted(covered) == sorted({str(path) for path in sources} - own)
    named = {name for tests in covered.values() for name in re.findall(r"`([^`]+)`", tests)}
    assert named and [name for name in sorted(named) if not (ROOT / "tests" / name).exists()] == []

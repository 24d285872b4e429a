# SPDX-License-Identifier: MIT
"""count.py <name> <junit file>: prints `<name> <passed> <failed> <skipped>`.

A ctest entry is one cmocka program with many tests: those it reports are counted, not the program.
"""
import re
import sys
import xml.etree.ElementTree as ElementTree


def count_case(case):
    if case.find("skipped") is not None:
        return 0, 0, 1
    failed = case.find("failure") is not None or case.find("error") is not None
    output = case.findtext("system-out") or ""

    def total(pattern):
        return sum(int(n) for n in re.findall(pattern, output))

    inner_passed = total(r"\[  PASSED  \] (\d+) test")
    inner_failed = total(r"\[  FAILED  \] (?:tests: )?(\d+) test")
    inner_skipped = total(r"\[  SKIPPED \] (?:tests: )?(\d+) test")
    if failed:
        return inner_passed, max(inner_failed, 1), inner_skipped
    return (inner_passed, 0, inner_skipped) if inner_passed + inner_skipped else (1, 0, 0)


def main():
    name, path = sys.argv[1:]
    try:
        cases = list(ElementTree.parse(path).iter("testcase"))
    except (OSError, ElementTree.ParseError):
        print(name, 0, 1, 0)
        return 1
    counts = [count_case(case) for case in cases]
    print(name, *(sum(column) for column in zip(*counts)) if counts else (0, 0, 0))
    return 0


sys.exit(main())

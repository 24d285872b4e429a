# SPDX-License-Identifier: MIT
"""The documents, and the sessions that they show: what runs in them, and what it printed when it was written down."""
import re
import subprocess

from . import binaries
from .process import clean_environment, dies_with_parent
from .waiting import PATIENCE_S

ROOT = binaries.ROOT


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def section(text, title):
    """The text under one heading of the second level."""
    match = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert match, f"there is no section {title!r}"
    return match[1]


def section_below(text, title):
    """The text under one heading of the third level."""
    match = re.search(rf"^### {re.escape(title)}\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL)
    assert match, f"there is no section {title!r}"
    return match[1]


def all_blocks(text):
    """(language, body) of every fenced block, in order."""
    return re.findall(r"^ *```(\w*)\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)


def blocks(text, language):
    """The fenced blocks of one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def steps(text):
    """(command, documented output) of every console block, in order. A command goes on below a line that ends in a backslash, and
    to the end of its here-document."""
    found = []
    for block in blocks(text, "console"):
        goes_on, mark = False, None
        for line in block.splitlines():
            if goes_on or mark:
                found[-1][0] += "\n" + line
            elif line.startswith("$ "):
                found.append([line[2:], []])
            else:
                found[-1][1].append(line)
                continue
            mark = None if line == mark else mark or next(iter(re.findall(r"<<'(\w+)'", line)), None)
            goes_on = line.endswith("\\")
    return [(command, "\n".join(lines)) for command, lines in found]


# What differs from run to run. The same text in a document stands for the same value throughout.
RANDOM = re.compile(
    r"(?P<secret>sr_live_[A-Za-z0-9_-]+\.\.\.)|(?P<prefix>sr_live_[A-Za-z0-9_-]{4}(?![A-Za-z0-9_-]))|(?P<id>\bcl[a-z0-9]{22}\b)"
    r"|(?P<request>\b[0-9a-f]{32}\b)|(?P<date>\b[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT)"
    r"|(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)|(?P<seconds>\b1[789]\d{8}\b)|(?P<schema>(?<=version 0 to )\d+|(?<=at version )\d+)")
SHAPES = {"secret": r"sr_live_[A-Za-z0-9_-]{48}", "prefix": r"sr_live_[A-Za-z0-9_-]{4}", "id": r"cl[a-z0-9]{22}",
          "request": r"[0-9a-f]{32}", "date": r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT",
          "seconds": r"1\d{9}", "schema": r"\d+", "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"}


class Session:
    """One bash that lives through all commands of a document."""

    MARK = "::done::"

    def __init__(self, directory):
        self.bound = {}  # documented text -> what it is in this run
        self.shell = subprocess.Popen(
            dies_with_parent(["bash"]), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            encoding="utf-8", bufsize=1, cwd=directory, env=clean_environment(HOME=str(directory)))

    def run(self, command):
        for documented in sorted(self.bound, key=len, reverse=True):
            command = command.replace(documented, self.bound[documented])
        self.shell.stdin.write(f"{command}\nprintf '\\n{self.MARK} %d\\n' $?\n")
        lines = []
        for line in self.shell.stdout:
            if line.startswith(self.MARK):
                return int(line.split()[1]), "".join(lines).rstrip("\n")
            lines.append(line)
        raise AssertionError(f"the shell ended in: {command}")

    def assert_like(self, documented, output):
        pattern, names, end = "", [], 0
        for match in RANDOM.finditer(documented):
            pattern += re.escape(documented[end:match.start()])
            is_kept = match.lastgroup not in ("seconds", "schema")  # numbers that mean nothing elsewhere
            pattern += f"({'' if is_kept else '?:'}{SHAPES[match.lastgroup]})"
            names += [match[0]] if is_kept else []
            end = match.end()
        pattern += re.escape(documented[end:])
        found = re.fullmatch(pattern, output)
        assert found, f"documented:\n{documented}\n\nnow:\n{output}"
        for name, value in zip(names, found.groups()):
            assert self.bound.setdefault(name, value) == value, f"{name} stood for another value before"

    def run_as_shown(self, command, documented):
        """Runs it, and holds what it prints to the document. 0 is the only code that a document need not mention."""
        code, output = self.run(command)
        assert code == 0, f"{command}: exit {code}\n{output}"
        self.assert_like(documented, output)

    def close(self):
        self.shell.stdin.close()
        self.shell.stdout.close()
        assert self.shell.wait(PATIENCE_S) == 0

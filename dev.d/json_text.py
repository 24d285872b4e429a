# SPDX-License-Identifier: MIT
"""JSON as the files of this repository have it: what fits on a line stands on one, anything else a member a line.

    dev.d/json_text.py [--check] <file>...   rewrites the files; with --check it names those that would change, and ends with 1
"""
import json
import pathlib
import sys

COLUMNS = 128


def text_of(value, indent=0, used=0):
    """`used`: columns that are taken on the line where the value begins, behind the indent, and by what follows it."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (dict, list)) or not value or indent + used + len(line) <= COLUMNS:
        return line
    inner = indent + 2
    if isinstance(value, dict):
        names = [json.dumps(name, ensure_ascii=False) + ": " for name in value]
        parts = [name + text_of(member, inner, len(name) + 1) for name, member in zip(names, value.values())]
    else:
        parts = [text_of(member, inner, 1) for member in value]
    begin, end = "{}" if isinstance(value, dict) else "[]"
    return begin + "".join(f"\n{' ' * inner}{part}{',' * (at < len(parts))}" for at, part in enumerate(parts, 1)) \
        + f"\n{' ' * indent}{end}"


def main(arguments):
    is_check = arguments[:1] == ["--check"]
    status = 0
    for name in arguments[is_check:]:
        path = pathlib.Path(name)
        text = path.read_text(encoding="utf-8")
        wanted = text_of(json.loads(text)) + "\n"
        if text == wanted:
            continue
        if is_check:
            print(f"{name}: not as dev.d/json_text.py writes it", file=sys.stderr)
            status = 1
        else:
            path.write_text(wanted, encoding="utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

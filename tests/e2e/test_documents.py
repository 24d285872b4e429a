# SPDX-License-Identifier: MIT
"""The blocks of the documents run as they are shown, and print what is shown."""
from harness import documents


def test_the_walk_through_the_api_runs_as_shown(session, tmp_path):
    text = documents.read("docs/api.md")
    (program,) = documents.blocks(text, "python")
    (tmp_path / "gateway.py").write_text(program, encoding="utf-8")
    steps = documents.steps(text)
    for command, documented in steps:
        session.run_as_shown(command, documented)
    assert len(steps) >= 15

# SPDX-License-Identifier: MIT
"""A case's outcome as aligned text, as JSON and as a chart. A Report holds nothing but what is written."""
import dataclasses
import json
import time

from . import chart, machine


@dataclasses.dataclass(frozen=True)
class Target:
    """What was promised: `value` against `bound`."""
    text: str
    value: float
    bound: float
    is_minimum: bool = True

    @property
    def is_met(self):
        return self.value >= self.bound if self.is_minimum else self.value <= self.bound


@dataclasses.dataclass
class Report:
    case: str
    title: str
    columns: list  # of headings; the first is the row's name
    rows: list     # of lists of text
    samples: dict  # for the JSON: every single value
    settings: dict
    targets: list = dataclasses.field(default_factory=list)
    notes: list = dataclasses.field(default_factory=list)
    charts: list = dataclasses.field(default_factory=list)  # of chart.Panel


def text(report):
    widths = [max(map(len, column)) for column in zip(report.columns, *report.rows)]
    lines = [report.title, ""]
    for row in [report.columns, *report.rows]:
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        lines.append("  " + "   ".join(cells).rstrip())
    lines += ["", *("  " + note for note in report.notes)]
    for target in report.targets:
        sign = ">=" if target.is_minimum else "<="
        verdict = "met" if target.is_met else "MISSED"
        lines.append(f"  {target.text}: {target.value:.4g} (target {sign} {target.bound:g}) {verdict}")
    return "\n".join(lines).rstrip() + "\n"


def write(report, folder):
    document = {"case": report.case, "title": report.title, "date": time.strftime("%Y-%m-%d", time.gmtime()),
                "machine": machine.describe(), "versions": machine.versions(), "settings": report.settings,
                "table": {"columns": report.columns, "rows": report.rows}, "notes": report.notes,
                "targets": [{**dataclasses.asdict(target), "is_met": target.is_met} for target in report.targets],
                "samples": report.samples}
    (folder / f"{report.case}.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    (folder / f"{report.case}.txt").write_text(text(report), encoding="utf-8")
    if report.charts:
        (folder / f"{report.case}.svg").write_text(chart.draw(report.title, report.charts), encoding="utf-8")

# SPDX-License-Identifier: MIT
"""Bar charts as SVG, readable on a white and on a dark page: they bring their own background."""
import dataclasses
from xml.sax.saxutils import escape

_WIDTH = 820
_MARGIN = 20
_CHARACTER = 8.0  # of a label, at most: bold, 13 pixels
_VALUE_WIDTH = 120
_BAR_HEIGHT = 20
_ROW_HEIGHT = 30
_HEADING_HEIGHT = 34
_OURS = "#0b6e4f"
_THEIRS = "#8a94a6"


@dataclasses.dataclass(frozen=True)
class Bar:
    label: str
    value: float
    low: float
    high: float
    is_ours: bool = False


def exact(label, value, is_ours=False):
    """A bar without a spread."""
    return Bar(label, value, value, value, is_ours)


@dataclasses.dataclass(frozen=True)
class Panel:
    heading: str
    bars: list
    decimals: int = 0


def _text(x, y, text, *, anchor="start", size=13, weight="normal", fill="#1f2933"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}" '
            f'fill="{fill}">{escape(text)}</text>')


def _bar(bar, y, left, scale, decimals):
    """The median as a bar, the extremes as a whisker on it, the number beside both."""
    middle = y + _BAR_HEIGHT / 2
    width, low, high = bar.value * scale, left + bar.low * scale, left + bar.high * scale
    fill, weight = (_OURS, "bold") if bar.is_ours else (_THEIRS, "normal")
    ends = "".join(f"M{end:.1f} {middle - 4:.1f}v8" for end in (low, high))
    whisker = (f'<path d="M{low:.1f} {middle:.1f}H{high:.1f}{ends}" stroke="#1f2933" stroke-width="1.5" fill="none"/>'
               if bar.high > bar.low else "")
    return [_text(left - 10, middle + 5, bar.label, anchor="end", weight=weight),
            f'<rect x="{left}" y="{y}" width="{max(width, 1):.1f}" height="{_BAR_HEIGHT}" rx="2" fill="{fill}"/>',
            whisker, _text(max(left + width, high) + 8, middle + 5, f"{bar.value:,.{decimals}f}", weight=weight)]


def _label_width(panels):
    """The bars of all panels begin where the longest label ends."""
    return _MARGIN + _CHARACTER * max(len(bar.label) for panel in panels for bar in panel.bars) + 10


def _panel(panel, top, left):
    scale = (_WIDTH - left - _VALUE_WIDTH) / (max(bar.high for bar in panel.bars) or 1)
    shapes = [_text(left, top + 18, panel.heading, fill="#52606d")]
    for index, bar in enumerate(panel.bars):
        shapes += _bar(bar, top + _HEADING_HEIGHT + index * _ROW_HEIGHT, left, scale, panel.decimals)
    return shapes, top + _HEADING_HEIGHT + len(panel.bars) * _ROW_HEIGHT + 8


def draw(title, panels):
    shapes, y, left = [], 46, _label_width(panels)
    for panel in panels:
        more, y = _panel(panel, y, left)
        shapes += more
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y + 8}" width="{_WIDTH}" '
                      f'height="{y + 8}" font-family="system-ui, sans-serif" role="img" aria-label="{escape(title)}">',
                      '<rect width="100%" height="100%" rx="6" fill="#ffffff"/>',
                      _text(20, 30, title, size=16, weight="bold"), *shapes, "</svg>"]) + "\n"

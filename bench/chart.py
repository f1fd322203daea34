"""The chart: an SVG of bars, one panel a figure, readable on light and on dark."""

from __future__ import annotations

from html import escape

from bench.figure import Size
from bench.goal import GOALS, Goal, Rows, median, values
from bench.report import title_of, written

_WIDTH, _NAME, _BAR, _LINE, _GAP = 760, 150, 470, 22, 18
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.value { fill: #57606a }
.bar { fill: #afb8c1 }
.ours { fill: #0969da }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .value { fill: #9198a1 } .bar { fill: #484f58 } .ours { fill: #4493f8 }
}
"""


def draw(rows: Rows, peers: list[str], size: Size) -> str:
    """Return the whole picture: all comparable figures, with one scale in each panel."""
    parts: list[str] = []
    top = _GAP
    for goal in GOALS:
        bars = [(peer, value) for peer in peers if (value := median(values(rows, goal, peer))) is not None]
        if len(bars) > 1:
            parts += _panel(goal, title_of(goal, size), bars, top)
            top += _LINE * (len(bars) + 1) + _GAP
    shape = f'viewBox="0 0 {_WIDTH} {top}" width="{_WIDTH}" height="{top}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {shape} role="img">'
    label = "<title>What Slotcast costs beside its peers</title>"
    return "\n".join([head, label, f"<style>{_STYLE}</style>", *parts, "</svg>", ""])


def _panel(goal: Goal, title: str, bars: list[tuple[str, float]], top: int) -> list[str]:
    better = "more is better" if goal.is_more_better else "less is better"
    parts = [f'<text class="title" x="8" y="{top + 14}">{escape(title)} ({better})</text>']
    longest = max(value for _, value in bars)
    for place, (peer, value) in enumerate(bars, 1):
        y, width = top + place * _LINE, max(2.0, value / longest * _BAR)
        kind = "bar" if place > 1 else "bar ours"
        parts += [
            f'<text x="8" y="{y + 15}">{escape(peer)}</text>',
            f'<rect class="{kind}" x="{_NAME}" y="{y + 3}" width="{width:.1f}" height="{_LINE - 6}" rx="2"/>',
            f'<text class="value" x="{_NAME + width + 6:.1f}" y="{y + 15}">{written(value)} {escape(goal.unit)}</text>',
        ]
    return parts

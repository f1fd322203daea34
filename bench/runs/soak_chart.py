"""The chart of a soak: memory, connections, descriptors and tasks over time, as an SVG for light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

_WIDTH, _HEIGHT, _LEFT, _TOP = 760, 110, 70, 40
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.value { fill: #57606a }
polyline { fill: none; stroke: #0969da; stroke-width: 1.5 }
line { stroke: #d0d7de }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .value { fill: #9198a1 } polyline { stroke: #4493f8 } line { stroke: #30363d }
}
"""
_PANELS = (("memory, MB", 1), ("connections", 2), ("tasks", 3), ("descriptors", 4))


def draw(title: str, samples: Sequence[Sequence[float]]) -> str:
    """Return the picture. The first member of a sample is its time in seconds, then the value of each panel."""
    height = _TOP + len(_PANELS) * (_HEIGHT + 30)
    shape = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {shape} role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{_STYLE}</style>",
        f'<text class="title" x="8" y="20">{escape(title)}</text>',
    ]
    longest = max(sample[0] for sample in samples) or 1.0
    for place, (name, member) in enumerate(_PANELS):
        top = _TOP + place * (_HEIGHT + 30)
        most = max(sample[member] for sample in samples) or 1.0
        points = []
        for sample in samples:
            x = _LEFT + sample[0] / longest * (_WIDTH - _LEFT - 10)
            y = top + _HEIGHT - sample[member] / most * (_HEIGHT - 20)
            points.append(f"{x:.1f},{y:.1f}")
        parts += [
            f'<line x1="{_LEFT}" y1="{top + _HEIGHT}" x2="{_WIDTH - 10}" y2="{top + _HEIGHT}"/>',
            f'<text x="8" y="{top + 10}">{escape(name)}</text>',
            f'<text class="value" x="8" y="{top + 30}">{most:,.0f}</text>',
            f'<text class="value" x="8" y="{top + _HEIGHT}">0</text>',
            f'<polyline points="{" ".join(points)}"/>',
        ]
    return "\n".join([*parts, "</svg>", ""])

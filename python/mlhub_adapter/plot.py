"""Small plots as SVG, without any library: bars of named values, and lines of curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

BAR_HEIGHT = 22
MAX_BARS = 40
MAX_NAME = 40
COLOURS = ("#3366cc", "#dc7633", "#2e8b57", "#8e44ad", "#c0392b", "#7f8c8d")
FONT = 'font-family="system-ui, sans-serif" font-size="12"'


def bars(title: str, values: Mapping[str, float]) -> str:
    """Bars, the longest first; what is beyond :data:`MAX_BARS` is counted in the title."""
    ranked = sorted(values.items(), key=lambda item: (-item[1], item[0]))
    shown = ranked[:MAX_BARS]
    if len(ranked) > len(shown):
        title = f"{title} (first {len(shown)} of {len(ranked)})"
    longest = max((value for _, value in shown), default=0.0) or 1.0
    left, width = 8 + 7 * max((min(len(name), MAX_NAME) for name, _ in shown), default=0), 360
    lines = []
    for at, (name, value) in enumerate(shown):
        y = 36 + at * BAR_HEIGHT
        length = max(0.0, value / longest) * width
        name = name if len(name) <= MAX_NAME else name[: MAX_NAME - 1] + "…"
        lines.append(
            f'<text x="{left - 6}" y="{y + 14}" text-anchor="end">{escape(name)}</text>'
            f'<rect x="{left}" y="{y + 3}" width="{length:.1f}" height="{BAR_HEIGHT - 7}" '
            f'fill="{COLOURS[0]}"/>'
            f'<text x="{left + length + 5:.1f}" y="{y + 14}">{value:.4g}</text>'
        )
    return _svg(left + width + 90, 44 + len(shown) * BAR_HEIGHT, title, lines)


def lines(title: str, curves: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Curves of (x, y) points in one frame, with their names below."""
    points = [point for curve in curves.values() for point in curve]
    low_x, high_x = _range([x for x, _ in points])
    low_y, high_y = _range([y for _, y in points])
    width, height, left, top = 520, 260, 60, 36
    drawn = [
        f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="none" stroke="#999"/>'
    ]
    for at, (name, curve) in enumerate(curves.items()):
        path = " ".join(
            f"{left + (x - low_x) / (high_x - low_x) * width:.1f},"
            f"{top + height - (y - low_y) / (high_y - low_y) * height:.1f}"
            for x, y in curve
        )
        colour = COLOURS[at % len(COLOURS)]
        drawn.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
        )
        y = top + height + 36 + at * 16
        drawn.append(f'<rect x="{left}" y="{y - 9}" width="10" height="10" fill="{colour}"/>')
        drawn.append(f'<text x="{left + 16}" y="{y}">{escape(name)}</text>')
    for value, y in ((high_y, top + 4), (low_y, top + height)):
        drawn.append(f'<text x="{left - 6}" y="{y}" text-anchor="end">{value:.4g}</text>')
    for value, x, anchor in ((low_x, left, "start"), (high_x, left + width, "end")):
        drawn.append(
            f'<text x="{x}" y="{top + height + 16}" text-anchor="{anchor}">{value:.6g}</text>'
        )
    return _svg(left + width + 20, top + height + 52 + 16 * len(curves), title, drawn)


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values, default=0.0), max(values, default=1.0)
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _svg(width: float, height: float, title: str, parts: Sequence[str]) -> str:
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" {FONT} fill="#222" role="img">\n'
        f"<title>{escape(title)}</title>\n"
        f'<rect width="100%" height="100%" fill="#fff"/>\n'
        f'<text x="8" y="20" font-weight="600">{escape(title)}</text>\n{body}\n</svg>\n'
    )

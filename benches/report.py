"""Writes what was measured: a document with tables, a plot, and the numbers themselves."""

from __future__ import annotations

import datetime
import json
import os
import platform
import statistics
from html import escape
from pathlib import Path

BAR_HEIGHT, BAR_WIDTH, LABEL_WIDTH = 18, 380, 130
PLOTTED = (
    ("log", "p50_us"), ("store", "points_per_s"), ("requests", "requests_per_s"),
    ("read", "history_ms"), ("table-10000", "search_ms"), ("idle", "rss_mb"),
)  # fmt: skip


def write(docs: Path, peers, scenarios, results, versions) -> None:
    docs.mkdir(exist_ok=True)
    left = [scenario for scenario in scenarios if scenario not in results]
    rounds = {len(found) for measured in results.values() for found in measured.values()}
    (docs / "benchmarks.json").write_text(
        json.dumps({"versions": versions, "machine": machine(), "results": results}, indent=1)
        + "\n"
    )
    (docs / "benchmarks.svg").write_text(plot(peers, scenarios, results))
    note = docs / "benchmarks-notes.md"
    lines = [
        "# Benchmarks",
        "",
        "Written by `python3 benches/run.py`: this hub and other trackers, in one run on one",
        (
            f"machine ({machine()}), {datetime.date.today():%Y-%m-%d}. A figure is the median of "
            f"{' or '.join(map(str, sorted(rounds)))} rounds, in brackets the smallest and the "
            "greatest. The ratio is how much"
        ),
        "better mlhub is than that tracker (below 1: worse). What each scenario does is in",
        "`benches/worker.py` and `benches/peers/`; sizes that a slow tracker cannot bear are",
        "smaller for it (`benches/run.py`), which flatters it if anything.",
        "",
        "![Bars of the main figures, on logarithmic scales](benchmarks.svg)",
        "",
        "Versions: " + ", ".join(f"{peers[n].title} {v}" for n, v in versions.items()) + ".",
        "",
    ]
    if left:
        lines += [f"**Not measured in this run:** {', '.join(left)}.", ""]
    if note.exists():
        lines += [note.read_text().strip(), ""]
    for scenario, (title, figures) in scenarios.items():
        if scenario not in results:
            continue
        lines += [f"## {title}", "", *table(peers, figures, results[scenario]), ""]
    (docs / "benchmarks.md").write_text("\n".join(lines))


def machine() -> str:
    model = "unknown processor"
    for row in Path("/proc/cpuinfo").read_text().splitlines():
        if row.startswith("model name"):
            model = row.split(":", 1)[1].strip()
            break
    return f"{os.cpu_count()} cores of {model}, {platform.system()} {platform.release()}"


def middle(found: list, key: str) -> tuple[float, float, float] | None:
    values = [one[key] for one in found if isinstance(one, dict) and key in one]
    return (statistics.median(values), min(values), max(values)) if values else None


def number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def table(peers, figures, found) -> list[str]:
    head = ["tracker"]
    for title, unit, _less in figures.values():
        head += [f"{title}{f', {unit}' if unit else ''}", "ratio"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for name, measured in found.items():
        row, reason = [peers[name].title], None
        for key, (_title, _unit, less) in figures.items():
            here, ours = middle(measured, key), middle(found.get("mlhub", []), key)
            if here is None:
                reason = next((one for one in measured if isinstance(one, str)), None)
                row += ["-", "-"]
                continue
            row.append(f"{number(here[0])} ({number(here[1])} - {number(here[2])})")
            row.append(ratio(here[0], ours, less) if name != "mlhub" else "")
        lines.append("| " + " | ".join(row) + " |")
        if reason:
            lines.append(f"| | {reason[:200].replace('|', ' ')} |" + " |" * (len(head) - 2))
    return lines


def ratio(theirs: float, ours, less: bool) -> str:
    if ours is None or min(theirs, ours[0]) <= 0:
        return "-"
    return number(theirs / ours[0] if less else ours[0] / theirs) + "x"


def plot(peers, scenarios, results) -> str:
    """Bars on a logarithmic scale, one block per figure; readable in dark and light."""
    body, y = [], 10
    for scenario, key in PLOTTED:
        title, figures = scenarios[scenario]
        name, unit, less = figures[key]
        rows = [(n, middle(f, key)) for n, f in results.get(scenario, {}).items()]
        rows = [(n, m) for n, m in rows if m is not None and m[0] > 0]
        if not rows:
            continue
        rows.sort(key=lambda row: row[1][0], reverse=not less)
        best = "shorter is better" if less else "longer is better"
        caption = f"{title.replace('`', '')}: {name}{f' ({unit})' if unit else ''}, {best}"
        body.append(f'<text x="10" y="{y + 14}" class="t">{escape(caption)}</text>')
        y += 22
        low = min(m[1] for _n, m in rows) / 2
        high = max(m[2] for _n, m in rows)
        for peer, (median, least, most) in rows:
            width = bar(median, low, high)
            kind = "ours" if peer == "mlhub" else "theirs"
            left = LABEL_WIDTH + 10
            body.append(
                f'<text x="{LABEL_WIDTH}" y="{y + 13}" text-anchor="end">{escape(peers[peer].title)}'
                f'</text><rect x="{left}" y="{y + 2}" width="{width:.1f}" height="{BAR_HEIGHT - 5}" '
                f'class="{kind}"/><line x1="{left + bar(least, low, high):.1f}" x2="'
                f'{left + bar(most, low, high):.1f}" y1="{y + 8}" y2="{y + 8}" class="s"/>'
                f'<text x="{left + bar(most, low, high) + 6:.1f}" y="{y + 13}">{number(median)}</text>'
            )
            y += BAR_HEIGHT
        y += 14
    style = (
        "text{font:12px system-ui,sans-serif;fill:#1f2328}.t{font-weight:600}.ours{fill:#0969da}"
        ".theirs{fill:#afb8c1}.s{stroke:#1f2328;stroke-width:1.5}"
        "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.theirs{fill:#6e7681}.ours{fill:#4493f8}"
        ".s{stroke:#e6edf3}}"
    )
    width = LABEL_WIDTH + BAR_WIDTH + 120
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y}" width="{width}" '
        f'height="{y}" role="img" aria-label="Benchmarks"><style>{style}</style>'
        + "".join(body)
        + "</svg>\n"
    )


def bar(value: float, low: float, high: float) -> float:
    from math import log

    return BAR_WIDTH * log(value / low) / log(high / low) if high > low else BAR_WIDTH

"""Plots: estimates with their intervals as dots and whiskers, drawn by matplotlib, one small picture a measure."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from flows.measures.shapes import Estimate
from flows.report.estimates import Table, told
from flows.report.svg import inline_svg
from flows.report.words import MEASURES, decimal, shown

WIDTH, _ROW, _EDGE = 360, 40, 62
_MOST_ROWS = 40
_INK, _ACCENT, _PALE = "#000000", "#b0472f", "#8a8a8a"
_STYLE: Mapping[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "buttermilk",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.size": 10.5,
    "axes.linewidth": 0.6,
}


@dataclass(frozen=True)
class Line:
    """One estimate of a plot, or the heading of those that follow."""

    label: str
    estimate: Estimate | None
    full: str = ""


def plots_of(table: Table, titles: Mapping[str, str]) -> list[str]:
    """One inline SVG for each measure of the table; none where matplotlib is not installed or there is too much."""
    if len(table.rows) > _MOST_ROWS:
        return []
    several = len({row.comparison.criteria for row in table.rows}) > 1
    found = [
        _drawn(name, table, list(_lines(table, place, titles, several))) for place, name in enumerate(table.measures)
    ]
    return [picture for picture in found if picture]


def _lines(table: Table, place: int, titles: Mapping[str, str], several: bool) -> Iterator[Line]:
    heading = ""
    for row in table.rows:
        one, estimate = row.comparison, row.cells[place]
        if estimate is None:
            continue
        parts = [titles.get(one.criteria, one.criteria) if several else "", row.label if table.by else ""]
        group_label = ", ".join(part for part in parts if part)
        if group_label != heading:
            heading = group_label
            yield Line(group_label, None)
        label = f"{table.by} {one.group}" if table.by else row.label
        yield Line(label, estimate, f"{group_label}, {label}" if group_label else label)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _drawn(measure: str, table: Table, lines: Sequence[Line]) -> str:
    try:
        # By name, so that types can be checked where the extra `studies` is not installed.
        mpl: Any = import_module("matplotlib")
        figures: Any = import_module("matplotlib.figure")
    except ModuleNotFoundError:
        return ""
    with mpl.rc_context(dict(_STYLE)), warnings.catch_warnings():
        # Letters that its own font lacks are no concern here: the reader's browser sets the text.
        warnings.simplefilter("ignore")
        rows = sum(_height(line) for line in lines)
        height = _ROW * rows + _EDGE
        figure = figures.Figure(figsize=(WIDTH / 72, height / 72), dpi=72)
        axes = figure.add_axes((0.015, 40 / height, 0.97, (height - _EDGE) / height))
        _axes(axes, MEASURES.get(measure, measure), lines)
        top = rows
        for line in lines:
            _line(axes, top, line)
            top -= _height(line)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    name = MEASURES.get(measure, measure)
    description = "; ".join(f"{shown(line.full)}: {told(line.estimate)}" for line in lines if line.estimate)
    caption = shown(table.caption)
    return inline_svg(out.getvalue(), f"{name}. {caption}", description, f"{measure} {caption} {description}")


def _height(line: Line) -> float:
    return 1.0 if line.estimate else 0.6


def _axes(axes: Any, name: str, lines: Sequence[Line]) -> None:
    low = _lowest(lines)
    axes.set_xlim(low, 1.0)
    axes.set_ylim(0, sum(_height(line) for line in lines))
    ticks = [0, 0.25, 0.5, 0.75, 1] if low == 0 else [-1, -0.5, 0, 0.5, 1] if low < -0.5 else [-0.5, 0, 0.5, 1]
    axes.set_xticks(ticks, [f"{tick:g}".replace("-", "−") for tick in ticks])
    axes.set_yticks([])
    axes.tick_params(length=3, width=0.6)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_clip_on(False)
    for tick in ticks:
        axes.axvline(tick, color=_PALE, linewidth=0.9 if tick == 0 else 0.4, alpha=0.8 if tick == 0 else 0.5, zorder=0)
    axes.set_title(name, loc="left", fontsize=12, fontweight="bold")


def _lowest(lines: Sequence[Line]) -> float:
    known = [one for line in lines if (e := line.estimate) for one in (e.value, e.low) if one is not None]
    least = min(known, default=0.0)
    return 0.0 if least >= 0 else -0.5 if least >= -0.5 else -1.0


def _line(axes: Any, top: float, line: Line) -> None:
    estimate = line.estimate
    if estimate is None:
        _text(axes, 0, top - 0.36, _cut(shown(line.label), 56), fontweight="bold")
        return
    value = "undefined" if estimate.value is None else decimal(estimate.value)
    bounded = estimate.value is not None and estimate.low is not None and estimate.high is not None
    if bounded:
        value += f" [{decimal(estimate.low or 0)}, {decimal(estimate.high or 0)}]"
        whisker = {"color": _INK, "linewidth": 1.5, "solid_capstyle": "butt", "clip_on": False}
        axes.plot([estimate.low, estimate.high], [top - 0.72] * 2, **whisker)
    _text(axes, 0, top - 0.36, _cut(shown(line.label), 34))
    _text(axes, 1, top - 0.36, value, ha="right", style="normal" if estimate.value is not None else "italic")
    if estimate.value is not None:
        dot = {"marker": "o", "markersize": 7, "color": _ACCENT, "markeredgewidth": 0, "clip_on": False}
        axes.plot([estimate.value], [top - 0.72], **dot)


def _text(axes: Any, x: float, y: float, words: str, **how: Any) -> None:
    axes.text(x, y, words, transform=axes.get_yaxis_transform(), va="center", clip_on=False, **how)

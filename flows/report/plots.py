"""Draws estimates with their intervals as dots and whiskers, with matplotlib, one small picture a measure."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from flows.measures.results import Estimate
from flows.report.estimates import EstimateTable, format_estimate
from flows.report.svg import inline_svg
from flows.report.words import MEASURE_LABELS, display_text, format_decimal

WIDTH, _ROW_HEIGHT, _MARGIN = 360, 40, 62
_SIDE = 0.035
"""Share of the width beside the axes: half the number below the first tick, with its minus sign, fits in it."""
_MAX_ROWS = 40
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
class PlotLine:
    """One estimate of a plot, or, without one, the heading of the next estimates."""

    label: str
    estimate: Estimate | None
    full_label: str = ""


def draw_plots(table: EstimateTable, titles: Mapping[str, str]) -> list[str]:
    """One inline SVG for each measure of the table; none without matplotlib, or for more than 40 rows."""
    if len(table.rows) > _MAX_ROWS:
        return []
    several = len({row.comparison.criteria for row in table.rows}) > 1
    found = [
        _draw_plot(name, table, list(_plot_lines(table, place, titles, several)))
        for place, name in enumerate(table.measures)
    ]
    return [picture for picture in found if picture]


def _plot_lines(table: EstimateTable, place: int, titles: Mapping[str, str], several: bool) -> Iterator[PlotLine]:
    heading = ""
    for row in table.rows:
        one, estimate = row.comparison, row.cells[place]
        if estimate is None:
            continue
        parts = [titles.get(one.criteria, one.criteria) if several else "", row.label if table.by else ""]
        group_label = ", ".join(part for part in parts if part)
        if group_label != heading:
            heading = group_label
            yield PlotLine(group_label, None)
        label = f"{table.by} {one.group}" if table.by else row.label
        yield PlotLine(label, estimate, f"{group_label}, {label}" if group_label else label)


def _truncated(text: str, max_characters: int) -> str:
    return text if len(text) <= max_characters else f"{text[: max_characters - 1]}…"


def _draw_plot(measure: str, table: EstimateTable, lines: Sequence[PlotLine]) -> str:
    # Imported by name: its types are only partly known.
    mpl: Any = import_module("matplotlib")
    figures: Any = import_module("matplotlib.figure")
    with mpl.rc_context(dict(_STYLE)), warnings.catch_warnings():
        # Warnings about letters that matplotlib's font lacks do not matter: the reader's browser sets the text.
        warnings.simplefilter("ignore")
        rows = sum(_line_height(line) for line in lines)
        height = _ROW_HEIGHT * rows + _MARGIN
        figure = figures.Figure(figsize=(WIDTH / 72, height / 72), dpi=72)
        axes = figure.add_axes((_SIDE, 40 / height, 1 - 2 * _SIDE, (height - _MARGIN) / height))
        _set_up_axes(axes, MEASURE_LABELS.get(measure, measure), lines)
        top = rows
        for line in lines:
            _draw_line(axes, top, line)
            top -= _line_height(line)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    name = MEASURE_LABELS.get(measure, measure)
    description = "; ".join(
        f"{display_text(line.full_label)}: {format_estimate(line.estimate)}" for line in lines if line.estimate
    )
    caption = display_text(table.caption)
    return inline_svg(out.getvalue(), f"{name}. {caption}", description, f"{measure} {caption} {description}")


def _line_height(line: PlotLine) -> float:
    return 1.0 if line.estimate else 0.6


def _set_up_axes(axes: Any, name: str, lines: Sequence[PlotLine]) -> None:
    low = _axis_minimum(lines)
    axes.set_xlim(low, 1.0)
    axes.set_ylim(0, sum(_line_height(line) for line in lines))
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


def _axis_minimum(lines: Sequence[PlotLine]) -> float:
    known = [one for line in lines if (e := line.estimate) for one in (e.value, e.low) if one is not None]
    least = min(known, default=0.0)
    return 0.0 if least >= 0 else -0.5 if least >= -0.5 else -1.0


def _draw_line(axes: Any, top: float, line: PlotLine) -> None:
    estimate = line.estimate
    if estimate is None:
        _draw_text(axes, 0, top - 0.36, _truncated(display_text(line.label), 56), fontweight="bold")
        return
    value = "undefined" if estimate.value is None else format_decimal(estimate.value)
    bounded = estimate.value is not None and estimate.low is not None and estimate.high is not None
    if bounded:
        value += f" [{format_decimal(estimate.low or 0)}, {format_decimal(estimate.high or 0)}]"
        whisker = {"color": _INK, "linewidth": 1.5, "solid_capstyle": "butt", "clip_on": False}
        axes.plot([estimate.low, estimate.high], [top - 0.72] * 2, **whisker)
    _draw_text(axes, 0, top - 0.36, _truncated(display_text(line.label), 34))
    _draw_text(axes, 1, top - 0.36, value, ha="right", style="normal" if estimate.value is not None else "italic")
    if estimate.value is not None:
        dot = {"marker": "o", "markersize": 7, "color": _ACCENT, "markeredgewidth": 0, "clip_on": False}
        axes.plot([estimate.value], [top - 0.72], **dot)


def _draw_text(axes: Any, x: float, y: float, words: str, **how: Any) -> None:
    axes.text(x, y, words, transform=axes.get_yaxis_transform(), va="center", clip_on=False, **how)

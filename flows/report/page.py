"""Page: the report as one HTML file that needs nothing beside it and may fetch nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from flows.files.lines import LineFile
from flows.files.run_data import RunData
from flows.measures.shapes import Measured
from flows.report.disagreement import Parting
from flows.report.estimates import Table, confusions_of, explained, interval
from flows.report.facts import Facts
from flows.report.gathered import Gathered
from flows.report.marks import Mark
from flows.report.matrix import Matrix
from flows.report.methods import holes_of, methods, summary, warning_of_holes
from flows.report.plots import plots_of
from flows.report.words import STATES, counted, decimal, percent, shown

SCRIPTS = ("core.js", "matrix.js", "panel.js", "start.js")
"""Parts of the page's one script, in their order."""
MOST_RANKED = 20


@dataclass
class Veils:
    """Texts of records that the page itself would hold: kept out of it until the reader asks for them."""

    on: bool
    texts: list[str] = field(default_factory=list[str])

    def veiled(self, text: str) -> Markup:
        """The text, isolated; or a place where the script puts it when it is asked for."""
        if not self.on:
            return bdi(text)
        self.texts.append(shown(text))
        return Markup('<span class="veil" data-veil="{}">text masked</span>').format(len(self.texts) - 1)


@dataclass(frozen=True)
class Study:
    """All that a report is made of."""

    data: RunData
    found: Gathered
    facts: Facts
    measured: Measured | None
    tables: Sequence[Table]
    partings: Sequence[Parting]
    marks: dict[str, Mark]


def page(study: Study, lines: LineFile) -> Iterator[str]:
    """The HTML of a study's report, part by part; what is large in it waits among `lines` for its turn."""
    masked_texts = Veils(bool(study.facts.warning))
    environment = _environment(masked_texts)
    style, script = text_of("report.css"), script_text()
    matrix = Matrix(study.found, study.data.spec, study.marks, study.facts.titles)
    chunks = list(matrix.pieces(lines))
    record_indexes = {name: place for place, name in enumerate(study.found.names)}
    body = environment.get_template("body.html.jinja").render(
        facts=study.facts, summary=summary(study.facts, study.measured), holes=warning_of_holes(study.facts),
        incomplete=holes_of(study.facts) > 0,
        methods=methods(study.facts, study.data.spec.measures, study.measured), tables=study.tables,
        plots=[plots_of(table, study.facts.titles) for table in study.tables],
        confusions=[confusions_of(table, list(study.marks)) for table in study.tables],
        explained=explained(study.tables), measured=study.measured, parted=len(study.partings),
        partings=study.partings[:MOST_RANKED], numbers=record_indexes, marks=study.marks, found=study.found, STATES=STATES,
    )  # fmt: skip
    # The body comes first: only then are all masked texts known, which the index holds.
    index = _ours(matrix.index([first for first, _ in chunks], masked_texts.texts))
    yield from environment.get_template("report.html.jinja").generate(
        facts=study.facts, body=_ours(body), index=index, pieces=(_ours(lines.read(begins)) for _, begins in chunks),
        policy=policy(style, script), style=_ours(style), script=_ours(script),
    )  # fmt: skip


def _environment(veils: Veils) -> Environment:
    environment = Environment(
        loader=PackageLoader("flows.report", "page_files"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    filters: dict[str, Any] = {
        "bdi": bdi, "decimal": decimal, "interval": interval, "veiled": veils.veiled, "plotted": _ours,
        "grouped": _grouped, "percent": percent, "counted": counted,
    }  # fmt: skip
    for name, change in filters.items():
        environment.filters[name] = change
    return environment


def _grouped(number: int) -> str:
    return f"{number:,}"


def bdi(text: str) -> Markup:
    """Text that cannot reorder what stands around it."""
    return Markup("<bdi>{}</bdi>").format(escape(shown(text)))


def _ours(text: str) -> Markup:
    """What was escaped when it was made: our own files, JSON from `script_json`, SVG from ElementTree."""
    return Markup(text)  # noqa: S704


def policy(style: str, script: str) -> str:
    """The page's Content-Security-Policy: this style, this script, and nothing from anywhere."""
    return (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def script_text() -> str:
    """The page's script."""
    return '"use strict";\n(() => {\n' + "\n".join(text_of(name) for name in SCRIPTS) + "})();\n"


@cache
def text_of(name: str) -> str:
    """A file of the page's."""
    return (files("flows.report") / "page_files" / name).read_text(encoding="utf-8")

"""Renders the pages of the coding server; every text of a record or a person is escaped."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment

from contract.codebook import NONE_OF_THEM, SEPARATOR
from contract.record import Record
from flows.coding.answer_log import CANNOT_DECIDE
from flows.coding.desk import CodingDesk, Item
from flows.coding.form import FilledForm
from flows.coding.task import CodedCriterion
from flows.report.page_markup import bdi, content_security_policy, page_environment, page_file_text, trusted_markup
from flows.report.words import join_lines, pluralised

_ROOM = "flows.coding"
ANSWERS_ON_PAGE = 100
_MAX_KEYS = 9
"""Verdicts that a digit key chooses."""


@dataclass(frozen=True)
class Page:
    """A page's HTML, and the policy that a browser holds it to."""

    html: str
    policy: str


@cache
def _style() -> str:
    return page_file_text("report.css") + page_file_text("coding.css", _ROOM)


@cache
def _script() -> str:
    return page_file_text("coding.js", _ROOM)


@cache
def _environment() -> Environment:
    environment = page_environment(_ROOM)
    functions: Any = environment.globals
    functions["is_chosen"] = chosen
    filters: dict[str, Any] = {"bdi": bdi, "words": _in_words, "counted": pluralised, "joined": join_lines}
    for name, change in filters.items():
        environment.filters[name] = change
    return environment


def _in_words(name: str) -> str:
    return name.replace("_", " ")


def render(template: str, title: str, **values: Any) -> Page:
    """The page made of a template."""
    style, script = _style(), _script()
    html = _environment().get_template(template).render(
        title=title, style=trusted_markup(style), script=trusted_markup(script), **values
    )  # fmt: skip
    policy = content_security_policy(style, script, "'self'") + "; frame-ancestors 'none'"
    return Page(html, policy)


def start_page(desk: CodingDesk, coder: str, base: str) -> Page:
    """What is coded, how, and how far the coder is."""
    task, items = desk.task, desk.items(coder)
    return render(
        "start.html.jinja", f"Coding of {task.flow}", task=task, coder=coder, base=base,
        total=len(items), answered=desk.answered(coder), records=len(desk.records),
    )  # fmt: skip


def item_page(desk: CodingDesk, coder: str, base: str, item: Item, form: FilledForm, *, shown: bool) -> Page:
    """One record by one criterion, with the form for the answer. `shown`: texts are not masked."""
    record, total = item.drawn.record, len(desk.items(coder))
    texts, pictures = record_parts(record)
    choices = [
        (name, str(number) if number <= _MAX_KEYS else "") for number, name in enumerate(choices_of(item.criterion), 1)
    ]
    if not form.answer_id:
        form.answer_id, form.opened = secrets.token_hex(12), round(time.time(), 3)
    form.item = item.mark
    return render(
        "item.html.jinja", f"{item.place} of {total}, {item.criterion.title}", item=item, base=base, coder=coder,
        form=form, texts=texts, pictures=pictures, choices=[*choices, (CANNOT_DECIDE, "0")], total=total,
        answered=desk.answered(coder), warning=desk.task.content_warning.strip(), shown=shown,
        is_answered=item.key in desk.state(coder).current, can_undo=bool(desk.state(coder).history),
    )  # fmt: skip


def choices_of(criterion: CodedCriterion) -> Sequence[str]:
    """What a page offers to choose from; nothing where the answer is a number or words."""
    if criterion.variable is None or criterion.variable.allowed:
        return criterion.choices
    return (*criterion.variable.options, NONE_OF_THEM) if criterion.variable.type == "choices" else ()


def chosen(form: FilledForm, criterion: CodedCriterion, name: str) -> bool:
    """Whether the form has that choice."""
    variable = criterion.variable
    several = variable is not None and variable.type == "choices"
    return name in form.verdict.split(SEPARATOR) if several else name == form.verdict


def record_parts(record: Record) -> tuple[list[tuple[str, str]], list[tuple[str | None, str]]]:
    """The record's texts with their names, and its pictures as data and words."""
    texts = [("Title", record.title)] if record.title else []
    texts += [("Text", record.text)] if record.text.strip() else []
    texts += [(name, str(text)) for name, text in record.sections.items()]
    pictures = [
        (f"data:{one.mime};base64,{one.data}" if one.data else None, one.alt_text or "") for one in record.images
    ]
    return texts, pictures


def answers_page(desk: CodingDesk, coder: str, base: str, number: int = 1) -> Page | None:
    """A page of the coder's answers, each to be looked at again; None where there is no page of that number."""
    current, items = desk.state(coder).current, desk.items(coder)
    answered = [(item, answer) for item in items if (answer := current.get(item.key))]
    pages = max(1, -(-len(answered) // ANSWERS_ON_PAGE))
    if not 1 <= number <= pages:
        return None
    rows = answered[(number - 1) * ANSWERS_ON_PAGE : number * ANSWERS_ON_PAGE]
    title = "Your answers" if pages == 1 else f"Your answers, page {number} of {pages}"
    return render(
        "answers.html.jinja", title, rows=rows, base=base, total=len(items), answered=len(answered),
        can_undo=bool(desk.state(coder).history), number=number, pages=pages,
    )  # fmt: skip


def message_page(title: str, message: str) -> Page:
    """A page with one sentence."""
    return render("message.html.jinja", title, message=message)

"""What a command does where a parameter is missing: asks for it, or takes the flow's example."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from rich.console import Console

from contract.errors import Problem, StudyError
from flows.cli.conversation import Conversation
from flows.compose.request import with_request_parameter
from flows.spec.study import Study


def runnable_studies(
    studies: Sequence[Study], *, is_interactive: bool, without_settings: bool
) -> Iterator[tuple[Study, Conversation | None]]:
    """The studies that can run. Where one lacks its question, a person at a terminal is asked, again and again.

    `without_settings` means that the command names no setting: without a terminal, a flow's own example is run then.
    Raises StudyError where a parameter is missing and nobody can be asked.
    """
    for study in studies:
        if not study.missing_parameters:
            yield study, None
        elif is_interactive:
            yield from _asked(study)
        elif without_settings and (example := _with_examples(study)):
            yield example, None
        else:
            raise StudyError([_missing_parameter(name, study) for name in study.missing_parameters])


def _asked(study: Study) -> Iterator[tuple[Study, Conversation]]:
    [name, *others] = study.missing_parameters
    if others:
        raise StudyError([_missing_parameter(other, study) for other in others])
    conversation = Conversation(study, name, Console(stderr=True))
    for with_question in conversation.studies():
        yield with_question, conversation


def _with_examples(study: Study) -> Study | None:
    """The study with its own examples for all missing parameters, noted on stderr; None when one has no example."""
    for name in study.missing_parameters:
        example = study.flow.parameters[name].example
        if not example:
            return None
        print(f'note: nothing was asked, so this is an example; write {name}="…" to ask your own', file=sys.stderr)
        study = with_request_parameter(study, name, example)
    return study


def _missing_parameter(name: str, study: Study) -> Problem:
    description = study.flow.parameters[name].description.rstrip(".")
    return Problem("command line", f"the parameter '{name}' is missing ({description})", todo=f'write {name}="…"')

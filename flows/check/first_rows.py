"""How the first rows of a study's records will be read, for whoever checks it: no check knows what was meant."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from contract.record import Record
from flows.check.ground_truth import truth_check_of
from flows.check.preview import Preview, preview_source
from flows.check.sources import is_remote, source_of
from flows.spec.study import Study


def preview_records(study: Study, on_record: Sequence[Callable[[Record], None]] = ()) -> Preview | None:
    """The preview of the study's records; None where they are in no storage, or on another machine.

    Each of `on_record` is called with each record that is read. Raises StorageError when the source cannot be read.
    """
    config = study.storage.get(study.flow.records)
    if config is None or is_remote(source := source_of(config)):
        return None
    return preview_source(source, on_record)


def preview_with_answers(study: Study) -> Preview | None:
    """The preview of the study's records with how people's answers in them are read."""
    ground_truth = truth_check_of(study)
    preview = preview_records(study, [ground_truth.add] if ground_truth else ())
    if preview and ground_truth:
        preview.answers = list(ground_truth.plain_readings())
    return preview

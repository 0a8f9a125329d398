"""The check of people's answers in a source: whether they can be compared with verdicts, and who gave them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from flows.check.other_raters import other_raters
from flows.config.diagnostics import Diagnostics, closest_name, join_names, there_are
from flows.config.provenance import KeyPath

if TYPE_CHECKING:
    from flows.check.ground_truth import GroundTruthCheck
    from flows.check.preview import Preview


def check_ground_truth(
    name: str,
    ground_truth: GroundTruthCheck,
    preview: Preview,
    path: KeyPath,
    diagnostics: Diagnostics,
    columns: Mapping[str, str],
) -> None:
    """Reports answers of people that cannot be compared with verdicts, and notes how the others are read."""
    if preview.other_answers:
        _report_repeated(name, preview, path, diagnostics)
    # Labels that could not be read are a mistake already; that answers have none is no second one.
    if not diagnostics.is_reported((*ground_truth.path[:-1], "labels")):
        _report_unlike_verdicts(ground_truth, preview, path, diagnostics, columns)
    _check_coders(ground_truth, preview, diagnostics)
    for text in ground_truth.notices():
        diagnostics.add_people_notice(f"'{name}': {text}")
    if not ground_truth.measures.gold:
        _note_other_raters(name, ground_truth.truth.criterion_by_field, preview, columns, diagnostics)
    fields = {} if ground_truth.measures.gold else ground_truth.truth.criterion_by_field
    others = set(preview.ground_truth) - set(fields)
    absent = [one for one in fields if others and _is_absent(one, preview)]
    # Where one of several fields is there, another may be of other records.
    misnamed = absent if len(absent) == len(fields) else [one for one in absent if closest_name(one, others)]
    for one in misnamed:
        _report_misnamed(name, one, ground_truth, preview, diagnostics)
    if fields and not ground_truth.truth.undecided and not ground_truth.has_answers and not misnamed:
        diagnostics.add_people_notice(_no_ground_truth_message(name, next(iter(fields)), preview))


def _note_other_raters(
    name: str,
    criteria: Mapping[str, str],
    preview: Preview,
    columns: Mapping[str, str],
    diagnostics: Diagnostics,
) -> None:
    mapped = {field: columns.get(f"ground_truth.{field}", "") for field in criteria}
    for field, column in mapped.items():
        if others := [one for one in other_raters(column, preview.values) if one not in columns.values()]:
            more = " ".join(f"columns.ground_truth.{one}={one}" for one in others)
            people = f"[{', '.join([field, *others])}]"
            truth = f"{{{criteria[field]}: {people}}}" if criteria[field] else people
            diagnostics.add_people_notice(
                f"'{name}': people's answers are read from '{column}' alone; {join_names(others)} may hold those of "
                f"other people; to compare with each of them, write {more} 'truth={truth}'"
            )


def _report_repeated(name: str, preview: Preview, path: KeyPath, diagnostics: Diagnostics) -> None:
    from flows.check.preview import rows_text

    what = (
        f"{preview.other_answers:,} {rows_text(preview)} of '{name}' repeat a text with another answer of people, as "
        "in a table with one row for each annotator; only the first answer to each text would count"
    )
    todo = (
        "write rows=answers, which makes one record of the rows of each text and compares with the answer that most "
        "people gave, or leave the column of answers out of `columns:`"
    )
    diagnostics.add_at((*path, "columns", "record_id"), what, todo=todo)


def _report_unlike_verdicts(
    ground_truth: GroundTruthCheck,
    preview: Preview,
    path: KeyPath,
    diagnostics: Diagnostics,
    columns: Mapping[str, str],
) -> None:
    for one in ground_truth.mistakes():
        at = (*path, "columns", f"ground_truth.{one.field}")
        column = columns.get(at[-1])
        if parts := sorted(known for known in preview.names if column and known.startswith(f"{column}.")):
            what = f"'{column}' holds lists or objects, none of which is an answer"
            diagnostics.add_at(at, what, todo=f"name the part that is one; {there_are(parts, 20)}")
        else:
            diagnostics.add_at(at, one.what, todo=one.todo)


def _report_misnamed(
    name: str, field: str, ground_truth: GroundTruthCheck, preview: Preview, diagnostics: Diagnostics
) -> None:
    """Reports a field of `truth` that no answer is called; as a notice where later rows may have it."""
    from flows.check.preview import rows_text

    fields = ground_truth.truth.criterion_by_field
    others = set(preview.ground_truth) - set(fields)
    what = f"`truth` names '{field}', which no answer of people in '{name}' is called"
    if preview.may_have_later_columns:
        diagnostics.add_notice(f"{what} {rows_text(preview)}")
        return
    at = (*ground_truth.path, *filter(None, [fields[field]]))
    near = closest_name(field.removeprefix("ground_truth."), others)
    diagnostics.add_at(at, what, nearest=near, todo=there_are(others))


def _check_coders(ground_truth: GroundTruthCheck, preview: Preview, diagnostics: Diagnostics) -> None:
    """Reports columns that are to name who answered and that the data lack: as a notice if later rows may have them, or
    the request chose the records."""
    provenance = diagnostics.provenance
    are_typed = provenance.is_typed((*ground_truth.path[:-2], "records"))
    for criterion, one in ground_truth.absent_coders():
        at = (*ground_truth.path, criterion, "coder")
        if preview.may_have_later_columns or (are_typed and not provenance.is_typed(at)):
            diagnostics.add_people_notice(one.what)
        else:
            diagnostics.add_at(at, one.what, nearest=one.nearest, todo=one.todo)


def _is_absent(field: str, preview: Preview) -> bool:
    return field.partition(".")[0] not in preview.ground_truth


def _no_ground_truth_message(name: str, truth: str, preview: Preview) -> str:
    what = f"'{name}' holds no answers of people to compare with (ground_truth.{truth})"
    if not preview.metadata:
        return what
    setting, column = f"columns.ground_truth.{truth}=", closest_name(truth, preview.metadata)
    todo = f"if its column '{column}' holds them, add {setting}{column}" if column else f"name their column: {setting}…"
    return f"{what}; {todo}"

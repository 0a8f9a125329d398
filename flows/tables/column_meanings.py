"""What the columns of a run's tables mean, in a scholar's words."""

from __future__ import annotations

from collections.abc import Mapping

TABLES: Mapping[str, str] = {
    "cells": "One row for each cell: one record, step, variant and repeat.",
    "records": "One row for each record, with the columns that the run asked for.",
    "verdicts": "One row for each record, with one column for each criterion and model.",
    "measures": "One row for each measure of each comparison.",
    "confusion": "How often each verdict was given for each verdict of people.",
    "timings": "When each cell ran in this run. This table alone differs between two runs with the same answers.",
    "rejects": "What could not be read, and was left out.",
}
"""Table -> what its rows are, in the order in which a reader needs them."""

_COMPARISON = {
    "kind": "`truth`: a model with people; `models`: two models; `all_models`: all models at once; `repeats`: a model "
    "with itself; `reasons`: experts' reasons with those of a model's answers; `people`, `all_people`: people with "
    "each other; `person`, `majority`: a model with a person, or with most people; `people_truth`: a person with what "
    "was decided; `dawid_skene`: a person as that model of errors sees them, which is no gold.",
    "criteria": "The criterion.",
    "by": "The metadata field that splits the records; empty for all records.",
    "group": "The value of that field; empty for all records.",
    "raters": "Who is compared, joined by ×.",
}
_CELL = {
    "cell_id": "The cell's name, the same from run to run; joins cells with timings.",
    "flow": "The flow.",
    "step": "The step of the flow.",
    "agent": "The agent that did the step.",
    "agent_version": "The agent's version.",
    "record_id": "The record; joins all tables with one row a record.",
    "variant_id": "The name of the step's variant, the same from run to run.",
    "model": "The model that the step asks, as the study names it.",
    "criteria": "The criterion that the cell judges by.",
    "repeat": "The number of the repeat, counted from 0.",
    "round": "The round of a loop, counted from 1; 0 outside loops.",
    "status": "`completed`, `refused`, `skipped`, `truncated`, `failed`, `missing_input`, `over_budget` or `waiting`.",
    "note": "What is to be known of the outcome, such as the condition that did not hold.",
    "error_kind": "The kind of failure.",
    "error": "The reason of the failure.",
    "quality": "`full`, or `demonstration` for an embedded model, whose verdicts are no research results.",
    "finish_reason": "How the last reply ended: `stop`, `length`, `refusal`, or `error`.",
    "served_by": "The version of the model that answered, by the provider's report.",
    "calls": "Calls that were answered, those asked again included.",
    "input_tokens": "Tokens of the calls; empty where the provider did not count them.",
    "output_tokens": "Tokens of the replies; empty where the provider did not count them.",
    "cost_usd": "US dollars, as when the replies were paid for; empty where a price is unknown.",
    "truth": "People's verdict on the record by the cell's criterion, as the study's `labels` read it.",
    "value": "The output of the cell.",
    "metadata": "The record's metadata.",
    "ground_truth": "People's answer, as it stands in the data.",
}
COLUMNS: Mapping[str, Mapping[str, str]] = {
    "cells": _CELL,
    "records": {
        "record_id": _CELL["record_id"],
        "title": "The record's title.",
        "text": "The record's text.",
        "uri": "The record's address.",
        "mime": "The kind of the record's text.",
        "metadata": _CELL["metadata"],
        "sections": "A part of the record.",
        "ground_truth": _CELL["ground_truth"],
    },
    "verdicts": {
        "record_id": _CELL["record_id"],
        "truth": "People's verdict, as the study's `labels` read it; empty where there is none.",
        "": "The verdict of this judge, named by criterion and model; ` #2` is its second repeat. Without a verdict, "
        "the outcome of the cell, such as `<refused>`; empty where there is no cell.",
    },
    "measures": {
        **_COMPARISON,
        "records": "Number of records that at least two of the raters judged; the measure is computed from these.",
        "left_out": "Number of all other records.",
        "off_scale": "How many of those have a verdict that is not in `order`, or is not a number.",
        "measure": "The measure.",
        "value": "Its value; empty where it is undefined.",
        "low": "The lower bound of the interval.",
        "high": "The upper bound of the interval.",
        "undefined": "Why there is no value, or no interval.",
    },
    "confusion": {
        **_COMPARISON,
        "truth": "The verdict of people.",
        "verdict": "The verdict of the model.",
        "records": "Number of records with both.",
    },
    "timings": {
        "cell_id": _CELL["cell_id"],
        "step": _CELL["step"],
        "record_id": _CELL["record_id"],
        "started": "When the cell began, in UTC.",
        "ended": "When it ended, in UTC.",
        "seconds": "How long it took, with its waits.",
        "attempts": "How often it was tried.",
        "calls_paid": "Calls that this run paid for.",
        "calls_kept": "Calls whose reply was kept from an earlier run.",
        "calls_failed": "Calls that were not answered.",
    },
    "rejects": {
        "line": "The line; 0 stands for the whole file.",
        "reason": "Why it was left out.",
        "raw": "Its first 500 characters.",
        "source": "The file.",
    },
}
"""Table -> column -> its meaning. A column `value.verdict` is described by `value`; any other column by an empty
name."""
OUTPUT_FIELDS: Mapping[str, str] = {
    "abstained": "`true` where the corpus does not answer the question.",
    "alt_texts": "The words for each picture; as JSON.",
    "answer": "The model's own words. Nothing in them is checked.",
    "answers": "The answers that were looked at; as JSON.",
    "assessments": "Each reason of the experts, and whether the answer gives it; as JSON.",
    "calls": "Calls of tools that were made, failed ones included.",
    "checked": "Number of quotations that were looked up.",
    "claims": "The sentences of an answer with their quotations; as JSON.",
    "concern": "What the judges should look at again; empty where there is no concern.",
    "asked": "The question as the person asked it, where it was a follow-up that was written out.",
    "conclusion": "The answer in a few sentences.",
    "codes": "By a codebook: for each variable its answer (`value`), why (`reason`), `uncertainty`, and `quotes` as "
    "JSON; several options as JSON, and a number as a number.",
    "confidence": "How sure the model says that it is, from 0 to 1.",
    "context": "What the host's choice belongs to: run, record, step and round.",
    "criteria": "The criterion as the study names it, or its whole text.",
    "differences": "Where the models' answers part; empty where they do not, or where one alone answered.",
    "divergence": "The matter on which answers part.",
    "divergences": "Where answers part, and who holds what; as JSON.",
    "dropped": "Sentences left out because no quotation of theirs could be verified; as JSON.",
    "ended": "`answered`, or `at_bound` where the model answered because no further call was allowed.",
    "found": "Number of quotations that stand in their passages word for word.",
    "inputs": "What the host gave to the step that it chose.",
    "matters": "The matters that were voted on, with their votes; as JSON.",
    "metadata": "What the host says of its choice, for example its `reason`.",
    "missing": "What the answers still lack; as JSON.",
    "model": "The model that gave the output.",
    "models": "The models whose answers these are; as JSON.",
    "not_judged": "Why nobody judged whether the sentences follow from their quotations; empty where it was judged.",
    "not_used": "Documents that were found and not cited, the nearest first; as JSON.",
    "page": "The web page that was read, and its text.",
    "pages": "The web pages that were read; as JSON.",
    "passages": "The passages that were found; as JSON.",
    "position": "The number of the position, counted from 1; empty where the quotations do not decide.",
    "quality": "As `quality`.",
    "queries": "What was searched for; as JSON.",
    "question": "The question.",
    "raised": "`true` where there is a concern.",
    "reason": "Why, in the model's words.",
    "reasons": "Each rule, whether it applies, why, and the quotations with their places in the text, "
    "and their pages where it has any; as JSON.",
    "repeat": "The number of the repeat, counted from 0.",
    "references": "How the cited documents are named in a reading list, and which model made that up; as JSON.",
    "references_not_made": "Which cited documents have no reference, and why.",
    "not_made": "Which documents have no reference, and why.",
    "rounds": "Turns in which tools were called.",
    "sufficient": "`true` where at least one answer stands and nothing is missing.",
    "summary": "The answer in one line.",
    "support_not_judged": "As `not_judged`.",
    "target": "The step that the host chose; `stop` for none.",
    "text": "The model's words.",
    "unanswered": "The parts of the question that are not answered; as JSON.",
    "held_back": "Whether nothing was searched, because it is not clear what a follow-up refers to.",
    "candidates": "The titles of the documents that a follow-up which was held back may mean.",
    "unclear": "What a follow-up does not say, so that it could not be written out.",
    "uncertainty": "How sure the model says that it is: `low`, `medium` or `high` uncertainty.",
    "verdict": "The verdict.",
    "votes": "The votes on each matter on which answers part; as JSON.",
}
"""Field of an output of our agents -> its meaning. Other agents describe their fields themselves."""
CODE_FIELDS: Mapping[str, str] = {
    "value": "The answer to ",
    "reason": "Why, in the model's words: ",
    "uncertainty": "How sure the model says that it is (`low`, `medium` or `high` uncertainty): ",
    "quotes": "The quotations for it, as JSON: ",
}
"""Field of the answer to a variable of a codebook -> the beginning of its meaning; the variable follows."""
VARIABLE_TYPES: Mapping[str, str] = {
    "choice": "one of several options",
    "choices": "any of several options, as JSON",
    "yes_no": "yes or no",
    "number": "a number",
    "text": "words of the judge's own",
    "quotation": "words of the record, as JSON",
}
"""Type of a variable -> what its answers are."""
_VARIANT = "A dimension of the step's variant: what else differs between cells on one record."


def meaning_of(table: str, column: str) -> str:
    """The meaning of a column of that table."""
    known = COLUMNS[table]
    place, dot, _ = column.partition(".")
    if dot and place == "variant":
        return _VARIANT
    if column.startswith("truth / "):
        return COLUMNS["verdicts"]["truth"]
    return known.get(column) or known.get(place if dot and place in _NESTED else "", "")


_NESTED = frozenset({"value", "metadata", "ground_truth", "sections"})

"""Makes the OSB corpus, `conf/corpora/osb.jsonl`, from a table of decisions of the Oversight Board.

    python -m flows.corpus.oversight_board cases.jsonl conf/corpora/osb.jsonl

The source's own sentences (key facts, reason, gist of the recommendation) become sections word by word. Its coded
fields (outcome, what Meta did, division, labels, citations) become plain sentences, so that they can be found and
quoted; the sentences add nothing to the fields.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from contract.record import Record

_ACTION_TEXTS = {
    "removed": "to remove the content",
    "left_up": "to leave the content up",
    "account_suspended": "to suspend the account",
    "removed_then_restored_with_warning": "to restore the content with a warning screen, after it had first removed it",
}
_DIVISION_TEXTS = {
    "majority": "The Board was not unanimous: it decided by a majority.",
    "divided on part of the reasoning": "The Board was divided on part of the reasoning.",
    "none noted": "",
}
_CONTENT_AFTER_TEXTS = {
    "up": "After the decision the content is up.",
    "down": "After the decision the content is down.",
}
_METADATA_FIELDS = (
    "year decision_type outcome board_split platforms locations regions standards standards_source topics posts "
    "case_numbers cites fulltext_words source"
)


def record_of(case: Mapping[str, Any], titles: Mapping[str, str]) -> Record:
    """One decision as a record; `titles` names the decisions that it cites."""
    sections = {
        "facts": case["key_facts"],
        "reasons": case["reason"],
        "recommendations": case["recommendation_gist"],
        "summary": f"{_outcome(case)} {_case_summary(case)}",
        "citations": _citations(case, titles),
    }
    return Record(
        record_id=case["id"],
        title=case["title"],
        sections={name: text for name, text in sections.items() if text},
        metadata={"date": case["date_published"], **{name: case[name] for name in _METADATA_FIELDS.split()}},
        uri=case["url"],
    )


def convert_cases(lines: Iterable[str]) -> list[Record]:
    """All decisions, in the order of the source."""
    cases = [json.loads(line) for line in lines if line.strip()]
    titles = {case["id"]: case["title"] for case in cases}
    return [record_of(case, titles) for case in cases]


def _outcome(case: Mapping[str, Any]) -> str:
    posts: Sequence[Mapping[str, Any]] = case["posts"]
    action = _ACTION_TEXTS[posts[0]["meta_action"]]
    if case["outcome"] == "not_decided":
        return f"The Board made no ruling on Meta's decision {action}."
    after = _CONTENT_AFTER_TEXTS.get(posts[0]["content_after_decision"] or "", "")
    return _join_sentences(
        f"The Board {case['outcome']} Meta's decision {action}.", _DIVISION_TEXTS[case["board_split"]], after
    )


def _case_summary(case: Mapping[str, Any]) -> str:
    count = len(case["posts"])
    posts = "one post" if count == 1 else f"{count} posts"
    platforms, places = _join_names(case["platforms"]), _join_names(case["locations"])
    numbers = _join_names([item["number"] for item in case["case_numbers"]])
    standards, topics = _join_names(case["standards"]), _join_names(case["topics"])
    return _join_sentences(
        f"The case concerned {posts} on {platforms}; its location is given as {places}.",
        f"It was decided under the {standards} standard; its topics are {topics}.",
        f"The decision was published on {_format_date(case['date_published'])}.",
        f"The case number is {numbers}." if numbers else "",
    )


def _citations(case: Mapping[str, Any], titles: Mapping[str, str]) -> str:
    cited = _join_names([f"'{titles[name]}'" for name in case["cites"] if name in titles])
    return f"The decision cites {cited}." if cited else ""


def _join_names(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def _format_date(iso: str) -> str:
    day = date.fromisoformat(iso)
    return f"{day.day} {day:%B %Y}"


def _join_sentences(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def main(arguments: Sequence[str]) -> None:
    """Reads the table at the first path, and writes the corpus to the second."""
    source, target = map(Path, arguments)
    with source.open(encoding="utf-8") as file:
        records = convert_cases(file)
    lines = [
        json.dumps(record.model_dump(mode="json", exclude_defaults=True), ensure_ascii=False) for record in records
    ]
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

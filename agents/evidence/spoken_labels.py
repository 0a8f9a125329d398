"""Names in the place of labels: what a model calls `P4` in a sentence, its reader knows by the document's title.

Models are told passages and answers by labels, and some write them into what they say: `the decision in P4 and P5`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from contract.findings import Passage, ResearchAnswer

_MOST_IN_RANGE = 12
_NUMBER = r"0*[1-9]\d{0,3}"
_MARK = r"(?:\s[0-9a-f]{10,32}\b)?"
"""The digest of a mark, which some models copy with the label that stands beside it."""
_BEFORE, _AFTER = r"(?<![\w+.-])", r"(?![\w+]|[.,:]\d|-\w)"
_LABEL = rf"[PA]{_NUMBER}{_MARK}"
_RANGE = re.compile(rf"{_BEFORE}(?P<letter>[PA])(?P<first>{_NUMBER})\s?[–-]\s?(?P=letter)?(?P<last>{_NUMBER}){_AFTER}")
_SPOKEN = re.compile(
    rf"(?x){_BEFORE}(?: (?P<word>[Pp]assage|[Aa]nswer)s?\ (?:{_LABEL}|{_NUMBER}) | {_LABEL} ){_AFTER}".replace("\n", "")
)
_LAST_LABEL = re.compile(rf"(?P<letter>[PA])?(?P<number>{_NUMBER}){_MARK}$")


class SpokenLabels:
    """Puts names in the place of the labels of one request.

    The letters of a label that stand in the question or in a passage mean something else there, and are left alone.
    """

    def __init__(self, question: str, passages: Sequence[Passage], answers: Sequence[ResearchAnswer] = ()) -> None:
        self._passages = {f"P{number}": passage for number, passage in enumerate(passages, start=1)}
        self._answers = _answer_names(answers)
        self._sources = "\n".join([question, *(text for one in passages for text in (one.title, one.text))])

    def named(self, text: str, longest: int) -> str:
        """Returns the text with names for labels; unchanged where it would be longer than `longest` characters."""
        listed = _RANGE.sub(self._listed, text)
        spoken = [found for found in _SPOKEN.finditer(listed) if self._means(found)]
        if not spoken:
            return text
        used = [self._passages[label] for label in dict.fromkeys(map(_label_of, spoken)) if label in self._passages]
        for title_of in (_title, _record_id):
            names = {**self._answers, **_passage_names(self._passages, used, title_of)}
            named = _SPOKEN.sub(lambda found, names=names: self._name(found, names), listed)
            if len(named) <= longest:
                return named
        return text

    def _means(self, found: re.Match[str]) -> bool:
        """Whether it is a label of this request, and no word of its sources."""
        known = _label_of(found) in self._passages.keys() | self._answers.keys()
        return known and not re.search(rf"(?i)(?<!\w){re.escape(found[0])}(?!\w)", self._sources)

    def _name(self, found: re.Match[str], names: Mapping[str, str]) -> str:
        return names[_label_of(found)] if self._means(found) else found[0]

    def _listed(self, found: re.Match[str]) -> str:
        """`P1–P3` as `P1, P2, P3`, if all three are labels."""
        first, last = int(found["first"]), int(found["last"])
        labels = [f"{found['letter']}{number}" for number in range(first, min(last, first + _MOST_IN_RANGE) + 1)]
        known = self._passages.keys() | self._answers.keys()
        is_range = first < last <= first + _MOST_IN_RANGE and known >= set(labels) and found[0] not in self._sources
        return ", ".join(labels) if is_range else found[0]


def _label_of(found: re.Match[str]) -> str:
    last = _LAST_LABEL.search(found[0])
    if last is None:
        return ""
    return f"{last['letter'] or found['word'][0].upper()}{int(last['number'])}"


def _title(passage: Passage) -> str:
    return passage.title or passage.record_id


def _record_id(passage: Passage) -> str:
    return passage.record_id


def _passage_names(
    labelled: Mapping[str, Passage], used: Iterable[Passage], title_of: Callable[[Passage], str]
) -> dict[str, str]:
    """Names by label: the title, and as much more as tells a passage from the others that the sentence names."""
    others = list(used)
    ways: Sequence[Callable[[Passage], str]] = (
        lambda passage: f"“{title_of(passage)}”",
        lambda passage: f"“{title_of(passage)}” ({passage.section})",
        lambda passage: f"“{title_of(passage)}” ({passage.passage_id})",
    )
    names = dict[str, str]()
    for label, passage in labelled.items():
        for way in ways:
            names[label] = way(passage)
            alike = [other for other in others if way(other) == way(passage)]
            if all(other.passage_id == passage.passage_id for other in alike):
                break
    return names


def _answer_names(answers: Sequence[ResearchAnswer]) -> dict[str, str]:
    times = Counter(answer.model for answer in answers)
    return {
        f"A{number}": answer.model if times[answer.model] == 1 else f"{answer.model} (repeat {answer.repeat + 1})"
        for number, answer in enumerate(answers, start=1)
        if answer.model
    }

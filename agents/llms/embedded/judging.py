"""Judging by likeness: a record has the verdict of the labelled examples that it is nearest to.

Of the record, the whole text and each of its sentences are compared with every example of the criterion (cosines of
MiniLM). A verdict's score is the mean of its examples' best few cosines (`nearest`), or of all of them (`average`),
less what is usual among the examples themselves: those of one verdict may be more alike than those of another, and
would otherwise draw everything to them. What counts is the sentence where the verdicts part most: one sentence can
break a rule in a text that otherwise keeps it. Where the two best verdicts are almost as near, the verdict is
`unclear`, if the criterion has that.

No rule is read and nothing is understood: a text that reports or opposes what an example says is near that example,
too. That is why such replies are labelled as of demonstration quality.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from agents.llms.embedded.sentences import sentences
from agents.llms.embedded.similarity import Similarity
from contract.errors import MissingInput
from contract.findings import CriterionReason, JudgeReasons

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNCLEAR = "unclear"
UNCLEAR_MARGIN, CERTAIN_MARGIN = 0.01, 0.08
"""Margins of the best verdict over the next: below the first it is unclear, from the second on quite certain."""
NEAREST_COUNT = 3
MAX_SENTENCES = 200
_MAX_CHARACTERS = 600

JudgesBy = Literal["nearest", "average"]


def judge(material: Mapping[str, Any], similarity: Similarity, judges_by: JudgesBy) -> JudgeReasons:
    """The verdict of the nearest examples, with the sentence that is nearest to them.

    Raises MissingInput for a criterion without examples of two verdicts and for a record without words.
    """
    criterion: Mapping[str, Any] = material["criterion"]
    if why := missing_examples(example["verdict"] for example in criterion["examples"]):
        raise MissingInput(why)
    spans = _spans(material)
    if not spans:
        raise MissingInput("the record has no words to judge")
    compared = _Comparison.from_spans(spans, criterion["examples"], similarity, judges_by)
    first, second = compared.ranked()
    margin = first.score - second.score
    unclear = margin < UNCLEAR_MARGIN and UNCLEAR in criterion["verdicts"]
    return JudgeReasons(
        verdict=UNCLEAR if unclear else first.verdict,
        uncertainty="high" if margin < UNCLEAR_MARGIN else "medium" if margin < CERTAIN_MARGIN else "low",
        conclusion=_conclusion(first, second, unclear),
        reasons=(
            _reason(first, "unclear" if unclear else "yes"),
            _reason(second, "unclear" if unclear else "no"),
        ),
    )


def missing_examples(exemplified: Iterable[str]) -> str | None:
    """Why nothing can be judged by examples with those verdicts; None if it can."""
    if len(set(exemplified)) >= 2:
        return None
    return (
        "the embedded model judges by likeness to labelled examples, and this criterion has none of two verdicts; "
        "give it `examples:` in its front matter, or choose a hosted or local model, for example with llms=lite"
    )


@dataclass(frozen=True)
class _VerdictScore:
    """One verdict: how near the record is to its examples, where, and to which of them most."""

    verdict: str
    score: float
    span: str
    example: Mapping[str, Any]
    cosine: float


@dataclass(frozen=True)
class _Comparison:
    scores: Sequence[_VerdictScore]

    def ranked(self) -> tuple[_VerdictScore, _VerdictScore]:
        """The best verdict and the next."""
        ordered = sorted(self.scores, key=lambda side: -side.score)
        return ordered[0], ordered[1]

    @classmethod
    def from_spans(
        cls, spans: Sequence[str], examples: Sequence[Mapping[str, Any]], similarity: Similarity, judges_by: JudgesBy
    ) -> _Comparison:
        import numpy as np

        known = [str(example["text"]) for example in examples]
        cosines = similarity.cached_cosines(spans, known)
        verdicts = list(dict.fromkeys(str(example["verdict"]) for example in examples))
        places = [[n for n, example in enumerate(examples) if example["verdict"] == verdict] for verdict in verdicts]
        count = NEAREST_COUNT if judges_by == "nearest" else max(map(len, places))
        baselines = _baseline_scores(similarity.word_cosines(known, known), places, count)
        scores = np.stack([np.sort(cosines[:, place], axis=1)[:, -count:].mean(axis=1) for place in places])
        scores -= np.array(baselines)[:, None]
        decisive = int(np.argmax(np.ptp(scores, axis=0)))
        sides = list[_VerdictScore]()
        for row, (verdict, place) in enumerate(zip(verdicts, places, strict=True)):
            nearest = max(place, key=lambda n: float(cosines[decisive, n]))
            cosine = float(cosines[decisive, nearest])
            score = float(scores[row, decisive])
            sides.append(_VerdictScore(verdict, score, spans[decisive], examples[nearest], cosine))
        return cls(sides)


def _baseline_scores(cosines: NDArray[np.float32], places: Sequence[Sequence[int]], most: int) -> list[float]:
    """For each verdict, the mean score that the criterion's own examples have for it, no example compared with itself.

    The examples of each verdict weigh the same together, however many there are.
    """
    return [
        sum(sum(_mean_of_best(cosines, n, place, most) for n in other) / len(other) for other in places) / len(places)
        for place in places
    ]


def _mean_of_best(cosines: NDArray[np.float32], example: int, place: Sequence[int], most: int) -> float:
    others = sorted(float(cosines[example, n]) for n in place if n != example)[-most:]
    return sum(others) / len(others) if others else 0.0


def _spans(material: Mapping[str, Any]) -> list[str]:
    """The record's texts, and each of their sentences, verbatim and each once."""
    record: Mapping[str, Any] = material["record"]
    sections: Mapping[str, str] = record.get("sections") or {}
    pictures: Sequence[str] = material.get("pictures") or ()
    every = [record.get("title"), record.get("text"), *sections.values(), *pictures]
    texts = [str(text).strip() for text in every if text]
    whole = [text for text in texts if text and len(text) <= _MAX_CHARACTERS]
    single = [sentence for text in texts for sentence in sentences(text)]
    return list(dict.fromkeys([*whole, *single]))[:MAX_SENTENCES]


def _conclusion(first: _VerdictScore, second: _VerdictScore, unclear: bool) -> str:
    verdict_scores = (
        f"'{first.verdict}' ({first.score:+.2f} against what is usual) and '{second.verdict}' ({second.score:+.2f})"
    )
    if unclear:
        return f"It is about as near to the examples of {verdict_scores}, so the examples do not decide."
    return f"It is nearer to the examples of the first of {verdict_scores}. This is likeness, not understanding."


def _reason(side: _VerdictScore, applies: Literal["yes", "no", "unclear"]) -> CriterionReason:
    example = str(side.example["text"])
    why = str(side.example.get("reason") or "")
    quote = side.span if len(side.span) <= _MAX_CHARACTERS else side.span[:_MAX_CHARACTERS].rsplit(" ", 1)[0]
    return CriterionReason(
        rule=_truncate(why or f"examples of '{side.verdict}'", 300),
        applies=applies,
        reason=f"Its likeness to the example '{_truncate(example, 300)}' ({side.verdict}) is {side.cosine:.2f}.",
        quotes=(quote,) if applies != "no" else (),
    )


def _truncate(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"

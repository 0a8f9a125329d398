"""Judges by similarity: a record gets the verdict of the labelled examples that it is nearest to.

The whole text of the record and each of its sentences are compared with every example of the criterion (cosines of
MiniLM). A verdict's score is the mean of the largest few cosines of its examples (`nearest`), or of all of them
(`average`), minus a baseline: the usual score among the examples themselves. Without the baseline, a verdict whose
examples are very similar to each other would attract every record. The sentence on which the verdicts differ most
decides, because one sentence can break a rule in a text that otherwise keeps it. If the two best verdicts are almost
equally near, the verdict is `unclear`, if the criterion has that verdict.

The model reads no rule and understands nothing: a text that reports or opposes the content of an example is also near
that example. Therefore such replies are labelled as of demonstration quality.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from agents.llms.embedded.sentences import sentences
from agents.llms.embedded.similarity import Similarity
from contract.errors import MissingInput
from contract.judgements import CriterionReason, JudgeReasons

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNCLEAR = "unclear"
UNCLEAR_MARGIN, CERTAIN_MARGIN = 0.01, 0.08
"""Margins of the best verdict over the next: below the first it is unclear; from the second on, uncertainty is low."""
NEAREST_COUNT = 3
MAX_SENTENCES = 200
_MAX_CHARACTERS = 600

JudgesBy = Literal["nearest", "average"]


def judge(material: Mapping[str, Any], similarity: Similarity, judges_by: JudgesBy) -> JudgeReasons:
    """The verdict of the nearest examples, with the sentence of the record that is nearest to them.

    Raises MissingInput if the criterion has no examples of two verdicts, and if the record has no words.
    """
    criterion: Mapping[str, Any] = material["criterion"]
    if problem := missing_examples(example["verdict"] for example in criterion["examples"]):
        raise MissingInput(problem)
    spans = record_spans(material)
    if not spans:
        raise MissingInput("the record has no words to judge")
    comparison = _Comparison.from_spans(spans, criterion["examples"], similarity, judges_by)
    first, second = comparison.ranked()
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


def missing_examples(example_verdicts: Iterable[str]) -> str | None:
    """Why the model cannot judge by examples with these verdicts; None if it can."""
    if len(set(example_verdicts)) >= 2:
        return None
    return (
        "the embedded model judges by likeness to labelled examples, and this criterion has none of two verdicts; "
        "give it `examples:` in its front matter, or choose a hosted or local model, for example with llms=lite"
    )


def judges_alike(example_verdicts: Iterable[str]) -> bool:
    """Whether `nearest` and `average` are the same: with few examples of each verdict, the nearest are all of them."""
    counts = Counter(example_verdicts)
    return len(counts) > 1 and max(counts.values()) <= NEAREST_COUNT


@dataclass(frozen=True)
class _VerdictScore:
    """One verdict: how near the record is to its examples, in which span, and to which example most."""

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
        ordered = sorted(self.scores, key=lambda scored: -scored.score)
        return ordered[0], ordered[1]

    @classmethod
    def from_spans(
        cls, spans: Sequence[str], examples: Sequence[Mapping[str, Any]], similarity: Similarity, judges_by: JudgesBy
    ) -> _Comparison:
        import numpy as np

        example_texts = [str(example["text"]) for example in examples]
        cosines = similarity.cached_cosines(spans, example_texts)
        verdicts = list(dict.fromkeys(str(example["verdict"]) for example in examples))
        columns = [[n for n, example in enumerate(examples) if example["verdict"] == verdict] for verdict in verdicts]
        count = NEAREST_COUNT if judges_by == "nearest" else max(map(len, columns))
        baselines = _baseline_scores(similarity.word_cosines(example_texts, example_texts), columns, count)
        scores = np.stack([np.sort(cosines[:, own], axis=1)[:, -count:].mean(axis=1) for own in columns])
        scores -= np.array(baselines)[:, None]
        decisive = int(np.argmax(np.ptp(scores, axis=0)))
        verdict_scores = list[_VerdictScore]()
        for row, (verdict, own) in enumerate(zip(verdicts, columns, strict=True)):
            nearest = max(own, key=lambda n: float(cosines[decisive, n]))
            cosine = float(cosines[decisive, nearest])
            score = float(scores[row, decisive])
            verdict_scores.append(_VerdictScore(verdict, score, spans[decisive], examples[nearest], cosine))
        return cls(verdict_scores)


def _baseline_scores(cosines: NDArray[np.float32], columns: Sequence[Sequence[int]], count: int) -> list[float]:
    """For each verdict, the mean score of the criterion's own examples. No example is compared with itself.

    The examples of each verdict have the same weight together, whatever their number.
    """
    return [
        sum(sum(_mean_of_best(cosines, n, own, count) for n in other) / len(other) for other in columns) / len(columns)
        for own in columns
    ]


def _mean_of_best(cosines: NDArray[np.float32], example: int, columns: Sequence[int], count: int) -> float:
    others = sorted(float(cosines[example, n]) for n in columns if n != example)[-count:]
    return sum(others) / len(others) if others else 0.0


def record_spans(material: Mapping[str, Any]) -> list[str]:
    """The texts of the record and each of their sentences: verbatim, and without repetition."""
    record: Mapping[str, Any] = material["record"]
    sections: Mapping[str, str] = record.get("sections") or {}
    pictures: Sequence[str] = material.get("pictures") or ()
    all_texts = [record.get("title"), record.get("text"), *sections.values(), *pictures]
    texts = [str(text).strip() for text in all_texts if text]
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


def _reason(scored: _VerdictScore, applies: Literal["yes", "no", "unclear"]) -> CriterionReason:
    example = str(scored.example["text"])
    example_reason = str(scored.example.get("reason") or "")
    quote = scored.span if len(scored.span) <= _MAX_CHARACTERS else scored.span[:_MAX_CHARACTERS].rsplit(" ", 1)[0]
    return CriterionReason(
        rule=_truncate(example_reason or f"examples of '{scored.verdict}'", 300),
        applies=applies,
        reason=f"Its likeness to the example '{_truncate(example, 300)}' ({scored.verdict}) is {scored.cosine:.2f}.",
        quotes=(quote,) if applies != "no" else (),
    )


def _truncate(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"

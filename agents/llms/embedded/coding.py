"""Answers a codebook by similarity: each variable as if it were a criterion with the coded examples as its examples.

A choice is that of the nearest examples, choices are decided option by option, and a number is that of the nearest
example. Words are the sentence of the record that is nearest to the examples, or to the variable's question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from agents.llms.embedded.judging import JudgesBy, judge, missing_examples, record_spans
from agents.llms.embedded.similarity import Similarity
from contract.base import JsonValue
from contract.codebook import NONE_OF_THEM, YES_NO, Codebook, Variable
from contract.errors import MissingInput
from contract.judgements import CodebookReply, CodeDraft, JudgeReasons

Uncertainty: TypeAlias = Literal["low", "medium", "high"]
_VOTE_WEIGHTS = {"low": 3, "medium": 2, "high": 1}
_MAX_CHARACTERS = 600


def code(material: Mapping[str, Any], similarity: Similarity, judges_by: JudgesBy) -> CodebookReply:
    """The answers to all variables. Raises MissingInput if a variable lacks examples, or the record has no words."""
    codebook = Codebook.model_validate(material["criterion"]["codebook"])
    if problem := missing_codes(codebook):
        raise MissingInput(problem)
    coder = _Coder(material, codebook, similarity, judges_by)
    return CodebookReply(codes={one.name: coder.answer(one) for one in codebook.variables})


def missing_codes(codebook: Codebook) -> str | None:
    """Why the model cannot answer the codebook; None if it can."""
    for variable in codebook.variables:
        if variable.type in ("choice", "yes_no") and missing_examples(_known(codebook, variable).values()):
            return (
                "the embedded model codes by likeness to coded examples, and the variable "
                f"'{variable.name}' has none of two answers; give it some under `examples:`, or choose a hosted or "
                "local model, for example with llms=lite"
            )
    return None


def _known(codebook: Codebook, variable: Variable) -> dict[str, str]:
    """Text of an example -> its answer to the variable."""
    return {one.text: str(one.codes[variable.name]) for one in codebook.examples if variable.name in one.codes}


class _Coder:
    def __init__(
        self, material: Mapping[str, Any], codebook: Codebook, similarity: Similarity, judges_by: JudgesBy
    ) -> None:
        self._material = material
        self._codebook = codebook
        self._similarity = similarity
        self._judges_by: JudgesBy = judges_by
        self._spans = record_spans(material)

    def answer(self, variable: Variable) -> CodeDraft:
        """The answer to one variable."""
        examples = _known(self._codebook, variable)
        match variable.type:
            case "choice" | "yes_no":
                return _draft(self._judge(examples, variable.allowed))
            case "choices":
                return self._choices(variable, examples)
            case "number":
                return self._number(examples)
            case "text" | "quotation":
                return self._words(variable)

    def _judge(self, examples: Mapping[str, str], verdicts: Sequence[str]) -> JudgeReasons:
        listed = [{"text": text, "verdict": verdict} for text, verdict in examples.items()]
        criterion = {"examples": listed, "verdicts": [*verdicts]}
        return judge({**self._material, "criterion": criterion}, self._similarity, self._judges_by)

    def _choices(self, variable: Variable, examples: Mapping[str, str]) -> CodeDraft:
        """Each option by itself; one that all examples have, or none, decides nothing and is left out."""
        found, reasons = list[str](), dict[str, JudgeReasons]()
        for option in variable.options:
            held = {text: YES_NO[option not in variable.members(answer)] for text, answer in examples.items()}
            if len(set(held.values())) == 2:
                reasons[option] = self._judge(held, YES_NO)
                found += [option] if reasons[option].verdict == YES_NO[0] else []
        said = "; ".join(found) or NONE_OF_THEM
        quotes = dict.fromkeys(quote for option in found for one in reasons[option].reasons for quote in one.quotes)
        unsure = {one.uncertainty for one in reasons.values()} or {"high"}
        least: Uncertainty = "high" if "high" in unsure else "medium" if "medium" in unsure else "low"
        reason = f"It is nearer to examples that have these options than to those that lack them: {said}."
        return CodeDraft(value=[*found], uncertainty=least, quotes=tuple(quotes)[:5], reason=reason[:_MAX_CHARACTERS])

    def _number(self, examples: Mapping[str, str]) -> CodeDraft:
        if not examples or not self._spans:
            return CodeDraft(value=None, uncertainty="high", reason="There is no coded example to compare it with.")
        cosines = self._similarity.cached_cosines(self._spans, list(examples))
        span, nearest = divmod(int(cosines.argmax()), len(examples))
        text = list(examples)[nearest]
        likeness = float(cosines[span, nearest])
        reason = f"Its likeness to the example '{text[:300]}' ({examples[text]}) is {likeness:.2f}."
        quote = self._spans[span]
        quotes = (quote,) if len(quote) <= _MAX_CHARACTERS else ()
        return CodeDraft(value=float(examples[text]), uncertainty="high", quotes=quotes, reason=reason)

    def _words(self, variable: Variable) -> CodeDraft:
        short = [span for span in self._spans if len(span) <= _MAX_CHARACTERS]
        asked = variable.description or variable.name.replace("_", " ")
        if not short:
            value: JsonValue = list[JsonValue]() if variable.type == "quotation" else None
            return CodeDraft(value=value, uncertainty="high", reason="The record has no sentence that is short enough.")
        cosines = self._similarity.cached_cosines(short, [asked])
        nearest = short[int(cosines.argmax())]
        reason = f"This sentence is nearest to '{asked[:300]}': {float(cosines.max()):.2f}. It is not understood."
        if variable.type == "quotation":
            return CodeDraft(value=[nearest], uncertainty="high", reason=reason)
        return CodeDraft(value=nearest, uncertainty="high", quotes=(nearest,), reason=reason)


def _draft(judged: JudgeReasons) -> CodeDraft:
    quotes = tuple(quote for reason in judged.reasons for quote in reason.quotes)[:5]
    reason = f"{judged.conclusion} {judged.reasons[0].reason}"[:_MAX_CHARACTERS]
    return CodeDraft(value=judged.verdict, uncertainty=judged.uncertainty, quotes=quotes, reason=reason)


def synthesise_codes(material: Mapping[str, Any]) -> CodebookReply:
    """For each variable the answer with the most weight; words and numbers are those of the surest judgement."""
    codebook = Codebook.model_validate(material["criterion"]["codebook"])
    answers: Sequence[Mapping[str, Any]] = material["answers"]
    return CodebookReply(codes={one.name: _weighed(one, answers) for one in codebook.variables})


def _weighed(variable: Variable, answers: Sequence[Mapping[str, Any]]) -> CodeDraft:
    weights, values = dict[str, int](), dict[str, Any]()
    for answer in answers:
        given: Mapping[str, Any] = answer["codes"][variable.name]
        text = variable.text(given["value"]) or ""
        weights[text] = weights.get(text, 0) + _VOTE_WEIGHTS[given["uncertainty"]]
        values.setdefault(text, given["value"])
    ranked = sorted(weights.items(), key=lambda item: -item[1])
    chosen, weight = ranked[0]
    tied = len(ranked) > 1 and ranked[1][1] == weight
    holders = [a for a in answers if (variable.text(a["codes"][variable.name]["value"]) or "") == chosen]
    own = (reason for reason in holders[0]["reasons"] if str(reason["rule"]).startswith(f"{variable.name}: "))
    quotes = [str(quote) for reason in own for quote in reason["quotes"] if len(str(quote)) <= _MAX_CHARACTERS][:5]
    held = ", ".join(str(answer["label"]) for answer in holders)[:200]
    share = weight / sum(weights.values())
    return CodeDraft(
        value=values[chosen],
        uncertainty="high" if tied else "low" if share == 1 else "medium",
        quotes=() if variable.type == "quotation" else tuple(quotes),
        reason=f"{held} of {len(answers)} judgements say so, {share:.0%} of the weight{', as much as others' * tied}.",
    )

"""Support: a model judges whether each sentence of an answer follows from the words quoted for it.

A verified quotation stands in its source to the letter; that the sentence follows from it is another matter.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from textwrap import shorten
from typing import Any, TypedDict, cast

from agents.base.services import AgentServices
from agents.base.structured_agent import InvalidReply, LLMParameters, StructuredAgent
from agents.evidence.read_labels import label_in
from agents.evidence.shown_claims import shown_claims
from contract.base import Frozen, JsonValue
from contract.calls import ModelReply, json_schema_of
from contract.findings import Claim, ClaimSupport, JudgedClaim, Passage, ResearchAnswer
from contract.messages import AgentInput, AgentOutput, output_value
from contract.support import SupportDraft, SupportReport

NO_MODEL = (
    "no model that can judge it was chosen: `support` in the chosen `llms` names none, and embedded models only quote "
    "and compare"
)
_LABEL = re.compile(r"(?<![\w.+-])(?:(?:the )?[Cc]laim )?(?P<label>C0*(?P<number>[1-9]\d{0,3}))(?!\w|[.,:]\d|-\w)")
_PASSAGE = re.compile(r"(?<![\w.+-])(?:(?:the )?[Pp]assages? )?(?P<label>P0*[1-9]\d{0,3})(?!\w|[.,:]\d|-\w)")
"""How researchers are shown passages. The judge is shown none of these, but its claims may come with them."""
_QUOTED = re.compile(r"“[^”]*”|\"[^\"]*\"|«[^»]*»")
_LONGEST_NAME = 80
_LONGEST_REASON = 600
"""Characters: the bound of a `Sentence`."""


class SourcedQuote(TypedDict):
    """A quotation as templates see it: with where it stands, and its passage whole."""

    quote: str
    source: str
    passage: str


class LabelledClaim(TypedDict):
    """A claim as templates see it."""

    label: str
    text: str
    quotes: list[SourcedQuote]


class SupportInputs(Frozen):
    """What the answer is made of."""

    answers: tuple[ResearchAnswer, ...] = ()
    synthesis: ResearchAnswer | None = None
    passages: tuple[Passage, ...] = ()


class SupportParameters(LLMParameters):
    """As for every agent with a model. Where the model is null, nothing is judged, and the answer says so."""

    model: str | None = None  # type: ignore[reportIncompatibleVariableOverride]
    template: str = "support"


class Support(StructuredAgent[SupportInputs, SupportParameters, SupportDraft]):
    """Judges each claim that the reader will be shown against its verified quotations."""

    Inputs = SupportInputs
    Parameters = SupportParameters
    Output = SupportReport
    Reply = SupportDraft

    @classmethod
    def template_variables(cls) -> frozenset[str]:
        return frozenset({"claims"})

    @classmethod
    def template_types(cls) -> dict[str, Any]:
        return {"claims": tuple[LabelledClaim, ...]}

    def material(self, agent_input: AgentInput, services: AgentServices) -> dict[str, JsonValue]:  # noqa: ARG002
        texts = {passage.passage_id: passage.text for passage in self.inputs(agent_input).passages}
        claims = [_labelled(label, claim, texts) for label, claim in self._claims(agent_input).items()]
        return {"claims": cast("list[JsonValue]", claims)}

    def schema(self, agent_input: AgentInput, services: AgentServices) -> dict[str, JsonValue]:  # noqa: ARG002
        labels = [*self._claims(agent_input)]
        schema: Any = json_schema_of(SupportDraft)
        schema["$defs"]["SupportJudgement"]["properties"]["claim"] = {"type": "string", "enum": labels}
        schema["properties"]["judgements"] |= {"minItems": len(labels), "maxItems": len(labels)}
        return schema

    def build_output(
        self,
        reply: SupportDraft,
        model_reply: ModelReply,  # noqa: ARG002
        agent_input: AgentInput,
        services: AgentServices,  # noqa: ARG002
    ) -> SupportReport:
        claims = self._claims(agent_input)
        texts = [text for one in self.inputs(agent_input).passages for text in (one.title or "", one.text)]
        named = [(label_in(judgement.claim, "C"), judgement) for judgement in reply.judgements]
        judged = dict(named)
        times = Counter(label for label, _ in named)
        if times != Counter(claims.keys()):
            raise InvalidReply(f"judge each of the claims {', '.join(claims)} once; judged were {', '.join(times)}")
        model = self.parameters(agent_input).model or ""
        return SupportReport(
            claims=tuple(
                JudgedClaim(
                    **dict(claim),
                    support=ClaimSupport(
                        verdict=judged[label].verdict,
                        reason=_without_labels(judged[label].reason, label, claims, texts),
                        model=model,
                    ),
                )
                for label, claim in claims.items()
            )
        )

    def note(self, output: Frozen) -> str | None:
        claims = output.claims if isinstance(output, SupportReport) else ()
        doubts = sum(claim.doubt is not None for claim in claims)
        return f"{doubts} of {len(claims)} sentences do not follow from their quotations" if doubts else None

    def cache_key_parts(self, agent_input: AgentInput, services: AgentServices) -> JsonValue:
        if reason := self._reason_not_to_ask(agent_input):
            return [reason]
        return super().cache_key_parts(agent_input, services)

    async def process(self, agent_input: AgentInput, services: AgentServices) -> AgentOutput:
        if reason := self._reason_not_to_ask(agent_input):
            return AgentOutput(
                value=output_value(SupportReport(not_judged=reason)), note=f"nothing was judged: {reason}"
            )
        return await super().process(agent_input, services)

    def _reason_not_to_ask(self, agent_input: AgentInput) -> str | None:
        if self.parameters(agent_input).model is None:
            return NO_MODEL
        return None if self._claims(agent_input) else "there is no sentence with a verified quotation"

    def _claims(self, agent_input: AgentInput) -> dict[str, Claim]:
        """Returns the claims that will be shown, by the labels C1, C2, …"""
        inputs = self.inputs(agent_input)
        claims = shown_claims(inputs.answers, inputs.synthesis, inputs.passages)
        return {f"C{number}": claim for number, claim in enumerate(claims, start=1)}


def _without_labels(reason: str, own: str, claims: Mapping[str, Claim], sources: Sequence[str]) -> str:
    """The reason with words in the place of labels such as C1 and P4, which no reader was shown.

    Letters of a claim, a quotation or a source that look like a label mean something else, and stay, as do those within
    quotation marks. So does a reason that would become too long.
    """
    written = [text for claim in claims.values() for text in (claim.text, *(c.quote for c in claim.citations))]
    sources = [*written, *sources]

    def stays(found: re.Match[str]) -> bool:
        word = re.compile(rf"(?<!\w){re.escape(found['label'])}(?!\w)")
        return any(word.search(text) for text in sources)

    def name(found: re.Match[str]) -> str:
        label = f"C{int(found['number'])}"
        if label not in claims or stays(found):
            return found[0]
        return "this sentence" if label == own else f"“{shorten(claims[label].text, _LONGEST_NAME, placeholder=' …')}”"

    def unlabelled(text: str) -> str:
        return _PASSAGE.sub(lambda found: found[0] if stays(found) else "the passage", _LABEL.sub(name, text))

    quoted = [found[0] for found in _QUOTED.finditer(reason)]
    parts = [unlabelled(part) for part in _QUOTED.split(reason)]
    named = "".join(part + quote for part, quote in zip(parts, [*quoted, ""], strict=True))
    if len(named) > _LONGEST_REASON:
        return reason
    return named[:1].upper() + named[1:] if named != reason and reason[:1].isupper() else named


def _labelled(label: str, claim: Claim, texts: dict[str, str]) -> LabelledClaim:
    return {
        "label": label,
        "text": claim.text,
        "quotes": [
            {
                "quote": citation.quote,
                "source": ", ".join(filter(None, (citation.title, citation.date, citation.section))),
                "passage": texts.get(citation.passage_id, ""),
            }
            for citation in claim.citations
        ],
    }

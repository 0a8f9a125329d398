"""References: in APA style, from the metadata of the cited documents; by a model only where there are none.

What a model says of a document counts only as far as it stands in the document's beginning, and the reference names
the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict, cast

from agents.base.services import AgentServices
from agents.base.structured_agent import InvalidReply, LLMParameters, StructuredAgent
from agents.evidence.apa import MISSING_LIBRARY, NoCiteproc, apa_references
from agents.evidence.drafted_csl import csl_of_draft
from agents.evidence.shown_claims import cited_documents
from contract.base import Frozen, JsonValue
from contract.calls import ModelReply, json_schema_of
from contract.findings import Passage, Passages, ResearchAnswer
from contract.messages import AgentInput, AgentOutput, output_value
from contract.references import Reference, ReferenceDrafts, References

NO_MODEL = "no model that can read one from their first page was chosen"


class ReferencesInputs(Frozen):
    """What the answer is made of, and the beginnings of the documents without metadata."""

    answers: tuple[ResearchAnswer, ...] = ()
    synthesis: ResearchAnswer | None = None
    passages: Passages = ()
    beginnings: Passages = ()


class LabelledDocument(TypedDict):
    """A document's beginning as templates see it."""

    label: str
    text: str


class ReferencesParameters(LLMParameters):
    """As for every agent with a model. Where the model is null, documents without metadata get no reference."""

    model: str | None = None  # type: ignore[reportIncompatibleVariableOverride]
    template: str = "references"


class ReferencesAgent(StructuredAgent[ReferencesInputs, ReferencesParameters, ReferenceDrafts]):
    """Makes the references of the documents that the answer cites."""

    Inputs = ReferencesInputs
    Parameters = ReferencesParameters
    Output = References
    Reply = ReferenceDrafts

    @classmethod
    def template_variables(cls) -> frozenset[str]:
        return frozenset({"documents"})

    @classmethod
    def template_types(cls) -> dict[str, Any]:
        return {"documents": tuple[LabelledDocument, ...]}

    def material(self, agent_input: AgentInput, services: AgentServices) -> dict[str, JsonValue]:  # noqa: ARG002
        beginnings = self._beginnings(agent_input)
        documents: list[LabelledDocument] = [{"label": label, "text": one.text} for label, one in beginnings.items()]
        return {"documents": cast("list[JsonValue]", documents)}

    def schema(self, agent_input: AgentInput, services: AgentServices) -> dict[str, JsonValue]:  # noqa: ARG002
        labels = [*self._beginnings(agent_input)]
        schema: Any = json_schema_of(ReferenceDrafts)
        schema["$defs"]["ReferenceDraft"]["properties"]["document"] = {"type": "string", "enum": labels}
        schema["properties"]["documents"] |= {"minItems": len(labels), "maxItems": len(labels)}
        return schema

    def build_output(
        self,
        reply: ReferenceDrafts,
        model_reply: ModelReply,  # noqa: ARG002
        agent_input: AgentInput,
        services: AgentServices,  # noqa: ARG002
    ) -> References:
        beginnings = self._beginnings(agent_input)
        if sorted(draft.document for draft in reply.documents) != sorted(beginnings):
            raise InvalidReply(f"describe each of the documents {', '.join(beginnings)} once")
        drafted = {
            beginnings[draft.document].record_id: csl
            for draft in reply.documents
            if (csl := csl_of_draft(draft, beginnings[draft.document].text))
        }
        why = "their first page does not name them"
        return self._references(agent_input, drafted, why)

    def note(self, output: Frozen) -> str | None:
        return output.not_made if isinstance(output, References) else None

    def cache_key_parts(self, agent_input: AgentInput, services: AgentServices) -> JsonValue:
        if self._reason_not_to_ask(agent_input):
            found = self._references(agent_input, {}, NO_MODEL)
            return [found.model_dump(mode="json")]
        return super().cache_key_parts(agent_input, services)

    async def process(self, agent_input: AgentInput, services: AgentServices) -> AgentOutput:
        if self._reason_not_to_ask(agent_input):
            found = self._references(agent_input, {}, NO_MODEL)
            return AgentOutput(value=output_value(found), note=self.note(found))
        return await super().process(agent_input, services)

    def _reason_not_to_ask(self, agent_input: AgentInput) -> bool:
        return self.parameters(agent_input).model is None or not self._beginnings(agent_input)

    def _cited(self, agent_input: AgentInput) -> dict[str, Passage]:
        inputs = self.inputs(agent_input)
        return cited_documents(inputs.answers, inputs.synthesis, inputs.passages)

    def _beginnings(self, agent_input: AgentInput) -> dict[str, Passage]:
        """The beginnings of documents without metadata, by the labels D1, D2, …"""
        passages = self.inputs(agent_input).beginnings
        return {f"D{number}": passage for number, passage in enumerate(passages, start=1)}

    def _references(self, agent_input: AgentInput, drafted: Mapping[str, Mapping[str, Any]], why: str) -> References:
        cited = self._cited(agent_input)
        stored: dict[str, Any] = {name: one.metadata.get("csl") for name, one in cited.items()}
        known: dict[str, Mapping[str, Any]] = {name: csl for name, csl in stored.items() if isinstance(csl, Mapping)}
        model = self.parameters(agent_input).model
        try:
            texts = apa_references({**drafted, **known})
        except NoCiteproc:
            return References(not_made=MISSING_LIBRARY)
        missing = [passage.title for name, passage in cited.items() if name not in texts]
        return References(
            references=tuple(
                Reference(record_id=name, text=text, made_by=None if name in known else model)
                for name, text in texts.items()
                if name in cited
            ),
            not_made=f"no metadata for {'; '.join(missing)}, and {why}" if missing else None,
        )

"""References: from metadata by citeproc; by a model only where there are none, of what stands in the document alone."""

from __future__ import annotations

from typing import Any

import pytest

from agents.evidence.apa import apa_references
from contract.findings import Citation, CitedAnswer, Claim, Passage, ResearchAnswer
from contract.messages import AgentOutput
from contract.references import Reference, References
from flows.report.answer_markdown import answer_markdown, citation_location
from tests.agents.agent_calls import replying_with
from tests.agents.test_agents import process

CSL: dict[str, Any] = {
    "type": "article-journal",
    "title": "Veiled threats in political speech",
    "author": [{"family": "Doe", "given": "Jane A."}, {"family": "Roe", "given": "Richard"}],
    "container-title": "Journal of Speech",
    "volume": "3",
    "issue": "2",
    "page": "101-120",
    "issued": {"date-parts": [[2020, 5]]},
    "DOI": "10.1000/xyz",
}
APA = (
    "Doe, J. A., & Roe, R. (2020). Veiled threats in political speech. Journal of Speech, 3(2), 101–120. "
    "https://doi.org/10.1000/xyz"
)
BEGINNING = "Ferries of the northern islands\nby Jane Doe, University of Nowhere, 1931\nThe ferry had lost money."


def _passage(name: str, text: str, **metadata: Any) -> Passage:
    return Passage(
        passage_id=f"{name}#text:0-{len(text)}", record_id=name, title=name, section="text", text=text, start=0,
        end=len(text), content_hash=name, metadata=metadata,
    )  # fmt: skip


KNOWN = _passage("known", "A threat is veiled where its words are not.", csl=CSL)
UNKNOWN = _passage("unknown", BEGINNING)


def _answer() -> dict[str, Any]:
    claims = [
        Claim(text=f"So says {one.record_id}.", citations=(Citation(
            quote=one.text.splitlines()[-1], passage_id=one.passage_id, record_id=one.record_id, title=one.title,
            section="text"),))
        for one in (KNOWN, UNKNOWN)
    ]  # fmt: skip
    return ResearchAnswer(question="When?", claims=tuple(claims)).model_dump(mode="json")


async def _references(reply: dict[str, Any] | None, beginnings: tuple[Passage, ...] = (UNKNOWN,)) -> References:
    inputs = {
        "answers": [_answer()],
        "passages": [KNOWN.model_dump(mode="json"), UNKNOWN.model_dump(mode="json")],
        "beginnings": [one.model_dump(mode="json") for one in beginnings],
    }
    models = replying_with(*([{"documents": [reply]}] if reply else []))
    found: AgentOutput = await process("references", models, inputs, model="one" if reply else None)
    return References.model_validate(found.value)


async def test_metadata_make_the_reference_and_no_model_is_asked() -> None:
    found = await _references(None)
    assert found.references == (Reference(record_id="known", text=APA),)
    assert found.not_made and found.not_made.startswith("no metadata for unknown, and no model")


async def test_a_model_reads_what_stands_on_the_first_page_and_nothing_else() -> None:
    drafted = {
        "document": "D1",
        "type": "report",
        "title": "Ferries of the northern islands",
        "authors": [{"family": "Doe", "given": "Jane"}, {"family": "Invented", "given": "Ann"}],
        "year": "1931",
        "publisher": "A press that is not named",
        "doi": "10.1000/made-up",
    }
    found = await _references(drafted)
    made = {one.record_id: one for one in found.references}
    assert made["unknown"] == Reference(
        record_id="unknown", text="Doe, J. (1931). Ferries of the northern islands.", made_by="one"
    )
    assert made["known"].made_by is None and found.not_made is None


async def test_an_invented_title_makes_no_reference() -> None:
    found = await _references({"document": "D1", "type": "book", "title": "Another title altogether", "year": "1931"})
    assert [one.record_id for one in found.references] == ["known"]
    assert found.not_made == "no metadata for unknown, and their first page does not name them"


def test_a_quotation_is_cited_by_reference_and_page_and_a_made_reference_says_so() -> None:
    citations = [
        Citation(quote="q", passage_id="", record_id=name, title=name, section="text", locator="p. 103", status="found")
        for name in ("known", "unknown")
    ]
    answer = CitedAnswer(
        question="When?", abstained=False, summary="Two.",
        claims=tuple({"text": f"{one.record_id} it is.", "citations": (one,)} for one in citations),  # type: ignore[reportArgumentType]
        references=(
            Reference(record_id="known", text=APA),
            Reference(record_id="unknown", text="Doe, J. (1931). Ferries.", made_by="gpt-mini"),
        ),
        references_not_made="no metadata for x, and no model was chosen",
    )  # fmt: skip
    assert citation_location(citations[0], answer) == f"{APA}, p. 103"
    mark = "[made by gpt-mini from the first page, not from metadata; check it]"
    assert citation_location(citations[1], answer) == f"Doe, J. (1931). Ferries. {mark}, p. 103"
    page = answer_markdown(answer)
    assert "## References" in page and page.count("made by gpt-mini") == 2
    assert "No reference: no metadata for x, and no model was chosen." in page


@pytest.mark.parametrize(
    ("csl", "reference"),
    [
        (
            {"type": "chapter", "title": "On boats", "author": [{"family": "Doe", "given": "J."}],
             "editor": [{"family": "Roe", "given": "R."}], "container-title": "Boats", "page": "1-9",
             "publisher": "Press", "issued": {"date-parts": [[1999]]}},
            "Doe, J. (1999). On boats. In R. Roe (Ed.), Boats (pp. 1–9). Press.",
        ),
        ({"type": "book", "title": "No date"}, "No date. (n.d.)."),
        ({"type": "report", "title": "Floods", "author": [{"literal": "World Bank"}]}, "World Bank. (n.d.). Floods."),
        ({"type": "book", "title": "Twice", "author": [{"family": "Ito"}], "edition": "2"},
         "Ito. (n.d.). Twice (2nd ed.)."),
        ({"type": "book", "title": "Letters", "editor": [{"family": "Roe", "given": "R."}], "publisher": "Press"},
         "Roe, R. (Ed.). (n.d.). Letters. Press."),
        ({"type": "book", "title": "Is it so?", "author": [{"family": "Ito"}], "translator": [{"family": "Doe"}]},
         "Ito. (n.d.). Is it so? (Doe, Trans.)."),
    ],
)  # fmt: skip
def test_other_kinds_are_as_the_manual_has_them(csl: dict[str, Any], reference: str) -> None:
    assert apa_references({"a": csl}) == {"a": reference}


def test_an_entry_that_cannot_be_formatted_costs_no_other_its_reference() -> None:
    broken = {"type": "book", "title": "T", "author": [{"family": 3}], "issued": {"date-parts": [["x"]]}}
    assert apa_references({"a": CSL, "b": broken})["a"] == APA

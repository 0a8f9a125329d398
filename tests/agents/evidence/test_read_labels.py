"""Labels are read as models write them, and never guessed."""

from __future__ import annotations

from typing import Any

import pytest

from agents.evidence.read_labels import label_in, labels_in
from agents.prompting.fence import fence
from contract.findings import Passage
from tests.agents.agent_calls import ask_agent, plain_value, replying_with

MARK = fence("words", "passage P3").splitlines()[0].removeprefix("<<passage P3 ").removesuffix(">>")
WORDS = "It was political rhetoric only."


def passage(record_id: str) -> Passage:
    return Passage(
        passage_id=f"{record_id}#text:0", record_id=record_id, title=record_id, section="text", start=0,
        end=len(WORDS), text=WORDS, content_hash=record_id,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("written", "read"),
    [
        *(
            (text, "P3")
            for text in ("P3", "[p3]", "Passage P3", "P3 fbea96f336", "P-03", "P3 and P5", "3", "[3]", "#3")
        ),
        *((text, "P3") for text in ("Ｐ3", "P３", "passages 3", "Passage no. 3", "Passage № 3", "P3_fbea96f336")),
        *((f"P3{between}{MARK}", "P3") for between in (" ", "_", ":", "")),
        ("P3" + "1" + MARK[1:], "P3"),
        *(
            (text, text)
            for text in ("P3a", "P3fbea96f336", "P0", "P12345", "MP3", "document 3", "the passage", "3 or 4")
        ),
    ],
)
def test_a_label_of_a_passage_is_read_however_it_is_written(written: str, read: str) -> None:
    assert label_in(written, "P") == read


def test_several_labels_are_read_in_order() -> None:
    assert labels_in("A2, answer 1 and a2", "A") == ["A2", "A1"]


async def test_a_quotation_that_two_documents_hold_is_the_one_that_a_malformed_label_names() -> None:
    passages = [passage(name).model_dump(mode="json") for name in ("a", "b")]
    for label in (f"P2{MARK}", "[2]", "Passage no. 2"):
        claim = {"text": "Rhetoric.", "quotes": [{"passage": label, "quote": WORDS}]}
        models = replying_with({"answerable": True, "claims": [claim], "unanswered": []})
        answer = plain_value(await ask_agent("researcher", models, {"question": "What?", "passages": passages}))
        assert [one["record_id"] for one in answer["claims"][0]["citations"]] == ["b"]


async def test_answers_and_claims_are_not_asked_for_again_where_their_labels_are_malformed() -> None:
    answer = {"question": "What?", "claims": [], "unanswered": ["x"], "model": "m"}
    sides = [{"position": "yes", "held_by": ["Answer 1", "a3"]}, {"position": "no", "held_by": [f"A2 {MARK}"]}]
    reply: dict[str, Any] = {"conclusion": "c", "divergences": [{"topic": "t", "positions": sides}]}
    output = await ask_agent("differences", replying_with(reply), {"question": "What?", "answers": [answer] * 3})
    [matter] = plain_value(output)["divergences"]
    assert [side["held_by"] for side in matter["positions"]] == [["A1", "A3"], ["A2"]]

    claim = {
        "text": "It was.",
        "citations": [{"quote": WORDS, "passage_id": "a#text:0", "record_id": "a", "title": "a", "section": "text"}],
    }
    inputs = {"answers": [{**answer, "claims": [claim]}], "passages": [passage("a").model_dump(mode="json")]}
    judged = {"judgements": [{"claim": f"Claim 1 {MARK}", "reason": "it does", "verdict": "supports"}]}
    output = await ask_agent("support", replying_with(judged), inputs)
    assert plain_value(output)["claims"][0]["support"]["verdict"] == "supports"

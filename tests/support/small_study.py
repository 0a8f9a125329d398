"""A small study for tests: two posts, two criteria, two judges who disagree, and a third model for all the rest."""

from __future__ import annotations

from typing import Any

from contract.base import thawed
from contract.messages import AgentTrace
from tests.support.running import Lab

POSTS = [
    {
        "record_id": "a",
        "text": "The first post is plain.",
        "ground_truth": {"violating": True, "reasons": ["r1", "r2"]},
    },
    {"record_id": "b", "text": "The second post is odd.", "ground_truth": {"violating": False}},
]


def judge_reply(verdict: str = "violates", *quotes: str) -> dict[str, Any]:
    """A judge's reply with one reason."""
    reason = {"rule": "the rule", "applies": "yes", "reason": "because", "quotes": list(quotes)}
    return {"verdict": verdict, "uncertainty": "low", "conclusion": "So it is.", "reasons": [reason]}


def write_study(lab: Lab, steps: str, posts: list[dict[str, Any]] = POSTS) -> None:
    """Writes it with those steps; `judge` must be one of them."""
    lab.write_posts(posts)
    for name in ("one", "two"):
        lab.write(f"criteria/{name}.md", f"---\ntitle: Criterion {name}\n---\nThe text of {name}.\n")
    lab.write("flows/tiny.yaml", f"description: Tiny.\nrecords: posts\nsteps:\n{steps}measures: {{verdicts: judge}}\n")
    lab.write_model("x", {"reply": judge_reply("violates", "post is")})
    lab.write_model("y", {"reply": judge_reply("does_not_violate")})
    sides = [{"position": "yes", "held_by": ["A1", "A2"]}, {"position": "no", "held_by": ["A3", "A4"]}]
    lab.write_model(
        "z",
        {"output_name": "JudgeReasons", "reply": judge_reply("unclear", "post is")},
        {
            "output_name": "DifferencesDraft",
            "reply": {"conclusion": "They part.", "divergences": [{"topic": "t", "positions": sides}]},
        },
        {
            "output_name": "QualResults",
            "reply": {"assessments": [{"assessment": "yes", "correct": True}, {"assessment": "no", "correct": False}]},
        },
        {"output_name": "ConcernDraft", "reply": {"raised": False}},
    )


def plain_value(row: AgentTrace) -> Any:
    """The row's output as plain JSON."""
    return thawed(row.value)

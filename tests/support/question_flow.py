"""A flow of one step for tests: the record is the question, and one model is asked it as it is."""

from __future__ import annotations


def question_flow(model: str) -> str:
    """The YAML of the flow, in which `model` is asked."""
    return f"""\
description: Tiny.
parameters: {{question: {{required: true}}}}
records: parameters.question
steps:
  ask: {{agent: llm, parameters: {{model: {model}, template: "user:\\n{{{{ record.text }}}}"}}}}
result: ask
"""

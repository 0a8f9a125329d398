"""A tiny study that composes; tests put mistakes into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from contract.errors import Problem, StudyError
from flows.compose.compose import compose
from flows.spec.study import Study
from tests.support.commands import write_files

FLOW = """\
description: A question, a search, an answer.
parameters:
  query: {required: true, description: The question.}
  limit: {type: integer, default: 5}
  tone: {choices: [plain, formal], default: plain}
records: parameters.query
corpus: papers
steps:
  rounds:
    max_rounds: 2
    until: check.sufficient
    host: chair
    choices: [search]
    loop:
      chair:
        agent: llm_host
        inputs: {question: parameters.query, missing: previous.check.missing}
        parameters: {model: demo}
      search:
        agent: search
        inputs: {previous: previous.search.passages}
      research:
        agent: researcher
        inputs:
          question: parameters.query
          passages: search.passages
        variants:
          model: [demo, second]
      check:
        agent: citation_checker
        inputs: {answers: research, passages: search.passages}
  differences:
    agent: differences
    inputs:
      question: parameters.query
      answers: check.answers
    parameters:
      model: demo
      temperature: 0.2
    when: answers | length >= 2
  answer:
    agent: answer
    inputs:
      question: parameters.query
      answers: check.answers
      differences: differences
      passages: search.passages
result: answer
"""
STORAGE = """\
papers:
  type: corpus
  label: Papers
  source:
    path: papers.jsonl
"""
MODELS = """\
second:
  kind: embedded
  version: "2"
keyed:
  kind: hosted
  provider: openai
  model_id: gpt-5.6-luna
  api_key_env: OPENAI_API_KEY
"""
FILES: dict[str, str] = {
    "flows/mine.yaml": FLOW,
    "storage/papers.yaml": STORAGE,
    "models/mine.yaml": MODELS,
    "papers.jsonl": '{"record_id": "1", "text": "A paper."}\n',
}


def write_study(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Writes the tiny study with `files` instead of, or in addition to, its own."""
    return write_files(folder, {**FILES, **files})


def compose_study(folder: Path, *arguments: str) -> list[Study]:
    """Composes the tiny study; with a question of its own unless `arguments` hold one."""
    has_query = any(argument.startswith("query") for argument in arguments)
    return compose(["mine"], [*([] if has_query else ["query=Why?"]), *arguments], folder)


def problems_of(folder: Path, *arguments: str, flows: Sequence[str] = ("mine",)) -> list[Problem]:
    """The problems that composing the study finds; none when it composes."""
    try:
        compose(flows, ["query=Why?", *arguments], folder)
    except StudyError as error:
        return error.problems
    return []

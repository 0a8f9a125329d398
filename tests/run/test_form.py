"""The form of a flow: its types, choices, descriptions; and wrong values refused before a run starts."""

from __future__ import annotations

from functools import cache
from typing import Any

import httpx
import pytest
from prefect.deployments.runner import RunnerDeployment
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.utilities.callables import parameter_schema

import flows.declared as declared
from flows.deploy.declared import CONFIG_DIR_VARIABLE
from tests.support.running import Lab


@cache
def _form(name: str) -> dict[str, Any]:
    return parameter_schema(getattr(declared, name)).model_dump_for_openapi()


def test_required_parameters_come_first_and_may_not_be_empty() -> None:
    form = _form("osb")
    query = form["properties"]["query"]
    assert form["required"] == ["query"] and query["position"] == 0
    assert (query["type"], query["minLength"], query["description"]) == ("string", 1, "The research question.")
    assert form["properties"]["limit"]["default"] == 12


def test_roles_models_and_criteria_are_chosen_from_lists() -> None:
    properties = _form("tox")["properties"]
    assert {"embedded", "lite", "full", "local"} <= set(properties["llms"]["enum"])
    assert properties["llms"]["default"] == "as configured"
    for name, known in {"model": {"demo", "gpt-mini", "claude-haiku"}, "criteria": {"ordinary", "power"}}.items():
        assert (properties[name]["type"], properties[name]["default"]) == ("array", [])
        assert known <= set(properties[name]["items"]["enum"])
    assert "ordinary, power" in properties["criteria"]["description"]


def test_the_shorthands_are_fields_with_limits() -> None:
    properties = _form("tox")["properties"]
    assert (properties["sample"]["type"], properties["sample"]["minimum"]) == ("integer", 0)
    assert {"type": "number", "minimum": 0} in properties["budget"]["anyOf"]
    assert (properties["columns"]["type"], properties["records"]["type"]) == ("object", "string")
    assert "records" not in _form("osb")["properties"]


def test_every_question_of_every_flow_is_described() -> None:
    for flow in ("osb", "tox", "trans", "vaw", "judger"):
        for name, property_ in _form(flow)["properties"].items():
            assert property_.get("description"), f"{flow}: {name}"


def test_a_flows_own_choices_become_a_list_to_choose_from(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.write("flows/tiny.yaml", _CHOICES)
    lab.write_model("x", {"reply": "text"})
    lab.write("prompts/short.md", "user:\n{{ record.text }}\n")
    monkeypatch.setenv(CONFIG_DIR_VARIABLE, str(lab.folder))
    properties = _form("tiny")["properties"]
    assert properties["tone"]["enum"] == ["plain", "formal"] and properties["tone"]["default"] == "plain"
    assert properties["brief"]["type"] == "boolean"
    assert properties["temperature"]["items"] == {"type": "number"}
    assert "sample" not in properties


_CHOICES = """\
description: Tiny.
parameters:
  text: {description: A text., required: true}
  tone: {description: How it is said., choices: [plain, formal], default: plain}
  brief: {type: yes_no, description: In few words., default: true}
records: parameters.text
steps:
  write:
    agent: llm
    parameters: {template: short, model: x}
    variants: {temperature: [0.0, 0.7]}
result: write
"""


@pytest.fixture(scope="module")
def osb_runs_url(prefect_api: str) -> str:
    """The API address that creates runs of a deployment of osb."""
    with temporary_settings({PREFECT_API_URL: prefect_api}):
        deployment: Any = RunnerDeployment.from_entrypoint("flows.declared.osb", name="form").apply()
        return f"{prefect_api}/deployments/{deployment}/create_flow_run"


REFUSED: dict[str, dict[str, Any]] = {
    "nothing asked": {},
    "an empty question": {"query": ""},
    "no text": {"query": 7},
    "no number": {"query": "Why?", "limit": "many"},
    "a negative budget": {"query": "Why?", "budget": -1},
    "roles that there are not": {"query": "Why?", "llms": "lte"},
    "a model that there is not": {"query": "Why?", "model": ["demo", "gtp"]},
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_api_refuses_what_does_not_fit(osb_runs_url: str, name: str) -> None:
    answer = httpx.post(osb_runs_url, json={"parameters": REFUSED[name]})
    assert answer.status_code in (409, 422), answer.text
    assert "Validation failed" in answer.text


def test_the_api_accepts_what_fits(osb_runs_url: str) -> None:
    wanted = {"query": "Why?", "limit": 3, "llms": "lite", "model": ["gpt-mini"], "budget": 0.5}
    answer = httpx.post(osb_runs_url, json={"parameters": wanted})
    assert answer.status_code == 201, answer.text
    assert answer.json()["parameters"] == wanted

"""Departures: what of a study leaves the machine, and to whom, in words for the person who runs it."""

from __future__ import annotations

from collections.abc import Iterator

from agents.llms.hosted.keys import key_variables, origin_of
from contract.models import HostedModel, origin_of_url
from contract.secrets import is_loopback_host
from contract.storage import BUCKET_URL_PREFIX, FileStorage
from flows.check.sources import source_of
from flows.spec.nodes import steps_of
from flows.spec.study import Study


def departures(study: Study) -> list[str]:
    """One sentence for each receiver; none where nothing leaves the machine."""
    return [*_to_models(study), *_to_tools(study), *_to_pages(study), *_to_storages(study)]


def found_keys(study: Study) -> list[str]:
    """The variables whose keys the study's models use, never the keys: `OPENAI_API_KEY (gpt-mini)`."""
    by_variable = dict[str, list[str]]()
    for name in sorted(study.used_models):
        config = study.models[name]
        if isinstance(config, HostedModel) and config.api_key is not None:
            by_variable.setdefault(
                config.api_key_secret or " or ".join(key_variables(config)) or "in the configuration", []
            ).append(name)
    return [f"{variable} ({', '.join(models)})" for variable, models in sorted(by_variable.items())]


def _to_models(study: Study) -> Iterator[str]:
    receivers = dict[tuple[str, str], list[str]]()
    for name in sorted(study.used_models):
        config = study.models[name]
        if isinstance(config, HostedModel) and not _is_here(config):
            origin = origin_of(config) if config.base_url or config.provider != "azure" else "your address there"
            receivers.setdefault((config.provider, origin), []).append(name)
    for (provider, origin), models in sorted(receivers.items()):
        yield f"prompts, with the texts that they show, go to {provider} ({origin}) for {', '.join(models)}"


def _is_here(config: HostedModel) -> bool:
    return config.base_url is not None and is_loopback_host((config.base_url.host or "").strip("[]"))


def _to_tools(study: Study) -> Iterator[str]:
    for name, server in sorted(study.tool_servers.items()):
        url = server.config.url
        place = origin_of_url(url) if url else f"the program {server.config.command[0]}"
        unpriced = "what it may cost there is not known, and no budget limits it"
        yield f"what a model asks of the tool server '{name}' goes to {place}; {unpriced}"


def _to_pages(study: Study) -> Iterator[str]:
    storage = study.storage.get(study.flow.records)
    if storage and source_of(storage).fetch:
        yield f"each web page that stands for a record {_ASKED_AT_ITS_SITE}"
    agents = {step.agent for step in steps_of(study.flow).values()}
    if "fetch" in agents:
        yield f"each web page that a model chooses {_ASKED_AT_ITS_SITE}"
    if "linked_pages" in agents and study.request.get("fetch"):
        yield f"each web page that the request names {_ASKED_AT_ITS_SITE}"


def _to_storages(study: Study) -> Iterator[str]:
    for name in study.flow.save:
        if not isinstance(study.storage[name], FileStorage):
            yield f"the results are saved to '{name}' ({study.storage[name].type})"
    if study.run.results and study.run.results.startswith(BUCKET_URL_PREFIX):
        yield f"replies of models, with what they quote, are kept in {study.run.results}"


_ASKED_AT_ITS_SITE = "is asked for at its site, which learns who reads it"

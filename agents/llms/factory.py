"""Builds a Model from its configuration, and holds the registry of all models of a run.

    models = ModelRegistry(configs, WrapperOptions(store))
    reply = await models.get("gemini-flash").complete(request)
    await models.aclose()

Building a model imports nothing heavy and opens nothing. Both happen at the model's first call.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path

from agents.llms.budget import Budget, Budgeted
from agents.llms.hosted.clients import HttpClients
from agents.llms.hosted.model import from_config as build_hosted
from agents.llms.hosted.subprocess_model import CallerProcess, HostedInSubprocess
from agents.llms.journal import Journal, Journalled
from agents.llms.misfits import Misfits, StoppedByMisfits
from agents.llms.model import Model
from agents.llms.prices import price_of, worst_case
from agents.llms.rate_limits import Clock, Limited, MakeWindow, Slots
from agents.llms.reply_cache import CachedReplies, ReplyStore
from contract.base import digest
from contract.calls import ModelRequest
from contract.errors import ModelRejected
from contract.models import Limits, ModelConfig

_BUILDERS = {
    "local": "agents.llms.local:from_config",
    "embedded": "agents.llms.embedded.model:Embedded",
    "scripted": "agents.llms.scripted:from_config",
}


@dataclass(frozen=True)
class WrapperOptions:
    """The layers around every model of a run. Each is optional."""

    store: ReplyStore | None = None
    """Where replies are kept, so that none is paid for twice."""
    budget: Budget | None = None
    """What the run may spend."""
    journal: Journal | None = None
    """Where calls are recorded while they run."""
    limits_folder: Path | None = None
    """Where calls at once, requests and tokens per minute are counted, for all processes that see the folder."""
    misfits: Misfits | None = None
    """Which models never reply what fits, so that they are asked no more."""


Transport = HttpClients | CallerProcess
"""How hosted models are called: by HTTP from this process, or from a subprocess."""


def build_model(
    name: str, config: ModelConfig, wrappers: WrapperOptions | None = None, transport: Transport | None = None
) -> Model:
    """The model that `config` describes, within its limits and inside the layers of `wrappers`.

    Raises StudyError if the configuration names a file that cannot be used, and ModelRejected if there is a budget
    and the price of the model is unknown.
    """
    wrappers = wrappers or WrapperOptions()
    model = _build_unwrapped(name, config, transport)
    if wrappers.journal and config.kind == "hosted":
        model = Journalled(model, wrappers.journal, _worst_case(config))
    shared = _shared_limits(config, wrappers.limits_folder)
    windows, slots = shared or (None, None)
    model = Limited(model, _limits(config), make_window=windows, shared_slots=slots)
    if wrappers.budget:
        model = _with_budget(model, config, wrappers.budget)
    if wrappers.misfits:
        model = StoppedByMisfits(model, wrappers.misfits)
    return CachedReplies(model, wrappers.store, config) if wrappers.store else model


def _shared_limits(config: ModelConfig, folder: Path | None) -> tuple[MakeWindow, Slots | None] | None:
    """Limits for all processes that call the same model of the same service; None where each has its own."""
    if folder is None or config.kind != "hosted" or os.name != "posix":
        return None
    from agents.llms.shared_slots import SharedSlots, can_share_slots
    from agents.llms.shared_window import SharedWindowLimiter

    service = digest([config.provider, str(config.base_url or ""), config.model_id])[:16]
    clock = Clock(now=time.time)
    slots = SharedSlots(folder / f"{service}.concurrency", config.limits.concurrency)

    def window(kind: str, limit: int) -> SharedWindowLimiter:
        return SharedWindowLimiter(folder / f"{service}.{kind}.json", limit, clock)

    return window, slots if can_share_slots(folder) else None


def _with_budget(model: Model, config: ModelConfig, budget: Budget) -> Model:
    price = price_of(config)
    if price is None:
        raise ModelRejected(f"the price of '{model.name}' is not known, so a budget cannot be kept; add `price:` to it")
    return Budgeted(model, budget, lambda request: worst_case(price, config, request))


def _worst_case(config: ModelConfig) -> Callable[[ModelRequest], Decimal | None]:
    price = price_of(config)
    return lambda request: None if price is None else worst_case(price, config, request)


def _build_unwrapped(name: str, config: ModelConfig, transport: Transport | None) -> Model:
    if config.kind == "hosted":
        if isinstance(transport, CallerProcess):
            return HostedInSubprocess(name, config, transport)
        return build_hosted(name, config, transport)
    module, builder = _BUILDERS[config.kind].split(":")
    return getattr(import_module(module), builder)(name, config)


def _limits(config: ModelConfig) -> Limits:
    # A local model answers one request at a time. The wait for a turn must not count towards a call's time limit.
    return config.limits.model_copy(update={"concurrency": 1}) if config.kind == "local" else config.limits


class ModelRegistry:
    """The models of a run by name. Each is built at its first use. Closing it also closes the transport."""

    def __init__(
        self,
        configs: Mapping[str, ModelConfig],
        wrappers: WrapperOptions | None = None,
        transport: Transport | None = None,
    ) -> None:
        self._configs = configs
        self._wrappers = wrappers
        self._transport: Transport = transport or HttpClients()
        self._built: dict[str, Model] = {}

    def get(self, name: str) -> Model:
        """The model of that name. If there is none, raises ModelRejected, which names the nearest."""
        if name not in self._built:
            if name not in self._configs:
                raise ModelRejected(self._unknown_model_message(name))
            self._built[name] = build_model(name, self._configs[name], self._wrappers, self._transport)
        return self._built[name]

    def _unknown_model_message(self, name: str) -> str:
        near = get_close_matches(name, self._configs, n=3)
        if near:
            return f"there is no model '{name}'; did you mean {' or '.join(repr(n) for n in near)}?"
        return f"there is no model '{name}'; there are {', '.join(sorted(self._configs)) or 'none'}"

    async def aclose(self) -> None:
        """Closes every model that was built, and the transport. If one fails to close, the others are closed too.

        Raises an ExceptionGroup of the failures.
        """
        built, self._built = self._built, {}
        errors: list[Exception] = []
        for resource in [*built.values(), self._transport]:
            try:
                await resource.aclose()
            except Exception as error:
                errors.append(error)
        if errors:
            raise ExceptionGroup("models did not close", errors)

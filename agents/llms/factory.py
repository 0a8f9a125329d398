"""From a model's configuration to a Model, and the book of all models of a run.

    book = ModelBook(configs, Keeping(store))
    reply = await book.get("gemini-flash").complete(request)
    await book.aclose()

Building a model imports nothing heavy and opens nothing: that happens at its first call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module

from agents.llms.budget import Budget, Budgeted
from agents.llms.hosted import subprocess_model as beside
from agents.llms.hosted.clients import HttpClients
from agents.llms.hosted.model import from_config as hosted
from agents.llms.journal import Journal, Journalled
from agents.llms.model import Model
from agents.llms.prices import price_of, worst_case
from agents.llms.rate_limits import Limited
from agents.llms.reply_cache import CachedReplies, ReplyStore
from contract.errors import ModelRejected
from contract.models import Limits, ModelConfig

_BUILDERS = {
    "local": "agents.llms.local:from_config",
    "embedded": "agents.llms.embedded.model:EmbeddedModel",
    "scripted": "agents.llms.scripted:from_config",
}


@dataclass(frozen=True)
class WrapperOptions:
    """What stands around every model of a run; none of it must be given."""

    store: ReplyStore | None = None
    """Where replies are kept, so that none is paid for twice."""
    budget: Budget | None = None
    """What the run may spend."""
    journal: Journal | None = None
    """Where calls under way are written down."""


Transport = HttpClients | beside.CallerProcess
"""How hosted models are reached: by HTTP from here, or from a process beside."""


def build_model(
    name: str, config: ModelConfig, wrappers: WrapperOptions | None = None, transport: Transport | None = None
) -> Model:
    """The model that `config` describes, within its limits and with what `keeping` puts around it.

    Raises StudyError where the configuration names a file that cannot be used, ModelRejected for a model whose price
    nobody knows where there is a budget to keep.
    """
    wrappers = wrappers or WrapperOptions()
    model = _build_unwrapped(name, config, transport)
    if wrappers.journal and config.kind == "hosted":
        model = Journalled(model, wrappers.journal)
    model = Limited(model, _limits(config))
    if wrappers.budget:
        model = _with_budget(model, config, wrappers.budget)
    return CachedReplies(model, wrappers.store) if wrappers.store else model


def _with_budget(model: Model, config: ModelConfig, budget: Budget) -> Model:
    price = price_of(config)
    if price is None:
        raise ModelRejected(f"the price of '{model.name}' is not known, so a budget cannot be kept; add `price:` to it")
    return Budgeted(model, budget, lambda request: worst_case(price, config, request))


def _build_unwrapped(name: str, config: ModelConfig, transport: Transport | None) -> Model:
    if config.kind == "hosted":
        if isinstance(transport, beside.CallerProcess):
            return beside.HostedInSubprocess(name, config, transport)
        return hosted(name, config, transport)
    module, builder = _BUILDERS[config.kind].split(":")
    return getattr(import_module(module), builder)(name, config)


def _limits(config: ModelConfig) -> Limits:
    # A local model answers one at a time; waiting for its turn must not count against a call's time limit.
    return config.limits.model_copy(update={"concurrency": 1}) if config.kind == "local" else config.limits


class ModelRegistry:
    """The models of a run by name, each built when first asked for. It closes the line with them."""

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
        """The model of that name. Raises ModelRejected, naming the nearest, if there is none."""
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
        """Closes every model that was built, the others too if one fails to."""
        built, self._built = self._built, {}
        errors: list[Exception] = []
        for resource in [*built.values(), self._transport]:
            try:
                await resource.aclose()
            except Exception as error:
                errors.append(error)
        if errors:
            raise ExceptionGroup("models did not close", errors)

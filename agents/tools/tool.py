"""Tool: a typed async function that can be described to a model and called with checked arguments.

@MCPRoute()
@tool(permissions=("read_corpus",))
async def count_decisions(country: str, *, services: AgentServices) -> int:
    '''Counts the decisions on posts from a country.

    Args:
        country: Its English name.
    '''
"""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, TypeVar, cast, get_args, get_type_hints, overload

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model
from pydantic.errors import PydanticUserError

from agents.base.services import AgentServices
from agents.llms.storable import storable_json
from contract.base import JsonValue
from contract.errors import CellError
from contract.tools import AgentToolDefinition, Permission

_NAME = r"[A-Za-z][A-Za-z0-9_]{0,127}"
_MARK = "_is_published_over_mcp"
Marked = TypeVar("Marked", bound=Callable[..., Awaitable[Any]])


class ToolFailed(CellError):
    """A tool could not do what it was asked; the text is written for who asked."""


class BadArguments(ToolFailed):
    """The arguments do not fit the tool's schema; the text names each that does not."""


@dataclass(frozen=True)
class Tool:
    """A function that can be called as a tool."""

    function: Callable[..., Awaitable[Any]]
    name: str
    description: str
    permissions: tuple[Permission, ...] = ()
    published: bool = False
    """Whether the MCP server shows it."""
    owner: Any = None
    """The agent that the method belongs to; None for a plain function."""

    def __post_init__(self) -> None:
        if not re.fullmatch(_NAME, self.name):
            what = f"'{self.name[:80]}' is no name of a tool"
            raise TypeError(
                f"{what}; it begins with a letter, and letters, digits and _ follow (`name=` gives another)"
            )

    def __get__(self, instance: Any, owner: type | None = None) -> Tool:
        return self if instance is None else replace(self, owner=instance)

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the function as it was written."""
        return await self.function(*((self.owner,) if self.owner else ()), *args, **kwargs)

    @cached_property
    def definition(self) -> AgentToolDefinition:
        """What a model or a client sees of it."""
        return AgentToolDefinition(
            name=self.name,
            description=self.description,
            input_schema=self._arguments.model_json_schema(),
            output_schema=self._result.json_schema(mode="serialization"),
            permissions=self.permissions,
        )

    async def call(self, arguments: Mapping[str, JsonValue], services: AgentServices) -> JsonValue:
        """Calls the function with arguments from outside, and returns its result as JSON.

        Raises BadArguments before the call, ToolFailed for a result that does not fit, and what the function raises.
        """
        try:
            checked = self._arguments.model_validate(dict(arguments))
        except ValidationError as error:
            raise BadArguments(_problems(error, "arguments")) from None
        values = {name: getattr(checked, name) for name in type(checked).model_fields}
        if self._services_name:
            values[self._services_name] = services
        return self._as_json(await self._called(values))

    async def _called(self, values: Mapping[str, Any]) -> Any:
        """Calls the function; its own end of the program, or of a task, is a failure of it alone."""
        try:
            return await self(**values)
        except (SystemExit, asyncio.CancelledError) as error:
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and task and task.cancelling():
                raise  # whoever waits for the call has ended it
            raise ToolFailed(f"failed with an error of its own ({type(error).__name__})") from error

    def _as_json(self, result: Any) -> JsonValue:
        try:
            found = self._result.dump_python(self._result.validate_python(result), mode="json", warnings="error")
            return _sendable(found)
        except ValidationError as error:
            problems = _problems(error)
        except ValueError as error:
            problems = str(error)
        raise ToolFailed(f"its result does not fit the type that it declares: {problems[:300]}")

    def check(self) -> None:
        """Raises TypeError where a type is unknown or has no JSON, or a default does not fit its type."""
        label = _label(self.function)
        try:
            hints = self._hints
        except NameError as error:
            todo = "define or import it above the tool"
            raise TypeError(f"{label}: there is no type '{error.name}' where the tool stands; {todo}") from error
        for name, parameter in _parameters(self.function).items():
            if name != self._services_name:
                _check_argument(f"{label}: the argument '{name}'", hints[name], parameter)
        _adapter(f"{label}: its result", hints["return"], "serialization")
        try:
            _ = self.definition
        except (NameError, ValueError, PydanticUserError) as error:
            raise TypeError(f"{label}: it cannot be described to a model: {error}") from error

    @cached_property
    def _hints(self) -> dict[str, Any]:
        return get_type_hints(self.function, include_extras=True)

    @cached_property
    def _services_name(self) -> str | None:
        return next((name for name, kind in self._hints.items() if kind is AgentServices), None)

    @cached_property
    def _arguments(self) -> type[BaseModel]:
        documented = _documented_arguments(self.function)
        fields: dict[str, Any] = {}
        for name, parameter in _parameters(self.function).items():
            if name == self._services_name:
                continue
            default = ... if parameter.default is parameter.empty else parameter.default
            fields[name] = (self._hints[name], Field(default, description=documented.get(name)))
        return create_model(self.name, __config__=ConfigDict(extra="forbid"), **fields)

    @cached_property
    def _result(self) -> TypeAdapter[Any]:
        return TypeAdapter(self._hints["return"])


@overload
def tool(function: Callable[..., Awaitable[Any]], /) -> Tool: ...
@overload
def tool(
    *, name: str | None = None, description: str | None = None, permissions: tuple[Permission, ...] = ()
) -> Callable[[Callable[..., Awaitable[Any]]], Tool]: ...
def tool(
    function: Callable[..., Awaitable[Any]] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    permissions: tuple[Permission, ...] = (),
) -> Tool | Callable[[Callable[..., Awaitable[Any]]], Tool]:
    """Makes a tool of an async function or of an agent's method.

    Its schemas come from the signature, in which every parameter and the result have a type; its description from the
    docstring, and the descriptions of arguments from the docstring's `Args:`. A parameter of type `AgentServices` is
    filled by whoever runs the tool and is no argument. Raises TypeError for a function that cannot be a tool.
    """

    def make(function: Callable[..., Awaitable[Any]]) -> Tool:
        text = description or _summary(function)
        _check(function, text, permissions)
        own_name = getattr(function, "__name__", "") if name is None else name
        made = Tool(function, own_name, text, tuple(permissions), getattr(function, _MARK, False))
        made.check()
        return made

    return make(function) if function else make


class MCPRoute:
    """Marks a tool that the MCP server shows, under the name of its entry point. Stands above or below `@tool`."""

    def __init__(self, *given: Any) -> None:
        if given:
            todo = "a tool is published under the name of its entry point"
            raise TypeError(f"write @MCPRoute() with nothing between its brackets; {todo}")

    def __call__(self, marked: Marked) -> Marked:
        if isinstance(marked, Tool):
            return cast("Any", replace(marked, published=True))
        setattr(marked, _MARK, True)
        return marked


def _sendable(value: Any) -> JsonValue:
    """The value as a connection can carry it, which what is no JSON would end. Raises ValueError where it cannot."""
    value = storable_json(value)
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        raise ValueError("it holds a number that is infinite, or none (nan), which JSON has no sign for") from None
    return value


def _label(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", repr(function))


def _check(function: Callable[..., Awaitable[Any]], description: str, permissions: tuple[Permission, ...]) -> None:
    label, known = _label(function), get_args(Permission)
    if isinstance(permissions, str):
        raise TypeError(f"{label}: write its permissions as a list, ('{permissions}',)")
    if unknown := [str(one) for one in permissions if one not in known]:
        raise TypeError(f"{label}: there is no permission '{unknown[0]}'; there are {', '.join(known)}")
    if not inspect.iscoroutinefunction(function):
        raise TypeError(f"{label}: a tool is an async function")
    if not description:
        raise TypeError(f"{label}: a tool needs a docstring, from which a model learns what it does")
    parameters = _parameters(function)
    if any(one.kind in {one.VAR_POSITIONAL, one.VAR_KEYWORD} for one in parameters.values()):
        raise TypeError(f"{label}: a tool names each of its arguments, so it cannot have * or **")
    unnamed = [name for name, one in parameters.items() if one.kind is one.POSITIONAL_ONLY]
    if unnamed:
        raise TypeError(f"{label}: a tool's arguments are given by name, so '{unnamed[0]}' cannot stand before /")
    untyped = [name for name, one in parameters.items() if one.annotation is one.empty]
    if untyped or inspect.signature(function).return_annotation is inspect.Signature.empty:
        raise TypeError(f"{label}: a tool needs a type for {', '.join(untyped) or 'its result'}")


def _check_argument(what: str, hint: Any, parameter: inspect.Parameter) -> None:
    adapter = _adapter(what, hint, "validation")
    if parameter.default is parameter.empty:
        return
    try:
        adapter.validate_python(parameter.default)
    except ValidationError as error:
        raise TypeError(f"{what}: its default does not fit its type: {_problems(error)}") from error


def _adapter(what: str, hint: Any, mode: Literal["validation", "serialization"]) -> TypeAdapter[Any]:
    try:
        adapter = TypeAdapter[Any](hint)
        adapter.json_schema(mode=mode)
    except PydanticUserError as error:
        todo = "texts, numbers, lists, dicts and Pydantic's models have one"
        raise TypeError(f"{what} has the type {getattr(hint, '__name__', hint)}, which has no JSON; {todo}") from error
    return adapter


def _parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The parameters but `self`."""
    return {name: one for name, one in inspect.signature(function).parameters.items() if name != "self"}


def _sections(function: Callable[..., Any]) -> list[Any]:
    from griffe import Docstring

    return cast("list[Any]", Docstring(inspect.getdoc(function) or "").parse("google", warnings=False))


def _summary(function: Callable[..., Any]) -> str:
    return next((str(section.value).strip() for section in _sections(function) if section.kind.value == "text"), "")


def _documented_arguments(function: Callable[..., Any]) -> dict[str, str]:
    named = (section.value for section in _sections(function) if section.kind.value == "parameters")
    return {one.name: " ".join(one.description.split()) for section in named for one in section}


def _problems(error: ValidationError, whole: str = "") -> str:
    named = ((".".join(map(str, one["loc"])) or whole, one["msg"].lower()) for one in error.errors())
    return "; ".join(f"{name}: {text}" if name else text for name, text in named)

"""Budget of one rendering of a template: how many turns its loops may take, and how much text it may make.

A study can come from an untrusted source, and a template is a program. Each operation that makes a text or a list
counts what it makes, so that no way of doubling a text, many of which are short, fills the memory.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, cast

from jinja2 import Undefined
from jinja2.exceptions import SecurityError

MAX_SIZE = 10_000_000
"""Characters of the longest text, and the largest number that may be written or multiplied."""
MAX_ITEMS = 1_000_000
"""Items of the longest list."""
MAX_TURNS = 1_000_000
"""Turns of all loops in one rendering. Calls and included templates count as several, since they take longer."""
TURNS_OF_A_CALL = 10
TURNS_OF_A_TEMPLATE = 20
MAX_TOTAL = 20 * MAX_SIZE
"""Characters and items that all operations of one rendering may read and make together."""
MAX_DEPTH = 50
"""Tuples within tuples. Python ends the whole process when it hashes one that is 100,000 deep."""
_NUMBER_CHARACTERS = 24
_ITEM_CHARACTERS = 12


class Budget:
    """What is left for one rendering."""

    def __init__(self) -> None:
        self._turns = MAX_TURNS
        self._total = MAX_TOTAL

    def take_turns(self, number: int) -> None:
        """Counts turns of a loop. Raises SecurityError when the rendering has taken too many."""
        self._turns -= number
        if self._turns < 0:
            raise SecurityError(f"the loops take more than {MAX_TURNS:,} turns")

    def take(self, size: int) -> None:
        """Counts characters or items. Raises SecurityError when the rendering has made too many."""
        self._total -= size
        if self._total < 0:
            raise SecurityError(f"all its texts together are longer than {MAX_TOTAL:,} characters")

    def take_value(self, value: Any) -> None:
        """Counts a text or a list that was read or made."""
        if isinstance(value, str):
            check_characters(len(value))
            self.take(len(value))
        elif isinstance(value, list | tuple):
            number = len(cast("list[Any]", value))
            check_items(number)
            self.take(number)

    def join(self, texts: Iterable[str]) -> str:
        """Returns the texts as one. Raises SecurityError when it would be too long."""
        parts, size = list[str](), 0
        for text in texts:
            size += len(text)
            check_characters(size)
            parts.append(text)
        self.take(size)
        return "".join(parts)


_current: ContextVar[Budget] = ContextVar("budget of the template that is being filled")


@contextmanager
def template_budget() -> Generator[None]:
    """A budget of its own for the rendering within the block."""
    token = _current.set(Budget())
    try:
        yield
    finally:
        _current.reset(token)


def current_budget() -> Budget:
    """The budget of the rendering that is under way. Raises LookupError outside of one."""
    return _current.get()


def check_characters(number: float) -> None:
    """Raises SecurityError for a text of so many characters."""
    if number > MAX_SIZE:
        raise SecurityError(f"the text is longer than {MAX_SIZE:,} characters")


def check_items(number: float) -> None:
    """Raises SecurityError for a list of so many items."""
    if number > MAX_ITEMS:
        raise SecurityError(f"the list is longer than {MAX_ITEMS:,} items")


def check_depth(value: Any) -> None:
    """Raises SecurityError for tuples within tuples that are too deep."""
    level: list[Any] = cast("list[Any]", value) if isinstance(value, list) else [value]
    for _ in range(MAX_DEPTH):
        inner = {id(item): item for one in level if isinstance(one, tuple) for item in cast("tuple[Any, ...]", one)}
        level = [item for item in inner.values() if isinstance(item, tuple)]
        if not level:
            return
    raise SecurityError(f"tuples are nested more than {MAX_DEPTH} levels deep")


def text_size(value: Any) -> int:
    """About how many characters `value` has when it is written.

    Raises SecurityError when these are too many, and for what is no data: a macro or a generator, whose text differs
    from process to process; UndefinedError for what is undefined, also within a list.
    """
    size, pending = 0, [value]
    while pending:
        one = pending.pop()
        if isinstance(one, str):
            size += len(one) + _ITEM_CHARACTERS
        elif isinstance(one, Undefined):
            size += len(str(one))
        elif one is None or isinstance(one, int | float | range):
            size += _NUMBER_CHARACTERS + (one.bit_length() // 3 if isinstance(one, int) else 0)
        elif isinstance(one, Mapping):
            size += _ITEM_CHARACTERS
            for pair in cast("Mapping[Any, Any]", one).items():
                pending += pair
        elif isinstance(one, list | tuple):
            size += _ITEM_CHARACTERS
            pending += cast("list[Any]", one)
        else:
            raise SecurityError(f"a {type(one).__name__.lower()} is not a text and cannot be written")
        check_characters(max(size, len(pending)))
    return size

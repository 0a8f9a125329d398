"""Provenance: for each value of the composed configuration, the file and line where it was set.

    provenance.where(("flows", "osb", "steps", "search", "agent"))      # "conf/flows/osb.yaml:31"

It is built from Hydra's own list of the files it merged, in order, and the marks that PyYAML keeps on each node.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import yaml

from contract.key_texts import MASK
from flows.config.folders import display_path
from flows.config.written_numbers import RewrittenNumber, rewritten_numbers

KeyPath: TypeAlias = tuple[str, ...]
"""Keys from the root of the configuration; a list's items are named `0`, `1`, …"""

_INTERPOLATION = re.compile(r"\$\{([\w./-]+(?:\.[\w./-]+)*)\}")


@dataclass(frozen=True)
class SourceLocation:
    """Where one value was set. `file` is None for the command line."""

    label: str
    file: Path | None = None

    def __str__(self) -> str:
        return self.label


@dataclass
class Provenance:
    """Locations by key path, and the values that consist only of an interpolation of another path."""

    locations: dict[KeyPath, SourceLocation] = field(default_factory=dict[KeyPath, SourceLocation])
    interpolations: dict[KeyPath, KeyPath] = field(default_factory=dict[KeyPath, KeyPath])
    numbers: dict[KeyPath, RewrittenNumber] = field(default_factory=dict[KeyPath, "RewrittenNumber"])
    """Keys and values that YAML reads as another number than is written."""

    _holders: set[KeyPath] = field(default_factory=set[KeyPath])
    """Paths with other paths below them, whether or not these were forgotten since."""

    def add_file(self, file: Path, root: yaml.Node, prefix: KeyPath) -> None:
        """Adds the locations of a file; they replace earlier ones as Hydra lets its values replace earlier ones."""
        if prefix:
            self.locations.setdefault(prefix, SourceLocation(f"{display_path(file)}:1", file))
        for path, line, value in _marks(root, prefix):
            if path == (*prefix, "defaults"):
                continue
            if value is not None:
                self.forget_below(path)
                if link := _INTERPOLATION.fullmatch(value):
                    self.interpolations[path] = tuple(link[1].split("."))
                else:
                    self.interpolations.pop(path, None)
            self.locations[path] = SourceLocation(f"{display_path(file)}:{line}", file)
            self._holders.update(path[:length] for length in range(len(path)))
            self.numbers.pop(path, None)
        self.numbers.update(rewritten_numbers(root, prefix))

    def add_argument(self, path: KeyPath, text: str) -> None:
        """Records that the command line set `path`; `text` is what was typed, secrets masked."""
        self.forget_below(path)
        self.interpolations.pop(path, None)
        self.numbers.pop(path, None)
        self._holders.update(path[:length] for length in range(len(path)))
        self.locations[path] = SourceLocation(f"command line: {text}")

    def copy_below(self, source: KeyPath, target: KeyPath, *, overwrite: bool) -> None:
        """Copies what was set below `source` to `target`: over what is set there with `overwrite`, else under it."""
        for table in (self.locations, self.interpolations):
            found = {path: table[path] for path in table if path[: len(source)] == source}
            for path, value in found.items():
                moved = target + path[len(source) :]
                if overwrite or moved not in self.locations or table is self.interpolations:
                    table[moved] = value  # type: ignore[reportArgumentType]
                    self._holders.update(moved[:length] for length in range(len(moved)))

    def location(self, path: KeyPath) -> SourceLocation | None:
        """Where the value at `path`, or the nearest path above it, was set; follows interpolations."""
        return self._find_location(path, frozenset())

    def is_typed(self, path: KeyPath) -> bool:
        """Whether the command line set the value."""
        found = self.location(path)
        return found is not None and found.file is None

    def where(self, path: KeyPath) -> str:
        """`file:line`, or `command line: …`; never empty."""
        return str(self.location(path) or ".".join(path) or "the configuration")

    def where_written(self, path: KeyPath) -> str:
        """Like `where`, but does not follow an interpolation: the place of the `${…}` itself."""
        for length in range(len(path), 0, -1):
            if found := self.locations.get(path[:length]):
                return str(found)
        return self.where(path)

    def line_of_file(self, file: Path) -> str:
        """The first line of a file, as the place of a mistake that concerns the whole file."""
        return f"{display_path(file)}:1"

    def _find_location(self, path: KeyPath, seen: frozenset[KeyPath]) -> SourceLocation | None:
        for length in range(len(path), 0, -1):
            at, rest = path[:length], path[length:]
            target = self.interpolations.get(at)
            if target and at not in seen and (found := self._find_location(target + rest, seen | {at})):
                return found
            if at in self.locations:
                return self.locations[at]
        return None

    def forget_below(self, path: KeyPath) -> None:
        """Removes what is known of values below `path`, which something else has replaced."""
        if path not in self._holders:
            return
        depth = len(path)
        for table in (self.locations, self.interpolations, self.numbers):
            for below in [other for other in table if len(other) > depth and other[:depth] == path]:
                del table[below]


def _marks(node: yaml.Node, path: KeyPath) -> Iterator[tuple[KeyPath, int, str | None]]:
    """Key path, line, and the text that replaces an earlier value (None for a mapping, which is merged)."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            below = (*path, str(key.value))
            yield below, key.start_mark.line + 1, _replacing_text(value)
            yield from _marks(value, below)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            below = (*path, str(number))
            yield below, item.start_mark.line + 1, _replacing_text(item)
            yield from _marks(item, below)


def _replacing_text(node: yaml.Node) -> str | None:
    if isinstance(node, yaml.MappingNode):
        return None
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""


def mask_secrets(config: Mapping[str, object], is_secret: Callable[[KeyPath, object], bool]) -> dict[str, object]:
    """`config` with ten stars for every value that is a secret by its path and itself; null stays null."""

    def mask(path: KeyPath, value: object) -> object:
        if isinstance(value, Mapping):
            return {str(k): mask((*path, str(k)), v) for k, v in value.items()}  # type: ignore[reportUnknownVariableType,reportUnknownArgumentType]
        if isinstance(value, list):
            return [mask(path, item) for item in value]  # type: ignore[reportUnknownVariableType]
        return MASK if value is not None and is_secret(path, value) else value

    return {key: mask((key,), value) for key, value in config.items()}

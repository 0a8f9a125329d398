"""Provenance: for each value of the composed configuration, the file and line where it was set.

    provenance.where(("flows", "osb", "steps", "search", "agent"))      # "conf/flows/osb.yaml:31"

Built from Hydra's own list of the files it merged, in order, and the marks that PyYAML keeps on each node.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import yaml

from flows.config.folders import shown

KeyPath: TypeAlias = tuple[str, ...]
"""Keys from the root of the configuration; a list's items are named `0`, `1`, …"""

_LINK = re.compile(r"\$\{([\w./-]+(?:\.[\w./-]+)*)\}")


@dataclass(frozen=True)
class Place:
    """Where one value was set. `file` is None for the command line."""

    label: str
    file: Path | None = None

    def __str__(self) -> str:
        return self.label


@dataclass
class Provenance:
    """Places by key path, and the values that are nothing but an interpolation of another path."""

    places: dict[KeyPath, Place] = field(default_factory=dict[KeyPath, Place])
    links: dict[KeyPath, KeyPath] = field(default_factory=dict[KeyPath, KeyPath])

    def add_file(self, file: Path, root: yaml.Node, prefix: KeyPath) -> None:
        """Lays a file's marks over what is known, as Hydra lays its values."""
        if prefix:
            self.places.setdefault(prefix, Place(f"{shown(file)}:1", file))
        for path, line, value in _marks(root, prefix):
            if path == (*prefix, "defaults"):
                continue
            if value is not None:
                self._forget_below(path)
                if link := _LINK.fullmatch(value):
                    self.links[path] = tuple(link[1].split("."))
                else:
                    self.links.pop(path, None)
            self.places[path] = Place(f"{shown(file)}:{line}", file)

    def add_argument(self, path: KeyPath, text: str) -> None:
        """Records that the command line set `path`; `text` is what was typed, secrets masked."""
        self._forget_below(path)
        self.links.pop(path, None)
        self.places[path] = Place(f"command line: {text}")

    def copy_below(self, source: KeyPath, target: KeyPath, *, over: bool) -> None:
        """What was set below `source` also counts below `target`, over or under what is set there."""
        for known in (self.places, self.links):
            found = {path: known[path] for path in known if path[: len(source)] == source}
            for path, value in found.items():
                moved = target + path[len(source) :]
                if over or moved not in self.places or known is self.links:
                    known[moved] = value  # type: ignore[reportArgumentType]

    def place(self, path: KeyPath) -> Place | None:
        """Where the value at `path`, or the nearest thing that holds it, was set; interpolations are followed."""
        return self._place(path, frozenset())

    def where(self, path: KeyPath) -> str:
        """`file:line`, or `command line: …`; never empty."""
        return str(self.place(path) or ".".join(path) or "the configuration")

    def where_written(self, path: KeyPath) -> str:
        """As `where`, but an interpolation is not followed: where the `${…}` itself stands."""
        for length in range(len(path), 0, -1):
            if found := self.places.get(path[:length]):
                return str(found)
        return self.where(path)

    def line_of_file(self, file: Path) -> str:
        """The first line of a file, for what is wrong with all of it."""
        return f"{shown(file)}:1"

    def _place(self, path: KeyPath, seen: frozenset[KeyPath]) -> Place | None:
        for length in range(len(path), 0, -1):
            at, rest = path[:length], path[length:]
            target = self.links.get(at)
            if target and at not in seen and (found := self._place(target + rest, seen | {at})):
                return found
            if at in self.places:
                return self.places[at]
        return None

    def _forget_below(self, path: KeyPath) -> None:
        depth = len(path)
        for known in (self.places, self.links):
            for below in [other for other in known if len(other) > depth and other[:depth] == path]:
                del known[below]


def _marks(node: yaml.Node, path: KeyPath) -> Iterator[tuple[KeyPath, int, str | None]]:
    """Key path, line, and the text of what replaces an earlier value (mappings are merged: None)."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            below = (*path, str(key.value))
            yield below, key.start_mark.line + 1, _replacing(value)
            yield from _marks(value, below)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            below = (*path, str(number))
            yield below, item.start_mark.line + 1, _replacing(item)
            yield from _marks(item, below)


def _replacing(node: yaml.Node) -> str | None:
    if isinstance(node, yaml.MappingNode):
        return None
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""


def masked(config: Mapping[str, object], secret: re.Pattern[str]) -> dict[str, object]:
    """`config` with every value whose key looks like a secret's replaced by stars."""

    def mask(key: str, value: object) -> object:
        if isinstance(value, Mapping):
            return {str(k): mask(str(k), v) for k, v in value.items()}  # type: ignore[reportUnknownVariableType,reportUnknownArgumentType]
        if isinstance(value, list):
            return [mask(key, item) for item in value]  # type: ignore[reportUnknownVariableType]
        return "**********" if value is not None and secret.search(key) else value

    return {key: mask(key, value) for key, value in config.items()}

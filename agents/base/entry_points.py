"""Entry points: what installed packages add to Buttermilk, each with the package that it comes from.

A package that a user has installed may do what ours may: it is trusted like ours, unlike the folder of a study.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points

OUR_PACKAGE = "buttermilk"


@dataclass(frozen=True)
class Offer:
    """One entry point, not yet imported."""

    entry: EntryPoint
    package: str
    version: str

    @property
    def from_package(self) -> str:
        """Name and version of the package."""
        return f"{self.package} {self.version}".strip()


@cache
def offers(group: str) -> Mapping[str, tuple[Offer, ...]]:
    """What packages offer in a group, by name: one offer each, more where several packages use one name."""
    found = dict[str, list[Offer]]()
    for entry in entry_points(group=group):
        package = entry.dist.name if entry.dist else ""
        found.setdefault(entry.name, []).append(Offer(entry, package, entry.dist.version if entry.dist else ""))
    return {name: tuple(sorted(found[name], key=lambda one: one.package)) for name in sorted(found)}

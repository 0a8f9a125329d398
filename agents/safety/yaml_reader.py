"""Reads YAML as plain data: with libyaml, which is ten times as fast as PyYAML's own reader, and within limits.

Every YAML text of a study is read here, since libyaml's depth is that of the C stack: a text of brackets alone would
end the process.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import yaml
from yaml.constructor import SafeConstructor

from agents.safety.yaml_limits import MAX_DEPTH, YamlLimitExceeded, check_yaml_depth, check_yaml_limits

LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The loader of plain data; PyYAML's own where it was built without libyaml."""

UNREADABLE_YAML = (yaml.YAMLError, YamlLimitExceeded, ValueError, TypeError, OverflowError, AttributeError, LookupError)
"""What reading a text raises: for its syntax, for its size, and for a value such as `!!int many`."""


def compose_yaml(text: str, loader: type[Any] = LOADER) -> yaml.Node | None:
    """The tree of a text, whose nodes know their lines; None for an empty one.

    Raises yaml.YAMLError for a text that is no YAML, and YamlLimitExceeded for one that exceeds a limit.
    """
    if _may_be_deep(text):
        check_yaml_depth(cast("Iterator[yaml.Event]", yaml.parse(text, Loader=loader)))  # type: ignore[reportUnknownMemberType]
    root = cast("yaml.Node | None", yaml.compose(text, Loader=loader))  # type: ignore[reportUnknownMemberType]
    if root is not None:
        check_yaml_limits(root)
    return root


def _may_be_deep(text: str) -> bool:
    """Whether the text could nest much deeper than is allowed: two levels need a bracket, a blank or one of `-?:`.

    Reading the text for its depth alone takes as long as making its tree, in which a depth that is a little too large
    is found as well.
    """
    longest = max((sum(character in " -?:" for character in line) for line in text.splitlines()), default=0)
    return text.count("[") + text.count("{") + longest > MAX_DEPTH


def plain_value(root: yaml.Node | None, loader: type[Any] = LOADER) -> Any:
    """The value that a tree stands for. Raises one of UNREADABLE_YAML for a value that cannot be made."""
    if root is None:
        return None
    constructor: Any = SafeConstructor()
    constructor.yaml_constructors = loader.yaml_constructors
    return constructor.construct_document(root)


def read_yaml(text: str, loader: type[Any] = LOADER) -> Any:
    """The value of a text; None for an empty one. Raises one of UNREADABLE_YAML."""
    return plain_value(compose_yaml(text, loader), loader)


def doubled_names(root: yaml.Node | None) -> Iterator[tuple[yaml.ScalarNode, yaml.ScalarNode]]:
    """Each name that stands in one mapping again, and where it stood first. YAML would keep the last value alone."""
    if isinstance(root, yaml.SequenceNode):
        for item in root.value:
            yield from doubled_names(item)
    if not isinstance(root, yaml.MappingNode):
        return
    seen = dict[str, yaml.ScalarNode]()
    for key, value in root.value:
        if isinstance(key, yaml.ScalarNode) and (first := seen.setdefault(str(key.value), key)) is not key:
            yield key, first
        yield from doubled_names(value)

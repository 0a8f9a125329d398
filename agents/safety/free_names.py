"""The names that a template or a condition needs from outside."""

from __future__ import annotations

from jinja2 import nodes
from jinja2.meta import TrackingCodeGenerator


def free_names(tree: nodes.Template) -> frozenset[str]:
    """Returns every name that the parsed text uses and does not set itself.

    As Jinja's `find_undeclared_variables`, without its optimizer: that one works out what is constant, and raises for
    `{{ 'x'.uper ~ 'y' }}` an error of filling, while nothing is filled yet.
    """
    generator = TrackingCodeGenerator(tree.environment)  # type: ignore[reportArgumentType]
    generator.optimizer = None
    generator.visit(tree)
    return frozenset(generator.undeclared_identifiers)

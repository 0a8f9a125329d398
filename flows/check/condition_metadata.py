"""Finds the metadata fields that a flow's conditions name, such as `when: record.metadata.year > 1900`."""

from __future__ import annotations

from collections.abc import Iterator

from agents.prompting.templates import TemplatePart
from flows.check.metadata import MetadataName
from flows.check.template_fields import TemplateNames
from flows.config.provenance import Provenance
from flows.config.validate import ValidatedFlow
from flows.spec.conditions import compile_condition
from flows.spec.nodes import walk_nodes

_KEYS = ("when", "until")


def metadata_of_conditions(flow: ValidatedFlow, provenance: Provenance) -> Iterator[MetadataName]:
    """Yields each field that a condition needs: without it no cell of its step can be decided."""
    for flow_node in walk_nodes(flow.spec, flow.path):
        for key in _KEYS:
            if not (text := getattr(flow_node.node, key, None)):
                continue
            try:
                condition = compile_condition(text)
            except ValueError:
                # That it cannot be read is a mistake of its own.
                continue
            where = provenance.where((*flow_node.path, key))
            for one in TemplateNames((TemplatePart(None, condition.tree),)).of_metadata():
                what = f"the condition '{text}': `{one.before}{one.name}` is no metadata"
                yield MetadataName(one.name, where, what, one.before)

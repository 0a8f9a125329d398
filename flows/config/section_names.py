"""Names of sections: one that is misspelt, and that nothing reads, would change nothing without a word."""

from __future__ import annotations

import re
from collections.abc import Iterable

from flows.config.diagnostics import Diagnostics, closest_name
from flows.config.yaml_documents import YamlDocument, scalars

SECTIONS = frozenset({"bm", "flows", "llms", "models", "run", "secrets", "storage", "tools"})
"""What a study's configuration may hold at its top. Other names are for `${…}` and anchors to take values from."""


def report_misspelt_sections(
    names: Iterable[str], documents: Iterable[YamlDocument], overrides: Iterable[str], diagnostics: Diagnostics
) -> None:
    """Reports each of the sections `names` that is nearly called as one that is read, and from which nothing is taken.

    What an override lays over a `${…}` leaves the section as it was meant, so all that is written anywhere counts.
    """
    # `x-run: &common` is how YAML keeps what its anchors are for.
    if not (others := sorted(name for name in {*names} - SECTIONS if name.isidentifier())):
        return
    written = [node.value for document in documents for node in scalars(document.root)]
    taken_from = "\n".join(text for text in (*written, *overrides) if "${" in text)
    places = diagnostics.provenance.locations
    for name in others:
        nearest = closest_name(name, SECTIONS)
        if nearest and not re.search(rf"\$\{{[^}}]*\b{re.escape(name)}\b", taken_from):
            path = (name,) if (name,) in places else next((one for one in places if one[0] == name), (name,))
            diagnostics.add_at(path, f"nothing reads a section '{name}'", nearest=nearest)

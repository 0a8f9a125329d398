"""Names of sections: one that is misspelt, and that nothing reads, would change nothing without a word."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from flows.config.diagnostics import Diagnostics, closest_name, join_names
from flows.config.yaml_documents import YamlDocument, scalars

SECTIONS = frozenset({"bm", "flows", "llms", "models", "run", "secrets", "storage", "tools"})
"""What a study's configuration may hold at its top. Other names are for `${…}` and anchors to take values from."""


def report_misspelt_sections(
    names: Iterable[str], documents: Collection[YamlDocument], overrides: Sequence[str], diagnostics: Diagnostics
) -> None:
    """Reports each of the sections `names` from which nothing is taken, and that is nearly called as one that is read.

    A section that only the command line has is reported whatever it is called. What an override lays over a `${…}`
    leaves the section as it was meant, so all that is written anywhere counts.
    """
    # `x-run: &common` is how YAML keeps what its anchors are for.
    if not (others := sorted(name for name in {*names} - SECTIONS if name.isidentifier())):
        return
    written = [node.value for document in documents for node in scalars(document.root)]
    taken_from = "\n".join(text for text in (*written, *overrides) if "${" in text)
    in_files = {str(key.value) for document in documents if document.root for key, _ in document.root.value}
    typed = {text.lstrip("+").partition("=")[0].partition(".")[0] for text in overrides} - in_files
    places = diagnostics.provenance.locations
    for name in others:
        nearest = closest_name(name, SECTIONS)
        if (nearest or name in typed) and not re.search(rf"\$\{{[^}}]*\b{re.escape(name)}\b", taken_from):
            path = (name,) if (name,) in places else next((one for one in places if one[0] == name), (name,))
            todo = None if nearest else f"the sections are {join_names(SECTIONS)}"
            diagnostics.add_at(path, f"nothing reads a section '{name}'", nearest=nearest, todo=todo)

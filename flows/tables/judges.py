"""Finds judges that are one judge under several names, whose agreement with each other says nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.llms.embedded.judging import NEAREST_COUNT, judges_alike
from contract.codebook import codebook_of, variable_name
from flows.tables.identity import criterion_key


@dataclass(frozen=True)
class Judges:
    """What makes the judges of a run different from each other."""

    fingerprints: Mapping[str, str] = field(default_factory=dict[str, str])
    """Model -> digest of its configuration."""
    embedded: frozenset[str] = frozenset()
    """The models that judge by likeness to the examples of a criterion, whatever the prompt is."""
    alike_by: frozenset[str] = frozenset()
    """The criteria by which all embedded models judge in the same way."""

    @classmethod
    def of_run(cls, manifest: Mapping[str, Any]) -> Judges:
        """As a finished run's manifest describes them."""
        configs, prints, criteria = (_objects(manifest.get(name)) for name in ("models", "fingerprints", "criteria"))
        return cls(
            {name: str(prints.get(name, {}).get("fingerprint") or name) for name in configs},
            frozenset(name for name, config in configs.items() if config.get("kind") == "embedded"),
            frozenset(name for value, criterion in criteria.items() for name in _alike_names(value, criterion)),
        )

    def identity(self, criterion: str, rater: str) -> str:
        """The same for raters that are one judge by that criterion."""
        model, _, rest = rater.partition(", ")
        if model in self.embedded:
            return "embedded" if criterion.partition(": ")[0] in self.alike_by else self.fingerprints.get(model, model)
        return ", ".join(part for part in (self.fingerprints.get(model, model), rest) if part)

    def reason(self, criterion: str, raters: Sequence[str]) -> str:
        """Why agreement between raters that are one judge is not measured."""
        names = " and ".join(raters)
        if (
            all(rater.partition(", ")[0] in self.embedded for rater in raters)
            and criterion.partition(": ")[0] in self.alike_by
        ):
            return (
                f"{names} are one judge by this criterion: with {NEAREST_COUNT} examples of each verdict or fewer, the "
                "nearest examples are all examples"
            )
        return f"{names} are one judge: the same model with the same settings"


def _alike_names(value: str, criterion: Mapping[str, Any]) -> Iterator[str]:
    """The criterion, and those variables of its codebook, by which all embedded models judge in the same way."""
    if judges_alike(str(example["verdict"]) for example in criterion.get("examples") or ()):
        yield criterion_key(value)
    codebook = codebook_of(criterion)
    if codebook is None:
        return
    for one in codebook.variables:
        answers = [str(example.codes[one.name]) for example in codebook.examples if one.name in example.codes]
        if one.type not in ("choice", "yes_no") or judges_alike(answers):
            yield variable_name(criterion_key(value), one.name)


def _objects(value: Any) -> dict[str, dict[str, Any]]:
    """An object of objects of a manifest; those of other versions may lack it."""
    found: dict[str, Any] = value or {}
    return {name: one or {} for name, one in found.items()}

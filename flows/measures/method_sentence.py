"""What a methods section says of how the measures were computed."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from contract.codebook import Variable
from contract.measures import Measures
from flows.measures.libraries import library_versions


def method_sentence(spec: Measures, variables: Iterable[Variable] = ()) -> str:
    """One sentence on these measures for a methods section; one more for the variables of a codebook."""
    drawn = (
        f"Intervals are bias-corrected and accelerated bootstrap intervals (BCa, Efron 1987) at "
        f"{100 * spec.confidence:.10g} % from {spec.resamples:,} resamples of records (seed {spec.seed})"
        if spec.resamples
        else "No intervals were computed"
    )
    return (
        f"{drawn}; verdicts are taken as {spec.level}, a verdict other than the ground truth (`unclear` too) counts "
        "as not matching it, and of repeated answers the first is compared with others; accuracy, precision, recall "
        "and F1 are computed with scikit-learn, Cohen's and Fleiss' kappa with statsmodels, Krippendorff's alpha with "
        "krippendorff, percent agreement and Gwet's AC1 after Gwet (2008), with missing verdicts after Gwet (2014) "
        f"({library_versions()}).{_codebook_sentence({one.type for one in variables})}"
    )


def _codebook_sentence(types: Collection[str]) -> str:
    if not types:
        return ""
    said = ["Each variable of a codebook is measured on its own"]
    if "number" in types:
        said.append("numbers at interval or ratio level")
    if "choices" in types:
        said.append(
            "sets of options by Krippendorff's alpha with MASI distance (Passonneau 2006), and option by option"
        )
    if {"text", "quotation"} & set(types):
        said.append("answers in words by no coefficient")
    return f" {', '.join(said)}."

"""Measures whether the passages can answer a question, and which documents can.

A stretch is a passage with further passages of its document, nearest first, up to `STRETCH_CHARACTERS`: a short
document whole, and as much of a long one. So its weight does not grow with the length of documents or the size of the
corpus:

    weight = similarity + COVERAGE_WEIGHT x coverage - (MISSING_NAME_PENALTY if it lacks a name of the question)
             - (MISSING_YEAR_PENALTY if its document is of another year)

- **similarity**: the cosine between the question and the passage's best sentence, read with its title (-1 to 1); the
  question is read as it is asked and with its words in the form that the passages use, and the larger cosine counts;
- **coverage**: how much of what the question asks about occurs in the stretch, its title or its labels (0 to 1). Each
  content word of the question is weighted by its rarity in English times its inverse frequency among the passages found
  (Spärck Jones 1972), so that a word of every passage (`Board`, `post`) counts little. A word occurs if its stem or a
  related form does (`word_forms`);
- a **name** of several words is known by its last word (`Donald Trump` by `Trump`), a country also by its people. A
  text in quotation marks is not a name, because documents may spell or translate it differently. A passage elsewhere
  that has the name helps no stretch that lacks it, so a further search does not lift the penalty. A **year** that the
  question gives, as in `the 2019 case`, is missing where the document has another date, and no passage found of it has
  that year.

A document weighs as much as its best stretch, and answers the question from `MIN_WEIGHT` on. Form and constants were
chosen on some corpora and measured on others: `tests/benchmarks/test_abstention.py` says on which.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise

from agents.llms.embedded.passages import PassageText, by_record
from agents.llms.embedded.similarity import Similarity
from agents.llms.embedded.word_forms import as_found, related_stems
from agents.llms.embedded.words import FUNCTION_WORDS, Word, rarity, stem, words

STRETCH_CHARACTERS = 1200
COVERAGE_WEIGHT = 0.5
MISSING_NAME_PENALTY = 0.5
MISSING_YEAR_PENALTY = 1.0
"""Larger than a name's: a date is a fact about a document, and a name may be spelled in another way."""
_YEAR = re.compile(
    r"(?:\b(?:in|of|on|from|during|the|its|their|this)|\w['’]s)\s+(?:\d{1,2}\s+)?(?:(?:early|late|mid)[\s-]+)?"
    r"(?:[A-Z][a-z]+\s+)?((?:19|20)\d\d)\b(?!\s*(?:to|and|or|[-–])\s*\d)"
)
MIN_WEIGHT = 0.64
"""The weight of a stretch from which its document answers the question; at most 1.5."""


@dataclass(frozen=True)
class Stretch:
    """The relevance to the question of a passage and those read with it."""

    similarity: float
    coverage: float
    missing_names: Sequence[str]
    """Names of the question that neither the stretch nor its title or labels contain, as the question writes them."""
    missing_years: Sequence[str] = ()
    """Years of the question that its document, which has a date, does not name."""

    @property
    def weight(self) -> float:
        """At most 1 + `COVERAGE_WEIGHT`."""
        penalty = MISSING_NAME_PENALTY if self.missing_names else 0.0
        penalty += MISSING_YEAR_PENALTY if self.missing_years else 0.0
        return self.similarity + COVERAGE_WEIGHT * self.coverage - penalty


@dataclass(frozen=True)
class Document:
    """The relevance of one document to the question."""

    record_id: str
    passages: Sequence[PassageText]
    best: Stretch

    @property
    def weight(self) -> float:
        """The weight of the best stretch."""
        return self.best.weight


@dataclass(frozen=True)
class Evidence:
    """All documents, by decreasing weight, and the words of the question that no passage contains."""

    documents: Sequence[Document]
    unknown: Sequence[str]
    """Content words of the question that occur in no passage, as the question writes them."""
    importance: Mapping[str, float]
    """Stem of a content word of the question -> what it counts, above 0 and at most 1."""

    @property
    def is_sufficient(self) -> bool:
        """Whether the passages answer the question."""
        return bool(self.documents) and self.documents[0].weight >= MIN_WEIGHT

    @property
    def missing(self) -> Sequence[str]:
        """The names and years that the best stretch lacks; if it lacks none, the unknown words."""
        best = self.documents[0].best if self.documents else None
        return (best and [*best.missing_names, *best.missing_years]) or self.unknown


def weigh_evidence(question: str, passages: Sequence[PassageText], similarity: Similarity) -> Evidence:
    """Weighs all documents of the passages against the question."""
    asked = asked_words(question)
    readable = [passage for passage in passages if passage.sentences]
    if not readable or not asked:
        return Evidence((), [word.text for word in asked], {})
    vocabularies = {passage.label: {word.stem for word in passage.words} for passage in readable}
    importance = {word: _importance(word, [*vocabularies.values()]) for word in asked}
    found = [word for passage in readable for word in passage.words]
    askings = list(dict.fromkeys([question, as_found(question, asked, found)]))
    similarities = {passage.label: _best_sentence_cosine(askings, passage, similarity) for passage in readable}
    related, heads = related_stems(asked, found, similarity), name_heads(question)
    names, years = [word for word in asked if word.text in heads], asked_years(question)

    def weigh(first: PassageText, document: Sequence[PassageText]) -> Stretch:
        known = set[str]().union(*(vocabularies[label] for label in _stretch(first, document, similarities)))
        covered = sum(value for word, value in importance.items() if related[word] & known)
        missing = [_whole_name(word.text, question) for word in names if not related[word] & known]
        missing_years = _missing_years(years, document)
        return Stretch(similarities[first.label], covered / sum(importance.values()), missing, missing_years)

    documents = [
        Document(record_id, its, max((weigh(passage, its) for passage in its), key=lambda one: one.weight))
        for record_id, its in by_record(readable).items()
    ]
    known = set[str]().union(*vocabularies.values())
    unknown = [word.text for word in asked if word.stem not in known]
    ranked = sorted(documents, key=lambda document: -document.weight)
    return Evidence(ranked, unknown, {word.stem: value for word, value in importance.items()})


def _stretch(first: PassageText, document: Sequence[PassageText], similarities: Mapping[str, float]) -> Iterator[str]:
    """The labels of the first passage and of those of its document, nearest first, that fit in beside it."""
    yield first.label
    left = STRETCH_CHARACTERS - len(first.text)
    for passage in sorted(document, key=lambda one: -similarities[one.label]):
        if passage is not first and len(passage.text) <= left:
            left -= len(passage.text)
            yield passage.label


def asked_words(question: str) -> list[Word]:
    """The content words of a question, without repetition and without words that any question may contain."""
    found = {word.stem: word for word in words(question) if word.stem not in _question_stems()}
    return list(found.values())


def asked_years(question: str) -> list[str]:
    """The years in which the question places what it asks about; not those since, before or between which it asks."""
    return list(dict.fromkeys(_YEAR.findall(question)))


def _missing_years(years: Sequence[str], document: Sequence[PassageText]) -> list[str]:
    """The years that a document of another date names nowhere in what was found of it."""
    if not all(passage.date for passage in document):
        return []
    texts = (f"{one.date} {one.title} {one.section} {one.labels} {one.text}" for one in document)
    known = set[str]().union(*(re.findall(r"\d+", text) for text in texts))
    return [year for year in years if year not in known]


def name_heads(question: str) -> set[str]:
    """The last word of each proper name in the question; none if more than half of its words look like names."""
    plain = re.sub(r"[\"“][^\"”]*[\"”]|(?<!\w)['‘][^'’]*['’](?!\w)", " | ", question)
    tokens = re.findall(r"[^\W\d_][^\W_]*|[^\w\s]", plain)
    names = {word.text for word in words(plain) if word.is_name and word.text.isalpha()}
    if len(names) > len([token for token in tokens if token.isalpha()]) / 2:
        return set()
    return {token for token, after in pairwise([*tokens, ""]) if token in names and after not in names}


def _whole_name(head: str, question: str) -> str:
    """The name that ends in `head`, as the question writes it: `Supreme Court`, not `Court`."""
    found = re.search(rf"((?:\b[A-Z][\w.’'-]*\s+)+){re.escape(head)}\b", question)
    before = found[1].split() if found else []
    while before and before[0].lower() in FUNCTION_WORDS:
        del before[0]
    return " ".join([*before, head])


def _importance(word: Word, vocabularies: Sequence[set[str]]) -> float:
    """The rarity of a word in English times its inverse frequency among the passages, above 0 and at most 1."""
    count, holding = len(vocabularies), sum(word.stem in vocabulary for vocabulary in vocabularies)
    frequency = math.log((count + 1) / (holding + 0.5)) / math.log((count + 1) / 0.5)
    return max(rarity(word.text), 1e-6) * frequency


def _best_sentence_cosine(askings: Sequence[str], passage: PassageText, similarity: Similarity) -> float:
    # By passage, because the next round, model or question uses many of the same passages.
    sentences = [f"{passage.title}. {sentence}" for sentence in passage.sentences]
    return float(similarity.cached_cosines(sentences, askings).max(initial=-1.0))


@cache
def _question_stems() -> frozenset[str]:
    text = files("agents.llms").joinpath("data", "question-words.txt").read_text(encoding="utf-8")
    return frozenset(stem(word) for word in text.split())

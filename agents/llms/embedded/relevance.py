"""Evidence: whether passages can answer a question, and which documents can.

Two things are measured of each document and added up:

- **similarity**: the cosine between the question and the document's best sentence, read with its title (0 to 1);
- **coverage**: how much of what the question asks about occurs in the document (0 to 1). Each content word of the
  question counts by its rarity in English times its inverse document frequency among the documents found (Spärck Jones
  1972), so that what every document says (`Board`, `post`) counts for little. A word occurs if its stem does; else it
  occurs in part if a word near in meaning does (cosine of at least 0.6, for names 0.7), and counts by that cosine:
  the soft alignment of BERTScore (Zhang et al. 2020), with words for tokens.

The passages answer the question when one document's sum reaches `ENOUGH`, unless the question turns on a proper name
that no passage and no label of any document holds: what they say then is about something else. A name of several
words is known if its last is (`Donald Trump` by `Trump`); what stands in quotation marks is no name, for documents
may spell or translate it otherwise. The constants were set on the development half of `tests/data/osb_questions.jsonl`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from agents.llms.embedded.passages import PassageText, by_record
from agents.llms.embedded.similarity import Similarity
from agents.llms.embedded.words import Word, rarity, stem, words

MIN_DOCUMENT_WEIGHT = 0.75
"""Similarity and coverage together, of 2 at most."""
MIN_WORD_COSINE, MIN_NAME_COSINE = 0.6, 0.7


@dataclass(frozen=True)
class Document:
    """What one document has to do with the question."""

    record_id: str
    passages: Sequence[PassageText]
    similarity: float
    coverage: float

    @property
    def weight(self) -> float:
        """Similarity and coverage together, 0 to 2."""
        return self.similarity + self.coverage


@dataclass(frozen=True)
class Evidence:
    """All documents, the weightiest first, and what the question names that none of them holds."""

    documents: Sequence[Document]
    unknown: Sequence[str]
    """Content words of the question of which no document says anything, as written there."""
    unknown_names: Sequence[str]

    @property
    def is_sufficient(self) -> bool:
        """Whether the passages answer the question."""
        return bool(self.documents) and self.documents[0].weight >= MIN_DOCUMENT_WEIGHT and not self.unknown_names


def weigh_evidence(question: str, passages: Sequence[PassageText], similarity: Similarity) -> Evidence:
    """What the passages hold for the question."""
    grouped = by_record(passages)
    asked = asked_words(question)
    if not grouped or not asked:
        return Evidence((), [word.text for word in asked], ())
    occurs = [[_occurrence(word, near) for near in line] for word, line in _max_cosines(asked, grouped, similarity)]
    weights = [_word_weight(word, line) for word, line in zip(asked, occurs, strict=True)]
    total = sum(weights) or 1.0
    similar = _best_sentence_cosines(question, grouped, similarity)
    documents = [
        Document(
            record_id,
            found,
            similar[record_id],
            sum(weight * line[place] for weight, line in zip(weights, occurs, strict=True)) / total,
        )
        for place, (record_id, found) in enumerate(grouped.items())
    ]
    unknown = [word.text for word, line in zip(asked, occurs, strict=True) if not any(line)]
    heads = name_heads(question)
    return Evidence(
        sorted(documents, key=lambda document: -document.weight), unknown, [name for name in unknown if name in heads]
    )


def asked_words(question: str) -> list[Word]:
    """The content words of a question, each once, without those in which one asks about any document."""
    found = {word.stem: word for word in words(question) if word.stem not in _question_stems()}
    return list(found.values())


def name_heads(question: str) -> set[str]:
    """The last word of each proper name in the question; none where nearly everything has a capital."""
    plain = re.sub(r"[\"“][^\"”]*[\"”]|(?<!\w)['‘][^'’]*['’](?!\w)", " | ", question)
    tokens = re.findall(r"[^\W\d_][^\W_]*|[^\w\s]", plain)
    names = {word.text for word in words(plain) if word.is_name and word.text.isalpha()}
    if len(names) > len([token for token in tokens if token.isalpha()]) / 2:
        return set()
    following = [*tokens[1:], ""]
    return {token for token, after in zip(tokens, following, strict=True) if token in names and after not in names}


def _max_cosines(
    asked: Sequence[Word], grouped: dict[str, list[PassageText]], similarity: Similarity
) -> list[tuple[Word, list[float]]]:
    """For each word asked, its greatest cosine with the words of each document; 1 where the stem is there."""
    held = [{word.stem: word.text for passage in found for word in passage.words} for found in grouped.values()]
    every = {found_stem: text for vocabulary in held for found_stem, text in vocabulary.items()}
    place = {found_stem: column for column, found_stem in enumerate(every)}
    cosines = similarity.word_cosines([word.text for word in asked], list(every.values()))
    return [
        (
            word,
            [
                1.0 if word.stem in vocabulary else max((float(line[place[item]]) for item in vocabulary), default=0.0)
                for vocabulary in held
            ],
        )
        for word, line in zip(asked, cosines, strict=True)
    ]


def _occurrence(word: Word, nearest: float) -> float:
    return min(nearest, 1.0) if nearest >= (MIN_NAME_COSINE if word.is_name else MIN_WORD_COSINE) else 0.0


def _word_weight(word: Word, occurrences: Sequence[float]) -> float:
    count = len(occurrences)
    holding = sum(1 for occurrence in occurrences if occurrence)
    return rarity(word.text) * math.log((count + 1) / (holding + 0.5)) / math.log((count + 1) / 0.5)


def _best_sentence_cosines(
    question: str, grouped: dict[str, list[PassageText]], similarity: Similarity
) -> dict[str, float]:
    best = dict.fromkeys(grouped, 0.0)
    for record_id, found in grouped.items():
        # Passage by passage, because the next round, model or question meets many of them again.
        for passage in found:
            sentences = [f"{passage.title}. {sentence}" for sentence in passage.sentences]
            cosines = similarity.cached_cosines(sentences, [question])
            best[record_id] = max(best[record_id], float(cosines.max(initial=0.0)))
    return best


@cache
def _question_stems() -> frozenset[str]:
    text = files("agents.llms").joinpath("data", "question-words.txt").read_text(encoding="utf-8")
    return frozenset(stem(word) for word in text.split())

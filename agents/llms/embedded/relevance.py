"""Measures whether the passages can answer a question, and which documents can.

Each document's weight is the sum of two measures:

- **similarity**: the cosine between the question and the document's best sentence, read with its title (0 to 1);
- **coverage**: how much of what the question asks about occurs in the document (0 to 1). Each content word of the
  question is weighted by its rarity in English times its inverse document frequency among the documents found (Spärck
  Jones 1972), so that a word of every document (`Board`, `post`) counts little. A word occurs if its stem occurs. If
  not, it occurs in part if a word near in meaning occurs (cosine of at least 0.6, for names 0.7), and is counted with
  that cosine: the soft alignment of BERTScore (Zhang et al. 2020), with words instead of tokens.

The passages answer the question if the weight of one document reaches `MIN_DOCUMENT_WEIGHT`. They do not if the
question contains a proper name that no passage and no label of any document contains: they are then about something
else. A name of several words is known if its last word is known (`Donald Trump` by `Trump`). A text in quotation marks
is not a name, because documents may spell or translate it differently. The constants were set on the development half
of `tests/data/osb_questions.jsonl`.
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
"""The weight of a document (similarity plus coverage, at most 2) from which it answers the question."""
MIN_WORD_COSINE, MIN_NAME_COSINE = 0.6, 0.7


@dataclass(frozen=True)
class Document:
    """The relevance of one document to the question."""

    record_id: str
    passages: Sequence[PassageText]
    similarity: float
    coverage: float

    @property
    def weight(self) -> float:
        """Similarity plus coverage, 0 to 2."""
        return self.similarity + self.coverage


@dataclass(frozen=True)
class Evidence:
    """All documents, by decreasing weight, and the words and names of the question that none of them contains."""

    documents: Sequence[Document]
    unknown: Sequence[str]
    """Content words of the question that occur in no document, as the question writes them."""
    unknown_names: Sequence[str]

    @property
    def is_sufficient(self) -> bool:
        """Whether the passages answer the question."""
        return bool(self.documents) and self.documents[0].weight >= MIN_DOCUMENT_WEIGHT and not self.unknown_names


def weigh_evidence(question: str, passages: Sequence[PassageText], similarity: Similarity) -> Evidence:
    """Weighs all documents of the passages against the question."""
    grouped = by_record(passages)
    asked = asked_words(question)
    if not grouped or not asked:
        return Evidence((), [word.text for word in asked], ())
    occurrences = [[_occurrence(word, near) for near in row] for word, row in _max_cosines(asked, grouped, similarity)]
    weights = [_word_weight(word, row) for word, row in zip(asked, occurrences, strict=True)]
    total = sum(weights) or 1.0
    similar = _best_sentence_cosines(question, grouped, similarity)
    documents = [
        Document(
            record_id,
            found,
            similar[record_id],
            sum(weight * row[column] for weight, row in zip(weights, occurrences, strict=True)) / total,
        )
        for column, (record_id, found) in enumerate(grouped.items())
    ]
    unknown = [word.text for word, row in zip(asked, occurrences, strict=True) if not any(row)]
    heads = name_heads(question)
    return Evidence(
        sorted(documents, key=lambda document: -document.weight), unknown, [name for name in unknown if name in heads]
    )


def asked_words(question: str) -> list[Word]:
    """The content words of a question, without repetition and without words that any question may contain."""
    found = {word.stem: word for word in words(question) if word.stem not in _question_stems()}
    return list(found.values())


def name_heads(question: str) -> set[str]:
    """The last word of each proper name in the question; none if more than half of its words look like names."""
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
    """For each word of the question, its largest cosine with the words of each document; 1 if its stem occurs."""
    vocabularies = [{word.stem: word.text for passage in found for word in passage.words} for found in grouped.values()]
    every = {found_stem: text for vocabulary in vocabularies for found_stem, text in vocabulary.items()}
    column_of = {found_stem: column for column, found_stem in enumerate(every)}
    cosines = similarity.word_cosines([word.text for word in asked], list(every.values()))
    return [
        (
            word,
            [
                1.0
                if word.stem in vocabulary
                else max((float(row[column_of[item]]) for item in vocabulary), default=0.0)
                for vocabulary in vocabularies
            ],
        )
        for word, row in zip(asked, cosines, strict=True)
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
        # By passage, because the next round, model or question uses many of the same passages.
        for passage in found:
            sentences = [f"{passage.title}. {sentence}" for sentence in passage.sentences]
            cosines = similarity.cached_cosines(sentences, [question])
            best[record_id] = max(best[record_id], float(cosines.max(initial=0.0)))
    return best


@cache
def _question_stems() -> frozenset[str]:
    text = files("agents.llms").joinpath("data", "question-words.txt").read_text(encoding="utf-8")
    return frozenset(stem(word) for word in text.split())

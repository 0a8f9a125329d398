"""Other forms of a question's words: `slur` and `slurs`, `removal` and `removing`, `Ethiopia` and `Ethiopian`.

A stemmer takes off endings of grammar, and leaves `Nigeria` and `Nigerian` or `automation` and `automated` apart. And
the vector of a whole question changes with the number of a rare noun, because MiniLM reads rare words in pieces.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from agents.llms.embedded.similarity import Similarity
from agents.llms.embedded.words import Word

SHARED_LETTERS = 5
MIN_COSINE = 0.6
"""Words that begin alike are forms of one from this cosine on: `policy` and `policies`, but not `policy` and `police`.

What was measured is the same from .5 to .8."""
_VOWELS = "aeiou"
_AFTER_VOWEL = ("n",)
_AFTER_CONSONANT = ("an", "ian", "ese", "i")


def related_stems(asked: Sequence[Word], found: Sequence[Word], similarity: Similarity) -> Mapping[Word, set[str]]:
    """For each asked word its stem, and those of the words found that begin alike and mean nearly the same.

    For a name only those of `related_names`: `Austria` and `Australia` begin alike, and are alike to an embedding.
    """
    beginnings = defaultdict[str, set[Word]](set)
    for word in found:
        beginnings[word.text.lower()[:SHARED_LETTERS]].add(word)
    related = dict[Word, set[str]]()
    for word in asked:
        if word.is_name:
            related[word] = related_names(word, found)
            continue
        text = word.text.lower()
        alike = [one for one in beginnings[text[:SHARED_LETTERS]] if len(text) >= SHARED_LETTERS]
        cosines = similarity.word_cosines([text], [one.text.lower() for one in alike])[0]
        near = {one.stem for one, cosine in zip(alike, cosines, strict=True) if cosine >= MIN_COSINE}
        related[word] = {word.stem, *near}
    return related


def related_names(name: Word, found: Sequence[Word]) -> set[str]:
    """The stems of a name, and of what is made of it or what it is made of: a country and its people.

    `Nigerian` is of `Nigeria`, and not of `Niger`, where both could be meant.
    """
    names = {word.text.lower(): word.stem for word in found}
    text = name.text.lower()
    made = {
        one
        for one in names
        if _is_made_of(one, text) and not any(_is_made_of(one, other) for other in names if len(other) > len(text))
    }
    return {name.stem, *(names[one] for one in made), *(names[one] for one in names if _is_made_of(text, one))}


def _is_made_of(longer: str, name: str) -> bool:
    endings = _AFTER_VOWEL if name[-1] in _VOWELS else _AFTER_CONSONANT
    return any(longer == name + ending for ending in endings)


def as_found(question: str, asked: Sequence[Word], found: Sequence[Word]) -> str:
    """The question with each of its words in the form that is the most frequent among the words found."""
    forms = defaultdict[str, Counter[str]](Counter)
    for word in found:
        forms[word.stem][word.text.lower()] += 1
    for word in asked:
        counted = forms.get(word.stem) or Counter([word.text.lower()])
        # Of several as frequent the first in the alphabet, whatever the order of the passages.
        form = min(counted, key=lambda one, counted=counted: (-counted[one], one))
        if form != word.text.lower():
            question = re.sub(rf"(?<!\w){re.escape(word.text)}(?!\w)", form, question)
    return question

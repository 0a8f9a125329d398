"""Which language texts are in, and what is said of those that the vectors in the package do not know.

The model in the package knows English. Texts that hold enough English function words are English, which costs nothing
to see; of the others, py3langid says what they are, where they are long enough for it to be sure.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any

from agents.llms.embedded.words import FUNCTION_WORDS
from contract.record import Record

ENGLISH = "en"
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_LEAST_ENGLISH = 0.2
"""The share of function words from which on a text is taken for English."""
_ALSO_ELSEWHERE = frozenset(
    {"a", "all", "am", "an", "as", "do", "had", "he", "her", "i", "in", "is", "me", "no", "of", "on", "or", "over"}
    | {"so", "was", "we"}
)
"""English function words that are words of its neighbours as well: `Was ist in den Akten?`"""
_LEAST_WORDS = 3
_LEAST_LETTERS = 200
"""Of a document: shorter ones are names or numbers as often as sentences."""
_SURE = 0.5
_CHARACTERS = 1500
_MOST_TEXTS = 40
_NAMES = {
    "af": "Afrikaans", "am": "Amharic", "ar": "Arabic", "az": "Azerbaijani", "be": "Belarusian", "bg": "Bulgarian",
    "bn": "Bengali", "bs": "Bosnian", "ca": "Catalan", "cs": "Czech", "cy": "Welsh", "da": "Danish", "de": "German",
    "el": "Greek", "eo": "Esperanto", "es": "Spanish", "et": "Estonian", "eu": "Basque", "fa": "Persian",
    "fi": "Finnish", "fo": "Faroese", "fr": "French", "ga": "Irish", "gl": "Galician", "gu": "Gujarati", "he": "Hebrew",
    "hi": "Hindi", "hr": "Croatian", "hu": "Hungarian", "hy": "Armenian", "id": "Indonesian", "is": "Icelandic",
    "it": "Italian", "ja": "Japanese", "ka": "Georgian", "kk": "Kazakh", "km": "Khmer", "ko": "Korean",
    "ku": "Kurdish", "la": "Latin", "lo": "Lao", "lt": "Lithuanian", "lv": "Latvian", "mk": "Macedonian",
    "ml": "Malayalam", "mn": "Mongolian", "mr": "Marathi", "ms": "Malay", "mt": "Maltese", "my": "Burmese",
    "nb": "Norwegian", "ne": "Nepali", "nl": "Dutch", "nn": "Norwegian", "no": "Norwegian", "pa": "Punjabi",
    "pl": "Polish", "ps": "Pashto", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "si": "Sinhala",
    "sk": "Slovak", "sl": "Slovenian", "so": "Somali", "sq": "Albanian", "sr": "Serbian", "sv": "Swedish",
    "sw": "Swahili", "ta": "Tamil", "te": "Telugu", "th": "Thai", "tl": "Tagalog", "tr": "Turkish", "uk": "Ukrainian",
    "ur": "Urdu", "uz": "Uzbek", "vi": "Vietnamese", "yo": "Yoruba", "zh": "Chinese", "zu": "Zulu",
}  # fmt: skip
_WHAT_TO_DO = (
    "for other languages name a multilingual model in `embedding:` of the storage, hosted or on this machine "
    "(docs/literature.md, Another embedding model)"
)


def language_of(text: str) -> str | None:
    """The language's code in ISO 639-1; None where the text is too short or the library not sure."""
    words = [word.casefold() for word in _WORD.findall(text)]
    english = sum(word in FUNCTION_WORDS and word not in _ALSO_ELSEWHERE for word in words)
    if text.isascii() and words and english >= _LEAST_ENGLISH * len(words):
        return ENGLISH
    if text.isascii() and len(words) < _LEAST_WORDS:
        return None
    code, share = _identifier().classify(text)
    return str(code) if float(share) >= _SURE and str(code) in {ENGLISH, *_NAMES} else None


def question_note(question: str) -> str | None:
    """What to say of a question that the vectors in the package do not know; None for English, and where unsure."""
    code = language_of(question)
    if code is None or code == ENGLISH:
        return None
    return (
        f"the question is in {_NAMES[code]}, and the vectors in the package know English only: passages are found by "
        f"the question's own words, hardly by meaning; {_WHAT_TO_DO}"
    )


@dataclass
class CorpusLanguages:
    """Counts the languages of the first documents of a corpus."""

    counts: Counter[str] = field(default_factory=Counter[str])
    looked_at: int = 0

    def add(self, record: Record) -> None:
        """Looks at a document, as long as few were looked at."""
        text = "\n".join([record.text, *map(str, record.sections.values())])
        if self.looked_at >= _MOST_TEXTS or (len(text.strip()) < _LEAST_LETTERS and text.isascii()):
            return
        self.looked_at += 1
        if code := language_of(text[:_CHARACTERS]):
            self.counts[code] += 1

    def note(self) -> str | None:
        """What to say where documents are in languages that the vectors in the package do not know."""
        others = [(code, count) for code, count in self.counts.most_common() if code != ENGLISH]
        if not others:
            return None
        named = ", ".join(f"{count:,} in {_NAMES[code]}" for code, count in others)
        return (
            f"of {self.looked_at:,} documents looked at, {named}; the vectors in the package know English only, so "
            f"these are found by their words, hardly by meaning; {_WHAT_TO_DO}"
        )


@cache
def _identifier() -> Any:
    library: Any = import_module("py3langid.langid")
    return library.LanguageIdentifier.from_model_file(library.MODEL_FILE, norm_probs=True)

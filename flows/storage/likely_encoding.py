"""Finds the encoding of a text from its bytes, where only one reading is likely.

A library rates readings by how odd their signs are, and by how often the letters of a language stand in them. Texts of
Western Europe read equally well to it as ones of the East and of Turkey, with other letters: a reading counts as likely
only if nearly all its letters beyond a to z belong to one language.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_ALPHABETS: Mapping[str, str] = {
    "Croatian, Slovene": "čćđšž",
    "Czech": "áčďéěíňóřšťúůýž",
    "Danish, Norwegian": "æøåéèêóòâôü",
    "Dutch": "áäéëíïóöúüèàç",
    "Estonian": "äõöüšž",
    "French": "àâæçéèêëîïôœùûüÿ",
    "German": "äöüßé",
    "Hungarian": "áéíóöőúüű",
    "Icelandic": "áðéíóúýþæö",
    "Italian": "àèéìíîòóù",
    "Latvian": "āčēģīķļņšūž",
    "Lithuanian": "ąčęėįšųūž",
    "Polish": "ąćęłńóśźż",
    "Portuguese": "áâãàçéêíóôõúü",
    "Romanian": "ăâîșțşţ",
    "Slovak": "áäčďéíĺľňóôŕšťúýž",
    "Spanish": "áéíñóúüªº",
    "Swedish, Finnish": "åäöé",
    "Turkish": "çğıöşüâîû",
    "Greek": "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ",
    "Russian": "абвгдежзийклмнопрстуфхцчшщъыьэюяё",
    "Ukrainian": "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",
    "Serbian": "абвгдђежзијклљмнњопрстћуфхцчџш",
    "Hebrew": "אבגדהוזחטיךכלםמןנסעףפץצקרשת",
    "Arabic": "ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىيپچژگ",
}
"""Letters beyond a to z in small letters."""
_SETS = {name: frozenset(letters) for name, letters in _ALPHABETS.items()}
_OF_LETTERS = (
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257"),
    *("koi8_r", "mac_roman", "cp850"),
)
"""Encodings of letters that texts are saved in; the more usual of two that read a text alike comes first."""
_OF_DOS = "cp850"
"""A rival only: so old a text reads well in others, too."""
_OF_SIGNS = ("cp932", "euc_jp", "gb18030", "big5", "cp949")
_JAPANESE = ("cp932", "euc_jp")
_LEAST_HIRAGANA, _LEAST_COHERENCE = 0.2, 0.15
_TYPOGRAPHIC = frozenset("\u00a0“”„‘’‚«»‹›–—…•·°§¿¡€£©®™´`²³½¼×\u00ad\u200e\u200f،؛؟")
_HIRAGANA = re.compile("[\u3041-\u3096]")
_KANA = re.compile("[\u3041-\u30ff\uff61-\uff9f]")
_CJK = re.compile("[\u3000-\u30ff\u3400-\u9fff\uac00-\ud7af\uff00-\uff60]")
_ODD = re.compile(
    r"""
    [a-zß-ÿ][À-ÞА-ЯΑ-Ω]
    | (?<=[^\W\d_])[“”„«»…•§€£©®™½¼×°²³´`]+(?=[^\W\d_])
    | [A-Za-z][\u0370-\u06ff] | [\u0370-\u06ff][A-Za-z]
    """,
    re.VERBOSE,
)
"""Capitals and signs within a word, and letters of two scripts in one."""
_LEAST_SHARE, _LEAST_AHEAD = 0.9, 0.05
_LEAST_BYTES = 3
"""Beyond ASCII: fewer may be damage, or anything."""
_PLAIN = 1 + 2 * _LEAST_AHEAD


@dataclass(frozen=True)
class _Reading:
    """One way to read the bytes."""

    encoding: str
    text: str
    share: float
    """Of the signs beyond ASCII, those that belong to one language or to none."""
    chaos: float
    coherence: float


def likely_encoding(data: bytes) -> str | None:
    """The encoding of the bytes, which are no UTF-8; None where two readings are about equally likely, or none is."""
    if sum(byte > 127 for byte in data) < _LEAST_BYTES:
        return None
    found = dict[str, _Reading]()
    for reading in _readings(data):
        found.setdefault(reading.text, reading)
    best_share = max((one.share for one in found.values()), default=0.0)
    least = max(_LEAST_SHARE, best_share - _LEAST_AHEAD)
    likely = [one for one in found.values() if one.share >= least]
    best = next((one for one in likely if all(_is_ahead(one, other) for other in likely if other is not one)), None)
    return best.encoding if best and best.encoding != _OF_DOS else None


def _is_ahead(one: _Reading, other: _Reading) -> bool:
    return other.chaos - one.chaos > 0.03 or (one.chaos <= other.chaos and one.coherence - other.coherence > 0.15)


def _readings(data: bytes) -> Iterator[_Reading]:
    from charset_normalizer import from_bytes

    rated = {str(one): (one.chaos, one.coherence) for one in from_bytes(data)}
    for encoding in (*_OF_LETTERS, *_OF_SIGNS):
        try:
            # The last letter may be cut.
            text = codecs.getincrementaldecoder(encoding)().decode(data)
        except UnicodeDecodeError:
            continue
        if encoding in _OF_SIGNS and text not in rated:
            continue
        chaos, coherence = rated.get(text, (0.0, 0.0))
        share = _share_of_signs(text, encoding, coherence) if encoding in _OF_SIGNS else _share_of_letters(text)
        yield _Reading(encoding, text, share, chaos, coherence)


def _beyond_ascii(text: str) -> Counter[str]:
    return Counter(sign for sign in text.lower() if not sign.isascii() and sign not in _TYPOGRAPHIC)


def _share_of_letters(text: str) -> float:
    signs = _beyond_ascii(text)
    if not signs:
        # Quotation marks alone, where other readings have letters in their place.
        return 0.0 if _ODD.search(text) else _PLAIN
    best = max(sum(count for sign, count in signs.items() if sign in letters) for letters in _SETS.values())
    return (best - len(_ODD.findall(text))) / signs.total()


def _share_of_signs(text: str, encoding: str, coherence: float) -> float:
    """Japanese has hiragana; of other signs, the library has to know a language in them."""
    signs = _beyond_ascii(text)
    count = sum(number for sign, number in signs.items() if _CJK.match(sign))
    kana = sum(number for sign, number in signs.items() if _KANA.match(sign))
    hiragana = sum(number for sign, number in signs.items() if _HIRAGANA.match(sign))
    if not signs or (encoding in _JAPANESE) != (hiragana > _LEAST_HIRAGANA * signs.total()):
        return 0.0
    if encoding in _JAPANESE:
        return count / signs.total()
    return 0.0 if kana or coherence < _LEAST_COHERENCE else count / signs.total()

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

import regex

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
    "Turkish": "çğıöşüâîû\u0307",
    "Greek": "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ",
    "Russian": "абвгдежзийклмнопрстуфхцчшщъыьэюяё",
    "Ukrainian": "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",
    "Serbian": "абвгдђежзијклљмнњопрстћуфхцчџш",
    "Hebrew": "אבגדהוזחטיךכלםמןנסעףפץצקרשת",
    "Arabic": "ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىيپچژگ",
}
"""Letters beyond a to z in small letters."""
_SETS = {name: frozenset(letters) for name, letters in _ALPHABETS.items()}
_MORE_USUAL: Mapping[str, str] = {"iso8859_2": "cp1250", "iso8859_7": "cp1253", "iso8859_15": "cp1252"}
"""Encoding -> the one that is more usual and has most letters in the same places. Where every letter of a text that is
read in that one fits, the other is no rival."""
_RIVALS = ("cp850", "cp437", "cp852", "cp737", "cp857", "cp866", "mac_cyrillic", "mac_latin2")
"""So old a text reads well in others, too: none of these is taken, but none is mistaken for another."""
_OF_LETTERS = (
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257"),
    *("koi8_r", "koi8_u", "iso8859_2", "iso8859_5", "iso8859_6", "iso8859_7", "iso8859_15", "mac_roman", *_RIVALS),
)
"""Encodings of letters that texts are saved in; the more usual of two that read a text alike comes first."""
_OF_SIGNS = ("cp932", "euc_jp", "gb18030", "big5", "cp949")
_JAPANESE = ("cp932", "euc_jp")
_LEAST_HIRAGANA, _LEAST_COHERENCE = 0.2, 0.15
_TYPOGRAPHIC = frozenset("\u00a0“”„‘’‚«»‹›–—…•·°§¿¡€£©®™´`²³½¼×\u00ad،؛؟")
_HIRAGANA = re.compile("[\u3041-\u3096]")
_KANA = re.compile("[\u3041-\u30ff\uff61-\uff9f]")
_CJK = re.compile("[\u3000-\u30ff\u3400-\u9fff\uac00-\ud7af\uff00-\uff60]")
_ODD = regex.compile(
    r"""
    [a-z](?=[\p{Lu}--[A-Z]]) | [\p{Ll}--[a-z]](?=\p{Lu})
    | (?<=\p{L})[“”„«»‹›…•§€£©®™½¼¾×°²³´`¡¿¨¯¸¤¦¬±¶†‡‰]+(?=\p{L})
    | [³²¬±¤¦¶‰©®§](?=[\p{L}«»]) | (?<=\p{L})[©¬¦¶±¤] | (?<=\p{L})[½¼¾¡¿‚„] | [·²³°§©®™½¼¾×£¤¦¬±¶]{2,}
    | (?<!\p{L})\u00ad | \u00ad(?!\p{L})
    | ς(?=\p{L}) | (?<!\p{L})[”…–—•›](?=[\u0370-\u06ff])
    | \p{Latin}(?=[\u0370-\u06ff]) | [\u0370-\u06ff](?=\p{Latin})
    """,
    regex.VERBOSE | regex.V1,
)
"""Capitals and signs within a word, signs that begin or end none, and letters of two scripts in one."""
_UNSURE = re.compile(r"(?<=[A-Za-z])[\u00a0–](?=[A-Za-z])|(?<=[A-Z])—(?=[A-Z])|(?<=[a-z])[–—](?=[\s?!.,])")
"""A dash or a blank, or a letter of another encoding."""
_LATIN_WORD = re.compile("[A-Za-z]{2}")
_WITH_QUOTATION_MARKS = ("cp1252", "mac_roman")
_ODD_COUNTS = 2
"""As many letters as belong to no language."""
_LEAST_SHARE, _LEAST_AHEAD = 0.9, 0.05
_LEAST_SHARE_OF_PART = 0.6
"""Lower: a part may quote another language."""
_LEAST_BYTES = 3
"""Beyond ASCII: fewer may be damage, or anything."""
_ENOUGH_BYTES = 40
_LACKS_CAPITALS = re.compile(r"(?s)(?=.*[α-ωа-я])(?!.*[Α-ΩА-Я])")
"""Greek or Cyrillic in small letters alone, as Hebrew looks, which has no capitals."""
_BESIDE_LATIN = re.compile("[A-Za-z][\u3000-\uffdc]|[\u3000-\uffdc][A-Za-z]")
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
    clean = {one.encoding for one in likely if one.share >= 1}
    likely = [one for one in likely if _MORE_USUAL.get(one.encoding) not in clean]
    if any(_may_be_of_signs(data, encoding) for encoding in _OF_SIGNS):
        likely = [one for one in likely if one.encoding in _OF_SIGNS]
    if {"cp1252", "cp1254"} <= clean:
        # Icelandic and Turkish: the same bytes, and both read well.
        return None
    best = next((one for one in likely if all(_is_ahead(one, other) for other in likely if other is not one)), None)
    return best.encoding if best and _is_sure(best) else None


def _is_sure(reading: _Reading) -> bool:
    """Whether the reading, to which no other comes near, can be taken."""
    if reading.encoding in _RIVALS or _LACKS_CAPITALS.match(reading.text):
        return False
    return bool(_beyond_ascii(reading.text)) or not _UNSURE.search(reading.text)


def fits(data: bytes, encoding: str) -> bool:
    """Whether the bytes, too, are such letters: a file may have been put together of parts in several encodings."""
    if encoding not in _OF_LETTERS:
        return True
    text = data.decode(encoding, "replace")
    return not _beyond_ascii(text) or _share_of_letters(text, encoding) >= _LEAST_SHARE_OF_PART


def _is_ahead(one: _Reading, other: _Reading) -> bool:
    is_calmer = other.chaos - one.chaos > 0.03 and one.coherence > other.coherence
    return is_calmer or (one.chaos <= other.chaos and one.coherence - other.coherence > 0.15)


def _may_be_of_signs(data: bytes, encoding: str) -> bool:
    """Whether so few bytes may be signs of Chinese, Japanese or Korean, each of two bytes, and no letters."""
    if sum(byte > 127 for byte in data) >= _ENOUGH_BYTES:
        return False
    text = data.decode(encoding, "replace")
    signs = _beyond_ascii(text)
    return all(_CJK.match(sign) for sign in signs) and not _BESIDE_LATIN.search(text)


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
        share = (
            _share_of_signs(text, encoding, coherence) if encoding in _OF_SIGNS else _share_of_letters(text, encoding)
        )
        yield _Reading(encoding, text, share, chaos, coherence)


def _beyond_ascii(text: str) -> Counter[str]:
    return Counter(sign for sign in text.lower() if not sign.isascii() and sign not in _TYPOGRAPHIC)


def _share_of_letters(text: str, encoding: str) -> float:
    signs = _beyond_ascii(text)
    if not signs:
        # Quotation marks alone, where other readings have letters in their place.
        if encoding not in _WITH_QUOTATION_MARKS or _ODD.search(text) or not _LATIN_WORD.search(text):
            return 0.0
        return 1.0 if _UNSURE.search(text) else _PLAIN
    best = max(sum(count for sign, count in signs.items() if sign in letters) for letters in _SETS.values())
    return (best - _ODD_COUNTS * len(_ODD.findall(text))) / signs.total()


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

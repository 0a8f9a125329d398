"""Mends, in memory, what fonts of a PDF do not say of their letters, so that pypdf reads all of them.

TeX's fonts of pixels (Type 3) number their glyphs where others name them (`/a28`), and the numbers of ligatures are
those of control characters: `fishmarket` would be read as `shmarket`. And some fonts hold a broad picture of a blank
that no text uses; measured by it, the blanks of a tight line would be none.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from typing import Any, cast

_NUMBERED = re.compile(r"/[A-Za-z]{0,2}\d{1,3}")
_OLD_TEX = {
    **{0x0B: "ff", 0x0C: "fi", 0x0D: "fl", 0x0E: "ffi", 0x0F: "ffl", 0x10: "dotlessi"},
    **{0x19: "germandbls", 0x1A: "ae", 0x1B: "oe", 0x1C: "oslash", 0x1D: "AE", 0x1E: "OE", 0x1F: "Oslash"},
    **{0x22: "quotedblright", 0x27: "quoteright", 0x5C: "quotedblleft", 0x60: "quoteleft", 0x7B: "endash"},
    **{0x7C: "emdash"},
}
"""TeX's first encoding of text, OT1."""
_TEX = {
    **{0x10: "quotedblleft", 0x11: "quotedblright", 0x12: "quotedblbase", 0x13: "guillemotleft"},
    **{0x14: "guillemotright", 0x15: "endash", 0x16: "emdash", 0x19: "dotlessi"},
    **{0x1B: "ff", 0x1C: "fi", 0x1D: "fl", 0x1E: "ffi", 0x1F: "ffl", 0x27: "quoteright", 0x60: "quoteleft"},
    **{0xFF: "germandbls"},
}
"""The Cork encoding, T1, as far as it differs from Latin-1 in what English and its neighbours write."""
_SYMBOLS = {0x2A: "asterisk", 0x84: "dagger", 0x85: "daggerdbl", 0x86: "bardbl", 0x88: "bullet"}
"""The signs of footnotes in TeX's encoding of symbols, TS1."""
_SYMBOLS_ALIKE = {0xA7, 0xB6}
"""Section and paragraph, which are signs of footnotes too, and have the same numbers in Latin-1."""
_OLD_LIGATURES = range(0x0B, 0x10)
_BROADEST_BLANK = 400
"""In thousandths of the size of the letters. Word spaces are narrower."""
_USUAL_BLANK = 333


def mend_fonts(page: Any) -> None:
    """Names the glyphs of the fonts of a pypdf page, and corrects the width of their blank."""
    # A damaged font is left as it is: pypdf reads what it can of it.
    with suppress(AttributeError, IndexError, KeyError, TypeError, ValueError):
        for font in _fonts(page):
            _name_glyphs(font)
            _narrow_blank(font)


def _fonts(page: Any) -> Iterator[Any]:
    resources = page.get("/Resources")
    fonts = resources.get_object().get("/Font") if resources is not None else None
    for font in fonts.get_object().values() if fonts is not None else ():
        yield font.get_object()


def _name_glyphs(font: Any) -> None:
    differences = _differences(font)
    if font.get("/Subtype") != "/Type3" or "/ToUnicode" in font or differences is None:
        return
    from pypdf.generic import NameObject

    places = {code: at for code, at in _glyphs(differences) if _NUMBERED.fullmatch(str(differences[at]))}
    names = _names_of(places)
    for code in places.keys() & names.keys():
        differences[places[code]] = NameObject(f"/{names[code]}")


def _differences(font: Any) -> Any:
    """The list in which a font names its glyphs, or None."""
    encoding = font.get("/Encoding")
    found = encoding.get_object() if encoding is not None else None
    differences = cast("Mapping[str, Any]", found).get("/Differences") if isinstance(found, Mapping) else None
    return differences.get_object() if differences is not None else None


def _glyphs(differences: Any) -> Iterator[tuple[int, int]]:
    """The codes of the named glyphs, each with its place in the list."""
    code = 0
    for at, item in enumerate(differences):
        if isinstance(item, int):
            code = int(item)
        else:
            yield code, at
            code += 1


def _names_of(codes: Collection[int]) -> Mapping[int, str]:
    if codes and set(codes) <= {*_SYMBOLS, *_SYMBOLS_ALIKE}:
        return _SYMBOLS
    return _OLD_TEX if any(code in _OLD_LIGATURES for code in codes) else _TEX


def _narrow_blank(font: Any) -> None:
    """Gives a usual width to what is no blank: the font names its glyphs, and at the blank's place there is none."""
    widths, first = font.get("/Widths"), font.get("/FirstChar")
    differences = _differences(font)
    if widths is None or differences is None or not isinstance(first, int) or font.get("/Subtype") != "/Type1":
        return
    from pypdf.generic import NumberObject

    values = widths.get_object()
    at = ord(" ") - int(first)
    if 0 <= at < len(values) and float(values[at]) > _BROADEST_BLANK and ord(" ") not in dict(_glyphs(differences)):
        values[at] = NumberObject(_USUAL_BLANK)

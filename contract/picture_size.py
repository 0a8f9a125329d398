"""Reads the size in pixels that a picture claims in its first bytes, without decoding it.

A few bytes can claim a picture of gigabytes, for which a decoder would reserve the memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from struct import calcsize, unpack_from

MAX_PIXELS = 150_000_000
"""More than the largest cameras and scanners make; decoded, 600 MB."""

_FILL_BYTES = re.compile(b"\xff+")


def claimed_size(content: bytes) -> tuple[int, int]:
    """Returns the largest width and height in pixels that any part of a PNG, JPEG, WebP or GIF claims; 0 for none."""
    sizes = list(_claimed_sizes(content))
    return max((width for width, _ in sizes), default=0), max((height for _, height in sizes), default=0)


def _claimed_sizes(content: bytes) -> Iterator[tuple[int, int]]:
    if content.startswith(b"\x89PNG"):
        yield from _read_pair(content, ">II", 16)
    elif content.startswith(b"\xff\xd8"):
        yield from _jpeg_sizes(content)
    elif content.startswith(b"GIF8"):
        yield from _gif_sizes(content)
    elif content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        yield from _webp_sizes(content)


def _read_pair(content: bytes, struct_format: str, at: int) -> Iterator[tuple[int, int]]:
    """Yields the two numbers at offset `at`; none where the content ends before."""
    if at + calcsize(struct_format) <= len(content):
        width, height = unpack_from(struct_format, content, at)
        yield width, height


def _jpeg_sizes(content: bytes) -> Iterator[tuple[int, int]]:
    """Yields the size in each frame header before the first scan."""
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        at = _FILL_BYTES.match(content, at).end() - 1  # type: ignore[reportOptionalMemberAccess] - matches one byte or more
        if at + 4 > len(content) or (marker := content[at + 1]) == 0xDA:
            return
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            yield from ((width, height) for height, width in _read_pair(content, ">HH", at + 5))
        [length] = unpack_from(">H", content, at + 2)
        at += 2 + length


def _gif_sizes(content: bytes) -> Iterator[tuple[int, int]]:
    """Yields the size of the screen, and of each image on it, which may be larger."""
    yield from _read_pair(content, "<HH", 6)
    at = 13 + _colour_table_bytes(content, 10)
    while at < len(content) and content[at] in (0x21, 0x2C):
        if content[at] == 0x2C:
            yield from _read_pair(content, "<HH", at + 5)
            # The image's place and size, its colour table, and one byte on the compression of its data.
            at += 10 + _colour_table_bytes(content, at + 9) + 1
        else:
            at += 2
        while at < len(content) and content[at]:
            at += 1 + content[at]
        at += 1


def _colour_table_bytes(content: bytes, at: int) -> int:
    """Returns the bytes of the colour table that the flags at offset `at` announce."""
    flags = content[at] if at < len(content) else 0
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _webp_sizes(content: bytes) -> Iterator[tuple[int, int]]:
    kind = content[12:16]
    if kind == b"VP8 ":
        yield from ((width & 0x3FFF, height & 0x3FFF) for width, height in _read_pair(content, "<HH", 26))
    elif kind == b"VP8L" and len(content) >= 25:
        [bits] = unpack_from("<I", content, 21)
        yield (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    elif kind == b"VP8X" and len(content) >= 30:
        yield int.from_bytes(content[24:27], "little") + 1, int.from_bytes(content[27:30], "little") + 1

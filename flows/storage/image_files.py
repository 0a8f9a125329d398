"""Reads the pictures that a row names into its record; never from outside the folder of the row's source."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from agents.safety.paths import real_path
from contract.record import MAX_IMAGE_BYTES

_LONGEST_NAME = 80
"""Characters of a picture's name that a message shows."""
_MAGIC_BYTES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


def image_parts(cell: Any, alt_texts: Any, folder: Path | None) -> list[dict[str, Any]]:
    """The pictures of a cell as fields of `ImagePart`s. A cell is a path, paths separated by `;`, a list, or bytes.

    `alt_texts` is the text of the first picture, or a list with one each. Raises ValueError, in plain words, for a
    picture that is missing, too large, of no known kind, outside `folder`, or on the web. Without a `folder` only
    bytes can be read.
    """
    sources = _as_list(cell)
    texts = _as_list(alt_texts) if isinstance(alt_texts, list | tuple) else [alt_texts]
    if len(texts) > max(len(sources), 1):
        raise ValueError(f"`alt_text` holds {len(texts)} texts, but `images` {len(sources)}")
    found = [_image_part(one, folder) for one in sources]
    for picture, text in zip(found, texts, strict=False):
        if text is not None and str(text).strip():
            picture["alt_text"] = str(text)
    return found


def _as_list(cell: Any) -> list[Any]:
    if cell is None:
        return []
    if isinstance(cell, str):
        return [name.strip() for name in cell.split(";") if name.strip()]
    if isinstance(cell, list | tuple):
        return [item for item in cast("Sequence[Any]", cell) if item is not None]
    return [cell]


def _image_part(source: Any, folder: Path | None) -> dict[str, Any]:
    if isinstance(source, bytes):
        return _encode_image(source, "the picture")
    if isinstance(source, Mapping):
        fields = dict(cast("Mapping[str, Any]", source))
        if isinstance(content := fields.get("bytes"), bytes):
            return _encode_image(content, f"the picture {fields.get('path') or ''}".strip())
        if fields.get("data"):
            return fields
        path = fields.get("uri") or fields.get("path")
        extra_fields = {name: value for name, value in fields.items() if name == "alt_text"}
        return {**_image_part(path, folder), **extra_fields}
    if not isinstance(source, str):
        raise ValueError("`images` should hold paths of pictures")
    return _encode_image(_read_image(source, folder), f"the picture '{_shortened(source)}'")


def _read_image(name: str, folder: Path | None) -> bytes:
    shown = f"the picture '{_shortened(name)}'"
    if name.lower().startswith(("http://", "https://")):
        raise ValueError(f"{shown} is on the web: download it first, and name the file")
    if folder is None:
        raise ValueError(f"{shown} is a file, but the source holds none")
    inside = folder.resolve()
    path = real_path(inside / name)
    if not path.is_relative_to(inside):
        raise ValueError(f"{shown} is outside the folder of its table; put it there")
    try:
        if not path.is_file():
            raise ValueError(f"there is no picture '{_shortened(name)}' in the folder of its table")
        if path.stat().st_size > MAX_IMAGE_BYTES:
            raise ValueError(f"{shown} is larger than {MAX_IMAGE_BYTES // 1_000_000} MB")
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"{shown} cannot be read: {error.strerror or error}") from None


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _encode_image(content: bytes, name: str) -> dict[str, Any]:
    if len(content) > MAX_IMAGE_BYTES:
        raise ValueError(f"{name} is larger than {MAX_IMAGE_BYTES // 1_000_000} MB")
    mime = next((mime for start, mime in _MAGIC_BYTES if content.startswith(start)), None)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        mime = "image/webp"
    if mime is None:
        raise ValueError(f"{name} is neither PNG, JPEG, WebP nor GIF")
    return {"mime": mime, "data": base64.b64encode(content).decode()}

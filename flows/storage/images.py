"""Images: pictures that a row names, read into its record; never from outside the folder of the row's source."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from contract.record import MAX_IMAGE_BYTES

_STARTS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


def pictures(cell: Any, alt_texts: Any, folder: Path | None) -> list[dict[str, Any]]:
    """What a cell names, as the fields of `ImagePart`s: a path, paths separated by `;`, a list of them, or bytes.

    `alt_texts` is the text of the first picture, or a list with one each. Raises ValueError, in plain words, for a
    picture that is missing, too large, of no known kind, outside `folder`, or on the web. Without a `folder` only
    bytes can be had.
    """
    sources = _several(cell)
    texts = _several(alt_texts) if isinstance(alt_texts, list | tuple) else [alt_texts]
    if len(texts) > max(len(sources), 1):
        raise ValueError(f"`alt_text` holds {len(texts)} texts, but `images` {len(sources)}")
    found = [_picture(one, folder) for one in sources]
    for picture, text in zip(found, texts, strict=False):
        if text is not None and str(text).strip():
            picture["alt_text"] = str(text)
    return found


def _several(cell: Any) -> list[Any]:
    if cell is None:
        return []
    if isinstance(cell, str):
        return [name.strip() for name in cell.split(";") if name.strip()]
    if isinstance(cell, list | tuple):
        return [item for item in cast("Sequence[Any]", cell) if item is not None]
    return [cell]


def _picture(named: Any, folder: Path | None) -> dict[str, Any]:
    if isinstance(named, bytes):
        return _encoded(named, "the picture")
    if isinstance(named, Mapping):
        fields = dict(cast("Mapping[str, Any]", named))
        if isinstance(content := fields.get("bytes"), bytes):
            return _encoded(content, f"the picture {fields.get('path') or ''}".strip())
        if fields.get("data"):
            return fields
        path = fields.get("uri") or fields.get("path")
        extra_fields = {name: value for name, value in fields.items() if name == "alt_text"}
        return {**_picture(path, folder), **extra_fields}
    if not isinstance(named, str):
        raise ValueError("`images` should hold paths of pictures")
    return _encoded(_content(named, folder), f"the picture '{named}'")


def _content(name: str, folder: Path | None) -> bytes:
    if name.lower().startswith(("http://", "https://")):
        raise ValueError(f"the picture '{name}' is on the web: download it first, and name the file")
    if folder is None:
        raise ValueError(f"the picture '{name}' is a file, but the source holds none")
    inside = folder.resolve()
    path = (inside / name).resolve()
    if not path.is_relative_to(inside):
        raise ValueError(f"the picture '{name}' is outside the folder of its table; put it there")
    if not path.is_file():
        raise ValueError(f"there is no picture '{name}' in the folder of its table")
    if path.stat().st_size > MAX_IMAGE_BYTES:
        raise ValueError(f"the picture '{name}' is larger than {MAX_IMAGE_BYTES // 1_000_000} MB")
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"the picture '{name}' cannot be read: {error.strerror or error}") from None


def _encoded(content: bytes, called: str) -> dict[str, Any]:
    if len(content) > MAX_IMAGE_BYTES:
        raise ValueError(f"{called} is larger than {MAX_IMAGE_BYTES // 1_000_000} MB")
    mime = next((mime for start, mime in _STARTS if content.startswith(start)), None)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        mime = "image/webp"
    if mime is None:
        raise ValueError(f"{called} is neither PNG, JPEG, WebP nor GIF")
    return {"mime": mime, "data": base64.b64encode(content).decode()}

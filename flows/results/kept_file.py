"""The form of a kept file: it names the key that it answers, and holds a digest by which a change is noticed.

    {"key":"<key>","sha256":"<digest of key and content>","kept":<content>}

Files that version 0.1 kept are the content alone, and are read as they are.
"""

from __future__ import annotations

import hashlib
import re

_START = b'{"key":'
_HEAD = re.compile(rb'\{"key":"([0-9a-f]+)","sha256":"([0-9a-f]{64})","kept":')


class AlteredFile(ValueError):
    """A kept file is not the one that was written under its name. The text says what differs."""


def to_kept(key: str, content: bytes) -> bytes:
    """The file that keeps `content`, a JSON text, under `key`."""
    return b'{"key":"%s","sha256":"%s","kept":%s}' % (key.encode(), _digest(key.encode(), content), content)


def from_kept(key: str, file: bytes) -> bytes:
    """The content that the file keeps under `key`. Raises AlteredFile."""
    if not file:
        raise AlteredFile("it is empty, or something that is no file stands in its place")
    if not file.startswith(_START):
        return file
    head = _HEAD.match(file)
    if head is None or not file.endswith(b"}"):
        raise AlteredFile("it is not whole")
    content = file[head.end() : -1]
    if _digest(head[1], content) != head[2]:
        raise AlteredFile("it was changed after it was written")
    if head[1] != key.encode():
        raise AlteredFile("it answers another request")
    return content


def _digest(key: bytes, content: bytes) -> bytes:
    return hashlib.sha256(key + b"\n" + content).hexdigest().encode()

"""Record: one item of data, as it was read, never changed and never empty."""

from __future__ import annotations

import base64
import binascii
import re
from functools import cached_property
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from contract.base import Frozen, FrozenMap, digest
from contract.picture_size import MAX_PIXELS, claimed_size

MAX_IMAGE_BYTES = 20_000_000
_CONTROL_CHARACTERS = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def _reject_null_byte(text: str) -> str:
    if "\x00" in text:
        raise ValueError("holds a null byte: the file is probably not text, or not in the encoding assumed")
    return text


def _reject_control_characters(text: str) -> str:
    if _CONTROL_CHARACTERS.search(text):
        raise ValueError("holds a control character, such as a line's end or one that turns the writing direction")
    return text


def place_name(words: str) -> str:
    """Words of a document as the `name` of a Locator: on one line, without control characters, and not too long."""
    return " ".join(_CONTROL_CHARACTERS.sub(" ", words).split())[:MAX_PLACE_CHARACTERS].rstrip()


MAX_PLACE_CHARACTERS = 100
MAX_TEXT_CHARACTERS = 50_000_000
"""For each text of a record."""
Text = Annotated[str, AfterValidator(_reject_null_byte), Field(max_length=MAX_TEXT_CHARACTERS)]


class ImagePart(Frozen):
    """A picture of a record: where it is or its bytes, and what it shows in words."""

    mime: Literal["image/png", "image/jpeg", "image/webp", "image/gif"]
    uri: str | None = None
    data: str | None = None
    """The bytes in base64."""
    alt_text: Text | None = None
    """What the picture shows; a model without sight is given this instead."""

    @field_validator("data")
    @classmethod
    def _is_base64(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if len(value) > MAX_IMAGE_BYTES * 4 // 3 + 4:
            raise ValueError(f"larger than {MAX_IMAGE_BYTES:,} bytes")
        try:
            content = base64.b64decode(value, validate=True)
        except binascii.Error as error:
            raise ValueError(f"not base64: {error}") from None
        width, height = claimed_size(content)
        if width * height > MAX_PIXELS:
            raise ValueError(
                f"a picture of {width:,} x {height:,} pixels; more than {MAX_PIXELS:,} are not taken, make it smaller"
            )
        return value

    @model_validator(mode="after")
    def _has_substance(self) -> ImagePart:
        if not (self.uri or self.data):
            raise ValueError("an image needs `uri` or `data`")
        return self


class Locator(Frozen):
    """Where a part of a text begins, and its place as readers cite it: `p. 103`, or `PDF p. 3`."""

    start: int = Field(ge=0)
    """Offset of its first character."""
    name: Annotated[str, AfterValidator(_reject_control_characters)] = Field(
        min_length=1, max_length=MAX_PLACE_CHARACTERS
    )


class Record(Frozen):
    """One item of data. `Record(record_id="1", text="…")` is enough.

    Raises pydantic.ValidationError when there is no text, section or image: an empty record is a mistake
    in the source, and the reader reports it rather than passing it on.
    """

    record_id: Annotated[str, AfterValidator(_reject_control_characters)] = Field(min_length=1, max_length=512)
    title: Text | None = None
    text: Text = ""
    """The main text. May be empty only when there are sections or images."""
    sections: FrozenMap = Field(default_factory=dict, validate_default=True)
    """Named parts of a longer document (facts, reasons, …), in reading order; values are strings."""
    images: tuple[ImagePart, ...] = ()
    metadata: FrozenMap = Field(default_factory=dict, validate_default=True)
    ground_truth: FrozenMap | None = None
    """What people said of this record, for scoring. Never shown to a judge."""
    uri: str | None = None
    mime: str = "text/plain"
    locators: tuple[Locator, ...] = Field(default=(), exclude_if=lambda value: not value)
    """The pages of `text`, where it has any, in their order."""

    @model_validator(mode="after")
    def _never_empty(self) -> Record:
        for name, value in self.sections.items():
            if not isinstance(value, str):
                raise ValueError(f"section '{name}' is not text")
            _reject_null_byte(value)
        if not (self.text.strip() or self.images or any(str(value).strip() for value in self.sections.values())):
            raise ValueError("the record is empty: no text, no section, no image")
        return self

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over everything in the record; two records with one fingerprint are the same data."""
        return digest(self)

    @cached_property
    def content_sha256(self) -> str:
        """SHA-256 of what people read of the record: its title, text, sections and pictures."""
        return digest(self.model_dump(mode="json", include={"title", "text", "sections", "images"}))

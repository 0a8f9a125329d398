"""Texts of bounded length, as models write them."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

Short = Annotated[str, StringConstraints(min_length=1, max_length=300)]
Sentence = Annotated[str, StringConstraints(min_length=1, max_length=600)]
Quote = Annotated[str, StringConstraints(min_length=1, max_length=600)]

"""Finds who speaks, and when, in subtitles (SRT, VTT) and in transcripts whose paragraphs begin with a name."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from contract.record import Locator, place_name

_TURN = re.compile(
    r"(?m)^(?:[\[(]?(?P<time>\d{1,2}:\d{2}(?::\d{2})?)(?:[.,]\d+)?[\])]?\s+)?"
    r"(?P<name>[^\W\d_][\w .'’-]{0,39}?)(?:\s*[\[(](?P<after>\d{1,2}:\d{2}(?::\d{2})?)(?:[.,]\d+)?[\])])?\s*:\s+(?=\S)"
)
"""The beginning of a turn: `Anna: …`, `[00:12:05] Anna: …` or `Anna (00:12:05): …`."""
_TIMES = re.compile(r"(?:\d+:)?\d{1,2}:\d{2}[.,]\d{1,3}\s*-->\s*(?:\d+:)?\d{1,2}:\d{2}[.,]\d{1,3}(?:\s.*)?")
_BESIDE = re.compile(r"(?:NOTE|STYLE|REGION)\b")
"""Blocks of a VTT file that hold no words that are spoken."""
_LEAST_TURNS = 3
_LEAST_SHARE = 0.6
"""A text is a transcript if at least so many of its paragraphs begin with a name, and names recur."""


@dataclass(frozen=True)
class Transcript:
    """The words, and where each turn begins."""

    text: str
    locators: tuple[Locator, ...]
    left_out: str | None = None
    """Which words of the file stand at no time, so that they are not read."""


def read_subtitles(content: str, kind: str) -> Transcript:
    """The words of subtitles; each is named by its speaker, where it has one, and its time. `kind` is `srt` or `vtt`.

    Raises ValueError where the file is none; StorageError when webvtt-py is not installed.
    """
    library: Any = import_module("webvtt")
    try:
        captions: Any = library.from_buffer(io.StringIO(content), format=kind)
    except Exception as error:
        raise ValueError(f"this is no file of subtitles ({kind.upper()}): {error}") from None
    text, locators, taken = "", list[Locator](), Counter[str]()
    for caption in captions:
        words = str(caption.text).strip()
        taken.update(map(_bare, str(caption.raw_text).splitlines()))
        if not words:
            continue
        speaker, time = str(caption.voice or "").strip(), str(caption.start).partition(".")[0]
        if not speaker and (turn := _TURN.match(words)):
            speaker = turn["name"].strip()
        locators.append(Locator(start=len(text), name=_name(speaker, time)))
        text += f"{words}\n"
    if not text:
        raise ValueError(f"this is no file of subtitles ({kind.upper()}): it holds no words with times")
    return Transcript(text.rstrip(), tuple(locators), _left_out(content, kind, taken))


def _left_out(content: str, kind: str, taken: Counter[str]) -> str | None:
    """Lines that no caption has taken: the words after a time that is none, for example."""
    lost = list[int]()
    lines, beside = content.splitlines(), False
    for number, line in enumerate(lines, start=1):
        bare = _bare(line)
        if not bare:
            beside = False
        elif kind == "vtt" and (number == 1 or _BESIDE.match(bare)):
            beside = True
        elif taken[bare]:
            taken[bare] -= 1
        elif not (beside or _TIMES.fullmatch(bare) or _precedes_times(lines, number)):
            lost.append(number)
    if not lost:
        return None
    first = _bare(lines[lost[0] - 1])[:80]
    several = len(lost) > 1
    which, are = (f"{len(lost):,} lines belong", "they are") if several else ("a line belongs", "it is")
    return f"{which} to no caption, so {are} not read, the first in line {lost[0]}: {first}; mend the times above it"


def _precedes_times(lines: Sequence[str], number: int) -> bool:
    """Whether the line is the number or name of a caption: the next one holds its times."""
    return number < len(lines) and _TIMES.fullmatch(_bare(lines[number])) is not None


def _bare(line: str) -> str:
    return line.replace("\ufeff", "").strip()


def speaker_locators(text: str) -> tuple[Locator, ...]:
    """Where each turn of a transcript begins, named by its speaker and time; empty for a text that is none."""
    paragraphs = [line for line in text.splitlines() if line.strip()]
    turns = list(_TURN.finditer(text))
    names = Counter(turn["name"].strip() for turn in turns)
    if len(turns) < max(_LEAST_TURNS, _LEAST_SHARE * len(paragraphs)) or len(names) > len(turns) / 1.5:
        return ()
    return _first_at_start(
        [
            Locator(start=turn.start(), name=_name(turn["name"].strip(), turn["time"] or turn["after"] or ""))
            for turn in turns
        ]
    )


def _first_at_start(found: Sequence[Locator]) -> tuple[Locator, ...]:
    """What stands above the first turn, such as a heading, belongs to nobody."""
    heading = [Locator(start=0, name="before the first speaker")] if found[0].start else []
    return (*heading, *found)


def _name(speaker: str, time: str) -> str:
    return place_name(", ".join(part for part in (speaker[:60], time) if part))

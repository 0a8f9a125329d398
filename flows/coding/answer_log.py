"""AnswerLog: every answer of every coder, one line each, never changed; an undo is a line too.

A line is on the disk before its coder is told so (fsync). What a kill or a full disk has left of a half line is
recognised by its missing end: it was never confirmed, and no later line is joined to it. Each line ends with the digest
of what stands before it, so that one which somebody changes is noticed; lines of earlier versions have none.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, cast

from pydantic import Field, TypeAdapter, ValidationError

from contract.base import Frozen
from contract.errors import RunError
from contract.judgements import RecordQuote
from flows.files.half_line import is_half_line
from flows.files.model_mistakes import model_mistakes

try:
    import fcntl
except ImportError:  # Windows, where nothing stops a second server
    fcntl = None

ANSWERS_FILE = "answers.jsonl"
MAX_TEXT_CHARACTERS = 10_000
_BEGINNING = '{"kind":"'
"""With this every line of the file begins."""
Timed: TypeAlias = Literal["active", "elapsed", "unknown"]
Key: TypeAlias = tuple[str, str]
"""Record and criterion."""


class Answer(Frozen):
    """What one coder said of one record by one criterion."""

    kind: Literal["answer"] = "answer"
    answer_id: str = Field(min_length=1, max_length=80)
    """Given out with the form, so that a form that is sent twice is one answer."""
    coder: str
    record_id: str
    criterion: str
    record_sha256: str
    criterion_sha256: str
    verdict: str | None
    """None where the coder cannot decide."""
    reason: str = Field(default="", max_length=MAX_TEXT_CHARACTERS)
    quotes: tuple[RecordQuote, ...] = ()
    unclear: bool = False
    """Whether the criterion itself is unclear here."""
    unclear_note: str = Field(default="", max_length=MAX_TEXT_CHARACTERS)
    seconds: float | None = Field(default=None, ge=0)
    """How long the record was on the screen; None where that is not known, as in a spreadsheet."""
    timed: Timed = "unknown"
    """active: while the page was visible; elapsed: from showing to saving, without JavaScript."""
    at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    source: str = "page"
    """`page`, or the name of the file from which it was imported."""

    @property
    def key(self) -> Key:
        """What it is an answer to."""
        return self.record_id, self.criterion

    @property
    def verdict_text(self) -> str:
        """The verdict; `cannot decide` for none."""
        return self.verdict or CANNOT_DECIDE

    @property
    def said(self) -> tuple[object, ...]:
        """Who says what of what, whenever and wherever it was written."""
        quotes = tuple(one.quote for one in self.quotes)
        return self.coder, self.key, self.verdict_text, self.reason, quotes, self.unclear, self.unclear_note


class Undo(Frozen):
    """Takes back an answer; the one that it had replaced holds again."""

    kind: Literal["undo"] = "undo"
    answer_id: str
    coder: str
    at: datetime = Field(default_factory=lambda: datetime.now(UTC))


CANNOT_DECIDE = "cannot decide"
Line: TypeAlias = Annotated[Answer | Undo, Field(discriminator="kind")]
_LINE: TypeAdapter[Answer | Undo] = TypeAdapter(Line)


@dataclass
class CoderState:
    """The answers of one coder that hold."""

    history: list[Answer] = field(default_factory=list[Answer])
    """Those not taken back, in the order in which they were given."""
    current: dict[Key, Answer] = field(default_factory=dict[Key, Answer])
    """The last one to each record and criterion."""

    def add(self, answer: Answer) -> None:
        """Adds an answer, which replaces an earlier one to the same."""
        self.history.append(answer)
        self.current[answer.key] = answer

    def take_back(self, answer_id: str) -> None:
        """Removes the answer; the one before it to the same record and criterion holds again."""
        [removed, *_] = [one for one in self.history if one.answer_id == answer_id] or [None]
        if removed is None:
            return
        self.history.remove(removed)
        earlier = [one for one in self.history if one.key == removed.key]
        if earlier:
            self.current[removed.key] = earlier[-1]
        else:
            self.current.pop(removed.key, None)


@dataclass
class CodedAnswers:
    """The answers of all coders that hold."""

    coders: dict[str, CoderState] = field(default_factory=dict[str, CoderState])
    torn_lines: list[int] = field(default_factory=list[int])
    """Numbers of lines that a kill has left unfinished; none of them was confirmed."""
    damaged_lines: list[int] = field(default_factory=list[int])
    """Numbers of lines that were whole once: what they held was confirmed, and is lost."""
    changed_lines: list[int] = field(default_factory=list[int])
    """Numbers of lines that say something else than was written: nobody has given these answers."""
    known: dict[str, Answer] = field(default_factory=dict[str, Answer])
    """All answers by id, also those taken back."""

    def apply(self, line: Answer | Undo) -> None:
        """Counts a line of the file."""
        state = self.of(line.coder)
        if isinstance(line, Undo):
            state.take_back(line.answer_id)
        elif line.answer_id not in self.known:
            self.known[line.answer_id] = line
            state.add(line)

    def of(self, coder: str) -> CoderState:
        """The answers of a coder."""
        return self.coders.setdefault(coder, CoderState())

    def __iter__(self) -> Iterator[Answer]:
        for coder in sorted(self.coders):
            yield from self.coders[coder].current.values()


class AnswerLog:
    """The file of answers, open for one process. Use as a context manager."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / ANSWERS_FILE
        self.answers = CodedAnswers()

    def __enter__(self) -> AnswerLog:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._lock()
            self.answers = read_answers(self.path.parent)
        except BaseException:
            os.close(self._file)
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        os.close(self._file)

    def _lock(self) -> None:
        if fcntl is None:
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RunError(
                f"{self.path} is in use by another coding server or command; end it first (Ctrl-C where it runs)"
            ) from None

    def append(self, line: Answer | Undo) -> bool:
        """Writes a line to the disk, then counts it. False, and nothing written, for an answer that is there already.

        Raises OSError when the disk does not take it; then nothing is counted.
        """
        if isinstance(line, Answer) and line.answer_id in self.answers.known:
            return False
        self.append_all([line])
        return True

    def append_all(self, lines: Sequence[Answer | Undo]) -> None:
        """Writes lines with one fsync."""
        data = b"".join(_with_digest(line.model_dump_json().encode()) + b"\n" for line in lines)
        end = os.fstat(self._file).st_size
        if end and os.pread(self._file, 1, end - 1) != b"\n":
            data = b"\n" + data
        try:
            while data:
                data = data[os.write(self._file, data) :]
            os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, end)
            raise
        for line in lines:
            self.answers.apply(line)


def _with_digest(text: bytes) -> bytes:
    """The line with the digest of what it says."""
    return text[:-1] + b',"digest":"' + sha256(text).hexdigest().encode() + b'"}'


def _is_unchanged(text: bytes, value: Any) -> bool:
    """Whether the line says what was written; a line without a digest is of an earlier version. Drops the digest."""
    if not isinstance(value, dict) or "digest" not in value:
        return True
    cast("dict[str, Any]", value).pop("digest")
    written = text.rstrip()
    return written == _with_digest(written.rpartition(b',"digest":')[0] + b"}")


def read_answers(folder: Path) -> CodedAnswers:
    """The answers kept in the folder, none where there is no file.

    Raises RunError for a whole line that is no answer: somebody has changed the file.
    """
    found, path = CodedAnswers(), folder / ANSWERS_FILE
    for number, text in enumerate(path.read_bytes().split(b"\n") if path.exists() else (), start=1):
        if not text.strip():
            continue
        try:
            value = json.loads(text)
        except ValueError:
            (found.torn_lines if is_half_line(text, _BEGINNING) else found.damaged_lines).append(number)
            continue
        if not _is_unchanged(text, value):
            found.changed_lines.append(number)
            continue
        try:
            found.apply(_LINE.validate_python(value))
        except ValidationError as error:
            raise RunError(f"{path}:{number}: this line is no answer: {model_mistakes(error)}") from None
    return found

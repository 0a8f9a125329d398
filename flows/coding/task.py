"""CodingTask: what is coded, by whom and by which criteria; kept in a folder of its own with the records drawn.

The records are kept as they were shown, without ground truth and metadata: a coder sees neither, and an answer stays
an answer to these words whatever becomes of the source.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import Field, ValidationError

from contract.base import Frozen, FrozenMap
from contract.codebook import Variable
from contract.errors import RunError
from contract.record import Record
from flows.files.atomic import open_atomic, write_text
from flows.files.model_mistakes import model_mistakes

TASK_FILE = "task.json"
RECORDS_FILE = "records.jsonl"
CoderName = Annotated[str, Field(pattern=r"^\w[\w .@+-]*$", max_length=60)]
_SHOWN_FIELDS = {"record_id", "title", "text", "sections", "images", "locators"}


class CodedCriterion(Frozen):
    """A criterion as coders are shown it."""

    name: str
    """Its name in tables."""
    title: str
    text: str
    verdicts: tuple[str, ...]
    sha256: str
    """The digest that a run's manifest names it by."""
    variable: Variable | None = Field(default=None, exclude_if=lambda value: value is None)
    """The variable of a codebook that it is; each is coded by itself."""

    @property
    def is_in_words(self) -> bool:
        """Whether answers are words, on which nobody is to decide."""
        return self.variable is not None and self.variable.is_in_words

    @property
    def choices(self) -> tuple[str, ...]:
        """What an answer is one of; empty where it is a number, words or several options."""
        return self.verdicts if self.variable is None else self.variable.allowed

    def read(self, text: str) -> str:
        """The verdict that a person's text stands for. Raises ValueError, in words for that person, if it is none."""
        if self.variable is None:
            if text not in self.verdicts:
                raise ValueError("Choose one of these.")
            return text
        found = self.variable.text(self.variable.read(text))
        if found is None:
            raise ValueError(
                "Choose one of these." if self.variable.allowed else "Answer this, or say that you cannot."
            )
        return found


class DrawnRecord(Frozen):
    """A record that was drawn, and by which design."""

    record: Record
    stratum: FrozenMap = Field(default_factory=dict, validate_default=True)
    """Field -> value, for the fields by which the records were divided before drawing."""
    probability: float = Field(gt=0, le=1)
    """The probability with which it came into the sample."""

    @property
    def record_id(self) -> str:
        """The record's id."""
        return self.record.record_id

    @property
    def sha256(self) -> str:
        """The digest of what a coder is shown."""
        return self.record.content_sha256


class CodingTask(Frozen):
    """All that is the same for every coder. The order of the records is each coder's own."""

    flow: str
    criteria: tuple[CodedCriterion, ...] = Field(min_length=1)
    coders: tuple[CoderName, ...] = ()
    seed: int = 0
    population: int = Field(ge=1)
    """Records from which the sample was drawn."""
    strata: tuple[str, ...] = ()
    allocate: str = "proportional"
    content_warning: str = ""
    created: datetime = Field(default_factory=lambda: datetime.now(UTC))

    def criterion(self, name: str) -> CodedCriterion | None:
        """The criterion of that name; None where there is none."""
        return next((one for one in self.criteria if one.name == name), None)


def shown_record(record: Record) -> Record:
    """The record without what coders must not see: ground truth, metadata and address."""
    return Record.model_validate(record.model_dump(mode="json", include=_SHOWN_FIELDS))


def write_task(folder: Path, task: CodingTask, records: Sequence[DrawnRecord]) -> None:
    """Makes the folder of a new task. The task is written last, so that one without records is never found."""
    folder.mkdir(parents=True, exist_ok=True)
    with open_atomic(folder / RECORDS_FILE) as file:
        file.writelines(f"{one.model_dump_json()}\n" for one in records)
    save_task(folder, task)


def save_task(folder: Path, task: CodingTask) -> None:
    """Writes the task again, for example with a further coder."""
    write_text(folder / TASK_FILE, task.model_dump_json(indent=2) + "\n")


def read_task(folder: Path) -> tuple[CodingTask, tuple[DrawnRecord, ...]] | None:
    """The task kept in the folder; None where there is none. Raises RunError when it cannot be read."""
    if not (folder / TASK_FILE).exists():
        return None
    task = _parse(CodingTask, (folder / TASK_FILE).read_text(encoding="utf-8"), f"{folder / TASK_FILE}")
    with (folder / RECORDS_FILE).open(encoding="utf-8") as lines:
        records = tuple(
            _parse(DrawnRecord, line, f"{folder / RECORDS_FILE}:{number}") for number, line in enumerate(lines, start=1)
        )
    if not records:
        raise RunError(f"{folder / RECORDS_FILE}: the file holds no record; restore it from a copy")
    return task, records


Model = TypeVar("Model", CodingTask, DrawnRecord)


def _parse(model: type[Model], text: str, where: str) -> Model:
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise RunError(f"{where}: cannot be read: {model_mistakes(error)}") from None

"""Takes answers from a filled-in file into the answers of a coding; a row that cannot be taken is told, with why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from agents.evidence.record_quotes import RecordTexts
from contract.base import digest
from contract.codebook import SEPARATOR
from contract.judgements import RecordQuote
from flows.coding.answer_log import CANNOT_DECIDE, MAX_TEXT_CHARACTERS, Answer, AnswerLog, Key
from flows.coding.desk import Item
from flows.coding.form import MAX_QUOTES
from flows.coding.quote_problem import quote_problem
from flows.coding.task import CodingTask, DrawnRecord
from flows.files.names_of_people import one_form
from flows.tables.answers import spelling

YES_WORDS = ("yes", "y", "true", "1", "x")
KNOWN_WORDS = (*YES_WORDS, "", "no", "n", "false", "0")
"""How tables say whether the criterion is unclear; in any case of letters."""
_SHA_PARTS = 16
_MAX_LISTED = 8


@dataclass(frozen=True)
class ReadAnswer:
    """An answer as it stands in a file."""

    where: str
    """File, sheet and row."""
    coder: str
    key: Key | str | None
    """Record and criterion; the key of a workbook's row; None where neither is known."""
    verdict: str
    reason: str = ""
    quotes: Sequence[str] = ()
    unclear: bool = False
    unclear_note: str = ""
    seconds: float | None = None
    content: str = ""
    """The digest by which a changed text is noticed; empty where the file has none."""
    beside: Mapping[str, str] | None = None
    """What stands beside the answer in its row of a workbook; such a row also has `content`. None for other files."""
    problem: str = ""
    """Why it cannot be taken, where its reader knows."""

    @property
    def given_without_verdict(self) -> str:
        """What is given although no verdict is; empty where nothing is, as in a row that is not filled in yet."""
        given = {
            "a reason": self.reason, "a quotation": self.quotes,
            "a note that the criterion is unclear": self.unclear or self.unclear_note,
        }  # fmt: skip
        return " and ".join(name for name, value in given.items() if value)


@dataclass
class Imported:
    """What became of the rows of a file."""

    added: list[Answer] = field(default_factory=list[Answer])
    unchanged: int = 0
    """Answers that hold already, word for word."""
    unanswered: int = 0
    """Rows without an answer."""
    refused: list[str] = field(default_factory=list[str])
    """Rows that cannot be taken, each with its place and why."""


class AnswerImport:
    """Takes answers to the items of one coding."""

    def __init__(self, task: CodingTask, records: Sequence[DrawnRecord], log: AnswerLog, source: str) -> None:
        from flows.coding.workbook import content_mark

        self._task = task
        self._log = log
        self._source = source
        pairs = [(criterion, drawn) for criterion in task.criteria for drawn in records]
        items = [Item(place, *pair) for place, pair in enumerate(pairs, start=1)]
        self._items: Mapping[Key | str, Item] = {
            **{item.key: item for item in items}, **{item.mark: item for item in items},
        }  # fmt: skip
        self._marks = {
            item.key: {content_mark(item), item.drawn.sha256, item.drawn.sha256[:_SHA_PARTS]} for item in items
        }
        self._records = list(dict.fromkeys(drawn.record_id for drawn in records))
        self._texts = dict[str, RecordTexts]()

    def take(self, answers: Iterable[ReadAnswer]) -> Imported:
        """Adds the answers that can be taken, all with one write."""
        done, found = Imported(), dict[tuple[str, Key], list[tuple[str, Answer]]]()
        for read in answers:
            if answer := self._answer(replace(read, coder=self._coder(read)), done):
                found.setdefault((answer.coder, answer.key), []).append((read.where, answer))
        for rows in found.values():
            self._take_one(rows, done)
        if done.added:
            self._log.append_all(done.added)
        return done

    def _coder(self, read: ReadAnswer) -> str:
        """Who answered; where one person codes and no name is given, it can only be that one."""
        named, coders = one_form(read.coder.strip()), self._task.coders
        if not named and len(coders) == 1:
            return coders[0]
        return next((one for one in coders if one_form(one) == named), named)

    def _take_one(self, rows: Sequence[tuple[str, Answer]], done: Imported) -> None:
        """Takes the one answer that the rows give; none where they contradict each other."""
        (_, answer), *others = rows
        if any(other.said != answer.said for _, other in others):
            places = [where for where, _ in rows]
            for where in places:
                elsewhere = ", ".join(one for one in places if one != where)
                done.refused.append(
                    f"{where}: {answer.coder} answers to the same record and criterion otherwise at {elsewhere}; "
                    "neither is taken: leave one of them out"
                )
            return
        current = self._log.answers.of(answer.coder).current.get(answer.key)
        is_known = current is not None and current.said == answer.said
        done.unchanged += len(others) + is_known
        if not is_known:
            done.added.append(answer)

    def _answer(self, read: ReadAnswer, done: Imported) -> Answer | None:
        item = self._items.get(read.key) if read.key is not None else None
        if not (read.verdict.strip() or read.problem or read.given_without_verdict):
            done.unanswered += 1
            return None
        verdict = self._verdict(read.verdict, item) if item else None
        quotes, problem = tuple[RecordQuote, ...](), read.problem or self._problem(read, item, verdict)
        if item and not problem:
            quotes, problem = self._quotes(read, item, verdict)
        if problem or item is None:
            done.refused.append(f"{read.where}: {problem}")
            return None
        current = self._log.answers.of(read.coder).current.get(item.key)
        # As on the page: whoever writes what the criterion should say finds it unclear.
        unclear = read.unclear or bool(read.unclear_note)
        said = [verdict, read.reason, [one.quote for one in quotes], unclear, read.unclear_note]
        before = current.answer_id if current else ""
        return Answer(
            answer_id=f"import-{digest([read.coder, *item.key, said, before])[:32]}", coder=read.coder,
            record_id=item.drawn.record_id, criterion=item.criterion.name, record_sha256=item.drawn.sha256,
            criterion_sha256=item.criterion.sha256, verdict=None if verdict == CANNOT_DECIDE else verdict,
            reason=read.reason, quotes=quotes, unclear=unclear, unclear_note=read.unclear_note,
            seconds=read.seconds, source=self._source,
        )  # fmt: skip

    def _quotes(self, read: ReadAnswer, item: Item, verdict: str | None) -> tuple[tuple[RecordQuote, ...], str]:
        """The quotations with their places in the record; and why they cannot be kept, empty where they can."""
        texts = self._texts.setdefault(item.drawn.record_id, RecordTexts.from_record(item.drawn.record))
        own = verdict.split(SEPARATOR) if self._is_quotation(item) and verdict and verdict != CANNOT_DECIDE else []
        # An export has the words of a quotation twice: as the answer and as its quotation.
        given = list(dict.fromkeys(quote.strip('“”„"') for quote in (*read.quotes, *own)))
        if len(given) > MAX_QUOTES:
            return (), f"there are {len(given):,} quotations; at most {MAX_QUOTES} are kept"
        quotes = tuple(dict.fromkeys(found for quote in given for found in texts.check_quote(quote)))
        missing = [one.quote for one in quotes if one.status == "not_found"]
        return quotes, quote_problem(texts, missing[0]) if missing else ""

    def _is_quotation(self, item: Item) -> bool:
        return item.criterion.variable is not None and item.criterion.variable.type == "quotation"

    def _verdict(self, text: str, item: Item) -> str | None:
        """The verdict of that spelling; None where there is none."""
        if spelling(CANNOT_DECIDE) == spelling(text):
            return CANNOT_DECIDE
        variable = item.criterion.variable
        if variable is None or variable.allowed:
            return next((name for name in item.criterion.choices if spelling(name) == spelling(text)), None)
        if variable.type == "choices":
            parts = text.replace("|", ";").split(";")
            known = {spelling(name): name for name in variable.options}
            text = SEPARATOR.join(known.get(spelling(part), part.strip()) for part in parts)
        try:
            return item.criterion.read(text)
        except ValueError:
            return None

    def _why_not(self, text: str, item: Item) -> str:
        try:
            item.criterion.read(text)
        except ValueError as error:
            variable = item.criterion.variable
            parts = [part.strip() for part in text.replace("|", ";").split(";")]
            wrong = next((part for part in parts if variable and part not in variable.options), "")
            near = _one_of(wrong, variable.options) if variable and variable.options else ""
            return f"verdict '{text}' is no answer to {item.criterion.name}: {error}{near}"
        return ""

    def _unknown_item(self, key: Key | str | None) -> str:
        """Which of record and criterion the coding does not have, with the nearest that it has."""
        if not isinstance(key, tuple):
            todo = "export the workbook again, and copy the answers into it"
            return f"key '{key or ''}' is of no row of this coding; {todo}"
        record_id, criterion = key
        criteria = [one.name for one in self._task.criteria]
        wrong = list[str]()
        if record_id not in self._records:
            wrong.append(f"record_id '{record_id}' is of no record of this coding{_one_of(record_id, self._records)}")
        if criterion not in criteria:
            wrong.append(f"criterion '{criterion}' is not coded here{_one_of(criterion, criteria)}")
        return "; ".join(wrong)

    def _problem(self, read: ReadAnswer, item: Item | None, verdict: str | None) -> str:
        if item is None:
            return self._unknown_item(read.key)
        if not read.coder:
            return f"no coder is named here; add a column `coder`, or write coder=…{_one_of('', self._task.coders)}"
        if read.coder not in self._task.coders:
            return f"coder '{read.coder}' codes nothing here{_one_of(read.coder, self._task.coders)}"
        if problem := self._other_words(read, item):
            return problem
        if not read.verdict.strip():
            return f"{read.given_without_verdict} without a verdict; write the verdict too, or '{CANNOT_DECIDE}'"
        if verdict is None:
            if item.criterion.variable is not None and not item.criterion.choices:
                return self._why_not(read.verdict, item)
            allowed = (*item.criterion.verdicts, CANNOT_DECIDE)
            return f"verdict '{read.verdict}' is no answer to {item.criterion.name}{_one_of(read.verdict, allowed)}"
        texts = {"a reason": read.reason, "a note on the criterion": read.unclear_note, "an answer": verdict}
        too_long = [name for name, text in texts.items() if len(text) > MAX_TEXT_CHARACTERS]
        return f"{too_long[0]} has at most {MAX_TEXT_CHARACTERS:,} characters" if too_long else ""

    def _other_words(self, read: ReadAnswer, item: Item) -> str:
        """Why it may be an answer to other words than were given out; empty where it is not."""
        from flows.coding.workbook import is_same_cell, visible_texts

        if read.content and read.content not in self._marks[item.key]:
            return "the text or the criterion is not what was given out, so the answer is one to other words"
        if read.beside is None:
            return ""
        todo = "sort and move whole rows only, or export the workbook again and copy the answers into it"
        if not read.content:
            return f"the cell `content` is empty, which says what was given out; {todo}"
        given = visible_texts(item)
        other = [name for name, cell in read.beside.items() if not is_same_cell(given[name], cell)]
        return f"the {other[-1]} beside this answer is not that of its key; {todo}" if other else ""


def _one_of(name: str, known: Sequence[str]) -> str:
    """What to write in the place of `name`, as the end of a sentence."""
    near = get_close_matches(name, known, n=1)
    listed = known if len(known) <= _MAX_LISTED else [*known[:_MAX_LISTED], f"{len(known) - _MAX_LISTED:,} more"]
    return (f"; did you mean '{near[0]}'?" if near else "") + f" (one of {', '.join(listed)})"

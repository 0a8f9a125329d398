"""Each reader of outside files, fed with small files that a seeded generator has damaged: whatever stands in them, it
gives rows, or says in one sentence what is wrong.

A longer run: BUTTERMILK_FUZZ=5000 pytest tests/security/test_fuzz.py. One of a minute for each reader, in the time of
this process, with files of its own: BUTTERMILK_FUZZ=60s BUTTERMILK_FUZZ_FIRST=100000 pytest -s …
"""

from __future__ import annotations

import gzip
import io
import os
import time
import zipfile
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest

from agents.llms.models_file import read_models
from agents.prompting.criteria import Criteria
from agents.prompting.templates import Prompts
from contract.errors import ButtermilkError
from contract.storage import FileStorage
from contract.zotero import ZoteroStorage
from flows.config.yaml_documents import read_document
from flows.files.run_data import RunData
from flows.gates.answer_file import read_answer_file
from flows.results.folder import ResultFolder
from flows.results.replies import ResultReplyStore
from flows.results.store import reply_path
from flows.storage.reader import read_source
from tests.storage.test_documents import RTF, write_docx, write_epub, write_odt
from tests.storage.test_formats import pdf
from tests.storage.workbooks import Error, write_workbook
from tests.support.traces import call, finished_run

ROUNDS = os.environ.get("BUTTERMILK_FUZZ", "60")
"""Damaged files for each reader, or seconds."""
FIRST = int(os.environ.get("BUTTERMILK_FUZZ_FIRST", "0"))
_MARKS = rb"""
\ " ' , ; : - { } [ ] &a *a <<: !!binary !!timestamp ? | > % @ ` {{ {% ${ .. 0x null NaN Infinity -1 1e999 \ud83d
"""
_TOKENS = (
    *_MARKS.split(),
    *(b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\xbd", b"\xe2\x80\xa8", b"\n", b"\r", b"\t", b"---\n"),
    *(b"!!python/object:os.system ", b"2020-13-45", b"9" * 400, b"[" * 2000, b'{"a":' * 500),
)
Read = Callable[[Path], object]


def damaged(data: bytes, random: Random) -> bytes:
    """`data` with one to four places changed: bits, cuts, repetitions, moved parts, tokens that mean something."""
    made = bytearray(data)
    for _ in range(random.randint(1, 4)):
        at, length = random.randrange(len(made) + 1), random.choice((1, 2, 8, 64))
        match random.randrange(6):
            case 0 if at < len(made):
                made[at] ^= 1 << random.randrange(8)
            case 1:
                del made[at : at + length]
            case 2:
                made[at:at] = made[at : at + length] * random.choice((1, 2, 50))
            case 3:
                made[at:at] = random.choice(_TOKENS)
            case 4:
                made[at : at + length] = bytes(random.randrange(256) for _ in range(length))
            case _:
                del made[at:]
                made += data[random.randrange(len(data)) :] if random.random() < 0.5 else b""
    return bytes(made)


def damaged_part(data: bytes, random: Random) -> bytes:
    """A zipped document with one of its parts damaged, so that not only the reader of the zip sees it."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as sound, zipfile.ZipFile(made, "w") as copy:
        chosen = random.choice(sound.namelist())
        for name in sound.namelist():
            part = sound.read(name)
            copy.writestr(name, damaged(part, random) if name == chosen and part else part)
    return made.getvalue()


def _written(write: Callable[[Path], object]) -> Callable[[Path], bytes]:
    def make(path: Path) -> bytes:
        write(path)
        return path.read_bytes()

    return make


def _table(path: Path) -> object:
    return list(read_source(FileStorage(path=path)))


def _library(path: Path) -> object:
    return list(read_source(ZoteroStorage(path=path)))


def _answer_table(path: Path) -> bytes:
    write_workbook(path, {"answers": [["gate", "record", "decision"], ["g", "p0", "approve"], ["g", "p1", "reject"]]})
    return path.read_bytes()


def _workbook(path: Path) -> bytes:
    write_workbook(path, {"posts": [["id", "text", "n"], ["1", "One.", 2.5], ["2", "Two.", Error("#N/A")]]})
    return path.read_bytes()


def _parquet(_: Path) -> bytes:
    out = io.BytesIO()
    rows: dict[str, list[Any]] = {
        "id": ["1", "2"],
        "text": ["One.", "Two."],
        "n": [1.5, None],
        "in": [{"a": [1]}, None],
    }
    arrow: Any = import_module("pyarrow")
    parquet: Any = import_module("pyarrow.parquet")
    parquet.write_table(arrow.table(rows), out)
    return out.getvalue()


def _pdf(_: Path) -> bytes:
    return pdf("A first page.", "And a second.")


def _text(text: str) -> Callable[[Path], bytes]:
    return lambda _: text.encode()


def _criterion(path: Path) -> object:
    return Criteria([path.parent.parent]).get(path.stem)


def _prompt(path: Path) -> object:
    return Prompts([path.parent.parent]).get(path.stem).variables


def _reply(path: Path) -> object:
    store = ResultFolder.at(path.parent)
    store.put(reply_path("a" * 64), path.read_bytes())
    reading = ResultReplyStore(store).get("a" * 64)
    try:
        reading.send(None)
    except StopIteration as found:
        return found.value
    raise AssertionError("reading a folder waits for nothing")


def _kept_reply(_: Path) -> bytes:
    return call('{"verdict": "violates"}').reply.model_dump_json().encode()  # type: ignore[reportOptionalMemberAccess]


def _run(path: Path) -> object:
    return list(RunData.open(path.parent).traces())


def _traces(path: Path) -> bytes:
    return (finished_run(path.parent, records=1) / "answers.jsonl").read_bytes()


def _manifest(path: Path) -> bytes:
    return (finished_run(path.parent, records=1) / "manifest.json").read_bytes()


_ENTRY = '[{"id": "d31", "type": "book", "title": "Ferries", "author": [{"family": "Doe"}], "DOI": "10.1/x"}]'
_ANSWERS = """\
- {gate: g, record: p0, decision: approve}
- {gate: g, record: p1, decision: edit, value: "Softer."}
"""
_CRITERION = (
    "---\ntitle: Rules\nretrieved: 2020-01-02\nverdicts: [a, b]\nexamples:\n- {text: t, verdict: a}\n---\nDo no harm.\n"
)
_FLOW = "description: A flow.\nrecords: posts\nsteps:\n  judge: {agent: judge, inputs: {a: b}, variants: {x: [1, 2]}}\n"
_MODELS = '{"m": {"kind": "hosted", "provider": "openai", "model_id": "x", "limits": {"concurrency": 2}}}'
READERS: dict[str, tuple[str, Callable[[Path], bytes], Read]] = {
    "CSV": ("a.csv", _text('id,text,n\n1,"One, two.",3\n2,"Say ""so"".",4\n3,"a\nb",5\n'), _table),
    "TSV": ("a.tsv", _text("id\ttext\n1\tOne.\n2\tTwo.\n"), _table),
    "JSON": (
        "a.json",
        _text('{"records": [{"id": 1, "text": "One.", "m": {"a": [1, null]}}, {"id": 2, "text": "T"}]}'),
        _table,
    ),
    "JSONL": ("a.jsonl", _text('{"id": 1, "text": "One."}\n{"id": 2, "text": "Two.", "m": [1.5, true]}\n'), _table),
    "XLSX": ("a.xlsx", _workbook, _table),
    "Parquet": ("a.parquet", _parquet, _table),
    "PDF": ("a.pdf", _pdf, _table),
    "DOCX": ("a.docx", _written(write_docx), _table),
    "ODT": ("a.odt", _written(lambda path: write_odt(path, "The ferry", "It closed.", "For good.")), _table),
    "EPUB": ("a.epub", _written(lambda path: write_epub(path, "Boats", {"One": "First.", "Two": "Second."})), _table),
    "RTF": ("a.rtf", _text(RTF + r"\f0 The caf\'e9 {\b closed}.\par \u8211? So.}"), _table),
    "HTML": ("a.html", _text("<html><head><title>T</title></head><body><p>One &amp; two.</p></body></html>"), _table),
    "SRT": (
        "a.srt",
        _text("1\n00:00:01,000 --> 00:00:02,000\nAnna: One.\n\n2\n00:00:03,000 --> 00:00:04,000\nTwo.\n"),
        _table,
    ),
    "VTT": (
        "a.vtt",
        _text("WEBVTT\n\n00:01.000 --> 00:02.000\n<v Anna>One.\n\n00:03.000 --> 00:04.000\nTwo.\n"),
        _table,
    ),
    "text": ("a.txt", _text("A text.\nOf two lines.\n"), _table),
    "Markdown": ("a.md", _text("---\ntitle: T\ndate: 2020-01-02\n---\n# Head\n\nText.\n"), _table),
    "packed CSV": ("a.csv.gz", lambda _: gzip.compress(b"id,text\n1,One.\n2,Two.\n"), _table),
    "CSV of another encoding": (
        "a.csv",
        lambda _: "id,text\n1,Der Rat schloß die Fähre für immer.\n2,Größe und Würde.\n".encode("cp1252"),
        _table,
    ),
    "literature": ("library.json", _text(_ENTRY), _library),
    "people's answers": ("answers.yaml", _text(_ANSWERS), read_answer_file),
    "people's answers, CSV": ("answers.csv", _text("gate,record,decision\ng,p0,approve\n"), read_answer_file),
    "people's answers, XLSX": ("answers.xlsx", _answer_table, read_answer_file),
    "study": ("flows/a.yaml", _text(_FLOW), read_document),
    "criterion": ("criteria/a.md", _text(_CRITERION), _criterion),
    "prompt": (
        "prompts/a.md",
        _text("---\ntitle: T\n---\nsystem:\nJ.\nuser:\n{{ record.text | fence('t') }}\n"),
        _prompt,
    ),
    "models": ("models.json", _text(_MODELS), read_models),
    "kept reply": ("reply.json", _kept_reply, _reply),
    "kept traces": ("answers.jsonl", _traces, _run),
    "manifest": ("manifest.json", _manifest, _run),
}


def _seeds() -> Iterator[int]:
    if not ROUNDS.endswith("s"):
        yield from range(FIRST, FIRST + int(ROUNDS))
        return
    began = time.process_time()
    for seed in count(FIRST):
        if time.process_time() - began > float(ROUNDS[:-1]):
            print(f"{seed - FIRST} files")
            return
        yield seed


@pytest.mark.timeout(120 if ROUNDS == "60" else 0)
@pytest.mark.parametrize("kind", READERS)
def test_a_damaged_file_is_read_or_refused_in_a_sentence(kind: str, tmp_path: Path) -> None:
    name, make, read = READERS[kind]
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    sound = make(path)
    for seed in _seeds():
        random = Random(f"{kind} {seed}")
        change = damaged_part if seed % 2 and zipfile.is_zipfile(io.BytesIO(sound)) else damaged
        path.write_bytes(change(sound, random))
        try:
            read(path)
        except ButtermilkError as error:
            assert str(error).strip() and "Traceback" not in str(error)
        except Exception as error:
            raise AssertionError(f"{kind}, seed {seed}: {type(error).__name__}: {error}") from error

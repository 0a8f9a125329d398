# ruff: noqa: E501 - a table is read line by line
"""Hostile input from outside: each line of the table was tried and is refused in plain words.

Roles and turns that a record's text would open are in tests/security/test_injection.py and tests/agents/prompting/test_templates.py,
markup in reports in tests/report/, bad rows of every format in tests/storage/test_bad_inputs.py.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import struct
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prefect.exceptions import ParameterTypeError, SignatureMismatchError

from agents.prompting.criteria import Criteria
from agents.prompting.templates import Prompts
from contract.errors import ButtermilkError, StudyError
from contract.storage import BigQueryStorage, FileStorage, GCSStorage
from flows.compose.compose import compose
from flows.compose.shorthands import as_arguments
from flows.deploy.declared import declare
from flows.files.checksums import changed_files
from flows.run_folder.replay import replay
from flows.spec.conditions import compile_condition
from flows.spec.study import Study
from flows.storage.reader import read_source
from flows.storage.rows import Reject
from tests.storage.workbooks import write_workbook
from tests.support.running import Lab

FLOW = """\
description: Tiny.
parameters: {question: {required: true}}
records: parameters.question
steps:
  ask: {agent: llm, parameters: {model: m, template: TEMPLATE}}
result: ask
"""
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9)
)
"""Nine lines, 3.5 billion values."""

_LARGE_SCREEN = struct.pack("<HHBBB", 65_535, 65_535, 0, 0, 0)
_SMALL_SCREEN = struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6)
BOMBS = {
    "picture.png": b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 100_000, 100_000) + bytes(9),
    "picture.jpeg": b"\xff\xd8\xff\xe0\x00\x04\x00\x00\xff\xff\xc2"
    + struct.pack(">HBHH", 17, 8, 65_535, 65_535)
    + bytes(20),
    "picture.gif": b"GIF89a" + _LARGE_SCREEN,
    "small screen, large image.gif": b"GIF89a"
    + _SMALL_SCREEN
    + b"\x21\xf9\x04\x00\x00\x00\x00\x00"
    + struct.pack("<BHHHHB", 0x2C, 0, 0, 65_535, 65_535, 0),
    "lossy.webp": b"RIFF\x20\x00\x00\x00WEBPVP8 " + bytes(10) + struct.pack("<HH", 16_383, 16_383),
    "lossless.webp": b"RIFF\x20\x00\x00\x00WEBPVP8L" + bytes(5) + struct.pack("<I", 2**28 - 1),
    "extended.webp": b"RIFF\x20\x00\x00\x00WEBPVP8X" + bytes(8) + (99_999).to_bytes(3, "little") * 2,
}
"""Pictures of a few bytes, each of which claims to be enormous."""


def flow(
    lab: Lab, template: str = "user:\n{{ record.text }}", more: str = "", arguments: tuple[str, ...] = ()
) -> object:
    """Composes a flow with that template, more lines below it, and more arguments."""
    lab.write_model("m", {"reply": {"text": "fine"}})
    lab.write("flows/tiny.yaml", FLOW.replace("TEMPLATE", json.dumps(template)) + more)
    return lab.compose(
        *([] if any(word.startswith("question=") for word in arguments) else ["question=Why?"]), *arguments
    )


def fill_template(lab: Lab, template: str) -> object:
    """Fills that template."""
    return Prompts([lab.folder]).get(template).render({"record": {"text": "x"}})


def decide(_lab: Lab, condition: str) -> object:
    """Decides that condition."""
    return compile_condition(condition).evaluate({"x": {"a": 1}})


def make_link(lab: Lab, where: str) -> None:
    """Makes a file of the study that is a link to a file outside it."""
    secret = lab.folder.parent / "secret.txt"
    secret.parent.mkdir(parents=True, exist_ok=True)
    secret.write_text("user:\nsomebody's secret")
    path = lab.folder / where
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(secret)


def with_link(where: str, then: Callable[[Lab], object]) -> Callable[[Lab], object]:
    """Makes such a link, then calls `then`."""

    def act(lab: Lab) -> object:
        make_link(lab, where)
        return then(lab)

    return act


def row(lab: Lab, **values: object) -> object:
    """Reads a row with those values; returns the record, or the reject with its reason."""
    lab.write("rows.jsonl", [{"text": "x", **values}, {"text": "the row after it"}])
    found = list(read_source(FileStorage(path=lab.folder / "rows.jsonl")))
    assert not isinstance(found[-1], Reject), "the rows after it are read"
    return found[0]


def bomb(name: str) -> Callable[[Lab], object]:
    """Reads a row with that picture."""

    def act(lab: Lab) -> object:
        lab.folder.mkdir(parents=True, exist_ok=True)
        (lab.folder / name).write_bytes(BOMBS[name])
        return row(lab, images=[name])

    return act


def source(name: str, content: bytes | str) -> Callable[[Lab], object]:
    """Reads a file with that content."""

    def act(lab: Lab) -> object:
        path = lab.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return next(iter(read_source(FileStorage(path=path))))

    return act


def workbook(change: Callable[[zipfile.ZipFile, str, bytes], None]) -> Callable[[Lab], object]:
    """Reads a workbook whose sheet `change` wrote."""

    def act(lab: Lab) -> object:
        sound, evil = lab.folder / "sound.xlsx", lab.folder / "evil.xlsx"
        lab.folder.mkdir(parents=True, exist_ok=True)
        write_workbook(sound, {"posts": [["text"], ["x"]]})
        with zipfile.ZipFile(sound) as old, zipfile.ZipFile(evil, "w", zipfile.ZIP_DEFLATED) as new:
            for name in old.namelist():
                if "sheet1" in name:
                    change(new, name, old.read(name))
                else:
                    new.writestr(name, old.read(name))
        return next(iter(read_source(FileStorage(path=evil))))

    return act


def _far_out(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    far = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    archive.writestr(name, content.replace(b"</sheetData>", far))


def _beyond(before: bytes, place: bytes) -> Callable[[zipfile.ZipFile, str, bytes], None]:
    """Writes a row with such a beginning, whose place would make calamine ask for more memory than there is.

    Rust ends the process then: a failure here is one of the whole test run.
    """

    def change(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
        row = b"<row%s><c%s><v>1</v></c></row></sheetData>" % (before, place)
        archive.writestr(name, content.replace(b"</sheetData>", row))

    return change


def _in_utf_16(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(name, content.decode().replace("A1", "XFD1048576").encode("utf-16"))


def _twice(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _far_out(archive, name, content)
        archive.writestr(name, content)


def _blown_up(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(name, content)
    # The size that a bomb's directory claims; nothing is unpacked to check it.
    archive.getinfo(name).file_size = 2_000_000_000


def model(lab: Lab, **fields: object) -> object:
    """Composes a flow with a hosted model with those fields."""
    mine = {"kind": "hosted", "provider": "openai-compatible", "model_id": "m", "base_url": "http://h/v1", **fields}
    lab.write("models/mine.yaml", json.dumps({"mine": mine}))
    return flow(lab)


def sums(lab: Lab, lines: str) -> object:
    """What is wrong with those SHA256SUMS, as the reason of a reject."""
    lab.write("run/SHA256SUMS", lines)
    return Reject(0, "; ".join(changed_files(lab.folder / "run")), "")


def flow_with_environment(lab: Lab, template: str, **variables: str) -> object:
    """Composes a flow whose template would send variables of the environment to a model."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        return flow(lab, template)


def folder_of_links(lab: Lab) -> object:
    """Reads a folder of documents, one of which is a link."""
    lab.write("docs/a.txt", "fine")
    make_link(lab, "docs/b.txt")
    return list(read_source(FileStorage(path=lab.folder / "docs")))


@dataclass(frozen=True)
class Case:
    """The boundary, what was tried, and a part of the message."""

    boundary: str
    tried: str
    act: Callable[[Lab], object]
    message: str


def _names(text: str) -> str:
    return f"there is no flow '{text}'"


CASES = [
    # Names that lead to files.
    Case("flow name", "../..", lambda lab: flow(lab, arguments=("+flows=[../../etc/x]",)), _names("../../etc/x")),
    Case("flow name", "absolute path", lambda lab: flow(lab, arguments=("+flows=[/etc/passwd]",)), _names("/etc/passwd")),
    Case("flow name", "`name: ../../evil`", lambda lab: flow(lab, more="name: ../../evil\n"), "small letters, digits and _"),
    Case("config group", "../..", lambda lab: flow(lab, arguments=("llms=../../x",)), "there is no '../../x' in llms"),
    Case("--config-dir", "a file", lambda lab: Lab(Path("/etc/passwd"), "").compose(), "this is not a folder"),
    Case("template name", "../..", lambda lab: flow(lab, "../../etc/passwd"), "there is no template"),
    Case("template name", "absolute path", lambda lab: flow(lab, "/etc/passwd"), "there is no template"),
    Case(
        "template name",
        "link out of prompts/",
        with_link("prompts/mine.md", lambda lab: flow(lab, "mine")),
        "the link leads out",
    ),
    Case("include", "../..", lambda lab: flow(lab, 'user: {% include "../../../etc/passwd" %}'), "not in prompts/"),
    Case("include", "absolute path", lambda lab: flow(lab, 'user: {% include "/etc/passwd" %}'), "not in prompts/"),
    Case(
        "include",
        "link out of prompts/",
        with_link("prompts/mine.md", lambda lab: flow(lab, 'user: {% include "mine.md" %}')),
        "leads out of the folder of prompts",
    ),
    Case("criterion", "../..", lambda lab: Criteria([lab.folder]).get("../../etc/passwd"), "no criterion"),
    Case(
        "criterion",
        "link out of criteria/",
        with_link("criteria/mine.md", lambda lab: Criteria([lab.folder]).get("mine")),
        "the link leads out",
    ),
    Case("folder of documents", "link out of it", folder_of_links, "is a link that leads out of the folder"),
    Case("picture of a record", "../..", lambda lab: row(lab, images="../../etc/passwd"), "is outside the folder"),
    Case("picture of a record", "absolute path", lambda lab: row(lab, images="/etc/passwd"), "is outside the folder"),
    Case("picture of a record", "file:// address", lambda lab: row(lab, images="file:///etc/passwd"), "no picture"),
    Case("picture of a record", "web address", lambda lab: row(lab, images="http://169.254.169.254/x"), "on the web"),
    Case(
        "picture of a record",
        "link out of the folder",
        with_link("link.png", lambda lab: row(lab, images="link.png")),
        "is outside the folder",
    ),
    Case("SHA256SUMS", "../..", lambda lab: sums(lab, f"{'0' * 64}  ../../etc/passwd\n"), "../../etc/passwd is missing"),
    # Programs where data is expected.
    Case("override", "_target_", lambda lab: flow(lab, arguments=("+run._target_=os.system",)), "no field '_target_'"),
    Case("YAML", "!!python/object", lambda lab: flow(lab, more='x: !!python/object/apply:os.system ["id"]\n'), "!!python"),
    Case("template", "way to classes", lambda lab: fill_template(lab, "user: {{ ''.__class__.__mro__ }}"), "is unsafe"),
    Case("template", "way to modules", lambda lab: fill_template(lab, "user: {{ cycler.__init__.__globals__ }}"), "is unsafe"),
    Case("condition", "way to classes", lambda lab: decide(lab, "''.__class__.__mro__"), "the condition"),
    Case("condition", "call of a method", lambda lab: decide(lab, "'a'.__mul__(9)"), "is unsafe"),
    Case("reference", "way to classes", lambda lab: flow(lab, arguments=("+flows.tiny.steps.x={agent: llm, when: record.__class__}",)), "the condition 'record.__class__'"),
    Case("interpolation", "${hydra:…}", lambda lab: flow(lab, arguments=("run.folder=${hydra:runtime.cwd}",)), "which no configuration may"),
    # A little that becomes a lot.
    Case("YAML", "aliases of aliases", lambda lab: flow(lab, more=BOMB), "its aliases make more than 100,000 values"),
    Case("YAML", "an anchor in itself", lambda lab: flow(lab, more="x: &x {y: *x}\n"), "an anchor holds itself"),
    Case("YAML", "2,000 brackets", lambda lab: flow(lab, more=f"x: {'[' * 2000}{']' * 2000}\n"), "nested"),
    Case(
        "front matter of a criterion",
        "aliases of aliases",
        lambda lab: (lab.write("criteria/mine.md", f"---\n{BOMB}---\nText."), Criteria([lab.folder]).get("mine")),
        "its aliases make more than 100,000 values",
    ),
    Case("models.json", "100,000 brackets", lambda lab: (lab.write("models.json", f'{{"a":{"[" * 100000}{"]" * 100000}}}'), flow(lab)), "nested too deep"),
    Case("template", "a billion turns", lambda lab: fill_template(lab, "user: {% for i in range(10000000) %}x{% endfor %}"), "turns"),
    Case(
        "template",
        "loops in loops",
        lambda lab: fill_template(lab, "user: {% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"),
        "the loops take more than 1,000,000 turns",
    ),
    Case("template", "a text times a billion", lambda lab: fill_template(lab, "user: {{ 'x' * 10 ** 9 }}"), "larger than"),
    Case("template", "a very wide field", lambda lab: fill_template(lab, "user: {{ '{:>999999999}'.format(1) }}"), "`format` is not"),
    Case("template", "a very large number", lambda lab: fill_template(lab, "user: {{ 'x'.ljust(9999999999) }}"), "is larger than"),
    Case("condition", "a power of powers", lambda lab: decide(lab, "9 ** 9 ** 9 > 1"), "the power is larger than"),
    Case("condition", "a list times a billion", lambda lab: decide(lab, "[1] * 9999999 * 999"), "larger than"),
    Case("condition", "a very wide field", lambda lab: decide(lab, "'%999999999d' % 1"), "too wide"),
    Case("JSON", "100,000 brackets", source("a.json", "[" * 100_000 + "]" * 100_000), "is not valid JSON"),
    Case("JSON Lines", "900 brackets", lambda lab: row(lab, m=json.loads("[" * 900 + "]" * 900)), "nested more than 100 deep"),
    Case("CSV", "200,000 columns", source("a.csv", ",".join(f"c{n}" for n in range(200_000))), "more than 20,000"),
    Case("CSV", "a cell that never ends", source("a.csv", 'text\n"' + "x\n" * 100_000), "is never closed"),
    Case("CSV", "a cell of 60 million characters", source("a.csv", f"text\n{'x' * 60_000_000}\n"), "50000000"),
    Case("XLSX", "a cell at the far end", workbook(_far_out), "reaches to row 1,048,576"),
    Case("XLSX", "a column that no sheet has", workbook(_beyond(b"", b' r="ZZZZ3"')), "not a whole XLSX"),
    Case("XLSX", "the same in small letters", workbook(_beyond(b"", b" r='zzzz99'")), "not a whole XLSX"),
    Case("XLSX", "a row that no sheet has", workbook(_beyond(b"", b' r="B99999999"')), "not a whole XLSX"),
    Case("XLSX", "a row's own number", workbook(_beyond(b' r="4294967290"', b"")), "not a whole XLSX"),
    Case("XLSX", "a sheet in UTF-16", workbook(_in_utf_16), "not a whole XLSX"),
    Case("XLSX", "two sheets at one place", workbook(_twice), "not a whole XLSX"),
    Case("XLSX", "1 kB that unpacks to 2 GB", workbook(_blown_up), "unpacks to more than 1,000 MB"),
    Case("Parquet", "no Parquet at all", source("a.parquet", b"PAR1" + bytes(100) + b"PAR1"), "cannot be read"),
    Case("PDF", "pages within themselves", source("a.pdf", b"%PDF-1.4\n2 0 obj<</Kids[2 0 R]>>endobj trailer<<>>"), "broken"),
    Case("picture of a record", "30 MB", lambda lab: row(lab, images=_write_large_picture(lab)), "is larger than 20 MB"),
    *(
        Case("picture of a record", f"{name} of 100,000 x 100,000 pixels or as many as it can say", bomb(name), "pixels; more than 150,000,000 are not taken")
        for name in BOMBS
    ),
    Case(
        "picture of a record",
        "the same in base64",
        lambda lab: row(lab, images=[{"mime": "image/png", "data": base64.b64encode(BOMBS["picture.png"]).decode()}]),
        "100,000 x 100,000 pixels",
    ),
    Case("question", "2 million characters", lambda lab: flow(lab, arguments=(f"question={'x' * 2_000_000}",)), "characters long"),
    # Characters that mean something elsewhere.
    Case("question", "null byte", lambda lab: flow(lab, arguments=("question=a\0b",)), "holds a null byte"),
    Case("record id", "null byte", lambda lab: row(lab, id="a\0b"), "holds a control character"),
    Case("record id", "terminal's escape", lambda lab: row(lab, id="\x1b[31mred"), "holds a control character"),
    Case("record id", "line's end", lambda lab: row(lab, id="a\n2026 ERROR forged"), "holds a control character"),
    Case("record id", "turned writing direction", lambda lab: row(lab, id="\u202egnp.exe"), "holds a control character"),
    Case("record id", "600 characters", lambda lab: row(lab, id="x" * 600), "512"),
    Case("BigQuery table", "`; DROP TABLE", lambda _: _table("t`; DROP TABLE x; --"), "should match pattern"),
    Case("BigQuery dataset", "another project's", lambda _: _table("t", dataset="a.b"), "should match pattern"),
    Case("GCS bucket", "../..", lambda _: GCSStorage(bucket="../../x", path="p"), "should match pattern"),
    # Secrets.
    Case("base_url", "user:password@", lambda lab: model(lab, base_url="http://u:p@h/v1"), "user name or password"),
    Case("base_url", "?api_key=…", lambda lab: model(lab, base_url="http://h/v1?api_key=sk-1"), "holds a key"),
    Case("base_url", "file://", lambda lab: model(lab, base_url="file:///etc/passwd"), "begins with http:// or https://"),
    Case(
        "interpolation",
        "a key of the environment in a prompt",
        lambda lab: flow_with_environment(lab, "user:\n${oc.env:SOME_API_KEY}", SOME_API_KEY="sk-0123456789abcdef0"),
        "SOME_API_KEY",
    ),
]  # fmt: skip


def _write_large_picture(lab: Lab) -> str:
    lab.folder.mkdir(parents=True, exist_ok=True)
    with (lab.folder / "large.png").open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        file.truncate(30_000_000)
    return "large.png"


def _table(table: str, dataset: str = "d") -> object:
    return BigQueryStorage(project="some-project", dataset=dataset, table=table)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.boundary}: {case.tried}")
def test_hostile_input_is_refused_with_a_clear_message(tmp_path: Path, case: Case) -> None:
    lab = Lab(tmp_path / "study", "")
    try:
        found = case.act(lab)
    except (ButtermilkError, ValueError) as error:
        message = str(error)
    else:
        assert isinstance(found, Reject), f"it was taken: {found!s:.300}"
        message = found.reason
    assert case.message in message
    assert "Traceback" not in message
    assert "somebody's secret" not in message
    assert "sk-0123456789abcdef0" not in message


def test_the_table_is_long_enough() -> None:
    assert len({(case.boundary, case.tried) for case in CASES}) == len(CASES) >= 30


async def test_a_question_is_searched_as_words_and_never_as_a_query(tmp_path: Path) -> None:
    """FTS5 has a query language; the words of a question are quoted one by one."""
    from contract.storage import CorpusStorage
    from flows.corpus.index import open_corpus

    path = tmp_path / "posts.jsonl"
    path.write_text(json.dumps({"id": "1", "text": "A slur in political speech is protected."}))
    corpus = CorpusStorage(source=FileStorage(path=path), label="Posts")
    index = open_corpus(corpus, tmp_path / "indexes", lambda _done, _total: None)
    for question in (
        'slur" OR 1=1; DROP TABLE passages; --', "slur NEAR(speech, 5) AND title:*", '"""', "* ^ : ( ) { } -", "slur' UNION SELECT 1",
    ):  # fmt: skip
        assert isinstance(await index.search([question], 3), list), question
    assert await index.search(["slur"], 1), "the passages are still there"


async def test_a_hostile_id_names_no_file(lab: Lab) -> None:
    """An id may hold slashes and markup: it appears in tables and in Prefect, and never in the name of a file."""
    lab.write(
        "flows/tiny.yaml",
        FLOW.replace("TEMPLATE", '"user:\\n{{ record.text }}"').replace("parameters.question", "posts"),
    )
    lab.write("storage/posts.yaml", "posts: {type: file, path: posts.jsonl}\n")
    hostile = [
        "../../escaped",
        "/etc/escaped",
        "'; DROP TABLE task_run; --",
        "<script>alert(1)</script>",
        "{{ 7 * 7 }}",
    ]
    lab.write("posts.jsonl", [{"id": name, "text": f"text {number}"} for number, name in enumerate(hostile)])
    lab.write_model("m", {"reply": {"text": "fine"}})
    ran = await lab.run("question=Why?")
    assert {trace.record_id for trace in ran.traces} == set(hostile)
    assert {trace.status for trace in ran.traces} == {"completed"}
    assert sorted(run.name for run in ran.server.cells) == sorted(f"llm, {name}" for name in hostile)
    assert not _named(lab, r"escaped|DROP|script>|\{\{")

    # A manifest from somebody else names the texts that a replay writes out.
    assert ran.outcome
    path = ran.outcome.folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["texts"] = {
        name: {"text": "x", "sha256": ""} for name in ("../../escaped.md", str(lab.folder / "escaped.md"))
    }
    path.write_text(json.dumps(manifest))
    into = lab.folder.parent / "into"
    into.mkdir()
    await asyncio.to_thread(replay, ran.outcome.folder, into)
    assert not _named(lab, "escaped")


FOLDERS = [
    {"run.folder": "../../escaped"},
    {"run.results": "/tmp/escaped"},
    {"run": {"folder": "../../escaped"}},
    {"folder": "../../escaped"},
]


@pytest.mark.parametrize("more", FOLDERS, ids=str)
def test_a_deployments_form_names_no_folder_for_runs(more: dict[str, Any]) -> None:
    """A person who types a command may write wherever that person may; a form is filled in by somebody else than who runs it."""
    deployed = declare("osb")
    assert set(deployed.parameters.properties).isdisjoint(more)
    with pytest.raises((SignatureMismatchError, ParameterTypeError)):
        deployed.validate_parameters({"query": "Why?", **more})


@pytest.mark.parametrize(
    "parameters",
    [
        {"columns": {"text=x run.folder": "../../escaped"}},
        {"columns": {"../run.folder": "../../escaped"}},
        {"records": "x.csv run.folder=../../escaped"},
        {"sheet": "]\nrun.folder=../../escaped"},
        {"criteria": ["ordinary]", "run.folder=../../escaped"]},
    ],
    ids=str,
)
def test_a_value_of_a_form_stays_one_value(parameters: dict[str, Any]) -> None:
    """A value of the form becomes an argument of the command line and stays one argument, whatever it holds."""
    try:
        [study] = compose(["tox"], as_arguments(parameters), None)
    except StudyError as error:
        assert "run.folder" in str(error) or "there is neither" in str(error), error
    else:
        assert str(study.run.folder) == "runs"


def test_a_command_may_name_any_folder(tmp_path: Path) -> None:
    study = flow(Lab(tmp_path / "study", ""), arguments=("run.folder=/data/runs", "run.results=../../kept"))
    assert isinstance(study, Study)
    assert (str(study.run.folder), str(study.run.results)) == ("/data/runs", "../../kept")


def _named(lab: Lab, pattern: str) -> list[str]:
    names = [name for _, folders, files in os.walk(lab.folder.parent) for name in (*folders, *files)]
    return [name for name in names if re.search(pattern, name)]


def test_a_key_on_the_command_line_is_not_repeated(tmp_path: Path) -> None:
    lab = Lab(tmp_path / "study", "")
    with pytest.raises(StudyError) as caught:
        flow(lab, arguments=("models.mine={kind: hosted, api_key: sk-0123456789abcdef0}",))
    assert "sk-0123456789abcdef0" not in str(caught.value)

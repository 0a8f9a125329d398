"""Shorthands of a request: another file, its columns, a sample, a budget; and what `check` shows of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contract.errors import StudyError
from contract.storage import FileStorage, HuggingFaceStorage
from flows.cli.main import main
from flows.compose.compose import compose
from flows.compose.shorthands import as_arguments
from flows.engine.records import records_of
from flows.spec.study import Study
from tests.compose.tiny_study import write_study

FLOW = """\
records: posts
steps:
  read:
    agent: llm
    parameters: {model: fixed, seed: 99, template: 'Read: {{ record.text }}'}
result: read
"""
OWN = FLOW.replace("records: posts", "parameters:\n  sample: {type: text, default: mine}\nrecords: posts")
STORAGE = """\
posts:
  type: file
  path: posts.csv
  columns:
    text: body
    "metadata.by": author
letters:
  type: file
  path: letters.jsonl
"""
FILES = {
    "flows/mine.yaml": FLOW,
    "flows/own.yaml": OWN,
    "flows/asked.yaml": FLOW.replace(
        "records: posts", "parameters: {query: {required: true}}\nrecords: parameters.query"
    ),
    "storage/posts.yaml": STORAGE,
    "models/fixed.yaml": "fixed: {kind: scripted, path: script.jsonl}\n",
    "script.jsonl": '{"reply": {"text": "ok"}}\n',
    "posts.csv": "id,body,author,label\n1,hello,Ann,1\n2,,Bob,0\n3,bye,Cy,NA\n",
    "letters.jsonl": '{"record_id": "p", "text": "A paper."}\n',
}


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Writes a study of a table in the current folder, and a table of the user's own next to it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_posts.csv").write_text("nr;words;group\n10;one;x\n11;two;y\n12;three;x\n")
    return write_study(tmp_path / "my_study", FILES)


def _composed(*arguments: str, flow: str = "mine") -> Study:
    [study] = compose([flow], arguments, Path("my_study"), require_request=False)
    return study


def _mistakes(*arguments: str, flow: str = "mine") -> dict[str, str]:
    with pytest.raises(StudyError) as caught:
        _composed(*arguments, flow=flow)
    return {problem.where: str(problem) for problem in caught.value.problems}


def _ids(study: Study) -> list[str]:
    return [record.record_id for record in records_of(study, lambda _: None)]


def _found(_: str) -> object:
    return object()


def _not_found(_: str) -> None:
    return None


MY_POSTS = (
    "records=my_posts.csv",
    "columns.text=words",
    "columns.record_id=nr",
    "columns.ground_truth.violating=group",
)


def test_a_file_of_the_users_own(study: Path) -> None:
    found = _composed(*MY_POSTS, "sample=2", "seed=7", "budget=5.00")
    storage = found.storage[found.flow.records]
    assert isinstance(storage, FileStorage)
    assert storage.path == Path.cwd() / "my_posts.csv"
    assert storage.columns == {"text": "words", "record_id": "nr", "ground_truth.violating": "group"}
    assert (found.run.sample, found.run.seed, str(found.run.budget)) == (2, 7, "5.00")
    assert len(_ids(found)) == 2
    assert found.flow.steps["read"].parameters["seed"] == 99, "the model's seed is a different setting"  # type: ignore[reportAttributeAccessIssue]
    columns = {"text": "words", "record_id": "nr", "ground_truth.violating": "group"}
    expected = {"records": "my_posts.csv", "sample": 2, "seed": 7, "budget": 5.0, "columns": columns}
    assert dict(found.request) == expected


def test_a_study_is_composed_again_from_its_own_request(study: Path) -> None:
    first = _composed(*MY_POSTS, "sample=2", "budget=5.5")
    again = _composed(*as_arguments(first.request))
    assert (again.request, again.storage, again.run, again.flow) == (
        first.request,
        first.storage,
        first.run,
        first.flow,
    )


def test_columns_alone_change_the_flows_own_storage(study: Path) -> None:
    found = _composed("columns.ground_truth.violating=label")
    storage = found.storage["posts"]
    assert isinstance(storage, FileStorage)
    assert storage.columns == {"text": "body", "metadata.by": "author", "ground_truth.violating": "label"}
    [first, second] = records_of(found, lambda _: None)
    assert (first.ground_truth or {})["violating"] == "1"
    assert (second.ground_truth or {})["violating"] is None


def test_another_storage_of_the_study(study: Path) -> None:
    assert _ids(_composed("records=letters")) == ["p"]
    assert _composed("records=letters").flow.records == "letters"


def test_a_corpus_is_read_as_records_too(study: Path) -> None:
    assert len(_ids(_composed("records=osb", "sample=5"))) == 5


def test_the_settings_of_the_run_are_the_same(study: Path) -> None:
    assert _ids(_composed("run.sample=1", "run.seed=3")) == _ids(_composed("sample=1", "seed=3"))


def test_a_flows_own_parameter_wins(study: Path) -> None:
    found = _composed("sample=text", "run.sample=1", flow="own")
    assert found.request["sample"] == "text" and found.run.sample == 1


def test_a_flow_without_a_storage_understands_budget_alone(study: Path) -> None:
    found = _composed("query=x", "budget=1", "seed=5", flow="asked")
    assert found.run.budget == 1 and found.run.seed == 0
    assert found.flow.steps["read"].parameters["seed"] == 5  # type: ignore[reportAttributeAccessIssue]
    assert (
        "no flow here takes 'records'"
        in _mistakes("query=x", "records=x.csv", flow="asked")["command line: records=x.csv"]
    )


def test_a_link_that_leads_nowhere_is_called_so(study: Path) -> None:
    for name, to in (("circle.csv", "circle.csv"), ("lost.csv", "gone.csv"), ("texts", "../texts")):
        Path(name).symlink_to(to)
        message = _mistakes(f"records={name}")[f"command line: records={name}"]
        assert "this is a link that leads nowhere" in message and "did you mean" not in message


def test_a_dataset(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.check.sources.find_spec", _found)
    found = _composed("records=hf:owner/name", "columns.text=body")
    assert found.storage[found.flow.records] == HuggingFaceStorage(dataset="owner/name", columns={"text": "body"})
    assert "no folder './set'" in _mistakes("records=hf:./set")["command line: records=hf:./set"]
    assert "has no sheet" in _mistakes("records=hf:owner/name", "sheet=One")["command line: sheet=One"]
    monkeypatch.setattr("flows.check.sources.find_spec", _not_found)
    message = _mistakes("records=hf:owner/name")["command line: records=hf:owner/name"]
    assert "install buttermilk[huggingface]" in message


@pytest.mark.parametrize(
    ("arguments", "where", "message"),
    [
        (["records=my_post.csv"], "records=my_post.csv", "did you mean 'my_posts.csv'?"),
        (["records=letter"], "records=letter", "did you mean 'letters'?"),
        (["records="], "records=", "a file or storage is missing"),
        (["records=tables"], "records=tables", "the folder tables holds tables, not texts; name one of them: a.csv"),
        (["records=my_posts.csv"], "records=my_posts.csv", "write columns.text=… with one of nr, words, group"),
        ([*MY_POSTS, "columns.metadata.g=gruop"], "columns.metadata.g=gruop", "did you mean 'group'?"),
        (["columns.txet=body"], "columns.txet=body", "did you mean 'text'?"),
        (["columns.text="], "columns.text=", "names no field and column"),
        (["columns.text=bodi"], "columns.text=bodi", "did you mean 'body'?"),
        (["storage.posts.columns.text=bodi"], "storage.posts.columns.text=bodi", "did you mean 'body'?"),
        (["sample=many"], "sample=many", "should be a whole number"),
        (["sample=0"], "sample=0", "should be 1 or more"),
        (["budget=-1"], "budget=-1", "should be 0 or more"),
        (["sheet=One"], "sheet=One", "has no sheets"),
        (["sampel=3"], "sampel=3", "did you mean 'sample'?"),
        (["encoding=utf8x"], "encoding=utf8x", "there is no encoding 'utf8x'"),
    ],
)
def test_arguments_that_do_not_fit_are_reported(study: Path, arguments: list[str], where: str, message: str) -> None:
    Path("tables").mkdir()
    Path("tables/a.csv").write_text("id,text\n1,x\n")
    mistakes = _mistakes(*arguments)
    assert [message in text for text in mistakes.values()] == [True], mistakes
    assert list(mistakes) == [f"command line: {where}"]


def test_a_wrong_column_is_reported_at_its_line_together_with_all_other_mistakes(study: Path) -> None:
    text = FILES["storage/posts.yaml"].replace('by": author', 'by": autor').replace("text: body", "text: bdy")
    (study / "storage/posts.yaml").write_text(text.replace("  columns:", "  columns:\n    txt: x"))
    mistakes = _mistakes("llms=lit")
    assert list(mistakes) == [
        "command line: llms=lit",
        "my_study/storage/posts.yaml:5",
        "my_study/storage/posts.yaml:6",
        "my_study/storage/posts.yaml:7",
    ]
    assert "did you mean 'body'?; its columns are author, body, id, label" in mistakes["my_study/storage/posts.yaml:6"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id,body,author\n", "holds no rows"),
        (
            "id,body,author\n1,,x\n2,,y\n",
            "none of the 2 rows of 'posts' can be a record; the first: my_study/posts.csv:2",
        ),
        ("id,body,body\n", "cannot be used: my_study/posts.csv:1: two columns have the same name: body"),
    ],
)
def test_a_source_without_a_readable_row_is_a_mistake(study: Path, content: str, message: str) -> None:
    (study / "posts.csv").write_text(content)
    assert message in _mistakes()["my_study/storage/posts.yaml:3"]


def test_check_shows_how_the_first_record_will_be_read(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["check", "+flows=[mine]", "--config-dir", "my_study", "columns.ground_truth.violating=label"]
    assert main(arguments) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for part in (
        "mine reads its records so: my_study/posts.csv: of the 3 rows 2 can be read, 1 cannot",
        "left out, the first: my_study/posts.csv:3: the record is empty",
        "text <- body hello",
        "metadata.by <- author Ann",
        "ground truth: violating",
    ):
        assert part in shown
    assert main([*arguments, "--json"]) == 0
    output: dict[str, Any] = json.loads(capsys.readouterr().out)
    [preview] = output["records"]
    assert (output["ok"], preview["flow"], preview["rows"], preview["rejects"]) == (True, "mine", 3, 1)
    assert {"field": "text", "column": "body", "value": "hello"} in preview["fields"]


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("violating", "if its column 'violating' holds them, add columns.ground_truth.violating=violating"),
        ("violates", "if its column 'violates' holds them, add columns.ground_truth.violating=violates"),
        ("author", "name their column: columns.ground_truth.violating=…"),
    ],
)
def test_a_source_without_answers_of_people_is_noted_with_the_likely_column(
    study: Path, capsys: pytest.CaptureFixture[str], column: str, message: str
) -> None:
    (study / "own.csv").write_text(f"id,text,{column}\n1,hello,\n2,good day,true\n")
    check = ["check", "+flows=[judger]", f"records={study / 'own.csv'}"]
    assert main(check) == 0
    assert f"note: 'records' holds no answers of people to compare with (ground_truth.violating); {message}\n" in (
        capsys.readouterr().err
    )
    assert main([*check, f"columns.ground_truth.violating={column}"]) == 0
    assert "note:" not in capsys.readouterr().err


def _judged(study: Path, answers: str, *more: str) -> Study:
    rows = "".join(f"{number},text {number},{answer}\n" for number, answer in enumerate(answers.split()))
    (study / "own.csv").write_text(f"id,text,said\n{rows}")
    return _composed(f"records={study / 'own.csv'}", "columns.ground_truth.violating=said", *more, flow="judger")


def test_labels_map_answers_of_people_to_verdicts(study: Path) -> None:
    labels = ("labels.yes=violates", "labels.no=does_not_violate")
    found = _judged(study, "yes no yes", *labels)
    assert found.flow.measures
    assert {
        "yes": "violates",
        "no": "does_not_violate",
        "true": "violates",
    }.items() <= found.flow.measures.labels.items()
    assert not found.notices
    assert found.request["labels"] == {"yes": "violates", "no": "does_not_violate"}
    [again] = compose(["judger"], as_arguments(found.request), Path("my_study"), require_request=False)
    assert again.flow == found.flow


def test_answers_that_no_judge_may_give_are_refused_where_there_are_no_others(study: Path) -> None:
    with pytest.raises(StudyError) as caught:
        _judged(study, "yes no yes")
    [problem] = caught.value.problems
    assert problem.where == "command line: columns.ground_truth.violating=said"
    assert "people's answers are 'no', 'yes', which no judge here may give" in str(problem)
    assert "labels.yes=VERDICT labels.no=VERDICT" in str(problem) and "does_not_violate, unclear, violates" in str(
        problem
    )


def test_a_few_answers_that_no_judge_may_give_are_only_a_notice(study: Path) -> None:
    [notice] = _judged(study, "true unsure false violates").notices
    assert "people's answers are also 'unsure', which no judge here may give; these records are left out" in notice


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("labels.true=violate", "no judge here may give 'violate'; did you mean 'violates'?"),
        ("labels.true=", "this names no answer and verdict; write for example labels.yes=violates"),
        ("labels=violates", "this names no answer and verdict; write for example labels.yes=violates"),
        ("label.true=violates", "label"),
    ],
)
def test_labels_that_do_not_fit_are_refused(study: Path, label: str, message: str) -> None:
    with pytest.raises(StudyError) as caught:
        _judged(study, "true false", label)
    assert any(message in str(problem) for problem in caught.value.problems)


def test_only_flows_that_compare_with_people_take_labels(study: Path) -> None:
    assert "no flow here takes 'labels.yes'" in next(iter(_mistakes("labels.yes=violates").values()))


def test_check_looks_at_the_first_thousand_rows(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "".join(f"{number},text,x,1\n" for number in range(1500))
    (study / "posts.csv").write_text(f"id,body,author,label\n{rows}")
    assert main(["check", "+flows=[mine]", "--config-dir", "my_study"]) == 0
    out = capsys.readouterr().out
    assert "of the first 1,000 rows 1,000 can be read, 0 cannot" in out
    assert "to metadata, under their own names: label" in out


def test_ignored_files_and_headers_are_a_notice(study: Path) -> None:
    (study / "flows/other.yml").write_text(FLOW)
    template = "---\ntitle: User\n---\nSystem:\nBe brief.\n user :\n{{ record.text }}\nuser:\nsystem: is fine here\n"
    (study / "prompts").mkdir()
    (study / "prompts/reading.md").write_text(template)
    (study / "flows/mine.yaml").write_text(FLOW.replace("'Read: {{ record.text }}'", "reading"))
    notices = _composed().notices
    assert "my_study/flows/other.yml is ignored: only .yaml is read" in notices
    headers = [notice.partition(";")[0] for notice in notices if "taken as text" in notice]
    assert headers == [
        "my_study/prompts/reading.md:4: 'System:' is taken as text",
        "my_study/prompts/reading.md:6: 'user :' is taken as text",
    ]
    assert "rename my_study/flows/other.yml to .yaml" in _mistakes(flow="other")["command line: other"]


def test_a_table_with_one_row_for_each_annotator_is_refused_before_anything_is_paid(study: Path) -> None:
    rows = ["id,body,label", "1,You are vermin,true", "1,You are vermin,false", "2,Nice ferry,false"]
    (study.parent / "long.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    more = ("records=long.csv", "columns.text=body", "columns.ground_truth.violating=label")
    with pytest.raises(StudyError, match="1 of the 3 rows of 'records' repeat a text with another answer of people"):
        _composed(*more, flow="judger")


def test_one_truth_for_two_criteria_belongs_to_none_and_check_says_what_to_write(study: Path) -> None:
    (study.parent / "posts.csv").write_text("id,body,label\n1,You are vermin,true\n", encoding="utf-8")
    more = ("records=posts.csv", "columns.text=body", "columns.ground_truth.violating=label")
    notices = _composed(*more, "criteria=[ordinary, power]", flow="judger").notices
    assert any("does not say which of the criteria ordinary, power" in notice for notice in notices)
    assert not _composed(*more, flow="judger").notices


@pytest.mark.usefixtures("study")
def test_a_plus_before_a_shorthand_changes_nothing() -> None:
    written = ("records=my_posts.csv", "columns.record_id=nr", "columns.text=words")
    assert _ids(_composed(*(f"+{one}" for one in written))) == _ids(_composed(*written)) == ["10", "11", "12"]


def test_several_fields_of_people_are_named_in_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = "nr,words,ana,ben\n1,one,violates,violates\n2,two,violates,unclear\n"
    (tmp_path / "posts.csv").write_text(rows)
    columns = ["columns.text=words", "columns.ground_truth.ana=ana", "columns.ground_truth.ben=ben"]
    words = ["records=posts.csv", *columns, "criteria=ordinary", "truth=[ana, ben]"]
    [study] = compose(["tox"], words)
    assert study.flow.measures is not None and study.flow.measures.truth == ("ana", "ben")
    [again] = compose(["tox"], as_arguments(study.request))
    assert again.flow.measures == study.flow.measures
    with pytest.raises(StudyError, match="`truth` names 'bne', which no answer of people"):
        compose(["tox"], [*words[:-1], "truth=[ana, bne]"])


def test_the_fields_of_each_criterion_are_named_in_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "posts.csv").write_text("nr,words,ana,ben\n1,one,violates,violates\n2,two,violates,unclear\n")
    columns = ["columns.text=words", "columns.ground_truth.ana=ana", "columns.ground_truth.ben=ben"]
    words = ["records=posts.csv", *columns, "truth={ordinary: ana, power: [ana, ben]}"]
    [study] = compose(["tox"], words)
    assert study.flow.measures is not None
    assert study.flow.measures.truth == {"ordinary": "ana", "power": ("ana", "ben")}
    [again] = compose(["tox"], as_arguments(study.request))
    assert again.flow.measures == study.flow.measures
    with pytest.raises(StudyError, match="names 'bne', which no answer of people"):
        compose(["tox"], [*words[:-1], "truth={ordinary: bne}"])
    with pytest.raises(StudyError, match="between braces stand criteria"):
        compose(["tox"], [*words[:-1], "truth={ordinary: yes}"])
    with pytest.raises(StudyError, match="between braces stand criteria, each once"):
        compose(["tox"], [*words[:-1], "truth={ordinary: ana, ordinary: ben}"])

"""Every kind of mistake, seeded one at a time into a study that otherwise composes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.compose.tiny_study import FLOW, MODELS, STORAGE, problems_of, write_study

MINE = "my_study/flows/mine.yaml"


@dataclass(frozen=True)
class Mistake:
    """One seeded mistake, and parts of the problem that must be reported."""

    name: str
    where: str
    what: str
    todo: str = ""
    nearest: str | None = None
    flow: tuple[str, str] = ("", "")
    """A text of the flow, and the text that replaces it."""
    files: dict[str, str | bytes] = field(default_factory=dict[str, str | bytes])
    folders: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()


def files_of(case: Mistake) -> dict[str, str | bytes]:
    """The study's files with the mistake in them."""
    old, new = case.flow
    assert not old or FLOW.count(old) == 1, f"'{old}' is not once in the flow"
    return {**({"flows/mine.yaml": FLOW.replace(old, new)} if old else {}), **case.files}


def mine(line: int) -> str:
    """A line of the flow's file."""
    return f"{MINE}:{line}"


CASES = [
    # --- files ---
    Mistake("yaml syntax", mine(13), "is not closed", "write ]", flow=("choices: [search]", "choices: [search")),
    Mistake(
        "tab", mine(21), "indented with a tab", "spaces", flow=("        inputs: {previous", "\tinputs: {previous")
    ),
    Mistake(
        "duplicate key",
        mine(11),
        "'max_rounds' appears twice here, first on line 10",
        "keep one",
        flow=("    until: check.sufficient", "    max_rounds: 3\n    until: check.sufficient"),
    ),
    Mistake(
        "a reference that is not closed",
        mine(1),
        "begins the name of another value",
        "complete it",
        flow=("description: A question, a search, an answer.", 'description: "costs ${5"'),
    ),
    Mistake(
        "twenty thousand references",
        mine(1),
        "a value has 20,000 `${`",
        "write the value itself",
        flow=("description: A question, a search, an answer.", f'description: "{"${" * 20_000}"'),
    ),
    Mistake(
        "a name too long for a file",
        mine(1),
        "longer than a file's name can be",
        "shorten it",
        flow=("description: A question, a search, an answer.", f"defaults: [{'a' * 400}]"),
    ),
    Mistake("empty flow", mine(1), "the file is empty", "write something", files={"flows/mine.yaml": "# soon\n"}),
    Mistake(
        "encoding",
        "my_study/storage/papers.yaml:3",
        "not in UTF-8",
        "UTF-8",
        files={"storage/papers.yaml": STORAGE.encode().replace(b"Papers", b"Pap\xe9rs")},
    ),
    Mistake(
        "folder for file",
        "my_study/llms/own.yaml:1",
        "a folder, not a file",
        "move it",
        folders=("llms/own.yaml",),
        arguments=("llms=own",),
    ),
    Mistake(
        "null as a name",
        "my_study/models/own.yaml:1",
        "`null` means nothing in YAML, and is no name",
        'write "null"',
        files={"models/own.yaml": "null: {kind: embedded}\n"},
    ),
    Mistake(
        "a name that YAML reads as another",
        "my_study/models/own.yaml:1",
        "YAML reads the name `true` as True",
        'write "true"',
        files={"models/own.yaml": "true: {kind: embedded}\n"},
    ),
    Mistake(
        "a name that YAML reads as a number",
        "my_study/storage/own.yaml:1",
        "YAML reads the name `12:30:45` as 45045",
        'write "12:30:45"',
        files={"storage/own.yaml": "12:30:45: {type: file, path: posts.csv}\n"},
    ),
    Mistake(
        "a value for the fields of a model",
        "my_study/models/own.yaml:1",
        "'own' has a value where its fields belong",
        "write its fields below it, indented",
        files={"models/own.yaml": "own: 12:30:45\n"},
    ),
    Mistake(
        "a list for the fields of a server",
        "my_study/tools/own.yaml:1",
        "'own' has a list where its fields belong",
        "write its fields below it, indented",
        files={"tools/own.yaml": "own: [npx]\n"},
    ),
    Mistake("list for mapping", mine(1), "`name: value`", "each line", files={"flows/mine.yaml": "- one\n- two\n"}),
    # --- choices and arguments ---
    Mistake(
        "unknown choice", "command line: llms=lit", "no 'lit' in llms", "embedded", "lite", arguments=("llms=lit",)
    ),
    Mistake(
        "unknown second choice",
        "command line: llms@bm.llms=ful",
        "no 'ful' in llms",
        "lite",
        "full",
        arguments=("llms@bm.llms=ful",),
    ),
    Mistake(
        "unknown flow", "command line: +flows=[minne]", "no flow 'minne'", "osb", "mine", arguments=("+flows=[minne]",)
    ),
    Mistake(
        "unknown choice in a file",
        "my_study/local.yaml:3",
        "no 'lokal' in llms",
        "embedded",
        "local",
        files={"local.yaml": "defaults:\n  - _self_\n  - override /llms: lokal\n"},
    ),
    Mistake(
        "unknown override key",
        "command line: run.concurency=3",
        "nothing called 'concurency'",
        "batch",
        "run.concurrency",
        arguments=("run.concurency=3",),
    ),
    Mistake(
        "override of a missing step",
        "command line: flows.mine.steps.anser.agent=x",
        "nothing called 'anser'",
        "+flows.mine",
        "flows.mine.steps.answer.agent",
        arguments=("flows.mine.steps.anser.agent=x",),
    ),
    Mistake(
        "unreadable override",
        "command line: llms.general=[a",
        "cannot be read",
        "quotation marks",
        arguments=("llms.general=[a",),
    ),
    Mistake(
        "not name=value", "command line: query=Why?", "cut at its blanks", "query='Why? plain'", arguments=("plain",)
    ),
    Mistake(
        "unknown request name",
        "command line: limmit=3",
        "no flow here takes 'limmit'",
        "query",
        "limit",
        arguments=("limmit=3",),
    ),
    Mistake(
        "request of the wrong type",
        "command line: limit=many",
        "should be a whole number",
        "limit=10",
        arguments=("limit=many",),
    ),
    Mistake(
        "request not among choices",
        "command line: tone=formell",
        "not among its choices",
        "plain",
        "formal",
        arguments=("tone=formell",),
    ),
    Mistake("default of the wrong type", mine(4), "its type is integer", flow=("default: 5", "default: five")),
    Mistake("choice of nothing", "command line: llms=", "a name is missing", "embedded", arguments=("llms=",)),
    Mistake("choice of null", "command line: llms=null", "a name is missing", "lite", arguments=("llms=null",)),
    Mistake("no name", "command line: =x", "not of the form name=value", "query=", arguments=("=x",)),
    Mistake("several for one", "command line: llms=lite,full", "several values for one", arguments=("llms=lite,full",)),
    Mistake("override out of range", "command line: run.batch=0", "`batch` is 0, but", arguments=("run.batch=0",)),
    # --- shape ---
    Mistake(
        "misspelt field",
        mine(34),
        "no field 'inptus'",
        "its fields are",
        "inputs",
        flow=("    agent: differences\n    inputs:", "    agent: differences\n    inptus:"),
    ),
    Mistake("no result", mine(1), "lacks `result`", "add `result: …`", flow=("result: answer\n", "")),
    Mistake("wrong type of a field", mine(10), "`max_rounds` is 'two'", flow=("max_rounds: 2", "max_rounds: two")),
    Mistake(
        "null step",
        mine(41),
        "'answer' is empty",
        "agent:",
        flow=(FLOW[FLOW.index("  answer:\n") :], "  answer:\nresult: answer\n"),
    ),
    Mistake(
        "step name",
        mine(41),
        "cannot be a name",
        "lower-case",
        files={
            "flows/mine.yaml": FLOW.replace("  answer:\n", "  Answer:\n").replace("result: answer", "result: Answer")
        },
    ),
    # --- agents, parameters, inputs ---
    Mistake(
        "unknown agent",
        mine(23),
        "no agent 'reseacher'",
        "citation_checker",
        "researcher",
        flow=("agent: researcher", "agent: reseacher"),
    ),
    Mistake(
        "unknown parameter",
        mine(39),
        "no parameter 'temprature'",
        "its parameters are",
        "temperature",
        flow=("temperature: 0.2", "temprature: 0.2"),
    ),
    Mistake(
        "parameter of the wrong type",
        mine(39),
        "is 'warm', but it should be a number",
        "another value",
        flow=("temperature: 0.2", "temperature: warm"),
    ),
    Mistake(
        "missing parameter",
        mine(14 + 1),
        "lacks the parameter 'model'",
        "add `model: …`",
        flow=("        parameters: {model: demo}\n", ""),
    ),
    Mistake(
        "null for a name", mine(38), "is empty, but", "model's name", flow=("      model: demo\n", "      model:\n")
    ),
    Mistake(
        "unknown input",
        mine(46),
        "takes no input 'difference'",
        "its inputs are",
        "differences",
        flow=("differences: differences", "difference: differences"),
    ),
    Mistake(
        "missing input",
        mine(22),
        "lacks the input 'question'",
        "below `inputs:`",
        flow=("          question: parameters.query\n          passages", "          passages"),
    ),
    Mistake("duplicate variants", mine(28), "'demo' appears twice", "repeats", flow=("[demo, second]", "[demo, demo]")),
    Mistake("empty variants", mine(28), "are empty", "at least one", flow=("[demo, second]", "[]")),
    Mistake(
        "group_by",
        mine(40),
        "no step has variants of 'modell'",
        "",
        "model",
        flow=("    when: answers", "    group_by: [modell]\n    when: answers"),
    ),
    Mistake(
        "for_each",
        mine(40),
        "which is no input of 'differences'",
        "question",
        "answers",
        flow=("    when: answers", "    for_each: answer\n    when: answers"),
    ),
    # --- references ---
    Mistake(
        "unknown step",
        mine(45),
        "names no step",
        "there are",
        "check.answers",
        flow=("answers: check.answers\n      differences", "answers: chek.answers\n      differences"),
    ),
    Mistake(
        "unknown field",
        mine(26),
        "no field 'pasages'",
        "its fields are passages, queries",
        "search.passages",
        flow=("passages: search.passages\n        variants", "passages: search.pasages\n        variants"),
    ),
    Mistake(
        "forward reference",
        mine(25),
        "does not exist yet in this turn",
        "write previous.check.missing",
        flow=(
            "          question: parameters.query\n          passages",
            "          question: check.missing[0]\n          passages",
        ),
    ),
    Mistake(
        "previous outside a loop",
        mine(36),
        "in no loop",
        "write check.answers",
        flow=("      answers: check.answers\n    parameters", "      answers: previous.check.answers\n    parameters"),
    ),
    Mistake(
        "cycle",
        mine(32),
        "a cycle: 'differences' needs 'answer' needs 'differences'",
        "take one of the inputs",
        flow=("      answers: check.answers\n    parameters", "      answers: answer.claims\n    parameters"),
    ),
    Mistake(
        "bad JMESPath",
        mine(36),
        "is not JMESPath",
        "",
        flow=("      answers: check.answers\n    parameters", '      answers: "check.answers[0"\n    parameters'),
    ),
    Mistake(
        "unknown flow parameter",
        mine(25),
        "names no parameter",
        "limit",
        "parameters.query",
        flow=(
            "          question: parameters.query\n          passages",
            "          question: parameters.qery\n          passages",
        ),
    ),
    Mistake(
        "unknown record field",
        mine(25),
        "no field 'txt'",
        "text",
        "record.text",
        flow=(
            "          question: parameters.query\n          passages",
            "          question: record.txt\n          passages",
        ),
    ),
    # --- conditions, loops, result ---
    Mistake("condition syntax", mine(40), "is not a condition", "write for example", flow=("length >= 2", "length >=")),
    Mistake(
        "name in a condition",
        mine(40),
        "names 'anwers'",
        "there are",
        "answers",
        flow=("when: answers |", "when: anwers |"),
    ),
    Mistake(
        "a list and a number",
        mine(40),
        "compares 'answers', which is a list, with a number",
        "write answers | length",
        flow=("when: answers | length >= 2", "when: answers >= 2"),
    ),
    Mistake(
        "until",
        mine(11),
        "no field 'suficient'",
        "its fields are",
        "check.sufficient",
        flow=("check.sufficient", "check.suficient"),
    ),
    Mistake("host", mine(12), "is no step of the loop", "chair", "chair", flow=("host: chair", "host: chiar")),
    Mistake(
        "choices",
        mine(13),
        "the choice 'serch'",
        "research",
        "search",
        flow=("[search]", "[serch]"),
    ),
    Mistake(
        "result", mine(48), "is no step of this flow", "there are", "answer", flow=("result: answer", "result: anser")
    ),
    # --- what the flow names outside itself ---
    Mistake(
        "model without a name",
        "my_study/models/nameless.yaml:1",
        "'kind' stands where a name is expected",
        "a name of your own",
        files={"models/nameless.yaml": "kind: embedded\nrole: quick\n"},
    ),
    Mistake(
        "model without fields",
        "my_study/models/bare.yaml:1",
        "'bare' has a value where its fields belong",
        "indented",
        files={"models/bare.yaml": "bare: embedded\n"},
    ),
    Mistake("unknown model", mine(28), "no model 'secnd'", "models/", "second", flow=("second]", "secnd]")),
    Mistake(
        "missing key", mine(38), "OPENAI_API_KEY", "llms=embedded", flow=("      model: demo\n", "      model: keyed\n")
    ),
    Mistake(
        "kind of model",
        "my_study/models/mine.yaml:2",
        "`kind` is 'embeded'",
        "hosted",
        "embedded",
        files={"models/mine.yaml": MODELS.replace("kind: embedded", "kind: embeded")},
    ),
    Mistake(
        "embedded model that should write",
        mine(4),
        "'demo' cannot be used here: it is embedded",
        "llms=lite",
        files={
            "flows/mine.yaml": "parameters: {query: {required: true, description: The question.}}\n"
            "records: parameters.query\nsteps:\n"
            '  sum: {agent: llm, parameters: {model: demo, template: "Sum up {{ record.text }}"}}\nresult: sum\n'
        },
    ),
    Mistake(
        "password in an address",
        "my_study/models/served.yaml:5",
        "is 'https://…@example.org/v1', but holds a user name or password",
        files={
            "models/served.yaml": "served:\n  kind: hosted\n  provider: openai-compatible\n  model_id: x\n"
            "  base_url: https://me:hunter2@example.org/v1\n"
        },
    ),
    Mistake(
        "unknown role",
        mine(38),
        "${llms.generl} names nothing",
        "llms/embedded.yaml",
        "${llms.general}",
        flow=("      model: demo\n", "      model: ${llms.generl}\n"),
    ),
    Mistake(
        "role without a model",
        mine(38),
        "${llms.general} names nothing",
        "my_study/llms/own.yaml",
        flow=("      model: demo\n", "      model: ${llms.general}\n"),
        files={"llms/own.yaml": "host: demo\n"},
        arguments=("llms=own",),
    ),
    Mistake(
        "interpolation cycle",
        mine(38),
        "leads back to itself",
        "write a value",
        flow=("      model: demo\n", "      model: ${flows.mine.steps.differences.parameters.model}\n"),
    ),
    Mistake(
        "unknown template",
        mine(40),
        "no template 'diferences'",
        "prompts/",
        "differences",
        flow=("      temperature: 0.2\n", "      temperature: 0.2\n      template: diferences\n"),
    ),
    Mistake(
        "template syntax",
        "my_study/prompts/differences.md:2",
        "xpected",
        "for a condition",
        files={"prompts/differences.md": "user:\n{% for a in %}\n"},
    ),
    Mistake(
        "template variable",
        "my_study/prompts/differences.md:3",
        "wants 'qestion'",
        "use one of",
        "question",
        files={"prompts/differences.md": "user:\n{{ answers }}\n{{ qestion }}\n"},
    ),
    Mistake(
        "unknown storage", mine(7), "no storage 'paper'", "storage/", "papers", flow=("corpus: papers", "corpus: paper")
    ),
    Mistake(
        "missing source",
        "my_study/storage/papers.yaml:5",
        "my_study/paper.jsonl, does not exist",
        "relative",
        files={"storage/papers.yaml": STORAGE.replace("papers.jsonl", "paper.jsonl")},
    ),
    Mistake(
        "home of nobody",
        "my_study/storage/papers.yaml:5",
        "~nobody.of.that.name/papers.jsonl, does not exist",
        "relative",
        files={"storage/papers.yaml": STORAGE.replace("papers.jsonl", "~nobody.of.that.name/papers.jsonl")},
    ),
    Mistake(
        "a line of a script that is not written as scripts are",
        "my_study/second.jsonl:2",
        "a line of a script has no `mach`",
        "there are match, regex",
        "match",
        files={
            "models/mine.yaml": "second: {kind: scripted, path: second.jsonl}\n",
            "second.jsonl": '{"reply": "x"}\n{"mach": "x", "reply": "y"}\n',
        },
    ),
    Mistake("empty source", "my_study/storage/papers.yaml:5", "is empty", "relative", files={"papers.jsonl": ""}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_mistake_is_reported(case: Mistake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    write_study(tmp_path / "my_study", files_of(case))
    for folder in case.folders:
        (tmp_path / "my_study" / folder).mkdir(parents=True)
    [problem] = problems_of(Path("my_study"), *case.arguments)
    assert problem.where == case.where
    assert case.what in problem.what
    assert problem.nearest == case.nearest
    assert case.todo in (problem.todo or "")

"""The verbs of the command line: what each does, with words that can be typed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """One command: its words behind the verb, with the flow that it is about."""

    shows: str
    words: str = ""
    flow: str | None = None


@dataclass(frozen=True)
class Verb:
    """What a verb does in one line of at most 66 characters, examples, and what else its reader has to know."""

    does: str
    examples: tuple[Example, ...]
    more: str = ""
    takes_settings: bool = False
    """Whether it reads a study, and with it every setting."""


VERBS: dict[str, Verb] = {
    "run": Verb(
        "run the flows (the default)",
        (
            Example("ask the decisions of the Oversight Board", 'query="When is a slur allowed?"', "osb"),
            Example("judge your own texts", "records=my_posts.csv", "tox"),
            Example("try 100 of them, at most 5 US dollars", "records=my_posts.csv sample=100 budget=5", "tox"),
        ),
        "After an interruption the same command goes on, and pays for nothing twice.",
        takes_settings=True,
    ),
    "plan": Verb(
        "what would run: steps, models, number of calls, cost",
        (
            Example("what a study would ask, what is kept, and what the rest costs", "records=my_posts.csv", "tox"),
            Example("the same with other models", "llms=lite", "tox"),
            Example("what an answer would ask", 'query="When is a slur allowed?"', "osb"),
        ),
        "No model is asked.",
        takes_settings=True,
    ),
    "check": Verb(
        "find every mistake in the study without running it",
        (
            Example("all mistakes at once, and how the first rows are read", "records=my_posts.csv", "tox"),
            Example("also ask each hosted model once, and say what it can do", "live=true", "tox"),
            Example("the flow that asks the Oversight Board's decisions", "llms=lite", "osb"),
        ),
        "Without live=true no model is asked. Exit code 2 says that there are mistakes.",
        takes_settings=True,
    ),
    "explain": Verb(
        "what each way of searching ranked for a question",
        (Example("the passages by words, by likeness, and by both", 'query="When is a slur allowed?"', "osb"),),
        takes_settings=True,
    ),
    "ingest": Verb(
        "build the corpus that a flow searches, or bring it up to date",
        (
            Example("your own literature", "", "zot"),
            Example("embed all passages again, with another model", "reembed=true", "zot"),
        ),
        takes_settings=True,
    ),
    "list": Verb(
        "list flows, agents, models, storages, criteria and prompts",
        (Example("everything"), Example("one kind", "models"), Example("what has one name", "ordinary")),
    ),
    "new": Verb(
        "make a folder that runs as it is",
        (Example("a study: records, criterion, flow", "my_study"), Example("a package", "plugin my_plugin")),
    ),
    "code": Verb(
        "a page on which people code records",
        (
            Example("a link for each of two people", "coders=ana,ben sample=50", "tox"),
            Example("a workbook for coding without the page", "export coding.xlsx coders=ana,ben", "tox"),
            Example("read it again", "import coding.xlsx", "tox"),
        ),
    ),
    "waiting": Verb("list what waits for a person's answer", (Example("all runs of this folder"),)),
    "answer": Verb(
        "answer what waits in a run",
        (
            Example("at the terminal", "runs/tox/latest"),
            Example("from a file: YAML, CSV or XLSX", "runs/tox/latest --file answers.yaml"),
        ),
    ),
    "report": Verb(
        "write the tables and the report of a finished run again", (Example("the latest run", "runs/tox/latest"),)
    ),
    "replay": Verb(
        "make a finished run again from its kept replies, and compare",
        (Example("every byte, without a network", "runs/tox/latest"),),
    ),
    "verify": Verb(
        "find every change to a finished run and what it was made of",
        (Example("data, prompts, criteria and replies", "runs/tox/latest"),),
    ),
    "server": Verb(
        "the Prefect server of this machine",
        (Example("where it is", "status"), Example("start it", "start"), Example("end it", "stop")),
    ),
    "serve": Verb(
        "offer the flows on a Prefect server, and run what is requested",
        (Example("all flows"), Example("one", "", "osb")),
    ),
}
FINISHED_RUN_VERBS = ("report", "replay", "verify")
"""Verbs that take the folder of a finished run."""
WITHOUT_RUN = ("plan", "check", "ingest", "explain", *FINISHED_RUN_VERBS)
"""Verbs that run no flow."""
WITH_OWN_WORDS = ("list", "new", "server", "code", "waiting", "answer", "serve", *FINISHED_RUN_VERBS)
"""Verbs whose words are not those of a run."""

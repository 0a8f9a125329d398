"""What `--help` prints: an overview, or the page of one verb."""

from __future__ import annotations

from collections.abc import Iterator

from flows.cli.verbs import VERBS, Example, Verb
from flows.server.command_name import command_text, is_script

_PURPOSE = "Study texts with language models: cited, checked, reproducible."
_STUDY_FOLDER = """\
A flow's name stands behind the verb, then what it is asked: buttermilk plan tox
The folder you are in is the study when it holds flows/, storage/, models/ or
criteria/; --config-dir names another."""
_SETTINGS = """\
settings are written key=value, for example:
  query="When is a slur allowed?"         a flow's own parameter
  queries=my_questions.csv                a file of questions, all answered
  llms=lite                               hosted models; needs their keys
  records=my_posts.csv columns.text=body  your data, which column is what
  sample=100 seed=7 budget=5.00           100 at random, at most 5 dollars
  again=refused                           ask once more what was refused before
  run.concurrency=10                      any part of the configuration
"""
_OPTIONS = """\
options:
  --config-dir FOLDER  your study's folder, searched before the package's own
  --json               print the result as JSON, and nothing else, on stdout
  --cfg                print the composed configuration and stop
  --file FILE          with answer: the file of answers, as YAML, CSV or XLSX
  --debug              show tracebacks and Prefect's own log
  -h, --help           this text; behind a verb, what that verb does
"""
_EXIT_CODES = """\
exit codes: 0 done, 1 some cells have no output or were not saved,
  2 a mistake in the study, 3 the run could not go on, 4 it waits for a person,
  130 interrupted
"""


def help_text(verb: str | None, flow: str | None) -> str:
    """The page of `verb`, or the overview of all; `flow` is that of a `python -m flows.<flow>`."""
    return "\n".join(_verb_page(verb, VERBS[verb], flow) if verb else _overview(flow))


def _overview(flow: str | None) -> Iterator[str]:
    flows = "" if flow or is_script() else " [+flows=name]"
    yield f"usage: {command_text('[verb]')}{flows} [key=value …]\n\n{_PURPOSE}\n"
    yield "verbs (each has a page: plan --help):"
    yield from (f"  {name:<10}{verb.does}" for name, verb in VERBS.items())
    if is_script():
        yield f"  {'mcp':<10}for editors and chats: a server of the Model Context Protocol\n\n{_STUDY_FOLDER}"
    yield f"\n{_SETTINGS}\n{_OPTIONS}\n{_EXIT_CODES}"


def _verb_page(name: str, verb: Verb, flow: str | None) -> Iterator[str]:
    yield f"{name}: {verb.does}\n"
    for example in (one for one in verb.examples if not flow or one.flow in (None, flow)):
        yield f"  {_command(name, example, flow)}\n      {example.shows}"
    if verb.more:
        yield f"\n{verb.more}"
    if verb.takes_settings:
        yield f"\n{_SETTINGS}\n{_OPTIONS}\n{_EXIT_CODES}"
    else:
        yield "\nAll verbs, settings and options: --help alone."


def _command(verb: str, example: Example, flow: str | None) -> str:
    named = example.flow and (example.flow if is_script() else "" if flow else f"+flows={example.flow}")
    return command_text(*(word for word in (verb, named, example.words) if word))

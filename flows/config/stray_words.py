"""Words of a command that are no `name=value`: what was meant, and the line to write instead.

A shell splits at blanks, an editor writes curly quotation marks, and a folder is not an option. Each such mistake is
one, however many words it makes of the command. The words are put together as they were meant, so that nothing else is
accused.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from agents.safety.paths import is_file, is_folder, is_there
from flows.config.diagnostics import Diagnostics, closest_name, display_argument
from flows.config.folders import group_choices

_CURLY = "“”„‟‘’‚«»"
_NAME = re.compile(r"[A-Za-z_][\w.]*")
_FILE = re.compile(r"[^=]*[^=.]\.(?:csv|tsv|txt|jsonl?|xlsx?|parquet|pdf|docx|md)", re.IGNORECASE)
_NAME_COLON = re.compile(
    r"(?P<name>query|records|sample|seed|budget|criteria|model|llms|repeats|(?:labels|columns)\.[^:=]+):(?P<value>.+)",
    re.DOTALL,
)
_DOTTED = ("labels.", "columns.")


def shell_setting(name: str, value: str) -> str:
    """`name=value` as a POSIX shell takes it: quoted where a shell would read more into it."""
    quoted_name = re.fullmatch(r"[\w.+@/-]+", name, re.ASCII) is None
    return shlex.quote(f"{name}={value}") if quoted_name else f"{name}={shlex.quote(value)}"


def flow_elsewhere(name: str, known: Sequence[str], own: Path | None) -> str | None:
    """What to write where a flow of that name is in another place, or has an ending.

    `own` is the folder that the command names with --config-dir; then nothing is looked for elsewhere.
    """
    plain = name.removesuffix(".yaml")
    if plain != name and plain in known:
        return f"leave the ending out; write {shell_setting('+flows', plain)}"
    if own:
        return _misplaced_in(own, plain)
    here = Path()
    for folder in (here, *sorted(path for path in here.iterdir() if path.is_dir() and not path.is_symlink())):
        if is_file(folder / "flows" / f"{plain}.yaml"):
            line = f"--config-dir {shlex.quote(str(folder))} {shell_setting('+flows', plain)}"
            return f"it is in the folder {folder}, which the command does not name; write {line}"
    return None


def _misplaced_in(own: Path, name: str) -> str | None:
    """What to do where the folder that the command names has the flow, but not as `flows/<name>.yaml`."""
    file = f"{name}.yaml"
    if (own / file).is_file() and own.name == "flows":
        return f"name the folder above: --config-dir {shlex.quote(str(own.parent))}"
    if (other := own / "flows" / f"{name}.yml").is_file():
        return f"only .yaml is read: rename {other} to .yaml"
    places = (own / file, own / "flow" / file)
    found = (path for path in places if path.is_file())
    if path := next(found, None):
        return f"{path} is not where flows are looked for; move it to {own / 'flows' / file}"
    return None


def is_setting(text: str) -> bool:
    """Whether an argument is written as a setting: `name=value`, or `~name`, which takes one away."""
    key, equals, _ = text.partition("=")
    return text.startswith("~") or bool(equals and key.strip() and not key.startswith("-"))


def join_stray_words(arguments: Sequence[str], folders: Sequence[Path], diagnostics: Diagnostics) -> list[str]:
    """The arguments with stray words joined to what they belong to, or left out; each mistake is reported once."""
    return _Joiner(list(arguments), folders, diagnostics).join()


def study_line(word: str) -> str | None:
    """What to write where a study's folder, or a file of it, was typed; None for any other word."""
    path = Path(word.rstrip("/") or word)
    flows = sorted(file.stem for file in (path / "flows").glob("*.yaml")) if is_folder(path) else []
    if not flows:
        return _study_file(path)
    chosen = flows[0] if len(flows) == 1 else f"[{','.join(flows)}]"
    return f"--config-dir {shlex.quote(str(path))} {shell_setting('+flows', chosen)}"


def _study_file(path: Path) -> str | None:
    """What to write for the path of a study's file, such as `my_study/flows/mine.yaml`; None for any other path."""
    kinds = {"flows": ("+flows", (".yaml",)), "criteria": ("criteria", (".md", ".txt"))}
    name, endings = kinds.get(path.parent.name, ("", ()))
    if path.suffix not in endings or not is_file(path):
        return None
    return f"--config-dir {shlex.quote(str(path.parent.parent))} {shell_setting(name, path.stem)}"


@dataclass
class _Joiner:
    arguments: list[str]
    folders: Sequence[Path]
    diagnostics: Diagnostics
    joined: list[str] = field(default_factory=list[str])

    def join(self) -> list[str]:
        """Takes the arguments one after the other; a stray word takes those with it that were meant with it."""
        rest = self.arguments
        while rest:
            if is_setting(rest[0]):
                self.joined.append(rest.pop(0))
                continue
            words = [rest.pop(0)]
            if words[0].startswith(_DOTTED) and rest:
                # `labels.not hostile=violates`: the rest of the name, up to the sign, is behind the blank.
                while rest and (word := rest.pop(0)):
                    words.append(word)
                    if "=" in word:
                        break
            while rest and not is_setting(rest[0]):
                words.append(rest.pop(0))
            self._take(words)
        return self.joined

    def _take(self, words: list[str]) -> None:
        whole = " ".join(words)
        before = self.joined[-1] if self.joined else ""
        is_alone = len(words) == 1 and not before.endswith("=")
        if is_alone and (words[0].startswith("=") or self._is_name(words[0])):
            self._take_one(words[0])
        elif is_alone and (found := _NAME_COLON.fullmatch(whole)) and not before.startswith("query="):
            self._report_setting(whole, "a setting is written with =, not with a colon", found["name"], found["value"])
        elif before and self._continues(before):
            self.joined.pop()
            self._cut(f"{before} {whole}" if not before.endswith("=") else before + whole, before)
        elif words[0].startswith(_DOTTED) and "=" in whole:
            self._report(whole, "a name or value that holds blanks needs quotation marks", shlex.quote(whole))
            self.joined.append(whole)
        elif len(words) > 1 and ("=" in words or words[-1].startswith("=")):
            name, _, value = whole.partition("=")
            self._report_setting(whole, "there are blanks around the sign =", name.strip(), value.strip())
        elif found := _NAME_COLON.fullmatch(whole):
            self._report_setting(whole, "a setting is written with =, not with a colon", found["name"], found["value"])
        elif len(words) == 1:
            self._take_one(words[0])
        else:
            self._take_question(whole)

    def _is_name(self, word: str) -> bool:
        """Whether the word names something that stands for itself: a folder, a file, a flow."""
        return is_there(Path(word)) or word in group_choices(self.folders, "flows")

    def _continues(self, before: str) -> bool:
        """Whether words behind this setting are the rest of its text: not behind a choice or a list that is closed."""
        name, _, value = before.partition("=")
        if value.startswith("[") and "]" not in value:
            return True
        return _NAME.fullmatch(name) is not None and (
            name not in ("llms", "flows", "sample", "seed", "budget", "repeats", "records") or not value
        )

    def _cut(self, whole: str, before: str) -> None:
        name, _, value = whole.partition("=")
        if before.endswith("="):
            self._report_setting(whole, "there are blanks around the sign =", name, value)
        elif value.startswith("["):
            value = re.sub(r"\s*,\s*", ",", value)
            self._report_setting(before, "the list is cut at its blanks", name, value)
        elif value[:1] in _CURLY:
            what = "curly quotation marks mean nothing to the shell, so the text is cut at its blanks"
            self._report_setting(before, what, name, value)
        else:
            self._report_setting(before, "the text is cut at its blanks: it has no quotation marks", name, value)

    def _take_one(self, word: str) -> None:
        path = Path(word.rstrip("/") or word)
        if line := study_line(word):
            what = "a study's folder is named with --config-dir, and its flow with +flows"
            if not is_folder(path):
                what = "a file of a study is named by its folder and its name, without the ending"
            self._report(word, what, line)
        elif is_there(path):
            self._report_setting(word, "a file or folder of texts is named with records", "records", word)
        elif word in group_choices(self.folders, "flows"):
            self._report(word, "a flow is named with +flows", f"+flows={word}")
        elif any(letter.isspace() for letter in word) or word.endswith("?"):
            self._take_question(word)
        elif _FILE.fullmatch(word):
            beside = [one.name for one in path.parent.iterdir()] if is_folder(path.parent) else []
            near = closest_name(path.name, beside) or "my_texts.csv"
            what = "there is no such file here, and a file of texts is named with records"
            self._report(word, what, shell_setting("records", str(path.parent / near)))
        else:
            near = get_close_matches(word, group_choices(self.folders, "flows"), n=1, cutoff=0.8)
            self.diagnostics.add(
                f"command line: {display_argument(word)}", "this is not of the form name=value",
                nearest=f"+flows={near[0]}" if near else None,
                todo="write for example query='When is a slur allowed?'",
            )  # fmt: skip

    def _take_question(self, whole: str) -> None:
        self._report_setting(whole, "a question is given with query, in quotation marks", "query", whole)

    def _report_setting(self, typed: str, what: str, name: str, value: str) -> None:
        value = value.strip().strip(_CURLY + '"') if value[:1] in _CURLY or value[-1:] in _CURLY else value
        self._report(typed, what, shell_setting(name, value))
        self.joined.append(f"{name}={value}")

    def _report(self, typed: str, what: str, line: str) -> None:
        self.diagnostics.add(f"command line: {display_argument(typed)}", what, todo=f"write {line}")

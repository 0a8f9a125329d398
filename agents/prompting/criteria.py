"""Criteria: the written rules that records are judged against, each a document with its source.

    criteria = Criteria(folders)
    criteria.get("ordinary").text

A criterion is named by its file in `criteria/` of a config folder, without the ending, or given as literal text. Its
front matter names its author and source: a judgement without them cannot be cited. It may also list the verdicts to
choose from, and give examples:

    verdicts: [violates, does_not_violate, unclear]
    examples:
      - text: You people are vermin.
        verdict: violates
        reason: It calls people animals.

Or it asks for several things at once, with a `codebook` (`agents/prompting/codebook.py`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from pydantic import Field, ValidationError

from agents.prompting.codebook import read_codebook
from agents.prompting.front_matter import FrontMatter, split_front_matter
from agents.safety.paths import is_there, paths_below, text_file_problem
from contract.base import Frozen, FrozenMap, digest
from contract.codebook import Codebook
from contract.errors import PromptError

FILE_SUFFIXES = (".md", ".txt", ".j2", ".jinja2")
DEFAULT_VERDICTS = ("violates", "does_not_violate", "unclear")
_READ_NAMES = ("verdicts", "examples", "codebook")
"""What of the front matter a judge goes by; the rest is cited."""
_NUMBER_SIGN = re.compile(r"(\w+):[ ]+([^\s\"'#\[{|>][^\"'#]*\s#\s?\d.*)")
_NAME = re.compile(r"[\w-]+(/[\w-]+)*(\.\w+)?")


class Example(Frozen):
    """A text that was judged, as judges are shown it."""

    text: str = Field(min_length=1, max_length=2000)
    verdict: str
    reason: str = Field(default="", max_length=600)


class Criterion(Frozen):
    """One criterion as it was read."""

    name: str
    """The file's name without its ending; `literal` for one given as text."""
    title: str
    text: str
    """What the judge is shown, without the front matter."""
    about: FrozenMap = Field(default_factory=dict, validate_default=True)
    """The front matter: title, author, source, retrieved and whatever else it holds."""
    verdicts: tuple[str, ...] = DEFAULT_VERDICTS
    """What a judge chooses from."""
    examples: tuple[Example, ...] = ()
    codebook: Codebook | None = Field(default=None, exclude_if=lambda value: value is None)
    """Several variables that are judged at once, in the place of a verdict; their examples are in it."""

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all that a judge goes by: text, verdicts and examples, or the codebook."""
        own = [] if self.codebook is None else [self.codebook]
        return digest([self.text, list(self.verdicts), list(self.examples), *own])


class Criteria:
    """The criteria of a study: `<folder>/criteria/*` of each config folder, the study's own first, the package's last.

    Each is read once, so that an edit during a run does not apply other rules to half of the records.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = [folder / "criteria" for folder in folders]
        self._cache = dict[str, Criterion]()

    def names(self) -> list[str]:
        """Returns the names of all criteria, without file endings."""
        return sorted(
            {
                path.relative_to(folder).with_suffix("").as_posix()
                for folder in self._folders
                for path in paths_below(folder)
                if path.suffix in FILE_SUFFIXES
            }
        )

    def get(self, name_or_text: str) -> Criterion:
        """Returns the criterion of that name, or the text itself as one.

        Raises PromptError when there is no such file, it cannot be read, it is empty, or its front matter is no YAML
        or has verdicts or examples of another shape.
        """
        if name_or_text not in self._cache:
            self._cache[name_or_text] = self._load(name_or_text)
        return self._cache[name_or_text]

    def _load(self, name_or_text: str) -> Criterion:
        if not _NAME.fullmatch(name_or_text):
            if "/" in name_or_text and not any(letter.isspace() for letter in name_or_text):
                raise PromptError(f"no criterion '{name_or_text}'")
            if name_or_text in self.names():
                plain = re.sub(r"[^\w/-]+", "_", name_or_text).strip("_")
                what = f"the file of a criterion is named with letters, digits, _ and -; rename '{name_or_text}'"
                raise PromptError(f"{what} to '{plain}', and write criteria: {plain}")
            return Criterion(name="literal", title=_first_line(name_or_text), text=name_or_text.strip())
        path = self.path(name_or_text)
        if path is None:
            near = get_close_matches(name_or_text, self.names(), n=1)
            raise PromptError(f"no criterion '{name_or_text}'" + (f"; did you mean '{near[0]}'?" if near else ""))
        return _read_criterion(path, name_or_text)

    def path(self, name: str) -> Path | None:
        """Returns the file of that name; None for literal text, and where there is no such file."""
        if not _NAME.fullmatch(name):
            return None
        for folder in self._folders:
            for path in (folder / f"{name}{ending}" for ending in ("", *FILE_SUFFIXES)):
                if not is_there(path) or path.is_dir() or path.suffix not in FILE_SUFFIXES:
                    continue
                if problem := text_file_problem(path, folder.parent):
                    raise PromptError(f"{path}:1: {problem}")
                return path
        return None


def ignored_files(folders: Sequence[Path], kind: str) -> list[Path]:
    """Returns the files in `criteria/` or `prompts/` that are never read because of their ending."""
    found = (path for folder in folders for path in paths_below(folder / kind))
    return [
        path for path in found if path.is_file() and path.suffix not in FILE_SUFFIXES and not path.name.startswith(".")
    ]


def _read_criterion(path: Path, name: str) -> Criterion:
    try:
        source = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise PromptError(f"{path}:1: the file is not in UTF-8; save it again with the encoding UTF-8") from None
    except OSError as error:
        raise PromptError(f"{path}:1: cannot be read: {error.strerror}") from None
    front, text = split_front_matter(source, path)
    if not text:
        what = "there is no text below the front matter" if front.values else "the file is empty"
        raise PromptError(f"{path}:1: {what}; write the criterion's text there")
    _check_names(front)
    _check_number_signs(front)
    codebook = read_codebook(front)
    verdicts = () if codebook else _verdicts(front)
    return Criterion(
        name=name.removesuffix(path.suffix),
        title=str(front.values.get("title") or _first_line(text)),
        text=text,
        about=_about(front),
        verdicts=verdicts,
        examples=() if codebook else _examples(front, verdicts),
        codebook=codebook,
    )


def _check_names(front: FrontMatter) -> None:
    """Raises PromptError for what is nearly a name that is read, and would be taken for a remark."""
    read = _READ_NAMES if "title" in front.values else (*_READ_NAMES, "title")
    for name in front.values:
        near = get_close_matches(name.lower(), read, n=1, cutoff=0.8)
        if near and name not in read:
            raise front.error_at(f"`{name}` would not be read; did you mean `{near[0]}`?", name)


def _check_number_signs(front: FrontMatter) -> None:
    """Raises PromptError for `title: Rule # 1`, of which YAML takes the number for a remark, and leaves it out."""
    for line in front.source.splitlines():
        if found := _NUMBER_SIGN.fullmatch(line):
            what = f'YAML leaves out what follows a blank and #; write `{found[1]}: "{found[2].strip()}"`'
            raise front.error_at(what, found[1])


def _about(front: FrontMatter) -> dict[str, Any]:
    plain = (str, int, float, bool)
    fields = {key: value for key, value in front.values.items() if key not in _READ_NAMES}
    return {key: value if isinstance(value, plain) else str(value) for key, value in fields.items()}


def _verdicts(front: FrontMatter) -> tuple[str, ...]:
    if "verdicts" not in front.values:
        return DEFAULT_VERDICTS
    listed: Any = front.values["verdicts"]
    if isinstance(listed, list) and any(isinstance(word, bool) for word in listed):  # type: ignore[reportUnknownVariableType]
        examples = ", and verdict: 'yes' in the examples" if any(map(_lacks_marks, _listed_examples(front))) else ""
        what = f"yes, no, true and false need quotation marks here; write verdicts: ['yes', 'no']{examples}"
        raise front.error_at(what)
    words = [word.strip() for word in front.texts("verdicts") or ()]
    if len(words) < 2 or not all(words) or len(set(words)) < len(words) or max(map(len, words)) > 60:
        example = ", ".join(_meant_verdicts(listed, words)) or "violates, does_not_violate"
        raise front.error_at(f"verdicts should be a list of two or more different words; write verdicts: [{example}]")
    return tuple(words)


def _meant_verdicts(listed: Any, words: Sequence[str]) -> list[str]:
    """The verdicts that are written in another form than a list: with commas only, or each with what it means."""
    meant = list(words)
    if isinstance(listed, str):
        meant = [word.strip() for word in listed.split(",")]
    elif isinstance(listed, dict):
        meant = [str(word) for word in cast("dict[Any, Any]", listed)]
    different = [word for word in dict.fromkeys(meant) if re.fullmatch(r"[\w ]{1,60}", word)]
    return different if len(different) > 1 else []


def _examples(front: FrontMatter, verdicts: tuple[str, ...]) -> tuple[Example, ...]:
    if not isinstance(front.values.get("examples") or [], list):
        raise front.error_at("examples should be a list of `- text: …` with `verdict: …`", "examples")
    return tuple(_example(front, number, item, verdicts) for number, item in enumerate(_listed_examples(front)))


def _listed_examples(front: FrontMatter) -> list[Any]:
    listed: Any = front.values.get("examples")
    return cast("list[Any]", listed) if isinstance(listed, list) else []


def _lacks_marks(example: Any) -> bool:
    """Whether YAML reads the example's verdict as true or false."""
    return isinstance(example, dict) and isinstance(cast("dict[str, Any]", example).get("verdict"), bool)


def _example(front: FrontMatter, number: int, item: Any, verdicts: tuple[str, ...]) -> Example:
    fields = cast("dict[str, Any]", item) if isinstance(item, dict) else {}
    if _lacks_marks(item):
        what = "yes, no, true and false need quotation marks here; write verdict: 'yes' or verdict: 'no'"
        raise front.error_at(what, "examples", number)
    if isinstance(fields.get("verdict"), int | float | date):
        item = {**fields, "verdict": front.text_in("examples", number, "verdict")}
    try:
        example = Example.model_validate(item)
    except ValidationError as error:
        message = f"an example should be text, verdict and perhaps reason; {_wrong_field(error)}"
        raise front.error_at(message, "examples", number) from None
    if example.verdict not in verdicts:
        near = get_close_matches(example.verdict.strip("“”„‘’\"'"), verdicts, n=1)
        meant = f"; did you mean '{near[0]}'?" if near else ""
        message = f"the example's verdict '{example.verdict}' is none of {', '.join(verdicts)}{meant}"
        raise front.error_at(message, "examples", number)
    return example


def _wrong_field(error: ValidationError) -> str:
    """The first thing that is wrong with the fields of an example, and what to do."""
    first = error.errors()[0]
    name = ".".join(map(str, first["loc"]))
    match first["type"]:
        case "missing":
            return f"it lacks `{name}`"
        case "extra_forbidden":
            cut = (
                '; a text with a comma or a colon needs straight quotation marks: "…"'
                if not name.isidentifier()
                else ""
            )
            return f"`{name}` is none of them{cut}"
        case "string_type":
            return f'`{name}` should be a text; write it in straight quotation marks: "…"'
        case "string_too_short":
            return f"`{name}` is empty"
        case "string_too_long":
            return f"`{name}` is too long; it may have {first.get('ctx', {}).get('max_length')} characters"
        case _:
            return "write each on a line of its own"


def _first_line(text: str, length: int = 60) -> str:
    first = text.strip().partition("\n")[0].lstrip("# ")
    return first if len(first) <= length else f"{first[: length - 1]}…"

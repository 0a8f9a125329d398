"""Says in plain words what is wrong with a text that is no YAML: which line, why, and how that line should read.

PyYAML reports where it could not go on, in the words of its parser. A person has to know where the mistake was made.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import yaml

_PAIR = re.compile(r"^(?P<indent>\s*(?:- +)?)(?P<key>[\w.-]+):(?P<blank> +)(?P<value>.*\S)\s*$")
_UNSPACED = re.compile(r"^(?P<indent>\s*(?:- +)?)(?P<key>[A-Za-z_][\w.]*):(?P<value>[^\s/:].*\S|[^\s/:])\s*$")
_UNSPACED_DASH = re.compile(r"^(?P<indent>\s*)-(?P<value>[^\s-].*)$")
LONG_DASHES = "–—−‒―"
"""What text processors make of one hyphen or two."""
_LONG_DASH_ITEM = re.compile(rf"^\s*[{LONG_DASHES}]\s*(?P<value>.*\S)\s*$")
ODD_BLANKS = "\u00a0\u2002\u2003\u2007\u2009\u200b\u202f\u3000"
"""What looks like a blank, or like nothing, and is a letter to YAML."""
_ODD_BLANK = re.compile(rf"[ -]*(?:[A-Za-z_][\w.]*: *)?[{ODD_BLANKS}]")
_WIDE_COLON = re.compile(r"[ -]*(?P<key>[A-Za-z_][\w.]*) *[：﹕] *(?P<value>.*?)\s*$")
_SIGN_AS_COMMENT = re.compile(r"[ -]*(?P<key>[\w.-]+): +(?P<value>#[^\w\s]*)\s*$")
_SPECIAL = "%@`*&!|>"
_INSTEAD = "look for a missing colon, quotation mark or bracket on this line and the one above"


@dataclass(frozen=True)
class YamlMistake:
    """Line (from 1), what is wrong, and what to write."""

    line: int
    what: str
    todo: str


def describe_yaml_error(text: str, error: yaml.YAMLError) -> YamlMistake:
    """The mistake that made the reading of `text` fail."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return YamlMistake(1, "a character in the file is not allowed in YAML", "save the file as plain text, in UTF-8")
    lines = text.splitlines()
    number = _failing_line(lines, error)
    return (
        _odd_blank(lines, number)
        or _document_line(lines, number)
        or _wide_colon(lines, number)
        or _tab(lines, number, error)
        or _unclosed(lines, error)
        or _template_braces(lines, number)
        or _special_character(lines, number)
        or _inner_quotation_mark(lines, number)
        or _colon_in_text(lines, number)
        or _missing_blank(lines, number)
        or _indentation(lines, number)
        or YamlMistake(number, "this line cannot be read as YAML", _INSTEAD)
    )


def _document_line(lines: list[str], number: int) -> YamlMistake | None:
    """`---` amid a file: to YAML another file begins there."""
    if number < 2 or _line(lines, number).rstrip() not in ("---", "..."):
        return None
    what = f"a line {_line(lines, number).strip()} begins another file to YAML"
    return YamlMistake(number, what, "remove the line, or begin it with #")


def _wide_colon(lines: list[str], number: int) -> YamlMistake | None:
    """On the failing line or on the one above: the colon of a keyboard for Chinese or Japanese."""
    for at in (number, number - 1):
        if found := _WIDE_COLON.match(_line(lines, at)):
            what = "this colon is a wide one, which is a letter to YAML"
            return YamlMistake(at, what, f"write `{found['key']}: {found['value']}`".replace(": `", ":`"))
    return None


def odd_blank(line: int) -> YamlMistake:
    """The mistake of a no-break space where YAML needs a blank: web pages and text processors write them."""
    what = "the line holds a no-break space, which looks like a blank and is none to YAML"
    return YamlMistake(line, what, "write plain blanks in its place")


def comment_as_value(line: int, text: str) -> YamlMistake | None:
    """The mistake of `split: #`: to YAML the sign begins a comment. None where the line, `text`, holds none of it.

    A comment in words, and a value that was made one, are none.
    """
    if not (found := _SIGN_AS_COMMENT.match(text)):
        return None
    what = f"`#` begins a comment in YAML, so `{found['key']}` has no value"
    return YamlMistake(line, what, f"write `{found['key']}: {_quoted(found['value'])}`")


def _odd_blank(lines: list[str], number: int) -> YamlMistake | None:
    """On the failing line, or on one of two above: a name without a blank behind its colon goes on below."""
    return next((odd_blank(at) for at in (number, number - 1, number - 2) if _ODD_BLANK.match(_line(lines, at))), None)


def _failing_line(lines: list[str], error: yaml.MarkedYAMLError) -> int:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    return min(line, max((number for number, text in enumerate(lines, 1) if text.strip()), default=1))


def _line(lines: list[str], number: int) -> str:
    return lines[number - 1] if 0 < number <= len(lines) else ""


def _quoted(text: str) -> str:
    """The text as a YAML value in double quotation marks, and shortened in the middle of a sentence."""
    inner = text.strip().strip("'\"").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{inner}"'


def _tab(lines: list[str], number: int, error: yaml.MarkedYAMLError) -> YamlMistake | None:
    at = _line(lines, number)
    if "\t" in at[: len(at) - len(at.lstrip())] or "'\\t'" in (error.problem or ""):
        return YamlMistake(number, "the line is indented with a tab", "use spaces: YAML does not allow tabs here")
    return None


def _unclosed(lines: list[str], error: yaml.MarkedYAMLError) -> YamlMistake | None:
    """A quotation mark or bracket without its other half; the line where it opens is the useful one."""
    context, mark = error.context or "", error.context_mark
    if not mark:
        return None
    number = mark.line + 1
    if "quoted" in context and re.search("escape|hexa?decimal", error.problem or ""):
        what = "a backslash in double quotation marks changes the sign after it"
        return YamlMistake(
            number, what, "write single quotation marks around the text, or / in place of each backslash"
        )
    if "quoted" in context:
        return YamlMistake(
            number, "a quotation mark opens on this line and is not closed", "close it at the end of the text"
        )
    if "flow" not in context or "unhashable" in (error.problem or ""):
        return None
    # libyaml names the place where it could not go on, which may be below the bracket that opens.
    number = next((n for n in range(number, 0, -1) if _content(_line(lines, n))), number)
    at = _line(lines, number)
    if re.search(r"[\[{].*(?<=[\s\[{,])#.*[\]}]", at):
        what = "`#` begins a comment in YAML, so the bracket behind it closes nothing"
        return YamlMistake(number, what, 'put a text that begins with # in quotation marks, as in "#"')
    for opening, closing in ("[]", "{}"):
        if at.count(opening) > at.count(closing):
            what = f"the bracket {opening} opens on this line and is not closed"
            return YamlMistake(number, what, f"write {closing} where it ends")
    if found := re.search(r"[{,]\s*([\w.]+):(?=[^\s}\],])", at):
        return YamlMistake(number, f"a blank is missing after `{found[1]}:`", "put a blank after the colon")
    if ": " in at and "{" in at:
        what = "a text within { } holds a colon, a comma, a question mark or a quotation mark"
        return YamlMistake(number, what, 'put the text in quotation marks, as in {text: "so: this"}')
    return None


def _template_braces(lines: list[str], number: int) -> YamlMistake | None:
    where = next((n for n in (number, number - 1) if "{{" in _line(lines, n)), None)
    if where is None:
        return None
    found = re.search(r"^\s*(?:- +)?([\w.-]+): +\{\{\s*(.*?)\s*\}\}", _line(lines, where))
    todo = f"write `{found[1]}: {found[2]}`" if found else 'put the value in quotation marks: "{{ … }}"'
    return YamlMistake(where, "{{ }} belongs into prompts; here a value is named without brackets", todo)


def _special_character(lines: list[str], number: int) -> YamlMistake | None:
    pair = _PAIR.match(_line(lines, number))
    if not pair or pair["value"][0] not in _SPECIAL or pair["value"] in ("|", ">", "|-", ">-"):
        return None
    what = f"a text that begins with {pair['value'][0]} needs quotation marks"
    return YamlMistake(number, what, f"write `{pair['key']}: {_quoted(pair['value'])}`")


def _inner_quotation_mark(lines: list[str], number: int) -> YamlMistake | None:
    """`'What's harmful?'`: the apostrophe ends the text. PyYAML reports it on the line itself or on one below."""
    for at in (number, number - 1):
        pair = _PAIR.match(_line(lines, at))
        mark = pair["value"][0] if pair else ""
        if not pair or mark not in "'\"" or pair["value"].replace("\\" + mark, "").replace("''", "").count(mark) < 2:
            continue
        inner = pair["value"].removeprefix(mark).removesuffix(mark)
        if mark in inner.replace("\\" + mark, "").replace("''", ""):
            what = f"the quotation mark {mark} within the text ends it too early"
            return YamlMistake(at, what, f"write `{pair['key']}: {_quoted(inner)}`")
    return None


def _colon_in_text(lines: list[str], number: int) -> YamlMistake | None:
    pair = _PAIR.match(_line(lines, number))
    if not pair or (": " not in pair["value"] and not pair["value"].endswith(":")) or pair["value"][0] in "'\"[{":
        return None
    what = "the text holds a colon with a blank behind it, so it needs quotation marks"
    return YamlMistake(number, what, f"write `{pair['key']}: {_quoted(pair['value'])}`")


def _missing_blank(lines: list[str], number: int) -> YamlMistake | None:
    for at in (number, number - 1):
        if found := _UNSPACED.match(_line(lines, at)):
            todo = f"write `{found['key']}: {found['value']}`"
            return YamlMistake(at, "a blank is missing after the colon", todo)
        if found := _UNSPACED_DASH.match(_line(lines, at)):
            return YamlMistake(at, "a blank is missing after the dash", f"write `- {found['value']}`")
    for at in (number - 1, number):
        if found := _LONG_DASH_ITEM.match(_line(lines, at)):
            return YamlMistake(at, "this line begins with a long dash", f"write it with a hyphen: `- {found['value']}`")
        line = _line(lines, at).strip()
        if line and ":" not in line and not line.startswith(("-", "#")):
            return YamlMistake(at, "this line has no colon", f"write `name: value`, as in `{line.split()[0]}: …`")
    return None


def _indentation(lines: list[str], number: int) -> YamlMistake | None:
    """A line that begins in another column than those which it belongs to."""
    above = next((n for n in range(number - 1, 0, -1) if _content(_line(lines, n))), None)
    if above is None:
        return None
    here, there = _indent(_line(lines, number)), _indent(_line(lines, above))
    if here > there and not _content(_line(lines, above)).endswith(":"):
        what = f"this line is indented deeper than line {above}, which holds a value and can have nothing below it"
    elif here != there:
        # The line above may itself be the one that is out of its column.
        before = next((n for n in range(above - 1, 0, -1) if _content(_line(lines, n))), None)
        what = f"the lines around here do not begin in the same column: line {number} has {here} blanks before its text"
        what += f", line {above} has {there}"
        what += f", line {before} has {_indent(_line(lines, before))}" if before else ""
    else:
        return None
    todo = "let names that belong together begin in the same column, and what belongs to a name two blanks further in"
    return YamlMistake(number, what, todo)


def _content(line: str) -> str:
    return line.split(" #", 1)[0].strip() if not line.lstrip().startswith("#") else ""


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))

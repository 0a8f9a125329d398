"""The Jinja environment of templates: where includes are found, and what is said of a template that cannot be read."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateNotFound, TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError
from jinja2.loaders import split_template_path

from agents.prompting.fence import fence
from agents.safety.jinja_sandbox import Sandbox
from agents.safety.paths import is_there, text_file_problem
from contract.errors import PromptError

GIVEN_AS_TEXT = "the template given as text"


class LeadsOut(TemplateNotFound):
    """The name is that of a link, or of a folder, that leads out of the folders of templates."""


class _Loader(FileSystemLoader):
    """Loads included templates, only from the folders of templates."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """Returns the text of that file. Raises TemplateNotFound, also for a link that leads out of the folders."""
        for folder in self.searchpath:
            path = Path(folder, *split_template_path(template))
            if is_there(path):
                if problem := text_file_problem(path, Path(folder).parent):
                    raise LeadsOut(template, f"'{template}' leads out of the folder of prompts: {problem}")
                break
        return super().get_source(environment, template)


def make_environment(folders: Sequence[Path]) -> Sandbox:
    """An environment that includes templates of these folders, and fills in nothing that is not there."""
    # Autoescape is for HTML; these are plain-text prompts, in which `fence` marks data.
    environment = Sandbox(
        loader=_Loader(list(folders), encoding="utf-8-sig"),
        undefined=StrictUndefined,
        autoescape=False,
        keep_trailing_newline=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.add_filter("fence", fence)
    return environment


def parse(environment: Sandbox, source: str, path: Path | None) -> nodes.Template:
    """The template, parsed. Raises PromptError with its line."""
    try:
        return environment.parse(source)
    except TemplateSyntaxError as error:
        where = f"{path}:{error.lineno}" if path else GIVEN_AS_TEXT
        raise PromptError(f"{where}: {syntax_message(error.message or '')}") from error
    except (SecurityError, RecursionError) as error:
        raise PromptError(f"{path or GIVEN_AS_TEXT}: {error}") from None


def syntax_message(message: str) -> str:
    """What is wrong with brackets or tags, and how they are written; Jinja's words alone say it to programmers."""
    if "'}'" in message or "end of print statement" in message or "unexpected end of template" in message:
        message = "brackets around here do not fit together"
    return f"{message}; write {{{{ name }}}} for a value, and {{% if name %}} … {{% endif %}} for a condition"


def template_line(error: Exception) -> int | None:
    """Returns the line of the template in which the error arose; None if it arose elsewhere."""
    frames = traceback.extract_tb(error.__traceback__)
    return next((frame.lineno for frame in reversed(frames) if frame.filename == "<template>"), None)


def error_message(error: Exception) -> str:
    """What went wrong while a template was filled, in plain words."""
    missing = re.fullmatch(r"'[\w. ]+ object' has no attribute '(.+)'", str(error))
    return f"there is no '{missing[1]}' in what it is asked of" if missing else str(error)

"""What the pages of a run have in common: escaping, the policy that lets them load nothing, and their files.

Imports no measures: an answer's page is written where the libraries of studies are not installed.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from flows.report.words import display_text


def page_environment(room: str = "flows.report") -> Environment:
    """The templates in the room's `page_files`; every value is escaped, and one that is missing is an error."""
    return Environment(
        loader=PackageLoader(room, "page_files"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip


def bdi(text: str) -> Markup:
    """Text in a `bdi` element, so that it cannot reorder the text around it."""
    return Markup("<bdi>{}</bdi>").format(escape(display_text(text)))


def trusted_markup(text: str) -> Markup:
    """Marks text as safe that is escaped already: our own files, JSON from `script_json`, SVG from ElementTree."""
    return Markup(text)  # noqa: S704


def content_security_policy(style: str, script: str, form_action: str = "'none'") -> str:
    """The page's Content-Security-Policy: allows this style and this script, and no other source."""
    return (
        f"default-src 'none'; img-src data:; style-src '{_csp_hash(style)}'; script-src '{_csp_hash(script)}'; "
        f"base-uri 'none'; form-action {form_action}"
    )


def _csp_hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def page_file_text(name: str, room: str = "flows.report") -> str:
    """The text of a file in the room's `page_files`."""
    return (files(room) / "page_files" / name).read_text(encoding="utf-8")

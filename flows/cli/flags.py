"""Words of a verb that are true or false: `check live=true`, `ingest reembed=true`."""

from __future__ import annotations

from contract.errors import Problem, StudyError


def take_flag(settings: list[str], name: str, todo: str) -> bool:
    """Takes `name=true` out of the settings. Raises StudyError for another value."""
    given = [text for text in settings if text.partition("=")[0] == name]
    for text in given:
        settings.remove(text)
        if text not in (f"{name}=true", f"{name}=false"):
            raise StudyError([Problem(f"command line: {text}", f"`{name}` is true or false", None, todo)])
    return f"{name}=true" in given

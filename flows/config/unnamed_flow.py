"""The flow of a command that names none with `flows`: the only one of its study, or a mistake and what to write."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from flows.config.diagnostics import Diagnostics, closest_name, display_argument, there_are
from flows.config.folders import display_path, group_choices
from flows.config.named_folder import unread_flows
from flows.config.stray_words import flow_elsewhere, shell_setting

_WORDS = ("flow", "flows", "study", "studies")
_LIKE_FLOWS = 0.75


def unnamed_flow(
    request: dict[str, str], folders: Sequence[Path], config_dir: Path | None, diagnostics: Diagnostics
) -> list[str]:
    """The one flow of the study where the command names none; a mistake where it has several, or there is no study.

    A setting that was meant to name it, such as `flow=tox`, is told and taken out of the request.
    """
    there = group_choices(folders, "flows")
    if word := _word_for_flows(request, there):
        _report_word(word, request.pop(word), there, config_dir, diagnostics)
        return []
    of_study = group_choices((config_dir.expanduser(),), "flows") if config_dir else []
    if config_dir and len(of_study) == 1:
        diagnostics.add_notice(f"'{of_study[0]}' is taken, the only flow in {display_path(config_dir)}")
        return of_study
    if config_dir and not of_study and (advice := unread_flows(config_dir.expanduser())):
        diagnostics.add("command line", f"no flow is found in {display_path(config_dir)}", todo=advice)
        return []
    todo = f"write +flows={(of_study or ['osb'])[0]}; {there_are(there)}"
    diagnostics.add("command line", "no flow is named", todo=todo)
    return []


def _word_for_flows(request: dict[str, str], there: Sequence[str]) -> str | None:
    """The setting that was meant to name a flow; one that is only like the word has to name a flow that there is."""
    for word, value in request.items():
        is_like = get_close_matches(word.casefold(), _WORDS, n=1, cutoff=_LIKE_FLOWS)
        if word.casefold() in _WORDS or (is_like and set(_names(value)) <= set(there)):
            return word
    return None


def _report_word(word: str, value: str, there: Sequence[str], own: Path | None, diagnostics: Diagnostics) -> None:
    where, what = f"command line: {display_argument(f'{word}={value}')}", "flows are named with 'flows'"
    names = _names(value)
    unknown = [name for name in names if name not in there]
    if not unknown and names:
        chosen = names[0] if len(names) == 1 else f"[{','.join(names)}]"
        diagnostics.add(where, what, todo=f"write {shell_setting('+flows', chosen)}")
        return
    name = unknown[0] if unknown else ""
    what = f"{what}, and there is no flow '{name}'" if name else what
    nearest = closest_name(name, there)
    line = flow_elsewhere(name, there, own) if name else None
    advice = f"write {shell_setting('+flows', nearest)}; {there_are(there)}" if nearest else there_are(there)
    diagnostics.add(where, what, todo=line or advice)


def _names(value: str) -> list[str]:
    return [name.strip() for name in value.strip().strip("[]").split(",") if name.strip()]

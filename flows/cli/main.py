"""The command line: `python -m flows <verb> +flows=osb …`, and `python -m flows.osb …` for one flow.

Large modules are imported only when they are needed, so `--help`, `list` and `check` answer at once.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.errors import ButtermilkError, RunError, StudyError
from flows.cli.error_text import error_lines
from flows.cli.help_text import help_text
from flows.cli.mistyped import Parser, given_once, is_misspelt_option, misspelt_verb, unknown_option
from flows.cli.notices import print_notices, print_waiting_notes, read_env_file
from flows.cli.verbs import FINISHED_RUN_VERBS, VERBS, WITH_OWN_WORDS, WITHOUT_RUN
from flows.files.control_characters import terminal_line, terminal_text
from flows.files.os_error import os_error_text
from flows.server.choose_server import profile_value
from flows.server.command_name import command_words
from flows.server.folder_settings import folder_settings, keep_own_settings
from flows.server.interrupt import EXIT_FAILED, EXIT_INTERRUPTED, INTERRUPTED_MESSAGE, interrupts

if TYPE_CHECKING:
    from flows.spec.study import Study


def main(arguments: Sequence[str] | None = None, flow: str | None = None) -> int:
    """Runs the command, and returns its exit code. `python -m flows.<flow>` passes the name of its `flow`."""
    try:
        options, settings = _parse_arguments(list(sys.argv[1:] if arguments is None else arguments))
    except StudyError as error:
        _print_error(error, argparse.Namespace(debug=False))
        return 2
    if options.help:
        print(help_text(options.verb, flow))
        return 0
    # A person ends the command with SIGINT, a cluster's scheduler with SIGTERM; both get the same message. A run's own
    # event loop takes SIGINT, to end in order.
    interrupts.listen([signal.SIGTERM, *([signal.SIGINT] if options.verb in WITHOUT_RUN else [])])
    try:
        return _process(options, settings, flow)
    except KeyboardInterrupt:
        print(INTERRUPTED_MESSAGE, file=sys.stderr)
        return EXIT_INTERRUPTED


def _process(options: argparse.Namespace, settings: list[str], flow: str | None) -> int:
    """Carries the command out, and tells what stopped it. Raises KeyboardInterrupt, also where that was lost inside."""
    try:
        _settle_prefect()
        code = _dispatch(options, settings, flow)
        if not code:
            interrupts.raise_if_any()
        return code
    except StudyError as error:
        interrupts.raise_if_any()
        _print_error(error, options)
        return 2
    except ButtermilkError as error:
        interrupts.raise_if_any()
        _print_error(error, options)
        return EXIT_FAILED
    except BrokenPipeError:
        # The reader, such as `head`, has closed the pipe. What Python still has in its buffers is thrown away.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        # The machine's, not the study's: a full disk, a folder without permission, a file that went away meanwhile.
        where = f"{error.filename}: " if error.filename else ""
        _print_error(RunError(f"{where}{os_error_text(error)}"), options)
        return EXIT_FAILED
    except Exception:
        interrupts.raise_if_any()
        raise


def _settle_prefect() -> None:
    """Settles what the current folder's files may say to Prefect. Raises StudyError for what they may not."""
    keep_own_settings(Path.cwd(), os.environ, profile_value)
    if folder_settings(Path.cwd()):
        from flows.compose.prefect_permission import check_folder_settings

        for note in check_folder_settings(Path.cwd()):
            print(f"note: {terminal_line(note)}", file=sys.stderr)


def _parse_arguments(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = Parser(prog=" ".join(command_words()), add_help=False)
    parser.add_argument("verb", nargs="?")
    parser.add_argument("settings", nargs="*")
    parser.add_argument("--config-dir", type=Path, action="append")
    parser.add_argument("--file", type=Path, action="append")
    for switch in ("--json", "--cfg", "--debug"):
        parser.add_argument(switch, action="store_true")
    parser.add_argument("-h", "--help", action="store_true")
    options, rest = parser.parse_known_intermixed_args(arguments)
    options.config_dir, options.file = (
        given_once("--config-dir", options.config_dir),
        given_once("--file", options.file),
    )
    words = [*([options.verb] if options.verb else []), *options.settings]
    if any(is_misspelt_option(text, parser) for text in (*rest, *(word for word in words if word[:1] != "-"))):
        raise StudyError([unknown_option(arguments, parser)])
    settings = [*words, *rest]
    options.verb = next((text for text in settings if text in VERBS), None)
    if options.verb:
        settings.remove(options.verb)
    else:
        options.verb = None if options.help else "run"
        if settings and (problem := misspelt_verb(settings[0], VERBS)):
            raise StudyError([problem])
    return options, settings


def _print_error(error: ButtermilkError, options: argparse.Namespace) -> None:
    if options.debug:
        traceback.print_exc()
        return
    for line in error_lines(error):
        print(line, file=sys.stderr)


def _dispatch(options: argparse.Namespace, settings: list[str], flow: str | None) -> int:
    if options.verb in WITH_OWN_WORDS:
        return _run_verb(options, settings, flow)
    read_env_file()
    if options.cfg:
        return _print_configuration(options, settings, flow)
    if options.verb == "run":
        return _run(options, settings, flow)
    from flows.cli.live_check import check_live, take_live

    live = take_live(settings) if options.verb == "check" else False
    reembed = False
    if options.verb == "ingest":
        from flows.cli.ingest import take_reembed

        reembed = take_reembed(settings)
    from flows.compose.compose import compose

    studies = compose([flow] if flow else [], settings, options.config_dir, require_request=False)
    print_notices(studies)
    print_waiting_notes(studies)
    if options.verb == "check":
        return _check(studies, options) or (check_live(studies, as_json=options.json) if live else 0)
    if options.verb == "ingest":
        from flows.cli.ingest import ingest

        return ingest(studies, options, reembed=reembed)
    if options.verb == "explain":
        from flows.cli.explain import explain

        return explain(studies, options)
    return _plan(studies, options)


def _run_verb(options: argparse.Namespace, settings: list[str], flow: str | None) -> int:
    """Runs a verb that takes words of its own, and composes no study before it has read them."""
    if options.verb == "list":
        from flows.cli.list_names import list_names

        return list_names(options, settings)
    if options.verb == "new":
        from flows.cli.new_folder import make_folder

        return make_folder(settings)
    if options.verb == "server":
        from flows.cli.server import server_command

        return server_command(settings, as_json=options.json)
    if options.verb == "code":
        from flows.cli.code import code_command

        return code_command(settings, options.config_dir, flow)
    if options.verb in ("waiting", "answer"):
        from flows.cli.waiting import answer_run, list_waiting

        return (list_waiting if options.verb == "waiting" else answer_run)(options, settings)
    if options.verb in FINISHED_RUN_VERBS:
        from flows.cli.finished_run import process_finished_run

        return process_finished_run(options, settings)
    from flows.deploy.serve import serve_flows

    return serve_flows([*([f"+flows={flow}"] if flow else []), *settings], options.config_dir)


def _print_configuration(options: argparse.Namespace, settings: list[str], flow: str | None) -> int:
    """Prints the configuration that the files and the command line make together, also when it has mistakes."""
    from contract.key_texts import mask_keys
    from flows.config.compose_config import compose_config
    from flows.config.diagnostics import Diagnostics, is_secret_setting, may_hold_secret
    from flows.config.provenance import mask_secrets

    diagnostics = Diagnostics()
    composed = compose_config([flow] if flow else [], settings, options.config_dir, diagnostics)
    shown = mask_secrets(
        composed.config, lambda path, value: may_hold_secret(path[-1], value) or is_secret_setting(path, value)
    )
    print(mask_keys(json.dumps(shown, indent=2, ensure_ascii=False, default=str)))
    diagnostics.raise_if_any()
    return 0


def _run(options: argparse.Namespace, settings: list[str], flow: str | None) -> int:
    import gc

    from flows.cli.warm.client import keep_warm
    from flows.server.choose_server import command_server

    # The objects made at start-up stay: collecting in between costs time and frees nothing. `_Session._prepare` in
    # `flows.cli.run` switches collection on again.
    gc.disable()
    # First of all, because the server's start takes longest; a mistake found in the meantime ends the server at once.
    with command_server(_server_setting(settings)) as chosen:
        from flows.cli.run import run_studies
        from flows.compose.compose import compose

        studies = compose([flow] if flow else [], settings, options.config_dir, require_request=False)
        print_notices(studies)
        if not sys.stdin.isatty():
            print_waiting_notes(studies, runs=True)
        chosen.settle(next((study.run.server for study in studies if study.run.server), None))
        code = run_studies(studies, chosen.server, options, without_settings=not settings)
        if idle_seconds := chosen.idle_seconds:
            keep_warm(idle_seconds)
        return code


def _server_setting(settings: Sequence[str]) -> str | None:
    """What the command line says on the server, before the study is composed; None for what cannot be read."""
    from contract.server_policy import parse_server_policy

    given = [text.partition("=")[2].strip("'\" ") for text in settings if text.lstrip("+").startswith("run.server=")]
    try:
        return str(parse_server_policy(given[-1])) if given else None
    except ValueError:
        return None


def _flow_names(studies: Sequence[Study]) -> str:
    return ", ".join(study.flow.name for study in studies) or "the configuration"


def _check(studies: Sequence[Study], options: argparse.Namespace) -> int:
    """Reports that there are no mistakes, and shows how the first rows will be read: no check knows what was meant."""
    from dataclasses import asdict

    from flows.check.departures import found_keys
    from flows.check.first_rows import preview_with_answers
    from flows.check.preview import left_out_text, preview_lines
    from flows.check.sent_settings import unsent_settings_notes
    from flows.engine.records import notes_before_run

    found = (note for study in studies for note in (*unsent_settings_notes(study), *notes_before_run(study)))
    for note in dict.fromkeys(found):
        print(f"note: {terminal_text(note)}", file=sys.stderr)

    previewed = [(study.flow.name, one) for study in studies if (one := preview_with_answers(study))]
    if options.json:
        previews = [{"flow": flow, **asdict(one), "names": sorted(one.names)} for flow, one in previewed]
        for one in previews:
            # Up to a million values, gathered for the checks.
            del one["absent"], one["values"]
        print(json.dumps({"ok": True, "records": previews}, indent=2, ensure_ascii=False))
        return 0
    # Beside the good news, because nobody looks for what is left out in the lines below it.
    print(f"{_flow_names(studies)}: no mistakes found{left_out_text(one for _, one in previewed)}")
    for key in dict.fromkeys(key for study in studies for key in found_keys(study)):
        print(f"key found: {terminal_text(key)}")
    for flow, one in previewed:
        print(f"\n{flow} reads its records so:")
        print("\n".join(terminal_text(line) for line in preview_lines(one)))
    return 0


def _plan(studies: Sequence[Study], options: argparse.Namespace) -> int:
    from dataclasses import asdict

    from rich.console import Console

    from flows.cli.plan_text import show_plan
    from flows.plan.plan import plan_with_kept_cells

    plans = [plan_with_kept_cells(study) for study in studies]
    if options.json:
        as_dicts: list[dict[str, Any]] = [asdict(plan) for plan in plans]
        print(json.dumps(as_dicts, indent=2, default=str))
    else:
        for plan in plans:
            show_plan(Console(), plan)
    return 0

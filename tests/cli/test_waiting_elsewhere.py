"""`waiting` and `answer` where the answers of a run are kept in another place: said, and nothing false instead."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from contract.errors import RunError, StudyError
from flows.cli.waiting import answer_run, list_waiting
from tests.support.running import Lab
from tests.support.waiting_study import GATE_ALONE


async def _waiting_folder(lab: Lab) -> Path:
    lab.write("flows/tiny.yaml", GATE_ALONE)
    lab.write_posts([{"record_id": f"p{one}", "text": f"Post {one}."} for one in range(2)])
    ran = await lab.run("run.ask=later")
    assert ran.outcome and ran.outcome.folder
    return ran.outcome.folder


async def _call(verb: Callable[[argparse.Namespace, Sequence[str]], int], *words: object, file: object = None) -> int:
    options = argparse.Namespace(json=False, file=file)
    return await asyncio.to_thread(verb, options, [str(word) for word in words])


async def test_another_storage_of_results_is_named_and_nobody_accused(
    lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, other = await _waiting_folder(lab), tmp_path / "elsewhere"
    for words in ([folder], [f"run.folder={folder.parent.parent}"]):
        capsys.readouterr()
        assert await _call(list_waiting, *words, f"run.results={other}") == 0
        [line] = capsys.readouterr().out.splitlines()
        assert f"2 questions in waiting.yaml can be neither shown nor answered here, since {other} holds none" in line
    with pytest.raises(RunError, match="if the run kept its results elsewhere, name the place"):
        await _call(answer_run, folder, f"run.results={other}")
    assert await _call(list_waiting, folder) == 0
    assert "2 questions (consent: 2)" in capsys.readouterr().out


async def test_a_mistyped_key_in_the_runs_own_file_is_told(lab: Lab) -> None:
    folder = await _waiting_folder(lab)
    path = folder / "waiting.yaml"
    text = path.read_text(encoding="utf-8").replace("decision:  #", "decision: approve  #", 1)
    key = text.partition("key: ")[2][:64]
    path.write_text(text.replace(key, key[1:] + ("0" if key[0] != "0" else "1")), encoding="utf-8")
    with pytest.raises(StudyError, match="no question has this key"):
        await _call(answer_run, folder)


async def test_a_folder_of_runs_is_no_run(lab: Lab) -> None:
    folder = await _waiting_folder(lab)
    with pytest.raises(StudyError, match="is no run itself, and holds 1 run"):
        await _call(list_waiting, folder.parent)

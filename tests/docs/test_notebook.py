"""The tutorial notebook, executed twice in its own folder as a scholar would: the second time nothing is paid for."""

from __future__ import annotations

import os
import shutil
import sys
from ast import literal_eval
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from flows.corpus.index import CorpusIndex
from tests.support.commands import ROOT

_read: Any = nbformat.read  # type: ignore[reportUnknownMemberType]
_NOTEBOOK = ROOT / "docs/notebook.ipynb"


@pytest.fixture
def kernel(tmp_path: Path, prefect_api: str, osb_index: CorpusIndex, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The kernel's environment: this interpreter, a cache with an index, a server; returns the reader's folder."""
    spec = tmp_path / "jupyter/kernels/python3"
    spec.mkdir(parents=True)
    command = f'["{sys.executable}", "-m", "ipykernel_launcher", "-f", "{{connection_file}}"]'
    (spec / "kernel.json").write_text(f'{{"argv": {command}, "display_name": "Python 3", "language": "python"}}')
    indexes = tmp_path / "cache/buttermilk/indexes"
    indexes.mkdir(parents=True)
    shutil.copy(osb_index.location, indexes)
    for name, value in {
        "JUPYTER_PATH": tmp_path / "jupyter",
        "IPYTHONDIR": tmp_path / "ipython",
        "XDG_CACHE_HOME": tmp_path / "cache",
        "PREFECT_API_URL": prefect_api,
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }.items():
        monkeypatch.setenv(name, str(value))
    (folder := tmp_path / "reader").mkdir()
    return folder


def test_the_notebook_runs_and_pays_once(kernel: Path) -> None:
    notebook: Any = _read(_NOTEBOOK, as_version=4)
    cells: list[Any] = notebook.cells
    assert not any(cell.get("outputs") for cell in cells), "outputs are not kept in the file"
    first, second = _execute(notebook, kernel), _execute(notebook, kernel)
    for code, expected in {
        "judging.check()": "no mistakes found",
        "judging.plan()": "judge",
        "run = judging.run()": "violates",
        "run.report()": "<iframe sandbox",
        "osb = study(": "<blockquote>",
    }.items():
        assert expected in _shown(first, code)
    paid, again = (literal_eval(_shown(one, "run.manifest"))[0] for one in (first, second))
    assert paid["paid"] > 0 and again == {"paid": 0, "kept": paid["paid"]}


def _execute(notebook: Any, folder: Path) -> dict[str, str]:
    """What each cell of code shows, by its code: HTML where there is any."""
    done: Any = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    cells: list[Any] = [cell for cell in done.cells if cell.cell_type == "code"]
    return {cell.source: "".join(map(_as_html, cell.outputs)) for cell in cells}


def _as_html(output: Any) -> str:
    data: dict[str, str] = output.get("data", {})
    return data.get("text/html") or data.get("text/plain", "")


def _shown(shown: dict[str, str], code: str) -> str:
    """What the one cell shows whose code holds `code`."""
    [found] = [text for source, text in shown.items() if code in source]
    return found

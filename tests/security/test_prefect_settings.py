"""A study is a folder from anyone: its files do not say where Prefect keeps what is run there, without permission."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from flows.api.server import ProcessServer
from flows.cli.main import main
from flows.mcp.__main__ import main as serve
from tests.security.hostile_studies import FILES
from tests.support.commands import CommandLine, RunningCommand, write_files
from tests.support.own_config import use_own_config, write_own_config

BUTTERMILK = Path(sys.executable).with_name("buttermilk")
URL = "sqlite+aiosqlite:///WHERE/theirs.db"
SETTINGS = {
    "prefect.toml:2": f'[server.database]\nconnection_url = "{URL}"\n',
    "prefect.toml:1": f'server.database.connection_url = "{URL}"\n',
    "prefect.toml:3": f'# x\n[server]\n"database" = {{connection_url = "{URL}"}}\n',
    ".env:2": f"X=1\nPREFECT_SERVER_DATABASE_CONNECTION_URL={URL}\n",
    ".env:3": f"X=1\n\nexport prefect_api_database_connection_url='{URL}'\n",
    "pyproject.toml:4": f'[project]\nname = "x"\n[tool.prefect.server.database]\nconnection_url = "{URL}"\n',
}
OTHERS = {
    "PREFECT_API_URL=https://example.org/api": "PREFECT_API_URL",
    "PREFECT_CLIENT_CUSTOM_HEADERS={}": "PREFECT_CLIENT_CUSTOM_HEADERS",
    "PREFECT_RESULTS_LOCAL_STORAGE_PATH=/elsewhere": "PREFECT_RESULTS_LOCAL_STORAGE_PATH",
}
HARMLESS = (
    "PREFECT_LOGGING_LEVEL=ERROR\nPREFECT_SERVER_ANALYTICS_ENABLED=false\n# PREFECT_API_URL=x\nMY_PREFECT_API_URL=x\n"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study in the current folder; the user has an own configuration, which allows nothing yet."""
    monkeypatch.chdir(tmp_path)
    use_own_config(monkeypatch, tmp_path / "own", allowed={})
    for name in ("PREFECT_HOME", "PREFECT_PROFILES_PATH", "PREFECT_LOGGING_CONFIG_PATH"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("PREFECT_LOGGING_SETTINGS_PATH", str(tmp_path / "logging.yml"))
    write_files(tmp_path / "study", FILES)
    monkeypatch.chdir(tmp_path / "study")
    return tmp_path / "study"


def _check() -> int:
    return main(["check", "+flows=[tiny]", "--config-dir", "."])


@pytest.mark.parametrize("place", SETTINGS)
def test_a_folder_does_not_name_prefects_database(folder: Path, place: str, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / place.partition(":")[0]).write_text(SETTINGS[place], encoding="utf-8")
    assert _check() == 2
    told = capsys.readouterr().err
    assert f"{place}: this file sets PREFECT_" in told
    assert "DATABASE_CONNECTION_URL of Prefect" in told
    assert f"add `- {folder}` below `prefect:` in" in told and "theirs.db" not in told


@pytest.mark.parametrize("line", OTHERS)
def test_nor_what_else_changes_where_runs_go(folder: Path, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / ".env").write_text(f"{line}\n", encoding="utf-8")
    assert _check() == 2
    assert f".env:1: this file sets {OTHERS[line]} of Prefect" in capsys.readouterr().err


def test_what_changes_nothing_is_no_mistake(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / ".env").write_text(HARMLESS, encoding="utf-8")
    (folder / "pyproject.toml").write_text('[project]\nname = "x"\ndependencies = ["prefect"]\n', encoding="utf-8")
    assert _check() == 0, capsys.readouterr().err


def test_what_never_counts_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "prefect.toml").write_text('home = "elsewhere"\n', encoding="utf-8")
    assert _check() == 0
    assert "note: prefect.toml:1: PREFECT_HOME is not taken from a folder's files" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"[server\n", b'x = "\xff"\n'])
def test_a_file_that_prefect_cannot_read_is_a_mistake_like_others(
    folder: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "prefect.toml").write_bytes(content)
    assert _check() == 2
    assert "prefect.toml:1: Prefect reads this file, and cannot" in capsys.readouterr().err


def test_it_is_refused_to_programs_and_agents_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / ".env").write_text(SETTINGS[".env:2"], encoding="utf-8")
    assert serve(["--print-config"]) == 2
    assert ".env:2: this file sets" in capsys.readouterr().err
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("PREFECT_SERVER_API_PORT", "9")
    with pytest.raises(Exception, match=r"\.env:2: this file sets"), ProcessServer().use("with_run"):
        pass


def test_who_owns_the_folder_allows_it(tmp_path: Path) -> None:
    cli = CommandLine(tmp_path)
    folder = cli.working_folder
    write_files(folder, {**FILES, "prefect.toml": SETTINGS["prefect.toml:2"].replace("WHERE", str(folder))})
    own = write_own_config(tmp_path / "own", allowed={"prefect": [str(folder)]})
    done = RunningCommand([str(BUTTERMILK), "tiny"], folder, cli.environment(**own)).wait(300)
    assert "Files: runs/tiny/" in done.transcript
    assert (folder / "theirs.db").exists(), "the database that the user's own folder names"

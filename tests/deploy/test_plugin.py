"""Which server `prefect` commands in the project's folder take, where none is configured and where one is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from flows.server.private_server import free_port
from tests.support.commands import ROOT, Place
from tests.support.terminal import Terminal

LOCAL = "http://127.0.0.1:9/api"
OTHER = "http://127.0.0.1:8/api"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """The project's folder, as far as Prefect looks at it."""
    place = Place(tmp_path)
    place.extra["PYTHONPATH"] = f"{ROOT}:{place.environment()['PYTHONPATH']}"
    shutil.copy(ROOT / "pyproject.toml", place.work)
    return place


def _address(place: Place, *options: str, **more: str) -> list[str]:
    done = place.run("prefect", *options, "config", "view", **more)
    assert done.code == 0 and not done.err, done.said
    return [line.partition("'")[2].partition("'")[0] for line in done.out.splitlines() if "PREFECT_API_URL=" in line]


def test_where_nothing_is_configured_it_is_the_server_of_this_machine(place: Place) -> None:
    assert _address(place) == [LOCAL]


def test_the_environment_goes_before(place: Place) -> None:
    assert _address(place, PREFECT_API_URL=OTHER) == [OTHER]


def test_the_users_profile_goes_before_and_is_written_without_ado(place: Place) -> None:
    done = place.run("prefect", "config", "set", f"PREFECT_API_URL={OTHER}")
    assert done.code == 0 and "override" not in done.out + done.err, done.said
    assert _address(place) == [OTHER]


def test_in_other_folders_nothing_is_taken_for_granted(place: Place) -> None:
    (place.work / "pyproject.toml").unlink()
    assert _address(place) == []


def test_at_a_terminal_the_server_starts_without_asking(place: Place) -> None:
    environment = place.environment(PREFECT_SERVER_API_PORT=str(free_port()))
    with Terminal("prefect", "server", "start", folder=place.work, environment=environment) as terminal:
        terminal.reads("Check out the dashboard")
    assert "How would you like to proceed?" not in terminal.seen
    assert not place.left_behind()

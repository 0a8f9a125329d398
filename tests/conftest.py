"""Fixtures of all tests: a Prefect home of their own, and one real Prefect server for tests that run flows."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from fcntl import LOCK_EX, flock
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import certifi
import hypothesis
import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[reportMissingTypeStubs]

if TYPE_CHECKING:
    from xdist.remote import Producer  # type: ignore[reportMissingTypeStubs]

    from flows.corpus.index import CorpusIndex
    from tests.support.commands import CommandLine
    from tests.support.fake_llm import FakeLLM
    from tests.support.running import Lab

# Before anything imports Prefect, which reads its settings then.
_HOME = tempfile.TemporaryDirectory(prefix="prefect-of-tests-", ignore_cleanup_errors=True)
os.environ["PREFECT_HOME"] = _HOME.name
os.environ["XDG_STATE_HOME"] = f"{_HOME.name}/state"
os.environ["BUTTERMILK_USER_CONFIG"] = f"{_HOME.name}/user"
os.environ.pop("PREFECT_API_URL", None)
# A test that wants a server that stays asks for it.
os.environ["BUTTERMILK_SERVER"] = "with_run"
# No test may meet a server that an operator has on this machine.
os.environ["PREFECT_PLUGINS_ENABLED"] = "false"
os.environ["PREFECT_SERVER_API_PORT"] = "9"
# A test that names no server would start one that stays until the end of all tests.
os.environ["PREFECT_SERVER_ALLOW_EPHEMERAL_MODE"] = "false"
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
# Prefect reads every certificate of this file anew for each of its clients, and the tests' server speaks plain HTTP.
_ONE_CERTIFICATE = Path(_HOME.name, "one.pem")
_ONE_CERTIFICATE.write_text(
    "".join(Path(certifi.where()).read_text(encoding="utf-8").partition("-----END CERTIFICATE-----\n")[:2])
)
os.environ["PREFECT_API_SSL_CERT_FILE"] = str(_ONE_CERTIFICATE)


# A shell starts background jobs with Ctrl-C ignored, as pytest-xdist does its processes; the commands that tests start
# would inherit that. Not in a `preexec_fn`: a process with threads may hang between its fork and its exec.
signal.signal(signal.SIGINT, signal.default_int_handler)

# On a busy machine everything is slow, which is no mistake of what is tested.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Three processes, since tests that start commands also wait; one where printed figures are wanted (`-s`)."""
    return 0 if config.getoption("capture") == "no" else 3


_SLOW = ("tests/docs", "tests/e2e", "tests/tables")
_EACH_ALONE = ("tests/docs/test_docs.py", "tests/e2e/test_study_kills.py", "tests/e2e/test_sigkill.py")
"""Files of minutes, whose tests share nothing that is dear to make."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Runs the longest tests first: otherwise one of them would be left for one process alone at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(_SLOW))


def pytest_collection_finish() -> None:
    """Visiting the libraries' objects again and again would take an eighth of the time of tests in this process."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


class _FilesTogether(LoadScopeScheduling):
    """Keeps a file's tests in one process, where they share its fixtures."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return nodeid if file in _EACH_ALONE else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """The marks of pytest-xdist's own groups are lost in the names that pytest 9.2 gives to tests."""
    return _FilesTogether(config, log)


@pytest.fixture(scope="session")
def prefect_home() -> Path:
    """Where the tests' Prefect server keeps its database."""
    return Path(_HOME.name)


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all processes of the tests share."""
    own_folder = tmp_path_factory.getbasetemp()
    return own_folder if worker_id == "master" else own_folder.parent


@pytest.fixture(scope="session")
def prefect_database(pytestconfig: pytest.Config, shared_folder: Path) -> Path:
    """An empty Prefect database, made once for each version: making one takes a server as long as starting twice."""
    cache = pytestconfig.cache
    path = (cache.mkdir("prefect") if cache else shared_folder) / f"{version('prefect')}.db"
    with path.with_suffix(".lock").open("w") as lock:
        flock(lock, LOCK_EX)
        if not path.exists():
            home = shared_folder / "prefect"
            command = [sys.executable, "-m", "prefect", "server", "database", "upgrade", "-y"]
            subprocess.run(command, env={**os.environ, "PREFECT_HOME": str(home)}, check=True, capture_output=True)
            shutil.copy(home / "prefect.db", path.with_suffix(".new"))
            path.with_suffix(".new").rename(path)
    return path


@pytest.fixture(scope="session")
def prefect_api(prefect_home: Path, prefect_database: Path) -> Generator[str]:
    """The API of a real server, one for all tests."""
    from flows.server.private_server import PrivateServer

    shutil.copy(prefect_database, prefect_home / "prefect.db")
    server = PrivateServer()
    try:
        server.wait_until_ready()
        yield server.api_url
    finally:
        server.stop()


@pytest.fixture(scope="session")
def osb_index(shared_folder: Path) -> CorpusIndex:
    """The index of the shipped corpus, made once for all processes of the tests."""
    from contract.storage import CorpusStorage
    from flows.corpus.index import open_corpus
    from tests.support.shipped import osb_storage

    return open_corpus(CorpusStorage.model_validate(osb_storage()), shared_folder / "osb")


@pytest.fixture
def fake() -> Iterator[FakeLLM]:
    """A fake model service in this process."""
    from tests.support.fake_llm import FakeLLM

    with FakeLLM() as running:
        yield running


@pytest.fixture(scope="module")
def hosted_service() -> Iterator[FakeLLM]:
    """One fake service for all hosted models of a file's tests; each test resets its log."""
    from tests.support.fake_llm import FakeLLM

    # Imported here so that the seconds it takes do not count against a call's time limit.
    import_module("agents.llms.hosted.pydantic_ai_service")
    with FakeLLM() as running:
        yield running


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[CommandLine]:
    """The command line with a home of its own; fails the test when anything in it tried to leave this machine."""
    from tests.support.commands import CommandLine

    cli = CommandLine(tmp_path)
    yield cli
    assert not cli.blocked_connections


@pytest.fixture
def lab(tmp_path: Path, prefect_api: str, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """An empty study with a cache of its own, whose flows run on the tests' server; the test writes its files."""
    from tests.support.agents import register_test_agents
    from tests.support.running import Lab

    register_test_agents(monkeypatch)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Lab(tmp_path / "study", prefect_api)

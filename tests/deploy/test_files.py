"""The files of deployments/: what they name exists, and they agree with each other, the code and the documentation."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from prefect.cli.deploy._models import PrefectYamlModel
from prefect.utilities.importtools import import_object

from flows.config.folders import group_choices, search_folders
from flows.server.private_server import SERVER_SETTINGS
from tests.docs.test_docs import blocks
from tests.support.commands import ROOT

FOLDER = ROOT / "deployments"
FILES = ("prefect.yaml", "docker.yaml", "kubernetes.yaml")
PAGE = ROOT / "docs" / "deploying.md"


def read(name: str) -> dict[str, Any]:
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", FILES)
def test_prefect_reads_all_of_it(name: str) -> None:
    model = PrefectYamlModel.model_validate(read(name))
    assert all(one.work_pool and one.version == "{{ git.stdout }}" for one in model.deployments)
    assert all(one.concurrency_limit or one.name == "ready" for one in model.deployments)


@pytest.mark.parametrize("name", FILES)
def test_every_flow_is_deployed(name: str) -> None:
    entries = [one["entrypoint"] for one in read(name)["deployments"] if "pool.py" not in one["entrypoint"]]
    named = {entry: entry.replace(":", ".").rpartition(".")[2] for entry in entries}
    for entry, flow in named.items():
        assert import_object(str(ROOT / entry) if ":" in entry else entry).name == flow
    assert set(named.values()) == set(group_choices(search_folders(None), "flows"))


def test_one_study_runs_every_night_and_never_twice_at_once() -> None:
    [nightly] = [one for one in read("prefect.yaml")["deployments"] if one["name"] == "nightly"]
    assert nightly["schedules"][0]["cron"] == "0 2 * * *" and nightly["schedules"][0]["parameters"]
    assert nightly["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}


def test_the_documentation_shows_the_schedule_of_the_file() -> None:
    [part] = [block for block in blocks(PAGE) if block.note.startswith("part: ")]
    [nightly] = [one for one in read("prefect.yaml")["deployments"] if one["name"] == "nightly"]
    assert yaml.safe_load(part.body)["schedules"] == nightly["schedules"]


def _flat(section: dict[str, Any], prefix: str = "PREFECT") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in section.items():
        key = f"{prefix}_{name.upper()}"
        found |= _flat(cast("dict[str, Any]", value), key) if isinstance(value, dict) else {key: str(value).lower()}
    return found


def test_the_servers_settings_are_the_same_however_it_is_started() -> None:
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["prefect"]
    shipped = tomllib.loads((FOLDER / "prefect.toml").read_text(encoding="utf-8"))
    # For clients and workers, not for the server.
    del ours["plugins"], ours["flows"], ours["server"]["ephemeral"]
    private = {name: value for name, value in SERVER_SETTINGS.items() if name != "PREFECT_SERVER_LOGGING_LEVEL"}
    assert _flat(ours) == _flat(shipped) == private


def _instructions(path: Path) -> list[tuple[str, str]]:
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = (line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def test_the_image_is_made_from_the_lock_file_and_holds_no_local_files() -> None:
    steps = _instructions(FOLDER / "Dockerfile")
    assert {word for word, _ in steps} <= {"FROM", "COPY", "ENV", "WORKDIR", "RUN", "VOLUME", "USER", "CMD"}
    copied = [rest.split() for word, rest in steps if word == "COPY" and not rest.startswith("--from")]
    names = [name for arguments in copied for name in arguments[:-1]]
    assert all((ROOT / name).exists() for name in names)
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(packages["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) <= set(names)
    synced = [rest for word, rest in steps if word == "RUN" and "uv sync" in rest]
    assert len(synced) == 2 and all("--frozen" in rest and "--no-dev" in rest for rest in synced)
    assert all(
        ":" in rest.split()[0] and "latest" not in rest for word, rest in steps if word == "FROM" and "/" in rest
    )
    assert [rest for word, rest in steps if word == "USER"] == ["buttermilk"]
    allowed = (FOLDER / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in allowed and "conf/local.yaml" in allowed
    assert {f"!{name}" for name in names} <= set(allowed)


def test_results_kept_in_containers_outlive_them() -> None:
    [kept] = [rest for word, rest in _instructions(FOLDER / "Dockerfile") if word == "VOLUME"]
    assert f"XDG_CACHE_HOME={kept}/" in (FOLDER / "Dockerfile").read_text(encoding="utf-8")
    docker, kubernetes = read("docker.yaml"), json.loads((FOLDER / "kubernetes-pool.json").read_text(encoding="utf-8"))
    assert docker["definitions"]["pool"]["job_variables"]["volumes"] == [f"buttermilk:{kept}"]
    pod = kubernetes["job_configuration"]["job_manifest"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["volumeMounts"] == [{"name": "data", "mountPath": kept}]
    for name in ("docker.yaml", "kubernetes.yaml"):
        [pull] = read(name)["pull"]
        assert pull == {"prefect.deployments.steps.set_working_directory": {"directory": kept}}

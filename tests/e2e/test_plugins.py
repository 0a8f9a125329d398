"""Plugins and new folders: what `new` makes is installed and used, and two packages with one name are a mistake."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.support.commands import NO_NETWORK, CommandLine
from tests.support.plugins import install, write_metadata


@pytest.fixture
def site(cli: CommandLine) -> Path:
    """A folder of installed packages that the commands see."""
    site = cli.folder / "site"
    site.mkdir()
    cli.extra_variables["PYTHONPATH"] = os.pathsep.join([str(NO_NETWORK), str(site)])
    return site


def _make_plugin(cli: CommandLine, site: Path, name: str = "letters_kit") -> None:
    done = cli.run("flows", "new", "plugin", name)
    assert done.exit_code == 0, done.transcript
    install(cli.working_folder / name, site)


def test_a_plugin_is_listed_run_and_named_in_the_manifest(cli_with_server: CommandLine, site: Path) -> None:
    cli = cli_with_server
    _make_plugin(cli, site)
    found = json.loads(cli.run("flows", "list", "--json").stdout)
    of_plugin = {(one["kind"], one["name"]) for one in found if one["package"] == "letters-kit 0.1.0"}
    assert of_plugin == {
        ("flow", "letters_kit"),
        ("agent", "letters_kit_count"),
        ("tool", "letters_kit_count"),
        ("reader", "letters_kit_lines"),
        ("storage", "letters_kit_records"),
        ("criterion", "letters_kit_rule"),
    }
    assert {one["package"].partition(" ")[0] for one in found} == {"buttermilk", "letters-kit"}
    done = cli.run("flows", "run", "+flows=[letters_kit]", "run.folder=runs")
    assert done.exit_code == 0, done.transcript
    run = cli.working_folder / "runs/letters_kit/latest"
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["plugins"] == {"letters-kit": "0.1.0"} and manifest["cells"] == {"completed": 9}
    assert cli.run("flows", "replay", str(run)).exit_code == 0
    assert cli.run("flows", "verify", str(run)).exit_code == 0


def test_two_packages_with_one_name_are_a_mistake_with_both_names(cli: CommandLine, site: Path) -> None:
    _make_plugin(cli, site)
    other = site / "other_kit" / "conf"
    for name, text in {
        "flows/letters_kit.yaml": "description: x\n",
        "storage/all.yaml": "letters_kit_records: {type: file, path: x.csv}\nposts: {type: file, path: y.csv}\n",
        "prompts/judge.md": "user:\nx\n",
        "config.yaml": "defaults: [_self_]\n",
    }.items():
        (other / name).parent.mkdir(parents=True, exist_ok=True)
        (other / name).write_text(text)
    (site / "other_kit" / "__init__.py").touch()
    agents = {"letters_kit_count": "other_kit:Nothing", "judge": "other_kit:Nothing"}
    conf = {"other": "other_kit:conf", "gone": "other_kit:nowhere", "out": "other_kit:.."}
    write_metadata(site, "other-kit", "2.0", {"buttermilk.agents": agents, "buttermilk.conf": conf})
    done = cli.run("flows", "check", "+flows=[letters_kit]")
    assert done.exit_code == 2 and "Traceback" not in done.stderr, done.transcript
    for names, what in {
        "letters-kit 0.1.0 and other-kit 2.0": ("an agent", "letters_kit_count"),
        "buttermilk 0.1.0 and other-kit 2.0": ("an agent", "judge"),
        "buttermilk and other-kit 2.0": ("a prompt", "judge"),
    }.items():
        assert f"{names} each bring {what[0]} '{what[1]}'" in done.stderr, done.transcript
    for noun, name in (("flow", "letters_kit"), ("storage", "letters_kit_records"), ("storage", "posts")):
        assert f"each bring a {noun} '{name}'" in done.stderr, done.transcript
    assert "each bring a file 'config.yaml'" in done.stderr
    for value in ("other_kit:nowhere", "other_kit:.."):
        assert f"the package other-kit 2.0: it names {value} as its config folder" in done.stderr
    listed = cli.run("flows", "list")
    assert listed.exit_code == 2 and "each bring a flow 'letters_kit'" in listed.stderr


def test_a_plugin_is_trusted_and_a_study_that_uses_it_is_not(cli: CommandLine, site: Path) -> None:
    """The place and the key's address that a plugin names are allowed; the same in a study's folder are not."""
    _make_plugin(cli, site)
    outside = cli.folder / "elsewhere" / "posts.csv"
    outside.parent.mkdir()
    outside.write_text("text\na post\n")
    storage = f"far: {{type: file, path: {outside}}}\n"
    model = (
        "mine: {kind: hosted, provider: openai, model_id: m, base_url: 'https://llm.example.org/v1', "
        "api_key_env: LETTERS_KEY, price: {input_per_mtok: 1, output_per_mtok: 1}}\n"
    )
    step = "{agent: judge, parameters: {criteria: ordinary, model: mine}}"
    flow = f"description: x\nrecords: far\nsteps: {{judge: {step}}}\nresult: judge\n"
    study = cli.working_folder / "study"
    for folder, name in ((site / "letters_kit/conf", "of_plugin"), (study, "of_study")):
        for path, text in (("storage/far", storage), ("models/mine", model), (f"flows/{name}", flow)):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / f"{path}.yaml").write_text(text)
    trusted = cli.run("flows", "check", "+flows=[of_plugin]", LETTERS_KEY="k-0123456789")
    assert trusted.exit_code == 0, trusted.transcript
    (study / "models/mine.yaml").write_text(model.replace("mine:", "theirs:").replace("llm.", "evil."))
    (study / "flows/of_study.yaml").write_text(flow.replace("model: mine", "model: theirs"))
    refused = cli.run("flows", "check", "--config-dir", "study", "+flows=[of_study]", LETTERS_KEY="k-0123456789")
    assert refused.exit_code == 2, refused.transcript
    assert (
        "LETTERS_KEY to https://evil.example.org" in refused.stderr and "outside the study's folder" in refused.stderr
    )


def test_a_new_study_runs_as_it_is(cli_with_server: CommandLine) -> None:
    cli = cli_with_server
    done = cli.run("flows", "new", "my_study")
    assert done.exit_code == 0 and "README.md" in done.stdout, done.transcript
    done = cli.run("flows", "run", "--config-dir", "my_study", "+flows=[my_study]")
    assert done.exit_code == 0 and "accuracy" in done.stderr, done.transcript


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["my_study"], "'my_study' exists already in this folder; take for example my_study_study"),
        (["tox"], "there is a flow 'tox' already; take for example tox_study"),
        (["../out"], "'../out' cannot be a name here: a name here has small letters"),
        (["Études 2"], "at most 40 of them; take for example etudes"),
        (
            ["class"],
            "'class' is a word of the language Python, so it cannot be a name here; take for example class_study",
        ),
        (
            ["plugin", "class"],
            "'class' is a word of the language Python, so it cannot be a name here; take for example class_kit",
        ),
        (["plugin", "My-Kit"], "take for example my_kit"),
        (
            ["plugin", "list"],
            "'list' means something in every Python program already, so a package of that name confuses",
        ),
        (["plugin", "match"], "take for example match_kit"),
        (["plugin", "json"], "there is a Python package 'json' already; take for example json_kit"),
        (["plugin", "flows"], "there is a Python package 'flows' already; take for example flows_kit"),
        (["plugin", "agents"], "there is a Python package 'agents' already; take for example agents_kit"),
        (["plugin"], "one name is needed"),
        ([], "one name is needed"),
    ],
)
def test_new_overwrites_nothing_and_checks_names(cli: CommandLine, words: list[str], expected: str) -> None:
    (cli.working_folder / "my_study").mkdir()
    (cli.working_folder / "my_study/README.md").write_text("mine")
    done = cli.run("flows", "new", *words)
    assert done.exit_code == 2 and expected in done.stderr and "Traceback" not in done.stderr, done.transcript
    assert [path.read_text() for path in cli.working_folder.rglob("*") if path.is_file()].count("mine") == 1
    assert {path.name for path in cli.working_folder.iterdir() if not path.name.startswith(".")} == {"my_study"}

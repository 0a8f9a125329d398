"""Ways in which a run of a deployment can fail: the study of each, what changes after deploying, and what follows.

Each way is a deployment of its own of a shipped flow's name, so that the shipped automations act on it as they are.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cloud.google_service import unused_address
from tests.support.commands import write_files
from tests.support.judging import make_posts, write_study

POSTS = 2
CELLS = POSTS * 6
LONG, HUNG = "Long post", "Hung post"
"""How the posts begin that the service answers after a minute, and never."""
NOTIFIES = "buttermilk run failed"
"""The automation that sends a notification."""
RULES = [{"kind": "reply", "match": LONG, "latency": 60}, {"kind": "hang", "match": HUNG}]
GATE = """\
description: Drafts that a person lets through.
records: posts
steps:
  draft: {agent: llm, parameters: {model: ann, template: "user:\\nDraft {{ record.text }}"}}
  consent:
    gate: May it go out?
    inputs: {draft: draft.text}
    fields: {fits: {type: yes_no, description: Whether it may.}}
result: draft
"""
HOSTED = "{{kind: hosted, provider: openai, model_id: {0}, price: {{input_per_mtok: 1, output_per_mtok: 2}}}}"
OPENAI = "".join(f"{name}: {HOSTED.format(name)}\n" for name in ("ann", "bob", "cy"))
LOCAL = "".join(f"{name}: {{kind: local, path: m.gguf}}\n" for name in ("ann", "bob", "cy"))


@dataclass(frozen=True)
class Way:
    """One way of failing."""

    event: str
    """The name of the state in which the run ends or waits, of which Prefect makes an event."""
    message: str = ""
    """A part of the message of that state."""
    automation: str | None = NOTIFIES
    """The name of the shipped automation that acts on it."""
    prepare: Callable[[Path], object] = lambda _: None
    """Changes the study's folder before it is deployed."""
    change: Callable[[Path], object] = lambda _: None
    """Changes it afterwards, as on a worker whose files are others."""
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    flow: str = "tox"
    pool: str = "buttermilk"


def _write(name: str, text: str) -> Callable[[Path], object]:
    return lambda folder: write_files(folder, {name: text})


def _append(name: str, text: str) -> Callable[[Path], object]:
    return lambda folder: write_files(folder, {name: (folder / name).read_text(encoding="utf-8") + text})


def _posts_begin(words: str) -> Callable[[Path], object]:
    posts = (json.dumps({"record_id": f"p{n}", "text": f"{words} {n}."}) + "\n" for n in range(POSTS))
    return _write("posts.jsonl", "".join(posts))


def _save_to_nobody(folder: Path) -> None:
    bucket = {"type": "gcs", "bucket": "my-bucket", "path": "runs/", "endpoint": unused_address()}
    write_files(folder, {"storage/bucket.yaml": json.dumps({"bucket": bucket})})
    _append("flows/tox.yaml", "save: [bucket]\n")(folder)


def _ask_nobody(folder: Path) -> None:
    models = (folder / "models/served.yaml").read_text(encoding="utf-8").splitlines()
    lines = (f"  base_url: {unused_address()}/v1" if "base_url" in line else line for line in models)
    write_files(folder, {"models/served.yaml": "\n".join(lines) + "\n"})


WAYS: Mapping[str, Way] = {
    # Mistakes that only the worker can find.
    "lost key": Way(
        "Failed", "no API key for openai: set the environment variable OPENAI_API_KEY",
        prepare=_write("models/served.yaml", OPENAI),
    ),
    "empty question": Way("Failed", "'query' is empty", parameters={"query": "  "}, flow="osb"),
    "wrong parameter": Way("Failed", "parameters: shard=9/3", parameters={"shard": "9/3"}),
    "records file missing": Way(
        "Failed", "the source of 'posts'", change=lambda folder: (folder / "posts.jsonl").unlink()
    ),
    "configuration unreadable": Way("Failed", "served.yaml:", change=_append("models/served.yaml", "bad: [\n")),
    "study's folder missing": Way("Failed", "there is no such folder", change=shutil.rmtree),
    "extra not installed": Way(
        "Failed", "run `uv sync --extra local`", change=_write("models/served.yaml", LOCAL)
    ),
    "results folder unwritable": Way("Failed", "kept is a file and no folder", change=_write("kept", "a file")),
    # What happens in a run.
    "provider down": Way("Incomplete", f"{CELLS} cells have no output", prepare=_ask_nobody),
    "every cell too slow": Way(
        "Incomplete", f"{CELLS} cells have no output", prepare=lambda folder: (
            _posts_begin(HUNG)(folder), _append("run/default.yaml", "timeout_seconds: 1\nretries: 0\n")(folder)
        ),
    ),
    "budget reached": Way(
        "BudgetReached", "were not asked", "buttermilk run over budget", parameters={"budget": 0.00001}
    ),
    "not saved": Way("NotSaved", "Not saved to bucket", prepare=_save_to_nobody),
    "waits for a person": Way("Suspended", "", "buttermilk run waits", prepare=_write("flows/tox.yaml", GATE)),
    "cancelled": Way("Cancelled", "", None, prepare=_posts_begin(LONG)),
    "process killed": Way("Crashed", "SIGKILL", prepare=_posts_begin(LONG)),
    "worker and process killed": Way(
        "Crashed", "No heartbeat for two minutes", "buttermilk run lost", prepare=_posts_begin(LONG), pool="doomed"
    ),
}  # fmt: skip


def write_way(project: Path, url: str, name: str) -> dict[str, Any]:
    """Writes the study of that way below the project's folder; returns its entry of `prefect.yaml`."""
    way, slug = WAYS[name], _slug(name)
    entry = {"name": slug, "work_pool": {"name": way.pool}, "entrypoint": f"{slug}_flow.py:{way.flow}"}
    folder = study_folder(project, name)
    write_study(folder, url, make_posts(POSTS))
    (folder / "flows/judged.yaml").rename(folder / "flows/tox.yaml")
    _append("run/default.yaml", f"results: {folder}/kept\n")(folder)
    way.prepare(folder)
    declared = "from pathlib import Path\nfrom flows.declared import declare\n"
    declared += f"{way.flow} = declare({way.flow!r}, Path({folder.name!r}))\n"
    write_files(project, {f"{slug}_flow.py": declared})
    return entry


def study_folder(project: Path, name: str) -> Path:
    """The folder of the study of that way."""
    return project / f"study_{_slug(name)}"


def deployment_name(name: str) -> str:
    """The deployment of that way, as in `tox/lost_key`."""
    return f"{WAYS[name].flow}/{_slug(name)}"


def _slug(name: str) -> str:
    return name.replace(" ", "_").replace("'", "")

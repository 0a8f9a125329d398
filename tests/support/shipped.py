"""The shipped configuration and corpus, as the commands find them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

import conf
from tests.support.commands import ROOT

CONF = ROOT / "conf"
"""The shipped configuration."""


def osb_storage(**other: Any) -> dict[str, Any]:
    """The storage `osb` as data; `other` settings replace its own."""
    folder = Path(conf.__path__[0])
    config = yaml.safe_load((folder / "storage" / "osb.yaml").read_text(encoding="utf-8"))["osb"]
    source = {**config["source"], "path": folder / config["source"]["path"]}
    return {**config, "source": source, **other}

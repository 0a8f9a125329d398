"""What is shipped, as the commands find it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

import conf


def osb_storage(**other: Any) -> dict[str, Any]:
    """The storage `osb` as data, with `other` settings on top."""
    folder = Path(conf.__path__[0])
    config = yaml.safe_load((folder / "storage" / "osb.yaml").read_text(encoding="utf-8"))["osb"]
    source = {**config["source"], "path": folder / config["source"]["path"]}
    return {**config, "source": source, **other}

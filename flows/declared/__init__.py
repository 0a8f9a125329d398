"""The import path that flow files of studies and saved deployments use: `declare`, and `flows.declared.<flow>`.

Both are defined in `flows.deploy.declared`.
"""

from __future__ import annotations

from typing import Any

from prefect import Flow

from flows.deploy import declared
from flows.deploy.declared import declare

__all__ = ["declare"]


def __getattr__(name: str) -> Flow[..., Any]:
    return declared.__getattr__(name)

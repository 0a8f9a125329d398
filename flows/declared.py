"""Declared flows: a flow of conf/ as an importable Prefect flow, for deployments and the Prefect UI."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefect import Flow

from flows.compose import compose
from flows.runner import make_flow
from flows.shorthands import as_arguments
from flows.study import Study


def declare(name: str) -> Flow[..., Any]:
    """The flow of that name. It is composed anew whenever it starts, from the parameters that it is started with.

    The environment variable BUTTERMILK_CONFIG_DIR names a config folder that is searched first.
    """
    folder = Path(named) if (named := os.environ.get("BUTTERMILK_CONFIG_DIR")) else None
    [study] = compose([name], [], folder, require_request=False)

    def study_of(request: Mapping[str, Any]) -> Study:
        [composed] = compose([name], as_arguments(request), folder)
        return composed

    return make_flow(study.flow, study_of)

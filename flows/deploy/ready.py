"""ready: a flow that checks whether its worker is ready for all flows, and names missing keys, files and models."""

from __future__ import annotations

from typing import Annotated, Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import Field

from contract.errors import StudyError
from flows.compose.compose import compose
from flows.config.folders import group_choices, search_folders


@flow(description="Compose every flow where the worker runs, and tell what is missing there: keys, files, models.")
def ready(llms: Annotated[str, Field(min_length=1)] | None = None) -> State[Any]:
    """Completed when every flow could start, Failed with what is missing.

    Args:
        llms: Which models play which role; their keys are looked for as well. Empty: as configured.
    """
    names = group_choices(search_folders(None), "flows")
    try:
        compose(names, [f"llms={llms}"] if llms else [], require_request=False)
    except StudyError as error:
        return Failed(message="\n".join(str(problem) for problem in error.problems))
    return Completed(message=f"ready for {', '.join(names)}")

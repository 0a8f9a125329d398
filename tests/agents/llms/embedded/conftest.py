"""The embedded model."""

from __future__ import annotations

import pytest

from agents.llms.embedded.model import Embedded
from contract import models


@pytest.fixture(scope="session")
def model() -> Embedded:
    return Embedded("demo", models.EmbeddedModel())

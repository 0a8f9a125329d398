"""The embedded model."""

from __future__ import annotations

import pytest

from agents.llms.embedded.model import EmbeddedModel
from contract import models


@pytest.fixture(scope="session")
def model() -> EmbeddedModel:
    return EmbeddedModel("demo", models.EmbeddedModel())

"""Providers' libraries take seconds to import; a model imports its own provider's and no other."""

from __future__ import annotations

import subprocess
import sys

import pytest

_PACKAGES = {"anthropic", "google.genai", "openai"}
_CONNECTED = """
import sys
import httpx2
from agents.llms.hosted.pydantic_ai_service import connect
from contract.models import HostedModel
config = HostedModel(provider=sys.argv[1], model_id="any", base_url="http://127.0.0.1:9")
connect(config, None, httpx2.AsyncClient())
print(*(name for name in sys.argv[2:] if name in sys.modules))
"""


@pytest.mark.parametrize(
    ("provider", "package"),
    [("anthropic", "anthropic"), ("google", "google.genai"), ("openai", "openai"), ("openai-compatible", "openai")],
)
def test_only_the_library_in_use_is_imported(provider: str, package: str) -> None:
    command = [sys.executable, "-c", _CONNECTED, provider, *sorted(_PACKAGES)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() == [package]

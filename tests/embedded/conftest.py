"""The shipped corpus, indexed once, and the embedded model."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import conf
from agents.llms.embedded.model import EmbeddedModel
from contract import models
from contract.storage import CorpusStorage
from flows.storage.index import CorpusIndex, open_corpus

CORPUS = Path(conf.__path__[0]) / "corpora" / "osb.jsonl"


@pytest.fixture(scope="session")
def osb(tmp_path_factory: pytest.TempPathFactory) -> CorpusIndex:
    shipped = yaml.safe_load((CORPUS.parents[1] / "storage" / "osb.yaml").read_text(encoding="utf-8"))["osb"]
    config = CorpusStorage.model_validate({**shipped, "source": {"type": "file", "path": CORPUS}})
    return open_corpus(config, tmp_path_factory.mktemp("osb"))


@pytest.fixture(scope="session")
def model() -> EmbeddedModel:
    return EmbeddedModel("demo", models.EmbeddedModel())

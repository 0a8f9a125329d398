"""Fixtures of the cloud tests: one emulator of each service, with a table and a bucket of its own for each test."""

from __future__ import annotations

from collections.abc import Generator
from uuid import uuid4

import pytest

from contract.storage import BigQueryStorage, GCSStorage
from tests.cloud import emulators
from tests.cloud.emulators import PROJECT, Emulator
from tests.cloud.tables import client_to, objects_of


@pytest.fixture(scope="session")
def bigquery_emulator(tmp_path_factory: pytest.TempPathFactory) -> Generator[Emulator]:
    """BigQuery for the whole session; a test that kills it starts it again."""
    with emulators.bigquery(tmp_path_factory.mktemp("bigquery")) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def gcs_emulator(tmp_path_factory: pytest.TempPathFactory) -> Generator[Emulator]:
    """Cloud Storage for the whole session; a test that kills it starts it again."""
    with emulators.gcs(tmp_path_factory.mktemp("gcs")) as emulator:
        yield emulator


@pytest.fixture
def table(bigquery_emulator: Emulator) -> BigQueryStorage:
    """A table that does not exist yet, in a dataset that exists."""
    dataset = f"d{uuid4().hex[:8]}"
    storage = BigQueryStorage(
        project=PROJECT, dataset=dataset, table="cells", study="ours", endpoint=bigquery_emulator.url
    )
    client_to(storage).create_dataset(dataset)
    return storage


@pytest.fixture
def bucket(gcs_emulator: Emulator) -> GCSStorage:
    """A bucket of its own."""
    storage = GCSStorage(bucket=f"b{uuid4().hex[:8]}", path="runs/", endpoint=gcs_emulator.url)
    objects_of(storage).create()
    return storage

"""What the tests in the cloud share: one emulator of each service, with a place of its own for each test."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any
from uuid import uuid4

import pytest

from contract.storage import BigQueryStorage, GCSStorage
from flows.storage import bigquery, gcs
from tests.cloud import emulators
from tests.cloud.emulators import PROJECT, Emulator


@pytest.fixture(scope="session")
def bigquery_emulator(tmp_path_factory: pytest.TempPathFactory) -> Generator[Emulator]:
    """BigQuery for the whole session; whoever kills it starts it again."""
    with emulators.bigquery(tmp_path_factory.mktemp("bigquery")) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def gcs_emulator(tmp_path_factory: pytest.TempPathFactory) -> Generator[Emulator]:
    """Cloud Storage, likewise."""
    with emulators.gcs(tmp_path_factory.mktemp("gcs")) as emulator:
        yield emulator


@pytest.fixture
def table(bigquery_emulator: Emulator) -> BigQueryStorage:
    """A table that is not there yet, in a dataset that is."""
    dataset = f"d{uuid4().hex[:8]}"
    storage = BigQueryStorage(project=PROJECT, dataset=dataset, table="cells", endpoint=bigquery_emulator.url)
    client_to(storage).create_dataset(dataset)
    return storage


@pytest.fixture
def bucket(gcs_emulator: Emulator) -> GCSStorage:
    """A bucket of its own."""
    storage = GCSStorage(bucket=f"b{uuid4().hex[:8]}", path="runs/", endpoint=gcs_emulator.url)
    objects_of(storage).create()
    return storage


def client_to(storage: BigQueryStorage) -> Any:
    """BigQuery as any other program would use it."""
    return bigquery.client_of(storage, bigquery.target_of(storage, ""))


def objects_of(storage: GCSStorage) -> Any:
    """The bucket, likewise."""
    return gcs.client_of(storage, gcs.target_of(storage, "")).bucket(storage.bucket)

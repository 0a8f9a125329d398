"""Queries to BigQuery: names are quoted, values are parameters, and the cost is known before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from contract.errors import StorageError
from contract.storage import BigQueryStorage
from flows.storage import google_cloud
from flows.storage.bigquery import build_select, quote_identifier
from flows.storage.factory import StorageFactory, describe_read_cost
from tests.cloud.google_service import Answer, ReceivedRequest, error_response, service, unused_address

SCHEMA = {"id": "STRING", "body": "STRING", "lang": "STRING", "n": "INTEGER", "day": "DATE", "meta": "RECORD"}


def table(endpoint: str | None = None, **more: Any) -> BigQueryStorage:
    return BigQueryStorage(project="my-project", dataset="posts", table="march", endpoint=endpoint, **more)


def test_a_query_names_what_it_needs_and_takes_values_as_parameters() -> None:
    evil = "en' OR '1'='1"
    found = build_select(
        table(columns={"text": "body", "metadata.by": "meta.author"}, where={"lang": evil, "n": 3}), SCHEMA
    )
    assert found.sql == (
        "SELECT `id`, `body`, `meta` FROM `my-project`.`posts`.`march` "
        "WHERE `lang` = @where_0 AND `n` = @where_1 ORDER BY `id`"
    )
    assert found.parameters == (("where_0", "STRING", evil), ("where_1", "INT64", 3))


@pytest.mark.parametrize(
    ("where", "condition", "parameters"),
    [
        ({"lang": ["en", "fr"]}, "`lang` IN UNNEST(@where_0)", [("where_0", "STRING", ["en", "fr"])]),
        ({"n": [1, None]}, "(`n` IN UNNEST(@where_0) OR `n` IS NULL)", [("where_0", "INT64", [1])]),
        ({"meta": None}, "`meta` IS NULL", []),
        (
            {"day": {"from": "2026-03-01", "before": "2026-04-01"}, "n": {"to": 9}},
            "`day` >= @where_0_from AND `day` < @where_0_before AND `n` <= @where_1_to",
            [
                ("where_0_from", "DATE", "2026-03-01"), ("where_0_before", "DATE", "2026-04-01"),
                ("where_1_to", "INT64", 9),
            ],
        ),
    ],
)  # fmt: skip
def test_lists_ranges_and_null_are_parameters_too(where: Any, condition: str, parameters: list[Any]) -> None:
    found = build_select(table(where=where), SCHEMA)
    assert f" WHERE {condition} ORDER BY " in found.sql
    assert list(found.parameters) == parameters


@pytest.mark.parametrize("wanted", [[], {}, {"form": 1}, {"from": None}, [["en"]], {"from": [1]}])
def test_a_condition_of_another_form_is_refused_with_the_forms_that_there_are(wanted: Any) -> None:
    with pytest.raises(ValueError, match="for the column 'lang' it should be a value, null, a list of values, or a"):
        table(where={"lang": wanted})


def test_without_columns_all_are_read() -> None:
    assert build_select(table(), SCHEMA).sql.startswith("SELECT `id`, `body`, `lang`, `n`, `day`, `meta` FROM ")


@pytest.mark.parametrize("name", ["a`b", "", "a\\b", "a\nb"])
def test_a_name_that_could_end_its_quotation_is_refused(name: str) -> None:
    with pytest.raises(StorageError, match="is not a valid name"):
        quote_identifier("my-project", name)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"columns": {"text": "bodi"}}, "has no column 'bodi'; did you mean 'body'?"),
        (
            {"where": {"lng": "en"}},
            "`where`: the table my-project.posts.march has no column 'lng'; did you mean 'lang'?",
        ),
        ({"where": {"n": "many"}}, "`where`: 'many' is not INT64"),
        ({"where": {"n": [1, "many"]}}, "`where`: 'many' is not INT64"),
        ({"where": {"meta": "x"}}, "`where`: the column 'meta' of my-project.posts.march is RECORD"),
        ({"where": {"id` = '' OR `id": "x"}}, "has no column"),
    ],
)
def test_names_and_values_that_do_not_fit_the_table_are_refused(more: dict[str, Any], message: str) -> None:
    with pytest.raises(StorageError) as caught:
        build_select(table(**more), SCHEMA)
    assert message in str(caught.value)


def bigquery(bytes_read: int, rows: list[list[Any]]) -> Callable[[ReceivedRequest], Answer]:
    """BigQuery, as far as a reader needs it, over one table of two columns."""
    schema = {"fields": [{"name": "id", "type": "STRING"}, {"name": "body", "type": "STRING"}]}
    job = {"jobReference": {"projectId": "my-project", "jobId": "j", "location": "EU"}, "status": {"state": "DONE"}}

    def answer(asked: ReceivedRequest) -> Answer:
        if "/tables/" in asked.path:
            names = {"projectId": "my-project", "datasetId": "posts", "tableId": "march"}
            return 200, {"tableReference": names, "schema": schema}
        if asked.method == "POST":
            config = asked.json["configuration"]
            statistics = {"query": {"totalBytesProcessed": str(bytes_read)}, "totalBytesProcessed": str(bytes_read)}
            return 200, {**job, "configuration": config, "statistics": statistics}
        if "/queries/" in asked.path:
            cells = [{"f": [{"v": value} for value in row]} for row in rows]
            return 200, {**job, "jobComplete": True, "schema": schema, "totalRows": str(len(rows)), "rows": cells}
        return 200, {**job, "configuration": {"query": {"destinationTable": {}}}}

    return answer


def test_a_query_of_more_than_most_bytes_is_refused_and_never_run() -> None:
    with service(bigquery(12_300_000_000, [])) as found:
        storage = table(found.url)
        assert describe_read_cost(storage) == "my-project.posts.march: the query reads 12.3 GB (most_bytes: 10.0 GB)"
        with pytest.raises(StorageError, match=r"would read 12\.3 GB, more than `most_bytes` allows \(10\.0 GB\)"):
            list(StorageFactory.rows(storage))
    assert all(one.json["configuration"]["dryRun"] for one in found.matching("POST", "/jobs"))


def test_the_limit_and_the_parameters_are_sent_to_the_service() -> None:
    with service(bigquery(1000, [["1", "One."], ["2", None]])) as found:
        rows = list(StorageFactory.rows(table(found.url, where={"body": "One.", "id": ["1", "2"]})))
    assert [getattr(row, "values") for row in rows] == [{"id": "1", "body": "One."}, {"id": "2", "body": None}]  # noqa: B009
    dry, real = (one.json["configuration"] for one in found.matching("POST", "/jobs"))
    assert dry["dryRun"] and "dryRun" not in real
    query = real["query"]
    assert query["maximumBytesBilled"] == "10000000000"
    assert query["queryParameters"][0]["parameterValue"] == {"value": "One."}
    array = query["queryParameters"][1]
    assert array["parameterType"] == {"type": "ARRAY", "arrayType": {"type": "STRING"}}
    assert array["parameterValue"] == {"arrayValues": [{"value": "1"}, {"value": "2"}]}
    assert "One." not in query["query"] and query["useLegacySql"] is False


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (error_response(404, "notFound", "Not found"), "(project my-project, dataset posts, table march) is not there"),
        (
            error_response(403, "accessDenied", "Access Denied"),
            "it needs roles/bigquery.dataViewer on the dataset posts and",
        ),
        (error_response(403, "quotaExceeded", "Quota exceeded"), "a quota of the project is used up"),
        (error_response(401, "authError", "Invalid Credentials"), "gcloud auth application-default login"),
        (error_response(400, "invalidQuery", "Syntax error"), "(HTTP 400): Syntax error"),
    ],
)
def test_a_refusal_is_reported_in_plain_words(answer: Answer, message: str) -> None:
    with service(lambda _: answer) as found, pytest.raises(StorageError) as caught:
        list(StorageFactory.rows(table(found.url)))
    assert message in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_a_service_that_cannot_be_reached_is_reported_within_seconds() -> None:
    with pytest.raises(StorageError, match=r"cannot be reached for the BigQuery table .*Connection refused"):
        list(StorageFactory.rows(table(unused_address())))


def test_a_service_that_does_not_answer_ends_in_a_timeout_and_is_named_meanwhile(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import threading

    assert google_cloud.CONNECT_SECONDS + google_cloud.ANSWER_SECONDS <= 30
    monkeypatch.setattr(google_cloud, "_NOTICE_SECONDS", 0.05)
    monkeypatch.setattr(google_cloud, "ANSWER_SECONDS", 0.3)

    over = threading.Event()

    def silent(_: ReceivedRequest) -> Answer:
        over.wait(30)
        return 200, {}

    with service(silent) as found:
        try:
            with pytest.raises(StorageError, match="did not answer about the BigQuery table my-project"):
                list(StorageFactory.rows(table(found.url)))
        finally:
            over.set()
    assert "has not answered about the BigQuery table my-project" in capsys.readouterr().err


def test_without_credentials_the_error_names_how_to_sign_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    with pytest.raises(StorageError, match="there are no credentials for Google Cloud: sign in with"):
        list(StorageFactory.rows(table()))

"""The contract as a whole: strict, immutable, described by JSON schemas, one canonical form."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

import contract
from contract.base import Frozen, canonical_json, digest
from contract.errors import ButtermilkError
from contract.models import HostedModel, ModelConfig
from contract.record import ImagePart, Record

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def models() -> Iterator[type[BaseModel]]:
    for module in pkgutil.iter_modules(contract.__path__, "contract."):
        for _, value in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(value, BaseModel) and value.__module__ == module.name:
                yield value


@pytest.mark.parametrize("model", list(models()), ids=lambda model: model.__name__)
def test_every_model_is_strict_frozen_and_has_a_schema(model: type[BaseModel]) -> None:
    assert model.model_config.get("extra") == "forbid"
    assert model.model_config.get("frozen") is True
    assert json.dumps(model.model_json_schema())


@given(JSON)
def test_equal_values_share_one_canonical_text(value: object) -> None:
    again = json.loads(json.dumps(value))
    assert canonical_json(again) == canonical_json(value)
    assert json.loads(canonical_json(value)) == again


def test_canonical_json_sorts_keys_and_refuses_nan() -> None:
    assert canonical_json({"b": 1, "a": "é"}) == '{"a":"é","b":1}'
    with pytest.raises(ValueError, match=r"NaN|nan|Out of range"):
        canonical_json(float("nan"))
    with pytest.raises(TypeError, match="set"):
        digest({1, 2})


def test_a_record_cannot_be_changed_however_deep() -> None:
    record = Record(record_id="1", text="words", metadata={"by": {"name": "A", "tags": ["x"]}})
    with pytest.raises(ValidationError):
        record.text = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        record.metadata["by"] = "B"  # type: ignore[index]
    with pytest.raises(TypeError):
        record.metadata["by"]["name"] = "B"  # type: ignore[index,call-overload]
    assert record.metadata["by"]["tags"] == ("x",)  # type: ignore[index,call-overload]


def test_a_record_survives_json() -> None:
    picture = ImagePart(mime="image/png", data="aGVsbG8=", alt_text="a page")
    record = Record(record_id="1", sections={"facts": "f"}, images=(picture,), ground_truth={"label": "x"})
    again = Record.model_validate_json(record.model_dump_json())
    assert again == record
    assert again.fingerprint == record.fingerprint


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"record_id": "1"}, "empty"),
        ({"record_id": "1", "text": " \n\t"}, "empty"),
        ({"record_id": "1", "sections": {"facts": "  "}}, "empty"),
        ({"record_id": "", "text": "x"}, "at least 1 character"),
        ({"record_id": "1", "text": "a\x00b"}, "null byte"),
        ({"record_id": "1", "sections": {"facts": 3}}, "not text"),
        ({"record_id": "1", "text": "x", "tetx": "y"}, "Extra inputs"),
        ({"record_id": "1", "images": [{"mime": "image/png"}]}, "`uri` or `data`"),
        ({"record_id": "1", "images": [{"mime": "image/png", "data": "%%%"}]}, "base64"),
    ],
)
def test_data_that_is_no_record_is_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Record.model_validate(fields)


def test_a_picture_alone_is_a_record() -> None:
    assert Record(record_id="1", images=(ImagePart(mime="image/png", uri="https://example.org/a.png"),))


def test_a_model_key_is_never_written() -> None:
    config = HostedModel.model_validate({"provider": "openai", "model_id": "m", "api_key": "sk-planted"})
    for text in (repr(config), str(config), config.model_dump_json(), str(config.model_dump())):
        assert "sk-planted" not in text


def test_a_fingerprint_holds_what_decides_the_reply_and_nothing_else() -> None:
    adapter: TypeAdapter[ModelConfig] = TypeAdapter(ModelConfig)
    plain = {"kind": "hosted", "provider": "openai", "model_id": "m"}
    same = [{**plain, "api_key": "k"}, {**plain, "limits": {"concurrency": 2}}, {**plain, "api_key_env": "X"}]
    other = [{**plain, "model_id": "n"}, {**plain, "base_url": "https://example.org/v1"}]
    wanted = adapter.validate_python(plain).fingerprint
    assert {adapter.validate_python(one).fingerprint for one in same} == {wanted}
    assert wanted not in {adapter.validate_python(one).fingerprint for one in other}


def test_every_error_of_ours_is_one_family() -> None:
    errors = importlib.import_module("contract.errors")
    found = [e for _, e in inspect.getmembers(errors, inspect.isclass) if issubclass(e, Exception)]
    assert len(found) >= 14
    assert all(issubclass(error, ButtermilkError) for error in found)
    assert all(error.__name__ in (errors.__doc__ or "") for error in found)


def test_frozen_is_the_base_of_all() -> None:
    assert all(issubclass(model, Frozen) for model in models())

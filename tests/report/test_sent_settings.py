"""The methods paragraph names the settings that went over the wire, and not those that were only configured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contract.messages import AgentTrace
from flows.run_folder.derive import derive
from tests.support.traces import call, cell, judgement, record, spec, write_run

CONFIGURED = {"temperature": 0.0, "seed": 7, "max_tokens": 2048}
SENT = [
    ([{"max_tokens": 2048}], "max tokens 2048; not sent: temperature 0.0, seed 7"),
    ([CONFIGURED], "temperature 0.0, seed 7, max tokens 2048"),
    ([{"temperature": 0.0}, {"temperature": 0.7}], "temperature 0.0 or 0.7; not sent: seed 7, max tokens 2048"),
    ([None], "temperature 0.0, seed 7, max tokens 2048, as configured"),
]


def asked(number: int, sent: dict[str, Any] | None) -> AgentTrace:
    """A judgement by a reply to a request with those settings."""
    one = call("a")
    assert one.reply
    one = one.model_copy(update={"reply": one.reply.model_copy(update={"sent": sent})})
    of = record(number)
    value = judgement(of, "violates", "ordinary", "alpha")
    return cell(of, {"criteria": "ordinary", "model": "alpha"}, value=value, calls=[one])


@pytest.mark.parametrize(("sent", "named"), SENT)
def test_the_methods_paragraph_names_what_was_sent(
    sent: list[dict[str, Any] | None], named: str, tmp_path: Path
) -> None:
    models = {"alpha": {"kind": "hosted", "provider": "openai", "model_id": "gpt", "settings": CONFIGURED}}
    derive(write_run(tmp_path, [asked(n, one) for n, one in enumerate(sent)], spec(), models=models))
    report = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert f"; {named})" in report

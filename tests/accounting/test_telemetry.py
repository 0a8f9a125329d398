"""Telemetry: the traces that a whole command sends to a collector on this machine."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.commands import ROOT
from tests.support.running import Lab
from tests.support.services import QuietHandler, http_server

TEXT = "a text that no collector may see"
FLOW = """\
description: Tiny.
records: posts
steps:
  ask: {agent: llm, parameters: {model: x, template: "user:\\n{{ record.text }}"}}
result: ask
"""


@dataclass
class Collector:
    """The requests that were sent to it."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list[bytes])

    def spans(self) -> list[Any]:
        """Every span."""
        requests = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        return [
            span
            for request in requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector that speaks OTLP over HTTP."""
    found = Collector()

    class Handler(QuietHandler):
        def do_POST(self) -> None:  # noqa: N802
            body = self.rfile.read(int(self.headers["content-length"]))
            found.bodies.append(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
            self.send_response(200)
            self.end_headers()

    with http_server(Handler) as found.url:
        yield found


def command(lab: Lab, **more: str) -> subprocess.CompletedProcess[str]:
    """Runs the study as a user does."""
    lab.write("flows/tiny.yaml", FLOW)
    lab.write_posts([{"record_id": "one", "text": TEXT}])
    lab.write_model("x", {"reply": {"text": "So it is."}})
    environment = {**os.environ, "PREFECT_API_URL": lab.api_url, "PYTHONPATH": str(ROOT), **more}
    return subprocess.run(
        [sys.executable, "-m", "flows", "+flows=[tiny]", "--config-dir", str(lab.folder)],
        cwd=lab.folder, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_a_trace_goes_from_the_flow_through_the_task_to_the_model_call(lab: Lab, collector: Collector) -> None:
    done = command(lab, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    assert done.returncode == 0, done.stderr
    by_name = {span.name: span for span in collector.spans()}
    flow, task, call = by_name["tiny"], by_name["llm, one"], by_name["chat x"]
    assert not flow.parent_span_id
    assert task.parent_span_id == flow.span_id
    assert call.parent_span_id == task.span_id
    assert len({span.trace_id for span in (flow, task, call)}) == 1
    assert {item.key for item in call.attributes} >= {"gen_ai.request.model", "gen_ai.usage.output_tokens"}
    sent = b"".join(collector.bodies)
    assert b"buttermilk" in sent
    assert TEXT.encode() not in sent


def test_a_run_succeeds_while_the_collector_is_down(lab: Lab) -> None:
    done = command(lab, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", OTEL_EXPORTER_OTLP_TIMEOUT="1")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_without_the_extra_stderr_names_what_to_install() -> None:
    program = (
        "import sys; sys.modules['opentelemetry.sdk'] = None\n"
        "from flows.accounting.telemetry import start_telemetry; start_telemetry()"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0
    assert "uv sync --extra telemetry" in done.stderr

"""Telemetry: a trace of each run for an OpenTelemetry collector, from the flow through its tasks to each model call.

It is off unless the usual variables name a collector, for example OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318. It
needs the extra `telemetry`. Prefect makes the spans of flows and tasks; this module makes those of model calls. They
hold names, numbers and kinds of errors, but no text that was sent or received.
"""

from __future__ import annotations

import logging
import os

from opentelemetry import trace
from opentelemetry.trace import Span, Status, StatusCode

from agents.llms.model import Model, Models, ModelWrapper
from contract.calls import ModelReply, ModelRequest

_ENDPOINT_VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_log = logging.getLogger("buttermilk.telemetry")


def start_telemetry() -> None:
    """Starts to send traces if the environment names a collector. Keeps tracing that was set up before."""
    if _is_tracing() or not _is_configured():
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        _log.warning("no traces are sent: the extra `telemetry` is not installed; run `uv sync --extra telemetry`")
        return
    # The provider itself sends the spans that are still waiting when the process ends.
    provider = TracerProvider(resource=Resource.create({} if _is_named() else {"service.name": "buttermilk"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def with_tracing(models: Models) -> Models:
    """`models` with a span for each call; unchanged if no traces are sent."""
    return _TracedModels(models) if _is_tracing() else models


def _is_configured() -> bool:
    off = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or os.environ.get("OTEL_TRACES_EXPORTER") == "none"
    return not off and any(os.environ.get(name) for name in _ENDPOINT_VARIABLES)


def _is_named() -> bool:
    return "OTEL_SERVICE_NAME" in os.environ or "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")


def _is_tracing() -> bool:
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


class _TracedModels:
    def __init__(self, models: Models) -> None:
        self._models = models

    def get(self, name: str) -> Model:
        """The model of that name. Raises ModelRejected if there is none."""
        return _TracedModel(self._models.get(name))


class _TracedModel(ModelWrapper):
    async def complete(self, request: ModelRequest) -> ModelReply:
        """One reply. Raises whatever the model inside raises."""
        tracer = trace.get_tracer("buttermilk")
        # Not the error itself: its text may hold more than a collector should.
        with tracer.start_as_current_span(
            f"chat {self.name}",
            kind=trace.SpanKind.CLIENT,
            attributes={"gen_ai.operation.name": "chat", "gen_ai.request.model": self.name},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                reply = await self._inner.complete(request)
            except BaseException as error:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(Status(StatusCode.ERROR, type(error).__name__))
                raise
            _set_reply_attributes(span, reply)
            return reply


def _set_reply_attributes(span: Span, reply: ModelReply) -> None:
    span.set_attributes(
        {
            "gen_ai.response.finish_reasons": [reply.finish_reason],
            "gen_ai.usage.input_tokens": reply.usage.input_tokens,
            "gen_ai.usage.output_tokens": reply.usage.output_tokens,
            "buttermilk.from_cache": reply.from_cache,
        }
    )
    if reply.served_by:
        span.set_attribute("gen_ai.response.model", reply.served_by)
    if reply.cost_usd is not None:
        span.set_attribute("buttermilk.cost_usd", float(reply.cost_usd))

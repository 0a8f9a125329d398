"""A fake service of vectors at the network's edge, in OpenAI's protocol: POST /v1/embeddings.

As the real ones, it answers in base64 where it is asked to, and may be busy first.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import numpy as np

from tests.corpus.fake_embedders import CountingEmbedder


@dataclass
class FakeEmbeddings:
    """What was asked; tests change how it answers."""

    url: str = ""
    texts: list[str] = field(default_factory=list[str])
    keys: set[str] = field(default_factory=set[str])
    busy: int = 0
    """How many requests are answered with 429 first."""
    fewer: bool = False
    """Whether a vector is missing in each answer."""

    def answer(self, body: dict[str, Any]) -> dict[str, Any]:
        """The vectors of the texts."""
        texts: list[str] = body["input"]
        self.texts += texts
        vectors = CountingEmbedder().embed(texts)[: -1 if self.fewer else None] * np.float32(3)
        as_text = body.get("encoding_format") == "base64"
        listed = [base64.b64encode(row.tobytes()).decode() if as_text else row.tolist() for row in vectors]
        data = [{"object": "embedding", "index": at, "embedding": one} for at, one in enumerate(listed)]
        return {
            "object": "list",
            "model": body["model"],
            "data": data,
            "usage": {"prompt_tokens": 1, "total_tokens": 1},
        }


@contextmanager
def embedding_service() -> Generator[FakeEmbeddings]:
    """Serves; `base_url` of a model is `service.url`."""
    service = FakeEmbeddings()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            service.keys.add(self.headers.get("Authorization", ""))
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status = 200 if self.path == "/v1/embeddings" and not service.busy else 429 if service.busy else 404
            service.busy = max(service.busy - 1, 0)
            sent = json.dumps(service.answer(body) if status == 200 else {"error": {"message": "later"}}).encode()
            self.send_response(status)
            headers = {"Content-Type": "application/json", "Content-Length": str(len(sent)), "Retry-After": "0"}
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

"""A server that speaks Secret Manager's REST protocol, as much of it as reading a secret needs."""

from __future__ import annotations

import base64
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any

import google_crc32c

Response = tuple[int, dict[str, Any]]


class FakeSecretManager:
    """Secrets by full name, `projects/<p>/secrets/<n>`."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self.failures: dict[str, list[Response]] = {}
        self.requested_paths: list[str] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = fake.answer(self.path.partition("?")[0])
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                """Logs nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        """The value for `secrets.endpoint`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def fail_with(self, name: str, *answers: Response) -> None:
        """Sets the answers to requests for that secret: a failure (5xx) is given once, anything else always."""
        self.failures[name] = list(answers)

    def answer(self, path: str) -> Response:
        """The answer to `GET /v1/projects/p/secrets/n/versions/latest:access`."""
        name = path.removeprefix("/v1/").removesuffix(":access").partition("/versions/")[0]
        self.requested_paths.append(path)
        failures = self.failures.get(name)
        if failures:
            return failures.pop(0) if failures[0][0] >= 500 else failures[0]
        if name not in self.secrets:
            return error_response(404, "NOT_FOUND", f"Secret [{name}] not found or has no versions.")
        data = self.secrets[name].encode()
        checksum: Any = google_crc32c.value  # type: ignore[reportUnknownMemberType]
        payload = {"data": base64.b64encode(data).decode(), "dataCrc32c": f"{checksum(data)}"}
        return 200, {"name": f"{name}/versions/1", "payload": payload}

    def __enter__(self) -> FakeSecretManager:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


def error_response(code: int, status: str, message: str, reason: str = "") -> Response:
    """An error as Google's services write it."""
    about = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}
    return code, {"error": {"code": code, "message": message, "status": status, "details": [about] if reason else []}}

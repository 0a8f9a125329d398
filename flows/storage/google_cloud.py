"""Settings that all clients of Google's services share: credentials and time limits; and their errors in plain words.

By default, Google's libraries retry a dead address for ten minutes and wait for an answer without end. Here every
request has a time limit, whichever library makes it, and no request is tried again after `RETRY_SECONDS`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Timer
from typing import Any, cast

from contract.errors import StorageError

CONNECT_SECONDS = 5.0
"""Seconds that a connection may take to open."""
RETRY_SECONDS = 8.0
"""Seconds during which one request is tried again after a temporary error."""
ANSWER_SECONDS = 25.0
"""Most seconds that any answer may take that needs no work: all but those of queries and of uploads."""
_NOTICE_SECONDS = 8.0
"""Seconds after which a person is told what is being waited for."""
UPLOAD_RETRIES = 2
"""How often a part of an upload is sent again, after 1 s and 2 s; for a library that counts tries, not seconds."""
_LOGIN_HINT = (
    "sign in with `gcloud auth application-default login`, "
    "or name a service account's key file in GOOGLE_APPLICATION_CREDENTIALS"
)
_REQUEST_PREFIX = re.compile(r"^(\d{3} )?(GET|POST|PUT|PATCH|DELETE) \S+: ")


@dataclass(frozen=True)
class Target:
    """The subject of a request, as errors name it."""

    name: str
    """`the BigQuery table p.d.t`."""
    required_roles: str
    """The roles that the account needs, in words."""
    endpoint: str | None = None
    timeout_seconds: float = 60
    """Seconds that an answer may take that needs work."""

    @property
    def where(self) -> str:
        """The service, as messages call it."""
        return self.endpoint or "Google"


def client_settings(target: Target, project: str | None) -> dict[str, Any]:
    """Keyword arguments that create any of Google's clients. Raises StorageError without credentials."""
    if target.endpoint:
        from google.auth.credentials import AnonymousCredentials

        credentials: Any = AnonymousCredentials()
    else:
        credentials, project = _default_credentials(project)
    options = {"api_endpoint": target.endpoint} if target.endpoint else None
    return {
        "project": project or "unknown",
        "credentials": credentials,
        "client_options": options,
        "_http": _authorized_session(credentials, target),
    }


def _default_credentials(project: str | None) -> tuple[Any, str | None]:
    import google.auth
    from google.auth.exceptions import DefaultCredentialsError

    library: Any = google.auth
    try:
        credentials, default_project = library.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
    except DefaultCredentialsError as error:
        raise StorageError(f"there are no credentials for Google Cloud: {_LOGIN_HINT}") from error
    return credentials, project or default_project


def _authorized_session(credentials: Any, target: Target) -> Any:
    """The session for all requests of a client; none waits without end, whatever the library asks for."""
    from google.auth.transport.requests import AuthorizedSession
    from requests.adapters import HTTPAdapter

    class TimeoutAdapter(HTTPAdapter):
        def send(self, *args: Any, **kwargs: Any) -> Any:
            seconds = _answer_seconds(target, args[0])
            with _waiting_notice(target, seconds):
                return super().send(*args, **{**kwargs, "timeout": (CONNECT_SECONDS, seconds)})

    session: Any = AuthorizedSession(credentials)
    for scheme in ("https://", "http://"):
        session.mount(scheme, TimeoutAdapter())
    return session


def _answer_seconds(target: Target, request: Any) -> float:
    """How long the answer to that request may take."""
    works = any(part in str(request.url) for part in ("/queries", "/upload/", "alt=media"))
    return target.timeout_seconds if works else min(target.timeout_seconds, ANSWER_SECONDS)


@contextmanager
def _waiting_notice(target: Target, seconds: float) -> Generator[None]:
    """Says once on standard error what is being waited for, if that takes long."""
    text = f"{target.where} has not answered about {target.name} yet; waiting for at most {seconds:.0f} s"
    timer = Timer(_NOTICE_SECONDS, print, [text], {"file": sys.stderr, "flush": True})
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def as_storage_errors(target: Target) -> Generator[None]:
    """Turns what Google's libraries raise in the block into a StorageError in plain words."""
    try:
        yield
    except StorageError:
        raise
    except Exception as error:
        message = _error_message(target, error)
        if message is None:
            raise
        raise StorageError(message) from error


def _error_message(target: Target, error: Exception) -> str | None:
    """`error` in plain words; None when it comes neither from the service nor from the connection to it."""
    import requests
    from google.api_core.exceptions import GoogleAPICallError, RetryError
    from google.auth.exceptions import GoogleAuthError, TransportError
    from google.resumable_media.common import DataCorruption, InvalidResponse

    if isinstance(error, RetryError) and isinstance(error.cause, Exception):
        return _error_message(target, error.cause)
    if isinstance(error, GoogleAPICallError):
        return _http_error_message(target, int(error.code or 0), _first_line(error), _error_reason(error))
    if isinstance(error, InvalidResponse):
        response = cast("Any", error).response
        return _http_error_message(target, int(response.status_code), _first_line(error), "")
    if isinstance(error, DataCorruption):
        return f"{target.name} did not arrive whole: {_first_line(error)}"
    if isinstance(error, requests.RequestException | TransportError | ConnectionError | TimeoutError | RetryError):
        return _unreachable_message(target, error)
    if isinstance(error, OSError):
        return f"{target.name} needs room on this machine: {error}"
    if isinstance(error, GoogleAuthError):
        return f"Google does not accept these credentials for {target.name}: {_first_line(error)}; {_LOGIN_HINT}"
    return None


def _http_error_message(target: Target, code: int, text: str, reason: str) -> str:
    name = target.name
    if code == 404:
        return (
            f"{name} is not there, or this account may not see it; check the names. "
            f"Needed: {target.required_roles}. ({text})"
        )
    if code in (403, 429) and ("quota" in reason.lower() or "ratelimit" in reason.lower() or code == 429):
        return f"a quota of the project is used up, so {name} cannot be used now: {text}"
    if code == 403:
        return f"this account may not use {name}; it needs {target.required_roles}. ({text})"
    if code == 401:
        return f"Google does not accept these credentials for {name}: {text}; {_LOGIN_HINT}"
    if code >= 500:
        return f"the service failed over {name} (HTTP {code}), also when asked again for {RETRY_SECONDS:.0f} s: {text}"
    return f"the service refused what was asked of {name} (HTTP {code}): {text}"


def _unreachable_message(target: Target, error: Exception) -> str:
    where = target.where
    if isinstance(error, TimeoutError) or "timed out" in str(error).lower():
        return (
            f"{where} did not answer about {target.name} in time "
            f"(`timeout_seconds` is {target.timeout_seconds:g}; at most {ANSWER_SECONDS:.0f} where nothing is computed)"
        )
    return f"{where} cannot be reached for {target.name}: {_root_cause_text(error)}"


def _root_cause_text(error: BaseException) -> str:
    """The innermost cause of a network error, such as `Connection refused`."""
    inner: Any = error.args[0] if error.args else None
    deeper = getattr(inner, "reason", None) or inner
    if isinstance(deeper, BaseException) and deeper is not error:
        return _root_cause_text(deeper)
    return _first_line(cast("Exception", error)).rpartition("] ")[2]


def _first_line(error: Exception) -> str:
    text = str(getattr(error, "message", "") or error)
    first = next((line.strip() for line in text.splitlines() if line.strip()), type(error).__name__)
    return _REQUEST_PREFIX.sub("", first)[:300]


def _error_reason(error: Any) -> str:
    errors: list[Any] = list(getattr(error, "errors", None) or ())
    return str(cast("dict[str, Any]", errors[0]).get("reason", "")) if errors and isinstance(errors[0], dict) else ""

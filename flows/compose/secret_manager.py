"""Reads a secret from Google Secret Manager, or explains in plain words why it cannot be read.

    text = read_secret("projects/my-project/secrets/models", SecretSettings())

Credentials are found as Google's own tools find them: GOOGLE_APPLICATION_CREDENTIALS, `gcloud auth application-default
login`, or the service account that a machine or cluster runs as.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from pydantic import SecretStr

from contract.secrets import SecretSettings

if TYPE_CHECKING:
    from google.cloud.secretmanager_v1 import AccessSecretVersionResponse, SecretManagerServiceClient

ROLE = "roles/secretmanager.secretAccessor"
LOGIN_HINT = (
    "run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to a service account's key"
)
_MAX_BYTES = 65_536
"""The longest secret that Google keeps; a longer one, from another server, is refused."""


@dataclass
class SecretUnreadable(Exception):
    """A secret cannot be read: what is wrong, and what to do. Holds nothing of the secret."""

    what: str
    todo: str


@dataclass(frozen=True)
class _SecretResource:
    """A secret's full name and its parts."""

    resource_name: str

    @property
    def project(self) -> str:
        return self.resource_name.split("/")[1]

    @property
    def name(self) -> str:
        return self.resource_name.split("/")[3]

    @property
    def version_name(self) -> str:
        return self.resource_name if "/versions/" in self.resource_name else f"{self.resource_name}/versions/latest"

    def __str__(self) -> str:
        return f"the secret '{self.name}' of the project '{self.project}'"


def read_secret(name: str, settings: SecretSettings) -> SecretStr:
    """The text of the secret of that full name. Raises SecretUnreadable."""
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError

    secret = _SecretResource(name)
    try:
        with _client(settings) as client:
            return _access_secret(client, secret, settings)
    except (GoogleAPIError, GoogleAuthError, OSError) as error:
        failure = _translate_error(error, secret, settings)
    # Raised outside the handler, so that the library's error, which may quote what was sent, is not chained.
    raise failure


def _client(settings: SecretSettings) -> SecretManagerServiceClient:
    from google.auth.credentials import AnonymousCredentials
    from google.cloud.secretmanager_v1 import SecretManagerServiceClient
    from google.cloud.secretmanager_v1.services.secret_manager_service.transports import (
        SecretManagerServiceRestTransport,
    )

    if settings.is_emulator:
        host = urlsplit(settings.endpoint or "").netloc
        anonymous = AnonymousCredentials()
        return SecretManagerServiceClient(
            transport=SecretManagerServiceRestTransport(host=host, url_scheme="http", credentials=anonymous)
        )
    options = {"api_endpoint": urlsplit(settings.endpoint).netloc} if settings.endpoint else None
    return SecretManagerServiceClient(transport="rest", client_options=options)


def _access_secret(client: SecretManagerServiceClient, secret: _SecretResource, settings: SecretSettings) -> SecretStr:
    from google.api_core import exceptions, retry

    is_retryable = retry.if_exception_type(
        exceptions.ServiceUnavailable, exceptions.TooManyRequests, exceptions.InternalServerError, ConnectionError
    )
    access: Any = client.access_secret_version  # type: ignore[reportUnknownMemberType]
    response: AccessSecretVersionResponse = access(
        name=secret.version_name,
        timeout=settings.timeout_seconds,
        retry=retry.Retry(predicate=is_retryable, initial=0.2, maximum=2, timeout=settings.timeout_seconds),
    )
    data = response.payload.data
    if len(data) > _MAX_BYTES:
        raise SecretUnreadable(f"{secret} is longer than {_MAX_BYTES:,} bytes", "check the name")
    if response.payload.data_crc32c and response.payload.data_crc32c != _checksum(data):
        raise SecretUnreadable(f"{secret} was damaged in transit", "run the command again")
    try:
        return SecretStr(data.decode())
    except UnicodeDecodeError:
        raise SecretUnreadable(f"{secret} is not text in UTF-8", "store it again as text") from None


def _checksum(data: bytes) -> int:
    import google_crc32c

    checksum = cast("Callable[[bytes], int]", google_crc32c.value)  # type: ignore[reportUnknownMemberType]
    return checksum(data)


def _translate_error(error: Exception, secret: _SecretResource, settings: SecretSettings) -> SecretUnreadable:
    from google.api_core import exceptions
    from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError, TransportError

    if isinstance(error, DefaultCredentialsError):
        return SecretUnreadable(f"{secret} cannot be read: there is no Google Cloud login on this machine", LOGIN_HINT)
    if isinstance(error, GoogleAuthError) and not isinstance(error, TransportError):
        return SecretUnreadable(
            f"{secret} cannot be read: the Google Cloud login is not accepted, or has ended", LOGIN_HINT
        )
    reason = str(getattr(error, "reason", None) or "")
    by_kind: Mapping[type[Exception], Callable[[_SecretResource, str], SecretUnreadable]] = {
        exceptions.Unauthenticated: _not_logged_in,
        exceptions.Unauthorized: _not_logged_in,
        exceptions.Forbidden: _forbidden,
        exceptions.NotFound: _not_found,
        exceptions.BadRequest: _disabled,
    }
    for kind, make_error in by_kind.items():
        if isinstance(error, kind):
            return make_error(secret, reason)
    tried = f"Secret Manager gave no answer within {settings.timeout_seconds:g} s ({type(error).__name__})"
    return SecretUnreadable(
        f"{secret} cannot be read: {tried}", "check the network, or raise `secrets.timeout_seconds`; then run it again"
    )


def _not_logged_in(secret: _SecretResource, _reason: str) -> SecretUnreadable:
    return SecretUnreadable(
        f"{secret} cannot be read: the Google Cloud login is not accepted, or has ended", LOGIN_HINT
    )


def _forbidden(secret: _SecretResource, reason: str) -> SecretUnreadable:
    if reason == "SERVICE_DISABLED":
        todo = f"run `gcloud services enable secretmanager.googleapis.com --project {secret.project}`"
        return SecretUnreadable(f"the project '{secret.project}' does not use Secret Manager yet", todo)
    return SecretUnreadable(
        f"this account may not read {secret}: it lacks the role {ROLE}, or there is no such secret",
        f"grant the role: `gcloud secrets add-iam-policy-binding {secret.name} --project {secret.project} "
        f"--role {ROLE} --member …`",
    )


def _not_found(secret: _SecretResource, _reason: str) -> SecretUnreadable:
    what = f"there is no secret '{secret.name}' in the project '{secret.project}', or not that version of it"
    return SecretUnreadable(what, f"see `gcloud secrets list --project {secret.project}`")


def _disabled(secret: _SecretResource, _reason: str) -> SecretUnreadable:
    todo = f"see `gcloud secrets versions list {secret.name} --project {secret.project}`, and add or enable a version"
    return SecretUnreadable(f"the version of {secret} is disabled or destroyed", todo)

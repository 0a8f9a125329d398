"""Secret Manager: the text of a secret that Google keeps, or in plain words why it cannot be had.

    text = read_secret("projects/my-project/secrets/models", SecretSettings())

Who asks is found as Google's own tools find it: GOOGLE_APPLICATION_CREDENTIALS, `gcloud auth application-default
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
LOGIN = "run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to a service account's key"
_MOST_BYTES = 65_536
"""Google keeps no longer secret; another server may not hand us one."""


@dataclass
class SecretUnreadable(Exception):
    """A secret cannot be had: what is wrong, and what to do. Holds nothing of the secret."""

    what: str
    todo: str


@dataclass(frozen=True)
class _Named:
    """A secret's full name, taken apart."""

    full: str

    @property
    def project(self) -> str:
        return self.full.split("/")[1]

    @property
    def name(self) -> str:
        return self.full.split("/")[3]

    @property
    def version(self) -> str:
        return self.full if "/versions/" in self.full else f"{self.full}/versions/latest"

    def __str__(self) -> str:
        return f"the secret '{self.name}' of the project '{self.project}'"


def read_secret(name: str, settings: SecretSettings) -> SecretStr:
    """The text of the secret of that full name. Raises SecretUnreadable."""
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError

    secret = _Named(name)
    try:
        with _client(settings) as client:
            return _text(client, secret, settings)
    except (GoogleAPIError, GoogleAuthError, OSError) as error:
        failure = _told(error, secret, settings)
    # Raised outside the handler: a library's error may quote what was sent, and is not chained to ours.
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


def _text(client: SecretManagerServiceClient, named: _Named, settings: SecretSettings) -> SecretStr:
    from google.api_core import exceptions, retry

    is_retryable = retry.if_exception_type(
        exceptions.ServiceUnavailable, exceptions.TooManyRequests, exceptions.InternalServerError, ConnectionError
    )
    access: Any = client.access_secret_version  # type: ignore[reportUnknownMemberType]
    response: AccessSecretVersionResponse = access(
        name=named.version,
        timeout=settings.timeout_seconds,
        retry=retry.Retry(predicate=is_retryable, initial=0.2, maximum=2, timeout=settings.timeout_seconds),
    )
    data = response.payload.data
    if len(data) > _MOST_BYTES:
        raise SecretUnreadable(f"{named} is longer than {_MOST_BYTES:,} bytes", "check the name")
    if response.payload.data_crc32c and response.payload.data_crc32c != _checksum(data):
        raise SecretUnreadable(f"{named} was damaged on its way", "run the command again")
    try:
        return SecretStr(data.decode())
    except UnicodeDecodeError:
        raise SecretUnreadable(f"{named} is not text in UTF-8", "store it again as text") from None


def _checksum(data: bytes) -> int:
    import google_crc32c

    checksum = cast("Callable[[bytes], int]", google_crc32c.value)  # type: ignore[reportUnknownMemberType]
    return checksum(data)


def _told(error: Exception, named: _Named, settings: SecretSettings) -> SecretUnreadable:
    from google.api_core import exceptions
    from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError, TransportError

    if isinstance(error, DefaultCredentialsError):
        return SecretUnreadable(f"{named} cannot be read: there is no Google Cloud login on this machine", LOGIN)
    if isinstance(error, GoogleAuthError) and not isinstance(error, TransportError):
        return SecretUnreadable(f"{named} cannot be read: the Google Cloud login is not accepted, or has ended", LOGIN)
    reason = str(getattr(error, "reason", None) or "")
    by_kind: Mapping[type[Exception], Callable[[_Named, str], SecretUnreadable]] = {
        exceptions.Unauthenticated: _not_logged_in,
        exceptions.Unauthorized: _not_logged_in,
        exceptions.Forbidden: _forbidden,
        exceptions.NotFound: _absent,
        exceptions.BadRequest: _disabled,
    }
    for kind, make_error in by_kind.items():
        if isinstance(error, kind):
            return make_error(named, reason)
    tried = f"Secret Manager gave no answer within {settings.timeout_seconds:g} s ({type(error).__name__})"
    return SecretUnreadable(
        f"{named} cannot be read: {tried}", "check the network, or raise `secrets.timeout_seconds`; then run it again"
    )


def _not_logged_in(named: _Named, _reason: str) -> SecretUnreadable:
    return SecretUnreadable(f"{named} cannot be read: the Google Cloud login is not accepted, or has ended", LOGIN)


def _forbidden(named: _Named, reason: str) -> SecretUnreadable:
    if reason == "SERVICE_DISABLED":
        todo = f"run `gcloud services enable secretmanager.googleapis.com --project {named.project}`"
        return SecretUnreadable(f"the project '{named.project}' does not use Secret Manager yet", todo)
    return SecretUnreadable(
        f"{named} may not be read by this account: it lacks the role {ROLE}, or there is no such secret",
        f"have it given: `gcloud secrets add-iam-policy-binding {named.name} --project {named.project} "
        f"--role {ROLE} --member …`",
    )


def _absent(named: _Named, _reason: str) -> SecretUnreadable:
    what = f"there is no secret '{named.name}' in the project '{named.project}', or not that version of it"
    return SecretUnreadable(what, f"see `gcloud secrets list --project {named.project}`")


def _disabled(named: _Named, _reason: str) -> SecretUnreadable:
    todo = f"see `gcloud secrets versions list {named.name} --project {named.project}`, and add or enable a version"
    return SecretUnreadable(f"the version of {named} is disabled or destroyed", todo)

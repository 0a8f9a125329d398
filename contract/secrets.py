"""Where a study's secrets are kept: the `secrets:` section. It names them and holds none."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, field_validator

from contract.base import Frozen

_SECRET_NAME = re.compile(
    r"projects/[A-Za-z0-9:._-]{1,64}/secrets/[A-Za-z0-9_-]{1,255}(/versions/(latest|[1-9][0-9]{0,9}))?"
)


def _check_secret_name(value: object) -> object:
    if not isinstance(value, str) or not _SECRET_NAME.fullmatch(value):
        raise ValueError(
            "should be the name of a secret, as in projects/my-project/secrets/my-key, and not the key itself"
        )
    return value


SecretName = Annotated[str, BeforeValidator(_check_secret_name)]
"""`projects/<project>/secrets/<name>`, the newest version, or one version with `/versions/<number>` after it."""


class SecretSettings(Frozen):
    """The `secrets:` section: what is read from Google Secret Manager, and how."""

    models: SecretName | None = None
    """The secret whose text is a models.json; None reads none."""
    timeout_seconds: float = Field(default=10, gt=0, le=300)
    """For one secret, further tries included."""
    endpoint: str | None = None
    """An address other than Google's default: a regional one of Google's, or an emulator on this machine."""

    @field_validator("endpoint")
    @classmethod
    def _check_endpoint(cls, value: str | None) -> str | None:
        if value is None:
            return None
        address = urlsplit(value)
        host = address.hostname or ""
        if address.username or address.password or address.path.strip("/") or address.query:
            raise ValueError("should be an address and nothing more: https://secretmanager.<region>.rep.googleapis.com")
        google = address.scheme == "https" and host.endswith(".googleapis.com")
        # A request for a secret carries the machine's login, so a study may not name an arbitrary server.
        if not google and not (address.scheme == "http" and is_loopback_host(host)):
            raise ValueError("should be https:// and an address of Google's, or http:// and this machine")
        return value

    @property
    def is_emulator(self) -> bool:
        """Whether the endpoint is on this machine; requests to it carry no login."""
        return self.endpoint is not None and self.endpoint.startswith("http://")


def is_loopback_host(host: str) -> bool:
    """Whether a host name is this machine's own."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

"""ZoteroStorage: one's own literature, as Zotero or a file of CSL-JSON describes it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_serializer, field_validator, model_validator

from contract.models import VariableName
from contract.page_source import PageSource, is_unset

ZOTERO_WEB = "https://api.zotero.org"
"""Zotero's own service."""
ZOTERO_HERE = "http://localhost:23119"
"""Where the Zotero program on this machine answers."""
ZOTERO_KEY = "ZOTERO_API_KEY"
"""The environment variable that usually holds the key for Zotero's own service."""
_LIBRARY = re.compile(r"local(/groups/[1-9]\d{0,15})?|(users|groups)/[1-9]\d{0,15}")


class ZoteroStorage(PageSource):
    """A library of literature: each entry with its metadata (CSL), and the text of its files.

    It is read from the Zotero program on this machine, from Zotero's own service, from an address where Better BibTeX
    exports it, or from a file of CSL-JSON, as Zotero, Better BibTeX, Mendeley and JabRef write it.
    """

    type: Literal["zotero"] = "zotero"
    library: str | None = None
    """`local`, your own library in the Zotero program on this machine; `local/groups/<number>`, a group's there;
    `users/<number>` or `groups/<number>` at Zotero's own service, which need a key; or the address of an export by
    Better BibTeX."""
    path: Path | None = None
    """A file of CSL-JSON, in the place of `library`. Relative paths start at the config directory that names them."""
    collection: str | None = Field(default=None, min_length=1, max_length=300)
    """One collection of the library, by its name or its key."""
    attachments: Path | None = None
    """The folder with the files of the entries; no other place is read. None is Zotero's own folder for `local`, and
    no folder otherwise."""
    api_key: SecretStr | None = Field(default=None, exclude_if=is_unset)
    api_key_env: VariableName = ZOTERO_KEY
    """Name of the environment variable that holds the key for Zotero's own service."""
    endpoint: str | None = None
    """Another address than Zotero's own, for a test or a proxy."""
    timeout_seconds: float = Field(default=60, gt=0)
    """For one answer."""
    most_bytes: int = Field(default=200_000_000, gt=0)
    """Files that are larger are not read."""
    columns: dict[str, str] = Field(default_factory=dict)
    """As for files."""

    @field_serializer("api_key")
    def _mask_api_key(self, value: SecretStr | None) -> str | None:
        return None if value is None else "**********"

    @field_validator("library")
    @classmethod
    def _is_a_library(cls, value: str | None) -> str | None:
        if value is None or _LIBRARY.fullmatch(value):
            return value
        address = urlsplit(value)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ValueError(
                "it should be local, local/groups/<number>, groups/<number>, users/<number>, or the address of an "
                "export by Better BibTeX; a file is named by `path`"
            )
        if address.username or address.password:
            raise ValueError("holds a user name or password, which a run would write into its files")
        return value

    @field_validator("endpoint")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        address = urlsplit(value)
        if address.scheme not in ("http", "https") or not address.hostname or address.username or address.query:
            raise ValueError("it should be an address and nothing more, such as http://localhost:23119")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _is_one_place(self) -> ZoteroStorage:
        if (self.library is None) == (self.path is None):
            raise ValueError("write either `library: local` (or another library) or `path:` with a file of CSL-JSON")
        if self.collection and not (self.is_local or self.is_web):
            raise ValueError("`collection` is for libraries of Zotero; export the collection alone instead")
        return self

    @property
    def is_local(self) -> bool:
        """Whether the Zotero program on this machine is asked."""
        return self.library is not None and self.library.startswith("local")

    @property
    def is_web(self) -> bool:
        """Whether Zotero's own service is asked, with a key."""
        return self.library is not None and self.library.startswith(("users/", "groups/"))

    @property
    def origin(self) -> str:
        """The address that is asked, without its path; empty for a file."""
        if self.path is not None or self.library is None:
            return ""
        if self.is_local or self.is_web:
            return self.endpoint or (ZOTERO_HERE if self.is_local else ZOTERO_WEB)
        return "{0.scheme}://{0.netloc}".format(urlsplit(self.library))

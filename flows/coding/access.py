"""Access: the secret link of each person, kept in a file that only its owner reads, so that links outlive a restart."""

from __future__ import annotations

import hmac
import json
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contract.errors import RunError

ACCESS_FILE = "links.json"
ADJUDICATORS_FILE = "adjudicators.json"
_TOKEN_BYTES = 24


@dataclass
class Access:
    """Who has which link, and the port at which the pages were served before."""

    path: Path
    tokens: dict[str, str] = field(default_factory=dict[str, str])
    """Person -> the secret part of the link."""
    port: int = 0

    @classmethod
    def read(cls, folder: Path, name: str = ACCESS_FILE) -> Access:
        """The links kept in the folder; none where there are none yet."""
        path = folder / name
        if not path.exists():
            return cls(path)
        try:
            known: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return cls(path, {str(name): str(token) for name, token in known["links"].items()}, int(known["port"]))
        except (ValueError, KeyError, AttributeError) as error:
            raise RunError(f"{path}: cannot be read: {error}; delete it for new links") from None

    def add(self, people: Iterable[str]) -> None:
        """Makes a link for each person who has none, and writes the file."""
        for name in people:
            self.tokens.setdefault(name, secrets.token_urlsafe(_TOKEN_BYTES))

    def write(self, port: int) -> None:
        """Keeps the links and the port."""
        self.port = port
        text = json.dumps({"port": port, "links": self.tokens}, indent=2) + "\n"
        temporary = self.path.with_name(f".{self.path.name}.part")
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123 - opened with its mode
            file.write(text)
        temporary.replace(self.path)

    def person(self, token: str) -> str | None:
        """Whose link it is; None for a wrong one. Every link is compared, in the same time."""
        found = None
        for name, own in self.tokens.items():
            if hmac.compare_digest(own.encode(), token.encode()):
                found = name
        return found

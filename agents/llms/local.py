"""Local models: a GGUF file on this machine, run by llama.cpp in a child process and called over the loopback address.

It is a process of its own for two reasons. A crash in native code must not end the study. And llama.cpp stops writing
when the connection closes, which is how a call that runs out of time is stopped.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from dataclasses import dataclass
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path

from pydantic import HttpUrl, SecretStr

from agents.llms.hosted.model import Hosted
from agents.llms.lazy_resource import LazyResource
from agents.llms.model import NamedModel
from contract.base import digest
from contract.calls import DEFAULT_MAX_TOKENS, ModelReply, ModelRequest
from contract.errors import ModelRejected, Problem, StudyError
from contract.models import HostedModel, LocalModel

_SERVER_SCRIPT = Path(__file__).with_name("local_server.py")
_SAMPLED_BYTES = 1_000_000


@dataclass(frozen=True)
class _RunningServer:
    process: Process
    model: Hosted

    @property
    def ended(self) -> bool:
        return self.process.returncode is not None

    async def aclose(self) -> None:
        await self.model.aclose()
        await _stop(self.process)


class Local(NamedModel):
    """A Model over one llama.cpp process, started at the first call and stopped by `aclose`.

    It answers one request at a time; the factory sets that limit.
    """

    def __init__(self, name: str, config: LocalModel) -> None:
        # The folder of the file does not count; its name, its size and both its ends do.
        settings = config.settings.model_copy(update={"max_tokens": DEFAULT_MAX_TOKENS})
        identity = ["local", _file_identity(config.path), config.context_tokens, settings]
        super().__init__(name, digest(identity))
        self._config = config
        self._server = LazyResource(self._start)

    async def prepare(self) -> None:
        """Starts the server, which loads the file. Raises ModelRejected if it does not load."""
        await (await self._server.get()).model.prepare()

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Returns one reply, at no cost. Raises ModelRejected if the extra is missing or the file does not load."""
        running = await self._server.get()
        reply = await running.model.complete(request)
        return reply.model_copy(update={"cost_usd": Decimal(0), "served_by": self._config.path.name})

    async def aclose(self) -> None:
        """Stops the process."""
        await self._server.aclose()

    async def _start(self) -> _RunningServer:
        if missing := missing_extra():
            raise ModelRejected(f"model '{self._name}': {missing}")
        key = secrets.token_urlsafe(24)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", str(_SERVER_SCRIPT), stdin=PIPE, stdout=PIPE, stderr=DEVNULL
        )
        try:
            address = await self._wait_for_address(process, key)
        except BaseException:
            await _stop(process)
            raise
        return _RunningServer(process, Hosted(self._name, self._as_hosted(address, key)))

    async def _wait_for_address(self, process: Process, key: str) -> str:
        assert process.stdin and process.stdout  # noqa: S101 both are pipes
        server_config = {
            "path": str(self._config.path),
            "context_tokens": self._config.context_tokens,
            "threads": self._config.threads,
            "key": key,
        }
        process.stdin.write(json.dumps(server_config).encode() + b"\n")
        line = await process.stdout.readline()
        response: dict[str, str] = json.loads(line) if line.startswith(b"{") else {}
        if "address" not in response:
            raise ModelRejected(
                f"model '{self._name}': {self._config.path.name} does not load; is it a whole GGUF file, "
                f"and is there memory for it with {self._config.context_tokens} tokens of context?"
            )
        return response["address"]

    def _as_hosted(self, address: str, key: str) -> HostedModel:
        return HostedModel(
            provider="openai-compatible",
            model_id=self._config.path.name,
            base_url=HttpUrl(f"{address}/v1"),
            api_key=SecretStr(key),
            settings=self._config.settings,
            limits=self._config.limits,
        )


def missing_extra() -> str | None:
    """What the user must install before local models can run, or None."""
    return None if find_spec("xllamacpp") else "local models need an extra: run `uv sync --extra local`"


def from_config(name: str, config: LocalModel) -> Local:
    """The local model that `config` describes; starts nothing. Raises StudyError if there is no such file."""
    if not config.path.is_file():
        problem = Problem(f"model {name}", f"there is no file {config.path}", todo="set `path` to a GGUF file")
        raise StudyError([problem])
    return Local(name, config)


async def _stop(process: Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()


def _file_identity(path: Path) -> list[str | int]:
    # Only both ends: a hash of gigabytes would take seconds, and the metadata of a GGUF file is at its start.
    size = path.stat().st_size
    with path.open("rb") as file:
        ends = file.read(_SAMPLED_BYTES)
        file.seek(max(0, size - _SAMPLED_BYTES))
        ends += file.read(_SAMPLED_BYTES)
    return [path.name, size, hashlib.sha256(ends).hexdigest()]

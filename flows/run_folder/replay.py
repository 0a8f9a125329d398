"""Replay: makes a run's answers again from its stored replies, offline, and with them all its tables and its report.

Every agent gets exactly the input that its trace holds, and for each request to its model the reply that was stored for
exactly that request. A changed prompt, criterion or program makes another request; the replay reports that.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agents.base.agent import Agent
from agents.base.services import AgentServices
from agents.llms.model import Model
from agents.prompting.criteria import Criteria
from agents.prompting.templates import Prompts
from contract.base import thawed
from contract.calls import ModelReply, ModelRequest
from contract.errors import CellError, MissingInput, ModelRejected, OutputInvalid, TurnTimeOver
from contract.messages import AgentTrace
from contract.messages import CellError as ErrorRow
from contract.tool_calls import ToolCall
from contract.tools import UnifiedRequest
from flows.engine.gate import PERSON
from flows.files.atomic import write_text
from flows.files.run_data import RunData
from flows.run_folder.derive import derive
from flows.spec.agent_registry import load_agents

_COPIED_FILES = ("manifest.json", "rejects.csv", "results.json", "answer.md")


@dataclass
class ReplayResult:
    """The result of a replay."""

    cells: int = 0
    replies: int = 0
    """Stored replies that were used."""
    recorded: int = 0
    """Cells taken as recorded, because nothing stored can make them again: searches, pages, failures of
    a service."""
    different: list[str] = field(default_factory=list[str])
    """Differences from the run, one sentence each."""


def replay(folder: Path, into: Path) -> ReplayResult:
    """Makes the run in `folder` again in the empty folder `into` and compares every file, byte for byte.

    Asks no model and opens no connection. Raises RunError when `folder` holds no finished run.
    """
    data = RunData.open(folder)
    _write_texts(data, into / "config")
    for name in _COPIED_FILES:
        if (folder / name).exists():
            shutil.copyfile(folder / name, into / name)
    result = ReplayResult()
    replayer = _Replayer(data, into / "config", result)
    asyncio.run(replayer.replay_all(data, into / "answers.jsonl"))
    shutil.rmtree(into / "config")
    derive(into)
    result.different += [f"{name} differs" for name in _differing_files(folder, into)]
    return result


def _write_texts(data: RunData, config: Path) -> None:
    config.mkdir()
    for name, stored in data.manifest.get("texts", {}).items():
        path = config / name
        if not path.resolve().is_relative_to(config.resolve()):
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, stored["text"])


def _differing_files(folder: Path, into: Path) -> Iterator[str]:
    for path in sorted(path for path in into.rglob("*") if path.is_file()):
        before = folder / path.relative_to(into)
        if not before.is_file() or before.read_bytes() != path.read_bytes():
            yield path.relative_to(into).as_posix()


class _Replayer:
    def __init__(self, data: RunData, config: Path, result: ReplayResult) -> None:
        self._agents: Mapping[str, Agent[Any, Any]] = load_agents(data.spec)
        self._models: Mapping[str, Any] = data.manifest.get("fingerprints", {})
        self._prompts, self._criteria = Prompts([config]), Criteria([config])
        self._result = result

    async def replay_all(self, data: RunData, path: Path) -> None:
        """Makes every trace of the run again, and writes them to `path`."""
        with path.open("w", encoding="utf-8") as file:
            for trace in data.traces():
                file.write((await self.replay_trace(trace)).model_dump_json() + "\n")

    async def replay_trace(self, trace: AgentTrace) -> AgentTrace:
        """The trace, made again from its input and its stored replies."""
        self._result.cells += 1
        if trace.agent == PERSON:
            # What a person said: nothing can make it again.
            self._result.recorded += 1
            return trace
        agent = self._agents[trace.agent]
        if agent.searches_corpus or agent.fetches_pages or not _is_replayable(trace):
            self._result.recorded += 1
            return trace
        stored = _StoredModels(trace, self._models, self._result)
        tools = _StoredTools(trace)
        agent_services = AgentServices(stored, self._prompts, None, self._criteria, tools)
        try:
            output = await agent.process(trace.input, agent_services)
        except OutputInvalid as error:
            update = {"value": None, "error": ErrorRow(kind=type(error).__name__, message=str(error))}
        except CellError as error:
            self._result.different.append(f"{trace.step}, {trace.record_id}: {error}")
            return trace
        else:
            update = {"value": output.value, "status": output.status, "note": output.note}
        return trace.model_copy(update=update)


def _is_replayable(trace: AgentTrace) -> bool:
    if trace.status == "failed":
        return bool(trace.error and trace.error.kind == OutputInvalid.__name__)
    return trace.status in ("completed", "refused", "truncated")


class _StoredTools:
    """The tools of one trace: each call gives what it gave in the run."""

    def __init__(self, trace: AgentTrace) -> None:
        self._calls = list(trace.tools)

    async def call(self, request: UnifiedRequest, seconds: float | None = None) -> ToolCall:  # noqa: ARG002
        """The next call, as it is stored. Raises MissingInput where the run made another one."""
        found = next((one for one in self._calls if one.tool == request.target and _asked(one, request)), None)
        if found is None:
            raise MissingInput(f"no call of {request.target} with these arguments is stored")
        self._calls.remove(found)
        return found


def _asked(call: ToolCall, request: UnifiedRequest) -> bool:
    """Whether the stored call came of that request; a person may have changed its arguments."""
    return call.decision == "modified" or thawed(call.arguments) == thawed(request.inputs)


class _StoredModels:
    """The models of one trace: each gives the replies that it gave in the run."""

    def __init__(self, trace: AgentTrace, models: Mapping[str, Any], result: ReplayResult) -> None:
        self._replies = {call.key: call.reply for call in trace.calls if call.reply}
        self._given_up = {call.key: call.error or "" for call in trace.calls if call.given_up}
        self._models = models
        self._result = result

    def get(self, name: str) -> Model:
        """The model of that name. Raises ModelRejected if the manifest does not hold it."""
        known = self._models.get(name)
        if known is None:
            raise ModelRejected(f"the manifest does not hold the model '{name}'")
        return _StoredModel(name, known["fingerprint"], known["sees_images"], known["reads_material"], self._reply)

    def _reply(self, key: str) -> ModelReply | None:
        """The stored reply to that request. Raises TurnTimeOver where the run did not wait for one."""
        if key in self._given_up:
            raise TurnTimeOver(self._given_up[key])
        found = self._replies.get(key)
        self._result.replies += found is not None
        return found


@dataclass(frozen=True)
class _StoredModel:
    name: str
    fingerprint: str
    sees_images: bool
    reads_material: bool
    reply: Any

    async def complete(self, request: ModelRequest) -> ModelReply:
        keys = (
            request.cache_key(reads_material=self.reads_material),
            request.earlier_cache_key(reads_material=self.reads_material),
        )
        found = next((reply for key in dict.fromkeys(keys) if (reply := self.reply(key))), None)
        if found is None:
            raise ModelRejected(
                "no reply is stored for what would now be asked: the record, the prompt, the criterion or the program "
                "is not what it was"
            )
        return found

    async def aclose(self) -> None:
        """Does nothing: there is no connection to close."""

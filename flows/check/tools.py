"""The check of a step's tools: each is there, the agent can use it, and the flow has what it needs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from agents.tools.mcp.client import is_allowed
from agents.tools.registry import installed_tools, load_tool
from agents.tools.tool import Tool
from contract.flow import Step
from contract.tool_servers import MCPServer
from flows.config.diagnostics import Diagnostics, closest_name, join_names, there_are
from flows.config.validate import ValidatedFlow
from flows.spec.agent_registry import AgentClass
from flows.spec.nodes import FlowNode, walk_nodes
from flows.spec.tool_registry import server_of


@dataclass(frozen=True)
class ToolCheck:
    """Checks the tools that one flow names."""

    flow: ValidatedFlow
    agents: Mapping[str, AgentClass]
    servers: Mapping[str, MCPServer]
    diagnostics: Diagnostics

    def check(self) -> None:
        """Adds every mistake to the diagnostics."""
        for flow_node in walk_nodes(self.flow.spec, self.flow.path):
            step, agent = flow_node.node, self.agents.get(flow_node.name)
            if not isinstance(step, Step) or agent is None:
                continue
            if agent.uses_tools and not step.tools:
                todo = f"add `tools: [{next(iter(sorted(installed_tools())), 'name')}]`; {_there_are()}"
                self.diagnostics.add_at(flow_node.path, f"'{flow_node.name}' names no tools", todo=todo)
            elif step.tools and not agent.uses_tools:
                what = f"the agent '{step.agent}' uses no tools"
                todo = "leave `tools` out, or write `agent: tool_user`"
                self.diagnostics.add_at((*flow_node.path, "tools"), what, todo=todo)
            else:
                self._check_tools(flow_node, step)
            self._check_approve(flow_node, step)
            for name in step.inputs.keys() & agent.supplied_inputs if agent.uses_tools else ():
                what = f"the agent of '{flow_node.name}' takes no input '{name}' from other steps"
                todo = f"write `{name}:` of the step itself"
                self.diagnostics.add_at((*flow_node.path, "inputs", name), what, todo=todo)

    def _check_tools(self, flow_node: FlowNode, step: Step) -> None:
        for number, name in enumerate(step.tools):
            path = (*flow_node.path, "tools", str(number))
            if name in step.tools[:number]:
                self.diagnostics.add_at(path, f"'{name}' stands twice among the tools", todo="write it once")
            elif server := server_of(name):
                self._check_outside(name, server, path)
            elif found := self._load(name, path, installed_tools()):
                self._check_needs(name, found, path)

    def _check_outside(self, name: str, server: str, path: tuple[str, ...]) -> None:
        tool = name.partition(".")[2]
        if self.diagnostics.is_reported(("tools", server)):
            return
        if server not in self.servers:
            near = closest_name(server, self.servers)
            todo = f"describe it in tools/{server}.yaml of your config folder; {there_are(self.servers)}"
            self.diagnostics.add_at(path, f"there is no tool server '{server}'", nearest=near, todo=todo)
        elif "*" in tool:
            self.diagnostics.add_at(path, f"'{name}' is no name of a tool", todo="write each tool that is to be used")
        elif not is_allowed(self.servers[server], tool):
            what = f"the server '{server}' allows {', '.join(self.servers[server].allow)}, and not '{tool}'"
            self.diagnostics.add_at(path, what, todo=f"add it to `allow:` of '{server}'")

    def _load(self, name: str, path: tuple[str, ...], known: Collection[str]) -> Tool | None:
        if name not in known:
            what = f"there is no tool '{name}'"
            self.diagnostics.add_at(path, what, nearest=closest_name(name, known), todo=_there_are())
            return None
        try:
            return load_tool(name)
        except Exception as error:  # another package's tool may fail in any way while it is imported
            what = f"the tool '{name}' cannot be loaded: {type(error).__name__}: {error}"
            self.diagnostics.add_at(path, what, todo="leave it out, or ask the author of its package")
            return None

    def _check_needs(self, name: str, tool: Tool, path: tuple[str, ...]) -> None:
        if "read_corpus" in tool.permissions and not self.flow.spec.corpus:
            what = f"the tool '{name}' reads a corpus, and the flow names none"
            self.diagnostics.add_at(path, what, todo="add `corpus:` with the name of a storage to the flow")

    def _check_approve(self, flow_node: FlowNode, step: Step) -> None:
        for number, name in enumerate(step.approve):
            if name not in step.tools:
                path = (*flow_node.path, "approve", str(number))
                what = f"'{name}' is not among the tools of '{flow_node.name}', so nobody would be asked about it"
                near = closest_name(name, step.tools)
                self.diagnostics.add_at(path, what, nearest=near, todo=f"its tools are {join_names(step.tools)}")


def _there_are() -> str:
    return there_are(installed_tools())

"""The check of the resources that a flow names: models, templates, criteria, storages."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from agents.llms.hosted.keys import EMBEDDING_PROVIDERS
from agents.llms.readiness import judging_problem, readiness_problem, reply_type_problem
from agents.llms.scripted import script_problems
from agents.prompting.codebook import CodebookMistakes
from agents.prompting.criteria import Criteria, ignored_files
from agents.prompting.templates import Prompts
from contract.errors import PromptError
from contract.flow import FlowSpec, Measures, Step
from contract.judgements import JudgeReasons
from contract.models import ModelConfig, ScriptedModel
from contract.storage import BigQueryStorage, SearchableStorage, StorageConfig
from flows.check.condition_metadata import metadata_of_conditions
from flows.check.criterion_files import place_of_criterion
from flows.check.front_matter_names import idle_name_notes
from flows.check.judged import names_without_brackets
from flows.check.languages import LanguageCheck
from flows.check.measures import check_measures
from flows.check.metadata import MetadataCheck, MetadataName
from flows.check.missing_codes import MissingCodeCheck
from flows.check.sources import RecordCheck, check_source
from flows.check.step_types import StepTypes
from flows.check.templates import TemplateCheck, report_file_problem
from flows.check.votes import check_votes
from flows.check.where import WhereCheck
from flows.config.diagnostics import Diagnostics, closest_name, there_are
from flows.config.folders import display_path, misnamed_folders, misnamed_yaml
from flows.config.provenance import KeyPath
from flows.config.stray_words import shell_setting
from flows.config.validate import ValidatedFlow
from flows.spec.agent_registry import AgentClass
from flows.spec.nodes import FlowNode, walk_nodes
from flows.spec.search_steps import SEARCH_AGENTS
from flows.spec.step_values import all_parameter_values
from flows.storage.factory import SAVABLE_TYPES

_YAML_TRUTH = frozenset({"yes", "no", "on", "off", "true", "false"})


@dataclass
class ResourceCheck:
    """Checks the resources that one flow names. `used_models` gathers the names of the models that it uses."""

    flow: ValidatedFlow
    agents: Mapping[str, AgentClass]
    models: Mapping[str, ModelConfig]
    storage: Mapping[str, StorageConfig]
    folders: tuple[Path, ...]
    diagnostics: Diagnostics
    records: Sequence[RecordCheck] = ()
    """What else looks at the flow's records."""
    used_models: set[str] = field(default_factory=set[str])

    @cached_property
    def templates(self) -> TemplateCheck:
        """The check of the flow's templates."""
        nodes = {flow_node.name: flow_node for flow_node in walk_nodes(self.flow.spec, self.flow.path)}
        return TemplateCheck(Prompts(self.folders), self.diagnostics, StepTypes(self.flow, self.agents, nodes))

    def check(self) -> None:
        """Adds every mistake to the diagnostics."""
        criteria = Criteria(self.folders)
        for flow_node in walk_nodes(self.flow.spec, self.flow.path):
            agent = self.agents.get(flow_node.name)
            if not isinstance(flow_node.node, Step) or agent is None:
                continue
            self._check_examples(flow_node, flow_node.node, agent, criteria)
            check_votes(flow_node, self.flow.spec, self.agents, criteria, self.diagnostics)
            for name, value, path in all_parameter_values(flow_node, flow_node.node, agent):
                if not isinstance(value, str):
                    continue
                if name == "model":
                    self._check_model(value, path, agent)
                elif name == "criteria" and self._report_unbracketed(value, path, criteria.names()):
                    continue
                elif name == "criteria":
                    self._check_criterion(value, path, criteria)
                elif name == "template":
                    self.templates.check(value, path, flow_node, agent)
        self._report_ignored_files()
        self.templates.report_near_names(self.folders)
        self._check_storages(self.flow.spec)

    def _find_model(self, name: str, path: KeyPath) -> ModelConfig | None:
        config = self.models.get(name)
        if config is None and not self.diagnostics.is_reported(("models", name)):
            todo = f"{there_are(self.models)}; new ones go into models/ of your config folder"
            self.diagnostics.add_at(
                path, f"there is no model '{name}'", nearest=closest_name(name, self.models), todo=todo
            )
        return config

    def _check_model(self, name: str, path: KeyPath, agent: AgentClass) -> None:
        config = self._find_model(name, path)
        if config is None:
            return
        if getattr(agent, "requires_image_model", False) and not config.sees_images:
            todo = "choose a model with `sees_images: true`, for example with llms=lite"
            self.diagnostics.add_at(
                path, f"the model '{name}' cannot be used here: it does not see pictures", todo=todo
            )
            return
        reply = getattr(agent, "Reply", None)
        if reply and (reason := reply_type_problem(config, reply)):
            todo = "choose a hosted or local model for this step, for example with llms=lite"
            self.diagnostics.add_at(path, f"the model '{name}' cannot be used here: {reason}", todo=todo)
        self._use_model(name, config, path)

    def _use_model(self, name: str, config: ModelConfig, path: KeyPath) -> None:
        known = name in self.used_models
        self.used_models.add(name)
        if known or config.kind == "embedded":
            return
        if reason := readiness_problem(config):
            todo = "or use the embedded models with llms=embedded"
            self.diagnostics.add_at(path, f"the model '{name}' cannot be used: {reason}", todo=todo)
        elif isinstance(config, ScriptedModel) and config.path:
            self._check_script(name, config.path)

    def _check_script(self, model: str, script: Path) -> None:
        # Nothing is read, or shown, of a file that is refused because of its place.
        for one in () if self.diagnostics.is_reported(("models", model, "path")) else script_problems(script):
            where = one.where.replace(str(script), display_path(script), 1)
            self.diagnostics.add(where, one.what, nearest=one.nearest, todo=one.todo)

    def _report_unbracketed(self, value: str, path: KeyPath, known: Collection[str]) -> bool:
        """Reports `criteria=a,b`, several names without brackets, which would be taken for the text of a criterion."""
        names = names_without_brackets(value, known)
        if not names:
            return False
        line = shell_setting("criteria", f"[{','.join(names)}]")
        what = "several names are written in square brackets"
        self.diagnostics.add_at(path, what, todo=f"write {line}, or criteria: [{', '.join(names)}] in a file")
        return True

    def _check_criterion(self, value: str, path: KeyPath, criteria: Criteria) -> None:
        try:
            criterion = criteria.get(value)
            for note in idle_name_notes(criterion, criteria.path(value), self.flow.spec.measures):
                self.diagnostics.add_notice(note)
        except PromptError as error:
            if str(error).startswith("no criterion"):
                known = criteria.names()
                named = Path(value).stem
                nearest = named if named in known else closest_name(value, known)
                todo = f"{place_of_criterion(named, self.folders)}; {there_are(known)}"
                self.diagnostics.add_at(path, f"there is no criterion '{value}'", nearest=nearest, todo=todo)
            else:
                for mistake in error.mistakes if isinstance(error, CodebookMistakes) else (error,):
                    report_file_problem(mistake, path, self.diagnostics)

    def _check_examples(self, flow_node: FlowNode, step: Step, agent: AgentClass, criteria: Criteria) -> None:
        """Checks that each criterion of the step has the examples that a model which judges by examples needs."""
        if getattr(agent, "Reply", None) is not JudgeReasons:
            return
        values = list(all_parameter_values(flow_node, step, agent))
        named = [value for name, value, _ in values if name == "model" and isinstance(value, str)]
        asked = [self.models[name] for name in named if name in self.models]
        for name, value, path in values:
            if name != "criteria" or not isinstance(value, str) or names_without_brackets(value, criteria.names()):
                continue
            try:
                criterion = criteria.get(value)
            except PromptError:
                continue
            exemplified = [example.verdict for example in criterion.examples]
            if reason := next(
                (why for config in asked if (why := judging_problem(config, exemplified, criterion.codebook))), None
            ):
                self.diagnostics.add_at(path, f"'{flow_node.name}' cannot judge by this criterion: {reason}")

    def _report_ignored_files(self) -> None:
        for path in misnamed_yaml(self.folders):
            self.diagnostics.add_notice(f"{display_path(path)} is ignored: only .yaml is read")
        for folder, name in misnamed_folders(self.folders):
            self.diagnostics.add_notice(f"{display_path(folder)}/ is not read; did you mean {name}/?")
        for kind in ("criteria", "prompts"):
            for path in ignored_files(self.folders, kind):
                self.diagnostics.add_notice(
                    f"{display_path(path)} is ignored: only .md, .txt, .j2 and .jinja2 are read in {kind}/"
                )

    def _metadata_check(self, measures: Measures | None, records: KeyPath) -> MetadataCheck:
        path, provenance = (*self.flow.path, "measures", "by"), self.diagnostics.provenance
        wanted = [
            MetadataName(name, provenance.where((*path, str(number))), f"`by` names '{name}', which is no metadata")
            for number, name in enumerate(measures.by if measures else ())
        ]
        of_other_records = provenance.is_typed(records) and not provenance.is_typed(path)
        conditions = metadata_of_conditions(self.flow, provenance)
        return MetadataCheck([*wanted, *self.templates.metadata_names, *conditions], of_other_records)

    def _check_storages(self, flow: FlowSpec) -> None:
        self._check_label_names(flow.measures)
        ground_truth = check_measures(flow, self.flow.path, self.agents, self.folders, self.diagnostics)
        path = (*self.flow.path, "records")
        root, _, name = flow.records.partition(".")
        if root == "parameters" and name:
            if name not in flow.parameters:
                near = closest_name(name, flow.parameters)
                what = f"records come from 'parameters.{name}', which is no parameter of this flow"
                todo = there_are(flow.parameters)
                self.diagnostics.add_at(path, what, nearest=f"parameters.{near}" if near else None, todo=todo)
        elif found := self._find_storage(flow.records, path):
            metadata = self._metadata_check(flow.measures, path)
            codes = MissingCodeCheck.of(flow.measures, flow.records)
            looks = [*self.records, *([codes] if codes else [])]
            check_source(flow.records, found, self.diagnostics, ground_truth, metadata, looks)
        path = (*self.flow.path, "corpus")
        if flow.corpus is not None:
            found = self._find_storage(flow.corpus, path)
            if isinstance(found, SearchableStorage):
                languages = [LanguageCheck(flow.corpus)] if found.embedding is None else []
                looks = [WhereCheck.of(self.flow, found), *languages]
                check_source(flow.corpus, found, self.diagnostics, others=looks)
                self._check_embedding(flow.corpus, found)
            elif found:
                what = f"the storage '{flow.corpus}' is a {found.type}, which cannot be searched"
                self.diagnostics.add_at(path, what, todo="name a storage of type corpus or vector")
        else:
            self._report_missing_corpus(flow)
        for number, name in enumerate(flow.save):
            path = (*self.flow.path, "save", str(number))
            found = self._find_storage(name, path)
            if found and found.type not in SAVABLE_TYPES:
                what = f"the storage '{name}' is a {found.type}, which nothing can be saved to"
                self.diagnostics.add_at(path, what, todo=f"name one of type {' or '.join(SAVABLE_TYPES)}")
            elif isinstance(found, BigQueryStorage) and found.study is None:
                what = f"the storage '{name}' does not say which study its rows belong to"
                todo = (
                    "write `study:` and a name of your own in it, so that rows of another group's flow of the same "
                    "name in the same table are never replaced"
                )
                self.diagnostics.add_at(path, what, todo=todo)

    def _check_embedding(self, name: str, corpus: SearchableStorage) -> None:
        """Checks that the model of the corpus's vectors is there, has its key, and speaks the protocol for vectors."""
        if corpus.embedding is None:
            return
        place = ("storage", name, "embedding")
        located = self.diagnostics.provenance.location((*place, "model"))
        path: KeyPath = (*place, "model") if located else place
        model, config = corpus.embedding.model, self.models.get(corpus.embedding.model)
        if config is not None and getattr(config, "provider", None) not in EMBEDDING_PROVIDERS:
            what = f"the model '{model}' makes no vectors"
            todo = f"name a hosted one of provider {', '.join(EMBEDDING_PROVIDERS)}, or leave `embedding` out"
            self.diagnostics.add_at(path, what, todo=todo)
            return
        if config := self._find_model(model, path):
            self._use_model(model, config, path)

    def _check_label_names(self, measures: Measures | None) -> None:
        """Reports answers of people without quotation marks that YAML reads as true or false: `{yes: violates}`."""
        path = (*self.flow.path, "measures", "labels")
        # There are none where they were left out, with a mistake of their own.
        read = measures.labels if measures else {}
        found = [one for one in self.diagnostics.provenance.locations if one[:-1] == path] if read else []
        lost = [at for at in found if at[-1].lower() in _YAML_TRUTH and at[-1] not in read]
        if lost:
            words = ", ".join(f"`{at[-1]}`" for at in lost)
            what = f"{words} without quotation marks is true or false in YAML, and is no answer of people"
            quoted = ", ".join(f"'{at[-1]}': …" for at in lost)
            todo = f"write {quoted}, with quotation marks"
            self.diagnostics.add_at(lost[0], what, todo=todo)
            self.diagnostics.mark_reported(path)

    def _find_storage(self, name: str, path: KeyPath) -> StorageConfig | None:
        found = self.storage.get(name)
        if found is None and not self.diagnostics.is_reported(("storage", name)):
            todo = f"{there_are(self.storage)}; new ones go into storage/ of your config folder"
            self.diagnostics.add_at(
                path, f"there is no storage '{name}'", nearest=closest_name(name, self.storage), todo=todo
            )
        return found

    def _report_missing_corpus(self, flow: FlowSpec) -> None:
        for flow_node in walk_nodes(flow, self.flow.path):
            if isinstance(flow_node.node, Step) and flow_node.node.agent in SEARCH_AGENTS:
                corpora = [name for name, found in self.storage.items() if isinstance(found, SearchableStorage)]
                what = f"'{flow_node.name}' searches, but the flow names no corpus"
                self.diagnostics.add_at(
                    (*flow_node.path, "agent"),
                    what,
                    todo=f"add `corpus: …` to the flow; {there_are(corpora)}",
                )

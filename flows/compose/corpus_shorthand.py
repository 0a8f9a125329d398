"""`corpus=`: the literature that a flow searches, named on the command line without a storage in YAML.

corpus=my_papers            a folder of documents; a file of CSL-JSON in it is their metadata
corpus=my_library.json      a file of CSL-JSON; with the folder `files` beside it, if Zotero exported the files too
corpus=local                your library in the Zotero program on this machine; groups/123 one at Zotero's service
corpus=http://localhost:…   an export by Better BibTeX
corpus=osb                  a storage of the configuration; so does `storage=ferries` where a file has that name
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from agents.safety.paths import expanded, is_folder, is_there
from contract.flow import FlowSpec
from contract.storage import CorpusStorage, FileStorage, RecordStorage, SearchableStorage, StorageConfig
from contract.zotero import ZoteroStorage
from flows.config.diagnostics import Diagnostics, closest_name, there_are
from flows.storage.zotero.csl import is_csl_file

CORPUS_STORAGE = "your literature"
"""The name of its storage; no name that a configuration would give."""
_LABEL = "Your literature"


def corpus_named(
    text: str, where: str, storage: Mapping[str, StorageConfig], diagnostics: Diagnostics
) -> CorpusStorage | None:
    """The corpus of that name, which is none of a storage; a mistake is reported at `where`."""
    source = _source(text)
    if source is None and diagnostics.is_reported(("storage", text)):
        return None
    if source is None:
        known = [name for name, one in storage.items() if isinstance(one, SearchableStorage)]
        todo = (
            "name a folder of documents, a file of CSL-JSON, local (Zotero on this machine), groups/<number>, or a "
            f"storage that can be searched; {there_are(known)}"
        )
        what = f"there is neither a folder nor a library nor a storage '{text}'"
        diagnostics.add(where, what, nearest=closest_name(text, [*known, "local"]), todo=todo)
        return None
    return CorpusStorage(source=source, label=_LABEL, duplicates="one")


def with_chosen_storage(
    request: Mapping[str, str], flow: FlowSpec, chosen: str | None, storage: Mapping[str, StorageConfig]
) -> Mapping[str, str]:
    """The request, where `storage=ferries` names a storage of a study: what a flow searches, or else its records.

    It leaves all other storages out, so that nothing else can be meant.
    """
    if chosen is not None and not storage and flow.corpus is not None:
        # The mistakes of the chosen one are told; that the flow's own is left out is none.
        return {"corpus": chosen, **request}
    name = chosen if chosen in storage or len(storage) != 1 else next(iter(storage))
    if chosen is None or (config := storage.get(name or "")) is None or name is None:
        return request
    if flow.corpus is not None and (isinstance(config, SearchableStorage) or flow.corpus not in storage):
        return {"corpus": name, **request}
    reads = flow.records.partition(".")[0] != "parameters"
    return {"records": name, **request} if reads and flow.records not in storage else request


def _source(text: str) -> RecordStorage | None:
    path = (Path.cwd() / expanded(Path(text))).absolute()
    if text and is_there(path):
        if is_folder(path):
            libraries = [file for file in sorted(path.glob("*.json")) if is_csl_file(file)]
            if len(libraries) == 1:
                return ZoteroStorage(path=libraries[0], attachments=path)
            return FileStorage(path=path)
        if not is_csl_file(path):
            return FileStorage(path=path)
        exported = path.parent / "files"
        return ZoteroStorage(path=path, attachments=exported if is_folder(exported) else None)
    try:
        return ZoteroStorage(library=text)
    except ValidationError:
        return None

"""`zot` end to end: a folder of PDFs and an export, a cited answer with reference and page."""

from __future__ import annotations

import json
from pathlib import Path

from tests.storage.test_formats import pdf
from tests.support.commands import CommandLine

ENTRY = {
    "id": "doe1931",
    "type": "article-journal",
    "title": "Ferries of the northern islands",
    "author": [{"family": "Doe", "given": "Jane"}],
    "issued": {"date-parts": [[1931]]},
    "container-title": "Island Studies",
    "volume": "4",
}
PAGES = (
    "Ferries of the northern islands, by Jane Doe. The treasurer reported a loss. 111",
    "The council closed the ferry to the island in the spring. 112",
)


def test_an_answer_cites_the_reference_and_the_page(cli_with_server: CommandLine, tmp_path: Path) -> None:
    (papers := tmp_path / "papers").mkdir()
    (papers / "a.pdf").write_bytes(pdf(*PAGES))
    (papers / "library.json").write_text(json.dumps([ENTRY]), encoding="utf-8")
    asked = ["flows.zot", f"storage={papers}", "query=What did the council do to the ferry in the spring?"]
    done = cli_with_server.run(*asked, "--json")
    assert done.exit_code == 0, done.transcript
    shown = json.loads(done.stdout)
    [answer] = [one["result"] for one in shown["results"]]
    reference = "Doe, J. (1931). Ferries of the northern islands. Island Studies, 4."
    assert answer["references"] == [{"record_id": "doe1931", "text": reference, "made_by": None}]
    [citation] = answer["claims"][0]["citations"]
    assert citation["record_id"] == "doe1931" and "112" in citation["locator"]
    page = (Path(shown["folder"]) / "answer.html").read_text(encoding="utf-8")
    assert f"{reference.removesuffix('.')}, {citation['locator']}" in page.replace("&#39;", "'")
    earlier = json.dumps([{"question": "What of the ferry?", "sources": [ENTRY["title"]]}])
    asked = ["flows.zot", f"storage={papers}", "query=And what did the treasurer report there?", f"earlier={earlier}"]
    [follow_up] = json.loads(cli_with_server.run(*asked, "--json").stdout)["results"]
    assert follow_up["result"]["question"] == f'In "{ENTRY["title"]}": what did the treasurer report there?'
    assert "reported a loss" in follow_up["result"]["claims"][0]["citations"][0]["quote"]

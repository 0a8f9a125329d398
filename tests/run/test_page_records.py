"""A record that is an address of the web stands for the page, where its storage says so; so does one in a question."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from agents.tools.web import guarded_http
from agents.tools.web.guarded_http import GuardedHttp
from contract.base import thawed
from contract.errors import StudyError
from flows.check.preview import preview_lines, preview_source
from flows.check.sources import source_of
from flows.plan.plan import plan_with_kept_cells
from flows.results.open import result_store
from flows.results.store import page_path
from flows.run_folder.replay import replay
from tests.support.running import Lab
from tests.support.small_study import judge_reply, write_study
from tests.support.web_server import Answer, site

SENTENCE = "The second post is odd, and it says so at some length for every reader who comes by."
PAGE = f"<html><head><title>A post</title></head><body><article><p>{SENTENCE}</p></article></body></html>"
JUDGE = "  judge: {agent: judge, parameters: {criteria: one, model: x}}\n"


@dataclass
class Site:
    """A site on this machine that may be fetched as if it were public."""

    address: str
    asked: list[str] = field(default_factory=list[str])

    def url(self, path: str) -> str:
        """An address of it."""
        return f"http://{self.address}/{path}"

    @property
    def pages(self) -> list[str]:
        """What was asked for, the rules of the site left out."""
        return [path for path in self.asked if path != "/robots.txt"]


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with site({"/post": Answer(PAGE.encode())}) as (address, asked):
        monkeypatch.setattr(guarded_http, "GuardedHttp", partial(GuardedHttp, local=frozenset({address})))
        yield Site(address, asked)


def study(lab: Lab, posts: list[dict[str, str]], fetch: str = ", fetch: true") -> None:
    write_study(lab, JUDGE)
    lab.write_posts(posts)
    lab.write("storage/posts.yaml", f"posts: {{type: file, path: posts.jsonl{fetch}}}\n")
    lab.write_model("x", {"reply": judge_reply("violates")})


async def test_an_address_is_judged_as_its_page_and_fetched_once(lab: Lab, web: Site, tmp_path: Path) -> None:
    posts = [
        {"record_id": "a", "text": web.url("post")},
        {"record_id": "b", "url": web.url("post"), "title": "Mine"},
        {"record_id": "c", "text": f"See {web.url('post')} for it."},
        {"record_id": "d", "text": web.url("gone")},
    ]
    study(lab, posts)
    planned = await asyncio.to_thread(plan_with_kept_cells, lab.compose())
    assert planned.pages and planned.pages.to_fetch == (web.url("post"), web.url("gone"))
    assert not web.asked
    ran = await lab.run()
    records = {row.record_id: row.input.record for row in ran.rows("judge")}
    assert records["a"].text == SENTENCE and records["a"].uri == web.url("post") and records["a"].title == "A post"
    about = thawed(records["b"].metadata)["page"]
    assert records["b"].title == "Mine" and (about["address"], about["encoding"]) == (web.url("post"), "utf-8")
    assert records["c"].text == posts[2]["text"]
    assert ran.outcome and [str(one) for one in ran.outcome.rejects] == [
        f"posts: the record 'd': {web.url('gone')} was not read: the site answers with HTTP 404"
    ]
    manifest = json.loads((ran.outcome.folder / "manifest.json").read_text())
    [page] = manifest["pages"]
    store = result_store(str(lab.folder / "results"))
    assert store.read(page_path(page["sha256"])) == PAGE.encode()
    assert web.pages == ["/post", "/gone"]

    again = await lab.run()
    assert web.pages == ["/post", "/gone", "/gone"] and again.calls[0] == 0
    planned = await asyncio.to_thread(plan_with_kept_cells, lab.compose())
    assert planned.pages and (planned.pages.to_fetch, planned.pages.kept) == ((web.url("gone"),), 1)
    assert {one.kept for one in planned.forecasts} == {3}
    before = len(web.asked)
    (tmp_path / "again").mkdir()
    replayed = await asyncio.to_thread(replay, ran.outcome.folder, tmp_path / "again")
    assert replayed.different == [] and len(web.asked) == before


async def test_without_the_setting_an_address_is_only_text(lab: Lab, web: Site) -> None:
    study(lab, [{"record_id": "a", "text": web.url("post")}], fetch="")
    composed = lab.compose()
    [note] = [one for one in composed.notices if "address" in one]
    assert (
        "with `fetch: true` in the storage" in note
        and (await asyncio.to_thread(plan_with_kept_cells, composed)).pages is None
    )
    ran = await lab.run()
    assert ran.rows("judge")[0].input.record.text == web.url("post") and not web.asked


def test_a_check_shows_what_a_run_would_fetch(lab: Lab, web: Site) -> None:
    study(lab, [{"record_id": "a", "url": web.url("post")}, {"record_id": "b", "text": "A post."}])
    lines = list(preview_lines(preview_source(source_of(lab.compose().storage["posts"]))))
    assert f"    pages of the web that a run fetches: {web.url('post')}" in lines and not web.asked


async def test_a_study_of_pages_that_are_not_there_ends_with_the_reason(lab: Lab, web: Site) -> None:
    study(lab, [{"record_id": "a", "text": "http://127.0.0.1:1/"}])
    ran = await lab.run()
    assert ran.state.message and "no page could be read" in ran.state.message and "port 1" in ran.state.message


def test_a_corpus_fetches_nothing(lab: Lab) -> None:
    study(lab, [{"record_id": "a", "text": "A post."}])
    lab.write("storage/all.yaml", "all: {type: corpus, label: All, source: {path: posts.jsonl, fetch: true}}\n")
    with pytest.raises(StudyError, match="not for a corpus"):
        lab.compose()


QUESTION = "query=Does {url} say that the post is odd?"
DRAFT = {"claims": [{"quotes": [{"passage": "P2", "quote": SENTENCE}], "text": "It does."}], "answerable": True}


@pytest.mark.parametrize("fetch", [True, False])
async def test_a_page_in_a_question_is_read_where_that_is_wanted(
    lab: Lab, web: Site, tmp_path: Path, fetch: bool
) -> None:
    lab.flow = "osb"
    lab.write("cases.jsonl", [{"record_id": "case", "title": "A case", "text": "Reclaimed words are allowed."}])
    lab.write("storage/osb.yaml", "osb: {type: corpus, label: Cases, source: {type: file, path: cases.jsonl}}\n")
    search: dict[str, Any] = {"target": "search", "inputs": {"queries": ["reclaimed words"]}, "reason": "first"}
    lab.write_model(
        "one", {"output_name": "HostChoice", "reply": search}, {"output_name": "ResearchDraft", "reply": DRAFT}
    )
    lab.settings = [
        f"llms.{role}={value}"
        for role, value in {"researchers": "[one]", "host": "one", "general": "one", "differences": "one"}.items()
    ]
    arguments = [QUESTION.format(url=web.url("post")), *(["fetch=true"] if fetch else [])]
    [note] = [one for one in lab.compose(*arguments).notices if web.url("post") in one]
    assert ("will fetch" if fetch else "with fetch=true") in note and not web.asked
    ran = await lab.run(*arguments)
    assert ran.state.is_completed(), ran.state
    assert web.pages == (["/post"] if fetch else [])
    [answer] = [thawed(ran.result)]
    quoted = [citation["record_id"] for claim in answer["claims"] for citation in claim["citations"]]
    assert quoted == ([web.url("post")] if fetch else [])
    before = len(web.asked)
    (tmp_path / "again").mkdir()
    assert ran.outcome
    replayed = await asyncio.to_thread(replay, ran.outcome.folder, tmp_path / "again")
    assert replayed.different == [] and len(web.asked) == before

"""From two coders' answers to a gold set, and to a run that is compared with it."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from contract.errors import StorageError
from flows.cli.main import main
from flows.coding.access import ADJUDICATORS_FILE, Access
from flows.coding.adjudication import ModelAnswer, agreed_entries, coded_items, open_disputes
from flows.coding.adjudication_pages import AdjudicationPages
from flows.coding.answer_log import read_answers
from flows.coding.app import make_app
from flows.coding.task import read_task
from flows.files.gold_set import GoldSet, add_to_gold, read_gold, with_gold
from tests.support.coding import CRITERION, PORT, RECORDS, coder_of, coding_pages, form_fields, make_coding


def code(folder: Path) -> None:
    """Ana says rude to all; Ben says polite to two of the five, with reasons."""
    make_coding(folder)
    with coding_pages(folder) as (desk, access, client):
        for name in ("ana", "ben"):
            coder = coder_of(access, client, name)
            for item in desk.items(name):
                polite = name == "ben" and item.drawn.record_id in ("r2", "r4")
                coder.answer(item.place, "polite" if polite else "rude", reason=f"because {name[0]}", quotes="the text")


def code_again(folder: Path) -> None:
    """Ben says polite to a third one."""
    with coding_pages(folder) as (desk, access, client):
        [third] = [item for item in desk.items("ben") if item.drawn.record_id == "r1"]
        coder_of(access, client, "ben").answer(third.place, "polite")


def decide(client: TestClient, page: str, **fields: str) -> tuple[int, str]:
    """Opens the page, fills in its form and sends it; the status and the text of what follows."""
    sent = client.post(page, data={**form_fields(client.get(page).text), **fields})
    return sent.status_code, sent.text


@contextmanager
def adjudicating(folder: Path, by: str = "carla") -> Generator[tuple[TestClient, str, Path, AdjudicationPages]]:
    gold, found = folder / "gold" / "study.jsonl", read_task(folder)
    assert found is not None
    items = list(coded_items(*found, read_answers(folder)))
    known = add_to_gold(gold, agreed_entries(items, read_gold(gold)))
    models = {("r2", "rude"): [ModelAnswer("big", "rude", "It says <b>so</b>.")]}
    pages = AdjudicationPages(gold, open_disputes(items, known), models)
    access = Access.read(folder, ADJUDICATORS_FILE)
    access.add([f"decides:{by}"])
    with TestClient(make_app(pages.routes(access), PORT), base_url=f"http://127.0.0.1:{PORT}") as client:
        yield client, f"/a/{access.tokens[f'decides:{by}']}", gold, pages


def test_only_where_coders_differ_somebody_decides_without_names(tmp_path: Path) -> None:
    code(tmp_path)
    with adjudicating(tmp_path) as (client, base, gold, pages):
        assert read_gold(gold).version == 5 and pages.open == 2
        first = client.get(f"{base}/1").text
        assert "A: " in first and "because a" in first and "because b" in first and "“<bdi>the text</bdi>”" in first
        assert not re.search(r"\bana\b|\bben\b", first), "names are hidden"
        status, refused = decide(client, f"{base}/1", verdict="polite")
        assert status == 422 and "Say why" in refused
        status, refused = decide(client, f"{base}/1", verdict="polite", reason="x" * 10_001)
        assert status == 422 and "at most 10,000 characters" in refused
        decide(client, f"{base}/1", verdict="polite", reason="It is meant well.")
        _, ended = decide(client, f"{base}/2", verdict="cannot decide", reason="Too short.")
        assert "Everything is decided" in ended
    found = read_gold(gold)
    assert found.version == 7 and len(found.entries) == 5
    first_entry = found.of("r2")["rude"]
    assert (first_entry.verdict, first_entry.how, first_entry.by) == ("polite", "adjudicated", "carla")
    assert dict(first_entry.votes) == {"ana": "rude", "ben": "polite"} and first_entry.why == "It is meant well."
    assert found.of("r4")["rude"].verdict is None and found.of("r1")["rude"].how == "agreed"
    with adjudicating(tmp_path) as (_, _, gold, pages):
        assert read_gold(gold).version == 7 and pages.open == 0, "nothing is decided a second time"


def test_a_page_that_was_open_before_a_restart_decides_on_no_other_record(tmp_path: Path) -> None:
    code(tmp_path)
    with adjudicating(tmp_path) as (client, base, _, _):
        page = client.get(f"{base}/1").text
        decide(client, f"{base}/2", verdict="polite", reason="It is meant well.")
    with adjudicating(tmp_path) as (client, base, gold, pages):
        assert pages.open == 1 and form_fields(client.get(f"{base}/1").text) == form_fields(page)
        decide(client, f"{base}/1", verdict="rude", reason="It is not.")
    code_again(tmp_path)
    with adjudicating(tmp_path) as (client, base, gold, pages):
        version = read_gold(gold).version
        sent = client.post(f"{base}/1", data={**form_fields(page), "verdict": "polite", "reason": "Of another."})
        assert sent.status_code == 422 and "not made for what is shown here" in sent.text
        assert read_gold(gold).version == version


@pytest.mark.parametrize("words", [(), ("by=carla", "run=none")])
def test_a_refused_command_leaves_no_gold_behind(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code(tmp_path)
    assert main(["code", "adjudicate", f"folder={tmp_path}", f"gold={tmp_path}/study.jsonl", *words]) == 2
    assert "nobody is named who decides" in (said := capsys.readouterr()).err or "run=none" in said.err
    assert "version" not in said.out and not (tmp_path / "study.jsonl").exists()


def test_models_answers_are_shown_on_request_only_and_the_decision_says_so(tmp_path: Path) -> None:
    code(tmp_path)
    with adjudicating(tmp_path) as (client, base, gold, _):
        assert "It says" not in client.get(f"{base}/1").text
        assert "What models said" not in client.get(f"{base}/1?models=1").text
        shown = client.post(f"{base}/1/models").text
        assert "It says &lt;b&gt;so&lt;/b&gt;." in shown
        for place in (1, 2):
            decide(client, f"{base}/{place}", verdict="rude", reason="So it is.")
    found = read_gold(gold)
    assert found.of("r2")["rude"].models_shown and not found.of("r4")["rude"].models_shown


def test_a_decision_that_is_sent_twice_is_one_line(tmp_path: Path) -> None:
    code(tmp_path)
    with adjudicating(tmp_path) as (client, base, gold, _):
        versions = list[int]()
        for reason in ("So it is.", "So it is.", "It is, on second thoughts."):
            form = {**form_fields(client.get(f"{base}/1").text), "verdict": "polite", "reason": reason}
            assert client.post(f"{base}/1", data=form).status_code == 200
            versions.append(read_gold(gold).version)
    assert versions == [6, 6, 7]


def test_who_has_not_seen_a_decision_is_shown_it_before_another_counts(tmp_path: Path) -> None:
    code(tmp_path)
    with adjudicating(tmp_path) as (carla, at_carla, gold, _), adjudicating(tmp_path, "dora") as (dora, at_dora, _, _):
        page = form_fields(dora.get(f"{at_dora}/1").text)
        first = form_fields(carla.get(f"{at_carla}/1").text)
        mine = {**page, "verdict": "rude", "reason": "It is an insult."}
        for _ in range(2):
            sent = carla.post(f"{at_carla}/1", data={**first, "verdict": "polite", "reason": "<i>Meant</i> well."})
            assert sent.status_code == 200, "a form that is sent twice"
        assert read_gold(gold).version == 6
        refused = dora.post(f"{at_dora}/1", data=mine)
        assert refused.status_code == 409 and read_gold(gold).version == 6, refused.text
        assert "decided otherwise after you opened" in refused.text and "It is an insult." in refused.text
        assert "<strong><bdi>polite</bdi></strong>, <bdi>carla</bdi>" in refused.text
        assert "&lt;i&gt;Meant&lt;/i&gt; well." in refused.text and "<i>Meant" not in refused.text
        anyway = dora.post(f"{at_dora}/1", data={**mine, **form_fields(refused.text)})
        assert anyway.status_code == 200 and read_gold(gold).of("r2")["rude"].by == "dora"
        # The other browser tab of the first person.
        stale = carla.post(f"{at_carla}/1", data={**first, "verdict": "cannot decide", "reason": "Hard to say."})
        assert stale.status_code == 409 and "<bdi>dora</bdi>" in stale.text
    lines = [json.loads(line) for line in gold.read_text().splitlines()][5:]
    assert [(one["by"], one["verdict"]) for one in lines] == [("carla", "polite"), ("dora", "rude")]


def test_the_same_decision_by_somebody_else_is_kept_too(tmp_path: Path) -> None:
    code(tmp_path)
    with adjudicating(tmp_path) as (carla, at_carla, gold, _), adjudicating(tmp_path, "dora") as (dora, at_dora, _, _):
        page = form_fields(dora.get(f"{at_dora}/1").text)
        decide(carla, f"{at_carla}/1", verdict="polite", reason="Meant well.")
        agreed = dora.post(f"{at_dora}/1", data={**page, "verdict": "polite", "reason": "Meant well."})
        assert agreed.status_code == 200, "nothing is overridden"
    lines = [json.loads(line) for line in gold.read_text().splitlines()][5:]
    assert [(one["by"], one["verdict"], one["why"]) for one in lines] == [
        ("carla", "polite", "Meant well."),
        ("dora", "polite", "Meant well."),
    ]


def test_a_gold_set_that_was_changed_is_refused_with_its_line(tmp_path: Path) -> None:
    code(tmp_path)
    with adjudicating(tmp_path) as (_, _, gold, _):
        lines = gold.read_text().splitlines()
    value = json.loads(lines[1])
    lines[1] = json.dumps({**value, "verdict": "polite"})
    gold.write_text("\n".join(lines) + "\n")
    with pytest.raises(StorageError, match=r"study\.jsonl:2: .*changed after it was written"):
        read_gold(gold)
    gold.write_text("\n".join([lines[0], lines[2]]) + "\n")
    with pytest.raises(StorageError, match=r":2: "):
        read_gold(gold)


def test_decisions_reach_a_record_only_on_the_words_that_people_read(tmp_path: Path) -> None:
    code(tmp_path)
    with adjudicating(tmp_path) as (_, _, gold, _):
        found = read_gold(gold)
    [record] = [one for one in RECORDS if one.record_id == "r1"]
    people = (with_gold(record, found.of("r1")).ground_truth or {})["people"]
    assert isinstance(people, dict | type(record.metadata)) and dict(people)[CRITERION.name]["gold"] == "rude"  # type: ignore[index]
    changed = record.model_copy(update={"text": "Other words."})
    assert with_gold(type(record).model_validate(changed.model_dump()), found.of("r1")).ground_truth is None
    assert GoldSet().of("r1") == {}

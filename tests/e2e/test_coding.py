"""`code` as a user has it: served, killed, served again, exported."""

from __future__ import annotations

import csv
from pathlib import Path

import httpx

from tests.support.coding import form_fields
from tests.support.commands import CommandLine, RunningCommand, wait_until

BEGIN = ("code", "coders=[ana,ben]", "sample=13", "criteria=[ordinary]", "strata=[target]")


def links(server: RunningCommand) -> dict[str, str]:
    """Coder -> link, as soon as the server prints them."""
    wait_until(lambda: "Ctrl-C" in server.stdout or not server.running, lambda: f"links: {server.stderr}")
    return dict(line.split(": ", 1) for line in server.stdout.splitlines() if "/c/" in line)


def test_answers_outlive_a_kill_and_the_links_go_on(tmp_path: Path) -> None:
    cli = CommandLine(tmp_path)
    first = cli.start("flows.tox", *BEGIN)
    found = links(first)
    with httpx.Client(follow_redirects=True) as client:
        for link in [*found.values()] * 4:
            page = client.get(f"{link}/next")
            client.post(str(page.url), data={**form_fields(page.text), "verdict": "violates"}).raise_for_status()
        second_server = cli.run("flows.tox", *BEGIN)
        assert second_server.exit_code == 3 and "in use by another" in second_server.stderr, second_server.transcript
        first.kill()
        again = cli.start("flows", "code")
        assert links(again) == found, "the same links at the same port"
        for name, link in found.items():
            assert "4 of 13 answered" in client.get(link).text
            for _ in range(9):
                page = client.get(f"{link}/next")
                verdict = "unclear" if name == "ben" else "violates"
                page = client.post(str(page.url), data={**form_fields(page.text), "verdict": verdict})
            assert "All answered" in client.get(f"{link}/answers").text
    again.interrupt()
    ended = again.wait()
    assert ended.exit_code == 0 and "ana: 13 of 13 answered" in ended.stdout, ended.transcript
    exported = cli.run("flows", "code", "export", "table.csv")
    assert "26 rows" in exported.stdout, exported.transcript
    with (cli.working_folder / "table.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({(row["record_id"], row["coder"]) for row in rows}) == 26
    assert all(0 < float(row["probability"]) <= 1 and row["stratum.target"] for row in rows)

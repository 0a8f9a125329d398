"""The coding server against those who have no link, come from elsewhere, or hide a script in a record."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from contract.record import Record
from tests.support.coding import PORT, coder_of, coding_pages, form_fields, make_coding


def test_no_link_wrong_link_and_another_coders_link_show_the_same_nothing(tmp_path: Path) -> None:
    make_coding(tmp_path)
    with coding_pages(tmp_path) as (desk, access, client):
        token = access.tokens["ana"]
        wrong = ["/", "/c", "/c/", "/c/ana", f"/c/{token[:-1]}", f"/c/{token}x", f"/c/{token.swapcase()}/1", "/c/ /1"]
        wrong += [f"/c/{token}/0", f"/c/{token}/99", f"/c/{token}/../../etc/passwd", "/docs", f"/c/{'é' * 8}"]
        found = {path: client.get(path) for path in wrong}
        assert {path: one.status_code for path, one in found.items()} == dict.fromkeys(wrong, 404)
        assert len({one.text for one in found.values()}) == 1
        assert token != access.tokens["ben"] and len(token) >= 32
        form = form_fields(coder_of(access, client, "ana").get("/1"))
        assert client.post("/c/guessed/1", data={**form, "verdict": "rude"}).status_code == 404
        assert not list(desk.log.answers)
    assert stat.S_IMODE((tmp_path / "links.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("host", ["evil.example", f"evil.example:{PORT}", "127.0.0.1:1", "127.0.0.1.evil.example", ""])
def test_a_foreign_host_is_refused(tmp_path: Path, host: str) -> None:
    make_coding(tmp_path)
    with coding_pages(tmp_path) as (_, access, client):
        base = f"/c/{access.tokens['ana']}"
        assert client.get(base, headers={"host": host}).status_code == 400


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", f"https://127.0.0.1:{PORT}"])
def test_a_form_from_another_origin_is_refused(tmp_path: Path, origin: str) -> None:
    make_coding(tmp_path)
    with coding_pages(tmp_path) as (desk, access, client):
        ana = coder_of(access, client, "ana")
        form = {**form_fields(ana.get("/1")), "verdict": "rude"}
        assert client.post(f"{ana.base}/1", data=form, headers={"origin": origin}).status_code == 403
        assert client.post(f"{ana.base}/undo", headers={"sec-fetch-site": "cross-site"}).status_code == 403
        assert not list(desk.log.answers)
        own = {"origin": f"http://127.0.0.1:{PORT}", "sec-fetch-site": "same-origin"}
        assert client.post(f"{ana.base}/1", data=form, headers=own).status_code == 200


def test_a_script_in_a_record_or_an_answer_is_text(tmp_path: Path) -> None:
    script = "<script>alert(1)</script><img src=x onerror=alert(2)>{{ 7*7 }}"
    record = Record(record_id="r1", title=script, text=f"{script} and more words", sections={script: script})
    make_coding(tmp_path, [record])
    with coding_pages(tmp_path) as (_, access, client):
        ana = coder_of(access, client, "ana")
        ana.answer(1, "rude", reason=f"</textarea>{script}")
        response = client.get(f"{ana.base}/1")
    assert "alert(1)</script>" not in response.text and "<img" not in response.text
    assert "&lt;script&gt;alert(1)" in response.text and "{{ 7*7 }}" in response.text
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert response.headers["cache-control"] == "no-store" and response.headers["x-content-type-options"] == "nosniff"
    assert "http://" not in response.text.replace("http://www.w3.org", "") and "https://" not in response.text


def test_a_form_that_is_too_large_is_refused(tmp_path: Path) -> None:
    make_coding(tmp_path)
    with coding_pages(tmp_path) as (desk, access, client):
        ana = coder_of(access, client, "ana")
        form = {**form_fields(ana.get("/1")), "verdict": "rude", "reason": "x" * 300_000}
        assert client.post(f"{ana.base}/1", data=form).status_code == 413
        ana.answer(1, "rude", status=422, reason="x" * 20_000)
        assert not list(desk.log.answers)

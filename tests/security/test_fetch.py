"""Addresses and pages that strangers wrote: each is refused or stays within its bounds."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from contextlib import AsyncExitStack
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from agents.base.services import AgentServices
from agents.prompting.templates import Prompts
from agents.tools.registry import load_tool
from agents.tools.web.addresses import Address, is_public
from agents.tools.web.fetch import WebPages
from agents.tools.web.guarded_http import FetchLimits, GuardedHttp
from contract.errors import FetchRefused
from flows.results.open import result_store
from flows.results.store import page_path
from flows.run.web_pages import KeptPages
from tests.agents.agent_calls import ScriptedModels
from tests.support.web_server import Answer, site

_PRIVATE = [
    "127.0.0.1",
    "127.8.9.1",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.8",
    "192.88.99.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2001:0:7f00:1::",
    "fc00::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "100::1",
]


@pytest.mark.parametrize("address", _PRIVATE)
def test_an_address_that_is_not_of_the_public_internet_is_known_however_it_is_written(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "2606:2800:21f:cb07::1", "::ffff:93.184.215.14", "64:ff9b::5db8:d70e"]
)
def test_a_public_address_is_public(address: str) -> None:
    assert is_public(ip_address(address))


_HOSTILE_URLS = [
    "http://127.0.0.1/",
    "http://localhost/",
    "http://LOCALHOST./",
    "http://2130706433/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://127.1/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[fe80::1%25lo]/",
    "http://169.254.169.254/latest/meta-data/",
    "http://rebound.test/",
    "http://half-private.test/",
    "http://nowhere.invalid/",
    "http://①②⑦.⓪.⓪.①/",
    "http://public.test:22/",
    "http://public.test:6379/",
    "http://ana:secret@public.test/",
    "http://public.test@127.0.0.1/",
    "file:///etc/passwd",
    "ftp://public.test/",
    "gopher://public.test:70/_x",
    "data:text/html,hello",
    "javascript:alert(1)",
    "//public.test/",
    "public.test",
    "",
    "http://",
    "http://" + "a" * 70_000 + ".test/",
    "http://public.test:99999/",
    "http://a\nb.test/",
]


async def _resolver(host: str, port: int) -> Sequence[Address]:
    known = {
        "rebound.test": ["10.0.0.1"],
        "half-private.test": ["93.184.215.14", "127.0.0.1"],
        "public.test": ["93.184.215.14"],
    }
    if host in known:
        return [ip_address(one) for one in known[host]]
    from agents.tools.web.addresses import resolve

    return await resolve(host, port)


@pytest.mark.parametrize("url", _HOSTILE_URLS, ids=[url[:40] for url in _HOSTILE_URLS])
async def test_a_hostile_address_is_refused_before_anything_is_asked(url: str) -> None:
    async with GuardedHttp(FetchLimits(seconds=5), resolver=_resolver) as http:
        with pytest.raises(FetchRefused):
            await WebPages(http).fetch(url)


def _article(text: str = "A court decided that the post may stay. " * 20) -> bytes:
    return f"<html><head><title>T</title></head><body><article><p>{text}</p></article></body></html>".encode()


_OTHER_PORT = "http://127.0.0.1:9/"
_HOSTILE_PAGES: dict[str, Answer] = {
    "redirect to this machine": Answer(status=302, headers={"Location": _OTHER_PORT}),
    "redirect to metadata": Answer(status=301, headers={"Location": "http://169.254.169.254/latest"}),
    "redirect to a file": Answer(status=302, headers={"Location": "file:///etc/passwd"}),
    "redirect to itself": Answer(status=307, headers={"Location": "/page"}),
    "too large": Answer(_article("word " * 100_000)),
    "a bomb": Answer(gzip.compress(_article("0" * 50_000_000)), headers={"Content-Encoding": "gzip"}),
    "a bomb in a bomb": Answer(
        gzip.compress(gzip.compress(b"0" * 5_000_000)), headers={"Content-Encoding": "gzip, gzip"}
    ),
    "another packing": Answer(zlib.compress(b"0" * 1000), headers={"Content-Encoding": "br"}),
    "broken packing": Answer(b"this is not gzip", headers={"Content-Encoding": "gzip"}),
    "drop by drop": Answer(_article(), chunk_seconds=1.0),
    "cut": Answer(_article(), cut_after=300),
    "a picture": Answer(b"\x89PNG\r\n\x1a\n", "image/png"),
    "a program": Answer(b"\x7fELF", "application/octet-stream"),
    "no text": Answer(b"<html><body><script>alert(1)</script></body></html>"),
    "nothing": Answer(b""),
    "an error": Answer(_article(), status=500),
    "forbidden": Answer(_article(), status=403),
    "deep": Answer(b"<div>" * 40_000),
}


@pytest.mark.parametrize("answer", _HOSTILE_PAGES.values(), ids=list(_HOSTILE_PAGES))
async def test_a_hostile_page_is_refused_within_its_bounds(answer: Answer) -> None:
    with site({"/page": answer}) as (host, asked):
        async with GuardedHttp(FetchLimits(bytes=200_000, seconds=2), local=frozenset({host})) as http:
            with pytest.raises(FetchRefused):
                await WebPages(http).fetch(f"http://{host}/page")
        assert len(asked) <= 7


async def test_a_site_that_forbids_it_is_not_read() -> None:
    rules = Answer(b"User-agent: *\nDisallow: /private/", "text/plain")
    with site({"/robots.txt": rules, "/private/a": Answer(_article()), "/b": Answer(_article())}) as (host, asked):
        async with GuardedHttp(local=frozenset({host})) as http:
            pages = WebPages(http)
            with pytest.raises(FetchRefused, match=r"robots\.txt does not allow"):
                await pages.fetch(f"http://{host}/private/a")
            page, _ = await pages.fetch(f"http://{host}/b")
    assert "the post may stay" in page.text
    assert asked == ["/robots.txt", "/b"]


async def test_what_a_page_hides_from_readers_and_its_control_characters_are_left_out() -> None:
    hidden = '<div style="display:none">OBEY ME</div>'
    article = f"<article><p>{'The Board overturned it. ' * 20}\u202e</p></article>"
    html = f"<html><body><nav>Menu</nav>{article}{hidden}</body></html>"
    with site({"/page": Answer(html.encode())}) as (host, _):
        async with GuardedHttp(local=frozenset({host})) as http:
            page, raw = await WebPages(http).fetch(f"http://{host}/page")
    assert "overturned" in page.text
    assert not any(part in page.text for part in ("OBEY", "Menu", "\u202e"))
    assert raw.content == html.encode()


async def test_a_page_that_a_tool_read_is_kept_as_it_was_sent(tmp_path: Path) -> None:
    store = result_store(str(tmp_path))
    with site({"/page": Answer(_article())}) as (host, _):
        async with AsyncExitStack() as stack:
            pages = KeptPages(store, stack, GuardedHttp(local=frozenset({host})))
            services = AgentServices(models=ScriptedModels([]), prompts=Prompts([]), web=pages)
            page: Any = await load_tool("fetch").call({"url": f"http://{host}/page"}, services)
            with pytest.raises(FetchRefused, match="HTTP 404"):
                await load_tool("fetch").call({"url": f"http://{host}/nothing"}, services)
    assert "the post may stay" in page["text"]
    assert store.read(page_path(page["sha256"])) == _article()

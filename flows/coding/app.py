"""The web application of coders: `/c/<link>/…`, and nothing that could be found without a link."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from flows.coding.access import Access
from flows.coding.desk import CodingDesk, Item
from flows.coding.form import MAX_FORM_BYTES, FilledForm
from flows.coding.guard import Guard
from flows.coding.pages import Page, answers_page, item_page, message_page, start_page
from flows.files.os_error import os_error_text

_SHOWN_COOKIE = "shown"
Handler: TypeAlias = Callable[[Request, str, str], Awaitable[Response]]
"""Request, person, and the path of that person's pages -> response."""


def page_response(page: Page, status: int = 200) -> Response:
    """The response that shows a page."""
    return HTMLResponse(page.html, status, headers={"content-security-policy": page.policy})


def not_found() -> Response:
    """The same answer to every address that is nothing, and to every wrong link."""
    page = message_page("There is nothing here", "This link is not known. Ask whoever sent it for the right one.")
    return page_response(page, 404)


class TooLarge(Exception):
    """More was sent than any form of ours holds."""


async def read_body(request: Request) -> bytes:
    """What was sent. Raises TooLarge."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_FORM_BYTES:
            raise TooLarge
    return bytes(body)


async def read_form(request: Request) -> FilledForm:
    """The form that was sent. Raises TooLarge."""
    return FilledForm.parse(await read_body(request))


def for_person(access: Access, prefix: str, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """A handler that is called for a right link only."""

    async def handle(request: Request) -> Response:
        token = request.path_params["token"]
        person = access.person(token)
        if person is None:
            return not_found()
        try:
            return await handler(request, person, f"{prefix}/{token}")
        except TooLarge:
            return page_response(message_page("Too large", "This is more than a form may hold."), 413)
        except OSError as error:
            text = f"Nothing was saved: {os_error_text(error)}. Go back, and save once more when there is room."
            return page_response(message_page("Not saved", text), 507)

    return handle


class CoderPages:
    """The pages of coders."""

    def __init__(self, desk: CodingDesk) -> None:
        self._desk = desk

    def routes(self, access: Access) -> list[Route]:
        """The addresses of a coder's pages."""
        self._prepare()
        pages: Sequence[tuple[str, str, Handler]] = (
            ("", "GET", self.start),
            ("/next", "GET", self.next),
            ("/answers", "GET", self.answers),
            ("/answers/{number:int}", "GET", self.answers),
            ("/undo", "POST", self.undo),
            ("/show", "POST", self.show),
            ("/{place:int}", "GET", self.item),
            ("/{place:int}", "POST", self.save),
        )
        return [
            Route(f"/c/{{token}}{path}", for_person(access, "/c", handler), methods=[method])
            for path, method, handler in pages
        ]

    async def start(self, request: Request, coder: str, base: str) -> Response:  # noqa: ARG002
        """The first page."""
        return page_response(start_page(self._desk, coder, base))

    async def next(self, request: Request, coder: str, base: str) -> Response:  # noqa: ARG002
        """Leads to the first item without an answer."""
        return self._go_on(coder, base)

    async def answers(self, request: Request, coder: str, base: str) -> Response:
        """The list of the coder's answers, page by page."""
        number: int = request.path_params.get("number", 1)
        page = answers_page(self._desk, coder, base, number)
        return not_found() if page is None else page_response(page)

    async def undo(self, request: Request, coder: str, base: str) -> Response:  # noqa: ARG002
        """Takes back the last answer, and shows what it was an answer to."""
        item = self._desk.undo(coder)
        return RedirectResponse(f"{base}/{item.place}" if item else base, 303)

    async def show(self, request: Request, coder: str, base: str) -> Response:  # noqa: ARG002
        """Shows masked texts from now on, or masks them again."""
        place = request.query_params.get("at", "")
        response = RedirectResponse(f"{base}/{int(place)}" if place.isdecimal() else base, 303)
        if request.cookies.get(_SHOWN_COOKIE):
            response.delete_cookie(_SHOWN_COOKIE, path=base)
        else:
            response.set_cookie(_SHOWN_COOKIE, "1", path=base, httponly=True, samesite="strict")
        return response

    async def item(self, request: Request, coder: str, base: str) -> Response:
        """One item, with the coder's own answer if there is one."""
        item = self._item(request, coder)
        if item is None:
            return not_found()
        answer = self._desk.state(coder).current.get(item.key)
        form = FilledForm.of_answer(answer, item) if answer else FilledForm()
        return self._show_item(request, coder, base, item, form)

    async def save(self, request: Request, coder: str, base: str) -> Response:
        """Saves the answer and goes on; with a mistake, shows the page again with all that was filled in."""
        item = self._item(request, coder)
        if item is None:
            return not_found()
        form = await read_form(request)
        answer = form.read(coder, item)
        if answer is None:
            return self._show_item(request, coder, base, item, form, 422)
        self._desk.save(answer)
        return self._go_on(coder, base, item.place)

    def _show_item(
        self, request: Request, coder: str, base: str, item: Item, form: FilledForm, status: int = 200
    ) -> Response:
        shown = bool(request.cookies.get(_SHOWN_COOKIE))
        return page_response(item_page(self._desk, coder, base, item, form, shown=shown), status)

    def _prepare(self) -> None:
        """Puts every coder's records in order and reads the templates, so that nobody waits for the first page."""
        for coder in self._desk.task.coders:
            start_page(self._desk, coder, "")
            for item in self._desk.items(coder)[:1]:
                item_page(self._desk, coder, "", item, FilledForm(), shown=True)

    def _go_on(self, coder: str, base: str, after: int = 0) -> Response:
        item = self._desk.next_item(coder, after)
        return RedirectResponse(f"{base}/{item.place}" if item else f"{base}/answers", 303)

    def _item(self, request: Request, coder: str) -> Item | None:
        place: int = request.path_params["place"]
        items = self._desk.items(coder)
        return items[place - 1] if 1 <= place <= len(items) else None


def make_app(routes: Sequence[Route], port: int, hosts: Sequence[str] = ()) -> ASGIApp:
    """The application with its guard. `hosts` are further names by which it may be reached."""

    async def nothing(request: Request, error: Exception) -> Response:  # noqa: ARG001
        return not_found()

    app = Starlette(routes=list(routes), exception_handlers={404: nothing, 405: nothing})
    # A path with a slash too many leads nowhere.
    app.router.redirect_slashes = False
    return Guard(app, port, hosts)

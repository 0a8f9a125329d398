"""The pages on which somebody decides where coders differ: `/a/<link>/…`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from contract.gold import GoldEntry
from flows.coding.access import Access
from flows.coding.adjudication import CodedItem, ModelAnswer, is_settled
from flows.coding.answer_log import CANNOT_DECIDE, MAX_TEXT_CHARACTERS, Key
from flows.coding.app import Handler, for_person, not_found, page_response, read_form
from flows.coding.form import FilledForm
from flows.coding.pages import Page, choices_of, record_parts, render
from flows.files.gold_set import decide, decision_mark, read_gold

DECIDED_MEANWHILE = (
    "This was decided otherwise after you opened the page. "
    "Look at that decision; if you decide once more, yours counts."
)


class AdjudicationPages:
    """Disputes and their decisions; each decision is a new version of the gold set."""

    def __init__(
        self,
        gold: Path,
        disputes: Sequence[CodedItem],
        models: Mapping[Key, Sequence[ModelAnswer]],
        warning: str = "",
    ) -> None:
        self._gold = gold
        self._disputes = list(disputes)
        self._models = models
        self._warning = warning.strip()
        self._models_seen = set[Key]()
        """On which items models' answers were asked for; they cannot be unseen."""

    @property
    def open(self) -> int:
        """How many disputes are open."""
        known = read_gold(self._gold)
        return sum(not is_settled(item, known) for item in self._disputes)

    def routes(self, access: Access) -> list[Route]:
        """The addresses of these pages."""
        pages: Sequence[tuple[str, str, Handler]] = (
            ("", "GET", self.start),
            ("/{place:int}", "GET", self.item),
            ("/{place:int}", "POST", self.decide),
            ("/{place:int}/models", "POST", self.show_models),
        )
        return [
            Route(f"/a/{{token}}{path}", for_person(access, "/a", handler), methods=[method])
            for path, method, handler in pages
        ]

    async def start(self, request: Request, person: str, base: str) -> Response:  # noqa: ARG002
        """The list of disputes."""
        known = read_gold(self._gold)
        rows = [(n, item, is_settled(item, known)) for n, item in enumerate(self._disputes, start=1)]
        following = next((n for n, _, done in rows if not done), 0)
        page = render(
            "adjudication.html.jinja", "Where coders differ", rows=rows, base=base, gold=known, file=self._gold,
            total=len(rows), settled=sum(done for *_, done in rows), next=following,
        )  # fmt: skip
        return page_response(page)

    async def item(self, request: Request, person: str, base: str) -> Response:  # noqa: ARG002
        """One dispute."""
        place = self._place(request)
        return page_response(self._page(base, place, FilledForm())) if place else not_found()

    async def show_models(self, request: Request, person: str, base: str) -> Response:  # noqa: ARG002
        """Shows the models' answers from now on, which the decision then says."""
        place = self._place(request)
        if place is None:
            return not_found()
        self._models_seen.add(self._disputes[place - 1].key)
        return RedirectResponse(f"{base}/{place}#models", 303)

    async def decide(self, request: Request, person: str, base: str) -> Response:
        """Adds the decision to the gold set."""
        place = self._place(request)
        if place is None:
            return not_found()
        item, form = self._disputes[place - 1], await read_form(request)
        form.check_item(item.mark)
        verdict = form.read_verdict(item.criterion)
        if not form.reason:
            form.mistakes["reason"] = "Say why: others will go by it."
        elif len(form.reason) > MAX_TEXT_CHARACTERS:
            form.mistakes["reason"] = f"This is too long: at most {MAX_TEXT_CHARACTERS:,} characters."
        if form.mistakes:
            return page_response(self._page(base, place, form), 422)
        if decide(self._gold, self._entry(item, verdict, form, person), form.decided):
            form.mistakes["decided"] = DECIDED_MEANWHILE
            return page_response(self._page(base, place, form), 409)
        known = read_gold(self._gold)
        order = [*range(place, len(self._disputes)), *range(place)]
        following = next((n for n in order if not is_settled(self._disputes[n], known)), None)
        return RedirectResponse(base if following is None else f"{base}/{following + 1}", 303)

    def _entry(self, item: CodedItem, verdict: str | None, form: FilledForm, person: str) -> GoldEntry:
        by = person.partition(":")[2] or person
        seen = item.key in self._models_seen
        return item.entry(verdict, "adjudicated", by, form.reason, models=seen)

    def _page(self, base: str, place: int, form: FilledForm) -> Page:
        item, known = self._disputes[place - 1], read_gold(self._gold)
        decision = known.decision(*item.key)
        form.decided = decision_mark(decision)
        if decision is not None and decision.how == "adjudicated" and not form.verdict and not form.mistakes:
            form.verdict, form.reason = decision.verdict or CANNOT_DECIDE, decision.why
        texts, pictures = record_parts(item.drawn.record)
        choices = [(name, "") for name in (*choices_of(item.criterion), CANNOT_DECIDE)]
        return render(
            "dispute.html.jinja", f"{place} of {len(self._disputes)}, {item.criterion.title}", item=item, base=base,
            place=place, total=len(self._disputes), form=form, texts=texts, pictures=pictures, warning=self._warning,
            choices=choices, has_models=item.key in self._models,
            models=self._models.get(item.key, ()) if item.key in self._models_seen else None,
            decision=decision, is_decided=is_settled(item, known),
        )  # fmt: skip

    def _place(self, request: Request) -> int | None:
        place: int = request.path_params["place"]
        return place if 1 <= place <= len(self._disputes) else None

"""Rules for how the fake service answers, and what it counts."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter, defaultdict, deque
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, PrivateAttr

Kind = Literal[
    "reply", "status", "hang", "cut", "broken_json", "refusal", "blocked", "length", "wrong_schema", "thought"
]


class Rule(BaseModel):
    """One behaviour. The first rule that fits a request and is not used up decides; without one, a call succeeds."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind = "reply"
    """reply: answer with `reply`; status: fail with `status`; hang: never answer; cut: close amid the body;
    broken_json: a whole body of half a JSON text; refusal: the model declines; blocked: the provider's filter
    does; length: cut at the token limit; wrong_schema: JSON that fits no schema asked for; thought: the model thinks
    and does not answer."""
    match: str = ""
    """Words that must occur in the request's body."""
    times: int | None = None
    """How often it applies; None means always."""
    reply: Any = None
    """Text or JSON; None makes a reply that fits the schema asked for."""
    body: str | None = None
    """The whole body with status 200, instead of a reply of the protocol; billed like one."""
    status: int = 500
    retry_after: str | None = None
    """The Retry-After header: seconds or an HTTP date."""
    location: str | None = None
    """The Location header of a redirect."""
    message: str = "scripted failure"
    code: str | None = None
    """The provider's machine-readable error code."""
    finish_reason: str | None = None
    """The provider's word for the end of the reply, instead of the usual one; Gemini then writes no text."""
    usage: Literal[
        "counted", "missing", "null", "negative", "absurd", "no output", "null counts", "words", "no total"
    ] = "counted"
    """What the reply says of its tokens."""
    choices: Literal[0, 1] = 1
    """The answers that a reply in OpenAI's protocol holds."""
    latency: float | None = None
    """Seconds, instead of the server's own latency."""

    _used: int = PrivateAttr(default=0)

    def applies_to(self, body: str) -> bool:
        """Whether this rule applies now; counts the use."""
        if self.match not in body or (self.times is not None and self._used >= self.times):
            return False
        self._used += 1
        return True


class CallLog:
    """Every call received. `by_key` counts equal requests, so any count above one is a call paid twice."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self.reset()

    def reset(self) -> None:
        """Forgets the calls and the rules."""
        self.rules = []
        self.calls = 0
        self.completed = 0
        self.in_flight = 0
        self.most_in_flight = 0
        self.by_key: Counter[str] = Counter()
        self.by_model: Counter[str] = Counter()
        self.most_per_minute: Counter[str] = Counter()
        self._last_minute: defaultdict[str, deque[float]] = defaultdict(deque)
        self.by_status: Counter[str] = Counter()
        self.requests: list[dict[str, Any]] = []
        self.billed: Counter[str] = Counter()

    def record_call(self, model: str, body: dict[str, Any], headers: dict[str, str], port: int = 0) -> Rule:
        """Counts a call, which came from the client's `port`, and picks the rule for it."""
        text = json.dumps(body, sort_keys=True, ensure_ascii=False)
        self.calls += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        self.by_key[hashlib.sha256(f"{model}\n{text}".encode()).hexdigest()] += 1
        self.by_model[model] += 1
        self._count_minute(model, time.monotonic())
        self.requests.append({"model": model, "body": body, "headers": headers, "port": port})
        return next((rule for rule in self.rules if rule.applies_to(text)), Rule())

    def _count_minute(self, model: str, now: float) -> None:
        last = self._last_minute[model]
        last.append(now)
        while now - last[0] >= 60:
            last.popleft()
        self.most_per_minute[model] = max(self.most_per_minute[model], len(last))

    def record_billed(self, input_tokens: int, output_tokens: int) -> None:
        """Counts what a provider would charge: every reply that was written, whether it arrived or not."""
        self.billed.update(calls=1, input_tokens=input_tokens, output_tokens=output_tokens)

    def record_response(self, status: int) -> None:
        """Counts an answer."""
        self.completed += 1
        self.by_status[str(status)] += 1

    def stats(self) -> dict[str, Any]:
        """The counts, as GET /_stats shows them."""
        return {
            "calls": self.calls,
            "completed": self.completed,
            "in_flight": self.in_flight,
            "most_in_flight": self.most_in_flight,
            "by_key": dict(self.by_key),
            "by_model": dict(self.by_model),
            "most_per_minute": dict(self.most_per_minute),
            "by_status": dict(self.by_status),
            "billed": dict(self.billed),
        }

"""What a reader guesses of a source that nobody has set, each with the setting that says otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Guess:
    """One guess: the setting that would say the same, and in words what was seen and what to write instead."""

    setting: str
    value: str
    message: str


OnGuess: TypeAlias = Callable[[Guess], None]


def ignore_guess(_: Guess) -> None:
    """For readers whose guesses were shown before."""

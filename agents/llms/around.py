"""Around: the base of every Model that stands around a Model and passes on what it does not change."""

from __future__ import annotations

from agents.llms.model import Model


class Around:
    """Delegates everything but `complete` to the model inside."""

    def __init__(self, inner: Model) -> None:
        self._inner = inner

    @property
    def name(self) -> str:
        """The name that a study uses for it."""
        return self._inner.name

    @property
    def fingerprint(self) -> str:
        """Digest of provider, model id and version."""
        return self._inner.fingerprint

    @property
    def sees_images(self) -> bool:
        """Whether pictures may be sent."""
        return self._inner.sees_images

    @property
    def reads_material(self) -> bool:
        """True for embedded models."""
        return self._inner.reads_material

    async def aclose(self) -> None:
        """Gives back connections and processes."""
        await self._inner.aclose()

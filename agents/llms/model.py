"""The one interface to language models: a `Model` takes a `ModelRequest` and returns a `ModelReply`.

    reply = await model.complete(request)

Each layer between agents and a service (kept replies, limits) is a Model that wraps another Model. A fake for tests
is a class with one method.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from contract.calls import ModelReply, ModelRequest


class Model(Protocol):
    """One language model, ready for requests."""

    @property
    def name(self) -> str:
        """The name that a study uses for it."""
        ...

    @property
    def fingerprint(self) -> str:
        """Digest of provider, model id and version: part of every cache key."""
        ...

    @property
    def sees_images(self) -> bool:
        """Whether pictures may be sent; if not, their alt text is sent."""
        ...

    @property
    def reads_material(self) -> bool:
        """True for embedded models, which read `ModelRequest.material` and not the messages."""
        ...

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Returns one reply.

        A refusal or a cut reply is a `finish_reason`, not an error. Raises ModelRejected for a failure that a second
        try cannot fix, and Transient (RateLimited, ModelTimeout, ModelUnavailable, ReplyBroken) for all others.
        """
        ...

    async def aclose(self) -> None:
        """Closes connections and ends processes."""
        ...


class Models(Protocol):
    """The models that a run may use, by name."""

    def get(self, name: str) -> Model:
        """The model of that name. If there is none, raises ModelRejected, which names the nearest."""
        ...


@runtime_checkable
class StartsSlowly(Protocol):
    """A model that imports a library, or starts a process, before its first call."""

    async def prepare(self) -> None:
        """Does so now, unless it is done. Raises what `complete` would raise."""
        ...


async def prepare(model: Model) -> None:
    """Makes the model ready, so that no call's time is spent on it."""
    if isinstance(model, StartsSlowly):
        await model.prepare()


class ModelWrapper:
    """Base of the layers: delegates everything but `complete` to the model that it wraps."""

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

    async def prepare(self) -> None:
        """Makes the wrapped model ready. Raises what it raises."""
        await prepare(self._inner)

    async def aclose(self) -> None:
        """Closes connections and ends processes."""
        await self._inner.aclose()


class NamedModel:
    """Base of models with a name and a fingerprint. By default it sees no images and reads no material."""

    reads_material = False

    def __init__(self, name: str, fingerprint: str, *, sees_images: bool = False) -> None:
        self._name = name
        self._fingerprint = fingerprint
        self._sees_images = sees_images

    @property
    def name(self) -> str:
        """The name that a study uses for it."""
        return self._name

    @property
    def fingerprint(self) -> str:
        """Digest of everything that its replies depend on."""
        return self._fingerprint

    @property
    def sees_images(self) -> bool:
        """Whether pictures are sent; if not, their alt text is sent."""
        return self._sees_images

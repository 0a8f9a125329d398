"""The one seam to language models: a `Model` takes a `ModelRequest` and gives a `ModelReply`.

    reply = await model.complete(request)

Everything that can stand between agents and a service is a Model around a Model (kept replies, limits), and
a fake is a class with one method.
"""

from __future__ import annotations

from typing import Protocol

from contract.calls import ModelReply, ModelRequest


class Model(Protocol):
    """One language model, ready to be asked."""

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
        """Whether pictures may be sent; otherwise their alt text is."""
        ...

    @property
    def reads_material(self) -> bool:
        """True for embedded models, which work from `ModelRequest.material` and not from the messages."""
        ...

    async def complete(self, request: ModelRequest) -> ModelReply:
        """One reply.

        A refusal or a cut reply is a `finish_reason`, not an error. Raises ModelRejected for what asking
        again cannot mend, and Transient (RateLimited, ModelTimeout, ModelUnavailable, ReplyBroken) for the rest.
        """
        ...

    async def aclose(self) -> None:
        """Gives back connections and processes."""
        ...


class Models(Protocol):
    """The models that a run may use, by name."""

    def get(self, name: str) -> Model:
        """The model of that name. Raises ModelRejected, naming the nearest, if there is none."""
        ...


class ModelWrapper:
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


class NamedModel:
    """A name and a fingerprint; sees no images and reads no material unless it says otherwise."""

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
        """Digest of all that its replies depend on."""
        return self._fingerprint

    @property
    def sees_images(self) -> bool:
        """Whether pictures are sent; otherwise their alt text is."""
        return self._sees_images

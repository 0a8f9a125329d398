"""Named: the base of a Model of its own, with what every Model tells of itself."""

from __future__ import annotations


class Named:
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

"""Images: a record's pictures as a model gets them, as bytes or as descriptions.

    pictures = images_for_model(record, model, alt_texts)
    messages = add_images(messages, pictures)

A model that sees is sent the bytes and no address: the provider's server would fetch an address, and its owner would
learn what is being studied. A model that does not see gets the description, as data between marks.
"""

from __future__ import annotations

from collections.abc import Sequence

from agents.llms.model import Model
from agents.prompting.fence import fence
from contract.calls import Message, Part, PicturePart, TextPart
from contract.errors import MissingInput
from contract.record import ImagePart, Record


def images_for_model(record: Record, model: Model, alt_texts: Sequence[str] = ()) -> list[ImagePart | str]:
    """Returns each picture as its bytes or as a description. `alt_texts` are another agent's descriptions, in order.

    Raises MissingInput for a picture that can be given to the model in neither form.
    """
    return [
        _image_for_model(image, number, model, alt_texts[number - 1] if number <= len(alt_texts) else None)
        for number, image in enumerate(record.images, start=1)
    ]


def _image_for_model(image: ImagePart, number: int, model: Model, alt_text: str | None) -> ImagePart | str:
    if model.sees_images and image.data:
        return ImagePart(mime=image.mime, data=image.data)
    if words := image.alt_text or alt_text:
        return words
    if model.sees_images:
        raise MissingInput(
            f"picture {number} is only an address, and addresses are not fetched; give its bytes in `data`, "
            "or say what it shows in `alt_text`"
        )
    raise MissingInput(
        f"the model {model.name} does not see, and picture {number} has no alt text; add a `describe` step or alt_text"
    )


def image_texts(pictures: Sequence[ImagePart | str]) -> list[str]:
    """Returns the pictures that are given as descriptions."""
    return [picture for picture in pictures if isinstance(picture, str)]


def add_images(messages: tuple[Message, ...], pictures: Sequence[ImagePart | str]) -> tuple[Message, ...]:
    """Returns the messages with the pictures at the end of the last user message, or in a new one if there is none."""
    last_user_index = max((n for n, message in enumerate(messages) if message.role == "user"), default=None)
    parts = tuple(part for number, picture in enumerate(pictures, start=1) for part in _image_parts(number, picture))
    if last_user_index is None:
        return (*messages, Message(role="user", parts=parts))
    last = messages[last_user_index]
    return (
        *messages[:last_user_index],
        last.model_copy(update={"parts": (*last.parts, *parts)}),
        *messages[last_user_index + 1 :],
    )


def _image_parts(number: int, picture: ImagePart | str) -> tuple[Part, ...]:
    if isinstance(picture, str):
        return (TextPart(text=f"\nWhat picture {number} shows:\n" + fence(picture, f"picture {number}")),)
    return TextPart(text=f"\nPicture {number}:"), PicturePart(image=picture)

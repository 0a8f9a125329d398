"""Prepares an SVG of matplotlib for a page: no style attributes, no clashing ids, text in the page's own colour."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from xml.etree import ElementTree

_SVG = "http://www.w3.org/2000/svg"
_XLINK_HREF = "{http://www.w3.org/1999/xlink}href"
_BLACK = {"#000000", "black"}
_FILLABLE_TAGS = {"path", "use", "text", "line", "rect", "circle"}
_FONT = re.compile(r"(?:(?P<style>italic|oblique)\s+)?(?:(?P<weight>bold|\d{3})\s+)?(?P<size>[\d.]+)px\s+.*")
_SPACE = re.compile(r">\s+<")


def inline_svg(text: str, title: str, description: str, salt: str) -> str:
    """The picture as an element of a page, with a title and a description for readers who cannot see it."""
    root = ElementTree.fromstring(text)  # noqa: S314 - written by matplotlib a moment ago
    prefix = f"p{hashlib.sha256(salt.encode()).hexdigest()[:8]}"
    for parent in root.iter():
        for child in list(parent):
            if _local_name(child) in ("metadata", "style"):
                parent.remove(child)
    for element in root.iter():
        _rename(element, prefix)
        _restyle(element)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.attrib |= {"role": "img", "aria-labelledby": f"{prefix}-title {prefix}-desc", "class": "plot"}
    for place, (name, content) in enumerate((("title", title), ("desc", description))):
        label_element = ElementTree.Element(f"{{{_SVG}}}{name}", {"id": f"{prefix}-{name}"})
        label_element.text = content
        root.insert(place, label_element)
    return _serialise(root)


def _local_name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _rename(element: ElementTree.Element, prefix: str) -> None:
    if "id" in element.attrib:
        element.set("id", f"{prefix}-{element.attrib['id']}")
    link = element.attrib.pop(_XLINK_HREF, "")
    if link:
        element.set("href", f"#{prefix}-{link.removeprefix('#')}")
    if clip := element.attrib.get("clip-path"):
        element.set("clip-path", clip.replace("url(#", f"url(#{prefix}-"))


def _restyle(element: ElementTree.Element) -> None:
    for name, value in _declarations(element.attrib.pop("style", "")):
        for key, attribute_value in _attributes(name, value):
            element.set(
                key, "currentColor" if key in ("fill", "stroke") and attribute_value in _BLACK else attribute_value
            )
    if _local_name(element) == "text" and "fill" not in element.attrib:
        element.set("fill", "currentColor")
    if _local_name(element) in _FILLABLE_TAGS and element.attrib.get("fill") == "#ffffff":
        element.set("fill", "none")


def _declarations(style: str) -> Iterator[tuple[str, str]]:
    for declaration in style.split(";"):
        name, colon, value = declaration.partition(":")
        if colon:
            yield name.strip(), value.strip()


def _attributes(name: str, value: str) -> Iterator[tuple[str, str]]:
    if name == "font" and (found := _FONT.fullmatch(value)):
        font_attributes = {"font-size": found["size"], "font-weight": found["weight"], "font-style": found["style"]}
        yield from ((key, plain) for key, plain in font_attributes.items() if plain)
    elif name not in ("font", "font-family"):
        yield name, value


def _serialise(root: ElementTree.Element) -> str:
    ElementTree.register_namespace("", _SVG)
    out = io.StringIO()
    ElementTree.ElementTree(root).write(out, encoding="unicode", xml_declaration=False, short_empty_elements=False)
    return _SPACE.sub("><", out.getvalue()).strip()

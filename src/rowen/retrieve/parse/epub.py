"""Parser: EPUB (https://www.w3.org/TR/epub-33/). The chapters in reading order, each with its headings."""

import posixpath
from urllib.parse import unquote

from rowen.retrieve.parse.archive import opened, said, tag_of
from rowen.retrieve.parse.base import Limits, Parsed
from rowen.retrieve.parse.html import body_of, write
from rowen.retrieve.parse.writer import Writer
from rowen.values import Fact, Mistaken


def parse(data: bytes, name: str, limits: Limits) -> Parsed:
    """Return the text of a book.

    Raises:
        Mistaken: `document_encrypted` for one with copy protection, `document_bomb`, `document_broken`.

    """
    with opened(data, limits) as archive:
        if "META-INF/rights.xml" in archive.names:
            raise Mistaken("document_encrypted", "the book is copy-protected", place=name)
        container = archive.xml("META-INF/container.xml")
        place = next((said(each, "full-path") for each in container.iter() if tag_of(each) == "rootfile"), "")
        package = archive.xml(place)
        parts = {said(each, "id"): each for each in package.iter() if tag_of(each) == "item"}
        known = {tag_of(each): (each.text or "").strip() for each in package.iter() if each.text and each.text.strip()}
        writer = Writer()
        for reference in package.iter():
            item = parts.get(said(reference, "idref")) if tag_of(reference) == "itemref" else None
            if item is None or "html" not in said(item, "media-type") or "nav" in said(item, "properties").split():
                continue
            part = posixpath.normpath(posixpath.join(posixpath.dirname(place), unquote(said(item, "href"))))
            body = body_of(archive.read(part)) if part in archive.names else None
            if body is not None:
                writer.block(2)
                write(body, writer)
    facts: dict[str, Fact] = {"author": known["creator"]} if known.get("creator") else {}
    return Parsed(
        text=writer.text,
        kind="epub",
        title=known.get("title", ""),
        language=known.get("language", ""),
        sections=writer.sections,
        metadata=facts,
    )

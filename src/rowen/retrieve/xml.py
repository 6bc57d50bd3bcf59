"""XML that somebody else wrote. A document type can declare entities, which are bombs or reach for files: it is refused."""

from typing import NoReturn
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from rowen.values import Mistaken


def tree_of(data: bytes, name: str) -> Element:
    """Return the root of an XML text.

    Raises:
        Mistaken: `document_bomb` for one with a document type, in whatever encoding; `document_broken` for what is no XML.

    """
    parser = XMLParser(target=_Plain())  # noqa: S314 - without a document type there is no entity to expand or to fetch
    try:
        parser.feed(data)
        root: Element = parser.close()
    except (ParseError, ValueError, LookupError) as error:
        raise Mistaken("document_broken", f"{name} is no XML: {error}") from error
    return root


class _Plain(TreeBuilder):
    def doctype(self, *_: str | None) -> NoReturn:
        """Called when the declaration begins, before anything in it means something."""
        raise Mistaken("document_bomb", "it declares entities, which documents of this kind never do")

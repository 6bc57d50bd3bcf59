"""The kinds of original that are read, by name. Looked up lazily: a library is imported only by the kind that needs it."""

from importlib import import_module
from importlib.metadata import entry_points

from rowen.retrieve.parse.base import Parser
from rowen.values import Mistaken

GROUP = "rowen.retrieve.parse"  # the entry point group of other people's parsers

CATALOG: dict[str, str] = {
    "code": "rowen.retrieve.parse.code",
    "docx": "rowen.retrieve.parse.docx",
    "epub": "rowen.retrieve.parse.epub",
    "html": "rowen.retrieve.parse.html",
    "lines": "rowen.retrieve.parse.lines",
    "markdown": "rowen.retrieve.parse.markdown",
    "pdf": "rowen.retrieve.parse.pdf",
    "pptx": "rowen.retrieve.parse.pptx",
    "sheet": "rowen.retrieve.parse.sheet",
    "table": "rowen.retrieve.parse.table",
    "text": "rowen.retrieve.parse.text",
}
"""Each names a module with `parse(data, name, limits)`."""

HERE = frozenset({"code", "lines", "markdown", "table", "text"})
"""Kinds that are read in the server's own process: plain Python over plain text. All others are read in one apart."""


def parser(kind: str) -> Parser:
    """Return the parser of a kind.

    Raises:
        Mistaken: `document_unknown`, `extra_missing`.

    """
    path = CATALOG.get(kind) or next((each.value for each in entry_points(group=GROUP) if each.name == kind), "")
    if not path:
        raise Mistaken("document_unknown", f'there is no parser "{kind}"')
    try:
        found: Parser = import_module(path).parse
    except ModuleNotFoundError as error:
        message = f"documents of the kind `{kind}` need `pip install rowen[rag]` ({error.name} is missing)"
        raise Mistaken("extra_missing", message) from error
    return found

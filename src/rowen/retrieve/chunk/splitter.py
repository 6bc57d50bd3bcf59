"""What `semantic-text-splitter` needs to be told: the grammar of a document, and how its size is counted.

Its pieces are counted in characters of Rust, which are those of Python unless a text has half a surrogate pair.
"""

import re
from collections.abc import Iterable
from importlib import import_module
from typing import Any, Protocol

from semantic_text_splitter import CodeSplitter, MarkdownSplitter, TextSplitter

from rowen.retrieve.chunk.base import Cut, Span, without_blanks
from rowen.values import Document

_HALF = re.compile(r"[\ud800-\udfff]")
_GRAMMARS = {"csharp": "c_sharp", "shell": "bash"}  # where the grammar's package has another name than our language


class Splitter(Protocol):
    """Cuts a text; gives each piece with its offset."""

    def chunk_indices(self, text: str) -> Iterable[tuple[int, str]]: ...


def by_characters(document: Document, size: int, overlap: int) -> Splitter:
    """Return what cuts a document along its own structure, its size counted in characters."""
    grammar = grammar_of(document)
    if grammar is not None:
        return CodeSplitter(grammar, size, overlap, trim=False)
    plain: Splitter = _kind(document)(size, overlap, trim=False)
    return plain


def by_tokens(document: Document, size: int, overlap: int) -> Splitter:
    """Return what cuts a document along its own structure, its size counted in tokens of o200k."""
    grammar = grammar_of(document)
    if grammar is not None:
        return CodeSplitter.from_tiktoken_model(grammar, "gpt-4o", size, overlap, trim=False)
    plain: Splitter = _kind(document).from_tiktoken_model("gpt-4o", size, overlap, trim=False)
    return plain


def grammar_of(document: Document) -> Any:
    """Return the grammar of a document of code, from a package `tree-sitter-LANGUAGE` that is installed; None without."""
    if document.kind != "code" or not document.language:
        return None
    try:
        package = import_module(f"tree_sitter_{_GRAMMARS.get(document.language, document.language)}")
    except ModuleNotFoundError:
        return None
    return package.language() if hasattr(package, "language") else None


def cut_with(splitter: Splitter, text: str) -> list[Cut]:
    """Return a text as a splitter cuts it."""
    plain = _HALF.sub("\N{REPLACEMENT CHARACTER}", text)
    return without_blanks(text, (Span(start, start + len(piece)) for start, piece in splitter.chunk_indices(plain)))


def _kind(document: Document) -> Any:
    return MarkdownSplitter if document.kind == "markdown" else TextSplitter

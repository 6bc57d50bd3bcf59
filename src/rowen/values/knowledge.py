"""What an app knows: documents as they were read, the chunks they were cut into, and the passages that a search finds.

Every place in a text is a pair of offsets in characters into `Document.text`: `text[start:end]`. So a citation, a chunk of
another size and a deletion all mean the same characters.
"""

from typing import Literal

from rowen.values.base import Value
from rowen.values.table import Table

Fact = str | int | float | bool | tuple[str, ...]
"""What a document's metadata may hold."""


class Section(Value, frozen=True, kw_only=True):
    """A part of a document under one heading, its heading included, with everything below it."""

    start: int
    end: int
    level: int
    """1 for the highest."""
    title: str


class Document(Value, frozen=True, kw_only=True):
    """One document in one version, as it was read. Parsed once; cut and embedded as often as needed."""

    id: str
    """The same over all versions: a hash of the source's name and `uri`."""
    source: str
    """Which source of the app it came from."""
    uri: str
    """Where it is, as people know it: a path relative to the source, a URL, a table and a key."""
    version: str
    """SHA-256 over text, title, sections, metadata and access, hex: a change in any of them is a new version."""
    text: str
    title: str = ""
    kind: str = "text"
    """`markdown`, `text`, `html`, `pdf`, `code`, `table`, …: decides how it is cut."""
    language: str = ""
    """BCP 47; for code, the programming language; empty when not known."""
    sections: tuple[Section, ...] = ()
    """In reading order; nested ones lie inside their parents."""
    metadata: dict[str, Fact] = {}
    access: tuple[str, ...] = ()
    """Groups of which a reader needs one; empty for everybody of the tenant."""
    raw: str = ""
    """What tells a changed original from the one that was read, before it is parsed: a hash or an ETag."""
    modified_ns: int = 0
    """When the original was changed last; 0 when not known."""
    read_ns: int = 0
    flags: tuple[str, ...] = ()
    """What the gate said of it: `injection`, `near_duplicate`, `junk`, …"""
    tables: tuple[Table, ...] = ()
    """Its tables; a store takes them in with the document and hands them out by themselves, by `Knowledge.tables`."""


class Chunk(Value, frozen=True, kw_only=True):
    """A piece of a document: what is embedded and searched."""

    start: int
    end: int
    context: str = ""
    """What is embedded and searched before its own text, since the piece lost it: title, heading path, a sentence."""
    parent: tuple[int, int] | None = None
    """The larger piece to show instead, where small ones are searched and large ones read."""

    def said(self, text: str) -> str:
        """Return what is embedded and searched of it: the first line of its context, its own text, the rest of its context.

        A model that reads no further than it can then leaves out the rest of the context, never the text itself.
        """
        first, _, rest = self.context.partition("\n")
        return "\n\n".join(part for part in (first, text[self.start : self.end], rest) if part)


class Relation(Value, frozen=True, kw_only=True):
    """What a document says of two things: `subject` has the relation `name` to `object`, and `object` has `inverse` to it."""

    subject: str
    name: str
    """As one says it: "Ada Brenn's mother is Lia Brenn" is `mother`, which leads from Ada to Lia."""
    object: str
    inverse: str
    """What leads back: `child`."""
    start: int
    end: int
    """Where the document says so."""


class Manifest(Value, frozen=True, kw_only=True):
    """How an index is made. The same manifest over the same snapshot of the sources gives the same index."""

    chunker: str
    """Kind and parameters as one canonical text: `overlap(size=800, overlap=400)`."""
    context: str
    """How chunks get their context: `none`, `free`, `model:NAME`."""
    embedder: str
    """The embedder's fingerprint: its weights, pooling and length, not just a name. Empty: no vectors."""
    dimensions: int = 0
    storage: Literal["float32", "float16", "int8", "binary"] = "float32"
    analyser: str = "auto"
    """How words are made of texts for the lexical search."""
    graph: str = ""
    """What finds relations in the texts, with its version: `rules@1`, `model:NAME@1`. Empty: nothing does."""
    parser: str = "1"
    """Grows when parsers change what text they give."""
    extra: dict[str, str] = {}


class Reader(Value, frozen=True, kw_only=True):
    """For whom a search is made; nothing he may not read is found, by any way."""

    tenant: str
    groups: tuple[str, ...] = ()
    everything: bool = False
    """For the house's own work (indexing, tuning), never for an answer."""


class Condition(Value, frozen=True, kw_only=True):
    """What a found document's metadata must say. `in` means any of a tuple; on a tuple of facts, `eq` means contains."""

    field: str
    """A key of the metadata, or `source`, `uri`, `kind`, `language`."""
    op: Literal["eq", "ne", "in", "ge", "le", "exists"] = "eq"
    value: Fact = True


class Passage(Value, frozen=True, kw_only=True):
    """A piece of a document that a search found, with what is needed to show, cite and judge it."""

    document: str
    version: str
    source: str
    uri: str
    title: str
    path: tuple[str, ...] = ()
    """The headings above it, the highest first."""
    start: int
    end: int
    text: str
    """Exactly `document.text[start:end]`."""
    context: str = ""
    score: float = 0.0
    """Of the whole search; larger is better, comparable within one search only."""
    legs: dict[str, float] = {}
    """The score of each way of searching that found it: `dense` (cosine), `lexical` (BM25), `graph`, `rerank`."""
    metadata: dict[str, Fact] = {}
    flags: tuple[str, ...] = ()
    stale: bool = False
    """Its source could not be read lately, or it is past its date."""
    modified_ns: int = 0
    query: str = ""
    """The SQL that gave its text, where that is worked out from a table of the document; `start` and `end` are 0 then."""

    @property
    def place(self) -> str:
        """Where it stands, as records name it."""
        return f"{self.uri}#table" if self.query else f"{self.uri}#{self.start}-{self.end}"


class Stage(Value, frozen=True, kw_only=True):
    """One stage of a search as it went: `embed`, `dense`, `lexical`, `fuse`, `rerank`, …, with what it wants known."""

    name: str
    started_ns: int
    ended_ns: int
    facts: dict[str, Fact] = {}


class Found(Value, frozen=True, kw_only=True):
    """What a search found, and how it went."""

    passages: tuple[Passage, ...] = ()
    """The best first."""
    question: str = ""
    """As it was searched for, after rewriting."""
    confidence: float = 0.0
    """How likely the passages hold an answer, 0 to 1: what a threshold for "I do not know" is set on."""
    build: str = ""
    """The id of the index that answered."""
    snapshot: str = ""
    """A hash over the documents that it had, by id and version."""
    borrowed: bool = False
    """Whether it is the live index in the place of this version's own, which was not whole."""
    stages: tuple[Stage, ...] = ()


class Index(Value, frozen=True, kw_only=True):
    """The index that a version of an app answered from, as it was at a moment."""

    name: str
    """Of the `[retrieve.NAME]` table."""
    build: str = ""
    """Empty where nothing was indexed."""
    snapshot: str = ""
    """A hash over its documents, by id and version."""
    borrowed: bool = False
    """Whether it was the live index in the place of this version's own, which was not whole."""


class Looked(Value, frozen=True, kw_only=True):
    """One look into one of the things that an app knows, for the record."""

    name: str
    top: int
    found: Found


class Citation(Value, frozen=True, kw_only=True):
    """What a statement of an answer rests on: the passage, and whether its words bear the statement out."""

    number: int
    """Of the source among those the model was given, from 1."""
    document: str
    version: str
    source: str
    uri: str
    title: str = ""
    path: tuple[str, ...] = ()
    start: int
    end: int
    """Of the passage in the document, in characters."""
    text: str
    """The sentence of the passage that says most of the statement."""
    said_start: int
    said_end: int
    """Of the statement in the answer, in characters."""
    support: float
    """The share of the statement's content words that the passage has, 0 to 1."""
    verified: bool
    """The support is enough, and every number of the statement stands in the passage. Negation is not understood."""
    marked: bool = True
    """The model itself named the source; otherwise it was found afterwards."""
    stale: bool = False
    query: str = ""
    """Of a passage that was worked out from a table: the SQL that did."""

"""Where an app's knowledge stays: documents, the chunks and vectors of each index over them, and the search in one index.

A *collection* holds the documents of one app's `[retrieve.NAME]`. Over them stand *builds*: one index for each manifest. One
build is live and answers; another may be under way beside it, and an old one may be kept to be asked again. A document
is changed in all builds that are up to date in one transaction, so no search sees half of it.

Everything that finds takes a `Reader`, and filters inside the search: what he may not read takes no place among `top`.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

from rowen.values import Chunk, Condition, Document, Manifest, Passage, Reader, Relation, Table, Value

BuildState = Literal["building", "ready", "live", "kept"]


class Collection(Value, frozen=True, kw_only=True):
    """Whose knowledge it is."""

    tenant: str
    app: str
    name: str


class Build(Value, frozen=True, kw_only=True):
    """One index over a collection."""

    id: str
    collection: Collection
    manifest: Manifest
    state: BuildState = "building"
    created_ns: int = 0
    switched_ns: int = 0
    """When it became live."""
    documents: int = 0
    chunks: int = 0
    learnt: dict[str, float] = {}
    """What was found out about it when it was made: how the ways of searching are to be weighed."""
    snapshot: str = ""
    """A hash over the ids and versions of its documents: with the manifest it names what could be found."""


class Cut(NamedTuple):
    """A document as one build has it: its chunks, and their vectors as float32 rows (empty without an embedder)."""

    build: str
    chunks: tuple[Chunk, ...]
    vectors: bytes
    relations: tuple[Relation, ...] = ()
    """What the document says of things: the edges of the build's graph."""


class Tie(NamedTuple):
    """A relation as a build has it."""

    relation: Relation
    document: str
    """The id of the document that says so."""
    chunks: tuple[int, ...]
    """The chunks in which it begins."""


class Hit(NamedTuple):
    """A chunk that was found: its number in the build, and how well it fits (larger is better)."""

    chunk: int
    score: float
    most: float = 1.0
    """What no chunk could exceed: a cosine of 1, or every word of the question as often as it counts."""


class Tabled(NamedTuple):
    """A table of a document, without its rows."""

    document: str
    version: str
    source: str
    uri: str
    place: int
    """Which of the document's tables it is, from 0."""
    table: Table
    size: int
    """How many rows it has."""
    title: str
    """The document's."""
    modified_ns: int = 0


class Known(NamedTuple):
    """What is known of a document without its text."""

    id: str
    uri: str
    version: str
    raw: str
    read_ns: int


class Knowledge(Protocol):
    """The knowledge of all apps. A file or server that cannot be reached raises `Unavailable("store_unavailable")`."""

    async def builds(self, collection: Collection) -> list[Build]:
        """All builds of a collection, the newest first."""
        ...

    async def begin(self, collection: Collection, manifest: Manifest, *, now_ns: int) -> Build:
        """Return the build of a manifest, made empty if there is none: so a job that was killed finds its own again."""
        ...

    async def ready(self, build: str) -> None:
        """Note that a build has all documents of its collection; from now on every change must bring its cut."""
        ...

    async def switch(self, build: str, *, now_ns: int) -> Build:
        """Let a ready build answer instead of the live one, which is kept; searches under way end on the old one.

        Raises:
            Mistaken: `conflict` when it is not ready.

        """
        ...

    async def drop(self, build: str) -> None:
        """Remove a build that is not live, with its chunks and vectors."""
        ...

    async def known(self, collection: Collection, source: str = "") -> list[Known]:
        """The documents of a collection, or of one source, without their texts."""
        ...

    async def missing(self, build: str, *, limit: int = 100) -> list[Document]:
        """Documents of the collection whose present version the build has not cut yet, in the order of their ids."""
        ...

    async def write(self, collection: Collection, document: Document, cuts: Sequence[Cut]) -> None:
        """Put a document's version and its cuts in place of what was there, in one transaction over all builds.

        A build without a cut for a changed document loses its old one: a stale chunk is worse than none.
        """
        ...

    async def fill(self, collection: Collection, cut: Cut, *, document: str, version: str) -> bool:
        """Write the cut of a document for one build; False, and nothing is written, if it is no longer at that version.

        So what was worked out for a build that is under way never brings back what was changed or removed meanwhile.
        """
        ...

    async def learn(self, build: str, learnt: Mapping[str, float]) -> None:
        """Note what was found out about a build; what was noted before under the same names is replaced."""
        ...

    async def embedded(self, collection: Collection, manifest: Manifest, texts: Sequence[str]) -> list[bytes]:
        """Return the float32 vectors of texts that the tenant has in builds of the same embedder; empty for the others.

        A text is a chunk's as `Chunk.said` gives it. Vectors that are kept less exactly than the manifest asks do not count.
        """
        ...

    async def remove(self, collection: Collection, ids: Sequence[str], *, now_ns: int) -> int:
        """Remove documents everywhere, leaving a tombstone that holds no text; return how many there were."""
        ...

    async def removed(self, collection: Collection, since_ns: int) -> list[str]:
        """Ids of the documents removed since a moment: what was derived from them must go too."""
        ...

    async def document(self, collection: Collection, id: str, reader: Reader) -> Document | None:
        """A document that the reader may read."""
        ...

    async def tables(
        self, collection: Collection, *, reader: Reader, where: Sequence[Condition] = (), limit: int = 1_000_000
    ) -> list[Tabled]:
        """The tables of those documents that the reader may read and that meet the conditions, the first in the order of ids."""
        ...

    async def rows(self, collection: Collection, wanted: Sequence[Tabled], *, reader: Reader) -> list[Table | None]:
        """Tables with their rows; None for one whose document is gone, at another version, or not the reader's to read."""
        ...

    async def chunks(self, build: str, document: str) -> list[Chunk]:
        """How a build has cut a document."""
        ...

    async def dense(
        self, build: str, vector: bytes, *, reader: Reader, where: Sequence[Condition] = (), limit: int = 100
    ) -> list[Hit]:
        """Nearest chunks by cosine, best first, filtered before they are ranked."""
        ...

    async def lexical(
        self, build: str, question: str, *, reader: Reader, where: Sequence[Condition] = (), limit: int = 100
    ) -> list[Hit]:
        """Chunks by BM25 over the build's own analyser, best first; any text is a question, never an error."""
        ...

    async def related(
        self, build: str, names: Sequence[str], *, reader: Reader, where: Sequence[Condition] = (), limit: int = 200
    ) -> list[Tie]:
        """The relations that have one of the names at either end, in the order they were written; filtered as a search is.

        Names are compared without their case, accents of apostrophes, or punctuation, as `rowen.store.names` has it.
        """
        ...

    async def vectors(self, build: str, chunks: Sequence[int]) -> dict[int, bytes]:
        """The float32 vectors of chunks that are still there, for what compares passages with each other."""
        ...

    async def passages(self, build: str, hits: Mapping[int, float], *, reader: Reader) -> dict[int, Passage]:
        """The passages of found chunks that are still there and that the reader may read; the parent of a chunk that has one."""
        ...

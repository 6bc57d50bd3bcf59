"""What it takes to bring a collection up to date: its sources, how documents are read, cut and embedded."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from rowen.retrieve.base import RetrieveSettings, SourceTable
from rowen.retrieve.chunk import Chunking, chunking, in_context
from rowen.retrieve.graph import Extracting, extracting
from rowen.retrieve.load import Original, Ports, Source, source_of
from rowen.retrieve.load.catalog import tables_of
from rowen.retrieve.parse import Parsed
from rowen.retrieve.parse.base import VERSION
from rowen.retrieve.parse.kinds import tabular
from rowen.store.knowledge import Collection, Cut, Knowledge
from rowen.values import AskModel, Chunk, Document, Embed, Manifest

_TABLES = "tables 1"  # grows when tables are made otherwise of the same originals


class Watched(NamedTuple):
    """A source with its table."""

    table: SourceTable
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One collection, as its app defines it now."""

    collection: Collection
    settings: RetrieveSettings
    sources: Mapping[str, Watched]
    chunking: Chunking
    manifest: Manifest
    embed: Embed | None = None
    ask: AskModel | None = None
    graph: Extracting | None = None

    def marks(self, source: str) -> Callable[[str], str]:
        """Return what gives, for a uri, what stands before `raw`: the same original is read anew when this is another."""
        table = self.sources[source].table
        said: list[Any] = [table.access, table.metadata, self.settings.gate]
        plain, tabled = _mark(said), _mark([*said, _TABLES])
        if not self.tabled:
            return lambda _: plain
        return lambda uri: tabled if table.kind == "sql" or tabular(uri) else plain

    @property
    def tabled(self) -> bool:
        """Whether tables are kept as such."""
        return self.settings.tables != "none"

    async def cut(self, documents: Sequence[Document], build: str, knowledge: Knowledge) -> list[Cut]:
        """Return documents as a build is to have them. Texts that are known are not embedded again; all others together."""
        chunks = [await self.chunks(document) for document in documents]
        relations = [await self.graph.relations(document) if self.graph else () for document in documents]
        if self.embed is None:
            return [Cut(build, cut, b"", edges) for cut, edges in zip(chunks, relations, strict=True)]
        said = [[chunk.said(document.text) for chunk in cut] for document, cut in zip(documents, chunks, strict=True)]
        texts = list(dict.fromkeys(text for each in said for text in each))
        vectors = dict(zip(texts, await knowledge.embedded(self.collection, self.manifest, texts), strict=True))
        fresh = [text for text in texts if not vectors[text]]
        if fresh:
            made = await self.embed(fresh)
            wide = made.dimensions * 4
            vectors |= {text: made.data[at * wide : (at + 1) * wide] for at, text in enumerate(fresh)}
        return [
            Cut(build, cut, b"".join(vectors[text] for text in each), edges)
            for cut, each, edges in zip(chunks, said, relations, strict=True)
        ]

    async def chunks(self, document: Document) -> tuple[Chunk, ...]:
        """Return the chunks of a document."""
        return await in_context(document, self.chunking.cut(document), self.settings.chunk.context, self.ask)


async def plan_of(
    collection: Collection,
    settings: RetrieveSettings,
    ports: Ports,
    *,
    embed: Embed | None = None,
    ask: AskModel | None = None,
    kept: Mapping[str, Watched] | None = None,
) -> Plan:
    """Return the plan of a collection.

    Args:
        collection: whose knowledge.
        settings: as its app writes them.
        ports: what sources need of others.
        embed: makes the vectors; None for a lexical index.
        ask: asks the model that writes contexts or finds relations.
        kept: the sources of the plan before, which remember what they saw, taken where their tables are the same.

    Raises:
        Mistaken: `config_…` or `extra_missing`, with the key as its place.
        Problem: what the embedder raises.

    """
    cutting = chunking(settings.chunk)
    sources = {}
    for name, table in tables_of(settings).items():
        before = (kept or {}).get(name)
        same = before is not None and before.table == table
        sources[name] = before if same and before is not None else Watched(table, source_of(table, ports))
    return Plan(
        collection=collection,
        settings=settings,
        sources=sources,
        chunking=cutting,
        manifest=await manifest_of(settings, cutting, embed),
        embed=embed,
        ask=ask,
        graph=extracting(settings.graph, ask),
    )


async def manifest_of(settings: RetrieveSettings, cutting: Chunking, embed: Embed | None) -> Manifest:
    """Return how an index is made by these settings."""
    dimensions = (await embed(["dimensions"])).dimensions if embed is not None else 0
    return written_manifest(settings, cutting, embed).but(dimensions=dimensions)


def written_manifest(settings: RetrieveSettings, cutting: Chunking, embed: Embed | None) -> Manifest:
    """Return the same without the dimensions, for which the embedder would have to be asked."""
    return Manifest(
        chunker=cutting.written,
        context=settings.chunk.context,
        embedder=embed.fingerprint if embed is not None else "",
        storage=settings.storage,
        graph=graph.written if (graph := extracting(settings.graph)) else "",
        parser=VERSION,
    )


def document_of(plan: Plan, source: str, original: Original, parsed: Parsed, *, now_ns: int) -> Document:
    """Return a document of what was read."""
    table = plan.sources[source].table
    metadata = {**table.metadata, **parsed.metadata, **original.metadata}
    access = access_of(table.access, parsed.access, original.access)
    title = original.title or parsed.title
    tables = original.tables or parsed.tables if plan.tabled else ()
    told = [parsed.text, title, parsed.sections, metadata, access, *([tables] if tables else [])]
    said = msgspec.json.encode(told, order="deterministic")
    return Document(
        id=id_of(source, original.uri),
        source=source,
        uri=original.uri,
        version=hashlib.sha256(said).hexdigest(),
        text=parsed.text,
        title=title,
        kind=parsed.kind,
        language=parsed.language,
        sections=parsed.sections,
        metadata=metadata,
        access=access,
        raw=plan.marks(source)(original.uri) + original.raw,
        modified_ns=original.modified_ns,
        read_ns=now_ns,
        flags=parsed.flags,
        tables=tables,
    )


def access_of(table: Sequence[str], written: Sequence[str], operator: Sequence[str] | None) -> tuple[str, ...]:
    """Return who may read a document.

    What whoever runs the source says of the very document counts before what he says of all. What the document's own
    text says can only narrow that: its author may not be the one who decides.

    Args:
        table: of the source.
        written: by the document's front matter.
        operator: by a rule, a sidecar or a row; None where nothing is said.

    """
    base = tuple(table) if operator is None else tuple(operator)
    if not base:
        return tuple(written)
    return tuple(group for group in base if group in written) or base


def id_of(source: str, uri: str) -> str:
    """Return a document's id, which is the same over all its versions."""
    return hashlib.sha256(f"{source}\0{uri}".encode()).hexdigest()[:32]


def _mark(said: list[Any]) -> str:
    return f"{VERSION}.{hashlib.sha256(msgspec.json.encode(said, order='deterministic')).hexdigest()[:12]}|"

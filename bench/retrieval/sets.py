"""The judged sets, as documents, questions and what answers them."""

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from rowen.retrieve.base import ChunkTable
from rowen.retrieve.chunk import chunking
from rowen.retrieve.chunk.context import free, in_context
from rowen.retrieve.metrics import Extent
from rowen.values import Chunk, Document


class Item(NamedTuple):
    """A document with its chunks; what each chunk is called by the judgements."""

    document: Document
    chunks: tuple[Chunk, ...]
    ids: tuple[str, ...]


class Asked(NamedTuple):
    text: str
    relevant: dict[str, int]
    spans: tuple[Extent, ...] = ()


class Judged(NamedTuple):
    name: str
    items: list[Item]
    questions: list[Asked]


async def scifact(folder: Path, kind: str, split: str = "test") -> Judged:
    """Claims and the abstracts that decide them. A document is as good as its best chunk."""
    cutting = chunking(ChunkTable(kind=kind))
    items = []
    for row in rows(folder / "corpus.jsonl.gz"):
        document = _document(row["_id"], row["text"], title=row["title"])
        chunks = await in_context(document, cutting.cut(document), "free")
        items.append(Item(document, chunks, (row["_id"],) * len(chunks)))
    return Judged("scifact", items, _questions(folder, split))


async def codebases(folder: Path) -> Judged:
    """Questions about code, whose chunks are given: what they lost is given back for free."""
    documents = {
        row["_id"]: _document(row["_id"], row["text"], kind="code") for row in rows(folder / "documents.jsonl.gz")
    }
    chunks: dict[str, list[tuple[Chunk, str]]] = {id: [] for id in documents}
    for row in rows(folder / "corpus.jsonl.gz"):
        document = documents[row["metadata"]["doc"]]
        start = document.text.index(row["text"])
        end = start + len(row["text"])
        chunks[document.id].append((Chunk(start=start, end=end, context=free(document, start, end)), row["_id"]))
    items = [
        Item(document, tuple(chunk for chunk, _ in chunks[id]), tuple(name for _, name in chunks[id]))
        for id, document in documents.items()
    ]
    return Judged("codebases", items, _questions(folder, "test"))


async def chunkeval(folder: Path) -> Judged:
    """Questions and the very passages that answer them, found within 4,000 characters."""
    cutting = chunking(ChunkTable())
    items = []
    for row in rows(folder / "corpus.jsonl.gz"):
        document = _document(row["_id"], row["text"])
        chunks = await in_context(document, cutting.cut(document), "free")
        items.append(Item(document, chunks, (row["_id"],) * len(chunks)))
    questions = [
        Asked(row["text"], {}, tuple(Extent(s["doc"], s["start"], s["end"]) for s in row["metadata"]["spans"]))
        for row in rows(folder / "queries.jsonl")
    ]
    return Judged("chunkeval", items, questions)


def _document(id: str, text: str, **fields: str) -> Document:
    return Document(id=id, source="bench", uri=id, version="1", text=text, **fields)


def _questions(folder: Path, split: str) -> list[Asked]:
    judged: dict[str, dict[str, int]] = {}
    for line in (folder / "qrels" / f"{split}.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        question, document, worth = line.split("\t")
        judged.setdefault(question, {})[document] = int(worth)
    asked = rows(folder / "queries.jsonl")
    return [Asked(row["text"], judged[row["_id"]]) for row in asked if row["_id"] in judged]


def rows(path: Path) -> Iterable[dict]:
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [json.loads(line) for line in text.decode().splitlines()]

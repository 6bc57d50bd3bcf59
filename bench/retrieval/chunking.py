"""Which chunker lets a search find most of what was asked for, and what it costs: `python -m bench.retrieval.chunking FOLDER`.

FOLDER holds `corpus.jsonl.gz` (`_id`, `text`) and `queries.jsonl` (`text`, `metadata.spans` with `doc`, `start`, `end`). Every
chunker is measured on the same questions at a budget of 4,000 characters, by BM25, by MiniLM, and by the two fused; each is
compared with the default by pairs. The last column is the CPU for a million characters.
"""

import gzip
import hashlib
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from bench.retrieval.spans import Lexical, Place, Question, recall, shown
from numpy.typing import NDArray

from rowen.provider.embed import Embedder, open_embedder
from rowen.provider.weights import Folder, default_place
from rowen.retrieve.base import ChunkTable
from rowen.retrieve.chunk import chunking
from rowen.values import Document
from rowen.values.interval import mean

TABLES = (
    ChunkTable(),
    ChunkTable(size=800, overlap=0),
    ChunkTable(size=400, overlap=200),
    ChunkTable(size=1200, overlap=600),
    ChunkTable(kind="recursive", size=800, overlap=0),
    ChunkTable(kind="recursive", size=800, overlap=400),
    ChunkTable(kind="sentence", size=800, overlap=0),
    ChunkTable(kind="sentence", size=800, overlap=400),
    ChunkTable(kind="structure", size=800, overlap=0),
    ChunkTable(kind="structure", size=800, overlap=400),
    ChunkTable(kind="tokens", size=200, overlap=100),
)
Vectors = NDArray[np.float32]


class Cached:
    """An embedder that reads each text once in its life."""

    def __init__(self, embedder: Embedder, folder: Path) -> None:
        self._embedder, self._folder = embedder, folder
        folder.mkdir(parents=True, exist_ok=True)

    def vectors(self, texts: Sequence[str]) -> Vectors:
        place = self._folder / (hashlib.sha256("\0".join(texts).encode()).hexdigest() + ".npy")
        if not place.exists():
            rows = [self._embedder.embed(texts[n : n + 32]).vectors for n in range(0, len(texts), 32)]
            np.save(place, np.array([row for part in rows for row in part], dtype=np.float32))
        made: Vectors = np.load(place)
        return made


def read(folder: Path) -> tuple[list[Document], list[Question]]:
    with gzip.open(folder / "corpus.jsonl.gz", "rt", encoding="utf-8") as lines:
        found = [json.loads(line) for line in lines]
    documents = [Document(id=each["_id"], source="", uri=each["_id"], version="", text=each["text"]) for each in found]
    questions = []
    for line in (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines():
        asked = json.loads(line)
        gold = tuple(Place(s["doc"], s["start"], s["end"]) for s in asked["metadata"]["spans"])
        questions.append(Question(asked["text"], gold))
    return documents, questions


def fused(*rankings: Sequence[Place]) -> list[Place]:
    """Reciprocal-rank fusion (Cormack, Clarke & Büttcher, SIGIR 2009)."""
    scores: dict[Place, float] = {}
    for ranking in rankings:
        for rank, place in enumerate(ranking):
            scores[place] = scores.get(place, 0.0) + 1 / (60 + rank + 1)
    return sorted(scores, key=lambda place: -scores[place])


def measure(
    table: ChunkTable, documents: Sequence[Document], questions: Sequence[Question], embed: Cached | None
) -> tuple[dict[str, list[float]], float, int]:
    cut = chunking(table).cut
    begun = time.process_time()
    chunks = [
        (Place(document.id, piece.start, piece.end), document.text[piece.start : piece.end])
        for document in documents
        for piece in cut(document)
    ]
    cpu = (time.process_time() - begun) / sum(len(document.text) for document in documents) * 1e6
    lexical = Lexical(chunks)
    words = [lexical.ranked(question.text) for question in questions]
    lexical.close()
    rankings = {"bm25": words}
    if embed is not None:
        rows = embed.vectors([text for _, text in chunks])
        near = embed.vectors([question.text for question in questions]) @ rows.T
        meaning = [[chunks[n][0] for n in np.argsort(-line)[:200]] for line in near]
        rankings |= {"minilm": meaning, "fused": [fused(*pair) for pair in zip(words, meaning, strict=True)]}
    found = {
        name: [recall(question.gold, shown(ranked)) for question, ranked in zip(questions, ranking, strict=True)]
        for name, ranking in rankings.items()
    }
    return found, cpu, len(chunks)


def main(folder: Path, cache: Path) -> None:
    documents, questions = read(folder)
    embedder = open_embedder(Folder(default_place()).find("minilm"), 2)
    embed = Cached(embedder, cache)
    first: dict[str, list[float]] = {}
    print(f"{len(questions)} questions, {sum(len(each.text) for each in documents):,} characters, budget 4,000")
    for table in TABLES:
        found, cpu, chunks = measure(table, documents, questions, embed)
        first = first or found
        print(f"{chunking(table).written}: {chunks} chunks, {cpu:.2f} CPU s per million characters")
        for name, values in found.items():
            against = mean([ours - theirs for ours, theirs in zip(values, first[name], strict=True)])
            print(f"  {name:7} recall {mean(values)}   against the default {against}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else "build/chunking"))

"""What apps know is not kept in PostgreSQL yet: nothing is known here, and whoever wants to index is told so."""

from collections.abc import Mapping, Sequence
from typing import Never

from rowen.store.knowledge import Build, Collection, Cut, Hit, Known
from rowen.values import Chunk, Condition, Document, Manifest, Mistaken, Passage, Reader


class PostgresKnowledge:
    """An empty house. An app without `[retrieve]` never notices; reading finds nothing."""

    async def builds(self, collection: Collection) -> list[Build]:  # noqa: ARG002 - of the protocol, like those below
        return []

    async def begin(self, collection: Collection, manifest: Manifest, *, now_ns: int) -> Build:
        _refuse(collection, manifest, now_ns)

    async def ready(self, build: str) -> None:
        _refuse(build)

    async def switch(self, build: str, *, now_ns: int) -> Build:
        _refuse(build, now_ns)

    async def drop(self, build: str) -> None:
        _refuse(build)

    async def known(self, collection: Collection, source: str = "") -> list[Known]:  # noqa: ARG002
        return []

    async def missing(self, build: str, *, limit: int = 100) -> list[Document]:
        _refuse(build, limit)

    async def write(self, collection: Collection, document: Document, cuts: Sequence[Cut]) -> None:
        _refuse(collection, document, cuts)

    async def fill(self, collection: Collection, cut: Cut, *, document: str, version: str) -> bool:
        _refuse(collection, cut, document, version)

    async def learn(self, build: str, learnt: Mapping[str, float]) -> None:
        _refuse(build, learnt)

    async def embedded(self, collection: Collection, manifest: Manifest, texts: Sequence[str]) -> list[bytes]:  # noqa: ARG002
        return [b""] * len(texts)

    async def remove(self, collection: Collection, ids: Sequence[str], *, now_ns: int) -> int:  # noqa: ARG002
        return 0

    async def removed(self, collection: Collection, since_ns: int) -> list[str]:  # noqa: ARG002
        return []

    async def document(self, collection: Collection, id: str, reader: Reader) -> Document | None:  # noqa: ARG002
        return None

    async def chunks(self, build: str, document: str) -> list[Chunk]:
        _refuse(build, document)

    async def dense(
        self, build: str, vector: bytes, *, reader: Reader, where: Sequence[Condition] = (), limit: int = 100
    ) -> list[Hit]:
        _refuse(build, vector, reader, where, limit)

    async def lexical(
        self, build: str, question: str, *, reader: Reader, where: Sequence[Condition] = (), limit: int = 100
    ) -> list[Hit]:
        _refuse(build, question, reader, where, limit)

    async def vectors(self, build: str, chunks: Sequence[int]) -> dict[int, bytes]:
        _refuse(build, chunks)

    async def passages(self, build: str, hits: Mapping[int, float], *, reader: Reader) -> dict[int, Passage]:
        _refuse(build, hits, reader)


def _refuse(*_asked: object) -> Never:
    message = (
        "what an app knows is not kept in PostgreSQL yet: give an app with `[retrieve]` a store at `sqlite:FOLDER`"
    )
    raise Mistaken("config_invalid", message, place="store")

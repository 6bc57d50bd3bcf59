"""Few-shot: examples of an app's own cases that are most like the question, unlike one another, and fit their room.

Variety by maximal marginal relevance: J. Carbonell & J. Goldstein, "The Use of MMR, Diversity-Based Reranking for Reordering
Documents and Producing Summaries", SIGIR 1998.
"""

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple, Protocol, cast

from rowen.prompt.base import ExamplesTable
from rowen.store.base import Record, Records
from rowen.store.shelf import Shelf
from rowen.values import Case, CountText, Embed, Embeddings, Mistaken, Problem, Reader, Value
from rowen.values.words import words

log = logging.getLogger(__name__)

_MOST = 20_000  # vectors in memory


class Example(NamedTuple):
    """A question with the answer that it should get."""

    id: str
    question: str
    answer: str
    access: tuple[str, ...] = ()
    """Groups that may see it; none: everybody."""
    user: str = ""
    """Whose question it was. Of somebody's words no vector is written down, which would outlast their erasure."""


class Chosen(NamedTuple):
    """Examples for one question, the most like it last, and what the trace is told of them."""

    examples: tuple[Example, ...]
    facts: dict[str, Any]


Load = Callable[[], Awaitable[Sequence[Case]]]
"""Gives the cases that may be shown: none of those that the app is tried on."""


class Near(Protocol):
    """Vectors among which is ranked (`rowen.prompt.near`)."""

    def nearest(
        self, query: bytes, *, top: int, variety: float, least: float, without: Collection[int] = ()
    ) -> list[tuple[int, float]]:
        """Return places and cosines in the order in which they are chosen."""
        ...


class Pool(NamedTuple):
    """All examples of an app, ready to be chosen from."""

    examples: tuple[Example, ...]
    near: Near | None
    """None where there is no example."""
    asking: Mapping[str, tuple[int, ...]]
    """The places of examples by their question's words."""
    limited: tuple[int, ...]
    """The places of those that are not for everybody."""


class Kept(Value, frozen=True, kw_only=True):
    """The vector of one example's question, by the model and the text."""

    id: str
    data: bytes
    """float32, little-endian."""


class Vectors:
    """Vectors of examples, by the model and the text that they are of. Shared by all apps; what callers ask is not kept.

    Args:
        records: where they outlast the process; None keeps them in memory alone.
        most: in memory.

    """

    def __init__(self, records: Records | None = None, *, most: int = _MOST) -> None:
        self._shelf = (
            Shelf(records, "example_vector", Kept, lambda each: Record(kind="", id=each.id)) if records else None
        )
        self._most = most
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    async def of(self, embed: Embed, texts: Sequence[str], *, passing: Collection[str] = ()) -> list[bytes]:
        """Return the vectors of texts; only those that are not known are made.

        Args:
            embed: makes them.
            texts: what they are of.
            passing: texts of which no vector is to outlast the process.

        """
        keys = [f"{embed.fingerprint}:{hashlib.sha256(text.encode()).hexdigest()}" for text in texts]
        found: dict[str, bytes] = {}
        new: dict[str, str] = {}
        for key, text in zip(keys, texts, strict=True):
            if key in found or key in new:
                continue
            data = self._kept.get(key) or await self._read(key)
            if data is None:
                new[key] = text
            else:
                found[key] = data
        if new:
            made = await embed(list(new.values()), role="query")  # questions are held against questions
            for (key, text), data in zip(new.items(), _rows(made), strict=True):
                found[key] = data
                if self._shelf is not None and text not in passing:
                    await self._shelf.put(Kept(id=key, data=data))
        for key, data in found.items():
            self._kept[key] = data
            self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return [found[key] for key in keys]

    async def _read(self, key: str) -> bytes | None:
        kept = await self._shelf.get(key) if self._shelf is not None else None
        return None if kept is None else kept.data


class Shots:
    """Chooses examples.

    Args:
        table: how many, and how.
        load: gives the cases; asked once.
        embed: makes the vectors of questions.
        count: tokens of a text.
        vectors: keeps them.

    Raises:
        Mistaken: `extra_missing` without NumPy.

    """

    def __init__(self, table: ExamplesTable, *, load: Load, embed: Embed, count: CountText, vectors: Vectors) -> None:
        self.budget = table.budget
        self._table = table
        self._load = load
        self._embed = embed
        self._count = count
        self._vectors = vectors
        self._rows = _rows_type()
        self._pool: Pool | None = None
        self._loading = asyncio.Lock()

    async def chosen(self, question: str, reader: Reader) -> Chosen:
        """Return the examples for a question, for one reader. One that asks the same is not among them.

        Raises:
            Problem: the cases cannot be read, or the vectors not be made.

        """
        said = _plain(question)
        pool = await self._ready()
        if pool.near is None or not said:
            return Chosen((), {"examples": []})
        hidden = [place for place in pool.limited if {*pool.examples[place].access}.isdisjoint(reader.groups)]
        (query,) = _rows(await self._embed([question], role="query"))
        table = self._table
        # More than are wanted, since some may not fit.
        ranked = pool.near.nearest(
            query,
            top=3 * table.top,
            variety=table.variety,
            least=table.least,
            without=(*pool.asking.get(said, ()), *hidden),
        )
        room, taken, left = table.budget, list[tuple[Example, float]](), 0
        for place, cosine in ranked:
            if len(taken) == table.top:
                break
            example = pool.examples[place]
            tokens = self._count(example.question) + self._count(example.answer)
            if tokens > room:
                left += 1
                continue
            room -= tokens
            taken.append((example, cosine))
        taken.sort(key=lambda each: each[1])
        facts: dict[str, Any] = {
            "examples": [{"case": each.id, "alike": round(cosine, 3)} for each, cosine in taken],
            "example_tokens": table.budget - room,
        }
        if left:
            facts["examples_unfit"] = left
        return Chosen(tuple(each for each, _ in taken), facts)

    def forget(self) -> None:
        """Forget all examples: they are read again before the next question."""
        self._pool = None

    async def ready(self) -> None:
        """Make the vectors of all examples, which can take a while the first time. What hinders it is only told."""
        try:
            await self._ready()
        except Problem as problem:
            log.warning("examples cannot be shown yet: %s", problem.message)

    async def _ready(self) -> Pool:
        if self._pool is None:
            async with self._loading:
                if self._pool is None:
                    self._pool = await self._made(tuple(examples_of(await self._load())))
        return self._pool

    async def _made(self, examples: tuple[Example, ...]) -> Pool:
        asking: dict[str, tuple[int, ...]] = {}
        for place, each in enumerate(examples):
            said = _plain(each.question)
            asking[said] = (*asking.get(said, ()), place)
        passing = {each.question for each in examples if each.user}
        rows = await self._vectors.of(self._embed, [each.question for each in examples], passing=passing)
        return Pool(
            examples=examples,
            near=self._rows(rows) if rows else None,
            asking=asking,
            limited=tuple(place for place, each in enumerate(examples) if each.access),
        )


def examples_of(cases: Iterable[Case]) -> Iterable[Example]:
    """Yield the cases that say both what is asked and what should be answered, as texts."""
    for case in cases:
        question = _question(case.input)
        answer = case.expected if isinstance(case.expected, str) else ""
        if question.strip() and answer.strip():
            said = case.metadata.get("access") or ()
            access = (said,) if isinstance(said, str) else tuple(map(str, said))
            yield Example(case.id, question, answer, access, case.user)


def _rows(made: Embeddings) -> list[bytes]:
    width = 4 * made.dimensions
    return [made.data[start : start + width] for start in range(0, len(made.data), width)] if width else []


def _question(input: Any) -> str:
    """Return a question that stands for itself: a text, or a conversation of one turn."""
    match input:
        case str():
            return input
        case [{"role": "user", "content": str(text)}]:
            return text
        case _:
            return ""


def _plain(text: str) -> str:
    return " ".join(words(text))


def _rows_type() -> Callable[[Sequence[bytes]], Near]:
    try:
        return cast("Callable[[Sequence[bytes]], Near]", import_module("rowen.prompt.near").Rows)
    except ModuleNotFoundError as error:
        message = "examples that are chosen need `pip install rowen[rag]`"
        raise Mistaken("extra_missing", message, place="[prompt] examples") from error

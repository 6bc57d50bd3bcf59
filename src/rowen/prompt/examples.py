"""Few-shot: examples of an app's own cases that are most like the question, unlike one another, and fit their room.

Variety by maximal marginal relevance: J. Carbonell & J. Goldstein, "The Use of MMR, Diversity-Based Reranking for Reordering
Documents and Producing Summaries", SIGIR 1998.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from importlib import import_module
from typing import Any, NamedTuple, Protocol, cast

from rowen.prompt.base import ExamplesTable
from rowen.values import Case, CountText, Embed, Mistaken, Reader
from rowen.values.words import words

_KEPT = 20_000  # vectors in memory


class Example(NamedTuple):
    """A question with the answer that it should get."""

    id: str
    question: str
    answer: str
    access: tuple[str, ...] = ()
    """Groups that may see it; none: everybody."""


class Chosen(NamedTuple):
    """Examples for one question, the most like it last, and what the trace is told of them."""

    examples: tuple[Example, ...]
    facts: dict[str, Any]


Load = Callable[[], Awaitable[Sequence[Case]]]
"""Gives the cases that may be shown: none of those that the app is tried on."""


class Near(Protocol):
    """Ranks vectors (`rowen.prompt.near`)."""

    def __call__(
        self, query: bytes, rows: Sequence[bytes], *, top: int, variety: float, least: float
    ) -> list[tuple[int, float]]:
        """Return places and cosines of rows in the order in which they are chosen."""
        ...


class Vectors:
    """Vectors by the model and the text that they are of, shared by all apps and kept over reloads."""

    def __init__(self, most: int = _KEPT) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[str, bytes], bytes] = OrderedDict()

    async def of(self, embed: Embed, texts: Sequence[str]) -> list[bytes]:
        """Return the vectors of texts; only those that are not known are made."""
        keys = [(embed.fingerprint, hashlib.sha256(text.encode()).digest()) for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._kept}
        found = {key: self._kept[key] for key in keys if key in self._kept}
        if new:
            made = await embed(list(new.values()), role="query")  # questions are held against questions
            width = 4 * made.dimensions
            found |= {key: made.data[place * width : (place + 1) * width] for place, key in enumerate(new)}
        for key in dict.fromkeys(keys):
            self._kept[key] = found[key]
            self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return [found[key] for key in keys]


class Shots:
    """Chooses examples.

    Args:
        table: how many, and how.
        load: gives the cases; asked once, at the first question.
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
        self._near = _near()
        self._pool: list[Example] | None = None
        self._loading = asyncio.Lock()

    async def chosen(self, question: str, reader: Reader) -> Chosen:
        """Return the examples for a question, for one reader. One that asks the same is not among them.

        Raises:
            Problem: the cases cannot be read, or the vectors not be made.

        """
        said = _plain(question)
        pool = [each for each in await self._all() if _may(each, reader) and _plain(each.question) != said]
        if not pool or not said:
            return Chosen((), {"examples": []})
        (query, *rows) = await self._vectors.of(self._embed, [question, *(each.question for each in pool)])
        table = self._table
        # More than are wanted, since some may not fit.
        ranked = self._near(query, rows, top=3 * table.top, variety=table.variety, least=table.least)
        room, taken, left = table.budget, list[tuple[Example, float]](), 0
        for place, cosine in ranked:
            if len(taken) == table.top:
                break
            example = pool[place]
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

    async def _all(self) -> list[Example]:
        if self._pool is None:
            async with self._loading:
                if self._pool is None:
                    self._pool = list(examples_of(await self._load()))
        return self._pool


def examples_of(cases: Iterable[Case]) -> Iterable[Example]:
    """Yield the cases that say both what is asked and what should be answered, as texts."""
    for case in cases:
        question = _question(case.input)
        answer = case.expected if isinstance(case.expected, str) else ""
        if question.strip() and answer.strip():
            said = case.metadata.get("access") or ()
            access = (said,) if isinstance(said, str) else tuple(map(str, said))
            yield Example(case.id, question, answer, access)


def _question(input: Any) -> str:
    """Return a question that stands for itself: a text, or a conversation of one turn."""
    match input:
        case str():
            return input
        case [{"role": "user", "content": str(text)}]:
            return text
        case _:
            return ""


def _may(example: Example, reader: Reader) -> bool:
    return not example.access or not {*example.access}.isdisjoint(reader.groups)


def _plain(text: str) -> str:
    return " ".join(words(text))


def _near() -> Near:
    try:
        return cast("Near", import_module("rowen.prompt.near").nearest)
    except ModuleNotFoundError as error:
        message = "examples that are chosen need `pip install rowen[rag]`"
        raise Mistaken("extra_missing", message, place="[prompt] examples") from error

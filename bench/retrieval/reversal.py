"""Whether what is said one way round is found the other way round: `python -m bench.retrieval.reversal`.

Families with invented names: a page for each person, which says who her mother is, in one of several ways, among much else;
and about each mother there are pages that say a lot of her and of mothers, and nothing of her child. Asked is "Whose mother is Y?",
where the page of X must be found that says so, and "Where was the child of Y born?", where it must be that of X which says
where; no word of Y is in it. Both with and without the graph, by words and by both ways, at 1 and 6 passages.
"""

import argparse
import asyncio
import random
from tempfile import TemporaryDirectory
from typing import NamedTuple

from bench.retrieval.quality import HOUSE

from rowen.provider.embed import Embedding
from rowen.provider.weights import Folder, default_place
from rowen.retrieve.base import ChunkTable, RetrieveSettings
from rowen.retrieve.chunk import chunking
from rowen.retrieve.graph import extracting
from rowen.retrieve.plan import Plan, manifest_of
from rowen.retrieve.search import Means, searched
from rowen.store.catalog import open_store
from rowen.store.knowledge import Collection
from rowen.values import Document, Embed, SystemClock
from rowen.values.interval import mean

_SAID = (
    "{child}'s mother is {mother}.",
    "{child}'s mother, {mother}, was a weaver.",
    "{mother} is the mother of {child}.",
    "Her mother is {mother}.",
    "{child} is the child of {mother}.",
)
_ABOUT = (
    "{mother} wrote about mothers and what a mother is for.",
    "As a mother of pearl collector, {mother} had no equal.",
    "A mother, says {mother}, is whoever stays up at night.",
    "{mother} ran the house for mothers in the old harbour.",
    "Whose mother one is, {mother} held, matters less than whose friend.",
)
_FILLER = (
    "The winter that year was long, and the mills stood still until March.",
    "Trade along the river went on as it had for a hundred years.",
    "Most of the letters were lost when the archive moved.",
    "The town rebuilt its bridge twice within ten years.",
    "A market was held on every second Friday of the month.",
    "Of the older houses only three are left standing.",
)


_NOTES = 8  # pages about a mother: more than are shown


class World(NamedTuple):
    documents: list[Document]
    asked: list[tuple[str, str, str]]
    """A question, its kind, and a text that the right passage has."""


def world(families: int, seed: int) -> World:
    """Return pages about invented families, and questions about them."""
    chance = random.Random(seed)
    names = _names(chance, families * 2)
    documents, asked = [], []
    for nth in range(families):
        child, mother = names[2 * nth], names[2 * nth + 1]
        town = _word(chance, 3)
        said = _SAID[nth % len(_SAID)].format(child=child, mother=mother)
        born = f"{child} was born in {town}."
        early, late = chance.sample(_FILLER, 5), chance.sample(_FILLER, 5)
        parts = [f"{child} is a maker of clocks.", *early, said, *_FILLER, born, *late]
        documents.append(_document(f"c{nth}", child, parts))
        for at in range(_NOTES):
            about = [each.format(mother=mother) for each in chance.sample(_ABOUT, 3)]
            documents.append(
                _document(f"m{nth}-{at}", f"{mother}, notes {at + 1}", [*about, *chance.sample(_FILLER, 2)])
            )
        asked.append((f"Whose mother is {mother}?", "whose", said))
        asked.append((f"Where was the child of {mother} born?", "two steps", born))
    chance.shuffle(documents)
    return World(documents, asked)


async def found(made: World, embed: Embed | None, graph: str, top: int) -> dict[str, list[float]]:
    """Return for each kind of question whether the right passage was among the first `top`."""
    settings = RetrieveSettings(graph=graph, weight=0.3, chunk=ChunkTable(size=200, overlap=100))
    with TemporaryDirectory() as folder:
        store = await open_store(f"sqlite:{folder}", clock=SystemClock())
        try:
            return await _hits(store, made, settings, embed, top)
        finally:
            await store.close()


async def _hits(store, made: World, settings, embed: Embed | None, top: int) -> dict[str, list[float]]:
    cutting = chunking(settings.chunk)
    plan = Plan(
        collection=Collection(tenant="bench", app="bench", name="families"),
        settings=settings,
        sources={},
        chunking=cutting,
        manifest=await manifest_of(settings, cutting, embed),
        embed=embed,
        graph=extracting(settings.graph),
    )
    build = await store.knowledge.begin(plan.collection, plan.manifest, now_ns=1)
    for document, cut in zip(made.documents, await plan.cut(made.documents, build.id, store.knowledge), strict=True):
        await store.knowledge.write(plan.collection, document, [cut])
    means = Means(knowledge=store.knowledge, clock=SystemClock(), embeds=(embed,) if embed else ())
    hits: dict[str, list[float]] = {}
    for question, kind, answer in made.asked:
        passages = (await searched(build, settings, means, question, reader=HOUSE, top=top)).passages
        hits.setdefault(kind, []).append(float(any(answer in passage.text for passage in passages)))
    return hits


def _document(id: str, title: str, parts: list[str]) -> Document:
    return Document(id=id, source="bench", uri=id, version="1", text=" ".join(parts), title=title, language="en")


def _names(chance: random.Random, count: int) -> list[str]:
    made: dict[str, None] = {}
    while len(made) < count:
        made[f"{_word(chance, 2)} {_word(chance, 3)}"] = None
    return list(made)


def _word(chance: random.Random, syllables: int) -> str:
    return "".join(chance.choice("bdfglmnrstv") + chance.choice("aeiou") for _ in range(syllables)).capitalize() + "n"


async def main(arguments: argparse.Namespace) -> None:
    made = world(arguments.families, seed=7)
    print(f"{len(made.documents)} documents, {len(made.asked)} questions")
    print("| | asked | found among 1 | among 6 |\n|---|---|---|---|")
    for label, embed in (("by words", None), ("both ways", Embedding("minilm", Folder(default_place()), threads=1))):
        for graph in ("none", "rules"):
            first, six = [await found(made, embed, graph, top) for top in (1, 6)]
            for kind in first:
                one, more = mean(first[kind]), mean(six[kind])
                said = [f"{each.value:.2f} [{each.low:.2f}, {each.high:.2f}]" for each in (one, more)]
                print(
                    f"| {label}, graph {graph} | {kind} (n = {len(first[kind])}) | {said[0]} | {said[1]} |", flush=True
                )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--families", type=int, default=40)
    asyncio.run(main(parser.parse_args()))

"""What a query adapter gains: learnt from some questions of a judged set, tried on others.

    python -m bench.retrieval.adapter --data FOLDER --cache FOLDER --set scifact

The gain is told apart for test questions whose answers a training question asks for too (seen) and all others (unseen).
Which pull, gate and share to take is decided on training questions alone, by both ways of searching together.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from bench.retrieval import sets
from bench.retrieval.quality import CONFIGURATIONS, HOUSE, Kept, indexed, measured, names_of

from rowen.evaluate.statistics import bootstrap
from rowen.improve.adapter import Judged, learnt, tried
from rowen.provider.embed import Embedding
from rowen.provider.weights import Folder, default_place
from rowen.retrieve.adapter import Adapted, Adapter
from rowen.retrieve.fuse import WEIGHT, scaled
from rowen.retrieve.metrics import ndcg
from rowen.retrieve.stages.look import LIMIT
from rowen.store.catalog import open_store
from rowen.values import SystemClock

_BATCH = 512


class Part(NamedTuple):
    """Questions to learn from, and others to try it on."""

    train: sets.Judged
    test: sets.Judged


class Tried(NamedTuple):
    """A question without and with the adapter, and whether a question that was learnt from asks for what answers it."""

    before: float
    after: float
    seen: bool


async def main(arguments: argparse.Namespace) -> None:
    embed = Kept(Embedding("minilm", Folder(default_place())), arguments.cache)
    ways: dict[str, list[Tried]] = {each: [] for each in CONFIGURATIONS}
    for part in await _parts(arguments):
        adapter = await _learnt(part.train, embed)
        known = {name for question in part.train.questions for name in question.relevant}
        seen = [not known.isdisjoint(question.relevant) for question in part.test.questions]
        plain = await measured(part.test, embed, note=lambda _: None)
        with_it = await measured(part.test, Adapted(embed, adapter), note=lambda _: None) if adapter else plain
        for before, after in zip(plain, with_it, strict=True):
            ways[before.configuration] += map(Tried, before.each, after.each, seen)
    print(
        "| test questions | nDCG@10 | with the adapter | gain | gain, seen | gain, unseen |\n|---|---|---|---|---|---|"
    )
    for name, tried_ in ways.items():
        worth = [bootstrap([each[at] for each in tried_], bounds=(0.0, 1.0)) for at in (0, 1)]
        gains = [
            bootstrap([each.after - each.before for each in tried_ if each.seen in wanted], bounds=(-1.0, 1.0))
            for wanted in ((True, False), (True,), (False,))
        ]
        print(f"| {name} | " + " | ".join(map(str, (*worth, *gains))) + " |")


async def _parts(arguments: argparse.Namespace) -> list[Part]:
    """SciFact has its own; elsewhere each question is held out once, by chance."""
    if arguments.set == "scifact":
        train, test = [await sets.scifact(arguments.data / "scifact", "whole", split) for split in ("train", "test")]
        return [Part(train, test)]
    judged = await sets.codebases(arguments.data / "codebases")
    fold = np.random.default_rng(0).permutation(len(judged.questions)) % arguments.folds
    some = [
        [question for question, at in zip(judged.questions, fold, strict=True) if at == nth]
        for nth in range(max(fold) + 1)
    ]
    rest = [
        [question for question, at in zip(judged.questions, fold, strict=True) if at != nth]
        for nth in range(max(fold) + 1)
    ]
    return [
        Part(judged._replace(questions=one), judged._replace(questions=other))
        for one, other in zip(rest, some, strict=True)
    ]


async def _learnt(train: sets.Judged, embed: Kept) -> Adapter | None:
    said, names, owners = [], [], []
    for number, item in enumerate(train.items):
        said += [chunk.said(item.document.text) for chunk in item.chunks]
        names += item.ids
        owners += [number] * len(item.chunks)
    rows = {name: row for row, name in enumerate(names)}

    def measure(ranking: Sequence[int], grades: Mapping[int, float]) -> float:
        return ndcg([names[row] for row in ranking], {names[row]: 1 for row in grades}, 10)

    words, zero = await _words(train, embed, rows)
    judged = Judged(
        questions=await _vectors(embed, [question.text for question in train.questions]),
        documents=await _vectors(embed, said),
        relevant=[{rows[name]: 1.0 for name in question.relevant} for question in train.questions],
        owners=owners,
        words=words,
        share=WEIGHT,
        zero=zero,
    )
    started = time.process_time()
    outcome = tried(judged, measure, tell=lambda done, total: print(f"{done} of {total}", file=sys.stderr, flush=True))
    tried_s = time.process_time() - started
    print(f"{outcome.questions} training questions, {len(said)} chunks; tried in {tried_s:.0f} CPU s\n")
    print("| pull | gate | share | gain on seen | gain on unseen | harm excluded |\n|---|---|---|---|---|---|")
    for trial in outcome.trials:
        gate = "none" if trial.gate < 0 else trial.gate
        print(
            f"| {trial.pull} | {gate} | {trial.share} | {trial.seen} | {trial.unseen} | {'yes' if trial.harmless else 'no'} |"
        )
    print(f"\nchosen: {outcome.chosen or outcome.reason}\n")
    return learnt(judged, outcome, fingerprint=embed.fingerprint)


async def _words(train: sets.Judged, embed: Kept, row_of: Mapping[str, int]) -> tuple[list[dict[int, float]], float]:
    """Return what each question finds by words, and where the index found that likeness begins."""
    with TemporaryDirectory() as folder:
        store = await open_store(f"sqlite:{folder}", clock=SystemClock())
        build = await indexed(store.knowledge, train, embed, lambda _: None)
        found, called = [], names_of(train)
        for question in train.questions:
            hits = await store.knowledge.lexical(build.id, question.text, reader=HOUSE, limit=LIMIT)
            passages = await store.knowledge.passages(build.id, {hit.chunk: 0.0 for hit in hits}, reader=HOUSE)
            scores = scaled(hits, LIMIT).items()
            found.append(
                {
                    row_of[called[passages[chunk].document, passages[chunk].start]]: score
                    for chunk, score in scores
                    if chunk in passages
                }
            )
        await store.close()
    return found, build.learnt["ways.zero"]


async def _vectors(embed: Kept, texts: Sequence[str]) -> np.ndarray:
    found = [await embed(texts[at : at + _BATCH]) for at in range(0, len(texts), _BATCH)]
    return np.concatenate([np.frombuffer(each.data, "<f4").reshape(-1, each.dimensions) for each in found])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--set", default="scifact", choices=("scifact", "codebases"))
    parser.add_argument("--folds", type=int, default=5, help="of codebases, which has no training questions")
    asyncio.run(main(parser.parse_args()))

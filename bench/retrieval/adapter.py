"""What a query adapter gains: learnt from SciFact's training questions, tried on its test questions.

    python -m bench.retrieval.adapter --data FOLDER --cache FOLDER

The gain is told apart for test questions whose documents a training question asks for too (seen) and all others (unseen).
Which pull, gate and share to take is decided on training questions alone, by both ways of searching together.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from bench.retrieval import sets
from bench.retrieval.quality import HOUSE, Kept, indexed, measured

from rowen.evaluate.statistics import bootstrap
from rowen.improve.adapter import Judged, learnt, tried
from rowen.provider.embed import Embedding
from rowen.provider.weights import Folder, default_place
from rowen.retrieve.adapter import Adapted
from rowen.retrieve.fuse import WEIGHT, scaled
from rowen.retrieve.metrics import ndcg
from rowen.retrieve.search import LIMIT
from rowen.store.catalog import open_store
from rowen.values import SystemClock

_BATCH = 512


async def main(arguments: argparse.Namespace) -> None:
    embed = Kept(Embedding("minilm", Folder(default_place())), arguments.cache)
    train = await sets.scifact(arguments.data / "scifact", "whole", "train")
    test = await sets.scifact(arguments.data / "scifact", "whole", "test")
    said, names = [], []
    for item in train.items:
        said += [chunk.said(item.document.text) for chunk in item.chunks]
        names += item.ids
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        rows.setdefault(name, []).append(row)

    def measure(ranking: Sequence[int], grades: Mapping[int, float]) -> float:
        found = list(dict.fromkeys(names[row] for row in ranking))
        return ndcg(found, {names[row]: 1 for row in grades}, 10)

    words, zero = await _words(train, embed, {name: row for row, name in enumerate(names)})
    judged = Judged(
        questions=await _vectors(embed, [question.text for question in train.questions]),
        documents=await _vectors(embed, said),
        relevant=[{row: 1.0 for name in question.relevant for row in rows[name]} for question in train.questions],
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
    started = time.process_time()
    adapter = learnt(judged, outcome, fingerprint=embed.fingerprint)
    if adapter is None:
        print(f"\nNo adapter: {outcome.reason}.")
        return
    print(f"\nchosen: {outcome.chosen}\nlearnt in {time.process_time() - started:.1f} CPU s\n")
    known = {name for question in train.questions for name in question.relevant}
    seen = [not known.isdisjoint(question.relevant) for question in test.questions]
    plain = await measured(test, embed, note=lambda _: None)
    with_it = await measured(test, Adapted(embed, adapter), note=lambda _: None)
    print("| test questions | nDCG@10 | with the adapter | gain, seen | gain, unseen |\n|---|---|---|---|---|")
    for before, after in zip(plain, with_it, strict=True):
        gains = [b - a for a, b in zip(before.each, after.each, strict=True)]
        apart = [
            bootstrap([gain for gain, known_ in zip(gains, seen, strict=True) if known_ is want], bounds=(-1.0, 1.0))
            for want in (True, False)
        ]
        print(f"| {before.configuration} | {before.quality} | {after.quality} | {apart[0]} | {apart[1]} |")


async def _words(train: sets.Judged, embed: Kept, row_of: Mapping[str, int]) -> tuple[list[dict[int, float]], float]:
    """Return what each question finds by words, and where the index found that likeness begins."""
    with TemporaryDirectory() as folder:
        store = await open_store(f"sqlite:{folder}", clock=SystemClock())
        build = await indexed(store.knowledge, train, embed, lambda _: None)
        found = []
        for question in train.questions:
            hits = await store.knowledge.lexical(build.id, question.text, reader=HOUSE, limit=LIMIT)
            passages = await store.knowledge.passages(build.id, {hit.chunk: 0.0 for hit in hits}, reader=HOUSE)
            scores = scaled(hits, LIMIT).items()
            found.append({row_of[passages[chunk].document]: score for chunk, score in scores if chunk in passages})
        await store.close()
    return found, build.learnt["ways.zero"]


async def _vectors(embed: Kept, texts: Sequence[str]) -> np.ndarray:
    found = [await embed(texts[at : at + _BATCH]) for at in range(0, len(texts), _BATCH)]
    return np.concatenate([np.frombuffer(each.data, "<f4").reshape(-1, each.dimensions) for each in found])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    asyncio.run(main(parser.parse_args()))

"""How often the rule scorers are right on texts that people labelled: false alarms, misses, ranking; with intervals.

    python -m bench.scorers FOLDER [--meaning]

FOLDER holds `toxicity/surge.jsonl` (text, label), `groundedness/begin_wow.jsonl` and `groundedness/halueval_qa.jsonl`
(context, answer, grounded). `--meaning` also measures groundedness by embeddings, with the bundled MiniLM.
"""

import asyncio
import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rowen.provider.embed.catalog import open_embedder
from rowen.provider.weights import Folder, default_place
from rowen.score.base import Embed, Ports, Subject
from rowen.score.calibration import Calibration, Pair, calibrate
from rowen.score.catalog import make
from rowen.values.interval import Interval


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def auroc(found: Sequence[tuple[float, bool]]) -> float:
    """The chance that a random yes ranks above a random no: the Mann-Whitney statistic, ties counting half."""
    ranked = sorted(value for value, _ in found)
    place: dict[float, float] = {}
    at = 0
    while at < len(ranked):
        end = at
        while end < len(ranked) and ranked[end] == ranked[at]:
            end += 1
        place[ranked[at]] = (at + 1 + end) / 2
        at = end
    yes = [value for value, label in found if label]
    no = len(found) - len(yes)
    return (sum(place[value] for value in yes) - len(yes) * (len(yes) + 1) / 2) / (len(yes) * no)


def area(found: Sequence[tuple[float, bool]]) -> Interval:
    rng = random.Random(0)
    drawn = sorted(auroc(rng.choices(found, k=len(found))) for _ in range(300))
    return Interval(value=auroc(found), low=drawn[7], high=drawn[292], n=len(found), method="bootstrap")


def said(name: str, known: Calibration) -> None:
    print(f"{name}: agreement {known.agreement}")
    print(f"  caught {known.sensitivity}; false alarms {known.only_judge} of {known.specificity.n}")
    print(f"  passed {known.specificity}; misses {known.only_people} of {known.sensitivity.n}")
    print(f"  kappa {known.kappa}")


async def toxicity(folder: Path) -> None:
    for severe in (False, True):
        scorer = make("toxicity", {"severe": severe})
        pairs = []
        for line in lines(folder / "toxicity" / "surge.jsonl"):
            verdict, *_ = await scorer(Subject(answer=line["text"]))
            pairs.append(Pair(judge=bool(verdict.value), people=bool(line["label"])))
        said(f"toxicity, severe = {severe}", calibrate(pairs))


async def grounded(folder: Path, embed: Embed | None) -> None:
    for name in ("begin_wow", "halueval_qa"):
        cases = lines(folder / "groundedness" / f"{name}.jsonl")
        for by in ("words", "meaning") if embed else ("words",):
            for over in ("mean", "least"):
                scorer = make("grounded", {"by": by, "over": over}, Ports(embed=embed))
                found = []
                for line in cases:
                    verdicts = await scorer(Subject(answer=line["answer"], contexts=(line["context"],)))
                    found.append((verdicts[0].number if verdicts else 0.0, bool(line["grounded"])))
                print(f"grounded by {by}, {over}, {name}: AUROC {area(found)}")
                rng = random.Random(0)
                rng.shuffle(found)
                half = len(found) // 2
                chosen = max(
                    {value for value, _ in found[:half]},
                    key=lambda edge: sum((value >= edge) == label for value, label in found[:half]),
                )
                said(
                    f"  at {chosen:.2f}, chosen on one half and measured on the other",
                    calibrate([Pair(judge=value >= chosen, people=label) for value, label in found[half:]]),
                )


async def main() -> None:
    folder = Path(sys.argv[1])
    embed = None
    if "--meaning" in sys.argv:
        model = open_embedder(Folder(default_place()).find("minilm"), 1)
        known: dict[str, tuple[float, ...]] = {}

        async def embedded(texts: Sequence[str]) -> list[tuple[float, ...]]:
            new = [text for text in dict.fromkeys(texts) if text not in known]
            if new:
                known.update(zip(new, model.embed(new).vectors, strict=True))
            return [known[text] for text in texts]

        embed = embedded
    await toxicity(folder)
    await grounded(folder, embed)


asyncio.run(main())

"""Two bundled embedding models, and none, name what a question wants: a real comparison by `rowen eval` and `rowen compare`.

    export INTENTS=utterances.jsonl.gz
    cd bench/evaluate && python intents.py > cases.jsonl
    for each in minilm wordllama words; do rowen eval --function intents:$each --cases cases.jsonl --scorer exact; done
    rowen compare RUN RUN RUN --primary exact --markdown

`INTENTS` is CLINC150 (S. Larson et al., "An Evaluation Dataset for Intent Classification and Out-of-Scope Prediction", EMNLP-IJCNLP
2019, CC BY 3.0): `text`, `intent`, `domain`, `split`. The answer is the intent of the nearest of 1,500 training utterances, ten an intent.
Cases are two an intent of the test split; nothing was tuned on them.
"""

import asyncio
import gzip
import json
import os
from array import array
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cache
from itertools import chain
from math import log
from operator import mul
from typing import Any

from rowen.provider.embed.embedding import Embedding
from rowen.provider.weights import Folder, default_place
from rowen.values.words import stem
from rowen.values.words import words as words_of

_EXAMPLES, _CASES = 10, 2
_BATCH = 64


@cache
def said(split: str, each: int) -> list[dict[str, Any]]:
    """Return so many utterances of each intent, in the order of the file."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with gzip.open(os.environ["INTENTS"], "rt", encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            if line["split"] == split and line["in_scope"] and len(found[line["intent"]]) < each:
                found[line["intent"]].append(line)
    return list(chain.from_iterable(found.values()))


class Nearest:
    """Names the intent of the nearest example by one model's vectors."""

    def __init__(self, model: str) -> None:
        self._embed = Embedding(model, Folder(default_place()))
        self._examples: list[Sequence[float]] = []
        self._once = asyncio.Lock()

    async def __call__(self, text: str) -> str:
        async with self._once:
            if not self._examples:
                texts = [each["text"] for each in said("train", _EXAMPLES)]
                for at in range(0, len(texts), _BATCH):
                    self._examples += await self._vectors(texts[at : at + _BATCH])
        [vector] = await self._vectors([text])
        likeness = [sum(map(mul, vector, example)) for example in self._examples]
        return str(said("train", _EXAMPLES)[likeness.index(max(likeness))]["intent"])

    async def _vectors(self, texts: list[str]) -> list[Sequence[float]]:
        made = await self._embed(texts)
        flat = array("f", made.data)
        return [flat[at : at + made.dimensions] for at in range(0, len(flat), made.dimensions)]


_minilm, _wordllama = Nearest("minilm"), Nearest("wordllama")


async def minilm(text: str) -> str:
    """Return the intent of a question by MiniLM."""
    return await _minilm(text)


async def wordllama(text: str) -> str:
    """Return the intent of a question by WordLlama's static vectors."""
    return await _wordllama(text)


@cache
def _index() -> tuple[list[frozenset[str]], dict[str, float]]:
    bags = [frozenset(map(stem, words_of(each["text"]))) for each in said("train", _EXAMPLES)]
    counts = Counter(chain.from_iterable(bags))
    return bags, {word: log(len(bags) / count) for word, count in counts.items()}


def words(text: str) -> str:
    """Return the intent of a question by the words that it shares with an example, rare ones counting more."""
    bags, weight = _index()
    asked = frozenset(map(stem, words_of(text)))
    scores = [sum(weight[word] for word in asked & bag) / (1 + len(bag)) ** 0.5 for bag in bags]
    return str(said("train", _EXAMPLES)[scores.index(max(scores))]["intent"])


if __name__ == "__main__":
    for number, each in enumerate(said("test", _CASES), 1):
        case = {
            "id": f"q{number:03d}",
            "input": each["text"],
            "expected": each["intent"],
            "metadata": {"domain": each["domain"]},
        }
        print(json.dumps(case))

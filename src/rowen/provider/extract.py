"""A provider without a model: it answers with the sentences of the sources that fit the question best, and cites them.

It cannot rephrase, add up or conclude, and it cannot invent either. For apps whose model is too weak to be trusted with
its sources, as the second opinion beside one, and where an answer must be a quotation.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rowen.provider.base import ModelSettings
from rowen.provider.fields import settle
from rowen.provider.options import options_of
from rowen.provider.transport import Transport
from rowen.values import (
    Deployment,
    Event,
    Events,
    Finished,
    Mistaken,
    Passage,
    Profile,
    Request,
    Said,
    Settings,
    Started,
    Usage,
    Used,
)
from rowen.values.words import content, sentence_spans, stem

_K1, _B = 1.2, 0.75
"""BM25's usual saturation and length norm."""
_SHARE = 0.5
"""A further sentence is worth saying when it fits at least this much as well as the best."""


class Options(Settings, frozen=True, kw_only=True):
    """The `options` of an extractive model."""

    sentences: int = 3
    """How many sentences an answer has at most."""
    unknown: str = "I do not know: the sources do not say."
    """What it says when no sentence has a word of the question."""


class Extract:
    """Quotes."""

    def __init__(self, options: Options) -> None:
        self.profile = declared()
        self._options = options

    async def ask(self, request: Request, deployment: Deployment) -> Events:
        if request.kind != "chat":
            raise Mistaken("field_unsupported", "an extractive model has no embeddings", place="model")
        settled = settle(request, deployment, family=frozenset())
        extra: dict[str, object] = {"rowen_dropped": list(settled.dropped)} if settled.dropped else {}
        question = next((message.parts for message in reversed(request.messages) if message.role == "user"), ())
        asked = question[-1].text if question and hasattr(question[-1], "text") else ""
        quoted = best(asked, request.passages, self._options.sentences)
        said = " ".join(f"{each.text} [{each.source}]" for each in quoted) or self._options.unknown
        events: list[Event] = [Started(model=deployment.upstream, extra=extra)]
        for choice in range(request.n):
            events += (Said(text=said, choice=choice), Finished(reason="stop", choice=choice))
        read = sum(len(passage.text.split()) for passage in request.passages)
        events.append(Used(usage=Usage(input_tokens=read, output_tokens=len(said.split()))))
        yield events

    async def close(self) -> None:
        """Nothing is held."""


class Quoted(NamedTuple):
    """A sentence of a source, whose number counts from 1."""

    text: str
    source: int
    score: float
    heading: str = ""
    """What it stands under."""


def best(question: str, passages: Sequence[Passage], most: int) -> list[Quoted]:
    """Return the sentences that fit a question, as they stand in their sources, those of better sources first.

    Each is scored with the heading it stands under by BM25 over the sentences of all passages (S. Robertson & H. Zaragoza, "The Probabilistic Relevance
    Framework", 2009), and a little more the better its passage was found.
    """
    pool = list(_sentences(passages))
    found = [Counter(map(stem, content(f"{each.heading} {each.text}"))) for each in pool]
    known = Counter(word for words in found for word in words)
    mean = sum(map(Counter.total, found)) / len(found) if found else 1.0
    asked = set(map(stem, content(question)))

    def fit(words: Counter[str], source: int) -> float:
        norm = _K1 * (1 - _B + _B * words.total() / mean)
        score = sum(
            math.log(1 + (len(pool) - known[word] + 0.5) / (known[word] + 0.5)) * times * (_K1 + 1) / (times + norm)
            for word in asked
            if (times := words[word])
        )
        return score * (1 + 0.5 / source)

    scored = [each._replace(score=fit(words, each.source)) for each, words in zip(pool, found, strict=True)]
    ranked = sorted((each for each in scored if each.score > 0), key=lambda each: -each.score)
    kept = [each for each in ranked if each.score >= _SHARE * ranked[0].score][:most]
    return sorted(kept, key=lambda each: (each.source, pool.index(each._replace(score=0.0))))


def make(settings: ModelSettings, transport: Transport) -> Extract:  # noqa: ARG001  the catalogue's signature
    """Return an extractive model.

    Raises:
        Mistaken: an option is wrong.

    """
    return Extract(options_of(settings, Options))


def declared(settings: ModelSettings | None = None) -> Profile:  # noqa: ARG001  the catalogue's signature
    """Return what it can do: quote. There is nothing to tune by temperature and its like, so those change nothing."""
    return Profile(
        tools=False,
        parallel_tools=False,
        images=False,
        files=False,
        json=False,
        schema=False,
        logprobs=False,
        reasoning=False,
        top_k=True,
    )


def _sentences(passages: Sequence[Passage]) -> Iterator[Quoted]:
    seen: set[str] = set()
    for number, passage in enumerate(passages, 1):
        heading = passage.path[-1] if passage.path else passage.title
        for start, end in sentence_spans(passage.text):
            text = " ".join(passage.text[start:end].split())
            if text.startswith("#"):
                heading = text.lstrip("# ")
            elif text not in seen and text[-1:] in {".", "!", "?", "…", "。"}:  # broken lines answer nothing
                seen.add(text)
                yield Quoted(text, number, 0.0, heading)

"""Packs what was found into the room that the prompt has for it: no text twice, no source alone, the best first."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Literal, NamedTuple

from rowen.values import CountText, Passage
from rowen.values.words import content, sentence_spans, stem

Order = Literal["best", "edges", "document"]

_WORTH = 60
"""Tokens of room below which a passage is not cut to fit: so little is seldom understood alone."""

_OFTEN = 3
"""Times from which on it says no more of a text that it has a word."""


Why = Literal["repeated", "crowded", "unfit", "cut"]


class Left(NamedTuple):
    """A passage that was found and did not go into the prompt, or not whole."""

    passage: Passage
    why: Why
    """`repeated`: another has its text; `crowded`: its document has enough; `unfit`: no room; `cut`: room for a part."""


class Packed(NamedTuple):
    """What goes into the prompt, and what did not."""

    passages: tuple[Passage, ...]
    tokens: int
    left: tuple[Left, ...]
    """In the order in which they were found."""

    def count(self, why: Why) -> int:
        """Return how many were left out for a reason."""
        return sum(each.why == why for each in self.left)


def packed(
    found: Sequence[Passage],
    question: str,
    *,
    budget: int,
    count: CountText,
    per_source: float = 1.0,
    order: Order = "best",
) -> Packed:
    """Return the passages that fit.

    Args:
        found: the best first.
        question: what they are to answer; of a passage too long, the sentences with most of its words are kept.
        budget: tokens for their texts and titles; of several passages none takes more than half.
        count: tokens of a text.
        per_source: the share of the passages that one document may have, above 0 and at most 1.
        order: `best` first; `edges`: the best at the beginning and the end, where models read most attentively (N. Liu
            et al., "Lost in the Middle", TACL 12 (2024)); `document`: as they stand in their documents.

    """
    taken: list[Passage] = []
    left: list[Left] = []
    tokens = 0
    whole = joined(found)
    share = budget if len(whole) == 1 else budget // 2
    most = max(1, round(per_source * len(found)))
    by_document: Counter[str] = Counter()
    for passage in whole:
        if _within(passage, taken):
            left.append(Left(passage, "repeated"))
        elif by_document[passage.document] >= most:
            left.append(Left(passage, "crowded"))
        else:
            fitting = _fitting(passage, question, min(share, budget - tokens), count)
            if fitting is None:
                left.append(Left(passage, "unfit"))
                continue
            if fitting is not passage:
                left.append(Left(passage, "cut"))
            taken.append(fitting)
            by_document[passage.document] += 1
            tokens += cost(fitting, count)
    return Packed(_ordered(taken, order), tokens, tuple(left))


def cost(passage: Passage, count: CountText) -> int:
    """Return the tokens that a passage takes in a prompt."""
    return count(passage.text) + count(" ".join((passage.title, *passage.path))) + 12  # its frame


def joined(found: Iterable[Passage]) -> list[Passage]:
    """Return the passages with those of one document that touch made one, at the place of the better of them."""
    whole: list[Passage] = []
    for passage in found:
        touching = [
            place
            for place, other in enumerate(whole)
            if (other.document, other.version) == (passage.document, passage.version)
            and not (passage.query or other.query)
            and passage.start <= other.end
            and other.start <= passage.end
        ]
        if not touching:
            whole.append(passage)
            continue
        first = touching[0]
        whole[first] = reduce(_one, (whole[place] for place in touching[1:]), _one(whole[first], passage))
        for place in reversed(touching[1:]):
            del whole[place]
    return whole


def _one(better: Passage, other: Passage) -> Passage:
    """Two passages that touch as one; what is said of the whole is said of the better."""
    early, late = sorted((better, other), key=lambda each: (each.start, -each.end))
    text = early.text + late.text[early.end - late.start :] if late.end > early.end else early.text
    return better.but(start=early.start, end=max(early.end, late.end), text=text, score=max(better.score, other.score))


def _within(passage: Passage, taken: Iterable[Passage]) -> bool:
    """Whether another document says the same, but for space and case."""
    plain = " ".join(passage.text.lower().split())
    return any(plain in " ".join(other.text.lower().split()) for other in taken)


def _fitting(passage: Passage, question: str, room: int, count: CountText) -> Passage | None:
    """The passage, or those sentences of it, one after the other, that have most of the question's words, or nothing."""
    if cost(passage, count) <= room:
        return passage
    if room < _WORTH:
        return None
    asked = set(map(stem, content(question)))
    spans = sentence_spans(passage.text)
    found: tuple[tuple[int, int], Passage] | None = None
    last = 0
    for first, (start, _) in enumerate(spans):
        last = max(last, first)
        window: Passage | None = None
        while last < len(spans):
            end = spans[last][1]
            longer = passage.but(start=passage.start + start, end=passage.start + end, text=passage.text[start:end])
            if cost(longer, count) > room:
                break
            window, last = longer, last + 1
        if window is not None:
            has = Counter(word for word in map(stem, content(window.text)) if word in asked)
            worth = (len(has), sum(min(times, _OFTEN) for times in has.values()))
            if found is None or worth > found[0]:
                found = (worth, window)
        if last == len(spans):
            break
    return found[1] if found else None


def _ordered(taken: list[Passage], order: Order) -> tuple[Passage, ...]:
    match order:
        case "best":
            return tuple(taken)
        case "edges":
            return (*taken[::2], *reversed(taken[1::2]))
        case "document":
            first = {passage.document: place for place, passage in reversed(list(enumerate(taken)))}
            return tuple(sorted(taken, key=lambda each: (first[each.document], each.start)))

"""From a question to passages by way of the graph: its names, what the documents say of them, and of what they lead to.

"Where was the son of Lia Brenn born?" names Lia Brenn. The graph has that Ada Brenn's mother is Lia Brenn, and so, read
backwards, that Lia has a child; the question asks for it, so what is told of Ada is looked at too, and that she was born in
Orvo is asked for as well. Relations that a question does not ask for are not followed: a graph helps by being right.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from rowen.retrieve.graph.kinds import sense_of
from rowen.store.knowledge import Build, Knowledge, Tie
from rowen.store.names import key_of
from rowen.values import Condition, Reader
from rowen.values.words import STOP, stem, words

SHARE = 1.0
"""How much what the graph finds adds to the fused score, in parts of the best there: a passage that says what is asked counts as the best hit."""
_ASKED = 1.0  # a passage that tells what a question asks for
_GUESSED = 0.5  # one that tells of it by a noun of no kind, which may stand in a question by chance
_NEXT = 0.9  # one that tells what is asked for of what the first led to
_ABOUT = 0.3  # one that tells something else of it
_LONGEST = 6  # words of a name
_NAMES = 400  # runs of words of a question that may be names
_LED_TO = 30  # things that are looked at next


class Grown(NamedTuple):
    """What the graph found."""

    scores: dict[int, float]
    """Of chunks, above 0 and at most 1."""
    names: tuple[str, ...]
    """Of the question, that the graph has."""
    relations: int
    """That were followed."""


async def grown(
    knowledge: Knowledge, build: Build, questions: Sequence[str], *, reader: Reader, where: Sequence[Condition] = ()
) -> Grown:
    """Return what the graph of a build has for a question asked in one or several ways.

    What a reader may not read is no passage, and no bridge to one either.
    """
    runs = list(dict.fromkeys(run for question in questions for run in _runs(question)))[:_NAMES]
    ties = await knowledge.related(build.id, runs, reader=reader, where=where) if runs else []
    named = _longest(runs, ties)
    ties = [tie for tie in ties if not named.isdisjoint(_ends(tie))]
    asked = {stem(word) for question in questions for word in words(question)} - {
        stem(word) for name in named for word in name.split()
    }
    scores: dict[int, float] = {}
    led_to: dict[str, None] = {}
    followed = 0
    for tie in ties:
        sense = sense_of(tie.relation.name)
        if sense.words & asked:
            followed += 1
            _put(scores, tie, _ASKED if sense.known else _GUESSED)
            led_to |= dict.fromkeys(end for end in _ends(tie) if end not in named)
    if led_to:
        first = {tie.relation for tie in ties}
        beyond = await knowledge.related(build.id, list(led_to)[:_LED_TO], reader=reader, where=where)
        for tie in beyond:
            if tie.relation not in first:
                told = bool(sense_of(tie.relation.name).words & asked)
                followed += told
                _put(scores, tie, _NEXT if told else _ABOUT)
    return Grown(scores, tuple(sorted(named)), followed)


def lifted(scores: Mapping[int, float], found: Mapping[int, float]) -> dict[int, float]:
    """Return fused scores with what the graph found added."""
    share = SHARE * (max(scores.values(), default=0.0) or 1.0)
    return {chunk: scores.get(chunk, 0.0) + share * found.get(chunk, 0.0) for chunk in scores.keys() | found.keys()}


def _runs(question: str) -> Iterable[str]:
    """Yield runs of a question's words that may be names: none of stop words alone, none that begins or ends with one."""
    said = key_of(question).split()
    for size in range(_LONGEST, 0, -1):
        for at in range(len(said) - size + 1):
            run = said[at : at + size]
            if run[0] not in STOP and run[-1] not in STOP and any(len(word) > 1 for word in run):
                yield " ".join(run)


def _longest(runs: Sequence[str], ties: Sequence[Tie]) -> frozenset[str]:
    """Return the names that the graph has of a question, without those that are a part of a longer one."""
    there = {end for tie in ties for end in _ends(tie)}
    kept: list[str] = []
    for run in sorted((run for run in runs if run in there), key=lambda run: -len(run)):
        if not any(f" {run} " in f" {longer} " for longer in kept):
            kept.append(run)
    return frozenset(kept)


def _ends(tie: Tie) -> tuple[str, str]:
    return key_of(tie.relation.subject), key_of(tie.relation.object)


def _put(scores: dict[int, float], tie: Tie, score: float) -> None:
    for chunk in tie.chunks:
        scores[chunk] = max(score, scores.get(chunk, 0.0))

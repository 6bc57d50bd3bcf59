"""The questions that settings are chosen by: read from a file, held against the documents, dealt into two parts."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec

from rowen.evaluate.near import Groups
from rowen.evaluate.split import split
from rowen.retrieve.metrics import Extent
from rowen.values import Case, Document, Mistaken, Settings, Value

LEAST = 10
"""Questions that each part must have: fewer tell nothing."""

_PLACE = 20_000  # characters of a long document that count as one place

Measure = Literal["recall", "ndcg"]
"""Of the characters that hold the answer, within a budget of characters; or nDCG@10 of the documents within it."""


class SpanTable(Settings, frozen=True, kw_only=True):
    """Where an answer stands."""

    doc: str
    start: int
    end: int


class Line(Value, frozen=True, kw_only=True):
    """A line of the file. Keys that are not known here are left to others."""

    question: str
    documents: tuple[str, ...] = ()
    """Paths of the documents that answer it, or the ends of the paths. None: nothing answers it."""
    spans: tuple[SpanTable, ...] = ()
    answer: str = ""
    """Words of a document that answer it. They count as a place where they stand there as they are."""
    source: Literal["", "case", "feedback", "generated"] = ""
    """Where it comes from. What is `generated` was asked by nobody, and is only chosen by where there are others."""
    trace: str = ""


class Question(NamedTuple):
    """A question, and what answers it."""

    id: str
    text: str
    documents: tuple[str, ...]
    """Ids of the documents. None: nothing here answers it."""
    spans: tuple[Extent, ...]
    group: int
    """Questions with a document in common are of one group; where few documents are asked about, those with a place in common."""
    reference: str = ""
    """What would be a right answer; empty where nobody said."""
    synthetic: bool = False
    """Whether a model made it up."""


class Parts(NamedTuple):
    """Questions to choose by, questions to report on, and those that nothing answers, likewise."""

    chosen_by: tuple[Question, ...]
    held_out: tuple[Question, ...]
    unanswerable: tuple[Question, ...]
    unanswerable_held_out: tuple[Question, ...]


def read(text: str, documents: Sequence[Document], *, place: str) -> tuple[Question, ...]:
    """Return the questions of a file, one JSON object a line.

    Args:
        text: of the file.
        documents: what the app knows.
        place: the file's name, for errors.

    Raises:
        Mistaken: `config_invalid` with the line: it is none, or names a document or a place that is not known.

    """
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                said = msgspec.json.decode(line, type=Line)
            except (msgspec.DecodeError, UnicodeEncodeError) as error:
                raise Mistaken("config_invalid", f"this is no question: {error}", place=f"{place}:{number}") from error
            found.append(_question(said, number, documents, f"{place}:{number}"))
    groups = Groups(len(found))
    few = len({document for each in found for document in each.documents}) < LEAST
    first: dict[object, int] = {}
    for at, each in enumerate(found):
        places = [(one.document, one.start // _PLACE) for one in each.spans] if few else []
        for shared in places or each.documents:
            groups.join(first.setdefault(shared, at), at)
    return tuple(each._replace(group=groups.of(at)) for at, each in enumerate(found))


def parted(questions: Sequence[Question], *, held: float, seed: str) -> Parts:
    """Return the questions dealt so that no document, and no wording, is asked for on both sides.

    Of questions that a model made up none is reported on, unless all are: they serve to choose by, but for those about a
    document, or in a wording, that is reported on.

    Raises:
        Mistaken: `config_invalid` when a part has too few.

    """
    cases = [
        Case(id=each.id, input=each.text, document=f"{each.group}" if each.documents else "") for each in questions
    ]
    parts = split(cases, {"tune": 1 - held, "held": held}, by=("document", "near"), seed=seed).parts
    away = set(parts["held"])
    sides = [[each for each in questions if (each.id in away) == out] for out in (False, True)]
    if not all(each.synthetic for each in questions):
        sides[1] = [each for each in sides[1] if not each.synthetic]
    kept, out = ([each for each in side if each.documents] for side in sides)
    if min(len(kept), len(out)) < LEAST:
        message = (
            f"{len(kept)} questions to choose by and {len(out)} to report on are too few: each part needs {LEAST}. "
            "Questions about one document stay together; add some about others, or use another --seed"
        )
        raise Mistaken("config_invalid", message, place="questions")
    none, none_out = (tuple(each for each in side if not each.documents) for side in sides)
    return Parts(tuple(kept), tuple(out), none, none_out)


def measure_of(questions: Sequence[Question]) -> Measure:
    """Return what is measured: places where all questions that have an answer name them, else documents."""
    return "recall" if all(each.spans for each in questions if each.documents) else "ndcg"


def _question(said: Line, number: int, documents: Sequence[Document], place: str) -> Question:
    named = {name: _named(name, documents, place) for name in (*said.documents, *(each.doc for each in said.spans))}
    wanted = dict.fromkeys(document.id for found in named.values() for document in found)
    spans = [_extent(each, named[each.doc], place) for each in said.spans]
    if said.answer and not spans:
        about = [each for each in documents if each.id in wanted] if wanted else documents
        places = ((each.id, each.text.find(said.answer)) for each in about)
        spans = [Extent(id, at, at + len(said.answer)) for id, at in places if at >= 0][:1]
        wanted |= dict.fromkeys(each.document for each in spans)
    return Question(
        f"q{number}", said.question, tuple(wanted), tuple(spans), 0, said.answer, said.source == "generated"
    )


def _named(name: str, documents: Sequence[Document], place: str) -> list[Document]:
    found = [each for each in documents if each.uri == name or each.uri.endswith(f"/{name}")]
    if not found:
        raise Mistaken("config_invalid", f'the app knows no document "{name}", or its gate put it aside', place=place)
    return found


def _extent(said: SpanTable, found: Sequence[Document], place: str) -> Extent:
    document = found[0]
    if len(found) > 1 or not 0 <= said.start < said.end <= len(document.text):
        message = f'"{said.doc}" has {len(document.text):,} characters, without those from {said.start} to {said.end}'
        if len(found) > 1:
            message = f'"{said.doc}" is the end of {len(found)} documents\' paths: write more of it'
        raise Mistaken("config_invalid", message, place=place)
    return Extent(document.id, said.start, said.end)

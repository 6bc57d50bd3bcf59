"""What a data set is made of, and what is to be said against it before anybody relies on it."""

from collections import Counter
from collections.abc import Sequence
from datetime import date

from rowen.evaluate.dataset import Dataset, asked, content_of
from rowen.evaluate.near import near, normal
from rowen.values import Case, Value
from rowen.values.clock import at

FEW = 50
"""Cases below which a comparison finds only large differences."""

_DAY_NS = 86_400_000_000_000


class Lengths(Value, frozen=True, kw_only=True, omit_defaults=False):
    """Characters of what is asked."""

    least: int = 0
    median: int = 0
    most: int = 0


class Composition(Value, frozen=True, kw_only=True, omit_defaults=False):
    """Counts of the cases of a data set. They are all there are, so they have no interval."""

    dataset: str
    hash: str
    """What the version of these cases would be called."""
    n: int
    sources: dict[str, int]
    """Cases by where they come from; `unknown` of older ones."""
    synthetic: int
    expected: int
    """Cases that say what should be answered."""
    apps: dict[str, int]
    users: int
    largest_user: int
    """Cases of the user with most of them."""
    documents: int
    masked: int
    """Cases whose trace was masked when it was written."""
    copies: int
    """Cases that ask, word for word, what an earlier one asks."""
    near: int
    """Cases that ask nearly what an earlier one asks, copies among them."""
    contradictions: int
    """Groups of copies of which not all expect the same."""
    lengths: Lengths
    oldest: date | None
    newest: date | None
    fields: dict[str, int]
    """How many cases have each field of metadata."""
    warnings: tuple[str, ...]


def composition(dataset: Dataset, cases: Sequence[Case], today: date) -> Composition:
    """Return what a data set is made of.

    Args:
        dataset: what is said of it.
        cases: its cases.
        today: what day it is, to tell whether it is past its own.

    """
    texts = [asked(case.input) for case in cases]
    groups: dict[str, list[Case]] = {}
    for text, case in zip(texts, cases, strict=True):
        groups.setdefault(normal(text) or text, []).append(case)
    users = Counter(case.user for case in cases if case.user)
    lengths = sorted(map(len, texts))
    days = sorted(at(case.created_ns).date() for case in cases if case.created_ns)
    found = Composition(
        dataset=dataset.name,
        hash=content_of(cases),
        n=len(cases),
        sources=dict(Counter(case.source or "unknown" for case in cases)),
        synthetic=sum(case.synthetic for case in cases),
        expected=sum(case.expected is not None for case in cases),
        apps=dict(Counter(case.app for case in cases if case.app)),
        users=len(users),
        largest_user=max(users.values(), default=0),
        documents=len({case.document for case in cases if case.document}),
        masked=sum(bool(case.metadata.get("masked")) for case in cases),
        copies=len(cases) - len(groups),
        near=sum(first != place for place, first in enumerate(near(texts))),
        contradictions=sum(_contradict(each) for each in groups.values()),
        lengths=Lengths(least=lengths[0], median=lengths[len(lengths) // 2], most=lengths[-1])
        if lengths
        else Lengths(),
        oldest=days[0] if days else None,
        newest=days[-1] if days else None,
        fields=dict(sorted(Counter(name for case in cases for name in case.metadata).items())),
        warnings=(),
    )
    return found.but(warnings=tuple(_warnings(dataset, found, today)))


def _contradict(cases: Sequence[Case]) -> bool:
    return len({repr(case.expected) for case in cases if case.expected is not None}) > 1


def _warnings(dataset: Dataset, found: Composition, today: date) -> list[str]:
    said = []
    match dataset.age(today):
        case "expired":
            said.append(f"It expired on {dataset.expires}: nothing should be decided by it.")
        case "due":
            said.append(f"It should have been looked through by {dataset.review}.")
        case "fresh":
            pass
    if found.n < FEW:
        said.append(f"It has {found.n} cases; fewer than {FEW} show only large differences.")
    if found.contradictions:
        said.append(f"{found.contradictions} questions stand there more than once with different answers expected.")
    if found.n and found.near / found.n > 0.05:
        said.append(f"{found.near} of {found.n} cases nearly repeat others, and count for less than they seem to.")
    if found.n and found.synthetic / found.n > 0.5:
        said.append(f"{found.synthetic} of {found.n} cases are made up: it says little of what users ask.")
    if found.n and found.largest_user / found.n > 0.2:
        said.append(f"One user asked {found.largest_user} of {found.n} cases.")
    if not dataset.owner:
        said.append("Nobody is named who answers for it.")
    return said

"""What a document says of itself, to a filter and in a passage, and whether it meets a condition: the same in every driver."""

from collections.abc import Mapping, Sequence
from typing import Any

from rowen.values import Condition, Document, Fact, Passage, Reader, Section


def facts_of(document: Document) -> dict[str, Fact]:
    """Return what conditions may ask for; what the document is goes before metadata of the same name."""
    own = {"source": document.source, "uri": document.uri, "kind": document.kind, "language": document.language}
    return {**document.metadata, **own}


def readable(access: tuple[str, ...], reader: Reader) -> bool:
    """Whether a reader of the right tenant may read a document with such an access list."""
    return reader.everything or not access or not set(access).isdisjoint(reader.groups)


def meets(facts: Mapping[str, Any], condition: Condition) -> bool:
    """Whether facts meet a condition. What is not said meets `ne` and `exists = false` alone.

    Values of different types are never equal and in no order; whole and other numbers are one type, booleans another.
    """
    said = facts.get(condition.field)
    if condition.op == "exists":
        return (said is not None) is bool(condition.value)
    if condition.op == "ne":
        return said is None or not _equal(said, condition.value)
    if said is None:
        return False
    if condition.op == "eq":
        return _equal(said, condition.value)
    if condition.op == "in":
        wanted = condition.value if isinstance(condition.value, tuple) else (condition.value,)
        return any(_equal(said, each) for each in wanted)
    return _ordered(said, condition.value, least=condition.op == "ge")


def _equal(said: Any, wanted: Fact) -> bool:
    if isinstance(said, list | tuple):
        return tuple(said) == wanted if isinstance(wanted, tuple) else wanted in said
    return _kind(said) == _kind(wanted) and bool(said == wanted)


def _ordered(said: Any, wanted: Fact, *, least: bool) -> bool:
    if _kind(said) != _kind(wanted) or not isinstance(said, str | int | float):
        return False
    return bool(said >= wanted if least else said <= wanted)  # type: ignore[operator]  # they are of one kind


def _kind(value: Any) -> str:
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def path_at(sections: Sequence[Section], start: int, end: int) -> tuple[str, ...]:
    """Return the headings over a piece of a document, the highest first: of the sections that its middle lies in."""
    middle = (start + end) // 2
    return tuple(each.title for each in sections if each.start <= middle < each.end and each.title)


def passage_of(head: Document, shown: tuple[int, int], text: str, score: float) -> Passage:
    """Return a piece of a document as what a search found."""
    return Passage(
        document=head.id,
        version=head.version,
        source=head.source,
        uri=head.uri,
        title=head.title,
        start=shown[0],
        end=shown[1],
        text=text,
        score=score,
        metadata=head.metadata,
        flags=head.flags,
        modified_ns=head.modified_ns,
    )

"""What a model listed when it was asked for a JSON array: read item by item, since a small model writes some of them wrong."""

from typing import TypeVar

import msgspec

T = TypeVar("T")


def items_of(answer: str, kind: type[T]) -> list[T]:
    """Return what a model listed; nothing for an answer that is no list, and none of its items that are something else."""
    begin, end = answer.find("["), answer.rfind("]")
    try:
        items = msgspec.json.decode(answer[begin : end + 1], type=list[msgspec.Raw]) if 0 <= begin < end else []
    except (msgspec.DecodeError, UnicodeError):
        return []
    found = []
    for item in items:
        try:
            found.append(msgspec.json.decode(item, type=kind))
        except msgspec.DecodeError:
            continue
    return found

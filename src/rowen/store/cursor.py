"""Where a list goes on: cursors as they come back from a caller."""

from typing import Any

from rowen.values import Mistaken, cursor_parts


def place_of(before: str, names: int) -> tuple[Any, ...] | None:
    """Return where a cursor points to, None for none.

    Raises:
        Mistaken: `field_invalid` for what is not the cursor of such a list.

    """
    if not before:
        return None
    parts = cursor_parts(before)
    if parts is None or len(parts[1]) != names:
        raise Mistaken("field_invalid", "`before` is the cursor of a row of the same list", place="before")
    return (parts[0], *parts[1])

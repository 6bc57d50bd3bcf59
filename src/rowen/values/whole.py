"""Whole numbers in addresses and forms, where everything is text."""

from collections.abc import Mapping
from typing import Any

from rowen.values.errors import Mistaken

LARGEST = 2**63 - 1
"""The largest that every store can hold."""


def whole(
    fields: Mapping[str, Any], name: str, least: int = 0, most: int = LARGEST, *, usual: int | None = None, of: str = ""
) -> int:
    """Return a whole number that a field of an address or of a form names.

    Args:
        fields: what was sent.
        name: of the field.
        least: the least that it may be.
        most: the most that it may be.
        usual: what an empty or missing field means; left out, there must be one.
        of: what is counted, for whoever wrote something else.

    Raises:
        Mistaken: `field_invalid` for anything but digits, and for what is out of bounds.

    """
    said = str(fields.get(name) or "").strip()
    if not said and usual is not None:
        return usual
    # Only so many digits are read: Python takes long over very long numbers.
    if not (said.isascii() and said.isdigit() and least <= int(said.lstrip("0")[:20] or "0") <= most):
        within = f"from {least:,} to {most:,}" if most < LARGEST else f"from {least:,} on"
        counted = f" of {of}" if of else ""
        raise Mistaken("field_invalid", f"`{name}` is a whole number{counted} {within}", place=name)
    return int(said)

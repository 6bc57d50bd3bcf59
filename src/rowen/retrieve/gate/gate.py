"""The gate: what a document must pass before it is knowledge, with the reason for each no."""

from typing import NamedTuple

from rowen.retrieve.base import GateTable
from rowen.retrieve.gate.alike import Alike, Print, print_of
from rowen.retrieve.gate.junk import junk
from rowen.retrieve.gate.orders import orders
from rowen.values import Document


class Judged(NamedTuple):
    """What the gate says of a document."""

    flags: tuple[str, ...]
    reasons: tuple[str, ...]
    """One for each flag."""
    refused: bool
    print: Print
    of: str = ""
    """The document that this one is a copy of."""


class Gate:
    """Judges documents of one collection.

    Args:
        table: what is done with each finding.
        alike: the documents that are there.

    """

    def __init__(self, table: GateTable, alike: Alike) -> None:
        self._table = table
        self.alike = alike

    def judge(self, document: Document) -> Judged:
        """Return what is found in a document, and whether it stays out."""
        table = self._table
        made = print_of(document.id, document.uri, document.text, document.access)
        found: dict[str, tuple[str, str]] = {}
        of = ""
        # Figures without words are what a table is made of, and two orders may well be alike: a count must have both.
        row = any(each.part for each in document.tables)
        if table.junk != "off" and not document.tables and (why := junk(document.text)):
            found["junk"] = (table.junk, why)
        if table.duplicate != "off" and (same := self.alike.same(made)):
            found["duplicate"] = ("flag" if row else table.duplicate, f"it says the same as {same.uri}")
            of = "" if row else same.document
        elif table.near_duplicate != "off" and (near := self.alike.near(made, table.resemblance)):
            found["near_duplicate"] = (table.near_duplicate, f"{near.resemblance:.0%} of it is in {near.uri} too")
        if table.injection != "off" and (told := orders(document.text)):
            found["injection"] = (table.injection, "; ".join(f'{each.what}: "{each.said}"' for each in told))
        return Judged(
            flags=tuple(found),
            reasons=tuple(why for _, why in found.values()),
            refused=any(action == "refuse" for action, _ in found.values()),
            print=made,
            of=of,
        )

"""What people say of a version before it is let out. A remark may block it until somebody has resolved it."""

from rowen.store.base import Record, Records
from rowen.store.shelf import Shelf
from rowen.values import Clock, Mistaken, Value, new_id

MOST = 4_000
"""Characters of a remark."""


class Remark(Value, frozen=True, kw_only=True):
    """One thing that somebody said of a version."""

    id: str
    app: str
    definition: str
    text: str
    by: str
    blocks: bool = False
    """Whether the version may not be let out until this is resolved."""
    at_ns: int = 0
    resolved_by: str = ""
    resolved_ns: int = 0
    answer: str = ""
    """What became of it, as whoever resolved it said."""

    @property
    def holds(self) -> bool:
        """Whether it keeps the version from being let out now."""
        return self.blocks and not self.resolved_ns


class Remarks:
    """Where they stand."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._shelf = Shelf(records, "release_remark", Remark, _record)
        self._clock = clock

    async def add(self, app: str, definition: str, text: str, *, by: str, blocks: bool = False) -> Remark:
        """Say something of a version.

        Raises:
            Mistaken: `field_invalid` for a text that is empty or too long.

        """
        said = text.strip()
        if not said or len(said) > MOST:
            raise Mistaken("field_invalid", f"a remark has 1 to {MOST:,} characters", place="text")
        now = self._clock.now_ns()
        remark = Remark(id=new_id(now), app=app, definition=definition, text=said, by=by, blocks=blocks, at_ns=now)
        await self._shelf.put(remark)
        return remark

    async def of(self, app: str, definition: str) -> list[Remark]:
        """Return what was said of a version, the oldest first."""
        return (await self._shelf.find(app=app, group=definition))[::-1]

    async def resolve(self, id: str, app: str, *, by: str, answer: str = "") -> Remark:
        """Note that a remark holds nothing up any more.

        Raises:
            Mistaken: `not_found`; `conflict` when it was resolved before.

        """

        def change(remark: Remark) -> Remark:
            if remark.app != app:
                raise Mistaken("not_found", "there is no such remark", place="id")
            if remark.resolved_ns:
                raise Mistaken("conflict", f"{remark.resolved_by} has resolved it already", place="id")
            return remark.but(resolved_by=by, resolved_ns=self._clock.now_ns(), answer=answer.strip()[:MOST])

        found = await self._shelf.amend(id, change)
        if found is None:
            raise Mistaken("not_found", "there is no such remark", place="id")
        return found


def _record(remark: Remark) -> Record:
    return Record(
        kind="release_remark",
        id=remark.id,
        app=remark.app,
        group=remark.definition,
        state="open" if remark.holds else "",
        at_ns=remark.at_ns,
    )

"""How an act is written: its line of the log, what is live, and what rolls out, all in one transaction."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rowen.release.log import Fault, Signer, first_fault
from rowen.release.version import Version, versions_of
from rowen.store.base import Record, Records
from rowen.store.shelf import Shelf
from rowen.values import Act, Clock, Live, Mistaken, Refused, ReleaseLine, Rollout, Value

EVERY = 1_000_000
_TRIES = 50
_FREE: tuple[Act, ...] = ("release", "begin", "step", "promote")
"""What a freeze holds up. Whatever goes back is always free."""


class Reason(Value, frozen=True, kw_only=True):
    """Who does something, why, and on what grounds."""

    by: str
    """A key's or a person's id; `rowen` where a rule decided."""
    note: str = ""
    evidence: dict[str, Any] = {}
    """JSON types only: it goes into the log as it is."""
    force: bool = False
    """Let it out although the app is frozen; the log says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What an act makes of what is live. `live` is None where nothing about that changes."""

    act: Act
    definition: str = ""
    rollout: str = ""
    live: Live | None = None
    rollouts: tuple[Rollout, ...] = ()
    """Those that are written down again."""
    evidence: Mapping[str, Any] | None = None


class Past(Value, frozen=True, kw_only=True):
    """What the log of an app tells."""

    lines: tuple[ReleaseLine, ...]
    """Newest first."""
    versions: tuple[Version, ...]
    """Version 1 first."""
    fault: Fault | None
    """Where the log does not hold."""


class Ledger:
    """Where what is live stands, with the rollouts and the log.

    Args:
        records: where it is kept.
        clock: stamps the lines.
        signing: the server's signing key; empty where there is none.

    """

    def __init__(self, records: Records, clock: Clock, signing: bytes) -> None:
        self._records = records
        self._clock = clock
        self._signer = Signer(signing)
        self._lives = Shelf(records, "live", Live, _of_live)
        self._lines = Shelf(records, "release_line", ReleaseLine, _of_line)
        self.rollouts = Shelf(records, "rollout", Rollout, _of_rollout)

    async def live(self, app: str, environment: str) -> Live | None:
        """Return what is live; None where nothing was ever let out or frozen."""
        return await self._lives.get(_place(app, environment))

    async def lives(self, app: str) -> list[Live]:
        """Return what is live of one app, or of all, by app and environment."""
        return sorted(await self._lives.find(app=app, limit=EVERY), key=lambda one: (one.app, one.environment))

    async def lines(self, app: str, *, environment: str = "", before: int = 0, limit: int = EVERY) -> list[ReleaseLine]:
        """Return lines, newest first."""
        return await self._lines.find(group=app, state=environment, until_ns=before, limit=limit)

    async def past(self, app: str) -> Past:
        """Return the whole log of an app with what it tells."""
        # What is live is read first: a line that is written meanwhile is then one too many, never one that is missing.
        least = max((one.number for one in await self.lives(app)), default=0)
        lines = await self.lines(app)
        return Past(
            lines=tuple(lines),
            versions=tuple(versions_of(reversed(lines))),
            fault=first_fault(reversed(lines), self._signer, least),
        )

    async def write(
        self, app: str, environment: str, why: Reason, change: Callable[[Live], Deed], expect: int | None
    ) -> tuple[ReleaseLine, Live]:
        """Write an act with its line; return the line and what is live now.

        Another act on the same environment is a conflict; one elsewhere only takes the number.

        Raises:
            Mistaken: `conflict`, and what `change` raises.
            Refused: `release_frozen`.

        """
        began: int | None = None
        for _ in range(_TRIES):
            held = await self._lives.versioned(_place(app, environment))
            live, version = held or (Live(app=app, environment=environment, definition=""), 0)
            deed = change(live)
            if deed.live is not None:
                if (began is not None and version != began) or (expect is not None and live.number != expect):
                    raise Mistaken(
                        "conflict",
                        f"{app} was changed in {environment} meanwhile, by line {live.number} of its log",
                        details={"number": live.number},
                    )
                began = version
            if live.frozen and deed.act in _FREE and not why.force:
                raise Refused("release_frozen", f"{app} is frozen in {environment}: {live.frozen}", place=environment)
            line = await self._line(app, environment, why, deed, live)
            writes: list[tuple[Record, int | None]] = [(self._lines.record(line), 0)]
            if deed.live is not None:
                live = deed.live.but(number=line.number, changed_ns=line.at_ns)
                writes.append((self._lives.record(live), version))
            writes += [(self.rollouts.record(one), None) for one in deed.rollouts]
            try:
                await self._records.put_all(writes, tell=True)
            except Mistaken as problem:
                if problem.code != "conflict":
                    raise
            else:
                return line, live
        raise Mistaken("conflict", f"the log of {app} is written by too many at once")

    async def _line(self, app: str, environment: str, why: Reason, deed: Deed, live: Live) -> ReleaseLine:
        last = next(iter(await self.lines(app, limit=1)), None)
        evidence = {**why.evidence, **(deed.evidence or {})}
        if live.frozen and deed.act in _FREE:
            evidence["forced"] = live.frozen
        line = ReleaseLine(
            app=app,
            number=1 if last is None else last.number + 1,
            act=deed.act,
            environment=environment,
            definition=deed.definition,
            before=live.definition if deed.live is not None and deed.definition != live.definition else "",
            rollout=deed.rollout,
            note=why.note,
            by=why.by,
            at_ns=self._clock.now_ns(),
            evidence=evidence,
        )
        return self._signer.closed(line, "" if last is None else last.chain)


def _place(app: str, environment: str) -> str:
    return f"{app}/{environment}"


def _of_live(live: Live) -> Record:
    return Record(
        kind="live", id=_place(live.app, live.environment), app=live.app, group=live.environment, at_ns=live.changed_ns
    )


def _of_line(line: ReleaseLine) -> Record:
    # By number, not by time: the clocks of two machines may differ, and the order of the chain must not.
    return Record(
        kind="release_line",
        id=f"{line.app}/{line.number}",
        app=line.app,
        group=line.app,
        state=line.environment,
        at_ns=line.number,
    )


def _of_rollout(rollout: Rollout) -> Record:
    return Record(
        kind="rollout",
        id=rollout.id,
        app=rollout.app,
        group=rollout.app,
        state=rollout.state,
        at_ns=rollout.began_ns,
    )

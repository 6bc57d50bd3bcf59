"""The one way in for scores: held to their config, set beside what they judge, and kept."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from rowen.score.configs import ASKED, INTERACTION, Configs, check_name, fitted
from rowen.store.base import ScoreFilter, Scores
from rowen.values import Clock, Mistaken, Observed, Problem, Refused, Score, Trace, TraceRow, new_id

Known = Callable[[str, str], Awaitable[TraceRow | None]]
"""Gives the row of a trace by its id and tenant, None while it is not known."""

_LONGEST = {
    "id": 100,
    "app": 200,
    "trace": 100,
    "span": 100,
    "session": 200,
    "case": 200,
    "by": 200,
    "version": 200,
    "reason": 10_000,
}
_LONGEST_TEXT = 50_000
_METADATA = 16_384
_AT_ONCE = 1_000
"""Scores in one call at most."""

_NEEDS = {"trace": ("trace",), "span": ("trace", "span"), "session": ("session",), "case": ("case",)}

_encode = msgspec.json.Encoder(order="deterministic").encode


class Intake:
    """Takes scores in, whoever judged.

    Args:
        scores: where they are kept.
        configs: what they may be.
        known: what is known of the trace that one is about.
        clock: stamps them.

    """

    def __init__(self, scores: Scores, configs: Configs, known: Known, clock: Clock) -> None:
        self._scores = scores
        self._configs = configs
        self._known = known
        self._clock = clock
        self._writing = asyncio.Lock()  # what is set beside its trace late must not undo a newer judgement

    async def take(self, scores: Sequence[Score], *, apps: frozenset[str] = frozenset()) -> list[Score]:
        """Keep scores, all of them or none; return them as they are kept.

        A score of a user has an id made of who judges what, so that a second thumb takes the place of the first; others
        without an id get a new one. A score about a trace that its tenant does not have, or not yet, is kept as it is.

        Args:
            scores: those of one sender; `tenant` is the sender's.
            apps: the apps that the sender may judge; empty for all.

        Raises:
            Mistaken: `field_invalid`, its place below `[index]` when there are several.
            Refused: `key_scope` for a trace of an app that the sender may not judge.

        """
        if len(scores) > _AT_ONCE:
            raise Mistaken("field_invalid", f"at most {_AT_ONCE} scores at once", place="scores")
        rows: dict[tuple[str, str], TraceRow | None] = {}
        taken: list[Score] = []
        for index, score in enumerate(scores):
            try:
                taken.append(await self._taken(score, apps, rows))
            except Problem as problem:
                if len(scores) > 1:
                    problem.place = f"[{index}].{problem.place}"
                raise
        async with self._writing:
            await self._scores.put(taken)
        return taken

    async def remove(self, id: str, tenant: str | None, *, apps: frozenset[str] = frozenset()) -> bool:
        """Take a score back, one of these apps where any are named; return whether it was there."""
        async with self._writing:
            found = await self._scores.get(id, tenant) if apps else None
            if found is not None and found.app and found.app not in apps:
                return False
            return await self._scores.delete(id, tenant)

    async def filled(self, traces: Sequence[Trace]) -> None:
        """Set scores that came before the traces they are about beside them, now that these have been written."""
        await self._placed({(trace.row.tenant, trace.row.id): trace.row for trace in traces})

    async def observed(self, spans: Sequence[Observed]) -> None:
        """Set scores beside traces of which spans have been written; what a trace says may change with each."""
        await self._placed(dict.fromkeys((span.row.tenant, span.row.trace) for span in spans))

    async def _placed(self, rows: Mapping[tuple[str, str], TraceRow | None]) -> None:
        """Set the scores of some traces beside them; a row that is not given is looked up."""
        async with self._writing:
            found = await self._scores.find(ScoreFilter(traces=tuple({id for _, id in rows}), limit=10_000))
            late = []
            for score in found:
                place = (score.tenant, score.trace)
                if place in rows:
                    row = rows[place] or await self._known(score.trace, score.tenant)
                    if row is not None and (placed := beside(score, row)) != score:
                        late.append(placed)
            if late:
                await self._scores.put(late)

    async def _taken(self, score: Score, apps: frozenset[str], rows: dict[tuple[str, str], TraceRow | None]) -> Score:
        _check(score)
        now = self._clock.now_ns()
        held = fitted(score, await self._configs.get(score.name, score.tenant))
        id = score.id or (derived_id(score) if _once(score) else new_id(now))
        held = held.but(id=id, created_ns=score.created_ns or now)
        held = held.but(judged_ns=score.judged_ns or held.created_ns)
        place = (score.tenant, score.trace)
        if score.trace and place not in rows:
            rows[place] = await self._known(score.trace, score.tenant)
        row = rows.get(place)
        if row is not None:
            held = beside(held, row)
        if apps and held.app not in apps and (row is not None or held.app):
            raise Refused("key_scope", f"the key may not judge the app {held.app!r}", place="app")
        return held


def beside(score: Score, row: TraceRow) -> Score:
    """Return a score set beside the trace that it is about: in its app, release and arms, at its time, by its user."""
    arms = [tag.removeprefix("arm:") for tag in row.tags if tag.startswith("arm:")]
    return score.but(
        app=row.app,
        environment=row.environment,
        release=row.release,
        definition=row.definition,
        session=score.session or row.session,
        judged_ns=row.started_ns,
        by=score.by or (row.user if score.source == "user" else ""),
        metadata={**score.metadata, "arms": arms, **({"shadow": True} if row.shadow else {})}
        if arms
        else score.metadata,
    )


def derived_id(score: Score) -> str:
    """Return the id that a user's judgement of one thing under one name always has.

    What is done with an answer counts once, whoever says so: the user's program, or Rowen that saw it.
    """
    who = () if score.name.startswith(INTERACTION) or score.name == ASKED else (score.source, score.by)
    parts = (score.tenant, score.target, score.trace, score.span, score.session, score.case, score.name, *who)
    return hashlib.sha256(_encode(parts)).hexdigest()[:32]


def _once(score: Score) -> bool:
    return score.source == "user" or score.name.startswith(INTERACTION) or score.name == ASKED


def _check(score: Score) -> None:
    """Raise `Mistaken("field_invalid")` unless a score says what it is about, within bounds."""
    check_name(score.name)
    for field in _NEEDS[score.target]:
        if not getattr(score, field):
            raise Mistaken("field_invalid", f"a score of a {score.target} needs `{field}`", place=field)
    for field, most in _LONGEST.items():
        text = getattr(score, field)
        if len(text) > most:
            raise Mistaken("field_invalid", f"`{field}` has more than {most:,} characters", place=field)
        if "\0" in text or (field != "reason" and any(character < " " for character in text)):
            raise Mistaken("field_invalid", f"`{field}` holds control characters", place=field)
    if isinstance(score.value, str) and len(score.value) > _LONGEST_TEXT:
        raise Mistaken("field_invalid", f"the value has more than {_LONGEST_TEXT:,} characters", place="value")
    if score.confidence is not None and not 0 <= score.confidence <= 1:
        raise Mistaken("field_invalid", "`confidence` is from 0 to 1", place="confidence")
    if score.metadata and len(_encode(score.metadata)) > _METADATA:
        raise Mistaken("field_invalid", f"`metadata` has more than {_METADATA:,} bytes", place="metadata")

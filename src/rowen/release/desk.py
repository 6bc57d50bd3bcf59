"""What of an app is live, and the log of how it came to be so. Every act is one line, and changes all of it at once."""

import re
from collections.abc import Callable, Mapping

from rowen.release.course import courses
from rowen.release.ledger import Deed, Ledger, Past, Reason
from rowen.release.log import Fault
from rowen.release.possible import arm_of, possible, still_running
from rowen.release.version import Version, version_named, versions_of
from rowen.store.base import Definitions, Records
from rowen.values import Act, Clock, Live, Mistaken, ReleaseLine, Rollout, RolloutState, new_id

_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,59}")
PRODUCTION = "production"
_SPLITS = frozenset({"experiment", "bandit"})
"""Those that have everybody whom the canary leaves, so that there can be but one."""


class Releases:
    """What is live in each environment of each app, and its log.

    Of two writers one wins, and the other gets `conflict`. With every act the store's revision grows, in all processes.
    An act that is given `expect` is done only while `Live.number` is that.

    Args:
        records: where it is kept.
        definitions: what may be let out.
        clock: stamps the lines.
        signing: the server's signing key; empty where there is none.

    """

    def __init__(self, records: Records, definitions: Definitions, clock: Clock, *, signing: bytes = b"") -> None:
        self._ledger = Ledger(records, clock, signing)
        self._definitions = definitions
        self._clock = clock
        self.courses = courses(records)
        """How rollouts go, as they were looked at last."""

    # What there is.

    async def live(self, app: str, environment: str = PRODUCTION) -> Live | None:
        """Return what is live; None where nothing was ever let out or frozen."""
        return await self._ledger.live(app, environment)

    async def lives(self, app: str = "") -> list[Live]:
        """Return what is live of one app, or of all: what a worker reads when the revision has grown."""
        return await self._ledger.lives(app)

    async def log(self, app: str, *, environment: str = "", before: int = 0, limit: int = 100) -> list[ReleaseLine]:
        """Return lines, newest first; those below number `before`, where it is given."""
        return await self._ledger.lines(app, environment=environment, before=before, limit=limit)

    async def versions(self, app: str) -> list[Version]:
        """Return the versions of an app, version 1 first."""
        return versions_of(reversed(await self._ledger.lines(app)))

    async def version(self, app: str, name: str) -> Version:
        """Return the version that a number, a label, or the beginning of a hash names.

        Raises:
            Mistaken: `not_found`; `conflict` when several hashes begin so.

        """
        return version_named(await self.versions(app), name)

    async def rollout(self, id: str) -> Rollout:
        """Return a rollout, also one that has ended.

        Raises:
            Mistaken: `not_found`.

        """
        found = await self._ledger.rollouts.get(id)
        if found is None:
            raise Mistaken("not_found", f"there is no rollout {id!r}", place="rollout")
        return found

    async def rollouts(self, app: str, *, state: RolloutState | None = None, limit: int = 100) -> list[Rollout]:
        """Return the rollouts of an app, the last begun first."""
        return await self._ledger.rollouts.find(group=app, state=state or "", limit=limit)

    async def past(self, app: str) -> Past:
        """Return the whole log of an app with what it tells, for whoever wants several of these at once: it is read once."""
        return await self._ledger.past(app)

    async def verify(self, app: str) -> Fault | None:
        """Return where the log of an app does not hold, None when it does."""
        return (await self.past(app)).fault

    # What is said of versions. Nothing about what is live changes.

    async def propose(self, app: str, definition: str, why: Reason, *, environment: str = PRODUCTION) -> ReleaseLine:
        """Put a Definition forward; it becomes a version, with `why.by` as its author and `why.note` as its note.

        Raises:
            Mistaken: `not_found` when no such Definition was ever kept; `field_invalid` without a note.

        """
        await self._known(app, definition)
        _noted(why)
        return await self._say(app, environment, why, Deed(act="propose", definition=definition))

    async def approve(self, app: str, definition: str, why: Reason, *, environment: str = PRODUCTION) -> ReleaseLine:
        """Note that somebody approves of a version. Whether that counts is for the gate to say.

        Raises:
            Mistaken: `not_found`.

        """
        version = await self.version(app, definition)
        return await self._say(app, environment, why, Deed(act="approve", definition=version.definition))

    async def label(self, app: str, definition: str, label: str, why: Reason) -> ReleaseLine:
        """Give a version a label; another that has it loses it.

        Raises:
            Mistaken: `not_found`; `field_invalid` for a label that could be taken for a number or a hash.

        """
        version = await self.version(app, definition)
        if not _LABEL.fullmatch(label):
            raise Mistaken(
                "field_invalid", "a label begins with a letter and has letters, digits and `-`", place="label"
            )
        deed = Deed(act="label", definition=version.definition, evidence={"label": label})
        return await self._say(app, PRODUCTION, why, deed)

    async def refuse(self, app: str, definition: str, why: Reason, *, environment: str = PRODUCTION) -> ReleaseLine:
        """Note that a gate did not let a Definition out; `why.evidence` says which."""
        return await self._say(app, environment, why, Deed(act="refuse", definition=definition))

    # What changes what is live.

    async def release(
        self, app: str, definition: str, why: Reason, *, environment: str = PRODUCTION, expect: int | None = None
    ) -> Live:
        """Let a Definition answer everybody at once; running rollouts end, for their baseline is gone.

        Raises:
            Mistaken: `not_found` for a Definition that was never kept, `field_invalid` without a note, `conflict`.
            Refused: `release_frozen`.

        """
        await self._known(app, definition)
        _noted(why)

        def change(live: Live) -> Deed:
            return _swapped(live, "release", definition, self._ended(live, "stopped", "another version was released"))

        return await self._change(app, environment, why, change, expect)

    async def begin(self, rollout: Rollout, why: Reason, *, expect: int | None = None) -> Rollout:
        """Let several Definitions answer, each its share. An empty id is filled in; so are `by`, `note` and the times.

        Raises:
            Mistaken: `field_invalid` for arms or shares that cannot be; `not_found` for a Definition that was never
                kept; `conflict` when the baseline is not what is live, a canary is asked for beside another, or somebody
                else changed what is live.
            Refused: `release_frozen`.

        """
        possible(rollout)
        for arm in rollout.arms:
            await self._known(rollout.app, arm.definition)
        now = self._clock.now_ns()
        begun = rollout.but(
            id=rollout.id or new_id(now),
            salt=rollout.salt or rollout.id or new_id(now),
            state="running",
            by=why.by,
            note=why.note,
            began_ns=now,
            step_ns=now,
            ended_ns=0,
            why="",
        )

        def change(live: Live) -> Deed:
            if begun.arms[0].definition != live.definition:
                raise Mistaken(
                    "conflict",
                    f"the first arm is {begun.arms[0].definition[:12]}, and live is {live.definition[:12] or 'nothing'}",
                    place="arms",
                )
            if begun.strategy == "canary" and any(one.strategy == "canary" for one in live.rollouts):
                raise Mistaken(
                    "conflict", "a canary runs already: promote it, roll it back or stop it", place="strategy"
                )
            if begun.strategy in _SPLITS and any(one.strategy in _SPLITS for one in live.rollouts):
                raise Mistaken("conflict", "an experiment runs already: promote an arm or stop it", place="strategy")
            if any(one.id == begun.id for one in live.rollouts):
                raise Mistaken("conflict", f"the rollout {begun.id!r} runs already", place="id")
            return Deed(
                act="begin",
                definition=begun.arms[-1].definition,
                rollout=begun.id,
                live=live.but(rollouts=(*live.rollouts, begun)),
                rollouts=(begun,),
                evidence={"strategy": begun.strategy, "shares": {arm.name: arm.share for arm in begun.arms}},
            )

        await self._change(begun.app, begun.environment, why, change, expect)
        return begun

    async def step(
        self, id: str, why: Reason, *, shares: Mapping[str, float] | None = None, expect: int | None = None
    ) -> Rollout:
        """Give the candidate of a canary its next share, or any rollout's arms the shares that are named.

        Raises:
            Mistaken: `not_found`; `field_invalid`; `conflict` when it has ended or there is no further step.
            Refused: `release_frozen`.

        """
        told = await self.rollout(id)
        moved: list[Rollout] = []

        def change(live: Live) -> Deed:
            running = still_running(live, id)
            step, now = running.step, dict(shares or {})
            if shares is None:
                step += 1
                if step >= len(running.steps):
                    raise Mistaken("conflict", "there is no further step: promote it", place="step")
                now = {running.arms[-1].name: running.steps[step], running.arms[0].name: 1 - running.steps[step]}
            arms = tuple(arm.but(share=now.get(arm.name, arm.share)) for arm in running.arms)
            if unknown := sorted(set(now) - {arm.name for arm in arms}):
                raise Mistaken("field_invalid", f"there is no arm {unknown[0]!r}", place="shares")
            changed = running.but(arms=arms, step=step, step_ns=self._clock.now_ns())
            possible(changed)
            moved[:] = [changed]
            rest = tuple(changed if one.id == id else one for one in live.rollouts)
            return Deed(
                act="step",
                definition=changed.arms[-1].definition,
                rollout=id,
                live=live.but(rollouts=rest),
                rollouts=(changed,),
                evidence={"step": step, "shares": {arm.name: arm.share for arm in arms}},
            )

        await self._change(told.app, told.environment, why, change, expect)
        return moved[0]

    async def promote(self, id: str, why: Reason, *, arm: str = "", expect: int | None = None) -> Live:
        """Let one arm of a rollout answer everybody: the last one, unless another is named. All rollouts end.

        Raises:
            Mistaken: `not_found`; `conflict` when the rollout has ended.
            Refused: `release_frozen`.

        """
        told = await self.rollout(id)

        def change(live: Live) -> Deed:
            running = still_running(live, id)
            chosen = arm_of(running, arm)
            ended = self._ended(live, "stopped", "another rollout was promoted", but=id)
            own = running.but(state="promoted", ended_ns=self._clock.now_ns(), why=why.note)
            deed = _swapped(live, "promote", chosen.definition, (own, *ended))
            return Deed(
                act="promote",
                definition=deed.definition,
                rollout=id,
                live=deed.live,
                rollouts=deed.rollouts,
                evidence={"arm": chosen.name},
            )

        return await self._change(told.app, told.environment, why, change, expect)

    async def rollback(
        self, app: str, why: Reason, *, environment: str = PRODUCTION, to: str = "", expect: int | None = None
    ) -> Live:
        """Undo what was done last, all of it together, whether the app is frozen or not.

        While something rolls out to users, that ends, and what was live answers everybody. Else what was live before is
        live again; and before that, what was live before it. `to` is a hash to go to at once. What was rolled back stays
        so: `Live.pinned`.

        Raises:
            Mistaken: `conflict` when there is nothing to go back to; `not_found` for a `to` that was never kept.

        """
        if to:
            await self._known(app, to)
        past = await self._ledger.lines(app, environment=environment)

        def change(live: Live) -> Deed:
            ended = self._ended(live, "rolled back", why.note)
            undone = not to and any(one.strategy != "shadow" for one in live.rollouts)
            goal = live.definition if undone else to or live.before
            if not goal or (goal == live.definition and not ended):
                raise Mistaken("conflict", f"there is nothing that {app} could go back to in {environment}")
            before = live.before if goal == live.definition else _before(past, goal)
            return Deed(
                act="rollback",
                definition=goal,
                rollout=next((one.id for one in ended), ""),
                live=live.but(definition=goal, before=before, rollouts=(), pinned=True),
                rollouts=ended,
                evidence={"from": live.definition} if goal != live.definition else {"ended": [one.id for one in ended]},
            )

        return await self._change(app, environment, why, change, expect)

    async def stop(
        self, id: str, why: Reason, *, state: RolloutState = "stopped", expect: int | None = None
    ) -> Rollout:
        """End one rollout; what was live answers everybody. With the state `rolled back` the log says `rollback`.

        Raises:
            Mistaken: `not_found`; `conflict` when it has ended; `field_invalid` for a state that is no such end.

        """
        if state not in ("stopped", "rolled back"):
            raise Mistaken("field_invalid", "a rollout is stopped or rolled back; `promote` ends it otherwise")
        told = await self.rollout(id)
        moved: list[Rollout] = []

        def change(live: Live) -> Deed:
            ended = still_running(live, id).but(state=state, ended_ns=self._clock.now_ns(), why=why.note)
            moved[:] = [ended]
            return Deed(
                act="rollback" if state == "rolled back" else "stop",
                definition=live.definition,
                rollout=id,
                live=live.but(rollouts=tuple(one for one in live.rollouts if one.id != id)),
                rollouts=(ended,),
                evidence={"candidate": ended.arms[-1].definition},
            )

        await self._change(told.app, told.environment, why, change, expect)
        return moved[0]

    async def freeze(self, app: str, why: Reason, *, environment: str = PRODUCTION) -> Live:
        """Let nothing be let out until it is thawed; `why.note` is what people are told.

        Raises:
            Mistaken: `field_invalid` without a note; `conflict` when it is frozen already.

        """
        _noted(why)

        def change(live: Live) -> Deed:
            if live.frozen:
                raise Mistaken("conflict", f"{app} is frozen already: {live.frozen}")
            return Deed(act="freeze", definition=live.definition, live=live.but(frozen=why.note))

        return await self._change(app, environment, why, change, None)

    async def thaw(self, app: str, why: Reason, *, environment: str = PRODUCTION) -> Live:
        """Let things be let out again.

        Raises:
            Mistaken: `conflict` when it is not frozen.

        """

        def change(live: Live) -> Deed:
            if not live.frozen:
                raise Mistaken("conflict", f"{app} is not frozen in {environment}")
            return Deed(
                act="thaw", definition=live.definition, live=live.but(frozen=""), evidence={"frozen": live.frozen}
            )

        return await self._change(app, environment, why, change, None)

    # How an act is done.

    async def _say(self, app: str, environment: str, why: Reason, deed: Deed) -> ReleaseLine:
        line, _ = await self._ledger.write(app, environment, why, lambda _: deed, None)
        return line

    async def _change(
        self, app: str, environment: str, why: Reason, change: Callable[[Live], Deed], expect: int | None
    ) -> Live:
        _, live = await self._ledger.write(app, environment, why, change, expect)
        return live

    async def _known(self, app: str, definition: str) -> None:
        found = await self._definitions.get(definition)
        if found is None or found.app != app:
            raise Mistaken("not_found", f"{app} has no definition {definition[:12]!r}", place="definition")

    def _ended(self, live: Live, state: RolloutState, why: str, *, but: str = "") -> tuple[Rollout, ...]:
        now = self._clock.now_ns()
        return tuple(one.but(state=state, ended_ns=now, why=why) for one in live.rollouts if one.id != but)


def _swapped(live: Live, act: Act, definition: str, ended: tuple[Rollout, ...]) -> Deed:
    """Return what lets another Definition answer everybody. What is let out again keeps what was before it."""
    before = live.before if definition == live.definition else live.definition
    after = live.but(definition=definition, before=before, rollouts=(), pinned=False)
    return Deed(act=act, definition=definition, live=after, rollouts=ended)


def _before(past: list[ReleaseLine], definition: str) -> str:
    """Return what had answered when a Definition was last let out, so that one can go back further."""
    let_out = (one for one in past if one.act in ("release", "promote") and one.definition == definition)
    return next((one.before for one in let_out if one.before), "")


def _noted(why: Reason) -> None:
    if not why.note.strip():
        raise Mistaken("field_invalid", 'say why in a note, such as --note "shorter prompt"', place="note")

"""Lets versions out: asks the gate, and does by the app's strategy what it allows. Whoever is refused is told how to mend it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from rowen.release.desk import PRODUCTION, Releases
from rowen.release.gate import Candidate, Gate
from rowen.release.ledger import Reason
from rowen.release.remark import Remarks
from rowen.release.ruling import Finding, Ruling
from rowen.release.table import ReleaseTable
from rowen.release.terms import terms
from rowen.release.version import Version
from rowen.store.base import Definitions
from rowen.values import Arm, Definition, Live, Mistaken, Refused, Rollout, Value

Content = Callable[[Version], Awaitable[Mapping[str, Any]]]
"""Gives what a version answers from that is no part of its Definition: indexes, as they are now. JSON types only."""

Tables = Callable[[Definition], Mapping[str, Any]]
"""Gives the settings of a Definition by the names of its tables."""


class Done(Value, frozen=True, kw_only=True):
    """What became of a version that was let out."""

    version: Version
    ruling: Ruling
    live: Live
    rollout: Rollout | None = None
    """Where it goes out by shares."""


class Office:
    """The one way by which people let something out.

    Args:
        desk: does it, and remembers.
        gate: says whether it may be done.
        remarks: what people said of versions.
        definitions: what versions are of.
        tables: reads them.
        content: what else they answer from, which the log then tells.

    """

    def __init__(
        self,
        desk: Releases,
        gate: Gate,
        *,
        remarks: Remarks,
        definitions: Definitions,
        tables: Tables,
        content: Content | None = None,
    ) -> None:
        self.desk = desk
        self.remarks = remarks
        self._gate = gate
        self._definitions = definitions
        self._tables = tables
        self._content = content

    async def propose(self, definition: Definition, why: Reason) -> Version:
        """Keep a Definition, and make it a version of its app unless it is one already.

        Raises:
            Mistaken: `field_invalid` without a note for one that is new.

        """
        await self._definitions.put(definition)
        known = {one.definition: one for one in await self.desk.versions(definition.app)}
        if definition.hash not in known:
            await self.desk.propose(definition.app, definition.hash, why)
        return await self.desk.version(definition.app, definition.hash)

    async def definition(self, version: Version) -> Definition:
        """Return what a version is of.

        Raises:
            Mistaken: `not_found`.

        """
        found = await self._definitions.get(version.definition)
        if found is None:
            raise Mistaken("not_found", f"the content of version {version} is not kept here", place="version")
        return found

    async def answering(self, app: str, environment: str) -> Definition:
        """Return what is live in an environment.

        Raises:
            Mistaken: `not_found`.

        """
        live = await self.desk.live(app, environment)
        found = None if live is None else await self._definitions.get(live.definition)
        if found is None:
            raise Mistaken("not_found", f"nothing of {app} is live in {environment}", place="environment")
        return found

    def may_differ(self, definition: Definition) -> tuple[str, ...]:
        """Return what an app says may differ between its environments."""
        table: ReleaseTable = self._tables(definition)["release"]
        return table.differs

    async def ruling(self, app: str, name: str, *, environment: str = PRODUCTION) -> Ruling:
        """Return what the gate says of a version now, without letting anything out.

        Raises:
            Mistaken: `not_found`.

        """
        return (await self._weighed(app, name, environment))[2]

    async def foretold(self, definition: Definition, why: Reason, *, environment: str = PRODUCTION) -> Ruling:
        """Return what the gate would say of a Definition now, if it were put forward so. Nothing is kept."""
        app, hash = definition.app, definition.hash
        known = {one.definition: one for one in await self.desk.versions(app)}
        version = known.get(hash) or Version(app=app, number=0, definition=hash, author=why.by, note=why.note)
        return (await self._held(version, definition, environment))[1]

    async def let_out(self, app: str, name: str, why: Reason, *, environment: str = PRODUCTION) -> Done:
        """Let a version out by the strategy of its `[release]` table.

        Where nothing is live yet there is nothing to share with: it then answers everybody at once.

        Args:
            app: its app.
            name: the number, a label, or the beginning of the hash of the version.
            why: who wants it and why. With `force` it goes out whatever the gate says, which the log tells.
            environment: where.

        Raises:
            Refused: `release_refused`, with the gate's sentences in `details`; `release_frozen`.
            Mistaken: `not_found`, `conflict`.

        """
        version, table, ruling, live = await self._weighed(app, name, environment)
        if live is not None and live.definition == version.definition and not live.rollouts:
            raise Mistaken("conflict", f"version {version} is what is live in {environment}", place="version")
        reason = await self._allowed(version, ruling, why if why.note or why.force else why.but(note=version.note))
        # What was read at the gate must still hold when it goes through.
        expect = live.number if live else 0
        if table.strategy == "immediate" or live is None or not live.definition:
            now = await self.desk.release(app, version.definition, reason, environment=environment, expect=expect)
            return Done(version=version, ruling=ruling, live=now)
        rollout = await self.desk.begin(rollout_of(table, live, version), reason, expect=expect)
        after = await self.desk.live(app, environment)
        assert after is not None
        return Done(version=version, ruling=ruling, live=after, rollout=rollout)

    async def begin(self, rollout: Rollout, why: Reason) -> Rollout:
        """Let versions answer beside what is live, by a rollout that somebody has written; the gate is asked of each.

        Raises:
            Refused: `release_refused`, `release_frozen`.
            Mistaken: `not_found`, `conflict`, `field_invalid`.

        """
        reason, expect = why, 0
        for arm in rollout.arms[1:]:
            version, _, ruling, live = await self._weighed(rollout.app, arm.definition, rollout.environment)
            expect = live.number if live else 0
            # A shadow answers nobody, and is how evidence is found; what it may cost is its budget.
            if rollout.strategy != "shadow":
                reason = await self._allowed(version, ruling, reason)
        return await self.desk.begin(rollout, reason, expect=expect)

    async def promote(self, id: str, why: Reason, *, arm: str = "") -> Done:
        """Let an arm of a rollout answer everybody.

        Raises:
            Refused: `release_refused`, `release_frozen`.
            Mistaken: `not_found`, `conflict`.

        """
        rollout = await self.desk.rollout(id)
        chosen = next((one for one in rollout.arms if one.name == arm), rollout.arms[-1])
        version, _, ruling, live = await self._weighed(rollout.app, chosen.definition, rollout.environment)
        reason = await self._allowed(version, ruling, why)
        now = await self.desk.promote(id, reason, arm=chosen.name, expect=live.number if live else 0)
        return Done(version=version, ruling=ruling, live=now)

    async def _weighed(
        self, app: str, name: str, environment: str
    ) -> tuple[Version, ReleaseTable, Ruling, Live | None]:
        version = await self.desk.version(app, name)
        return version, *await self._held(version, await self.definition(version), environment)

    async def _held(
        self, version: Version, definition: Definition, environment: str
    ) -> tuple[ReleaseTable, Ruling, Live | None]:
        app = version.app
        live = await self.desk.live(app, environment)
        try:
            own = self._tables(definition)
        except Mistaken as problem:
            if not problem.code.startswith("config_"):
                raise
            return ReleaseTable(), _unreadable(version, environment, problem), live
        other = None
        if live is not None and live.definition and live.definition != version.definition:
            kept = await self._definitions.get(live.definition)
            other = None if kept is None else self._read(kept)
        case = Candidate(
            version=version,
            environment=environment,
            terms=terms(own, other),
            live=live,
            remarks=tuple(await self.remarks.of(app, version.definition)),
        )
        return case.terms.table, await self._gate.ruling(case), live

    def _read(self, definition: Definition) -> Mapping[str, Any] | None:
        """Return the tables of what is live; None where this version of Rowen cannot read what an older one let out."""
        try:
            return self._tables(definition)
        except Mistaken:
            return None

    async def _allowed(self, version: Version, ruling: Ruling, why: Reason) -> Reason:
        """Return the reason with what the gate said; the refusal goes into the log before it is raised."""
        evidence = {**why.evidence, **ruling.evidence()}
        if self._content is not None and (content := await self._content(version)):
            evidence["index"] = dict(content)
        if ruling.open:
            return why.but(evidence=evidence)
        if why.force:
            if not why.note.strip():
                raise Mistaken("field_invalid", "whoever forces a release says why in a note", place="note")
            return why.but(evidence={**evidence, "forced": [str(each) for each in ruling.refused]})
        told = why.but(note="; ".join(f"{each.gate}: {each.why}" for each in ruling.refused), evidence=evidence)
        await self.desk.refuse(version.app, version.definition, told, environment=ruling.environment)
        sentences = [str(each) for each in ruling.refused]
        raise Refused(
            "release_refused",
            f"version {version} of {version.app} may not be let out in {ruling.environment}: " + "; ".join(sentences),
            place=ruling.refused[0].gate,
            details={
                "version": version.number,
                "findings": [{"gate": each.gate, "why": each.why, "fix": each.fix} for each in ruling.refused],
            },
        )


def _unreadable(version: Version, environment: str, problem: Mistaken) -> Ruling:
    finding = Finding(
        gate="definition",
        kind="gate",
        passed=False,
        why=f"this version of Rowen cannot run it: {problem}",
        fix="put it forward again from an app.toml that `rowen check` passes",
    )
    return Ruling(
        app=version.app, environment=environment, definition=version.definition, open=False, findings=(finding,)
    )


def rollout_of(table: ReleaseTable, live: Live, version: Version) -> Rollout:
    """Return how a version goes out beside what is live, by its table; it has not begun."""
    steps = tuple(each / 100 for each in table.steps) if table.strategy == "canary" else ()
    share = steps[0] if steps else table.share / 100
    baseline = 1.0 if table.strategy == "shadow" else 1 - share
    return Rollout(
        id="",
        app=live.app,
        environment=live.environment,
        strategy=table.strategy,
        arms=(
            Arm(name="baseline", definition=live.definition, share=baseline),
            Arm(name="candidate", definition=version.definition, share=share),
        ),
        unit=table.unit,
        steps=steps,
        floor=table.floor if table.strategy == "bandit" else 0.0,
        budget=table.budget if table.strategy == "shadow" else None,
        auto=table.auto,
        least=table.least,
        pause=table.pause,
    )

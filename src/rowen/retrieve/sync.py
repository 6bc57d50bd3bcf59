"""Brings a collection up to date: looks at its sources, reads what changed, judges, cuts, embeds and writes it.

What was written is known by the store, document by document in one transaction each. So a run that was killed is simply run
again: what it wrote is found as it is, and nothing is written twice.
"""

import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from rowen.retrieve.bridge import bridge_of
from rowen.retrieve.gate import Alike, Gate, Judged
from rowen.retrieve.load import Listed
from rowen.retrieve.parse import Reading
from rowen.retrieve.parse.catalog import parser
from rowen.retrieve.plan import Plan, document_of, id_of
from rowen.retrieve.state import Quarantined, SourceState, States
from rowen.retrieve.weigh import evidence
from rowen.store.knowledge import Build, Knowledge, Known
from rowen.values import Clock, Document, Mistaken, Problem, Unavailable, Value

log = logging.getLogger(__name__)

_BATCH = 64  # documents that are embedded and written together at most
_CHARACTERS = 200_000  # or as many as have so much text
_MOST_GONE = 0.5
_FEW = 20
_BRIDGED = 5_000  # chunks of an index from which on making it anew takes so long that a bridge pays


class Synced(Value, frozen=True, kw_only=True):
    """What a run did."""

    build: str = ""
    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    quarantined: int = 0
    """Put aside in this run."""
    recut: int = 0
    """Documents that were cut and embedded for a new index."""
    switched: bool = False
    bridge: str = ""
    """How well the old index is asked in a new embedder's vectors until the new one is whole."""
    failed: dict[str, str] = {}
    """Sources that could not be read, with the reason."""


@dataclass(slots=True)
class _Looked:
    """What one look at a source found."""

    state: SourceState
    changed: list[Listed] = field(default_factory=list)
    gone: list[Known] = field(default_factory=list)
    retried: dict[str, str] = field(default_factory=dict)
    """By uri, the `raw` of what was put aside and may have changed."""
    unchanged: int = 0


class Sync:
    """One run over one collection.

    Args:
        plan: what to do.
        knowledge: where it is written.
        states: how its sources stand.
        reading: reads originals.
        clock: what time it is.
        tell: takes how far it is: done, of how many, and at what.
        check: raises when the run is to stop.
        bridged: chunks from which on a bridge to another embedder is learnt before the index is made anew.

    """

    def __init__(
        self,
        plan: Plan,
        knowledge: Knowledge,
        states: States,
        reading: Reading,
        clock: Clock,
        *,
        tell: Callable[[int, int, str], None] = lambda *_: None,
        check: Callable[[], None] = lambda: None,
        bridged: int = _BRIDGED,
    ) -> None:
        self._plan = plan
        self._knowledge = knowledge
        self._states = states
        self._reading = reading
        self._clock = clock
        self._tell = tell
        self._check = check
        self._bridged = bridged
        self._done = 0
        self._total = 0

    async def run(self, *, removal: bool = False) -> Synced:
        """Bring the collection up to date.

        Args:
            removal: whether a source may lose most of its documents at once.

        Raises:
            Problem: of the store or the embedder. Sources that cannot be read are told in the result.

        """
        plan = self._plan
        build = await self._knowledge.begin(plan.collection, plan.manifest, now_ns=self._clock.now_ns())
        done = Synced(build=build.id)
        removed = await self._without_old_sources()
        looked: dict[str, _Looked] = {}
        for name in plan.sources:
            self._tell(0, 0, f"looking at {name}")
            looked[name] = await self._look(name, removal=removal)
            removed += await self._remove(looked[name].gone)
        self._total = sum(len(each.changed) for each in looked.values())
        # What answers stays whole: a new index is made of what is known before anything newer is written.
        live = next((each for each in await self._builds() if each.state == "live"), None)
        first = build.state == "building" and live is not None
        bridge = await self._bridge(live) if first and live is not None else ""
        recut = await self._recut(build) if first else 0
        switched = await self._switch(build) if first else False
        gate = Gate(plan.settings.gate, Alike(await self._states.prints_in(plan.collection)))
        added = changed = quarantined = 0
        for name, each in looked.items():
            fresh, newer, aside = await self._read(name, each, build, gate)
            added, changed, quarantined = added + fresh, changed + newer, quarantined + aside
            await self._settle(name, each, added=fresh, changed=newer)
        recut += await self._recut(build)
        switched = await self._switch(build) or switched
        await self._weigh(build)
        return done.but(
            added=added,
            changed=changed,
            removed=removed,
            unchanged=sum(each.unchanged for each in looked.values()),
            quarantined=quarantined,
            recut=recut,
            switched=switched,
            bridge=bridge,
            failed={name: each.state.message for name, each in looked.items() if each.state.code},
        )

    async def beside(self) -> int:
        """Make and keep up another version's index of what is known; it is asked by that version alone.

        Returns how many documents were cut for it.

        Raises:
            Problem: of the store or the embedder.

        """
        build = await self._knowledge.begin(self._plan.collection, self._plan.manifest, now_ns=self._clock.now_ns())
        recut = await self._recut(build)
        if build.state == "building":
            await self._knowledge.ready(build.id)
        await self._weigh(build)
        return recut

    async def _builds(self) -> list[Build]:
        return await self._knowledge.builds(self._plan.collection)

    async def _look(self, name: str, *, removal: bool) -> _Looked:
        """Compare what is there with what is known."""
        plan, now = self._plan, self._clock.now_ns()
        watched = plan.sources[name]
        before = (await self._states.of(plan.collection)).get(name) or SourceState(
            app=plan.collection.app, collection=plan.collection.name, source=name, kind=watched.table.kind
        )
        known = {each.uri: each for each in await self._knowledge.known(plan.collection, name)}
        aside = {each.uri: each for each in (await self._states.aside(plan.collection)).values() if each.source == name}
        found = _Looked(before.but(looked_ns=now, code="", message=""))
        mark = plan.marks(name)
        # Where what is made of originals has changed, those that have not must be read again too.
        since = before.reached if all(each.raw.startswith(mark(uri)) for uri, each in known.items()) else ""
        try:
            there = [listed async for listed in watched.source.listed(since)]
        except Problem as problem:
            log.warning("the source %s of %s cannot be read: %s", name, plan.collection.name, problem.message)
            found.state = found.state.but(code=problem.code, message=problem.message)
            return found
        seen = {listed.uri for listed in there}
        gone = [each for uri, each in known.items() if uri not in seen]
        if len(known) > _FEW and len(gone) > _MOST_GONE * len(known) and not removal:
            message = f"{len(gone):,} of its {len(known):,} documents are gone at once; allow it if that is meant"
            found.state = found.state.but(code="source_shrunk", message=message)
        else:
            found.gone = gone
        stay = {each.id for each in await self._knowledge.known(plan.collection)} - {each.id for each in found.gone}
        for listed in there:
            one, kept = known.get(listed.uri), aside.get(listed.uri)
            if kept is not None and kept.of and kept.of not in stay:
                same = False  # what it was a copy of is gone
            elif kept is not None:
                same = listed.still or (bool(listed.raw) and mark(listed.uri) + listed.raw == kept.raw)
                found.retried[listed.uri] = kept.raw
            else:
                own = mark(listed.uri)
                same = one is not None and one.raw.startswith(own) and (listed.still or one.raw == own + listed.raw)
            if not same:
                found.changed.append(listed)
            elif kept is None:
                found.unchanged += 1
        for uri, each in aside.items():
            if uri not in seen:
                await self._states.release(each.id)
        return found

    async def _read(self, name: str, looked: _Looked, build: Build, gate: Gate) -> tuple[int, int, int]:
        """Read what changed of a source; return how many are new, are newer, and were put aside."""
        known = {each.id: each for each in await self._knowledge.known(self._plan.collection, name)}
        added = changed = aside = size = 0
        batch: list[Document] = []
        async for document in self._documents(name, looked, known, gate):
            if isinstance(document, Quarantined):
                aside += 1
                continue
            added, changed = added + (document.id not in known), changed + (document.id in known)
            batch.append(document)
            size += len(document.text)
            if len(batch) >= _BATCH or size >= _CHARACTERS:
                await self._write(batch, build)
                batch, size = [], 0
        await self._write(batch, build)
        return added, changed, aside

    async def _documents(
        self, name: str, looked: _Looked, known: dict[str, Known], gate: Gate
    ) -> AsyncIterator[Document | Quarantined]:
        source = self._plan.sources[name].source
        marks = self._plan.marks(name)
        for listed in looked.changed:
            mark = marks(listed.uri)
            self._check()
            self._done += 1
            self._tell(self._done, self._total, listed.uri)
            id = id_of(name, listed.uri)
            before = known.get(id)
            raw = before.raw if before is not None else looked.retried.get(listed.uri, "")
            original = None
            try:
                original = await source.fetch(listed, raw.removeprefix(mark) if raw.startswith(mark) else "")
                if original is None:
                    looked.unchanged += 1
                    if before is not None:
                        await self._states.release(id)  # it was put aside, and is again what it was
                    continue
                data, called = original.data, original.name or original.uri
                if original.kind:
                    parsed = parser(original.kind)(data, called, self._reading.limits)
                else:
                    parsed = await self._reading(data, called)
            except Unavailable as problem:
                # Tried again by the next look; until then what was read before goes on.
                looked.state = looked.state.but(code=problem.code, message=problem.message)
                continue
            except Mistaken as problem:
                raw = mark + (original.raw if original is not None else listed.raw)
                yield await self._aside(name, listed, problem, raw=raw, kept=before is not None)
                continue
            document = document_of(self._plan, name, original, parsed, now_ns=self._clock.now_ns())
            judged = gate.judge(document)
            if judged.refused:
                if before is not None:
                    await self._remove([before])
                gate.alike.remove(id)
                refused = Mistaken("document_refused", "; ".join(judged.reasons))
                yield await self._aside(name, listed, refused, raw=document.raw, judged=judged)
                continue
            gate.alike.add(judged.print)
            await self._states.prints_of(self._plan.collection).put(judged.print)
            await self._states.release(id)
            yield document.but(flags=(*document.flags, *judged.flags))

    async def _aside(
        self, name: str, listed: Listed, why: Mistaken, *, raw: str, kept: bool = False, judged: Judged | None = None
    ) -> Quarantined:
        collection = self._plan.collection
        one = Quarantined(
            id=id_of(name, listed.uri),
            app=collection.app,
            collection=collection.name,
            source=name,
            uri=listed.uri,
            code=why.code,
            message=why.message,
            flags=judged.flags if judged else (),
            raw=raw,
            of=judged.of if judged else "",
            at_ns=self._clock.now_ns(),
            kept=kept,
        )
        await self._states.quarantine.put(one)
        return one

    async def _write(self, documents: list[Document], build: Build) -> None:
        if documents:
            cuts = await self._plan.cut(documents, build.id, self._knowledge)
            for document, cut in zip(documents, cuts, strict=True):
                await self._knowledge.write(self._plan.collection, document, [cut])

    async def _recut(self, build: Build) -> int:
        """Cut and embed for a build what is known and it lacks; what it has already costs nothing."""
        done = 0
        while documents := await self._knowledge.missing(build.id, limit=_BATCH):
            self._check()
            cuts = await self._plan.cut(documents, build.id, self._knowledge)
            for each, cut in zip(documents, cuts, strict=True):
                await self._knowledge.fill(self._plan.collection, cut, document=each.id, version=each.version)
            done += len(documents)
            self._tell(done, 0, "cutting what is known anew")
        return done

    async def _bridge(self, live: Build) -> str:
        """Learn how the live index can be asked in the new embedder's vectors, where making a new one will take long."""
        embed, old = self._plan.embed, live.manifest.embedder
        if embed is None or not old or old == embed.fingerprint or live.chunks < self._bridged:
            return ""
        known = await self._states.bridges_of(self._plan.collection)
        if any((each.new, each.old) == (embed.fingerprint, old) for each in known):
            return ""  # by the run that was killed
        self._tell(0, 0, "learning how to ask the old index in the new vectors")
        try:
            bridge = await bridge_of(self._knowledge, live, embed)
        except Mistaken as problem:
            log.info("no bridge from %s to %s: %s", embed.fingerprint, old, problem.message)
            return ""
        if bridge is None:
            return ""
        await self._states.bridges.put(bridge)
        return str(bridge)

    async def _switch(self, build: Build) -> bool:
        state = next(each.state for each in await self._builds() if each.id == build.id)
        if state == "live":
            return False
        if state == "building":
            await self._knowledge.ready(build.id)
        await self._weigh(build)
        await self._knowledge.switch(build.id, now_ns=self._clock.now_ns())
        return True

    async def _weigh(self, build: Build) -> None:
        """Find out what the ways of searching find in it: once, and again when the index has twice the documents."""
        now = next(each for each in await self._builds() if each.id == build.id)
        if self._plan.embed is not None and now.documents >= 2 * now.learnt.get("ways.documents", 0):
            found = await evidence(self._knowledge, now, self._plan.embed)
            await self._knowledge.learn(build.id, {**found.learnt, "ways.documents": now.documents})

    async def _remove(self, gone: list[Known]) -> int:
        if not gone:
            return 0
        ids = [each.id for each in gone]
        for id in ids:
            await self._states.forget_print(self._plan.collection, id)
        return await self._knowledge.remove(self._plan.collection, ids, now_ns=self._clock.now_ns())

    async def _without_old_sources(self) -> int:
        """Remove the documents of sources that the app no longer has."""
        collection = self._plan.collection
        removed = 0
        for name, state in (await self._states.of(collection)).items():
            if name not in self._plan.sources:
                removed += await self._remove(await self._knowledge.known(collection, name))
                for each in (await self._states.aside(collection)).values():
                    if each.source == name:
                        await self._states.release(each.id)
                await self._states.forget_source(state)
        return removed

    async def _settle(self, name: str, looked: _Looked, *, added: int, changed: int) -> None:
        """Note how a source stands after a run."""
        collection, now = self._plan.collection, self._clock.now_ns()
        state = looked.state.but(
            documents=len(await self._knowledge.known(collection, name)),
            quarantined=sum(each.source == name for each in (await self._states.aside(collection)).values()),
            seconds=(now - looked.state.looked_ns) / 1e9,
        )
        if not state.code:
            state = state.but(
                synced_ns=looked.state.looked_ns,
                added=added,
                changed=changed,
                removed=len(looked.gone),
                reached=self._plan.sources[name].source.reached,
            )
        await self._states.sources.put(state)


def told(synced: Synced) -> dict[str, Any]:
    """Return what a run did as a job's result."""
    found: dict[str, Any] = msgspec.to_builtins(synced)
    return found

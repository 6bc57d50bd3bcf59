"""The work on queues: fill them, hand items out, take judgements in, decide where raters disagree."""

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from rowen.score.agreement import krippendorff_alpha, with_interval
from rowen.score.configs import Configs, fitted
from rowen.score.intake import Intake
from rowen.score.queue import Answer, Item, Listed, Opinion, Picked, Queue, State, item_id, judgement
from rowen.score.survey import Estimate
from rowen.store.base import Record, Records, ScoreFilter, Scores, TraceFilter, Traces
from rowen.store.shelf import Shelf
from rowen.values import Clock, Mistaken, Score, SpanRow, TraceRow, Value, new_id
from rowen.values.interval import Interval

_TRIES = 20
_MANY = 100_000
_COMPARED = 500
_RESAMPLES = 200
_SECOND_NS = 1_000_000_000


class Progress(Value, frozen=True, kw_only=True):
    """How far a queue is, and how well its raters agree."""

    queue: Queue
    open: int = 0
    disputed: int = 0
    done: int = 0
    opinions: dict[str, int] = {}
    """How many each rater gave."""
    agreement: dict[str, Estimate] = {}
    """Krippendorff's alpha by score: 1 is perfect, 0 is chance; over the newest 500 items that two or more have judged."""


class Review:
    """Queues and their items, as small records.

    Two raters who ask at once never get the same item beyond the number wanted: an item is written back only over the
    version that was read, and who comes second looks again.

    Args:
        records: where queues and items are kept.
        scores: to pick by.
        traces: to fill from.
        configs: what the scores asked for may be.
        intake: takes the judgements in as scores.
        clock: tells when a lease ends.

    """

    def __init__(
        self, records: Records, *, scores: Scores, traces: Traces, configs: Configs, intake: Intake, clock: Clock
    ) -> None:
        self._queues = Shelf(records, "queue", Queue, _queue_record)
        self._items = Shelf(records, "queue_item", Item, _item_record)
        self._scores = scores
        self._traces = traces
        self._configs = configs
        self._intake = intake
        self._clock = clock

    async def queues(self, tenant: str | None) -> list[Queue]:
        """Return the queues of a tenant, newest first."""
        return await self._queues.find(tenant=tenant)

    async def queue(self, id: str, tenant: str | None) -> Queue:
        """Return a queue.

        Raises:
            Mistaken: `not_found`.

        """
        found = await self._queues.get(id, tenant)
        if found is None:
            raise Mistaken("not_found", "there is no such queue", place="id")
        return found

    async def put(self, queue: Queue) -> Queue:
        """Keep a queue, a new one when it has no id.

        Raises:
            Mistaken: `field_invalid` when it asks for nothing, for a score twice, or for one without a config.

        """
        if not queue.asked or len(set(queue.asked)) != len(queue.asked):
            raise Mistaken("field_invalid", "name each score to ask for once", place="asked")
        for name in queue.asked:
            if await self._configs.get(name, queue.tenant) is None:
                raise Mistaken(
                    "field_invalid", f"the score {name!r} has no config: raters could not know", place="asked"
                )
        now = self._clock.now_ns()
        kept = queue.but(id=queue.id or new_id(now), created_ns=queue.created_ns or now)
        await self._queues.put(kept)
        return kept

    async def delete(self, id: str, tenant: str | None) -> None:
        """Remove a queue with its items. What was judged stays as scores."""
        queue = await self.queue(id, tenant)
        for item in await self.items(queue):
            await self._items.delete(item.id, queue.tenant)
        await self._queues.delete(id, queue.tenant)

    async def items(self, queue: Queue, state: State | None = None) -> list[Item]:
        """Return the items of a queue, oldest first."""
        found = await self._items.find(tenant=queue.tenant, group=queue.id, state=state or "", limit=_MANY)
        return found[::-1]

    async def listed(self, items: Sequence[Item]) -> list[Listed]:
        """Return items of one queue with the beginning of what is judged, read together."""
        rows = await self._traces.rows([item.trace for item in items], items[0].tenant) if items else []
        traces = {row.id: row for row in rows}
        spans: dict[tuple[str, str], SpanRow] = {}
        for trace in {item.trace for item in items if item.span}.intersection(traces):
            only = [item.span for item in items if item.trace == trace]
            spans |= {(trace, row.id): row for row in await self._traces.spans(trace, items[0].tenant, only=only)}
        return [_listed(item, traces.get(item.trace), spans.get((item.trace, item.span))) for item in items]

    async def item(self, queue: Queue, id: str) -> Item:
        """Return an item of a queue.

        Raises:
            Mistaken: `not_found`.

        """
        return (await self._read(queue, id))[0]

    async def add(self, queue: Queue, rows: Iterable[TraceRow], *, span: str = "", why: str = "") -> int:
        """Put answers into a queue; return how many were not there before. Those of another tenant or app are left out.

        Args:
            queue: where to.
            rows: whose answers.
            span: the step of the one trace that is to be judged; empty for the whole.
            why: why they are put there.

        """
        return await self._added(queue, ((row, why) for row in rows), span)

    async def fill(self, queue: Queue, *, limit: int = 100, since_ns: int = 0) -> int:
        """Put the newest answers that a queue picks into it; return how many were not there before."""
        picks = queue.picks
        scored: dict[str, Score] | None = None
        if picks.score:
            wanted = ScoreFilter(
                tenant=queue.tenant,
                app=queue.app,
                name=picks.score,
                below=picks.below,
                above=picks.above,
                since_ns=since_ns,
                limit=_MANY,
            )
            scored = {score.trace: score for score in reversed(await self._scores.find(wanted))}  # the newest of each
        rows = await self._traces.find(
            TraceFilter(
                tenant=queue.tenant,
                app=queue.app,
                model=picks.model,
                feature=picks.feature,
                user=picks.user,
                session=picks.session,
                status=picks.status,
                since_ns=since_ns,
                limit=limit if scored is None and picks.sample >= 1 else 10_000,
            )
        )
        picked = [row for row in rows if (scored is None or row.id in scored) and _sampled(queue.id, row.id, picks)]
        return await self._added(
            queue, [(row, _why(picks, scored[row.id] if scored else None)) for row in picked[:limit]]
        )

    async def next(self, queue: Queue, rater: str) -> Item | None:
        """Return the item that a rater shall judge now, which stays with them for the lease; None when there is none.

        The one that they hold already comes first, then those that others have judged, then the oldest.
        """
        if queue.closed:
            return None
        for _ in range(_TRIES):
            now = self._clock.now_ns()
            free = [
                item
                for item in await self.items(queue, "open")
                if not item.rated_by(rater) and rater not in item.skipped and item.room(queue.raters, rater, now)
            ]
            if not free:
                return None
            item = min(free, key=lambda one: (not one.held_by(rater, now), -len(one.opinions)))
            taken = await self._changed(
                queue, item.id, lambda one: _take(one, queue, rater, self._clock.now_ns()), tries=1
            )
            if taken is not None:
                return taken
        raise Mistaken("conflict", "too many raters ask at once", place="next")

    async def submit(self, queue: Queue, id: str, opinion: Opinion) -> Item:
        """Take one rater's judgement of an item, in place of their earlier one while nothing is decided.

        Raises:
            Mistaken: `field_invalid` when it is not what the queue asks for, `conflict` when the item has the raters it
                needs or is decided.

        """
        checked = await self._checked(queue, opinion.values)
        now = self._clock.now_ns()
        given = opinion.but(values=checked, at_ns=now)

        def rate(item: Item) -> Item:
            if item.decided_by or (item.state == "done" and not item.rated_by(opinion.rater)):
                raise Mistaken("conflict", "the item is decided", place="item")
            if not item.rated_by(opinion.rater) and not item.room(queue.raters, opinion.rater, now):
                raise Mistaken("conflict", "the item has the raters that it needs", place="item")
            return item.rated(given, queue.raters)

        item = await self._done(queue, id, rate)
        scores = [judgement(item, name, value, by=given.rater, reason=given.reason) for name, value in checked.items()]
        if given.correction:
            scores.append(judgement(item, "correction", given.correction, by=given.rater))
        await self._intake.take(scores)
        return item

    async def skip(self, queue: Queue, id: str, rater: str) -> Item:
        """Note that a rater would rather not judge an item; others still may."""

        def leave(item: Item) -> Item:
            skipped = item.skipped if rater in item.skipped else (*item.skipped, rater)
            return item.freed(rater).but(skipped=skipped)

        return await self._done(queue, id, leave)

    async def decide(self, queue: Queue, id: str, by: str, values: Mapping[str, Answer], reason: str = "") -> Item:
        """Settle an item on which raters disagree.

        Raises:
            Mistaken: `field_invalid` when it is not what the queue asks for, `conflict` when they do not disagree.

        """
        checked = await self._checked(queue, values)

        def settle(item: Item) -> Item:
            if item.state != "disputed" and not item.decided_by:
                raise Mistaken("conflict", "the raters of the item do not disagree", place="item")
            return item.but(state="done", settled=checked, decided_by=by, leases=())

        item = await self._done(queue, id, settle)
        await self._intake.take(
            [judgement(item, name, value, by=by, reason=reason, decided=True) for name, value in checked.items()]
        )
        return item

    async def progress(self, queue: Queue) -> Progress:
        """Return how far a queue is."""
        items = await self.items(queue)
        states = [item.state for item in items]
        opinions: dict[str, int] = {}
        for item in items:
            for opinion in item.opinions:
                opinions[opinion.rater] = opinions.get(opinion.rater, 0) + 1
        both = [item for item in items if len(item.opinions) > 1][-_COMPARED:]
        agreement = {name: Estimate.of(await asyncio.to_thread(_alpha, both, name)) for name in queue.asked if both}
        return Progress(
            queue=queue,
            open=states.count("open"),
            disputed=states.count("disputed"),
            done=states.count("done"),
            opinions=opinions,
            agreement=agreement,
        )

    async def _added(self, queue: Queue, rows: Iterable[tuple[TraceRow, str]], span: str = "") -> int:
        added = 0
        for row, why in rows:
            if row.tenant != queue.tenant or (queue.app and row.app != queue.app):
                continue
            item = Item(
                id=item_id(queue.id, row.id, span),
                tenant=queue.tenant,
                queue=queue.id,
                app=row.app,
                trace=row.id,
                span=span,
                why=why,
                created_ns=self._clock.now_ns(),
            )
            try:
                await self._items.put(item, expect=0)
            except Mistaken as there:
                if there.code != "conflict":
                    raise
                continue
            added += 1
        return added

    async def _checked(self, queue: Queue, values: Mapping[str, Answer]) -> dict[str, Answer]:
        """Return what was given for each score that is asked for, as its config wants it."""
        unknown = sorted(set(values) - set(queue.asked))
        missing = [name for name in queue.asked if name not in values]
        if unknown or missing:
            asked = ", ".join(queue.asked)
            raise Mistaken("field_invalid", f"the queue asks for {asked}, each once", place="values")
        checked: dict[str, Answer] = {}
        for name, value in values.items():
            score = Score(id="", name=name, value=value, source="person", trace="t")
            checked[name] = fitted(score, await self._configs.get(name, queue.tenant)).value
        return checked

    async def _read(self, queue: Queue, id: str) -> tuple[Item, int]:
        found = await self._items.versioned(id, queue.tenant)
        if found is None or found[0].queue != queue.id:
            raise Mistaken("not_found", "there is no such item in the queue", place="item")
        return found

    async def _done(self, queue: Queue, id: str, change: Callable[[Item], Item]) -> Item:
        changed = await self._changed(queue, id, change, tries=_TRIES)
        if changed is None:
            raise Mistaken("conflict", "too many people work on the item at once", place="item")
        return changed

    async def _changed(
        self, queue: Queue, id: str, change: Callable[[Item], Item | None], *, tries: int
    ) -> Item | None:
        """Change an item over the version that was read; None when others were always quicker, or nothing is to change."""
        for _ in range(tries):
            item, version = await self._read(queue, id)
            changed = change(item)
            if changed is None:
                return None
            try:
                await self._items.put(changed, expect=version)
            except Mistaken as problem:
                if problem.code != "conflict":
                    raise
                continue
            return changed
        return None


def _listed(item: Item, row: TraceRow | None, span: SpanRow | None) -> Listed:
    found = Listed(**msgspec.structs.asdict(item))
    if span is not None:
        return found.but(asked=span.input, said=span.output, model=span.model, started_ns=span.started_ns)
    if row is None or item.span:
        return found
    return found.but(app=row.app, asked=row.asked, said=row.said, model=row.model, started_ns=row.started_ns)


def _why(picks: Picked, score: Score | None) -> str:
    """Return what a queue picked an answer by. Whose it was is not said, so that who is erased stays in no item."""
    said = []
    if score is not None:
        value = str(score.value).lower() if isinstance(score.value, bool) else f"{score.number:g}"
        bounds = [f"below {picks.below:g}"] if picks.below is not None else []
        bounds += [f"above {picks.above:g}"] if picks.above is not None else []
        said.append(f"{picks.score} is {value}" + (f", {' and '.join(bounds)}" if bounds else ""))
    said += [f"{name} {wanted}" for name in ("model", "feature") if (wanted := getattr(picks, name))]
    said += [f"of one {name}" for name in ("user", "session") if getattr(picks, name)]
    if picks.sample < 1:
        said.append(f"a sample of {picks.sample:.3g} of them")
    return "; ".join(said) or "among the newest answers"


def _take(item: Item, queue: Queue, rater: str, now_ns: int) -> Item | None:
    """Return the item with a rater, None when it has no room any more."""
    if item.state != "open" or item.rated_by(rater) or not item.room(queue.raters, rater, now_ns):
        return None
    return item.leased(rater, now_ns + queue.lease_s * _SECOND_NS, now_ns)


def _sampled(queue: str, trace: str, picks: Picked) -> bool:
    """Whether a trace is of the share that is picked: by its digest, so that it is the same one each time."""
    if picks.sample >= 1:
        return True
    digest = hashlib.sha256(f"{queue}\0{trace}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < picks.sample * 2**64


def _alpha(items: Sequence[Item], name: str) -> Interval:
    raters = sorted({opinion.rater for item in items for opinion in item.opinions})
    units = [
        tuple(next((str(each.values[name]) for each in item.opinions if each.rater == rater), None) for rater in raters)
        for item in items
    ]
    return with_interval(_agreed, units, resamples=_RESAMPLES)


def _agreed(units: Sequence[tuple[str | None, ...]]) -> float | None:
    return krippendorff_alpha(units)


def _queue_record(queue: Queue) -> Record:
    return Record(kind="", id=queue.id, tenant=queue.tenant, app=queue.app, at_ns=queue.created_ns)


def _item_record(item: Item) -> Record:
    return Record(
        kind="",
        id=item.id,
        tenant=item.tenant,
        app=item.app,
        group=item.queue,
        state=item.state,
        at_ns=item.created_ns,
    )

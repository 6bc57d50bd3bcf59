"""Which errors are one error: failed traces grouped by what went wrong and where, with what was seen and decided.

A group's fingerprint is the error's code, the place, and the message without what differs from one time to the next:
numbers, ids, quoted texts, paths, addresses, times. Counting an hour again gives the same numbers, so traces that come
late are counted and none twice.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Literal

from rowen.insight.calendar import HOUR_NS
from rowen.insight.reading import Told, whole_of
from rowen.store.base import Record, Records, TraceFilter, Traces
from rowen.store.shelf import Shelf
from rowen.values import Mistaken, Span, Trace, Value
from rowen.watch.finding import Finding

State = Literal["open", "ignored", "solved", "regressed"]

_KEPT_HOURS = 14 * 24
_EXAMPLES = 5
_EVERY_RECORD = 100_000

_MASKS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"https?://[^\s'\"<>)]+", "<url>"),
        (r"\b[\w.+-]+@[\w-]+\.[\w.]+", "<mail>"),
        (r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b", "<id>"),
        (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|[+-]\d\d:?\d\d)?", "<time>"),
        (r"\b\d{4}-\d\d-\d\d\b", "<time>"),
        (r"'(?:[^'\\\n]|\\.){0,400}?'(?!\w)", "<text>"),
        (r"\"(?:[^\"\\\n]|\\.){0,400}?\"", "<text>"),
        (r"`[^`\n]{0,400}`", "<text>"),
        (r"\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b", "<address>"),
        (r"(?<![\w/])(/[\w.@%+~-]+){2,}/?", "<path>"),
        (r"\b[A-Za-z]:\\[^\s'\"]+", "<path>"),
        (r"\b0x[0-9a-fA-F]+\b", "<hex>"),
        (r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b", "<hex>"),
        (r"\b[a-zA-Z]{2,12}[_-](?=[A-Za-z0-9]*\d)[A-Za-z0-9]{6,}\b", "<id>"),
        (r"[-+]?\d[\d,._]*(?:[eE][-+]?\d+)?", "<n>"),
        (r"\s+", " "),
    )
)


class Group(Value, frozen=True, kw_only=True):
    """One error, however often it came."""

    id: str
    """The fingerprint."""
    tenant: str
    app: str
    code: str
    place: str
    """The step, attempt or span that failed."""
    title: str
    """The message with what differs left out."""
    state: State = "open"
    first_ns: int
    last_ns: int
    hours: dict[int, int] = {}
    """How often, by hour since 1970, in the last two weeks."""
    earlier: int = 0
    """How often before them."""
    examples: tuple[str, ...] = ()
    """Trace ids, the newest first."""
    sample: str = ""
    """One message as it came."""
    note: str = ""
    """What people found to be the cause."""
    explanation: str = ""
    """What a model said, with the spans it cites."""
    solved_ns: int = 0
    by: str = ""
    """Who set the state or the note."""

    @property
    def count(self) -> int:
        """How often it came."""
        return self.earlier + sum(self.hours.values())

    @property
    def news(self) -> str:
        """The key under which it is told: as a new error, and anew each time it comes back."""
        return f"errors:{self.tenant}:{self.id}:{self.state}:{self.solved_ns}"


class Change(Value, frozen=True, kw_only=True):
    """What is to be set of a group; what is None stays."""

    state: State | None = None
    note: str | None = None
    explanation: str | None = None


class Seen(Value, frozen=True, kw_only=True):
    """One failed trace, reduced to what groups are made of."""

    trace: str
    tenant: str
    app: str
    at_ns: int
    code: str
    place: str
    message: str

    @property
    def title(self) -> str:
        """The message with what differs left out."""
        return normal(self.message)

    @property
    def fingerprint(self) -> str:
        """The same for the same error."""
        text = f"{self.app}\x00{self.code}\x00{self.place}\x00{self.title}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class Inbox:
    """Counts errors into groups and keeps what is decided about them."""

    def __init__(self, records: Records, traces: Traces) -> None:
        self._traces = traces
        self._shelf = Shelf(records, "error_group", Group, _described)

    async def collect(self, since_ns: int, until_ns: int, *, told: Told | None = None) -> int:
        """Count the failed traces of a window, widened to whole hours; return how many there were."""
        since = since_ns // HOUR_NS * HOUR_NS
        until = -(-until_ns // HOUR_NS) * HOUR_NS
        filter_ = TraceFilter(status="failed", since_ns=since, until_ns=until)
        seen = [seen_in(trace) async for trace in whole_of(self._traces, filter_, told)]
        await self.count(seen, since, until)
        return len(seen)

    async def failed_since(self, since_ns: int) -> bool:
        """Whether any trace failed since a moment, counted or not."""
        return bool(await self._traces.find(TraceFilter(status="failed", since_ns=since_ns, limit=1)))

    async def count(self, seen: Iterable[Seen], since_ns: int, until_ns: int) -> None:
        """Count all that was seen in a window of whole hours into its groups, in place of what was counted before."""
        found: dict[tuple[str, str], list[Seen]] = {}
        for one in seen:
            found.setdefault((one.tenant, one.fingerprint), []).append(one)
        for (tenant, id), group in found.items():
            await self._count(tenant, id, group, since_ns, until_ns)

    async def groups(
        self, tenant: str | None, *, apps: tuple[str, ...] = (), state: str = "", since_ns: int = 0, limit: int = 100
    ) -> list[Group]:
        """Return the groups seen since a moment, the most frequent first."""
        found = await self._shelf.find(tenant=tenant, apps=apps, state=state, since_ns=since_ns, limit=_EVERY_RECORD)
        return sorted(found, key=lambda group: (-group.count, group.id))[:limit]

    async def get(self, id: str, tenant: str | None) -> Group | None:
        """Return one group."""
        return await self._shelf.get(id, tenant)

    async def change(self, id: str, tenant: str | None, change: Change, *, by: str, now_ns: int) -> Group:
        """Set a group's state, note or explanation; return it.

        Raises:
            Mistaken: `not_found`; `conflict` when it was counted or changed at the same time.

        """
        found = await self._shelf.versioned(id, tenant)
        if found is None:
            raise Mistaken("not_found", "there is no such group of errors", place="id")
        group, version = found
        changed = group.but(
            state=change.state or group.state,
            note=group.note if change.note is None else change.note,
            explanation=group.explanation if change.explanation is None else change.explanation,
            solved_ns=now_ns if change.state == "solved" else group.solved_ns,
            by=by,
        )
        await self._shelf.put(changed, expect=version)
        return changed

    async def _count(self, tenant: str, id: str, seen: Sequence[Seen], since: int, until: int) -> None:
        for _ in range(5):
            kept = await self._shelf.versioned(id, tenant)
            group, version = kept or (_new(seen), 0)
            try:
                await self._shelf.put(counted(group, seen, since, until), expect=version)
            except Mistaken as problem:
                if problem.code != "conflict":
                    raise
                continue  # somebody set its state meanwhile: count on what they wrote
            return
        raise Mistaken("conflict", f"the group of errors {id} changes faster than it can be counted")


def counted(group: Group, seen: Sequence[Seen], since_ns: int, until_ns: int) -> Group:
    """Return a group with the hours of a window counted anew from what was seen in it."""
    first, end = since_ns // HOUR_NS, until_ns // HOUR_NS
    hours = {hour: count for hour, count in group.hours.items() if not first <= hour < end}
    for one in seen:
        hour = one.at_ns // HOUR_NS
        hours[hour] = hours.get(hour, 0) + 1
    newest = max(hours, default=0)
    old = [hour for hour in hours if hour <= newest - _KEPT_HOURS]
    earlier = group.earlier + sum(hours.pop(hour) for hour in old)
    latest = max(one.at_ns for one in seen)
    ids = sorted({*group.examples, *(one.trace for one in seen)}, reverse=True)
    again = group.state == "solved" and latest > group.solved_ns
    return group.but(
        hours=hours,
        earlier=earlier,
        first_ns=min(group.first_ns, *(one.at_ns for one in seen)),
        last_ns=max(group.last_ns, latest),
        examples=tuple(ids[:_EXAMPLES]),
        state="regressed" if again else group.state,
    )


def trend(group: Group, now_ns: int) -> float | None:
    """Return how often it came in the last day, against the mean of the week before; None when it is new."""
    now = now_ns // HOUR_NS
    lately = sum(count for hour, count in group.hours.items() if now - 24 < hour <= now)
    before = sum(count for hour, count in group.hours.items() if now - 24 * 8 < hour <= now - 24)
    return lately / (before / 7) if before else None


def findings(groups: Iterable[Group], since_ns: int) -> list[Finding]:
    """Return the groups that are new or came back since a moment."""
    found = []
    for group in groups:
        fresh = group.first_ns >= since_ns
        if (
            group.state in {"ignored", "solved"}
            or group.last_ns < since_ns
            or not (fresh or group.state == "regressed")
        ):
            continue
        what = "A solved error came back" if group.state == "regressed" else "A new error"
        found.append(
            Finding(
                kind="errors",
                key=group.news,
                tenant=group.tenant,
                app=group.app,
                title=f"{what} in {group.place or group.app}: {group.title[:120]}",
                at_ns=group.last_ns,
                facts={"code": group.code, "count": str(group.count)},
                examples=group.examples,
            )
        )
    return found


def seen_in(trace: Trace) -> Seen:
    """Return what went wrong in a trace: the innermost failed span, or the root."""
    row = trace.row
    failed = _innermost(trace)
    code = row.code
    message, place = "", ""
    if failed is not None:
        message = failed.message or _thrown(failed)
        code = code or str(failed.attributes.get("error.type", ""))
        place = _place(failed)
        root = trace.spans[0]
        if message in ("", code) and root.message:
            message = root.message
    return Seen(
        trace=row.id,
        tenant=row.tenant,
        app=row.app,
        at_ns=row.started_ns,
        code=code,
        place=place,
        message=(message or code)[:2_000],
    )


def normal(message: str) -> str:
    """Return a message without what differs from one time to the next."""
    text = message[:2_000]
    for pattern, name in _MASKS:
        text = pattern.sub(name, text)
    return text.strip()[:300]


def _innermost(trace: Trace) -> Span | None:
    """Return the failed span that no failed span stands below; of several the last to end, which decided."""
    failed = [span for span in trace.spans if span.status == "error"]
    above = {span.parent for span in failed}
    innermost = [span for span in failed if span.id not in above] or failed
    return max(innermost, key=lambda span: (span.ended_ns, span.id), default=None)


def _place(span: Span) -> str:
    """Return where it was: a step by its name, an attempt by its provider, a tool by its own."""
    attributes = span.attributes
    tool = attributes.get("gen_ai.tool.name")
    if isinstance(tool, str) and tool:
        return f"tool {tool}"
    if span.kind == "client" and attributes.get("gen_ai.provider.name"):
        return f"{attributes.get('gen_ai.operation.name', 'chat')} {attributes['gen_ai.provider.name']}"
    if span.kind == "server" and "rowen.app" in attributes:
        return ""  # the call as a whole: its name holds the model asked for
    return normal(span.name)


def _thrown(span: Span) -> str:
    for event in span.events:
        if event.name == "exception":
            kind, said = event.attributes.get("exception.type", ""), event.attributes.get("exception.message", "")
            return f"{kind}: {said}" if kind and said else str(said or kind)
    return ""


def _new(seen: Sequence[Seen]) -> Group:
    one = seen[0]
    return Group(
        id=one.fingerprint,
        tenant=one.tenant,
        app=one.app,
        code=one.code,
        place=one.place,
        title=one.title,
        first_ns=one.at_ns,
        last_ns=one.at_ns,
        sample=one.message[:500],
    )


def _described(group: Group) -> Record:
    return Record(kind="", id=group.id, tenant=group.tenant, app=group.app, state=group.state, at_ns=group.last_ns)

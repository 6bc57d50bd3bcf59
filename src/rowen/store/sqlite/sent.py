"""Writing spans that were sent to us."""

from collections.abc import Sequence

from rowen.store.bounds import bounded
from rowen.store.fold import Telling
from rowen.store.pack import encoded_of
from rowen.store.sqlite.entry import Entry, Known, Stored
from rowen.store.words import facts_of, words_of_span
from rowen.values import Observed


def observe(entry: Entry, spans: Sequence[Observed]) -> None:
    """Write a batch of spans; one that is there already is replaced. The rows of their traces follow."""
    latest = {(span.row.tenant, span.row.trace, span.row.id): span for span in map(bounded, spans)}
    known = entry.known({(tenant, trace) for tenant, trace, _ in latest})
    stored = entry.stored([(known[id[:2]].number, id[2]) for id in latest if id[:2] in known])
    numbers: dict[tuple[str, str], int] = {}
    tellings: dict[tuple[str, str], Telling] = {}
    next_trace = entry.next_trace()
    coming: list[tuple[Observed, Stored | None]] = []
    for (tenant, trace, id), span in latest.items():
        at = (tenant, trace)
        if at not in numbers:
            old = known.get(at)
            numbers[at] = next_trace if old is None else old.number
            next_trace += old is None
            tellings[at] = (old.telling if old else None) or _begun(entry, at)
        there = stored.get((numbers[at], id))
        if there is not None and there.own:
            continue  # a call's own span, which came back to us
        coming.append((span, there))
        if there is not None:
            tellings[at].take(there.row)
    _put(entry, coming, numbers)
    for span, _ in coming:
        tellings[span.row.tenant, span.row.trace].add(span.row)
    entry.write_spans()
    for at, telling in tellings.items():
        if telling.spans or at in known:
            _tell(entry, at, numbers[at], known.get(at), telling)
    entry.write()


def _begun(entry: Entry, at: tuple[str, str]) -> Telling:
    """Return the telling of a trace whose first spans come, with the calls through Rowen that were made within it."""
    telling = Telling(held={})
    for id, used in entry.served(*at):
        telling.serve(id, used)
    return telling


def _put(entry: Entry, coming: list[tuple[Observed, Stored | None]], numbers: dict[tuple[str, str], int]) -> None:
    fresh = iter(
        entry.numbers(
            [
                (span.row.started_ns, span.row.id)
                for span, there in coming
                if there is None or there.row.started_ns != span.row.started_ns
            ]
        )
    )
    for span, there in coming:
        row = span.row
        if there is not None:
            entry.drop_span(there)
        number = there.number if there is not None and there.row.started_ns == row.started_ns else next(fresh)
        entry.put_span(number, numbers[row.tenant, row.trace], 0, row, encoded_of(span))
        entry.put_words(number, words_of_span(span.input, span.output), facts_of(span.span.attributes))


def _tell(entry: Entry, at: tuple[str, str], number: int, old: Known | None, telling: Telling) -> None:
    telling.settle(lambda: (span.row for span in entry.stored_of(number) if not span.own))
    entry.put_told(number, telling)
    if old is None or old.row.origin == "spans":
        entry.put_trace(number, telling.row(at[1], at[0]), old)
        return
    spans, failed = old.sent
    entry.put_trace(
        number,
        old.row.but(
            spans=old.row.spans - spans + telling.spans,
            failed_spans=old.row.failed_spans - failed + telling.failed,
        ),
        old,
    )

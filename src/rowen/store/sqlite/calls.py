"""Writing calls through Rowen."""

from collections.abc import Sequence

from rowen.store.own import found_rows
from rowen.store.sqlite.entry import Entry, Known
from rowen.store.words import words_of_call
from rowen.values import Trace, TraceRow


def write(entry: Entry, traces: Sequence[Trace]) -> None:
    """Write a batch of calls; one that is there already is replaced, and keeps the spans that were sent to us."""
    latest = {(trace.row.tenant, trace.row.id): trace for trace in traces}
    known = entry.known(latest)
    rows = [found_rows(trace) for trace in latest.values()]
    numbers = iter(entry.numbers([(row.started_ns, row.id) for own in rows for row, _ in own]))
    next_trace = entry.next_trace()
    bodies = entry.ledger.packing.calls(list(latest.values()))
    for (id, trace), own, body in zip(latest.items(), rows, bodies, strict=True):
        row, old = trace.row, known.get(id)
        if old is None:
            number, next_trace = next_trace, next_trace + 1
        else:
            number = old.number
            _replace(entry, number, known[id], {each.id for each, _ in own})
            if old.telling is not None:
                row = row.but(spans=row.spans + old.telling.spans, failed_spans=row.failed_spans + old.telling.failed)
                entry.put_told(number, old.telling)
        entry.put_trace(number, row, old)
        entry.put_body(number, body)
        for span, tells in own:
            own_number = next(numbers)
            entry.put_span(own_number, number, 1 if tells else 2, span, None)
            if tells:
                entry.put_words(own_number, words_of_call(trace))
    _serve(entry, [trace.row for trace in latest.values()])
    entry.write_spans()
    entry.write()


def _serve(entry: Entry, rows: Sequence[TraceRow]) -> None:
    """Tell the traces that calls were made within of them, so that what these spent is not counted there once more."""
    within = {(row.tenant, row.within) for row in rows if row.within and row.within != row.id}
    if not within:
        return
    known = entry.known(within)
    changed: set[tuple[str, str]] = set()
    for row in rows:
        around = known.get((row.tenant, row.within))
        if around is None or around.telling is None or around.row.origin != "spans":
            continue
        if around.telling.serve(row.id, (row.input_tokens, row.output_tokens)):
            changed.add((row.tenant, row.within))
    for place in changed:
        around = known[place]
        assert around.telling is not None
        entry.put_told(around.number, around.telling)
        entry.put_trace(around.number, around.telling.row(place[1], place[0]), around)


def _replace(entry: Entry, number: int, old: Known, own: set[str]) -> None:
    """Remove the rows of the call's own spans, and of sent ones that turn out to be the call's own."""
    call = entry.call(number, old.row)
    for span in list(entry.stored_of(number)):
        if span.own:
            entry.drop_span(span, call)
        elif span.row.id in own:
            entry.drop_span(span)
            assert old.telling is not None
            old.telling.take(span.row)

"""One trace out of two halves of it: what the archive has, and what came after that."""

from rowen.store.archive.lines import Whole
from rowen.store.fold import Telling
from rowen.values import Observed, TraceRow


def merged(earlier: Whole, later: Whole) -> Whole:
    """Return a trace with the spans of both; of one that both have, the later. Its row is told anew from them."""
    sent = {span.row.id: span for half in (earlier, later) for span in half.sent}
    call = later if later.trace.row.origin == "call" else earlier
    own = {span.id for span in call.trace.spans} if call.trace.row.origin == "call" else set()
    kept = [span for id, span in sorted(sent.items()) if id not in own]
    row = call.trace.row
    if row.origin == "call":
        before, now = _told(call.sent), _told(kept)
        row = row.but(
            spans=row.spans - before.spans + now.spans, failed_spans=row.failed_spans - before.failed + now.failed
        )
    elif kept:
        row = _told(kept).row(row.id, row.tenant)
    tags = (earlier.trace.row.tags, later.trace.row.tags)
    return Whole(trace=call.trace.but(row=row), sent=tuple(_within(row, span, tags) for span in kept))


def _told(spans: list[Observed] | tuple[Observed, ...]) -> Telling:
    telling = Telling(held={})
    for span in spans:
        telling.add(span.row)
    return telling


def _within(trace: TraceRow, span: Observed, tags: tuple[tuple[str, ...], tuple[str, ...]]) -> Observed:
    """Return a span with what its whole trace says of it; the tags too, unless it has some of its own."""
    row = span.row
    return span.but(
        row=row.but(
            session=trace.session,
            user=trace.user,
            feature=trace.feature,
            tags=trace.tags if not row.tags or row.tags in tags else row.tags,
        )
    )

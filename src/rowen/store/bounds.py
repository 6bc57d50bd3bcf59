"""What a store can hold of the numbers in a span."""

from rowen.values import Observed

LATEST_NS = 4_500_000_000_000_000_000
"""In the year 2112. A span that says it began later, or before 1970, is kept as of the edge."""

_MOST = 2**53


def bounded(observed: Observed) -> Observed:
    """Return a span whose row has times and numbers that every store can hold and sum up; the span stays as it came."""
    row = observed.row
    if (
        0 <= row.started_ns <= LATEST_NS
        and 0 <= row.duration_ns <= LATEST_NS - row.started_ns
        and 0 <= row.input_tokens <= _MOST
        and 0 <= row.output_tokens <= _MOST
        and 0 <= row.cached_tokens <= _MOST
        and 0 <= row.reasoning_tokens <= _MOST
        and (row.first_ns is None or 0 <= row.first_ns <= LATEST_NS - row.started_ns)
    ):
        return observed
    started = _between(row.started_ns, LATEST_NS)
    left = LATEST_NS - started
    return observed.but(
        row=row.but(
            started_ns=started,
            duration_ns=_between(row.duration_ns, left),
            first_ns=None if row.first_ns is None else _between(row.first_ns, left),
            input_tokens=_between(row.input_tokens, _MOST),
            output_tokens=_between(row.output_tokens, _MOST),
            cached_tokens=_between(row.cached_tokens, _MOST),
            reasoning_tokens=_between(row.reasoning_tokens, _MOST),
        )
    )


def _between(number: int, most: int) -> int:
    return min(max(number, 0), most)

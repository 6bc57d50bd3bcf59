"""What there is of each day, for what puts whole days away."""

from rowen.values import Value

DAY_NS = 86_400_000_000_000


class Day(Value, frozen=True, kw_only=True):
    """What one tenant has of one day, UTC."""

    start_ns: int
    tenant: str
    count: int
    """Of traces that began on the day, or of scores of what began on it."""
    mark: str = ""
    """Another one as soon as a trace, span or score came or went. One in place of an equal one may not change it."""

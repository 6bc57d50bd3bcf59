"""How much of something is allowed, for whom, and for how long."""

from decimal import Decimal
from typing import Literal

from rowen.values.base import Value

Measure = Literal["requests", "tokens", "money", "concurrency"]
Window = Literal["minute", "hour", "day", "month", "now"]
Per = Literal["key", "user", "tenant", "app", "feature"]


class Limit(Value, frozen=True, kw_only=True):
    """At most `amount` of `measure` in one `window` for each `per`.

    Windows are calendar windows in UTC. `concurrency` has the window `now`. Money amounts are in `currency`.
    `only` narrows the limit to one feature, user or app by name; empty means each of them.
    """

    measure: Measure
    amount: Decimal
    window: Window
    per: Per
    currency: str = ""
    only: str = ""

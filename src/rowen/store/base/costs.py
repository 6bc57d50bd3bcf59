"""What days cost, by one thing at a time."""

from decimal import Decimal
from typing import Literal, get_args

from rowen.values import Value

CostBy = Literal[
    "",
    "tenant",
    "app",
    "key",
    "user",
    "feature",
    "model",
    "provider",
    "deployment",
    "purpose",
    "definition",
    "release",
    "environment",
]
COST_BYS: tuple[CostBy, ...] = get_args(CostBy)


class DayCost(Value, frozen=True, kw_only=True):
    """What one of a group spent on one day, in US dollars."""

    start_ns: int = 0
    """0 where the days of the window are one sum."""
    group: str = ""
    calls: int = 0
    failed: int = 0
    cached: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    unpriced: int = 0
    """Calls whose cost is unknown; they are not in `cost`, and not nothing."""
    cost: Decimal = Decimal(0)
    waste: Decimal = Decimal(0)
    """Of the cost, what was paid for attempts whose answers were not used."""

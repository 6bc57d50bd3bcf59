"""What a figure must be, as people write it: `">= 99.9%"`, `"< 100ms"`, `0.95`."""

import re
from decimal import Decimal
from typing import Literal

from rowen.values import Value

Op = Literal[">=", ">", "<=", "<"]

_WRITTEN = re.compile(r"\s*(>=|<=|>|<)?\s*([+-]?\d+(?:\.\d+)?)\s*(%|ms|s|min|h|d|/s|USD|EUR)?\s*")
_TIMES = {"%": Decimal("0.01"), "ms": Decimal("0.001"), "min": Decimal(60), "h": Decimal(3600), "d": Decimal(86400)}


class Bound(Value, frozen=True, kw_only=True):
    """A comparison with an exact number; percents are shares, times are seconds."""

    op: Op = ">="
    value: Decimal
    unit: str = ""

    @property
    def floor(self) -> bool:
        """Whether more is better."""
        return self.op in {">=", ">"}

    @property
    def strict(self) -> bool:
        """Whether the number itself is already too little or too much."""
        return self.op in {">", "<"}

    def holds(self, figure: Decimal) -> bool:
        """Whether a figure is within it."""
        if self.floor:
            return figure > self.value or (figure == self.value and not self.strict)
        return figure < self.value or (figure == self.value and not self.strict)

    def __str__(self) -> str:
        """Return it as people write it."""
        shown = self.value / _TIMES.get(self.unit, Decimal(1))
        return f"{self.op} {shown.normalize():f}{self.unit}"


def bound(written: float | str) -> Bound:
    """Return a bound from how it is written; without a comparison it is a floor.

    Raises:
        ValueError: it is neither a number nor such a text.

    """
    if isinstance(written, int | float) and not isinstance(written, bool):
        return Bound(value=Decimal(str(written)))
    found = _WRITTEN.fullmatch(str(written))
    if found is None:
        raise ValueError(f'expected a number or a text such as ">= 99.9%" or "< 100ms", got {written!r}')
    op, number, unit = found[1] or ">=", Decimal(found[2]), found[3] or ""
    return Bound(op=op, value=number * _TIMES.get(unit, Decimal(1)), unit=unit)  # type: ignore[arg-type]

"""Sums, means and medians that are exact: 0.1 and 0.2 make 0.3, as they are written, not as a binary fraction has them."""

import sqlite3
from decimal import Context, Decimal
from typing import Any

_CONTEXT = Context(prec=60)


class _Sum:
    """Takes rows in and out again, as a window over them moves."""

    def __init__(self) -> None:
        self._sum = Decimal(0)
        self._count = 0
        self._parts = 0  # values that are no whole numbers

    def step(self, value: object) -> None:
        """Take a value in."""
        self._add(value, 1)

    def inverse(self, value: object) -> None:
        """Take a value out."""
        self._add(value, -1)

    def value(self) -> int | float | None:
        """Return the sum of what is in; None of nothing."""
        if not self._count:
            return None
        return float(self._sum) if self._parts else int(self._sum)

    def finalize(self) -> int | float | None:
        """Return the sum."""
        return self.value()

    def _add(self, value: object, sign: int) -> None:
        if value is None:
            return
        if not isinstance(value, int | float):
            raise TypeError("text cannot be summed up")
        self._sum = _CONTEXT.add(self._sum, sign * Decimal(repr(value)))
        self._count += sign
        self._parts += sign * isinstance(value, float)


class _Mean(_Sum):
    def value(self) -> float | None:
        return float(_CONTEXT.divide(self._sum, Decimal(self._count))) if self._count else None


class _Median:
    def __init__(self) -> None:
        self._values: list[float] = []

    def step(self, value: Any, /) -> None:
        """Take a value in."""
        if isinstance(value, int | float):
            self._values.append(value)
        elif value is not None:
            raise TypeError("text has no median")

    def finalize(self) -> Any:
        """Return the middle value, or the mean of the two in the middle."""
        values = sorted(self._values)
        if not values:
            return None
        half, odd = divmod(len(values), 2)
        if odd:
            return values[half]
        both = _CONTEXT.add(Decimal(repr(values[half - 1])), Decimal(repr(values[half])))
        return float(_CONTEXT.divide(both, Decimal(2)))


def put_exact(connection: sqlite3.Connection) -> None:
    """Let a connection work exactly."""
    connection.create_window_function("sum", 1, _Sum)
    connection.create_window_function("total", 1, _Sum)
    connection.create_window_function("avg", 1, _Mean)
    connection.create_aggregate("median", 1, _Median)

"""Money: an exact decimal amount with its currency."""

from decimal import Decimal

from rowen.values.base import Value


class Money(Value, frozen=True, kw_only=True):
    """An exact amount. Amounts of two currencies never add."""

    amount: Decimal = Decimal(0)
    currency: str = "USD"

    def __add__(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(amount=self.amount + other.amount, currency=self.currency)

    def __str__(self) -> str:
        return f"{self.amount.normalize():f} {self.currency}"


def dollars_of(cost: Money | None) -> Decimal | None:
    """Return an amount that is in US dollars; None for what is not known or in another currency."""
    return cost.amount if cost is not None and cost.currency == "USD" else None


def usd(amount: str | int | Decimal) -> Money:
    """Return an amount in US dollars."""
    return Money(amount=Decimal(amount))

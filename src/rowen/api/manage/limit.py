"""Limits as the API takes them."""

from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta

from rowen.api.manage.base import Plain
from rowen.values import Limit, Settings

Amount = Annotated[str, Meta(pattern=r"^[0-9]{1,15}([.][0-9]{1,9})?$")]


class WantedLimit(Settings, frozen=True, kw_only=True):
    """At most `amount` of `measure` in one `window` for each `per`. Concurrency has no window, only money a currency."""

    measure: Literal["requests", "tokens", "money", "concurrency"]
    amount: Amount
    per: Literal["key", "user", "tenant", "app", "feature"]
    window: Literal["minute", "hour", "day", "month"] = "minute"
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")] = "USD"
    only: Plain = ""


Limits = Annotated[tuple[WantedLimit, ...], Meta(max_length=50)]


def limits_of(wanted: tuple[WantedLimit, ...]) -> tuple[Limit, ...]:
    """Return limits as they are kept."""
    return tuple(
        Limit(
            measure=one.measure,
            amount=Decimal(one.amount),
            window="now" if one.measure == "concurrency" else one.window,
            per=one.per,
            currency=one.currency.strip() if one.measure == "money" else "",
            only=one.only,
        )
        for one in wanted
    )

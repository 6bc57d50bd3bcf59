"""How limits are written: `20/min`, `200k/day`, `5 EUR/day`."""

import re
from decimal import Decimal

from rowen.values import Limit
from rowen.values.limit import Measure, Per, Window

EXAMPLES = {"requests": '"20/min"', "tokens": '"200k/day"', "money": '"5 EUR/day"', "concurrency": "32"}

_RATE = re.compile(r"\s*(\d[\d_]*(?:\.\d+)?)\s*([kMG]?)\s*([A-Z]{3})?\s*/\s*([A-Za-z]+)\s*")
_TIMES = {"": 1, "k": 1_000, "M": 1_000_000, "G": 1_000_000_000}
_WINDOWS: dict[str, Window] = {
    "min": "minute",
    "minute": "minute",
    "h": "hour",
    "hour": "hour",
    "d": "day",
    "day": "day",
    "month": "month",
}


def limit(text: str, measure: Measure, per: Per, only: str = "") -> Limit:
    """Return a limit from how it is written.

    Raises:
        ValueError: it cannot be read; says the text and an example.

    """
    found = _RATE.fullmatch(text)
    if found is None:
        raise ValueError(f"cannot read {text!r} — write it like {EXAMPLES[measure]}")
    window = _WINDOWS.get(found[4])
    if window is None:
        raise ValueError(
            f'unknown window "{found[4]}" in {text!r} — use min, hour, day or month, like {EXAMPLES[measure]}'
        )
    currency = found[3] or ""
    if measure == "money" and not currency:
        raise ValueError(f"a budget needs a currency, but {text!r} has none — write it like {EXAMPLES[measure]}")
    if measure != "money" and currency:
        raise ValueError(f"{text!r} has the currency {currency}, but counts {measure} — write {EXAMPLES[measure]}")
    amount = Decimal(found[1].replace("_", "")) * _TIMES[found[2]]
    if measure != "money" and amount != amount.to_integral_value():
        raise ValueError(f"{text!r} is not a whole number of {measure} — write it like {EXAMPLES[measure]}")
    if amount <= 0:
        raise ValueError(f"{text!r} allows nothing — use a number above zero, like {EXAMPLES[measure]}")
    return Limit(measure=measure, amount=amount, window=window, per=per, currency=currency, only=only)


def at_once(amount: int, per: Per, only: str = "") -> Limit:
    """Return a limit of calls under way at once.

    Raises:
        ValueError: it is not above zero.

    """
    if amount <= 0:
        raise ValueError(f"{amount} calls at once allows nothing — use a number above zero, like 32")
    return Limit(measure="concurrency", amount=Decimal(amount), window="now", per=per, only=only)


def said(one: Limit) -> str:
    """Return a limit as a person says it: `200000 tokens per day`."""
    number = f"{one.amount.normalize():f}"
    match one.measure:
        case "money":
            return f"{number} {one.currency} per {one.window}"
        case "concurrency":
            return f"{number} calls at once"
        case "requests" | "tokens":
            return f"{number} {one.measure.removesuffix('s') if one.amount == 1 else one.measure} per {one.window}"

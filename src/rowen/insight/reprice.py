"""What the past would have cost at other prices, attempt by attempt: exact over tiers, caches and changes of price."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from rowen.insight.reading import Bought
from rowen.values import Pricing, Value

_NOTHING = Decimal(0)

Model = tuple[str, str]
"""A provider and its name for the model."""


class Repriced(Value, frozen=True, kw_only=True):
    """One model's attempts as they were priced and as they would be."""

    provider: str
    model: str
    as_provider: str = ""
    """At whose price, where it is another model's."""
    as_model: str = ""
    attempts: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    before: Decimal = _NOTHING
    after: Decimal = _NOTHING
    unknown_before: int = 0
    """Attempts that had no price; they are not in `before`."""
    unknown_after: int = 0
    """Attempts that have none now; they are not in `after`."""


def reprice(
    attempts: Iterable[Bought],
    pricing: Pricing,
    *,
    at_ns: int | None = None,
    instead: Mapping[Model, Model] | None = None,
) -> list[Repriced]:
    """Return what attempts cost and would cost, by model, the dearest first.

    Args:
        attempts: what was bought.
        pricing: the other prices.
        at_ns: the moment whose prices hold for all of them; else those of each attempt's own time.
        instead: models to take the price of others for: what would it have cost on those, with the same tokens.

    """
    sums: dict[Model, Repriced] = {}
    for one in attempts:
        model = (one.provider, one.model)
        other = (instead or {}).get(model, model)
        price = pricing(*other, one.usage, one.at_ns if at_ns is None else at_ns)
        kept = sums.get(model) or Repriced(
            provider=one.provider,
            model=one.model,
            as_provider=other[0] if other != model else "",
            as_model=other[1] if other != model else "",
        )
        sums[model] = kept.but(
            attempts=kept.attempts + 1,
            input_tokens=kept.input_tokens + one.usage.input_tokens,
            output_tokens=kept.output_tokens + one.usage.output_tokens,
            before=kept.before + (one.cost or _NOTHING),
            after=kept.after + (price.amount if price is not None else _NOTHING),
            unknown_before=kept.unknown_before + (one.cost is None),
            unknown_after=kept.unknown_after + (price is None),
        )
    return sorted(sums.values(), key=lambda one: (-one.before, one.provider, one.model))

"""What a call may use before it is answered, and what it did use afterwards, in the units of the limits."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil

from rowen.limits.base import LimitsSettings, assumed_price
from rowen.limits.rules import NANO
from rowen.values import Attempt, CountTokens, Deployment, Money, Pricing, Refused, Request, Usage

_MILLION = 1_000_000
_ZERO = Decimal(0)
_NANO = Decimal(NANO)
_REMEMBERED = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Reserves tokens and money for a request, and adds up the money of its attempts.

    Args:
        settings: what the app says about answers without a length, currencies and unknown prices.
        count_tokens: tokens of a request's prompt, exactly; only asked where the length leaves it open.
        at_most: tokens that a prompt hardly ever exceeds; cheap.
        pricing: what a usage costs at a provider and model.
        deployments_of: every deployment that may answer for a model name, fallbacks included; asked once for each name.

    """

    settings: LimitsSettings
    count_tokens: CountTokens
    at_most: CountTokens
    pricing: Pricing
    deployments_of: Callable[[str], Sequence[Deployment]]
    _places: dict[str, tuple[Deployment, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def answer_tokens(self, request: Request) -> int:
        """Return the tokens to set aside for the answer, all choices together."""
        if request.kind == "embeddings":
            return 0
        if request.max_tokens is not None:
            return request.max_tokens * request.n
        thinking = (request.reasoning.budget_tokens or 0) if request.reasoning else 0
        return (self.settings.assume_answer + thinking) * request.n

    def dollars(self, request: Request, usage: Usage, at_ns: int) -> Decimal:
        """Return the US dollars of a usage at the dearest deployment that may answer.

        Raises:
            Refused: `price_unknown`, unless the app's policy says what to count then.

        """
        dearest = _ZERO
        for deployment in self._places.get(request.model) or self._looked_up(request.model):
            price = self.pricing(deployment.provider, deployment.upstream, usage, at_ns)
            cost = self._assumed(usage) if price is None else self._usd(price)
            if cost is None:
                raise Refused(
                    "price_unknown",
                    f'A budget is in force, and the price of "{deployment.upstream}" at {deployment.provider} is not '
                    f'known: set price = {{ input = "…", output = "…" }} in [models.{deployment.model}], or say with '
                    f"limits.unknown_price what to count.",
                    place=f"models.{deployment.model}.price",
                    details={"model": deployment.model, "provider": deployment.provider},
                )
            dearest = max(dearest, cost)
        return dearest

    def spent(self, attempts: Iterable[Attempt]) -> Decimal | None:
        """Return the US dollars of all attempts, wasted ones included; None when a price is unknown and not assumed."""
        total = _ZERO
        for attempt in attempts:
            if attempt.cost is not None:
                cost = self._usd(attempt.cost)
            elif not attempt.usage.total:
                continue
            else:
                cost = self._assumed(attempt.usage)
            if cost is None:
                return None
            total += cost
        return total

    def units(self, dollars: Decimal, currency: str) -> int:
        """Return US dollars in 1e-9 of a currency, rounded up."""
        units = dollars * _NANO
        return ceil(units if currency == "USD" else units / self.settings.rates[currency])

    def _looked_up(self, model: str) -> tuple[Deployment, ...]:
        """Return one deployment for each price that a model name may cost, and remember them."""
        places: dict[tuple[str, str], Deployment] = {}
        for deployment in self.deployments_of(model):
            places.setdefault((deployment.provider, deployment.upstream), deployment)
        found = tuple(places.values())
        if found:  # callers choose names freely; one that nobody answers for is not kept
            if len(self._places) >= _REMEMBERED:
                self._places.clear()
            self._places[model] = found
        return found

    def _usd(self, money: Money) -> Decimal | None:
        if money.currency == "USD":
            return money.amount
        rate = self.settings.rates.get(money.currency)
        return None if rate is None else money.amount * rate

    def _assumed(self, usage: Usage) -> Decimal | None:
        price = assumed_price(self.settings)
        return None if price is None else price * usage.total / _MILLION


def cost_of(attempts: Sequence[Attempt], rates: Mapping[str, Decimal]) -> Money | None:
    """Return what all attempts cost together in US dollars; None when any price is unknown."""
    total = _ZERO
    for attempt in attempts:
        if attempt.cost is None:
            if attempt.usage.total:
                return None
        elif attempt.cost.currency == "USD":
            total += attempt.cost.amount
        elif attempt.cost.currency in rates:
            total += attempt.cost.amount * rates[attempt.cost.currency]
        else:
            return None
    return Money(amount=total)

"""Settings: what an app's `[limits]` may say, and how many calls a process takes at once."""

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from rowen.config import Duration
from rowen.limits.written import at_once, limit
from rowen.values import Limit, Settings
from rowen.values.limit import Measure, Per

Rates = str | tuple[str, ...]
"""One limit as text, or several."""

_REFUSE, _ZERO, _ASSUME = "refuse", "count_zero", "assume:"


class PerTable(Settings, frozen=True, kw_only=True):
    """Limits of one measure by whose they are. Each is a text or a list of texts."""

    per_app: Rates = ()
    """For the whole app."""
    per_tenant: Rates = ()
    """For each tenant."""
    per_user: Rates = ()
    """For each user."""
    per_key: Rates = ()
    """For each key."""
    per_feature: str | tuple[str, ...] | dict[str, Rates] = ()
    """For each feature, or a table by the feature's name."""


class AtOnceTable(Settings, frozen=True, kw_only=True):
    """Calls under way at once, by whose they are."""

    per_app: int | None = None
    """For the whole app."""
    per_tenant: int | None = None
    """For each tenant."""
    per_user: int | None = None
    """For each user."""
    per_key: int | None = None
    """For each key."""
    per_feature: int | dict[str, int] | None = None
    """For each feature, or a table by the feature's name."""


class LimitsSettings(Settings, frozen=True, kw_only=True):
    """How much may be asked of the app. Windows are calendar windows in UTC: min, hour, day, month."""

    per_app: Rates = ()
    """Requests to the whole app, such as `"1000/min"`."""
    per_tenant: Rates = ()
    """Requests of each tenant."""
    per_user: Rates = ()
    """Requests of each user, such as `"20/min"` or `["20/min", "500/day"]`."""
    per_key: Rates = ()
    """Requests of each key."""
    per_feature: str | tuple[str, ...] | dict[str, Rates] = ()
    """Requests of each feature, or a table by the feature's name."""
    tokens: str | tuple[str, ...] | PerTable = ()
    """Tokens of prompts and answers, such as `"200k/day"`: of the app, or a table `{ per_user = "20k/day" }`."""
    budget: str | tuple[str, ...] | PerTable = ()
    """Money, such as `"5 EUR/day"`: of the app, or a table `{ per_user = "1 EUR/day" }`."""
    concurrency: int | AtOnceTable | None = None
    """Calls under way at once: of the app, or a table `{ per_key = 8 }`."""
    prompt_tokens: int = 1_000_000
    """The longest prompt taken, in tokens."""
    answer_tokens: int = 131_072
    """The longest answer that may be asked for, in tokens of all choices together."""
    assume_answer: int = 1_024
    """Tokens set aside for each choice when a request names no `max_tokens`."""
    rates: dict[str, Decimal] = {}
    """US dollars for one unit of a currency, such as `{ EUR = "1.09" }`; needed for each currency of a budget."""
    unknown_price: str = _REFUSE
    """When a budget holds and a model's price is unknown: `refuse`, `count_zero`, or `assume:10` (USD per M tokens)."""

    def __post_init__(self) -> None:
        for one in limits_of(self):
            if one.currency and one.currency != "USD" and one.currency not in self.rates:
                raise ValueError(
                    f'the budget is in {one.currency}, but "rates" does not say what one {one.currency} is in USD '
                    f'— add rates = {{ {one.currency} = "1.09" }}'
                )
        for currency, rate in self.rates.items():
            if not rate.is_finite() or rate <= 0:
                raise ValueError(f"the rate of {currency} must be above zero")
        for name in ("prompt_tokens", "answer_tokens", "assume_answer"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above zero")
        assumed_price(self)


class AdmissionSettings(Settings, frozen=True, kw_only=True):
    """How many calls one process works on, and how long the others wait for their turn."""

    in_flight: int = 1_024
    """Calls under way at once in one process."""
    queue: int = 1_024
    """Calls that may wait; above it the lowest priority is shed."""
    wait: Duration = Duration(5)
    """How long a call of high or normal priority may wait."""
    target: Duration = Duration(0.5)
    """How long a call of low priority may wait before it is shed."""

    def __post_init__(self) -> None:
        if self.in_flight <= 0:
            raise ValueError("in_flight must be above zero")
        if self.queue < 0:
            raise ValueError("queue must not be below zero")


def limits_of(settings: LimitsSettings) -> tuple[Limit, ...]:
    """Return the limits that a `[limits]` table sets.

    Raises:
        ValueError: one cannot be read; says which, the text and an example.

    """
    return tuple(_each(settings))


def assumed_price(settings: LimitsSettings) -> Decimal | None:
    """Return the USD per million tokens to count where a price is unknown; None means to refuse.

    Raises:
        ValueError: the policy cannot be read.

    """
    policy = settings.unknown_price
    if policy == _REFUSE:
        return None
    if policy == _ZERO:
        return Decimal(0)
    if policy.startswith(_ASSUME):
        try:
            price = Decimal(policy.removeprefix(_ASSUME))
        except InvalidOperation:
            price = Decimal(-1)
        if price.is_finite() and price >= 0:
            return price
    raise ValueError(
        f'unknown_price = "{policy}" is none of "refuse", "count_zero" or "assume:10" (USD per million tokens)'
    )


def _each(settings: LimitsSettings) -> Iterator[Limit]:
    requests = PerTable(
        per_app=settings.per_app,
        per_tenant=settings.per_tenant,
        per_user=settings.per_user,
        per_key=settings.per_key,
        per_feature=settings.per_feature,
    )
    yield from _table(requests, "requests", "")
    for measure, name, table in (("tokens", "tokens", settings.tokens), ("money", "budget", settings.budget)):
        whole = table if isinstance(table, PerTable) else PerTable(per_app=table)
        yield from _table(whole, "money" if measure == "money" else "tokens", name)
    most = settings.concurrency
    if most is not None:
        yield from _at_once(most if isinstance(most, AtOnceTable) else AtOnceTable(per_app=most))


def _table(table: PerTable, measure: Measure, name: str) -> Iterator[Limit]:
    pers: tuple[Per, ...] = ("app", "tenant", "user", "key", "feature")
    for per in pers:
        key = f"{name}.per_{per}" if name else f"per_{per}"
        written: str | tuple[str, ...] | dict[str, Rates] = getattr(table, f"per_{per}")
        by_name = written if isinstance(written, dict) else {"": written}
        for only, rates in by_name.items():
            for text in (rates,) if isinstance(rates, str) else rates:
                try:
                    yield limit(text, measure, per, only)
                except ValueError as error:
                    raise ValueError(f"{key}: {error}") from None


def _at_once(table: AtOnceTable) -> Iterator[Limit]:
    pers: tuple[Per, ...] = ("app", "tenant", "user", "key", "feature")
    for per in pers:
        most: int | dict[str, int] | None = getattr(table, f"per_{per}")
        if most is None:
            continue
        for only, amount in (most if isinstance(most, dict) else {"": most}).items():
            try:
                yield at_once(amount, per, only)
            except ValueError as error:
                raise ValueError(f"concurrency.per_{per}: {error}") from None

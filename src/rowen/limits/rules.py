"""Which limits hold for a call: each limit bound to the one it counts for."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import quote

from rowen.limits.written import said
from rowen.values import Call, Limit, Mistaken
from rowen.values.limit import Measure, Window

NANO = 1_000_000_000
"""Money is counted in integers of 1e-9 of its currency."""

_LONG = 64
"""Characters of a name beyond which its digest stands in a counter's name: callers choose some of them freely."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A limit bound to whose it is. `amount` is in the counter's integer unit."""

    limit: Limit
    stem: str
    """The counter's name without its window."""
    measure: Measure
    window: Window
    amount: int
    currency: str
    whose: str
    """For a sentence: `user "ann"`."""
    of: float
    """`amount` as the trace notes it: whole numbers, or money in its currency."""
    label: str
    """The whole limit for a person: `200000 tokens per day for user "ann"`."""


def rules_for(call: Call, limits: Sequence[Limit], rates: Mapping[str, Decimal]) -> tuple[Rule, ...]:
    """Return the limits that hold for a call: `limits`, which its app sets, and those its key, user and tenant bear.

    Limits of the app count inside the app; those of key, user and tenant count over all apps. Where two say the same
    of the same counter, the lower one holds.

    Raises:
        Mistaken: `config_invalid`: a key's budget is in a currency that `rates` does not know.

    """
    found: dict[str, Rule] = {}
    bound = [_bound(one, call, (call.app,)) for one in limits]
    bound += [_bound(one, call, ()) for one in (call.caller.limits if call.caller else ())]
    for rule in bound:
        if rule is None:
            continue
        if rule.currency and rule.currency != "USD" and rule.currency not in rates:
            raise Mistaken(
                "config_invalid",
                f"The budget of {rule.whose} is in {rule.currency}, and the app does not say what one "
                f'{rule.currency} is in USD: add rates = {{ {rule.currency} = "…" }} to [limits].',
                place="limits.rates",
            )
        known = found.get(rule.stem)
        if known is None or rule.amount < known.amount:
            found[rule.stem] = rule
    # Concurrency and requests first: they refuse most cheaply, and nothing else need be given back then.
    order = ("concurrency", "requests", "tokens", "money")
    return tuple(sorted(found.values(), key=lambda rule: order.index(rule.measure)))


def units_of(limit: Limit) -> int:
    """Return a limit's amount in its counter's integer unit."""
    return int(limit.amount * NANO) if limit.measure == "money" else int(limit.amount)


def shown(units: int, measure: Measure) -> Decimal:
    """Return an integer of a counter's unit as the amount a person knows."""
    return Decimal(units) / NANO if measure == "money" else Decimal(units)


def _bound(limit: Limit, call: Call, scope: tuple[str, ...]) -> Rule | None:
    who = _who(limit, call, scope)
    if who is None:
        return None
    pieces, name, whose = who
    if limit.only and limit.only != name:
        return None
    measure = f"money.{limit.currency}" if limit.measure == "money" else limit.measure
    amount = units_of(limit)
    counted = "/".join(_piece(piece) for piece in pieces)
    return Rule(
        limit=limit,
        stem=f"{measure}:{limit.per}:{counted}:{limit.window}",
        measure=limit.measure,
        window=limit.window,
        amount=amount,
        currency=limit.currency,
        whose=whose,
        of=amount / NANO if limit.measure == "money" else amount,
        label=f"{said(limit)} for {whose}",
    )


def _who(limit: Limit, call: Call, scope: tuple[str, ...]) -> tuple[tuple[str, ...], str, str] | None:
    """Return the pieces of the counter's name, the plain name, and the words for a sentence; None: does not apply."""
    caller = call.caller
    tenant = caller.tenant if caller else ""
    # A key that belongs to a user cannot leave that user's limits by naming another one.
    user = (caller.user if caller else "") or (call.end_user if scope else "")
    match limit.per:
        case "app":
            return (*(scope or (tenant, call.app)),), call.app, f'app "{call.app}"'
        case "feature":
            pieces = (*scope, call.feature) if scope else (tenant, call.app, call.feature)
            return (pieces, call.feature, f'feature "{call.feature}"') if call.feature else None
        case "tenant":
            return ((*scope, tenant), tenant, f'tenant "{tenant}"') if caller else None
        case "user" if user:
            return (*scope, tenant, user), user, f'user "{user[:_LONG]}"'
        case "user" | "key":
            # A call that names no user counts on its key, so that leaving the name out frees nobody.
            if caller is None or (limit.per == "user" and not scope):
                return None
            return (*scope, f"key {caller.key}"), caller.key, f"key {caller.shown}"


def _piece(name: str) -> str:
    if len(name) > _LONG:
        return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return quote(name, safe="", errors="surrogatepass")

"""Budgets that warn: how each stands, and the forms that make and remove them."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import get_args

from markupsafe import Markup

from rowen.access import Actor
from rowen.insight.budget import Budget, BudgetBy, Standing
from rowen.values import Mistaken, new_id
from rowen.web.charts import lane
from rowen.web.forms import Fields, choice, line
from rowen.web.page import Services

FOR: Sequence[str] = get_args(BudgetBy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stands:
    """One budget as the page says it."""

    standing: Standing
    name: str
    pill: str
    words: str
    bar: Markup


async def budgets_of(services: Services, tenant: str | None) -> list[Stands]:
    """Return the budgets of a tenant, as they stand now."""
    now = services.clock.now_ns()
    found = [await services.insight.budgets.standing(each, now) for each in await services.insight.budgets.all(tenant)]
    return [_stands(each) for each in found]


def budget_of(form: Fields, actor: Actor, now_ns: int) -> Budget:
    """Return the budget that a form asks for.

    Raises:
        Mistaken: `field_invalid` naming the field.

    """
    by = choice(form, "for", FOR, "")
    return Budget(
        id=new_id(now_ns),
        tenant=actor.tenant,
        name=line(form, "name"),
        by=next(each for each in get_args(BudgetBy) if each == by),
        of=line(form, "of"),
        amount=_amount(form),
        window="day" if choice(form, "window", ("day", "month"), "month") == "day" else "month",
        created_ns=now_ns,
    )


def _amount(form: Fields) -> Decimal:
    written = str(form.get("amount", "")).strip().lstrip("$")
    try:
        found = Decimal(written)
    except InvalidOperation:
        found = Decimal(0)
    if not found.is_finite() or not 0 < found < Decimal(10) ** 12:
        raise Mistaken("field_invalid", "an amount of US dollars, such as 250 or 0.50", place="amount")
    return found


def _stands(standing: Standing) -> Stands:
    budget, expected = standing.budget, standing.expected
    will_pass = expected is not None and expected.value is not None and Decimal(repr(expected.value)) > budget.amount
    pill, words = ("ok", "within it")
    if will_pass:
        pill, words = "refused", "will pass it"
    if standing.spent >= budget.amount:
        pill, words = "failed", "used up"
    return Stands(
        standing=standing,
        name=budget.name or (f"{budget.by} {budget.of}" if budget.by else f"all of {budget.tenant}"),
        pill=pill,
        words=words,
        bar=lane(0, min(int(standing.share * 1000), 1000), 1000, pill),
    )

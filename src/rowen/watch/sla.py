"""What an agreement with a customer came to in a period: met or missed, and the credit, exactly."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from rowen.store.base import Cell
from rowen.values import Value
from rowen.watch.base import SlaTable
from rowen.watch.bound import bound
from rowen.watch.budget import Standing, counts, standing


class Settlement(Value, frozen=True, kw_only=True):
    """One agreement over one period."""

    name: str
    customer: str
    owner: str
    tenant: str = ""
    standing: Standing
    missed: bool = False
    percent: str = ""
    """The figure as a percentage, exact to six places; empty where it is no share."""
    credit: Decimal = Decimal(0)
    """The part of the bill that is given back: `0.1` for ten percent."""
    bill: Decimal | None = None
    amount: Decimal | None = None
    """What is given back of the bill, not rounded; None when no bill was named."""
    tier: str = ""
    """The remedy that applies, as it is written."""


def settle(
    name: str, table: SlaTable, cells: Sequence[Cell], span: tuple[int, int], *, bill: Decimal | None = None
) -> Settlement:
    """Return what an agreement came to.

    Args:
        name: of the agreement.
        table: the agreement, with the SLI it has or took from its objective.
        cells: what was counted; of the customer's tenant alone where the agreement says so.
        span: begin and end of the period.
        bill: what the customer pays for the period, in the currency of the bill.

    """
    found = standing(table, cells, span)
    inside = [cell for cell in cells if span[0] <= cell.start_ns < span[1]]
    figure = _figure(table, inside, found)
    credit, tier = Decimal(0), ""
    if figure is not None and found.state == "breached":
        for remedy in table.remedy:
            if _worse(table, figure, Fraction(bound(remedy.below).value)) and remedy.share > credit:
                credit, tier = remedy.share, f"below {remedy.below}: {remedy.credit}"
    share = figure is not None and table.how == "share"
    return Settlement(
        name=name,
        customer=table.customer,
        owner=table.owner,
        tenant=table.tenant,
        standing=found,
        missed=found.state == "breached",
        percent=_percent(figure) if share and figure is not None else "",
        credit=credit,
        bill=bill,
        amount=None if bill is None else bill * credit,
        tier=tier,
    )


def _figure(table: SlaTable, cells: Sequence[Cell], found: Standing) -> Fraction | None:
    """Return the figure without loss: a share as the fraction that it is."""
    if table.how != "share":
        return None if found.figure is None else Fraction(repr(found.figure))
    good, total = counts(table, cells)
    if not total:
        return None
    stated = table.bound
    return Fraction(total - good, total) if stated is not None and not stated.floor else Fraction(good, total)


def _worse(table: SlaTable, figure: Fraction, than: Fraction) -> bool:
    stated = table.bound
    return figure > than if stated is not None and not stated.floor else figure < than


def _percent(figure: Fraction) -> str:
    exact = Decimal(figure.numerator) / Decimal(figure.denominator) * 100
    return f"{exact.quantize(Decimal('0.000001')).normalize():f}%"

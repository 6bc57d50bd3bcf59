"""Whether models answer as they did: the newest cycle of each canary, the changes that were heard, and one cycle with its answers."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request

from rowen.access import Visit
from rowen.evaluate.canary import Reading, Said
from rowen.values import Mistaken, Refused
from rowen.web.page import Page, Services, api_call, tenant_of

_CHANGES = 50
_CYCLES = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One cycle."""

    it: Reading
    asked: int
    """How many answers it asked for."""
    pill: tuple[str, str]
    """How the pill looks, and what it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Canaries:
    """All canaries."""

    title: str
    rows: Sequence[Row]
    changes: Sequence[Row]
    call: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """One cycle, with the one before it."""

    title: str
    row: Row
    before: Reading | None
    prompts: Sequence[tuple[str, Sequence[Said], Sequence[Said]]]
    """Each with what was answered now, and in the cycle before; its text is empty where the app asks others by now."""
    cycles: Sequence[Row]
    """The latest cycles of the same canary at the same place."""


async def canaries(request: Request, services: Services, visit: Visit) -> Page:
    """The newest cycle of each canary at each place, and every cycle in which something changed."""
    _may(visit)
    latest, changes = await services.canaries.latest(), await services.canaries.changes(0)
    return Page(
        template="canaries/list.html",
        context=Canaries(
            title="Canaries",
            rows=[
                _row(each)
                for each in sorted(latest, key=lambda one: (not one.changed, one.group))
                if visit.entry.sees(each.app)
            ],
            changes=[_row(each) for each in changes if visit.entry.sees(each.app)][:_CHANGES],
            call=api_call(request, "/api/canaries"),
        ),
    )


async def canary(request: Request, services: Services, visit: Visit) -> Page:
    """One cycle: what was answered to each prompt, beside what the cycle before was answered."""
    _may(visit)
    readings = services.canaries.readings
    it = await readings.get(request.path_params["id"])
    if it is None or not visit.entry.sees(it.app):
        raise Mistaken("not_found", "There is no such cycle.")
    past = await readings.find(app=it.app, group=it.group, limit=_CYCLES)
    before = next((each for each in past if each.at_ns < it.at_ns and each.prompts == it.prompts), None)
    earlier, texts = before.answers if before else (), services.canaries.asked(it)
    return Page(
        template="canaries/one.html",
        context=Cycle(
            title=f"{it.canary} at {it.deployment}",
            row=_row(it),
            before=before,
            prompts=[
                (
                    texts[number] if number < len(texts) else "",
                    answers,
                    earlier[number] if number < len(earlier) else (),
                )
                for number, answers in enumerate(it.answers)
            ],
            cycles=[_row(each) for each in past],
        ),
    )


def _may(visit: Visit) -> None:
    if tenant_of(visit) is not None:
        raise Refused("key_scope", "Canaries are about the models of all tenants: they need the scope `admin`.")


def _row(each: Reading) -> Row:
    asked = sum(map(len, each.answers))
    if each.changed:
        pill = ("failed", "changed")
    elif asked and each.failed == asked:
        pill = ("refused", "no answer")
    elif each.p is None:
        pill = ("", "nothing to compare with")
    else:
        pill = ("ok", "as before")
    return Row(it=each, asked=asked, pill=pill)

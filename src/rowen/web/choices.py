"""Which model was chosen and why: the reports that were filed, and one of them with its candidates side by side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from rowen.access import Visit
from rowen.evaluate.choice import Candidate, Choice
from rowen.evaluate.choice.write import known_of
from rowen.values import Mistaken
from rowen.values.interval import Interval
from rowen.web.forms import line, managed, text
from rowen.web.page import Page, Services, api_call, may_manage, tenant_of
from rowen.web.said import said_money, said_ms
from rowen.web.seen import apps_of

_LISTED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """The reports."""

    title: str
    rows: Sequence[tuple[Choice, str]]
    """With the name of what was chosen, empty while nothing is."""
    call: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One candidate."""

    it: Candidate
    cost: tuple[str, str]
    """The cost of an answer, and its interval."""
    p95: tuple[str, str]
    """What 19 of 20 answers took at most, and its interval."""
    dominated: str
    """By whom; empty where by none."""
    known: Sequence[tuple[str, str]]
    """What is known of the model beside what it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OneChoice:
    """One report."""

    title: str
    it: Choice
    chosen: str
    rows: Sequence[Row]
    tasks: Sequence[tuple[str, str, int, str, float]]
    """Slice, value, cases, the ranking in words, q."""
    may_change: bool
    call: str


async def choices(request: Request, services: Services, visit: Visit) -> Page:
    """The reports, newest first."""
    found = await services.choices.find(tenant=tenant_of(visit), apps=apps_of(visit), limit=_LISTED)
    return Page(
        template="choices/list.html",
        context=Choices(
            title="Choices",
            rows=[(each, _name(each, each.chosen)) for each in found],
            call=api_call(request, "/api/choices"),
        ),
    )


async def choice(request: Request, services: Services, visit: Visit) -> Page:
    """One report: who does what at which price, what is known of each, and why one was chosen."""
    it = await _known(request, services, visit)
    return Page(
        template="choices/one.html",
        context=OneChoice(
            title=f"A model for {it.app}" if it.app else "Choice of a model",
            it=it,
            chosen=_name(it, it.chosen),
            rows=[_row(it, each) for each in it.candidates],
            tasks=[
                (each.by, each.value, each.n, " › ".join(f"{_name(it, run)} {mean:.3g}" for run, mean in each.ranking), each.q)
                for each in it.tasks
            ],
            may_change=may_manage(visit),
            call=api_call(request, f"/api/choices/{it.id}"),
        ),
    )  # fmt: skip


async def decide(request: Request, services: Services, visit: Visit) -> Response:
    """Write down which candidate is chosen, and why."""
    form, actor = await managed(request, visit, services.address(request))
    it = await _known(request, services, visit)
    because = text(form, "because", most=4_000)
    if not because:
        raise Mistaken("field_invalid", "say why, for whoever asks later", place="because")
    by = visit.entry.key.user or visit.entry.key.name
    await services.choices.put(it.decided(line(form, "chosen", needed=True), because, by))
    await services.register.recorder.note(actor, "choice.decide", tenant=it.tenant, target=it.id)
    return RedirectResponse(f"/choices/{it.id}", 303)


async def _known(request: Request, services: Services, visit: Visit) -> Choice:
    found = await services.choices.get(request.path_params["id"], tenant_of(visit))
    if found is None or not visit.entry.sees(found.app):
        raise Mistaken("not_found", "There is no such report.")
    return found


def _name(choice: Choice, run: str) -> str:
    return next((each.name for each in choice.candidates if each.run == run), run)


def _row(choice: Choice, each: Candidate) -> Row:
    return Row(
        it=each,
        cost=_said(each.cost, lambda dollars: said_money(Decimal(f"{dollars:.2g}"))),
        p95=_said(each.p95, lambda ms: said_ms(ms * 1e6)),
        dominated=", ".join(_name(choice, run) for run in each.dominated),
        known=known_of(each),
    )


def _said(found: Interval, say: Callable[[float], str]) -> tuple[str, str]:
    """Return an estimate and its interval in the unit that people read."""
    if found.value is None:
        return "unknown", ""
    return say(found.value), f"{say(found.low)} to {say(found.high)}" if found.bounded else f"n {found.n:,}"

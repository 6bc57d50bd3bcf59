"""Which model was chosen and why: the reports on candidates that were filed."""

from typing import Annotated, Any

from msgspec import Meta

from rowen.api.manage.base import Asked, Limited, Name, NoParams, Page, Plain, Verb, Verbs
from rowen.evaluate.choice import Choice
from rowen.values import Mistaken, Settings


class ChoiceParams(Settings, frozen=True, kw_only=True):
    """Which reports, newest first."""

    app: Plain = ""
    limit: Limited = 100


class Decision(Settings, frozen=True, kw_only=True):
    """Which candidate is chosen."""

    chosen: Name
    """Its run."""
    because: Annotated[str, Meta(min_length=1, max_length=4_000, pattern=r"^[^\u0000]*$")]
    """Why, for whoever asks later."""


async def list_choices(asked: Asked[ChoiceParams, None]) -> Page[Choice]:
    """The reports, newest first."""
    params = asked.params
    found = await asked.manage.choices.find(tenant=asked.tenant(""), apps=asked.apps(params.app), limit=params.limit)
    return Page(items=found)


async def get_choice(asked: Asked[NoParams, None]) -> Choice:
    """One report."""
    return await _known(asked)


async def decide_choice(asked: Asked[NoParams, Decision]) -> Choice:
    """The report with what is chosen."""
    by = asked.entry.key.user or asked.entry.key.name
    decided = (await _known(asked)).decided(asked.body.chosen, asked.body.because, by)
    await asked.manage.register.recorder.note(asked.actor, "choice.decide", tenant=decided.tenant, target=decided.id)
    await asked.manage.choices.put(decided)
    return decided


async def _known(asked: Asked[Any, Any]) -> Choice:
    found = await asked.manage.choices.get(asked.path["id"], asked.tenant(""))
    if found is None or not asked.entry.sees(found.app):
        raise Mistaken("not_found", "there is no such report", place="id")
    return found


VERBS: Verbs = (
    Verb(
        method="GET",
        path="/api/choices",
        name="list_choices",
        summary="The reports on candidates for a model, newest first.",
        scope="read",
        run=list_choices,
        gives=Choice,
        many=True,
        params=ChoiceParams,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/choices/{id}",
        name="get_choice",
        summary="A report on candidates: quality, cost and latency, what is known of each, who chose and why.",
        scope="read",
        run=get_choice,
        gives=Choice,
        params=NoParams,
        errors=("not_found",),
    ),
    Verb(
        method="POST",
        path="/api/choices/{id}",
        name="decide_choice",
        summary="Write down which candidate is chosen, and why.",
        scope="manage",
        run=decide_choice,
        gives=Choice,
        params=NoParams,
        body=Decision,
        errors=("not_found",),
    ),
)

"""What an alert starts: `POST /api/runs/dispatch` takes the body of a webhook and has the suites of an app run."""

from typing import Any

import msgspec

from rowen.api.manage.alerts import home
from rowen.api.manage.base import Asked, Page, Plain, Verb, Verbs
from rowen.evaluate.run.office import Order
from rowen.values import Mistaken, Run, Settings

_AGAIN_NS = 3_600_000_000_000
"""A suite is not begun again for an alert within so long: alerts repeat, and runs cost money."""
_UNDER_WAY = ("waiting", "running", "paused")
_SAID = 200


class DispatchParams(Settings, frozen=True, kw_only=True):
    """What is run, where the body does not say; senders of other systems have bodies of their own."""

    app: Plain = ""
    suite: Plain = ""


async def dispatch_runs(asked: Asked[DispatchParams, dict[str, Any]]) -> Page[Run]:
    """The runs that were begun, or are under way since the last such alert.

    The body is what a webhook of Rowen, of Alertmanager, or of anything else sends: `app` is read in it, or in
    `commonLabels`, and `status`. What is `resolved` starts nothing. All is asked anew, for an alert wants to know what
    has changed.
    """
    app, suites = _meant(asked)
    if asked.body.get("status") == "resolved":
        return Page(items=())
    tenant, by = home(asked), asked.entry.person
    found = []
    for suite in suites:
        known = await _known(asked, tenant, app, suite)
        if known is None:
            order = Order(app=app, suite=suite, note=f"for an alert: {_title(asked.body)}"[:_SAID], fresh=True)
            known = await asked.manage.runs.start(order, tenant=tenant, by=by)
            await asked.manage.register.recorder.note(asked.actor, "run.dispatch", tenant=tenant, target=known.id)
        found.append(known)
    return Page(items=found)


def _meant(asked: Asked[DispatchParams, dict[str, Any]]) -> tuple[str, list[str]]:
    labels = asked.body.get("commonLabels")
    told = asked.body.get("app") or (labels.get("app") if isinstance(labels, dict) else "")
    app = asked.app(asked.params.app or (told if isinstance(told, str) else ""))
    every = [name for each, name in asked.manage.runs.suites() if each == app]
    if asked.params.suite and asked.params.suite not in every:
        raise Mistaken("not_found", f"{app} has no suite {asked.params.suite!r}", place="suite")
    if not every:
        raise Mistaken("not_found", f"no app {app!r} with an [evaluate.NAME] table is served here", place="app")
    return app, [asked.params.suite] if asked.params.suite else every


async def _known(asked: Asked[Any, Any], tenant: str, app: str, suite: str) -> Run | None:
    """Return the run that an alert of not long ago began."""
    runs = await asked.manage.runs.desk.all(tenant, app=app, suite=suite, limit=100)
    since = asked.manage.clock.now_ns() - _AGAIN_NS
    return next(
        (
            one
            for one in runs
            if one.note.startswith("for an alert:") and (one.state in _UNDER_WAY or one.created_ns >= since)
        ),
        None,
    )


def _title(body: dict[str, Any]) -> str:
    for name in ("title", "text", "event_type"):
        if isinstance(body.get(name), str) and body[name].strip():
            return " ".join(str(body[name]).split())
    return msgspec.json.encode(sorted(body)).decode() if body else "no body"


VERBS: Verbs = (
    Verb(
        method="POST",
        path="/api/runs/dispatch",
        name="dispatch_runs",
        summary="Have the suites of an app run for an alert; takes the body of any webhook.",
        scope="manage",
        run=dispatch_runs,
        gives=Run,
        many=True,
        params=DispatchParams,
        body=dict[str, Any],
        status=202,
        errors=("not_found", "field_invalid", "config_invalid"),
    ),
)

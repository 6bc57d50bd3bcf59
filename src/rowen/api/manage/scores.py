"""Scores: send them in, find them, sum them up, take them back."""

import math
from decimal import Decimal
from typing import Annotated, Any, Literal

from msgspec import Meta

from rowen.api.manage.base import Asked, Limited, NoParams, Page, Plain, Verb, Verbs, Whole
from rowen.score.configs import NAME
from rowen.store.base import ScoreBucket, ScoreFilter, ScoreGroup, ScoreName
from rowen.store.together import find_scores, scores_together
from rowen.values import (
    Mistaken,
    Refused,
    Score,
    ScoreSource,
    ScoreTarget,
    Settings,
    Value,
)
from rowen.values.interval import mean_of_sums

_DAY = 86_400_000_000_000
_HOUR = 3_600_000_000_000
_BUCKETS = 2_000

ScoreText = Annotated[str, Meta(max_length=50_000)]
Reason = Annotated[str, Meta(max_length=10_000, pattern=r"^[^\u0000]*$")]
ScoreLabel = Annotated[str, Meta(max_length=100, pattern=f"^{NAME}$")]
Figure = Annotated[float, Meta(ge=-1e300, le=1e300)]


class NewScore(Settings, frozen=True, kw_only=True):
    """One judgement. Sent again under the same `id` it takes the place of the earlier one.

    A score of a user without an `id` has one made of who judges what, so that a second thumb replaces the first.
    """

    name: ScoreLabel
    value: Figure | bool | ScoreText
    """A number, true or false, a label, or a text."""
    type: Literal["", "number", "boolean", "category", "text", "correction"] = ""
    """What kind of value it is, where neither its config nor the value itself tells: a text is taken for a label."""
    id: Annotated[str, Meta(max_length=100, pattern="^[A-Za-z0-9_-]*$")] = ""
    target: ScoreTarget = "trace"
    trace: Annotated[str, Meta(max_length=100, pattern="^[A-Za-z0-9_-]*$")] = ""
    span: Annotated[str, Meta(max_length=100, pattern="^[A-Za-z0-9_-]*$")] = ""
    session: Plain = ""
    case: Plain = ""
    app: Plain = ""
    """The app, for what is about no trace that is known here; a trace knows its own."""
    reason: Reason = ""
    confidence: Annotated[float, Meta(ge=0, le=1)] | None = None
    source: Literal["user", "model", "rule", "person"] = "user"
    """Who judged. `person` is for those who are signed in, and for keys that manage; who only reads gives no other."""
    by: Plain = ""
    version: Plain = ""
    evidence: Annotated[str, Meta(max_length=100, pattern="^[A-Za-z0-9_-]*$")] = ""
    cost: Annotated[str, Meta(pattern=r"^([0-9]{1,12}([.][0-9]{1,12})?)?$")] = ""
    """US dollars that the judgement cost."""
    metadata: dict[str, Any] = {}


class ScoreParams(Settings, frozen=True, kw_only=True):
    """Which scores. What is empty or 0 does not filter."""

    tenant: Plain = ""
    app: Plain = ""
    name: Plain = ""
    target: Literal["", "trace", "span", "session", "case"] = ""
    source: Literal["", "rule", "model", "person", "user", "guard"] = ""
    by: Plain = ""
    version: Plain = ""
    trace: Plain = ""
    span: Plain = ""
    session: Plain = ""
    case: Plain = ""
    environment: Plain = ""
    release: Plain = ""
    below: Figure | None = None
    above: Figure | None = None
    since_ns: Whole = 0
    until_ns: Whole = 0
    before: Plain = ""
    limit: Limited = 100


class ScoreStatParams(Settings, frozen=True, kw_only=True):
    """Which scores to sum up, over which stretches: the last day by the hour unless said otherwise."""

    name: ScoreLabel
    tenant: Plain = ""
    app: Plain = ""
    by: ScoreGroup = ""
    since_ns: Whole = 0
    until_ns: Whole = 0
    every_ns: Annotated[int, Meta(ge=1_000_000_000, le=366 * _DAY)] = _HOUR


class NameParams(Settings, frozen=True, kw_only=True):
    """Whose names."""

    tenant: Plain = ""
    app: Plain = ""


class ScoreStat(Value, frozen=True, kw_only=True):
    """The scores of one stretch of time for one value of the grouping."""

    start_ns: int
    group: str = ""
    count: int = 0
    numbers: int = 0
    """How many have a number."""
    mean: float | None = None
    low: float | None = None
    """The lower bound of the mean, at 95 % (Student's t); none for fewer than two numbers."""
    high: float | None = None
    least: float | None = None
    most: float | None = None
    labels: dict[str, int] = {}


async def send_scores(asked: Asked[NoParams, Any]) -> list[Score]:
    """The scores as they are kept."""
    body: NewScore | list[NewScore] = asked.body
    given = body if isinstance(body, list) else [body]
    return await asked.manage.intake.take([_score(asked, one) for one in given], apps=asked.entry.apps)


async def list_scores(asked: Asked[ScoreParams, None]) -> Page[Score]:
    """The scores of the caller's tenant, of all for an admin."""
    params = asked.params
    apps = asked.apps(params.app)
    if params.tenant and not asked.actor.sees(params.tenant):
        return Page(items=())
    wanted = ScoreFilter(
        tenant=asked.tenant(params.tenant),
        name=params.name,
        target=params.target,
        source=params.source,
        by=params.by,
        version=params.version,
        traces=(params.trace,) if params.trace else (),
        span=params.span,
        session=params.session,
        case=params.case,
        environment=params.environment,
        release=params.release,
        below=params.below,
        above=params.above,
        since_ns=params.since_ns,
        until_ns=params.until_ns,
        before=params.before,
        limit=params.limit + 1,
    )
    found = await find_scores(asked.manage.scores, wanted, apps)
    items = found[: params.limit]
    return Page(items=items, next=items[-1].id if len(found) > params.limit else "")


async def get_score(asked: Asked[NoParams, None]) -> Score:
    """One score."""
    found = await asked.manage.scores.get(asked.path["id"], asked.tenant(""))
    if found is None or not asked.entry.sees(found.app):
        raise Mistaken("not_found", "there is no such score", place="id")
    return found


async def delete_score(asked: Asked[NoParams, None]) -> Score:
    """The score that is no more."""
    found = await get_score(asked)
    await asked.manage.register.recorder.note(asked.actor, "score.delete", tenant=found.tenant, target=found.id)
    await asked.manage.intake.remove(found.id, found.tenant)
    return found


async def score_stats(asked: Asked[ScoreStatParams, None]) -> Page[ScoreStat]:
    """Sums over stretches of time, oldest first."""
    params = asked.params
    apps = asked.apps(params.app)
    until = params.until_ns or asked.manage.clock.now_ns()
    since = params.since_ns or max(0, until - _DAY)
    if (until - since) // params.every_ns > _BUCKETS:
        raise Mistaken("field_invalid", f"that is more than {_BUCKETS} stretches of time", place="every_ns")
    if since >= until or (params.tenant and not asked.actor.sees(params.tenant)):
        return Page(items=())
    found = [
        bucket
        for app in apps
        for bucket in await asked.manage.scores.buckets(
            tenant=asked.tenant(params.tenant),
            name=params.name,
            since_ns=since,
            until_ns=until,
            every_ns=params.every_ns,
            by=params.by,
            app=app,
        )
    ]
    return Page(items=[_stat(bucket) for bucket in scores_together(found)])


async def score_names(asked: Asked[NameParams, None]) -> Page[ScoreName]:
    """The names under which there are scores."""
    params = asked.params
    apps = asked.apps(params.app)
    if params.tenant and not asked.actor.sees(params.tenant):
        return Page(items=())
    found = [each for app in apps for each in await asked.manage.scores.names(asked.tenant(params.tenant), app)]
    return Page(items=sorted(found, key=lambda each: (each.name, each.app, each.type, each.source)))


def _score(asked: Asked[NoParams, Any], new: NewScore) -> Score:
    return Score(
        id=new.id,
        tenant=asked.actor.tenant,
        app=new.app,
        target=new.target,
        trace=new.trace,
        span=new.span,
        session=new.session,
        case=new.case,
        name=new.name,
        type=new.type or ("boolean" if isinstance(new.value, bool) else "number"),
        value=new.value,
        reason=new.reason,
        confidence=new.confidence,
        source=_source(asked, new.source),
        by=new.by or (asked.entry.person if new.source == "person" else ""),
        version=new.version,
        evidence=new.evidence,
        cost=Decimal(new.cost) if new.cost else None,
        metadata=new.metadata,
    )


def _source(asked: Asked[NoParams, Any], source: ScoreSource) -> ScoreSource:
    """Return who judges: a program with a key that calls, or a person who is signed in."""
    scopes, signed_in = asked.entry.scopes, asked.visit is not None
    if source == "person" and not signed_in and "manage" not in scopes:
        raise Refused("key_scope", "a person's score needs a sign-in, or a key that manages", place="source")
    if source != "person" and scopes.isdisjoint(("call", "manage")):
        raise Refused("key_scope", "who only reads gives scores as a person: `source` is `person`", place="source")
    return source


def _stat(bucket: ScoreBucket) -> ScoreStat:
    found = mean_of_sums(bucket.numbers, bucket.total, bucket.squares)
    return ScoreStat(
        start_ns=bucket.start_ns,
        group=bucket.group,
        count=bucket.count,
        numbers=bucket.numbers,
        mean=_finite(found.value),
        low=_finite(found.low),
        high=_finite(found.high),
        least=bucket.least,
        most=bucket.most,
        labels=bucket.labels,
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


VERBS: Verbs = (
    Verb(
        method="GET",
        path="/api/scores",
        name="list_scores",
        summary="Scores that fit a filter, newest first.",
        scope="read",
        run=list_scores,
        gives=Score,
        many=True,
        params=ScoreParams,
        errors=("not_found",),
    ),
    Verb(
        method="POST",
        path="/api/scores",
        name="send_scores",
        summary="Send one score, or a list of them: all are kept or none.",
        scope="call",
        also=("manage", "read"),
        run=send_scores,
        gives=list[Score],
        params=NoParams,
        body=NewScore | Annotated[list[NewScore], Meta(min_length=1, max_length=1000)],
        status=201,
    ),
    Verb(
        method="GET",
        path="/api/scores/stats",
        name="score_stats",
        summary="How many scores of a name there were over time, their mean with its interval, and their labels.",
        scope="read",
        run=score_stats,
        gives=ScoreStat,
        many=True,
        params=ScoreStatParams,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/scores/names",
        name="score_names",
        summary="The names under which there are scores, with how many.",
        scope="read",
        run=score_names,
        gives=ScoreName,
        many=True,
        params=NameParams,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/scores/{id}",
        name="get_score",
        summary="One score.",
        scope="read",
        run=get_score,
        gives=Score,
        params=NoParams,
        errors=("not_found",),
    ),
    Verb(
        method="DELETE",
        path="/api/scores/{id}",
        name="delete_score",
        summary="Take a score back, also out of the sums.",
        scope="manage",
        run=delete_score,
        gives=Score,
        params=NoParams,
        errors=("not_found",),
    ),
)

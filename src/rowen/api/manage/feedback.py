"""Feedback: tokens for browsers, what users say summed up, and what they do with answers."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from rowen.api.manage.base import Asked, NoParams, Page, Plain, Verb, Verbs, Whole
from rowen.api.manage.scores import ScoreLabel
from rowen.score.configs import ASKED
from rowen.score.segments import Segments, segmented
from rowen.score.survey import Interaction, Survey, Surveys, Window
from rowen.score.tokens import Permit
from rowen.values import Mistaken, Refused, Score, Settings, Value

_DAY = 86_400_000_000_000
_WEEK = 7 * _DAY
_MONTH = 30 * 86_400


class WantedToken(Settings, frozen=True, kw_only=True):
    """For which answer a token shall be."""

    trace: Annotated[str, Meta(min_length=1, max_length=100, pattern="^[A-Za-z0-9_-]+$")]
    """The id in the answer's header `x-rowen-trace`."""
    user: Plain = ""
    """Who will use it, by whatever name your program knows them."""
    asked: bool = True
    """Whether the user is asked for feedback now; counted in the response rate."""
    expires_in: Annotated[int, Meta(ge=60, le=_MONTH)] = 86_400
    """Seconds until it lapses."""


class FeedbackToken(Value, frozen=True, kw_only=True):
    """A token, to be given to a browser. It judges one answer and reads nothing."""

    token: str
    expires_ns: int


class SurveyParams(Settings, frozen=True, kw_only=True):
    """Which name, about the calls of which time: the last seven days unless said otherwise."""

    name: ScoreLabel = "thumbs"
    tenant: Plain = ""
    app: Plain = ""
    since_ns: Whole = 0
    until_ns: Whole = 0


class SegmentParams(SurveyParams, frozen=True, kw_only=True):
    """The same, and what to cut by."""

    by: Literal[
        "model", "deployment", "provider", "feature", "app", "environment", "release", "definition", "key", "door"
    ] = "model"


class InteractionParams(Settings, frozen=True, kw_only=True):
    """Which calls: those of the last seven days unless said otherwise."""

    tenant: Plain = ""
    app: Plain = ""
    since_ns: Whole = 0
    until_ns: Whole = 0


async def mint(asked: Asked[NoParams, WantedToken]) -> FeedbackToken:
    """A token, and a note that the user was asked."""
    manage, body, actor = asked.manage, asked.body, asked.actor
    row = await manage.known(body.trace, actor.tenant)
    if row is not None and not asked.entry.sees(row.app):
        raise Refused("key_scope", f"the key may not judge the app {row.app!r}", place="trace")
    if body.asked:
        noted = Score(
            id="",
            tenant=actor.tenant,
            trace=body.trace,
            name=ASKED,
            type="boolean",
            value=True,
            source="rule",
            by="token",
        )
        await manage.intake.take([noted])
    expires = manage.tokens.expires_in(body.expires_in)
    permit = Permit(
        tenant=actor.tenant, trace=body.trace, user=body.user, apps=asked.entry.key.apps, expires_ns=expires
    )
    return FeedbackToken(token=manage.tokens.mint(permit), expires_ns=expires)


async def survey(asked: Asked[SurveyParams, None]) -> Survey:
    """What users say under one name."""
    surveys = Surveys(asked.manage.scores, asked.manage.traces)
    return await surveys.survey(asked.params.name, _window(asked, asked.params))


async def segments(asked: Asked[SegmentParams, None]) -> Segments:
    """What users say under one name, by segment."""
    manage, params = asked.manage, asked.params
    return await segmented(manage.scores, manage.traces, params.name, params.by, _window(asked, params))


async def interactions(asked: Asked[InteractionParams, None]) -> Page[Interaction]:
    """How often users did each thing."""
    surveys = Surveys(asked.manage.scores, asked.manage.traces)
    return Page(items=await surveys.interactions(_window(asked, asked.params)))


def _window(asked: Asked[Any, None], params: SurveyParams | InteractionParams) -> Window:
    """Return what to look at.

    Raises:
        Mistaken: `not_found` for a tenant that the caller does not see.

    """
    if params.tenant and not asked.actor.sees(params.tenant):
        raise Mistaken("not_found", f"there is no tenant {params.tenant!r}", place="tenant")
    until = params.until_ns or asked.manage.clock.now_ns()
    since = params.since_ns or max(0, until - _WEEK)
    return Window(
        tenant=asked.tenant(params.tenant), app=asked.app(params.app), since_ns=min(since, until), until_ns=until
    )


VERBS: Verbs = (
    Verb(
        method="POST",
        path="/api/feedback-tokens",
        name="mint_feedback_token",
        summary="Make a token with which a browser may say what its user thinks of one answer, and nothing else.",
        scope="call",
        also=("manage",),
        run=mint,
        gives=FeedbackToken,
        params=NoParams,
        body=WantedToken,
        status=201,
    ),
    Verb(
        method="GET",
        path="/api/feedback",
        name="get_survey",
        summary="What users say under a name: CSAT, NPS, thumbs or a mean, with interval, response rate and warnings.",
        scope="read",
        run=survey,
        gives=Survey,
        params=SurveyParams,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/feedback/segments",
        name="get_survey_segments",
        summary="The same by model, feature, release or the like: who answered, and the figure weighted by response.",
        scope="read",
        run=segments,
        gives=Segments,
        params=SegmentParams,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/feedback/interactions",
        name="get_interactions",
        summary="How often users copied, accepted, edited, regenerated, shared or abandoned an answer.",
        scope="read",
        run=interactions,
        gives=Interaction,
        many=True,
        params=InteractionParams,
        errors=("not_found",),
    ),
)

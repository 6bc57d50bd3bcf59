"""What users say of an answer and what they do with it, as scores."""

from collections.abc import Awaitable, Callable
from typing import Literal

from rowen.score.configs import ASKED, BUILT_IN, INTERACTION, Configs
from rowen.score.distance import kept_ratio, normalised_distance
from rowen.score.intake import Intake, derived_id
from rowen.values import Mistaken, Refused, Score, ScoreType, Value
from rowen.values.words import words

AnswerOf = Callable[[str, str], Awaitable[str | None]]
"""Gives the text that was answered, by trace id and tenant; None when it is not known whole."""

_LONGEST_EDIT = 20_000
"""Characters of a text that is compared with the answer; a text twice as long takes four times as long."""

Event = Literal["copy", "accept", "edit", "regenerate", "share", "abandon", "asked"]


class Said(Value, frozen=True, kw_only=True):
    """One message of a user: what they think of an answer, what they did with it, or both."""

    trace: str = ""
    span: str = ""
    session: str = ""
    """With a trace it is only noted; without one the feedback is about the whole session."""
    user: str = ""
    name: str = ""
    value: float | bool | str | None = None
    reason: str = ""
    comment: str = ""
    correction: str = ""
    """What should have been the answer."""
    event: Event | Literal[""] = ""
    text: str = ""
    """With the event `edit`: what the user made of the answer."""


class Desk:
    """Where feedback comes in.

    Args:
        intake: takes the scores.
        configs: says which names there are.
        answer_of: gives what was answered, to compare an edited text with.

    """

    def __init__(self, intake: Intake, configs: Configs, answer_of: AnswerOf) -> None:
        self._intake = intake
        self._configs = configs
        self._answer_of = answer_of

    async def take(
        self, said: Said, tenant: str, *, apps: frozenset[str] = frozenset(), known_only: bool = False
    ) -> list[Score]:
        """Keep what a user said; return the scores that it became.

        Args:
            said: what came.
            tenant: whose user it is.
            apps: the apps that the sender may judge; empty for all.
            known_only: take only names that have a config, as from a browser that anybody may sit before.

        Raises:
            Mistaken: `field_invalid`.
            Refused: `key_scope`.

        """
        scores = await self._scores(said, tenant)
        for score in scores if known_only else ():
            if await self._configs.get(score.name, tenant) is None:
                raise Refused("key_scope", f"a feedback token gives no score {score.name[:60]!r}", place="name")
        return await self._intake.take(scores, apps=apps)

    async def take_back(self, said: Said, tenant: str, *, apps: frozenset[str] = frozenset()) -> int:
        """Remove what a user said under a name, or an event; return how many scores that were.

        Raises:
            Mistaken: `field_invalid`.

        """
        name = f"{INTERACTION}{said.event}" if said.event else said.name or "thumbs"
        id = derived_id(_about(said, tenant, name, True))
        return int(await self._intake.remove(id, tenant, apps=apps))

    async def _scores(self, said: Said, tenant: str) -> list[Score]:
        scores: list[Score] = []
        if said.value is not None:
            name = said.name or "thumbs"
            scores.append(_about(said, tenant, name, _plain(name, said.value)).but(reason=said.reason))
        elif said.name or said.reason:
            raise Mistaken("field_invalid", "`value` is missing", place="value")
        for name, text in (("comment", said.comment), ("correction", said.correction)):
            if text:
                scores.append(_about(said, tenant, name, text))
        if said.event:
            scores += await self._done(said, tenant)
        elif said.text:
            raise Mistaken("field_invalid", "`text` belongs to the event `edit`", place="text")
        if not scores:
            raise Mistaken("field_invalid", "say a `value`, `comment`, `correction` or `event`", place="body")
        return scores

    async def _done(self, said: Said, tenant: str) -> list[Score]:
        """Return the scores of an event; an edit with its text also says how much of the answer was kept."""
        if said.event == "asked":
            return [_about(said, tenant, ASKED, True)]
        scores = [_about(said, tenant, f"{INTERACTION}{said.event}", True)]
        if not said.text:
            return scores
        if said.event != "edit":
            raise Mistaken("field_invalid", "`text` belongs to the event `edit`", place="text")
        if not said.correction:
            scores.append(_about(said, tenant, "correction", said.text))
        answer = await self._answer_of(said.trace, tenant) if said.trace else None
        if answer is not None and max(len(answer), len(said.text)) <= _LONGEST_EDIT:
            kept, distance = kept_ratio(answer, said.text), normalised_distance(words(answer), words(said.text))
            scores.append(_about(said, tenant, f"{INTERACTION}kept", kept))
            scores.append(_about(said, tenant, f"{INTERACTION}distance", distance))
        return scores


def _about(said: Said, tenant: str, name: str, value: float | bool | str) -> Score:
    config = BUILT_IN.get(name)
    kind: ScoreType = config.type if config else "boolean" if isinstance(value, bool) else "number"
    return Score(
        id="",
        tenant=tenant,
        target="span" if said.span else "trace" if said.trace or not said.session else "session",
        trace=said.trace,
        span=said.span,
        session=said.session,
        name=name,
        type=kind,
        value=value,
        source="user",
        by=said.user,
    )


def _plain(name: str, value: float | bool | str) -> float | bool | str:
    """Return a thumb said in words as a thumb."""
    return {"up": True, "down": False}.get(value, value) if name == "thumbs" and isinstance(value, str) else value

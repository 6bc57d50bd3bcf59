"""What scores of a name may be: the names that everybody has, and those that a tenant adds."""

import math
import re

from rowen.store.base import Record, Records
from rowen.store.shelf import Shelf
from rowen.values import Clock, Mistaken, Score, ScoreConfig, ScoreType

EVENTS = {
    "copy": "The user copied the answer.",
    "accept": "The user took the answer over as it was.",
    "edit": "The user changed the answer before using it.",
    "regenerate": "The user asked for another answer to the same question.",
    "share": "The user passed the answer on.",
    "abandon": "The user left before the answer was whole, or said that they gave up.",
}
"""What a user does with an answer, which says more than what they say of it."""

INTERACTION = "interaction."

ASKED = "feedback.asked"
"""Under this name it is noted which answers a user was asked about."""

BUILT_IN: dict[str, ScoreConfig] = {
    config.name: config
    for config in (
        ScoreConfig(name="thumbs", type="boolean", about="Up (true) or down (false)."),
        ScoreConfig(name="stars", scale="stars", least=1, most=5, about="One to five stars."),
        ScoreConfig(
            name="csat",
            scale="csat",
            least=1,
            most=5,
            about="How satisfied, 1 to 5. Satisfied are 4 and 5; the CSAT is their share.",
        ),
        ScoreConfig(
            name="nps",
            scale="nps",
            least=0,
            most=10,
            about="How likely to recommend, 0 to 10. Promoters say 9 or 10, detractors 0 to 6; the NPS is the share of the "
            "former less that of the latter, from -100 to 100.",
        ),
        ScoreConfig(name="comment", type="text", about="What somebody wants to say."),
        ScoreConfig(name="correction", type="correction", about="The text that should have been the answer."),
        ScoreConfig(name=ASKED, type="boolean", about="The user was asked what they think of the answer."),
        *(
            ScoreConfig(name=f"{INTERACTION}{event}", type="boolean", about=about, higher_is_better=good)
            for (event, about), good in zip(EVENTS.items(), (True, True, False, False, True, False), strict=True)
        ),
        ScoreConfig(
            name=f"{INTERACTION}kept",
            scale="share",
            least=0,
            most=1,
            about="Which share of the answer's words stands in the text that the user made of it.",
        ),
        ScoreConfig(
            name=f"{INTERACTION}distance",
            scale="share",
            least=0,
            most=1,
            higher_is_better=False,
            about="Words to insert, remove or replace to come from the answer to the user's text, by the longer one's length.",
        ),
    )
}
"""The names that everybody has. A tenant cannot change what they mean."""

_WHOLE = {"stars", "csat", "nps"}
"""Scales of whole numbers."""
_LONGEST_LABEL = 200
NAME = r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,99}"
_NAME = re.compile(NAME)


class Configs:
    """The score configs of all tenants: the built-in ones first, then the tenant's own."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._shelf = Shelf(records, "score_config", ScoreConfig, _described)
        self._clock = clock

    async def get(self, name: str, tenant: str) -> ScoreConfig | None:
        """Return the config of a name for a tenant; None when scores of that name may be anything."""
        built_in = BUILT_IN.get(name)
        return built_in.but(tenant=tenant) if built_in else await self._shelf.get(name, tenant)

    async def all(self, tenant: str | None) -> list[ScoreConfig]:
        """Return every config that a tenant has (None: that any has), by name."""
        own = await self._shelf.find(tenant=tenant)
        return [*BUILT_IN.values(), *sorted(own, key=lambda config: (config.name, config.tenant))]

    async def put(self, config: ScoreConfig) -> ScoreConfig:
        """Keep a config in place of an earlier one of its name; scores that are there stay as they are.

        Raises:
            Mistaken: `conflict` for a built-in name, `field_invalid` for a config that no score could fit.

        """
        if config.name in BUILT_IN:
            raise Mistaken("conflict", f"the score {config.name!r} means the same for everybody", place="name")
        check_config(config)
        known = await self._shelf.get(config.name, config.tenant)
        kept = config.but(created_ns=known.created_ns if known else self._clock.now_ns())
        await self._shelf.put(kept)
        return kept

    async def delete(self, name: str, tenant: str | None) -> bool:
        """Remove a tenant's own config; return whether it was there. Its scores stay."""
        return await self._shelf.delete(name, tenant)


def check_config(config: ScoreConfig) -> None:
    """Raise unless scores could fit a config.

    Raises:
        Mistaken: `field_invalid` with the place.

    """
    check_name(config.name)
    bounds = [bound for bound in (config.least, config.most) if bound is not None]
    if config.type != "number" and bounds:
        raise Mistaken("field_invalid", f"only numbers have bounds, not a {config.type}", place="least")
    if not all(map(math.isfinite, bounds)) or bounds != sorted(bounds):
        raise Mistaken("field_invalid", "`least` must not be above `most`", place="least")
    if (config.type == "category") != bool(config.categories):
        raise Mistaken("field_invalid", "a category names its labels, and nothing else has any", place="categories")


def check_name(name: str) -> None:
    """Raise `Mistaken("field_invalid")` unless a score can have a name."""
    if not _NAME.fullmatch(name):
        raise Mistaken(
            "field_invalid",
            "a score's name is 1 to 100 letters, digits and `_ . : -`, beginning with a letter, digit or `_`",
            place="name",
        )


def fitted(score: Score, config: ScoreConfig | None) -> Score:
    """Return a score with its type, value and number as its config wants them.

    Without a config a boolean, a number, a category (any label), a text and a correction are taken as they come.

    Raises:
        Mistaken: `field_invalid` naming what is allowed.

    """
    kind = config.type if config else _kind(score)
    name, value = config.name if config else "", score.value
    if config and config.archived:
        raise Mistaken("field_invalid", f"the score {score.name!r} is not given any more", place="name")
    if kind == "boolean":
        if not isinstance(value, bool) and value not in {0, 1}:
            raise _wrong(score, "true or false")
        return score.but(type=kind, value=bool(value), number=float(bool(value)), config=name)
    if kind == "number":
        if isinstance(value, (bool, str)) or not math.isfinite(value):
            raise _wrong(score, _numbers(config))
        number = float(value)
        if config and not _within(number, config):
            raise _wrong(score, _numbers(config))
        return score.but(type=kind, value=number, number=number, config=name)
    if not isinstance(value, str) or not value.strip():
        raise _wrong(score, "a text")
    if kind == "category" and len(value) > _LONGEST_LABEL:
        raise _wrong(score, f"a label of at most {_LONGEST_LABEL} characters")
    if kind == "category" and config:
        if value not in config.categories:
            raise _wrong(score, "one of " + ", ".join(map(repr, config.categories)))
        return score.but(type=kind, number=config.categories[value], config=name)
    # Without a config a judge's label keeps the number that the judge gives it.
    return score.but(type=kind, number=score.number if kind == "category" else None, config=name)


def _kind(score: Score) -> ScoreType:
    if score.type in {"text", "correction"}:
        return score.type
    if isinstance(score.value, bool):
        return "boolean"
    if isinstance(score.value, str):
        return "category"
    return "boolean" if score.type == "boolean" else "number"


def _within(number: float, config: ScoreConfig) -> bool:
    return (
        (config.least is None or number >= config.least)
        and (config.most is None or number <= config.most)
        and (config.scale not in _WHOLE or number.is_integer())
    )


def _numbers(config: ScoreConfig | None) -> str:
    if config is None:
        return "a finite number"
    kind = "a whole number" if config.scale in _WHOLE else "a number"
    if config.least is not None and config.most is not None:
        return f"{kind} from {config.least:g} to {config.most:g}"
    if config.least is not None:
        return f"{kind} of at least {config.least:g}"
    return kind if config.most is None else f"{kind} of at most {config.most:g}"


def _wrong(score: Score, allowed: str) -> Mistaken:
    given = repr(score.value)
    shown = given if len(given) <= 60 else given[:57] + "…"
    return Mistaken("field_invalid", f"the score {score.name!r} must be {allowed}, not {shown}", place="value")


def _described(config: ScoreConfig) -> Record:
    return Record(kind="", id=config.name, tenant=config.tenant, at_ns=config.created_ns)

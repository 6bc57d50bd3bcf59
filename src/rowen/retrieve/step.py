"""Knowledge's place in the chain: finds what the app knows about a question, and says so when it knows nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from rowen.retrieve.base import RetrieveSettings
from rowen.retrieve.cite import facts_of
from rowen.retrieve.conflict import conflicts
from rowen.retrieve.pack import Packed, Why, packed
from rowen.values import Answer, Call, Choice, CountText, Found, Looked, Message, Passage, Search, Text

_REASONS: tuple[Why, ...] = ("repeated", "crowded", "unfit", "cut")
_TOLD = 20
"""Passages that were left out and are told of."""
_RECENT = 4
"""Turns of the user that may still say what the question is about."""


def ground(
    settings: Mapping[str, RetrieveSettings], searches: Mapping[str, Search], *, count: CountText
) -> Callable[[Call], Awaitable[Call]]:
    """Return the step that puts passages to a chat request, or answers that the app does not know.

    Args:
        settings: by the name of what the app knows.
        searches: what finds it, by the same names.
        count: tokens of a text.

    """
    names = tuple(settings)
    budget = sum(table.budget for table in settings.values())

    async def step(call: Call) -> Call:
        request = call.request
        if request.kind != "chat" or call.door.bare:
            return call  # judges, rerankers and contexts bring along what they need; a search must not ask for a search
        asked = [message.text for message in request.messages if message.role == "user" and message.text.strip()]
        if not asked:
            return call
        reader = call.reader
        found = await asyncio.gather(
            *(
                searches[name](
                    asked[-1],
                    reader=reader,
                    top=settings[name].top,
                    recent=tuple(asked[-1 - _RECENT : -1]),
                    within=call.id,
                )
                for name in names
            )
        )
        looked = tuple(
            Looked(name=name, top=settings[name].top, found=one) for name, one in zip(names, found, strict=True)
        )
        pairs = [(settings[name], one) for name, one in zip(names, found, strict=True)]
        sure = [(table, one) for table, one in pairs if _is_sure(table, one)]
        if not sure:
            table = settings[names[0]]
            return _unknown(call, table.unknown, looked)
        first = settings[names[0]]
        pack = packed(
            interleaved([one for _, one in sure]),
            asked[-1],
            budget=budget,
            count=count,
            per_source=first.per_source,
            order=first.order,
        )
        facts = _facts(pack)
        facts |= _believed(sure, facts)
        noted = call.but(request=request.but(passages=pack.passages), looked=looked)
        return noted.noting("retrieve", **facts)

    return step


def cited() -> Callable[[Call], Awaitable[Call]]:
    """Return the after-step that notes how well the answer is cited."""

    async def step(call: Call) -> Call:
        facts = facts_of(call) if call.request.passages else {}
        return call.noting("retrieve.cited", **facts) if facts else call

    return step


def interleaved(found: Sequence[Found]) -> list[Passage]:
    """Return the passages of several searches by turns: scores of different indexes do not compare, ranks do."""
    ranked = [
        (place, number, passage) for number, one in enumerate(found) for place, passage in enumerate(one.passages)
    ]
    return [passage for _, _, passage in sorted(ranked, key=lambda each: each[:2])]


def _is_sure(table: RetrieveSettings, found: Found) -> bool:
    return table.answer_above is None or (bool(found.passages) and found.confidence >= table.answer_above)


def _believed(found: Sequence[tuple[RetrieveSettings, Found]], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return how likely what was found answers, as the surest search says, and what is to be said of the answer."""
    chances = [(_chance(table, one), table) for table, one in found if one.passages]
    more: dict[str, Any] = {}
    warnings = list(facts.get("warnings", ()))
    if any("left_out" in stage.facts for _, one in found for stage in one.stages):
        more["warnings"] = warnings = [*warnings, "partial"]
    if chances:
        chance, table = max(chances, key=lambda each: each[0])
        more["chance" if table.chance else "confidence"] = round(chance, 3)
        if table.unsure_below is not None and chance < table.unsure_below:
            more["warnings"] = warnings = [*warnings, "unsure"]
    said = [next((table.notices[each] for table, _ in found if each in table.notices), "") for each in warnings]
    if notice := " ".join(filter(None, said)):
        more["notice"] = notice
    return more


def _chance(table: RetrieveSettings, found: Found) -> float:
    return table.chance.of(found.confidence) if table.chance else found.confidence


def _unknown(call: Call, sentence: str, looked: tuple[Looked, ...]) -> Call:
    message = Message(role="assistant", parts=(Text(text=sentence),))
    answer = Answer(
        id=f"unknown-{call.id}",
        model=call.request.model,
        choices=tuple(Choice(message=message, reason="stop") for _ in range(call.request.n)),
        extra={"rowen_warnings": ["unknown"]},
    )
    return call.but(answer=answer, source="script", looked=looked).noting("retrieve", warnings=["unknown"])


def _facts(pack: Packed) -> dict[str, Any]:
    facts: dict[str, Any] = {"passages": len(pack.passages), "tokens": pack.tokens}
    facts |= {why: number for why in _REASONS if (number := pack.count(why))}
    if pack.left:
        facts["left_out"] = [f"{each.passage.place} {each.why}" for each in pack.left[:_TOLD]]
    warnings = []
    if not pack.passages:
        warnings.append("nothing_found")
    if any(passage.stale for passage in pack.passages):
        warnings.append("stale")
    if differing := conflicts(pack.passages):
        warnings.append("conflict")
        facts["conflicts"] = [[each.one, each.other] for each in differing]
    if any("injection" in passage.flags for passage in pack.passages):
        warnings.append("instructions_in_source")
    if warnings:
        facts["warnings"] = warnings
    return facts

"""Tries: a question put to an app's models side by side, with a draft of a prompt, through the chain that all calls go through."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal, Protocol

from msgspec import Meta

from rowen.flow.app import App, Apps
from rowen.values import (
    Call,
    Caller,
    Door,
    Message,
    Mistaken,
    Problem,
    Prompted,
    Refused,
    Request,
    Settings,
    Value,
    new_id,
    says,
)
from rowen.values.errand import PLAY, Errand

MOST = 6
"""Models that are asked at once."""

_Text = Annotated[str, Meta(max_length=200_000, pattern=r"^[^\u0000]*$")]
_Name = Annotated[str, Meta(max_length=200, pattern=r"^[^\u0000-\u001f\u007f]*$")]


class Turn(Settings, frozen=True, kw_only=True):
    """Something that was said before the question."""

    role: Literal["system", "user", "assistant"]
    text: _Text


class Try(Settings, frozen=True, kw_only=True):
    """What is put to an app."""

    app: _Name = ""
    """Empty: the first that is served."""
    models: Annotated[tuple[_Name, ...], Meta(max_length=MOST)] = ()
    """Of the app, at most 6; none: the one that answers its callers."""
    question: _Text = ""
    prompt: _Name = ""
    """One of the app's prompts by name; empty: its own."""
    draft: _Text | None = None
    """A text in place of the prompt's."""
    variables: dict[_Name, Any] = {}
    earlier: Annotated[tuple[Turn, ...], Meta(max_length=100)] = ()
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None


class Tried(Value, frozen=True, kw_only=True, omit_defaults=False):
    """How one model answered, or why it did not."""

    model: str
    answer: str = ""
    trace: str = ""
    """Empty where the call was not even begun."""
    definition: str = ""
    """The Definition that answered: a candidate where there is a draft."""
    took_ms: float = 0.0
    first_ms: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cost: str | None = None
    """US dollars; None where a price is not known."""
    code: str = ""
    message: str = ""


class Playing(Protocol):
    """Puts tries to the apps that are served."""

    async def __call__(self, asked: Try, *, caller: Caller, models: Collection[str]) -> list[Tried]:
        """Return how each model answers. Raises as `tried`, and `Mistaken("app_unknown")`."""
        ...


def playing(apps: Apps) -> Playing:
    """Return what puts tries to apps."""

    async def play(asked: Try, *, caller: Caller, models: Collection[str]) -> list[Tried]:
        return await tried(apps.named(asked.app), asked, caller=caller, models=models)

    return play


async def tried(
    app: App, asked: Try, *, caller: Caller, models: Collection[str] = (), errand: Errand = PLAY
) -> list[Tried]:
    """Return how each model answers, all asked at once.

    The calls are on the account of who tries: his limits hold, and what he may not read is not found.

    Args:
        app: the app that is asked.
        asked: what it is asked.
        caller: who tries.
        models: those that he may ask; none: all.
        errand: by what its traces and costs are known.

    Raises:
        Mistaken: for what no model could be asked: `prompt_unknown`, `config_invalid`, `field_invalid`.
        Refused: `key_scope` for a model that he may not ask.

    """
    messages = tuple(says(each.role, each.text) for each in asked.earlier)
    if asked.question:
        messages = (*messages, says("user", asked.question))
    app = replace(app, split=None)  # a try is in no rollout
    if asked.draft is not None:
        app = app.drafted(asked.prompt or "system", asked.draft)
    prompted = Prompted(name=asked.prompt, variables=asked.variables) if asked.prompt or asked.variables else None
    if not messages and prompted is None:
        raise Mistaken("field_invalid", "ask something", place="question")
    wanted = asked.models or (app.default_model,)
    for each in wanted:
        if models and each not in models:
            raise Refused("key_scope", f"the key may not use the model {each!r}", place="models")
    request = Request(
        model="",
        messages=messages,
        prompt=prompted,
        temperature=asked.temperature,
        max_tokens=asked.max_tokens,
    )
    return list(
        await asyncio.gather(*(_one(app, request.but(model=each), caller, errand) for each in dict.fromkeys(wanted)))
    )


async def _one(app: App, request: Request, caller: Caller, errand: Errand) -> Tried:
    now_ns = app.clock.now_ns()
    walk = app.walk(
        Call(
            id=new_id(now_ns),
            app=app.name,
            definition=app.definition.hash,
            request=request,
            door=Door(shape="internal"),
            started_ns=now_ns,
            caller=caller,
            priority=caller.priority,
            feature=errand.feature,
            use_cache=False,
            tags=(errand.tag,),
        )
    )
    failed: Problem | None = None
    try:
        await walk.answer()
    except Problem as problem:
        failed = problem
    call = walk.call
    usage = [each.usage for each in call.attempts]
    return Tried(
        model=request.model,
        answer=call.answer.text if call.answer else "",
        trace=call.id,
        definition=call.definition,
        took_ms=round((call.ended_ns - call.started_ns) / 1e6, 1),
        first_ms=round((call.first_ns - call.started_ns) / 1e6, 1) if call.first_ns else None,
        input_tokens=sum(each.input_tokens for each in usage),
        output_tokens=sum(each.output_tokens for each in usage),
        cost=str(call.cost.amount) if call.cost else None,
        code=failed.code if failed else "",
        message=failed.message if failed else "",
    )


def question_of(request: Request, *, filled: bool = False) -> tuple[str, tuple[Turn, ...]]:
    """Return what a request asked and what was said before, without what the app put to it.

    Args:
        request: as it was sent to a model.
        filled: whether a prompt of the app was the question, filled in before all that was said.

    """
    messages = list(request.said)
    if filled and (first := next((at for at, each in enumerate(messages) if each.role == "user"), None)) is not None:
        del messages[first]
    last = max((place for place, each in enumerate(messages) if each.role == "user"), default=None)
    if last is None:
        return "", ()
    turns = (Turn(role=_role(each), text=each.text) for each in messages[:last] if each.text and each.role != "tool")
    return messages[last].text, tuple(turns)


def _role(message: Message) -> Literal["system", "user", "assistant"]:
    match message.role:
        case "user" | "assistant":
            return message.role
        case _:
            return "system"


def variables_of(request: Request) -> Mapping[str, Any]:
    """Return the variables that a request brought."""
    return request.prompt.variables if request.prompt else {}

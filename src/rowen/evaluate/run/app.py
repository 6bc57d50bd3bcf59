"""Tries an app: every case walks through its real chain, is limited, traced and paid for as calls are."""

from typing import Any

import msgspec

from rowen.config import Loaded
from rowen.config.read import hash_of
from rowen.evaluate.run.aim import Aim, Reply, messages_of
from rowen.flow import App
from rowen.flow.tables import TABLES
from rowen.score.base import cost_text
from rowen.values import (
    Answer,
    Call,
    Caller,
    Case,
    Door,
    Index,
    Message,
    Priority,
    Problem,
    Request,
    Target,
    ToolCall,
    Value,
    dollars_of,
    new_id,
)
from rowen.values.errand import EVALUATE

_AFTER = frozenset({"canary", "catalogue", "evaluate", "metrics", "score", "watch", "release"})
"""Tables that no answer depends on: another threshold, and what was answered is still what would be."""


class Manner(Value, frozen=True, kw_only=True):
    """How an app is asked."""

    run: str
    tenant: str = "default"
    groups: tuple[str, ...] = ()
    """Whose documents it may read for the cases, beside those of everybody."""
    params: dict[str, Any] = {}
    """Fields of the request, such as `temperature`."""
    seed: int | None = None
    """Of the first trial; the next has the next one. None sets none."""
    use_cache: bool = False
    """Whether the app's own caches may answer."""
    priority: Priority = "normal"


def of_app(
    app: App,
    loaded: Loaded,
    manner: Manner,
    *,
    kind: str = "definition",
    name: str = "",
    indexes: tuple[Index, ...] = (),
) -> Aim:
    """Return an app as what a run tries.

    Args:
        app: as it is assembled.
        loaded: as it was read.
        manner: how it is asked.
        kind: `definition`, or `endpoint` for an app that is nothing but one.
        name: for people; default: its release.
        indexes: that it answers from, as they are now: with other documents it is another answer.

    """
    source = loaded.definition.source

    async def ask(case: Case, trial: int) -> Reply:
        walk = app.walk(_call(app, case, trial, manner))
        try:
            return _reply(await walk.answer())
        except Problem as problem:  # what was asked in vain is paid for, too
            problem.details["cost"] = cost_text(dollars_of(walk.call.cost))
            problem.details["trace"] = walk.call.id
            raise

    return Aim(
        target=msgspec.convert(
            {
                "kind": kind,
                "app": app.name,
                "definition": app.definition.hash,
                "name": name or loaded.tables["app"].release,
            },
            Target,
        ),
        content=hash_of(
            {table: source[table] for table in source if table in TABLES and table not in _AFTER},
            {
                **loaded.definition.files,
                "": repr((sorted(manner.params.items()), manner.groups)),
                **{f"\0{each.name}": f"{each.build} {each.snapshot}" for each in indexes},
            },
        ),
        ask=ask,
        indexes=indexes,
    )


def _call(app: App, case: Case, trial: int, manner: Manner) -> Call:
    now = app.clock.now_ns()
    request = Request(
        model=app.default_model,
        messages=messages_of(case),
        seed=None if manner.seed is None else manner.seed + trial,
    )
    return Call(
        id=new_id(now),
        app=app.name,
        definition=app.definition.hash,
        request=request.but(**manner.params) if manner.params else request,
        door=Door(shape="internal"),
        started_ns=now,
        caller=Caller(
            key="", shown=EVALUATE.shown, tenant=manner.tenant, priority=manner.priority, groups=manner.groups
        ),
        feature=EVALUATE.feature,
        priority=manner.priority,
        use_cache=manner.use_cache,
        tags=(EVALUATE.tag, f"run:{manner.run}"),
    )


def _reply(call: Call) -> Reply:
    answer = call.answer or Answer()
    return Reply(
        text=said(answer),
        contexts=tuple(passage.text for passage in call.request.passages),
        messages=call.request.messages,
        input_tokens=answer.usage.input_tokens,
        output_tokens=answer.usage.output_tokens,
        cost=dollars_of(call.cost),
        duration_ms=(call.ended_ns - call.started_ns) / 1e6,
        first_ms=(call.first_ns - call.started_ns) / 1e6 if call.first_ns else None,
        trace=call.id,
    )


def said(answer: Answer) -> str:
    """Return an answer as a text: what was said, then the tool calls as a line of JSON each."""
    message = answer.choices[0].message if answer.choices else Message(role="assistant")
    calls = [
        msgspec.json.encode({"tool": part.name, "arguments": part.arguments}).decode()
        for part in message.parts
        if isinstance(part, ToolCall)
    ]
    return "\n".join(filter(None, [message.text, *calls]))

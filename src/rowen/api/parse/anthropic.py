"""Anthropic's messages: body → `Request`."""

import base64
from collections.abc import Callable
from typing import Any

import msgspec

from rowen.api.parse.draft import Draft, Take, as_field, drafted
from rowen.api.parse.fields import (
    each,
    flag,
    invalid,
    missing,
    number,
    rest,
    string,
    strings,
    table,
    under,
    unsupported,
    whole,
    wrong,
)
from rowen.api.parse.prompt import prompt_of
from rowen.values import (
    File,
    Format,
    Image,
    Message,
    Mistaken,
    Part,
    Reasoning,
    Request,
    Text,
    Thought,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

_BLOCK = frozenset({"type", "text"})


def request_of(body: dict[str, Any], *, counting: bool = False) -> Request:
    """Return the request that a body asks for; `counting` for a body that only wants its tokens counted.

    Raises:
        Mistaken: `field_invalid` or `field_unsupported`, with the place.

    """
    for name in ("model", "messages") if counting else ("model", "max_tokens", "messages"):
        if body.get(name) is None:
            raise missing(name)
    draft = drafted(body, _FIELDS, "anthropic")
    fields = draft.fields
    if not fields["messages"]:
        raise invalid("messages", "messages must not be empty")
    system = fields.pop("system", None)
    if system:
        fields["messages"] = (Message(role="system", parts=system), *fields["messages"])
    return Request(extra=draft.extra, **fields)


def _messages(value: object, name: str) -> tuple[Message, ...]:
    return tuple(message for turn in each(value, name, _turn) for message in turn)


def _turn(item: object) -> tuple[Message, ...]:
    """One turn of Anthropic's, which may be several messages of ours: results of tools stand apart."""
    found = table(item, "")
    role, content = found.get("role"), found.get("content")
    if role not in {"user", "assistant", "system"}:
        raise missing("role") if role is None else invalid("role", "role must be user or assistant")
    if content is None:
        raise missing("content")
    extra = rest(found, frozenset({"role", "content"}))
    if type(content) is str:
        return (Message(role=role, parts=(Text(text=content),), extra=extra),)
    if type(content) is not list:
        raise wrong("content", "a string or an array", content)
    parts = each(content, "content", _block)
    if role != "user" or not any(isinstance(part, ToolResult) for part in parts):
        return (Message(role=role, parts=tuple(parts), extra=extra),)
    turn: list[Message] = []
    run: list[Part] = []
    for part in parts:
        if isinstance(part, ToolResult):
            if run:
                turn.append(Message(role="user", parts=tuple(run), extra=extra))
                run = []
            turn.append(Message(role="tool", parts=(part,)))
        else:
            run.append(part)
    if run:
        turn.append(Message(role="user", parts=tuple(run), extra=extra))
    return tuple(turn)


def _block(item: object) -> Part:
    found = table(item, "")
    kind = found.get("type")
    make = _BLOCKS.get(kind) if type(kind) is str else None
    if make is None:
        if kind is None:
            raise missing("type")
        raise unsupported("type", f"content blocks of type {kind!r} are not supported")
    return make(found)


def _text(found: dict[str, Any]) -> Part:
    return Text(text=string(found.get("text"), "text"), extra=rest(found, _BLOCK))


def _image(found: dict[str, Any]) -> Part:
    source = table(found.get("source"), "source")
    extra = rest(found, frozenset({"type", "source"}))
    match source.get("type"):
        case "base64":
            return Image(
                data=string(source.get("data"), "source.data"),
                media_type=string(source.get("media_type"), "source.media_type"),
                extra=extra,
            )
        case "url":
            return Image(url=string(source.get("url"), "source.url"), extra=extra)
        case kind:
            raise unsupported("source.type", f"images by {kind!r} are not supported; send base64 or url")


def _document(found: dict[str, Any]) -> Part:
    source = table(found.get("source"), "source")
    title = found.get("title")
    name = "" if title is None else string(title, "title")
    extra = rest(found, frozenset({"type", "source", "title"}))
    match source.get("type"):
        case "base64":
            return File(
                data=string(source.get("data"), "source.data"),
                media_type=string(source.get("media_type"), "source.media_type"),
                name=name,
                extra=extra,
            )
        case "text":
            plain = string(source.get("data"), "source.data")
            return File(data=base64.b64encode(plain.encode()).decode(), media_type="text/plain", name=name, extra=extra)
        case "url":
            return File(url=string(source.get("url"), "source.url"), name=name, extra=extra)
        case "file":
            return File(id=string(source.get("file_id"), "source.file_id"), name=name, extra=extra)
        case kind:
            raise unsupported("source.type", f"documents by {kind!r} are not supported")


def _thinking(found: dict[str, Any]) -> Part:
    return Thought(
        text=string(found.get("thinking"), "thinking"),
        signature=string(found.get("signature"), "signature"),
    )


def _redacted(found: dict[str, Any]) -> Part:
    return Thought(hidden=string(found.get("data"), "data"))


def _use(found: dict[str, Any]) -> Part:
    return ToolCall(
        id=string(found.get("id"), "id"),
        name=string(found.get("name"), "name"),
        arguments=msgspec.json.encode(table(found.get("input"), "input")).decode(),
        extra=rest(found, frozenset({"type", "id", "name", "input"})),
    )


def _result(found: dict[str, Any]) -> Part:
    content, failed = found.get("content"), found.get("is_error")
    parts: tuple[Text | Image | File, ...] = ()
    if type(content) is str:
        parts = (Text(text=content),)
    elif content is not None:
        parts = tuple(each(content, "content", _given))
    return ToolResult(
        id=string(found.get("tool_use_id"), "tool_use_id"),
        parts=parts,
        failed=False if failed is None else flag(failed, "is_error"),
        extra=rest(found, frozenset({"type", "tool_use_id", "content", "is_error"})),
    )


def _given(item: object) -> Text | Image | File:
    part = _block(item)
    if isinstance(part, Text | Image | File):
        return part
    raise unsupported("type", "a tool's result is made of text, images and documents")


_BLOCKS: dict[str, Callable[[dict[str, Any]], Part]] = {
    "text": _text,
    "image": _image,
    "document": _document,
    "thinking": _thinking,
    "redacted_thinking": _redacted,
    "tool_use": _use,
    "tool_result": _result,
}


def _tool(item: object) -> Tool:
    found = table(item, "")
    name = string(found.get("name"), "name")
    if found.get("type") not in {None, "custom"}:
        return Tool(name=name, hosted=found)
    about, strict = found.get("description"), found.get("strict")
    return Tool(
        name=name,
        about="" if about is None else string(about, "description"),
        schema=table(found.get("input_schema"), "input_schema"),
        strict=None if strict is None else flag(strict, "strict"),
        extra=rest(found, frozenset({"type", "name", "description", "input_schema", "strict"})),
    )


# The fields of the body. Each takes its value into the fields of the Request, or into `extra`.


def _most(value: object, name: str) -> int:
    return whole(value, name, least=1)


def _top_k(value: object, name: str) -> int:
    return whole(value, name, least=0)


def _tools(value: object, name: str) -> tuple[Tool, ...]:
    return tuple(each(value, name, _tool))


def _system(value: object, name: str) -> tuple[Part, ...]:
    if type(value) is str:
        return (Text(text=value),) if value else ()
    if type(value) is not list:
        raise wrong(name, "a string or an array", value)
    parts = each(value, name, _block)
    for index, part in enumerate(parts):
        if not isinstance(part, Text):
            raise unsupported(f"{name}[{index}]", "the system prompt is made of text")
    return tuple(parts)


def _choose(value: object, draft: Draft) -> None:
    found = table(value, "tool_choice")
    match found.get("type"):
        case "auto":
            draft.fields["tool_choice"] = ToolChoice(mode="auto")
        case "any":
            draft.fields["tool_choice"] = ToolChoice(mode="required")
        case "none":
            draft.fields["tool_choice"] = ToolChoice(mode="none")
        case "tool":
            draft.fields["tool_choice"] = ToolChoice(mode="named", name=string(found.get("name"), "tool_choice.name"))
        case _:
            raise invalid("tool_choice.type", "tool_choice.type must be auto, any, tool or none")
    alone = found.get("disable_parallel_tool_use")
    if alone is not None:
        draft.fields["parallel_tools"] = not flag(alone, "tool_choice.disable_parallel_tool_use")


def _think(value: object, draft: Draft) -> None:
    found = table(value, "thinking")
    kind = found.get("type")
    if kind == "disabled":
        draft.fields["reasoning"] = Reasoning(effort="none")
        return
    if kind not in {"enabled", "adaptive", "between_tools"}:
        raise invalid("thinking.type", "thinking.type must be enabled, adaptive, between_tools or disabled")
    given = draft.fields.get("reasoning") or Reasoning()
    budget = found.get("budget_tokens")
    if kind == "enabled" and budget is None:
        raise missing("thinking.budget_tokens")
    draft.fields["reasoning"] = given.but(
        budget_tokens=None if budget is None else whole(budget, "thinking.budget_tokens", least=1),
        extra={"type": kind, **rest(found, frozenset({"type", "budget_tokens"}))},
    )


def _output(value: object, draft: Draft) -> None:
    found = table(value, "output_config")
    effort = found.get("effort")
    if effort is not None:
        given = draft.fields.get("reasoning") or Reasoning()
        draft.fields["reasoning"] = given.but(effort=string(effort, "output_config.effort"))
    if found.get("format") is not None:
        try:
            draft.fields["format"] = _form(table(found["format"], ""))
        except Mistaken as problem:
            raise under(problem, "output_config.format") from None
    more = rest(found, frozenset({"effort", "format"}))
    if more:
        draft.extra["output_config"] = more


def _formed(value: object, name: str) -> Format:
    return _form(table(value, name))


def _form(found: dict[str, Any]) -> Format:
    if found.get("type") != "json_schema":
        raise invalid("type", "type must be json_schema")
    return Format(kind="schema", name="answer", schema=table(found.get("schema"), "schema"), strict=True)


def _metadata(value: object, draft: Draft) -> None:
    found = table(value, "metadata")
    user = found.get("user_id")
    if user is not None:
        draft.fields["user"] = string(user, "metadata.user_id")
    more = rest(found, frozenset({"user_id"}))
    if more:
        draft.extra["metadata"] = more


_FIELDS: dict[str, Take] = dict(
    (
        as_field("model", string),
        as_field("messages", _messages),
        as_field("system", _system),
        as_field("max_tokens", _most),
        as_field("tools", _tools),
        as_field("temperature", number),
        as_field("top_p", number),
        as_field("top_k", _top_k),
        as_field("stop_sequences", strings, "stop"),
        as_field("stream", flag),
        as_field("output_format", _formed, "format"),
        ("tool_choice", _choose),
        ("thinking", _think),
        ("output_config", _output),
        ("metadata", _metadata),
        as_field("prompt", prompt_of),
    )
)

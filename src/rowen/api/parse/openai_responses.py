"""OpenAI's responses: body → `Request`, and the items that stand for messages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rowen.api.parse.draft import Draft, Take, as_field, drafted, refused
from rowen.api.parse.fields import (
    array,
    each,
    flag,
    invalid,
    labels,
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
from rowen.api.parse.openai_chat import file_of, function_of, image_of, schema_format
from rowen.api.parse.prompt import prompt_of
from rowen.values import (
    Audio,
    Declined,
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
    says,
)

SIGNED = "rowen-signature:"
"""Begins an `encrypted_content` that is a signature of the item's own text, as Anthropic's models give it."""

_ROLES = frozenset({"system", "developer", "user", "assistant"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Respond:
    """A body as it was understood. The request has only what this body brought, not what went before."""

    request: Request
    instructions: str
    previous: str
    store: bool
    signed: bool
    """Whether encrypted reasoning is wanted in the answer."""
    body: dict[str, Any]

    def after(self, earlier: Sequence[Message]) -> Request:
        """Return the whole request: instructions, what was said before, and the input."""
        first = (says("system", self.instructions),) if self.instructions else ()
        return self.request.but(messages=(*first, *earlier, *self.request.messages))


def respond_of(body: dict[str, Any]) -> Respond:
    """Return what a body asks for.

    Raises:
        Mistaken: `field_invalid` or `field_unsupported`, with the place.

    """
    if body.get("model") is None:
        raise missing("model")
    draft = drafted(body, _FIELDS, "openai.responses")
    fields = draft.fields
    instructions = fields.pop("instructions", "")
    previous = fields.pop("previous_response_id", "")
    store = fields.pop("store", True)
    signed = fields.pop("signed", False)
    if not fields.get("messages") and not previous and "prompt" not in fields:
        raise missing("input") if body.get("input") is None else invalid("input", "input must not be empty")
    return Respond(
        request=Request(extra=draft.extra, **fields),
        instructions=instructions,
        previous=previous,
        store=store,
        signed=signed,
        body=body,
    )


def messages_of(value: object, name: str) -> tuple[Message, ...]:
    """Return the messages of an input. Items of one assistant turn, such as reasoning and calls, become one message."""
    if type(value) is str:
        return (says("user", value),)
    if type(value) is not list:
        raise wrong(name, "a string or an array", value)
    joined: list[Message] = []
    for message in each(value, name, item_of):
        if joined and message.role == "assistant" == joined[-1].role:
            last = joined[-1]
            joined[-1] = last.but(parts=last.parts + message.parts, extra={**last.extra, **message.extra})
        else:
            joined.append(message)
    return tuple(joined)


def item_of(item: object) -> Message:
    """Return the message that one item is, or is a part of."""
    found = table(item, "")
    kind = found.get("type", "message")
    make = _ITEMS.get(kind) if type(kind) is str else None
    if make is None:
        raise unsupported("type", f"input items of type {kind!r} are not supported")
    return make(found)


def _message(found: dict[str, Any]) -> Message:
    role, content = found.get("role"), found.get("content")
    if role is None:
        raise missing("role")
    if role not in _ROLES:
        raise invalid("role", "role must be system, developer, user or assistant")
    if content is None:
        raise missing("content")
    return Message(
        role=role,
        parts=_contents(content, "content"),
        extra=rest(found, frozenset({"type", "role", "content", "id", "status"})),
    )


def _contents(value: object, place: str) -> tuple[Part, ...]:
    if type(value) is str:
        return (Text(text=value),)
    if type(value) is not list:
        raise wrong(place, "a string or an array", value)
    return tuple(each(value, place, _part))


def _part(item: object) -> Part:
    found = table(item, "")
    kind = found.get("type")
    match kind:
        case "input_text" | "output_text" | "text":
            extra = rest(found, frozenset({"type", "text", "annotations", "logprobs"}))
            if found.get("annotations"):
                extra["annotations"] = found["annotations"]
            return Text(text=string(found.get("text"), "text"), extra=extra)
        case "refusal":
            return Declined(text=string(found.get("refusal"), "refusal"))
        case "input_image":
            return _image(found)
        case "input_file":
            return file_of(found, extra=rest(found, _FILE))
        case "input_audio":
            inner = table(found.get("input_audio"), "input_audio")
            return Audio(
                data=string(inner.get("data"), "input_audio.data"),
                format=string(inner.get("format"), "input_audio.format"),
            )
        case None:
            raise missing("type")
        case _:
            raise unsupported("type", f"parts of type {kind!r} are not supported here")


_FILE = frozenset({"type", "file_id", "file_data", "file_url", "filename"})


def _image(found: dict[str, Any]) -> Image:
    if found.get("image_url") is None:
        if found.get("file_id") is not None:
            raise unsupported("file_id", "images by file_id are not supported; send image_url")
        raise missing("image_url")
    detail = found.get("detail")
    return image_of(
        string(found["image_url"], "image_url"),
        detail="" if detail is None else string(detail, "detail"),
        extra=rest(found, frozenset({"type", "image_url", "detail", "file_id"})),
    )


def _call(found: dict[str, Any]) -> Message:
    call = ToolCall(
        id=string(found.get("call_id"), "call_id"),
        name=string(found.get("name"), "name"),
        arguments=string(found.get("arguments"), "arguments"),
        extra=rest(found, frozenset({"type", "id", "call_id", "name", "arguments", "status"})),
    )
    return Message(role="assistant", parts=(call,))


def _custom(found: dict[str, Any]) -> Message:
    call = ToolCall(
        id=string(found.get("call_id"), "call_id"),
        name=string(found.get("name"), "name"),
        arguments=string(found.get("input"), "input"),
        extra={**rest(found, frozenset({"type", "id", "call_id", "name", "input", "status"})), "type": "custom"},
    )
    return Message(role="assistant", parts=(call,))


def _result(found: dict[str, Any]) -> Message:
    if found.get("output") is None:
        raise missing("output")
    parts = _contents(found["output"], "output")
    for index, part in enumerate(parts):
        if not isinstance(part, Text | Image | File):
            raise unsupported(f"output[{index}]", "a tool's result is made of text, images or files")
    result = ToolResult(
        id=string(found.get("call_id"), "call_id"),
        parts=parts,  # type: ignore[arg-type]  # checked above
        extra=rest(found, frozenset({"type", "id", "call_id", "output", "status"})),
    )
    return Message(role="tool", parts=(result,))


def _thought(found: dict[str, Any]) -> Message:
    texts = [
        string(table(item, f"{field}[{index}]").get("text"), f"{field}[{index}].text")
        for field in ("summary", "content")
        for index, item in enumerate(array(found.get(field) or [], field))
    ]
    given = found.get("encrypted_content")
    sealed = "" if given is None else string(given, "encrypted_content")
    signed = sealed.startswith(SIGNED)
    thought = Thought(
        text="".join(texts),
        signature=sealed[len(SIGNED) :] if signed else "",
        hidden="" if signed else sealed,
    )
    return Message(role="assistant", parts=(thought,))


_ITEMS: dict[str, Callable[[dict[str, Any]], Message]] = {
    "message": _message,
    "function_call": _call,
    "custom_tool_call": _custom,
    "function_call_output": _result,
    "custom_tool_call_output": _result,
    "reasoning": _thought,
}


def tool_of(item: object) -> Tool:
    """Return one tool declaration."""
    found = table(item, "")
    kind = string(found.get("type"), "type")
    if kind == "function":
        return function_of(found, extra={}).but(
            extra=rest(found, frozenset({"type", "name", "description", "parameters", "strict"}))
        )
    if kind == "custom":
        # Kept as the chat shape has it, which is what providers send.
        inner = {key: value for key, value in found.items() if key != "type" and value is not None}
        return Tool(name=string(found.get("name"), "name"), hosted={"type": "custom", "custom": inner})
    name = found.get("name")
    return Tool(name=name if type(name) is str else kind, hosted=found)


# The fields of the body. Each takes its value into the fields of the Request, or into `extra`.


def _most(value: object, name: str) -> int:
    return whole(value, name, least=1)


def _top(value: object, name: str) -> int:
    return whole(value, name, least=0, most=20)


def _tools(value: object, name: str) -> tuple[Tool, ...]:
    return tuple(each(value, name, tool_of))


def _reasoning(value: object, name: str) -> Reasoning | None:
    found = table(value, name)
    summary = found.get("summary")
    if summary is None:
        summary = found.get("generate_summary")
    effort = found.get("effort")
    extra = rest(found, frozenset({"effort", "summary", "generate_summary"}))
    if effort is None and summary is None and not extra:
        return None
    return Reasoning(
        effort="" if effort is None else string(effort, f"{name}.effort"),
        summary="" if summary is None else string(summary, f"{name}.summary"),
        extra=extra,
    )


def _text(value: object, draft: Draft) -> None:
    found = table(value, "text")
    if found.get("verbosity") is not None:
        draft.extra["verbosity"] = found["verbosity"]
    for name in rest(found, frozenset({"format", "verbosity"})):
        raise unsupported(f"text.{name}", f"text.{name} is not supported")
    if found.get("format") is None:
        return
    form = table(found["format"], "text.format")
    match form.get("type"):
        case "text":
            draft.fields["format"] = Format(kind="text")
        case "json_object":
            draft.fields["format"] = Format(kind="json")
        case "json_schema":
            try:
                draft.fields["format"] = schema_format(form)
            except Mistaken as problem:
                raise under(problem, "text.format") from None
        case _:
            raise invalid("text.format.type", "text.format.type must be text, json_object or json_schema")


def _choose(value: object, draft: Draft) -> None:
    if type(value) is str:
        if value not in {"auto", "none", "required"}:
            raise invalid("tool_choice", "tool_choice must be auto, none, required or a tool")
        draft.fields["tool_choice"] = ToolChoice(mode=value)  # type: ignore[arg-type]  # checked above
        return
    found = table(value, "tool_choice")
    kind = found.get("type")
    if kind in {"function", "custom"}:
        draft.fields["tool_choice"] = ToolChoice(mode="named", name=string(found.get("name"), "tool_choice.name"))
    elif kind == "allowed_tools":
        tools = [_allowed(table(tool, "tool_choice.tools")) for tool in array(found.get("tools"), "tool_choice.tools")]
        draft.extra["tool_choice"] = {
            "type": kind,
            "allowed_tools": {"mode": found.get("mode", "auto"), "tools": tools},
        }
    else:
        raise unsupported("tool_choice.type", f"tool_choice of type {kind!r} is not supported")


def _allowed(found: dict[str, Any]) -> dict[str, Any]:
    kind = string(found.get("type"), "tool_choice.tools.type")
    return {"type": kind, kind: {"name": found["name"]}} if found.get("name") else found


def _include(value: object, draft: Draft) -> None:
    for name in strings(value, "include"):
        match name:
            case "reasoning.encrypted_content":
                draft.fields["signed"] = True
            case "message.output_text.logprobs":
                draft.fields["logprobs"] = True
            case _:
                raise unsupported("include", f"{name} cannot be included")


def _likely(value: object, draft: Draft) -> None:
    draft.fields["top_logprobs"] = _top(value, "top_logprobs")
    if draft.fields["top_logprobs"]:
        draft.fields["logprobs"] = True


def _options(value: object, _: Draft) -> None:
    for name, item in table(value, "stream_options").items():
        if item is not None and item is not False:
            raise unsupported(f"stream_options.{name}", f"stream_options.{name} is not supported")


_FIELDS: dict[str, Take] = dict(
    (
        as_field("model", string),
        as_field("input", messages_of, "messages"),
        as_field("instructions", string),
        as_field("previous_response_id", string),
        as_field("store", flag),
        as_field("tools", _tools),
        as_field("parallel_tool_calls", flag, "parallel_tools"),
        as_field("max_output_tokens", _most, "max_tokens"),
        as_field("temperature", number),
        as_field("top_p", number),
        as_field("reasoning", _reasoning),
        as_field("user", string),
        as_field("metadata", labels),
        as_field("prompt", prompt_of),
        as_field("stream", flag),
        ("text", _text),
        ("tool_choice", _choose),
        ("include", _include),
        ("top_logprobs", _likely),
        ("stream_options", _options),
        refused("background", "background responses are not supported", but=False),
        refused("truncation", "truncation is not supported; shorten the input", but="disabled"),
        refused("conversation", "conversations are not supported; use previous_response_id"),
        refused("context_management", "context_management is not supported"),
        refused("max_tool_calls", "max_tool_calls is not supported: tools run at the caller"),
        refused("background_options", "background responses are not supported"),
    )
)

"""OpenAI's chat completions: body → `Request`.

What no field of a Request holds stays in `extra` under its own name, for the model's policy to decide. What Rowen
itself cannot honour is refused here by name.
"""

from collections.abc import Callable
from typing import Any

from rowen.api.parse.draft import Draft, Named, Take, as_field, drafted, refused
from rowen.api.parse.fields import (
    data_url,
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
)

_ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})
_PLAIN = frozenset({"role", "content"})


def request_of(body: dict[str, Any]) -> Request:
    """Return the request that a body asks for.

    Raises:
        Mistaken: `field_invalid` or `field_unsupported`, with the place.

    """
    if body.get("model") is None:
        raise missing("model")
    if body.get("messages") is None:
        raise missing("messages")
    draft = drafted(body, _FIELDS, "openai.chat")
    fields = draft.fields
    if not fields["messages"]:
        raise invalid("messages", "messages must not be empty")
    if body.get("stream_options") is not None and not fields.get("stream"):
        raise invalid("stream_options", "stream_options needs stream to be true")
    return Request(extra=draft.extra, **fields)


def usage_asked(body: dict[str, Any]) -> bool:
    """Return whether a stream is to tell its usage at the end."""
    options = body.get("stream_options")
    return bool(options and options.get("include_usage"))


def message_of(item: object) -> Message:
    """Return one message."""
    found = table(item, "")
    role = found.get("role")
    content = found.get("content")
    if len(found) == 2 and type(content) is str and (role == "user" or role == "system"):  # noqa: PLR1714  # twice as quick as a set
        return Message(role=role, parts=(Text(text=content),))
    if type(role) is not str:
        raise missing("role") if role is None else wrong("role", "a string", role)
    if role == "function":
        raise unsupported("role", "the role `function` is of the past; use `tool` and `tool_call_id`")
    if role not in _ROLES:
        raise invalid("role", "role must be system, developer, user, assistant or tool")
    if role == "tool":
        return _result(found)
    if role == "assistant":
        return _assistant(found)
    if content is None:
        raise missing("content")
    return Message(
        role=role,  # type: ignore[arg-type]  # checked above
        parts=contents(content, "content"),
        name=_name(found),
        extra=rest(found, _PLAIN | {"name"}),
    )


def contents(value: object, place: str) -> tuple[Part, ...]:
    """Return the parts of a content, which is a string or an array of parts."""
    if type(value) is str:
        return (Text(text=value),)
    if type(value) is not list:
        raise wrong(place, "a string or an array", value)
    return tuple(each(value, place, part_of))


def part_of(item: object) -> Part:
    """Return one part of a content."""
    found = table(item, "")
    kind = found.get("type")
    make = _PARTS.get(kind) if type(kind) is str else None
    if make is None:
        if kind is None:
            raise missing("type")
        raise unsupported("type", f"parts of type {kind!r} are not supported here")
    return make(found)


def tool_of(item: object) -> Tool:
    """Return one tool declaration."""
    found = table(item, "")
    kind = string(found.get("type"), "type")
    if kind != "function":
        # Declared by the vendor's own rules (`custom`, `web_search`, …): kept whole.
        inner = found.get(kind)
        name = inner.get("name") if type(inner) is dict else None
        return Tool(name=name if type(name) is str else kind, hosted=found)
    if found.get("function") is None:
        raise missing("function")
    try:
        return function_of(table(found["function"], ""), extra=rest(found, frozenset({"type", "function"})))
    except Mistaken as problem:
        raise under(problem, "function") from None


def function_of(found: dict[str, Any], *, extra: dict[str, Any]) -> Tool:
    """Return the tool of a function's fields."""
    if found.get("name") is None:
        raise missing("name")
    about, schema, strict = found.get("description"), found.get("parameters"), found.get("strict")
    return Tool(
        name=string(found["name"], "name"),
        about="" if about is None else string(about, "description"),
        schema={} if schema is None else table(schema, "parameters"),
        strict=None if strict is None else flag(strict, "strict"),
        extra={**rest(found, frozenset({"name", "description", "parameters", "strict"})), **extra},
    )


def schema_format(found: dict[str, Any]) -> Format:
    """Return the form that a JSON schema describes."""
    if found.get("name") is None:
        raise missing("name")
    schema, strict, about = found.get("schema"), found.get("strict"), found.get("description")
    return Format(
        kind="schema",
        name=string(found["name"], "name"),
        schema={} if schema is None else table(schema, "schema"),
        strict=None if strict is None else flag(strict, "strict"),
        about="" if about is None else string(about, "description"),
    )


def _name(found: dict[str, Any]) -> str:
    name = found.get("name")
    return "" if name is None else string(name, "name")


_ASSISTANT = frozenset(
    {
        "role",
        "content",
        "name",
        "refusal",
        "tool_calls",
        "audio",
        "reasoning_content",
        "reasoning_details",
        "function_call",
        "annotations",
    }
)


def _assistant(found: dict[str, Any]) -> Message:
    if found.get("function_call") is not None:
        raise unsupported("function_call", "function_call is of the past; use tool_calls")
    parts: list[Part] = _thoughts(found)
    if found.get("content") is not None:
        parts.extend(contents(found["content"], "content"))
    if found.get("refusal") is not None:
        parts.append(Declined(text=string(found["refusal"], "refusal")))
    if found.get("tool_calls") is not None:
        parts.extend(each(found["tool_calls"], "tool_calls", _call))
    if found.get("audio") is not None:
        audio = table(found["audio"], "audio")
        parts.append(Audio(id=string(audio.get("id"), "audio.id"), extra=rest(audio, frozenset({"id"}))))
    if not parts:
        raise missing("content")
    extra = rest(found, _ASSISTANT)
    if found.get("annotations"):
        extra["annotations"] = found["annotations"]
    return Message(role="assistant", parts=tuple(parts), name=_name(found), extra=extra)


def _thoughts(found: dict[str, Any]) -> list[Part]:
    """Reasoning that came with an earlier answer, signed in `reasoning_details` or plain in `reasoning_content`."""
    if found.get("reasoning_details") is not None:
        return list(each(found["reasoning_details"], "reasoning_details", _thought))
    if found.get("reasoning_content"):
        return [Thought(text=string(found["reasoning_content"], "reasoning_content"))]
    return []


def _thought(item: object) -> Part:
    found = table(item, "")
    text, signature, hidden = found.get("text"), found.get("signature"), found.get("data")
    return Thought(
        text="" if text is None else string(text, "text"),
        signature="" if signature is None else string(signature, "signature"),
        hidden="" if hidden is None else string(hidden, "data"),
    )


def _call(item: object) -> Part:
    found = table(item, "")
    known = string(found.get("id"), "id")
    kind = found.get("type", "function")
    extra = rest(found, frozenset({"id", "type", "index", "function", "custom"}))
    if kind == "function":
        inner = table(found.get("function"), "function")
        text = inner.get("arguments")
        return ToolCall(
            id=known,
            name=string(inner.get("name"), "function.name"),
            arguments="" if text is None else string(text, "function.arguments"),
            extra=extra,
        )
    if kind == "custom":
        inner = table(found.get("custom"), "custom")
        return ToolCall(
            id=known,
            name=string(inner.get("name"), "custom.name"),
            arguments=string(inner.get("input"), "custom.input"),
            extra={**extra, "type": "custom"},
        )
    raise unsupported("type", f"tool calls of type {kind!r} are not supported")


_RESULT = frozenset({"role", "content", "tool_call_id", "name"})


def _result(found: dict[str, Any]) -> Message:
    if found.get("content") is None:
        raise missing("content")
    parts = contents(found["content"], "content")
    for index, part in enumerate(parts):
        if not isinstance(part, Text | Image | File):
            raise unsupported(f"content[{index}]", "a tool's result is made of text, images or files")
    if found.get("tool_call_id") is None:
        raise missing("tool_call_id")
    return Message(
        role="tool",
        parts=(
            ToolResult(
                id=string(found["tool_call_id"], "tool_call_id"),
                parts=parts,  # type: ignore[arg-type]  # checked above
                name=_name(found),
            ),
        ),
        extra=rest(found, _RESULT),
    )


def _text(found: dict[str, Any]) -> Part:
    return Text(text=string(found.get("text"), "text"), extra=rest(found, frozenset({"type", "text"})))


def _refusal(found: dict[str, Any]) -> Part:
    return Declined(text=string(found.get("refusal"), "refusal"))


def _image(found: dict[str, Any]) -> Part:
    given = found.get("image_url")
    inner = {"url": given} if type(given) is str else table(given, "image_url")
    detail = inner.get("detail")
    return image_of(
        string(inner.get("url"), "image_url.url"),
        detail="" if detail is None else string(detail, "image_url.detail"),
        extra=rest(found, frozenset({"type", "image_url"})),
    )


def image_of(url: str, *, detail: str, extra: dict[str, Any]) -> Image:
    """Return the image at an address; the data of a `data:` address is taken out of it."""
    inline = data_url(url)
    if inline is None:
        return Image(url=url, detail=detail, extra=extra)
    return Image(media_type=inline[0], data=inline[1], detail=detail, extra=extra)


def _audio(found: dict[str, Any]) -> Part:
    inner = table(found.get("input_audio"), "input_audio")
    return Audio(
        data=string(inner.get("data"), "input_audio.data"),
        format=string(inner.get("format"), "input_audio.format"),
        extra=rest(found, frozenset({"type", "input_audio"})),
    )


def _file(found: dict[str, Any]) -> Part:
    try:
        return file_of(table(found.get("file"), ""), extra=rest(found, frozenset({"type", "file"})))
    except Mistaken as problem:
        raise under(problem, "file") from None


def file_of(inner: dict[str, Any], *, extra: dict[str, Any]) -> File:
    """Return the file that `file_id`, `file_data` or `file_url` names."""
    known, data, url, name = inner.get("file_id"), inner.get("file_data"), inner.get("file_url"), inner.get("filename")
    if known is None and data is None and url is None:
        raise missing("file_id")
    text = "" if data is None else string(data, "file_data")
    inline = data_url(text)
    return File(
        id="" if known is None else string(known, "file_id"),
        url="" if url is None else string(url, "file_url"),
        data=inline[1] if inline else text,
        media_type=inline[0] if inline else "",
        name="" if name is None else string(name, "filename"),
        extra=extra,
    )


_PARTS: dict[str, Callable[[dict[str, Any]], Part]] = {
    "text": _text,
    "image_url": _image,
    "input_audio": _audio,
    "file": _file,
    "refusal": _refusal,
}


# The fields of the body. Each takes its value into the fields of the Request, or into `extra`.


def _messages(value: object, name: str) -> tuple[Message, ...]:
    return tuple(each(value, name, message_of))


def _tools(value: object, name: str) -> tuple[Tool, ...]:
    return tuple(each(value, name, tool_of))


def _stop(value: object, name: str) -> tuple[str, ...]:
    return (value,) if type(value) is str else strings(value, name)


def _count(value: object, name: str) -> int:
    return whole(value, name, least=1)


def _most(name: str) -> Named:
    def take(value: object, draft: Draft) -> None:
        found = whole(value, name, least=1)
        if draft.fields.setdefault("max_tokens", found) != found:
            raise invalid(name, "max_tokens and max_completion_tokens say two different things; send one")

    return name, take


def _top(value: object, name: str) -> int:
    return whole(value, name, least=0, most=20)


def _effort(value: object, name: str) -> Reasoning:
    return Reasoning(effort=string(value, name))


def _format(value: object, name: str) -> Format:
    found = table(value, name)
    match found.get("type"):
        case "text":
            return Format(kind="text")
        case "json_object":
            return Format(kind="json")
        case "json_schema":
            try:
                return schema_format(table(found.get("json_schema"), ""))
            except Mistaken as problem:
                raise under(problem, f"{name}.json_schema") from None
        case _:
            raise invalid(f"{name}.type", f"{name}.type must be text, json_object or json_schema")


def _choose(value: object, draft: Draft) -> None:
    if type(value) is str:
        if value not in {"auto", "none", "required"}:
            raise invalid("tool_choice", "tool_choice must be auto, none, required or a tool")
        draft.fields["tool_choice"] = ToolChoice(mode=value)  # type: ignore[arg-type]  # checked above
        return
    found = table(value, "tool_choice")
    kind = found.get("type")
    if kind == "allowed_tools":
        draft.extra["tool_choice"] = found
    elif kind in {"function", "custom"}:
        inner = table(found.get(kind), f"tool_choice.{kind}")
        draft.fields["tool_choice"] = ToolChoice(
            mode="named", name=string(inner.get("name"), f"tool_choice.{kind}.name")
        )
    else:
        raise invalid("tool_choice.type", "tool_choice.type must be function, custom or allowed_tools")


def _store(value: object, draft: Draft) -> None:
    # Not storing is what happens anyway; storing is the vendor's to do.
    if flag(value, "store"):
        draft.extra["store"] = True


def _options(value: object, _: Draft) -> None:
    found = table(value, "stream_options")
    for name, item in found.items():
        if name == "include_usage":
            if item is not None:
                flag(item, "stream_options.include_usage")
        elif item is not None and item is not False:
            raise unsupported(f"stream_options.{name}", f"stream_options.{name} is not supported")


_FIELDS: dict[str, Take] = dict(
    (
        as_field("model", string),
        as_field("messages", _messages),
        as_field("tools", _tools),
        as_field("parallel_tool_calls", flag, "parallel_tools"),
        as_field("response_format", _format, "format"),
        as_field("temperature", number),
        as_field("top_p", number),
        as_field("seed", whole),
        as_field("stop", _stop),
        as_field("frequency_penalty", number),
        as_field("presence_penalty", number),
        as_field("n", _count),
        as_field("logprobs", flag),
        as_field("top_logprobs", _top),
        as_field("reasoning_effort", _effort, "reasoning"),
        as_field("modalities", strings),
        as_field("user", string),
        as_field("metadata", labels),
        as_field("prompt", prompt_of),
        as_field("stream", flag),
        _most("max_tokens"),
        _most("max_completion_tokens"),
        ("tool_choice", _choose),
        ("store", _store),
        ("stream_options", _options),
        refused("functions", "functions is of the past; use tools"),
        refused("function_call", "function_call is of the past; use tool_choice"),
    )
)

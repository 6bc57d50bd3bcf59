"""OpenAI's chat completions and embeddings: a request → its body.

https://platform.openai.com/docs/api-reference/chat/create
"""

from collections.abc import Iterator, Sequence
from typing import Any, assert_never

import msgspec

from rowen.provider.content import inlined, text_of
from rowen.provider.openai.profile import Service
from rowen.provider.openai.read import EmbeddingsReader, Reader
from rowen.values import (
    Audio,
    Declined,
    Deployment,
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

__all__ = ["EmbeddingsReader", "Reader", "encode"]

_ENCODER = msgspec.json.Encoder()
_AS_IT_IS = frozenset({"user", "system"})
_FAMILY = frozenset({"openai.chat", "openai.responses"})


def encode(
    request: Request, deployment: Deployment, service: Service, extra: dict[str, Any] | None = None
) -> tuple[bytes, tuple[str, ...]]:
    """Return the body of a request, streamed as it was asked for, and the names of hints that this wire has no place for.

    Args:
        request: what was asked.
        deployment: the model's name at the service is its `upstream`.
        service: how the service differs.
        extra: further fields, sent as they are.

    Raises:
        Mistaken: `field_unsupported` for content that the wire cannot carry.

    """
    if request.kind == "embeddings":
        return _ENCODER.encode(_embeddings(request, deployment, service) | (extra or {})), ()
    unsent: dict[str, None] = {}
    own = request.dialect in _FAMILY
    body: dict[str, Any] = {
        "model": deployment.upstream,
        "messages": _messages(request.messages, service, own, unsent),
        "stream": request.stream,
    }
    if service.usage_option and request.stream:
        body["stream_options"] = {"include_usage": True}
    if request.max_tokens is not None:
        body[service.max_tokens] = request.max_tokens
    for name in ("temperature", "top_p", "top_k", "frequency_penalty", "presence_penalty", "top_logprobs"):
        value = getattr(request, name)
        if value is not None:
            body[name] = value
    if request.seed is not None:
        body[service.seed] = request.seed
    if request.stop:
        body["stop"] = request.stop
    if request.n > 1:
        body["n"] = request.n
    if request.logprobs:
        body["logprobs"] = True
    if request.modalities:
        body["modalities"] = request.modalities
    if request.tools:
        body["tools"] = [_tool(tool, place, own) for place, tool in enumerate(request.tools)]
        if request.parallel_tools is not None:
            body["parallel_tool_calls"] = request.parallel_tools
    if request.tool_choice is not None:
        body["tool_choice"] = _choice(request.tool_choice, service)
    if request.format is not None:
        body["response_format"] = _format(request.format)
    if request.reasoning is not None:
        body |= _reasoning(request.reasoning, service)
    if request.user and service.sends_user:
        body["user"] = request.user
    if request.metadata and service.sends_metadata and own:
        body["metadata"] = request.metadata
    if extra:
        body |= extra
        if isinstance(asked := extra.get("stream_options"), dict) and request.stream and service.usage_option:
            body["stream_options"] = {**asked, "include_usage": True}
    return _ENCODER.encode(body), tuple(unsent)


def _embeddings(request: Request, deployment: Deployment, service: Service) -> dict[str, Any]:
    body: dict[str, Any] = {"model": deployment.upstream, "input": request.tokens or request.texts}
    if request.dimensions is not None:
        body["dimensions"] = request.dimensions
    if request.user and service.sends_user:
        body["user"] = request.user
    return body


def _messages(
    messages: Sequence[Message], service: Service, own: bool, unsent: dict[str, None]
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for message in messages:
        parts, role = message.parts, message.role
        if (
            role in _AS_IT_IS
            and len(parts) == 1
            and type(part := parts[0]) is Text
            and not (part.extra or message.extra or message.name)
        ):  # nearly all
            found.append({"role": role, "content": part.text})
        else:
            found.extend(_message(message, service, own, unsent))
    return found


def _message(message: Message, service: Service, own: bool, unsent: dict[str, None]) -> Iterator[dict[str, Any]]:
    more: dict[str, Any] = {"name": message.name} if message.name else {}
    if message.extra:
        if own:
            more |= message.extra
        else:
            unsent |= dict.fromkeys(message.extra)
    match message.role:
        case "system" | "developer" | "user":
            role = "system" if message.role == "developer" and not service.developer else message.role
            yield {"role": role, "content": _content(message.parts, own, unsent), **more}
        case "assistant":
            yield {"role": "assistant", **_answer(message.parts, service, own, unsent), **more}
        case "tool":
            unsent |= dict.fromkeys(more)
            yield from _results(message.parts, own, unsent)
        case _:
            assert_never(message.role)


def _content(parts: Sequence[Part], own: bool, unsent: dict[str, None]) -> str | list[dict[str, Any]]:
    if len(parts) == 1 and isinstance(part := parts[0], Text) and not part.extra:
        return part.text
    return [_part(part, own, unsent) for part in parts]


def _part(part: Part, own: bool, unsent: dict[str, None]) -> dict[str, Any]:
    found: dict[str, Any]
    match part:
        case Text():
            found = {"type": "text", "text": part.text}
        case Image():
            address = part.url or f"data:{part.media_type or 'image/png'};base64,{part.data}"
            inner = {"url": address, "detail": part.detail} if part.detail else {"url": address}
            found = {"type": "image_url", "image_url": inner}
        case Audio():
            found = {"type": "input_audio", "input_audio": {"data": part.data, "format": part.format}}
        case File():
            text = text_of(part)
            # The wire takes documents as PDF only; a plain text is as good as a text part.
            found = {"type": "file", "file": _file(part)} if text is None else {"type": "text", "text": text}
        case Thought() | ToolCall() | ToolResult() | Declined():
            message = f"A part of type {part.__struct_config__.tag!r} cannot stand in this message."
            raise Mistaken("field_invalid", message, place="messages")
        case _:
            assert_never(part)
    return _with(found, part.extra, own, unsent)


def _file(part: File) -> dict[str, Any]:
    if part.id:
        return {"file_id": part.id}
    media_type, data = inlined(part)
    if not data:
        message = "This provider takes files by content or id, not by address."
        raise Mistaken("field_unsupported", message, place="file parts")
    return {"file_data": f"data:{media_type or 'application/pdf'};base64,{data}", "filename": part.name or "document"}


def _with(found: dict[str, Any], extra: dict[str, Any], own: bool, unsent: dict[str, None]) -> dict[str, Any]:
    if not extra:
        return found
    if own:
        return found | extra
    unsent |= dict.fromkeys(extra)
    return found


def _answer(parts: Sequence[Part], service: Service, own: bool, unsent: dict[str, None]) -> dict[str, Any]:
    """An earlier answer of the model."""
    texts: list[Text] = []
    thoughts: list[str] = []
    calls: list[dict[str, Any]] = []
    found: dict[str, Any] = {}
    for part in parts:
        match part:
            case Text():
                texts.append(part)
            case Thought():
                if service.thoughts:
                    thoughts.append(part.text)
                else:
                    unsent["thinking"] = None
            case ToolCall():
                calls.append(_call(part, own, unsent))
            case Audio():
                found["audio"] = {"id": part.id}
            case Declined():
                found["refusal"] = part.text
            case Image() | File() | ToolResult():
                message = f"A part of type {part.__struct_config__.tag!r} cannot stand in an answer."
                raise Mistaken("field_unsupported", message, place="messages")
            case _:
                assert_never(part)
    found["content"] = _content(texts, own, unsent) if texts else None
    if any(thoughts):
        found[service.thoughts] = "".join(thoughts)
    if calls:
        found["tool_calls"] = calls
    return found


def _call(part: ToolCall, own: bool, unsent: dict[str, None]) -> dict[str, Any]:
    if part.extra.get("type") == "custom":
        return {"id": part.id, "type": "custom", "custom": {"name": part.name, "input": part.arguments}}
    found = {"id": part.id, "type": "function", "function": {"name": part.name, "arguments": part.arguments or "{}"}}
    return _with(found, part.extra, own, unsent)


def _results(parts: Sequence[Part], own: bool, unsent: dict[str, None]) -> Iterator[dict[str, Any]]:
    """One message a result, as the wire wants it; what is not text goes into a user message after them."""
    beside: list[Part] = []
    for part in parts:
        if not isinstance(part, ToolResult):
            beside.append(part)
            continue
        if part.failed:
            unsent["is_error"] = None
        beside.extend(inner for inner in part.parts if not isinstance(inner, Text))
        texts = [inner for inner in part.parts if isinstance(inner, Text)]
        content = _content(texts, own, unsent) if texts else ""
        yield _with({"role": "tool", "tool_call_id": part.id, "content": content}, part.extra, own, unsent)
    if beside:
        yield {"role": "user", "content": _content(beside, own, unsent)}


def _tool(tool: Tool, place: int, own: bool) -> dict[str, Any]:
    if tool.hosted:
        if not own:
            message = f"The tool {tool.name!r} is run by another vendor; this provider does not have it."
            raise Mistaken("field_unsupported", message, place=f"tools[{place}]")
        return tool.hosted
    function: dict[str, Any] = {"name": tool.name}
    if tool.about:
        function["description"] = tool.about
    if tool.schema:
        function["parameters"] = tool.schema
    if tool.strict is not None:
        function["strict"] = tool.strict
    found = {"type": "function", "function": function}
    return found | tool.extra if own else found


def _choice(choice: ToolChoice, service: Service) -> str | dict[str, Any]:
    match choice.mode:
        case "auto" | "none":
            return choice.mode
        case "required":
            return service.required
        case "named":
            if not service.named_choice:
                return service.required
            return {"type": "function", "function": {"name": choice.name}}
        case _:
            assert_never(choice.mode)


def _format(format: Format) -> dict[str, Any]:
    match format.kind:
        case "text":
            return {"type": "text"}
        case "json":
            return {"type": "json_object"}
        case "schema":
            inner: dict[str, Any] = {"name": format.name or "answer", "schema": format.schema}
            if format.strict is not None:
                inner["strict"] = format.strict
            if format.about:
                inner["description"] = format.about
            return {"type": "json_schema", "json_schema": inner}
        case _:
            assert_never(format.kind)


def _reasoning(reasoning: Reasoning, service: Service) -> dict[str, Any]:
    if service.reasoning == "object":
        found: dict[str, Any] = {"effort": reasoning.effort} if reasoning.effort else {}
        if reasoning.budget_tokens is not None:
            found = {"max_tokens": reasoning.budget_tokens}
        return {"reasoning": found or {"enabled": True}}
    effort = reasoning.effort or effort_of(reasoning.budget_tokens)
    return {"reasoning_effort": effort} if effort else {}


def effort_of(budget: int | None) -> str:
    """Return the effort word nearest to a budget of reasoning tokens; empty where there is none."""
    if budget is None:
        return ""
    return "low" if budget <= 4_096 else "medium" if budget <= 16_384 else "high"

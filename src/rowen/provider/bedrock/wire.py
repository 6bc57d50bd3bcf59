"""Bedrock's ConverseStream: a request → its body.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, assert_never

import msgspec

from rowen.provider.bedrock.profile import BUDGETS, SIGNATURE
from rowen.provider.content import arguments_of, inlined, text_of, turns
from rowen.values import (
    Audio,
    Declined,
    File,
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

_ENCODER = msgspec.json.Encoder()
_ODD_ID = re.compile(r"[^a-zA-Z0-9_.:-]")
_ODD_NAME = re.compile(r"[^\w\-()\[\] ]|_|\s(?=\s)")
_DOCUMENTS = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
}


def encode(request: Request, extra: dict[str, Any] | None = None) -> tuple[bytes, tuple[str, ...]]:
    """Return the body of a request, and the names of hints that this wire has no place for.

    Raises:
        Mistaken: `field_unsupported` for content that the wire cannot carry.

    """
    unsent: dict[str, None] = {}
    body: dict[str, Any] = {"messages": list(_messages(request.messages, unsent))}
    system = [
        {"text": part.text}
        for message in request.messages
        if message.role in {"system", "developer"}
        for part in message.parts
        if isinstance(part, Text) and part.text
    ]
    if system:
        body["system"] = system
    asked = {
        "maxTokens": request.max_tokens,
        "temperature": request.temperature,
        "topP": request.top_p,
        "stopSequences": request.stop or None,
    }
    if inference := {name: value for name, value in asked.items() if value is not None}:
        body["inferenceConfig"] = inference
    if tools := _tools(request):
        body["toolConfig"] = tools
    further: dict[str, Any] = {} if request.top_k is None else {"top_k": request.top_k}
    form = request.format
    output: dict[str, Any] = {}
    if form is not None and form.kind == "schema":
        schema: dict[str, Any] = {"schema": _ENCODER.encode(form.schema).decode(), "name": form.name or "answer"}
        if form.about:
            schema["description"] = form.about
        output["textFormat"] = {"type": "json_schema", "structure": {"jsonSchema": schema}}
    if request.reasoning is not None:
        thinking, effort = _thinking(request.reasoning)
        further |= thinking
        output |= effort
    if output:
        body["outputConfig"] = output
    if further:
        body["additionalModelRequestFields"] = further
    for name, value in (extra or {}).items():
        known = body.get(name)
        body[name] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value
    return _ENCODER.encode(body), tuple(unsent)


def _thinking(reasoning: Reasoning) -> tuple[dict[str, Any], dict[str, Any]]:
    """The further model fields and the output settings: a budget is Anthropic's, an effort word is Converse's own."""
    if reasoning.budget_tokens is not None:
        return {"thinking": {"type": "enabled", "budget_tokens": reasoning.budget_tokens}}, {}
    if reasoning.effort in {"", "none"}:
        return {}, {}
    effort = reasoning.effort if reasoning.effort in BUDGETS else "medium"
    return {}, {"effort": "low" if effort == "minimal" else effort}


def _messages(messages: Iterable[Message], unsent: dict[str, None]) -> Iterator[dict[str, Any]]:
    for role, gathered in turns(messages):
        parts = [part for message in gathered for part in message.parts]
        if role == "user":  # the results of a turn's calls must stand first
            parts.sort(key=lambda part: not isinstance(part, ToolResult))
        blocks = [block for part in parts if (block := _block(part, unsent)) is not None]
        if blocks:
            yield {"role": role, "content": blocks}


def _block(part: Part, unsent: dict[str, None]) -> dict[str, Any] | None:
    if not isinstance(part, Declined) and part.extra:
        unsent |= dict.fromkeys(part.extra)
    match part:
        case Text() | Declined():
            return {"text": part.text} if part.text.strip() else None  # blank text is refused
        case Image():
            media_type, data = inlined(part)
            if not data:
                message = "Bedrock takes images by their content, not by address."
                raise Mistaken("field_unsupported", message, place="image parts")
            format = (media_type or "image/png").removeprefix("image/")
            return {"image": {"format": "jpeg" if format == "jpg" else format, "source": {"bytes": data}}}
        case File():
            return {"document": _document(part)}
        case Audio():
            raise Mistaken("field_unsupported", "Converse takes no sound here.", place="audio parts")
        case Thought():
            if part.hidden.startswith(SIGNATURE):
                return {"reasoningContent": {"redactedContent": part.hidden.removeprefix(SIGNATURE)}}
            if part.signature.startswith(SIGNATURE):
                signed = {"text": part.text, "signature": part.signature.removeprefix(SIGNATURE)}
                return {"reasoningContent": {"reasoningText": signed}}
            unsent["thinking"] = None
            return None
        case ToolCall():
            arguments = arguments_of(part.arguments)
            return {"toolUse": {"toolUseId": _plain(part.id), "name": part.name, "input": arguments}}
        case ToolResult():
            content = [block for inner in part.parts if (block := _block(inner, unsent)) is not None]
            result: dict[str, Any] = {"toolUseId": _plain(part.id), "content": content or [{"text": "(nothing)"}]}
            if part.failed:
                result["status"] = "error"
            return {"toolResult": result}
        case _:
            assert_never(part)


def _document(part: File) -> dict[str, Any]:
    media_type, data = inlined(part)
    text = text_of(part)
    found: dict[str, Any] = {"name": _ODD_NAME.sub(" ", part.name).strip()[:200] or "document"}
    if text is not None:
        return {**found, "format": _DOCUMENTS.get(media_type, "txt"), "source": {"bytes": data}}
    if data:
        return {**found, "format": _DOCUMENTS.get(media_type, "pdf"), "source": {"bytes": data}}
    if part.url.startswith("s3://"):
        kind = _DOCUMENTS.get(part.media_type, "pdf")
        return {**found, "format": kind, "source": {"s3Location": {"uri": part.url}}}
    message = "Bedrock takes files by their content or from S3."
    raise Mistaken("field_unsupported", message, place="file parts")


def _plain(id: str) -> str:
    """A tool call's id in the letters that Bedrock takes, at most 64 of them."""
    return _ODD_ID.sub("_", id)[-64:]


def _tools(request: Request) -> dict[str, Any]:
    if not request.tools:
        return {}
    choice = request.tool_choice
    if choice is not None and choice.mode == "none":
        if not any(isinstance(part, ToolCall | ToolResult) for message in request.messages for part in message.parts):
            return {}
        message = "Bedrock cannot forbid tools in a conversation that has used them."
        raise Mistaken("field_unsupported", message, place="tool_choice")
    found: dict[str, Any] = {"tools": [_tool(tool, place) for place, tool in enumerate(request.tools)]}
    if choice is not None:
        found["toolChoice"] = _choice(choice)
    return found


def _tool(tool: Tool, place: int) -> dict[str, Any]:
    if tool.hosted:
        message = f"The tool {tool.name!r} is run by another vendor; Bedrock does not have it."
        raise Mistaken("field_unsupported", message, place=f"tools[{place}]")
    spec: dict[str, Any] = {
        "name": tool.name,
        "inputSchema": {"json": tool.schema or {"type": "object", "properties": {}}},
    }
    if tool.about:
        spec["description"] = tool.about
    if tool.strict is not None:
        spec["strict"] = tool.strict
    return {"toolSpec": spec}


def _choice(choice: ToolChoice) -> dict[str, Any]:
    match choice.mode:
        case "auto" | "none":
            return {"auto": {}}
        case "required":
            return {"any": {}}
        case "named":
            return {"tool": {"name": choice.name}}
        case _:
            assert_never(choice.mode)

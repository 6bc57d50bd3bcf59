"""Anthropic's messages: a request → its body.

https://platform.claude.com/docs/en/api/messages
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, assert_never

import msgspec

from rowen.provider.anthropic.profile import BUDGETS, Options
from rowen.provider.content import arguments_of, inlined, text_of, turns
from rowen.values import (
    Audio,
    Declined,
    Deployment,
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
    ToolResult,
)

ANSWER_TOOL = "rowen_answer"
"""The tool that a model has to call where an answer's form cannot be asked for otherwise."""

_ENCODER = msgspec.json.Encoder()
_DIALECT = "anthropic"
_ODD = re.compile(r"[^a-zA-Z0-9_-]")
_GOOGLES = "extra_content"  # Gemini's signature of a call, which comes back with it from any door
_FEWEST_THINKING = 1_024  # tokens; Anthropic refuses a smaller budget


def encode(
    request: Request, deployment: Deployment, options: Options, extra: dict[str, Any] | None = None
) -> tuple[bytes, tuple[str, ...]]:
    """Return the body of a request, streamed as it was asked for, and the names of hints that this wire has no place for.

    Raises:
        Mistaken: `field_unsupported` for content that the wire cannot carry.

    """
    unsent: dict[str, None] = {}
    own = request.dialect == _DIALECT
    longest = request.max_tokens or deployment.profile.max_output or options.max_tokens
    body: dict[str, Any] = {"model": deployment.upstream, "max_tokens": longest, "stream": request.stream}
    system = [
        block
        for message in request.messages
        if message.role in {"system", "developer"}
        for block in _blocks(message.parts, own, unsent)
    ]
    if system:
        body["system"] = system
    body["messages"] = list(_messages(request.messages, own, unsent))
    for name in ("temperature", "top_p", "top_k"):
        value = getattr(request, name)
        if value is not None:
            body[name] = value
    if request.stop:
        body["stop_sequences"] = request.stop
    if request.user:
        body["metadata"] = {"user_id": request.user}
    if request.tools:
        body["tools"] = [_tool(tool, place, own) for place, tool in enumerate(request.tools)]
    if (choice := _choice(request)) is not None:
        body["tool_choice"] = choice
    if request.reasoning is not None:
        body |= _thinking(request.reasoning, options, longest, own, unsent)
    if request.format is not None and request.format.kind != "text":
        if by_tool(request, options):
            _force(body, request.format.schema or {"type": "object"})
        else:
            form = {"type": "json_schema", "schema": _closed(request.format.schema)}
            body["output_config"] = {**body.get("output_config", {}), "format": form}
    for name, value in (extra or {}).items():
        known = body.get(name)
        body[name] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value
    return _ENCODER.encode(body), tuple(unsent)


def by_tool(request: Request, options: Options) -> bool:
    """Return whether the answer's form is enforced by a tool; a JSON object of no schema can only be had that way."""
    form = request.format
    return form is not None and (form.kind == "json" or (form.kind == "schema" and options.structured == "tool"))


def _messages(messages: Iterable[Message], own: bool, unsent: dict[str, None]) -> Iterator[dict[str, Any]]:
    for role, gathered in turns(messages):
        parts = [part for message in gathered for part in message.parts]
        unsent |= {name: None for message in gathered for name in message.extra}
        if role == "user":  # the results of a turn's calls must stand first
            parts.sort(key=lambda part: not isinstance(part, ToolResult))
        blocks = list(_blocks(parts, own, unsent))
        if blocks:
            yield {"role": role, "content": blocks}


def _blocks(parts: Iterable[Part], own: bool, unsent: dict[str, None]) -> Iterator[dict[str, Any]]:
    for part in parts:
        block = _block(part, own, unsent)
        if block is None:
            continue
        extra = {} if isinstance(part, Declined) else part.extra
        if _GOOGLES in extra:
            extra = {name: value for name, value in extra.items() if name != _GOOGLES}
        if extra and own:
            block |= extra
        elif extra:
            unsent |= dict.fromkeys(extra)
        yield block


def _block(part: Part, own: bool, unsent: dict[str, None]) -> dict[str, Any] | None:
    match part:
        case Text():
            return {"type": "text", "text": part.text} if part.text else None  # an empty text is refused
        case Declined():
            return {"type": "text", "text": part.text} if part.text else None
        case Image():
            media_type, data = inlined(part)
            if data:
                return {
                    "type": "image",
                    "source": {"type": "base64", "media_type": media_type or "image/png", "data": data},
                }
            return {"type": "image", "source": {"type": "url", "url": part.url}}
        case File():
            document: dict[str, Any] = {"type": "document", "source": _source(part)}
            if part.name:
                document["title"] = part.name
            return document
        case Audio():
            raise Mistaken("field_unsupported", "Anthropic's models take no sound.", place="audio parts")
        case Thought():
            if part.hidden and "#" not in part.hidden:
                return {"type": "redacted_thinking", "data": part.hidden}
            if part.signature and "#" not in part.signature:  # other vendors' are marked `vendor#…`
                return {"type": "thinking", "thinking": part.text, "signature": part.signature}
            unsent["thinking"] = None  # reasoning without Anthropic's own signature is refused
            return None
        case ToolCall():
            arguments = arguments_of(part.arguments)
            return {"type": "tool_use", "id": _plain(part.id), "name": part.name, "input": arguments}
        case ToolResult():
            result: dict[str, Any] = {"type": "tool_result", "tool_use_id": _plain(part.id)}
            if content := list(_blocks(part.parts, own, unsent)):
                result["content"] = content
            if part.failed:
                result["is_error"] = True
            return result
        case _:
            assert_never(part)


def _source(part: File) -> dict[str, Any]:
    if part.id:
        return {"type": "file", "file_id": part.id}
    text = text_of(part)
    if text is not None:
        return {"type": "text", "media_type": "text/plain", "data": text}
    media_type, data = inlined(part)
    if data:
        return {"type": "base64", "media_type": media_type or "application/pdf", "data": data}
    return {"type": "url", "url": part.url}


def _plain(id: str) -> str:
    """A tool call's id in the letters that Anthropic takes; other vendors use more."""
    return _ODD.sub("_", id)


def _tool(tool: Tool, place: int, own: bool) -> dict[str, Any]:
    if tool.hosted:
        if not own:
            message = f"The tool {tool.name!r} is run by another vendor; Anthropic does not have it."
            raise Mistaken("field_unsupported", message, place=f"tools[{place}]")
        return tool.hosted
    found: dict[str, Any] = {"name": tool.name, "input_schema": tool.schema or {"type": "object", "properties": {}}}
    if tool.about:
        found["description"] = tool.about
    if tool.strict is not None:
        found["strict"] = tool.strict
    return found | tool.extra if own else found


def _choice(request: Request) -> dict[str, Any] | None:
    choice = request.tool_choice
    one = {"disable_parallel_tool_use": True} if request.parallel_tools is False and request.tools else {}
    if choice is None:
        return {"type": "auto", **one} if one else None
    match choice.mode:
        case "none":
            return {"type": "none"}
        case "auto":
            return {"type": "auto", **one}
        case "required":
            return {"type": "any", **one}
        case "named":
            return {"type": "tool", "name": choice.name, **one}
        case _:
            assert_never(choice.mode)


def _force(body: dict[str, Any], schema: dict[str, Any]) -> None:
    """Make the answer the input of a tool. Beside the caller's own tools the model may choose among them all."""
    about = "Give your final answer as the input of this tool."
    answer = {"name": ANSWER_TOOL, "description": about, "input_schema": schema}
    own_tools = body.get("tools", [])
    body["tools"] = [*own_tools, answer]
    body["tool_choice"] = {"type": "any"} if own_tools else {"type": "tool", "name": ANSWER_TOOL}


def _thinking(
    reasoning: Reasoning, options: Options, longest: int, own: bool, unsent: dict[str, None]
) -> dict[str, Any]:
    further = reasoning.extra if own else {}
    effort = _effort(reasoning.effort)
    if further.get("type"):
        limit = {} if reasoning.budget_tokens is None else {"budget_tokens": reasoning.budget_tokens}
        return {"thinking": {**further, **limit}, **effort}
    if reasoning.effort == "none":
        return {"thinking": {"type": "disabled"}}
    budget = reasoning.budget_tokens
    if budget is None and own:
        return effort  # Anthropic's own callers say how hard to try without asking for thinking
    if budget is None and options.thinking == "budget":
        effort = {}
        budget = min(BUDGETS.get(reasoning.effort, BUDGETS["medium"]), longest - 1)
        if budget < _FEWEST_THINKING:
            unsent["reasoning_effort"] = None
            return {}
    if budget is not None:
        return {"thinking": {"type": "enabled", "budget_tokens": budget, **further}, **effort}
    return {"thinking": {"type": "adaptive"}, **effort}


def _effort(effort: str) -> dict[str, Any]:
    return {"output_config": {"effort": "low" if effort == "minimal" else effort}} if effort else {}


def _closed(schema: Any) -> Any:
    """A schema in which every object says that it has no further properties, as Anthropic demands."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {
        name: _closed(value) if name not in {"enum", "const", "default"} else value for name, value in schema.items()
    }
    if found.get("type") == "object":
        found.setdefault("additionalProperties", False)
    return found

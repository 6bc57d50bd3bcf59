"""Gemini's generateContent and batchEmbedContents: a request → its body.

https://ai.google.dev/api/generate-content
"""

from collections.abc import Iterable, Iterator
from typing import Any, assert_never

import msgspec

from rowen.provider.content import arguments_of, inlined, turns
from rowen.provider.gemini.profile import BUDGETS, SIGNATURE, Options
from rowen.provider.gemini.schema import subset
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

_ENCODER = msgspec.json.Encoder()
# What the reference tells clients to send for a call whose signature they do not have, as after a change of vendor.
_NO_SIGNATURE = "skip_thought_signature_validator"


def encode(request: Request, options: Options, extra: dict[str, Any] | None = None) -> tuple[bytes, tuple[str, ...]]:
    """Return the body of a request, and the names of hints that this wire has no place for.

    Raises:
        Mistaken: `field_unsupported` for content that the wire cannot carry.

    """
    unsent: dict[str, None] = {}
    body: dict[str, Any] = {"contents": list(_contents(request.messages, unsent))}
    system = [
        {"text": part.text}
        for message in request.messages
        if message.role in {"system", "developer"}
        for part in message.parts
        if isinstance(part, Text)
    ]
    if system:
        body["systemInstruction"] = {"parts": system}
    if request.tools:
        declarations = [_tool(tool, place, options) for place, tool in enumerate(request.tools)]
        body["tools"] = [{"functionDeclarations": declarations}]
    if request.tool_choice is not None:
        body["toolConfig"] = {"functionCallingConfig": _choice(request)}
    if config := _config(request, options):
        body["generationConfig"] = config
    for name, value in (extra or {}).items():
        known = body.get(name)
        body[name] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value
    return _ENCODER.encode(body), tuple(unsent)


def encode_embeddings(request: Request, deployment: Deployment, extra: dict[str, Any] | None = None) -> bytes:
    """Return the body of an embeddings request."""
    more: dict[str, Any] = {} if request.dimensions is None else {"outputDimensionality": request.dimensions}
    model = f"models/{deployment.upstream.removeprefix('models/')}"
    asked = [{"model": model, "content": {"parts": [{"text": text}]}, **more} for text in request.texts]
    return _ENCODER.encode({"requests": asked, **(extra or {})})


def _config(request: Request, options: Options) -> dict[str, Any]:
    asked = {
        "maxOutputTokens": request.max_tokens,
        "temperature": request.temperature,
        "topP": request.top_p,
        "topK": request.top_k,
        "seed": request.seed,
        "frequencyPenalty": request.frequency_penalty,
        "presencePenalty": request.presence_penalty,
        "candidateCount": request.n if request.n > 1 else None,
        "stopSequences": request.stop or None,
        "responseLogprobs": request.logprobs or None,
        "logprobs": request.top_logprobs if request.logprobs else None,
        "responseModalities": [name.upper() for name in request.modalities] or None,
    }
    config: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    form = request.format
    if form is not None and form.kind != "text":
        config["responseMimeType"] = "application/json"
        if form.kind == "schema" and options.schemas == "json":
            config["responseJsonSchema"] = form.schema
        elif form.kind == "schema":
            config["responseSchema"] = subset(form.schema)
    if request.reasoning is not None:
        config["thinkingConfig"] = _thinking(request.reasoning, options)
    return config


def _thinking(reasoning: Reasoning, options: Options) -> dict[str, Any]:
    if reasoning.effort == "none":
        return {"thinkingBudget": 0}
    found: dict[str, Any] = {"includeThoughts": True}
    if reasoning.budget_tokens is not None:
        found["thinkingBudget"] = reasoning.budget_tokens
    elif reasoning.effort and options.thinking == "level":
        found["thinkingLevel"] = "xhigh" if reasoning.effort == "max" else reasoning.effort
    elif reasoning.effort:
        found["thinkingBudget"] = BUDGETS.get(reasoning.effort, BUDGETS["medium"])
    return found


def _contents(messages: Iterable[Message], unsent: dict[str, None]) -> Iterator[dict[str, Any]]:
    names: dict[str, str] = {}  # of the tools, by the ids of their calls: results carry the name here
    for role, gathered in turns(messages):
        parts = [part for message in gathered for part in message.parts]
        for part in parts:
            if isinstance(part, ToolCall):
                names[part.id] = part.name
        # Results are matched to calls of one name by their order.
        order = {id: place for place, id in enumerate(names)}
        parts.sort(key=lambda part: order.get(part.id, len(order)) if isinstance(part, ToolResult) else len(order))
        found = list(_parts(parts, names, unsent))
        if found:
            yield {"role": "model" if role == "assistant" else "user", "parts": found}


def _parts(parts: Iterable[Part], names: dict[str, str], unsent: dict[str, None]) -> Iterator[dict[str, Any]]:
    signed = False
    for part in parts:
        if not isinstance(part, Declined | ToolCall) and part.extra:
            unsent |= dict.fromkeys(part.extra)
        match part:
            case Text() | Declined():
                if part.text:
                    yield {"text": part.text}
            case Image() | File():
                yield _media(part)
            case Audio():
                if not part.data:
                    message = "Gemini takes sound by its content, not by an id."
                    raise Mistaken("field_unsupported", message, place="audio parts")
                yield {"inlineData": {"mimeType": f"audio/{part.format or 'wav'}", "data": part.data}}
            case Thought():
                if part.signature.startswith(SIGNATURE):
                    yield {"text": "", "thoughtSignature": part.signature.removeprefix(SIGNATURE)}
                else:
                    unsent["thinking"] = None
            case ToolCall():
                call: dict[str, Any] = {"functionCall": {"name": part.name, "args": arguments_of(part.arguments)}}
                signature = _signature(part)
                if signature or not signed:  # of parallel calls only the first is signed
                    call["thoughtSignature"] = signature or _NO_SIGNATURE
                signed = True
                yield call
            case ToolResult():
                yield from _result(part, names)
            case _:
                assert_never(part)


def _signature(part: ToolCall) -> str:
    match part.extra:
        case {"extra_content": {"google": {"thought_signature": str(signature)}}}:
            return signature
        case _:
            return ""


def _result(part: ToolResult, names: dict[str, str]) -> Iterator[dict[str, Any]]:
    name = part.name or names.get(part.id, "")
    if not name:
        message = f"No call of the conversation has the id {part.id!r} that a tool result names."
        raise Mistaken("field_invalid", message, place="messages")
    text = "".join(inner.text for inner in part.parts if isinstance(inner, Text))
    yield {"functionResponse": {"name": name, "response": {"error" if part.failed else "result": text}}}
    for inner in part.parts:
        if not isinstance(inner, Text):
            yield _media(inner)


def _media(part: Image | File) -> dict[str, Any]:
    media_type, data = inlined(part)
    usual = "image/png" if isinstance(part, Image) else "application/pdf"
    if data:
        return {"inlineData": {"mimeType": media_type or usual, "data": data}}
    address = part.url or (part.id if isinstance(part, File) else "")
    file: dict[str, Any] = {"fileUri": address}
    if part.media_type:
        file["mimeType"] = part.media_type
    return {"fileData": file}


def _tool(tool: Tool, place: int, options: Options) -> dict[str, Any]:
    if tool.hosted:
        message = f"The tool {tool.name!r} is run by another vendor; Gemini does not have it."
        raise Mistaken("field_unsupported", message, place=f"tools[{place}]")
    found: dict[str, Any] = {"name": tool.name, "description": tool.about}
    if tool.schema and options.schemas == "json":
        found["parametersJsonSchema"] = tool.schema
    elif tool.schema.get("properties"):  # the subset has no object without properties
        found["parameters"] = subset(tool.schema)
    return found


def _choice(request: Request) -> dict[str, Any]:
    choice = request.tool_choice
    assert choice is not None
    match choice.mode:
        case "auto":
            return {"mode": "AUTO"}
        case "none":
            return {"mode": "NONE"}
        case "required":
            return {"mode": "ANY"}
        case "named":
            return {"mode": "ANY", "allowedFunctionNames": [choice.name]}
        case _:
            assert_never(choice.mode)

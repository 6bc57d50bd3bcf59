"""Messages as the GenAI conventions write them, made of the shapes that vendors' clients take.

Shape: https://github.com/open-telemetry/semantic-conventions-genai, `gen_ai.input.messages`: a role and typed parts.
"""

from collections.abc import Mapping
from typing import Any


def conversation(value: Any) -> list[dict[str, Any]] | None:
    """Return messages in the conventions' shape, None for what are no messages."""
    if not isinstance(value, list | tuple) or not value:
        return None
    if not all(isinstance(each, Mapping) and isinstance(each.get("role"), str) for each in value):
        return None
    return [_message(each) for each in value]


def reply(value: Any) -> list[dict[str, Any]] | None:
    """Return an answer, a text or a message, in the conventions' shape, None for anything else."""
    if isinstance(value, str):
        return [{"role": "assistant", "parts": [{"type": "text", "content": value}]}]
    if isinstance(value, Mapping) and isinstance(value.get("role"), str):
        return [_message(value)]
    return conversation(value)


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    role = message["role"]
    if isinstance(message.get("parts"), list | tuple):
        return {"role": role, "parts": list(message["parts"])}
    content = message.get("content")
    if role == "tool":
        return {"role": role, "parts": [_answer(message.get("tool_call_id"), content)]}
    pieces = content if isinstance(content, list | tuple) else [content] if content is not None else []
    parts = [_part(piece) for piece in pieces]
    calls = message.get("tool_calls")
    parts += [_call(call) for call in (calls if isinstance(calls, list | tuple) else ())]
    return {"role": role, "parts": parts}


def _part(piece: Any) -> Any:
    if isinstance(piece, str):
        return {"type": "text", "content": piece}
    if not isinstance(piece, Mapping):
        return {"type": "text", "content": str(piece)}
    match piece.get("type"):
        case "text" | "input_text" | "output_text":
            return {"type": "text", "content": piece.get("text", piece.get("content"))}
        case "tool_use":
            return {
                "type": "tool_call",
                "id": piece.get("id"),
                "name": piece.get("name"),
                "arguments": piece.get("input"),
            }
        case "tool_result":
            return _answer(piece.get("tool_use_id"), piece.get("content"))
        case "thinking":
            return {"type": "reasoning", "content": piece.get("thinking")}
        case _:
            return dict(piece)


def _call(call: Any) -> dict[str, Any]:
    if not isinstance(call, Mapping):
        return {"type": "tool_call", "arguments": str(call)}
    called = call.get("function")
    called = called if isinstance(called, Mapping) else {}
    return {
        "type": "tool_call",
        "id": call.get("id"),
        "name": called.get("name"),
        "arguments": called.get("arguments"),
    }


def _answer(id: Any, content: Any) -> dict[str, Any]:
    return {"type": "tool_call_response", "id": id, "response": content}

"""What was said, as pages show it: messages of calls, and whatever a program sent as the input or output of a span."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from rowen.values import Declined, Message, Text, Thought, ToolCall, ToolResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message as the page shows it."""

    who: str
    pieces: Sequence[tuple[str, str]]
    """What each part is, and its text."""


def turn(message: Message) -> Turn:
    """Return a message of a call."""
    pieces: list[tuple[str, str]] = []
    for part in message.parts:
        match part:
            case Text():
                # As `prompt.sources` quotes them; a caller who writes the like sees it folded, no more.
                pieces.append(("sources" if part.text.startswith("<source-") else "text", part.text))
            case Thought():
                pieces.append(("reasoning", part.text or "(sent encrypted)"))
            case ToolCall():
                pieces.append((f"tool call {part.name}", laid_out(part.arguments)))
            case ToolResult():
                pieces.append((f"tool result {part.id}", "".join(p.text for p in part.parts if isinstance(p, Text))))
            case Declined():
                pieces.append(("declined", part.text))
            case _:
                pieces.append((type(part).__name__.lower(), f"({type(part).__name__.lower()} part)"))
    return Turn(who=message.role, pieces=pieces)


def turns_of(content: Any, who: str) -> list[Turn]:
    """Return what went in or out of a span: messages in the shape of the GenAI conventions one by one, else one piece.

    https://github.com/open-telemetry/semantic-conventions-genai, `gen_ai.input.messages`.
    """
    if content in (None, "", [], {}):
        return []
    if isinstance(content, list) and all(isinstance(each, dict) and "role" in each for each in content):
        return [_message(each) for each in content]
    if isinstance(content, str):
        shown = laid_out(content)
        return [Turn(who=who, pieces=[("text" if shown == content else "JSON", shown)])]
    return [Turn(who=who, pieces=[("JSON", laid_out(said(content)))])]


def _message(message: Mapping[str, Any]) -> Turn:
    parts = message.get("parts")
    if not isinstance(parts, list):
        content = message.get("content", "")
        parts = [content if isinstance(content, dict) else {"type": "text", "content": content}]
    return Turn(who=str(message["role"]), pieces=[_part(part) for part in parts])


def _part(part: Any) -> tuple[str, str]:
    if not isinstance(part, dict):
        return "text", said(part)
    kind = str(part.get("type", "text"))
    match kind:
        case "text" | "reasoning":
            return kind, said(part.get("content", part.get("text", "")))
        case "tool_call":
            return f"tool call {part.get('name', '')}", laid_out(said(part.get("arguments", "")))
        case "tool_call_response":
            return f"tool result {part.get('id', '')}", laid_out(said(part.get("response", part.get("result", ""))))
        case _:
            return kind, laid_out(said({key: value for key, value in part.items() if key != "type"}))


def said(value: Any) -> str:
    """Return a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def laid_out(text: str) -> str:
    """Return a JSON object or list with line breaks; anything else as it is."""
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        return msgspec.json.format(text, indent=2)
    except msgspec.DecodeError:
        return text

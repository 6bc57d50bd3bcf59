"""What went in and out of a span: messages in the shape of the GenAI conventions, a text, or JSON as it was sent."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from rowen.trace.intake.names import CONTENT_EVENTS
from rowen.values import Happening

Items = Mapping[int, Mapping[str, Any]]
"""A list that came as one attribute for each leaf: index → what follows the index → value."""

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder(order=None).encode


def parsed(value: Any) -> Any:
    """Return a text that is a JSON object or array as such, anything else as it is."""
    if type(value) is not str or value[:1] not in {"{", "["}:
        return value
    try:
        return _decode(value)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return value


def openinference(items: Items) -> list[dict[str, Any]]:
    """Return OpenInference's flattened messages."""
    return [_message(items[index]) for index in sorted(items)]


def _message(leaves: Mapping[str, Any]) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    lists: dict[str, dict[int, dict[str, Any]]] = {}
    for name, value in leaves.items():
        group, number, rest = _split(name)
        if group:
            lists.setdefault(group, {}).setdefault(number, {})[rest] = value
    said = leaves.get("message.content")
    role = str(leaves.get("message.role", ""))
    if role == "tool" and "message.tool_call_id" in leaves:
        parts.append({"type": "tool_call_response", "id": leaves["message.tool_call_id"], "result": said})
    elif said not in (None, ""):
        parts.append({"type": "text", "content": said})
    contents = lists.get("message.contents", {})
    parts.extend(_part(contents[index]) for index in sorted(contents))
    calls = lists.get("message.tool_calls", {})
    parts.extend(
        {
            "type": "tool_call",
            "id": call.get("tool_call.id", ""),
            "name": call.get("tool_call.function.name", ""),
            "arguments": parsed(call.get("tool_call.function.arguments")),
        }
        for _, call in sorted(calls.items())
    )
    if "message.function_call_name" in leaves:
        parts.append(
            {
                "type": "tool_call",
                "id": "",
                "name": leaves["message.function_call_name"],
                "arguments": parsed(leaves.get("message.function_call_arguments_json")),
            }
        )
    message: dict[str, Any] = {"role": role, "parts": parts}
    if leaves.get("message.name"):
        message["name"] = leaves["message.name"]
    return message


def _split(name: str) -> tuple[str, int, str]:
    """Return list, index and rest of `message.tool_calls.0.tool_call.id`; an empty list for a plain leaf."""
    for group in ("message.tool_calls", "message.contents"):
        if name.startswith(group + "."):
            number, _, rest = name[len(group) + 1 :].partition(".")
            if number.isdecimal() and len(number) < 7:
                return group, int(number), rest
    return "", 0, ""


def _part(leaves: Mapping[str, Any]) -> dict[str, Any]:
    kind = leaves.get("message_content.type", "text")
    if kind in {"text", "reasoning"}:
        return {"type": kind, "content": leaves.get("message_content.text", "")}
    found: dict[str, Any] = {"type": "uri", "modality": kind}
    for name, value in leaves.items():
        if name.endswith(".url"):
            found["uri"] = value
        elif name != "message_content.type":
            found[name.removeprefix("message_content.")] = value
    return found


def openllmetry(items: Items, role: str) -> list[dict[str, Any]]:
    """Return OpenLLMetry's flattened messages (`gen_ai.prompt.0.content`), or texts (`llm.prompts.0`)."""
    found: list[dict[str, Any]] = []
    for index in sorted(items):
        leaves = items[index]
        parts: list[dict[str, Any]] = []
        said = leaves.get("content", leaves.get("prompt.text", leaves.get("completion.text", leaves.get(""))))
        if said not in (None, ""):
            content = parsed(said)
            parts.append({"type": "text", "content": content if isinstance(content, str) else said})
        calls: dict[str, dict[str, Any]] = {}
        for name, value in leaves.items():
            if name.startswith("tool_calls."):
                number, _, rest = name.removeprefix("tool_calls.").partition(".")
                calls.setdefault(number, {})[rest] = value
        parts.extend(
            {
                "type": "tool_call",
                "id": call.get("id", ""),
                "name": call.get("name", ""),
                "arguments": parsed(call.get("arguments")),
            }
            for _, call in sorted(calls.items())
        )
        message: dict[str, Any] = {"role": str(leaves.get("role", role)), "parts": parts}
        if "finish_reason" in leaves:
            message["finish_reason"] = leaves["finish_reason"]
        found.append(message)
    return found


def documents(items: Items) -> list[dict[str, Any]]:
    """Return OpenInference's flattened documents: `id`, `content`, `score`, `metadata`."""
    return [
        {name.removeprefix("document."): parsed(value) for name, value in items[index].items()}
        for index in sorted(items)
    ]


def texts(items: Items) -> list[Any]:
    """Return the texts of OpenInference's flattened embeddings."""
    found = [items[index].get("embedding.text") for index in sorted(items)]
    return [text for text in found if text is not None]


def of_events(events: Iterable[Happening]) -> tuple[Any, Any, frozenset[int]]:
    """Return input and output as the older conventions had them in events, and the places of those events."""
    asked: list[dict[str, Any]] = []
    said: list[dict[str, Any]] = []
    taken: set[int] = set()
    whole_asked: Any = None
    whole_said: Any = None
    for place, event in enumerate(events):
        name, found = event.name, event.attributes
        if name in CONTENT_EVENTS:
            asked.append(_of_event(found, CONTENT_EVENTS[name]))
        elif name == "gen_ai.choice":
            said.append(_of_event({**found, **_table(found.get("message"))}, "assistant", found.get("finish_reason")))
        elif name == "gen_ai.content.prompt":
            whole_asked = parsed(found.get("gen_ai.prompt"))
        elif name == "gen_ai.content.completion":
            whole_said = parsed(found.get("gen_ai.completion"))
        elif name == "gen_ai.client.inference.operation.details":
            whole_asked = parsed(found.get("gen_ai.input.messages"))
            whole_said = parsed(found.get("gen_ai.output.messages"))
        else:
            continue
        taken.add(place)
    return asked or whole_asked, said or whole_said, frozenset(taken)


def _table(value: Any) -> dict[str, Any]:
    found = parsed(value)
    return found if isinstance(found, dict) else {}


def _of_event(found: Mapping[str, Any], role: str, reason: Any = None) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    content = found.get("content", found.get("gen_ai.event.content"))
    if role == "tool":
        parts.append({"type": "tool_call_response", "id": found.get("id", ""), "result": content})
    elif content not in (None, ""):
        parts.append({"type": "text", "content": content if isinstance(content, str) else _text_of(content)})
    for call in _listed(found.get("tool_calls")):
        function = _table(call.get("function"))
        parts.append(
            {
                "type": "tool_call",
                "id": call.get("id", ""),
                "name": function.get("name", ""),
                "arguments": parsed(function.get("arguments")),
            }
        )
    message: dict[str, Any] = {"role": str(found.get("role") or role), "parts": parts}
    if reason:
        message["finish_reason"] = reason
    return message


def _listed(value: Any) -> list[dict[str, Any]]:
    found = parsed(value)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def instructed(instructions: Any, messages: Any) -> Any:
    """Return messages with the system's instructions before them."""
    parts = parsed(instructions)
    if isinstance(parts, str):
        parts = [{"type": "text", "content": parts}]
    return [{"role": "system", "parts": parts}, *(messages if isinstance(messages, list) else ())]


def preview(value: Any, role: str, length: int) -> str:
    """Return the first characters: of the last message of a role, of a text, else of the JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value[:length]
    if isinstance(value, dict):
        value = value.get("messages", value)
    if isinstance(value, list):
        said = _spoken(value, role)
        if said:
            return said[:length]
    return _text_of(value, length)


def _text_of(value: Any, length: int = 0) -> str:
    found: bytes = _encode(value)
    return found[: length * 4].decode("utf-8", "ignore")[:length] if length else found.decode()


def _spoken(messages: Sequence[Any], role: str) -> str:
    """What the last message of a role says, in the shape of the conventions, of OpenAI or of LangChain."""
    for message in reversed(messages):
        if isinstance(message, list):  # LangChain has batches of conversations
            return _spoken(message, role)
        if not isinstance(message, dict) or message.get("role", message.get("type")) not in {role, _LANGCHAIN[role]}:
            continue
        parts = message.get("parts", message.get("content"))
        if isinstance(parts, str):
            return parts
        if isinstance(parts, list):
            said = " ".join(
                text
                for part in parts
                if isinstance(part, dict) and isinstance(text := part.get("content", part.get("text")), str)
            )
            said = said or " ".join(_called(part) for part in parts if isinstance(part, dict) and "name" in part)
            if said:
                return said
    return ""


def _called(part: Mapping[str, Any]) -> str:
    """A tool call in short: `weather({"city":"Oslo"})`."""
    arguments = part.get("arguments")
    shown = arguments if isinstance(arguments, str) else "" if arguments is None else _text_of(arguments)
    return f"{part['name']}({shown})"


_LANGCHAIN = {"user": "human", "assistant": "ai"}

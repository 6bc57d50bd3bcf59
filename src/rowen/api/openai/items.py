"""The items and the whole object of OpenAI's responses."""

from typing import Any

from rowen.api.citation import annotations_of
from rowen.api.parse.openai_responses import SIGNED, Respond
from rowen.values import Answer, Declined, Format, Text, Thought, ToolCall, ToolChoice, Usage


def output_of(answer: Answer, call_id: str, *, signed: bool) -> list[dict[str, Any]]:
    """Return the items of an answer. Text and refusal that follow one another share a message."""
    items: list[dict[str, Any]] = []
    if not answer.choices:
        return items
    choice = answer.choices[0]
    status = status_of(choice.reason)
    for part in choice.message.parts:
        known = f"{call_id}{len(items):02x}"
        match part:
            case Text() | Declined():
                if not items or items[-1]["type"] != "message":
                    items.append(message_item(known, [], status))
                items[-1]["content"].append(refusal(part.text) if isinstance(part, Declined) else text(part.text, []))
            case Thought():
                items.append(thought_item(known, part.text, sealed_of(part.signature, part.hidden) if signed else ""))
            case ToolCall():
                items.append(call_item(known, part, "completed"))
            case _:
                raise ValueError(f"a response has no item for a part of type {type(part).__name__}")
    decorate(items, list(choice.logprobs), annotations_of(choice))
    return items


def decorate(items: list[dict[str, Any]], logprobs: list[Any], annotations: list[Any]) -> None:
    """Put log probabilities and annotations, which are known for the whole choice, to the first text."""
    if not logprobs and not annotations:
        return
    for item in items:
        for content in item.get("content", ()):
            if content["type"] == "output_text":
                content["logprobs"] = logprobs
                content["annotations"] = [flat(one) for one in annotations]
                return


def flat(annotation: Any) -> Any:
    """Return an annotation of the chat shape (`url_citation` nested) in the flat shape of responses."""
    if isinstance(annotation, dict):
        inner = annotation.get(annotation.get("type", ""))
        if isinstance(inner, dict):
            return {"type": annotation["type"], **inner}
    return annotation


def message_item(known: str, content: list[dict[str, Any]], status: str) -> dict[str, Any]:
    """Return a message."""
    return {"id": f"msg_{known}", "type": "message", "status": status, "role": "assistant", "content": content}


def text(said: str, logprobs: list[Any]) -> dict[str, Any]:
    """Return a text of a message."""
    return {"type": "output_text", "text": said, "annotations": [], "logprobs": logprobs}


def refusal(said: str) -> dict[str, Any]:
    """Return the model's own refusal in a message."""
    return {"type": "refusal", "refusal": said}


def call_item(known: str, part: ToolCall, status: str) -> dict[str, Any]:
    """Return a call of a tool."""
    extra = {key: value for key, value in part.extra.items() if key != "type"}
    if part.extra.get("type") == "custom":
        return {
            **extra,
            "id": f"ctc_{known}",
            "type": "custom_tool_call",
            "status": status,
            "call_id": part.id,
            "name": part.name,
            "input": part.arguments,
        }
    return {
        **extra,
        "id": f"fc_{known}",
        "type": "function_call",
        "status": status,
        "call_id": part.id,
        "name": part.name,
        "arguments": part.arguments,
    }


def thought_item(known: str, said: str, sealed: str) -> dict[str, Any]:
    """Return reasoning; `sealed` is what the vendor needs to take it back."""
    item: dict[str, Any] = {
        "id": f"rs_{known}",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": said}] if said else [],
    }
    if sealed:
        item["encrypted_content"] = sealed
    return item


def sealed_of(signature: str, hidden: str) -> str:
    """Return the one opaque field in which a reasoning's signature, or its hidden text, travels."""
    return hidden or (SIGNED + signature if signature else "")


def status_of(reason: str) -> str:
    """Return the status of a response that ended for a reason of ours."""
    return "incomplete" if reason in {"length", "content_filter", "refusal", "pause"} else "completed"


def response_of(
    asked: Respond, *, known: str, created: int, model: str, status: str, output: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return the response object, with what was asked told back in it."""
    request, body = asked.request, asked.body
    return {
        "id": known,
        "object": "response",
        "created_at": created,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": asked.instructions or None,
        "max_output_tokens": request.max_tokens,
        "model": model,
        "output": output,
        "parallel_tool_calls": request.parallel_tools is not False,
        "previous_response_id": asked.previous or None,
        "reasoning": {"effort": None, "summary": None, **(body.get("reasoning") or {})},
        "store": asked.store,
        "temperature": 1.0 if request.temperature is None else request.temperature,
        "text": {"format": _format(request.format), **_verbosity(body)},
        "tool_choice": _choice(request.tool_choice, body),
        "tools": body.get("tools") or [],
        "top_logprobs": request.top_logprobs or 0,
        "top_p": 1.0 if request.top_p is None else request.top_p,
        "truncation": "disabled",
        "usage": None,
        "user": request.user or None,
        "metadata": request.metadata,
    }


def reason_of(reason: str) -> dict[str, str] | None:
    """Return why a response is incomplete, None when it is whole."""
    if status_of(reason) == "completed":
        return None
    return {"reason": "max_output_tokens" if reason == "length" else "content_filter"}


def usage_object(usage: Usage) -> dict[str, Any]:
    """Return a usage in the words of responses. Like ours, its input tokens include the cached ones."""
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.total,
    }


def _format(format: Format | None) -> dict[str, Any]:
    if format is None or format.kind == "text":
        return {"type": "text"}
    if format.kind == "json":
        return {"type": "json_object"}
    return {
        "type": "json_schema",
        "name": format.name,
        "description": format.about or None,
        "schema": format.schema,
        "strict": bool(format.strict),
    }


def _verbosity(body: dict[str, Any]) -> dict[str, Any]:
    found = (body.get("text") or {}).get("verbosity")
    return {"verbosity": found} if found is not None else {}


def _choice(choice: ToolChoice | None, body: dict[str, Any]) -> Any:
    if choice is None or choice.mode == "named":
        return body.get("tool_choice") or "auto"
    return choice.mode

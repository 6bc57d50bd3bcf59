"""Answers in the shape of OpenAI's chat completions, for the fault upstream."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rowen.testing.faults import Behaviour, Cut, Reply, Stream

USAGE: Mapping[str, Any] = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
_CREATED = 1_790_000_000


def data(payload: object) -> bytes:
    """One server-sent event that holds a JSON value, or the text itself."""
    text = payload if isinstance(payload, str) else json.dumps(payload, separators=(",", ":"))
    return f"data: {text}\n\n".encode()


def openai_chat(
    text: str | None = "hello",
    *,
    usage: Mapping[str, Any] | None = USAGE,
    model: str = "small",
    finish: str = "stop",
    tool_calls: Sequence[Mapping[str, Any]] = (),
) -> Reply:
    """A whole chat completion; no usage block where `usage` is None."""
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if tool_calls:
        message["tool_calls"] = list(tool_calls)
    answer: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": _CREATED,
        "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
    }
    if usage is not None:
        answer["usage"] = dict(usage)
    return Reply(body=json.dumps(answer).encode())


def openai_stream(
    pieces: Sequence[str] = ("hel", "lo"),
    *,
    usage: Mapping[str, Any] | None = USAGE,
    model: str = "small",
    finish: str = "stop",
    cut_after: int | None = None,
    gap: float = 0.0,
    first_delay: float = 0.0,
) -> Behaviour:
    """A streamed chat completion, one event for each piece of text.

    Args:
        pieces: the text, in deltas.
        usage: goes into a last chunk of its own; None leaves that chunk out.
        model: the model's name in each chunk.
        finish: the reason in the chunk after the last delta.
        cut_after: reset the connection after so many deltas.
        gap: seconds between events.
        first_delay: seconds between the head and the first event.
    """

    def event(choices: list[dict[str, Any]], **more: object) -> bytes:
        chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": _CREATED, "model": model}
        return data({**chunk, "choices": choices, **more})

    def delta(content: dict[str, Any], reason: str | None = None) -> bytes:
        return event([{"index": 0, "delta": content, "logprobs": None, "finish_reason": reason}])

    events = [delta({"role": "assistant", "content": ""}), *(delta({"content": piece}) for piece in pieces)]
    events.append(delta({}, finish))
    if usage is not None:
        events.append(event([], usage=dict(usage)))
    events.append(data("[DONE]"))
    stream = Stream(chunks=tuple(events), gap=gap, first_delay=first_delay)
    return stream if cut_after is None else Cut(then=stream, after_chunks=cut_after + 1)

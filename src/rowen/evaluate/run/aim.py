"""What a run tries: something that answers cases, and what an answer is."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from rowen.evaluate.files.rows import NAMES
from rowen.values import Case, Index, Message, Mistaken, Part, Target, Text, Value, says


class Reply(Value, frozen=True, kw_only=True):
    """What was answered to a case, and what it took."""

    text: str
    """The answer; its tool calls as JSON behind it."""
    contexts: tuple[str, ...] = ()
    """The passages it should rest on."""
    messages: tuple[Message, ...] = ()
    """The conversation that was asked."""
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal | None = None
    """US dollars; None where the price is not known."""
    duration_ms: float | None = None
    first_ms: float | None = None
    trace: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """Something to try cases on."""

    target: Target
    content: str
    """A hash over all that its answers depend on."""
    ask: Callable[[Case, int], Awaitable[Reply]]
    """Answers a case, tried for the n-th time, from 0.

    Raises:
        Problem: it could not answer.
    """
    indexes: tuple[Index, ...] = ()
    """What it answers from, beside what its Definition says."""
    lasting: bool = True
    """Whether the hash really says all, so that an answer of an earlier run is as good as a new one."""


def hashed(*parts: Any) -> str:
    """Return a hash over JSON values, 32 hex digits."""
    return hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()[:32]


def messages_of(case: Case) -> tuple[Message, ...]:
    """Return what a case asks as a conversation: a text, messages, or the field of an object that holds the question.

    Raises:
        Mistaken: `field_invalid` for messages that are none.

    """
    input = case.input
    if isinstance(input, Mapping):
        found = input.get("messages") or next((input[name] for name in NAMES["input"] if name in input), None)
        input = input if found is None else found
    if isinstance(input, str):
        return (says("user", input),)
    if _conversation(input):
        return tuple(_message(each, f"{case.id}, message {number}") for number, each in enumerate(input, 1))
    return (says("user", msgspec.json.encode(input, order="sorted").decode()),)


def _conversation(input: Any) -> bool:
    return (
        isinstance(input, list) and bool(input) and all(isinstance(each, Mapping) and "role" in each for each in input)
    )


def _message(said: Mapping[str, Any], place: str) -> Message:
    content = said.get("content")
    parts: Sequence[Any] = [content] if isinstance(content, str) else content if isinstance(content, list) else []
    try:
        return msgspec.convert(
            {"role": said["role"], "parts": tuple(_part(each) for each in parts)}, Message, from_attributes=True
        )
    except msgspec.ValidationError as error:
        raise Mistaken("field_invalid", f"this is no message: {error}", place=place) from error


def _part(said: Any) -> Part:
    """Return a part as cases of traces keep it (tagged), or as OpenAI's and Anthropic's messages write texts."""
    if isinstance(said, str):
        return Text(text=said)
    if isinstance(said, Mapping) and isinstance(said.get("text"), str) and "id" not in said:
        return Text(text=said["text"])
    return msgspec.convert(said, Part)  # type: ignore[no-any-return]

"""`POST /v1/messages`: the answer written in the shape of Anthropic's messages."""

from typing import Any, assert_never

import msgspec

from rowen.api.anthropic import errors
from rowen.api.citation import locations_of
from rowen.api.door import Asked, ModelDoor
from rowen.api.envelope import Inbound
from rowen.api.parse.anthropic import request_of
from rowen.api.reply import usage_of
from rowen.api.sequence import InTurn
from rowen.values import (
    Audio,
    Call,
    CallArgs,
    Called,
    Choice,
    Declined,
    Embedded,
    Event,
    Finished,
    Likely,
    Problem,
    Reasoned,
    Refusing,
    Said,
    Signed,
    Sounded,
    Started,
    Text,
    Thought,
    ToolCall,
    Usage,
    Used,
)

_json = msgspec.json.Encoder().encode

_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "refusal": "refusal",
    "pause": "pause_turn",
}
_TEXT_STOP = b"}}\n\n"
_BEGIN_TEXT = {"type": "text", "text": ""}
_BEGIN_THOUGHT = {"type": "thinking", "thinking": "", "signature": ""}


class MessagesDoor(ModelDoor):
    """Messages, whole or streamed."""

    shape = "anthropic"
    errors = errors

    async def read(self, body: dict[str, Any], inbound: Inbound) -> Asked:
        """Return the request, and a writer of content blocks."""
        request = request_of(body)
        beta = inbound.envelope.beta
        if beta:
            # What a beta changes stands in the body, so the vendor's own models need to hear of it.
            request = request.but(extra={**request.extra, "anthropic_beta": list(beta)})
        return Asked(request, MessagesWriter(inbound.trace, request.model))


class MessagesWriter:
    """Writes content blocks one after the other, or the whole message."""

    __slots__ = ("_begun", "_id", "_model", "_number", "_open", "_order", "_prefix", "_reason", "_stop", "_trace", "_usage")  # fmt: skip

    def __init__(self, trace: str, model: str) -> None:
        self._trace = trace
        self._id = f"msg_{trace}"
        self._model = model
        self._begun = False
        self._number = 0
        self._open = ""
        """The type of the block that is open; empty when none is."""
        self._prefix = b""
        self._reason = ""
        self._stop = ""
        self._usage = Usage()
        self._order = InTurn()

    def event(self, event: Event) -> bytes:
        """Return the events that one of ours makes."""
        if type(event) is Said and self._open == "text" and self._order.idle:
            return self._prefix + _json(event.text) + _TEXT_STOP
        match event:
            case Started():
                self._id = event.id if event.id.startswith("msg_") else self._id
                self._model = event.model or self._model
                return b""
            case Used():
                self._usage = event.usage
                return b""
            case Embedded() | Likely():
                return b""  # neither can be asked for at this door
            case _ if event.choice != 0:
                return b""  # nor can a second choice
            case _:
                out = b"" if self._begun else self._begin()
                return out + b"".join([self._one(one) for one in self._order.put(event)])

    async def end(self, call: Call) -> bytes:
        """Return how the message ended and what it used."""
        out = (b"" if self._begun else self._begin()) + self._close()
        delta = {"stop_reason": _reason(self._reason, self._stop), "stop_sequence": self._stop or None}
        ended = {"type": "message_delta", "delta": delta, "usage": usage_object(usage_of(call))}
        return out + _event("message_delta", ended) + _event("message_stop", {"type": "message_stop"})

    def fail(self, problem: Problem) -> bytes:
        """Return the error as an event."""
        return errors.in_stream(problem, self._trace)

    async def whole(self, call: Call) -> bytes:
        """Return the message in one piece."""
        answer = call.answer
        assert answer is not None  # a walk that ends without a problem has one
        choice = answer.choices[0] if answer.choices else None
        return _json(
            {
                "id": answer.id if answer.id.startswith("msg_") else self._id,
                "type": "message",
                "role": "assistant",
                "model": answer.model or self._model,
                "content": blocks_of(choice) if choice else [],
                "stop_reason": _reason(choice.reason, choice.stop) if choice else "end_turn",
                "stop_sequence": (choice.stop or None) if choice else None,
                "usage": usage_object(usage_of(call)),
            }
        )

    def _begin(self) -> bytes:
        self._begun = True
        message: dict[str, Any] = {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            # What is not known yet is told with the end of the message, which counts for all of it.
            "usage": usage_object(self._usage.but(output_tokens=0)),
        }
        return _event("message_start", {"type": "message_start", "message": message}) + _event("ping", {"type": "ping"})

    def _one(self, event: Event) -> bytes:
        match event:
            case Said() | Refusing():
                return self._block("text", _BEGIN_TEXT) + self._prefix + _json(event.text) + _TEXT_STOP
            case Reasoned():
                return self._block("thinking", _BEGIN_THOUGHT) + self._delta(
                    {"type": "thinking_delta", "thinking": event.text}
                )
            case Signed():
                return self._sign(event)
            case Called():
                extra = {key: value for key, value in event.extra.items() if key != "type"}
                begin: dict[str, Any] = {**extra, "type": "tool_use", "id": event.id, "name": event.name, "input": {}}
                return self._close() + self._block("tool_use", begin)
            case CallArgs():
                return self._delta({"type": "input_json_delta", "partial_json": event.text})
            case Sounded():
                # There is no sound in this shape; what was said is told as text.
                return self._one(Said(text=event.transcript)) if event.transcript else b""
            case Finished():
                self._reason, self._stop = event.reason, event.stop
                cited = locations_of(event.citations) if self._open == "text" else ()
                deltas = [self._delta({"type": "citations_delta", "citation": each}) for each in cited]
                return b"".join(deltas) + self._close()
            case Started() | Used() | Embedded() | Likely():
                return b""
            case _:
                assert_never(event)

    def _sign(self, event: Signed) -> bytes:
        if event.hidden:
            block = {"type": "redacted_thinking", "data": event.hidden}
            return self._close() + self._block("redacted_thinking", block) + self._close()
        out = self._block("thinking", _BEGIN_THOUGHT) + self._delta(
            {"type": "signature_delta", "signature": event.signature}
        )
        return out + self._close()

    def _block(self, kind: str, begin: dict[str, Any]) -> bytes:
        """Open a block, unless one of its kind is open."""
        if self._open == kind:
            return b""
        out = self._close()
        self._open = kind
        if kind == "text":
            self._prefix = (
                b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,'
                b'"delta":{"type":"text_delta","text":' % self._number
            )
        started = {"type": "content_block_start", "index": self._number, "content_block": begin}
        return out + _event("content_block_start", started)

    def _delta(self, delta: dict[str, Any]) -> bytes:
        return _event("content_block_delta", {"type": "content_block_delta", "index": self._number, "delta": delta})

    def _close(self) -> bytes:
        if not self._open:
            return b""
        self._open = ""
        number = self._number
        self._number += 1
        return _event("content_block_stop", {"type": "content_block_stop", "index": number})


def blocks_of(choice: Choice) -> list[dict[str, Any]]:
    """Return the content blocks of a choice."""
    blocks: list[dict[str, Any]] = []
    for part in choice.message.parts:
        match part:
            case Text() | Declined():
                blocks.append({"type": "text", "text": part.text})
            case Thought():
                if part.text or part.signature:
                    blocks.append({"type": "thinking", "thinking": part.text, "signature": part.signature})
                if part.hidden:
                    blocks.append({"type": "redacted_thinking", "data": part.hidden})
            case ToolCall():
                extra = {key: value for key, value in part.extra.items() if key != "type"}
                given = input_of(part.arguments)
                blocks.append({**extra, "type": "tool_use", "id": part.id, "name": part.name, "input": given})
            case Audio():
                blocks.append({"type": "text", "text": part.transcript})
            case _:
                raise ValueError(f"a model does not answer with a part of type {type(part).__name__}")
    if choice.citations:
        said = [block for block in blocks if block["type"] == "text"]
        if said:
            said[-1]["citations"] = locations_of(choice.citations)
    return blocks


def input_of(arguments: str) -> dict[str, Any]:
    """Return arguments as the object that this shape wants; text that is none is kept under `INVALID_JSON`.

    The name is the one that Anthropic's guide to fine-grained tool streaming gives.
    """
    if not arguments.strip():
        return {}
    try:
        found = msgspec.json.decode(arguments)
    except (msgspec.DecodeError, RecursionError):
        return {"INVALID_JSON": arguments}
    return found if type(found) is dict else {"INVALID_JSON": arguments}


def usage_object(usage: Usage) -> dict[str, Any]:
    """Return a usage in Anthropic's words, whose input tokens leave out those that a cache read or wrote."""
    return {
        "input_tokens": max(usage.input_tokens - usage.cache_read_tokens - usage.cache_write_tokens, 0),
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cache_read_tokens,
        "output_tokens": usage.output_tokens,
    }


def _reason(reason: str, stop: str) -> str:
    if stop and reason == "stop":
        return "stop_sequence"
    return _REASONS.get(reason, "end_turn")


def _event(kind: str, data: dict[str, Any]) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + _json(data) + b"\n\n"

"""What Anthropic answers → events, streamed or whole."""

from collections.abc import Sequence
from typing import Any

import msgspec

from rowen.provider.content import arguments_text
from rowen.provider.faults import complained, judged
from rowen.values import (
    CallArgs,
    Called,
    Event,
    Finished,
    Reasoned,
    Said,
    Signed,
    Started,
    Unavailable,
    Usage,
    Used,
)

_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "refusal",
    "pause_turn": "pause",
}
_KNOWN = frozenset({"id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage", "stop_details"})


class _Details(msgspec.Struct):
    thinking_tokens: int | None = None


class _Usage(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    output_tokens_details: _Details | None = None


class _Delta(msgspec.Struct):
    type: str = ""
    text: str = ""
    partial_json: str = ""
    thinking: str = ""
    signature: str = ""
    citation: Any = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: Any = None


class _Message(msgspec.Struct):
    id: str = ""
    model: str = ""
    content: list[dict[str, Any]] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: Any = None
    usage: _Usage | None = None


class _Event(msgspec.Struct):
    type: str
    index: int = 0
    delta: _Delta | None = None
    content_block: dict[str, Any] | None = None
    message: dict[str, Any] | None = None
    usage: _Usage | None = None
    error: Any = None


_EVENT = msgspec.json.Decoder(_Event)
_FIELDS = msgspec.json.Decoder(dict[str, Any])


class Reader:
    """Reads one answer.

    Args:
        dropped: names of fields that were left out of the request, to be told in `Started`.
        answer_tool: the tool whose input is the answer itself; empty where there is none.

    """

    __slots__ = (
        "_answer_tool",
        "_answered",
        "_beside",
        "_calls",
        "_citations",
        "_dropped",
        "_kinds",
        "_usage",
        "_wrote",
        "done",
        "finished",
    )

    def __init__(self, *, dropped: tuple[str, ...] = (), answer_tool: str = "") -> None:
        self.done = False
        self.finished = False
        self._dropped = dropped
        self._answer_tool = answer_tool
        self._answered = False
        self._usage = _Usage()
        self._kinds: dict[int, str] = {}  # of the blocks by their index: text, thinking, answer, call or other
        self._calls: dict[int, int] = {}  # block index → number of the call
        self._wrote: set[int] = set()  # blocks whose arguments have begun
        self._beside: list[dict[str, Any]] = []
        self._citations: list[Any] = []

    def feed(self, _: str, data: bytes) -> Sequence[Event]:
        try:
            return self._event(_EVENT.decode(data))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            message = "The provider's stream has an event that is not of its own format."
            raise Unavailable("upstream_garbage", message) from error

    def whole(self, body: bytes) -> Sequence[Event]:
        try:
            fields = _FIELDS.decode(body)
            if fields.get("type") == "error":
                raise judged(complained(fields))
            message = msgspec.convert(fields, _Message)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unavailable("upstream_garbage", "The provider's answer is not of its own format.") from error
        if message.content is None:
            raise Unavailable("upstream_garbage", "The provider's answer has no content.")
        events = list(self._start(fields))
        for index, block in enumerate(message.content):
            events.extend(self._block(index, block))
            events.extend(self._stop(index))
        end = _Delta(
            stop_reason=message.stop_reason, stop_sequence=message.stop_sequence, stop_details=message.stop_details
        )
        events.extend(self._end_of_turn(end, None))
        self.done = True
        return [*events, *self.end()]

    def end(self) -> Sequence[Event]:
        if not self.finished:
            raise Unavailable("upstream_cut", "The provider's stream ended before the answer did.")
        if self._answered:
            return ()
        self._answered = True
        return (Used(usage=_usage(self._usage)),)

    def _event(self, event: _Event) -> Sequence[Event]:
        match event.type:
            case "content_block_delta":
                return self._delta(event.index, event.delta or _Delta())
            case "content_block_start":
                return self._block(event.index, event.content_block or {})
            case "content_block_stop":
                return self._stop(event.index)
            case "message_start":
                return self._start(event.message or {})
            case "message_delta":
                return self._end_of_turn(event.delta or _Delta(), event.usage)
            case "message_stop":
                self.done = True
                return self.end()
            case "error":
                raise judged(complained(event.error))
            case _:  # `ping`, and kinds to come, which the reference asks clients to pass over
                return ()

    def _start(self, fields: dict[str, Any]) -> Sequence[Event]:
        message = msgspec.convert(fields, _Message)
        self._take(message.usage or _Usage())
        extra = {name: value for name, value in fields.items() if name not in _KNOWN and value is not None}
        if self._dropped:
            extra["rowen_dropped"] = list(self._dropped)
        return (Started(id=message.id, model=message.model, extra=extra),)

    def _block(self, index: int, block: dict[str, Any]) -> Sequence[Event]:
        kind = block.get("type")
        events: list[Event] = []
        match kind:
            case "text":
                self._kinds[index] = "text"
                self._citations.extend(block.get("citations") or ())
                if block.get("text"):
                    events.append(Said(text=block["text"]))
            case "thinking":
                self._kinds[index] = "thinking"
                if block.get("thinking"):
                    events.append(Reasoned(text=block["thinking"]))
                if block.get("signature"):
                    events.append(Signed(signature=block["signature"]))
            case "redacted_thinking":
                self._kinds[index] = "thinking"
                events.append(Signed(hidden=block.get("data", "")))
            case "tool_use" if self._answer_tool and block.get("name") == self._answer_tool:
                self._kinds[index] = "answer"
                if block.get("input"):
                    events.append(Said(text=arguments_text(block["input"])))
                    self._wrote.add(index)
            case "tool_use":
                self._kinds[index] = "call"
                number = self._calls[index] = len(self._calls)
                events.append(Called(index=number, id=block.get("id", ""), name=block.get("name", "")))
                if block.get("input"):
                    events.append(CallArgs(index=number, text=arguments_text(block["input"])))
                    self._wrote.add(index)
            case _:  # what the vendor's own tools did; kept for callers who know it
                self._kinds[index] = "other"
                self._beside.append(block)
        return events

    def _delta(self, index: int, delta: _Delta) -> Sequence[Event]:
        match delta.type:
            case "text_delta":
                return (Said(text=delta.text),) if delta.text else ()
            case "input_json_delta" if delta.partial_json:
                self._wrote.add(index)
                if index in self._calls:
                    return (CallArgs(index=self._calls[index], text=delta.partial_json),)
                return (Said(text=delta.partial_json),) if self._kinds.get(index) == "answer" else ()
            case "thinking_delta":
                return (Reasoned(text=delta.thinking),) if delta.thinking else ()
            case "signature_delta":
                return (Signed(signature=delta.signature),)
            case "citations_delta":
                self._citations.append(delta.citation)
        return ()

    def _stop(self, index: int) -> Sequence[Event]:
        if index in self._wrote:
            return ()
        if index in self._calls:
            return (CallArgs(index=self._calls[index], text="{}"),)
        return (Said(text="{}"),) if self._kinds.get(index) == "answer" else ()

    def _end_of_turn(self, delta: _Delta, usage: _Usage | None) -> Sequence[Event]:
        if usage is not None:
            self._take(usage)
        if delta.stop_reason is None or self.finished:
            return ()
        self.finished = True
        reason = _REASONS.get(delta.stop_reason, "stop")
        if reason == "tool_calls" and not self._calls:
            reason = "stop"  # the only call was the answer itself
        extra: dict[str, Any] = {}
        if delta.stop_reason not in _REASONS:
            extra["stop_reason"] = delta.stop_reason
        if delta.stop_details is not None:
            extra["stop_details"] = delta.stop_details
        if self._citations:
            extra["citations"] = self._citations
        if self._beside:
            extra["content_blocks"] = self._beside
        return (Finished(reason=reason, stop=delta.stop_sequence or "", extra=extra),)

    def _take(self, usage: _Usage) -> None:
        """Keep the newest count of each kind: the last ones are of the whole answer."""
        for name in _Usage.__struct_fields__:
            value = getattr(usage, name)
            if value is not None:
                setattr(self._usage, name, value)


def _usage(usage: _Usage) -> Usage:
    """Anthropic's `input_tokens` leave the cached ones out; ours hold them."""
    read, written = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
    details = usage.output_tokens_details
    return Usage(
        input_tokens=(usage.input_tokens or 0) + read + written,
        output_tokens=usage.output_tokens or 0,
        cache_read_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=(details.thinking_tokens or 0) if details else 0,
    )

"""What ConverseStream answers → events. Converse's whole answers are read too."""

from collections.abc import Sequence
from typing import Any

import msgspec

from rowen.provider.bedrock.profile import SIGNATURE
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
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "malformed_model_output": "error",
    "malformed_tool_use": "error",
}
_GARBAGE = "The provider's stream has an event that is not of its own format."


class _Wire(msgspec.Struct, rename="camel"):
    """The base of all shapes here: Converse writes its fields in camel case."""


class _ToolUse(_Wire):
    tool_use_id: str = ""
    name: str = ""
    input: Any = None


class _ReasoningText(_Wire):
    text: str = ""
    signature: str = ""


class _Reasoning(_Wire):
    text: str = ""
    signature: str = ""
    redacted_content: str = ""
    reasoning_text: _ReasoningText | None = None


class _Piece(_Wire):
    text: str = ""
    tool_use: _ToolUse | None = None
    reasoning_content: _Reasoning | None = None
    citation: Any = None


class _Event(_Wire):
    content_block_index: int = 0
    start: _Piece | None = None
    delta: _Piece | None = None
    stop_reason: str = ""
    additional_model_response_fields: Any = None


class _Usage(_Wire):
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_write_input_tokens: int = 0


class _Metadata(_Wire):
    usage: _Usage | None = None


class _Message(_Wire):
    content: list[_Piece] = []


class _Output(_Wire):
    message: _Message | None = None


class _Whole(_Wire):
    output: _Output
    stop_reason: str = ""
    usage: _Usage | None = None
    additional_model_response_fields: Any = None


_EVENT = msgspec.json.Decoder(_Event)
_METADATA = msgspec.json.Decoder(_Metadata)
_WHOLE = msgspec.json.Decoder(_Whole)


class Reader:
    """Reads one answer. The wire tells neither an id nor a model: the model is the one asked for."""

    __slots__ = ("_calls", "_citations", "_dropped", "_model", "_usage", "_wrote", "done", "finished")

    def __init__(self, model: str, dropped: tuple[str, ...] = ()) -> None:
        self.done = False
        self.finished = False
        self._model = model
        self._dropped = dropped
        self._calls: dict[int, int] = {}  # block index → number of the call
        self._wrote: set[int] = set()
        self._citations: list[Any] = []
        self._usage: _Usage | None = None

    def feed(self, name: str, data: bytes) -> Sequence[Event]:
        if name[:1] == "!":
            raise self._trouble(name[1:], data)
        try:
            if name == "metadata":
                self._usage = _METADATA.decode(data).usage
                self.done = self.finished
                return self.end() if self.done else ()
            event = _EVENT.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unavailable("upstream_garbage", _GARBAGE) from error
        match name:
            case "contentBlockDelta":
                return self._piece(event.content_block_index, event.delta or _Piece())
            case "contentBlockStart":
                return self._piece(event.content_block_index, event.start or _Piece())
            case "contentBlockStop":
                return self._stop(event.content_block_index)
            case "messageStart":
                return (self._started(),)
            case "messageStop":
                return self._finish(event.stop_reason, event.additional_model_response_fields)
            case _:
                return ()

    def whole(self, body: bytes) -> Sequence[Event]:
        try:
            answer = _WHOLE.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unavailable("upstream_garbage", "The provider's answer is not of its own format.") from error
        events: list[Event] = [self._started()]
        for index, piece in enumerate(answer.output.message.content if answer.output.message else ()):
            events.extend(self._piece(index, piece))
            events.extend(self._stop(index))
        events.extend(self._finish(answer.stop_reason, answer.additional_model_response_fields))
        self._usage = answer.usage
        return [*events, *self.end()]

    def end(self) -> Sequence[Event]:
        if not self.finished:
            raise Unavailable("upstream_cut", "The provider's stream ended before the answer did.")
        usage, self._usage = self._usage, None
        return () if usage is None else (Used(usage=_usage(usage)),)

    def _started(self) -> Started:
        extra = {"rowen_dropped": list(self._dropped)} if self._dropped else {}
        return Started(model=self._model, extra=extra)

    def _piece(self, index: int, piece: _Piece) -> Sequence[Event]:
        if piece.text:
            return (Said(text=piece.text),)
        if piece.tool_use is not None:
            return self._call(index, piece.tool_use)
        thought = piece.reasoning_content
        if thought is not None:
            return self._thought(thought)
        if piece.citation is not None:
            self._citations.append(piece.citation)
        return ()

    def _call(self, index: int, call: _ToolUse) -> Sequence[Event]:
        events: list[Event] = []
        if index not in self._calls:
            number = self._calls[index] = len(self._calls)
            events.append(Called(index=number, id=call.tool_use_id, name=call.name))
        text = call.input if isinstance(call.input, str) else arguments_text(call.input) if call.input else ""
        if text:
            self._wrote.add(index)
            events.append(CallArgs(index=self._calls[index], text=text))
        return events

    def _thought(self, thought: _Reasoning) -> Sequence[Event]:
        whole = thought.reasoning_text or _ReasoningText(text=thought.text, signature=thought.signature)
        events: list[Event] = []
        if whole.text:
            events.append(Reasoned(text=whole.text))
        if whole.signature:
            events.append(Signed(signature=SIGNATURE + whole.signature))
        if thought.redacted_content:
            events.append(Signed(hidden=SIGNATURE + thought.redacted_content))
        return events

    def _stop(self, index: int) -> Sequence[Event]:
        if index in self._calls and index not in self._wrote:
            return (CallArgs(index=self._calls[index], text="{}"),)
        return ()

    def _finish(self, given: str, fields: Any) -> Sequence[Event]:
        if not given:
            return ()
        self.finished = True
        extra: dict[str, Any] = {}
        if given not in {"end_turn", "max_tokens", "tool_use", "stop_sequence"}:
            extra["stop_reason"] = given
        if fields:
            extra["additional_model_response_fields"] = fields
        if self._citations:
            extra["citations"] = self._citations
        stop = fields.get("stop_sequence") if isinstance(fields, dict) else None
        reason = _REASONS.get(given, "stop")
        return (Finished(reason=reason, stop=stop if isinstance(stop, str) else "", extra=extra),)

    def _trouble(self, name: str, data: bytes) -> Exception:
        try:
            said = complained(msgspec.json.decode(data))
        except (msgspec.DecodeError, UnicodeDecodeError):
            said = complained({})
        return judged(said._replace(kind=f"{said.kind} {name}"))


def _usage(usage: _Usage) -> Usage:
    """Converse's `inputTokens` leave the cached ones out; ours hold them."""
    read, written = usage.cache_read_input_tokens, usage.cache_write_input_tokens
    return Usage(
        input_tokens=usage.input_tokens + read + written,
        output_tokens=usage.output_tokens,
        cache_read_tokens=read,
        cache_write_tokens=written,
    )

"""What an OpenAI-compatible service answers → events, streamed or whole."""

import base64
import struct
from collections.abc import Sequence
from typing import Any

import msgspec

from rowen.provider.faults import complained, judged
from rowen.provider.openai.plain import plain
from rowen.values import (
    CallArgs,
    Called,
    Embedded,
    Event,
    Finished,
    Likely,
    Reasoned,
    Refusing,
    Said,
    Sounded,
    Started,
    Unavailable,
    Usage,
    Used,
)

_REASONS = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "function_call": "tool_calls",
    "eos": "stop",
    "model_length": "length",
    "max_tokens": "length",
    "error": "error",
    "insufficient_system_resource": "error",
}
_KNOWN = frozenset({"id", "object", "created", "model", "choices", "usage", "obfuscation", "data"})
_KNOWN_OF_CHOICE = frozenset({"index", "delta", "message", "finish_reason", "logprobs"})


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class _Custom(msgspec.Struct):
    name: str | None = None
    input: str | None = None


class _Call(msgspec.Struct):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None
    custom: _Custom | None = None
    extra_content: Any = None


class _Audio(msgspec.Struct):
    id: str | None = None
    data: str | None = None
    transcript: str | None = None
    expires_at: int | None = None


class _Delta(msgspec.Struct):
    content: str | list[dict[str, Any]] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[_Call] | None = None
    audio: _Audio | None = None
    annotations: list[dict[str, Any]] | None = None


class _Logprobs(msgspec.Struct):
    content: list[dict[str, Any]] | None = None
    refusal: list[dict[str, Any]] | None = None


class _Choice(msgspec.Struct):
    index: int = 0
    delta: _Delta | None = None
    message: _Delta | None = None
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class _PromptDetails(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    audio_tokens: int | None = None


class _AnswerDetails(msgspec.Struct):
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _AnswerDetails | None = None
    prompt_cache_hit_tokens: int | None = None
    cached_tokens: int | None = None


class _Groq(msgspec.Struct):
    usage: _Usage | None = None
    error: Any = None


class _Chunk(msgspec.Struct):
    id: str | None = None
    object: str | None = None
    model: str | None = None
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    x_groq: _Groq | None = None
    error: Any = None


class _Vector(msgspec.Struct):
    embedding: tuple[float, ...] | str
    index: int = 0


class _Vectors(msgspec.Struct):
    data: list[_Vector]
    id: str | None = None
    model: str | None = None
    usage: _Usage | None = None


_CHUNK = msgspec.json.Decoder(_Chunk)
_TEXT = msgspec.json.Decoder(str)
_TEXT_OF = msgspec.json.Encoder()
_VECTORS = msgspec.json.Decoder(_Vectors)
_FIELDS = msgspec.json.Decoder(dict[str, Any])


_LESSONS = 3  # chunks of one answer that are looked at for what surrounds their text; some services pad each otherwise


class Reader:
    """Reads one answer of chat completions."""

    __slots__ = (
        "_after",
        "_annotations",
        "_before",
        "_calls",
        "_early",
        "_finished",
        "_id",
        "_lessons",
        "_number",
        "_seen",
        "_usage",
        "_used",
        "done",
        "dropped",
    )

    def __init__(self) -> None:
        self.dropped: tuple[str, ...] = ()
        """Names of fields that were left out of the request, to be told in `Started`."""
        self.done = False
        self._id: str | None = None
        self._early: dict[str, Any] = {}
        self._seen: tuple[int, ...] = ()  # nearly always one: a set takes 200 bytes of every stream
        self._finished: tuple[int, ...] = ()
        self._calls: dict[int, _Calls] = {}
        self._annotations: dict[int, list[dict[str, Any]]] = {}
        self._usage: _Usage | None = None
        self._used = False
        # What surrounds the text in a chunk that holds nothing else: nearly always the same in all chunks of an answer.
        self._before = b""
        self._after = b""
        self._number = 0
        self._lessons = _LESSONS

    @property
    def finished(self) -> bool:
        return bool(self._finished) and len(self._seen) == len(self._finished)

    def feed(self, _: str, data: bytes) -> Sequence[Event]:
        before = self._before
        if before and data.startswith(before) and data.endswith(self._after):
            try:
                text = _TEXT.decode(data[len(before) : -len(self._after)])
            except (msgspec.DecodeError, UnicodeDecodeError):
                text = ""  # read with everything around it, it may mean something else
            if text:
                return (Said(text=text, choice=self._number),)
        if data == b"[DONE]":
            self.done = True
            return self.end()
        try:
            chunk = _CHUNK.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            message = "The provider's stream has an event that is not of its own format."
            raise Unavailable("upstream_garbage", message) from error
        choices = chunk.choices
        if self._id is not None and choices is not None and len(choices) == 1 and chunk.usage is None:
            choice = choices[0]
            delta = choice.delta
            # Nine events of ten are a piece of text and nothing else.
            if (
                delta is not None
                and type(delta.content) is str
                and delta.content
                and choice.finish_reason is None
                and choice.index in self._seen
                and choice.logprobs is None
                and delta.tool_calls is None
                and not delta.reasoning_content
                and not delta.reasoning
                and not delta.refusal
                and delta.annotations is None
                and delta.audio is None
                and chunk.error is None
            ):
                if self._lessons:
                    self._learn(data, chunk, delta.content, choice.index)
                return (Said(text=delta.content, choice=choice.index),)
        return self._chunk(chunk, data)

    def whole(self, body: bytes) -> Sequence[Event]:
        if not self.dropped and (usual := plain(body)):
            return usual
        try:
            answer = _CHUNK.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            message = "The provider's answer is not of its own format."
            raise Unavailable("upstream_garbage", message) from error
        if answer.error is None and not answer.choices:
            raise Unavailable("upstream_garbage", "The provider's answer holds no choices.")
        events = self._chunk(answer, body)
        if not self.finished:
            raise Unavailable("upstream_cut", "The provider's answer has no finish reason.")
        return [*events, *self.end()]

    def end(self) -> Sequence[Event]:
        if not self.finished:
            raise Unavailable("upstream_cut", "The provider's stream ended before the answer did.")
        if self._usage is None or self._used:
            return ()
        self._used = True
        return (Used(usage=_usage(self._usage)),)

    def _learn(self, data: bytes, chunk: _Chunk, text: str, number: int) -> None:
        """Take a chunk of nothing but text as the pattern of the next ones, once it is proven to be one."""
        self._lessons -= 1
        head, mark, rest = data.partition(b'"content":')
        text_json = _TEXT_OF.encode(text)
        tail = rest.lstrip(b" ")
        if not tail.startswith(text_json):
            return  # written with other escapes
        after = tail[len(text_json) :]
        try:
            other = _CHUNK.decode(b'%b%b"\\u0000%b' % (head, mark, text_json[1:] + after))
        except (msgspec.DecodeError, UnicodeDecodeError):
            return
        delta = other.choices[0].delta if other.choices else None
        if delta is None or delta.content != "\0" + text:
            return  # that was not the place of the text
        delta.content = text
        if other == chunk:
            self._before, self._after, self._number = head + mark, after, number

    def _chunk(self, chunk: _Chunk, data: bytes) -> list[Event]:
        trouble = chunk.error or (chunk.x_groq and chunk.x_groq.error)
        if trouble or chunk.object == "error":
            raise judged(complained(trouble or _FIELDS.decode(data)))
        events: list[Event] = []
        fields: dict[str, Any] | None = None
        self._usage = chunk.usage or (chunk.x_groq and chunk.x_groq.usage) or self._usage
        if self._id is None:
            fields = _FIELDS.decode(data)
            self._early |= {name: value for name, value in fields.items() if name not in _KNOWN}
            if not chunk.choices:  # Azure sends the verdict on the prompt first, with no id yet
                return events
            self._id = chunk.id or ""
            extra = {**self._early, "rowen_dropped": list(self.dropped)} if self.dropped else self._early
            events.append(Started(id=self._id, model=chunk.model or "", extra=extra))
        for place, choice in enumerate(chunk.choices or ()):
            number = choice.index
            if number not in self._seen:
                self._seen += (number,)
            if choice.delta is not None or choice.message is not None:
                whole = choice.delta is None
                self._delta(choice.delta or choice.message or _Delta(), number, events, whole=whole)
            if choice.logprobs is not None:
                tokens = (*(choice.logprobs.content or ()), *(choice.logprobs.refusal or ()))
                if tokens:
                    events.append(Likely(tokens=tokens, choice=number))
            if choice.finish_reason is not None and number not in self._finished:
                self._finished += (number,)
                fields = _FIELDS.decode(data) if fields is None else fields
                events.append(self._finish(choice, number, place, fields))
        return events

    def _delta(self, delta: _Delta, number: int, events: list[Event], *, whole: bool) -> None:
        if thought := delta.reasoning_content or delta.reasoning:
            events.append(Reasoned(text=thought, choice=number))
        content = delta.content
        if isinstance(content, str):
            if content:
                events.append(Said(text=content, choice=number))
        elif content:
            events.extend(_blocks(content, number))
        if delta.refusal:
            events.append(Refusing(text=delta.refusal, choice=number))
        if delta.tool_calls:
            calls = self._calls.setdefault(number, _Calls(number))
            for call in delta.tool_calls:
                calls.add(call, events, self._id or "", whole=whole)
        if delta.audio is not None:
            sound = delta.audio
            events.append(
                Sounded(
                    id=sound.id or "",
                    data=sound.data or "",
                    transcript=sound.transcript or "",
                    expires_at=sound.expires_at,
                    choice=number,
                )
            )
        if delta.annotations:
            self._annotations.setdefault(number, []).extend(delta.annotations)

    def _finish(self, choice: _Choice, number: int, place: int, fields: dict[str, Any]) -> Finished:
        given = choice.finish_reason or ""
        reason = _REASONS.get(given, "stop")
        if reason == "stop" and number in self._calls:
            reason = "tool_calls"  # some services say `stop` after a call, which an agent would take for the end
        extra = {k: v for k, v in fields["choices"][place].items() if k not in _KNOWN_OF_CHOICE and v is not None}
        extra |= {k: v for k, v in fields.items() if k not in _KNOWN and self._early.get(k) != v and v is not None}
        if given not in _REASONS:
            extra["finish_reason"] = given
        if number in self._annotations:
            extra["annotations"] = self._annotations[number]
        stop = extra.get("stop_reason")
        return Finished(reason=reason, choice=number, stop=stop if isinstance(stop, str) else "", extra=extra)


class _Calls:
    """The tool calls of one choice: the service's numbering, where it has one, to ours."""

    __slots__ = ("_at", "_choice", "_ids")

    def __init__(self, choice: int) -> None:
        self._choice = choice
        self._at: dict[int, int] = {}
        self._ids: list[str] = []

    def add(self, call: _Call, events: list[Event], answer: str, *, whole: bool) -> None:
        number = self._number(call, whole=whole)
        if number == len(self._ids):
            self._ids.append(call.id or f"call_{answer}_{self._choice}_{number}")
            name = (call.function and call.function.name) or (call.custom and call.custom.name) or ""
            extra: dict[str, Any] = {"type": "custom"} if call.custom else {}
            if call.extra_content is not None:
                extra["extra_content"] = call.extra_content
            events.append(Called(index=number, id=self._ids[number], name=name, choice=self._choice, extra=extra))
        text = (call.function and call.function.arguments) or (call.custom and call.custom.input)
        if text:
            if not isinstance(text, str):
                text = msgspec.json.encode(text).decode()
            events.append(CallArgs(index=number, text=text, choice=self._choice))

    def _number(self, call: _Call, *, whole: bool) -> int:
        fresh = len(self._ids)
        if call.index is None:
            if whole or not self._ids or (call.id and call.id != self._ids[-1]):
                return fresh
            return fresh - 1
        known = self._at.get(call.index)
        # Some services give every call of a parallel set the same index; the id tells them apart.
        if known is None or (call.id and call.id != self._ids[known] and call.function and call.function.name):
            self._at[call.index] = fresh
            return fresh
        return known


class EmbeddingsReader:
    """Reads one answer of embeddings."""

    __slots__ = ("done", "dropped", "finished")

    def __init__(self) -> None:
        self.dropped: tuple[str, ...] = ()
        self.done = False
        self.finished = False

    def feed(self, _: str, __: bytes) -> Sequence[Event]:
        raise Unavailable("upstream_garbage", "The provider answered an embeddings request with a stream.")

    def end(self) -> Sequence[Event]:
        return ()

    def whole(self, body: bytes) -> Sequence[Event]:
        try:
            answer = _VECTORS.decode(body)
            vectors = tuple(_floats(item.embedding) for item in sorted(answer.data, key=lambda item: item.index))
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError, struct.error) as error:
            raise Unavailable("upstream_garbage", "The provider's embeddings are not of its own format.") from error
        extra = {"rowen_dropped": list(self.dropped)} if self.dropped else {}
        events: list[Event] = [Started(id=answer.id or "", model=answer.model or "", extra=extra)]
        events.append(Embedded(vectors=vectors))
        if answer.usage is not None:
            events.append(Used(usage=_usage(answer.usage)))
        return events


def _floats(vector: tuple[float, ...] | str) -> tuple[float, ...]:
    if not isinstance(vector, str):
        return vector
    packed = base64.b64decode(vector)
    return struct.unpack(f"<{len(packed) // 4}f", packed)


def _blocks(blocks: list[dict[str, Any]], number: int) -> list[Event]:
    """Content in blocks, as Mistral's reasoning models send it."""
    events: list[Event] = []
    for block in blocks:
        match block:
            case {"type": "text", "text": str(text)} if text:
                events.append(Said(text=text, choice=number))
            case {"type": "thinking", "thinking": list(inner)}:
                text = "".join(item.get("text", "") for item in inner if isinstance(item, dict))
                if text:
                    events.append(Reasoned(text=text, choice=number))
            case _:
                pass
    return events


def _usage(usage: _Usage) -> Usage:
    prompt = usage.prompt_tokens_details or _PromptDetails()
    answer = usage.completion_tokens_details or _AnswerDetails()
    return Usage(
        input_tokens=usage.prompt_tokens or 0,
        output_tokens=usage.completion_tokens or 0,
        cache_read_tokens=prompt.cached_tokens or usage.prompt_cache_hit_tokens or usage.cached_tokens or 0,
        cache_write_tokens=prompt.cache_write_tokens or 0,
        reasoning_tokens=answer.reasoning_tokens or 0,
        input_audio_tokens=prompt.audio_tokens or 0,
        output_audio_tokens=answer.audio_tokens or 0,
    )

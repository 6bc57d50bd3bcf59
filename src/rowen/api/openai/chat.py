"""`POST /v1/chat/completions`: the answer written in OpenAI's chat shape."""

from typing import Any, assert_never

import msgspec

from rowen.api.citation import annotations_of
from rowen.api.door import Asked, ModelDoor
from rowen.api.envelope import Inbound
from rowen.api.openai import errors
from rowen.api.parse.openai_chat import request_of, usage_asked
from rowen.api.parse.openai_plain import plain
from rowen.api.reply import OURS, usage_of
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
    Request,
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

_DONE = b"data: [DONE]\n\n"
_CONTENT = b'{"content":'
_REASONS = {"refusal": "content_filter", "pause": "stop"}
"""Our reasons for an end that OpenAI has another word for."""


class ChatDoor(ModelDoor):
    """Chat completions, whole or streamed."""

    shape = "openai.chat"
    errors = errors

    def plain(self, body: bytes, inbound: Inbound) -> Asked | None:
        """Return the request of the usual body, and a writer of chunks."""
        found = plain(body)
        return None if found is None else _asked(found.request, inbound, tells_usage=found.tells_usage)

    async def read(self, body: dict[str, Any], inbound: Inbound) -> Asked:
        """Return the request, and a writer of chunks."""
        return _asked(request_of(body), inbound, tells_usage=usage_asked(body))


def _asked(request: Request, inbound: Inbound, *, tells_usage: bool) -> Asked:
    created = inbound.started_ns // 1_000_000_000
    return Asked(request, ChatWriter(inbound.trace, created, request.model, tells_usage=tells_usage))


class ChatWriter:
    """Writes chunks, or the whole completion."""

    __slots__ = ("_called", "_created", "_extra", "_id", "_model", "_open", "_tail", "_tells", "_trace")

    def __init__(self, trace: str, created: int, model: str, *, tells_usage: bool) -> None:
        self._trace = trace
        self._created = created
        self._id = f"chatcmpl-{trace}"
        self._model = model
        self._extra: dict[str, Any] = {}
        self._tells = tells_usage
        # With usage asked for, every chunk before the last says that it has none.
        self._tail = b'}],"usage":null}\n\n' if tells_usage else b"}]}\n\n"
        self._open: dict[int, tuple[bytes, bytes]] = {}
        self._called: dict[tuple[int, int], bool] = {}

    def event(self, event: Event) -> bytes:
        """Return the chunks of one event."""
        if type(event) is Said:  # nine events of ten are this one
            opened = self._open.get(event.choice)
            if opened is not None:
                return opened[0] + _json(event.text) + opened[1]
            return self._opened(event.choice) + self._delta(event.choice, b'{"content":' + _json(event.text) + b"}")
        match event:
            case Started():
                self._id = event.id or self._id
                self._model = event.model or self._model
                self._extra = _shown(event.extra)
                return b""
            case Used() | Embedded():
                return b""
            case Said():  # handled above
                return b""
            case _:
                begun = b"" if event.choice in self._open else self._opened(event.choice)
                return begun + self._more(event)

    async def end(self, call: Call) -> bytes:
        """Return the usage, when it was asked for, and the mark of the end."""
        if not self._tells:
            return _DONE
        return self._head() + b'"choices":[],"usage":' + usage_json(usage_of(call)) + b"}\n\n" + _DONE

    def fail(self, problem: Problem) -> bytes:
        """Return the error as an event."""
        return errors.in_stream(problem, self._trace)

    async def whole(self, call: Call) -> bytes:
        """Return the completion in one piece."""
        answer = call.answer
        assert answer is not None  # a walk that ends without a problem has one
        extra = _shown(answer.extra)
        return b'{%b"id":%b,"object":"chat.completion","created":%d,"model":%b,"choices":[%b],"usage":%b}' % (
            _json(extra)[1:-1] + b"," if extra else b"",
            _json(answer.id or self._id),
            self._created,
            _json(answer.model or self._model),
            b",".join([choice_json(index, choice) for index, choice in enumerate(answer.choices)]),
            usage_json(usage_of(call)),
        )

    def _more(self, event: Reasoned | Signed | Called | CallArgs | Sounded | Refusing | Likely | Finished) -> bytes:
        number = event.choice
        match event:
            case Reasoned():
                return self._delta(number, b'{"reasoning_content":' + _json(event.text) + b"}")
            case CallArgs():
                return self._args(event)
            case Called():
                custom = event.extra.get("type") == "custom"
                self._called[number, event.index] = custom
                return self._delta(
                    number, _json({"tool_calls": [{"index": event.index, **_begun(event, custom=custom)}]})
                )
            case Signed():
                return self._delta(number, _json({"reasoning_details": [_signed("", event.signature, event.hidden)]}))
            case Sounded():
                return self._delta(number, _json({"audio": _sound(event)}))
            case Refusing():
                return self._delta(number, _json({"refusal": event.text}))
            case Likely():
                return self._chunk(
                    number, b'{"content":""}', _json({"content": event.tokens, "refusal": None}), b"null"
                )
            case Finished():
                reason = _json(_REASONS.get(event.reason, event.reason) or "stop")
                extra = event.extra
                if "annotations" not in extra and not event.citations:
                    return self._chunk(number, b"{}", b"null", reason, extra)
                delta = _json({"annotations": annotations_of(event)})
                extra = {key: value for key, value in extra.items() if key != "annotations"}
                return self._chunk(number, delta, b"null", reason, extra)
            case _:
                assert_never(event)

    def _args(self, event: CallArgs) -> bytes:
        if self._called.get((event.choice, event.index)):
            return self._delta(
                event.choice, _json({"tool_calls": [{"index": event.index, "custom": {"input": event.text}}]})
            )
        return self._delta(
            event.choice,
            b'{"tool_calls":[{"index":%d,"function":{"arguments":%b}}]}' % (event.index, _json(event.text)),
        )

    def _head(self) -> bytes:
        """What every chunk begins with."""
        head: dict[str, Any] = {
            **self._extra,
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": self._model,
        }
        return b"data: " + _json(head)[:-1] + b","

    def _opened(self, number: int) -> bytes:
        """Prepare what the chunks of a choice have in common; return the first, which tells the role."""
        before = self._head() + b'"choices":[{"index":%d,"delta":' % number
        after = b',"logprobs":null,"finish_reason":null' + self._tail
        self._open[number] = (before + _CONTENT, b"}" + after)
        return before + b'{"role":"assistant","content":"","refusal":null}' + after

    def _delta(self, number: int, delta: bytes) -> bytes:
        opened = self._open[number]
        return opened[0].removesuffix(_CONTENT) + delta + opened[1][1:]

    def _chunk(
        self, number: int, delta: bytes, logprobs: bytes, reason: bytes, extra: dict[str, Any] | None = None
    ) -> bytes:
        more = b"," + _json(extra)[1:-1] if extra else b""
        return b'%b%b,"logprobs":%b,"finish_reason":%b%b%b' % (
            self._open[number][0].removesuffix(_CONTENT),
            delta,
            logprobs,
            reason,
            more,
            self._tail,
        )


def _shown(extra: dict[str, Any]) -> dict[str, Any]:
    """Return further fields of an answer without those that only headers tell."""
    return extra if OURS.isdisjoint(extra) else {key: value for key, value in extra.items() if key not in OURS}


def choice_json(index: int, choice: Choice) -> bytes:
    """Return a choice of a completion."""
    reason = _REASONS.get(choice.reason, choice.reason) or "stop"
    parts = choice.message.parts
    if (
        len(parts) == 1
        and type(only := parts[0]) is Text
        and not (only.extra or choice.extra or choice.citations or choice.logprobs)
    ):  # nearly always
        return (
            b'{"index":%d,"message":{"role":"assistant","content":%b,"refusal":null,"annotations":[]},'
            b'"logprobs":null,"finish_reason":%b}' % (index, _json(only.text), _json(reason))
        )
    return _json(
        {
            **{key: value for key, value in choice.extra.items() if key != "annotations"},
            "index": index,
            "message": message_object(choice),
            "logprobs": {"content": choice.logprobs, "refusal": None} if choice.logprobs else None,
            "finish_reason": reason,
        }
    )


def message_object(choice: Choice) -> dict[str, Any]:
    """Return the message of a choice."""
    texts: list[str] = []
    declined: list[str] = []
    thoughts: list[Thought] = []
    calls: list[dict[str, Any]] = []
    annotations: list[Any] = annotations_of(choice)
    message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None}
    for part in choice.message.parts:
        match part:
            case Text():
                texts.append(part.text)
                annotations.extend(part.extra.get("annotations", ()))
            case Declined():
                declined.append(part.text)
            case Thought():
                thoughts.append(part)
            case ToolCall():
                calls.append(_call(part))
            case Audio():
                message["audio"] = {
                    "id": part.id,
                    "data": part.data,
                    "expires_at": part.extra.get("expires_at", 0),
                    "transcript": part.transcript,
                }
            case _:
                raise ValueError(f"a model does not answer with a part of type {type(part).__name__}")
    if texts or not (calls or declined or "audio" in message):
        message["content"] = "".join(texts)
    if declined:
        message["refusal"] = "".join(declined)
    message["annotations"] = annotations
    if calls:
        message["tool_calls"] = calls
    if thoughts:
        message["reasoning_content"] = "".join(thought.text for thought in thoughts)
        if any(thought.signature or thought.hidden for thought in thoughts):
            message["reasoning_details"] = [_signed(one.text, one.signature, one.hidden) for one in thoughts]
    return message


_USAGE = (
    b'{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d,'
    b'"prompt_tokens_details":{"cached_tokens":%d,"cache_write_tokens":%d,"audio_tokens":%d},'
    b'"completion_tokens_details":{"reasoning_tokens":%d,"audio_tokens":%d,'
    b'"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}'
)


def usage_json(usage: Usage) -> bytes:
    """Return a usage in OpenAI's words. Like ours, its prompt tokens include the cached ones."""
    return _USAGE % (
        usage.input_tokens,
        usage.output_tokens,
        usage.total,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.input_audio_tokens,
        usage.reasoning_tokens,
        usage.output_audio_tokens,
    )


def _call(part: ToolCall) -> dict[str, Any]:
    extra = {key: value for key, value in part.extra.items() if key != "type"}
    if part.extra.get("type") == "custom":
        return {**extra, "id": part.id, "type": "custom", "custom": {"name": part.name, "input": part.arguments}}
    return {**extra, "id": part.id, "type": "function", "function": {"name": part.name, "arguments": part.arguments}}


def _begun(event: Called, *, custom: bool) -> dict[str, Any]:
    return _call(
        ToolCall(id=event.id, name=event.name, arguments="", extra={**event.extra, "type": "custom" if custom else ""})
    )


def _signed(text: str, signature: str, hidden: str) -> dict[str, Any]:
    """Reasoning with what the vendor needs to take it back, in the shape that OpenRouter made common."""
    if hidden:
        return {"type": "reasoning.encrypted", "data": hidden}
    found = {"type": "reasoning.text", "text": text} if text else {"type": "reasoning.text"}
    return {**found, "signature": signature} if signature else found


def _sound(event: Sounded) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if event.id:
        found["id"] = event.id
    if event.data:
        found["data"] = event.data
    if event.transcript:
        found["transcript"] = event.transcript
    if event.expires_at is not None:
        found["expires_at"] = event.expires_at
    return found

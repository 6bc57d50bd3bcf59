"""What Gemini answers → events, streamed or whole."""

from collections.abc import Sequence
from typing import Any

import msgspec

from rowen.provider.content import arguments_text
from rowen.provider.faults import complained, judged
from rowen.provider.gemini.profile import SIGNATURE
from rowen.values import (
    CallArgs,
    Called,
    Embedded,
    Event,
    Finished,
    Likely,
    Mistaken,
    Reasoned,
    Said,
    Signed,
    Sounded,
    Started,
    Unavailable,
    Usage,
    Used,
)

_REASONS = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "MALFORMED_FUNCTION_CALL": "error",
    "UNEXPECTED_TOOL_CALL": "error",
    "TOO_MANY_TOOL_CALLS": "error",
    "MALFORMED_RESPONSE": "error",
    "MISSING_THOUGHT_SIGNATURE": "error",
    "OTHER": "error",
} | dict.fromkeys(
    [
        "SAFETY",
        "RECITATION",
        "LANGUAGE",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
        "MODEL_ARMOR",
    ],
    "content_filter",
)
_KNOWN = frozenset({"candidates", "usageMetadata", "modelVersion", "responseId", "promptFeedback"})
_GARBAGE = "The provider's stream has an event that is not of its own format."


class _Wire(msgspec.Struct, rename="camel"):
    """The base of all shapes here: Gemini writes its fields in camel case."""


class _Function(_Wire):
    name: str = ""
    args: dict[str, Any] | None = None
    id: str | None = None


class _Blob(_Wire):
    mime_type: str = ""
    data: str = ""


class _Part(_Wire):
    text: str | None = None
    thought: bool = False
    thought_signature: str | None = None
    function_call: _Function | None = None
    inline_data: _Blob | None = None


class _Content(_Wire):
    parts: list[_Part] | None = None


class _Likelihood(_Wire):
    token: str = ""
    log_probability: float = 0.0


class _Top(_Wire):
    candidates: list[_Likelihood] = []


class _Logprobs(_Wire):
    chosen_candidates: list[_Likelihood] = []
    top_candidates: list[_Top] = []


class _Candidate(_Wire):
    content: _Content | None = None
    index: int = 0
    finish_reason: str | None = None
    finish_message: str | None = None
    safety_ratings: Any = None
    citation_metadata: Any = None
    grounding_metadata: Any = None
    logprobs_result: _Logprobs | None = None


class _Share(_Wire):
    modality: str = ""
    token_count: int = 0


class _Usage(_Wire):
    prompt_token_count: int = 0
    tool_use_prompt_token_count: int = 0
    candidates_token_count: int = 0
    thoughts_token_count: int = 0
    cached_content_token_count: int = 0
    prompt_tokens_details: list[_Share] = []
    candidates_tokens_details: list[_Share] = []


class _Feedback(_Wire):
    block_reason: str | None = None
    block_reason_message: str | None = None


class _Chunk(_Wire):
    candidates: list[_Candidate] = []
    usage_metadata: _Usage | None = None
    model_version: str = ""
    response_id: str = ""
    prompt_feedback: _Feedback | None = None
    error: Any = None


class _Vector(_Wire):
    values: tuple[float, ...]


class _Vectors(_Wire):
    embeddings: list[_Vector]
    usage_metadata: _Usage | None = None


_CHUNK = msgspec.json.Decoder(_Chunk)
_VECTORS = msgspec.json.Decoder(_Vectors)
_FIELDS = msgspec.json.Decoder(dict[str, Any])


class Reader:
    """Reads one answer. There is no end mark on this wire: the answer ends with the body."""

    __slots__ = ("_beside", "_calls", "_dropped", "_ends", "_id", "_seen", "_usage", "done")

    def __init__(self, dropped: tuple[str, ...] = ()) -> None:
        self.done = False
        self._dropped = dropped
        self._id: str | None = None
        self._calls: dict[int, int] = {}  # how many calls each choice has made
        self._seen: set[int] = set()
        self._ends: dict[int, Finished] = {}  # told at the end: pieces may still follow the reason
        self._beside: dict[int, list[dict[str, str]]] = {}
        self._usage: _Usage | None = None

    @property
    def finished(self) -> bool:
        return bool(self._ends) and self._seen == self._ends.keys()

    def feed(self, _: str, data: bytes) -> Sequence[Event]:
        try:
            chunk = _CHUNK.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unavailable("upstream_garbage", _GARBAGE) from error
        if chunk.error is not None:
            raise judged(complained({"error": chunk.error}))
        events: list[Event] = []
        if self._id is None:
            self._id = chunk.response_id
            extra = {name: value for name, value in _FIELDS.decode(data).items() if name not in _KNOWN}
            if self._dropped:
                extra["rowen_dropped"] = list(self._dropped)
            events.append(Started(id=chunk.response_id, model=chunk.model_version, extra=extra))
        feedback = chunk.prompt_feedback
        if feedback is not None and feedback.block_reason and not chunk.candidates:
            words = feedback.block_reason_message or f"The provider blocked the prompt: {feedback.block_reason}."
            raise Mistaken("upstream_filtered", words)
        self._usage = chunk.usage_metadata or self._usage
        for candidate in chunk.candidates:
            self._candidate(candidate, events)
        return events

    def whole(self, body: bytes) -> Sequence[Event]:
        if body.lstrip()[:1] == b"[":  # the stream as one array, where `alt=sse` is not understood
            try:
                pieces = msgspec.json.decode(body, type=list[msgspec.Raw])
            except msgspec.DecodeError as error:
                raise Unavailable("upstream_garbage", _GARBAGE) from error
            return [*(event for piece in pieces for event in self.feed("", bytes(piece))), *self.end()]
        return [*self.feed("", body), *self.end()]

    def end(self) -> Sequence[Event]:
        if not self.finished:
            raise Unavailable("upstream_cut", "The provider's stream ended before the answer did.")
        events: list[Event] = [self._ends[number] for number in sorted(self._ends)]
        if self._usage is not None:
            events.append(Used(usage=_usage(self._usage)))
        return events

    def _candidate(self, candidate: _Candidate, events: list[Event]) -> None:
        number = candidate.index
        self._seen.add(number)
        for part in (candidate.content and candidate.content.parts) or ():
            self._part(part, number, events)
        if candidate.logprobs_result is not None:
            events.append(Likely(tokens=_likely(candidate.logprobs_result), choice=number))
        if candidate.finish_reason is not None:
            self._ends[number] = self._finish(candidate, candidate.finish_reason)

    def _part(self, part: _Part, number: int, events: list[Event]) -> None:
        if part.text:
            events.append(
                Reasoned(text=part.text, choice=number) if part.thought else Said(text=part.text, choice=number)
            )
        call = part.function_call
        if call is not None:
            index = self._calls.get(number, 0)
            self._calls[number] = index + 1
            extra: dict[str, Any] = {}
            if part.thought_signature:  # the shape in which Google's own OpenAI-compatible service shows it
                extra["extra_content"] = {"google": {"thought_signature": part.thought_signature}}
            known = call.id or f"call_{self._id or 'gemini'}_{number}_{index}"
            events.append(Called(index=index, id=known, name=call.name, choice=number, extra=extra))
            events.append(CallArgs(index=index, text=arguments_text(call.args or {}), choice=number))
        elif part.thought_signature:
            events.append(Signed(signature=SIGNATURE + part.thought_signature, choice=number))
        blob = part.inline_data
        if blob is not None and blob.mime_type.startswith("audio/"):
            events.append(Sounded(data=blob.data, choice=number))
        elif blob is not None:
            self._beside.setdefault(number, []).append({"mime_type": blob.mime_type, "data": blob.data})

    def _finish(self, candidate: _Candidate, given: str) -> Finished:
        number = candidate.index
        reason = _REASONS.get(given, "stop")
        if reason == "stop" and number in self._calls:
            reason = "tool_calls"
        kept = {
            "finish_reason": None if given in {"STOP", "MAX_TOKENS"} else given,
            "finish_message": candidate.finish_message,
            "safety_ratings": candidate.safety_ratings,
            "citation_metadata": candidate.citation_metadata,
            "grounding_metadata": candidate.grounding_metadata,
            "inline_data": self._beside.get(number),
        }
        return Finished(reason=reason, choice=number, extra={name: value for name, value in kept.items() if value})


class EmbeddingsReader:
    """Reads one answer of batchEmbedContents."""

    __slots__ = ("_dropped", "_model", "done", "finished")

    def __init__(self, model: str, dropped: tuple[str, ...] = ()) -> None:
        self.done = False
        self.finished = False
        self._model = model
        self._dropped = dropped

    def feed(self, _: str, __: bytes) -> Sequence[Event]:
        raise Unavailable("upstream_garbage", "The provider answered an embeddings request with a stream.")

    def end(self) -> Sequence[Event]:
        return ()

    def whole(self, body: bytes) -> Sequence[Event]:
        try:
            answer = _VECTORS.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unavailable("upstream_garbage", "The provider's embeddings are not of its own format.") from error
        extra = {"rowen_dropped": list(self._dropped)} if self._dropped else {}
        events: list[Event] = [Started(model=self._model, extra=extra)]
        events.append(Embedded(vectors=tuple(vector.values for vector in answer.embeddings)))
        if answer.usage_metadata is not None:
            events.append(Used(usage=_usage(answer.usage_metadata)))
        return events


def _likely(found: _Logprobs) -> tuple[dict[str, Any], ...]:
    tops = found.top_candidates
    return tuple(
        {
            **_shown(chosen),
            "top_logprobs": [_shown(other) for other in tops[place].candidates] if place < len(tops) else [],
        }
        for place, chosen in enumerate(found.chosen_candidates)
    )


def _shown(found: _Likelihood) -> dict[str, Any]:
    return {"token": found.token, "logprob": found.log_probability, "bytes": list(found.token.encode())}


def _usage(usage: _Usage) -> Usage:
    """Gemini counts thoughts beside the answer; ours hold them."""
    return Usage(
        input_tokens=usage.prompt_token_count + usage.tool_use_prompt_token_count,
        output_tokens=usage.candidates_token_count + usage.thoughts_token_count,
        cache_read_tokens=usage.cached_content_token_count,
        reasoning_tokens=usage.thoughts_token_count,
        input_audio_tokens=_audio(usage.prompt_tokens_details),
        output_audio_tokens=_audio(usage.candidates_tokens_details),
    )


def _audio(shares: list[_Share]) -> int:
    return sum(share.token_count for share in shares if share.modality == "AUDIO")

"""The usual answer that comes whole: one choice, text and nothing else. Its type is the condition, so it is read in one go.

`Reader` reads this answer like any other, to the same events, at twice the cost; what is not of this type is left to it.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from rowen.values import Event, Finished, Said, Started, Usage, Used

_Empty = Annotated[tuple[Any, ...], Meta(max_length=0)] | None


class _Message(msgspec.Struct, forbid_unknown_fields=True):
    content: Annotated[str, Meta(min_length=1)]
    role: str = ""
    refusal: None = None
    annotations: _Empty = None
    tool_calls: _Empty = None
    function_call: None = None
    audio: None = None
    reasoning_content: None = None


class _Choice(msgspec.Struct, forbid_unknown_fields=True):
    message: _Message
    finish_reason: Literal["stop", "length"]
    index: Literal[0] = 0
    logprobs: None = None


class _PromptDetails(msgspec.Struct, frozen=True):
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    audio_tokens: int = 0


class _AnswerDetails(msgspec.Struct, frozen=True):
    reasoning_tokens: int = 0
    audio_tokens: int = 0


class _Usage(msgspec.Struct, forbid_unknown_fields=True):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int = 0
    prompt_tokens_details: _PromptDetails = _PromptDetails()
    completion_tokens_details: _AnswerDetails = _AnswerDetails()


class _Answer(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    model: str
    choices: tuple[_Choice]
    usage: _Usage
    object: Literal["chat.completion"] = "chat.completion"
    created: Any = None
    system_fingerprint: str | UnsetType | None = UNSET
    service_tier: str | UnsetType | None = UNSET


_decode = msgspec.json.Decoder(_Answer).decode


def plain(body: bytes) -> Sequence[Event]:
    """Return the events of the usual answer, none for any other."""
    try:
        answer = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ()
    choice, usage = answer.choices[0], answer.usage
    extra: dict[str, Any] = {}
    if answer.system_fingerprint is not UNSET:
        extra["system_fingerprint"] = answer.system_fingerprint
    if answer.service_tier is not UNSET:
        extra["service_tier"] = answer.service_tier
    prompt, said = usage.prompt_tokens_details, usage.completion_tokens_details
    return (
        Started(id=answer.id, model=answer.model, extra=extra),
        Said(text=choice.message.content),
        Finished(reason=choice.finish_reason),
        Used(
            usage=Usage(
                input_tokens=usage.prompt_tokens,
                output_tokens=usage.completion_tokens,
                cache_read_tokens=prompt.cached_tokens,
                cache_write_tokens=prompt.cache_write_tokens,
                reasoning_tokens=said.reasoning_tokens,
                input_audio_tokens=prompt.audio_tokens,
                output_audio_tokens=said.audio_tokens,
            )
        ),
    )

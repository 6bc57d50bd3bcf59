"""The usual body of OpenAI's chat completions: messages of text and a few settings. Its type is the condition, so it is read in one go.

`openai_chat` reads this body like any other, to the same request, at three times the cost; what is not of this type, what is
wrong first of all, is left to it.
"""

from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta

from rowen.values import Message, Request, Text

_Tokens = Annotated[int, Meta(ge=1)] | None


class _Message(msgspec.Struct, forbid_unknown_fields=True):
    role: Literal["system", "developer", "user", "assistant"]
    content: str


class _Options(msgspec.Struct, forbid_unknown_fields=True):
    include_usage: bool | None = None


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    model: str
    messages: Annotated[tuple[_Message, ...], Meta(min_length=1)]
    stream: bool | None = None
    stream_options: _Options | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: _Tokens = None
    max_completion_tokens: _Tokens = None
    seed: int | None = None
    user: str | None = None


class Plain(NamedTuple):
    """What a body asks for, and whether a stream is to tell its usage at the end."""

    request: Request
    tells_usage: bool


_decode = msgspec.json.Decoder(_Body).decode


def plain(body: bytes) -> Plain | None:
    """Return what the usual body asks for, None for any other."""
    try:
        found = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    most, options = found.max_tokens, found.stream_options
    if (options is not None and not found.stream) or (most is not None and found.max_completion_tokens is not None):
        return None  # perhaps a contradiction
    request = Request(
        model=found.model,
        dialect="openai.chat",
        messages=tuple([Message(role=each.role, parts=(Text(text=each.content),)) for each in found.messages]),
        max_tokens=found.max_completion_tokens if most is None else most,
        temperature=found.temperature,
        top_p=found.top_p,
        seed=found.seed,
        user=found.user or "",
        stream=bool(found.stream),
    )
    return Plain(request, tells_usage=options is not None and bool(options.include_usage))

"""A provider without a model: says what it heard, or plays a script. Deterministic, in process, for tests and demos."""

import asyncio
import hashlib
import math
import re
import struct
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import msgspec

from rowen.provider.base import ModelSettings
from rowen.provider.fields import settle
from rowen.provider.options import options_of
from rowen.provider.transport import Transport
from rowen.values import (
    CODES,
    CallArgs,
    Called,
    Deployment,
    Embedded,
    Event,
    Events,
    Finished,
    Mistaken,
    Problem,
    Profile,
    Reasoned,
    Request,
    Said,
    Settings,
    Started,
    Unavailable,
    Usage,
    Used,
)

Sleep = Callable[[float], Awaitable[None]]

DIMENSIONS = 64
FAMILY = frozenset({"openai.chat", "openai.responses", "openai.embeddings", "anthropic"})
_WORDS = re.compile(r"\S+\s*|\s+")
_CALLERS_FAULT = frozenset({"upstream_refused", "upstream_filtered"})


class EchoCall(Settings, frozen=True, kw_only=True):
    """A tool call that echo makes. `arguments` is a table, or JSON text to be sent as it is."""

    name: str
    arguments: dict[str, Any] | str = {}
    id: str = ""


class Options(Settings, frozen=True, kw_only=True):
    """The `options` of an echo model: what it says, how, and how it fails."""

    say: str = ""
    """The answer; empty repeats the last user message."""
    think: str = ""
    """Reasoning shown before the answer."""
    pieces: int | tuple[str, ...] = 0
    """How many pieces the answer comes in, or the pieces themselves; 0 gives one for each word."""
    delay: float = 0.0
    """Seconds before each piece."""
    tool_calls: tuple[EchoCall, ...] = ()
    usage: Usage | None = None
    """The usage reported; by default each word is a token."""
    fail: str = ""
    """An error code to fail with before anything is said."""
    fail_times: int = 0
    """How many calls fail before the first succeeds; 0 means all of them."""
    retry_after: float | None = None
    cut_after: int | None = None
    """Break off with `upstream_cut` after so many pieces."""


class Echo:
    """One echo model. It counts its calls, so that it can fail the first ones."""

    def __init__(self, options: Options, sleep: Sleep = asyncio.sleep) -> None:
        self.profile = declared()
        self._options = options
        self._sleep = sleep
        self._asked = 0

    async def ask(self, request: Request, deployment: Deployment) -> Events:
        options = self._options
        self._asked += 1
        asked = self._asked
        settled = settle(request, deployment, family=FAMILY)
        if options.fail and (not options.fail_times or asked <= options.fail_times):
            raise _problem(options, deployment)
        extra: dict[str, Any] = {"rowen_dropped": list(settled.dropped)} if settled.dropped else {}
        yield (Started(id=f"echo-{asked}", model=deployment.upstream, extra=extra),)
        if request.kind == "embeddings":
            texts = request.texts or tuple(" ".join(map(str, tokens)) for tokens in request.tokens)
            used = options.usage or Usage(input_tokens=sum(len(_WORDS.findall(text)) for text in texts))
            vectors = tuple(vector(text, request.dimensions or DIMENSIONS) for text in texts)
            yield (Embedded(vectors=vectors), Used(usage=used))
            return
        request = settled.request
        pieces = _pieces(options, request)
        reason = "tool_calls" if options.tool_calls else "stop"
        if request.max_tokens is not None and len(pieces) > request.max_tokens:
            pieces, reason = pieces[: request.max_tokens], "length"
        for choice in range(request.n):
            if options.think:
                yield (Reasoned(text=options.think, choice=choice),)
            for number, piece in enumerate(pieces):
                if options.cut_after == number:
                    raise Unavailable("upstream_cut", who=deployment.name)
                if options.delay:
                    await self._sleep(options.delay)
                yield (Said(text=piece, choice=choice),)
            if options.cut_after is not None and options.cut_after >= len(pieces):
                raise Unavailable("upstream_cut", who=deployment.name)
            yield (*_calls(options, asked, choice), Finished(reason=reason, choice=choice))
        yield (Used(usage=options.usage or _counted(request, pieces)),)

    async def close(self) -> None:
        """Nothing is held."""


def make(settings: ModelSettings, transport: Transport, *, sleep: Sleep = asyncio.sleep) -> Echo:  # noqa: ARG001  the catalogue's signature
    """Return an echo model.

    Raises:
        Mistaken: an option is wrong.

    """
    options = options_of(settings, Options)
    if options.fail and options.fail not in CODES:
        raise Mistaken("config_invalid", f"There is no error code {options.fail!r}.", place="options.fail")
    return Echo(options, sleep)


def declared(settings: ModelSettings | None = None) -> Profile:  # noqa: ARG001  the catalogue's signature
    """Return what echo can do: it takes everything and honours what a text can show."""
    return Profile(embeddings=True, audio=True, top_k=True)


def vector(text: str, dimensions: int) -> tuple[float, ...]:
    """Return a unit vector made of the hashes of a text's words: texts that share words are near one another."""
    total = [0.0] * dimensions
    for word in text.lower().split() or [""]:
        hashed = hashlib.shake_256(word.encode()).digest(4 * dimensions)
        for place, number in enumerate(struct.unpack(f"<{dimensions}i", hashed)):
            total[place] += number / 2**31
    length = math.hypot(*total) or 1.0
    return tuple(number / length for number in total)


def _pieces(options: Options, request: Request) -> tuple[str, ...]:
    if isinstance(options.pieces, tuple):
        return options.pieces
    heard = next((message.text for message in reversed(request.messages) if message.role == "user"), "")
    text = options.say or ("" if options.tool_calls else heard)
    if not options.pieces:
        return tuple(_WORDS.findall(text))
    size = max(1, math.ceil(len(text) / options.pieces))
    return tuple(text[start : start + size] for start in range(0, len(text), size))


def _calls(options: Options, asked: int, choice: int) -> Iterator[Event]:
    for index, call in enumerate(options.tool_calls):
        yield Called(index=index, id=call.id or f"call_{asked}_{index}", name=call.name, choice=choice)
        given = call.arguments
        yield CallArgs(
            index=index, text=given if isinstance(given, str) else msgspec.json.encode(given).decode(), choice=choice
        )


def _counted(request: Request, pieces: tuple[str, ...]) -> Usage:
    heard = sum(len(message.text.split()) for message in request.messages)
    return Usage(input_tokens=heard, output_tokens=len(pieces) * request.n)


def _problem(options: Options, deployment: Deployment) -> Problem:
    kind = Mistaken if options.fail in _CALLERS_FAULT else Unavailable
    return kind(
        options.fail,
        who=deployment.name,
        retry_after=options.retry_after if kind is Unavailable else None,
    )

"""Spans: what is recorded of one piece of work."""

import os
import random
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from rowen.sdk import wire
from rowen.sdk.capture import MASKED, encoded, is_secret, json_of, plain_of, text_of
from rowen.sdk.context import RANDOM, SAMPLED, Remote, written
from rowen.sdk.fault import TRACE_TEXT, frames
from rowen.sdk.here import HERE, SCOPE, Entered, enter, leave, parent_now
from rowen.sdk.judge import Judgement
from rowen.sdk.kind import NAMED, REMOTE, Kind, what
from rowen.sdk.link import LINK
from rowen.sdk.messages import conversation, reply

_ATTRIBUTES = 256

_random = random.Random()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_random.seed)  # a child must not draw its parent's ids
_wall, _tick = time.time_ns, time.perf_counter_ns


class Span:
    """One piece of work. It begins when it is made and ends with its `with` block, or with `end`.

    Where tracing is off, or whoever called us decided not to record this trace, every method does nothing.
    """

    __slots__ = (
        *("_anchor", "_attributes", "_captures", "_ended", "_entered", "_epoch", "_events", "_lost", "_message"),
        *("_outbox", "_outer", "_parent", "_remote", "_reported", "_started", "_status", "_type"),
        *("flags", "id", "name", "root", "scope", "size", "state", "trace"),
    )

    def __init__(self, name: str, type: Kind = "chain", *, capture: bool = True) -> None:
        parent = parent_now()
        self.name = name if name.__class__ is str else str(name)
        self._type = type
        self.id = _random.getrandbits(64) or 1
        if parent is None:
            self.trace = _random.getrandbits(128) or 1
            self.flags, self.state, self._parent = SAMPLED | RANDOM, "", 0
        else:
            self.trace, self.flags, self.state, self._parent = parent.trace, parent.flags, parent.state, parent.id
        if isinstance(parent, Span):
            self.root: Span = parent.root
            self._anchor: int = self.root._anchor  # noqa: SLF001
            self._remote = False
        else:  # the outermost here; its clock holds for all within, so that a clock that is set cannot turn them around
            self.root = self
            self._anchor = _wall() - _tick()
            self._remote = isinstance(parent, Remote) and not parent.near
        self._started = self._anchor + _tick()
        self._outbox = LINK.outbox if self.flags & SAMPLED else None
        self._epoch = self._outbox.epoch if self._outbox is not None else 0
        self._captures = capture and LINK.capture
        self._outer = self.scope = SCOPE.get()
        self._attributes: dict[str, wire.Plain] = {}
        self._events: list[bytes] = []
        self._status, self._message, self._lost, self._ended = 0, "", 0, 0
        self._reported: BaseException | None = None
        self._entered: Entered | None = None
        self.size = 200

    @property
    def trace_id(self) -> str:
        """The id of the trace as 32 hexadecimal digits; empty where tracing is off."""
        return f"{self.trace:032x}" if self.trace else ""

    @property
    def span_id(self) -> str:
        """The id of the span as 16 hexadecimal digits; empty where tracing is off."""
        return f"{self.id:016x}" if self.id else ""

    @property
    def recorded(self) -> bool:
        """Whether anything that is set will be sent."""
        return self._outbox is not None and not self._ended

    def set(
        self,
        *,
        model: str | None = None,
        provider: str | None = None,
        input: Any = None,
        output: Any = None,
        **attributes: Any,
    ) -> Self:
        """Say what went in and out, which model it was, and whatever else is worth knowing.

        Args:
            model: the model asked for.
            provider: who serves it, as the OpenTelemetry conventions call them: `openai`, `anthropic`, `aws.bedrock`.
            input: what went in: a text, messages, or anything that JSON can hold.
            output: what came out.
            **attributes: kept under their own names, where they can be filtered on. Names with dots are given as
                `**{"gen_ai.request.temperature": 0.2}`. What looks like a secret by its name is masked.

        """
        if not self.recorded:
            return self
        if model is not None:
            self._keep("gen_ai.request.model", model)
        if provider is not None:
            self._keep("gen_ai.provider.name", provider)
        if input is not None and self._captures:
            self._content("input", input)
        if output is not None and self._captures:
            self._content("output", output)
        for name, value in attributes.items():
            self._keep(name, MASKED if is_secret(name) else value)
        return self

    def usage(
        self,
        *,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        cached_tokens: int | None = None,
        reasoning_tokens: int | None = None,
        cost: Any = None,
    ) -> Self:
        """Say what was used.

        Args:
            input_tokens: tokens of the prompt, those from a cache included.
            output_tokens: tokens of the answer, those of reasoning included.
            cached_tokens: of the input tokens, those read from the provider's cache.
            reasoning_tokens: of the output tokens, those of reasoning.
            cost: US dollars.

        """
        if not self.recorded:
            return self
        for name, value in (
            ("gen_ai.usage.input_tokens", input_tokens),
            ("gen_ai.usage.output_tokens", output_tokens),
            ("gen_ai.usage.cache_read.input_tokens", cached_tokens),
            ("gen_ai.usage.reasoning.output_tokens", reasoning_tokens),
        ):
            if value is not None:
                self._keep(name, _number(value, int))
        if cost is not None:
            self._keep("llm.cost.total", _number(cost, float))
        return self

    def event(self, name: str, **attributes: Any) -> Self:
        """Say that something happened just now."""
        if self.recorded:
            self._note(
                name, {key: MASKED if is_secret(key) else self._plain(value) for key, value in attributes.items()}
            )
        return self

    def fail(self, error: BaseException) -> Self:
        """Record an exception. A client that leaves, or a stream that is closed early, is no failure of ours."""
        if not self.recorded:
            return self
        kind = type(error)
        if kind.__name__ == "CancelledError" or isinstance(error, GeneratorExit):
            self._keep("rowen.ended_early", True)
            return self
        name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        self._status = wire.ERROR
        self._keep("error.type", name)
        told: dict[str, wire.Plain] = {"exception.type": name}
        if self._captures:
            try:
                self._message = str(error)[:TRACE_TEXT]
            except Exception:  # noqa: BLE001 - whatever a program's own exceptions raise must not hide them
                self._message = name
            told["exception.message"] = self._message
        if self.root._reported is not error:  # noqa: SLF001  # the frames are told once, by the innermost span
            self.root._reported = error  # noqa: SLF001
            told["exception.stacktrace"] = frames(error, whole=self._captures)
        self._note("exception", told)
        return self

    def score(
        self,
        name: str,
        value: float | bool | str,
        *,
        reason: str = "",
        confidence: float | None = None,
        source: str = "",
        by: str = "",
        metadata: Mapping[str, Any] | None = None,
        id: str = "",
    ) -> str:
        """Judge this span; the arguments are those of `rowen.score`. Returns the id of the score."""
        if LINK.outbox is None or not self.trace:
            return ""
        judgement = Judgement(
            id=id,
            trace=self.trace_id,
            span=self.span_id,
            name=name,
            value=value,
            reason=reason,
            confidence=confidence,
            source=source,
            by=by,
            metadata=metadata,
        )
        LINK.outbox.put(judgement)
        return str(judgement.told["id"])

    def headers(self) -> dict[str, str]:
        """Return the headers by which another process goes on from this span."""
        return written(self.trace, self.id, self.flags, self.state) if self.trace else {}

    def end(self) -> None:
        """End the span and send it. A second time does nothing."""
        outbox = self._outbox
        if self._ended:
            return
        self._ended = self._anchor + _tick()
        self._reported = None
        if outbox is not None and outbox.epoch == self._epoch:
            outbox.put(self)

    def enter(self) -> Entered:
        """Make it the current span; `leave` gives back the one before."""
        if self.root is self and self.scope is not self._outer:  # a stream goes on whose session was said before
            SCOPE.set(self.scope)
        return enter(self)

    def leave(self, entered: Entered) -> None:
        """Make the span before the current one again. What was said of a whole trace ends with its outermost span."""
        if leave(entered) and self.root is self and SCOPE.get() is not self._outer:
            SCOPE.set(self._outer)

    def __enter__(self) -> Self:
        self._entered = self.enter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        if self._entered is not None:
            self.leave(self._entered)
        if error is not None:
            self.fail(error)
        self.end()

    def __repr__(self) -> str:
        return f"<rowen span {self.name!r} {self.trace_id}-{self.span_id}>"

    def encoded(self) -> bytes:
        """Return the span as OTLP writes it."""
        return b"".join(
            (
                wire.head(self.trace, self.id, self._parent, self.state, self.name),
                wire.times(wire.CLIENT if self._type in REMOTE else wire.INTERNAL, self._started, self._ended),
                what(self._type, self.name if self._type in NAMED else ""),
                self.scope.encoded if self.scope is not None else b"",
                wire.attributes(list(self._attributes.items())),
                wire.tail(
                    lost=self._lost,
                    events=list(self._events),
                    status=self._status,
                    message=self._message,
                    # Bit 8 says that bit 9 is known: whether the parent is in another process.
                    flags=self.flags | 0x100 | (0x200 if self._remote else 0),
                ),
            )
        )

    def take(self, given: bytes) -> None:
        """Keep the arguments of a function, which are JSON already."""
        attributes = self._attributes
        attributes["input.value"] = given
        attributes["input.mime_type"] = "application/json"
        self.size += len(given) + 40

    def give(self, result: Any) -> None:
        """Keep what a function gave, unless content is not to be kept or somebody said better what came out."""
        if result is None or not self._captures or self._outbox is None:
            return
        if "output.value" not in self._attributes and "gen_ai.output.messages" not in self._attributes:
            self._content("output", result)

    def first_came(self) -> None:
        """Keep how long it took to the first piece of a stream."""
        if self._outbox is not None:
            waited = self._anchor + _tick() - self._started
            self._attributes["gen_ai.response.time_to_first_chunk"] = waited / 1e9

    def _content(self, side: str, value: Any) -> None:
        attributes = self._attributes
        if self._type == "llm":
            messages = conversation(value) if side == "input" else reply(value)
            if messages is not None:
                self._keep(f"gen_ai.{side}.messages", json_of(messages, LINK.limit))
                return
        text, is_json = text_of(value, LINK.limit)
        attributes[f"{side}.value"] = text
        attributes[f"{side}.mime_type"] = "application/json" if is_json else "text/plain"
        self.size += len(text) + 40

    def _keep(self, name: str, value: Any) -> None:
        attributes = self._attributes
        if len(attributes) >= _ATTRIBUTES and name not in attributes:
            self._lost += 1
            return
        if type(value) not in _BARE:
            value = self._plain(value)
        attributes[name] = value
        self.size += len(name) + (len(value) if type(value) in {str, bytes} else 8)

    def _plain(self, value: Any) -> wire.Plain:
        """Return a value as an attribute can hold it: what is not a bare value or a list of such becomes JSON."""
        if type(value) in {bool, int, float}:
            return value  # type: ignore[no-any-return]
        if isinstance(value, list | tuple) and len(value) <= 128 and len({type(item) for item in value}) == 1:
            if type(value[0]) in {bool, int, float}:
                return list(value)
            if type(value[0]) is str and sum(map(len, value)) <= LINK.limit:
                return list(value)
        told = plain_of(value, LINK.limit)
        return told if type(told) in {str, bool, int, float} else encoded(told)

    def _note(self, name: str, attributes: Mapping[str, wire.Plain]) -> None:
        if len(self._events) < 128:
            noted = wire.event(name, self._anchor + _tick(), attributes)
            self._events.append(noted)
            self.size += len(noted)


_BARE = {bool, int, float, bytes}


class Nothing(Span):
    """What stands for a span where tracing is off."""

    __slots__ = ()

    def __init__(self) -> None:
        self.name, self.trace, self.id, self.flags, self.size = "", 0, 0, 0, 0
        self.state, self.scope, self.root = "", None, self
        self._outbox, self._ended = None, 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        return


NOTHING = Nothing()


def span(
    name: str,
    *,
    type: Kind = "chain",
    capture: bool = True,
    input: Any = None,
    model: str | None = None,
    **attributes: Any,
) -> Span:
    """Begin a span: `with rowen.span("rerank", type="reranker") as span: …`.

    Args:
        name: what the work is called.
        type: what it is: `llm`, `embedding`, `retriever`, `reranker`, `tool`, `agent`, `chain`, `guardrail`, `evaluator`,
            `prompt` or `memory`.
        capture: whether inputs, outputs and the texts of exceptions may be kept.
        input: what goes in.
        model: the model asked for.
        **attributes: as for `Span.set`.

    """
    if not LINK.on:
        return NOTHING
    made = Span(name, type, capture=capture)
    if attributes or input is not None or model is not None:
        made.set(input=input, model=model, **attributes)
    return made


def current() -> Span:
    """Return the span of ours that is under way here; one that does nothing where there is none."""
    here = HERE.get()
    return here if isinstance(here, Span) else NOTHING


def _number(value: Any, kind: Callable[[Any], Any]) -> Any:
    """Return a value as the number that it should be, or as it is: a wrong one is to be seen, not to stop the program."""
    try:
        return kind(value)
    except (TypeError, ValueError, OverflowError):
        return value

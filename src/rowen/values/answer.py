"""A whole answer: the fold of its events, and the way back."""

from collections.abc import Iterator, Sequence
from typing import Any, assert_never

from rowen.values.base import Value
from rowen.values.event import (
    CallArgs,
    Called,
    Embedded,
    Event,
    Finished,
    Likely,
    Reasoned,
    Refusing,
    Said,
    Signed,
    Sounded,
    Started,
    Used,
)
from rowen.values.knowledge import Citation
from rowen.values.message import Audio, Declined, Message, Part, Text, Thought, ToolCall
from rowen.values.usage import Usage


class Choice(Value, frozen=True, kw_only=True):
    """One of the `n` answers."""

    message: Message
    reason: str = ""
    stop: str = ""
    logprobs: tuple[dict[str, Any], ...] = ()
    extra: dict[str, Any] = {}
    citations: tuple[Citation, ...] = ()
    """What its statements rest on, in their order."""


class Answer(Value, frozen=True, kw_only=True):
    """What a model answered, whole."""

    id: str = ""
    model: str = ""
    choices: tuple[Choice, ...] = ()
    vectors: tuple[tuple[float, ...], ...] = ()
    usage: Usage = Usage()
    extra: dict[str, Any] = {}

    @property
    def text(self) -> str:
        """The text of the first choice."""
        return self.choices[0].message.text if self.choices else ""


def events_of(answer: Answer) -> Iterator[Event]:
    """Yield the events whose fold is the answer: how a cached answer is streamed."""
    yield Started(id=answer.id, model=answer.model, extra=answer.extra)
    if answer.vectors:
        yield Embedded(vectors=answer.vectors)
    for number, choice in enumerate(answer.choices):
        calls = 0
        for part in choice.message.parts:
            match part:
                case Text():
                    yield Said(text=part.text, choice=number)
                case Thought():
                    if part.text:
                        yield Reasoned(text=part.text, choice=number)
                    if part.signature or part.hidden:
                        yield Signed(signature=part.signature, hidden=part.hidden, choice=number)
                case ToolCall():
                    yield Called(index=calls, id=part.id, name=part.name, choice=number, extra=part.extra)
                    yield CallArgs(index=calls, text=part.arguments, choice=number)
                    calls += 1
                case Audio():
                    yield Sounded(id=part.id, data=part.data, transcript=part.transcript, choice=number)
                case Declined():
                    yield Refusing(text=part.text, choice=number)
                case _:
                    raise ValueError(f"a model does not answer with a part of type {type(part).__name__}")
        if choice.logprobs:
            yield Likely(tokens=choice.logprobs, choice=number)
        yield Finished(
            reason=choice.reason, stop=choice.stop, choice=number, extra=choice.extra, citations=choice.citations
        )
    yield Used(usage=answer.usage)


class Fold:
    """Takes events and gives the answer so far. Cheap enough to run beside every stream."""

    __slots__ = ("_choices", "_extra", "_id", "_model", "_vectors", "usage")

    def __init__(self) -> None:
        self._id = ""
        self._model = ""
        self._extra: dict[str, Any] = {}
        self._vectors: tuple[tuple[float, ...], ...] = ()
        self._choices: dict[int, _Choice] = {}
        self.usage: Usage | None = None

    def take(self, batch: Sequence[Event]) -> None:
        """Take the events of a batch."""
        for event in batch:
            if type(event) is Said:  # nine events of ten are this one
                choice = self._choices.get(event.choice) or self._open(event.choice)
                if choice.kind == "text":
                    choice.run.append(event.text)
                else:
                    choice.turn("text", event.text)
            else:
                self._other(event)

    def add(self, event: Event) -> None:
        """Take one event."""
        self.take((event,))

    def _other(self, event: Event) -> None:
        match event:
            case Said():  # taken above
                return
            case Started():
                self._id, self._model, self._extra = event.id, event.model, event.extra
            case Finished():
                self._open(event.choice).finish = event
            case Used():
                self.usage = event.usage
            case Reasoned():
                self._open(event.choice).more("thought", event.text)
            case Signed():
                self._open(event.choice).sign(event)
            case Called():
                self._open(event.choice).call(event)
            case CallArgs():
                self._open(event.choice).more_of_call(event)
            case Sounded():
                self._open(event.choice).sound(event)
            case Refusing():
                self._open(event.choice).more("declined", event.text)
            case Likely():
                self._open(event.choice).likely(event.tokens)
            case Embedded():
                self._vectors = event.vectors
            case _:
                assert_never(event)

    def answer(self) -> Answer:
        """Return the answer that the events so far make."""
        return Answer(
            id=self._id,
            model=self._model,
            choices=tuple([self._choices[number].choice() for number in sorted(self._choices)]),
            vectors=self._vectors,
            usage=self.usage or Usage(),
            extra=self._extra,
        )

    @property
    def finished(self) -> bool:
        """Whether every choice that began has ended."""
        return bool(self._vectors) or (bool(self._choices) and all(c.finish for c in self._choices.values()))

    def _open(self, number: int) -> "_Choice":
        return self._choices.get(number) or self._choices.setdefault(number, _Choice())


class _Choice:
    """The parts of one choice while they arrive; `run` gathers the part that is open now.

    Most choices are text alone, and every stream that waits holds one: what else there may be is made when it comes.
    """

    __slots__ = ("_calls", "_likely", "_sound", "finish", "kind", "parts", "run")

    def __init__(self) -> None:
        self.parts: tuple[Part | int, ...] = ()
        self.kind = ""
        self.run: list[str] = []
        self.finish: Finished | None = None
        self._calls: dict[int, tuple[Called, list[str]]] | None = None
        self._likely: list[dict[str, Any]] | None = None
        self._sound: tuple[str, list[str], list[str]] | None = None

    def more(self, kind: str, text: str) -> None:
        if self.kind == kind:
            self.run.append(text)
        else:
            self.turn(kind, text)

    def turn(self, kind: str, text: str = "") -> None:
        """Close the open part and open one of another kind."""
        whole = "".join(self.run)
        if whole:
            self.parts += (_part(self.kind, whole),)
        self.kind = kind
        self.run = [text] if text else []

    def sign(self, event: Signed) -> None:
        text = "".join(self.run) if self.kind == "thought" else ""
        if self.kind != "thought":
            self.turn("")
        self.kind, self.run = "", []
        self.parts += (Thought(text=text, signature=event.signature, hidden=event.hidden),)

    def call(self, event: Called) -> None:
        self.turn("")
        if self._calls is None:
            self._calls = {}
        if event.index not in self._calls:
            self.parts += (event.index,)
        self._calls[event.index] = (event, [])

    def more_of_call(self, event: CallArgs) -> None:
        assert self._calls is not None, "a call begins before its arguments"
        self._calls[event.index][1].append(event.text)

    def likely(self, tokens: tuple[dict[str, Any], ...]) -> None:
        if self._likely is None:
            self._likely = []
        self._likely.extend(tokens)

    def sound(self, event: Sounded) -> None:
        known, data, transcript = self._sound or ("", [], [])
        data.append(event.data)
        transcript.append(event.transcript)
        self._sound = (event.id or known, data, transcript)

    def choice(self) -> Choice:
        message, end = Message(role="assistant", parts=self._whole()), self.finish
        if end is None:
            return Choice(message=message, logprobs=tuple(self._likely or ()))
        return Choice(
            message=message,
            reason=end.reason,
            stop=end.stop,
            logprobs=tuple(self._likely or ()),
            extra=end.extra,
            citations=end.citations,
        )

    def _whole(self) -> tuple[Part, ...]:
        if self.kind == "text" and not self.parts and self._sound is None:  # nearly always
            text = "".join(self.run)
            return (Text(text=text),) if text else ()
        self.turn("")
        parts = tuple([self._called(part) if isinstance(part, int) else part for part in self.parts])
        if self._sound is None:
            return parts
        known, data, transcript = self._sound
        return (*parts, Audio(id=known, data="".join(data), transcript="".join(transcript)))

    def _called(self, index: int) -> ToolCall:
        assert self._calls is not None, "a call is a part only once it has begun"
        begun, text = self._calls[index]
        return ToolCall(id=begun.id, name=begun.name, arguments="".join(text), extra=begun.extra)


def _part(kind: str, text: str) -> Part:
    match kind:
        case "thought":
            return Thought(text=text)
        case "declined":
            return Declined(text=text)
        case _:
            return Text(text=text)

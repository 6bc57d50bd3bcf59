"""One tool call after the other, for shapes in which a call must end before the next begins."""

from collections.abc import Iterator

import msgspec

from rowen.values import CallArgs, Called, Event, Finished, Used


class InTurn:
    """Orders events so that the arguments of one tool call are never interleaved with another's.

    A call counts as complete when its arguments are a JSON object; until then what belongs to later calls waits, at
    most to the end of the answer. Nothing is lost: the answer that the events make stays the same. For one choice.
    """

    __slots__ = ("_now", "_text", "_waiting")

    def __init__(self) -> None:
        self._now: int | None = None
        self._text = ""
        self._waiting: list[Event | _Begun] = []

    @property
    def idle(self) -> bool:
        """Whether no tool call is open, so that other events need not come through here."""
        return self._now is None

    def put(self, event: Event) -> Iterator[Event]:
        """Take one event; yield those whose turn it is."""
        match event:
            case CallArgs():
                if event.index == self._now:
                    self._text += event.text
                    yield event
                    yield from self._next()
                else:
                    # For a call that has ended only blanks after its object can still come, and they mean nothing.
                    for waiting in self._waiting:
                        if isinstance(waiting, _Begun) and waiting.called.index == event.index:
                            waiting.texts.append(event.text)
            case Used():
                yield event
            case Finished():
                yield from self._next(last=True)  # what is not complete by now never will be
                self._now = None
                yield event
            case _:
                self._waiting.append(_Begun(event, []) if isinstance(event, Called) else event)
                yield from self._next()

    def _next(self, *, last: bool = False) -> Iterator[Event]:
        while self._waiting and (last or self._now is None or _complete(self._text)):
            first = self._waiting.pop(0)
            if isinstance(first, _Begun):
                self._now, self._text = first.called.index, "".join(first.texts)
                yield first.called
                if self._text:
                    yield CallArgs(index=self._now, text=self._text, choice=first.called.choice)
            else:
                self._now = None
                yield first


class _Begun:
    """A call that waits, with what came of its arguments."""

    __slots__ = ("called", "texts")

    def __init__(self, called: Called, texts: list[str]) -> None:
        self.called = called
        self.texts = texts


def _complete(text: str) -> bool:
    if text.rstrip()[-1:] != "}":
        return False
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True

"""The chain: the steps that one Call walks through. The page to read first.

A *before* step takes a Call and gives one back. One that sets `call.answer` ends the walk early: that answer is played,
and the *after* steps still run, so nothing escapes the record. An *after* step runs when the answer has ended, however
it ended: whole, with an error, or because the caller left.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from rowen.values import Attempt, Call, Events

Step = Callable[[Call], Awaitable[Call]]
"""One station. It says only what changes; the runner owns spans, timing, cancellation and error mapping."""

AnswerStep = Callable[[Call, Callable[[Attempt], None]], Events]
"""Yields the events of the answer to a call whose plan is made, in batches, and tells of each attempt as it ends.

Attempts are told, not yielded, because a stream that is being closed can yield no more, and what a cancelled attempt
cost must still be known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Named steps in order. The name is what traces and errors call the step."""

    before: tuple[tuple[str, Step], ...]
    answer: AnswerStep
    after: tuple[tuple[str, Step], ...]

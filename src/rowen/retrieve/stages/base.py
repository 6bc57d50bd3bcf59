"""What a search is on its way, and what a stage of it is."""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, NamedTuple, Protocol

from rowen.retrieve.stages.pace import Pace
from rowen.store.knowledge import Build, Hit
from rowen.values import Condition, Passage, Reader, Value


class Vectors(NamedTuple):
    """Of the questions, and what an adapter says of them."""

    rows: Sequence[bytes] = ()
    """One for each question, in the storage of a question: float32. Empty where none could be made."""
    applies: Sequence[float] = ()
    """How far the adapter holds for each question, 0 to 1."""
    share: float | None = None
    """Of the dense way where it holds; None where no adapter says."""
    zero: float = 0.0
    """The cosine at which likeness begins."""


class Sought(Value, frozen=True, kw_only=True):
    """A search on its way: what is asked of which build, and what stages have added so far."""

    build: Build
    question: str
    """As it was said."""
    recent: tuple[str, ...] = ()
    """What was said before it."""
    reader: Reader
    where: tuple[Condition, ...] = ()
    top: int

    questions: tuple[str, ...]
    """What is looked for: the question as it is understood, in one or several ways."""
    vectors: Vectors = Vectors()
    hits: tuple[Mapping[str, Sequence[Hit]], ...] = ()
    """For each question what each way of searching found: `dense`, `lexical`."""
    scores: Mapping[int, float] = {}
    """By chunk, of all ways together."""
    legs: Mapping[int, Mapping[str, float]] = {}
    """By chunk, of each way by itself."""
    passages: tuple[tuple[int, Passage], ...] = ()
    """With their chunks, the best first."""
    chosen: tuple[Passage, ...] = ()
    """What is shown of them."""
    table: Passage | None = None
    """What a table says to the question."""


class Stage(Protocol):
    """One stage of a search. It asks others only in its pace, so that its time and what it found are known."""

    spare: ClassVar[tuple[str, ...]]
    """What of it may be left out when its time is over, as `[retrieve.NAME.within]` calls it. The search goes on without."""

    async def __call__(self, sought: Sought, pace: Pace, /) -> Sought:
        """Return what is sought with what this stage adds; unchanged where it was left out.

        Raises:
            Problem: what is wrong, other than that what is asked takes too long or cannot be reached.

        """
        ...


async def through(stages: Iterable[Stage], sought: Sought, pace: Pace) -> Sought:
    """Return what is sought after all stages, in their order."""
    for stage in stages:
        sought = await stage(sought, pace)
    return sought

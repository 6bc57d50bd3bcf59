"""What a stage may need of another, as callables that are handed in. A test hands in three lines."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, NamedTuple, Protocol

from rowen.values.answer import Answer
from rowen.values.event import Events
from rowen.values.knowledge import Condition, Found, Reader
from rowen.values.money import Money
from rowen.values.request import Request
from rowen.values.usage import Usage


class Ask(Protocol):
    """Ask one deployment by name. Yields the events of one attempt; raises `Problem`; closing it stops the upstream."""

    def __call__(self, request: Request, deployment: str) -> Events: ...


class Pricing(Protocol):
    """What a usage costs at a provider and model at a moment; None when the price is not known."""

    def __call__(self, provider: str, model: str, usage: Usage, at_ns: int) -> Money | None: ...


AskModel = Callable[[Request], Awaitable[Answer]]
"""Ask a model of the app for a whole answer; the request bears its name."""

CountTokens = Callable[[Request], int]
"""Tokens of a request's prompt, near enough to reserve by; offline."""

CountText = Callable[[str], int]
"""Tokens of a text, for estimates; offline."""


class Embeddings(NamedTuple):
    """The vectors of some texts in their order, each of length 1."""

    data: bytes
    """float32, little-endian, row by row: `len(texts) * dimensions` numbers."""
    dimensions: int
    tokens: int
    """Read by the model; 0 when not known."""
    applies: tuple[float, ...] = ()
    """How far a query adapter knows what each is about, 0 to 1; none where there is no adapter."""
    share: float | None = None
    """That the vectors are to have beside the words where the adapter applies wholly; None: as everywhere."""


class Embed(Protocol):
    """Makes vectors of texts with one model."""

    @property
    def fingerprint(self) -> str:
        """What tells its vectors from another model's: equal dimensions do not mean equal spaces."""
        ...

    async def __call__(self, texts: Sequence[str], *, role: Literal["query", "document"] = "document") -> Embeddings:
        """Return one vector a text; a text that is too long is cut. Raises `Problem`."""
        ...


class Search(Protocol):
    """Finds what an app knows about a question, for one reader."""

    async def __call__(
        self,
        question: str,
        *,
        reader: Reader,
        top: int,
        where: tuple[Condition, ...] = (),
        recent: tuple[str, ...] = (),
        within: str = "",
    ) -> Found:
        """Return at most `top` passages, best first. Raises `Problem`.

        Args:
            question: as the user said it.
            reader: for whom.
            top: how many passages at most.
            where: what their documents must say, all of it.
            recent: what the user said before in this conversation, the oldest first.
            within: the id of the call for which it is made: what models are asked for it goes when that call goes.

        """
        ...

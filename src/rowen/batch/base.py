"""What a batch is, and who holds it."""

from typing import Literal

from rowen.store.base import Record, Records
from rowen.store.shelf import Shelf
from rowen.values import Value

State = Literal["validating", "failed", "in_progress", "finalizing", "completed", "expired", "cancelling", "cancelled"]
"""In the words of OpenAI's batches."""

ENDED: frozenset[State] = frozenset({"failed", "completed", "expired", "cancelled"})


class Holder(Value, frozen=True, kw_only=True):
    """Whose files and batches: those made with a key, or with the keys that it replaced when they were rotated."""

    tenant: str
    keys: tuple[str, ...]
    """The key that is used now, and those before it."""

    @property
    def key(self) -> str:
        """The id of the key that is used now."""
        return self.keys[0]


class LineFault(Value, frozen=True, kw_only=True):
    """Why a file cannot be a batch."""

    line: int
    """From 1; 0 for the file as a whole."""
    code: str
    message: str
    place: str = ""


class Tally(Value, frozen=True, kw_only=True):
    """How the lines of a batch ended."""

    ok: int = 0
    bad: int = 0
    unasked: int = 0
    """Not put to a model: the time was over, or the batch was cancelled."""
    ok_bytes: int = 0
    other_bytes: int = 0

    @property
    def ended(self) -> int:
        """Lines that are settled."""
        return self.ok + self.bad + self.unasked

    def plus(self, state: str, size: int) -> "Tally":
        """Return the tally with one line more, by its state and the bytes of its result."""
        match state:
            case "ok":
                return self.but(ok=self.ok + 1, ok_bytes=self.ok_bytes + size + 1)
            case "bad":
                return self.but(bad=self.bad + 1, other_bytes=self.other_bytes + size + 1)
            case _:
                return self.but(unasked=self.unasked + 1, other_bytes=self.other_bytes + size + (1 if size else 0))


class Batch(Value, frozen=True, kw_only=True):
    """Many requests to one endpoint, and how far they are.

    It bears the key that made it: each line is held against that key when it is asked, so a revoked key ends the batch.
    """

    id: str
    tenant: str
    key: str
    endpoint: str
    """The path that each line would be posted to: `/v1/chat/completions`."""
    input: str
    """The id of the file of its lines."""
    created_ns: int
    deadline_ns: int
    window: str = "24h"
    """As it was asked for."""
    address: str = ""
    """Where it was made from, since keys may be bound to networks."""
    app: str = ""
    feature: str = ""
    user: str = ""
    session: str = ""
    tags: tuple[str, ...] = ()
    metadata: dict[str, str] = {}
    state: State = "validating"
    begun_ns: int = 0
    cancelling_ns: int = 0
    ended_ns: int = 0
    total: int = 0
    tally: Tally = Tally()
    faults: tuple[LineFault, ...] = ()
    piece: int = 0
    """The first piece of the input that has lines left."""
    before: Tally = Tally()
    """How the lines of the pieces before that ended."""
    passes: int = 0
    """How often all lines were gone through, with some left for later since somebody else failed."""
    output: str = ""
    """The id of the file of answers; empty while there is none."""
    errors: str = ""
    """The id of the file of lines that were not answered."""


def batches_of(records: Records) -> Shelf[Batch]:
    """Return where batches stand."""

    def described(batch: Batch) -> Record:
        return Record(
            kind="batch", id=batch.id, tenant=batch.tenant, group=batch.key, state=batch.state, at_ns=batch.created_ns
        )

    return Shelf(records, "batch", Batch, described)

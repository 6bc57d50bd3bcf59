"""What comes back: a stream of small events, in batches. A plain answer is the fold of them (`values.answer`).

Order for one attempt: `Started`, then any of `Said`, `Reasoned`, `Signed`, `Called`, `CallArgs`, `Sounded`,
`Refusing`, `Likely`, then one `Finished` a choice, then `Used`.
"""

from collections.abc import AsyncGenerator, Sequence
from typing import Any

from rowen.values.base import Value
from rowen.values.knowledge import Citation
from rowen.values.money import Money
from rowen.values.usage import Usage


class Started(Value, frozen=True, kw_only=True, tag="started"):
    """The provider began to answer. `extra` keeps its further top-level fields (`system_fingerprint`, …)."""

    id: str = ""
    model: str = ""
    extra: dict[str, Any] = {}
    connecting: float = 0.0
    """Seconds that it took to be connected: name lookup, connection and TLS. 0 where a connection was there."""


class Said(Value, frozen=True, kw_only=True, tag="said"):
    """More text of the answer."""

    text: str
    choice: int = 0


class Reasoned(Value, frozen=True, kw_only=True, tag="reasoned"):
    """More of the reasoning that the model shows."""

    text: str
    choice: int = 0


class Signed(Value, frozen=True, kw_only=True, tag="signed"):
    """The vendor's signature of the reasoning so far, or reasoning it sends only encrypted (`hidden`)."""

    signature: str = ""
    hidden: str = ""
    choice: int = 0


class Called(Value, frozen=True, kw_only=True, tag="called"):
    """The model begins the tool call number `index`."""

    index: int
    id: str
    name: str
    choice: int = 0
    extra: dict[str, Any] = {}


class CallArgs(Value, frozen=True, kw_only=True, tag="call_args"):
    """More JSON text of the arguments of tool call number `index`."""

    index: int
    text: str
    choice: int = 0


class Sounded(Value, frozen=True, kw_only=True, tag="sounded"):
    """More sound of the answer: base64 `data`, `transcript`, either may be empty."""

    id: str = ""
    data: str = ""
    transcript: str = ""
    expires_at: int | None = None
    choice: int = 0


class Refusing(Value, frozen=True, kw_only=True, tag="refusing"):
    """More of the model's own words of refusal."""

    text: str
    choice: int = 0


class Likely(Value, frozen=True, kw_only=True, tag="likely"):
    """Log probabilities of the tokens just said, each `{token, logprob, bytes, top_logprobs}` as OpenAI shapes them."""

    tokens: tuple[dict[str, Any], ...]
    choice: int = 0


class Embedded(Value, frozen=True, kw_only=True, tag="embedded"):
    """The vectors of an embeddings request, in the order of its texts."""

    vectors: tuple[tuple[float, ...], ...]


class Finished(Value, frozen=True, kw_only=True, tag="finished"):
    """One choice ended. `reason`: stop, length, tool_calls, content_filter, refusal, pause, error.

    `stop` is the stop sequence that ended it, where the vendor says so.
    """

    reason: str
    choice: int = 0
    stop: str = ""
    extra: dict[str, Any] = {}
    citations: tuple[Citation, ...] = ()
    """What its statements rest on, in their order; only where the app answers from its knowledge."""


class Used(Value, frozen=True, kw_only=True, tag="used"):
    """The provider's own count, or our estimate. A later one replaces an earlier one of the same attempt."""

    usage: Usage


class Attempt(Value, frozen=True, kw_only=True, array_like=True):
    """One try at one deployment, as it went. Times are nanoseconds since 1970 UTC.

    Stored without names: a new field goes to the end.
    """

    deployment: str
    provider: str
    model: str
    started_ns: int
    ended_ns: int
    connected_ns: int = 0
    """When the connection stood that was made for it; 0 where one was there already, or nothing is known of it."""
    first_event_ns: int = 0
    status: str = "ok"
    """`ok`, `failed`, `cancelled` (the caller left), `hedged` (another attempt was faster)."""
    code: str = ""
    message: str = ""
    usage: Usage = Usage()
    cost: Money | None = None
    """What it cost; None when the price of the model is unknown, which is not the same as nothing."""
    waste: bool = False
    """Paid for, but its answer was not used."""
    reason: str = ""
    """Why this attempt was made: `first`, `retry`, `fallback`, `hedge`."""


Event = (
    Started | Said | Reasoned | Signed | Called | CallArgs | Sounded | Refusing | Likely | Embedded | Finished | Used
)

Events = AsyncGenerator[Sequence[Event], None]
"""The events of one answer, in batches: what came together travels together. No batch waits for another to fill it.

Closing it (`aclosing`) stops whatever is under way upstream."""

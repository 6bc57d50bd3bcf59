"""Models: what one can do, where it is deployed, and how long to wait for it."""

from typing import Literal

from rowen.values.base import Value
from rowen.values.message import Audio, File, Image
from rowen.values.request import Request

UnknownPolicy = Literal["refuse", "pass", "drop"]


class Profile(Value, frozen=True, kw_only=True):
    """What a model can do. A question about ability is a question to this value, never to a model's name."""

    chat: bool = True
    embeddings: bool = False
    tools: bool = True
    parallel_tools: bool = True
    images: bool = True
    audio: bool = False
    files: bool = True
    json: bool = True
    schema: bool = True
    logprobs: bool = True
    many: bool = True
    """More than one choice (`n`)."""
    seed: bool = True
    top_k: bool = False
    penalties: bool = True
    reasoning: bool = True
    context: int | None = None
    """Tokens of prompt and answer together; None when not known."""
    max_output: int | None = None

    def lacks(self, request: Request) -> tuple[str, ...]:
        """Return the fields of a request that the model cannot honour, in OpenAI's names where it has one."""
        missing: list[str] = []
        if request.kind == "embeddings":
            return () if self.embeddings else ("embeddings",)
        if not self.chat:
            missing.append("messages")
        if request.tools and not self.tools:
            missing.append("tools")
        if request.format is not None:
            if request.format.kind == "schema" and not self.schema:
                missing.append("response_format.json_schema")
            if request.format.kind == "json" and not self.json:
                missing.append("response_format")
        if request.logprobs and not self.logprobs:
            missing.append("logprobs")
        if request.n > 1 and not self.many:
            missing.append("n")
        if request.seed is not None and not self.seed:
            missing.append("seed")
        if request.top_k is not None and not self.top_k:
            missing.append("top_k")
        if not self.penalties and (request.frequency_penalty is not None or request.presence_penalty is not None):
            missing.append("frequency_penalty" if request.frequency_penalty is not None else "presence_penalty")
        if request.reasoning is not None and request.reasoning.effort != "none" and not self.reasoning:
            missing.append("reasoning_effort")
        if not (self.images and self.audio and self.files):
            missing.extend(self._unseen(request))
        return tuple(missing)

    def _unseen(self, request: Request) -> set[str]:
        found: set[str] = set()
        for message in request.messages:
            for part in message.parts:
                if isinstance(part, Image) and not self.images:
                    found.add("image parts")
                elif isinstance(part, Audio) and not self.audio:
                    found.add("audio parts")
                elif isinstance(part, File) and not self.files:
                    found.add("file parts")
        return found


class Patience(Value, frozen=True, kw_only=True):
    """How long to wait, in seconds.

    For the connection, the first event, each further event, an answer that comes in one piece, and for all of a call
    with every attempt at it.
    """

    connect: float = 5.0
    first: float = 60.0
    gap: float = 30.0
    whole: float = 300.0
    total: float = 600.0

    def waits(self, *, streamed: bool) -> tuple[float, float]:
        """Return how long to wait for the first event, and for each further one; one piece is silent until it is whole."""
        return (self.first, self.gap) if streamed else (self.whole, self.whole)


class Deployment(Value, frozen=True, kw_only=True):
    """One place where a model can be asked: a provider, its name for the model, and how to treat it."""

    name: str
    """Unique in the definition: the model's name, or `model/number` when it has several deployments."""
    model: str
    """The name that callers use."""
    provider: str
    """The kind in the provider catalogue."""
    upstream: str
    """The provider's own name for the model."""
    profile: Profile = Profile()
    patience: Patience = Patience()
    unknown: UnknownPolicy = "refuse"
    weight: float = 1.0
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    """Limits of the provider key that we know of; the route keeps below them."""
    traceparent: bool = False
    """Whether it is told of the call's trace."""
    region: str = ""
    """Where it stands, in the app's own words: `eu`, `us-east`."""
    ends: str = ""
    """The day from which the provider answers no longer, as `2027-01-14`; empty where nobody said so."""
    successor: str = ""
    """What the provider names in its place."""
    moving: bool = False
    """Whether the provider may let the name stand for another version."""

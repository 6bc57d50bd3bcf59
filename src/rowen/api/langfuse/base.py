"""What the Langfuse doors are handed, and what one request is to them.

Reference: https://api.reference.langfuse.com. Names on the wire are theirs.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from math import ceil
from typing import Any

import msgspec

from rowen.access import Entry
from rowen.api.base import DoorSettings
from rowen.api.metrics import Metrics
from rowen.api.otlp.base import Admit
from rowen.prompt import Prompts
from rowen.score.cases import Cases
from rowen.score.configs import Configs
from rowen.score.intake import Intake as Scoring
from rowen.score.review import Review
from rowen.store.base import Records, Scores, Traces
from rowen.trace.intake.take import Intake
from rowen.values import Clock, Mistaken, Refused, Scope, at
from rowen.values.whole import whole

SHAPE = "langfuse"
"""The endpoint's name, in metrics and among the `endpoints` of a key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Langfuse:
    """What the doors are handed."""

    admit: Admit
    intake: Intake
    scoring: Scoring
    scores: Scores
    configs: Configs
    review: Review
    cases: Cases
    traces: Traces
    prompts: Prompts
    records: Records
    clock: Clock
    metrics: Metrics
    settings: DoorSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request whose caller is admitted."""

    langfuse: Langfuse
    entry: Entry
    place: tuple[str, ...]
    """The parts of the path that vary."""
    query: Mapping[str, str]
    body: Any = None

    @property
    def tenant(self) -> str:
        """Whose it is."""
        return self.entry.caller.tenant

    def may(self, *scopes: Scope) -> None:
        """Go on when the key has one of the scopes.

        Raises:
            Refused: `key_scope`.

        """
        if not any(scope in self.entry.scopes for scope in scopes):
            wanted = " or ".join(f"`{scope}`" for scope in scopes)
            raise Refused("key_scope", f"the key needs the scope {wanted}", place="scopes")

    def sees(self, app: str) -> bool:
        """Return whether the key may see what belongs to an app."""
        return self.entry.sees(app)

    def number(self, name: str, default: int, most: int = 1_000_000) -> int:
        """Return a whole number of the query.

        Raises:
            Mistaken: `field_invalid`.

        """
        return whole(self.query, name, 1, most, usual=default)

    def read(self, kind: type[Any]) -> Any:
        """Return the body as a type.

        Raises:
            Mistaken: `field_invalid`.

        """
        try:
            return msgspec.convert(self.body, kind, strict=False)
        except msgspec.ValidationError as error:
            raise Mistaken("field_invalid", str(error)[:300], place="body") from None


Answer = Any | tuple[int, Any]
Run = Callable[[Asked], Awaitable[Any]]


class Body(msgspec.Struct, rename="camel", kw_only=True, omit_defaults=False):
    """A body that is sent or answered; what is not known in it is let be."""


def when(ns: int) -> str:
    """Return a moment as Langfuse writes it."""
    return at(ns).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def paged(items: list[Any], page: int, limit: int) -> dict[str, Any]:
    """Return one page of a list with what is said of all."""
    return {
        "data": items[(page - 1) * limit : page * limit],
        "meta": {
            "page": page,
            "limit": limit,
            "totalItems": len(items),
            "totalPages": ceil(len(items) / limit),
        },
    }

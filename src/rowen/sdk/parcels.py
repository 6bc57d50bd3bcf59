"""Items as requests: spans as OTLP to `/v1/traces`, judgements as JSON to `/api/scores`."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol, cast

from rowen.sdk import wire
from rowen.sdk.capture import encoded
from rowen.sdk.door import Reply
from rowen.sdk.judge import Judgement
from rowen.sdk.outbox import Item, Parcel

log = logging.getLogger("rowen.sdk")

_REFUSED = frozenset({400, 404, 409, 413, 422})
"""Rowen takes scores together or not at all; one that it refuses must not take the others with it."""


class Ended(Protocol):
    """A span that has ended."""

    size: int

    def encoded(self) -> bytes:
        """Return the span as OTLP writes it."""


class Writer:
    """Writes items down. `about` says what sends; it is asked in the thread that sends, once in each process."""

    def __init__(self, about: Callable[[], Mapping[str, str | int]]) -> None:
        self._about = about
        self._resource = b""
        self._scope = b""

    def parcels(self, items: Sequence[Item]) -> list[Parcel]:
        """Return the requests for some items. Spans leave before the judgements that are about them."""
        spans = [cast("Ended", item) for item in items if not isinstance(item, Judgement)]
        judgements = [item for item in items if isinstance(item, Judgement)]
        found = []
        if spans:
            written = {each: body for each in spans if (body := _written(each))}
            found.append(Parcel("/v1/traces", self._request(written.values()), "application/x-protobuf", list(written)))
        if judgements:
            body = encoded([each.told for each in judgements])
            found.append(Parcel("/api/scores", body, "application/json", judgements, parts=_REFUSED))
        return found

    def turned_down(self, parcel: Parcel, reply: Reply) -> tuple[int, str]:
        """Return how many spans of a request that was taken were turned down all the same, and why."""
        return wire.rejected(reply.body) if parcel.path == "/v1/traces" and reply.body else (0, "")

    def forget(self) -> None:
        """Ask again what sends: the process is another one."""
        self._resource = b""

    def _request(self, spans: Iterable[bytes]) -> bytes:
        if not self._resource:
            about = self._about()
            self._resource = wire.resource({name: value for name, value in about.items() if value != ""})
            self._scope = wire.scope("rowen.sdk", str(about.get("telemetry.sdk.version", "")))
        return wire.request(spans, self._resource, self._scope)


def _written(span: Ended) -> bytes:
    """Return a span as OTLP writes it; nothing for one that cannot be, which must not take its neighbours with it."""
    try:
        return span.encoded()
    except Exception as error:  # noqa: BLE001 - whatever a program gave as a name or a type
        log.debug("rowen: a span could not be written down: %r", error)
        return b""

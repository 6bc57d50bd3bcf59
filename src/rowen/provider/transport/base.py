"""The one seam through which providers speak HTTP."""

from collections.abc import AsyncIterator, Mapping
from typing import Protocol, Self


class Reply(Protocol):
    """An answer whose head has arrived. Whoever opened it closes it: `async with await transport.open(…) as reply`."""

    @property
    def status(self) -> int:
        """The HTTP status; redirects are not followed, so 3xx is seen here."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers by lower-case name; repeated ones are joined with a comma."""
        ...

    @property
    def connecting(self) -> float:
        """The seconds that name lookup, connection and TLS took; 0 where a kept connection was used."""
        ...

    @property
    def ended(self) -> bool:
        """Whether the whole body is here, so that reading it waits for nothing."""
        ...

    async def read(self, limit: int) -> bytes:
        """Return the whole body.

        Raises:
            Unavailable: `upstream_garbage` where it is longer than `limit` bytes, and what `chunks` raises.

        """
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body's bytes as they arrive; what came in one read of the socket comes as one piece.

        Raises:
            Unavailable: `upstream_cut`, `upstream_timeout` or `upstream_garbage`.

        """
        ...

    def let_go(self) -> None:
        """Forget the headers, which a stream need not hold for as long as it lasts."""
        ...

    async def close(self) -> None:
        """Abort the upstream connection at once, unless the body has ended. May be called more than once."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *_: object) -> None: ...


class Transport(Protocol):
    """Sends requests over pooled connections, one pool for each upstream."""

    async def open(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        connect_timeout: float,
        silence_timeout: float | None = None,
    ) -> Reply:
        """Send one request and return its reply once the head is there.

        Cancelling the task that waits here aborts the upstream connection at once.

        Args:
            method: such as `POST`; not `HEAD` and not `CONNECT`.
            url: `http` or `https`, without a user or password.
            headers: go out as they are; `host` and `content-length` are added.
            body: goes out whole, with the head where it is small.
            connect_timeout: seconds for name lookup, connection and TLS together.
            silence_timeout: the longest time, in seconds, in which the upstream may send nothing, from the request
                on and between any two pieces. None waits for ever.

        Raises:
            Unavailable: `upstream_connect` (nothing was sent), `upstream_cut`, `upstream_timeout` or
                `upstream_garbage`; `who` names the host, and no part of the request is repeated.
            Mistaken: `config_invalid` for an address or a header that cannot be sent.

        """
        ...

    async def close(self) -> None:
        """Close every connection, those in use included."""
        ...

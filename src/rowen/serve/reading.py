"""Reads the web for sources of documents, over the transport that providers use."""

import asyncio
from collections.abc import Mapping

from rowen.provider.transport import HttpTransport
from rowen.provider.transport.public import public
from rowen.retrieve.load import Page
from rowen.values import Mistaken, Unavailable

_CONNECT = 10


class Web:
    """Gets pages. Two pools: connections into one's own network are never taken for those that may not go there."""

    def __init__(self) -> None:
        self._public = HttpTransport(allowed=public)
        self._private = HttpTransport()

    async def __call__(
        self, url: str, headers: Mapping[str, str], *, limit: int, seconds: float, private: bool
    ) -> Page:
        transport = self._private if private else self._public
        try:
            async with (
                asyncio.timeout(seconds),
                await transport.open("GET", url, headers, b"", connect_timeout=min(_CONNECT, seconds)) as reply,
            ):
                length = reply.headers.get("content-length", "0")
                if length.isdigit() and int(length) > limit:
                    raise _too_large(limit, url)
                body = bytearray()
                async for piece in reply.chunks():
                    body += piece
                    if len(body) > limit:
                        raise _too_large(limit, url)
                return Page(reply.status, dict(reply.headers), bytes(body))
        except TimeoutError as error:
            raise Unavailable("upstream_timeout", f"It was not there within {seconds:g} seconds.", who=url) from error

    async def close(self) -> None:
        """Close all connections."""
        await self._public.close()
        await self._private.close()


def _too_large(limit: int, url: str) -> Mistaken:
    return Mistaken("document_too_large", f"it has more than {limit:,} bytes", place=url)

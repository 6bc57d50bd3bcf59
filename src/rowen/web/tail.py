"""The live tail: rows of new traces as they are written, as server-sent events that the list puts on top.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse

from rowen.access import COOKIE
from rowen.insight.views import USUAL
from rowen.store.base import TraceFilter
from rowen.values import Problem, TraceRow
from rowen.web.listing import columns_in, filters_of, found_by, lines_of, state_of
from rowen.web.page import ENVIRONMENT, HEADERS, Services
from rowen.web.seen import query_seen

EVERY = 1.0
"""Seconds between two looks."""
AT_ONCE = 50
"""Rows of one look at most: of more than that in a second, the newest are shown, and it is said."""


def tail(services: Services) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that streams the rows of traces that fit the filter in its address."""

    async def endpoint(request: Request) -> Response:
        try:
            visit = await services.sessions.visit(request.cookies.get(COOKIE, ""), services.address(request))
        except Problem:
            return RedirectResponse("/sign-in", 303)
        try:
            query = query_seen(request.query_params, visit)
            query.pop("before", None)
            wanted = await filters_of(query, visit, services, limit=AT_ONCE)
            names = state_of(query).columns or USUAL
        except Problem as problem:
            return PlainTextResponse(problem.message, problem.status, HEADERS)

        columns = columns_in(names, query, "when", "desc")

        async def events() -> AsyncIterator[str]:
            template = ENVIRONMENT.get_template("traces/row.html")
            async with aclosing(_looks(services, wanted)) as looks:
                await anext(looks)  # what is there by now is on the page already
                yield "retry: 2000\n\n"
                async for rows in looks:
                    if len(rows) == AT_ONCE:
                        yield _event("more", "More came than is shown.")
                    for line in [each for row in rows for each in await lines_of([row], names, services)]:
                        yield _event("row", template.render(line=line, columns=columns))
                    yield ": still here\n\n"  # lets a reader that left be noticed

        return StreamingResponse(
            events(), media_type="text/event-stream", headers={**HEADERS, "x-accel-buffering": "no"}
        )

    return endpoint


async def _looks(services: Services, wanted: Mapping[str, TraceFilter]) -> AsyncGenerator[list[TraceRow], None]:
    """Yield, look by look, the rows that were not among the newest before, oldest first."""
    seen: set[str] = set()
    while True:
        rows = await found_by(wanted, services)
        yield [row for row in reversed(rows) if row.id not in seen]
        seen = {row.id for row in rows}
        await asyncio.sleep(EVERY)


def _event(kind: str, data: str) -> str:
    lines = "".join(f"data: {line}\n" for line in data.splitlines() if line.strip())
    return f"event: {kind}\n{lines}\n" if lines else ""

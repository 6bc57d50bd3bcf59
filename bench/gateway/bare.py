"""The floor: uvicorn and Rowen's transport, and nothing between them. `python bare.py PORT UPSTREAM`.

It forwards what it gets and keeps nothing, so no gateway on this interpreter, server and transport can take less.
"""

import os
import sys
from typing import Any

import uvicorn

from rowen.provider.transport import HttpTransport

transport = HttpTransport()
upstream = f"http://127.0.0.1:{sys.argv[2]}"
headers = {
    "content-type": "application/json",
    "accept": "text/event-stream, application/json",
    "authorization": f"Bearer {os.environ['BENCH_UPSTREAM_KEY']}",
}


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    body, more = b"", True
    while more:
        message = await receive()
        body += message["body"]
        more = message["more_body"]
    reply = await transport.open("POST", upstream + scope["path"], headers, body, connect_timeout=5)
    kind = reply.headers["content-type"].encode()
    head: list[tuple[bytes, bytes]] = [(b"content-type", kind)]
    try:
        if not kind.startswith(b"text/event-stream"):
            whole = await reply.read(10_000_000)
            head.append((b"content-length", b"%d" % len(whole)))
            await send({"type": "http.response.start", "status": reply.status, "headers": head})
            await send({"type": "http.response.body", "body": whole})
            return
        await send({"type": "http.response.start", "status": reply.status, "headers": head})
        async for piece in reply.chunks():
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        await reply.close()


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), loop="uvloop", http="httptools", lifespan="off", log_level="error")

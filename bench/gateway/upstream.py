"""A mock of OpenAI's chat completions, cheap enough not to disturb what is measured. `python upstream.py PORT`.

The prompt says how to answer, so that every gateway needs only one model:

    (nothing)   the whole answer, or 100 chunks as fast as the socket takes them, each in its own write
    [paced]     100 chunks, one every 20 ms (50 tokens a second)
    [hang]      one chunk, and then nothing until the caller leaves
"""

import asyncio
import sys

import uvloop

CHUNKS = 100
GAP = 0.02
SLOTS = 10  # streams are spread over the gap, so that they are not all written in one turn

_WORDS = ["the", "second", "growth", "of", "a", "meadow", "comes", "after", "the", "first", "mowing", "and", "it", "is"]
MODEL = "gpt-4o-mini"


def _http(body: bytes, kind: bytes = b"application/json", status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 %b\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n%b" % (status, kind, len(body), body)


def _chunk(delta: str, finish: str = "null", usage: str = "null", *, empty: bool = False) -> bytes:
    choices = "[]" if empty else f'[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{finish}}}]'
    event = (
        f'data: {{"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1770000000,"model":"{MODEL}",'
        f'"system_fingerprint":"fp_bench","choices":{choices},"usage":{usage}}}\n\n'
    ).encode()
    return b"%x\r\n%b\r\n" % (len(event), event)


_USAGE = '{"prompt_tokens":41,"completion_tokens":100,"total_tokens":141}'
_TEXT = " ".join(_WORDS[i % len(_WORDS)] for i in range(CHUNKS))
WHOLE = _http(
    (
        f'{{"id":"chatcmpl-bench","object":"chat.completion","created":1770000000,"model":"{MODEL}",'
        f'"system_fingerprint":"fp_bench","choices":[{{"index":0,"message":{{"role":"assistant","content":"{_TEXT}",'
        f'"refusal":null}},"logprobs":null,"finish_reason":"stop"}}],"usage":{_USAGE}}}'
    ).encode()
)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
STREAM = [
    HEAD + _chunk('{"role":"assistant","content":"the"}'),
    *(_chunk(f'{{"content":" {_WORDS[i % len(_WORDS)]}"}}') for i in range(1, CHUNKS)),
]
LAST = _chunk("{}", '"stop"') + _chunk("{}", usage=_USAGE, empty=True) + b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
MODELS = _http(f'{{"object":"list","data":[{{"id":"{MODEL}","object":"model","owned_by":"bench"}}]}}'.encode())


class Wheel:
    """Writes the chunks of all paced streams from one timer."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._slots: list[list[tuple[Answer, int]]] = [[] for _ in range(SLOTS)]
        self._due = loop.time()
        self._at = 0
        self._next = 0
        self._tick()

    def add(self, answer: "Answer") -> None:
        self._slots[self._next % SLOTS].append((answer, 0))
        self._next += 1

    def _tick(self) -> None:
        now = self._loop.time()
        while self._due <= now:
            self._slots[self._at] = [
                (answer, sent + 1) for answer, sent in self._slots[self._at] if not answer.write_chunk(sent)
            ]
            self._at = (self._at + 1) % SLOTS
            self._due += GAP / SLOTS
        self._loop.call_at(self._due, self._tick)


class Answer(asyncio.Protocol):
    """One connection of a gateway."""

    def __init__(self, loop: asyncio.AbstractEventLoop, wheel: Wheel) -> None:
        self._loop = loop
        self._wheel = wheel
        self._buffer = b""
        self._body = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        head = buffer.find(b"\r\n\r\n")
        if head < 0:
            self._buffer = buffer
            return
        if not self._whole(buffer, head + 4):
            self._buffer = buffer
            return
        self._buffer = b""
        self._answer(buffer)

    def _whole(self, buffer: bytes, body: int) -> bool:
        lower = buffer[:body].lower()
        at = lower.find(b"content-length:")
        if at >= 0:
            return len(buffer) - body >= int(lower[at + 15 : lower.index(b"\r", at)])
        if b"transfer-encoding: chunked" in lower:
            return buffer.endswith(b"0\r\n\r\n")
        return True

    def _answer(self, request: bytes) -> None:
        if request.startswith((b"GET", b"HEAD")):
            self._transport.write(MODELS)
        elif b'"stream":true' not in request and b'"stream": true' not in request:
            self._transport.write(WHOLE)
        elif b"[paced]" in request:
            self._wheel.add(self)
        elif b"[hang]" in request:
            self._transport.write(STREAM[0])
        else:
            self._burst(0)

    def _burst(self, sent: int) -> None:
        if not self.write_chunk(sent):
            # One write a turn of the loop, as a server does that writes what its model gives it.
            self._loop.call_soon(self._burst, sent + 1)

    def write_chunk(self, sent: int) -> bool:
        """Write the next chunk; return whether the stream has ended."""
        if self._transport.is_closing():
            return True
        if sent < CHUNKS:
            self._transport.write(STREAM[sent])
            return False
        self._transport.write(LAST)
        return True


async def main(port: int) -> None:
    loop = asyncio.get_running_loop()
    wheel = Wheel(loop)
    server = await loop.create_server(lambda: Answer(loop, wheel), "127.0.0.1", port, backlog=4096)
    print("listening", flush=True)  # whoever started it may wait for this line
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))

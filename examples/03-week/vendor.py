"""A made-up vendor of models and a made-up pager, on one loopback port. It knows ten answers and does as it is told.

What it answers depends on the system prompt: told to name the page, it does; told to be warm, it rambles. How long it
takes is made up as well: `spend` says how that time goes by.
"""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from typing import Any

PORT = 8485
ANSWERS = {
    "How many days of holiday do I have?": ("You have 28 days of holiday a year.", 12),
    "Who signs my travel costs?": ("Your team lead signs travel costs up to 500 euros.", 31),
    "May I work from abroad?": ("You may work from abroad for 20 days a year.", 14),
    "When is salary paid?": ("Salary is paid on the last working day of the month.", 8),
    "How do I report a broken laptop?": ("Write to the service desk, which replaces it within a day.", 44),
    "What is the notice period?": ("The notice period is three months to the end of a quarter.", 9),
    "Is there a budget for books?": ("Each of us has 300 euros a year for books.", 52),
    "How do I get a parking space?": ("Parking spaces are drawn by lot in January.", 61),
    "Do we get a day off for moving house?": ("You get one day off for moving house.", 13),
    "What do I do when I am ill?": ("Tell your team lead by nine, and send the note by the third day.", 17),
}
RAMBLE = (
    "What a lovely question, and thank you for asking it! Many of us have wondered about that. "
    "There is a little history behind it, which goes back to the years in which the company was small. "
)

Spend = Callable[[float], Awaitable[None]]


class Vendor:
    """Answers chats in OpenAI's shape, and takes notices at `/pager`.

    Args:
        spend: lets so many made-up seconds go by.
        paged: is told each notice.
        seed: what chance begins with.

    """

    def __init__(self, spend: Spend, paged: Callable[[dict[str, Any]], None], seed: int = 3) -> None:
        self._spend, self._paged = spend, paged
        self._chance = random.Random(seed)
        self.down = False
        self.slow = 1.0
        """How many times longer than usual it takes until the first word."""

    async def serve(self) -> asyncio.Server:
        """Listen; the caller closes what this gives."""
        return await asyncio.start_server(self._one, "127.0.0.1", PORT)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next(line.split(":")[1] for line in head.lower().splitlines() if line.startswith("content-length"))
            body = json.loads(await reader.readexactly(int(length)))
            if head.split()[1] == "/pager":
                self._paged(body)
                writer.write(_head("204 No Content", "text/plain"))
            elif self.down:
                await self._spend(0.3)
                said = {"error": {"message": "overloaded, try later", "type": "server_error"}}
                writer.write(_head("503 Service Unavailable", "application/json") + json.dumps(said).encode())
            else:
                await self._answer(body, writer)
            await writer.drain()
        finally:
            writer.close()

    async def _answer(self, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        text = self._text(body["messages"], large="large" in body["model"])
        usage = {"prompt_tokens": len(json.dumps(body["messages"])) // 4, "completion_tokens": len(text) // 4}
        chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}
        writing = len(text) / 400
        await self._spend(self._chance.lognormvariate(-0.9, 0.25) * self.slow)
        if not body.get("stream"):
            await self._spend(writing)
            message = {"role": "assistant", "content": text}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            whole = json.dumps({**chunk, "object": "chat.completion", "choices": [choice], "usage": usage})
            writer.write(_head("200 OK", "application/json") + whole.encode())
            return
        writer.write(_head("200 OK", "text/event-stream"))
        first, _, rest = text.partition(" ")
        await self._event(writer, {**chunk, "choices": [_said(first + " ")]})
        await self._spend(writing)
        await self._event(writer, {**chunk, "choices": [_said(rest)]})
        await self._event(writer, {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        await self._event(writer, {**chunk, "choices": [], "usage": usage})
        writer.write(b"data: [DONE]\n\n")

    async def _event(self, writer: asyncio.StreamWriter, event: dict[str, Any]) -> None:
        writer.write(f"data: {json.dumps(event)}\n\n".encode())
        await writer.drain()

    def _text(self, messages: list[dict[str, Any]], *, large: bool) -> str:
        told = " ".join(str(each["content"]) for each in messages if each["role"] == "system")
        asked = str(messages[-1]["content"])
        if large:
            return "Most questions were about holidays, travel costs and salary. " * 6
        if asked not in ANSWERS:
            return "The handbook does not say."
        fact, page = ANSWERS[asked]
        if "name the page" in told:
            return f"{fact} (Handbook, page {page})" if self._chance.random() < 0.995 else fact
        return f"{RAMBLE * 2}{fact}" if self._chance.random() < 0.8 else f"{RAMBLE}{fact} (Handbook, page {page})"


def _head(status: str, type_: str) -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-type: {type_}\r\nconnection: close\r\n\r\n".encode()


def _said(text: str) -> dict[str, Any]:
    return {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}

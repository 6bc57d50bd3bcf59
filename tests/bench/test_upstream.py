"""The benchmark's upstream must answer as OpenAI does, else what is measured before it means nothing."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

UPSTREAM = Path(__file__).parents[2] / "bench" / "gateway" / "upstream.py"
ASKED = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
async def port() -> AsyncIterator[int]:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        number = found.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(UPSTREAM), str(number), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    await process.stdout.readline()
    yield number
    process.terminate()
    await process.wait()


async def test_answers_whole_with_a_usage(port: int):
    head, body = await _ask(port, ASKED)

    answer = msgspec.json.decode(body)
    assert head.startswith(b"HTTP/1.1 200")
    assert len(answer["choices"][0]["message"]["content"].split()) == 100
    assert answer["usage"]["total_tokens"] == 141


async def test_streams_a_hundred_chunks_and_the_usage_last(port: int):
    head, body = await _ask(port, {**ASKED, "stream": True})

    lines = [line for line in body.split(b"\n") if line.startswith(b"data: ")]
    events = [msgspec.json.decode(line[6:]) for line in lines[:-1]]
    assert b"transfer-encoding: chunked" in head
    assert lines[-1] == b"data: [DONE]"
    assert sum(1 for event in events if event["choices"] and event["choices"][0]["delta"].get("content")) == 100
    assert events[-1]["usage"]["completion_tokens"] == 100


async def test_serves_a_kept_connection_again(port: int):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    answers = []
    for _ in range(2):
        writer.write(_request(ASKED))
        head = await reader.readuntil(b"\r\n\r\n")
        answers.append(await reader.readexactly(_length(head)))
    writer.close()

    assert answers[0] == answers[1]


async def _ask(port: int, body: dict[str, object]) -> tuple[bytes, bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_request(body))
    head = await reader.readuntil(b"\r\n\r\n")
    if b"content-length" in head:
        whole = await reader.readexactly(_length(head))
    else:
        whole = await reader.readuntil(b"\r\n0\r\n\r\n")
    writer.close()
    return head, whole


def _request(body: dict[str, object]) -> bytes:
    encoded = msgspec.json.encode(body)
    return b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%b" % (len(encoded), encoded)


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])

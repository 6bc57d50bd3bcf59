"""Connections are pooled, renewed, bounded and given up as they should be."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
import trustme
import uvloop

from rowen.provider.transport import HttpTransport
from rowen.provider.transport.connection import HIGH_WATER
from rowen.testing.upstream import CloseKeepAlive, Cut, FaultUpstream, Garbage, Hang, Huge, Reply, Stream
from rowen.values.errors import Mistaken, Unavailable


@pytest.fixture
async def up() -> AsyncIterator[FaultUpstream]:
    async with FaultUpstream() as upstream:
        yield upstream


@pytest.fixture
async def transport() -> AsyncIterator[HttpTransport]:
    transport = HttpTransport()
    yield transport
    await transport.close()


async def fetched(transport: HttpTransport, url: str, **headers: str) -> bytes:
    async with await transport.open("POST", url, headers, b"{}", connect_timeout=5) as reply:
        return await reply.read(1_000_000)


async def test_one_connection_serves_calls_in_turn(up: FaultUpstream, transport: HttpTransport):
    up.on("*", Reply(body=b"1"), Stream(chunks=(b"2",)), Reply(body=b"3"))

    bodies = [await fetched(transport, up.url) for _ in range(5)]

    assert bodies == [b"1", b"2", b"3", b"3", b"3"]
    assert up.connections == transport.connections == 1


async def test_only_the_call_that_needs_a_connection_is_told_how_long_it_took(
    up: FaultUpstream, transport: HttpTransport
):
    up.on("*", Reply(body=b"1"))
    took = []
    for _ in range(2):
        async with await transport.open("POST", up.url, {}, b"", connect_timeout=5) as reply:
            took.append(reply.connecting)
            await reply.read(10)

    assert took[0] > 0
    assert took[1] == 0


async def test_calls_at_once_have_connections_of_their_own(up: FaultUpstream, transport: HttpTransport):
    up.on("*", Stream(chunks=(b"a", b"b"), gap=0.02))

    bodies = await asyncio.gather(*(fetched(transport, up.url) for _ in range(20)))

    assert set(bodies) == {b"ab"}
    assert up.connections == 20
    assert up.disconnects == 0


async def test_each_piece_is_given_before_the_next_is_sent(up: FaultUpstream, transport: HttpTransport):
    up.on("*", Hang(then=Stream(chunks=(b"one", b"two")), after_chunks=1))

    async with await transport.open("POST", up.url, {}, b"", connect_timeout=5) as reply:
        first = await anext(aiter(reply.chunks()))

    assert first == b"one"


async def test_the_head_is_given_before_the_body_is_sent(up: FaultUpstream, transport: HttpTransport):
    up.on("*", Hang(then=Reply(status=418, headers={"X-Name": "a"}), after_bytes=0))

    async with await transport.open("POST", up.url, {}, b"", connect_timeout=5) as reply:
        assert reply.status == 418
        assert reply.headers["x-name"] == "a"


async def test_repeated_headers_are_joined(up: FaultUpstream, transport: HttpTransport):
    up.on("*", Garbage(data=b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 0\r\n\r\n"))

    async with await transport.open("POST", up.url, {}, b"", connect_timeout=5) as reply:
        assert reply.headers["x-a"] == "1, 2"


async def test_closing_the_reply_aborts_the_upstream(up: FaultUpstream, transport: HttpTransport):
    up.on("*", Hang(then=Stream(chunks=(b"one", b"two")), after_chunks=1))
    reply = await transport.open("POST", up.url, {}, b"", connect_timeout=5)
    await anext(aiter(reply.chunks()))

    await reply.close()
    await reply.close()

    await up.until(lambda: up.disconnects == 1)
    assert transport.connections == 0


async def test_closing_the_body_iterator_aborts_the_upstream(up: FaultUpstream, transport: HttpTransport):
    up.on("*", Hang(then=Stream(chunks=(b"one", b"two")), after_chunks=1))
    reply = await transport.open("POST", up.url, {}, b"", connect_timeout=5)
    pieces = reply.chunks()
    await anext(pieces)

    await pieces.aclose()  # type: ignore[attr-defined]

    await up.until(lambda: up.disconnects == 1)


@pytest.mark.parametrize("behaviour", [Hang(), Hang(then=Stream(chunks=(b"one", b"two")), after_chunks=1)])
async def test_cancelling_the_task_aborts_the_upstream(behaviour: Hang, up: FaultUpstream, transport: HttpTransport):
    up.on("*", behaviour)
    task = asyncio.create_task(fetched(transport, up.url))
    await up.until(lambda: len(up.requests) == 1)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    await up.until(lambda: up.disconnects == 1)
    assert up.open_connections == 0


async def test_cancelling_a_wait_for_the_next_piece_aborts_while_the_reply_is_still_held(
    up: FaultUpstream, transport: HttpTransport
):
    up.on("*", Hang(then=Stream(chunks=(b"one", b"two")), after_chunks=1))
    reply = await transport.open("POST", up.url, {}, b"", connect_timeout=5)
    pieces = reply.chunks()
    await anext(pieces)
    task = asyncio.ensure_future(anext(pieces))
    await asyncio.sleep(0)

    task.cancel()

    await up.until(lambda: up.disconnects == 1)
    assert task.done()


async def test_a_connection_that_went_stale_is_replaced_once(up: FaultUpstream, transport: HttpTransport):
    up.on("*", Reply(), CloseKeepAlive(then=Reply(body=b"again")))
    await fetched(transport, up.url)

    body = await fetched(transport, up.url)

    assert body == b"again"
    assert up.connections == 2
    assert len(up.requests) == 3


async def test_a_new_connection_that_is_cut_is_not_tried_again(up: FaultUpstream, transport: HttpTransport):
    up.on("*", Reply(), CloseKeepAlive(then=Cut()))
    await fetched(transport, up.url)

    with pytest.raises(Unavailable) as caught:
        await fetched(transport, up.url)

    assert caught.value.code == "upstream_cut"
    assert len(up.requests) == 3


async def test_a_request_whose_answer_had_begun_is_not_sent_again(up: FaultUpstream, transport: HttpTransport):
    up.on("*", Reply(), Cut(then=Garbage(data=b"HTTP/1.1 200 "), after_bytes=1))
    await fetched(transport, up.url)

    with pytest.raises(Unavailable) as caught:
        await fetched(transport, up.url)

    assert caught.value.code == "upstream_cut"
    assert len(up.requests) == 2


async def test_silence_on_a_used_connection_is_not_answered_by_asking_again(
    up: FaultUpstream, transport: HttpTransport
):
    up.on("*", Reply(), Hang())
    await fetched(transport, up.url)

    with pytest.raises(Unavailable) as caught:
        await transport.open("POST", up.url, {}, b"", connect_timeout=5, silence_timeout=0.05)

    assert caught.value.code == "upstream_timeout"
    assert len(up.requests) == 2


async def test_an_idle_connection_that_the_upstream_closes_is_forgotten(up: FaultUpstream, transport: HttpTransport):
    up.on("*", Reply(body=b"fine"))
    await fetched(transport, up.url)

    up.close_idle()

    assert await fetched(transport, up.url) == b"fine"
    assert transport.connections == 1


async def test_an_answer_nobody_asked_for_is_not_given_to_the_next_call(up: FaultUpstream, transport: HttpTransport):
    twice = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nmine" + b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nother"
    up.on("*", Cut(then=Garbage(data=twice), after_bytes=0), Reply(body=b"mine too"))

    first = await fetched(transport, up.url)
    second = await fetched(transport, up.url)

    assert (first, second) == (b"mine", b"mine too")
    assert up.connections == 2


async def test_an_idle_connection_is_closed_when_it_is_old(up: FaultUpstream):
    transport = HttpTransport(max_idle_age=0.05)
    up.on("*", Reply())
    await fetched(transport, up.url)

    await up.until(lambda: up.open_connections == 0)

    assert transport.connections == 0
    await transport.close()


async def test_upstreams_have_pools_of_their_own(up: FaultUpstream, transport: HttpTransport):
    async with FaultUpstream() as other:
        up.on("*", Reply(body=b"one"))
        other.on("*", Reply(body=b"two"))

        bodies = [await fetched(transport, url) for url in (up.url, other.url, up.url, other.url)]

        assert bodies == [b"one", b"two", b"one", b"two"]
        assert (up.connections, other.connections) == (1, 1)


async def test_a_slow_consumer_holds_the_upstream_back(up: FaultUpstream, transport: HttpTransport):
    up.on("*", Huge(size=30_000_000, piece=1_000_000))
    largest = size = 0

    async with await transport.open("POST", up.url, {}, b"", connect_timeout=5) as reply:
        async for piece in reply.chunks():
            largest = max(largest, len(piece))
            size += len(piece)
            for _ in range(30):
                await asyncio.sleep(0)  # turns of the event loop in which the socket could be read

    assert size == 30_000_000
    assert largest <= 2 * HIGH_WATER + 1


async def test_a_paused_connection_serves_the_next_call(up: FaultUpstream, transport: HttpTransport):
    up.on("*", Huge(size=HIGH_WATER + 1), Reply(body=b"next"))
    reply = await transport.open("POST", up.url, {}, b"", connect_timeout=5)

    body = await reply.read(HIGH_WATER + 1)

    assert len(body) == HIGH_WATER + 1
    assert await fetched(transport, up.url) == b"next"
    assert up.connections == 1


async def test_a_large_request_arrives_whole(up: FaultUpstream, transport: HttpTransport):
    up.on("*", Reply())
    sent = bytes(range(256)) * 20_000

    async with await transport.open("POST", up.url, {}, sent, connect_timeout=5) as reply:
        await reply.read(100)

    assert up.requests[0].body == sent


async def test_tries_the_other_addresses_of_a_name(up: FaultUpstream, transport: HttpTransport):
    up.on("*", Reply(body=b"here"))

    body = await fetched(transport, up.url.replace("127.0.0.1", "localhost"))

    assert body == b"here"


async def test_a_port_where_nobody_listens_is_an_upstream_that_cannot_be_reached(transport: HttpTransport):
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}/?key=sk-secret"

        with pytest.raises(Unavailable) as caught:
            await fetched(transport, url)

    assert caught.value.code == "upstream_connect"
    assert "sk-secret" not in str(caught.value)


async def test_a_name_that_does_not_exist_is_an_upstream_that_cannot_be_reached(transport: HttpTransport):
    with pytest.raises(Unavailable, match="cannot be resolved") as caught:
        await fetched(transport, "http://nowhere.invalid/")

    assert caught.value.code == "upstream_connect"
    assert caught.value.who == "nowhere.invalid"


async def test_a_handshake_that_never_ends_is_an_upstream_that_cannot_be_reached(transport: HttpTransport):
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        url = f"https://127.0.0.1:{mute.getsockname()[1]}/"

        with pytest.raises(Unavailable, match=r"within 0\.1 seconds") as caught:
            await transport.open("POST", url, {}, b"", connect_timeout=0.1)

    assert caught.value.code == "upstream_connect"
    assert transport.connections == 0


def authority() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context for localhost, and one of a client that trusts it."""
    ca = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("localhost").configure_cert(server)
    client = ssl.create_default_context()
    ca.configure_trust(client)
    return server, client


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_speaks_tls_with_an_upstream_it_trusts(run: Callable[[Coroutine[Any, Any, None]], None]):
    server, client = authority()

    async def call() -> None:
        async with FaultUpstream(host="localhost", tls=server) as up:
            up.on("*", Stream(chunks=(b"a", b"b")), Stream(chunks=(b"a", b"b"), until_close=True))
            transport = HttpTransport(tls=client)

            bodies = [await fetched(transport, up.url) for _ in range(2)]

            await transport.close()
            await up.until(lambda: up.open_connections == 0)
        assert bodies == [b"ab", b"ab"]
        assert up.connections == 1

    run(call())


@pytest.mark.parametrize("case", ["an authority it does not know", "another host's certificate"])
async def test_refuses_a_certificate(case: str):
    server, client = authority()
    trusts = case == "another host's certificate"
    async with FaultUpstream(host="127.0.0.1" if trusts else "localhost", tls=server) as up:
        transport = HttpTransport(tls=client if trusts else None)

        with pytest.raises(Unavailable, match="is not trusted") as caught:
            await fetched(transport, up.url)

        await transport.close()
        await up.until(lambda: up.open_connections == 0)

    assert caught.value.code == "upstream_connect"
    assert not up.requests


async def test_a_closed_transport_breaks_what_is_under_way_and_takes_nothing_new(up: FaultUpstream):
    transport = HttpTransport()
    up.on("*", Hang())
    task = asyncio.create_task(fetched(transport, up.url))
    await up.until(lambda: len(up.requests) == 1)

    await transport.close()

    with pytest.raises(Unavailable):
        await task
    with pytest.raises(Unavailable, match="closed"):
        await fetched(transport, up.url)
    await up.until(lambda: up.open_connections == 0)
    assert len(up.requests) == 1


async def test_sends_the_request_as_given(up: FaultUpstream, transport: HttpTransport):
    up.on("*", Reply())

    await fetched(transport, f"{up.url}/v1/x?a=b%20c#part", **{"X-Name": "value", "Host": "elsewhere"})

    (request,) = up.requests
    assert (request.method, request.path, request.query, request.body) == ("POST", "/v1/x", "a=b%20c", b"{}")
    assert request.headers == {
        "host": up.url.removeprefix("http://"),
        "content-length": "2",
        "x-name": "value",
        "accept-encoding": "identity",
    }


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ({"authorization": "Bearer sk-secret\n"}, "header `authorization` has a line break"),
        ({"x-a": "1\r\nx-b: sk-secret"}, "header `x-a` has a line break"),
        ({"x-a": "sk-secret\0"}, "header `x-a` has a line break"),
        ({"x-a": "sk-secret-é"}, "header `x-a` has a letter outside ASCII"),
        ({"x a": "sk-secret"}, "'x a' is not a header name"),
        ({"": "sk-secret"}, "'' is not a header name"),
    ],
)
async def test_a_header_that_cannot_be_sent_is_named_without_its_value(
    headers: dict[str, str], says: str, up: FaultUpstream, transport: HttpTransport
):
    with pytest.raises(Mistaken, match=says) as caught:
        await fetched(transport, up.url, **headers)

    assert "sk-secret" not in str(caught.value)
    assert up.connections == 0


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/",
        "example.org",
        "http://",
        "http://user:sk-secret@example.org/",
        "http://example.org:99999/",
        "http://example.org/a b?sk-secret",
    ],
)
async def test_an_address_that_cannot_be_called_is_refused_without_its_secrets(url: str, transport: HttpTransport):
    with pytest.raises(Mistaken) as caught:
        await fetched(transport, url)

    assert caught.value.code == "config_invalid"
    assert "sk-secret" not in str(caught.value)
